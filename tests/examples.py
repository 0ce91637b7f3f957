#!/usr/bin/env python3
"""Every example runs as it stands, with sim for models and no network."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import host
import tap

# Arguments that an example cannot do without.
ARGUMENTS = {"own-command.lua": ["--data", "prompts.jsonl", "--model", "sim:any", "--out", "out"]}
# Examples that are a method of evaluate.
EVALUATORS = {"custom-judge.lua"}


def runs(path):
    with host.Scratch() as scratch:
        scratch.prompts(5, "prompts.jsonl")
        if path.name in EVALUATORS:
            scratch.write("rows.jsonl", [{"prompt": f"p{i}", "response_a": "x", "response_b": "yy", "human": "a"}
                                         for i in range(5)])
            command = ["run", "evaluate", "--method", str(path), "--data", "rows.jsonl", "--model", "sim:m", "--out", "out"]
        else:
            command = [str(path), *ARGUMENTS.get(path.name, [])]
        result = scratch.run(*command)
        tap.equal(result.status, 0, f"{path.name} runs")
        tap.ok(result.out.strip(), f"{path.name} prints something")


def all_run():
    examples = sorted((host.ROOT / "examples").glob("*.lua"))
    tap.ok(len(examples) >= 4, "there are examples")
    for path in examples:
        runs(path)


def the_readme_scripts():
    """What the examples say of their results holds."""
    with host.Scratch() as scratch:
        scratch.prompts(5, "prompts.jsonl")
        result = scratch.run(str(host.ROOT / "examples/loop-or-alone.lua"))
        tap.contains(result.out, ["of 5"], "loop-or-alone counts its rows")
        tap.equal(len(host.jsonl(scratch / "verdicts.jsonl")), 5, "and writes a verdict for each")


host.need_program()
tap.cases(all_run, the_readme_scripts)
