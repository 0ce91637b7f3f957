#!/usr/bin/env python3
"""The REPL: typed at through a pseudo-terminal, and piped."""

import json
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub
from terminal import Terminal

PROMPT = r"(^|\n)> "


def session(scratch, **options):
    terminal = Terminal(scratch, "repl", **options)
    tap.ok(terminal.wait_for(r"help\(\).*\n> "), "the REPL greets and prompts") or tap.diag(terminal.text)
    return terminal


def shows(terminal, typed, wanted, name):
    terminal.type(typed)
    tap.ok(terminal.wait_for(wanted), name, repr(terminal.text[-600:]))


def leave(terminal):
    terminal.type("\x04")
    tap.equal(terminal.finish(), 0, "Ctrl+D ends the session")


def values():
    with host.Scratch() as scratch, session(scratch) as t:
        shows(t, "1 + 1, 'x'\r", r'\n2\n"x"\n> ', "an expression prints its values")
        shows(t, "{ 1, { name = 'é', list = {} } }\r", r'\n\{ 1, \{ list = \{\}, name = "é" \} \}\n', "a table is shown")
        shows(t, "('word '):rep(40)\r", r"\n(word ){15}word\n", "a long text is wrapped to the terminal")
        shows(t, "x = 'wide: 日本 ü'\rx\r", r'\n"wide: 日本 ü"\n', "UTF-8 is typed and shown")
        shows(t, "local y = 5\ry\r", r'undefined global "y".*hint: a `local` lives only', "a lost local is explained")
        shows(t, "prin(1)\r", r'input:1: undefined global "prin"; did you mean "print"\?', "a typo fails with a hint")
        shows(t, "x x\r", r"error: input:1: .*syntax error", "so does bad syntax")
        shows(t, "judge\r", r"hint: it is fellowship\.judge", "a name without its module is found")
        leave(t)
        tap.ok(t.echoes(), "the terminal is as it was")


def completion():
    with host.Scratch() as scratch, session(scratch) as t:
        shows(t, "fellowsh\t", r"fellowship", "a global is completed")
        shows(t, ".mo\t", r"\.model", "and a field")
        shows(t, " 's\t", r" 'sim:", "and a model's provider")
        t.type("a'\r")
        shows(t, "m = fellowship.model 'sim:a'\rm:\t", r"ask\s+respond\s+reward\s+stream\s+with\s+with_defaults", "methods are listed")
        shows(t, "a\t('Hi').text\r", r"m:ask\('Hi'\)\.text.*\[sim\]", "and completed")
        shows(t, "fellowship.judge { stra\t = 'direct', model = m }\r", r"strategy = 'direct'", "options are completed")
        scratch.write("my-script.lua", "loaded = 42\n")
        shows(t, ".lo\t my-s\t\rloaded\r", r"\.load my-script\.lua.*\n42\n", "and files, which .load runs")
        leave(t)


def lines():
    with host.Scratch() as scratch, session(scratch) as t:
        shows(t, "for i = 1, 2 do\r", r"\n>> ", "an open block goes on")
        shows(t, "print('line ' .. i) end\r", r"line 1\nline 2\n> ", "until it is closed")
        shows(t, "function f(\r", r"\n>> ", "so does another one")
        shows(t, "\x03", r"\n> ", "Ctrl+C gives it up")
        shows(t, "1\r", r"\n1\n", "and what follows is new")
        shows(t, "print 'begun' fellowship.sleep(60)\r", r"\nbegun\n", "an expression waits")
        shows(t, "\x03", r"interrupted\n> ", "Ctrl+C cancels it, not the session")
        shows(t, "print 'begun' while true do end\r", r"\nbegun\n", "an expression computes without end")
        shows(t, "\x03", r"interrupted\n> ", "Ctrl+C ends that too")
        shows(t, "'still here'\r", r'\n"still here"\n', "the session goes on")
        leave(t)


