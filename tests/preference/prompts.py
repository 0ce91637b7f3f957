#!/usr/bin/env python3
"""New prompts out of seeds: moves and chains, what is left out and why, reruns, budgets and estimates."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub


def said(text, finish="stop"):
    return {"choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}]}


def run(scratch, out, *options):
    return scratch.run("run", "prompts", "--data", "rows.jsonl", "--model", "openai:writer", "--out", out, *options)


def moves():
    with Stub(size=60) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(3)
        done = run(scratch, "out", "--rounds", "2", "--chains", "2", "--move", "deepen", "--move", "breadth")
        tap.equal(done.status, 0, "goes well") or tap.diag(done)
        rows = host.jsonl(scratch / "out" / "prompts.jsonl")
        tap.ok(rows and all(row["move"] in ("deepen", "breadth") for row in rows), "only the moves that were named")
        tap.equal(sorted({row["seed"] for row in rows}), ["row-0", "row-1", "row-2"], "from every seed")
        tap.equal(len({row["prompt"].strip() for row in rows}), len(rows), "each prompt once")
        again = run(scratch, "again", "--rounds", "2", "--chains", "2", "--move", "deepen", "--move", "breadth", "--offline")
        tap.equal((again.status, again.summary["calls"]), (0, 0), "a rerun is offline")
        tap.equal((scratch / "again/prompts.jsonl").read_bytes(), (scratch / "out/prompts.jsonl").read_bytes(), "with the same bytes")
        seeded = run(scratch, "seeded", "--rounds", "3", "--seed", "5")
        other = run(scratch, "other", "--rounds", "3", "--seed", "6")
        tap.ok(seeded.status == other.status == 0, "moves are drawn by the seed")
        tap.equal(run(scratch, "stopped", "--fresh", "1", "--max-calls", "2").status, 4, "a budget stops it")
        before = len(server.log())
        dry = run(scratch, "dry", "--fresh", "2", "--dry-run")
        tap.equal((dry.status, len(server.log())), (0, before), "a dry run asks nothing")


def left_out():
    """What is empty, cut off, unchanged, a repetition or judged no prompt is counted by its reason, and not written."""
    yes = "### Criterion %d:\n%s\n\n"
    rules = [{"contains": "### Criterion 1:", "body": said("".join(yes % (i, "No" if i == 2 else "Yes") for i in (1, 2, 3)))},
             {"contains": "<row-0>", "body": said("explain item  <ROW-0> in a few words!")},
             {"contains": "<row-1>", "body": said("Half a pro", "length")},
             {"contains": ["<row-2>"], "body": said("A new prompt.")},
             {"contains": ["<row-3>"], "body": said(" a new prompt ")}]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(4)
        done = run(scratch, "out")
        tap.equal([row["id"] for row in host.jsonl(scratch / "out" / "prompts.jsonl")], ["row-2-1-1"], "one is left")
        counted = json.dumps(done.summary["outcome"])
        tap.contains(counted, ["left out: unchanged", "left out: cut", "left out: duplicate"], "the others by their reasons")
        judged = run(scratch, "judged", "--judge", "openai:judge")
        tap.equal(judged.status, 5, "the judge leaves nothing: a run that has nothing to show")
        tap.contains(json.dumps(judged.summary["outcome"]), "left out: judged", "and that is said")


host.need_program()
tap.cases(moves, left_out)
