#!/usr/bin/env python3
"""What a run shows while it goes on: a block on a terminal, lines in a pipe, nothing with --quiet; and its summary."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub
from terminal import ESCAPES, Terminal

JOB = host.preference_arguments()
RULES = [{"contains": "<row-3>", "fault": "model_not_found"}, {"contains": "<row-1", "fault": "rate_limited", "times": 1}]


def widest(raw):
    """Columns of the widest line that was drawn."""
    lines = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "\n", raw).replace("\r", "\n").split("\n")
    return max(len(line) for line in lines if "·" in line or "rows" in line)


def block(columns):
    with Stub(latency_ms=60, rules=RULES) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(30)
        with Terminal(scratch, *JOB, "--concurrency", "8", columns=columns) as t:
            tap.ok(t.wait_for(r"\[#*-*\] \d+/30 rows \(\d+%\)"), f"{columns} columns: a bar with done/total")
            tap.ok(t.wait_for(r"\d+ pairs\W+\d+ comparisons\W+\d+ calls\W+[\d.]+ calls/s\W+\d+ in flight\W+\d+ from the store"), "what came out, calls and their rate")
            tap.ok(t.wait_for(r"1 rate-limited"), "what went wrong")
            tap.ok(t.wait_for(r"ETA \d+"), "the time that is left")
            tap.equal(t.finish(60), 3, "the run ends, a row having failed")
        tap.ok(widest(t.raw.split("fellowship: 29 rows")[0]) <= columns, "no line is wider than the terminal")
        end = t.text[t.text.index("fellowship: 29 rows done"):]
        tap.contains(" ".join(end.split()), ["1 failed (1 not_found)", "outcome 29 pairs; 58 comparisons (", "rate-limited",
                     "tokens in", "cost unknown", "results out", "failed out/errors.jsonl",
                     "next not_found: check the model's name"], "the summary says what came of it and what to do next")
        tap.ok(max(map(len, end.splitlines())) <= columns, "its lines fit the terminal")
        tap.lacks(end, '"status"', "the line for programs is not shown to people")
        tap.lacks(end, "in flight", "and the block is gone")


def narrow():
    block(60)


def wide():
    block(200)


def resized():
    with Stub(latency_ms=150) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(20)
        with Terminal(scratch, *JOB, "--concurrency", "4", columns=150) as t:
            tap.ok(t.wait_for(r"/20 rows"), "the block is shown")
            t.resize(50, 30)
            t.take(0.5)
            t.wait_for(r"/20 rows")
            seen = len(t.raw)
            t.wait_for(r"/20 rows")
            t.wait_for(r"/20 rows")
            tap.ok(widest(t.raw[seen:]) <= 50, "it keeps to the new width")
            t.process.terminate()
            t.finish(60)


def printing():
    """What a script prints stands above the block, whole."""
    script = """local fellowship = require "fellowship"
return { summary = "prints", options = { { "data", type = "data", required = true, help = "rows" } }, run = function(run)
  for row in run:map(run:rows "data", function(row) fellowship.sleep(0.1) end) do print("printed " .. row.id) end
end }
"""
    with host.Scratch() as scratch:
        scratch.prompts(10)
        scratch.write("prints.lua", script)
        with Terminal(scratch, "prints.lua", "--data", "rows.jsonl", "--out", "out", "--window", "1") as t:
            tap.equal(t.finish(60), 0, "a script that prints")
        shown = ESCAPES.sub("", t.raw).replace("\r", "\n")        # a block is taken away from the start of its line
        tap.equal(re.findall(r"^printed (row-\d)$", shown, re.MULTILINE), [f"row-{i}" for i in range(10)],
                  "each line is whole and stands at the start of one")


def piped():
    with Stub(latency_ms=20) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(3)
        result = scratch.run(*JOB)
        tap.equal(result.status, 0, "a run into a pipe")
        tap.lacks(result.err + result.out, ["\x1b", "\r"], "has no control characters")
        tap.contains(result.err, ["3 rows done", "21 made, 0 from the store"], "and the summary")
        result = scratch.run(*JOB, "--quiet")
        tap.equal((result.status, result.err), (0, ""), "--quiet says nothing")
        tap.equal((result.summary["rows"], result.summary["stored"]), (3, 21), "but the last line of JSON")


def slow_calls():
    """Lines of a log: none that repeats the one before, and how long a call takes where that is long."""
    script = """local fellowship = require "fellowship"
