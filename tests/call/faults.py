#!/usr/bin/env python3
"""A server that fails: what is tried again and succeeds, what is final, and the limits that hold meanwhile."""

import os
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub

# One call for each row; a failed row is in ask.errors.jsonl.
SCRIPT = """local fellowship = require "fellowship"
local model = fellowship.model "openai:writer"
local out <close> = fellowship.writer "answers.jsonl"
local rows = fellowship.rows "rows.jsonl"
for row, text in fellowship.map(rows, function(row) return model:ask(row.prompt).text end) do
  out:write { id = row.id, text = text }
end
"""

MODELS = """return { ["openai:writer"] = { attempts = %d, timeouts = { connect = 60, first = %s, idle = %s, total = %s } } }
"""


class Asked:
    """A run of the script over n prompts against a server with rules: result, answers, errors, log."""

    def __init__(self, scratch, server, *options, before=lambda: None):
        start = len(server.log())
        self.result = scratch.run(*options, "ask.lua", timeout=120)
        self.answers = {row["id"]: row["text"] for row in host.jsonl(scratch / "answers.jsonl")}
        self.errors = {row["id"]: row for row in host.jsonl(scratch / "ask.errors.jsonl")}
        self.log = server.log()[start:]

    def requests(self):
        """How many requests each call took."""
        return sorted(Counter(entry["messages"] for entry in self.log).values())


def prepare(scratch, count, attempts=2, first=0, idle=60, total=120):
    """Where a test is about no timeout, none is so short that a loaded machine meets it."""
    scratch.prompts(count)
    scratch.write("ask.lua", SCRIPT)
    scratch.write("models.lua", MODELS % (attempts, first, idle, total))


def asked(rules, count=1, options=(), latency_ms=0, **limits):
    with Stub(rules=rules, latency_ms=latency_ms) as server, host.Scratch(server.url) as scratch:
        prepare(scratch, count, **limits)
        return Asked(scratch, server, "--models", "models.lua", *options)


# ---- what is tried again ------------------------------------------------------------------

TRANSIENT = ["server_error", "unavailable", "bad_gateway", "timeout_408", "garbage", "bad_utf8", "truncated", "reset",
             "close", "empty_choices", "error_in_200", "hang", "stall", "rate_limited"]


def transient():
    """Each fault strikes its row twice, then the answer comes; all rows are under way together."""
    rules = [{"contains": f"<row-{i}>", "fault": fault, "times": 2} for i, fault in enumerate(TRANSIENT)]
    # "hang" and "stall" end by these: long enough that no loaded server is taken for one that hangs.
    limits = {"attempts": 8, "first": 6, "idle": 6, "total": 120}
    got, clean = asked(rules, len(TRANSIENT), **limits), asked([], len(TRANSIENT))
    tap.equal(got.result.status, 0, "faults that pass: status 0")
    for i, fault in enumerate(TRANSIENT):
        tap.equal(got.answers.get(f"row-{i}"), clean.answers[f"row-{i}"], f"{fault}: answered in the end")
    tap.equal(got.requests(), [3] * len(TRANSIENT), "three requests for each")
    tap.equal(clean.requests(), [1] * len(TRANSIENT), "and one without faults")


def given_up():
    got = asked([{"contains": "<row-1>", "fault": "unavailable"}], 3, attempts=3)
    tap.equal(got.result.status, 3, "a fault that stays: status 3")
    tap.equal((sorted(got.answers), list(got.errors)), (["row-0", "row-2"], ["row-1"]), "its row fails, the others pass")
    tap.equal(got.requests(), [1, 1, 3], "after as many attempts as allowed")
    tap.contains(str(got.errors), ["503", "3 attempts", "writer"], "the error says status, attempts and model")


def timeouts():
    cases = (("first byte", {"fault": "hang"}, {"first": 0.4}), ("total", {"fault": "hang"}, {"total": 0.4}),
             ("idle", {"fault": "stall"}, {"idle": 0.4}), ("total, bytes trickling in", {"drip": [5, 0.05]}, {"total": 0.6}),
             ("none", {"drip": [25, 0.3]}, {"idle": 5, "total": 120}))
    with ThreadPoolExecutor(len(cases)) as pool:
        *ended, slow = pool.map(lambda case: asked([case[1]], attempts=2, **case[2]), cases)
    for (name, *_), got in zip(cases, ended):
        tap.equal(got.result.status, 3, f"timeout, {name}: status 3")
        tap.ok(got.result.seconds < 100, f"timeout, {name}: the call ends, where the server would wait for an hour",
               f"{got.result.seconds:.1f} s")
        tap.contains(str(got.errors), ["timeout"], f"timeout, {name}: the error says so")
        tap.equal(got.requests(), [2], f"timeout, {name}: tried twice")
    tap.equal((slow.result.status, slow.requests()), (0, [1]), "a slow answer that keeps coming is no timeout")


