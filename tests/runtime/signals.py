#!/usr/bin/env python3
"""What ends a run from outside ends it in time, whatever it waits for: quiet pipes, named pipes, terminals, calls that
never answer, scripts that compute or wait in the system; and with the status that the signal means."""

import contextlib
import os
import pty
import resource
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub

HEAD = 'local fellowship = require "fellowship"\nlocal task = require "fellowship.core.task"\nio.stderr:write "begun\\n"\n'
READ = HEAD + 'for row in fellowship.rows(arg[1]) do print(row.id) end'
FAIL = HEAD + """fellowship.spawn(function() for row in fellowship.rows(arg[1]) do print(row.id) end end)
task.sleep(0.1)
error "boom" """
SOON = 60               # seconds, on a machine that does much else; what does not end by itself stays for good
ENDS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@contextlib.contextmanager
def running(scratch, *arguments, **options):
    process = scratch.start(*arguments, start_new_session=True, **options)
    try:
        host.until(lambda: "begun" in host.said(process) or process.poll() is not None, SOON)
        time.sleep(0.1)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def ends(scratch, process, name, status, within=SOON):
    """It ends by itself with the status; gives the result."""
    started = time.monotonic()
    try:
        result = scratch.finish(process, within)
    except RuntimeError as problem:
        tap.ok(False, name, str(problem)[-300:])
        return None
    tap.equal(result.status, status, f"{name} ({time.monotonic() - started:.1f} s)")
    return result


@contextlib.contextmanager
def quiet_input(scratch, kind):
    """Something that says nothing: (argument of a script, its standard input)."""
    if kind == "pipe":
        reading, writing = os.pipe()
        yield "-", reading
        os.close(reading)
        os.close(writing)
    elif kind == "terminal":
        master, slave = pty.openpty()
        yield "-", slave
        os.close(slave)
        os.close(master)
    elif kind == "socket":
        import socket
        ours, theirs = socket.socketpair()
        yield "-", theirs.fileno()
        ours.close()
        theirs.close()
    else:
        path = scratch / "fifo"
        os.mkfifo(path)
        writer = os.open(path, os.O_RDWR) if kind == "named pipe" else None
        yield "fifo", subprocess.DEVNULL
        if writer:
            os.close(writer)
        path.unlink()


KINDS = ("pipe", "terminal", "socket", "named pipe", "named pipe that nobody writes")


def reading():
    with host.Scratch() as scratch:
        scratch.write("read.lua", READ)
        scratch.write("fail.lua", FAIL)
        for kind in KINDS:
            with quiet_input(scratch, kind) as (argument, stdin):
                with running(scratch, "read.lua", argument, stdin=stdin) as process:
                    process.send_signal(signal.SIGINT)
                    ends(scratch, process, f"Ctrl+C ends a script that reads from a quiet {kind}", 130)
                with running(scratch, "fail.lua", argument, stdin=stdin) as process:
                    result = ends(scratch, process, f"a script that fails beside one ends", 1)
                    tap.contains(result.err if result else "", ["boom", "fail.lua:6"], "and says why")
        for number, status in ENDS:
            with quiet_input(scratch, "pipe") as (argument, stdin), running(scratch, "read.lua", argument, stdin=stdin) as process:
                process.send_signal(number)
                ends(scratch, process, f"{number.name} ends it too", status)


def shared_input():
    """Standard input is left as it was: those who share it do not find it made non-blocking."""
    with host.Scratch() as scratch:
        scratch.write("read.lua", READ)
        reading, writing = os.pipe()
        with running(scratch, "read.lua", "-", stdin=reading) as process:
            tap.ok(os.get_blocking(reading), "a pipe that is read stays blocking for those who share it")
            os.write(writing, b'{"id":1}\n')
            os.close(writing)
            result = ends(scratch, process, "and is read to its end", 0)
            tap.equal(result.out if result else None, "1\n", "whole")
        os.close(reading)


def starving():
    """Four quiet pipes took all threads, and nothing was written."""
    with host.Scratch() as scratch:
        for i in range(6):
            os.mkfifo(scratch / f"{i}.jsonl")
        scratch.write("many.lua", HEAD + """
for i = 0, 5 do fellowship.spawn(function() for _ in fellowship.rows(i .. ".jsonl") do end end) end
task.sleep(0.2)
local out = fellowship.writer "out.jsonl"
for i = 1, 50000 do out:write { id = i, text = ("x"):rep(60) } end
out:close()
local count = 0
for _ in fellowship.rows "out.jsonl" do count = count + 1 end
print(count)
error "the end" """)
        with running(scratch, "many.lua") as process:
            result = ends(scratch, process, "six quiet pipes stop no writer and no reader", 1)
            tap.equal(result.out if result else None, "50000\n", "which do their work")


CALL = HEAD + """local model = fellowship.model "openai:m"
fellowship.all(function() return model:ask "one" end, function() return model:ask "two" end)"""
COMPUTE = HEAD + "local n = 0\nwhile true do n = n + 1 end"
STALL = HEAD + """local model = fellowship.model "openai:m"
local call = fellowship.spawn(function() return model:ask "other" end)
task.sleep(0.3)
local since = os.clock()
while os.clock() - since < 7 do end
print(call:await().text)"""


