#!/usr/bin/env python3
"""sim as a judge of known skill and bias, through schemas and with log-probabilities: what scripts that measure judges see."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

ROWS = 200


def pairs():
    """Good and bad texts, the good one first in every other row."""
    texts = [(f"(quality 0.9) good {i}", f"(quality 0.2) bad, at greater length {i}") for i in range(ROWS)]
    return [{"id": i, "prompt": f"p{i}", "response_a": texts[i][i % 2], "response_b": texts[i][1 - i % 2], "human": "ab"[i % 2]}
            for i in range(ROWS)]


def measured(scratch, model, *options, method="judge"):
    out = f"{model}{method}{options}".replace("/", "-")
    result = scratch.run("run", "evaluate", "--method", method, "--data", "rows.jsonl", "--model", model, "--out", out, *options)
    card = json.loads((scratch / out / "results.json").read_text())["results"][0]
    verdicts = host.jsonl(scratch / out / "verdicts.jsonl")
    return card, verdicts, result


def near(got, wanted, what, by=0.11):
    tap.ok(got is not None and abs(got - wanted) <= by, what, f"{got}, wanted about {wanted}")


def skill():
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", pairs())
        for options in ((), ("--strategy", "direct"), ("--strategy", "independent"), ("--structured",), ("--logprobs",), ("--structured", "--strategy", "direct")):
            card, _, _ = measured(scratch, "sim:j?skill=1", *options)
            tap.equal((card["agreement"], card["unparsed"]), (1, 0), f"skill=1 always sees which is better {options}")
        card, _, _ = measured(scratch, "sim:j?skill=1", "--rounds", "1", method="debate")
        tap.equal(card["agreement"], 1, "in a debate too")
        card, _, _ = measured(scratch, "sim:j?skill=0.7")
        near(card["agreement"], 0.7 + 0.3 / 3, "skill=0.7 sees it so often, and draws else")
        card, _, _ = measured(scratch, "sim:j")
        tap.ok(card["agreement"] < 0.6, "without, it draws", card["agreement"])
        card, _, _ = measured(scratch, "sim:j", "--structured")
        tap.equal((card["unparsed"], card["n"]), (0, ROWS), "through a schema too, and every verdict can be read")


def bias():
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", pairs())
        card, verdicts, _ = measured(scratch, "sim:j?bias=first")
        tap.equal({v["winner"] for v in verdicts}, {"a"}, "bias=first always prefers what it is shown first")
        card, _, _ = measured(scratch, "sim:j?bias=first", "--swap")
        tap.equal((card["flip_rate"], card["flips"]["side"]), (1, ROWS), "and flips with the order, each time")
        card, _, _ = measured(scratch, "sim:j?bias=second&skill=0.5", "--swap")
        near(card["flip_rate"], 0.5, "with skill=0.5 half of the time: where its bias goes against what it sees")
        card, _, _ = measured(scratch, "sim:j?bias=longer")
        tap.equal((card["longer_wins"], card["agreement"]), (1, 0), "bias=longer prefers the longer one")
        result = scratch.run("run", "judge", "--data", "rows.jsonl", "--model", "sim:j?bias=sideways", "--out", "odd")
        tap.contains(result.err, ["bias is first, second or longer"], "another bias is an error that says which there are")


WRITERS = r"""
local fellowship = require "fellowship"
local good, bad = fellowship.model "sim:w?quality=0.9", fellowship.model "sim:w?quality=0.2"
local judge = fellowship.judge "sim:j?skill=1"
local won = 0
for i = 1, 40 do
  local verdict = judge:compare { prompt = "p" .. i, a = good:ask("p" .. i).text, b = bad:ask("p" .. i).text }
  if verdict.winner == "a" then won = won + 1 end
end
print(won, good:ask("x").text:match "^%[sim%] %(quality 0%.%d+%)" ~= nil, (judge:score { prompt = "p", response = "(quality 0.99) x" }).score)
local completion = fellowship.model("sim:l"):ask("### Overall Score:\nX/10", { logprobs = true })
print(#completion.logprobs > 3, completion.logprobs[#completion.logprobs].token)
local value = fellowship.model("sim:s"):ask("Name it.", { schema = { type = "object", properties = { n = { type = "integer", minimum = 3, maximum = 4 } }, required = { "n" }, additionalProperties = false } }).value
print(value.n >= 3 and value.n <= 4)
"""


def writers():
    with host.Scratch() as scratch:
        scratch.write("writers.lua", WRITERS)
        result = scratch.run("writers.lua")
        tap.equal(result.out.split("\n")[:3], ["40\ttrue\t10", "true\t10", "true"], "writers of known quality, scores, tokens and data", )


host.need_program()
tap.cases(skill, bias, writers)
