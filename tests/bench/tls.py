#!/usr/bin/env python3
"""Calls over TLS: calls a second and CPU for each call, over HTTP/1.1 and HTTP/2, with answers of 1 KB and 8 KB.

    tls.py [--seconds S] [--loads 64/0,512/50] [--sizes 1000,8000] [--runs N]

As calls.py, beside which it stands: nginx answers from core 1, one client at a time runs on core 0. wrk, aiohttp and the
openai package for Node speak HTTP/1.1 alone. All but wrk verify the server's certificate. The table is also written to
build/bench/tls.txt.
"""

import argparse
import os
import statistics
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import host
import h2_server
import nginx
from bench_clients import KEPT, available, body_of, measure, text_of

HTTP2 = {"fellowship"}


def locations(sizes, delays):
    found = []
    for size in sizes:
        body = body_of(text_of(size, 2))
        # nginx takes no word of more than 4 KB.
        parts = "".join(f"echo -n '{body[at:at + 2000]}'; " for at in range(0, len(body), 2000))
        for delay in delays:
            wait = f"echo_sleep {delay / 1000}; " if delay else ""
            found.append(f"location = /{size}/{delay}/v1/chat/completions {{ echo_read_request_body; {wait}{parts}}}")
    return "\n".join(found)


def table(options, say, folder):
    loads = [tuple(map(int, load.split("/"))) for load in options.loads.split(",")]
    sizes = [int(size) for size in options.sizes.split(",")]
    certificate, clients = h2_server.certificate(folder), [name for name in available() if name != "httpx"]
    say(f"{'':>12} {'in flight':>10} {'delay':>6} {'answer':>7} {'protocol':>9} {'calls/s':>9} {'µs CPU a call':>14} {'× wrk':>7}")
    served = locations(sizes, {delay for _, delay in loads})
    with nginx.Nginx(served, certificate, http2=True, prefix=("taskset", "-c", "1")) as two, \
            nginx.Nginx(served, certificate, http2=False, prefix=("taskset", "-c", "1")) as one:
        for in_flight, delay in loads:
            for size in sizes:
                runs = {}
                for _ in range(options.runs):
                    for name in clients:
                        for protocol, server in (("HTTP/1.1", one), ("HTTP/2", two))[:2 if name in HTTP2 else 1]:
                            base = f"{server.secure}/{size}/{delay}/v1"
                            runs.setdefault((name, protocol), []).append(
                                measure(name, base, in_flight, options.seconds, text_of(size, 2), certificate))
                medians = {key: [statistics.median(column) for column in zip(*all_runs)] for key, all_runs in runs.items()}
                floor = medians.get(("wrk", "HTTP/1.1"), [0, 0])[1]
                for (name, protocol), (rate, cpu, _) in medians.items():
                    ratio = f"{cpu / floor:7.2f}" if floor else "      -"
                    say(f"{name:>12} {in_flight:10,} {delay:6} {size:7,} {protocol:>9} {rate:9,.0f} {cpu:14.1f} {ratio}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--loads", default="64/0,512/50")
    parser.add_argument("--sizes", default="1000,8000")
    options = parser.parse_args()
    if nginx.missing():
        sys.exit(f"tls: {nginx.missing()}")
    KEPT.mkdir(parents=True, exist_ok=True)
    with open(KEPT / "tls.txt", "a", encoding="utf-8") as kept, tempfile.TemporaryDirectory(prefix="tls-") as folder:
        def say(line):
            print(line, flush=True)
            kept.write(line + "\n")
        table(options, say, folder)


host.need_program()
main()
