#!/usr/bin/env python3
"""Little address space (ulimit -v), from less than the program needs to begin up to enough: it ends with a status and
a word, and never because memory was used that was not there."""

import os
import resource
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

MB = 1 << 20
SCRIPT = """
local fellowship = require "fellowship"
local model = fellowship.model "sim:any"
for _, text in fellowship.map({ 1, 2, 3, 4 }, function(i) return model:ask("call " .. i).text end) do assert(#text > 0) end
print "done"
"""


def limits():
    if any(mark in host.PROGRAM.read_bytes() for mark in (b"__asan_init", b"__tsan_init")):
        raise tap.Skip("a sanitizer takes terabytes of addresses")
    with host.Scratch() as scratch:
        scratch.write("ask.lua", SCRIPT)

        def run(size):
            return scratch.run("--store", f"{size}.db", "--quiet", "ask.lua", timeout=host.TIMEOUT,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (size * MB, size * MB)))

        results = {size: run(size) for size in [*range(8, 50), 60, 80, 105, 160, 400]}
        wrong = {size: str(r) for size, r in results.items() if r.status in (-signal.SIGSEGV, -signal.SIGBUS)}
        tap.equal(wrong, {}, "no run uses memory that is not there")
        silent = [size for size, r in results.items() if r.status > 0 and not r.err.strip()]
        tap.equal(silent, [], "a run that fails says why")
        nameless = {size: r.err for size, r in results.items() if "without a message" in r.err}
        tap.equal(nameless, {}, "and in words")
        tap.equal((results[400].status, results[400].out), (0, "done\n"), "with enough it is done")
        tap.equal(results[20].status, 1, "with less than it needs to begin it does not begin")
        tap.contains(results[20].err, ["out of memory", "24 MB"], "which is told")


host.need_program()
tap.cases(limits)
