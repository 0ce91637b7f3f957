#!/usr/bin/env python3
"""kill -9 in every state of a batch, seen from the server, and at random moments: a rerun ends with the same bytes,
nothing is submitted twice and nothing is lost.

$FELLOWSHIP_KILLS sets how many kills at random moments each provider gets (2 when not said); $FELLOWSHIP_SEED the
moments.
"""

import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from batch_server import BatchServer, Drop

KILLS = int(os.environ.get("FELLOWSHIP_KILLS") or 2)
SEED = int(os.environ.get("FELLOWSHIP_SEED") or time.time_ns() % 1_000_000)
VARIABLE = ("run.json", "errors.jsonl")
ROWS, STEPS = 8, 3                      # answer, review, revision
SCALE = "0.003"                         # an intent is old after 0.2 s

# Where a run is killed: the event at the server, and the how many-th of its kind. OpenAI's and Anthropic's way of making a
# batch are gone through whole; the others have steps of theirs.
OPENAI = [("upload", 1), ("uploaded", 1), ("create", 1), ("created", 1), ("poll", 1), ("download", 1), ("downloading", 1), ("create", 2),
          ("created", 3), ("downloading", 3)]
ANTHROPIC = [("create", 1), ("created", 1), ("poll", 1), ("download", 1), ("downloading", 1), ("create", 2), ("created", 3), ("downloading", 3)]
OTHERS = {"groq:m": [("created", 1), ("downloading", 2)],
          "together:m": [("uploaded", 1), ("create", 1), ("created", 3)],           # no metadata and no pages: found by their file
          "gemini:m": [("upload", 1), ("uploaded", 1), ("create", 1), ("created", 1), ("downloading", 1)],  # an upload has a session
          "mistral:m": [("uploaded", 1), ("create", 1), ("created", 1), ("downloading", 1)],
          "xai:m": [("uploaded", 1), ("create", 1), ("created", 1), ("poll", 1), ("download", 2)]}          # results have pages


class Job:
    def __init__(self, server, scratch, model):
        self.server, self.scratch, self.model, self.process, self.count = server, scratch, model, None, 0
        scratch.prompts(ROWS)

    def arguments(self, name, out="out"):
        return ["run", "feedback", "--data", "rows.jsonl", "--generator", self.model, "--reviewer", self.model, "--responses", "2",
                "--out", f"{name}/{out}", "--store", f"{name}/store.db", "--batch"]

    def tree(self, name, out="out"):
        return host.tree(self.scratch / name / out, VARIABLE)

    def finish(self, name):
        result = self.scratch.run(*self.arguments(name), timeout=60)
        if result.status:
            tap.diag(result)
        return result.status == 0 and self.tree(name)

    def undisturbed(self):
        """Its results, the calls that it submits, and the seconds that it takes."""
        start = time.monotonic()
        want = self.finish("undisturbed")
        return want, set(self.server.submitted()), time.monotonic() - start

    def killed_at(self, name, event, nth):
        """Runs until the event, and kills there; says whether it came to that."""
        seen = 0

        def on(what, _):
            nonlocal seen
            if what != event:
                return None
            seen += 1
            if seen != nth:
                return None
            self.process.kill()
            self.process.wait()
            raise Drop
        self.server.on = on
        self.process = self.scratch.start(*self.arguments(name))
        status = self.scratch.finish(self.process, 60).status
        self.server.on = None
        return status == -9

    def fresh(self):
        """Nothing of before counts, nor is it among the account's batches: another store's with the same calls and as
        many could be taken for one that is looked for."""
        with self.server.lock:
            self.server.lines.clear()
            self.server.order.clear()

    def check(self, name, what, want, known):
        host.same_tree(self.finish(name), want, f"{name}, {what}: the same bytes")
        tap.equal(self.server.twice(), [], f"{name}, {what}: nothing is submitted twice")
        tap.equal(set(self.server.submitted()), known, f"{name}, {what}: and nothing is lost")
        self.fresh()


def kills(model, points, searched=True):
    moments = random.Random(SEED)
    tap.diag(f"FELLOWSHIP_SEED={SEED} FELLOWSHIP_KILLS={KILLS}")
    with BatchServer(polls=3) as server, host.Scratch(**server.environment(FELLOWSHIP_RETRY_SCALE=SCALE)) as scratch:
        job = Job(server, scratch, model)
        want, known, length = job.undisturbed()
        tap.equal((len(known), len(server.batches)), (ROWS * STEPS, STEPS), f"{model}: an undisturbed run takes {STEPS} batches")
        job.fresh()
        for number, (event, nth) in enumerate(points):
            name = f"{model.split(':')[0]}-{number}"
            tap.ok(job.killed_at(name, event, nth), f"{name}: killed at {event} {nth}")
            job.check(name, f"killed at {event} {nth}", want, known)
        if not searched:
            return
        name, dead = "search", 0                        # killed where it is looked for what an earlier kill left
        for event in ("created", "list", "create", "list", "list"):
            dead += job.killed_at(name, event, 1)
        job.check(name, f"{dead} kills around the search for a batch", want, known)
        tap.ok(dead >= 4, f"{dead} of them struck")
        name, dead = "again", 0
        for event, nth in points:                       # one kill after the other, over one store
            dead += job.killed_at(name, event, 1)
        job.check(name, f"{dead} kills in a row", want, known)
        tap.equal(dead, len(points), "all of them struck")
        name, dead = "random", 0
        for _ in range(KILLS):
            process = scratch.start(*job.arguments(name))
            time.sleep(moments.uniform(0.01, length))
            process.kill()
            dead += scratch.finish(process).status == -9
            if moments.random() < 0.3:
                job.check(name, "killed at random", want, known)
                name = f"random-{_}"
        if not os.path.exists(scratch / name):
            return
        job.check(name, f"{dead} kills at random", want, known)


def seven():
    points = {"openai:m": OPENAI, "anthropic:m": ANTHROPIC, **OTHERS}
    tap.side_by_side(kills, points, points.values(), [model not in OTHERS for model in points])


def pair(model):
    moments = random.Random(SEED)
    with BatchServer(polls=3) as server, host.Scratch(**server.environment(FELLOWSHIP_RETRY_SCALE=SCALE)) as scratch:
        job = Job(server, scratch, model)
        want, known, length = job.undisturbed()
        for number in range(2):
            job.fresh()
            name = f"pair-{number}"
            killed, other = (scratch.start(*job.arguments(name, out)) for out in ("out", "other"))
            time.sleep(moments.uniform(0.01, length))
            killed.kill()
            scratch.finish(killed)
            again = scratch.start(*job.arguments(name, "out"))
            ends = [scratch.finish(process, 60) for process in (again, other)]
            tap.equal([end.status for end in ends], [0, 0], f"{model}, {name}: both end well")
            host.same_tree(job.tree(name), want, f"{model}, {name}: the one that was killed has the same bytes")
            host.same_tree(job.tree(name, "other"), want, f"{model}, {name}: and so has the other")
            tap.equal((server.twice(), set(server.submitted())), ([], known), f"{model}, {name}: each call is in one batch")


def pairs():
    """Two processes over one store, one of them killed and run again: each call is in one batch."""
    tap.side_by_side(pair, ["openai:m", "anthropic:m"])


host.need_program()
tap.cases(seven, pairs)
