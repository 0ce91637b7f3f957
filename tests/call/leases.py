#!/usr/bin/env python3
"""Several processes over one store: a call is paid for once, whoever asks first, and whoever dies.

$FELLOWSHIP_KILLS sets how many kills there are (6 when not said); $FELLOWSHIP_SEED the moments.
"""

import collections
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub

PROCESSES, CONCURRENCY = 4, 8
KILLS = int(os.environ.get("FELLOWSHIP_KILLS") or 6)
SEED = int(os.environ.get("FELLOWSHIP_SEED") or time.time_ns() % 1_000_000)
VARIABLE = ("run.json", "errors.jsonl")

ASK = """
local fellowship = require "fellowship"
print(fellowship.model("openai:red"):ask(arg[1]).text)
"""


def arguments(name):
    return [*host.preference_arguments(f"{name}/out"), "--store", "store.db", "--concurrency", CONCURRENCY]


def answered(server):
    """How often each call was answered."""
    return collections.Counter((e["model"], e["messages"]) for e in server.log() if e["status"] == 200)


def made(scratch, name):
    return json.loads((scratch / name / "out/run.json").read_text())["calls"]["made"]


def same_job():
    """One job, started four times at once."""
    # The first calls are answered when each process has as many on the wire as it may: none is done before another begins.
    full = PROCESSES * CONCURRENCY
    with Stub(latency_ms=30, rules=[{"nth": list(range(1, full + 1)), "gather": full}]) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(60)
        processes = [scratch.start(*arguments(f"p{i}")) for i in range(PROCESSES)]
        ends = [scratch.finish(process).status for process in processes]
        tap.equal(ends, [0] * PROCESSES, "four processes of one job over one store end well")
        calls = answered(server)
        tap.equal([call for call, count in calls.items() if count > 1], [], f"none of {len(calls)} calls was answered twice")
        counts = [made(scratch, f"p{i}") for i in range(PROCESSES)]
        tap.equal(sum(counts), len(calls), f"each was made by one of them: {counts}")
        tap.ok(min(counts) > 0, "all of them took part")
        trees = [host.tree(scratch / f"p{i}/out", VARIABLE) for i in range(PROCESSES)]
        tap.ok(all(tree == trees[0] for tree in trees), "with the same bytes")
        tap.equal(sorted(p.name for p in scratch.path.glob("store.db*")), ["store.db"], "the store is one file again")


def killed():
    """The same with kills: a call is answered twice only where who asked for it was killed."""
    moments = random.Random(SEED)
    tap.diag(f"FELLOWSHIP_SEED={SEED} FELLOWSHIP_KILLS={KILLS}")
    with Stub(latency_ms=20) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(30 + 10 * KILLS)
        processes = [scratch.start(*arguments(f"p{i}")) for i in range(PROCESSES)]
        kills = 0
        for _ in range(KILLS):
            time.sleep(moments.uniform(0.05, 0.4))
            which = moments.randrange(PROCESSES)
            kills += processes[which].poll() is None
            processes[which].kill()
            scratch.finish(processes[which])
            processes[which] = scratch.start(*arguments(f"p{which}"))
        ends = [scratch.finish(process).status for process in processes]
        tap.equal(ends, [0] * PROCESSES, f"four processes, {kills} kills: all end well")
        calls = answered(server)
        twice = sum(calls.values()) - len(calls)
        tap.ok(twice <= kills * CONCURRENCY, f"{twice} of {len(calls)} calls were answered again, at most {CONCURRENCY} a kill")
        trees = [host.tree(scratch / f"p{i}/out", VARIABLE) for i in range(PROCESSES)]
        tap.ok(all(tree == trees[0] for tree in trees), "with the same bytes")


def one_call():
    with Stub(rules=[{"contains": "slow", "delay": 1.5}, {"contains": "hangs", "delay": 600, "times": 1},
                     {"contains": "fails", "fault": "bad_request", "times": 1, "delay": 1}]) as server, \
            host.Scratch(server.url) as scratch:
        scratch.write("ask.lua", ASK)
        ask = "--store", "store.db", "ask.lua"

        def two(prompt, count):
            first = scratch.start(*ask, prompt)
            host.until(lambda: len(server.log()) == count)
            return first, scratch.start(*ask, prompt)

        results = [scratch.finish(process) for process in two("slow", 1)]
        tap.equal([r.status for r in results], [0, 0], "two ask the same at once")
        tap.equal((len(server.log()), results[0].out == results[1].out), (1, True), "one call answers both")

        first, second = two("hangs", 2)
        time.sleep(0.5)
        tap.equal(len(server.log()), 2, "while one hangs, the other waits")
        first.kill()
        scratch.finish(first)
        tap.equal((scratch.finish(second, timeout=30).status, len(server.log())), (0, 3), "killed, it waits no more, and asks")

        results = [scratch.finish(process) for process in two("fails", 4)]
        tap.equal(([r.status for r in results], len(server.log())), ([1, 0], 5), "a failure of one is not the other's")
        calls = len(server.log())
        result = scratch.run("--offline", *ask, "slow")
        tap.equal((result.status, len(server.log())), (0, calls), "offline it is there")
        first = scratch.start(*ask, "hangs on", env={"OPENAI_BASE_URL": server.url})
        scratch.finish(first)
        tap.equal(sorted(p.name for p in scratch.path.glob("store.db*")), ["store.db"], "nothing is left beside the store")


host.need_program()
tap.cases(one_call, same_job, killed)