def retry_after():
    """The server refuses all and asks for a pause: nobody disturbs it meanwhile. A single refusal holds only its call."""
    hint = {"fault": "rate_limited", "headers": {"Retry-After": "2"}}
    got = asked([{"nth": list(range(1, 13)), "gather": 12, **hint}], 40, ["--concurrency", 12])
    tap.equal(got.result.status, 0, "Retry-After: status 0")
    times = sorted(e["time"] for e in got.log)
    tap.equal(len(times), 52, "twelve are refused at once, and asked again")
    # None was refused before the twelfth had come.
    tap.ok(times[12] > times[11] + 1.95, "the pause holds for all calls to the endpoint", times[11:14])
    got = asked([{"nth": 3, **hint}], 12, ["--concurrency", 4], latency_ms=50)
    tap.equal((got.result.status, len(got.log)), (0, 13), "one of many is refused: it is asked again")
    first, again = (e["time"] for e in got.log if e["messages"] == got.log[2]["messages"])
    others = [e for e in got.log[3:] if e["time"] < again]
    tap.ok(again > first + 1.95 and others, "when it was told to, and the others do not wait", (again - first, len(others)))


# ---- what is final ------------------------------------------------------------------------

def final():
    faults = {"bad_request": ["400", "temperature"], "redirect": ["302", "redirect"], "huge": ["byte"]}
    rules = [{"contains": f"<row-{i}>", "fault": fault} for i, fault in enumerate(faults)]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        prepare(scratch, len(faults) + 1, attempts=4)
        got = Asked(scratch, server, "--models", "models.lua")
        tap.equal(got.result.status, 3, "final failures: status 3")
        tap.equal(list(got.answers), [f"row-{len(faults)}"], "the good row passes")
        for i, (fault, parts) in enumerate(faults.items()):
            tap.contains(str(got.errors.get(f"row-{i}")), parts, f"{fault}: the error says what happened")
        tap.equal(got.requests(), [1] * (len(faults) + 1), "each was asked once")
        tap.ok(all(e["path"].endswith("/chat/completions") for e in server.log()), "no redirect was followed")
        again = Asked(scratch, server, "--models", "models.lua")
        tap.equal(len(again.log), len(faults), "a rerun tries just those again: they may pass later")


def stops_the_run():
    for fault, parts in (("quota", ["quota"]), ("unauthorized", ["401", "API key"]), ("model_not_found", ["404", "does not exist"])):
        got = asked([{"fault": fault}], 100, ["--concurrency", 4], latency_ms=10)
        tap.equal(got.result.status, 1, f"{fault}: status 1, the run stops")
        tap.contains(got.result.err, parts, f"{fault}: the message says why")
        tap.ok(len(got.log) <= 8, f"{fault}: at once", f"{len(got.log)} requests")


def refused_while_another_waits():
    """What ends the run opens no further row, though the first row, of another model, is still asked."""
    rules = [{"model": "slow", "delay": 1.5}, {"fault": "model_not_found"}]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        prepare(scratch, 100)
        scratch.write("ask.lua", SCRIPT.replace("model:ask", """(row.id == "row-0" and fellowship.model "openai:slow" or model):ask"""))
        got = Asked(scratch, server, "--concurrency", 4)
        tap.equal(got.result.status, 1, "one row waits, another meets what ends the run: it ends")
        tap.ok(len(got.log) <= 8, "and no further row is asked meanwhile", f"{len(got.log)} requests")


def one_of_many():
    """403 and 404 from a server that has given good answers may be about one request: its row fails, the others pass."""
    for name, what in (("403", {"status": 403, "body": "<html><title>403 Forbidden</title></html>"}), ("404", {"fault": "model_not_found"})):
        got = asked([{"contains": "<row-5>", **what}], 12, ["--concurrency", 1])
        tap.equal((got.result.status, list(got.errors), len(got.answers)), (3, ["row-5"], 11), f"{name} after good answers: one row fails")
        tap.contains(str(got.errors), [name], f"{name}: told")


