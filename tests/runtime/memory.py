#!/usr/bin/env python3
"""Allocations that fail, one after another over a whole run: it ends in time, with a status and never a signal,
and a run after it over the same store is whole. In a build with AddressSanitizer: nothing leaks.

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

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub

# Linked with the C library's malloc: jemalloc's, inside the program, no library can stand before.
SANITIZED = b"__asan_init" in host.PROGRAM.read_bytes()
if not SANITIZED:
    program, host.PROGRAM = host.PROGRAM, host.PROGRAM.with_name("fellowship-libc")
    fresh = host.PROGRAM.exists() and host.PROGRAM.stat().st_mtime >= program.stat().st_mtime
    # `make units` builds it; one that is older than the program may know less than the library wants.
    if not fresh and program.parent == host.ROOT / "build" and shutil.which("make"):
        subprocess.run(["make", "-s", "-C", host.ROOT, "build/fellowship-libc"], check=True, stdout=subprocess.DEVNULL)

TRIES = int(os.environ.get("FELLOWSHIP_ALLOCATIONS") or 60)
SHIM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib", "failing_malloc.c")
SCRIPT = """
local fellowship = require "fellowship"
local model = fellowship.model "stub"
local done = 0
for _, text in fellowship.map({ 1, 2, 3, 4 }, function(i) return model:ask("call " .. i).text end) do done = done + 1 end
print(done)
"""
# A request that libcurl has mutilated, since it could not put together a line of it, gets no answer.
MODELS = 'return { stub = { model = "openai:m", timeouts = { total = 5 } } }'
# Libraries that come with libcurl; what they lose of their own when they are set up is out of reach.
THEIRS = ("libcrypto", "libssl", "libgnutls", "libp11-kit", "libkrb5", "libgssapi", "libldap", "libsasl2",
          "_dlerror_run")               # and the C library's note of why a library could not be loaded


def build(folder):
    if not shutil.which("gcc"):
        raise tap.Skip("there is no compiler")
    shim = os.path.join(folder, "failing_malloc.so")
    # Frame pointers, and no calls that replace their caller's frame: the sanitizer walks through it.
    subprocess.run(["gcc", "-O1", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-shared", "-fPIC", "-o", shim,
                    SHIM, "-ldl", *(["-DSANITIZED"] if SANITIZED else [])], check=True)
    return shim


def count(scratch, run):
    """How many allocations a run makes: the first number from which all may fail without harm."""
    low, high = 1, 1 << 20
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if run(middle, 10**9) != 0 else (low, middle)
    places = sorted({1 + i * low // TRIES for i in range(TRIES)})
    tap.diag(f"a run makes about {low} allocations; {len(places)} of them fail in turn")
    return places


def many(at):
    """Lua collects garbage and tries again when an allocation fails: it takes several for an error."""
    return 1 + 4 * (at % 2)


def failures():
    with tempfile.TemporaryDirectory() as folder, Stub() as server, host.Scratch(server.url) as scratch:
        if SANITIZED:
            raise tap.Skip("the sanitizer has its own allocator")
        if not host.PROGRAM.exists():
            raise tap.Skip(f"there is no {host.PROGRAM}; make units builds it")
        shim = build(folder)
        scratch.write("ask.lua", SCRIPT)
        scratch.write("models.lua", MODELS)

        def run(at, name, many):
            return scratch.run("--models", "models.lua", "--store", f"{name}.db", "--quiet", "ask.lua", timeout=host.TIMEOUT,
                               env={"LD_PRELOAD": shim, "FAIL_AT": str(at), "FAIL_COUNT": str(many)})

        places = count(scratch, lambda at, many: run(at, f"count-{at}", many).status)
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            results = list(pool.map(lambda at: run(at, f"fail-{at}", many(at)), places))
        # libuv aborts when it cannot grow its table of descriptors, and libcurl 7.88 divides by the size of a hash
        # that it could not make: neither can be had back from outside.
        theirs = [at for at, r in zip(places, results) if r.status in (-signal.SIGABRT, -signal.SIGFPE)]
        tap.diag(f"{len(theirs)} runs were ended by libuv or libcurl: {theirs}")
        tap.ok(len(theirs) <= len(places) // 20, "hardly any ends inside a foreign library", theirs)
        signalled = [(at, r.status, r.err[-200:]) for at, r in zip(places, results)
                     if r.status < 0 and at not in theirs or r.status > 128]
        tap.equal(signalled, [], "no run ends by a signal of our making")
        silent = [at for at, r in zip(places, results) if r.status not in (0, 3) and not r.err.strip() and at not in theirs]
        tap.equal(silent, [], "a run that fails says something")
        clean = sum(1 for r in results if r.status == 0)
        named = sum(1 for r in results if r.status != 0 and re.search("memory", r.err))
        tap.diag(f"{clean} runs were not stopped by it, {named} say that memory ran out")
        wrong = []
        for at in places[::6]:
            if not (scratch / f"fail-{at}.db").exists():
                continue
            result = scratch.run("--models", "models.lua", "--store", f"fail-{at}.db", "--quiet", "ask.lua")
            if (result.status, result.out.strip()) != (0, "4"):
                wrong.append((at, str(result)[-300:]))
        tap.equal(wrong, [], "and a run after it, over the store it left, is whole")


def leaked(report):
    """The leaks of LeakSanitizer's report that are not a foreign library's own."""
    leaks = re.findall(r"^(?:Direct|Indirect) leak.*?(?=^\s*$)", report, re.MULTILINE | re.DOTALL)
    return [leak for leak in leaks if not any(name in leak.split("#2", 1)[-1].split("\n")[0] for name in THEIRS)]


def leaks():
    if not SANITIZED:
        raise tap.Skip("needs a build with AddressSanitizer: make check-asan")
    with tempfile.TemporaryDirectory() as folder, Stub() as server, host.Scratch(server.url) as scratch:
        shim = build(folder)
        scratch.write("ask.lua", SCRIPT)
        scratch.write("models.lua", MODELS)
        options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=1:verify_asan_link_order=0:abort_on_error=0"

        def run(at, many):
            return subprocess.run([host.PROGRAM, "--models", "models.lua", "--store", f"{at}-{many}.db", "--quiet", "ask.lua"],
                                  cwd=scratch.path, capture_output=True, text=True, timeout=host.TIMEOUT,
                                  env={**scratch.environment, "LD_PRELOAD": shim, "FAIL_AT": str(at), "FAIL_COUNT": str(many),
                                       "ASAN_OPTIONS": options})

        def report(at):
            try:
                return at, run(at, many(at)).stderr
            except subprocess.TimeoutExpired:
                return at, None

        places = count(scratch, lambda at, many: run(at, many).returncode)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            reports = list(pool.map(report, places))
        tap.equal([at for at, text in reports if text is None], [], "every run ends")
        reports = [(at, text) for at, text in reports if text is not None]
        # The sanitizer's own set-up of a thread allocates too, and gives up when it cannot.
        wrong = [(at, report[:1500]) for at, report in reports
                 if re.search("runtime error:|ERROR: AddressSanitizer", report) and "CHECK failed" not in report]
        tap.equal(wrong, [], "no memory is used wrongly")
        lost = [(at, leak) for at, report in reports for leak in leaked(report)]
        tap.equal(lost[:3], [], "and none is lost")


host.need_program()
tap.cases(failures, leaks)
