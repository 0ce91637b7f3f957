#!/usr/bin/env python3
"""Tournaments over HTTP: a clear order is found with few games, a bound holds, and what cannot be is refused."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider

STRENGTH = {"weak": 2, "middle": 5, "strong": 8}


def answering(request):
    """Generators write their own name; the judge scores by these, with noise that hangs on the prompt."""
    asked = json.dumps(request.body)
    if "Score Assistant A" not in asked:
        return Answer(p.openai(f"An answer by {request.body['model']}."))
    names = re.findall(r"An answer by (\w+)\.", asked)
    noise = sum(map(ord, re.findall(r"Question (\d+)", asked)[0])) % 3 - 1
    return Answer(p.openai(f"### Score Assistant A:\n{STRENGTH[names[0]] + noise}/10\n\n### Score Assistant B:\n{STRENGTH[names[1]]}/10"))


def cup():
    base = ["run", "tournament", "--data", "prompts.jsonl", "--judge", "openai:judge", "--generator", "openai:weak", "--generator", "openai:strong"]
    with Provider(answering) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("prompts.jsonl", [{"id": i, "prompt": f"Question {i}"} for i in range(80)])
        result = scratch.run(*base, "--generator", "openai:middle", "--out", "out")
        tap.equal(result.status, 0, "a tournament runs") or tap.diag(result)
        found = json.loads((scratch / "out/results.json").read_text())
        tap.equal([one["name"] for one in found["order"]], ["openai:strong", "openai:middle", "openai:weak"], "the order is right")
        tap.equal(found["decided"], True, "and decided")
        verdicts = host.jsonl(scratch / "out/verdicts.jsonl")
        tap.equal((found["games"], found["all_games"]), (len(verdicts), 240), "games are counted")
        tap.ok(found["games"] <= 90 and abs(found["saved"] - (1 - found["games"] / 240)) < 1e-9, f"most are saved: {found['games']} played")
        tap.ok(len({(v["id"], *sorted([v["a"], v["b"]])) for v in verdicts}) == len(verdicts), "no two meet twice on a prompt")
        first = sum(v["a"] < v["b"] for v in verdicts)
        tap.ok(0.2 < first / len(verdicts) < 0.8, f"directions are by lot: {first} of {len(verdicts)}")
        tap.contains(result.err, ["the order of the generators", "decided at 95%", "saved"], "which is shown")
        made = len(server.requests) if hasattr(server, "requests") else result.summary["calls"]
        again = scratch.run(*base, "--generator", "openai:middle", "--out", "again")
        tap.equal((again.summary["calls"], json.loads((scratch / "again/results.json").read_text())), (0, found), f"again, with no call of {made}")
        bound = scratch.run(*base, "--games", 3, "--out", "bound")
        tap.equal(json.loads((scratch / "bound/results.json").read_text())["games"], 3, "--games is a bound") or tap.diag(bound)
        tap.equal("judge_weighted" in found, False, "one judge has no weight beside others")
        alone = scratch.run(*base[:-2], "--out", "alone")
        tap.equal(alone.status, 2, "one player is no tournament")
        twice = scratch.run(*base, "--generator", "openai:weak", "--out", "twice")
        tap.equal(twice.status, 2, "nor one that is named twice")


def by_lot(request):
    """A second judge, who decides by the number of the prompt alone."""
    if request.body["model"] != "lot":
        return answering(request)
    number = int(re.findall(r"Question (\d+)", json.dumps(request.body))[0])
    return Answer(p.openai(f"### Score Assistant A:\n{number * 7919 % 13 // 7 * 5 + 2}/10\n\n### Score Assistant B:\n4/10"))


def jury_of_two():
    with Provider(by_lot) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("prompts.jsonl", [{"id": i, "prompt": f"Question {i}"} for i in range(80)])
        result = scratch.run("run", "tournament", "--data", "prompts.jsonl", "--judge", "openai:judge", "--judge", "openai:lot",
                             *(word for name in STRENGTH for word in ("--generator", f"openai:{name}")), "--games", 90, "--out", "out")
        tap.equal(result.status, 0, "a jury decides a tournament") or tap.diag(result)
        found = json.loads((scratch / "out/results.json").read_text())
        weighted, verdicts = found["judge_weighted"], host.jsonl(scratch / "out/verdicts.jsonl")
        tap.equal(weighted["votes"], sum(vote["winner"] != "unparsed" for v in verdicts for vote in v["votes"]), "all votes count")
        weights = {judge["name"]: judge for judge in weighted["judges"]}
        tap.ok(abs(sum(judge["weight"] for judge in weights.values()) / 2 - 1) < 1e-9, "weights are 1 in the mean")
        steady, lot = weights["openai:judge"], weights["openai:lot"]
        tap.ok(steady["ci95"][0] > 1 > 0.6 > abs(lot["weight"]), f"who is steady weighs more than who decides by lot: {steady['weight']:.2f}, {lot['weight']:.2f}")
        by_weight = {one["name"]: one["strength"] for one in weighted["strengths"]}
        tap.ok(by_weight["openai:strong"] > by_weight["openai:middle"] > by_weight["openai:weak"], "and the order is right")
        tap.contains(result.err, ["what each judge's vote weighs", "openai:lot"], "which is shown")


host.need_program()
tap.cases(cup, jury_of_two)
