#!/usr/bin/env python3
"""Data from a pipe gives what the same data in a file gives; what must be read twice is refused as a pipe."""

import gzip
import json
import os
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

ROWS = [{"id": f"row-{i}", "prompt": f"Explain item {i}.", "response": f"Some {i}.", "response_a": f"One {i}.",
         "response_b": f"Other {i}.", "human": "ab"[i % 2]} for i in range(5)]
MODELS = {"feedback": ["--generator", "sim:g", "--reviewer", "sim:r"],
          "preference": ["--generator", "sim:g", "--reviewer", "sim:r", "--judge", "sim:j"]}
# What a run took; and the page, which shows texts that it reads once more, and no pipe has them twice.
NOT_ALIKE = ("run.json", "report.html")
OTHERS = {"evaluate": ["--method", "jury", "--model", "sim:k"], "winrate": ["--evaluator", "judge"]}


def run_with(scratch, name, data, against, out):
    """A bundled script over pipes: the names of what it reads are those of descriptors, as a shell's <(...) gives."""
    threads, ends = [], []

    def pipe(content):
        reading, writing = os.pipe()
        thread = threading.Thread(target=lambda: (os.write(writing, content), os.close(writing)))
        thread.start()
        threads.append(thread)
        ends.append(reading)
        return f"/dev/fd/{reading}"

    names = [part if isinstance(part, str) else pipe(part) for part in (data, against)]
    arguments = ["run", name, "--data", names[0], "--out", out, *MODELS.get(name, ["--model", "sim:m"]), *OTHERS.get(name, [])]
    if name == "winrate":
        arguments += ["--against", names[1]]
    result = scratch.run(*arguments, pass_fds=ends)
    for end in ends:
        os.close(end)
    for thread in threads:
        thread.join()
    return result


def scripts():
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", ROWS)
        text = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
        for name in ("judge", "jury", "debate", "feedback", "evaluate", "winrate", "preference"):
            result = run_with(scratch, name, "rows.jsonl", "rows.jsonl", f"{name}-file")
            tap.equal(result.status, 0, f"{name} over a file")
            wanted = host.tree(scratch / f"{name}-file", NOT_ALIKE)
            for kind, content in ("a pipe", text), ("a compressed pipe", gzip.compress(text)):
                result = run_with(scratch, name, content, content, f"{name}-pipe")
                tap.equal(result.status, 0, f"{name} over {kind}")
                made = host.tree(scratch / f"{name}-pipe", NOT_ALIKE)
                if name == "winrate":           # which names what it compares by the names of the files
                    made = {path: re.sub(rb"/dev/fd/\d+", b"rows.jsonl", text) for path, text in made.items()}
                host.same_tree(made, wanted, "gives the same")


def refused():
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", ROWS)
        os.mkfifo(scratch / "models.lua")
        result = scratch.run("run", "judge", "--data", "rows.jsonl", "--model", "sim:m", "--out", "out", "--models", "models.lua",
                             timeout=20)
        tap.equal(result.status, 2, "--models from a pipe is refused")
        tap.contains(result.err, ["--models must be an ordinary file, not a pipe", "models.lua"], "and it is said why")


host.need_program()
tap.cases(scripts, refused)
