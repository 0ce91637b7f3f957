#!/usr/bin/env python3
"""The reference has all that a script can use, and its examples run (against a local stub server)."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub


def covers_and_runs():
    with Stub() as server, host.Scratch(server.url, TOGETHER_BASE_URL=server.url, TOGETHER_API_KEY="test") as scratch:
        scratch.prompts(3, "prompts.jsonl")
        scratch.prompts(3, "prompts.jsonl.gz")
        result = scratch.run("run", host.ROOT / "tests/lib/reference.lua", "--data", "prompts.jsonl", "--out", "out")
        checks = host.jsonl(scratch / "out/checks.jsonl")
        tap.equal(result.status, 0, "the checks run") or tap.diag(result.err)
        tap.ok(len(checks) > 200, f"there are checks: {len(checks)}")
        for check in checks:
            if not check["well"]:
                tap.ok(False, check["name"], check["detail"])
        tap.equal([check["name"] for check in checks if not check["well"]], [], "all of them hold")


def printed():
    with host.Scratch() as scratch:
        result = scratch.run("reference")
        tap.equal(result.status, 0, "the reference is printed")
        tap.contains(result.out, ["# fellowship", "## `fellowship.judge(options)`", "```lua", "model:ask"], "as Markdown")
        result = scratch.run("help", "fellowship.judge")
        tap.contains(result.out, ["fellowship.judge(options)", "example", "strategy"], "help shows one entry")
        result = scratch.run("help", "jugde")
        tap.equal(result.status, 2, "help of a name that is not there is a wrong usage")
        tap.contains(result.err, ["jugde", "did you mean", "judge"], "and suggests the nearest")


host.need_program()
tap.cases(covers_and_runs, printed)
