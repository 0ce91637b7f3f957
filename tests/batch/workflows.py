#!/usr/bin/env python3
"""--batch: every bundled script, unchanged, gives the bytes of a plain run; and what scripts do with calls besides."""

import json
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from batch_scene import Scene
from batch_server import KEY, openai_error

VARIABLE = ("run.json", "errors.jsonl")
PAIRS = [{"id": i, "prompt": f"question {i}", "response_a": f"yes, {i}", "response_b": f"no, {i} is not so", "human": "ab"[i % 2]} for i in range(12)]
RESPONSES = [{"id": i, "prompt": f"question {i}", "response": f"answer {i}"} for i in range(12)]

JOBS = {
    "judge": ["--data", "pairs.jsonl", "--model", "openai:m", "--swap"],
    "judge-samples": ["judge", "--data", "pairs.jsonl", "--model", "anthropic:m", "--samples", "3", "--strategy", "independent"],
    "jury": ["--data", "pairs.jsonl", "--model", "openai:a", "--model", "anthropic:b", "--model", "groq:c"],
    "debate": ["--data", "pairs.jsonl", "--model", "together:m"],
    "evaluate": ["--data", "pairs.jsonl", "--method", "jury", "--model", "openai:a", "--model", "anthropic:b"],
    "winrate": ["--data", "one.jsonl", "--against", "two.jsonl", "--evaluator", "judge", "--model", "openai:m"],
    "feedback": ["--data", "pairs.jsonl", "--generator", "openai:m", "--reviewer", "anthropic:m", "--reviewer", "openai:r"],
    "preference": ["--data", "pairs.jsonl", "--generator", "anthropic:g", "--reviewer", "openai:r", "--judge", "openai:j"],
    "preference-members": ["preference", "--data", "pairs.jsonl", "--generator", "openai:g", "--reviewer", "openai:r", "--judge", "anthropic:j",
                           "--improve", "members", "--swap"],
    "preference-scores": ["preference", "--data", "pairs.jsonl", "--generator", "openai:g", "--generator", "anthropic:g", "--judge", "openai:j",
                          "--rank", "scores", "--judge-samples", "2"],
    "preference-rubric": ["preference", "--data", "pairs.jsonl", "--generator", "openai:g", "--samples", "3", "--judge", "anthropic:j",
                          "--rank", "rubric", "--rubric", "ultrafeedback", "--structured"],
    "preference-checklist": ["preference", "--data", "pairs.jsonl", "--generator", "openai:g", "--generator", "openai:h", "--judge", "openai:j",
                             "--rank", "rubric", "--rubric", "checklist"],
    "preference-round-robin": ["preference", "--data", "pairs.jsonl", "--responses", "three.jsonl", "--judge", "openai:j", "--rank", "round-robin"],
    "prompts": ["--data", "pairs.jsonl", "--model", "openai:w", "--rounds", "2"],
}

# The server's answers are no verdicts of these forms: such a run has nothing to show.
UNREADABLE = {"judge-samples", "debate", "preference-scores", "preference-rubric", "preference-checklist"}


def bundled():
    with Scene() as scene:
        scene.scratch.write("pairs.jsonl", PAIRS)
        scene.scratch.write("one.jsonl", RESPONSES)
        scene.scratch.write("two.jsonl", [{**row, "response": row["response"] + ", at length"} for row in RESPONSES])
        scene.scratch.write("three.jsonl", [{"id": row["id"], "responses": [f"{row['id']} {n}" for n in "abc"]} for row in PAIRS])
        for name, arguments in JOBS.items():
            words = arguments if arguments[0] in JOBS else [name, *arguments]
            plain = scene.scratch.run("run", *words, "--out", f"{name}/plain", "--store", f"{name}.plain.db")
            before = scene.server.plain
            batch = scene.scratch.run("run", *words, "--out", f"{name}/batch", "--store", f"{name}.batch.db", "--batch", timeout=60)
            wanted = 5 if name in UNREADABLE else 0
            tap.equal((plain.status, batch.status), (wanted, wanted), f"{name}: both end alike")
            host.same_tree(host.tree(scene.scratch / name / "batch", VARIABLE), host.tree(scene.scratch / name / "plain", VARIABLE), f"{name}: the same bytes")
            calls = json.loads((scene.scratch / name / "batch" / "run.json").read_text())["calls"]["made"]
            tap.equal((scene.server.plain, calls), (before, plain.summary["calls"]), f"{name}: {calls} calls, all in batches")


def run(scene, script, *flags):
    scene.scratch.write("script.lua", 'local fellowship = require "fellowship"\n' + script)
    return scene.scratch.run("--batch", *flags, "script.lua", timeout=60)