def calls():
    with Stub(latency_ms=400, rules=[{"contains": "Other", "delay": 3}]) as server, host.Scratch(server.url) as scratch, session(scratch) as t:
        shows(t, "m = fellowship.model 'openai:m'\r", PROMPT, "a model")
        shows(t, "m:ask('Hi').text\r", r"\nAnswer [0-9a-f]+", "a call is made at the prompt")
        t.type("fellowship.spawn(function() return 'came: ' .. m:ask('Other').text end)\r")
        shows(t, "half = 'typ", r"task \(suspended\).*half = 'typ", "typing goes on while a task asks")
        tap.ok(t.wait_for(r"task: came: Answer [0-9a-f]+.*\n> half = 'typ"), "its result comes, and the line comes back",
               repr(t.text[-600:]))
        shows(t, "ed'\rhalf\r", r'\n"typed"\n', "nothing that was typed is lost")
        shows(t, "fellowship.spawn(function() fellowship.sleep(0.1) error 'boo' end)\r", r"error: input:1: boo",
              "a spawned task's failure is told")
        shows(t, ".cost\r", r"2 calls made, 0 from the store.*cost unknown", ".cost counts")
        shows(t, ".store\r", r"store\.db: 2 completions", ".store counts")
        shows(t, "m:ask('Hi').stored\r", r"\ntrue\n", "what was asked comes from the store")
        shows(t, ".nonsense\r", r"there is no \.nonsense", "an unknown command is told")
        leave(t)


def failures():
    rules = [{"contains": "nope", "fault": "model_not_found"}]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch, session(scratch) as t:
        shows(t, "fellowship.model('openai:m'):ask 'nope'\r",
              r"error: openai:m at .*404.*kind not_found.*status 404.*call [0-9a-f]{12}.*\n> ", "a failed call is explained")
        leave(t)


def help_and_history():
    with host.Scratch() as scratch:
        with session(scratch) as t:
            shows(t, "help()\r", r"fellowship\.judge.*\.load FILE", "help tells what there is")
            shows(t, "help(fellowship.judge)\r", r"fellowship\.judge\(options\).*example", "and explains a function")
            shows(t, "if true then\rremembered = 7 end\r", r">> .*\n> ", "a line for the history")
            leave(t)
        with session(scratch) as t:
            shows(t, "\x1b[A\x1b[A\x1b[B", r"remembered = 7", "the history is there after a restart")
            shows(t, "\rremembered\r", r"\n7\n", "an entry of several lines runs as one")
            leave(t)


def resizing():
    with host.Scratch() as scratch, session(scratch, columns=100) as t:
        t.type("x = '" + "long " * 15)
        t.take(0.3)
        t.resize(40, 30)
        t.take(0.3)
        shows(t, "end'\r#x\r", r"\n78\n", "a line survives a narrower window")
        leave(t)


def signals():
    with host.Scratch() as scratch:
        with session(scratch) as t:
            t.process.terminate()
            tap.equal(t.finish(), 143, "SIGTERM ends the session")
            tap.ok(t.echoes(), "and the terminal is as it was")
        with session(scratch) as t:
            shows(t, "table.sort({ 1, 2 }, function() print 'begun' while true do end end)\r", r"\nbegun\n", "a sort without end")
            shows(t, "\x03", r"interrupted\n> ", "Ctrl+C ends what computes below a function in C")
            for depth in ("coroutine.wrap(function() %s end)()", "coroutine.resume(coroutine.create(function() %s end))",
                          "coroutine.wrap(function() coroutine.wrap(function() %s end)() end)()",
                          "for _ in coroutine.wrap(function() %s end) do end"):
                shows(t, depth % "print 'begun' while true do end" + "\r", r"\nbegun\n", "a coroutine")
                shows(t, "\x03", r"> $", "Ctrl+C ends what computes in it")
            shows(t, "print(1 + 1)\r", r"\n2\n", "and the session goes on")
            shows(t, "print 'begun' _ = (('a'):rep(100000)):find(('.-'):rep(4) .. 'b')\r", r"\nbegun\n", "a search without end")
            for _ in range(4):
                t.take(0.2)
                t.type("\x03")
            tap.equal(t.finish(), 130, "what nothing else ends, the fourth Ctrl+C does")
            tap.ok(t.echoes(), "with the terminal as it was")


