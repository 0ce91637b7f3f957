#!/usr/bin/env python3
"""Joins by id: what matches, what is told of the rest, and that nothing is asked where nothing can match."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap


def rows(ids, response, **more):
    return [{**({"id": i} if i is not None else {}), "prompt": f"Q{n}", "response": f"{response} {n}", **more}
            for n, i in enumerate(ids)]


class Joined:
    def __init__(self, scratch, a, b, *options, store="s.db"):
        scratch.write("a.jsonl", a)
        scratch.write("b.jsonl", b)
        self.result = scratch.run("run", "winrate", "--data", "a.jsonl", "--against", "b.jsonl", "--evaluator", "judge", "--model",
                                  "sim:j", "--force", "--store", store, "--out", "wins", *options)
        path = scratch / "wins/results.json"
        self.sums = json.loads(path.read_text()) if self.result.status in (0, 3) else {}
        self.line = next((line for line in self.result.err.splitlines() if "joined by id" in line), "")


# Ids of the first file, of the second, and how many match.
IDS = {"the same": ([1, 2, 3], [1, 2, 3], 3), "numbers and texts": ([1, 2, 3], ["1", "2", "3"], 3),
       "whole floats": ([1.0, 2.0], ["1", 2], 2), "fractions": ([0.5, 1.5], ["0.5", 1.5], 2),
       "beyond a double": ([9007199254740993, 12345678901234567890123], ["9007199254740993", "12345678901234567890123"], 2),
       "none at all": ([None, None], [None, None], 2), "numbers of rows and ids": ([None, None], [0, "1"], 2),
       "booleans": ([True, False], [True, False], 2), "beyond ASCII": (["é", "日本"], ["é", "日本"], 2)}


def matches():
    with host.Scratch() as scratch:
        for name, (first, second, want) in IDS.items():
            joined = Joined(scratch, rows(first, "good"), rows(second, "bad"))
            tap.equal((joined.result.status, joined.sums.get("n"), joined.sums.get("unmatched")), (0, want, 0), f"{name}: all match")
            tap.contains(joined.line, f"joined by id: {want} of {want} rows of a.jsonl have one in b.jsonl ({want} rows)", f"{name}: and that is told")
            tap.ok("alone" not in joined.line, f"{name}: nobody is alone")


def alone():
    with host.Scratch() as scratch:
        ids = ["x", "y", *range(10)]
        a = rows(ids, "good")
        b = [{**row, "response": "bad"} for row in a[1:4]] + rows([f"z{i}\x1b[31m" for i in range(5)], "bad")
        joined = Joined(scratch, a, b)
        tap.equal((joined.sums["n"], joined.sums["unmatched"]), (3, 9), "rows without a partner are counted")
        tap.contains(joined.line, ["3 of 12 rows of a.jsonl have one in b.jsonl (8 rows)", 'alone in a.jsonl: "x", 2, 3 and 6 more',
                                   'alone in b.jsonl: "z0?[31m", "z1?[31m", "z2?[31m" and 2 more'], "and told, with examples")
        joined = Joined(scratch, a, b, "--limit", "2")
        tap.contains(joined.line, ["1 of 2 rows"], "with --limit")
        tap.ok("alone in b.jsonl" not in joined.line, "nobody of the other file is called alone, who was not looked at")


def nothing():
    with host.Scratch() as scratch:
        joined = Joined(scratch, rows(["a", "b"], "good"), rows([1, 2], "bad"))
        tap.equal(joined.result.status, 5, "nothing matches: status 5")
        tap.contains(joined.result.err, ["no row of a.jsonl has the id of a row of b.jsonl", '"a", "b"', "1, 2", "--id-column"], "with ids of both")
        joined = Joined(scratch, rows(["a"], "good"), rows([], "bad"))
        tap.equal(joined.result.status, 5, "nothing to match with: status 5")
        tap.contains(joined.result.err, "b.jsonl has no rows", "and why")
        joined = Joined(scratch, rows([1, 1], "good"), rows([1], "bad"))
        tap.equal(joined.result.status, 2, "an id that stands twice: status 2")
        joined = Joined(scratch, rows([1], "good"), rows([1, "1"], "bad"))
        tap.equal(joined.result.status, 2, "the same in the other file, as a number and as a text")
        tap.contains(joined.result.err, ["b.jsonl", "two rows have the id 1"], "by name")
        joined = Joined(scratch, rows([1, 2], "good"), [{**row, "prompt": "another"} for row in rows([1, 2], "bad")])
        tap.equal((joined.result.status, joined.sums["n"]), (3, 0), "matching ids with other prompts are failed rows, not none that match")


def columns():
    """What others' files call their responses, each against our own."""
    with host.Scratch() as scratch:
        ours = rows([1, 2], "bad")
        forms = {
            "AlpacaEval's outputs": [{"id": r["id"], "instruction": r["prompt"], "output": "good", "generator": "x", "dataset": "helpful_base"} for r in ours],
            "no prompt": [{"id": r["id"], "response": "good"} for r in ours],
            "responses": [{"id": r["id"], "prompt": r["prompt"], "responses": ["first", "good"]} for r in ours],
            "a preference set": [{"prompt_id": r["id"], "prompt": r["prompt"], "chosen": [{"role": "user", "content": r["prompt"]}, {"role": "assistant", "content": "good"}],
                                  "rejected": [{"role": "user", "content": r["prompt"]}, {"role": "assistant", "content": "x"}]} for r in ours],
            "KTO": [{"id": r["id"], "prompt": r["prompt"], "completion": "good", "label": True} for r in ours],
            "padded": [{"id": r["id"], "prompt": r["prompt"], "response": None, "output": "good"} for r in ours],
        }
        for i, (name, theirs) in enumerate(forms.items()):
            joined = Joined(scratch, theirs, ours, store=f"{i}.db")
            tap.equal((joined.result.status, joined.sums.get("n")), (0, 2), f"{name}: read as the first file")
            scratch.run("store", "export", "x.jsonl", "--store", f"{i}.db")
            question = host.jsonl(scratch / "x.jsonl")[-1]["request"]["messages"][0]["content"]
            tap.ok("Assistant A\n\ngood" in question, f"{name}: by the response that it has")
            joined = Joined(scratch, ours, theirs)
            tap.equal((joined.result.status, joined.sums.get("n")), (0, 2), f"{name}: and as the second one")


host.need_program()
tap.cases(matches, alone, nothing, columns)
