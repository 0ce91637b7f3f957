#!/usr/bin/env python3
"""What is reported of real batch APIs: things that are not found for a while, limits told when a batch is made, clocks that
differ, lines that stand twice, and numbers that cannot be."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from batch_scene import BOTH, SEVEN, Scene
from batch_server import Drop, anthropic_error, openai_error

TWICE = """
local fellowship = require "fellowship"
local model = fellowship.model(arg[1])
for row, answer in fellowship.map(fellowship.rows(arg[2]), function(row)
  local first = model:ask(row.prompt).text
  return model:ask(row.prompt .. " Again: " .. first).text
end) do print(row.id, answer) end
"""


def not_found():
    """A batch that was just made, and results that are just there, may be unknown to the next server that is asked."""
    def one(model):
        with Scene(rows=4) as scene:
            seen = {"poll": 0, "download": 0}

            def on(event, _):
                if event in seen:
                    seen[event] += 1
                    if seen[event] <= 3:
                        return 404, openai_error("No batch found with that id.")
                return None
            scene.server.on = on
            result = scene.batch(model)
            tap.equal((result.status, scene.sizes(), result.out), (0, [4], scene.plain(model)), f"{model}: looked for again")
    tap.side_by_side(one, SEVEN)
    with Scene(rows=3, environment={"FELLOWSHIP_RETRY_SCALE": "0.001"}) as scene:
        scene.server.on = lambda event, _: (404, openai_error("No batch found.")) if event == "poll" else None
        result = scene.batch()
        tap.equal((result.status, scene.sizes()), (3, [3]), "one that stays away is lost in the end")
        tap.contains(result.err, ["No batch found", "--forget"], "which is told, with what to do")


def full():
    """Too much waits already, told when the batch is made, or by a gateway: smaller batches, and larger ones again."""
    words = {"openai:m": (429, openai_error("Enqueued token limit reached for m in organization org-1. Limit: 90,000 enqueued tokens.", "tokens", "token_limit_exceeded")),
             "groq:m": (400, openai_error("gateway: upstream said: Enqueued token limit reached")),
             "gemini:m": (429, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota, please check your plan.",
                                          "details": [{"@type": "x", "violations": [{"quotaId": "BatchEnqueuedTokensPerProjectPerModel"}]}]}}),
             "anthropic:m": (429, anthropic_error("rate_limit_error", "The number of batch requests in the processing queue would exceed your limit"))}
    def one(model, answer):
        with Scene(rows=16) as scene:
            scene.scratch.write("ask.lua", TWICE)
            room = {"most": 4}

            def on(event, request):
                if event == "create":
                    uploaded = list(scene.server.files.values())[-1].count(b"\n") if scene.server.files else len(request["requests"])
                    if uploaded > room["most"]:
                        return answer
                if event == "download" and len(scene.server.order) >= 4:
                    room["most"] = 16           # what waited has been worked off
                return None
            scene.server.on = on
            result = scene.batch(model)
            tap.equal((result.status, scene.server.twice()), (0, []), f"{model}: nothing fails, nothing is sent twice")
            sizes = scene.sizes()
            tap.equal(sizes[:4], [4, 4, 4, 4], f"{model}: batches become as small as they must be ({sizes})")
            tap.ok(max(sizes[4:]) > 4, f"{model}: and larger again", sizes)
            tap.contains(result.err, ["too much waits at the provider already", "in batches of 8", "in batches of 4"], f"{model}: which is told")
    tap.side_by_side(one, words, words.values())
    with Scene(rows=1) as scene:
        scene.scratch.write("m.lua", 'return { ["openai:m"] = { attempts = 3 } }')
        scene.server.on = lambda event, _: words["openai:m"] if event == "create" else None
        result = scene.batch("openai:m", "--models", "m.lua")
        tap.equal((result.status, len(host.jsonl(scene.scratch / "ask.errors.jsonl"))), (3, 1), "one call that is never taken fails in the end")


def clocks():
    """The server's clock is hours ahead or behind, and the answer to the making of a batch is lost: it is found all the same."""
    def one(model, hours):
        with Scene(rows=4, clock=hours * 3600) as scene:
            lost = []

            def on(event, what):
                if event == "created" and not lost:
                    lost.append(what)
                    raise Drop
            scene.server.on = on
            result = scene.batch(model)
            tap.equal((result.status, scene.sizes(), scene.server.twice()), (0, [4], []), f"{model}, clock {hours:+d} h: made once")
    tap.side_by_side(one, [*SEVEN, *BOTH], [2] * len(SEVEN) + [-2] * len(BOTH))
    # Among as large ones of the account, older and newer: those of others are left alone.
    with Scene(rows=4, clock=7200) as scene:
        others = [scene.server.accept("anthropic", [(f"other-{i}-{n}", {"model": "m", "messages": []}) for n in range(4)]) for i in range(2)]
        lost = []

        def on(event, what):
            if event == "created" and not lost:
                lost.append(what)
                scene.server.accept("anthropic", [(f"later-{n}", {"model": "m", "messages": []}) for n in range(4)])
                raise Drop
        scene.server.on = on
        result = scene.batch("anthropic:m")
        tap.equal((result.status, len(scene.server.order), result.out), (0, len(others) + 2, scene.plain("anthropic:m")), "Anthropic's is told from others by its ids")


