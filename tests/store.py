#!/usr/bin/env python3
"""The store's commands: ls, show, export, import, why, prune; and a store that is damaged."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import host
import tap
from stub_server import Stub

ASK = """
local fellowship = require "fellowship"
local model = fellowship.model(arg[1])
for row, answer in fellowship.map(fellowship.rows(arg[2]), function(row) return model:ask(row.prompt).text end) do
  print(row.id, answer)
end
"""


def filled(scratch, rows=40):
    scratch.write("ask.lua", ASK)
    scratch.prompts(rows)
    for model in ("openai:red", "openai:blue"):
        result = scratch.run("--store", "store.db", "ask.lua", model, "rows.jsonl")
        if result.status:
            raise RuntimeError(str(result))


def store(scratch, *arguments):
    return scratch.run("store", *arguments, "--store", "store.db")


def looking():
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch)
        listed = store(scratch, "ls").out.splitlines()
        tap.equal(len(listed), 80, "ls: a line for each completion")
        tap.equal(len(store(scratch, "ls", "--model", "blue").out.splitlines()), 40, "ls --model: those of one model")
        tap.equal(store(scratch, "ls", "--limit", "3").out.splitlines(), listed[-3:], "ls --limit: the last ones")
        key = listed[0].split()[0]
        shown = json.loads(store(scratch, "show", key).out)
        tap.ok(shown["key"].startswith(key), "show: by the beginning of a key")
        tap.contains(shown["request"]["messages"][0]["content"], "<row-", "show: the request")
        tap.equal(shown["wire"]["model"], "red", "show: what was sent")
        tap.equal(store(scratch, "show", "ffffffffff").status, 1, "show: no such key is status 1")
        tap.equal(store(scratch, "lss").status, 2, "an unknown verb is status 2")
        tap.contains(store(scratch, "lss").err, '"ls"', "which says what was meant")
        tap.contains(store(scratch, "--help").out, ["prune", "why", "import"], "help names the verbs")


def moving():
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch)
        tap.equal(store(scratch, "export", "one.jsonl").summary, {"exported": 80}, "export")
        again = scratch.run("store", "import", "one.jsonl", "--store", "other.db")
        tap.equal(again.summary, {"added": 80, "known": 0}, "import into a new store")
        scratch.run("store", "export", "two.jsonl", "--store", "other.db")
        tap.equal((scratch / "two.jsonl").read_bytes(), (scratch / "one.jsonl").read_bytes(), "export of it: the same bytes")
        calls = len(server.log())
        scratch.run("--store", "other.db", "ask.lua", "openai:red", "rows.jsonl")
        tap.equal(len(server.log()), calls, "a run over it asks nothing")


def why():
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch)
        scratch.write("near.jsonl", [{"id": "n", "prompt": "Explain item <row-7> in a few lines."}])
        result = scratch.run("--offline", "--store", "store.db", "ask.lua", "openai:red?temperature=0", "near.jsonl")
        tap.equal(result.status, 3, "an offline miss is status 3")
        said = store(scratch, "why", "ask.errors.jsonl").out
        tap.contains(said, ["not among 80", "params.temperature is 0, stored is absent", "messages[1].content differs from",
                            "lines", "words"], "why: the nearest stored call and what differs")
        request = json.loads(store(scratch, "show", store(scratch, "ls").out.split()[0]).out)["request"]
        tap.contains(store(scratch, "why", json.dumps(request)).out, "the store has it", "why: a call that it has")
        tap.equal(store(scratch, "why", "{}").status, 1, "why: no request is status 1")


def prune():
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch, 400)
        size = (scratch / "store.db").stat().st_size
        tap.equal(store(scratch, "prune").status, 2, "prune without a choice is status 2")
        tap.equal(store(scratch, "prune", "--before", "2001-02-03", "--yes").summary, {"pruned": 0}, "nothing is so old")
        tap.equal(store(scratch, "prune", "--model", "blue").summary, {"would_prune": 400}, "prune counts first")
        tap.equal(len(store(scratch, "ls").out.splitlines()), 800, "and takes nothing")
        tap.equal(store(scratch, "prune", "--model", "blue", "--yes").summary, {"pruned": 400}, "prune --yes does it")
        tap.equal(len(store(scratch, "ls").out.splitlines()), 400, "the others stay")
        tap.ok((scratch / "store.db").stat().st_size < 0.7 * size, "the file is smaller")
        calls = len(server.log())
        scratch.run("--store", "store.db", "ask.lua", "openai:red", "rows.jsonl")
        tap.equal(len(server.log()), calls, "what stayed is found")
        scratch.run("--store", "store.db", "ask.lua", "openai:blue", "rows.jsonl")
        tap.equal(len(server.log()) - calls, 400, "what went is asked again")


def in_use():
    with Stub(rules=[{"contains": "row-", "delay": 30}]) as server, host.Scratch(server.url) as scratch:
        scratch.write("ask.lua", ASK)
        scratch.prompts(2)
        process = scratch.start("--store", "store.db", "ask.lua", "openai:red", "rows.jsonl")
        host.until(lambda: server.log())
        result = store(scratch, "prune", "--model", "red", "--yes")
        process.kill()
        scratch.finish(process)
        tap.equal(result.status, 1, "prune while a run goes on is refused")
        tap.contains(result.err, "in use", "and says why")


def damage():
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch, 400)
        path = scratch / "store.db"
        whole = path.read_bytes()
        for name, at, size in (("a few bytes of one record", len(whole) * 2 // 3 + 1000, 16), ("some pages", len(whole) // 2 // 8192 * 8192, 4 * 8192)):
            path.write_bytes(whole[:at] + b"\x5a" * size + whole[at + size:])
            result = store(scratch, "export", "sound.jsonl")
            exported = result.summary["exported"]
            tap.ok(result.status == 1 and 700 <= exported < 800, f"{name}: {exported} of 800 are saved, status 1", result)
            tap.contains(result.err, "damaged", "and it says so")
            scratch.run("store", "import", "sound.jsonl", "--store", f"new-{size}.db")
            calls = len(server.log())
            result = scratch.run("--store", f"new-{size}.db", "ask.lua", "openai:red", "rows.jsonl")
            tap.equal(result.status, 0, "a run over what was saved")
            tap.ok(0 <= len(server.log()) - calls <= 800 - exported, "asks only for what was lost")
        result = scratch.run("--offline", "--store", "store.db", "ask.lua", "openai:red", "rows.jsonl")
        tap.ok(result.status in (1, 3), f"a run over the damaged store fails: status {result.status}")
        tap.contains(result.err, "store export", "and names what helps")


host.need_program()
tap.cases(looking, moving, why, prune, in_use, damage)
