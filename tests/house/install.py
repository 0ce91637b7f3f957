#!/usr/bin/env python3
"""make install into a prefix: the program runs from there, from any folder; make uninstall leaves nothing."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

BUILD = host.PROGRAM.parent


def make(target, destination):
    # The program is built already; only what installing needs is made.
    return subprocess.run(["make", "--no-print-directory", target, f"DESTDIR={destination}", "PREFIX=/usr/local",
                           f"BUILD={os.path.relpath(BUILD, host.ROOT)}", "-o", "all",
                           "-o", os.path.relpath(host.PROGRAM, host.ROOT)],
                          cwd=host.ROOT, capture_output=True, text=True, timeout=120)


def completions(prefix, *words):
    script = ('source "$0/share/bash-completion/completions/fellowship"; PATH="$0/bin:$PATH"; COMP_WORDS=("$@"); '
              'COMP_CWORD=$(($# - 1)); _fellowship; printf "%s\\n" "${COMPREPLY[@]}"')
    result = subprocess.run(["bash", "--norc", "-c", script, str(prefix), *words], capture_output=True, text=True, timeout=60)
    return result.stdout.split()


def installs():
    with host.Scratch() as scratch:
        result = make("install", scratch / "root")
        if not tap.equal(result.returncode, 0, "make install"):
            tap.diag(result.stderr)
            return
        prefix = scratch / "root/usr/local"
        scratch.prompts(2, "prompts.jsonl")
        program = prefix / "bin/fellowship"
        run = subprocess.run([program, "run", "preference", "--data", "prompts.jsonl", "--generator", "sim:a", "--reviewer", "sim:b",
                              "--judge", "sim:c", "--out", "out"], cwd=scratch.path, env=scratch.environment,
                             capture_output=True, text=True, timeout=60)
        tap.equal(run.returncode, 0, "the installed program does the main job from another folder") or tap.diag(run.stderr)
        tap.equal(len(host.jsonl(scratch / "out/responses.jsonl")), 2, "with all of its rows")
        new = subprocess.run([program, "new", "mine"], cwd=scratch.path, env=scratch.environment, capture_output=True, timeout=60)
        tap.ok(new.returncode == 0 and str(prefix / "share/fellowship/lualib") in (scratch / ".luarc.json").read_text(),
               ".luarc.json names the installed definitions")
        page = (prefix / "share/man/man1/fellowship.1").read_text()
        tap.contains(page, ["\\-\\-offline", "\\-\\-concurrency", "EXIT STATUS"], "the manual has the program's options")
        tap.lacks(page, ["@OPTIONS@", "@VERSION@"], "and no blank that was not filled in")
        tap.contains((prefix / "share/man/man1/fellowship-run-preference.1").read_text(), ["\\-\\-generator", ".SH EXAMPLE"], "as that of each script")
        tap.contains((prefix / "share/doc/fellowship/reference.md").read_text(), "fellowship.judge", "the reference is there")
        tap.equal(completions(prefix, "fellowship", "repl"), ["repl"], "bash completes commands")
        tap.equal(completions(prefix, "fellowship", "run", "winr"), ["winrate"], "bundled scripts")
        tap.equal(completions(prefix, "fellowship", "run", "evaluate", "--strat"), ["--strategy"], "their options")
        tap.equal(completions(prefix, "fellowship", "run", "evaluate", "--strategy", "c"), ["combined"], "and choices")
        tap.equal(make("uninstall", scratch / "root").returncode, 0, "make uninstall")
        left = [str(path) for path in (scratch / "root").rglob("*") if path.is_file()]
        tap.equal(left, [], "leaves no file")


host.need_program()
tap.cases(installs)
