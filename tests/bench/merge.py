#!/usr/bin/env python3
"""Stores that are imported one after another into one: CPU and wall seconds a completion each time, and what is asked of it.

    merge.py [--keep FOLDER] [--stores N] [COUNT]     10 stores of 100,000 completions when not said

The last figure is how the import of one grows with what is there: 0 is not at all. Stores that are made stay in --keep.
"""

import argparse
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import host

MAKE = pathlib.Path(__file__).with_name("store.lua")


def run(*words):
    """What `fellowship store WORDS` prints first, wall and CPU seconds, and peak MB."""
    start = time.monotonic()
    process = subprocess.Popen([host.PROGRAM, "store", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process.stdout, process.stderr:
        first = process.stdout.readline()
        while process.stdout.read(1 << 20):
            pass
        said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{words}: status {process.returncode}: {said}")
    return first, time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def made(number, count, folder):
    path = folder / f"{count}-{number}.db"
    if not path.exists():
        part = folder / "part.db"
        for old in folder.glob("part.db*"):
            old.unlink()
        subprocess.run([host.PROGRAM, MAKE, part, str(count), str(number * count)], check=True)
        part.rename(path)
    return path


def merged(stores, count, folder):
    """Imports them all: the store, and CPU microseconds a completion of each import."""
    into, costs = folder / "merged.db", []
    for old in folder.glob(f"{into.name}*"):
        old.unlink()
    for number in range(stores):
        path = made(number, count, folder)
        _, wall, cpu, memory = run("import", path, "--store", into)
        costs.append(cpu / count * 1e6)
        print(f"  onto {number * count:11,}: {costs[-1]:6.1f} us of CPU, {wall / count * 1e6:6.1f} us by the clock, {memory:5.0f} MB", flush=True)
    return into, costs


def looked_at(store, count):
    """What is asked of the merged one."""
    key = run("ls", "--limit", 1, "--store", store)[0].split()[0]
    print(f"\n{count:,} completions, {store.stat().st_size / count:.0f} bytes of disk each")
    for words in (["show", key], ["ls", "--limit", 1], ["prune", "--before", "2001-01-01"], ["prune", "--model", "none"], ["export", "-"]):
        _, wall, cpu, memory = run(*words, "--store", store)
        print(f"  {' '.join(map(str, words)):26} {cpu:9.3f} s of CPU, {wall:9.3f} s by the clock, {memory:6.0f} MB", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--keep")
    options.add_argument("--stores", type=int, default=10)
    options.add_argument("count", nargs="?", type=int, default=100_000)
    arguments = options.parse_args()
    folder = pathlib.Path(arguments.keep or tempfile.mkdtemp(prefix="fellowship-bench-")).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        print(f"\n{arguments.stores} stores of {arguments.count:,} completions, imported one after another")
        store, costs = merged(arguments.stores, arguments.count, folder)
        if len(costs) > 2:
            print(f"  growth of one import, as a power of what is there: {math.log(costs[-1] / costs[1]) / math.log(len(costs) - 1):.2f}")
        looked_at(store, arguments.stores * arguments.count)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder)


main()
