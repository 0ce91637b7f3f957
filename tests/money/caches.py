#!/usr/bin/env python3
"""--max-cost is kept where prompts are written to caches and answers are thought over: three providers, each with its own
way of counting, bill the most that they may."""

import collections
import hashlib
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider

# USD for a million tokens: input, read from a cache, written to one, output; and the most tokens of an answer.
PRICES = {"openai": (100, 50, 125, 400, 64), "anthropic": (60, 6, 75, 240, 48), "xai": (200, 20, 200, 800, 40)}
MODELS = "return {\n" + "".join(
    f'  ["{name}:m"] = {{ price = {{ input = {i}, cached = {c}, cache_write = {w}, output = {o} }}, params = {{ max_tokens = {most} }} }},\n'
    for name, (i, c, w, o, most) in PRICES.items()) + "}\n"
MILLION, VALUES = 1000000, 20
SCORES = "### Score Assistant A:\n%d/10\n\n### Score Assistant B:\n%d/10"


def flat(value):
    return value if isinstance(value, str) else "".join(part.get("text", "") for part in value or [])


class Meter:
    """Answers by what is asked alone, and counts what it would bill, in USD / 10^12."""

    def __init__(self):
        self.server = Provider(self.answer)
        self.billed, self.kinds, self.largest = 0, collections.Counter(), 0

    def answer(self, request):
        body = request.body
        name = "anthropic" if request.path.endswith("/messages") else request.path.split("/")[1]
        digest = int.from_bytes(hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()[:8], "big")
        most = PRICES[name][4]
        if (body.get("max_tokens") or body.get("max_completion_tokens")) != most:
            raise RuntimeError(f"{name} is asked for {body}")
        prompt = sum(len(flat(m["content"]).encode()) + 4 for m in body["messages"]) + len(flat(body.get("system", "")).encode())
        cached = prompt * (digest >> 8 & 3) // 6
        written = (prompt - cached) * (digest >> 10 & 3) // 3           # all of the rest, at times
        out = 1 + (digest >> 16) % most
        thought = out * (digest >> 12 & 3) // 4
        price = PRICES[name]
        cost = ((prompt - cached - written) * price[0] + cached * price[1] + written * price[2] + out * price[3]) * MILLION
        self.billed += cost
        self.largest = max(self.largest, cost)
        self.kinds[name] += 1
        text = SCORES % (1 + digest % 10, 1 + (digest >> 8) % 10) if name == "xai" else f"says {digest:x} of it."
        return Answer(getattr(self, name)(text, prompt, cached, written, out, thought))

    @staticmethod
    def openai(text, prompt, cached, written, out, thought):
        return p.openai(text, usage={"prompt_tokens": prompt, "completion_tokens": out, "total_tokens": prompt + out,
                                     "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
                                     "completion_tokens_details": {"reasoning_tokens": thought}})

    @staticmethod
    def anthropic(text, prompt, cached, written, out, thought):
        """Input tokens are those that no cache has to do with; thoughts are among those of the output."""
        return {**p.anthropic(text), "usage": {
            "input_tokens": prompt - cached - written, "cache_read_input_tokens": cached, "cache_creation_input_tokens": written,
            "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": out, "output_tokens_details": {"thinking_tokens": thought}}}

    @staticmethod
    def xai(text, prompt, cached, written, out, thought):
        """Completion tokens leave thoughts out, the total has them; there are no writes: they cost what others do."""
        return p.openai(text, usage={"prompt_tokens": prompt, "completion_tokens": out - thought, "total_tokens": prompt + out,
                                     "prompt_tokens_details": {"cached_tokens": cached},
                                     "completion_tokens_details": {"reasoning_tokens": thought}})


def run(meter, scratch, out, *options):
    meter.billed = 0
    return scratch.run("run", "preference", "--data", "rows.jsonl", "--generator", "openai:m", "--reviewer", "anthropic:m", "--judge", "xai:m",
                       "--models", "m.lua", "--concurrency", 4, "--out", out, "--store", f"{out}.db", *options)


def twenty_values():
    meter = Meter()
    with meter.server, host.Scratch(**meter.server.environment(FELLOWSHIP_RETRY_SCALE="0.01", XAI_API_KEY=p.KEY,
                                                              XAI_BASE_URL=f"{meter.server.url}/xai/v1")) as scratch:
        scratch.write("m.lua", MODELS)
        scratch.prompts(5)
        whole = run(meter, scratch, "whole")
        total = meter.billed
        tap.equal((whole.status, sorted(meter.kinds)), (0, ["anthropic", "openai", "xai"]), "without a bound")
        spent = json.loads((scratch / "whole/run.json").read_text())["cost"]
        tap.ok(abs(spent - total / 1e12) < 1e-6, "what is counted is what is billed", f"{spent} and {total / 1e12}")
        exceeded, stopped, finished = [], 0, 0
        for i in range(1, VALUES + 1):
            limit = round(total * 1.6 / VALUES * i / 1e12, 6)
            result = run(meter, scratch, f"bounded-{i}", "--max-cost", limit)
            stopped += result.status == 4
            finished += result.status == 0
            if meter.billed / 1e12 > limit + 1e-12 or result.status not in (0, 4):
                exceeded.append((limit, meter.billed / 1e12, result.status))
            told = json.loads((scratch / f"bounded-{i}/run.json").read_text())
            if told["budget"]["cost"] + 1e-9 < meter.billed / 1e12:
                exceeded.append((limit, "told less", told["budget"]))
        tap.equal(exceeded, [], f"{VALUES} values: never exceeded, and no less is told than was billed")
        tap.ok(stopped >= 5 and finished >= 1, "some runs were stopped, others were not", f"{stopped} and {finished}")


host.need_program()
tap.cases(twenty_values)
