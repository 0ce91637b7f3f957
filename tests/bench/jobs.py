#!/usr/bin/env python3
"""What is done around the calls: CPU seconds and memory of whole jobs with simulated models, how they grow with the
rows, and the longest turn of the loop.

    jobs.py [--beside PROGRAM] [--runs N] [--only NAME] [ROWS ...]     300, 1,000 and 3,000 rows when none are given

With --beside the same is measured with another build of the program, run by run in turn, and the ratio is told; each
build has stores of its own. Each figure is the median of three runs.
"""

import argparse
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import host

WORDS = "the a of model language score answer question because river stone light number table quick brown fox writes".split()
PREFERENCE = "run preference --data prompts.jsonl --generator sim:g --reviewer sim:r --judge sim:j"
DRY = "run preference --data prompts.jsonl --generator openai:g --reviewer openai:r --judge openai:j --dry-run"
JURY = "run evaluate --data pairs.jsonl --method jury " + " ".join(f"--model sim:{name}" for name in "abcdef")
WINS = ("run winrate --evaluator judge --model sim:j " + " ".join(f"--data a{i}.jsonl" for i in range(5)) + " "
        + " ".join(f"--against b{i}.jsonl" for i in range(5)))
# A name, the command, whether its calls are in the store already.
JOBS = (("preference, from sim", PREFERENCE, False), ("preference, again", PREFERENCE, True), ("preference --offline", PREFERENCE + " --offline", True),
        ("preference --dry-run", DRY, True), ("evaluate, a jury of six, again", JURY, True), ("winrate 5 x 5, again", WINS, True))


def rows(count, folder):
    draw = random.Random(1)

    def text(words):
        return " ".join(draw.choice(WORDS) for _ in range(words))

    def write(name, make):
        (folder / name).write_text("".join(json.dumps({"id": i, **make(i)}) + "\n" for i in range(count)))

    write("prompts.jsonl", lambda i: {"prompt": f"{text(40)} {i}?"})
    write("pairs.jsonl", lambda i: {"prompt": f"{text(20)} {i}?", "response_a": text(60), "response_b": text(60), "human": draw.choice(["a", "b", "tie"])})
    for side in "ab":
        for place in range(5):
            write(f"{side}{place}.jsonl", lambda i: {"prompt": f"Question {i}?", "response": text(30)})


def run(program, words, store, folder):
    """CPU seconds, peak KB, and the longest turn in seconds where the program tells it."""
    out = folder / "out"
    process = subprocess.Popen([program, *words.split(), "--store", store, "--out", out, "--force", "--quiet"], cwd=folder,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "OPENAI_API_KEY": "none"})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{words}: status {process.returncode}: {process.stderr.read().decode()}")
    process.stderr.close()
    record = json.loads((out / "run.json").read_text()) if (out / "run.json").exists() else {}
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss, record.get("longest_turn", 0)


def measure(programs, count, runs, only):
    """{job: {program: (CPU, KB, longest turn)}}"""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        rows(count, folder)
        for name, words, stored in JOBS:
            if only and only not in name:
                continue
            figures = {program: [] for program in programs}
            for turn in range(runs + (1 if stored else 0)):
                for number, program in enumerate(programs):
                    store = folder / (f"{number}.db" if stored else f"{number}-{turn}.db")
                    if stored and turn == 0:  # fills the store
                        if "--dry-run" not in words:
                            run(program, words.replace(" --offline", ""), store, folder)
                        continue
                    figures[program].append(run(program, words, store, folder))
            results[name] = {program: (statistics.median(cpu for cpu, _, _ in list_), max(kb for _, kb, _ in list_), max(turn for _, _, turn in list_))
                             for program, list_ in figures.items()}
    return results


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--beside")
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--only", help="jobs whose name has this")
    options.add_argument("rows", nargs="*", type=int)
    arguments = options.parse_args()
    counts = arguments.rows or [300, 1000, 3000]
    programs = [str(host.PROGRAM)] + ([str(pathlib.Path(arguments.beside).absolute())] if arguments.beside else [])
    measured = {}
    for count in counts:
        measured[count] = measure(programs, count, arguments.runs, arguments.only)
        print(f"\n{count:,} rows")
        for name, figures in measured[count].items():
            cpu, kb, turn = figures[programs[0]]
            line = f"  {name:32} {cpu:8.2f} s {cpu * 1e6 / count:8.0f} us a row {kb / 1024:6.0f} MB   longest turn {turn * 1e3:5.1f} ms"
            for program in programs[1:]:
                line += f"   beside {figures[program][0]:8.2f} s {figures[program][1] / 1024:6.0f} MB   ratio {cpu / figures[program][0]:.2f}"
            print(line, flush=True)
    if len(counts) > 1:
        print("\nGrowth, as a power of the number of rows (1 is linear)")
        for name in measured[counts[0]]:
            low, high = (max(measured[count][name][programs[0]][0], 1e-3) for count in (counts[0], counts[-1]))
            print(f"  {name:32} {math.log(high / low) / math.log(counts[-1] / counts[0]):.2f}")


main()
