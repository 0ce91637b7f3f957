#!/usr/bin/env python3
"""--dry-run: what a script will take, against what it then took; and that it asks and writes nothing."""

import contextlib
import hashlib
import json
import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from bills import RANGES, WORDS, bill, dry, rows, tokens, widths, within
from provider_server import Answer, Provider
from terminal import Terminal

MODELS = """return {
  ["openai:writer"] = { price = { input = 1, output = 4 } },
  ["openai:reviewer"] = { price = { input = 0.5, cached = 0.25, output = 2 } },
  ["openai:judge"] = { price = { input = 3, output = 12 } },
}
"""


def model_answer(request):
    """A model whose answers have lengths of their own, by role; the judge can sometimes not be read at first."""
    messages, name = request.body["messages"], request.body["model"]
    last = messages[-1]["content"]
    draw = random.Random(hashlib.sha256(json.dumps([name, messages]).encode()).digest())
    middle = {"writer": 160, "reviewer": 60, "judge": 45}[name]
    text = " ".join(draw.choice(WORDS) for _ in range(max(3, int(draw.lognormvariate(0, 0.45) * middle))))
    if "### Score Assistant A:" in last and (len(messages) > 1 or draw.random() > 0.06):
        text += f"\n\n### Score Assistant A:\n{draw.randint(1, 10)}/10\n\n### Score Assistant B:\n{draw.randint(1, 10)}/10"
    if "response_format" in request.body:
        text = json.dumps({"evidence": text, "score_a": draw.randint(1, 10), "score_b": draw.randint(1, 10)})
    prompt = 3 + sum(4 + tokens(m["content"]) for m in messages)
    cached = prompt // 2 if name == "reviewer" and prompt > 400 else 0
    return Answer(p.openai(text, usage={"prompt_tokens": prompt, "completion_tokens": tokens(text),
                                        "prompt_tokens_details": {"cached_tokens": cached}}))


SCRIPTS = {
    "feedback": ["--generator", "openai:writer", "--reviewer", "openai:reviewer"],
    "evaluate": ["--method", "judge", "--model", "openai:judge"],
    "preference": ["--generator", "openai:writer", "--reviewer", "openai:reviewer", "--judge", "openai:judge"],
}
COUNT, FIRST = 40, 10


@contextlib.contextmanager
def world(answers=model_answer, count=COUNT, **more):
    with Provider(answers) as server, host.Scratch(**server.environment(**more)) as scratch:
        scratch.write("rows.jsonl", rows(count))
        scratch.write("m.lua", MODELS)
        yield server, scratch


def command(name, *options):
    return ["run", name, "--data", "rows.jsonl", "--models", "m.lua", *SCRIPTS[name], *options]


# ---- against the actual bill --------------------------------------------------------------------

def against_the_bill():
    for script in SCRIPTS:
        with world() as (server, scratch):
            empty, result = dry(scratch, server, *command(script), name=f"{script}, empty store")
            tap.contains(result.err, ["nothing in the store to go by", "likely", "400 tokens"], f"{script}: says what it stands on")
            tap.equal((empty["script"], empty["status"], empty["rows"], empty["failed"], empty["sampled"]),
                      (script, "dry run", COUNT, 0, 0), f"{script}: the last line")
            tap.equal(scratch.run(*command(script, "--out", "first", "--limit", FIRST)).status, 0, f"{script}: a run of some rows")
            first = bill(scratch, "first")
            filled, result = dry(scratch, server, *command(script, "--out", "new"), name=f"{script}, filled store")
            tap.contains(result.err, "of its completions in the store", f"{script}: says so")
            tap.equal({entry["model"]: entry["held"] for entry in filled["models"]}, {m: e["calls"] for m, e in first.items()},
                      f"{script}: what the store holds")
            result = scratch.run(*command(script, "--out", "rest"))
            tap.equal(result.status, 0, f"{script}: the whole run")
            rest = bill(scratch, "rest")
            within(f"{script}, filled store", filled, rest)
            both = {m: {name: first[m][name] + rest[m][name] for name in RANGES} for m in rest}
            within(f"{script}, empty store", empty, both)
            wide = [key for key, ratio in widths(filled).items() if ratio >= widths(empty)[key]]
            tap.equal(wide, [], f"{script}: with the store it is narrower")
            done, result = dry(scratch, server, *command(script), name=f"{script}, all is there")
            tap.equal([(e["calls"]["high"], e["cost"]["high"]) for e in done["models"]], [(0, 0)] * len(rest), f"{script}: nothing to pay")
            tap.contains(result.err, "the store holds all of its calls", f"{script}: says so")


