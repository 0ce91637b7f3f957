#!/usr/bin/env python3
"""Scripts of one's own: how they end, what a failure shows, and several processes on one store."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub

DECLARING = """local fellowship = require "fellowship"
return {
  summary = "shouts each prompt",
  options = {
    { "data", type = "file", required = true, help = "rows" },
    { "times", type = "integer", default = 2, help = "how often" },
  },
  run = function(job)
    local shout <close> = fellowship.writer(job.out .. "/shout.jsonl")
    for row in fellowship.map(fellowship.rows(job.options.data), function(row) return row.id end) do
      shout:write { id = row.id, text = row.prompt:upper():rep(job.options.times) }
    end
  end,
}
"""


def endings():
    """Plain chunks: status and message of each way to end."""
    chunks = {
        "a runtime error": ('local function inner() error("boom") end\n\ninner()\n', 1, ["script.lua:1: boom", "script.lua:3"]),
        "a syntax error": ("local x = 1\nlocal y = = 2\n", 1, ["script.lua:2"]),
        "an error in a task": ('local f = require "fellowship"\nf.spawn(function() error("lost") end):await()\n', 1,
                               ["script.lua:2: lost"]),
        "an error in a task that nobody awaits": ('local f = require "fellowship"\nf.spawn(function() error("lost") end)\n'
                                                  "f.sleep(0.05)\n", 1, ["lost"]),
        "a call where Lua cannot suspend": ('local f = require "fellowship"\nlocal m = f.model "sim:any"\ntable.sort({ 3, 2, 1 },'
                                            ' function(a, b) m:ask("x") return a < b end)\n', 1, ["script.lua:3", "table.sort"]),
        "tasks that wait for each other": ('local f = require "fellowship"\nlocal a, b\na = f.spawn(function() f.sleep(0) b:await()'
                                           ' end)\nb = f.spawn(function() f.sleep(0) a:await() end)\na:await()\n', 1, ["deadlock"]),
        "an unknown option of the library": ('local f = require "fellowship"\nf.judge { modle = "sim:any" }\n', 1,
                                             ["script.lua:2", "modle", "model"]),
    }
    with host.Scratch() as scratch:
        for name, (text, status, parts) in chunks.items():
            scratch.write("script.lua", text)
            result = scratch.run("script.lua", timeout=20)
            tap.equal(result.status, status, f"{name}: status {status}")
            tap.contains(result.err, parts, f"{name}: says {', '.join(parts)}")
        scratch.write("script.lua", "print(arg[0], #arg, arg[1], arg[2])")
        tap.equal(scratch.run("--concurrency", 2, "script.lua", "a b", "--own").out, "script.lua\t2\ta b\t--own\n",
                  "arguments behind the script are the script's")
        shebang = scratch.write("shebang", f"#!{host.PROGRAM}\nprint('ran')\n")
        shebang.chmod(0o755)
        ran = host.subprocess.run([shebang], cwd=scratch.path, env=scratch.environment, capture_output=True, text=True)
        tap.equal((ran.returncode, ran.stdout), (0, "ran\n"), "a first line of #! works")


# What a script raises, and what must be said of it.
RAISED = {
    'error { code = 7, message = "the pump stopped" }': "the pump stopped (code 7)",
    'error(setmetatable({ where = "here" }, { __tostring = function() error "no text" end }))':
        'an error table: where "here"; its __tostring fails: script.lua:2: no text',
    'error(setmetatable({ message = "kept" }, { __tostring = function() error {} end, __index = function() error "no" end }))':
        "kept (its __tostring fails",
    "error()": "an error without a message (nil)",
    "error(true)": "true",
    'error { kind = "mine", message = { 1 } }': 'an error table: kind "mine"',
    'error(setmetatable({}, { __tostring = function() return "said by itself" end }))': "said by itself",
    'error { traceback = "x", value = 1, message = "looks like ours" }': 'looks like ours (traceback "x", value 1)',
    'error(setmetatable({ message = "named" }, { __name = "Mine", __metatable = false }))': "named",
}


def raised():
    """Whatever a script raises, its message is kept: uncaught, in a task, and in a row."""
    with host.Scratch() as scratch:
        for what, said in RAISED.items():
            for how, status in (("%s()", 1), ("f.spawn(%s) f.sleep(0.01)", 1), ("f.each({ { id = 1 } }, %s)", 3)):
                scratch.write("script.lua", f'local f = require "fellowship"\nlocal function fails() {what} end\n{how % "fails"}\n')
                result = scratch.run("script.lua", timeout=20)
                tap.ok(result.status == status and said in result.err, f"{how % what}: {said}", result)
            tap.contains(host.jsonl(scratch / "script.errors.jsonl")[0]["message"], said, "and errors.jsonl has it")


def unawaited():
    """Tasks that nobody awaits: equal failures are told once, with their count, and a run stopped by its rows without a traceback."""
    with host.Scratch() as scratch:
        def run(body):
            scratch.write("script.lua", f'local f = require "fellowship"\n{body}\nf.sleep(0.01)\n')
            return scratch.run("script.lua", timeout=20)
        result = run('for i = 1, 300 do f.spawn(function() error("task " .. i) end) end')
        tap.equal((result.status, result.err.count("script.lua:2: task"), result.err.count("stack traceback")), (1, 1, 1), "300 alike: one is told")
        tap.contains(result.err, ["script.lua:2: task 1\n", "300 tasks failed so"], "the first, and how many there are")
        result = run('for i = 1, 30 do f.spawn(function() error(("x"):rep(i)) end) end')
        tap.equal(result.err.count("stack traceback"), 10, "of thirty that differ ten are told")
        tap.contains(result.err, ["tasks failed in 20 ways more"], "and that there are more")
        result = run('f.spawn(function() f.model("openai:x"):ask "Hi" end)')
        tap.ok(result.status == 1 and "OPENAI_API_KEY is not set" in result.err and "traceback" not in result.err,
               "what the message says whole has no traceback", result)
        scratch.write("rows.jsonl", [{"id": i} for i in range(40)])
        result = run('f.each(f.rows "rows.jsonl", function(row) error "no row" end)')
        tap.ok(result.status == 1 and "the first 20 rows all failed alike" in result.err and "lualib/" not in result.err,
               "nor has the stop of a run that its rows' failures explain", result)


def cannot_wait():
    """Where Lua cannot suspend is named."""
    with host.Scratch() as scratch:
        scratch.write("asks.lua", 'return require "fellowship".model "sim:any":ask("x").text')
        scratch.write("script.lua", """local f = require "fellowship"
