#!/usr/bin/env python3
"""What a run cost, by model, and which model answered when one failed."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider

MODELS = """return {
  known = { model = "openai:m", identity = "openai", attempts = 1 },
  ["openai:gpt-4o"] = { identity = "openai" },
  ["anthropic:claude-haiku-4-5-20251001"] = { identity = "anthropic" },
  ["mine"] = { model = "vllm:m", price = { input = 1, cached = 0.5, output = 10 } },
  ["dear"] = { model = "vllm:m2", price = { input = 1, output = 10 } },
  ["chain"] = { model = "openai:first", attempts = 1, fallback = { "mine" } },
}
"""


def answering(request):
    if "contents" in (request.body or {}):
        return Answer(p.gemini("### Score Assistant A:\n8/10\n\n### Score Assistant B:\n4/10"))
    text = "### Score Assistant A:\n8/10\n\n### Score Assistant B:\n4/10"
    if request.path.startswith("/v1/messages"):
        return Answer(p.anthropic(text))
    if request.body["model"] == "first":
        return Answer(p.openai_error("down", "server_error"), 503)
    if request.body["model"] == "untold":
        return Answer(p.openai(text, usage=None))
    return Answer(p.openai(text))


def judged(scratch, *models, rows=2, out="out"):
    scratch.write("m.lua", MODELS)
    scratch.write("rows.jsonl", [{"id": i, "prompt": f"p{i}", "response_a": "x", "response_b": "y"} for i in range(rows)])
    named = [word for model in models for word in ("--model", model)]
    result = scratch.run("run", "judge", "--data", "rows.jsonl", *named, "--models", "m.lua", "--out", out)
    return result, json.loads((scratch / out / "run.json").read_text())


def costs():
    """Each call: 20 prompt tokens, 8 of them cached; 7 of completion, 3 of them reasoning."""
    with Provider(answering) as server, host.Scratch(**server.environment()) as scratch:
        result, run = judged(scratch, "openai:gpt-4o", "anthropic:claude-haiku-4-5-20251001", "mine", "dear", "sim:any")
        tap.equal(result.status, 0, "status 0")
        spent = {entry["model"]: entry for entry in run["spent"]}
        tokens = {"prompt": 40, "cached": 16, "completion": 14, "reasoning": 6}
        for model, cost in {"openai:gpt-4o": 2 * (12 * 2.5 + 8 * 1.25 + 7 * 10), "anthropic:claude-haiku-4-5-20251001": 2 * (10 * 1 + 2 * 1.25 + 8 * 0.1 + 7 * 5),
                            "mine": 2 * (12 * 1 + 8 * 0.5 + 7 * 10), "dear": 2 * (20 * 1 + 7 * 10), "sim:any": 0}.items():
            entry = spent[model]
            tap.ok(abs(entry["cost"] - cost / 1e6) < 1e-12, f"{model}: cost", entry)
            if model != "sim:any":
                tap.equal((entry["calls"], entry["tokens"]), (2, tokens), f"{model}: calls and tokens")
        total = sum(entry["cost"] for entry in run["spent"])
        tap.ok(abs(run["cost"] - total) < 1e-12, "the run's cost is their sum")
        tap.ok(abs(result.summary["cost"] - total) < 1e-12, "and in the last line")
        tap.ok(run["prices"].startswith("20"), "run.json says of what date the prices are")
        result, again = judged(scratch, "openai:gpt-4o", "anthropic:claude-haiku-4-5-20251001", "mine", "dear", "sim:any")
        tap.equal((again["cost"], again["calls"]["stored"]), (0, 10), "what the store had costs nothing")
        saved = {entry["model"]: entry for entry in again["spent"]}
        for model, entry in spent.items():
            stored = saved[model]["stored"]
            tap.ok(stored["calls"] == 2 and stored["tokens"] == entry["tokens"] and abs(stored["saved"] - entry["cost"]) < 1e-12,
                   f"{model}: the store saved as much", stored)
            tap.equal((saved[model]["calls"], saved[model]["cost"], saved[model]["tokens"]["prompt"]), (0, 0, 0), f"{model}: nothing was spent now")
        stored = result.summary["split"]["stored"]
        tap.ok(stored["calls"] == 10 and abs(stored["saved"] - total) < 1e-12 and again["split"]["stored"] == stored, "all together, in the last line too", stored)
        tap.contains(result.err, ["from the store", "saved $0.0002", "model ", "reasoning"], "the summary has a table by model")


def unknown():
    with Provider(answering) as server, host.Scratch(**server.environment()) as scratch:
        for models, cost_known, tokens_known in [(["openai:gpt-9"], False, True), (["vllm:m"], False, True), (["together:gpt-4o"], False, True),
                                                 (["openai:untold"], False, False), (["mine", "vllm:x"], False, True)]:
            _, run = judged(scratch, *models, out="-".join(models).replace(":", "_"))
            tap.equal(run["cost"] is not None, cost_known, f"{models}: cost {run['cost']}")
            tap.equal(run["tokens"]["prompt"] is not None, tokens_known, f"{models}: tokens {run['tokens']}")
            tap.equal(run["spent"][-1]["cost"], None, f"{models}: unknown is null, not 0")


def whole(entry):
    """What run.json says of a model, with the parts and counts that it leaves out where they are 0."""
    part = {"batch": {"calls": 0, "tokens": {}, "cost": 0}, "retried": {"attempts": 0, "tokens": {}, "cost": 0},
            "stored": {"calls": 0, "tokens": {}, "saved": 0}}
    filled = {"untold": 0, **part, **entry}
    return {key: {**value, "tokens": {**ZEROS, **value["tokens"]}} if key in part else
            {**ZEROS, **value} if key == "tokens" else value for key, value in filled.items()}


PARTS = ["batch", "retried", "stored"]
ZEROS = {"prompt": 0, "cached": 0, "completion": 0, "reasoning": 0}


def retried():
    """Attempts that were repeated: what the provider told of them counts, what it did not is unknown."""
    busy, useless = Answer(p.openai_error("busy"), 503), Answer(p.openai(None))
    cut = Answer(parts=["{"], kind="application/json", after="cut")
    good = Answer(p.openai("### Score Assistant A:\n8/10\n\n### Score Assistant B:\n4/10"))
    tokens = {"prompt": 20, "cached": 8, "completion": 7, "reasoning": 3}
    twice = {name: 2 * count for name, count in tokens.items()}
    one = (12 * 1 + 8 * 0.5 + 7 * 10) / 1e6
    for name, answers, want, spent, cost, untold in [
            ("503: not billed", [busy, good], {"attempts": 1, "tokens": ZEROS, "cost": 0}, tokens, one, 0),
            ("an answer of no use", [useless, good], {"attempts": 1, "tokens": tokens, "cost": one}, twice, 2 * one, 0),
            ("one that was cut off", [cut, good], {"attempts": 1, "tokens": dict.fromkeys(ZEROS), "cost": None}, tokens, one, 1),
            ("none", [good], {"attempts": 0, "tokens": ZEROS, "cost": 0}, tokens, one, 0)]:
        with Provider(answers) as server, host.Scratch(**server.environment(FELLOWSHIP_RETRY_SCALE="0.01")) as scratch:
            result, run = judged(scratch, "mine", rows=1)
            entry = whole(run["spent"][0])
            tap.equal(entry["retried"], want, f"{name}: what was repeated")
            tap.equal((entry["calls"], entry["tokens"], entry["untold"]), (1, spent, untold), f"{name}: is among what was spent, as far as it is known")
            tap.ok(abs(entry["cost"] - cost) < 1e-12 and run["attempts"] == len(answers), f"{name}: cost", entry)
            tap.equal((whole(run.get("split", {}))["retried"], result.summary["split"]["retried"]), (want, want), f"{name}: all together")
            tap.equal("retried" in run["spent"][0], want["attempts"] > 0, f"{name}: nothing is said of what was not")
            tap.equal(list(run["spent"][0]), [key for key in ["model", "calls", "tokens", "cost", *PARTS, "untold"] if key in run["spent"][0]],
                      f"{name}: order of keys")
            tap.equal("may have been billed" in result.err, untold > 0, f"{name}: told")


def refused():
    """An answer that is a refusal is paid for, and kept."""
    answers = {"told": p.openai("x", "content_filter"), "untold": p.openai("x", "content_filter", usage=None)}
    for name, body in answers.items():
        with Provider(lambda request, body=body: Answer(body)) as server, host.Scratch(**server.environment()) as scratch:
            _, run = judged(scratch, "mine", rows=1)
            tap.equal((run["spent"][0]["calls"], run["spent"][0]["tokens"]["prompt"], run["cost"] is None),
                      (1, 20, False) if name == "told" else (1, None, True), f"{name}: its tokens count, or are unknown")


def damaged_usage():
    """What a recording says of tokens may be anything."""
    with Provider(answering) as server, host.Scratch(**server.environment()) as scratch:
        judged(scratch, "mine", rows=1)
        scratch.run("store", "export", "r.jsonl")
        record = host.jsonl(scratch / "r.jsonl")[0]
        for i, usage in enumerate([None, "x", {"prompt_tokens": "many", "completion_tokens": None}, {"prompt_tokens": 1.5, "completion_tokens": 2}]):
            completion = json.loads(record["completion"]) if isinstance(record["completion"], str) else record["completion"]
            completion["usage"] = usage
            scratch.write("r2.jsonl", [{**record, "completion": completion}])
            imported = scratch.run("store", "import", "r2.jsonl", "--store", f"s{i}.db")
            result = scratch.run("run", "judge", "--data", "rows.jsonl", "--model", "mine", "--models", "m.lua", "--out", f"o{i}", "--store", f"s{i}.db", "--offline")
            tap.ok(result.status == 0, f"usage {usage} of a recording", imported, result)
            tap.equal(result.summary["split"]["stored"]["saved"], None, "what it saved is unknown")


# ---- fallbacks ------------------------------------------------------------------------------

CHAIN = """local fellowship = require "fellowship"
local m = fellowship.model({ "openai:first", fallback = { "openai:second", "anthropic:third" } }, { temperature = 0.5 })
local well, c = pcall(m.ask, m, "Hello?")
if not well then print(c.kind, c.model) os.exit(false) end
print(c.answered_by, c.text, c.stored, m)
"""

SLOW = 'return { ["openai:first"] = { attempts = 1 }, ["openai:second"] = { attempts = 1 }, ["anthropic:third"] = { attempts = 1 } }'


class Chain:
    """A script that asks a chain; `down` are the models that fail, and how."""

    def __init__(self, **down):
        self.down = down
        self.server = Provider(self.answer)
        self.scratch = host.Scratch(**self.server.environment())
        self.scratch.write("chain.lua", CHAIN)
        self.scratch.write("m.lua", SLOW)

    def answer(self, request):
        model = request.body["model"]
        if model in self.down:
            return self.down[model]
        return Answer(p.anthropic(model) if model == "third" else p.openai(model))

    def run(self, *flags):
        before = len(self.server.requests)
        result = self.scratch.run("--models", "m.lua", *flags, "chain.lua")
        self.err = result.err
        return result.out.strip().split("\t"), [r.body["model"] for r in self.server.requests[before:]]


BUSY = Answer(p.openai_error("busy"), 503)


def fallbacks():
    for name, failure in {"503": BUSY, "quota": Answer(p.openai_error("x", "insufficient_quota", "insufficient_quota"), 429), "key": Answer({}, 401),
                          "not there": Answer({}, 404), "filter": Answer(p.openai("x", "content_filter")), "refused": Answer(p.openai_error("bad"), 400)}.items():
        chain = Chain(first=failure)
        tap.equal(chain.run(), (["openai:second", "second", "false", "openai:first"], ["first", "second"]), f"{name}: the next one answers")
        tap.contains(chain.err, "asking openai:second instead", f"{name}: told")
        chain.down = {}
        for flags in ([], ["--offline"]):
            tap.equal(chain.run(*flags), (["openai:second", "second", "true", "openai:first"], []), f"{name}: a rerun gets the same, from the same {flags}")
        tap.equal(chain.run("--fresh", "1")[1], ["first"], f"{name}: --fresh asks the first one again")
    chain = Chain(first=BUSY, second=BUSY)
    tap.equal(chain.run(), (["anthropic:third", "third", "false", "openai:first"], ["first", "second", "third"]), "and the one after that")
    tap.equal([r.body.get("temperature") for r in chain.server.requests], [0.5] * 3, "with the same parameters")
    chain = Chain(first=BUSY, second=BUSY, third=Answer(p.anthropic_error("api_error", "x"), 500))
    tap.equal(chain.run(), (["overloaded", "openai:first"], ["first", "second", "third"]), "none: the first one's error")
    chain = Chain()
    tap.equal(chain.run(), (["openai:first", "first", "false", "openai:first"], ["first"]), "the first one answers: nobody else is asked")
    tap.equal(chain.run()[1], [], "and a rerun finds it")
    tap.equal(chain.run("--offline", "--fresh", "2")[0][0], "offline", "an offline miss is no reason to ask another")
    recording = Chain(first=BUSY)
    recording.run()
    exported = recording.scratch.run("store", "export", "r.jsonl")
    tap.equal((exported.status, exported.summary), (0, {"exported": 2}), "exported: the completion, and who answered")
    imported = recording.scratch.run("store", "import", "r.jsonl", "--store", "other.db")
    tap.equal((imported.status, imported.summary), (0, {"added": 2, "known": 0}), "and imported")
    recording.server.requests.clear()
    tap.equal(recording.run("--store", "other.db", "--offline"), (["openai:second", "second", "true", "openai:first"], []), "which replays the same")


def fallbacks_of_models():
    with Provider(answering) as server, host.Scratch(**server.environment()) as scratch:
        result, run = judged(scratch, "chain")
        tap.equal((result.status, [e["model"] for e in run["spent"]]), (0, ["mine"]), "a fallback of --models; what it cost is the answerer's")
        scratch.write("bad.lua", 'return { x = { model = "openai:m", fallback = { "nobody:m" } } }')
        result = scratch.run("run", "judge", "--data", "rows.jsonl", "--model", "x", "--models", "bad.lua", "--out", "o2")
        tap.equal(result.status, 2, "a fallback that cannot be: wrong usage")
        tap.contains(result.err, "nobody", "which names it")
    stream = p.openai_stream(["He", "llo"])
    with Provider([BUSY, Answer(parts=stream)]) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("s.lua", """local fellowship = require "fellowship"
local m, pieces = fellowship.model { "openai:first", fallback = { "openai:second" } }, {}
local c = m:stream("x", function(piece) pieces[#pieces + 1] = piece end)
print(c.text, table.concat(pieces), c.answered_by)""")
        scratch.write("m.lua", SLOW)
        tap.equal(scratch.run("--models", "m.lua", "s.lua").out.split(), ["Hello", "Hello", "openai:second"], "streams fall back too")


host.need_program()
tap.cases(costs, unknown, retried, refused, damaged_usage, fallbacks, fallbacks_of_models)
