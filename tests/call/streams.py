#!/usr/bin/env python3
"""Streams: the same completion as without, piece by piece; ended early; and broken in every way."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider, ask

PIECES = ["Grü", "ße, ", "世界", " 😀\n", "Ende."]
TEXT = "".join(PIECES)
NDJSON = "application/x-ndjson"

# Of each provider: its model, a plain answer and the same one streamed.
THINKING = {"type": "thinking", "thinking": "", "signature": ""}, [
    {"type": "thinking_delta", "thinking": "H"}, {"type": "thinking_delta", "thinking": "m."}, {"type": "signature_delta", "signature": "s"}]
FORMS = {
    "openai": ("openai:m", p.openai(TEXT), p.openai_stream(PIECES, done=True)),
    "openai, no [DONE]": ("openai:m", p.openai(TEXT), p.openai_stream(PIECES, done=False)),
    "reasoning field": ("deepseek:m", p.openai(TEXT, reasoning_content="Hm."), p.openai_stream([{"reasoning_content": "H"}, {"reasoning_content": "m."}, *PIECES])),
    "think tags": ("vllm:m", p.openai("<think>\nHm.\n</think>\n\n" + TEXT), p.openai_stream(["<th", "ink>\nH", "m.\n</thi", "nk>", "\n\n", *PIECES])),
    "anthropic": ("anthropic:m", p.anthropic(TEXT), p.anthropic_stream([p.anthropic_text(*PIECES)])),
    "anthropic, thinking": ("anthropic:m", p.anthropic("", content=[{"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "text", "text": TEXT}]),
                            p.anthropic_stream([THINKING, p.anthropic_text(*PIECES)])),
    "gemini": ("gemini:m", p.gemini(TEXT), p.gemini_stream(PIECES)),
    "ollama": ("ollama:m", p.ollama(TEXT), p.ollama_stream(PIECES)),
}


def rows(scratch):
    """What the store holds: key, request and completion without its timing."""
    scratch.run("store", "export", "held.jsonl")
    found = []
    for row in host.jsonl(scratch / "held.jsonl"):
        row["completion"].pop("elapsed", None)
        found.append((row["key"], row["request"], row["completion"]))
    return found


def the_same():
    """A stream stores what a plain call stores, under the same key; and either finds the other's."""
    for name, (model, plain, parts) in FORMS.items():
        kind = NDJSON if name == "ollama" else None
        with Provider(lambda r, parts=parts, plain=plain, kind=kind: Answer(parts=parts, kind=kind)
                      if r.body.get("stream") or "stream" in r.path else Answer(plain)) as server, \
                host.Scratch(**server.environment()) as one, host.Scratch(**server.environment()) as two:
            streamed, whole = ask(one, model, stream=True), ask(two, model)
            tap.equal((streamed.get("completion") or {}).get("text"), TEXT, f"{name}: the text")
            tap.equal("".join(streamed["pieces"]), TEXT, f"{name}: in pieces")
            tap.ok(len(streamed["pieces"]) >= 1, f"{name}: as they come")
            tap.equal((rows(one), len(rows(one))), (rows(two), 1), f"{name}: stored as without a stream")
            again = ask(two, model, stream=True)
            tap.equal((again["pieces"], again["completion"]["stored"], len(server.requests)), ([TEXT], True, 2),
                      f"{name}: what the store has comes in one piece")


def requests():
    for model, parts, kind, path, body in [
        ("openai:m", p.openai_stream(PIECES), None, "/openai/v1/chat/completions", {"stream": True, "stream_options": {"include_usage": True}}),
        ("anthropic:m", p.anthropic_stream([p.anthropic_text(*PIECES)]), None, "/v1/messages", {"stream": True}),
        ("gemini:m", p.gemini_stream(PIECES), None, "/v1beta/models/m:streamGenerateContent?alt=sse", {}),
        ("ollama:m", p.ollama_stream(PIECES), NDJSON, "/api/chat", {"stream": True}),
    ]:
        with Provider(lambda r, parts=parts, kind=kind: Answer(parts=parts, kind=kind)) as server, host.Scratch(**server.environment()) as scratch:
            ask(scratch, model, stream=True)
            sent = server.requests[0]
            tap.equal((sent.path, {name: sent.body.get(name) for name in body}), (path, body), f"{model}: how a stream is asked for")


