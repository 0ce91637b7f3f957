#!/usr/bin/env python3
"""A run in shards: what tasks add up to, and what it takes to put their stores together.

    cluster.py [--tasks 1,2,4,8] [--rows N]      calls a second of tasks with a server each that takes so long an answer
    cluster.py --merge 100000,1000000            `store import` of ten stores with so many completions in all, then of
                                                 so many again that are all there; CPU and elapsed seconds
    cluster.py --claims N                        claims, and entries of a ledger, a second, by one process

The tasks are those of --engine local. The rate is that of the calls between the first and the last request that a
server took, so that neither the start of servers nor the merge counts; `linear` compares it to one task's.
"""

import argparse
import hashlib
import json
import os
import pathlib
import resource
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import host
from submitted import SERVED, serve, served_log

LATENCY_MS, CONCURRENCY, SHARDS_A_TASK = 200, 4, 4


def throughput(counts, rows):
    print(f"{CONCURRENCY} calls at a time of {LATENCY_MS} ms for each task: {CONCURRENCY * 1000 // LATENCY_MS} calls/s at most")
    print("tasks   calls  seconds  calls/s  linear")
    one = None
    for tasks in counts:
        with host.Scratch() as scratch:
            scratch.prompts(rows * tasks)
            result = scratch.run("submit", "--engine", "local", "--tasks", tasks, "--shards", tasks * SHARDS_A_TASK, "--lease", 10,
                                 "--serve", serve(scratch / "log", "--latency-ms", LATENCY_MS), "--",
                                 *host.preference_arguments("all", models=SERVED), "--concurrency", CONCURRENCY)
            assert result.status == 0, result.err
            times = sorted(entry["time"] for entry in served_log(scratch / "log") if entry.get("model"))
            span = times[-1] - times[0] + LATENCY_MS / 1000
            rate = len(times) / span
            one = one or rate / tasks
            print(f"{tasks:5d} {len(times):7d} {span:8.1f} {rate:8.1f} {100 * rate / tasks / one:6.1f}%", flush=True)


def recording(path, first, count):
    """A recording of so many completions, about 800 bytes each."""
    with open(path, "w", encoding="utf-8") as out:
        for i in range(first, first + count):
            request = {"endpoint": "vllm", "messages": [{"content": f"Explain item <row-{i}> in a few words. " * 4, "role": "user"}],
                       "model": "writer", "params": {"temperature": 0}, "provider": "vllm", "sample": 1, "v": 1}
            canonical = json.dumps(request, separators=(",", ":"), sort_keys=True)
            text = hashlib.sha256(canonical.encode()).hexdigest() * 4
            out.write(json.dumps({"key": hashlib.sha256(canonical.encode()).hexdigest(), "request": request, "wire": {},
                                  "completion": {"text": text, "finish_reason": "stop", "model": "writer",
                                                 "usage": {"prompt_tokens": 40, "completion_tokens": 120}},
                                  "created": 1700000000000 + i}, separators=(",", ":")) + "\n")


def timed(scratch, *arguments):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    result = scratch.run(*arguments, timeout=3600)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert result.status == 0, result.err
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - start, result.summary


def merge(counts):
    print("completions   what            CPU s  seconds  a second   µs of CPU each")
    for count in counts:
        with host.Scratch() as scratch:
            for i in range(10):
                recording(scratch / "part.jsonl", i * count // 10, count // 10)
                assert scratch.run("store", "import", "part.jsonl", "--store", f"{i}.db", timeout=3600).status == 0
            stores = [f"{i}.db" for i in range(10)]
            for what in ("ten stores", "again"):
                cpu, seconds, summary = timed(scratch, "store", "import", *stores, "--store", "all.db")
                assert sum(summary.values()) == count, summary
                print(f"{count:11d}   {what:12s} {cpu:8.1f} {seconds:8.1f} {count / seconds:9.0f} {cpu * 1e6 / count:9.1f}", flush=True)
            size = sum(pathlib.Path(scratch / name).stat().st_size for name in stores) / count
            print(f"              {size:.0f} bytes a completion in the stores")


CLAIMS = """
local claims, job, ledger = require "fellowship.cluster.claims", require "fellowship.cluster.job", require "fellowship.cluster.ledger"
local sys = require "fellowship.core.sys"
local n = math.tointeger(tonumber(arg[1]))
local one = job.write { arguments = { "run" }, folder = arg[2] .. "/all/submit", out = "all", cwd = "/", shards = n, tasks = 1,
  round = 1, lease = 1, max_calls = 1000000000 }
local function timed(what, count, fn)
  local began = sys.time() / 1000
  fn()
  local seconds = sys.time() / 1000 - began
  print(("%-34s %8d in %6.2f s, %8.1f us each"):format(what, count, seconds, seconds * 1e6 / count))
end
local claimed = claims.open(one)
claimed:look()
timed("claims", n, function()
  for i = 1, n do assert(claimed:take(i, { task = "1" }) == 1) end
end)
timed("shards done", n, function()
  for i = 1, n do claimed:finish(i, { rows = 10, failed = 0, calls = 70 }) end
end)
timed("look at all shards", 20 * n, function()
  for _ = 1, 20 do claimed:look() end
end)
local book = ledger.open(one, "1")
timed("entries of the ledger", 2 * n, function()
  for _ = 1, n do book:give_back(book:take(1000), { calls = 10 }) end
end)
timed("entries read by another task", 2 * n, function() ledger.open(one, "2"):granted() end)
"""


def claims(count):
    with host.Scratch() as scratch:
        scratch.write("claims.lua", CLAIMS)
        result = scratch.run("claims.lua", count, scratch.path)
        assert result.status == 0, result.err
        print(result.out, end="")


def numbers(text):
    return [int(part) for part in text.split(",")]


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--tasks", type=numbers, default=[1, 2, 4, 8])
parser.add_argument("--rows", type=int, default=60, help="for each task")
parser.add_argument("--merge", type=numbers)
parser.add_argument("--claims", type=int)
arguments = parser.parse_args()
if arguments.merge:
    merge(arguments.merge)
elif arguments.claims:
    claims(arguments.claims)
else:
    throughput(arguments.tasks, arguments.rows)