def larger_context():
    """What was too long for one's own server is asked again: it may have been started with a larger context."""
    with Stub(rules=[{"contains": "<row-0>", "fault": "context_length", "times": 1}]) as server, host.Scratch(server.url) as scratch:
        prepare(scratch, 2)
        first = Asked(scratch, server)
        tap.equal((first.result.status, list(first.errors)), (3, ["row-0"]), "too long: its row fails")
        tap.contains(str(first.errors), ["context_length", "larger context", "run the same again"], "and is told how to ask again")
        again = Asked(scratch, server)
        tap.equal((again.result.status, len(again.log)), (0, 1), "the same again: that row is asked, and answered")


def stored_refusals():
    """Refusals that belong to the request for good are kept and replayed, offline too."""
    rules = [{"contains": "<row-0>", "fault": "content_filter"}, {"contains": "<row-1>", "status": 403, "body": {
        "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_X"}}]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        prepare(scratch, 3)
        first = Asked(scratch, server)
        tap.equal((first.result.status, list(first.errors), list(first.answers)),
                  (3, ["row-0", "row-1"], ["row-2"]), "refusals are failed rows")
        tap.equal(first.requests(), [1, 1, 1], "asked once")
        tap.contains(str(first.errors["row-0"]), ["content_filter"], "content filter by its kind")
        tap.contains(str(first.errors["row-1"]), ["content_filter", "403"], "moderation by its kind, though it said 403")
        for options in ([], ["--offline"]):
            again = Asked(scratch, server, *options)
            name = " ".join(["a rerun", *options])
            tap.equal((again.result.status, again.log), (3, []), f"{name}: no request")
            tap.equal((again.errors, again.answers), (first.errors, first.answers), f"{name}: the same errors and answers")


# ---- limits -------------------------------------------------------------------------------

def shared_calls():
    with Stub(latency_ms=200) as server, host.Scratch(server.url) as scratch:
        prepare(scratch, 0)
        scratch.write("rows.jsonl", [{"id": i, "prompt": "The same."} for i in range(30)])
        got = Asked(scratch, server)
        tap.equal((got.result.status, len(got.answers)), (0, 30), "thirty identical calls are answered")
        tap.equal(len(got.log), 1, "by one request")
        tap.equal(len(set(got.answers.values())), 1, "with one answer")


def concurrency():
    for bound in (1, 7, 64):
        got = asked([{"gather": bound}], 200 if bound > 1 else 10, ["--concurrency", bound], latency_ms=20, total=60, idle=60)
        most = max(entry["in_flight"] for entry in got.log)
        tap.equal((got.result.status, most), (0, bound), f"--concurrency {bound}: so many on the wire at most, and reached")
    mixed = [{"contains": f"<row-{i}>", "fault": fault, "times": 1} for i, fault in
             enumerate(["server_error", "reset", "truncated", "close", "garbage"] * 8)]
    got = asked(mixed, 120, ["--concurrency", 5], latency_ms=10, attempts=5)
    tap.equal(got.result.status, 0, "with faults: status 0")
    most = max(entry["in_flight"] for entry in got.log)
    tap.ok(most <= 6, "with faults the bound holds too (a dropped connection may still count)", f"{most} in flight")
    tap.equal(len(got.log), 160, "each call was made once more for each fault")


def never_hangs():
    """Everything hangs: the run ends by itself, long before `asked` would end it."""
    got = asked([{"fault": "hang"}], 20, ["--concurrency", 20], attempts=2, total=0.5)
    tap.equal((got.result.status, len(got.errors)), (3, 20), "a dead server fails the rows, though it would answer in an hour")


def rows_that_are_no_tables():
    with host.Scratch() as scratch:
        scratch.write("ask.lua", """local fellowship = require "fellowship"
for _ in fellowship.map({ 7, "eight" }, function() error "no" end) do end
""")
        result = scratch.run("ask.lua")
        tap.equal((result.status, [row["id"] for row in host.jsonl(scratch / "ask.errors.jsonl")]), (3, [0, 1]),
                  "rows that are numbers and strings fail as others do, known by their number")


host.need_program()
tap.cases(transient, given_up, timeouts, retry_after, final, stops_the_run, refused_while_another_waits, one_of_many, larger_context, stored_refusals, shared_calls, concurrency,
          never_hangs, rows_that_are_no_tables)
