#!/usr/bin/env python3
"""--max-calls and --max-cost with --batch: a cut takes what fits, and the bound is kept by what the server bills."""

import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from batch_scene import BOTH, Scene
from batch_server import KEY

# USD for a million tokens, half of it in a batch: a call costs some cents.
MODELS = """return {
  ["openai:m"] = { price = { input = 100, output = 400, batch = 0.5 }, params = { max_tokens = 64 }, attempts = 3 },
  ["anthropic:m"] = { price = { input = 100, output = 400, batch = 0.5 }, params = { max_tokens = 64 }, attempts = 3 },
}"""


def billed(scene):
    """What the server bills for batches, in USD."""
    total = 0
    for batch in scene.server.batches.values():
        for line in batch.output:
            value = json.loads(line)
            body = value["response"]["body"] if "response" in value else value["result"].get("message") or {}
            usage = body.get("usage", {})
            total += 50 * usage.get("prompt_tokens", usage.get("input_tokens", 0)) + 200 * usage.get("completion_tokens", usage.get("output_tokens", 0))
    return total / 1e6


def calls():
    for model in BOTH:
        with Scene() as scene:
            result = scene.batch(model, "--max-calls", "4")
            tap.equal((result.status, scene.sizes()), (4, [4]), f"{model}: --max-calls 4 of 10 rows is one batch of four, status 4")
            tap.contains(result.err, "--max-calls 4 is reached", "which says so")
            result = scene.batch(model, "--max-calls", "5")
            tap.equal((result.status, scene.sizes()), (4, [4, 5]), "the next run goes on from there")
            result = scene.batch(model)
            tap.equal((result.status, result.out, scene.sizes()), (0, scene.plain(model), [4, 5, 1]), "and one without a bound ends it")
            tap.equal(scene.server.twice(), [], "nothing is submitted twice")


def cost():
    for model in BOTH:
        with Scene() as scene:
            scene.scratch.write("m.lua", MODELS)
            flags = "--models", "m.lua"
            result = scene.batch(model, *flags, "--max-cost", "0.045")
            spent = billed(scene)
            tap.equal(result.status, 4, f"{model}: --max-cost stops the run with status 4")
            tap.contains(result.err, "--max-cost 0.045 is reached", "and says so")
            tap.ok(0 < spent <= 0.045, f"the server has billed ${spent:.4f}")
            tap.ok(len(scene.sizes()) >= 2, f"what a batch did not need of its worst case is used by the next: {scene.sizes()}")
            result = scene.batch(model, *flags)
            tap.equal((result.status, sum(scene.sizes()), scene.server.twice()), (0, 10, []), "a run without the bound makes the rest")


def steps():
    """Rows of several steps: what one row's next step cannot have stops the run, and nothing is lost."""
    with Scene(rows=12) as scene:
        scene.scratch.write("m.lua", MODELS)
        arguments = ["run", "feedback", "--data", "rows.jsonl", "--generator", "openai:m", "--reviewer", "openai:m", "--out", "out",
                     "--models", "m.lua", "--batch"]
        bound, runs, before = 0.15, 0, 0
        while True:
            result = scene.scratch.run(*arguments, "--max-cost", bound)
            runs += 1
            spent = billed(scene)
            tap.ok(result.status in (0, 4) and spent - before <= bound, f"run {runs}: status {result.status}, ${spent - before:.4f} of ${bound} are billed", result)
            if result.status == 0 or runs > 20 or spent == before:
                break
            before = spent
        tap.equal(result.status, 0, f"after {runs} runs all is done")
        tap.equal((len(scene.server.submitted()), scene.server.twice()), (12 * 5, []), "each call was in one batch")
        run = json.loads((scene.scratch / "out/run.json").read_text())
        tap.ok(run["cost"] <= bound, "run.json has the cost of the last run")


def failed_lines():
    """What brought no completion gives its budget back."""
    with Scene(fate=lambda identity, body, batch: "expired" if batch.id == "batch_1" else None) as scene:
        scene.scratch.write("m.lua", MODELS)
        result = scene.batch("openai:m", "--models", "m.lua", "--max-cost", "0.4")
        tap.equal((result.status, scene.sizes()), (0, [10, 10]), "a batch that expired costs nothing: the next one fits")
    with Scene(ends="failed", errors=[{"code": "invalid", "message": "not taken", "line": None}]) as scene:
        scene.scratch.write("m.lua", MODELS)
        result = scene.batch("openai:m", "--models", "m.lua", "--max-cost", "0.4")
        tap.equal((result.status, scene.sizes()), (3, [10]), "nor does one that was refused: the rows fail, not the budget")


def mixed():
    """A stop by live calls does not wait for a batch that is under way; a later run collects it."""
    with Scene(hold=threading.Event()) as scene:
        scene.scratch.environment.update(VLLM_BASE_URL=f"{scene.server.url}/vllm/v1", VLLM_API_KEY=KEY)
        scene.scratch.write("two.lua", """local fellowship = require "fellowship"
local m, v = fellowship.model "openai:m", fellowship.model "vllm:v"
fellowship.all(function() print(m:ask("batched").text) end, function()
  for n = 1, 60 do v:ask("live " .. n) fellowship.sleep(0.01) end
end)""")
        result = scene.scratch.run("--batch", "--batch-after", "0.05", "--max-calls", "40", "two.lua", timeout=60)
        tap.equal((result.status, scene.sizes()), (4, [1]), "the run stops with status 4")
        tap.contains(result.err, ["--max-calls 40 is reached", "under way: 1 call in 1 batch"], "and says what is under way")
        scene.server.hold.set()
        result = scene.scratch.run("--batch", "two.lua", timeout=60)
        tap.equal((result.status, scene.sizes(), scene.server.plain), (0, [1], 60), "which the next one collects")


def estimates():
    """--dry-run with --batch: at the price of batches, where the provider has them."""
    with Scene() as scene:
        scene.scratch.write("m.lua", MODELS.replace("}, attempts = 3 },\n}", "}, attempts = 3 },\n  [\"vllm:m\"] = { price = { input = 100, output = 400, batch = 0.5 } },\n}"))
        costs = {}
        for flags in ((), ("--batch",)):
            result = scene.scratch.run("run", "feedback", "--data", "rows.jsonl", "--generator", "openai:m", "--reviewer", "vllm:m", "--out", "out",
                                       "--models", "m.lua", "--dry-run", *flags)
            costs[flags] = {model["model"]: model["cost"]["likely"] for model in result.summary["models"]}
        live, batch = costs[()], costs[("--batch",)]
        tap.ok(abs(batch["openai:m"] - live["openai:m"] / 2) < 1e-9 and batch["vllm:m"] == live["vllm:m"], "an estimate with --batch is half for who has batches", costs)
        tap.equal(scene.server.requests, [], "and asks nothing")


def unbounded():
    with Scene() as scene:
        result = scene.batch("openai:m", "--max-cost", "1")
        tap.ok(result.status in (1, 2), f"a model whose cost has no bound: status {result.status}")
        tap.contains(result.err, ["--max-cost cannot be kept with openai:m", "max_tokens"], "which says what is missing")
        tap.equal(scene.server.order, [], "and nothing is sent")


host.need_program()
tap.cases(calls, cost, steps, failed_lines, mixed, estimates, unbounded)