def byte_by_byte():
    for name, (model, _, parts) in FORMS.items():
        whole = "".join(parts).encode()
        for end in ("\n", "\r\n"):
            data = whole.replace(b"\n", end.encode()) if name != "ollama" else whole
            parts = [data[i:i + 1] for i in range(len(data))]
            with Provider(Answer(parts=parts, kind=NDJSON if name == "ollama" else None)) as server, host.Scratch(**server.environment()) as scratch:
                got = ask(scratch, model, stream=True)
                tap.equal((got.get("completion") or got).get("text"), TEXT, f"{name}, byte by byte, lines end in {end!r}")


def comments():
    """Keep-alive comments, other fields, events without data, and several lines of data are all part of the standard."""
    parts = [": ping\n\n", "retry: 100\n", "id: 7\n", "event: x\n\n", *p.openai_stream(PIECES, done=True), "data: trailing rubbish\n\n"]
    split = parts[4].replace('"choices"', '\ndata: "choices"')
    parts[4] = split
    with Provider(Answer(parts=parts)) as server, host.Scratch(**server.environment()) as scratch:
        got = ask(scratch, "openai:m", stream=True)
        tap.equal((got.get("completion") or got).get("text"), TEXT, "the whole of server-sent events is understood")
    with Provider(Answer(p.openai(TEXT))) as server, host.Scratch(**server.environment()) as scratch:
        got = ask(scratch, "openai:m", stream=True)
        tap.equal(got["pieces"], [TEXT], "a server that does not stream is understood too")


def early():
    """A script that has read enough: the connection is closed, nothing is stored, and the next ask asks."""
    parts = p.openai_stream(["word "] * 400)
    with Provider(lambda r: Answer(parts=parts, pause=0.01) if r.body.get("stream") else Answer(p.openai("whole"))) as server, \
            host.Scratch(**server.environment()) as scratch:
        got = ask(scratch, "openai:m", stream=True, enough=20)
        completion = got.get("completion") or {}
        tap.equal((completion.get("finish_reason"), completion.get("stored"), completion.get("key")), ("stopped", False, None), "ended early")
        tap.ok(20 <= len(completion.get("text", "")) < 1000, "with the text so far", completion)
        tap.equal(rows(scratch), [], "nothing is stored")
        tap.equal(ask(scratch, "openai:m")["completion"]["text"], "whole", "and the whole answer is asked for")


# What stalls is given up after two seconds; whatever else takes its time on a loaded machine.
LIMITS = 'return { ["%s"] = { attempts = %d, timeouts = { idle = 2, total = 60, first = 30 } } }'

OVERLOADED = {
    "openai:m": 'data: {"error":{"message":"upstream","type":"server_error","code":502}}\n\n',
    "anthropic:m": 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
    "gemini:m": 'data: {"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}\n\n',
    "ollama:m": '{"error":"an error was encountered while running the model"}\n',
}