def repeated():
    """A line that stands twice in the results is counted once."""
    def one(model):
        with Scene(rows=5) as scene:
            doubled = []

            def on(event, _):
                if event == "download" and not doubled:
                    batch = scene.server.batches[scene.server.order[0]]
                    doubled.extend(batch.output)
                    batch.output.extend(doubled)
            scene.server.on = on
            result = scene.batch(model)
            tap.equal((result.status, len(doubled)), (0, 5), f"{model}: lines that stand twice")
            tap.contains(result.err, ["5 of 5 calls answered", "5 made"], f"{model}: are counted once")
    tap.side_by_side(one, SEVEN)


def other_pages():
    """In place of the results something else comes, with the status of a good answer: they are read again, and never paid again."""
    def one(model, page):
        with Scene(rows=4) as scene:
            seen = []

            def on(event, _):
                if event == "download" and len(seen) < 2:
                    seen.append(event)
                    batch = scene.server.batches[scene.server.order[0]]
                    return 200, "\n".join(batch.output[:1]) if page == "a part" else page
                return None
            scene.server.on = on
            result = scene.batch(model)
            tap.equal((result.status, scene.sizes(), result.out, len(seen)), (0, [4], scene.plain(model), 2), f"{model}: {page!r}, twice")
    pages = ["", "not json", "<html><title>Sign in</title></html>", "a part"]
    tap.side_by_side(one, ["openai:m"] * 4 + ["anthropic:m"] * 4, pages * 2)
    with Scene(rows=4) as scene:
        scene.server.on = lambda event, _: (200, "<html>") if event == "download" else None
        result = scene.batch()
        tap.equal((result.status, scene.sizes(), scene.server.plain), (3, [4], 0), "a page that stays is not paid for again")
        tap.contains(result.err, ["the provider says that 4 are done", "--forget"], "and is told, with what to do")
        scene.server.on = None
        result = scene.batch()
        tap.equal((result.status, scene.sizes(), result.out), (0, [4], scene.plain()), "the next run takes the results")
    with Scene(rows=4) as scene:                # what is missing for good is asked for again
        scene.server.on = lambda event, _: (200, "\n".join(scene.server.batches[scene.server.order[0]].output[1:])) if event == "download" and len(scene.server.order) == 1 else None
        result = scene.batch()
        tap.equal((result.status, scene.sizes(), result.out), (0, [4, 1], scene.plain()), "one line that never comes is asked for again")


def named_errors():
    """An error of a line that has a name and no status."""
    with Scene(rows=4) as scene:
        status, failed, answers, asked = of_rows(scene, {1: {"error": {"code": "content_filter", "message": "no"}}, 2: {"error": {"code": "context_length_exceeded"}}})
        tap.equal((status, sorted(failed), len(answers), sorted(asked)), (3, [(1, "content_filter"), (2, "context_length")], 2, [1, 2]), "is final where its name is")


