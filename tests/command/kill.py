#!/usr/bin/env python3
"""kill -9 at random moments: a rerun ends with the bytes of an undisturbed run, and repeats few calls.

$FELLOWSHIP_KILLS sets how many kills (5 when not said, 50 for the full test: each job has them twice); $FELLOWSHIP_SEED the moments.
"""

import collections
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub

KILLS = int(os.environ.get("FELLOWSHIP_KILLS") or 5)
SEED = int(os.environ.get("FELLOWSHIP_SEED") or time.time_ns() % 1_000_000)
CONCURRENCY = 16
VARIABLE = ("run.json", "errors.jsonl")


class Job:
    """The main job over a server: the arguments, and which of its log's lines are paid calls."""

    def __init__(self, server, scratch, data, models, status, call):
        self.server, self.scratch, self.data, self.models = server, scratch, data, models
        self.status, self.call = status, call

    def arguments(self, name):
        return [*host.preference_arguments(f"{name}/out", self.data, self.models), "--store", f"{name}/store.db",
                "--concurrency", CONCURRENCY]

    def finish(self, name):
        result = self.scratch.run(*self.arguments(name))
        tap.equal(result.status, self.status, f"{name}: the rerun ends with status {self.status}")
        return host.tree(self.scratch / name / "out", VARIABLE)

    def kill_after(self, name, seconds):
        """Starts the job and kills it; says whether it was still running."""
        process = self.scratch.start(*self.arguments(name))
        time.sleep(seconds)
        process.kill()
        return self.scratch.finish(process).status == -9

    def repeated(self, since):
        """How many paid calls in the log were made before, counting from a line on."""
        calls = collections.Counter(e[self.call] for e in self.server.log()[since:] if e["status"] == 200)
        return sum(calls.values()) - len(calls)


def single_kills(job, moments):
    """Each kill in a run of its own, then a rerun to the end."""
    start = time.monotonic()
    undisturbed = job.finish("undisturbed")
    length = time.monotonic() - start
    tap.diag(f"an undisturbed run takes {length:.2f} s")
    for number in range(1, KILLS + 1):
        name, since = f"kill-{number}", len(job.server.log())
        moment = moments.uniform(0.02, length)
        alive = job.kill_after(name, moment)
        host.same_tree(job.finish(name), undisturbed,
                       f"killed after {moment:.3f} s{'' if alive else ' (had ended)'}: the same bytes")
        repeated = job.repeated(since)
        tap.ok(repeated <= CONCURRENCY, f"{name}: at most {CONCURRENCY} calls made twice", f"{repeated} were")
    return undisturbed, length


def many_kills(job, moments, undisturbed, length):
    """All kills one after another over one store, which grows on."""
    since, alive = len(job.server.log()), 0
    for _ in range(KILLS):
        alive += job.kill_after("chain", moments.uniform(0.05, 0.05 + length / 3))
    host.same_tree(job.finish("chain"), undisturbed, f"{alive} kills in a row: the same bytes")
    repeated = job.repeated(since)
    tap.ok(repeated <= alive * CONCURRENCY, f"at most {alive * CONCURRENCY} calls made twice", f"{repeated} were")


def together(job, moments, undisturbed, length):
    """Two processes over one store, of which one is killed; it is run again beside the other."""
    for number in range(1, max(2, KILLS // 4) + 1):
        name = f"pair-{number}"
        arguments = [[*job.arguments(name)] for _ in range(2)]
        for which, one in enumerate(arguments):
            one[one.index("--out") + 1] = f"{name}/out-{which}"
        killed, other = (job.scratch.start(*one) for one in arguments)
        time.sleep(moments.uniform(0.02, length))
        killed.kill()
        job.scratch.finish(killed)
        again = job.scratch.start(*arguments[0])
        ends = [job.scratch.finish(process).status for process in (again, other)]
        tap.equal(ends, [job.status] * 2, f"{name}: both end with status {job.status}")
        for which in range(2):
            host.same_tree(host.tree(job.scratch / name / f"out-{which}", VARIABLE), undisturbed,
                           f"{name}: process {which + 1} has the same bytes")


def kills(job):
    moments = random.Random(SEED)
    tap.diag(f"FELLOWSHIP_SEED={SEED} FELLOWSHIP_KILLS={KILLS}")
    undisturbed, length = single_kills(job, moments)
    many_kills(job, moments, undisturbed, length)
    together(job, moments, undisturbed, length)


def recorded():
    if not (host.SHARED / "data/feedback").exists():
        raise tap.Skip("shared data is missing")
    with host.replay_server("--latency-ms", 20) as server, host.Scratch(server.url) as scratch:
        gemma = "openai:gemma-2-9b-it"
        kills(Job(server, scratch, host.SHARED / "data/feedback/rows.jsonl", (gemma, gemma, "openai:gpt-4o"), 3,
                  "sha256"))


def many_at_once():
    """Another script and load: a jury of three over rows, and answers that take their time."""
    class Jury(Job):
        def arguments(self, name):
            return ["run", "jury", "--data", str(self.data), "--out", f"{name}/out", "--store", f"{name}/store.db",
                    "--model", "openai:one", "--model", "openai:two", "--model", "openai:three",
                    "--concurrency", CONCURRENCY]

    with Stub(latency_ms=5, rules=[{"contains": "row 7", "delay": 0.2}]) as server, host.Scratch(server.url) as scratch:
        rows = [{"id": i, "prompt": f"row {i}", "response_a": f"yes {i}", "response_b": f"no {i}"} for i in range(150)]
        kills(Jury(server, scratch, scratch.write("pairs.jsonl", rows), None, 0, "messages"))


def stub():
    with Stub(latency_ms=20) as server, host.Scratch(server.url) as scratch:
        kills(Job(server, scratch, scratch.prompts(60), None, 0, "messages"))


host.need_program()
tap.cases(recorded, stub, many_at_once)