# What is typed, and what it goes on with: inside of strings and tables too.
TYPED = {'fellowship.model "openai:gpt-4o?temp': "erature=", 'fellowship.model "anthro': "pic:", 'fellowship.judge { model = "sim:a", strategy = "c': "ombined",
         'fellowship.judge { model = "sim:a", scal': "e", 'fellowship.jury { "sim:a", "tog': "ether:",
         'fellowship.feedback { generator = "sim:a", reviewers = { "sim:b", "vl': "lm:", 'fellowship.model { "ollam': "a:",
         "fellowship.preference.qual": "ity", "fellowship.preference.quality.sc": "ores", 'fellowship.judge("sim:a"):comp': None}


def completed():
    with host.Scratch() as scratch:
        scratch.write("typed.json", json.dumps(list(TYPED)))
        scratch.write("script.lua", """fellowship = require "fellowship"
local complete = require "fellowship.command.repl.complete"
local file <close> = io.open "typed.json"
for _, before in ipairs(fellowship.json.decode(file:read "a")) do print((complete.line(before, {}, 80))) end
""")
        result = scratch.run("script.lua")
        for (before, wanted), got in zip(TYPED.items(), result.out.splitlines(), strict=True):
            tap.equal(got, str(wanted).replace("None", "nil"), f"{before} is completed")


def piped():
    def run(text):
        with host.Scratch() as scratch:
            scratch.write("input", text)
            with open(scratch / "input") as source:
                return scratch.run("repl", stdin=source)
    result = run("print(1+1)\n")
    tap.equal((result.status, result.out), (0, "2\n"), "a file is read without a prompt")
    result = run("for i = 1, 2 do\nprint(i)\nend\nm = fellowship.model 'sim:a'\nm:ask('Hi').finish_reason")
    tap.equal((result.status, result.out), (0, '1\n2\n"stop"\n'), "blocks and calls work, without a line end at the end")
    result = run("error 'bad'\nprint 'after'\n")
    tap.equal(result.status, 1, "what failed is in the exit status")
    tap.contains(result.out, ["bad", "after"], "and the rest is run")
    result = run("m = fellowship.model 'sim:a'\nhelp\nhelp winrate\nhelp m:ask\nhelp(fellowship.jury)\nexit\nprint 'behind'\n")
    tap.equal(result.status, 0, "help and exit need no brackets")
    tap.contains(result.out, ["fellowship.gather", "fellowship run winrate", "--against", "fellowship.jury(options)"], "help tells")
    tap.lacks(result.out, ["behind", "error:"], "and exit ends")
    tap.equal(run("quit = 5\nquit\nexit()\nprint 'behind'").out, "5\n", "a global that is called so goes before; exit() ends too")
    result = run("for _ in fellowship.map({ 1, 2, 3, 4 }, function(n) error(n > 3 and 'other' or 'same') end) do end\n"
                 "for i = 1, 5 do fellowship.spawn(function() error 'lost' end) end\nfellowship.sleep(0.5)\n")
    tap.equal([result.out.count(text) for text in ("same", "other", "3 rows failed alike", "lost", "5 tasks failed so")], [2, 1, 1, 2, 1],
              "equal failures are told once, with their count")
    with host.Scratch() as scratch:
        shell = subprocess.run(["sh", "-c", f"echo 'print(6*7)' | '{host.PROGRAM}' repl"], cwd=scratch.path,
                               env=scratch.environment, capture_output=True, text=True, timeout=60)
        tap.equal((shell.returncode, shell.stdout), (0, "42\n"), "so does a pipe")
    ours, theirs = socket.socketpair()
    with host.Scratch() as scratch:
        process = scratch.start("repl", stdin=theirs)
        ours.sendall(b"print(6*7)\n")
        host.until(lambda: os.fstat(process.files[0].fileno()).st_size > 0)
        tap.ok(theirs.getblocking() and os.get_blocking(theirs.fileno()), "a socket, which cannot be opened again, is left as it is for others")
        ours.sendall(b"print(7*7)\n")
        ours.close()
        theirs.close()
        tap.equal(scratch.finish(process).out, "42\n49\n", "and read")
    result = run("x = = 1\n")
    tap.contains(result.out, "error: input:1:", "bad syntax names its line")
    result = run("if true then")
    tap.equal(result.status, 1, "an open block at the end is an error")


host.need_program()
tap.cases(values, completion, lines, calls, failures, help_and_history, resizing, signals, completed, piped)