def recorded_model():
    """The bundled recording of a small real model: its own tokenizer, lengths, and limits of tokens."""
    folder = host.ROOT / "examples/quickstart"
    known = {}
    for line in host.jsonl(folder / "recording.jsonl"):
        request, completion = line["request"], line["completion"]
        known[json.dumps([request["messages"], request["params"].get("grammar")])] = completion

    def answer(request):
        found = known[json.dumps([[{"content": m["content"], "role": m["role"]} for m in request.body["messages"]],
                                  request.body.get("grammar")])]
        return Answer(p.openai(found["text"], found["finish_reason"], usage=found["usage"]))
    name = "SmolLM2-135M-Instruct"
    with Provider(answer) as server, host.Scratch() as scratch:
        scratch.environment["PORT"] = str(server.port)
        scratch.write("m.lua", f'local all = (function()\n{(folder / "models.lua").read_text()}\nend)()\n'
                      "for _, entry in pairs(all) do entry.price = { input = 1, output = 2 } end\nreturn all\n")
        run = ["run", "preference", "--data", folder / "prompts.jsonl", "--prompts", folder / "prompts.lua", "--models", "m.lua",
               "--generator", name, "--reviewer", f"{name}-reviewer", "--judge", f"{name}-judge"]
        empty, _ = dry(scratch, server, *run, name="recording, empty store")
        scratch.run(*run, "--limit", 4, "--out", "first")
        first = bill(scratch, "first")
        filled, _ = dry(scratch, server, *run, name="recording, filled store")
        tap.equal(scratch.run(*run, "--out", "rest").status, 0, "recording: the run")
        rest = bill(scratch, "rest")
        within("recording, filled store", filled, rest)
        within("recording, empty store", empty, {m: {key: first[m][key] + rest[m][key] for key in RANGES} for m in rest})


def recorded_loop():
    """The main job on recorded outputs of large models."""
    data, tool = host.SHARED / "data/feedback", host.SHARED / "tools/replay_server.py"
    if not (data.exists() and tool.exists()):
        tap.skip("the main job on recorded models", "the shared recordings are not here")
        return
    with host.replay_server() as replay, host.Scratch(replay.url) as scratch:
        gemma, gpt = "openai:gemma-2-9b-it", "openai:gpt-4o"
        scratch.write("m.lua", f"return {{ ['{gemma}'] = {{ price = {{ input = 0.3, output = 0.3 }} }}, "
                      f"['{gpt}'] = {{ price = {{ input = 2.5, output = 10 }} }} }}")
        run = ["run", "preference", "--data", data / "rows.jsonl", "--models", "m.lua", "--generator", gemma, "--reviewer", gemma,
               "--judge", gpt]
        empty, _ = dry(scratch, None, *run, "--limit", 60, name="recorded models, empty store")
        tap.equal(replay.log(), [], "recorded models: nothing was sent")
        scratch.run(*run, "--limit", 15, "--out", "first")
        first, count = bill(scratch, "first"), len(replay.log())
        filled, _ = dry(scratch, None, *run, "--limit", 60, name="recorded models, filled store")
        tap.equal(len(replay.log()), count, "recorded models: nothing more")
        tap.equal(scratch.run(*run, "--limit", 60, "--out", "rest").status, 0, "recorded models: the run")
        rest = bill(scratch, "rest")
        within("recorded models, filled store", filled, rest)
        within("recorded models, empty store", empty, {m: {key: first[m][key] + rest[m][key] for key in RANGES} for m in rest})


