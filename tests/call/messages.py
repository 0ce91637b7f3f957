#!/usr/bin/env python3
"""Messages with more than a text: what a script puts into one is sent, stored and a part of the key."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider, ask

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "depth", "arguments": "{\"sea\": \"Baltic\"}"}}
TALKS = {
    "a name": [{"role": "user", "content": "Hello.", "name": "Ada"}],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, IMAGE]}],
    "tools": [{"role": "user", "content": "How deep?"}, {"role": "assistant", "content": None, "tool_calls": [CALL]},
              {"role": "tool", "tool_call_id": "call_1", "content": "459 m"}],
    "a developer": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hello."}],
    "odd numbers": [{"role": "user", "content": "x", "weight": 0.1, "big": 9007199254740993, "empty": [], "none": None, "sub": {}}],
}


def exported(scratch):
    scratch.run("store", "export", "held.jsonl")
    return host.jsonl(scratch / "held.jsonl")


def lossless():
    with Provider(lambda r: Answer(p.openai("seen"))) as server, host.Scratch(**server.environment()) as scratch:
        for name, talk in TALKS.items():
            got = ask(scratch, "openai:m", prompt=talk)
            tap.equal((got.get("completion") or got).get("text"), "seen", f"{name}: answered")
            tap.equal(server.requests[-1].body["messages"], talk, f"{name}: sent as it is")
            asked = len(server.requests)
            again = ask(scratch, "openai:m", prompt=talk)
            tap.equal((again["completion"]["stored"], len(server.requests)), (True, asked), f"{name}: the store knows it again")
        tap.equal([row["request"]["messages"] for row in exported(scratch)], list(TALKS.values()), "the store has them as they were")
        tap.equal(scratch.run("store", "ls").status, 0, "and lists them")


def in_the_key():
    """Messages that differ in any of it are other requests; those with a role and a text alone have the keys they had."""
    with Provider(lambda r: Answer(p.openai("seen"))) as server, host.Scratch(**server.environment()) as scratch:
        keys = [ask(scratch, "openai:m", prompt=[{"role": "user", "content": "Hello.", **more}])["completion"]["key"]
                for more in ({}, {"name": "Ada"}, {"name": "Eve"}, {"cache_control": {"type": "ephemeral"}})]
        tap.equal(len(set(keys)), 4, "each has a key of its own")
        tap.equal(ask(scratch, "openai:m", prompt="Hello.")["completion"]["key"], keys[0], "a prompt is a message without")


def copied():
    """What a script does to a message meanwhile does not reach the call."""
    script = """local fellowship = require "fellowship"
local talk = { { role = "user", content = { { type = "text", text = "before" } } } }
local a = fellowship.spawn(function() return fellowship.model("openai:m"):ask(talk).text end)
fellowship.sleep(0)
talk[1].content[1].text = "after"
a:await()
"""
    with Provider(Answer(p.openai("seen"))) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("s.lua", script)
        result = scratch.run("s.lua")
        tap.equal((result.status, server.requests[0].body["messages"][0]["content"][0]["text"]), (0, "before"), "as it was asked")


def refused():
    for name, (talk, words) in {
        "no content": ('{ { role = "user" } }', "the content of message 1 must be"),
        "a number": ('{ { role = "user", content = 7 } }', "the content of message 1 must be"),
        "a function": ('{ { role = "user", content = "x", f = print } }', "message 1 is no JSON"),
        "a role of one's own": ('{ { role = "owner", content = "x" } }', "message 1 must be { role"),
    }.items():
        with host.Scratch() as scratch:
            scratch.write("s.lua", f'require("fellowship").model("sim:m"):ask({talk})')
            result = scratch.run("s.lua")
            tap.equal(result.status, 1, f"{name}: refused")
            tap.contains(result.err, [f"s.lua:1: {words}"], f"{name}: with the place")


def elsewhere():
    """Dry runs, --offline and --max-cost know such messages too."""
    with Provider(lambda r: Answer(p.openai("seen"))) as server, host.Scratch(**server.environment()) as scratch:
        job = json.dumps({"model": "openai:gpt-4o?max_tokens=5", "prompt": TALKS["parts"]})
        scratch.write("ask.lua", p.ASK)
        dry = scratch.run("--dry-run", "ask.lua", job)
        tap.equal((dry.status, json.loads(dry.out.splitlines()[-1])["models"][0]["calls"]["likely"]), (0, 1), "a dry run counts it")
        scratch.write("m.lua", 'return { dear = { model = "openai:gpt-4o?max_tokens=5", price = { input = 1, output = 1 } } }')
        bounded = ask(scratch, "dear", prompt=TALKS["parts"], flags=["--models", "m.lua", "--max-cost", "1"])
        tap.equal((bounded["error"]["kind"], len(server.requests)), ("usage", 0), "--max-cost refuses what nobody can bound")
        tools = ask(scratch, "dear", prompt=TALKS["tools"], flags=["--models", "m.lua", "--max-cost", "1"])
        tap.equal((tools.get("completion") or tools).get("text"), "seen", "calls of tools are text")
        offline = ask(scratch, "openai:gpt-4o", prompt=TALKS["parts"], flags=["--offline"])
        tap.contains(offline["error"]["message"], ['"What is this?"'], "--offline shows its text")


host.need_program()
tap.cases(lossless, in_the_key, copied, refused, elsewhere)
