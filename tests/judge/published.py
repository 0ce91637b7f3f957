#!/usr/bin/env python3
"""The paper's published figures (arXiv 2408.08688) from its recorded model outputs, through the program and HTTP."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

NEAR = 1e-9


def evaluate(scratch, method, models, data, *options):
    arguments = [part for model in models for part in ("--model", f"openai:{model}")]
    return scratch.run("run", "evaluate", "--data", str(data), "--method", method, *arguments, "--out", method,
                       "--concurrency", 64, *options)


def kappas(folder):
    results = json.loads((folder / "results.json").read_text())["results"]
    return {tuple(sorted(name.removeprefix("openai:") for name in r["models"])): r for r in results}


def compare(found, wanted, what):
    tap.equal(sorted(key for key in wanted if key not in found), [], f"{what}: every published one is there")
    far = {key: (found[key]["kappa"], kappa) for key, kappa in wanted.items()
           if abs((found[key]["kappa"] or 9) - kappa) > NEAR}
    tap.equal(far, {}, f"{what}: all {len(wanted)} kappas are the published ones")
    tap.equal({r["n"] for r in found.values()}, {80}, f"{what}: over all 80 rows")


def kappa_tables():
    (folder,) = host.need_shared("data/fair-eval")
    published = json.loads((folder / "published.json").read_text())
    models = sorted(published["judge"])
    with host.replay_server(data="data/fair-eval") as server, host.Scratch(server.url) as scratch:
        result = evaluate(scratch, "jury", models, folder / "rows.jsonl")
        tap.equal(result.status, 0, "judges and juries: status 0")
        found = kappas(scratch / "jury")
        compare(found, {(model,): kappa for model, kappa in published["judge"].items()}, "judges")
        compare(found, {tuple(sorted(jury["models"])): jury["kappa"] for jury in published["jury"]}, "juries")
        tap.equal(len(server.log()), 480, "from one set of votes")
        tap.equal(evaluate(scratch, "debate", models, folder / "rows.jsonl").status, 0, "debates: status 0")
        compare(kappas(scratch / "debate"), {(model,): kappa for model, kappa in published["debate"].items()}, "debates")
        made = len(server.log())
        evaluate(scratch, "jury", models, folder / "rows.jsonl")
        evaluate(scratch, "debate", models, folder / "rows.jsonl")
        tap.equal(len(server.log()), made, "a rerun makes no call")


def win_rates():
    (folder,) = host.need_shared("data/feedback")
    published = json.loads((folder / "published.json").read_text())["first_100_rows"]["gemma-2-9b-it__gemma-2-9b-it"]
    prompts = {row["id"]: row["prompt"] for row in host.jsonl(folder / "rows.jsonl")}
    loop = {row["id"]: row["responses"]
            for row in host.jsonl(folder / "recorded/feedback/gemma-2-9b-it__gemma-2-9b-it.jsonl")}
    with host.replay_server() as server, host.Scratch(server.url) as scratch:
        for short, model in (("llama", "Meta-Llama-3.1-8B-Instruct-Turbo"), ("gpt", "gpt-4o"), ("gemma", "gemma-2-9b-it")):
            versus = host.jsonl(folder / f"recorded/versus/gemma-2-9b-it__gemma-2-9b-it__{short}.jsonl")
            scratch.write("a.jsonl", [{"id": v["id"], "prompt": prompts[v["id"]],
                                       "response": loop[v["id"]][int(v["a"][-1]) - 1]} for v in versus])
            scratch.write("b.jsonl", [{"id": row["id"], "prompt": prompts[row["id"]], "response": row["text"]}
                                      for row in host.jsonl(folder / f"recorded/generate/{model}.jsonl")])
            result = scratch.run("run", "winrate", "--data", "a.jsonl", "--against", "b.jsonl", "--evaluator", "judge",
                                 "--model", "openai:gpt-4o", "--out", short)
            tap.equal(result.status, 0, f"against {short}: status 0")
            sums = json.loads((scratch / short / "results.json").read_text())
            tap.equal((sums["n"], sums["wins"]), (100, published[short]), f"against {short}: the published win rate")
            recorded = {v["id"]: {"agent": "a", "gpt": "b", "tie": "tie"}[v["winner"]] for v in versus}
            found = {row["id"]: row["winner"] for row in host.jsonl(scratch / short / "verdicts.jsonl")}
            other = [i for i in recorded if recorded[i] != found[i]]
            tap.ok(len(other) <= 1, f"against {short}: the recorded winners (other: {other})")


host.need_program()
host.need_shared("tools/replay_server.py")
tap.cases(kappa_tables, win_rates)