local m = fellowship.model "sim:slow?latency=0.1"
for row, text in fellowship.map(fellowship.rows "rows.jsonl", function(row)
  if row.id == "row-2" then fellowship.sleep(1.5) end
  return m:ask(row.prompt).text
end) do print(row.id) end
"""
    with host.Scratch() as scratch:
        scratch.prompts(4)
        scratch.write("plain.lua", script)
        result = scratch.run("plain.lua", env={"FELLOWSHIP_PROGRESS": "0.05"})
        tap.equal((result.status, len(result.out.splitlines())), (0, 4), "a plain script")
        lines = [line for line in result.err.splitlines() if "in flight" in line]
        tap.ok(len(lines) >= 1, "has progress", result.err)
        tap.contains(lines[0], "/4 rows", "with a total")
        tap.ok(len(lines) <= 6, "no line while nothing happens", *lines)
        tap.contains(result.err, ["4 rows done in", "4 made, 0 from the store", "cost none (sim)"], "and a summary with its cost")
        tap.lacks(result.out, "{", "its standard output is its own")
        result = scratch.run("--quiet", "plain.lua")
        tap.equal(result.err, "", "--quiet: neither")
        scratch.write("silent.lua", "print(1)")
        tap.equal(scratch.run("silent.lua").err, "", "a script without rows and calls has nothing to tell")


def totals():
    """Every format has a total and the time that is left: counted, or by how far the file has been read."""
    rows = [f"{i},a prompt of some words {i}" for i in range(400)]
    with Stub(latency_ms=20) as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.csv", "id,prompt\n" + "\n".join(rows) + "\n")
        scratch.write("rows.csv.gz", "id,prompt\n" + "\n".join(rows) + "\n")
        scratch.write("rows.json", json.dumps([{"id": i, "prompt": f"p{i}"} for i in range(400)]))
        for name in ("rows.csv", "rows.csv.gz", "rows.json"):
            with Terminal(scratch, "run", "generate", "--data", name, "--model", "openai:m", "--concurrency", "4", "--store", name + ".db",
                          "--out", name + ".out") as t:
                tap.ok(t.wait_for(r"\[#*-*\] \d+/~?\d+ rows \(\d+%\)"), f"{name}: a bar with a total")
                tap.ok(t.wait_for(r"ETA \d+"), f"{name}: the time that is left")
                tap.equal(t.finish(60), 0, f"{name}: it ends")
            found = [int(n) for n in re.findall(r"/~?(\d+) rows", t.text)]
            tap.ok(found and 200 <= found[-1] <= 800, f"{name}: the total is about right: {found[-1:]}")


def plain_on_a_terminal():
    with Stub(latency_ms=150) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(12)
        scratch.write("plain.lua", """local fellowship = require "fellowship"
local m = fellowship.model "openai:m"
local n = fellowship.each(fellowship.rows "rows.jsonl", function(row) m:ask(row.prompt) end)
io.write("all ", n, "\\n")
""")
        with Terminal(scratch, "--concurrency", "1", "plain.lua") as t:
            tap.ok(t.wait_for(r"\[#*-*\] \d+/12 rows \(\d+%\)"), "a plain script on a terminal has the block")
            tap.equal(t.finish(30), 0, "it ends")
        tap.contains(t.text, ["all 12", "12 rows done in", "12 made"], "and has a summary")
        tap.ok(t.text.rindex("in flight") < t.text.index("12 rows done"), "the block is gone by then")


host.need_program()
tap.cases(narrow, wide, resized, printing, piped, slow_calls, totals, plain_on_a_terminal)
