#!/usr/bin/env python3
"""The watchdog: it names the call that holds a run up, and what that waits for."""

import json
import os
import re
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub

MAP = """
local fellowship = require "fellowship"
local model = fellowship.model "slow"
for row in fellowship.map(fellowship.rows "rows.jsonl", function(row) return model:ask(row.prompt).text end) do end
"""
STREAM = """
local fellowship = require "fellowship"
fellowship.model("slow"):stream("Explain item <row-2>.", function() end)
"""
MODELS = 'return { slow = { model = "openai:red", base_url = "%s", attempts = 2, timeouts = { total = %g } } }'


def run(url, *arguments, script=MAP, patience="0.3", total=3, rows=4, scale="0.01"):
    with host.Scratch(url, FELLOWSHIP_WATCHDOG=patience, FELLOWSHIP_RETRY_SCALE=scale) as scratch:
        scratch.write("ask.lua", script)
        scratch.write("models.lua", MODELS % (url, total))
        scratch.prompts(rows)
        return scratch.run("--models", "models.lua", *arguments, "ask.lua")


def held(result):
    return [line for line in result.err.splitlines() if "held up by" in line]


def first_byte():
    with Stub(rules=[{"contains": "<row-2>", "delay": 1.5}]) as server:
        lines = held(run(server.url))
        said = r"no call has ended for \d+ s; held up by slow at \S+/v1 \(row 2, call [0-9a-f]{12}, attempt 1\): sent \d+ s ago, no byte"
        if tap.ok(lines and re.search(said, lines[0]), "a call without an answer is named: model, endpoint, row, key, attempt", lines):
            tap.contains(lines[0], server.url, "with its endpoint")
        tap.ok(1 <= len(lines) <= 6, "some times, each after twice as long", lines)
        result = run(server.url, "--quiet")
        tap.equal((result.status, held(result)), (0, []), "--quiet: nothing")
        tap.equal(held(run(server.url, patience="0")), [], "0 turns it off")


def body():
    with Stub(rules=[{"contains": "<row-1>", "drip": [20, 0.03]}]) as server:
        lines = held(run(server.url))
        tap.ok(lines and re.search(r"row 1, .*: sent \d+ s ago, [1-9]\d* bytes of its answer have come", lines[0]), "an answer that trickles", lines)


def one_of_many():
    """Other calls end all the time: the one that does not is told of at half its time."""
    rules = [{"contains": "<row-7>", "delay": 4.5}]
    with Stub(rules=rules, latency_ms=100) as server:
        lines = held(run(server.url, "--concurrency", "2", "--window", "100", rows=60, total=6, patience="2.5"))
        tap.ok(lines and "row 7," in lines[0] and "no call has ended" not in lines[0], "one call among others that go well", lines)


def paused():
    rule = {"status": 429, "headers": {"Retry-After": "1"}, "body": {"error": {"message": "slow down"}}, "times": 1}
    with Stub(rules=[rule]) as server:
        lines = held(run(server.url, rows=1, scale="1"))
        tap.ok(lines and "it waits another 1 s before the next attempt" in lines[0], "a pause that the server asked for", lines)


def connecting():
    """A server whose queue of connections is full answers no SYN."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        fill = [socket.socket() for _ in range(3)]
        for s in fill:
            s.setblocking(False)
            s.connect_ex(server.getsockname())
        result = run(f"http://127.0.0.1:{server.getsockname()[1]}/v1", rows=1, total=1)
        for s in fill:
            s.close()
        tap.contains("\n".join(held(result)), "it is connecting", "a server that takes no connection")


def stream():
    with Stub(rules=[{"contains": "row-", "delay": 1}]) as server:
        result = run(server.url, "--concurrency", "1", script=STREAM)
        tap.contains("\n".join(held(result)), "no byte of its answer has come", "a stream that does not begin")


BURN = """
local fellowship, task = require "fellowship", require "fellowship.core.task"
local breathe = require "fellowship.flow.breathe"
local before = task.turn()
while task.turn() < before + 0.12 do end
fellowship.sleep(0)
local longest = task.longest_turn()
print(task.turn() < 0.12, longest >= 0.12)
local turns = 0
local other = fellowship.spawn(function() while true do turns = turns + 1 fellowship.sleep(0) end end)
for _ = 1, 20 do
  local step = task.turn() + 0.005
  while task.turn() < step do end
  breathe()
end
other:cancel()
print(turns > 5, task.longest_turn() == longest)
fellowship.sleep(0.5)
"""
COMMAND = """
return { summary = "computes", options = {}, run = function()
  local task = require "fellowship.core.task"
  local before = task.turn()
  while task.turn() < before + 0.12 do end
end }
"""


def turns():
    """Turns are measured by what is computed, so that a busy machine changes nothing."""
    with host.Scratch(FELLOWSHIP_WATCHDOG="0.3") as scratch:
        scratch.write("burn.lua", BURN)
        result = scratch.run("burn.lua")
        tap.equal(result.out, "true\ttrue\ntrue\ttrue\n", "a turn ends where a task waits; the longest is known; breathing ends turns")
        said = [line for line in result.err.splitlines() if "without waiting" in line]
        tap.ok(len(said) == 1 and re.search(r"computed for \d\.\d\d s without waiting", said[0]), "a long turn is told, once", result.err)
        scratch.write("compute.lua", COMMAND)
        tap.equal(scratch.run("run", "./compute.lua", "--out", "out").status, 0, "a command that computes")
        tap.ok(json.loads((scratch / "out/run.json").read_text())["longest_turn"] >= 0.12, "run.json has its longest turn")


host.need_program()
tap.cases(first_byte, body, one_of_many, paused, connecting, stream, turns)
