#!/usr/bin/env python3
"""The build: what was made before is made anew when what it was made of changes, and machines that cannot be built
for are told so."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap


def dependencies():
    """The files of dependencies that the compiler writes are read, those of the program, unit tests and fuzzers."""
    with host.Scratch() as scratch:
        build = scratch / "build"
        for name in ("runtime/host/main.d", "tests/pack_test.d", "fuzz/json_fuzz.d"):
            (build / name).parent.mkdir(parents=True, exist_ok=True)
            (build / name).write_text(f"$(info read {name})\n")
        result = subprocess.run(["make", "--no-print-directory", "-n", "lint", f"BUILD={build}", f"FUZZ={build / 'fuzz'}"],
                                cwd=host.ROOT, capture_output=True, text=True, timeout=120)
        tap.contains(result.stdout, ["read runtime/host/main.d", "read tests/pack_test.d", "read fuzz/json_fuzz.d"],
                     "make reads what each program depends on")


def names():
    """Modules in C that scripts require find Lua, and no name of ours stands before one of the libraries that come with them."""
    if not shutil.which("nm"):
        raise tap.Skip("there is no nm")
    own = set()
    for path in (host.ROOT / "runtime").rglob("*.h"):
        own.update(re.findall(r"^[a-z][\w ]*[ *](\w+)\(", path.read_text(), re.MULTILINE))
    listed = subprocess.run(["nm", "-D", "--defined-only", host.PROGRAM], capture_output=True, text=True, timeout=60).stdout
    seen = {line.split()[-1].split("@")[0] for line in listed.splitlines()}
    tap.ok(len(own) > 300 and "loop_new" in own, f"{len(own)} names of ours")
    tap.ok("lua_newstate" in seen, "Lua's names are seen by others")
    tap.equal(sorted(own & seen), [], "none of ours is")


def machines():
    """Doubles are written with integers of 128 bits."""
    if not shutil.which("gcc"):
        raise tap.Skip("there is no compiler")
    command = ["gcc", "-std=c11", "-fsyntax-only", "-Iruntime", "runtime/base/json_number.c"]
    tap.equal(subprocess.run(command, cwd=host.ROOT, timeout=60).returncode, 0, "numbers compile here")
    result = subprocess.run([*command, "-U__SIZEOF_INT128__"], cwd=host.ROOT, capture_output=True, text=True, timeout=60)
    tap.ok(result.returncode != 0, "not where the compiler has no integers of 128 bits")
    tap.contains(result.stderr, ["#error", "64-bit"], "which is said")


host.need_program()
tap.cases(dependencies, names, machines)
