#!/usr/bin/env python3
"""Benchmarks of judges over HTTP: each protocol's rows asked and scored by its rules, what is no such file refused."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider


def answering(request):
    """Scores are what a text says its worth is; "first" always prefers what it is shown first."""
    asked = json.dumps(request.body)
    worths = [int(worth) for worth in re.findall(r"worth (\d)", asked)]
    if "Overall Score" in asked:
        return Answer(p.openai(f"### Overall Score:\n{worths[-1]}/10"))
    if request.body["model"] == "first":
        worths = [9, 1]
    return Answer(p.openai(f"### Score Assistant A:\n{worths[0]}/10\n\n### Score Assistant B:\n{worths[1]}/10"))


def preferences():
    """What people preferred: right, wrong, a tie of the judge's, and two that people could not decide."""
    def row(i, a, b, winner, **more):
        return {"question_id": f"q{i}", "prompt": f"Question {i}", "response_1": f"One is worth {a}.", "response_2": f"Two is worth {b}.", "winner": winner, **more}
    return [row(1, 8, 2, "model_a", hard_prompt=True, is_code=True), row(2, 3, 7, "model_a", hard_prompt=True, is_code=False),
            row(3, 5, 5, "model_b", hard_prompt=False), row(4, 2, 8, "tie"), row(5, 2, 8, "tie (bothbad)"), row(6, 1, 9, "model_b", is_code=True)]


def correctness():
    responses = {f"response_{k + 1}": f"worth {worth}" for k, worth in enumerate([9, 2, 6, 4])}
    return [{"question_id": "m1", "prompt": "Sum?", "model_name": "gpt", **responses, "scores": [True, False, False, True],
             "sampled_conflict_pairs": [[0, 1], [2, 3], [1, 3]]},
            {"question_id": "m2", "prompt": "Root?", "model_name": "gemma", **responses, "scores": [True, False, True, False],
             "sampled_conflict_pairs": [[1, 0]]}]


def run(scratch, rows, protocol, *more):
    scratch.write("rows.jsonl", rows)
    result = scratch.run("run", "judge-bench", "--data", "rows.jsonl", "--protocol", protocol, *more, "--out", "out", "--force")
    file = scratch / "out/results.json"
    return result, json.loads(file.read_text())["scores"] if result.status in (0, 3) else None


def groups(score):
    return {g["group"]: (round(g["score"], 9), g["n"]) for g in score["groups"]}


def ppe():
    with Provider(answering) as server, host.Scratch(**server.environment()) as scratch:
        result, scores = run(scratch, preferences(), "ppe", "--model", "openai:good", "--model", "openai:first")
        tap.equal(result.status, 0, "PPE's preferences are scored") or tap.diag(result)
        good, first = scores
        tap.equal((good["score"], good["n"], good["agree"]), (0.5, 4, 1), "right in two of four pairs; its tie is not right, people's are left out")
        tap.equal((first["score"], first["agree"]), (0.5, 0), "who takes the first is right in one order of each")
        tap.equal(groups(good), {"hard_prompt": (0.5, 2), "is_code": (1, 2)}, "by the kinds of prompts, which may be several")
        tap.ok(good["ci95"][0] <= 0.5 <= good["ci95"][1], "with an interval")
        tap.equal(result.summary["outcome"], {"scored": 4, "ties_of_people": 2}, "and what was left out is counted")
        lines = host.jsonl(scratch / "out/scores.jsonl")
        tap.equal((len(lines), lines[0]["games"], lines[0]["group"]), (8, [["a", "a"]], "hard_prompt, is_code"), "each row's games are there")

        result, scores = run(scratch, correctness(), "ppe", "--model", "openai:good")
        good = scores[0]
        tap.equal((result.status, good["n"], good["score"], good["agree"]), (0, 2, 0.75, 1), "PPE's correctness: three of four pairs") or tap.diag(result)
        tap.equal(groups(good), {"gpt": (round(2 / 3, 9), 1), "gemma": (1, 1)}, "by the model that wrote the responses")

        broken = correctness()
        broken[0]["sampled_conflict_pairs"] = [[0, 3]]
        result, scores = run(scratch, broken, "ppe", "--model", "openai:good")
        tap.equal((result.status, scores[0]["n"]), (3, 1), "a pair of two right responses fails its row alone")
        tap.contains(host.jsonl(scratch / "out/errors.jsonl")[0]["message"], ["[0,3] of sampled_conflict_pairs"], "and says which")
        result, _ = run(scratch, [row for row in preferences() if "tie" in row["winner"]], "ppe", "--model", "openai:good")
        tap.equal(result.status, 5, "nothing but ties of people is nothing to score")


def others():
    with Provider(answering) as server, host.Scratch(**server.environment()) as scratch:
        def pair(i, a, b, label):
            return {"question": f"Q{i}", "response_A": f"worth {a}", "response_B": f"worth {b}", "label": label, "source": "sums" if i % 2 else "code"}
        result, scores = run(scratch, [pair(1, 8, 2, "A>B"), pair(2, 8, 2, "B>A"), pair(3, 5, 5, "A>B")], "judgebench", "--model", "openai:good")
        tap.equal((result.status, round(scores[0]["score"], 9), groups(scores[0])), (0, round(1 / 3, 9), {"sums": (0.5, 2), "code": (0, 1)}), "JudgeBench's pairs") or tap.diag(result)
        bar = [{"input": "Q", "output_1": "worth 3", "output_2": "worth 6", "label": 2}, {"input": "R", "output_1": "worth 3", "output_2": "worth 6", "label": 1}]
        result, scores = run(scratch, bar, "llmbar", "--model", "openai:good", "--model", "openai:first")
        tap.equal([(s["score"], s["agree"]) for s in scores], [(0.5, 1), (0.5, 0)], "LLMBar's, and how often orders agree") or tap.diag(result)
        bench = [{"id": "1", "prompt": "Q", "chosen": ["worth 8"], "rejected": ["worth 3", "worth 8", "worth 1"], "subset": "Math"},
                 {"id": "2", "prompt": "R", "chosen": ["worth 9"], "rejected": ["worth 3", "worth 2", "worth 1"], "subset": "Focus"}]
        result, scores = run(scratch, bench, "rewardbench2", "--model", "openai:good", "--strategy", "independent")
        tap.equal((result.status, groups(scores[0]), scores[0]["mean_of_groups"]), (0, {"Focus": (1, 1), "Math": (0.5, 1)}, 0.75), "RewardBench 2's best of four") or tap.diag(result)
        hard = [{"id": "1", "model": "m", "games": [{"score": "B>>A"}, {"score": "A>B"}]}, {"id": "2", "model": "m", "games": [{"score": "A=B"}, {"score": "B>A"}]}]
        result, scores = run(scratch, hard, "arena-hard")
        tap.equal((result.status, round(scores[0]["score"], 9), scores[0]["n"]), (0, round(4.5 / 6, 9), 2), "Arena-Hard's judgements, >> counting three") or tap.diag(result)
        for protocol in ("judgebench", "llmbar", "rewardbench2", "ppe"):
            result, scores = run(scratch, [{"id": 1, "text": "no such row"}], protocol, "--model", "openai:good")
            tap.equal((result.status, scores), (3, []), f"another file is none of {protocol}")
            tap.contains(host.jsonl(scratch / "out/errors.jsonl")[0]["message"], [f"is it a file of {protocol}?"], "which is told")


host.need_program()
tap.cases(ppe, others)
