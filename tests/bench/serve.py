#!/usr/bin/env python3
"""`fellowship serve` under load, beside LiteLLM's proxy and nginx as a plain proxy, in one run.

    serve.py [--seconds S] [--clients N] [--servers fellowship,litellm,nginx]
    serve.py --many 1000000     so many calls of `fellowship serve`: does its memory grow?

wrk asks with N connections, each request another one (1.5 KB), whole or streamed; nginx is the provider, and answers at
once or after 50 ms. CPU is user + system of the proxy's processes, calls a core the calls of a second of it: a figure
that other load on the machine changes little. Half load: half of the clients that fill `fellowship serve` with 50 ms
behind; what it adds to a latency is the difference to the provider alone with as many. Ours keeps each answer in its
store before it gives it; the others keep nothing. Needs nginx with the echo module, wrk, and for LiteLLM's proxy the
package litellm[proxy] in build/clients/litellm (pip); what is missing is left out and named. The table is also written to
build/bench/serve.txt.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import host
import nginx
import provider_server as p
from serving import Serving

LITELLM = host.ROOT / "build" / "clients" / "litellm" / "bin" / "litellm"
LOADS = [("whole", 0), ("whole", 50), ("stream", 0), ("stream", 50)]
WORDS = " ".join(f"word{i}" for i in range(50))
WHOLE = json.dumps(p.openai(WORDS * 3))
EVENTS = p.openai_stream([word + " " for word in WORDS.split()], done=True)
STREAM = ["".join(EVENTS[i:i + 10]) for i in range(0, len(EVENTS), 10)]     # nginx takes texts of 4 KB

WRK = """
local number, model, prompt = 0, "{model}", ("x"):rep(1400)
local stream = {stream} and ', "stream": true' or ""
local id = math.floor({seed})
function request()
  number = number + 1
  return wrk.format("POST", "{path}", {{ ["Content-Type"] = "application/json", ["Authorization"] = "Bearer any" }},
    ('{{"model": "%s", "messages": [{{"role": "user", "content": "%d %d %s"}}]%s}}'):format(model, id, number, prompt, stream))
