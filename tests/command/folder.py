#!/usr/bin/env python3
"""The folder of a run: finished results never shrink, mended data may be run into it again, an empty one guards nothing."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

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


host.need_program()
tap.cases(shrinking, mended, without_ids, stopped_at_a_row, nothing_done)
