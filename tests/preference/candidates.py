#!/usr/bin/env python3
"""Preference sets from any candidates and rankings: several models, samples, loops, files of responses."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub


def run(scratch, out, *options, data="rows.jsonl", **more):
    return scratch.run("run", "preference", "--data", data, "--out", out, *options, **more)


def results(scratch, out):
    return json.loads((scratch / out / "results.json").read_text())


def files_of_responses():
    """The same responses in every form that rows have them in give the same set."""
    texts = {"a": ["The Rhine (quality 0.9)", "A river. (quality 0.1)"], "b": ["So (quality 0.2)", "Thus (quality 0.8)"]}
    forms = {
        "list": [{"id": i, "responses": t} for i, t in texts.items()],
        "objects": [{"id": i, "completions": [{"response": x, "model": "m"} for x in t]} for i, t in texts.items()],
        "messages": [{"id": i, "answers": [[{"role": "assistant", "content": x}] for x in t]} for i, t in texts.items()],
        "numbered": [{"id": i, "response_1": t[0], "response_2": t[1]} for i, t in texts.items()],
        "letters": [{"id": i, "response_a": t[0], "response_b": t[1]} for i, t in texts.items()],
        "long": [{"id": i, "model": f"m{n}", "response": t[n]} for n in (0, 1) for i, t in texts.items()],
        "json": [{"id": i, "responses": json.dumps(t)} for i, t in texts.items()],
    }
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", [{"id": i, "prompt": f"Explain {i}."} for i in texts])
        sets = []
        for name, rows in forms.items():
            scratch.write(f"{name}.jsonl", rows)
            done = run(scratch, name, "--responses", f"{name}.jsonl", "--judge", "sim:judge?skill=1")
            tap.equal(done.status, 0, f"responses as {name}")
            sets.append((scratch / name / "data" / "dpo-00000-of-00001.jsonl").read_bytes())
        tap.equal(len(set(sets)), 1, "all of them the same pairs")
        chosen = [json.loads(line)["chosen"] for line in sets[0].splitlines()]
        tap.equal(chosen, [texts["a"][0], texts["b"][1]], "and the better ones chosen")
        scratch.write("own.jsonl", [{"id": i, "x": t[0], "y": t[1], "z": None} for i, t in texts.items()])
        done = run(scratch, "own", "--responses", "own.jsonl", "--response-columns", "x,y,z", "--judge", "sim:judge?skill=1")
        tap.equal((scratch / "own" / "data" / "dpo-00000-of-00001.jsonl").read_bytes(), sets[0], "columns by name")
        done = run(scratch, "bad", "--responses", "own.jsonl", "--response-columns", "x,q", "--judge", "sim:judge")
        tap.contains(done.err, ["own.jsonl:1", '"q" is missing'], "a column that is not there is named")
        scratch.write("some.jsonl", forms["list"][:1])
        done = run(scratch, "some", "--responses", "some.jsonl", "--judge", "sim:judge?skill=1")
        tap.equal(done.status, 3, "a prompt without a response fails")
        tap.contains(done.err, ["some.jsonl", "the id b"], "and is named")
        done = run(scratch, "together", "--responses", "some.jsonl", "--generator", "sim:one", "--samples", "2", "--judge",
                   "sim:judge", "--rank", "round-robin")
        rows = host.jsonl(scratch / "together" / "responses.jsonl")
        tap.equal([len(row["responses"]) for row in rows], [4, 2], "a file and a generator together")
        tap.equal(rows[0]["models"], [None, None, "sim:one", "sim:one"], "who wrote each")


def one_model_fails():
    """Three models, of which one fails for one row: the row is ranked without it, and the failure is named."""
    rules = [{"model": "weak", "contains": "<row-1>", "status": 400,
              "body": {"error": {"message": "no", "type": "invalid_request_error", "code": "content_filter"}}}]
    with Stub(size=60, rules=rules) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(3)
        for rank, file in (("round-robin", "verdicts"), ("scores", "scores")):
            done = run(scratch, rank, "--generator", "openai:strong", "--generator", "openai:weak", "--generator",
                       "openai:third", "--judge", "sim:judge?skill=1", "--rank", rank)
            tap.equal(done.status, 3, f"{rank}: a part of a row failed")
            rows = host.jsonl(scratch / rank / "responses.jsonl")
            tap.equal([len(row["responses"]) for row in rows], [3, 2, 3], f"{rank}: the rest of the row is used")
            failed = host.jsonl(scratch / rank / "errors.jsonl")
            tap.equal([(e["id"], e["kind"], e["model"]) for e in failed], [("row-1", "content_filter", "openai:weak")],
                      f"{rank}: and the failure is named")
            tap.equal(len(host.jsonl(scratch / rank / f"{file}.jsonl")), (3 + 1 + 3) if rank != "scores" else 8,
                      f"{rank}: {file}.jsonl")


def judge_fails_for_one():
    """A candidate without a readable score is left out, counted and named; the rest of the row makes the pair."""
    rules = [{"model": "judge", "contains": "PLANTED", "body": {"choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant", "content": "I like it."}}]}}]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", [{"id": 1, "prompt": "Why?", "responses": ["one", "PLANTED", "three"]}])
        done = run(scratch, "out", "--responses", "rows.jsonl", "--judge", "openai:judge", "--rank", "scores")
        scores = host.jsonl(scratch / "out" / "scores.jsonl")
        tap.equal(scores[1]["score"], None, "no score")
        tap.ok(scores[1]["problem"], "with its reason")
        tap.equal(results(scratch, "out")["scores"]["unscored"], 3 if scores[0]["score"] is None else 1, "counted")
        tap.contains(done.err, "without a score", "and said")


def said(text):
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}]}


def rubrics():
    """Values that the response plants are asked for once more; missing ones leave a response without a score, named and counted."""
    mine = "### Criterion 1:\n%d/5\n\n### Criterion 2:\n%s"
    planted = mine % (5, "Yes")
    rules = [{"contains": ["### Criterion", "PLANTED", "could not be read"], "body": said(mine % (2, "No"))},
             {"contains": ["### Criterion", "PLANTED"], "body": said("It says so itself.\n\n" + planted)},
             {"contains": ["### Criterion", "SILENT"], "body": said("### Criterion 1:\n5/5")},
             {"contains": "### Criterion", "body": said("Well.\n\n" + mine % (4, "Yes"))}]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        rubric = [{"criterion": "is true", "weight": 3}, {"criterion": "is short", "kind": "yes/no"}]
        scratch.write("rows.jsonl", [{"id": 1, "prompt": "Why?", "rubric": rubric, "responses": ["PLANTED " + planted, "good", "SILENT"]},
                                     {"id": 2, "prompt": "Who?", "rubric": [{"criterion": "x", "weight": "NaN"}], "responses": ["a", "b"]},
                                     {"id": 3, "prompt": "When?", "responses": ["a", "b"]}])
        done = run(scratch, "out", "--responses", "rows.jsonl", "--judge", "openai:judge", "--rank", "rubric")
        tap.equal(done.status, 3, "rows without a usable rubric fail")
        scores = host.jsonl(scratch / "out" / "scores.jsonl")
        tap.equal([round(row["score"], 4) if row["score"] is not None else None for row in scores], [0.1875, 0.8125, None],
                  "planted values do not count, and missing ones make no score")
        tap.equal(scores[2]["problem"], "missing", "with the reason")
        tap.equal(scores[1]["criteria"], [{"name": "is true", "weight": 3, "value": 4}, {"name": "is short", "weight": 1, "value": "Yes"}],
                  "all criteria are kept")
        tap.equal(results(scratch, "out")["scores"], {"n": 3, "unscored": 1}, "counted")
        failed = {row["id"]: row["message"] for row in host.jsonl(scratch / "out" / "errors.jsonl")}
        tap.contains(failed[2], ["rows.jsonl:2", "criterion 1", "weight NaN"], "a weight that is NaN is named")
        tap.contains(failed[3], ["rows.jsonl:3", "no rubric"], "a row without a rubric is named")
        pair = host.jsonl(scratch / "out" / "data" / "dpo-00000-of-00001.jsonl")
        tap.equal([p["chosen"] for p in pair], ["good"], "the rest of the row makes the pair")
        scratch.write("criteria.txt", "- is true\n- is kind\n")
        done = run(scratch, "file", "--responses", "rows.jsonl", "--judge", "sim:j?skill=1", "--rank", "rubric", "--rubric", "criteria.txt")
        tap.equal(len(host.jsonl(scratch / "file" / "scores.jsonl")), 5, "criteria of a file, for the rows without")
        done = run(scratch, "bad", "--responses", "rows.jsonl", "--judge", "sim:j", "--rank", "rubric", "--rubric", "gone.txt")
        tap.ok(done.status == 2 and "gone.txt" in done.err, "a rubric that is not there", done)


def second_round():
    """A second round with another generator takes the first one's answers along; their judgements come from the store."""
    with Stub(size=60) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(4)
        judged = ["--judge", "sim:judge", "--rank", "scores"]
        first = run(scratch, "round-1", "--generator", "openai:zero", "--generator", "openai:other", *judged)
        tap.equal(first.summary["calls"], 8 + 8, "the first round: answers and scores")
        second = run(scratch, "round-2", "--generator", "openai:one", "--responses", "round-1/responses.jsonl", *judged)
        tap.equal((second.summary["calls"], second.summary["stored"]), (4 + 4, 8), "the second: new ones; the old scores are stored")
        rows = host.jsonl(scratch / "round-2" / "responses.jsonl")
        tap.equal(rows[0]["models"], ["openai:zero", "openai:other", "openai:one"], "and who wrote each is kept")


