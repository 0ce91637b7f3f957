#!/usr/bin/env python3
"""Writing scripts: new, check, strict globals, and errors that say where."""

import json
import os
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub


def new():
    with host.Scratch() as scratch:
        result = scratch.run("new", "my-experiment")
        tap.equal(result.status, 0, "new writes a script")
        command = next(line.split() for line in result.out.splitlines() if " --data " in line)
        result = scratch.run(*command[1:])
        tap.equal(result.status, 0, "which runs with the command that it tells") or tap.diag(result)
        tap.equal(len(host.jsonl(scratch / "my-experiment-results/answers.jsonl")), 3, "and gives a row for each prompt")
        tap.equal(scratch.run("check", "my-experiment.lua").status, 0, "check finds nothing in it")
        rc = json.loads((scratch / ".luarc.json").read_text())
        library = rc["workspace.library"][0]
        tap.ok(os.path.isfile(f"{library}/fellowship/init.lua") and os.path.isdir(f"{library}/meta"),
               ".luarc.json names the library and its definitions")
        result = scratch.run("new", "my-experiment")
        tap.equal(result.status, 2, "a script that is there is left alone")
        tap.equal(scratch.run("new", "../x y").status, 2, "a name that is none is refused")
        tap.equal(scratch.run("new").status, 2, "a name is needed")
        tap.equal(scratch.run("new", "x", "--kind", "jugde").status, 2, "a kind that is none is refused")
        for kind in ("command", "script", "judge", "provider"):
            result = scratch.run("new", f"{kind}s/my-{kind}", "--kind", kind)
            command = result.out.split("without a key:\n")[1].splitlines()[0].split()
            ran = scratch.run(*command[1:])
            tap.equal((result.status, ran.status), (0, 0), f"--kind {kind}: runs with the command that it tells") or tap.diag(ran)
            tap.equal(scratch.run("check", f"{kind}s/my-{kind}.lua").status, 0, f"--kind {kind}: check finds nothing in it")
        result = scratch.run("my-experiment.lua", "--data", "prompts.jsonl", "--model", "sim:demo", "--temperature", "0.25", "--out", "warm")
        tap.equal((result.status, result.summary["outcome"]["first_answers_that_win"] >= 0), (0, True),
                  "a temperature is a number, and what came out is told")
        tap.equal(scratch.run("new", "folder/other.lua").status, 0, "a folder is made")
        tap.ok((scratch / "folder/other.lua").exists(), "and the script is in it")


