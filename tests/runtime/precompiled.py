#!/usr/bin/env python3
"""The library as bytecode, which the build writes: it is used, and never in place of a source that has changed."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

SCRIPT = 'print(require "fellowship.base.marked"(1))\n'
MODULE = 'return function(n) if n == 0 then error "here" end return "%s" end\n'


class Copy(host.Scratch):
    """A checkout of its own: the program, the library, and a module whose source a test can change."""

    def __enter__(self):
        super().__enter__()
        os.makedirs(self / "build")
        shutil.copy2(host.PROGRAM, self / "build/fellowship")
        shutil.copytree(host.ROOT / "lualib", self / "lualib")
        self.module = self / "lualib/fellowship/base/marked.lua"
        self.module.write_text(MODULE % "first")
        self.write("mark.lua", SCRIPT)
        self.compile()
        return self

    def compile(self):
        return self.own("--precompile", self / "build/lualib.luac", self / "lualib", self.path)

    def own(self, *arguments):
        return subprocess.run([self / "build/fellowship", *map(str, arguments)], cwd=self.path, env=self.environment,
                              capture_output=True, text=True, timeout=host.TIMEOUT)

    def change(self, text, times=None):
        """Writes the module anew, with the times of another state of the file where those are given."""
        self.module.write_text(MODULE % text)
        if times:
            os.utime(self.module, ns=(times.st_atime_ns, times.st_mtime_ns))


def sources():
    with Copy() as copy:
        before = copy.module.stat()
        tap.equal(copy.own("mark.lua").stdout, "first\n", "a module is loaded")
        copy.change("other", before)
        tap.equal(copy.own("mark.lua").stdout, "first\n", "from bytecode, where the source seems the same")
        copy.change("third")
        tap.equal(copy.own("mark.lua").stdout, "third\n", "a source that has changed counts")
        copy.change("longer", before)
        tap.equal(copy.own("mark.lua").stdout, "longer\n", "also when its time has not")
        os.remove(copy.module)
        tap.contains(copy.own("mark.lua").stderr, "marked", "one that is gone is gone")


def files():
    with Copy() as copy:
        compiled = copy / "build/lualib.luac"
        whole = compiled.read_bytes()
        for what, content in (("cut short", whole[:len(whole) // 2]), ("hardly begun", whole[:100]), ("empty", b""),
                              ("of something else", b"x" * len(whole))):
            compiled.write_bytes(content)
            tap.equal(copy.own("mark.lua").stdout, "first\n", f"a file that is {what} does no harm")
        compiled.write_bytes(whole.replace(b"\x1bLua\x54", b"\x1bLua\x53"))
        tap.equal(copy.own("mark.lua").stdout, "first\n", "nor one of another Lua")
        compiled.unlink()
        tap.equal(copy.own("mark.lua").stdout, "first\n", "and without one all is as ever")


def messages():
    with Copy() as copy:
        copy.write("fail.lua", 'require "fellowship.base.marked"(0)\n')
        tap.contains(copy.own("fail.lua").stderr, f"{copy.path}/lualib/fellowship/base/marked.lua:1: here",
                     "an error names the source and its line")
        copy.write("own/fellowship/base/marked.lua", 'return function() return "own" end\n')
        copy.write("own.lua", 'package.path = "own/?.lua;" .. package.path\n' + SCRIPT)
        tap.equal(copy.own("own.lua").stdout, "own\n", "a script's own place goes before the library's")
        copy.module.write_text("return function( end\n")
        result = copy.compile()
        tap.equal((result.returncode, "marked.lua:1:" in result.stderr), (1, True), "a mistake in a source is told where it is")
        tap.equal([name for name in os.listdir(copy / "build") if "partial" in name], [], "and leaves nothing half done")


def broken_library():
    """What keeps the program from beginning is told with where, whatever it is."""
    with Copy() as copy:
        main = copy / "lualib/fellowship/command/cli.lua"
        for name, text, said in (("gone", None, "module 'fellowship.command.cli' not found"), ("a text", "error 'no way'", "no way"),
                                 ("a table", "error {}", "table: 0x"), ("nothing", "error()", "nil"),
                                 ("what has no text", "error(setmetatable({}, { __tostring = function() return {} end }))", "must return a string")):
            main.unlink(missing_ok=True)
            if text:
                main.write_text(text)
            result = copy.own("mark.lua")
            tap.equal(result.returncode, 1, f"the first module fails, {name}: status 1")
            tap.contains(result.stderr, ["fellowship: ", said], "with its reason")
            tap.contains(result.stderr, ["stack traceback"], "and from where")


host.need_program()
tap.cases(sources, files, messages, broken_library)