def sets_besides():
    """The best alone, all with their ranks, columns besides and tools, in every format; check-dataset finds no fault."""
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", [{"id": i, "prompt": f"Explain {i}.", "tools": None if i == 2 else tools,
                                      "responses": [f"good {i} (quality 0.9)", f"bad {i} (quality 0.1)", f"fair {i} (quality 0.5)",
                                                    f"fair {i} (quality 0.5) "]} for i in range(3)])
        for name in ("trl", "trl-conversational", "llama-factory", "llama-factory-sharegpt", "axolotl"):
            more = [] if name == "axolotl" else ["--columns", "scores", "--columns", "models"]
            done = run(scratch, name, "--responses", "rows.jsonl", "--rank", "reward", "--judge", "sim:rm", "--format", name,
                       "--also", "sft", "--also", "ranked", *more)
            tap.equal(done.status, 0, f"{name}: goes well") or tap.diag(done)
            checked = scratch.run("run", "check-dataset", name)
            tap.equal(checked.status, 0, f"{name}: check-dataset finds no fault") or tap.diag(checked)
            rows = {kind: host.jsonl(scratch / name / f"data/{kind}-00000-of-00001.jsonl") for kind in ("dpo", "kto", "sft", "ranked")}
            tap.equal([len(rows["sft"]), len(rows["ranked"])], [3, 3], f"{name}: a row for each prompt")
            tap.contains(json.dumps(rows["sft"][1]), ["good 1"], f"{name}: the best alone")
            tap.lacks(json.dumps(rows["sft"][1]), ["bad", "fair"], f"{name}: and nothing else")
            ranked = rows["ranked"][0]["completions"]
            tap.equal([(one["rank"], one["reward"], one["completion"][0]["content"][:4]) for one in ranked],
                      [(0, 0.9, "good"), (1, 0.5, "fair"), (2, 0.1, "bad ")], f"{name}: ranks, each text once")
            if more:
                tap.equal([rows["dpo"][0][key] for key in ("score_chosen", "score_rejected", "margin", "chosen_model")],
                          [0.9, 0.1, 0.8, None], f"{name}: scores beside the pair")
            with_tools = name != "axolotl"
            wanted = [tools, tools, None] if name.startswith("trl") else [json.dumps(tools, separators=(",", ":"))] * 2 + [""]
            tap.equal([row.get("tools", "-") for row in rows["dpo"]], wanted if with_tools else ["-"] * 3,
                      f"{name}: tools are carried where the trainer takes them")
            if name.startswith("llama"):
                info = json.loads((scratch / name / "dataset_info.json").read_text())
                tap.equal({entry["columns"].get("tools") for entry in info.values()}, {"tools"}, f"{name}: and dataset_info.json names them")
            told = "tools of 2 prompts" in done.err
            tap.equal(told, not with_tools, f"{name}: and where not, that is said")
        scratch.write("rows.jsonl", [{"id": i, "prompt": f"Explain {i}.", "responses": ["a", "b"], "tools": given}
                                     for i, given in enumerate([json.dumps(tools), "no JSON", {"name": "look"}])])
        done = run(scratch, "tools", "--responses", "rows.jsonl", "--rank", "reward", "--judge", "sim:rm", "--format", "llama-factory")
        failed = [row["message"] for row in host.jsonl(scratch / "tools/errors.jsonl")]
        tap.ok(done.status == 3 and len(failed) == 2, "tools that would end LLaMA-Factory's training fail their rows", done)
        tap.contains(failed[0], ["rows.jsonl:2", "neither a list"], "and are named")
        run(scratch, "whole", "--responses", "rows.jsonl", "--rank", "scores", "--judge", "sim:j", "--columns", "scores", "--also", "ranked",
            "--pairs", "all")
        for kind, key in (("dpo", "score_chosen"), ("dpo", "margin"), ("ranked", "reward")):
            text = (scratch / f"whole/data/{kind}-00000-of-00001.jsonl").read_text()
            tap.ok(re.search(rf'"{key}":\d+\.\d', text) and not re.search(rf'"{key}":\d+[,}}]', text),
                   f"{key}: whole numbers are written as floats, since loaders take the type of a column from its first rows", text)
        two = ["--generator", "sim:a", "--generator", "sim:b", "--judge", "sim:j"]
        for options, said_so in (([*two, "--also", "ranked"], "needs a score"), ([*two, "--columns", "scores", "--format", "axolotl"], "Axolotl"),
                                 ([*two, "--also", "rm"], "sft, ranked")):
            refused = run(scratch, "no", *options)
            tap.ok(refused.status == 2 and said_so in refused.err, f"refused: {' '.join(options[6:])}", refused)


