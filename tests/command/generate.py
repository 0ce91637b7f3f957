#!/usr/bin/env python3
"""run generate: prompts x models x samples; --system; and model:respond, which answers as loops do."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider
from stub_server import Stub


def product():
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", [{"id": f"row-{i}", "prompt": f"Explain <row-{i}>.", "topic": i} for i in range(4)])
        result = scratch.run("run", "generate", "--data", "rows.jsonl", "--model", "openai:org/one", "--model", "openai:two", "--samples", 2,
                             "--out", "out")
        tap.equal((result.status, result.summary["outcome"]), (0, {"responses": 16}), "4 prompts, 2 models, 2 samples: 16 responses")
        rows = host.jsonl(scratch / "out/responses.jsonl")
        tap.equal([(row["id"], row["model"], row["sample"]) for row in rows],
                  [(f"row-{i}", model, sample) for i in range(4) for model in ("openai:org/one", "openai:two") for sample in (1, 2)],
                  "a line each, in order")
        tap.equal(list(rows[0]), ["id", "prompt", "model", "sample", "response", "topic"], "with the prompt and other columns")
        by_model = {name: host.jsonl(scratch / f"out/by-model/{name}.jsonl") for name in ("one", "two")}
        tap.equal([[row["responses"] for row in by_model["one"]], [row["response"] for row in by_model["two"]]],
                  [[[r["response"] for r in rows if r["id"] == f"row-{i}" and r["model"] == "openai:org/one"] for i in range(4)],
                   [next(r["response"] for r in rows if r["id"] == f"row-{i}" and r["model"] == "openai:two") for i in range(4)]],
                  "and a file for each model")
        result = scratch.run("run", "winrate", "--data", "out/by-model/one.jsonl", "--against", "out/by-model/two.jsonl", "--evaluator",
                             "judge", "--model", "openai:judge", "--out", "wins")
        tap.equal((result.status, result.summary["outcome"]["games"]["n"]), (0, 4), "which winrate takes")
        again = scratch.run("run", "generate", "--data", "rows.jsonl", "--model", "openai:two", "--out", "alone")
        tap.equal((again.summary["calls"], again.summary["stored"]), (0, 4), "the first sample is the answer of a run with one")
        tap.ok(not (scratch / "alone/by-model").exists(), "one model needs no files of its own")
        result = scratch.run("run", "generate", "--data", "rows.jsonl", "--model", "openai:two", "--model", "openai:two", "--out", "twice")
        tap.equal(result.status, 2, "a model that is given twice: refused")
        tap.contains(result.err, "--samples", "with what is meant")


def failing_model():
    """What one model fails to answer leaves the answers of the others."""
    with Stub(rules=[{"model": "bad", "contains": "<row-1>", "fault": "content_filter"}]) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(3)
        result = scratch.run("run", "generate", "--data", "rows.jsonl", "--model", "openai:good", "--model", "openai:bad", "--out", "out")
        tap.equal((result.status, result.summary["failed"]), (3, 1), "one answer fails: status 3")
        tap.equal([(row["id"], row["model"]) for row in host.jsonl(scratch / "out/responses.jsonl") if row["id"] == "row-1"],
                  [("row-1", "openai:good")], "the other one is kept")
        tap.equal([row["id"] for row in host.jsonl(scratch / "out/by-model/bad.jsonl")], ["row-0", "row-2"], "the files tell")


def asked(*words, rows=None, reply="x"):
    """The messages of the requests that a command makes."""
    with Provider(lambda request: Answer(p.openai(reply))) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("rows.jsonl", rows or [{"id": 1, "prompt": "p", "response_a": "x", "response_b": "y", "human": "a", "response": "z"}])
        scratch.write("other.jsonl", [{"id": 1, "prompt": "p", "response": "another"}])
        scratch.write("wise.txt", "Be wise.\nAnd kind.")
        result = scratch.run("run", *words, "--out", "out")
        return result, [json.loads(json.dumps(request.body))["messages"] for request in server.requests]


VERDICT = "### Score Assistant A:\n8/10\n\n### Score Assistant B:\n3/10"


def system_prompts():
    one = {"role": "system", "content": "Be brief."}
    data = ["--data", "rows.jsonl"]
    for name, words in {
            "generate": ["generate", *data, "--model", "openai:m"],
            "judge": ["judge", *data, "--model", "openai:m"], "jury": ["jury", *data, "--model", "openai:m", "--model", "openai:n"],
            "debate": ["debate", *data, "--model", "openai:m", "--rounds", "1"],
            "evaluate": ["evaluate", *data, "--method", "judge", "--model", "openai:m"],
            "winrate": ["winrate", *data, "--against", "other.jsonl", "--evaluator", "judge", "--model", "openai:m"]}.items():
        result, messages = asked(*words, "--system", "Be brief.", reply=VERDICT)
        tap.ok(result.status == 0 and messages and all(m[0] == one and m[1]["role"] == "user" for m in messages), f"{name} --system", result)
    for name, more in (("feedback", []), ("preference", ["--judge", "openai:j"])):
        _, messages = asked(name, *data, "--generator", "openai:g", "--reviewer", "openai:r", "--responses", "2", *more, "--system", "Be brief.")
        tap.equal([m[0] == one for m in messages], [True, False, True, False, False][:len(messages)], f"{name} --system: the generator alone")
    _, messages = asked("generate", *data, "--model", "openai:m", "--system", "wise.txt")
    tap.equal(messages[0][0]["content"], "Be wise.\nAnd kind.", "the content of a file")
    _, messages = asked("generate", *data, "--model", "openai:m", "--system", "Be brief.",
                        rows=[{"messages": [{"role": "system", "content": "Mine."}, {"role": "user", "content": "q"}]}])
    tap.equal([m["content"] for m in messages[0]], ["Mine.", "q"], "a row's own system prompt stays")
    for wrong in ("missing.txt", "prompts/none"):
        result, messages = asked("generate", *data, "--model", "openai:m", "--system", wrong)
        tap.equal((result.status, messages), (2, []), f"{wrong}: a file that is not there is a wrong usage")


def respond():
    """A model answers in the form of a loop."""
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.write("script.lua", """local f = require "fellowship"
local model = f.model "openai:m"
local loop = f.feedback { generator = model, reviewers = { "openai:r" }, responses = 2 }
for _, generator in ipairs { model, loop } do
  local result = generator:respond "Name a river."
  print(result.text == result.responses[#result.responses], #result.responses, #result.feedback, next(result.cut), #result.rounds)
end
print(f.model("openai:m"):with_system("Be wise."):respond({ { role = "user", content = "x" } }).text ~= "")
""")
        tap.equal(scratch.run("script.lua").out.splitlines(), ["true\t1\t0\tnil\t0", "true\t2\t1\tnil\t1", "true"], "model:respond and loop:respond")


host.need_program()
tap.cases(product, failing_model, system_prompts, respond)
