#!/usr/bin/env python3
"""Real clients of OpenAI's API before `fellowship serve`, unchanged but for the base URL: each does its job against a
provider of ours, and then again when the provider is gone: the same answers, all from the store.

Not part of `make check`: the first run installs pinned packages from PyPI and npm into build/clients, some 3 GB on disk.
The clients clash in what they want, so each has an environment of its own. Names on the command line choose clients.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import host
import openai_paths as paths
import provider_server as p
import tap
from provider_server import Answer, Provider
from serving import Serving

BUILD = host.ROOT / "build" / "clients"
PYTHON = {"openai_sync": ["openai==3.57.0"], "openai_async": ["openai==3.57.0"], "langchain": ["langchain-openai==1.7.4"],
          "litellm": ["litellm==1.108.7"], "inspect": ["inspect-ai==0.3.285", "openai==3.57.0"],
          "distilabel": ["distilabel[openai]==1.5.3", "requests"], "lm_eval": ["lm-eval[api]==0.4.13"]}
NODE = {"openai_node": ["openai@6.49.0"], "promptfoo": ["promptfoo@0.121.20"]}
QUIET = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "PROMPTFOO_DISABLE_TELEMETRY": "1",
         "PROMPTFOO_DISABLE_UPDATE": "1", "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1", "PYTHONDONTWRITEBYTECODE": "1", "OPENAI_API_KEY": "any", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
TIMEOUT = 600


# ---- the provider -------------------------------------------------------------------------

def said(message):
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def chat(body):
    prompt = said(body["messages"][-1])
    if body.get("tools"):
        call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
        return Answer(p.openai(None, finish="tool_calls", tool_calls=[call]))
    text = '{"name": "Rhine"}' if (body.get("response_format") or {}).get("type") == "json_schema" else prompt.upper()
    if body.get("stream"):
        return Answer(parts=p.openai_stream([text[i:i + 5] for i in range(0, len(text), 5)], done=True))
    return Answer(p.openai(text))


def answer(request):
    body, path = request.body, request.path
    if path.endswith("/embeddings"):
        return Answer(paths.embeddings(body))
    if path.endswith("/responses"):
        text = (body["input"] if isinstance(body["input"], str) else said(body["input"][-1])).upper()
        return Answer(parts=p.sse(*paths.response_events(text[:3], text[3:]), names=True)) if body.get("stream") else Answer(paths.response(paths.message(text)))
    if path.endswith("/chat/completions"):
        return chat(body)
    text = str(body["prompt"]).upper()
    return Answer(parts=p.sse(*paths.completion_chunks(text), done=True)) if body.get("stream") else Answer(paths.completion(text))


# ---- the clients --------------------------------------------------------------------------

def environment_of(name):
    return BUILD / ("openai" if name.startswith("openai_") and name in PYTHON else "node" if name in NODE else name)


def install(name):
    """The client's environment; installed when what is wanted has changed."""
    folder, packages = environment_of(name), PYTHON.get(name) or sum(NODE.values(), [])
    mark = folder / ".installed"
    if mark.exists() and mark.read_text() == " ".join(packages):
        return folder
    print(f"installing {' '.join(packages)} into {folder.relative_to(host.ROOT)}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    if name in NODE:
        folder.mkdir(parents=True)
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *packages], cwd=folder, check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", *packages], check=True)
    mark.write_text(" ".join(packages))
    return folder


def command_of(name, folder, out):
    if name == "openai_node":
        shutil.copy(HERE / "openai_node.mjs", folder)
        return ["node", folder / "openai_node.mjs"]
    if name == "promptfoo":
        return [folder / "node_modules" / ".bin" / "promptfoo", "eval", "-c", HERE / "promptfoo.yaml", "--no-cache", "--no-write", "--no-progress-bar", "-o", out]
    return [folder / "bin" / "python", HERE / f"{name}_job.py"]


