#!/usr/bin/env python3
"""Rows read, one column changed, written: MB/s and peak memory beside jq -c and Python's json.

    rows.py [ROWS ...]          10,000 and 1,000,000 (about 600 MB) when none are given

Every program reads the same file, sets `label` in each row, and writes compact JSON Lines; with
gzip in and out, jq and Python read from `gzip -dc` and write into `gzip`, each at its usual level; the
size of what was written stands beside.
MB are of the uncompressed input. CPU seconds and the peak resident size are those of the program
with its children; of several processes the largest counts.
"""

import gzip
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import host

SCRIPT = """local fellowship = require "fellowship"
local out <close> = fellowship.writer(arg[2])
for row in fellowship.rows(arg[1]) do
  row.label = "changed"
  out:write(row)
end
"""

PYTHON = """import json, sys
for line in sys.stdin:
    row = json.loads(line)
    row["label"] = "changed"
    sys.stdout.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\\n")
"""

WORDS = ("the model answer question because explain between water light simple number small people state example "
         "write function value return result history language energy system world often different first result "
         "naïve café größer 東京 данные 🙂").split()
DISTINCT = 10_000


def sentence(noise, words):
    text = " ".join(noise.choices(WORDS, k=words)).capitalize()
    return text + noise.choice((".", "?", ' ("quoted").', ".\n\n- a list\n- of two", "\tC:\\path."))


def row(noise, number):
    """About 600 bytes: texts as in prompts and answers, a nested list, numbers, null, escapes."""
    return {"id": f"row-{number}", "prompt": sentence(noise, noise.randint(8, 24)),
            "response": " ".join(sentence(noise, noise.randint(6, 14)) for _ in range(3)),
            "label": noise.choice(("good", "bad")), "score": round(noise.random() * 10, 2), "rank": noise.randint(1, 9),
            "tokens": [noise.randint(0, 50_000) for _ in range(6)],
            "meta": {"source": "bench", "turns": [{"role": "user", "length": noise.randint(1, 999)}], "reference": None,
                     "checked": noise.random() < 0.5}}


def generate(path, rows):
    """Writes the rows; DISTINCT texts come again and again under new ids."""
    noise = random.Random(1)
    bodies = [json.dumps(row(noise, 0), ensure_ascii=False, separators=(",", ":")).split('"row-0"', 1)
              for _ in range(min(rows, DISTINCT))]
    with open(path, "w", encoding="utf-8") as out:
        for i in range(rows):
            before, behind = bodies[i % len(bodies)]
            out.write(f'{before}"row-{i}"{behind}\n')


def in_child(function, *arguments):
    """Calls it in a process of its own: what a program's parent has resident counts as the program's peak."""
    pid = os.fork()
    if pid == 0:
        try:
            function(*arguments)
        except BaseException as problem:  # a failed check has said what is wrong
            print(problem, file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        sys.exit(1)


def run(command, folder):
    """(seconds, CPU seconds, peak MB) of a shell command, which must succeed."""
    environment = {**os.environ, "HOME": str(folder)}
    start = time.monotonic()
    process = subprocess.Popen(["bash", "-o", "pipefail", "-c", command], cwd=folder, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"rows: failed: {command}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def same(folder, names, packed):
    """Checks that the outputs hold the same rows as the first one."""
    opened = [gzip.open(folder / name, "rt", encoding="utf-8") if packed else open(folder / name, encoding="utf-8")
              for name in names]
    for number, lines in enumerate(zip(*opened, strict=True)):
        if number % 97 == 0 and any(json.loads(line) != json.loads(lines[0]) for line in lines[1:]):
            sys.exit(f"rows: row {number} differs between {names}")
    for file in opened:
        file.close()


def measure(folder, rows):
    size = (folder / "rows.jsonl").stat().st_size / 1e6
    for packed in ("", "gzip"):
        end = ".gz" if packed else ""
        before, behind = ("gzip -dc rows.jsonl.gz | ", " | gzip -n") if packed else ("", "")
        given = "" if packed else " < rows.jsonl"
        commands = {"fellowship": f"{host.PROGRAM} copy.lua rows.jsonl{end} ours.jsonl{end}",
                    "python json": f"{before}{sys.executable} copy.py{given}{behind} > python.jsonl{end}"}
        if shutil.which("jq"):
            commands["jq -c"] = f"""{before}jq -c '.label = "changed"'{given}{behind} > jq.jsonl{end}"""
        outputs = [f"ours.jsonl{end}", f"python.jsonl{end}"]
        results = {name: run(command, folder) for name, command in commands.items()}
        in_child(same, folder, outputs, packed)
        slowest = results.get("jq -c")
        written = dict(zip(commands, (*outputs, f"jq.jsonl{end}")))
        for name, (seconds, cpu, peak) in results.items():
            ratio = f"{slowest[0] / seconds:6.2f}" if slowest else "     -"
            print(f"{rows:10,} {packed or 'plain':>6} {name:>12} {seconds:8.2f} {cpu:8.2f} "
                  f"{size / seconds:8.1f} {ratio} {peak:8.1f} {(folder / written[name]).stat().st_size / 1e6:8.1f}", flush=True)
        for name in (*outputs, f"jq.jsonl{end}"):
            (folder / name).unlink(missing_ok=True)


def main():
    print(f"{'rows':>10} {'':>6} {'':>12} {'seconds':>8} {'CPU s':>8} {'MB/s':>8} {'x jq':>6} {'peak MB':>8} {'out MB':>8}")
    for rows in map(int, sys.argv[1:] or (10_000, 1_000_000)):
        with tempfile.TemporaryDirectory(prefix="fellowship-rows-") as name:
            folder = pathlib.Path(name)
            in_child(generate, folder / "rows.jsonl", rows)
            run("gzip -nk rows.jsonl", folder)
            (folder / "copy.lua").write_text(SCRIPT)
            (folder / "copy.py").write_text(PYTHON)
            measure(folder, rows)


if __name__ == "__main__":
    host.need_program()
    main()
