#!/usr/bin/env python3
"""The store's commands over stores of several sizes: CPU seconds and memory, a record, and how they grow.

    store.py [--beside PROGRAM] [--keep FOLDER] [COUNT ...]     7,000, 70,000 and 700,000 completions when none are given

Each figure is the median of three runs. With --beside the same is measured with another build of the program, run by
run in turn; it reads a copy of the same store. Stores that are made stay in --keep, and are used again.
"""

import argparse
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import host

MAKE = pathlib.Path(__file__).with_name("store.lua")
RUNS = 3
# What is measured: a name, the command's words ("{...}" filled in), whether the figure is one for each record.
COMMANDS = (("show KEY", "show {key}", False), ("ls --limit 1", "ls --limit 1", False),
            ("prune --before (counted)", "prune --before 2001-01-01", True), ("prune --model (counted)", "prune --model none", True),
            ("why", "why {request}", True), ("export", "export {out}", True), ("import of a recording", "import {recording}", True),
            ("import of a store", "import {store}", True), ("import again", "import {store}", True))


def run(program, words, store, folder):
    """CPU seconds and peak KB of `fellowship store WORDS`."""
    process = subprocess.Popen([program, "store", *words, "--store", store], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{words}: status {process.returncode}: {process.stderr.read().decode()}")
    process.stderr.close()
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def made(count, folder):
    path = folder / f"{count}.db"
    if not path.exists():
        part = folder / "part.db"
        for old in folder.glob("part.db*"):
            old.unlink()
        subprocess.run([host.PROGRAM, MAKE, part, str(count)], check=True)
        part.rename(path)
    return path


def measure(programs, count, folder):
    """{command: {program: (CPU, KB)}} over a store of `count` completions."""
    path = made(count, folder)
    found = subprocess.run([host.PROGRAM, "store", "ls", "--limit", "1", "--store", path], capture_output=True, text=True, check=True).stdout
    key = found.split()[0]
    request = json.loads(subprocess.run([host.PROGRAM, "store", "show", key, "--store", path], capture_output=True, text=True,
                                        check=True).stdout)["request"]
    request["params"]["temperature"] = 1
    results = {}
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "request.json").write_text(json.dumps(request))
        recording = scratch / "recording.jsonl"
        subprocess.run([host.PROGRAM, "store", "export", recording, "--store", path], check=True, stdout=subprocess.DEVNULL)
        for name, words, _ in COMMANDS:
            figures = {program: [] for program in programs}
            for _ in range(RUNS):
                for program in programs:
                    store = path
                    if words.startswith("import"):
                        if "store" in words and program != programs[0]:
                            continue  # it knows recordings alone
                        store = scratch / f"{programs.index(program)}.db"
                        if name != "import again":
                            for old in scratch.glob(f"{store.name}*"):
                                old.unlink()
                    filled = words.format(key=key, request=scratch / "request.json", out=scratch / "out.jsonl", recording=recording, store=path)
                    figures[program].append(run(program, filled.split(), store, scratch))
            results[name] = {program: (statistics.median(cpu for cpu, _ in runs), max(kb for _, kb in runs))
                             for program, runs in figures.items() if runs}
    return path.stat().st_size, results


def shown(name, cpu, count):
    each = next(each for command, _, each in COMMANDS if command == name)
    return f"{cpu * 1e6 / count:8.2f} us a record" if each else f"{cpu:8.3f} s"


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--beside")
    options.add_argument("--keep")
    options.add_argument("counts", nargs="*", type=int, default=[])
    arguments = options.parse_args()
    counts = arguments.counts or [7_000, 70_000, 700_000]
    programs = [str(host.PROGRAM)] + ([str(pathlib.Path(arguments.beside).absolute())] if arguments.beside else [])
    folder = pathlib.Path(arguments.keep or tempfile.mkdtemp(prefix="fellowship-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        measured = {}
        for count in counts:
            size, measured[count] = measure(programs, count, folder.absolute())
            print(f"\n{count:,} completions, {size / count:.0f} bytes of disk each")
            for name, figures in measured[count].items():
                line = f"  {name:26} {shown(name, figures[programs[0]][0], count)}  {figures[programs[0]][1] / 1024:6.0f} MB"
                for program in programs[1:]:
                    if program in figures:
                        cpu, kb = figures[program]
                        line += f"   beside {shown(name, cpu, count)}  {kb / 1024:6.0f} MB   ratio {figures[programs[0]][0] / cpu:.2f}"
                print(line, flush=True)
        if len(counts) > 1:
            print("\nGrowth, as a power of the number of completions (1 is linear)")
            for name in measured[counts[0]]:
                low, high = (max(measured[count][name][programs[0]][0], 1e-3) for count in (counts[0], counts[-1]))
                print(f"  {name:26} {math.log(high / low) / math.log(counts[-1] / counts[0]):.2f}")
    finally:
        if not arguments.keep:
            shutil.rmtree(folder)


main()