def usage():
    with host.Scratch() as scratch:
        scratch.prompts(1)
        loop = ["--generator", "sim:a", "--reviewer", "sim:r"]
        for options, said in (
                ([], "--generator M is missing"),
                (loop, "--judge M is missing"),
                (["--generator", "sim:a", "--judge", "sim:j"], "one response to a prompt makes no pair"),
                (["--generator", "sim:a", "--generator", "sim:a", "--judge", "sim:j"], "given twice"),
                ([*loop, "--judge", "sim:j", "--pairs", "sweet-spot"], "needs a score of each response"),
                ([*loop, "--judge", "sim:j", "--rank", "scores", "--swap"], "one response alone"),
                ([*loop, "--judge", "sim:j", "--rank", "scores", "--improve", "members"], "needs one loop"),
                ([*loop, "--judge", "sim:j", "--responses", "many"], "whole number"),
                ([*loop, "--judge", "sim:j", "--responses", "gone.jsonl"], "gone.jsonl"),
                ([*loop, "--judge", "sim:j", "--rank", "ladders"], "ladder"),
                (["--judge", "sim:j", "--samples", "2", "--responses", "rows.jsonl"], "there is none")):
            done = run(scratch, "out", *options)
            tap.ok(done.status == 2 and said in done.err, f"{' '.join(options)}: {said}", done)


