#!/usr/bin/env python3
"""--batch: any workflow through the providers' batch APIs, over a server that plays their life cycles."""

import json
import os
import signal
import sqlite3
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from batch_scene import BOTH, SEVEN, Scene
from batch_server import KEY, BatchServer, Drop, openai_error

VARIABLE = ("run.json", "errors.jsonl")


def fates(**by_row):
    """fate(): what becomes of the rows named "row_N", once; of `always` ones each time."""
    struck = set()

    def fate(_, body, __):
        text = json.dumps(body)
        for name, what in by_row.items():
            row = f"<{name.replace('_', '-')}>"
            if row in text and row not in struck:
                struck.add(row)
                return what
        return None
    return fate


# ---- the same as plain ------------------------------------------------------------------------

def preference_job():
    """500 rows, plain and in batches: byte-identical outputs."""
    with BatchServer() as server, host.Scratch(**server.environment()) as scratch:
        scratch.prompts(500)
        tap.equal(scratch.preference("--store", "plain.db", out="plain").status, 0, "500 rows, plain")
        want, server.plain = host.tree(scratch / "plain", VARIABLE), 0
        result = scratch.preference("--batch")
        tap.equal(result.status, 0, "500 rows, --batch")
        host.same_tree(host.tree(scratch / "out", VARIABLE), want, "the same bytes in every file")
        tap.equal(([len(batch.requests) for batch in server.batches.values()], server.plain), ([500] * 7, 0), "seven batches of 500, no plain call")
        run = json.loads((scratch / "out/run.json").read_text())
        tap.equal((run["calls"]["made"], run["attempts"]), (3500, 0), "run.json counts the calls")
        again = scratch.preference("--batch", out="again")
        tap.equal((again.status, again.summary["stored"], len(server.batches)), (0, 3500, 7), "another folder: all from the store")
        offline = scratch.preference("--batch", "--offline", out="offline")
        host.same_tree(host.tree(scratch / "offline", VARIABLE), want, "--offline: the same bytes")
        tap.equal(offline.status, 0, "and status 0")


def feedback_job():
    """A three-round loop over 1,000 rows takes as many batches as it has dependent steps."""
    for model in BOTH:
        with BatchServer() as server, host.Scratch(**server.environment()) as scratch:
            scratch.prompts(1000)
            result = scratch.run("run", "feedback", "--data", "rows.jsonl", "--generator", model, "--reviewer", model, "--out", "out", "--batch")
            tap.equal((result.status, len(server.batches)), (0, 5), f"{model}: 1,000 rows of five steps are five batches")
            tap.equal(server.twice(), [], "each call in one of them")


def providers():
    for model in (*SEVEN, "openai-responses:m"):
        with Scene() as scene:
            result = scene.batch(model)
            tap.equal((result.status, result.out), (0, scene.plain(model)), f"{model}: answers as plain")
            tap.equal(scene.sizes(), [10], "from one batch")
            tap.contains(result.err, ["10 calls sent", "10 of 10 calls answered"], "which is told")
            tap.equal(scene.ask(model).out, result.out, "a plain rerun finds the same keys")
            tap.equal(scene.server.plain, 10, "and makes no call")
            tap.lacks(json.dumps([repr(host.holding(scene.scratch.path, KEY.encode())), result.err]), [KEY, "store.db"], "the key is nowhere")


def keys():
    """Plain completions serve batches, and what is stored is what a plain call stores."""
    with Scene() as scene:
        scene.scratch.prompts(4)
        scene.ask()
        scene.scratch.prompts(10)
        tap.equal(scene.batch().status, 0, "four of ten rows are in the store")
        tap.equal((scene.sizes(), scene.server.plain), ([6], 4), "the batch has the six others")
        for name, flags in (("plain.db", ()), ("batch.db", ("--batch",))):
            scene.scratch.run("--store", name, *flags, "ask.lua", "openai:m", "rows.jsonl")
            scene.scratch.run("store", "export", f"{name}.jsonl", "--store", name)
        plain, batch = ({row["key"]: (row["request"], row["wire"], {**row["completion"], "elapsed": None})
                         for row in host.jsonl(scene.scratch / f"{name}.jsonl")} for name in ("plain.db", "batch.db"))
        tap.equal(batch, plain, "the exports agree in key, request, body and completion")


