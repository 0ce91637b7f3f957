#!/usr/bin/env python3
"""--help: a screen for each command with an example that runs as it stands; all of it behind --help all; manual pages; what shells
complete."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

COLUMNS, LINES = 80, 24
VERBS = ["check", "help", "list", "merge", "new", "reference", "repl", "report", "serve", "status", "store", "submit", "work"]
UNNAMED = ["reference", "merge", "status", "work"] # on the first screen, which names submit
NAMES = sorted(path.stem for path in (host.ROOT / "scripts").glob("*.lua"))


def shell(scratch, text):
    """Runs lines in a shell where the program is called fellowship."""
    (scratch / "bin").mkdir(exist_ok=True)
    if not (scratch / "bin/fellowship").exists():
        os.symlink(host.PROGRAM, scratch / "bin/fellowship")
    environment = {**scratch.environment, "PATH": f"{scratch / 'bin'}:{scratch.environment['PATH']}"}
    return subprocess.run(["bash", "-euc", text], cwd=scratch.path, env=environment, capture_output=True, text=True, timeout=60)


def example_of(text):
    """The lines of the example: the first indented block."""
    return "\n".join(line[2:] for line in text.split("\n\n")[1].splitlines())


def screens():
    with host.Scratch() as scratch:
        for name in [None, *NAMES]:
            words = ["run", name, "--help"] if name else ["--help"]
            text = scratch.run(*words).out
            lines = text.splitlines()
            tap.ok(len(lines) < LINES and max(map(len, lines)) <= COLUMNS, f"{' '.join(words)} fits a screen ({len(lines)} lines)",
                   max(lines, key=len))
            every = scratch.run(*words, "all").out
            tap.ok(max(map(len, every.splitlines())) <= COLUMNS, f"{' '.join(words)} all fits the columns")
            shown, known = (set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", t)) for t in (text, every))
            tap.ok(shown - {"--help", "--version"} <= known, "all of what is shown is explained", shown - known)
            if name and name != "check-dataset":
                tap.ok({"--store", "--fresh", "--batch-after", "--max-calls"} <= known, "and what every command has")
                tap.equal(len(re.findall(r"^  --seed", every, re.M)), 1, "once")


def verbs():
    with host.Scratch() as scratch:
        for name in VERBS:
            result = scratch.run(name, "--help")
            lines = result.out.splitlines()
            tap.equal((result.status, result.err), (0, ""), f"{name} --help")
            tap.ok(lines and lines[0].startswith(f"fellowship {name}") and len(lines) < LINES and max(map(len, lines)) <= COLUMNS,
                   f"{name} --help fits a screen ({len(lines)} lines)", result.out)
            every = scratch.run(name, "--help", "all").out
            tap.ok(max(map(len, every.splitlines())) <= COLUMNS, f"{name} --help all fits the columns")
            tap.equal(scratch.run("help", name).out[:len(every)], every, f"help {name} says the same")
        tap.contains(scratch.run("--help").out, [f"fellowship {name}" for name in VERBS if name not in UNNAMED], "--help names them")


def examples():
    for name in NAMES:
        with host.Scratch() as scratch:
            example = example_of(scratch.run("run", name, "--help").out)
            if "..." in example:        # it begins where another command ended
                before = example_of(scratch.run("run", "preference", "--help").out)
                example = before + "\n" + example.splitlines()[-1]
            result = shell(scratch, example)
            tap.ok(result.returncode in (0, 5), f"{name}: its example runs as it stands", example, result.stderr)


def choices_and_needs():
    with host.Scratch() as scratch:
        text = scratch.run("run", "evaluate", "--help", "all").out
        tap.contains(re.sub(r"\s+", " ", text), ["--strategy CHOICE how a judge is asked (direct, independent, combined; default combined)",
                                                 "--model M a model that evaluates (may be repeated)",
                                                 "--out DIR folder for the results (required unless --dry-run)"],
                     "choices, defaults and needs are told")
        tap.equal(scratch.run("run", "evaluate", "-h").out, scratch.run("run", "evaluate", "--help").out, "-h is --help")


def manual_pages():
    paged = [name for name in VERBS if name not in ("help", "list", "reference")]
    made = re.search(r"^MANUALS .*\.1,([a-z ]+)\)", (host.ROOT / "Makefile").read_text(), re.M)[1].split()
    tap.equal(made, paged, "make has a page for each verb of which there is more to say")
    with host.Scratch() as scratch:
        for name in [*NAMES, *paged]:
            page = scratch.run("reference", "--man", name).out
            usage = f".B fellowship {'' if name in paged else 'run '}{name}".replace("-", "\\-")
            tap.contains(page, [usage, ".SH EXAMPLE", *[".SH OPTIONS"] * (name != "check")], f"{name}: a manual page")
            if shutil.which("mandoc"):
                checked = subprocess.run(["mandoc", "-Tlint", "-W", "style"], input=page, capture_output=True, text=True)
                said = [line for line in (checked.stdout + checked.stderr).splitlines() if "longer than 80" not in line]
                tap.equal(said, [], f"{name}: mandoc has nothing to say against it")
            if shutil.which("man"):
                checked = subprocess.run(["man", "--warnings", "-l", "-"], input=page, capture_output=True, text=True,
                                         env={**scratch.environment, "MANROFFOPT": "-ww", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
                tap.equal((checked.returncode, checked.stderr), (0, ""), f"{name}: man has nothing to say against it")


def completion():
    with host.Scratch() as scratch:
        def completed(*words):
            return scratch.run("--complete", *words).out.split()
        tap.contains(" ".join(completed("")), ["run", "store", "@lua"], "commands and scripts")
        tap.contains(" ".join(completed("run", "")), NAMES, "bundled scripts")
        tap.contains(" ".join(completed("run", "judge", "--")), ["--model", "--strategy", "--prompt-column", "--offline"], "options")
        tap.equal(completed("run", "evaluate", "--strategy", "c"), ["direct", "independent", "combined"], "choices")
        tap.contains(" ".join(completed("run", "judge", "--model", "")), ["openai:", "ollama:"], "providers")
        tap.equal(completed("run", "judge", "--data", ""), ["@files"], "files")
        tap.contains(" ".join(completed("store", "")), ["export", "why"], "verbs of the store")
        for name in VERBS:
            told = set(re.findall(r"^  (--[a-z-]+)", scratch.run(name, "--help", "all").out, re.M))
            if name not in ("store", "help", "check"):
                tap.ok(told <= set(completed(name, "--")), f"{name}: the options that its help tells of",
                       told - set(completed(name, "--")))
        tap.contains(" ".join(completed("")), VERBS, "all verbs")
        tap.contains(" ".join(completed("help", "")), ["judge", "model:ask", "errors.is"], "names of the reference")


host.need_program()
tap.cases(screens, verbs, examples, choices_and_needs, manual_pages, completion)
