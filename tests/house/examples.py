#!/usr/bin/env python3
"""Every example runs as it stands, with sim for models and no network."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

# Arguments that an example cannot do without.
ARGUMENTS = {"own-command.lua": ["--data", "prompts.jsonl", "--model", "sim:any", "--out", "out"]}
# Host options, which go before its name.
HOST_OPTIONS = {"replay.lua": ["--offline", "--store", "replay.db", "--models", host.ROOT / "examples/quickstart/models.lua"]}
# Examples that are a method of evaluate.
EVALUATORS = {"custom-judge.lua"}
CSV = 'id,prompt,note\n7,"Say ""hi"", please",\n8,plain,x\r\n9,"two\nlines",y'


def runs(path):
    with host.Scratch() as scratch:
        scratch.prompts(5, "prompts.jsonl")
        scratch.write("prompts.csv", CSV)
        scratch.run("store", "import", host.ROOT / "examples/quickstart/recording.jsonl", "--store", "replay.db")
        if path.name in EVALUATORS:
            scratch.write("rows.jsonl", [{"prompt": f"p{i}", "response_a": "x", "response_b": "yy", "human": "a"}
                                         for i in range(5)])
            command = ["run", "evaluate", "--method", str(path), "--data", "rows.jsonl", "--model", "sim:m", "--out", "out"]
        else:
            command = [*HOST_OPTIONS.get(path.name, []), str(path), *ARGUMENTS.get(path.name, [])]
        result = scratch.run(*command)
        tap.equal(result.status, 0, f"{path.name} runs")
        tap.equal(scratch.run("check", path).status, 0, f"check finds nothing in {path.name}")
        if path.name == "csv-preferences.lua":
            prompts = {row["prompt"] for row in host.jsonl(scratch / "preferences.jsonl")}
            tap.ok(prompts and prompts <= {'Say "hi", please', "plain", "two\nlines"}, f"{path.name} reads quotes and lines")
        else:
            tap.ok(result.out.strip(), f"{path.name} prints something")
        if path.name == "replay.lua":
            tap.contains(result.out, ["SmolLM2", "from the recording"], "replay answers from the recording")


def all_run():
    examples = sorted((host.ROOT / "examples").glob("*.lua"))
    tap.ok(len(examples) >= 10, "there are examples")
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
