#!/usr/bin/env python3
"""Thousands of calls against a server that delays, refuses, resets, truncates and garbles a fifth of them.

Every row ends once, with its own answer or a named error, and memory does not follow the number of rows.
$FELLOWSHIP_CALLS sets how many (2,000 when not said; 100,000 for the full test).
"""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub, answer_text

CALLS = int(os.environ.get("FELLOWSHIP_CALLS") or 2000)
NAMED = {"rate_limit", "server", "overloaded", "timeout", "broken", "garbage"}
SCRIPT = """
local fellowship = require "fellowship"
local model, number = fellowship.model "stub", 0
local function rows()
  number = number + 1
  if number <= %d then return { id = number, prompt = ("call <%%d>"):format(number) } end
end
local out <close> = fellowship.writer "answers.jsonl"
for row, text in fellowship.map(rows, function(row) return model:ask(row.prompt).text end) do
  out:write { id = row.id, text = text }
end
print(collectgarbage "count")
"""
MODELS = """return { stub = { model = "openai:m", attempts = 4, timeouts = { connect = 60, first = 60, idle = 60, total = 120 } } }"""


def rules():
    """A digit at the end of a prompt's number chooses: about a fifth of the calls meet a fault, some of them for good."""
    faults = [{"fault": "server_error"}, {"fault": "reset"}, {"fault": "truncated"}, {"fault": "garbage"},
              {"fault": "unavailable"}, {"delay": 0.3}, {"fault": "close"}, {"status": 429, "headers": {"Retry-After": "0"},
                                                                            "body": "slow down"}]
    passing = [{**fault, "contains": f"{ending}>", "per_call": True, "times": 2}
               for fault, ending in zip(faults, ("05", "15", "25", "35", "45", "55", "65", "75"))]
    passing += [{**fault, "contains": f"{ending}>", "per_call": True, "times": 1}
                for fault, ending in zip(faults, ("08", "18", "28", "38", "48", "58", "68", "78"))]
    lasting = [{"fault": "server_error", "contains": "90>"}, {"fault": "garbage", "contains": "92>"},
               {"fault": "reset", "contains": "94>"}, {"fault": "unavailable", "contains": "96>"}]
    return lasting + passing


def expected(number):
    import hashlib
    digest = hashlib.sha256(f"m\0user\0call <{number}>".encode()).digest()
    return answer_text(400, False, digest)


def hostile():
    # AddressSanitizer keeps 256 MB of freed memory back when not told otherwise.
    keeps = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=32"
    with Stub(rules=rules()) as server, host.Scratch(server.url, FELLOWSHIP_RETRY_SCALE="0.05", ASAN_OPTIONS=keeps) as scratch:
        scratch.write("run.lua", SCRIPT % CALLS)
        scratch.write("models.lua", MODELS)
        process = scratch.start("--models", "models.lua", "--quiet", "--concurrency", 64, "run.lua")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        result = scratch.finish(process)
        tap.equal(result.status, 3, "the run ends, and says that rows failed")
        answers, errors = host.jsonl(scratch / "answers.jsonl"), host.jsonl(scratch / "run.errors.jsonl")
        ids = [row["id"] for row in answers]
        failed = {row["id"] for row in errors}
        tap.equal(ids, sorted(set(ids)), "answers come in order, none twice")
        tap.equal(len(answers) + len(errors), CALLS, f"each row once: {len(answers)} answers, {len(errors)} errors")
        tap.equal(failed & set(ids), set(), "none with both")
        wrong = [row["id"] for row in answers if row["text"] != expected(row["id"])]
        tap.equal(wrong, [], "each answer is that of its row")
        lasting = {n for n in range(1, CALLS + 1) if f"{n:02}"[-2:] in ("90", "92", "94", "96") and n > 9}
        tap.equal(failed, lasting, "the rows whose fault lasts have failed, and no others")
        tap.equal({row["kind"] for row in errors} - NAMED, set(), "each with a named kind")
        faults = sum(1 for entry in server.log() if entry["fault"] or entry["status"] != 200)
        tap.diag(f"{CALLS} calls, {len(server.log())} exchanges, {faults} with a fault; {result.seconds:.1f} s, "
                 f"peak {usage.ru_maxrss / 1024:.0f} MB, Lua's heap at the end {float(result.out) / 1024:.1f} MB")
        tap.ok(usage.ru_maxrss < 400 * 1024 and float(result.out) < 16 * 1024, "memory stays flat")


host.need_program()
tap.cases(hostile)
