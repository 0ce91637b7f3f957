#!/usr/bin/env python3
"""Human labels as people write them, by the binary: what they mean hangs on all rows, and nothing is paid before that is known."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

# Labels of a dataset's rows, and how each is read; None is told of and not read.
SETS = [
    (["a", "B", "tie"], "ab="), (["model_a", "Model_B", "tie (bothbad)"], "ab="), ([1, 2, 2], "abb"), (["1", "2", "1"], "aba"),
    ([1.0, 2.0], "ab"), (["1.0", "2.0"], "ab"), (["model_1", "model_2", "tie"], "ab="), (["Response 2", "Response 1"], "ba"),
    (["leftvote", "rightvote", "bothbad_vote"], "ab="), (["A>B", "B>>A", "A=B", "model_a < model_b"], "ab=b"),
    (["equally good", "No preference"], "=="), ([1, 1, 0, 0], None), ([-1, 1, -1], None), (["-1", "0", "1"], None), ([1, 2, 3], None),
    (["model_0", "model_1"], None), (["true", "false"], None), ([0.9, 0.2], None), (["A>A", "A>B>C"], None),
]


def evaluate(scratch, labels, out):
    scratch.write("rows.jsonl", [{"id": i, "prompt": f"p{i}", "response_a": "x", "response_b": f"y {i}", "human": label} for i, label in enumerate(labels)])
    return scratch.run("run", "evaluate", "--method", "judge", "--data", "rows.jsonl", "--model", "sim:judge", "--out", out)


def evaluated():
    with host.Scratch() as scratch:
        for i, (labels, want) in enumerate(SETS):
            result = evaluate(scratch, labels, f"out{i}")
            if want is None:
                tap.equal(result.status, 5, f"{labels}: not understood") or tap.diag(result)
                tap.contains(result.err, ["labels not understood", "write a, b and tie"] if any(str(x)[-1].isdigit() and "." not in str(x) for x in labels)
                             else ["labels not understood"], "and said")
                tap.ok(not (scratch / f"out{i}/verdicts.jsonl").exists(), "before anything is paid")
                continue
            tap.equal(result.summary["outcome"]["labels"], len(labels), f"{labels}: all are labels") or tap.diag(result)
            words = {"a": "as a", "b": "as b", "=": "as tie"}
            for label, meaning in zip(labels, want):
                shown = str(int(label)) if isinstance(label, float) else str(label)
                if shown not in ("a", "b", "tie"):
                    tap.ok(any(f'"{shown}" (' in part and part.rstrip("; \n").endswith(words[meaning]) for part in result.err.replace("\n", ", ").split(", ")),
                           f"{label} {words[meaning]}") or tap.diag(result.err)


def streamed():
    """A judge's panel: the first rows are not read otherwise than the last one allows."""
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", [{"id": i, "prompt": f"p{i}", "response_a": "x", "response_b": f"y {i}", "human": 1 if i < 5 else 0} for i in range(6)])
        scratch.run("run", "judge", "--data", "rows.jsonl", "--model", "sim:judge", "--out", "out")
        panel = json.loads((scratch / "out/results.json").read_text())["judges"][0]
        tap.equal(panel["card"]["n"], 0, "a 0 behind makes the ones before it unknown too") or tap.diag(panel)
        scratch.write("rows.jsonl", [{"id": i, "prompt": f"p{i}", "response_a": "x", "response_b": f"y {i}", "human": 1 + i % 2} for i in range(6)])
        scratch.run("run", "judge", "--data", "rows.jsonl", "--model", "sim:judge", "--out", "all")
        panel = json.loads((scratch / "all/results.json").read_text())["judges"][0]
        tap.equal(panel["card"]["n"], 6, "ones and twos alone are labels") or tap.diag(panel)


host.need_program()
tap.cases(evaluated, streamed)
