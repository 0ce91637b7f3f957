#!/usr/bin/env python3
"""Fan-out of the main job: time against the ideal, and peak memory for more and more rows.

    fanout.py [ROWS ...]        1,000 and 10,000 when none are given

Seven calls a row against a local server that answers after 50 ms, at --concurrency 256. Ideal is
calls × latency / concurrency. Memory is the peak resident size of the program alone.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import host
from stub_server import Stub

LATENCY_MS, CONCURRENCY, CALLS = 50, 256, 7


def measure(rows):
    """(status, seconds, CPU seconds, peak MB, calls) of one run over a new store."""
    with Stub(latency_ms=LATENCY_MS, size=1000) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(rows)
        process = scratch.start(*host.preference_arguments(), "--concurrency", CONCURRENCY, "--quiet")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        result = scratch.finish(process)
        if result.status:
            sys.exit(f"fanout: {result}")
        return result.seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, len(server.log())


def main():
    print(f"{'rows':>8} {'calls':>8} {'seconds':>8} {'ideal':>8} {'ratio':>6} {'us/call':>8} {'peak MB':>8}")
    for rows in map(int, sys.argv[1:] or (1_000, 10_000)):
        seconds, cpu, peak, calls = measure(rows)
        ideal = rows * CALLS * LATENCY_MS / 1000 / CONCURRENCY
        print(f"{rows:8,} {calls:8,} {seconds:8.2f} {ideal:8.2f} {seconds / ideal:6.2f} {cpu / calls * 1e6:8.0f} {peak:8.1f}",
              flush=True)


host.need_program()
main()