def fallbacks():
    """A call that fails for good in its batch goes to the next model, and into a batch of that one."""
    def fate(_, body, __):
        return "refused" if body["model"] == "first" else None
    script = """local m = fellowship.model { "openai:first", fallback = { "anthropic:second" } }
for _, c in fellowship.map({ 1, 2, 3 }, function(n) return m:ask("question " .. n) end) do print(c.answered_by) end"""
    with Scene(fate=fate) as scene:
        result = run(scene, script)
        tap.equal((result.status, result.out.split(), scene.sizes()), (0, ["anthropic:second"] * 3, [3, 3]), "a fallback's calls are a batch, too")
        tap.equal(run(scene, script).out, result.out, "a rerun finds who answered")
        tap.equal(scene.sizes(), [3, 3], "and makes no call")


def schemas():
    """An answer that does not fit its schema is asked for once more, in the next batch."""
    def fate(_, body, __):
        text = '{"n": 7}' if len(body["messages"]) > 1 else "seven"
        return {"response": {"status_code": 200, "body": {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {}}}}
    with Scene(fate=fate) as scene:
        result = run(scene, """local m = fellowship.model "openai:m"
local schema = { type = "object", properties = { n = { type = "integer" } }, required = { "n" }, additionalProperties = false }
for _, c in fellowship.map({ 1, 2 }, function(n) return m:ask("which " .. n, { schema = schema }) end) do print(c.value.n) end""")
        tap.equal((result.status, result.out.split(), scene.sizes()), (0, ["7", "7"], [2, 2]), "schemas work as with plain calls")
        body = scene.server.batches[scene.server.order[0]].requests[0][1]
        tap.equal(body["response_format"]["type"], "json_schema", "and are asked for by the provider's own means")


def failing_rows():
    """--on-error stop ends the run at the first row that fails; what is under way is collected by the next run."""
    with Scene(fate=lambda _, body, __: "refused" if "<row-3>" in json.dumps(body) else None) as scene:
        result = scene.batch("openai:m", "--on-error", "stop")
        tap.equal((result.status, scene.sizes()), (1, [10]), "--on-error stop: status 1")
        scene.server.fate = None
        result = scene.batch()
        tap.equal((result.status, scene.sizes()), (0, [10, 1]), "the next run asks that row again")


def interrupted_creation():
    """Ctrl+C while a batch is being made waits for the answer: its id is known afterwards."""
    for model in ("openai:m", "anthropic:m"):
        with Scene(hold=threading.Event()) as scene:
            making = threading.Event()

            def on(event, _):
                if event == "created":
                    making.set()
                    time.sleep(0.3)
            scene.server.on = on
            process = scene.start(model)
            making.wait(20)
            process.send_signal(signal.SIGINT)
            result = scene.scratch.finish(process)
            tap.equal(result.status, 130, f"{model}: status 130")
            tap.contains(scene.listed().out, scene.server.order[0], "the batch has its id in the store")
            scene.server.on = None
            scene.server.hold.set()
            result = scene.batch(model)
            looked = sum("limit=100" in path for _, path in scene.server.requests)
            tap.equal((result.status, scene.sizes(), looked), (0, [10], int(model.startswith("anthropic"))), # before it was made
                      "and is collected without being looked for")


def early_ends():
    """A script that leaves its loop early, or ends while calls wait, does not hang."""
    with Scene() as scene:
        result = run(scene, """local m = fellowship.model "openai:m"
for _, text in fellowship.map({ 1, 2, 3 }, function(n) return m:ask("early " .. n).text end) do print "one" break end""")
        tap.equal((result.status, result.out.split()), (0, ["one"]), "a loop that is left early")
        result = run(scene, """local m = fellowship.model "openai:m"
fellowship.spawn(function() print(#m:ask("spawned").text > 0) end)""")
        tap.equal((result.status, result.out.split()), (0, ["true"]), "a task that was spawned and not awaited is waited for")
        result = run(scene, """local m = fellowship.model "openai:m"
local ok, e = pcall(table.sort, { 1, 2 }, function() m:ask "x" end)
print(ok, tostring(e):find("cannot wait here", 1, true) ~= nil)""")
        tap.equal(result.out.split(), ["false", "true"], "a call where Lua cannot suspend is an error that says so")
        result = run(scene, """local m = fellowship.model "openai:m"
local t = fellowship.spawn(function() return m:ask("cancelled").text end)
local u = fellowship.spawn(function() fellowship.sleep(0.02) t:cancel() end)
u:await()
print((t:join()))""")
        tap.equal((result.status, result.out.split()), (0, ["false"]), "a call that is cancelled in its batch lets the run end")


host.need_program()
tap.cases(bundled, fallbacks, schemas, failing_rows, interrupted_creation, early_ends)