def broken():
    """Whatever breaks a stream, it is asked for anew as a whole, and answered as if nothing had been."""
    cases, good = [], {model: (parts, NDJSON if model.startswith("ollama") else None) for model, _, parts in FORMS.values()}
    for model, error in OVERLOADED.items():
        parts, kind = good[model]
        half = parts[:3]
        garbage = ["data: {\"choices\": [{\n\n"] if kind is None else ["{\"message\": \n"]
        nonsense = ['data: {"type":"content_block_delta","index":5,"delta":{}}\n\ndata: 5\n\n'] if kind is None else ["7\n"]
        for name, bad in {
            "cut": Answer(parts=half, kind=kind, after="cut"), "reset": Answer(parts=half, kind=kind, after="reset"),
            "stall": Answer(parts=half, kind=kind, after="stall"), "ended too early": Answer(parts=half, kind=kind),
            "garbage": Answer(parts=half + garbage, kind=kind), "nonsense": Answer(parts=half + nonsense, kind=kind),
            "an error in the middle": Answer(parts=half + [error], kind=kind), "an error at once": Answer(parts=[error], kind=kind),
            "nothing": Answer(parts=[], kind=kind), "503": Answer({"error": {"message": "busy"}}, 503),
        }.items():
            cases.append((model, name, [bad, Answer(parts=parts, kind=kind)]))

    def run(case):
        model, _, answers = case
        with Provider(answers) as server, host.Scratch(**server.environment()) as scratch:
            scratch.write("m.lua", LIMITS % (model, 3))
            return ask(scratch, model, stream=True, flags=["--models", "m.lua"]), len(server.requests)

    with ThreadPoolExecutor(12) as pool:
        for (model, name, _), (got, asked) in zip(cases, pool.map(run, cases)):
            completion = got.get("completion") or got
            tap.equal((completion.get("text"), completion.get("attempts"), asked), (TEXT, 2, 2),
                      f"{model}, {name}: answered in the end")
            tap.equal("".join(got["pieces"]), TEXT, f"{model}, {name}: nothing is given twice")


def another_answer():
    """When what comes again differs, it comes from its beginning."""
    def streamed(text):
        return p.openai_stream([text[:4], text[4:]])
    for again, pieces in {"One three.": ["One ", "three."], "One": ["One ", "One"], "Two": ["One ", "Two"],
                          "One two": ["One ", "two"]}.items():
        answers = [Answer(parts=streamed("One two")[:2], after="cut"), Answer(parts=p.openai_stream([again]))]
        with Provider(answers) as server, host.Scratch(**server.environment()) as scratch:
            scratch.write("m.lua", LIMITS % ("openai:m", 3))
            got = ask(scratch, "openai:m", stream=True, flags=["--models", "m.lua"])
            tap.equal((got["pieces"], got["completion"]["text"]), (pieces, again), f"\"One \", and then \"{again}\"")


def kept_open():
    """A complete stream is complete, whether the server ends the exchange or not."""
    def run(form):
        model, _, parts = form
        with Provider([Answer(parts=parts, kind=NDJSON if model.startswith("ollama") else None, after="stall")]) as server, \
                host.Scratch(**server.environment()) as scratch:
            scratch.write("m.lua", LIMITS % (model, 3))
            got = ask(scratch, model, stream=True, flags=["--models", "m.lua"])
            return (got.get("completion") or got).get("text"), (got.get("completion") or {}).get("attempts"), len(server.requests)

    with ThreadPoolExecutor(8) as pool:
        for name, got in zip(FORMS, pool.map(run, FORMS.values())):
            tap.equal(got, (TEXT, 1, 1), f"{name}, kept open: one attempt")
    # A server that says "stop" in every chunk has not ended its answer with the first one.
    stops = [part.replace('"finish_reason": null', '"finish_reason": "stop"') for part in p.openai_stream(PIECES, done=False)]
    with Provider([Answer(parts=stops[:4], after="stall"), Answer(parts=stops + ["data: [DONE]\n\n"])]) as server, \
            host.Scratch(**server.environment()) as scratch:
        scratch.write("m.lua", LIMITS % ("openai:m", 3))
        got = ask(scratch, "openai:m", stream=True, flags=["--models", "m.lua"])
        tap.equal(((got.get("completion") or got).get("text"), len(server.requests)), (TEXT, 2), "\"stop\" in every chunk is no end")


def ended_badly():
    """An exchange that breaks behind the end of its answer has brought it: it is not paid for again."""
    finished = p.openai_stream(PIECES, done=False)
    forms = {"openai": ("openai:m", finished, 1), "anthropic": ("anthropic:m", FORMS["anthropic"][2][:-1], 1), "gemini": ("gemini:m", FORMS["gemini"][2], 1),
             "ollama": ("ollama:m", FORMS["ollama"][2], 1), "gemini, cut behind a piece that tells an end": ("gemini:m", p.gemini_stream(["Grü"]), 2)}
    for name, (model, parts, requests) in forms.items():
        whole = next(form[2] for form in FORMS.values() if form[0] == model)
        kind = NDJSON if name == "ollama" else None
        for after in ("cut", "reset"):
            with Provider([Answer(parts=parts, kind=kind, after=after), Answer(parts=whole, kind=kind)]) as server, host.Scratch(**server.environment()) as scratch:
                scratch.write("m.lua", LIMITS % (model, 3))
                got = ask(scratch, model, stream=True, flags=["--models", "m.lua"])
                seen = (got.get("completion") or got).get("text"), len(server.requests)
                # A reset may throw away what the network still held: then it is asked for again.
                tap.ok(seen == (TEXT, requests) or after == "reset" and seen == (TEXT, 2), f"{name}, {after}: {requests} requests", seen)