def patience():
    """What takes nine seconds, all at once."""
    with Stub(rules=[{"contains": "other", "delay": 9}, {"fault": "hang"}]) as server, host.Scratch(server.url) as scratch:
        scratch.write("call.lua", CALL)
        scratch.write("compute.lua", COMPUTE)
        scratch.write("stall.lua", STALL)
        with running(scratch, "call.lua") as calling, running(scratch, "compute.lua") as computing, \
                running(scratch, "stall.lua") as stalling:
            host.until(lambda: len(server.log()) == 3, SOON)
            started = time.monotonic()
            calling.send_signal(signal.SIGTERM)
            computing.send_signal(signal.SIGTERM)
            tap.ok(host.until(lambda: "terminated, but" in host.said(computing), SOON), "the first SIGTERM to a loop without end is answered")
            result = ends(scratch, calling, "SIGTERM gives calls that hang nine seconds", 143, 9 + SOON)
            tap.ok(time.monotonic() - started > 8, "and no less")
            if result:
                tap.contains(result.err, ["terminated; 2 calls under way have 9 s", "2 calls under way are given up"], "and says so")
            ends(scratch, computing, "and ends a loop without end", 143, 9 + SOON)
            tap.ok(time.monotonic() - started > 8, "no sooner")
            # Without a signal.
            result = ends(scratch, stalling, "a script that computes for seven seconds ends", 0, host.TIMEOUT)
            tap.contains(result.err if result else "", ["stall.lua:8 computes", "for 5 s: 1 call under way stands still"],
                         "and was told that a call stood still")


def twice():
    with Stub(rules=[{"fault": "hang"}]) as server, host.Scratch(server.url) as scratch:
        scratch.write("call.lua", CALL)
        with running(scratch, "call.lua") as process:
            host.until(lambda: len(server.log()) == 2, SOON)
            process.send_signal(signal.SIGTERM)
            tap.ok(host.until(lambda: "terminated; 2 calls" in host.said(process), SOON), "the first SIGTERM waits for calls that hang")
            process.send_signal(signal.SIGTERM)
            result = ends(scratch, process, "a second one ends it at once", 143)
            tap.contains(result.err if result else "", ["2 calls under way are given up"], "and it is told what was given up")


PATTERN = HEAD + '_ = (("a"):rep(100000)):find((".-"):rep(4) .. "b")'
OPEN = HEAD + 'io.open "fifo"'
GSUB = HEAD + '_ = ("a"):gsub("a", function() while true do end end)'
WRAP = HEAD + "local f = coroutine.wrap(function() while true do end end)\nf()"


def computing():
    with host.Scratch() as scratch:
        os.mkfifo(scratch / "fifo")
        for name, script, place in (("computes", COMPUTE, "compute.lua:5"), ("computes in a coroutine", WRAP, "compute.lua:4"),
                                    ("searches without end", PATTERN, ""), ("opens a pipe that nobody writes", OPEN, ""),
                                    ("computes where it cannot be suspended", GSUB, "compute.lua:4")):
            scratch.write("compute.lua", script)
            with running(scratch, "compute.lua") as process:
                process.send_signal(signal.SIGTERM)
                tap.ok(host.until(lambda: "nothing else go on" in host.said(process), SOON), f"a script that {name}: SIGTERM is answered",
                       host.said(process))
                tap.contains(host.said(process), ["terminated, but", place], "with where it is")
                process.send_signal(signal.SIGTERM)
                ends(scratch, process, "a second one ends it", 143)


def children():
    """Programs that a script starts have signals and limits as the script's caller set them."""
    with host.Scratch() as scratch:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = min(soft, 1000)
        scratch.write("child.lua", """
local function output(command)
  local pipe <close> = io.popen(command)
  return pipe:read "a"
end
io.write(output "ulimit -Sn", output "(yes 2>&1; echo \\"by $?\\" >&2) | head -n 1")
io.write(output "grep -E 'Sig(Ign|Blk)' /proc/self/status")
print(os.execute "ulimit -Sn; exit 3")
print(os.execute())
print(pcall(os.execute, {}))
print(pcall(io.popen, "true", "q"))""")

        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)

        result = scratch.run("child.lua", preexec_fn=limit)
        lines = result.out.splitlines()
        tap.equal(lines[:2], [str(wanted), "y"], "io.popen: as many open files as before, and pipes that work")
        tap.lacks(result.err, ["Broken pipe"], "which end those who write into them in silence")
        masks = [int(line.split()[1], 16) & 0x7FFFFFFF for line in lines if line.startswith(("SigBlk", "SigIgn"))]
        tap.equal(masks, [0, 0], "no signal is blocked or ignored")
        tap.ok(lines.count(str(wanted)) == 2 and "nil\texit\t3" in lines and "true" in lines, "os.execute: the limit, and the command's status",
               result.out)
        tap.contains(result.out, ["false\tbad argument #1 to", "invalid mode"], "and errors are as ever")


def closed_streams():
    with host.Scratch() as scratch:
        scratch.write("files.lua", """
local file = assert(io.open("made.txt", "w"))
print "printed"
io.stderr:write "told\\n"
file:write "kept"
file:close()
local out <close> = require "fellowship".writer "rows.jsonl"
out:write { id = 1 }""")
        for closed in ([0], [1], [2], [0, 1, 2]):
            def close():
                for fd in closed:
                    os.close(fd)
            result = scratch.run("files.lua", preexec_fn=close)
            tap.equal(result.status, 0, f"closed {closed}: status 0")
            tap.equal(((scratch / "made.txt").read_text(), (scratch / "rows.jsonl").read_text()), ("kept", '{"id":1}\n'),
                      "and no file gets what is printed")


def hangup():
    with host.Scratch() as scratch:
        scratch.write("sleep.lua", HEAD + "task.sleep(1)\nprint 'slept'")
        with running(scratch, "sleep.lua", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as process:
            process.send_signal(signal.SIGHUP)
            result = ends(scratch, process, "SIGHUP that was ignored before (nohup) stays ignored", 0)
            tap.equal(result.out if result else None, "slept\n", "and the script goes on")


host.need_program()
tap.cases(reading, shared_input, starving, patience, twice, computing, children, closed_streams, hangup)
