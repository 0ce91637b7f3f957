#!/usr/bin/env python3
"""A program that was built before its library came to need a function says so, by name, before it does anything."""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

LATER = 4_000_000_000   # seconds since 1970: newer than any program


def tree(scratch):
    """A copy of the program with a library of its own; the folder of stubs."""
    root = pathlib.Path(scratch / "tree")
    (root / "build").mkdir(parents=True)
    shutil.copy2(host.PROGRAM, root / "build/fellowship")
    for name in ("lualib", "scripts"):
        shutil.copytree(host.ROOT / name, root / name)
    return root / "build/fellowship", root / "lualib/meta"


def run(scratch, program, *arguments):
    return subprocess.run([program, *arguments], cwd=scratch.path, env=scratch.environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=host.TIMEOUT, check=False)


def newer_library():
    with host.Scratch() as scratch:
        program, stubs = tree(scratch)
        scratch.write("hello.lua", 'print "hello"')
        os.utime(stubs, (LATER, LATER))
        tap.equal(run(scratch, program, "hello.lua").stdout, "hello\n", "a library that is newer and needs nothing new")
        text = (stubs / "json.lua").read_text()
        (stubs / "json.lua").write_text(text.replace("\nreturn json", "\nfunction json.sing(text) end\n\nreturn json"))
        os.utime(stubs, (LATER, LATER))
        for arguments in (["hello.lua"], ["run", "judge", "--help"], ["list"], []):
            result = run(scratch, program, *arguments)
            tap.equal((result.returncode, result.stdout), (1, ""), f"refused: {' '.join(arguments) or 'no arguments'}")
            tap.contains(result.stderr, ["another version of its library", "fellowship.core.json.sing", "make"], "and said why")
        tap.equal(run(scratch, program, "--version").returncode, 0, "its version is told")
        os.utime(stubs, (1, 1))
        tap.equal(run(scratch, program, "hello.lua").stdout, "hello\n", "a library that is older is believed")


def new_module():
    with host.Scratch() as scratch:
        program, stubs = tree(scratch)
        (stubs / "song.lua").write_text("---@meta fellowship.core.song\nlocal song = {}\nfunction song.sing() end\nreturn song\n")
        os.utime(stubs, (LATER, LATER))
        tap.contains(run(scratch, program, "list").stderr, ["needs fellowship.core.song,"], "a module that the program lacks")


host.need_program()
tap.cases(newer_library, new_module)
