#!/usr/bin/env python3
"""Prompt caches: what Anthropic is told to keep, that conversations keep their beginning byte for byte, and the summary."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider

JUDGED = "### Score Assistant 1:\n8/10\n\n### Score Assistant 2:\n4/10\n\n### Score Assistant A:\n8/10\n\n### Score Assistant B:\n4/10"


def texts(message):
    content = message["content"]
    return content if isinstance(content, str) else "".join(block["text"] for block in content)


def marks(request):
    """For each message, the text up to each mark within it."""
    found = []
    for message in request.body["messages"]:
        so_far, at = "", []
        for block in message["content"] if isinstance(message["content"], list) else []:
            so_far += block["text"]
            if "cache_control" in block:
                at.append(so_far)
        found.append(at)
    return found


def run(script, answer=lambda r: Answer(p.anthropic("Fine.")), models=None, flags=()):
    with Provider(answer) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("s.lua", "local fellowship = require 'fellowship'\n" + script)
        if models:
            scratch.write("m.lua", models)
        result = scratch.run("--concurrency", 1, *(("--models", "m.lua") if models else ()), *flags, "s.lua")
        tap.equal(result.status, 0, "the script ends well")
        return server.requests, result


def grows(requests, name):
    """Each conversation begins with the whole of the one before it, byte for byte."""
    for before, after in zip(requests, requests[1:]):
        one, two = before.body["messages"], after.body["messages"]
        tap.equal([texts(m) for m in two[:len(one)]], [texts(m) for m in one], f"{name}: {len(two)} messages begin with the {len(one)} before")


def loop():
    requests, result = run("""
        local loop = fellowship.feedback { generator = "anthropic:claude-haiku-4-5", reviewers = { "anthropic:claude-opus-5" }, responses = 3 }
        loop:respond "Explain tides."
    """)
    own = [r for r in requests if "haiku" in r.body["model"]]
    grows(own, "the generator")
    grows([r for r in requests if "opus" in r.body["model"]], "the reviewer")
    tap.equal([[len(m) for m in marks(r)] for r in own], [[1], [0, 0, 1], [0, 0, 1, 0, 0]],
              "the end is kept while the conversation goes on; the last one reads what was kept")
    tap.contains(result.err, ["40% cached"], "the summary has the share of cached tokens")


def debate():
    requests, _ = run("""
        local d = fellowship.debate { model = "anthropic:claude-haiku-4-5" }
        d:compare { prompt = "Name a river.", a = "The Rhine.", b = "A river." }
    """, lambda r: Answer(p.anthropic(JUDGED)))
    turns = requests[:6]
    for before, after in zip(turns, turns[1:]):
        kept = marks(before)[0][-1]
        tap.ok(texts(after.body["messages"][0]).startswith(kept), "a turn begins with what the one before had kept")
        blocks = [b["text"] for b in after.body["messages"][0]["content"]]
        tap.ok(any("".join(blocks[:i]) == kept for i in range(1, len(blocks))), "in whole blocks")


LONG = 'local head = ("Judge with care. "):rep(400) .. "\\n\\nThe question:\\n"\n'


def instructions():
    ask = LONG + 'local m = fellowship.model "%s"\nfor i = 1, 4 do m:ask(head .. "Question " .. i .. " of many.") end'
    requests, _ = run(ask % "anthropic:claude-haiku-4-5")
    kept = [marks(r)[0] for r in requests]
    tap.equal([len(k) for k in kept], [0, 1, 1, 1], "long instructions are kept from the second call on")
    tap.equal(len({k[0] for k in kept[1:]}), 1, "always the same text")
    tap.ok(kept[1][0].endswith("The question:\n"), "in whole lines", kept[1][0][-40:])
    tap.equal([texts(r.body["messages"][0])[-19:] for r in requests], [f"Question {i} of many."[-19:] for i in range(1, 5)], "and all of the prompt is sent")
    requests, _ = run('local m = fellowship.model "anthropic:claude-haiku-4-5"\nfor i = 1, 3 do m:ask("Short. " .. i) end')
    tap.equal([marks(r) for r in requests], [[[]]] * 3, "short ones are not")
    system = LONG + 'local m = fellowship.model "anthropic:claude-haiku-4-5"\nfor i = 1, 3 do m:ask { { role = "system", content = head }, { role = "user", content = "q" .. i } } end'
    requests, _ = run(system)
    tap.equal([isinstance(r.body["system"], list) for r in requests], [False, True, True], "a long system message, once it comes again")
    own = 'return { mine = { model = "anthropic:claude-haiku-4-5", price = { input = 1, output = 5 } } }'
    requests, _ = run(ask % "mine", models=own)
    tap.equal([marks(r) for r in requests], [[[]]] * 4, "nothing where the price of one's own does not say what writing costs")


def keys():
    """How a call is asked is no part of its key."""
    script = """
        local m = fellowship.model "anthropic:claude-haiku-4-5"
        local a = m:ask("Hi", { how = { goes_on = true, empty = true } })
        local b = m:ask("Hi")
        print(a.key == b.key, b.stored)
    """
    requests, result = run(script)
    tap.equal((result.out.split(), len(requests)), (["true", "true"], 1), "one key, one call")


def empty():
    """An empty answer: asked for twice; an error for a script, and for a judge an answer that cannot be read."""
    calls = []

    def answer(request):
        calls.append(request)
        return Answer(p.anthropic("" if len(request.body["messages"]) == 1 else JUDGED))

    _, result = run("""
        local well, e = pcall(function() return fellowship.model("anthropic:m"):ask "x" end)
        print(well, e.kind, e.attempts)
    """, answer)
    tap.equal(result.out.split(), ["false", "empty", "2"], "an error for a script")
    calls.clear()
    _, result = run("""
        local v = fellowship.judge("anthropic:m"):compare { prompt = "q", a = "x", b = "y" }
        print(v.winner, #v.evidence)
    """, answer)
    tap.equal((result.out.split(), len(calls)), (["a", "2"], 3), "a second question by a judge")
    tap.ok(all(texts(m).strip() for r in calls for m in r.body["messages"]), "and no empty turn is sent")


host.need_program()
tap.cases(loop, debate, instructions, keys, empty)
