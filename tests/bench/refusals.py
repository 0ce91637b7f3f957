#!/usr/bin/env python3
"""A pool that refuses a share of all calls whatever the pace, beside the openai Python package with its own retries.

    refusals.py [--calls 1500] [--share 0.1] [--in-flight 16,64,256] [--runs 3]

Every refusal asks for a second (Retry-After: 1); an answer takes 50 ms. The package is installed into build/bench.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import host
from rate_server import RateServer

CLIENTS = pathlib.Path(__file__).resolve().parent / "clients"
PYTHON = host.ROOT / "build" / "bench" / "venv" / "bin" / "python"


def installed():
    if not PYTHON.exists():
        subprocess.run(["python3", "-m", "venv", PYTHON.parent.parent], check=True)
        subprocess.run([PYTHON.parent / "pip", "install", "-q", "openai"], check=False)
    return subprocess.run([PYTHON, "-c", "import openai"], stderr=subprocess.DEVNULL).returncode == 0


def ours(url, calls, in_flight):
    with tempfile.TemporaryDirectory(prefix="refusals-") as scratch:
        command = [str(host.PROGRAM), "--concurrency", str(in_flight), "--store", f"{scratch}/store.db", "--quiet",
                   str(CLIENTS / "fellowship.lua"), "1e9", str(calls)]
        environment = {"PATH": os.environ["PATH"], "HOME": scratch, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "test",
                       "BENCH_PROMPT": " what is this?", "BENCH_ANSWER": "fine"}
        started = time.monotonic()
        result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True, cwd=scratch)
        figures = json.loads(result.stdout.strip().splitlines()[-1])
        return time.monotonic() - started, calls - figures["calls"] + figures["bad"]


def theirs(url, calls, in_flight):
    started = time.monotonic()
    result = subprocess.run([PYTHON, CLIENTS / "openai_python.py", url, str(calls), str(in_flight)],
                            stdout=subprocess.PIPE, text=True, check=True)
    return time.monotonic() - started, json.loads(result.stdout)["lost"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1500)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--in-flight", default="16,64,256")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    clients = {"fellowship": ours}
    if installed():
        clients["openai-python"] = theirs
    else:
        print("refusals: openai-python cannot be installed and is left out", file=sys.stderr)
    print(f"{'in flight':>9} {'client':>14} {'seconds':>8} {'lost':>5}")
    for in_flight in map(int, options.in_flight.split(",")):
        runs = {name: [] for name in clients}
        for _ in range(options.runs):
            for name, client in clients.items():
                with RateServer(1, "pool", refuses=options.share) as server:
                    runs[name].append(client(server.url, options.calls, in_flight))
        for name, results in runs.items():
            seconds, lost = zip(*results)
            print(f"{in_flight:9} {name:>14} {statistics.median(seconds):8.1f} {max(lost):5}", flush=True)


host.need_program()
main()