end
function done(summary, latency)
  local e = summary.errors
  io.write(("RESULT %d %d %f %f %f\\n"):format(summary.requests, e.connect + e.read + e.write + e.status + e.timeout,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


def name_of(kind, delay):
    return f"{kind}{delay}"


def provider():
    """nginx, which answers each load at a path of its own."""
    places = []
    for kind, delay in LOADS:
        parts, form = ([WHOLE], "application/json") if kind == "whole" else (STREAM, "text/event-stream")
        said = " ".join("echo -n '{}';".format(part.replace("\n", "\\n")) for part in parts)
        wait = f"echo_sleep {delay / 1000};" if delay else ""
        places.append(f"location = /{name_of(kind, delay)}/v1/chat/completions {{ types {{ }} default_type {form}; {wait} {said} }}")
    return nginx.Nginx("\n".join(places))


def cpu_of(pid):
    """Seconds of CPU of a process and its children."""
    total, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
            waiting += map(int, pathlib.Path(f"/proc/{one}/task/{one}/children").read_text().split())
    return total / os.sysconf("SC_CLK_TCK")


def memory_of(pid):
    found = [int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{one}/status").read_text())[1])
             for one in [pid, *map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]]
    return sum(found) / 1024


def ask(folder, port, path, model, kind, clients, seconds):
    """calls, failed, seconds, p50 and p99 in milliseconds."""
    script = pathlib.Path(folder) / "ask.lua"
    script.write_text(WRK.format(model=model, path=path, stream="true" if kind == "stream" else "false", seed=time.time() * 1000))
    done = subprocess.run(["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script), f"http://127.0.0.1:{port}"],
                          capture_output=True, text=True, check=True)
    return [float(x) for x in re.search(r"RESULT (.*)", done.stdout)[1].split()]


# ---- the proxies: each gives its port and process, and where a load is asked --------------

@contextlib.contextmanager
def fellowship(upstream, scratch):
    entries = "".join(f'{name_of(*load)} = {{ model = "openai:m", base_url = "{upstream.url}/{name_of(*load)}/v1" }},' for load in LOADS)
    scratch.write("models.lua", f"return {{ {entries} }}")
    with Serving(scratch, "--models", "models.lua", "--concurrency", "4096", "--no-report") as s:
        yield s.port, s.process.pid, lambda load: ("/v1/chat/completions", name_of(*load))


@contextlib.contextmanager
def litellm(upstream, scratch):
    port = nginx.free_port()
    models = [{"model_name": name_of(*load), "litellm_params": {"model": "openai/m", "api_base": f"{upstream.url}/{name_of(*load)}/v1", "api_key": "any"}} for load in LOADS]
    path = scratch.write("litellm.json", json.dumps({"model_list": models, "litellm_settings": {"telemetry": False}}))
    with open(scratch / "litellm.log", "wb") as log:
        process = subprocess.Popen([LITELLM, "--config", path, "--port", str(port), "--host", "127.0.0.1", "--num_workers", "1", "--telemetry", "False"], stdout=log, stderr=log, cwd=scratch.path,
                                   env={**scratch.environment, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"})
    try:
        if not host.until(lambda: nginx.listening(port) or process.poll() is not None, 180) or process.poll() is not None:
            raise RuntimeError((scratch / "litellm.log").read_text()[-2000:])
        yield port, process.pid, lambda load: ("/v1/chat/completions", name_of(*load))
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def plain(upstream, scratch):
    del scratch
    pool = f"upstream provider {{ server 127.0.0.1:{upstream.port}; keepalive 2000; }}"
    with nginx.Nginx("location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ''; }", more=pool) as server:
        yield server.port, server.process.pid, lambda load: (f"/{name_of(*load)}/v1/chat/completions", "m")


SERVERS = {"fellowship": fellowship, "litellm": litellm, "nginx": plain}


def row(say, name, load, clients, pid, cpu, found):
    calls, failed, seconds, p50, p99 = found
    say(f"{name:11} {load[0]:7} {load[1]:5} ms {clients:8} {calls / seconds:9.0f} {1e6 * cpu / calls if calls else 0:11.0f} {calls / cpu if cpu else 0:9.0f} {p50:9.1f} {p99:9.1f} "
        f"{memory_of(pid) if pid else 0:8.0f} {failed:7.0f}")


def measure(say, server, folder, load, clients, seconds, name):
    port, pid, at = server
    path, model = at(load)
    before = cpu_of(pid)
    found = ask(folder, port, path, model, load[0], clients, seconds)
    row(say, name, load, clients, pid, cpu_of(pid) - before, found)
    return found


def half_load(say, server, upstream, folder, rate, seconds):
    clients = max(1, round(rate * 0.05 / 2))
    for kind in ("whole", "stream"):
        load = (kind, 50)
        alone = ask(folder, upstream.port, f"/{name_of(*load)}/v1/chat/completions", "m", kind, clients, seconds)
        row(say, "none", load, clients, None, 0, alone)
        through = measure(say, server, folder, load, clients, seconds, "fellowship")
        say(f"  added at half load, {kind}: p50 {through[3] - alone[3]:.1f} ms, p99 {through[4] - alone[4]:.1f} ms")


def many(say, wanted, clients):
    """Memory at each tenth of so many calls."""
    with provider() as upstream, host.Scratch(OPENAI_API_KEY="any") as scratch, fellowship(upstream, scratch) as server:
        port, pid, at = server
        path, model = at(("whole", 0))
        calls, shown = 0, 0
        while calls < wanted:
            calls += ask(scratch.path, port, path, model, "whole", clients, 10)[0]
            if calls >= shown:
                say(f"{calls:9.0f} calls: {memory_of(pid):6.0f} MB")
                shown += wanted / 10


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--servers", default=",".join(SERVERS))
    parser.add_argument("--many", type=int)
    options = parser.parse_args()
    lines = []

    def say(line):
        lines.append(line)
        print(line, flush=True)
    if nginx.missing() or not shutil.which("wrk"):
        sys.exit(nginx.missing() or "wrk is not installed")
    if options.many:
        return many(say, options.many, 64)
    say(f"{'proxy':11} {'answer':7} {'behind':>8} {'clients':>8} {'calls/s':>9} {'CPU us/call':>11} {'per core':>9} {'p50 ms':>9} {'p99 ms':>9} {'RSS MB':>8} {'failed':>7}")
    for name in options.servers.split(","):
        if name == "litellm" and not LITELLM.exists():
            say("litellm     left out: build/clients/litellm has no litellm[proxy]")
            continue
        with provider() as upstream, host.Scratch(OPENAI_API_KEY="any") as scratch, SERVERS[name](upstream, scratch) as server:
            rate = 0
            for load in LOADS:
                found = measure(say, server, scratch.path, load, options.clients, options.seconds, name)
                rate = found[0] / found[2] if load == ("whole", 50) else rate
            if name == "fellowship":
                half_load(say, server, upstream, scratch.path, rate, options.seconds)
    (host.ROOT / "build" / "bench").mkdir(parents=True, exist_ok=True)
    (host.ROOT / "build" / "bench" / "serve.txt").write_text("\n".join(lines) + "\n")


main()
