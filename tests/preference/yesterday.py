#!/usr/bin/env python3
"""A store that an earlier version filled gives the same preference sets, byte for byte, and no call is made anew.

tests/preference/yesterday/ holds what the version of 2026-11-27 (commit a6b0fdb) paid for, as `store export` wrote it,
and the digests of what it wrote from that. Its card, and columns that verdicts got since then, are left out.
"""

import gzip
import hashlib
import json
import os
import pathlib
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

HERE = pathlib.Path(__file__).resolve().parent / "yesterday"
COMMAND = ["run", "preference", "--data", "rows.jsonl", "--generator", "sim:writer?length=3", "--reviewer", "sim:critic",
           "--reviewer", "sim:other", "--judge", "sim:judge", "--offline", "--quiet", "--store", "store.db"]
LEFT_OUT = ("README.md", "run.json", "report.html", "errors.jsonl", ".rows")


def cases():
    yield from (((name, *extra), ["--format", name, *options])
                for name in ("trl", "trl-conversational", "llama-factory", "llama-factory-sharegpt", "axolotl")
                for extra, options in (((), []), (("members",), ["--improve", "members"])))
    for mode in ("best-rest", "all"):
        yield (mode,), ["--pairs", mode]
        yield (mode, "4"), ["--pairs", mode, "--responses", "4"]
    yield ("swap",), ["--swap"]
    yield ("quality",), ["--min-margin", "2", "--max-length-ratio", "3", "--drop-refusals", "--drop-inverted",
                         "--duplicates", "drop", "--near-duplicates", "0.8", "--rows-per-file", "2"]


def digests(folder, left_out):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in left_out}


def the_same_bytes():
    host.need_program()
    known = json.loads((HERE / "digests.json").read_text())
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", (HERE / "rows.jsonl").read_bytes())
        scratch.write("recording.jsonl", gzip.decompress((HERE / "recording.jsonl.gz").read_bytes()))
        tap.ok(scratch.run("store", "import", "recording.jsonl", "--store", "store.db").status == 0, "its store is read")
        for words, options in cases():
            name, out = " ".join(words), "_".join(words)
            result = scratch.run(*COMMAND, *options, "--out", out)
            tap.equal((result.status, result.summary["calls"]), (0, 0), f"{name}: nothing is asked anew")
            left_out = LEFT_OUT + (("verdicts.jsonl",) if name == "swap" else ())
            tap.equal(digests(scratch / out, left_out), known[name], f"{name}: the same bytes")



tap.cases(the_same_bytes)