def mixed():
    """A jury of three providers' models, one of which has no batches."""
    with Scene(environment={"VLLM_BASE_URL": ""}) as scene:
        scene.scratch.environment["VLLM_BASE_URL"] = f"{scene.server.url}/vllm/v1"
        scene.scratch.environment["VLLM_API_KEY"] = KEY
        scene.scratch.write("pairs.jsonl", [{"id": i, "prompt": f"row {i}", "response_a": "yes", "response_b": "no"} for i in range(20)])
        arguments = ["run", "jury", "--data", "pairs.jsonl", "--model", "openai:m", "--model", "anthropic:m", "--model", "vllm:m"]
        result = scene.scratch.run(*arguments, "--out", "batch", "--store", "b.db", "--batch")
        tap.equal((result.status, sorted(scene.sizes()), scene.server.plain), (0, [20, 20], 20), "two batches, and the third juror live")
        tap.equal(result.err.count("vllm has no batch API"), 1, "which is said once")
        scene.scratch.run(*arguments, "--out", "plain", "--store", "p.db")
        host.same_tree(host.tree(scene.scratch / "batch", VARIABLE), host.tree(scene.scratch / "plain", VARIABLE), "the same verdicts as plain")


def samples():
    """Identical calls are one line; a stream comes in one piece; a call that nobody waits for is dropped."""
    with Scene() as scene:
        scene.scratch.write("s.lua", """local fellowship = require "fellowship"
local m, pieces = fellowship.model "openai:m", {}
local a, b, c = fellowship.all(function() return m:ask("same").text end, function() return m:ask("same").text end,
  function() return m:stream("other", function(piece) pieces[#pieces + 1] = piece end).text end)
print(a == b, #pieces, pieces[1] == c)
local t = fellowship.spawn(function() return m:ask("dropped").text end)
fellowship.sleep(0.01)
t:cancel()
print(m:ask("last").elapsed)
""")
        result = scene.scratch.run("--batch", "s.lua")
        tap.equal((result.status, result.out.split()), (0, ["true", "1", "true", "nil"]), "as with plain calls")
        tap.equal(scene.sizes(), [2, 1], "two lines for three calls; what was cancelled in its lane is not sent")


# ---- what a batch may do ----------------------------------------------------------------------

def failures():
    for model in BOTH:
        with Scene(fate=fates(row_1="error", row_3="expired", row_5="canceled", row_7="missing", row_8="malformed")) as scene:
            result = scene.batch(model)
            tap.equal((result.status, result.out), (0, scene.plain(model)), f"{model}: errors, expired, cancelled, missing and malformed lines")
            tap.equal(scene.sizes(), [10, 5], "go into the next batch")
            tap.contains(result.err, ["5 of 10 calls answered", "5 go into the next batch", "1 lines of the results make no sense"], "which is told")
        with Scene(fate=fates(row_1="error", row_3="expired")) as scene:
            result = scene.batch(model, "--batch-failed", "live")
            tap.equal((result.status, scene.sizes(), scene.server.plain), (0, [10], 2), f"{model}, --batch-failed live: they go live")
            tap.contains(result.err, "2 are made live", "which is told")


def final_failures():
    with Scene(fate=fates(row_1="filter", row_3="refused")) as scene:
        result = scene.batch()
        tap.equal(result.status, 3, "a content filter and a refused line: status 3")
        failed = {row["id"]: row for row in host.jsonl(scene.scratch / "ask.errors.jsonl")}
        tap.equal({name: row["kind"] for name, row in failed.items()}, {"row-1": "content_filter", "row-3": "request"}, "errors.jsonl has both")
        tap.contains(failed["row-3"]["message"], "Unsupported value", "with the provider's words")
        again = scene.batch()
        tap.equal((again.status, scene.sizes()), (3, [10, 1]), "the filter is final and in the store; the other is asked again")
    with Scene(fate=fates(row_2="refused"), environment={}) as scene:
        result = scene.batch("openai:m?temperature=0")
        tap.equal((result.status, scene.sizes()), (0, [10, 1]), "a parameter that is refused is left out, in the next batch")
        tap.contains(result.err, "temperature is left out", "which is told")
        body = scene.server.batches[scene.server.order[1]].requests[0][1]
        tap.ok("temperature" not in body and "temperature" in scene.server.batches[scene.server.order[0]].requests[0][1], "the body goes without it")
        tap.equal(scene.ask("openai:m?temperature=0").out, result.out, "and the keys are those of what was asked")


