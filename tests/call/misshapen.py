#!/usr/bin/env python3
"""Answers in which any part has another type than documented: a completion, or an error of that call; never a script's.

$FELLOWSHIP_SEED chooses which of the misshapen answers are tried, $FELLOWSHIP_ANSWERS how many (600 when not said).
"""

import copy
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider

SEED = int(os.environ.get("FELLOWSHIP_SEED") or 1)  # the same in each run: some answers ask to be waited for
COUNT = int(os.environ.get("FELLOWSHIP_ANSWERS") or 600)
WRONG = [None, True, 5, -1, 1e300, "x", "", [], {}, [None], [5], ["x"], [{}], {"x": 1}, [[]]]
LOGPROBS = {"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [{"token": "a", "logprob": -0.5, "bytes": [97]}]}]}
# As a plain answer of each provider, with all that is read of it; and an error.
FORMS = {
    "openai": p.openai("text", logprobs=LOGPROBS, reasoning_content="hm", refusal=None),
    "anthropic": p.anthropic("", content=[{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "text"}]),
    "gemini": {**p.gemini("text", thought="hm", logprobsResult={
        "chosenCandidates": [{"token": "a", "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "a", "logProbability": -0.5}]}]}), "promptFeedback": {}},
    "ollama": p.ollama("text", thinking="hm"),
}
ERRORS = {"openai": p.openai_error("no", code="x"), "anthropic": p.anthropic_error("overloaded_error", "no"),
          "gemini": p.gemini_error(503, "UNAVAILABLE", "no", [{"reason": "x", "retryDelay": "0s", "violations": [{"quotaId": "x"}]}]),
          "ollama": {"error": "no"}}
KINDS = {"garbage", "server", "request", "overloaded", "rate_limit", "content_filter", "refusal", "quota", "auth", "not_found",
         "context_length", "timeout", "empty"}

SCRIPT = """local fellowship = require "fellowship"
local json = fellowship.json
local jobs = json.decode(arg[1])
for _, job in ipairs(jobs) do
  local well, got = pcall(function() return fellowship.model(job[1]):ask(job[2]) end)
  if well then print(json.encode { text = got.text, usage = got.usage, key = got.key })
  else print(json.encode { kind = got.kind or "none", message = tostring(got), key = got.key }) end
end
"""


def places(value, path=()):
    """The paths of all parts of a value."""
    yield path
    for name, part in (value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()):
        yield from places(part, (*path, name))


def changed(value, path, new):
    if not path:
        return new
    made = copy.deepcopy(value)
    at = made
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = new
    return made


def misshapen():
    draw = random.Random(SEED)
    tap.diag(f"FELLOWSHIP_SEED={SEED}")
    cases = [(model, status, changed(form, path, wrong))
             for forms, status in ((FORMS, 200), (ERRORS, 503), (ERRORS, 200)) for model, form in forms.items()
             for path in places(form) for wrong in WRONG]
    cases = draw.sample(cases, min(COUNT, len(cases)))

    def answer(request):
        text = json.dumps(request.body)
        number = int(text.split("case <")[1].split(">")[0])
        return Answer(cases[number][2], cases[number][1])

    models = "return {%s}" % ",".join(
        f'["{name}:m"] = {{ attempts = 1, params = {{ max_tokens = 9 }} }}' for name in FORMS)
    with Provider(answer) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("s.lua", SCRIPT)
        scratch.write("m.lua", models)
        jobs = [[f"{model}:m", f"case <{i}>"] for i, (model, _, _) in enumerate(cases)]
        result = scratch.run("--models", "m.lua", "--on-error", "collect", "s.lua", json.dumps(jobs), timeout=120)
        got = [json.loads(line) for line in result.out.splitlines()]
        tap.equal(len(got), len(cases), "each call ends")
        if len(got) != len(cases):
            tap.diag(result.err[-2000:])
        wrong = [(case, end) for case, end in zip(cases, got)
                 if not (isinstance(end.get("text"), str) or end.get("kind") in KINDS)]
        tap.equal([(case[0], json.dumps(case[2])[:300], end) for case, end in wrong[:3]], [],
                  f"with a text, or an error of a kind that is known ({len(wrong)} do not)")
        nameless = [(case[0], end) for case, end in zip(cases, got)
                    if "kind" in end and (not end.get("key") or f"{case[0]}:m" not in end["message"])]
        tap.equal(nameless[:3], [], "that names its model and has its key")
        costs = [end for end in got if any(value is not None and (not isinstance(value, int) or value < 0)
                                           for value in (end.get("usage") or {}).values())]
        tap.equal(costs[:3], [], "tokens are counts, or are not told")


host.need_program()
tap.cases(misshapen)
