#!/usr/bin/env python3
"""Allocations that fail, one after another over a whole run: it ends in time, with a status and never a signal,
and a run after it over the same store is whole.

$FELLOWSHIP_ALLOCATIONS sets how many of the run's allocations are tried (60 when not said), evenly spread.
"""

import concurrent.futures
import os
import re
import signal
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import host
import tap
from stub_server import Stub

TRIES = int(os.environ.get("FELLOWSHIP_ALLOCATIONS") or 60)
SHIM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib", "failing_malloc.c")
SCRIPT = """
local fellowship = require "fellowship"
local model = fellowship.model "openai:m"
local done = 0
for _, text in fellowship.map({ 1, 2, 3, 4 }, function(i) return model:ask("call " .. i).text end) do done = done + 1 end
print(done)
"""


def build(folder):
    if not shutil.which("gcc"):
        raise tap.Skip("there is no compiler")
    shim = os.path.join(folder, "failing_malloc.so")
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", shim, SHIM, "-ldl"], check=True)
    return shim


def failures():
    with tempfile.TemporaryDirectory() as folder, Stub() as server, host.Scratch(server.url) as scratch:
        if b"__asan_init" in host.PROGRAM.read_bytes():
            raise tap.Skip("the sanitizer has its own allocator")
        shim = build(folder)
        scratch.write("ask.lua", SCRIPT)

        def run(at, name):
            return scratch.run("--store", f"{name}.db", "--quiet", "ask.lua", timeout=60,
                               env={"LD_PRELOAD": shim, "FAIL_AT": str(at)})

        low, high = 1, 1 << 20                      # how many allocations a run makes
        while low < high:
            middle = (low + high) // 2
            result = scratch.run("--store", f"count-{middle}.db", "--quiet", "ask.lua", timeout=60,
                                 env={"LD_PRELOAD": shim, "FAIL_AT": str(middle), "FAIL_COUNT": "1000000000"})
            low, high = (middle + 1, high) if result.status != 0 else (low, middle)
        places = sorted({1 + i * low // TRIES for i in range(TRIES)})
        tap.diag(f"a run makes about {low} allocations; {len(places)} of them fail in turn")
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            results = list(pool.map(lambda at: run(at, f"fail-{at}"), places))
        # libuv aborts when it cannot grow its table of descriptors, and libcurl 7.88 divides by the size of a hash
        # that it could not make: neither can be had back from outside.
        theirs = [at for at, r in zip(places, results) if r.status in (-signal.SIGABRT, -signal.SIGFPE)]
        tap.diag(f"{len(theirs)} runs were ended by libuv or libcurl: {theirs}")
        tap.ok(len(theirs) <= len(places) // 20, "hardly any ends inside a foreign library", theirs)
        signalled = [(at, r.status, r.err[-200:]) for at, r in zip(places, results)
                     if r.status < 0 and at not in theirs or r.status > 128]
        tap.equal(signalled, [], "no run ends by a signal of our making")
        silent = [at for at, r in zip(places, results) if r.status > 0 and not r.err.strip()]
        tap.equal(silent, [], "a run that fails says something")
        clean = sum(1 for r in results if r.status == 0)
        named = sum(1 for r in results if r.status != 0 and re.search("memory", r.err))
        tap.diag(f"{clean} runs were not stopped by it, {named} say that memory ran out")
        wrong = []
        for at in places[::6]:
            if not (scratch / f"fail-{at}.db").exists():
                continue
            result = scratch.run("--store", f"fail-{at}.db", "--quiet", "ask.lua")
            if (result.status, result.out.strip()) != (0, "4"):
                wrong.append((at, str(result)[-300:]))
        tap.equal(wrong, [], "and a run after it, over the store it left, is whole")


host.need_program()
tap.cases(failures)