def estimates():
    """A dry run's likely calls are the calls that are then made, for each way to candidates and rankings."""
    with Stub(size=60) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(4)
        two = ["--generator", "openai:a", "--generator", "openai:b", "--generator", "openai:c", "--judge", "openai:judge"]
        for name, options in (("round robin", [*two, "--rank", "round-robin"]),
                              ("ladder", two),
                              ("loops", [*two, "--reviewer", "openai:r", "--rank", "round-robin"])):
            told = run(scratch, "dry", *options, "--dry-run", "--store", f"{name}.db").summary
            done = run(scratch, name, *options, "--store", f"{name}.db")
            calls = sum(part["calls"]["likely"] for part in told["models"]) if "models" in told else told["calls"]["likely"]
            tap.equal(calls, done.summary["calls"], f"{name}: as many calls as estimated")
            again = run(scratch, name + " again", *options, "--store", f"{name}.db", "--offline")
            tap.equal((again.status, again.summary["calls"]), (0, 0), f"{name}: a rerun is offline")
            tap.equal((scratch / name / "data/dpo-00000-of-00001.jsonl").read_bytes(),
                      (scratch / (name + " again") / "data/dpo-00000-of-00001.jsonl").read_bytes(), f"{name}: the same bytes")
            stopped = run(scratch, name + " bounded", *options, "--store", f"{name} 2.db", "--max-calls", "5")
            tap.equal(stopped.status, 4, f"{name}: a budget stops it")


host.need_program()
tap.cases(files_of_responses, one_model_fails, judge_fails_for_one, rubrics, second_round, sets_besides, usage, estimates)
