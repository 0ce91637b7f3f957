#!/usr/bin/env python3
"""Parameters are checked before anything is asked: names that no provider knows, values of another type; --models allows more."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub

JOB = ["run", "generate", "--data", "rows.jsonl", "--out", "out", "--force", "--model"]


def names_on_the_command_line():
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.prompts(1)
        for model, said in {
                "openai:m?temprature=0": ['openai knows no parameter "temprature"', 'did you mean "temperature"', 'accepts = { "temprature" }'],
                "openai:m?max_tokens=abc": ["the parameter max_tokens must be integer", '"abc"'],
                "openai:m?temperature=hot": ["the parameter temperature must be number"],
                "anthropic:m?frequency_penalti=1": ["frequency_penalty"],
                "sim:m?latncy=1": ["latency"]}.items():
            result = scratch.run(*JOB, model)
            tap.equal(result.status, 2, f"{model}: a wrong usage")
            tap.contains(result.err, ["--model", model, *said], f"{model}: and why")
        tap.equal(server.log(), [], "nothing was asked")
        for model in ("openai:m?temperature=0.5&max_tokens=10&stop=x&seed=3", "openai:m?min_p=0.1", "openai:m?reasoning_effort=low"):
            tap.equal(scratch.run(*JOB, model).status, 0, f"{model}: is asked")


def allowed():
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.prompts(1)
        scratch.write("m.lua", 'return { own = { model = "openai:m", accepts = { "magic" } }, set = { model = "openai:m", params = { wand = 3 } } }')
        for model in ("own?magic=7", "set", "set?wand=4"):
            result = scratch.run(*JOB, model, "--models", "m.lua")
            tap.equal(result.status, 0, f"{model}: what an entry of --models names is allowed") or tap.diag(result)
        result = scratch.run(*JOB, "own?magik=7", "--models", "m.lua")
        tap.equal(result.status, 2, "and nothing else")


def in_scripts():
    with host.Scratch() as scratch:
        scratch.write("script.lua", """local f = require "fellowship"
local m = f.model "sim:a"
for _ = 1, 3 do m:ask("x", { temprature = 0 }) end
m:ask("x", { anything = 1 })
print(pcall(m.ask, m, "x", { max_tokens = "many" }))
print(pcall(f.model, "sim:a", { temperature = true }))
""")
        result = scratch.run("script.lua")
        tap.equal(result.status, 0, "a script's own table of parameters")
        tap.equal(result.err.count('did you mean "temperature"'), 1, "what looks like a misspelling is told once, and sent")
        tap.lacks(result.err, "anything", "what does not is sent without a word")
        tap.contains(result.out, ["the parameter max_tokens must be integer", "the parameter temperature must be number"], "types are checked")


host.need_program()
tap.cases(names_on_the_command_line, allowed, in_scripts)
