#!/usr/bin/env python3
"""How much of a server's rate limit is used, and how much is refused, beside the openai Node SDK.

    limits.py [--seconds 30] [--rates 50,500] [--kinds bucket,window] [--clients fellowship,openai-node]

The server allows R requests a second and answers 429 with Retry-After beyond. Measured after a warm-up of
10 s, at 256 calls at a time; the SDK does its own retries (maxRetries 100).
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import host
from rate_server import RateServer, share

CLIENTS = pathlib.Path(__file__).resolve().parent / "clients"
KEPT = host.ROOT / "build" / "bench"
WARM_UP = 10


def command(client, url, seconds, scratch):
    if client == "fellowship":
        return [str(host.PROGRAM), "--concurrency", "256", "--store", f"{scratch}/store.db", "--quiet",
                str(CLIENTS / "fellowship.lua"), str(seconds)]
    return ["node", str(CLIENTS / "openai_node.mjs"), url, str(seconds), "256"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=30, help="measured, after the warm-up")
    parser.add_argument("--rates", default="50,500")
    parser.add_argument("--kinds", default="bucket,window")
    parser.add_argument("--clients", default="fellowship,openai-node")
    options = parser.parse_args()
    print(f"{'client':>12} {'server':>7} {'R':>4} {'used':>7} {'refused':>8}")
    for client in options.clients.split(","):
        if client == "openai-node" and not (shutil.which("node") and (KEPT / "node_modules" / "openai").exists()):
            print(f"limits: {client} is missing and left out (calls.py installs it)", file=sys.stderr)
            continue
        for kind in options.kinds.split(","):
            for rate in map(int, options.rates.split(",")):
                with RateServer(rate, kind) as server, tempfile.TemporaryDirectory(prefix="limits-") as scratch:
                    environment = {"PATH": os.environ["PATH"], "HOME": scratch, "OPENAI_BASE_URL": server.url,
                                   "OPENAI_API_KEY": "test", "BENCH_PROMPT": " what is this?", "BENCH_ANSWER": "fine",
                                   "BENCH_NODE": str(KEPT), "BENCH_RETRIES": "100"}
                    total = WARM_UP + options.seconds
                    process = subprocess.Popen(command(client, server.url, total + 2, scratch), env=environment,
                                               stdout=subprocess.DEVNULL)
                    try:
                        process.wait(total + 1)
                        sys.exit(f"limits: {client} ended early with status {process.returncode}")
                    except subprocess.TimeoutExpired:
                        process.kill()
                        process.wait()
                    used, refused = share(server.counts(), rate, WARM_UP, total)
                    print(f"{client:>12} {kind:>7} {rate:4} {used:7.1%} {refused:8.2%}", flush=True)


host.need_program()
main()
