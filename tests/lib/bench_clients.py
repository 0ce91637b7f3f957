"""Clients of a model's API that are measured beside ours: how each is started, and what it took.

Each asks one question after another, so many at a time, for some seconds, and prints {"calls", "bad", "seconds"}.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import host

CLIENTS = host.ROOT / "tests" / "bench" / "clients"
KEPT = host.ROOT / "build" / "bench"
PYTHON = "/usr/bin/python3"     # Debian's, which sees Debian's packages
WORDS = ("river stone winter lantern harbour meadow copper thread silver morning garden letter window "
         "bridge market candle forest island valley shadow").split()


def text_of(size, seed):
    words, length = [], 0
    while length < size:
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        words.append(WORDS[(seed >> 33) % len(WORDS)])
        length += len(words[-1]) + 1
    return " ".join(words)[:size]


def body_of(answer):
    """An answer of a server, which holds this text; it may stand quoted in nginx's configuration."""
    body = json.dumps({"id": "chatcmpl-bench", "object": "chat.completion", "created": 1700000000, "model": "bench",
                       "choices": [{"index": 0, "message": {"role": "assistant", "content": answer, "refusal": None},
                                    "logprobs": None, "finish_reason": "stop"}],
                       "usage": {"prompt_tokens": 350, "completion_tokens": 225, "total_tokens": 575},
                       "system_fingerprint": "fp_bench"})
    assert "'" not in body and "$" not in body
    return body


PROMPT, ANSWER = text_of(1400, 1), text_of(900, 2)


def node_modules():
    if not (KEPT / "node_modules" / "openai").exists() and shutil.which("npm"):
        KEPT.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(KEPT), "openai"],
                       check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (KEPT / "node_modules" / "openai").exists()


def importable(module):
    return subprocess.run([PYTHON, "-c", f"import {module}"], stderr=subprocess.DEVNULL).returncode == 0


def command(client, base, seconds, in_flight, scratch):
    url = base + "/chat/completions"
    if client == "fellowship":
        # What the server takes is said, as in a --models file of one's own: no slow start.
        os.makedirs(scratch, exist_ok=True)
        models = pathlib.Path(scratch) / "models.lua"
        models.write_text('return { ["openai:bench"] = { concurrency = %d } }' % in_flight)
        return [str(host.PROGRAM), "--quiet", "--models", str(models), "--concurrency", str(in_flight), "--store", f"{scratch}/store.db",
                str(CLIENTS / "fellowship.lua"), str(seconds)]
    if client == "wrk":
        return ["wrk", "-t1", f"-c{in_flight}", f"-d{int(seconds + 0.5)}s", "--timeout", "60s", "-s",
                str(CLIENTS / "wrk.lua"), url]
    if client == "openai-node":
        return ["node", str(CLIENTS / "openai_node.mjs"), base, str(seconds), str(in_flight)]
    return [PYTHON, str(CLIENTS / f"python_{client}.py"), url, str(seconds), str(in_flight)]


def available():
    found = {"fellowship": True, "wrk": shutil.which("wrk"), "aiohttp": importable("aiohttp"),
             "httpx": importable("httpx"), "openai-node": shutil.which("node") and node_modules()}
    for name in [name for name, there in found.items() if not there]:
        print(f"calls: {name} is missing and left out", file=sys.stderr)
    return [name for name, there in found.items() if there]


def run(arguments, base, answer=ANSWER, certificate=None):
    """Runs a client on core 0: what it printed, and its resource usage. certificate: of the authority that it trusts."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/tmp", "LANG": "C.UTF-8", "OPENAI_BASE_URL": base,
                   "OPENAI_API_KEY": "test", "BENCH_PROMPT": PROMPT, "BENCH_ANSWER": answer, "BENCH_NODE": str(KEPT)}
    if certificate:
        environment.update(SSL_CERT_FILE=certificate, NODE_EXTRA_CA_CERTS=certificate)
    process = subprocess.Popen(["taskset", "-c", "0", *arguments], env=environment, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"calls: {arguments[0]} ended with status {process.returncode}: {out}")
    return json.loads(out.strip().splitlines()[-1]), usage


def measure(client, base, in_flight, seconds, answer=ANSWER, certificate=None):
    """(calls/s, CPU µs a call, peak bytes) of one run; ends the program when a call went wrong."""
    with tempfile.TemporaryDirectory(prefix="calls-") as scratch:
        figures, usage = run(command(client, base, seconds, in_flight, scratch), base, answer, certificate)
    calls = figures["calls"]
    short = "bytes" in figures and figures["bytes"] < calls * len(body_of(answer))
    if not calls or figures["bad"] or short:
        sys.exit(f"calls: {client} at {base}, {in_flight} in flight: wrong answers: {figures}")
    cpu = usage.ru_utime + usage.ru_stime
    return calls / figures["seconds"], cpu / calls * 1e6, usage.ru_maxrss * 1024