def given_up():
    for name, bad in {"stall": Answer(parts=p.openai_stream(PIECES)[:3], after="stall"),
                      "an error": Answer(parts=p.openai_stream(PIECES)[:3] + [OVERLOADED["openai:m"]])}.items():
        with Provider(lambda r, bad=bad: bad) as server, host.Scratch(**server.environment()) as scratch:
            scratch.write("m.lua", LIMITS % ("openai:m", 2))
            got = ask(scratch, "openai:m", stream=True, flags=["--models", "m.lua"])
            tap.equal((got.get("error", {}).get("attempts"), len(server.requests)), (2, 2), f"{name} that stays: given up")
            tap.equal(rows(scratch), [], f"{name} that stays: nothing is stored")
    with Provider(Answer(p.anthropic_error("authentication_error", "no"), 401)) as server, host.Scratch(**server.environment()) as scratch:
        got = ask(scratch, "anthropic:m", stream=True)
        tap.equal((got.get("error", {}).get("kind"), len(server.requests)), ("auth", 1), "what is final is final for a stream")


def scripts_that_fail():
    """An error in on_delta is the script's: the call that was sent is finished and stored, and nobody else is asked."""
    script = """local fellowship = require "fellowship"
local m = fellowship.model { "openai:m", fallback = { "openai:other" } }
local well, problem = pcall(m.stream, m, "x", function() error({ kind = "timeout", message = "mine" }) end)
print(well, problem.message)
m:ask "x" -- waits for its end
print(m:ask("x").stored)
"""
    with Provider(Answer(parts=p.openai_stream(PIECES), pause=0.02)) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("s.lua", script)
        result = scratch.run("s.lua")
        tap.equal((result.out.split(), len(server.requests)), (["false", "mine", "true"], 1), "an error in on_delta", )


def cancelled():
    """A task that is cancelled while it reads a stream leaves it: the call goes on and is stored."""
    script = """local fellowship = require "fellowship"
local m = fellowship.model "openai:m"
local begun = false
local t = fellowship.spawn(function() m:stream("x", function() begun = true end) end)
repeat fellowship.sleep(0.01) until begun
t:cancel()
print(t:status(), m:ask("x").text == arg[1])
"""
    with Provider(Answer(parts=p.openai_stream(PIECES), pause=0.3)) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("s.lua", script)
        result = scratch.run("s.lua", TEXT)
        tap.equal((result.out.split(), len(server.requests)), (["failed", "true"], 1), "a cancelled reader leaves the call alone")


def side_by_side():
    """A stream and a plain ask of the same are one call."""
    script = """local fellowship = require "fellowship"
local m, got = fellowship.model "openai:m", {}
local a, b, c = fellowship.all(
  function() return m:stream("x", function(piece) got[#got + 1] = piece end).text end,
  function() return m:ask("x").text end,
  function() return m:stream("x", function(piece, text) return #text < 3 end).finish_reason end)
print(table.concat(got) == a, a == b, c, a)
"""
    with Provider(Answer(parts=p.openai_stream(PIECES), pause=0.02)) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("s.lua", script)
        result = scratch.run("s.lua")
        tap.equal((result.out.strip(), len(server.requests)), (f"true\ttrue\tstopped\t{TEXT}", 1), "one call for all who ask")


host.need_program()
tap.cases(the_same, requests, byte_by_byte, comments, early, broken, another_answer, kept_open, ended_badly, given_up, scripts_that_fail, cancelled, side_by_side)