def numbers():
    """Usage that cannot be brings no negative cost, and no more than there is."""
    usages = [{"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 1000}},
              {"prompt_tokens": -5, "completion_tokens": 5}, {"prompt_tokens": 10.0, "completion_tokens": 5.0},
              {"prompt_tokens": 10, "completion_tokens": -7}, {"prompt_tokens": "10", "completion_tokens": 5},
              {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": -3}}, None, 5, []]
    with Scene(rows=len(usages)) as scene:
        def fate(_, body, __):
            number = int(json.dumps(body).split("<row-")[1].split(">")[0])
            return {"response": {"status_code": 200, "body": {"model": "m", "choices": [
                {"message": {"content": f"a{number}"}, "finish_reason": "stop"}], "usage": usages[number]}}}
        scene.server.fate = fate
        scene.scratch.write("m.lua", 'return { ["openai:m"] = { price = { input = 1000, cached = 100, output = 2000 } } }')
        scene.scratch.write("all.lua", """local fellowship = require "fellowship"
return { options = { { "data", type = "data", required = true, help = "rows" } }, run = function(run)
  local model = fellowship.model "openai:m"
  for row, text in run:map(run:rows "data", function(row) return model:ask(row.prompt).text end) do end
end }""")
        result = scene.scratch.run("--store", "store.db", "--batch", "--models", "m.lua", "all.lua", "--data", "rows.jsonl", "--out", "out")
        if result.status:
            tap.diag(result)
        tap.equal(result.status, 0, "all are answered")
        run = json.loads((scene.scratch / "out/run.json").read_text())
        costs = [value for value in json.dumps(run).replace(",", " ").replace("}", " ").split() if value.startswith("-")]
        tap.equal(costs, [], "no figure of run.json is negative")
        tap.ok(run["cost"] is None or run["cost"] >= 0, "nor is the cost", run["cost"])


def down():
    """A provider that is away for a while is waited for, and no call fails."""
    def one(model):
        with Scene(rows=4) as scene:
            until = time.monotonic() + 1.5

            def on(event, _):
                return (503, "<html>503</html>") if time.monotonic() < until and event != "plain" else None
            scene.server.on = on
            result = scene.batch(model)
            tap.equal((result.status, scene.server.twice(), result.out), (0, [], scene.plain(model)), f"{model}: waited for")
    tap.side_by_side(one, ["openai:m", "anthropic:m", "gemini:m"])


ROWS = """local fellowship = require "fellowship"
return { options = { { "data", type = "data", required = true, help = "rows" }, { "empty", type = "flag", help = "an empty answer is one" } },
  run = function(run)
    local model, how = fellowship.model "openai:m", run.options.empty and { empty = true } or nil
    local out <close> = run:writer "out.jsonl"
    for row, text in run:map(run:rows "data", function(row) return model:ask(row.prompt, { how = how }).text end) do
      out:write { id = row.id, text = text }
    end
  end }"""


def of_rows(scene, fates, *flags):
    """A run of which some rows have results of their own: its status, failed rows, answers, and how often these rows were asked for."""
    asked = []

    def fate(_, body, __):
        number = int(json.dumps(body).split("<row-")[1].split(">")[0])
        what = fates.get(number, fates.get("all"))
        if what:
            asked.append(number)
        return what
    scene.server.fate = fate
    scene.scratch.write("all.lua", ROWS)
    scene.result = scene.scratch.run("--store", "store.db", "--batch", "all.lua", "--data", "rows.jsonl", "--out", "out", "--force", *flags)
    answers = scene.scratch / "out/out.jsonl"
    failed = scene.scratch / "out/errors.jsonl"
    return (scene.result.status, [(int(row["id"][4:]), row["kind"]) for row in host.jsonl(failed)] if failed.exists() else [],
            {int(row["id"][4:]): row["text"] for row in host.jsonl(answers)} if answers.exists() else {}, asked)


def empty():
    """A line without a text is asked for once more, and is then an answer where that is one."""
    nothing = {"response": {"status_code": 200, "body": {"model": "m", "choices": [{"message": {"content": ""}, "finish_reason": "stop"}],
                                                        "usage": {"prompt_tokens": 9, "completion_tokens": 0}}}}
    with Scene(rows=4) as scene:
        status, failed, answers, asked = of_rows(scene, {1: nothing})
        tap.equal((status, failed, len(answers), asked), (3, [(1, "empty")], 3, [1, 1]), "asked for twice, and its row fails")
        status, failed, answers, asked = of_rows(scene, {1: nothing}, "--empty")
        tap.equal((status, failed, answers.get(1), asked), (0, [], "", [1, 1]), "or is answered by \"\"")
        status, _, answers, asked = of_rows(scene, {1: nothing}, "--empty", "--offline")
        tap.equal((status, answers.get(1), asked), (0, "", []), "which the store keeps")


def placed():
    """What a line says of itself, of the model, or of a context that can be larger."""
    missing = {"response": {"status_code": 404, "body": {"error": {"message": "no such model", "code": "model_not_found"}}}}
    long = {"response": {"status_code": 400, "body": {"error": {"message": "This model's maximum context length is 5 tokens", "code": "context_length_exceeded"}}}}
    with Scene(rows=4) as scene:
        status, failed, answers, _ = of_rows(scene, {0: missing})
        tap.equal((status, failed, len(answers)), (3, [(0, "not_found")], 3), "404 for one line of four fails its row")
        status, failed, _, _ = of_rows(scene, {2: long}, "--fresh", "1")
        tap.equal((status, failed), (3, [(2, "context_length")]), "a line that is too long fails its row")
        tap.contains((scene.scratch / "out/errors.jsonl").read_text(), ["larger context"], "and tells what to do")
        status, failed, _, asked = of_rows(scene, {}, "--fresh", "1")
        tap.equal((status, failed, len(scene.server.batches[scene.server.order[-1]].requests)), (0, [], 1), "it alone is asked again then")
    with Scene(rows=4) as scene:
        status, failed, _, _ = of_rows(scene, {"all": missing})
        tap.equal((status, failed), (1, []), "404 for all lines ends the run")
        tap.contains(scene.result.err, ["no such model"], "and says why")


host.need_program()
tap.cases(not_found, full, clocks, repeated, other_pages, named_errors, numbers, down, empty, placed)
