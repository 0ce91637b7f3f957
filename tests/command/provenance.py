#!/usr/bin/env python3
"""run.json and the card tell who made what: models as they were asked, the cost of all runs, how to cite; and no zeros."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider

MODELS = """return {
  ["writer"] = { model = "vllm:llama-3", base_url = "URL/v1", identity = "llama-3-8b-q4", params = { max_tokens = 64 },
    price = { input = 1, output = 2 } },
  ["judge"] = { model = "openai:judge", price = { input = 10, output = 20 } },
}
"""


def answer(request):
    asked = json.dumps(request.body)
    if "Score Assistant A" in asked:
        return Answer(p.openai("### Score Assistant A:\n3/10\n\n### Score Assistant B:\n9/10"))
    return Answer(p.openai("an answer to " + str(len(asked))))


def job(scratch, *more, out="out"):
    return scratch.run("run", "preference", "--data", "rows.jsonl", "--models", "m.lua", "--generator", "writer?temperature=0.5",
                       "--reviewer", "openai:critic", "--judge", "judge", "--responses", 2, "--out", out, *more)


def run_json(scratch, out="out"):
    return json.loads((scratch / out / "run.json").read_text())


def prepared(server):
    scratch = host.Scratch(**server.environment())
    scratch.write("m.lua", MODELS.replace("URL", server.url))
    scratch.prompts(4)
    return scratch


def zeros(value, path=""):
    """Where a value has a 0, without what every run has."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in zeros(inner, f"{path}.{key}")]
    if isinstance(value, list):
        return [found for i, inner in enumerate(value) for found in zeros(inner, f"{path}[{i}]")]
    return [path] if value == 0 and value is not False else []


def resolved():
    with Provider(answer) as server, prepared(server) as scratch:
        result = job(scratch)
        tap.equal(result.status, 0, "a run by aliases") or tap.diag(result)
        found = {way["name"]: way for way in run_json(scratch)["resolved"]}
        tap.equal(found["writer?temperature=0.5"], {"name": "writer?temperature=0.5", "provider": "vllm", "model": "llama-3",
                                                    "address": f"{server.url}/v1", "params": {"max_tokens": 64, "temperature": 0.5}},
                  "run.json: who stands behind an alias, where it was asked, and how")
        tap.equal(found["openai:critic"]["params"], {"temperature": 0}, "defaults of the library are told")
        card = (scratch / "out/README.md").read_text()
        tap.contains(card, ["| generator | `writer?temperature=0.5 (vllm:llama-3)`, at llama-3-8b-q4, max_tokens 64, temperature 0.5 |",
                            "| judge | `judge (openai:judge)`, at ", "temperature 0 |"], "so does the card")
        tap.contains(card, ["Samee Arif", "@inproceedings{arif2025fellowship", "2408.08688"], "which tells how to cite")
        tap.contains(json.dumps(run_json(scratch)["cite"]), ["fellowship 0.", "2408.08688"], "as run.json does")
        said = run_json(scratch)
        left = [path for path in zeros({key: said[key] for key in ("split", "spent", "outcome", "all_runs") if key in said})
                if not re.search(r"comparisons|cost$", path)]
        tap.equal(left, [], "run.json has no zeros in its details")


def all_runs():
    with Provider(answer) as server, prepared(server) as scratch:
        costs = []
        for more in (["--limit", 1], ["--limit", 3], []):
            result = job(scratch, *more)
            costs.append(result.summary["cost"] or 0)
        total = run_json(scratch)["all_runs"]
        tap.equal(total["cost"], None, "openai:critic has no price: the cost of all runs is not known")
        tap.equal((total["runs"], total["calls"]), (3, len(server.requests)), "but their calls")
        scratch.write("m.lua", (scratch / "m.lua").read_text().replace("return {", 'return { ["openai:critic"] = { price = { input = 1, output = 1 } },'))
        costs, calls = [], len(server.requests)
        for more in (["--limit", 1], ["--limit", 3], []):
            result = job(scratch, *more, "--fresh", 1, out="priced")
            costs.append(result.summary["cost"])
        total = run_json(scratch, "priced")["all_runs"]
        tap.ok(min(costs) > 0 and abs(total["cost"] - sum(costs)) < 1e-12, "the cost of all runs is their sum", costs, total)
        tap.equal(total["calls"], len(server.requests) - calls, "with their calls")
        tap.contains(result.err, ["in all 3 runs)"], "and the summary tells it")
        card = (scratch / "priced/README.md").read_text()
        given = re.search(r"what it took \| (\d+) answers, (\d+) tokens in, (\d+) out; \$([\d.]+) at", card)
        tap.equal(given and int(given[1]), total["calls"], "the card has what the answers took") or tap.diag(card)
        whole = job(scratch, "--fresh", 1, out="whole")
        tap.equal((whole.summary["calls"], (scratch / "whole/README.md").read_text()), (0, card), "and is the same in one run from the store")
        tap.ok("all_runs" not in run_json(scratch, "whole"), "one run has no others")


host.need_program()
tap.cases(resolved, all_runs)
