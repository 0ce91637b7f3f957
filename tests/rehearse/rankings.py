#!/usr/bin/env python3
"""--dry-run of every ranking and of new prompts: what was estimated, against what was then paid; the same by --batch."""

import collections
import contextlib
import hashlib
import json
import os
import random
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from bills import RANGES, WORDS, bill, dry, rows, tokens, within
from provider_server import Answer, Provider

MODELS = """return {
  ["openai:writer"] = { price = { input = 1, output = 4 } }, ["openai:other"] = { price = { input = 2, output = 8 } },
  ["openai:reviewer"] = { price = { input = 0.5, output = 2 } }, ["openai:judge"] = { price = { input = 3, output = 12 } },
  ["reward:rm"] = { price = { input = 1, output = 0 } }, ["raw:base"] = { price = { input = 1, output = 4 } },
}
"""
LENGTHS = {"writer": 160, "other": 90, "reviewer": 60, "judge": 45, "base": 30}


def lines_asked(last, draw):
    """The lines that a judge's prompt asks for, with values in them."""
    lines = []
    for heading, place in re.findall(r"^(### [^\n]+:)\n(X[^\n]*|Y[^\n]*|Yes or No)$", last, re.M):
        scale = re.search(r"/(\d+)", place)
        value = draw.choice(["Yes", "No"]) if place.startswith("Yes") else f"{draw.randint(1, int(scale[1]))}/{scale[1]}"
        lines.append(f"{heading}\n{value}")
    return "\n\n".join(lines)


def answers():
    """Models whose answers have lengths of their own, and differ from sample to sample; a first judgement can sometimes not be read."""
    seen, lock = collections.Counter(), threading.Lock()

    def numbered(request):
        asked = json.dumps(request.body, sort_keys=True)
        with lock:
            seen[asked] += 1
            return answer(request.body, random.Random(hashlib.sha256(f"{seen[asked]} {asked}".encode()).digest()))
    return numbered


def answer(body, draw):
    name = body["model"]
    if name == "rm":
        return Answer({"object": "list", "data": [{"index": 0, "label": "LABEL_0", "probs": [draw.random()], "num_classes": 1}],
                       "usage": {"prompt_tokens": 3 + sum(4 + tokens(m["content"]) for m in body["messages"]), "completion_tokens": 0}})
    most = 60 if "max_tokens" in body else 10000
    words = " ".join(draw.choice(WORDS) for _ in range(min(most, max(3, int(draw.lognormvariate(0, 0.45) * LENGTHS[name])))))
    if name == "base":
        return Answer({"object": "text_completion", "choices": [{"index": 0, "text": words, "finish_reason": "stop"}],
                       "usage": {"prompt_tokens": tokens(body["prompt"]), "completion_tokens": tokens(words)}})
    last = body["messages"][-1]["content"]
    asked = lines_asked(last, draw)
    if asked and (len(body["messages"]) > 1 or draw.random() > 0.06):
        words += "\n\n" + asked
    elif "Write the checklist" in last:
        words = "\n".join(f"{i}. Is it {draw.choice(WORDS)} and {draw.choice(WORDS)} enough?" for i in range(1, draw.randint(4, 8)))
    prompt = 3 + sum(4 + tokens(m["content"]) for m in body["messages"])
    return Answer(p.openai(words, usage={"prompt_tokens": prompt, "completion_tokens": tokens(words)}))


TWO = ["--generator", "openai:writer", "--generator", "openai:other"]
SAMPLES = ["--generator", "openai:writer", "--samples", "3"]
JUDGE = ["--judge", "openai:judge"]
JOBS = {
    "scores": ["preference", *TWO, *JUDGE, "--rank", "scores"],
    "scores, judged three times": ["preference", *TWO, *JUDGE, "--rank", "scores", "--judge-samples", "3"],
    "a rubric": ["preference", *SAMPLES, *JUDGE, "--rank", "rubric", "--rubric", "ultrafeedback"],
    "a rubric in each row": ["preference", *TWO, *JUDGE, "--rank", "rubric"],
    "the judge's own checklists": ["preference", *SAMPLES, *JUDGE, "--rank", "rubric", "--rubric", "checklist"],
    "round robin": ["preference", *SAMPLES, *JUDGE, "--rank", "round-robin"],
    "a loop until a score": ["preference", "--generator", "openai:writer", "--reviewer", "openai:reviewer", "--until", "8", *JUDGE,
                             "--rank", "scores"],
    "reward": ["preference", *TWO, "--judge", "reward:rm", "--rank", "reward"],
    "new prompts": ["prompts", "--model", "openai:writer", "--judge", "openai:judge", "--rounds", "2", "--chains", "2"],
    "prompts of a template": ["prompts", "--opening", "chatml", "--count", "30", "--model", "raw:base", "--judge", "openai:judge"],
}
COUNT, FIRST = 30, 10


@contextlib.contextmanager
def world():
    with Provider(answers()) as server, host.Scratch(**server.environment(REWARD_BASE_URL=server.url, RAW_BASE_URL=server.url)) as scratch:
        draw = random.Random(7)
        scratch.write("rows.jsonl", [{"id": row["id"], "prompt": row["prompt"]} for row in rows(COUNT)])
        scratch.write("rubrics.jsonl", [{"id": row["id"], "prompt": row["prompt"], "rubric": [
            {"criterion": f"is {draw.choice(WORDS)}", "weight": draw.randint(1, 3)} for _ in range(draw.randint(2, 5))]} for row in rows(COUNT)])
        scratch.write("m.lua", MODELS)
        scratch.write("bounded.lua", re.sub("(openai:.*?|raw:.*?)\\] = {", r"\1] = { params = { max_tokens = 300 },", MODELS))
        yield server, scratch


def command(name, *options, models="m.lua"):
    script, *given = JOBS[name]
    data = [] if "--opening" in given else ["--data", "rubrics.jsonl" if "row" in name else "rows.jsonl"]
    return ["run", script, *data, "--models", models, *given, *options]


def against_the_bill():
    for name in JOBS:
        with world() as (server, scratch):
            empty, _ = dry(scratch, server, *command(name), name=f"{name}, empty store")
            tap.ok(scratch.run(*command(name, "--out", "first", "--limit", FIRST)).status in (0, 5), f"{name}: a run of some rows")
            first = bill(scratch, "first")
            filled, _ = dry(scratch, server, *command(name), name=f"{name}, filled store")
            result = scratch.run(*command(name, "--out", "rest"))
            tap.equal(result.status, 0, f"{name}: the whole run") or tap.diag(result)
            rest = bill(scratch, "rest")
            within(f"{name}, filled store", filled, rest)
            within(f"{name}, empty store", empty, {m: {key: first[m][key] + rest[m][key] for key in RANGES} for m in rest})
            done, _ = dry(scratch, server, *command(name), name=f"{name}, all is there")
            tap.equal([(e["calls"]["high"], e["cost"]["high"]) for e in done["models"]], [(0, 0)] * len(rest), f"{name}: nothing to pay")
            again = scratch.run(*command(name, "--out", "again", "--offline"))
            tap.equal((again.status, again.summary["calls"]), (result.status, 0), f"{name}: a rerun is offline")
            before = len(server.requests)
            stopped = scratch.run(*command(name, "--out", "stopped", "--store", "new.db", "--max-cost", "0.02", models="bounded.lua"))
            tap.ok(stopped.status == 4 and stopped.summary["cost"] <= 0.02, f"{name}: a budget stops it", stopped)
            tap.ok(len(server.requests) - before < sum(m["calls"] for m in rest.values()), f"{name}: before it is spent")


host.need_program()
tap.cases(against_the_bill)
