#!/usr/bin/env python3
"""The same inputs give the same bytes: whatever the concurrency, the store or the part of the dataset."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

SIM = ("sim:writer", "sim:reviewer?latency=0.002", "sim:judge")
ROWS = 150
SHARDS = 3
COMMANDS = {
    "preference": ["--generator", SIM[0], "--reviewer", SIM[1], "--judge", SIM[2]],
    "feedback": ["--generator", SIM[0], "--reviewer", SIM[1], "--reviewer", SIM[2]],
    "judge": ["--model", SIM[2]],
}


def data(scratch):
    """Prompts of very different lengths, so that rows end out of order; every third has no id."""
    rows = []
    for i in range(ROWS):
        row = {"prompt": f"Prompt {i}: " + "word " * (i * 37 % 200), "response_a": f"a{i}", "response_b": f"b{i}"}
        rows.append(row if i % 3 == 2 else {"id": f"row-{i}", **row})
    scratch.write("rows.jsonl", rows)


def run(scratch, command, out, *options):
    """Runs a command; its folder's files but run.json."""
    result = scratch.run("run", command, "--data", "rows.jsonl", "--out", out, *COMMANDS[command], *options)
    if result.status != 0:
        raise RuntimeError(f"{command} {options}: {result}")
    return host.tree(scratch / out, ["run.json"])


def concurrency():
    with host.Scratch() as scratch:
        data(scratch)
        for command in COMMANDS:
            one = run(scratch, command, f"{command}-1", "--concurrency", 1, "--store", f"{command}-1.db")
            for n, window in ((64, 256), (64, 1), (3, 5)):
                name = f"{command}-{n}-{window}"
                many = run(scratch, command, name, "--concurrency", n, "--window", window, "--store", f"{name}.db")
                host.same_tree(many, one, f"{command}: --concurrency {n} --window {window} gives what 1 gives")
            again = run(scratch, command, f"{command}-again", "--store", f"{command}-1.db")
            host.same_tree(again, one, f"{command}: so does a run from the store")


def ids():
    with host.Scratch() as scratch:
        data(scratch)
        want = [i if i % 3 == 2 else f"row-{i}" for i in range(ROWS)]
        whole = lines(run(scratch, "preference", "whole")["responses.jsonl"])
        tap.equal([row["id"] for row in whole], want, "ids are kept; a row without one gets its number from 0")
        few = lines(run(scratch, "preference", "few", "--limit", 10)["responses.jsonl"])
        tap.equal(few, whole[:10], "--limit: the first rows, unchanged")
        run(scratch, "preference", "few", "--limit", 20)
        tap.ok(True, "--limit does not make another run")


def lines(content):
    return [json.loads(line) for line in content.decode().splitlines()]


def shards():
    with host.Scratch() as scratch:
        data(scratch)
        whole = run(scratch, "preference", "whole")
        parts = [run(scratch, "preference", f"part-{i}", "--shard", f"{i}/{SHARDS}", "--store", f"part-{i}.db")
                 for i in range(1, SHARDS + 1)]
        for name in (name for name in whole if name.endswith(".jsonl")):
            together = sorted(line for part in parts for line in part.get(name, b"").splitlines())
            tap.equal(together, sorted(whole[name].splitlines()), f"{name}: the shards together are the whole")
        counts = [len(part["responses.jsonl"].splitlines()) for part in parts]
        tap.ok(max(counts) - min(counts) <= 1, f"shards are of equal size: {counts}")


# Draws numbers before and after waits of random length, several tasks a row.
RANDOM = """local fellowship = require "fellowship"
local model = fellowship.model "sim:any"
local out <close> = fellowship.writer(arg[1])
local function draw(row)
  local first = math.random(1 << 30)
  fellowship.sleep(math.random() / 100)
  model:ask(row.prompt)
  return { first, math.random(1 << 30), math.random() }
end
for row, numbers in fellowship.map(fellowship.rows "rows.jsonl", draw) do out:write { n = numbers } end
"""


def randomness():
    with host.Scratch() as scratch:
        data(scratch)
        scratch.write("random.lua", RANDOM)
        got = {}
        for name, options in (("1", ["--concurrency", 1]), ("64", ["--concurrency", 64]),
                              ("window", ["--window", 2]), ("seeded", ["--seed", 7]), ("again", ["--seed", 7])):
            result = scratch.run(*options, "random.lua", f"{name}.jsonl")
            got[name] = (scratch / f"{name}.jsonl").read_bytes() if result.status == 0 else str(result)
        tap.ok(got["1"] == got["64"] == got["window"], "math.random follows from the row, not from the order of events",
               got["1"][:200], got["64"][:200])
        tap.ok(got["seeded"] == got["again"] != got["1"], "and from --seed")
        tap.equal(len(set(got["1"].splitlines())), ROWS, "each row has numbers of its own")


def samples():
    with host.Scratch() as scratch:
        data(scratch)
        plain = run(scratch, "feedback", "plain")
        fresh = run(scratch, "feedback", "fresh", "--fresh", 1)
        tap.ok(plain != fresh, "--fresh asks for other samples")
        host.same_tree(run(scratch, "feedback", "fresh-again", "--fresh", 1, "--store", "other.db"), fresh,
                       "which are as reproducible")
        run_json = json.loads((scratch / "plain/run.json").read_text())
        tap.contains(json.dumps(run_json), "sim", "run.json says that a model is simulated")
        responses = lines(plain["responses.jsonl"])
        tap.ok(all(text.startswith("[sim]") for row in responses for text in row["responses"]), "and so does each text")


host.need_program()
tap.cases(concurrency, ids, shards, randomness, samples)
