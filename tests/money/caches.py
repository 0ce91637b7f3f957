#!/usr/bin/env python3
"""Twenty values of --max-cost with usage that costs more than it looks: prompts that are written to a cache whole, and
reasoning that is counted beside the completion. What the provider bills is never more than the value."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from provider_server import Answer, Provider

SCRIPT = """local fellowship = require "fellowship"
local m = fellowship.model "%s"
local tasks = {}
for i = 1, 30 do tasks[i] = function() pcall(m.ask, m, ("Question %%d. "):format(i):rep(20)) end end
fellowship.all(table.unpack(tasks))
"""


def usage_of(kind, request):
    """Usage within what was asked, as the worst case has it, and what it is billed at, in USD."""
    text = sum(len(m["content"]) for m in request.body["messages"])
    prompt, bound = text, request.body.get("max_completion_tokens") or request.body["max_tokens"]
    if kind == "written":       # gpt-5.6-sol: 4 in, 5 written, 20 out
        usage = {"prompt_tokens": prompt, "completion_tokens": bound, "total_tokens": prompt + bound,
                 "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": prompt}}
        return usage, (prompt * 5 + bound * 20) / 1e6
    reasoning = bound - 5       # grok-4.5: 2 in, and reasoning beside the completion
    usage = {"prompt_tokens": prompt, "completion_tokens": 5, "total_tokens": prompt + bound,
             "completion_tokens_details": {"reasoning_tokens": reasoning}}
    return usage, (prompt * 2 + bound * 6) / 1e6


def run(kind, model, models, value):
    billed = []

    def answer(request):
        usage, cost = usage_of(kind, request)
        billed.append(cost)
        return Answer({"model": "m", "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": usage})

    with Provider(answer) as server, host.Scratch(**server.environment(XAI_API_KEY="k", XAI_BASE_URL=server.url + "/v1")) as scratch:
        scratch.write("s.lua", SCRIPT % model)
        scratch.write("m.lua", models)
        result = scratch.run("--models", "m.lua", "--max-cost", f"{value:.6f}", "--concurrency", 8, "s.lua")
        return sum(billed), len(billed), result.status


def values():
    for kind, model, models in [
            ("written", "openai:gpt-5.6-sol?max_tokens=50", 'return { ["openai:gpt-5.6-sol"] = { identity = "openai" } }'),
            ("beside", "xai:grok-4.5?max_tokens=50", 'return { ["xai:grok-4.5"] = { identity = "xai" } }')]:
        amounts = [0.002 * (i + 1) for i in range(20)]
        with ThreadPoolExecutor(6) as pool:
            ends = list(pool.map(lambda value: run(kind, model, models, value), amounts))
        over = [(value, end) for value, end in zip(amounts, ends) if end[0] > value + 1e-12]
        tap.equal(over, [], f"{kind}: no more is billed than 20 values allow")
        tap.ok(ends[0][1] < ends[-1][1] and ends[-1][1] > 0, f"{kind}: more is asked for more: {[end[1] for end in ends]}")
        tap.ok(sum(end[1] for end in ends) > 40, f"{kind}: and not nothing")


host.need_program()
tap.cases(values)
