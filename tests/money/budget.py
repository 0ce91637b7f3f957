#!/usr/bin/env python3
"""--max-cost and --max-calls: never exceeded by the server's count, nothing lost, resumed to the same bytes."""

import collections
import hashlib
import json
import os
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider

# USD for a million tokens: a call costs some cents, so that the bounds are numbers to look at.
PRICES = {"writer": (100, 50, 400), "reviewer": (60, 30, 240), "judge": (200, 200, 800)}
MOST_TOKENS = {"writer": 64, "reviewer": 48, "judge": 40}
MODELS = "return {\n" + "".join(
    f'  ["openai:{name}"] = {{ price = {{ input = {i}, cached = {c}, output = {o} }}, params = {{ max_tokens = {MOST_TOKENS[name]} }} }},\n'
    for name, (i, c, o) in PRICES.items()) + "}\n"
SCORES = "### Score Assistant A:\n%d/10\n\n### Score Assistant B:\n%d/10"
MILLION = 1000000


def digest_of(value):
    return int.from_bytes(hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()[:8], "big")


class Meter:
    """A provider that answers by what it is asked alone, in its own time, and counts what it would bill.

    Every answer is billed once it is made, also one that is dropped before its first byte, is cut off or is no use. `faults` are among
    "drop", "cut", "garbage", "500" and "429"; each befalls a part of the calls, at their first attempt.
    """

    def __init__(self, faults=()):
        self.faults = faults
        self.lock = threading.Lock()
        self.server = Provider(self.answer)
        self.plain_send, self.server.send = self.server.send, self.send
        self.asked = collections.Counter()
        self.answered = collections.Counter()
        self.reset()

    def reset(self):
        self.billed, self.exchanges, self.largest = 0, 0, 0     # billed: USD / 10^12, exact

    def send(self, connection, answer):
        return answer.after != "drop" and self.plain_send(connection, answer)

    def usage(self, request, digest, finish):
        """As many tokens as can be: up to a byte each, and the whole of max_tokens."""
        size = sum(len(m["content"].encode()) for m in request["messages"]) + 8
        prompt = size * (2 + digest % 8) // 9
        cached = prompt * (digest >> 8 & 3) // 5
        most = request["max_tokens"]
        completion = most if finish == "length" else 1 + (digest >> 16) % most
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
                "prompt_tokens_details": {"cached_tokens": cached}, "completion_tokens_details": {"reasoning_tokens": completion // 3}}

    def bill(self, name, usage):
        per = [price * MILLION for price in PRICES[name]]
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        cost = (usage["prompt_tokens"] - cached) * per[0] + cached * per[1] + usage["completion_tokens"] * per[2]
        self.billed += cost
        self.largest = max(self.largest, cost)

    def content(self, request, digest):
        name = request["model"]
        if name != "judge":
            return f"{name} says {digest:x} of it. " + "word " * (digest % 9), "stop"
        if len(request["messages"]) == 1 and digest % 5 == 0 and request["max_tokens"] == MOST_TOKENS["judge"]:
            return "I think that", "length"                         # asked again with four times the budget
        if len(request["messages"]) == 1 and digest % 5 == 1:
            return "Both are fine answers.", "stop"                 # asked again
        return SCORES % (1 + digest % 10, 1 + (digest >> 8) % 10), "stop"

    def answer(self, request):
        body = request.body
        digest = digest_of(body)
        self.exchanges += 1
        self.asked[digest] += 1
        fault = (list(self.faults) + ["none"] * 4)[(digest >> 32) % (len(self.faults) + 4)] if self.asked[digest] == 1 else "none"
        if fault == "500":
            return Answer(p.openai_error("down", "server_error"), 500)
        if fault == "429":
            return Answer(p.openai_error("slow", "rate_limit"), 429, {"Retry-After": "0"})
        text, finish = self.content(body, digest)
        usage = self.usage(body, digest, finish)
        self.bill(body["model"], usage)
        if fault == "drop":
            return Answer({}, after="drop")
        if fault == "cut":
            return Answer(parts=[json.dumps(p.openai(text, finish, usage))[:60]], kind="application/json", after="cut")
        if fault == "garbage":
            return Answer(p.openai(None, finish, usage))
        self.answered[digest] += 1
        return Answer(p.openai(text, finish, usage), after="end")

    def scratch(self, rows=6):
        scratch = host.Scratch(**self.server.environment(FELLOWSHIP_RETRY_SCALE="0.01"))
        scratch.write("m.lua", MODELS)
        scratch.prompts(rows)
        return scratch

    def usd(self):
        return self.billed / 1e12


def tree(scratch, out):
    return host.tree(scratch / out, without=("run.json", "errors.jsonl"))


def run_json(scratch, out="out"):
    return json.loads((scratch / out / "run.json").read_text())


def preference(concurrency, out="out"):
    return [*host.preference_arguments(out), "--models", "m.lua", "--concurrency", concurrency, "--store", f"{out}.db"]


def budgeted(scratch, out, *options, concurrency=4):
    return scratch.run(*preference(concurrency, out), *options)


# ---- the bound ------------------------------------------------------------------------------

def twenty_values(faults=(), concurrency=4, values=20):
    meter = Meter(faults)
    with meter.server, meter.scratch() as scratch:
        result = budgeted(scratch, "whole", concurrency=concurrency)
        want, total, calls = tree(scratch, "whole"), meter.usd(), len(meter.answered)
        tap.equal(result.status, 0, f"undisturbed: ${total:.4f} for {calls} answers, faults {faults}")
        tap.ok(result.summary["split"]["retried"]["attempts"] > 0 or not faults, "with repeated attempts")
        exceeded, wrong, differing, repeated, unsound, shares = [], [], [], [], [], []
        for i in range(0, 20, 20 // values):
            limit, out = round(total * (0.04 + i * 0.055), 6), f"out{i}"
            meter.reset()
            meter.asked.clear()
            meter.answered.clear()
            first = budgeted(scratch, out, "--max-cost", limit, concurrency=concurrency)
            shares.append(round(meter.usd() / limit, 2))
            if meter.billed > round(limit * 1e12):
                exceeded.append((limit, meter.usd()))
            kept = run_json(scratch, out)
            if first.status not in (0, 4) or (first.status == 0) != (kept["status"] == "done") or (first.status == 4) != (
                    kept["status"] == "stopped by --max-cost" == first.summary["status"]) or kept["rows"]["failed"]:
                wrong.append((limit, first.status, kept["status"]))
            # What it counts lies between what the server billed and the bound.
            if not meter.usd() - 1e-9 <= kept["budget"]["cost"] <= limit + 1e-9 or kept["budget"]["calls"] != meter.exchanges:
                unsound.append((limit, meter.usd(), kept["budget"], meter.exchanges))
            if first.status == 4 and not any(path.endswith(".partial") for path in tree(scratch, out)):
                wrong.append((limit, "no file is partial"))
            for _ in range(40 if i in (8, 14) else 1):       # to the end, the same bound each time, or without one
                bound = ["--max-cost", limit] if i in (8, 14) else []
                meter.reset()
                last = budgeted(scratch, out, *bound, concurrency=concurrency)
                if bound and meter.billed > round(limit * 1e12):
                    exceeded.append((limit, meter.usd(), "resumed"))
                if last.status == 0:
                    break
            if last.status != 0 or tree(scratch, out) != want:
                differing.append((limit, last.status, sorted(set(tree(scratch, out)) ^ set(want))))
            if max(meter.answered.values()) > 1 or len(meter.answered) != calls:
                repeated.append((limit, len(meter.answered), meter.answered.most_common(2)))
        tap.equal(exceeded, [], f"{values} values of --max-cost: never exceeded, by the server's count")
        tap.equal(wrong, [], "exit status 4 and what run.json says")
        tap.equal(unsound, [], "what run.json counts")
        tap.equal(differing, [], "each run resumed to the end gives the same bytes")
        tap.equal(repeated, [], "and no answer was paid for twice")
        tap.diag(f"parts of the bound that were billed: {shares}")


def with_faults():
    twenty_values(("drop", "cut", "garbage", "500", "429"), concurrency=16)


def one_at_a_time():
    twenty_values(("garbage",), concurrency=1, values=5)


ASK = """local fellowship = require "fellowship"
local m = fellowship.model "openai:writer"
for row, text in fellowship.map(fellowship.rows "rows.jsonl", function(row) return m:ask(row.prompt).text end) do print(row.id, #text) end
"""


def well_used():
    """At the stop, with all settled, less is left than the call would have needed."""
    for concurrency in (1, 16):
        meter = Meter()
        with meter.server, meter.scratch(rows=60) as scratch:
            scratch.write("ask.lua", ASK)
            for limit in (0.1, 0.31, 0.5):
                meter.reset()
                result = scratch.run("--models", "m.lua", "--store", f"{limit}.db", "--concurrency", concurrency, "--max-cost", limit, "ask.lua")
                worst = float(re.search(r"may cost \$([\d.]+)", result.err)[1])
                tap.ok(meter.usd() <= limit and meter.usd() + worst > limit - 1e-6,
                       f"concurrency {concurrency}, --max-cost {limit}: ${meter.usd():.4f} billed, a call may cost ${worst}")
                tap.equal(result.status, 4, "exit status 4, of a plain script too")


# ---- --max-calls ----------------------------------------------------------------------------

def attempts():
    for concurrency in (1, 16):
        meter = Meter(("drop", "cut", "500", "429"))
        with meter.server, meter.scratch() as scratch:
            budgeted(scratch, "whole", "--max-calls", 100000)   # with a bound, since libcurl resends by itself without
            want, exchanges = tree(scratch, "whole"), meter.exchanges
            for most in (1, 2, 7, 30, exchanges - 1, exchanges):
                meter.reset()
                meter.asked.clear()
                meter.answered.clear()
                out = f"c{most}"
                result = budgeted(scratch, out, "--max-calls", most, concurrency=concurrency)
                tap.equal((meter.exchanges, result.status), (most, 4 if most < exchanges else 0), f"concurrency {concurrency}: --max-calls {most} is so many exchanges")
                if most < exchanges:
                    tap.equal(run_json(scratch, out)["status"], "stopped by --max-calls", "run.json says so")
                result = budgeted(scratch, out)
                tap.ok(result.status == 0 and max(meter.answered.values()) == 1, "resumed without asking twice", meter.answered.most_common(3))
                host.same_tree(tree(scratch, out), want, "to the same bytes")


def simulated():
    with host.Scratch() as scratch:
        scratch.prompts(5)
        sims = ("sim:a", "sim:b", "sim:c")
        scratch.preference("--store", "whole.db", models=sims, out="whole")
        result = scratch.preference("--max-calls", 11, models=sims)
        tap.equal((result.status, result.summary["calls"], result.summary["failed"]), (4, 11, 0), "sim's calls count too")
        tap.contains(" ".join(result.err.split()), ["--max-calls 11 is reached", "the same command with a higher one goes on from here"],
                     "and it says so")
        tap.ok(not (scratch / "out" / "errors.jsonl").exists(), "rows that were not done have not failed")
        result = scratch.preference("--max-calls", 11, "--max-cost", 0.01, models=sims)
        tap.equal((result.status, result.summary["stored"]), (4, 11), "each invocation has its own count; sim costs nothing")
        for _ in range(9):
            if (result := scratch.preference("--max-calls", 11, models=sims)).status == 0:
                break
        tap.equal(result.status, 0, "it ends")
        host.same_tree(tree(scratch, "out"), tree(scratch, "whole"), "with the same bytes")


# ---- refusals -------------------------------------------------------------------------------

OTHERS = """return {
  ["priced"] = { model = "vllm:m", price = { input = 1, output = 2 } },
  ["bounded"] = { model = "vllm:m", params = { max_tokens = 9 } },
  ["both"] = { model = "vllm:m", params = { max_tokens = 9 }, price = { input = 1, output = 2 }, fallback = { "priced" } },
  ["free"] = { model = "vllm:m", price = { input = 0, output = 0 } },
  ["openai:gpt-4o"] = { identity = "openai" },
  ["openai:gpt-5.4"] = { identity = "openai", params = { max_tokens = 9 } },
  ["anthropic:claude-haiku-4-5"] = { identity = "anthropic" },
  ["ollama:m"] = { price = { input = 1, output = 2 } },
  ["gemini:gemini-2.5-flash"] = { identity = "gemini" },
}
"""


def refusals():
    meter = Meter()
    with meter.server, host.Scratch(**meter.server.environment()) as scratch:
        scratch.write("m.lua", OTHERS)
        scratch.write("rows.jsonl", [{"id": 1, "prompt": "p", "response_a": "x", "response_b": "y"}])

        def judge(*models, script="judge", option="--model", more=()):
            named = [word for model in models for word in (option, model)]
            return scratch.run("run", script, "--data", "rows.jsonl", "--models", "m.lua", "--max-cost", 1, *named, *more, "--out", "out")

        for model, words in {
                "vllm:m": ["its price is not known", "price = { input = USD, output = USD }", "vllm:m?max_tokens=512"],
                "bounded": ["its price is not known"], "openai:gpt-4o": ["openai:gpt-4o?max_tokens=512", "params = { max_tokens = 512 }"],
                "priced": ["priced?max_tokens=512"], "openai:gpt-4o?temperature=0": ["openai:gpt-4o?temperature=0&max_tokens=512"],
                "both": ["priced: nothing bounds"], "ollama:m?num_predict=-1": ["ollama:m?num_predict=-1&max_tokens=512"],
                "openai:gpt-4o?max_tokens=5&service_tier=priority": ["service_tier may change its price"],
                "gemini:gemini-2.5-flash": ["nothing bounds"], "together:x?max_tokens=5": ["its price is not known (the table of 2"]}.items():
            result = judge(model)
            tap.equal(result.status, 2, f"{model}: wrong usage")
            tap.contains(result.err, ["--model: --max-cost cannot be kept with", *words], f"{model}: says what to give")
        tap.equal(judge("sim:a", "priced", script="jury").status, 2, "one of several models")
        result = judge("sim:a,sim:b,priced", script="debate", option="--referees")
        tap.ok(result.status == 2 and "--referees: --max-cost cannot be kept with priced" in result.err, "referees are models", result)
        tap.ok(not (scratch / "out").exists() and not (scratch / ".fellowship").exists(), "nothing is written")
        tap.equal(meter.exchanges, 0, "and nothing sent")
        for text, words in {"0": "more than 0", "-1": "more than 0", "x": "must be a number", "nan": "must be a number", "1e999": "1000000 or less"}.items():
            result = scratch.run("run", "judge", "--data", "rows.jsonl", "--model", "sim:a", "--out", "out", "--max-cost", text)
            tap.ok(result.status == 2 and f"--max-cost must be" in result.err and words in result.err, f"--max-cost {text}: {words}", result)
        for text, words in {"0": "1 or more", "1.5": "a whole number", "x": "a whole number"}.items():
            result = scratch.run("run", "judge", "--data", "rows.jsonl", "--model", "sim:a", "--out", "out", "--max-calls", text)
            tap.ok(result.status == 2 and f"--max-calls must be {words}" in result.err, f"--max-calls {text}: {words}", result)


def prices():
    with host.Scratch() as scratch:
        for price, words in {"{ input = -1, output = 1 }": "price's option input must be USD for a million tokens, from 0",
                             "{ input = 1 }": "price needs the option output", "{ input = 1, output = 'x' }": "price's option output must be number",
                             "{ input = 1, output = 1, cashed = 1 }": 'price has no option "cashed"; did you mean "cached"',
                             "{ input = 1, output = 1, batch = 2 }": "price's option batch must be from 0 to 1",
                             "{ input = 1, output = 1, batch = { input = 1 } }": "price's batch needs the option output"}.items():
            scratch.write("m.lua", f'return {{ mine = {{ model = "vllm:m", price = {price} }} }}')
            result = scratch.run("run", "judge", "--data", "x", "--model", "mine", "--models", "m.lua", "--out", "o")
            tap.equal(result.status, 2, f"price = {price}: wrong usage")
            tap.contains(re.sub(r" \(it has.*|, did.*", "", result.err), ['m.lua: the entry "mine"', words.split("; did")[0]], "named by file and entry")


def in_scripts():
    """Models that a script makes itself: an error at the first call, before anything is sent."""
    meter = Meter()
    with meter.server, meter.scratch() as scratch:
        scratch.write("m.lua", OTHERS)
        scratch.write("a.lua", 'local m = require "fellowship".model(arg[1])\nprint(pcall(m.ask, m, "Hi"))\nm:ask("Hi")\n')
        result = scratch.run("--models", "m.lua", "--max-cost", 1, "a.lua", "priced")
        tap.equal((result.status, meter.exchanges), (2, 0), "exit status 2, nothing sent")
        tap.contains(result.err, ["priced?max_tokens=512"], "says what to give")
        long = "word " * 60000
        scratch.write("long.lua", f"""local fellowship = require "fellowship"
local m = fellowship.model "openai:gpt-5.4"
print(pcall(m.ask, m, ("word "):rep(60000)))
print(m.named)""")
        result = scratch.run("--models", "m.lua", "--max-cost", 100, "long.lua")
        tap.equal((result.status, meter.exchanges, len(long)), (0, 0, 300000), "a prompt whose price is not known fails by itself")
        tap.contains(result.out, ["no price for prompts over 272000", "give price = "], "says what to give")


CATCHING = """local fellowship = require "fellowship"
local m = fellowship.model "openai:writer"
local kinds = {}
for i = 1, 4 do
  local well, problem = pcall(m.ask, m, "question " .. i)
  kinds[i] = well and "well" or problem.kind .. (problem.fatal and "!" or "") .. (problem.retryable and "?" or "")
end
print(table.concat(kinds, " "))
"""

SPAWNING = """local fellowship = require "fellowship"
local m = fellowship.model "openai:writer"
for i = 1, 6 do fellowship.spawn(function() print(#m:ask("question " .. i).text) end) end
"""


def plain_scripts():
    meter = Meter()
    with meter.server, meter.scratch() as scratch:
        scratch.write("catch.lua", CATCHING)
        result = scratch.run("--models", "m.lua", "--max-calls", 2, "catch.lua")
        tap.equal((result.out.strip(), result.status), ("well well budget!? budget!?", 4), "a script can catch it; every further call raises too")
        scratch.write("spawn.lua", SPAWNING)
        result = scratch.run("--models", "m.lua", "--max-calls", 4, "--fresh", 1, "spawn.lua")
        tap.equal((len(result.out.split()), result.status, result.err.count("--max-calls 4 is reached")), (4, 4, 1), "tasks that were spawned: the others end, told once")
        repl = scratch.run("repl", "--models", "m.lua", "--max-calls", 1, stdin=feed(
            'm = fellowship.model "openai:writer"\nprint(#m:ask("a").text > 0)\nm:ask("b")\nprint "goes on"\n.cost\n'))
        tap.contains(repl.out, ["true", "--max-calls 1 is reached", "kind budget", "goes on", "1 of --max-calls 1"], "in the REPL an error, no exit")


def feed(text):
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as file:
        file.write(text)
    return os.fdopen(reader)


CHAIN = """local fellowship = require "fellowship"
local m = fellowship.model { "openai:writer", fallback = { "openai:reviewer" } }
for i = 1, 3 do print(m:ask("question " .. i).answered_by) end
"""


def fallbacks():
    meter = Meter()
    with meter.server, meter.scratch() as scratch:
        scratch.write("chain.lua", CHAIN)
        result = scratch.run("--models", "m.lua", "--max-calls", 2, "chain.lua")
        tap.equal((result.status, result.out.split()), (4, ["openai:writer"] * 2), "a budget is no reason to ask another model")
        tap.ok("instead" not in result.err, "and no word of it", result.err)


# ---- the end of a run -----------------------------------------------------------------------

class Slow(Meter):
    """Holds its answers back until the run has said that it stops, so that calls are on the wire then. The first one goes,
    for until it has come the client keeps the others back (it may be HTTP/2); and the first row's, with which the run ends."""

    def __init__(self):
        super().__init__()
        self.told, self.begun, self.thread = threading.Event(), 0, threading.local()
        self.server.send = self.held

    def answer(self, request):
        self.thread.first_row = "<row-0>" in json.dumps(request.body)
        return super().answer(request)

    def held(self, connection, answer):
        with self.lock:
            self.begun += 1
            first = self.begun == 1
        if not first and not self.thread.first_row:
            self.told.wait(host.TIMEOUT)
        return self.plain_send(connection, answer)

    def until_told(self, scratch, *arguments):
        """A run whose calls are answered when it has named what it stops by."""
        process = scratch.start(*arguments)
        host.until(lambda: "stopped by" in host.said(process) or process.poll() is not None, host.TIMEOUT)
        self.told.set()
        return scratch.finish(process)


def under_way():
    """Calls on the wire at the stop are finished and stored, also those of rows that nobody waits for any more."""
    meter = Slow()
    with meter.server, meter.scratch(rows=12) as scratch:
        result = meter.until_told(scratch, *preference(16), "--max-calls", 5)
        tap.equal((result.status, result.summary["calls"], meter.exchanges), (4, 5, 5), "all five are stored and counted")
        tap.ok(re.search("stopped by --max-calls; [34] calls under way are finished and stored", result.err), "and it is told that they are waited for")
        tap.equal(run_json(scratch)["calls"], {"made": 5, "stored": 0, "failed": 0}, "in run.json too; what was refused is no failed call")
        result = budgeted(scratch, "out", concurrency=16)
        tap.equal((result.status, max(meter.answered.values()), result.summary["stored"]), (0, 1, 5), "none of them is asked for again")


def waiting():
    """Nobody waits for the end of a pause to learn that the run has stopped."""
    meter = Slow()

    def answer(request):
        got = meter.answer(request)
        return Answer(p.openai_error("later", "server_error"), 503, {"Retry-After": "36000"}) if meter.exchanges == 2 else got
    meter.server.answers = answer
    with meter.server, meter.scratch(rows=12) as scratch:
        result = meter.until_told(scratch, *preference(16), "--max-calls", 3)
        tap.equal((result.status, result.summary["calls"], meter.exchanges), (4, 2, 3), "a call that was told to come back in ten hours")
        scratch.write("spawn.lua", SPAWNING)
        meter.reset()
        result = scratch.run("--models", "m.lua", "--store", "spawn.db", "--max-calls", 3, "spawn.lua")
        tap.equal((result.status, len(result.out.split()), result.err.count("--max-calls 3 is reached")), (4, 2, 1), "also in tasks of a plain script")


STREAM = """local fellowship = require "fellowship"
local m = fellowship.model "openai:writer"
for i = 1, 3 do print(m:stream("question " .. i, function() return false end).finish_reason) end
"""


def streams():
    """A stream that the script ends is paid for, and nobody tells how much: its worst case stays spent."""
    parts = p.openai_stream(["He", "llo"])
    with Provider(lambda request: Answer(parts=parts, pause=0.05)) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("m.lua", MODELS)
        scratch.write("stream.lua", STREAM)
        result = scratch.run("--models", "m.lua", "--max-cost", 0.1, "stream.lua")
        tap.equal((result.status, result.out.split(), len(server.requests)), (4, ["stopped"] * 2, 2), "of 0.1, two streams of at most 0.04")


def timeouts():
    """What timed out may have been billed: its worst case stays spent."""
    with Provider(lambda request: Answer(parts=["{"], kind="application/json", after="stall")) as server, \
            host.Scratch(**server.environment(FELLOWSHIP_RETRY_SCALE="0.01")) as scratch:
        scratch.write("m.lua", """return { ["openai:writer"] = { price = { input = 100, output = 400 }, params = { max_tokens = 64 },
  timeouts = { total = 0.2 } } }""")
        scratch.write("rows.jsonl", [{"id": 1, "prompt": "Hello?"}])
        scratch.write("ask.lua", ASK)
        result = scratch.run("--models", "m.lua", "--max-cost", 0.1, "ask.lua")
        tap.equal((result.status, len(server.requests)), (4, 2), "of 0.1, two attempts of at most 0.04: no third one")
        tap.contains(result.err, ["2 attempts can have cost whose bill nobody told"], "and it says of what the sum is")
    with host.Scratch(OPENAI_BASE_URL="http://127.0.0.1:9/v1", OPENAI_API_KEY="x", FELLOWSHIP_RETRY_SCALE="0.01") as scratch:
        scratch.write("m.lua", MODELS)
        scratch.write("rows.jsonl", [{"id": 1, "prompt": "Hello?"}])
        scratch.write("ask.lua", ASK)
        result = scratch.run("--models", "m.lua", "--max-cost", 0.05, "--patience", 0, "ask.lua")
        tap.equal(result.status, 3, "connections that were refused cost nothing")


def excess():
    """A provider that bills more than it was allowed to is told of, and counts."""
    usage = {**p.USAGE, "completion_tokens": 5000}
    with Provider(lambda request: Answer(p.openai("x", usage=usage))) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("m.lua", MODELS)
        scratch.prompts(4)
        scratch.write("ask.lua", ASK)
        result = scratch.run("--models", "m.lua", "--max-cost", 0.2, "--concurrency", 1, "ask.lua")
        tap.equal((result.status, len(server.requests)), (4, 1), "after the first one there is nothing left")
        tap.contains(result.err, ["billed for more tokens than its bound allows"], "told")
    for odd in ({"prompt_tokens": -1000000, "completion_tokens": 5}, {"prompt_tokens": "no"}, {}):
        with Provider(lambda request, odd=odd: Answer(p.openai("x", usage=odd))) as server, host.Scratch(**server.environment()) as scratch:
            scratch.write("m.lua", MODELS)
            scratch.prompts(9)
            scratch.write("ask.lua", ASK)
            result = scratch.run("--models", "m.lua", "--max-cost", 0.1, "ask.lua")
            tap.equal((result.status, len(server.requests)), (4, 2), f"usage {odd}: worst cases stay spent")


host.need_program()
tap.cases(twenty_values, with_faults, one_at_a_time, well_used, attempts, simulated, refusals, prices, in_scripts, plain_scripts, fallbacks,
          under_way, waiting, streams, timeouts, excess)