# (what stands in the script, what check must say; None: nothing)
CASES = [
    ("print(cuont)", ':1: undefined global "cuont"'),
    ("count = 1\nprint(count, conut)", 'undefined global "conut"; did you mean "count"?'),
    ("local function f() total = 1 end\nf()", ':1: undefined global "total"'),
    ("x = = 1", ":1: unexpected symbol"),
    ("print(string.fromat '')", "there is no string.fromat; did you mean \"format\"?"),
    ("local f = require 'fellowship'\nf.jugde 'sim:a'", ":2: fellowship has no jugde"),
    ("local f = require 'fellowship'\nlocal judge = f.judge\njudge { modle = 'sim:a' }", ":3: fellowship.judge has no option \"modle\""),
    ("local f = require 'fellowship'\nf.jury { 'sim:a', stratgy = 'direct' }", "no option \"stratgy\""),
    ("local f = require 'fellowship'\nlocal m = f.model 'sim:a'\nm:aks 'x'", ':3: a model has no method "aks"; did you mean "ask"?'),
    ("local f = require 'fellowship'\nprint(f.statistics.kapa)", "fellowship.statistics has no kapa"),
    ("local f = require 'fellowship'\nf.judge('sim:a'):compare { prompt = 'p', a = 'x', d = 'y' }", 'no option "d"'),
    ("return { summary = 's', options = { { 'n', type = 'integr', help = 'h' } }, run = function() end }",
     'no option type "integr"'),
    ("return { summary = 's', options = { { 'n', type = 'integer', helpp = 'h' } }, run = function() end }",
     'no field "helpp"'),
    ("return {\n options = { { 'size', type = 'integer', help = 'h' } },\n run = function(run)\n  print(run.options.sise)\n end }",
     ':4: the script declares no option "sise"; did you mean "size"?'),
    ("return { options = {}, run = function(run) run:writr 'x' end }", 'a run has no method "writr"'),
    ("local f = require 'fellowship'\nlocal m = f.model 'sim:a'\nprint(m.ask('Hi').text)", ":3: ask is a method: call it with a colon, m:ask(...)"),
    ("local f = require 'fellowship'\nlocal judge, games = f.judge 'sim:a', {}\nf.each({ 1 }, function(p)\n"
     "  games[#games + 1] = { row = p, verdict = judge:compare(p) }\nend)", ":4: the place in games is chosen before a call that waits"),
    ("local f = require 'fellowship'\nlocal m, total = f.model 'sim:a', 0\nlocal function size(p) return #m:ask(p).text end\n"
     "f.each({ 1 }, function(p) total = total + size(p) end)", ":4: total is read before a call that waits"),
    ("local f = require 'fellowship'\nlocal m, by = f.model 'sim:a', {}\nf.each({ 1 }, function(p)\n  by[p] = (by[p] or 0) + #m:ask(p).text\nend)",
     ":4: by is read before a call that waits"),
    # what is right
    ("local f = require 'fellowship'\nlocal m, list, n = f.model 'sim:a', {}, 0\nprint(pcall(m.ask, m, 'x'), m.ask(m, 'x'))\n"
     "f.each({ 1 }, function(p)\n  local text = m:ask(p).text\n  list[#list + 1] = text\n  n = n + #text\n  list[p] = m:ask(p).text\n"
     "  local own = {}\n  own[#own + 1] = m:ask(p).text\n  list[#list + 1] = function() return m:ask(p) end\nend)", None),
    ("#!/usr/bin/env fellowship\nlocal a <const>, b = 1, [==[ ]] ]==]\nprint(a // 1, b, 0x1p4, 1e-3, 'it\\'s', a .. -a ^ 2)", None),
    ("goto done\n::done::\nlocal t = { [1] = 2; x = 3, f = function(...) return ... end }\nprint(t.x, t['y'], #t, ~1 & 2 | 3)", None),
    ("for i, v in ipairs {} do local i = i print(i, v) end\nrepeat local z = 1 until z == 1\nwhile false do end", None),
    ("local f = require 'fellowship'\nlocal m = f.model 'sim:a'\nm = { aks = print }\nm:aks 'x'", None),
    ("return { options = {}, run = function(run) print(run.options.limit, run.options['on-error']) end }", None),
    ("local function g() return _ENV, arg end\ng()", None),
]


def check():
    with host.Scratch() as scratch:
        for number, (text, wanted) in enumerate(CASES):
            name = f"case-{number}.lua"
            scratch.write(name, text)
            result = scratch.run("check", name)
            if wanted is None:
                tap.equal((result.status, result.out), (0, f"{name}: nothing found\n"), f"case {number} is right")
            else:
                tap.equal(result.status, 1, f"case {number} is wrong")
                tap.contains(result.out, [name + ":", wanted], f"case {number}: {wanted}")
        result = scratch.run("check", "nowhere.lua")
        tap.equal(result.status, 2, "a file that is not there is a wrong usage")
    shipped = [path for folder in ("examples", "scripts", "lualib/fellowship") for path in (host.ROOT / folder).rglob("*.lua")]
    with host.Scratch() as scratch:
        result = scratch.run("check", *shipped)
        tap.equal(result.status, 0, f"nothing is found in the {len(shipped)} files of the library") or tap.diag(result.out)


def large():
    """A table of a megabyte is data that somebody put into a script: a hundred bytes for each of its own do for checking it."""
    if any(mark in host.PROGRAM.read_bytes() for mark in (b"__asan_init", b"__tsan_init")):
        raise tap.Skip("a sanitizer takes terabytes of addresses")
    tables = {"texts": "".join(f'  a{i} = {{ "x", {i} }},\n' for i in range(40000)), "numbers": "".join(f"  {i},\n" for i in range(110000))}
    with host.Scratch() as scratch:
        for name, rows in tables.items():
            scratch.write("large.lua", "local t = {\n" + rows + "}\nprint(tt)\n")
            result = scratch.run("check", "large.lua", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20)))
            tap.equal((result.status, result.out.count("\n")), (1, 1), f"a table of {len(rows)} bytes of {name} is checked in 300 MB") or tap.diag(result)
            tap.contains(result.out, ["tt"], "and what is wrong behind it is found")


