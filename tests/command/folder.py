#!/usr/bin/env python3
"""The folder of a run: finished results never shrink, mended data may be run into it again, an empty one guards nothing."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub

SIM = ["--generator", "sim:g", "--reviewer", "sim:r"]
GOOD = [{"id": f"row-{i}", "prompt": f"prompt {i}"} for i in range(6)]


def feedback(scratch, rows, *arguments, out="out", models=SIM):
    scratch.write("rows.jsonl", rows)
    return scratch.run("run", "feedback", "--data", "rows.jsonl", *models, "--out", out, *arguments)


def ids(scratch):
    return [row["id"] for row in host.jsonl(scratch / "out/responses.jsonl")]


def refused(scratch, result, parts, name):
    tap.equal(result.status, 2, f"{name}: refused")
    tap.contains(result.err, [*parts, "--force"], f"{name}: says why, and what to do")


def shrinking():
    with host.Scratch() as scratch:
        tap.equal(feedback(scratch, GOOD, "--limit", 4).status, 0, "4 rows")
        before = host.tree(scratch / "out")
        refused(scratch, feedback(scratch, GOOD, "--limit", 3), ["holds the results of 4 rows", "--limit 3"], "a smaller --limit")
        refused(scratch, feedback(scratch, GOOD, "--shard", "1/2"), ["--shard"], "a shard")
        host.same_tree(host.tree(scratch / "out"), before, "the folder is as it was")
        tap.equal(feedback(scratch, GOOD, "--limit", 4).status, 0, "the same --limit runs again")
        tap.equal((feedback(scratch, GOOD).status, len(ids(scratch))), (0, 6), "none: all rows")
        refused(scratch, feedback(scratch, GOOD, "--limit", 4), ["6 rows"], "what was enough before is too few now")
        result = feedback(scratch, GOOD, "--limit", 2, "--force")
        tap.equal((result.status, len(ids(scratch))), (0, 2), "--force makes it smaller")
        tap.equal(feedback(scratch, GOOD, "--limit", 3).status, 0, "and what is there then is guarded")


def mended():
    broken = [row if i not in (2, 4) else {"id": row["id"], "text": row["prompt"]} for i, row in enumerate(GOOD)]
    with host.Scratch() as scratch:
        tap.equal(feedback(scratch, broken).status, 3, "two of six rows fail")
        tap.equal(ids(scratch), ["row-0", "row-1", "row-3", "row-5"], "four are done")
        lost = [row for row in GOOD if row["id"] != "row-3"]
        refused(scratch, feedback(scratch, lost), ["4 rows", "1 of which this data has not"], "data that lacks a row that is done")
        changed = [{**row, "prompt": "other"} if row["id"] == "row-1" else row for row in GOOD]
        refused(scratch, feedback(scratch, changed), ["1 of which", "id and content"], "data that changes one")
        half = [row if i != 2 else broken[2] for i, row in enumerate(GOOD)]
        tap.equal(feedback(scratch, half).status, 3, "one row mended: runs")
        result = feedback(scratch, [*GOOD, {"id": "row-6", "prompt": "one more"}])
        tap.equal((result.status, len(ids(scratch))), (0, 7), "the other one too, and one more behind")
        tap.equal(result.summary["stored"], 5 * 5, "what was asked before is not asked again")
        tap.ok(not (scratch / "out/.rows").exists(), "nothing is kept of rows once all are done")
        refused(scratch, feedback(scratch, GOOD), ["other data"], "then other data is another run")


def without_ids():
    """A row without an id is known by its number and content."""
    broken = [{"prompt": "a"}, {"text": "b"}, {"prompt": "c"}]
    with host.Scratch() as scratch:
        tap.equal(feedback(scratch, broken).status, 3, "a row of three fails")
        refused(scratch, feedback(scratch, [{"prompt": "a"}, {"prompt": "c"}]), ["1 of which"], "leaving it out renumbers the next")
        tap.equal(feedback(scratch, [{"prompt": "a"}, {"prompt": "b"}, {"prompt": "c"}]).status, 0, "mending it in its place runs")


def stopped_at_a_row():
    with host.Scratch() as scratch:
        bad = [*GOOD[:3], {"id": "row-3"}, *GOOD[4:]]
        tap.equal(feedback(scratch, bad, "--on-error", "stop").status, 1, "a run stops at a bad row")
        tap.equal((feedback(scratch, GOOD).status, len(ids(scratch))), (0, 6), "mended data runs into its folder")


def nothing_done():
    with host.Scratch() as scratch:
        tap.equal(feedback(scratch, [{"id": 1}, {"id": 2}]).status, 3, "a run without a row that is done")
        other = ["--generator", "sim:other", "--reviewer", "sim:r"]
        tap.equal(feedback(scratch, GOOD, models=other).status, 0, "guards nothing: other models and data run into its folder")
        refused(scratch, feedback(scratch, GOOD), ["--generator"], "a run with rows does")


def settled(scratch):
    """The results: what no run is in the middle of, and what does not tell of one."""
    return {name: held for name, held in host.tree(scratch / "out", without=("run.json", "errors.jsonl")).items()
            if not name.endswith(".partial")}


def from_input(scratch, rows, *arguments):
    """A run over rows from standard input."""
    with open(scratch.write("input.jsonl", rows), "rb") as stdin:
        return scratch.run("run", "feedback", "--data", "-", *SIM, "--out", "out", *arguments, stdin=stdin)


def fewer_from_input():
    """What standard input holds is known when it has been read."""
    with host.Scratch() as scratch:
        tap.equal(from_input(scratch, GOOD).status, 0, "6 rows from standard input")
        before = settled(scratch)
        result = from_input(scratch, GOOD[:2])
        refused(scratch, result, ["holds the results of 6 rows, and this run did 2", ".partial"], "2 rows from there")
        host.same_tree(settled(scratch), before, "the results are as they were")
        refused(scratch, from_input(scratch, GOOD[:1]), ["6 rows"], "and are still guarded then")
        tap.equal((from_input(scratch, [*GOOD, {"id": "row-6", "prompt": "one more"}]).status, len(ids(scratch))), (0, 7), "7 rows go there")
        tap.equal((from_input(scratch, GOOD[:2], "--force").status, len(ids(scratch))), (0, 2), "--force makes it 2")


def fewer_than_before():
    """Rows that fail where they were done before (another store, a server in trouble) take no results away."""
    rules = [{"contains": "<row-2>", "times": 30, "fault": "bad_request"}]
    with Stub() as well, Stub(rules=rules) as ill, host.Scratch(well.url) as scratch:
        scratch.prompts(4)
        arguments = ["--responses", 2, "--rows-per-file", 1]
        tap.equal(scratch.preference(*arguments).status, 0, "4 rows done")
        before = settled(scratch)
        result = scratch.preference(*arguments, "--store", "other.db", env={"OPENAI_BASE_URL": ill.url})
        tap.equal((result.status, result.summary["rows"], result.summary["failed"]), (3, 3, 1), "over another store a row of them fails")
        tap.contains(result.err, ["out, as it was: its 4 rows stay, since this run did 3", "--force"], "the summary says what stays")
        host.same_tree(settled(scratch), before, "the results are as they were")
        tap.ok((scratch / "out/responses.jsonl.partial").exists(), "those of the run stand beside them")
        tap.equal(len(host.jsonl(scratch / "out/errors.jsonl")), 1, "errors.jsonl has the row")
        tap.equal(scratch.preference(*arguments, "--offline").status, 0, "the first store gives the whole again")
        host.same_tree(settled(scratch), before, "as it was")
        tap.equal([name for name in host.tree(scratch / "out") if name.endswith(".partial")], [], "nothing .partial is left then")
        result = scratch.preference(*arguments, "--store", "other.db", "--force", env={"OPENAI_BASE_URL": ill.url})
        tap.equal((result.status, len(ids(scratch))), (3, 3), "--force puts the 3 rows there")


host.need_program()
tap.cases(shrinking, mended, without_ids, stopped_at_a_row, nothing_done, fewer_from_input, fewer_than_before)