def learnt():
    """What the store tells of second questions, cached prompts and limits of tokens."""
    def answer(request):
        count = 3 + sum(4 + tokens(m["content"]) for m in request.body["messages"])
        if request.body["model"] == "writer":
            return Answer(p.openai("word " * 20, "length", usage={"prompt_tokens": count, "completion_tokens": 20}))
        text = "### Score Assistant A:\n8/10\n\n### Score Assistant B:\n4/10" if len(request.body["messages"]) > 1 else "Hm. " * 30
        return Answer(p.openai(text, usage={"prompt_tokens": count, "completion_tokens": tokens(text),
                                            "prompt_tokens_details": {"cached_tokens": count // 2}}))
    with world(answer, count=60) as (server, scratch):
        scratch.write("m.lua", 'return { ["openai:judge"] = { price = { input = 1, cached = 0.2, output = 0 } } }')
        tap.equal(scratch.run(*command("evaluate", "--out", "out", "--limit", 30)).status, 0, "a run of which no first verdict can be read")
        estimate, _ = dry(scratch, server, *command("evaluate"), name="the rest of it")
        judge = estimate["models"][0]
        tap.equal((judge["held"], judge["calls"]["likely"], judge["calls"]["high"]), (60, 60, 60), "each of the 30 to come is asked twice")
        tap.ok(judge["calls"]["low"] > 30, "and nearly so at least", judge)
        cost = judge["prompt_tokens"]["likely"] * 0.6 / 1e6
        tap.ok(abs(judge["cost"]["likely"] / cost - 1) < 0.02, "half of each prompt at the price of cached ones", judge)
        scratch.write("capped.lua", 'local fellowship = require "fellowship"\nlocal m = fellowship.model "openai:writer?max_tokens=20"\n'
                      "for i = 1, tonumber(arg[1]) do m:ask('Number ' .. i) end")
        tap.equal(scratch.run("capped.lua", "10").status, 0, "ten answers that are cut off")
        before = len(server.requests)
        estimate = scratch.run("--dry-run", "capped.lua", "25").summary["models"][0]
        tap.equal((estimate["held"], estimate["calls"]["likely"], estimate["completion_tokens"]["likely"], estimate["completion_tokens"]["high"],
                   len(server.requests)), (10, 15, 300, 300, before), "answers are as long as they may be, and no longer")


# ---- writes nothing ------------------------------------------------------------------------------

WRITES = """local fellowship = require "fellowship"
local m = fellowship.model("openai:writer", { max_tokens = 50 })
local out <close> = fellowship.writer "deep-answers.csv"
local shards <close> = fellowship.writer("shards.jsonl.gz", { sharded = true, max_rows = 2 })
for row, c in fellowship.map(fellowship.rows "rows.jsonl", function(row)
  if row.id == "r2" then error "no such row" end
  return m:ask(row.prompt)
end) do
  out:write { id = row.id, text = c.text }
  shards:write { id = row.id }
  print(c.usage.completion_tokens <= 50, c.stored, c.finish_reason, #c.key)
end
shards:close()
print(shards.files[1], #shards.files, out.rows)
fellowship.spawn(function() m:ask "What comes after the end?" m:ask "And then?" end)
"""


def plain_scripts():
    with world(count=6) as (server, scratch):
        scratch.write("answers.lua", WRITES)
        estimate, result = plain(scratch, server, "--models", "m.lua", "answers.lua", status=3)
        tap.equal(result.out.splitlines()[:5], ["true\tfalse\tstop\t64"] * 5, "completions as of a run")
        tap.equal(result.out.splitlines()[5], "shards-00000-of-00003.jsonl.gz\t3\t5", "writers count and name their files")
        tap.equal((estimate["script"], estimate["status"], estimate["rows"], estimate["failed"]), ("answers", "dry run", 5, 1), "the last line")
        tap.equal(estimate["models"][0]["calls"], {"low": 7, "likely": 7, "high": 7}, "what a spawned task asks counts too")
        tap.equal(estimate["models"][0]["completion_tokens"], {"low": 7, "likely": 350, "high": 350}, "max_tokens bounds answers")
        tap.contains(result.err, ["row r2 failed: answers.lua:6: no such row", "1 failed (1 script)"], "a failed row is told")
        quiet, result = plain(scratch, server, "--models", "m.lua", "--quiet", "answers.lua", status=3)
        tap.equal((result.err, quiet), ("", estimate), "--quiet: the line alone, and it is the same again")
        scratch.write("bad.lua", 'local fellowship = require "fellowship"\nlocal w <close> = fellowship.writer "a.csv"\n'
                      "w:write { a = 1 }\nw:write { b = 1 }\n")
        _, result = plain(scratch, server, "bad.lua", status=1, line=False)
        tap.contains(result.err, '"b"', "what a writer would refuse is refused")
        scratch.write("stop.lua", 'local fellowship = require "fellowship"\nfor _ in fellowship.map({ 1, 2 }, function() error "no" end) do end')
        plain(scratch, server, "--on-error", "stop", "stop.lua", status=1, line=False)


def plain(scratch, server, *arguments, status=0, line=True):
    """A dry run of a plain script: the option goes before its name."""
    before, asked = host.tree(scratch.path), len(server.requests)
    result = scratch.run("--dry-run", *arguments)
    tap.equal((result.status, host.tree(scratch.path) == before, len(server.requests) - asked), (status, True, 0),
              f"{arguments[-1]}: status {status}, no file changed, no request")
    if result.status != status:
        tap.diag(result.err)
    return result.summary if line else None, result


def folders_and_stores():
    with world(count=6) as (server, scratch):
        tap.equal(scratch.run(*command("feedback", "--out", "out")).status, 0, "a run")
        scratch.write("rows.jsonl", rows(6, seed=2))
        estimate, _ = dry(scratch, server, *command("feedback", "--out", "out"), name="--out of another run")
        tap.equal(estimate["models"][1]["held"], 0, "and other rows: none of it is held")
        same, _ = dry(scratch, server, *command("feedback"), env={"OPENAI_API_KEY": None}, name="without a key or --out")
        tap.equal(same, estimate, "the same estimate")
        for n in (1, 64):
            again, _ = dry(scratch, server, *command("feedback", "--concurrency", n), name=f"--concurrency {n}")
            tap.equal(again, estimate, "the same estimate")
        members = command("preference", "--improve", "members", "--swap")
        tap.equal(scratch.run(*members, "--limit", 2, "--out", "members").status, 0, "a run that branches")
        estimates = [dry(scratch, server, *members, "--concurrency", n, name=f"branches, --concurrency {n}")[0] for n in (1, 5, 64)]
        tap.ok(estimates[0] == estimates[1] == estimates[2] and estimates[0]["models"][0]["held"] > 0, "the same estimate", *estimates)
        dry(scratch, server, *command("preference", "--out", "members"), name="--out with sets that a run would remove")
        fresh, _ = dry(scratch, server, *command("feedback", "--store", "none/here.db"), name="a store that is not there")
        tap.equal(fresh["sampled"], 0, "nothing to go by")
        scratch.write("empty.db", "")
        dry(scratch, server, *command("feedback", "--store", "empty.db"), name="a store that is an empty file")
        scratch.write("text.db", "this is no database at all, but a text that is long enough to be looked at" * 20)
        _, result = dry(scratch, server, *command("feedback", "--store", "text.db", "--quiet"), status=1, name="a file that is no store")
        tap.contains(result.err, ["text.db", "no SQLite database"], "which it says")
        tap.lacks(result.err, ["dry run:"], "without an estimate")


def killed_run():
    """The store of a run that was killed has a write-ahead log beside it; and one that goes on is in use."""
    def slow(request):
        if len(scratch_server[0].requests) > 12:
            scratch_server[0].stopping.wait(20)
        return model_answer(request)
    scratch_server = [None]
    with world(slow, count=6) as (server, scratch):
        scratch_server[0] = server
        process = scratch.start(*command("feedback", "--out", "out", "--concurrency", "4"))
        host.until(lambda: len(server.requests) > 12)
        store = scratch / ".fellowship/store.db"
        result = scratch.run(*command("feedback"), "--dry-run")
        tap.equal(result.status, 0, "while the run goes on: status 0")
        tap.equal(process.poll(), None, "the run was not disturbed")
        process.kill()
        scratch.finish(process)
        tap.ok((scratch / ".fellowship/store.db-wal").stat().st_size > 0, "the killed run left a write-ahead log")
        before = {name: content for name, content in host.tree(scratch.path).items() if not name.endswith("-shm")}
        names = sorted(os.listdir(store.parent))
        result = scratch.run(*command("feedback"), "--dry-run")
        tap.equal((result.status, sorted(os.listdir(store.parent))), (0, names), "after a kill: no file more or less beside the store")
        tap.equal({name: content for name, content in host.tree(scratch.path).items() if not name.endswith("-shm")} == before, True,
                  "and the store's bytes are as they were, its log too")
        held = sum(entry["held"] for entry in result.summary["models"])
        tap.ok(8 <= held <= 12, "what was committed is held", held)


# ---- answers that a workflow can go on with --------------------------------------------------------

FORMS = """local fellowship = require "fellowship"
local json = fellowship.json
local m = fellowship.model "openai:judge"
local c = m:ask("Say it in JSON.", { schema = { type = "object", additionalProperties = false,
  required = { "name", "tags", "n", "ok", "kind", "none", "deep" }, properties = { name = { type = "string", maxLength = 9 },
  tags = { type = "array", minItems = 2, items = { type = "string", minLength = 3 } }, n = { type = "number", minimum = 0.5, maximum = 2 },
  ok = { type = "boolean" }, kind = { enum = { "x", "y" } }, none = { type = "null" },
  deep = { anyOf = { { type = "integer", maximum = 0 }, { const = "c" } } } } } })
print("schema", utf8.len(c.value.name) <= 9, #c.value.tags >= 2, c.value.ok == true or c.value.ok == false)
local pieces = {}
local s = m:stream("Tell me.", function(piece) pieces[#pieces + 1] = piece end)
print("stream", table.concat(pieces) == s.text, s.finish_reason)
local pair = { prompt = "p", a = "x", b = "y" }
for _, options in ipairs { { strategy = "direct" }, { strategy = "independent", scale = 100 }, { strategy = "combined" },
  { structured = true }, { logprobs = true }, { swap = true }, { samples = 3 } } do
  options.model = m
  print("judge", fellowship.judge(options):compare(pair).winner ~= "unparsed")
end
print("debate", fellowship.debate { model = m, stop_early = true }:compare(pair).winner ~= "unparsed")
print("same", m:ask("Twice?").text == m:ask("Twice?").text, m:ask("Twice?").text ~= m:ask("Thrice?").text)
local chain = fellowship.model { "openai:writer", fallback = { "openai:reviewer" } }
print("chain", chain:ask("Who?").answered_by)
"""


def forms():
    with world(count=1) as (server, scratch):
        scratch.write("forms.lua", FORMS)
        estimate, result = plain(scratch, server, "--models", "m.lua", "forms.lua")
        tap.equal(result.out.splitlines()[:-1], ["schema\ttrue\ttrue\ttrue", "stream\ttrue\tstop", *["judge\ttrue"] * 7, "debate\ttrue",
                                                 "same\ttrue\ttrue", "chain\topenai:writer"], "every form of answer is given as asked")
        tap.equal([entry["model"] for entry in estimate["models"]], ["openai:judge", "openai:writer"], "models that were asked")
        calls = estimate["models"][0]["calls"]
        # schema, stream, 1 + 2 + 1 + 1 + 1 (logprobs) + swap's second + two more samples, a debate of 9 at most, 2
        tap.ok(calls["low"] <= calls["likely"] <= 23 and calls["high"] > calls["likely"], "calls", calls)


FOLLOWS = """local fellowship = require "fellowship"
local judge = fellowship.judge "openai:judge"
local writer, reviewer = fellowship.model "openai:writer", fellowship.model "openai:reviewer"
local function compare(row, a) return function() return judge:compare { prompt = row.prompt, a = a, b = "y" } end end
fellowship.each(fellowship.rows "rows.jsonl", function(row)
  local first, second = fellowship.all(compare(row, "x"), compare(row, "z"))
  writer:ask(first.winner .. second.winner .. row.prompt)
  fellowship.all(function() reviewer:ask(row.prompt) end)
end)
"""


def after_a_judgement():
    """A script that branches on verdicts may ask less: low leaves out what follows one in a row, however its tasks are."""
    with world(count=3) as (server, scratch):
        scratch.write("follows.lua", FOLLOWS)
        estimate, _ = plain(scratch, server, "--models", "m.lua", "follows.lua")
        tap.equal({entry["model"]: list(entry["calls"].values()) for entry in estimate["models"]},
                  {"openai:judge": [6, 6, 12], "openai:reviewer": [0, 3, 3], "openai:writer": [0, 3, 3]}, "low, likely and high calls")


def judges():
    """Every evaluator, through a schema and by log-probabilities, in both orders."""
    for options in (["--structured", "--swap"], ["--logprobs"], ["--strategy", "independent", "--samples", "2"], ["--strategy", "direct"]):
        with world(count=5) as (server, scratch):
            estimate, result = dry(scratch, server, *command("evaluate", *options), name=" ".join(options))
            tap.equal(estimate["failed"], 0, "no row fails")
            tap.lacks(result.err, ["kappa"], "and what the stand-ins would agree on is not told")
            if "--logprobs" in options:
                continue
            if "--structured" in options:
                tap.equal(scratch.run(*command("evaluate", *options, "--out", "out")).status, 0, "the run")
                within("structured, both orders", estimate, bill(scratch, "out"))
    with world(count=4) as (server, scratch):
        for name, more in {"debate": ["--rounds", "2"], "jury": []}.items():
            model = ["--model", "openai:judge"] * (1 if name == "debate" else 2)
            estimate, _ = dry(scratch, server, "run", name, "--data", "rows.jsonl", *model, *more, name=name)
            tap.equal(estimate["models"][0]["calls"]["likely"], 4 * (9 if name == "debate" else 2), f"{name}: calls")


# ---- what it says ----------------------------------------------------------------------------------

def messages():
    with world(count=3) as (server, scratch):
        def refused(*arguments):
            result = scratch.run(*arguments)
            tap.equal((result.status, result.out), (2, ""), f"{' '.join(map(str, arguments[-2:]))}: wrong usage")
            return result.err
        tap.contains(refused(*command("feedback", "--dry-run", "--offline")), ["--dry-run asks nothing anyway", "leave one out"], "which it says")
        scratch.write("x.lua", "")
        tap.contains(refused("--offline", "--dry-run", "x.lua"), ["leave one out"], "of a plain script too")
        tap.contains(refused("repl", "--dry-run"), ["--dry-run estimates a script"], "the prompt has no end to estimate")
        tap.contains(refused(*command("feedback")), ["--out DIR is missing"], "without --dry-run, --out is needed")
        tap.contains(refused("run", "feedback", "--dry-run", "--data", "none.jsonl", *SCRIPTS["feedback"]), ["none.jsonl"], "data that is not there")
        tap.contains(refused("run", "feedback", "--dry-run", "--data", "rows.jsonl", "--generator", "nobody:m", "--reviewer", "sim:a"),
                     ["nobody"], "a model that cannot be")
        tap.contains(scratch.run("run", "feedback", "--help", "all").out, ["--dry-run", "required unless --dry-run"], "--help has it")

        estimate, result = dry(scratch, server, "run", "feedback", "--data", "rows.jsonl", *SCRIPTS["feedback"], name="unknown price")
        tap.equal((estimate["cost"], [entry["cost"] for entry in estimate["models"]]), (None, [None, None]), "null, not 0")
        tap.contains(result.err, ["openai:reviewer, openai:writer: the price is not known; give it in --models: price = {", "unknown"], "and how to give it")
        long = [{"id": 1, "prompt": "word " * 300000}]
        scratch.write("long.jsonl", long)
        _, result = dry(scratch, server, "run", "feedback", "--data", "long.jsonl", "--generator", "openai:gpt-5.4", "--reviewer",
                        "sim:a", env={"OPENAI_BASE_URL": None}, name="long prompts")
        tap.contains(result.err, ["prompts may be longer than the known price is for"], "a price for shorter prompts only")

        scratch.write("mixed.jsonl", [{"id": 1, "prompt": "p", "response_a": "x", "response_b": "y", "human": "a"}, {"id": 2, "prompt": "p"}])
        estimate, result = dry(scratch, server, "run", "evaluate", "--method", "judge", "--data", "mixed.jsonl", "--model",
                               "sim:j", status=3, name="a bad row")
        tap.equal((estimate["rows"], estimate["failed"], estimate["models"][0]["calls"]), (1, 1, {"low": 1, "likely": 1, "high": 1}), "counted")
        tap.contains(result.err, ["row 2 failed", "response_a", "1 failed (1 data)", "answers of sim, which are known"], "and told")
        scratch.write("none.jsonl", "")
        estimate, result = dry(scratch, server, "run", "judge", "--data", "none.jsonl", "--model", "sim:j", name="no rows")
        tap.equal((estimate["models"], estimate["cost"]), ([], {"low": 0, "likely": 0, "high": 0}), "nothing to pay")
        tap.contains(result.err, ["no model was asked"], "which it says")
        _, result = dry(scratch, server, *command("feedback", "--quiet"), name="--quiet")
        tap.equal(result.err, "", "nothing on stderr")


def examples():
    """Every example, as it stands."""
    arguments = {"own-command.lua": ["--data", "prompts.jsonl", "--model", "sim:any"]}
    for path in sorted((host.ROOT / "examples").glob("*.lua")):
        if path.name == "custom-judge.lua":         # a method of evaluate
            continue
        with host.Scratch() as scratch:
            scratch.prompts(3, "prompts.jsonl")
            scratch.write("prompts.csv", "id,prompt\n1,one\n2,two\n")
            before = host.tree(scratch.path)
            models = ["--models", host.ROOT / "examples/quickstart/models.lua"] if path.name == "replay.lua" else []
            result = scratch.run("--dry-run", *models, path, *arguments.get(path.name, []))
            tap.equal((result.status, host.tree(scratch.path) == before, (result.summary or {}).get("status")), (0, True, "dry run"),
                      f"{path.name}: estimated, and nothing written")
            if result.status:
                tap.diag(result.err)


def interrupted():
    with world(count=6) as (server, scratch):
        scratch.write("forever.lua", 'local fellowship = require "fellowship"\nlocal m = fellowship.model "openai:writer"\n'
                      'print "begun" io.stdout:flush()\nlocal n = 0\nwhile true do n = n + 1 m:ask("Number " .. n) end')
        process = scratch.start("--dry-run", "forever.lua")
        host.until(lambda: os.fstat(process.files[0].fileno()).st_size > 0)
        process.send_signal(2)
        result = scratch.finish(process, 30)
        tap.equal((result.status, result.out, len(server.requests)), (130, "begun\n", 0), "Ctrl+C ends it: status 130, no estimate")
        scratch.write("command.lua", 'local fellowship = require "fellowship"\nreturn { summary = "never ends", run = function(run)\n'
                      'local m, n = fellowship.model "openai:writer", 0\n'
                      "for _ in run:map(function() n = n + 1 return { n } end, function() m:ask('Number ' .. n) end) do end\nend }")
        before = host.tree(scratch.path)
        with Terminal(scratch, "command.lua", "--dry-run", columns=100) as t:
            tap.ok(t.wait_for(r"\d+ rows, \d+ rows/s.*dry run · \d+ calls to ask · 0 in the store"), "progress of a command")
            t.process.send_signal(2)
            tap.equal(t.finish(30), 130, "Ctrl+C ends it too")
            tap.contains(t.text, ["interrupted: no estimate; nothing was asked"], "and it says what that means")
        tap.ok(host.tree(scratch.path) == before, "nothing was written")


host.need_program()
tap.cases(against_the_bill, recorded_model, recorded_loop, learnt, plain_scripts, folders_and_stores, killed_run, forms,
          after_a_judgement, judges, messages, examples, interrupted)