def attempts():
    with Scene(rows=3, fate=lambda *_: "error") as scene:
        scene.scratch.write("m.lua", 'return { ["openai:m"] = { attempts = 3 } }')
        result = scene.batch("openai:m", "--models", "m.lua")
        tap.equal((result.status, scene.sizes()), (3, [3, 3, 3]), "what fails in each batch fails after so many")
        row = host.jsonl(scene.scratch / "ask.errors.jsonl")[0]
        tap.equal((row["kind"], row["attempts"], row["retryable"]), ("server", 3, True), "with its error")
        tap.contains(row["message"], ["The server had an error", "gave up after 3 attempts"], "in words")


def whole_batches():
    """Batches that expire, are cancelled by somebody else, or hold everything in the error file."""
    for status in ("expired", "cancelled"):
        with Scene(ends=status, fate=fates(**{f"row_{i}": status.replace("cancelled", "canceled") for i in range(4)})) as scene:
            result = scene.batch()
            tap.equal((result.status, scene.sizes(), scene.server.twice() != []), (0, [10, 4], True), f"{status}: what was answered is kept, the rest goes again")
            tap.contains(result.err, [f"{status}; 6 of 10 calls answered"], "which is told")
    with Scene(one_file=True) as scene:
        tap.equal((scene.batch().status, scene.sizes()), (0, [10]), "completed with an error file alone")
    with Scene(fate=lambda *_: "missing") as scene:
        scene.scratch.write("m.lua", 'return { ["openai:m"] = { attempts = 2 } }')
        result = scene.batch("openai:m", "--models", "m.lua")
        tap.equal((result.status, scene.sizes()), (3, [10, 10]), "completed without any file: twice, and the rows fail")
        tap.contains(host.jsonl(scene.scratch / "ask.errors.jsonl")[0]["message"], "without a result for this call", "which says so")


def refused_batches():
    wrong = [{"code": "invalid_json_line", "message": "This line is not parseable as valid JSON.", "line": 3, "param": None}]
    general = [{"code": "model_not_found", "message": "The model is not available for batches.", "line": None, "param": "model"}]
    everywhere = [{**general[0], "line": line} for line in range(1, 11)]
    for errors, name in ((general, "of no line"), (everywhere, "of all lines")):
        with Scene(ends="failed", errors=errors) as scene:
            result = scene.batch()
            tap.equal((result.status, scene.sizes()), (3, [10]), f"a batch that fails validation, {name}, fails its calls")
            row = host.jsonl(scene.scratch / "ask.errors.jsonl")[0]
            tap.contains(row["message"], ["was refused", "not available for batches"], "with the provider's words")
            scene.server.ends = "completed"
            tap.equal((scene.batch().status, scene.sizes()), (0, [10, 10]), "which a rerun asks again")
    with Scene(ends="failed", errors=wrong) as scene:
        tap.ok(scene.batch().status == 3 and len(scene.sizes()) < 20, f"one line after the other: not for ever ({scene.sizes()})")
    with Scene(ends="failed", errors=wrong) as scene:
        result = scene.batch("openai:m", "--batch-failed", "live")
        tap.equal((result.status, scene.server.plain), (0, 10), "--batch-failed live: they go live")
    def bad(batch):
        return [number for number, (_, body) in enumerate(batch.requests, 1) if any(f"<row-{i}>" in json.dumps(body) for i in (3, 7))]
    with Scene(ends=lambda batch: "failed" if bad(batch) else "completed", errors=lambda batch: [{**wrong[0], "line": n} for n in bad(batch)]) as scene:
        result = scene.batch()
        failed = {row["id"]: row for row in host.jsonl(scene.scratch / "ask.errors.jsonl")}
        tap.equal((result.status, sorted(failed)), (3, ["row-3", "row-7"]), "lines that fail validation fail their calls")
        tap.equal(sorted(scene.sizes()), [1, 1, 8, 10], "once each is alone, and the others go again")
        tap.contains(failed["row-3"]["message"], ["was refused", "not parseable"], "with the provider's words")
        want = [line for line in scene.plain().split("\n") if line and "row-3" not in line and "row-7" not in line]
        tap.equal([line for line in result.out.split("\n") if line.startswith("row-")], [line for line in want if line.startswith("row-")], "who have their answers")
    full = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached for m.", "line": None, "param": None}]
    with Scene(rows=8, ends="failed", errors=full) as scene:
        def on(event, _):
            if event == "created" and len(scene.server.batches[scene.server.order[-1]].requests) <= 2:
                scene.server.ends = "completed"
        scene.server.on = on
        result = scene.batch()
        tap.equal((result.status, scene.sizes()[:2]), (0, [8, 4]), "too much waits at the provider: batches become smaller")
        tap.equal(min(scene.sizes()), 2, f"until they are taken: {scene.sizes()}")
        tap.contains(result.err, ["Enqueued token limit reached", "in batches of 4"], "which is told")


