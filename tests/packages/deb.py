#!/usr/bin/env python3
"""`make check-packages`: the package of `make deb`: lintian has nothing to say of it, and unpacked it does the main job;
its bytecode is that of its sources."""

import os
import pathlib
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

FOLDER = pathlib.Path(os.environ.get("DEB") or host.ROOT / "build/deb")


def package():
    return next(path for path in FOLDER.glob("fellowship_*.deb"))


def clean():
    if not shutil.which("lintian"):
        raise tap.Skip("lintian is not installed")
    result = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", package()], capture_output=True, text=True)
    tap.equal((result.returncode, result.stdout), (0, ""), "lintian is content")


def works():
    with host.Scratch() as scratch:
        subprocess.run(["dpkg-deb", "-x", package(), scratch / "root"], check=True)
        program = scratch / "root/usr/bin/fellowship"

        def run(*arguments):
            return subprocess.run([program, *arguments], cwd=scratch.path, env=scratch.environment, capture_output=True, text=True, timeout=60)

        scratch.prompts(2, "prompts.jsonl")
        result = run("run", "preference", "--data", "prompts.jsonl", "--generator", "sim:a", "--reviewer", "sim:b", "--judge", "sim:c", "--out", "out")
        tap.equal(result.returncode, 0, "it does the main job") or tap.diag(result.stderr)
        tap.equal((run("--version").stdout), f"fellowship {version()}\n", "its version is the package's")
        pages = " ".join(path.name for path in (scratch / "root/usr/share/man/man1").iterdir())
        tap.contains(pages, ["fellowship.1.gz", "fellowship-run-preference.1.gz"], "manuals are in it")


def fresh():
    """A package keeps whole seconds of its files: the bytecode must be of sources with those, or every start compiles all of them."""
    head, entry = struct.calcsize("=17s31s4096s"), struct.Struct("=QqqIIII")
    with host.Scratch() as scratch:
        subprocess.run(["dpkg-deb", "-x", package(), scratch / "root"], check=True)
        library = scratch / "root/usr/share/fellowship"
        code = (library / "lualib.luac").read_bytes()
        at, stale, modules = head, [], 0
        while at < len(code):
            size, seconds, nanoseconds, *lengths = entry.unpack_from(code, at)
            at += entry.size
            path = library / "lualib" / code[at + lengths[0]:at + lengths[0] + lengths[1]].decode()
            at += sum(lengths)
            modules += 1
            stat = path.stat()
            if (stat.st_size, stat.st_mtime_ns) != (size, seconds * 10**9 + nanoseconds):
                stale.append(path.name)
        tap.equal(stale, [], f"the bytecode is that of all {modules} modules")


def version():
    return package().name.split("_")[1]


tap.cases(clean, works, fresh)
