#!/usr/bin/env python3
"""Duplicate prompts: CPU for each, and how many of those that are near are found, with and without shared templates.

    duplicates.py [PROMPTS ...]     10,000 and 100,000 when none are given

Prompts have 80 words; with templates 64 of them are one of 20 heads. Every hundredth is an altered copy of an earlier
one whose similarity (by counting) is the threshold or little more, or less: recall is found over those at or above it.
µs are of CPU for a prompt, reading the rows included. $BENCH_PYTHON may have datasketch, whose MinHashLSH with its
usual 128 permutations is what people take otherwise; $BENCH_BASE may be another fellowship to compare with.
"""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import host
import rows as bench_rows

PYTHON = os.environ.get("BENCH_PYTHON", sys.executable)
THRESHOLD = 0.8

# near: drops near duplicates; exact: the same words; read: the rows alone.
SCRIPT = """local fellowship = require "fellowship"
local rows = fellowship.rows(arg[1])
if arg[2] ~= "read" then
  rows = fellowship.preference.unique(rows, function(row) return row.prompt end, tonumber(arg[2]))
end
local out = io.open(arg[3], "w")
while true do
  local row = rows:pull()
  if not row then break end
  out:write(row.id, "\\n")
end
out:close()
"""

DATASKETCH = """import json, sys
from datasketch import MinHash, MinHashLSH
lsh, out = MinHashLSH(threshold=float(sys.argv[2]), num_perm=128), open(sys.argv[3], "w")
for line in open(sys.argv[1], encoding="utf-8"):
    row = json.loads(line)
    words = row["prompt"].lower().split()
    m = MinHash(num_perm=128)
    m.update_batch([" ".join(words[i:i + 3]).encode() for i in range(max(1, len(words) - 2))])
    if not lsh.query(m):
        lsh.insert(str(row["id"]), m)
        out.write(f"{row['id']}\\n")
"""


def trigrams(words):
    return {tuple(words[i:i + 3]) for i in range(len(words) - 2)}


def likeness(a, b):
    a, b = trigrams(a), trigrams(b)
    return len(a & b) / len(a | b)


def generate(folder, count, templates):
    """Writes the prompts, and which of them must be dropped."""
    noise = random.Random(7)
    vocabulary = [f"w{i:x}" for i in range(20000)]

    def words(n):
        return [vocabulary[int(20000 ** noise.random()) - 1] for _ in range(n)]

    heads, bases, near = [words(64) for _ in range(20)], [], []
    with open(folder / "prompts.jsonl", "w", encoding="utf-8") as out:
        for i in range(count):
            text = noise.choice(heads) + words(16) if templates else words(80)
            if i % 50 == 0:
                bases.append(text)
            if i % 100 == 99:
                base = noise.choice(bases)
                text = list(base)
                for _ in range(noise.randint(1, 5)):
                    text[noise.randrange(len(text))] = noise.choice(vocabulary)
                if likeness(base, text) >= THRESHOLD:
                    near.append(i)
            out.write(json.dumps({"id": i, "prompt": " ".join(text)}) + "\n")
    (folder / "near").write_text("\n".join(map(str, near)))


def measure(folder, count, kind, who, command, kept):
    _, cpu, peak = bench_rows.run(command, folder)
    near = set((folder / "near").read_text().split())
    left = set((folder / kept).read_text().split())
    recall = f"{1 - len(near & left) / len(near):8.4f}" if kept == "near.ids" else " " * 8
    print(f"{count:10,} {kind:>9} {who:>22} {cpu / count * 1e6:10.1f} {recall} {count - len(left):8,} {peak:8.1f}", flush=True)


def main():
    print(f"{'prompts':>10} {'':>9} {'':>22} {'us CPU':>10} {'recall':>8} {'dropped':>8} {'peak MB':>8}")
    others = {}
    if os.environ.get("BENCH_BASE"):
        others["another fellowship"] = f"{os.environ['BENCH_BASE']} drop.lua prompts.jsonl {THRESHOLD} near.ids"
    if subprocess.run([PYTHON, "-c", "import datasketch"], stderr=subprocess.DEVNULL).returncode == 0:
        others["datasketch"] = f"{PYTHON} sketch.py prompts.jsonl {THRESHOLD} near.ids"
    for count in map(int, sys.argv[1:] or (10_000, 100_000)):
        for kind in ("plain", "templates"):
            with tempfile.TemporaryDirectory(prefix="fellowship-duplicates-") as name:
                folder = pathlib.Path(name)
                bench_rows.in_child(generate, folder, count, kind == "templates")
                (folder / "drop.lua").write_text(SCRIPT)
                (folder / "sketch.py").write_text(DATASKETCH)
                ours = f"{host.PROGRAM} drop.lua prompts.jsonl"
                measure(folder, count, kind, "rows alone", f"{ours} read read.ids", "read.ids")
                measure(folder, count, kind, "exact duplicates", f"{ours} none exact.ids", "exact.ids")
                measure(folder, count, kind, "near duplicates", f"{ours} {THRESHOLD} near.ids", "near.ids")
                for who, command in others.items():
                    measure(folder, count, kind, who, command, "near.ids")


if __name__ == "__main__":
    host.need_program()
    main()