def strange_results():
    """Unknown ids, malformed lines and answers that make no sense are told and never fatal."""
    extra = [{"custom_id": "f" * 64, "response": {"status_code": 200, "body": {}}, "error": None},
             {"custom_id": "short", "response": None, "error": None}, "not json at all", "[]"]
    nonsense = {"response": {"status_code": 200, "body": {"choices": "x"}}}
    with Scene(extra=extra, fate=fates(row_4=nonsense)) as scene:
        result = scene.batch()
        tap.equal((result.status, result.out, scene.sizes()), (0, scene.plain(), [10, 1]), "the batch is collected all the same")
        tap.contains(result.err, ["2 lines of the results make no sense", "1 results of calls that are not in it"], "both are told")


def limits_of_size():
    """More calls than a batch takes are cut into several."""
    with Scene(rows=30) as scene:
        scene.begin_with('require("fellowship.batch.protocol.openai").most_calls = 12')
        result = scene.batch("openai:m")
        tap.equal((result.status, result.out, scene.sizes()), (0, scene.plain(), [12, 12, 6]), "by their number")
    with Scene(rows=30) as scene:
        scene.begin_with('require("fellowship.batch.protocol.anthropic").most_bytes = 2500')
        result = scene.batch("anthropic:m")
        tap.equal((result.status, result.out, sum(scene.sizes())), (0, scene.plain("anthropic:m"), 30), "by their bytes")
        tap.ok(3 <= len(scene.sizes()) <= 6, f"{scene.sizes()}")


# ---- waiting ------------------------------------------------------------------------------------

def window():
    with Scene(rows=200) as scene:
        tap.equal((scene.batch("openai:m", "--window", "50").status, scene.sizes()), (0, [50, 50, 50, 50]), "--window bounds a batch")


def batch_after():
    """Live calls of another model go on: the lane is cut after a while all the same."""
    with Scene() as scene:
        scene.scratch.environment.update(VLLM_BASE_URL=f"{scene.server.url}/vllm/v1", VLLM_API_KEY=KEY)
        scene.scratch.write("two.lua", """local fellowship = require "fellowship"
local m, v = fellowship.model "openai:m", fellowship.model "vllm:v"
local done = false
fellowship.all(function() m:ask "batched" done = true end, function()
  local n = 0
  repeat n = n + 1 v:ask("live " .. n) fellowship.sleep(0.01) until done or n > 400
  print(done)
end)""")
        result = scene.scratch.run("--batch", "--batch-after", "0.05", "two.lua")
        tap.equal((result.status, result.out.split(), scene.sizes()), (0, ["true"], [1]), "--batch-after cuts while live calls go on")