def run(name, folder, port, scratch):
    """What a client's job was answered, or None."""
    out = scratch / f"{name}.json"
    out.unlink(missing_ok=True)
    home = scratch / "home"
    home.mkdir(exist_ok=True)
    with open(scratch / "log", "wb") as log:
        done = subprocess.run(command_of(name, folder, out), cwd=scratch.path, stdout=log, stderr=log, timeout=TIMEOUT, stdin=subprocess.DEVNULL,
                              env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(home), "CLIENTS_URL": f"http://localhost:{port}/v1", "CLIENTS_OUT": str(out), **QUIET})
    if not out.exists():
        tap.diag((scratch / "log").read_text(errors="replace")[-3000:])
        return None
    found = json.loads(out.read_text())
    if name == "promptfoo":
        found = {"passed": found["results"]["stats"]["successes"], "answers": sorted(r["response"]["output"] for r in found["results"]["results"] if r.get("response"))}
    tap.ok(done.returncode in (0, None), f"{name}: its program ends well", done.returncode)
    return found


WANT = {
    "openai_sync": {"whole": "WHOLE", "several": ["SEVERAL"] * 3, "stream": "A STREAM", "usage": 27, "helped": "HELPED", "tool": ["weather", {"city": "Oslo"}], "tool_streamed": '{"city": "Oslo"}',
                    "embeddings": [[1.0, 0.25, -1.5]] * 2, "text": "ONCE", "text_streamed": "AGAIN", "response": "A RESPONSE", "response_streamed": ["A RESPONSE AS IT COMES"] * 2,
                    "batch": {f"row {i}": f"BATCH {i}" for i in range(10)}},
    "openai_async": {"whole": [f"ASYNC {i}" for i in range(64)], "streamed": [f"ASYNC STREAM {i}" for i in range(16)]},
    "openai_node": {"whole": "NODE", "streamed": "NODE, STREAMED", "tool": {"name": "weather", "arguments": '{"city": "Oslo"}'}, "many": [f"NODE {i}" for i in range(32)], "response": "NODE, A RESPONSE"},
    "langchain": {"whole": "LANGCHAIN", "streamed": "LANGCHAIN, STREAMED", "several": [f"LANGCHAIN {i}" for i in range(8)], "tool": {"city": "Oslo"}, "structured": "Rhine", "embeddings": [[1.0, 0.25, -1.5]] * 2},
    "litellm": {"whole": "LITELLM", "streamed": "LITELLM, STREAMED", "several": [f"LITELLM {i}" for i in range(8)], "embeddings": [[1.0, 0.25, -1.5]] * 2},
    "promptfoo": {"passed": 4, "answers": ["PROMPTFOO AGAIN ONE", "PROMPTFOO AGAIN TWO", "PROMPTFOO ONE", "PROMPTFOO TWO"]},
    "inspect": {"status": "success", "accuracy": 1.0, "answers": [f"INSPECT {i}" for i in range(8)]},
    "distilabel": {"answers": [f"DISTILABEL {i}" for i in range(8)]},
    "lm_eval": {"score": 1.0, "answers": [f"HARNESS {i}" for i in range(8)]},
}


def check(name):
    """One client: with its provider, then without."""
    folder = install(name)
    with host.Scratch() as scratch:
        with Provider(answer) as upstream, Serving(scratch, env=upstream.environment()) as s:
            tap.equal(run(name, folder, s.port, scratch), WANT[name], f"{name}: its answers")
            tap.ok(upstream.requests, f"{name}: {len(upstream.requests)} calls to the provider")
            gone = upstream.environment()
        with Serving(scratch, env=gone) as s:
            tap.equal(run(name, folder, s.port, scratch), WANT[name], f"{name}: the same when the provider is gone")
            metrics = s.ask("GET", "/metrics")[2].decode()
            tap.contains(metrics, ["fellowship_attempts_total 0\n"], f"{name}: without a call")


def case(name):
    def one():
        check(name)
    one.__name__ = name
    return one


host.need_program()
tap.cases(*map(case, WANT))
