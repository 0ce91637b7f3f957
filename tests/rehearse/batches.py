#!/usr/bin/env python3
"""--dry-run --batch: how many lines go in how many files, against what a run then sends."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from batch_scene import Scene

ROWS = 12
PRICES = "return {%s}" % ",".join(f'["{model}"] = {{ price = {{ input = 1, output = 4 }} }}'
                                   for model in ("openai:m", "openai:j", "anthropic:m", "mistral:m", "vllm:m"))
# Workflows whose calls wait for others in ways of their own; and whether what they ask is sure.
JOBS = {
    "feedback": (["feedback", "--data", "rows.jsonl", "--generator", "openai:m", "--reviewer", "anthropic:m", "--reviewer", "mistral:m"], True),
    "judge": (["judge", "--data", "pairs.jsonl", "--model", "openai:m"], True),
    "evaluate": (["evaluate", "--method", "jury", "--data", "pairs.jsonl", "--model", "openai:m", "--model", "anthropic:m"], True),
    "preference": (["preference", "--data", "rows.jsonl", "--generator", "openai:m", "--reviewer", "anthropic:m", "--judge", "openai:j"], False),
    "debate": (["debate", "--data", "pairs.jsonl", "--model", "openai:m"], False),
}


def prepare(scene):
    scene.scratch.write("m.lua", PRICES)
    scene.scratch.write("pairs.jsonl", [{"id": i, "prompt": f"p{i}", "response_a": "x", "response_b": "y", "human": "a"}
                                        for i in range(ROWS)])


def workflows():
    with Scene(rows=ROWS) as scene:
        prepare(scene)
        for name, (job, sure) in JOBS.items():
            options = ["run", *job, "--models", "m.lua", "--store", f"{name}.db", "--batch"]
            told = scene.scratch.run(*options, "--dry-run").summary["models"]
            before = len(scene.server.order)
            scene.scratch.run(*options, "--out", name, timeout=100)
            files = len(scene.server.order) - before
            lines = sum(scene.sizes()[before:])
            for what, actual, key in (("files", files, "batches"), ("lines", lines, "calls")):
                low, likely, high = (sum(model[key][end] for model in told) for end in ("low", "likely", "high"))
                tap.ok(low <= actual <= high and (not sure or likely == actual), f"{name}: {what} {low} {likely} {high}, were {actual}")


def bounds():
    """No more lines in a file than the provider takes, and no more bytes."""
    for what, line in (("lines", "most_calls = 5"), ("bytes", "most_bytes = 1500")):
        with Scene(rows=ROWS) as scene:
            prepare(scene)
            scene.begin_with(f'require "fellowship.batch.protocol.openai".{line}\n')
            told = scene.batch("openai:m", "--models", "m.lua", "--dry-run").summary["models"][0]
            result = scene.batch("openai:m", "--models", "m.lua")
            files, (low, _, high) = len(scene.server.order), told["batches"].values()
            tap.ok(result.status == 0 and 1 < files and low <= files <= high, f"bound by {what}: {low} to {high} files, were {files}", told, scene.sizes())


def live():
    """Who has no batches goes live, and has no files; nor has anybody without --batch."""
    with Scene(rows=ROWS) as scene:
        prepare(scene)
        result = scene.scratch.run("run", "judge", "--data", "pairs.jsonl", "--model", "vllm:m", "--models", "m.lua", "--batch", "--dry-run")
        tap.equal(result.summary["models"][0]["batches"], None, "a provider without batches")
        tap.ok("in batches" not in result.err, "of which nothing is said")
        result = scene.scratch.run("run", "judge", "--data", "pairs.jsonl", "--model", "openai:m", "--models", "m.lua", "--dry-run")
        tap.equal(result.summary["models"][0]["batches"], None, "live calls")
        result = scene.scratch.run("run", "judge", "--data", "pairs.jsonl", "--model", "openai:m", "--models", "m.lua", "--batch", "--dry-run")
        tap.contains(result.err, ["in batches: 12 to 24 lines in 1 to 3 files, most likely 1"], "what people are told")
        tap.equal(scene.server.requests, [], "nothing is asked")


host.need_program()
tap.cases(workflows, bounds, live)