def later():
    """Killed while the batch is under way, and rerun when it has ended; without --batch it warns, offline it says so."""
    for model in BOTH:
        with Scene(hold=threading.Event()) as scene:
            process = scene.scratch.start("--store", "store.db", "--batch", "ask.lua", model, "rows.jsonl")
            tap.ok(host.until(lambda: scene.server.order and scene.server.batches[scene.server.order[0]].polls > 1), f"{model}: a batch is under way")
            tap.equal(len(scene.listed().out.splitlines()), 2, "store batches lists it")
            process.send_signal(signal.SIGINT)
            result = scene.scratch.finish(process)
            tap.equal(result.status, 130, "Ctrl+C leaves with 130")
            tap.contains(result.err, ["under way: 10 calls in 1 batch", scene.server.order[0], "same command"], "and says what is under way and how to collect it")
            offline = scene.ask(model, "--offline")
            tap.equal(offline.status, 3, "--offline: misses")
            tap.contains(offline.err, ["under way", "--batch"], "that say it is under way")
            scene.scratch.prompts(1)
            live = scene.ask(model)
            tap.equal((live.status, scene.server.plain), (0, 1), "without --batch a call is made live")
            tap.contains(live.err, ["under way: 10 calls in 1 batch", "paid for twice", "--batch"], "after a warning")
            scene.scratch.prompts(10)
            scene.server.hold.set()
            result = scene.batch(model)
            tap.equal((result.status, result.out, scene.sizes()), (0, scene.plain(model), [10]), "days later --batch collects it")
            tap.contains(result.err, "under way since an earlier run: 1 batch with 10 calls", "and says so")
            tap.equal(scene.server.twice(), [], "nothing is submitted twice")
            tap.contains(scene.listed().out, "no batch is under way", "then store batches has none")
            tap.lacks(scene.ask(model).err, "under way", "and a plain run does not warn")


def interrupted_run():
    """The same of a run with a folder."""
    with Scene(hold=threading.Event()) as scene:
        arguments = ["run", "feedback", "--data", "rows.jsonl", "--generator", "openai:m", "--reviewer", "openai:m", "--out", "out", "--batch"]
        process = scene.scratch.start(*arguments)
        host.until(lambda: scene.server.order)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        result = scene.scratch.finish(process)
        tap.equal((result.status, json.loads((scene.scratch / "out/run.json").read_text())["status"]), (130, "interrupted"), "run.json says interrupted")
        tap.contains(result.err, ["under way: 10 calls in 1 batch", "the same command resumes"], "and stderr what is under way")
        scene.server.hold.set()
        tap.equal(scene.scratch.run(*arguments).status, 0, "which the same command collects")
        tap.equal(scene.server.twice(), [], "and pays once")


def unneeded():
    """A run does not wait for batches that it has no need of, and says that they are there."""
    with Scene(hold=lambda batch: batch.id == "batch_1") as scene:
        process = scene.start("openai:m")
        scene.until_running()
        process.kill()
        scene.scratch.finish(process)
        scene.scratch.write("rows.jsonl", [{"id": i, "prompt": f"another {i}"} for i in range(3)])
        result = scene.batch()
        tap.equal((result.status, scene.sizes()), (0, [10, 3]), "a run ends while a batch of an earlier one goes on")
        tap.contains(result.err, ["under way: 10 calls in 1 batch (batch_1)", "no need of them"], "which is told")
        scene.server.hold = None
        scene.scratch.prompts(10)
        tap.equal((scene.batch().status, scene.sizes()), (0, [10, 3]), "and collected later")


def polling():
    """Looks that fail are repeated; a broken download is begun anew."""
    for model in BOTH:
        with Scene() as scene:
            seen = {}

            def on(event, _):
                seen[event] = seen.get(event, 0) + 1
                if event == "poll" and seen[event] <= 2:
                    return 503, {"error": {"message": "busy"}}
                if event == "poll" and seen[event] == 3:
                    raise Drop
                if event in ("download", "downloading") and seen[event] <= 1:
                    raise Drop
                return None
            scene.server.on = on
            result = scene.batch(model)
            tap.equal((result.status, result.out, scene.sizes()), (0, scene.plain(model), [10]), f"{model}: refused looks and broken downloads are repeated")
            tap.equal(result.err.count("trying again"), 2, "each kind told once")


