#!/usr/bin/env python3
"""`make check-packages`: the program of `make static` needs nothing of the system: alone in an empty root it asks over TLS,
reads compressed data and tells its own help; it writes the library that it carries once, whoever begins at the same time."""

import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from h2_server import H2Server, certificate

PROGRAM = pathlib.Path(os.environ.get("STATIC") or host.ROOT / "build/static/fellowship")
LUA = 'print(require("cjson").encode { require("fellowship").model("openai:m"):ask("Hi").text ~= "" })\n'


def rooted(scratch, *arguments, **environment):
    """The program in scratch/root, which holds it and nothing of the system."""
    root = scratch / "root"
    (root / "home").mkdir(parents=True, exist_ok=True)
    shutil.copy(PROGRAM, root / "fellowship")
    return subprocess.run(["/usr/sbin/chroot", root, "/fellowship", *arguments], env={"HOME": "/home", **environment},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def alone():
    if os.geteuid() != 0:
        raise tap.Skip("an empty root is for root to make")
    with host.Scratch() as scratch, H2Server(certificate(scratch.path)) as server:
        scratch.write("root/ask.lua", LUA)
        shutil.copy(scratch / "own.pem", scratch / "root/authorities.pem")
        environment = {"OPENAI_BASE_URL": server.url(), "OPENAI_API_KEY": host.KEY, "SSL_CERT_FILE": "/authorities.pem"}
        result = rooted(scratch, "ask.lua", **environment)
        tap.equal((result.returncode, result.stdout), (0, "[true]\n"), "it asks a model over TLS") or tap.diag(result.stderr)
        strange = rooted(scratch, "ask.lua", **{**environment, "SSL_CERT_FILE": "", "OPENAI_MAX_RETRIES": "0"}, FELLOWSHIP_STORE="/other.db")
        tap.ok(strange.returncode != 0 and "certificate" in strange.stderr, "and believes no certificate that nobody vouches for") \
            or tap.diag(strange.stderr)
        rows = scratch.prompts(3, "prompts.jsonl")
        subprocess.run(["zstd", "-q", rows, "-o", scratch / "root/prompts.jsonl.zst"], check=True)
        result = rooted(scratch, "run", "generate", "--data", "prompts.jsonl.zst", "--model", "sim:m", "--out", "out")
        tap.equal((result.returncode, len(host.jsonl(scratch / "root/out/responses.jsonl"))), (0, 3), "it reads compressed rows") \
            or tap.diag(result.stderr)
        tap.contains(rooted(scratch, "help", "judge").stdout, "fellowship.judge", "and knows its reference")


def carried():
    with host.Scratch() as scratch:
        environment = {"HOME": str(scratch / "home"), "PATH": "/usr/bin:/bin"}
        program = shutil.copy(PROGRAM, scratch / "fellowship")      # in its checkout it finds the library there
        several = [subprocess.Popen([program, "help", "gather"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                   for _ in range(8)]
        results = [(process.communicate(timeout=60)[0], process.returncode) for process in several]
        tap.ok(all(status == 0 and "gather" in out for out, status in results), "eight begin at once") or tap.diag(results)
        folders = [path.name for path in (scratch / "home/.cache/fellowship").iterdir()]
        tap.equal(len(folders), 1, "and write the library once")
        library = scratch / "home/.cache/fellowship" / folders[0]
        tap.ok((library / "lualib.luac").exists(), "as bytecode too")
        begun = time.monotonic()
        for _ in range(20):
            subprocess.run([program, "--version"], env=environment, stdout=subprocess.DEVNULL, check=True)
        tap.diag(f"{PROGRAM.stat().st_size / 1e6:.1f} MB, starts in {(time.monotonic() - begun) / 20 * 1000:.0f} ms")
        scratch.write("full", "")
        refused = subprocess.run([program, "--version"], env={**environment, "XDG_CACHE_HOME": str(scratch / "full")}, capture_output=True, text=True)
        tap.ok(refused.returncode != 0 and "XDG_CACHE_HOME" in refused.stderr, "where it cannot be written, it says so and what to do") \
            or tap.diag(refused)


def shared():
    """/tmp is everybody's: another one's library is not run."""
    if os.geteuid() != 0:
        raise tap.Skip("only root can give a folder to another one")
    with host.Scratch() as scratch:
        theirs = scratch / "root/tmp/fellowship-0"
        theirs.mkdir(parents=True)
        os.chown(theirs, 65534, 65534)
        result = rooted(scratch, "--version", HOME="")
        tap.ok(result.returncode != 0 and "fellowship-0" in result.stderr, "a folder of another user's in /tmp is not believed") or tap.diag(result)
        os.chown(theirs, 0, 0)
        os.chmod(theirs, 0o777)
        tap.ok(rooted(scratch, "--version", HOME="").returncode != 0, "nor one that others may write")
        os.chmod(theirs, 0o700)
        tap.equal(rooted(scratch, "--version", HOME="").returncode, 0, "one's own is")


def unlinked():
    heads = subprocess.run(["readelf", "-lW", PROGRAM], capture_output=True, text=True, check=True).stdout
    tap.lacks(heads, ["INTERP", "DYNAMIC"], "no shared library is asked for")


if not PROGRAM.exists():
    sys.exit(f"{PROGRAM} is missing: make static")
tap.cases(unlinked, alone, carried, shared)
