#!/usr/bin/env python3
"""No control character of a model, a server, a dataset or a name reaches standard error or a terminal, whatever is
printed: failures, summaries, quirks, progress, tables, what the store shows, the REPL."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub
from terminal import Terminal

# A title, a cleared screen, colours, the clipboard, hidden text, a line that is written over, a C1 introducer, a
# reversed direction, DEL.
EVIL = "\x1b]0;own\x07\x1b[2J\x1b[31mEVIL\x1b]52;c;ZXZpbA==\x07\x1b[8mhidden\rover\u009b31m\u202eback\x7f"
# What the program itself sends a terminal: it moves the cursor up, to the start of the line, and clears what is below.
OWN = re.compile(r"\x1b\[\d*[AJKCDGPm@]|\x1b\[\d+;\d+H|\x1b\[\?\d+[hl]|\x1b\[[\d;]*r|\r")
STEERING = re.compile("[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f\u0080-\u009f\u202a-\u202e\u2066-\u2069]")


def clean(shown, name, own=False):
    """No control character stands in what was shown, but for the program's own."""
    if own:
        shown = OWN.sub("", shown.replace("\r\n", "\n"))
    found = STEERING.search(shown)
    tap.ok(not found and "[2J" not in (shown if own else ""), name,
           repr(shown[max(0, found.start() - 60):found.end() + 20]) if found else repr(shown[-200:]))


def on_terminal(scratch, name, *arguments, env=None):
    with Terminal(scratch, *arguments, env=env) as t:
        t.finish(30)
        own = OWN.sub("", t.raw.replace("\r\n", "\n")).replace("?[2J", "")
        found = STEERING.search(own)
        tap.ok(not found, f"{name}, on a terminal", repr(own[-300:]))
        return t.raw


def failures():
    for status in (400, 401, 404, 500):
        with Stub(rules=[{"status": status, "body": {"error": {"message": EVIL, "code": EVIL, "param": EVIL}}}]) as server, \
                host.Scratch(server.url) as scratch:
            scratch.write("rows.jsonl", [{"id": f"id{EVIL}{i}", "prompt": f"p {i}"} for i in range(2)])
            scratch.write("models.lua", "return { ['openai:m'] = { attempts = 2 } }")
            scratch.write("ask.lua", 'print(pcall(function() return require "fellowship".model("openai:m"):ask "x" end))\n'
                                     'require "fellowship".model("openai:m"):ask "y"')
            job = ["run", "feedback", "--data", "rows.jsonl", "--generator", "openai:m", "--reviewer", "openai:m", "--models", "models.lua"]
            result = scratch.run(*job, "--out", "out")
            clean(result.err, f"an error {status} of a server")
            tap.contains(result.err, ["EVIL"], "is shown, as text")
            on_terminal(scratch, f"an error {status}", *job, "--out", "other")
            clean(scratch.run("--models", "models.lua", "ask.lua").err, "in a script")
            on_terminal(scratch, "in a script", "--models", "models.lua", "ask.lua")