def lost_answers():
    """The answer to the request that makes the batch is lost: it is looked for, and never made blindly again."""
    for model in (*BOTH, "together:m"):
        for event, how, batches in (("created", "lost", 1), ("created", 500, 1), ("create", "lost", 1)):
            with Scene() as scene:
                struck = []

                def on(what, _):
                    if what == event and not struck:
                        struck.append(1)
                        if how == "lost":
                            raise Drop
                        return how, openai_error("The server had an error", "server_error")
                    return None
                scene.server.on = on
                result = scene.batch(model)
                tap.equal((result.status, result.out, len(scene.sizes())), (0, scene.plain(model), batches), f"{model}: {event}, {how}: one batch")
                tap.contains(result.err, "it is looked for", "which is told")
                tap.equal(scene.server.twice(), [], "nothing twice")


def others_batches():
    """Anthropic's batches of the account that are not ours, as large and as new, are not taken for ours."""
    with Scene() as scene:
        lost = []

        def on(event, what):
            if event == "create" and not lost:
                scene.server.accept("anthropic", [(f"other-{i}", {"model": "x", "messages": [{"role": "user", "content": str(i)}]}) for i in range(10)])
            if event == "created" and not lost:
                lost.append(what)
                for foreign in ("more-{}", "f" * 63 + "{}"):    # the latter: of another store
                    scene.server.accept("anthropic", [(foreign.format(i), {"model": "x", "messages": [{"role": "user", "content": str(i)}]}) for i in range(10)])
                raise Drop
            return None
        scene.server.on = on
        scene.server.fate = lambda identity, _, __: "expired" if identity.startswith("fff") else None
        result = scene.batch("anthropic:m")
        ours = [identity for _, identity in scene.server.lines if len(identity) == 64 and not identity.startswith("fff")]
        tap.equal((result.status, result.out, len(ours)), (0, scene.plain("anthropic:m"), 10), "found among four of the same size, and sent once")
        tap.equal(scene.server.twice(), [], "nothing twice")


def pages():
    """OpenAI's list of batches comes in pages."""
    with Scene() as scene:
        for i in range(150):
            scene.server.accept("openai", [(f"old-{i}", {"model": "x", "messages": []})], "file-x", {})
        lost = []

        def on(event, _):
            if event == "created" and not lost:
                lost.append(1)
                for i in range(120):
                    scene.server.accept("openai", [(f"new-{i}", {"model": "x", "messages": []})], "file-x", {})
                raise Drop
            return None
        scene.server.on = on
        result = scene.batch()
        ours = [identity for _, identity in scene.server.lines if len(identity) == 64]
        tap.equal((result.status, len(ours)), (0, 10), "found on the second page")
        tap.ok(any("after=" in path for _, path in scene.server.requests), "which was asked for")


def history():
    with Scene() as scene:
        scene.batch()
        with sqlite3.connect(scene.scratch / "store.db") as db:
            pending, states = db.execute("SELECT count(*) FROM pending").fetchone()[0], db.execute("SELECT state FROM batch").fetchall()
        db.close()
        tap.equal((pending, len(states), json.loads(states[0][0])["state"]), (0, 1, "done"), "a batch that is done is kept as history, its calls are gone")
        shown = scene.listed("--all").out
        tap.contains(shown, ["openai:m", "done, completed", "batch_1", "10"], "store batches --all lists it")
        for verb in (("ls",), ("export", "x.jsonl"), ("prune", "--model", "m", "--yes")):
            tap.equal(scene.scratch.run("store", *verb, "--store", "store.db").status, 0, f"store {verb[0]} works as ever")
        exported = scene.scratch.run("store", "import", "x.jsonl", "--store", "other.db")
        tap.equal(exported.summary, {"added": 10, "known": 0}, "and so does import")


host.need_program()
tap.cases(preference_job, feedback_job, providers, keys, mixed, samples, failures, final_failures, attempts, whole_batches, refused_batches,
          strange_results, limits_of_size, window, batch_after, later, interrupted_run, unneeded, polling, lost_answers, others_batches, pages, history)
