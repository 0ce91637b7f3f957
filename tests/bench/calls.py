#!/usr/bin/env python3
"""Calls a second, CPU and memory for each call, beside other clients in the same run.

    calls.py [--seconds S] [--loads 64/0,1024/50,8192/500] [--clients fellowship,wrk,...] [--runs N]
    calls.py --million          one run of 1,000,000 calls: does a call's CPU grow?
    calls.py --start            from the start of the process to its first request

nginx answers from core 1, one client at a time runs on core 0. Every call POSTs 1.5 KB and gets
1.2 KB of JSON after the load's delay; each client reads it and compares the content, but wrk, which
is the floor: sockets only; the bytes that came to it are compared. Ours runs the whole stack, its
store included. CPU is user + system of the whole process, memory its peak. Memory for a call in
flight is what the peak has more than with one call in flight, divided.

Needs nginx with the echo module, wrk, node and npm (the openai package goes to build/bench), and
Debian's httpx and aiohttp; a client that is missing is left out and named. The table is also written
to build/bench/calls.txt.
"""

import argparse
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import host
from bench_clients import ANSWER, KEPT, PROMPT, available, body_of, command, measure, run

BODY = body_of(ANSWER)

NGINX = """load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;
daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid {folder}/pid; error_log stderr error;
events {{ worker_connections 19000; accept_mutex off; multi_accept on; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; default_type application/json;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder}; client_body_buffer_size 16k; tcp_nodelay on; reset_timedout_connection on;
  server {{
    listen 127.0.0.1:{port} backlog=16384;
    location = /0/v1/chat/completions {{ return 200 '{body}'; }}
    location = /answer {{ return 200 '{body}'; }}
    location = /50/v1/chat/completions {{ echo_sleep 0.05; echo_exec /answer; }}
    location = /500/v1/chat/completions {{ echo_sleep 0.5; echo_exec /answer; }}
  }}
}}
"""


class Nginx:
    """The server: one worker on core 1."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="nginx-")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        path = pathlib.Path(self.folder.name) / "nginx.conf"
        path.write_text(NGINX.format(folder=self.folder.name, port=self.port, body=BODY))
        self.process = subprocess.Popen(["taskset", "-c", "1", "nginx", "-c", str(path), "-p", self.folder.name])
        if not host.until(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0, 5):
            sys.exit("calls: nginx did not start")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def base(self, delay):
        return f"http://127.0.0.1:{self.port}/{delay}/v1"


def table(nginx, options, say):
    clients = [name for name in available() if not options.clients or name in options.clients.split(",")]
    idle = {name: measure(name, nginx.base(0), 1, 0.5)[2] for name in clients}
    for load in options.loads.split(","):
        in_flight, delay = map(int, load.split("/"))
        runs = {name: [] for name in clients}
        for _ in range(options.runs):
            for name in clients:
                runs[name].append(measure(name, nginx.base(delay), in_flight, options.seconds))
        say(f"\n{in_flight:,} in flight, {delay} ms   (median of {options.runs})")
        say(f"{'client':>12} {'calls/s':>9} {'µs CPU a call':>14} {'× wrk':>7} {'peak MB':>8} {'KiB a call in flight':>21}")
        medians = {name: [statistics.median(column) for column in zip(*all_runs)] for name, all_runs in runs.items()}
        floor = medians.get("wrk", [0, 0, 0])[1]
        for name, (rate, cpu, peak) in medians.items():
            ratio = f"{cpu / floor:7.2f}" if floor else "      -"
            say(f"{name:>12} {rate:9,.0f} {cpu:14.1f} {ratio} {peak / 1e6:8.1f} {(peak - idle[name]) / in_flight / 1024:21.1f}")


def million(nginx, options, say):
    with tempfile.TemporaryDirectory(prefix="calls-") as scratch:
        arguments = command("fellowship", nginx.base(0), 1e9, 64, scratch) + [str(options.calls)]
        figures, usage = run(arguments, nginx.base(0))
        size = sum(path.stat().st_size for path in pathlib.Path(scratch).iterdir())
    marks = [0] + figures["marks"]
    steps = [(after - before) / 10_000 * 1e6 for before, after in zip(marks, marks[1:])]
    say(f"\n{figures['calls']:,} calls in one run, 64 in flight, {figures['bad']} wrong, peak {usage.ru_maxrss / 1024:.0f} MB, "
        f"store {size / figures['calls']:.0f} bytes a call")
    for i in sorted({1, len(steps) // 4, len(steps) // 2, len(steps) * 3 // 4, len(steps) - 1}):
        say(f"  calls {i * 10_000:>9,} to {(i + 1) * 10_000:>9,}: {steps[i]:6.1f} µs CPU a call")


def start(say):
    """Time from the start of the process to the first bytes of its first request."""
    times = []
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.TemporaryDirectory() as scratch:
        base = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        server.settimeout(10)
        for number in range(41):
            environment = {"PATH": os.environ["PATH"], "OPENAI_BASE_URL": base, "OPENAI_API_KEY": "test",
                           "BENCH_PROMPT": PROMPT, "BENCH_ANSWER": ANSWER}
            began = time.monotonic()
            process = subprocess.Popen(command("fellowship", base, 1e9, 1, f"{scratch}/{number}") + ["1"], env=environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            connection, _ = server.accept()
            connection.recv(1)
            times.append(time.monotonic() - began)
            process.kill()
            process.wait()
            connection.close()
    say(f"\nfirst request after {statistics.median(times) * 1000:.1f} ms (median of {len(times)}, "
        f"least {min(times) * 1000:.1f}), a new store made")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--loads", default="64/0,1024/50,8192/500")
    parser.add_argument("--clients")
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--calls", type=int, default=1_000_000, help="of --million")
    parser.add_argument("--start", action="store_true")
    options = parser.parse_args()
    for tool in ("nginx", "taskset"):
        if not shutil.which(tool):
            sys.exit(f"calls: {tool} is missing")
    KEPT.mkdir(parents=True, exist_ok=True)
    with open(KEPT / "calls.txt", "a", encoding="utf-8") as kept, Nginx() as nginx:
        def say(line):
            print(line, flush=True)
            kept.write(line + "\n")
        if options.million:
            million(nginx, options, say)
        elif options.start:
            start(say)
        else:
            table(nginx, options, say)
            start(say)


host.need_program()
main()