def misused():
    """What a call does not take is refused, and says what is meant."""
    calls = {
        "m.ask('Hi')": "call it with a colon: m:ask(...), not m.ask(...)", "m.respond('Hi')": "call it with a colon: m:respond(...)",
        "f.judge('sim:j').compare({})": "call it with a colon: judge:compare(...)",
        "f.jury({ 'sim:j' }).compare({})": "call it with a colon: jury:compare(...)",
        "f.debate('sim:j').compare({})": "call it with a colon: debate:compare(...)",
        "f.feedback({ generator = m, reviewers = { m } }).respond('x')": "call it with a colon: loop:respond(...)",
        "f.judge('sim:x', { scale = 5 })": "judge takes a model, or one table", "f.jury({ 'sim:x' }, { scale = 5 })": "jury takes one table",
        "f.debate('sim:x', {})": "debate takes a model, or one table", "f.feedback({ generator = m, reviewers = { m } }, 3)": "feedback takes one table",
        "m:ask('x', {}, 3)": "ask takes a prompt and a table of options; the number", "f.judge('sim:j'):compare({ prompt = 'p', a = 'x', b = 'y' }, 2)":
        "compare takes one table, the pair"}
    with host.Scratch() as scratch:
        for call, said in calls.items():
            scratch.write("script.lua", f"local f = require 'fellowship'\nlocal m = f.model 'sim:a'\nlocal x = {call}\nprint(x)\n")
            result = scratch.run("script.lua")
            tap.ok(result.status == 1 and f"script.lua:3: {said}" in result.err, f"{call}: {said}", result)


def strict():
    with host.Scratch() as scratch:
        scratch.write("typo.lua", "local x = 1\nprint(x)\nprint(xx)\n")
        result = scratch.run("typo.lua")
        tap.equal(result.status, 1, "reading an undefined global fails")
        tap.contains(result.err, ['typo.lua:3: undefined global "xx"'], "at its line")
        scratch.write("set.lua", "total = 1\nlocal function f()\n  totl = 2\nend\nprint(total)\nf()\n")
        result = scratch.run("set.lua")
        tap.contains(result.err, ['set.lua:3: undefined global "totl"; did you mean "total"?'], "so does setting one in a function")
        tap.contains(result.out, "1", "a file's own level may set them")
        scratch.write("probe.lua", "print(rawget(_G, 'nothing'), type(arg), require 'cjson' ~= nil)\n")
        tap.equal(scratch.run("probe.lua").out, "nil\ttable\ttrue\n", "rawget asks without failing, and libraries load")


def where():
    """What failed names the script's line, the row, the model and the call."""
    script = """local fellowship = require "fellowship"
local m = fellowship.model "openai:m"
local function deep(row)
  return m:ask(row.prompt).text
end
for row in fellowship.map(fellowship.rows "rows.jsonl", function(row)
  if row.id == "row-1" then error "mine" end
  return deep(row)
end) do end
"""
    with Stub(rules=[{"contains": "<row-2>", "fault": "model_not_found"}]) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(4)
        scratch.write("script.lua", script)
        result = scratch.run("script.lua")
        tap.equal(result.status, 3, "two rows fail")
        tap.contains(result.err, ["row row-1 failed: script.lua:7: mine"], "one by the script, at its line")
        tap.contains(result.err, ["row row-2 failed: openai:m at ", "404", "[script.lua:4, call "], "one by a call")
        kept = {row["id"]: row for row in host.jsonl(scratch / "script.errors.jsonl")}
        tap.equal(kept["row-2"]["line"], "script.lua:4", "errors.jsonl has the line")
        tap.equal((kept["row-2"]["model"], len(kept["row-2"]["key"])), ("openai:m", 64), "the model and the call's key")
        scratch.write("alone.lua", 'local m = require "fellowship".model "openai:m"\n\nprint(m:ask("<row-2>").text)\n')
        result = scratch.run("alone.lua")
        tap.equal(result.status, 1, "an uncaught failure ends a script")
        tap.contains(result.err, ["openai:m", "404", "alone.lua:3, call "], "and says where")


host.need_program()
tap.cases(new, check, large, misused, strict, where)
