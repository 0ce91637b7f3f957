#!/usr/bin/env python3
"""New prompts out of seeds: moves and chains, what is left out and why, reruns, budgets and estimates."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from door_server import Door
from stub_server import Stub


def said(text, finish="stop"):
    return {"choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}]}


def run(scratch, out, *options):
    return scratch.run("run", "prompts", "--data", "rows.jsonl", "--model", "openai:writer", "--out", out, *options)


def moves():
    with Stub(size=60) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(3)
        done = run(scratch, "out", "--rounds", "2", "--chains", "2", "--move", "deepen", "--move", "breadth")
        tap.equal(done.status, 0, "goes well") or tap.diag(done)
        rows = host.jsonl(scratch / "out" / "prompts.jsonl")
        tap.ok(rows and all(row["move"] in ("deepen", "breadth") for row in rows), "only the moves that were named")
        tap.equal(sorted({row["seed"] for row in rows}), ["row-0", "row-1", "row-2"], "from every seed")
        tap.equal(len({row["prompt"].strip() for row in rows}), len(rows), "each prompt once")
        again = run(scratch, "again", "--rounds", "2", "--chains", "2", "--move", "deepen", "--move", "breadth", "--offline")
        tap.equal((again.status, again.summary["calls"]), (0, 0), "a rerun is offline")
        tap.equal((scratch / "again/prompts.jsonl").read_bytes(), (scratch / "out/prompts.jsonl").read_bytes(), "with the same bytes")
        seeded = run(scratch, "seeded", "--rounds", "3", "--seed", "5")
        other = run(scratch, "other", "--rounds", "3", "--seed", "6")
        tap.ok(seeded.status == other.status == 0, "moves are drawn by the seed")
        tap.equal(run(scratch, "stopped", "--fresh", "1", "--max-calls", "2").status, 4, "a budget stops it")
        before = len(server.log())
        dry = run(scratch, "dry", "--fresh", "2", "--dry-run")
        tap.equal((dry.status, len(server.log())), (0, before), "a dry run asks nothing")


def left_out():
    """What is empty, cut off, unchanged, a repetition or judged no prompt is counted by its reason, and not written."""
    yes = "### Criterion %d:\n%s\n\n"
    rules = [{"contains": "### Criterion 1:", "body": said("".join(yes % (i, "No" if i == 2 else "Yes") for i in (1, 2, 3)))},
             {"contains": "<row-0>", "body": said("explain item  <ROW-0> in a few words!")},
             {"contains": "<row-1>", "body": said("Half a pro", "length")},
             {"contains": ["<row-2>"], "body": said("A new prompt.")},
             {"contains": ["<row-3>"], "body": said(" a new prompt ")}]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(4)
        done = run(scratch, "out")
        tap.equal([row["id"] for row in host.jsonl(scratch / "out" / "prompts.jsonl")], ["row-2-1-1"], "one is left")
        counted = json.dumps(done.summary["outcome"])
        tap.contains(counted, ["left out: unchanged", "left out: cut", "left out: duplicate"], "the others by their reasons")
        judged = run(scratch, "judged", "--judge", "openai:judge")
        tap.equal(judged.status, 5, "the judge leaves nothing: a run that has nothing to show")
        tap.contains(json.dumps(judged.summary["outcome"]), "left out: judged", "and that is said")


def completed(text, finish="stop"):
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}],
        "usage": {"prompt_tokens": 4, "completion_tokens": 9, "total_tokens": 13}}


def magpie():
    """Prompts of a chat template: the opening goes out as it is, with a bound and stops; what is no prompt is counted."""
    texts = ["Name three rivers.\n", "half a", "name three RIVERS!", "What is a tide?", "Why is it so?", ""]

    def answer(path, body):
        if path != "/v1/completions" or "messages" in body:
            return 404, json.dumps({"error": {"message": "no such door"}})
        text = texts[min(len(server.asked), len(texts)) - 1]
        return completed(text, "length" if text == "half a" else "stop")

    def ask(out, *options, model="raw:base"):
        return scratch.run("run", "prompts", "--model", model, "--concurrency", "1", "--out", out, *options)

    with Door(answer) as server, host.Scratch(RAW_BASE_URL=server.url + "/v1") as scratch:
        done = ask("out", "--opening", "chatml", "--count", "6")
        tap.equal(done.status, 0, "goes well") or tap.diag(done)
        rows = host.jsonl(scratch / "out/prompts.jsonl")
        tap.equal([(row["id"], row["prompt"]) for row in rows], [(0, "Name three rivers."), (3, "What is a tide?"), (4, "Why is it so?")],
                  "prompts, trimmed, each once")
        results = json.loads((scratch / "out/results.json").read_text())
        tap.equal((results["prompts"], results["asked"], results["left_out"]), (3, 6, {"cut": 1, "duplicate": 1, "empty": 1}),
                  "what is none is counted by its reason")
        tap.equal(server.asked[0][1], {"model": "base", "prompt": "<|im_start|>user\n", "temperature": 1, "max_tokens": 512,
                                       "stop": ["<|im_end|>", "<|im_start|>", "<|endoftext|>"]}, "what goes out")
        again = ask("again", "--opening", "chatml", "--count", "6", "--offline")
        tap.equal((again.status, again.summary["calls"], len(server.asked)), (0, 0, 7), "a rerun is offline; what said nothing was asked twice")
        tap.equal((scratch / "again/prompts.jsonl").read_bytes(), (scratch / "out/prompts.jsonl").read_bytes(), "with the same bytes")
        more = ask("more", "--opening", "chatml", "--count", "6", "--shard", "2/2", "--offline")
        tap.equal([row["id"] for row in host.jsonl(scratch / "more/prompts.jsonl")], [3], "a part of them") or tap.diag(more)
        dry = ask("dry", "--opening", "llama-3", "--count", "50", "--dry-run")
        tap.equal((dry.status, len(server.asked)), (0, 7), "a dry run asks nothing") or tap.diag(dry)
        tap.contains(dry.out + dry.err, "50", "and counts the calls")
        tap.equal(ask("stopped", "--opening", "llama-3", "--max-calls", "1").status, 4, "a budget stops it")
    with Door(lambda path, body: completed(f"Which {len(server.asked)}?")) as server, \
            host.Scratch(RAW_BASE_URL=server.url + "/v1") as scratch:
        scratch.write("own.txt", "### Human:\n")
        ask("own", "--opening", "own.txt", "--count", "1", model="raw:base?temperature=0.5&stop=###")
        ask("system", "--opening", "llama-3", "--system", "Ask of 100% rivers.", "--count", "1", model="raw:base?max_tokens=64")
        own, system = (body for _, body in server.asked)
        tap.equal((own["prompt"], own["temperature"], own["stop"]), ("### Human:\n", 0.5, "###"), "an opening and parameters of one's own")
        tap.equal((system["prompt"], system["max_tokens"]), ("<|start_header_id|>system<|end_header_id|>\n\nAsk of 100% rivers.<|eot_id|>"
                  "<|start_header_id|>user<|end_header_id|>\n\n", 64), "a system prompt stands in the opening")
        no = "### Criterion 1:\nNo\n\n### Criterion 2:\nYes"
        with Stub(rules=[{"contains": "Which 3?", "body": said(no)}, {"body": said(no.replace("No", "Yes"))}]) as judge:
            judged = scratch.run("run", "prompts", "--model", "raw:base", "--judge", "openai:judge", "--opening", "gemma", "--count", "3",
                                 "--concurrency", "1", "--out", "judged", env={"OPENAI_BASE_URL": judge.url, "OPENAI_API_KEY": "k"})
            tap.equal(json.loads((scratch / "judged/results.json").read_text())["left_out"], {"judged": 1}, "a judge's filter") or \
                tap.diag(judged)


def usage_errors():
    with host.Scratch() as scratch:
        scratch.prompts(1)
        seeds = ["--data", "rows.jsonl", "--model", "sim:writer"]
        opening = ["--opening", "chatml", "--model", "sim:writer"]
        for options, word in ((["--model", "sim:w"], "give one of the two"), ([*seeds, "--opening", "chatml"], "give one of the two"),
                              ([*seeds, "--count", "3"], "--count goes with"), ([*opening, "--rounds", "2"], "--rounds goes with"),
                              (["--opening", "chatlm", "--model", "sim:w"], "chatml"),
                              (["--opening", "gemma", "--system", "x y", "--model", "sim:w"], "no place for a system prompt"),
                              (["--opening", "chatml", "--model", "openai:gpt-4o"], "raw:gpt-4o")):
            done = scratch.run("run", "prompts", *options, "--out", "out")
            tap.ok(done.status == 2 and word in done.err, f"{options[-2]}: {word}", done)
        done = scratch.run("run", "generate", "--data", "rows.jsonl", "--model", "raw:base", "--system", "Be brief.", "--out", "out")
        tap.ok(done.status != 0 and "chat template" in done.err, "a raw completion takes no conversation", done)


host.need_program()
tap.cases(moves, left_out, magpie, usage_errors)