def names():
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", [{"id": EVIL, "x": 1}])
        scratch.write("cut.jsonl", '{"%s": 1\n' % "\u009b31mcolumn")
        scratch.write("x\x1b[2J.jsonl", "{\n")
        scratch.write("e\x1b[2J.lua", "error 'x'")
        for name, arguments in {
                "the name of a model": ["run", "feedback", "--data", "rows.jsonl", "--generator", "openai:m" + EVIL, "--reviewer", "openai:m"],
                "the name of a provider": ["run", "feedback", "--data", "rows.jsonl", "--generator", EVIL, "--reviewer", "openai:m"],
                "an id": ["run", "feedback", "--data", "rows.jsonl", "--generator", "sim:m", "--reviewer", "sim:m"],
                "a key": ["run", "feedback", "--data", "cut.jsonl", "--generator", "sim:m", "--reviewer", "sim:m"],
                "the name of a file": ["run", "feedback", "--data", "x\x1b[2J.jsonl", "--generator", "sim:m", "--reviewer", "sim:m"],
                "the name of a file that is not there": ["run", "feedback", "--data", EVIL, "--generator", "sim:m", "--reviewer", "sim:m"],
                "an option": ["run", "feedback", "--" + EVIL],
                "a command": [EVIL],
                "a script": ["run", EVIL],
                "a script's file": ["e\x1b[2J.lua"],
                "a checked file": ["check", "e\x1b[2J.lua", "x\x1b[2J.jsonl"],
                "a folder": ["run", "check-dataset", EVIL],
                "a word of help": ["help", EVIL]}.items():
            out = ["--out", f"out{EVIL}/sub".replace("\x00", "")] if arguments[:2] == ["run", "feedback"] else []
            result = scratch.run(*arguments, *out)
            clean(result.err, f"{name}: stderr")
            clean(re.sub(r"^\{.*\}$", "", result.out, flags=re.MULTILINE), f"{name}: what people read on stdout")
            on_terminal(scratch, name, *arguments, *out)


def stored():
    body = {"id": "x", "model": "m" + EVIL, "choices": [{"message": {"role": "assistant", "content": "hi " + EVIL}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    with Stub(rules=[{"body": body}]) as server, host.Scratch(server.url) as scratch:
        scratch.write("prompt.txt", EVIL)
        scratch.write("ask.lua", 'local text = io.open "prompt.txt":read "a"\n'
                                 'local answer = require "fellowship".model("openai:m"):ask(text)\nprint(answer.text)')
        result = scratch.run("ask.lua")
        tap.equal(result.out, "hi " + EVIL + "\n", "what a script prints into a pipe is as it is")
        on_terminal(scratch, "what it prints", "ask.lua")
        key = scratch.run("store", "ls").out.split()[0]
        clean(scratch.run("store", "ls").out, "store ls")
        on_terminal(scratch, "store ls", "store", "ls")
        on_terminal(scratch, "store show", "store", "show", key)
        shown = json.loads(scratch.run("store", "show", key).out)
        tap.equal(shown["request"]["messages"][0]["content"], EVIL, "store show into a pipe is lossless")
        scratch.write("miss.lua", 'require "fellowship".model("openai:other"):ask(io.open "prompt.txt":read "a" .. "!")')
        clean(scratch.run("--offline", "miss.lua").err, "a miss")
        scratch.write("why.lua", 'local f = require "fellowship"\nf.each({ {} }, function() f.model("openai:other"):ask("x" .. io.open "prompt.txt":read "a") end)')
        scratch.run("--offline", "why.lua")
        result = scratch.run("store", "why", "why.errors.jsonl")
        tap.contains(result.out, ["nearest"], "store why")
        clean(result.out, "says nothing that steers")
        on_terminal(scratch, "store why", "store", "why", "why.errors.jsonl")
        with Terminal(scratch, "repl") as t:
            t.wait_for("> ")
            for line in ('m = fellowship.model "openai:m"', 'a = m:ask "q"', "a.text", "a", "print(a.text)", "error(a.text)", "{ a.text, [a.text] = 1 }",
                         ".cost", ".store"):
                t.type(line + "\r")
                t.wait_for(r"\n> ", 5)
            t.type("\x04")
            t.finish()
            own = OWN.sub("", t.raw.replace("\r\n", "\n"))
            found = STEERING.search(own.replace("\x07", ""))
            tap.ok(not found and "EVIL" in own, "the REPL", repr(own[max(0, found.start() - 100):found.end() + 40]) if found else "")


def quirks():
    rules = [{"contains": "x", "times": 1, "status": 400, "body": {"error": {"message": f"'temperature' is not supported {EVIL}", "param": "temperature"}}}]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        scratch.write("ask.lua", 'require "fellowship".model("openai:m?temperature=0"):ask "x"')
        clean(scratch.run("ask.lua").err, "a quirk that was learnt")


host.need_program()
tap.cases(failures, names, stored, quirks)