local m = f.model "sim:any"
print(pcall(require, "asks"))
print(pcall(tostring, setmetatable({}, { __tostring = function() return m:ask("x").text end })))
""")
        lines = scratch.run("script.lua", env={"LUA_PATH": "./?.lua;;"}).out.splitlines()
        for line, name in zip(lines, ("require", "__tostring"), strict=True):
            tap.ok(line.startswith("false") and "cannot wait here" in line and name in line, f"cannot wait here: {name}", line)


def declaring():
    with host.Scratch() as scratch:
        scratch.write("shout.lua", DECLARING)
        scratch.write("rows.jsonl", [{"id": "x", "prompt": "hi"}])
        help_text = scratch.run("run", "shout.lua", "--help")
        tap.equal(help_text.status, 0, "a declaring script: --help")
        tap.contains(help_text.out, ["shouts each prompt", "--times", "how often", "--offline"], "shows what it declares")
        for prefix in ([], ["run"]):
            result = scratch.run(*prefix, "shout.lua", "--data", "rows.jsonl", "--times", 3, "--out", f"out{len(prefix)}")
            tap.equal(result.status, 0, f"{' '.join(prefix)} shout.lua runs")
            tap.equal(host.jsonl(scratch / f"out{len(prefix)}/shout.jsonl"), [{"id": "x", "text": "HIHIHI"}], "with its options")
        tap.equal(scratch.run("run", "shout.lua", "--out", "o").status, 2, "a required option that is missing: status 2")


def busy_loop():
    """A script that computes without end can still be stopped."""
    with host.Scratch() as scratch:
        scratch.write("script.lua", 'io.stderr:write("started\\n") while true do end\n')
        process = scratch.start("script.lua")
        host.until(lambda: os.fstat(process.files[1].fileno()).st_size > 0)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        tap.equal(scratch.finish(process, 60).status, 130, "Ctrl+C three times ends a busy loop: status 130")


def one_store():
    """Four processes at once over one store agree, whoever asks first."""
    with Stub(latency_ms=5) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(60)
        running = [scratch.start(*host.preference_arguments(f"out{i}")) for i in range(4)]
        tap.equal([scratch.finish(process).status for process in running], [0] * 4, "four processes on one store")
        trees = [host.tree(scratch / f"out{i}", ["run.json"]) for i in range(4)]
        for tree in trees[1:]:
            host.same_tree(tree, trees[0], "the same bytes")
        tap.ok(len(server.log()) < 4 * 420, f"calls are shared between them ({len(server.log())} of {4 * 420})")


def output_lost():
    """Results that cannot be printed are a failure."""
    with host.Scratch() as scratch, open("/dev/full", "w") as full:
        listed = host.subprocess.run([host.PROGRAM, "list"], stdout=full, stderr=host.subprocess.PIPE, cwd=scratch.path,
                                     env=scratch.environment)
        tap.equal((listed.returncode, b"cannot write" in listed.stderr), (1, True), "list > /dev/full: status 1, and why")
        for words in (["list"], ["help"], ["reference"]):
            reading, writing = os.pipe()
            os.close(reading)
            told = host.subprocess.run([host.PROGRAM, *words], stdout=writing, stderr=host.subprocess.PIPE, cwd=scratch.path,
                                       env=scratch.environment)
            os.close(writing)
            tap.equal((told.returncode, told.stderr), (1, b""), f"{words[0]} into a pipe whose reader has gone: status 1, and no word")


host.need_program()
tap.cases(endings, raised, unawaited, cannot_wait, declaring, busy_loop, one_store, output_lost)
