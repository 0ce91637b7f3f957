#!/usr/bin/env python3
"""What came out of a run is told: counts, shares that are too large, nothing to show; failures that are all alike."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub
from terminal import ESCAPES, Terminal

SHRUG = "Honestly, I cannot\tdecide between them."


def completion(text, reason="stop"):
    return {"id": "x", "object": "chat.completion", "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}]}


def judgement(a, b):
    return completion(f"### Score Assistant A:\n{a}/10\n\n### Score Assistant B:\n{b}/10")


def pairs(scratch, count, mark=lambda i: "", **more):
    scratch.write("rows.jsonl", [{"id": f"row-{i}", "prompt": f"Explain <row-{i}>{mark(i)}.", "response_a": f"one {i}",
                                  "response_b": f"two {i}", **more} for i in range(count)])


def judge(scratch, *arguments, command="judge", out="out"):
    return scratch.run("run", command, "--data", "rows.jsonl", "--model", "openai:judge", "--out", out, *arguments)


def half_unreadable():
    rules = [{"contains": "<odd>", "body": completion(SHRUG)}, {"body": judgement(9, 3)}]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        pairs(scratch, 30, lambda i: " <odd>" if i % 2 else "")
        result = judge(scratch)
        tap.equal(result.status, 0, "half of the verdicts unreadable: a result, with status 0")
        tap.equal(result.summary["outcome"]["verdicts"], {"n": 30, "a": 15, "b": 0, "tie": 0, "unparsed": 15},
                  "the last line counts them")
        tap.equal(json.loads((scratch / "out/run.json").read_text())["outcome"], result.summary["outcome"], "and run.json")
        tap.contains(result.err, ["30 verdicts (15 a, 0 b, 0 tie, 15 unparsed)", "unparsed: 15 of 30 verdicts of openai:judge (50%)",
                                  "the first, row row-1", ": Honestly, I cannot decide", "--structured"],
                     "the summary warns, with an example and advice")
        tap.ok(0 < result.err.index("unparsed: 10 of 20 ") < result.err.index("30 rows done"), "after the first 20 rows")
        result = judge(scratch, "--quiet", out="quiet")
        tap.equal((result.err, result.summary["outcome"]["verdicts"]["unparsed"]), ("", 15), "--quiet: the last line alone")


def flips():
    with Stub(rules=[{"body": judgement(9, 3)}]) as server, host.Scratch(server.url) as scratch:
        pairs(scratch, 5)
        result = judge(scratch, "--swap")
        tap.equal((result.status, result.summary["outcome"]["verdicts"]),
                  (0, {"n": 5, "a": 0, "b": 0, "tie": 5, "unparsed": 0, "flipped": 5}), "a judge that prefers a place")
        tap.contains(result.err, ["flipped: 5 of 5 verdicts of openai:judge (100%)", "the first, row row-0", "place of a response"],
                     "is told of, in a short run too")


def few_unreadable():
    """A fifth of the verdicts is no warning."""
    rules = [{"contains": "<odd>", "body": completion(SHRUG)}, {"body": judgement(9, 3)}]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        pairs(scratch, 25, lambda i: " <odd>" if i % 5 == 4 else "")
        result = judge(scratch)
        tap.equal(result.summary["outcome"]["verdicts"]["unparsed"], 5, "5 of 25 unparsed")
        tap.lacks(result.err, "warning", "are counted without a warning")


def nothing_to_show():
    with Stub(rules=[{"contains": "Score Assistant A", "body": completion(SHRUG)}], latency_ms=5) as server, \
            host.Scratch(server.url) as scratch:
        scratch.prompts(24)
        result = scratch.preference("--concurrency", 4, "--window", 4)
        tap.equal(result.status, 5, "no pair: status 5")
        tap.equal(result.err.count("verdicts off"), 0 + 1 + 1, "advice is given once early and once at the end")
        tap.equal((result.summary["status"], result.summary["rows"], result.summary["outcome"]["pairs"]), ("nothing to show", 24, 0),
                  "the last line says so")
        tap.equal(result.summary["outcome"]["without_a_pair"], {"n": 24, "unparsed": 24}, "and why")
        tap.ok(result.err.index("no pair after 20 rows") < result.err.index("24 rows done"), "it is told after the first 20 rows")
        tap.contains(result.err, "no pair after 24 rows", "and at the end")
        tap.equal(json.loads((scratch / "out/run.json").read_text())["status"], "nothing to show", "run.json has it")
        tap.ok((scratch / "out/responses.jsonl").exists(), "what was written is complete")
        pairs(scratch, 3)
        tap.equal(judge(scratch, out="judged").status, 5, "no verdict that can be read: status 5")
        result = judge(scratch, "--method", "judge", command="evaluate", out="e")
        tap.equal((result.status, json.loads((scratch / "e/run.json").read_text())["status"]), (5, "nothing to show"), "no label: status 5")
        tap.contains(result.err, "--human-column", "and which option says where labels are")


def unreadable_leanings():
    with host.Scratch() as scratch:
        scratch.write("v.jsonl", [{"id": i, "evaluator": "judge", "models": ["m"], "winner": "unparsed"} for i in range(3)])
        result = scratch.run("run", "bias", "--data", "v.jsonl", "--out", "out")
        tap.equal((result.status, result.summary["outcome"]["verdicts"]), (5, {"n": 3, "unparsed": 3}), "bias of verdicts that none could read: status 5")


def measures():
    with Stub(rules=[{"body": judgement(9, 3)}]) as server, host.Scratch(server.url) as scratch:
        pairs(scratch, 6, human="a")
        result = judge(scratch, "--method", "judge", command="evaluate")
        tap.equal((result.status, result.summary["outcome"]["labels"], list(result.summary["outcome"]["kappa"])),
                  (0, 6, ["openai:judge"]), "evaluate: labels and kappas in the last line")
        scratch.write("a.jsonl", [{"id": i, "prompt": "p", "response": "x"} for i in range(4)])
        scratch.write("b.jsonl", [{"id": i, "prompt": "p", "response": "y"} for i in range(2, 6)])
        result = scratch.run("run", "winrate", "--data", "a.jsonl", "--against", "b.jsonl", "--evaluator", "judge", "--model", "openai:judge",
                             "--out", "wins")
        tap.equal(result.summary["outcome"], {"games": {"n": 2, "a": 2, "b": 0, "tie": 0, "unparsed": 0}, "unmatched": 2, "win_rate": 1.0},
                  "winrate: games, rows without a match, the rate")


def alike():
    """Equal failures are told once, with their count; a run in which nothing else happens stops."""
    with host.Scratch() as scratch:
        scratch.prompts(12)
        job = ["run", "feedback", "--data", "rows.jsonl", "--generator", "sim:g", "--reviewer", "sim:r"]
        result = scratch.run(*job, "--prompt-column", "text", "--out", "few")
        tap.equal((result.status, result.summary["failed"]), (3, 12), "a column that no row has: 12 rows fail")
        tap.equal(result.err.count('the field "text" is missing'), 2, "which is told once, and once more with its count")
        tap.contains(result.err, "12 rows alike, the first row-0", "of them all")
        scratch.prompts(5000)
        result = scratch.run(*job, "--prompt-column", "text", "--out", "many")
        tap.equal(result.status, 1, "of 5,000 rows: the run stops")
        tap.contains(result.err, ["stopped: the first 20 rows all failed alike, and none succeeded", 'the field "text"'], "and says why")
        tap.equal(len(host.jsonl(scratch / "many/errors.jsonl")), 20, "after 20")
        scratch.write("rows.jsonl", [{"id": i, **({"text": "t"} if i == 7 else {"prompt": "p"})} for i in range(60)])
        result = scratch.run(*job, "--prompt-column", "text", "--out", "one")
        tap.equal((result.status, result.summary["rows"], result.summary["failed"]), (3, 1, 59), "one row that is done keeps a run going")


def refused_prompts():
    """A dataset may begin with prompts that a provider refuses: they say nothing of the others."""
    for fault in ("content_filter", "context_length"):
        with Stub(rules=[{"contains": "<bad>", "fault": fault}, {"body": completion("fine")}]) as server, host.Scratch(server.url) as scratch:
            pairs(scratch, 50, lambda i: " <bad>" if i < 40 else "")
            result = scratch.run("run", "generate", "--data", "rows.jsonl", "--model", "openai:m", "--out", "out", "--concurrency", 1)
            tap.equal((result.status, result.summary["rows"], result.summary["failed"]), (3, 10, 40), f"40 of 50 prompts meet {fault}: the run goes on")
            tap.contains(result.err, "40 rows alike", "and counts them")


def no_rows():
    """A dataset without a row is nothing to show; a shard without one is."""
    with host.Scratch() as scratch:
        for name, content in [("empty.jsonl", ""), ("blank.jsonl", "\n\n"), ("header.csv", "id,prompt,response_a,response_b\n"), ("none.json", "[]")]:
            scratch.write(name, content)
            result = scratch.run("run", "judge", "--data", name, "--model", "sim:j", "--out", "of-" + name)
            tap.equal((result.status, result.summary["status"]), (5, "nothing to show"), f"{name}: status 5")
            tap.contains(result.err, f"is the dataset ({name}) empty?", "and why")
        result = scratch.run("run", "generate", "--data", "-", "--model", "sim:g", "--out", "of-input")
        tap.equal((result.status, "is the dataset (standard input) empty?" in result.err), (5, True), "standard input without a row: the same")
        pairs(scratch, 2)
        result = judge(scratch, "--shard", "3/3", out="shard")
        tap.equal((result.status, result.summary["rows"]), (0, 0), "the third shard of two rows: none, status 0")
        tap.contains(result.err, "none in this part", "and why")
        result = judge(scratch, "--limit", 0, out="limited")
        tap.equal((result.status, "--limit 0 takes none" in result.err), (0, True), "--limit 0: none, status 0, and why")
        scratch.write("own.lua", """return { summary = "own", options = { { "data", type = "data", help = "rows" } }, run = function(run)
  for row in run:rows "data" do io.stderr:write(row.prompt) end
end }""")
        tap.equal(scratch.run("run", "./own.lua", "--data", "rows.jsonl", "--out", "own").status, 0, "a script that reads rows by itself: its own affair")


def unsupported():
    """What a model cannot do stops a run at its first row."""
    with Stub(rules=[{"body": judgement(9, 3)}]) as server, host.Scratch(server.url) as scratch:
        pairs(scratch, 200)
        result = judge(scratch, "--logprobs", "--concurrency", "4", "--window", "4")
        tap.equal(result.status, 1, "--logprobs of a server that gives none: status 1")
        tap.contains(result.err, ["stopped at the first row", "log-probabilities"], "and why")
        tap.ok(len(server.log()) <= 20, f"few calls are made: {len(server.log())}")


def no_such_model():
    """A wrong model's name stops a run when it is met; what to check is said, and no line of what is bundled."""
    rules = [{"model": "wrong", "fault": "model_not_found"}, {"contains": "Score Assistant A", "body": judgement(9, 3)}]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        pairs(scratch, 300, human="a", response="one")
        scratch.write("other.jsonl", [{"id": f"row-{i}", "response": "two"} for i in range(300)])
        for command, *arguments in [("judge",), ("evaluate", "--method", "judge"), ("jury", "--model", "openai:b"),
                                    ("winrate", "--evaluator", "judge", "--against", "other.jsonl")]:
            before = len(server.log())
            result = scratch.run("run", command, "--data", "rows.jsonl", "--model", "openai:wrong", *arguments, "--out", command,
                                 "--concurrency", 4, "--window", 4)
            tap.equal(result.status, 1, f"{command} with a model that does not exist: status 1")
            tap.contains(result.err, ["The model `nope` does not exist", "check the model's name"], f"{command}: what to do")
            tap.lacks(result.err, ".lua:", f"{command}: no line of a bundled script")
            tap.ok(len(server.log()) - before <= 20, f"{command}: few calls are made")


def whose_line():
    """A wrong command line is no place in a script; a failure in one's own script is."""
    with host.Scratch() as scratch:
        scratch.prompts(2)
        for arguments in [("preference", "--data", "rows.jsonl"), ("preference", "--data", "rows.jsonl", "--generator", "sim:g", "--reviewer",
                          "sim:r", "--judge", "sim:j", "--also", "ranked"), ("tournament", "--data", "rows.jsonl", "--generator", "sim:g",
                          "--judge", "sim:j")]:
            result = scratch.run("run", *arguments, "--out", "out")
            tap.ok(result.status == 2 and ".lua:" not in result.err, f"{arguments[0]}: a usage error without a line", result)
        scratch.write("own.lua", """return { summary = "own", options = {}, run = function(run)
  run:usage "the moon is not full"
end }""")
        result = scratch.run("run", "./own.lua", "--out", "own")
        tap.equal((result.status, result.err), (2, "fellowship: the moon is not full\n"), "one's own script: a usage error is its message")
        scratch.write("ask.lua", 'local m = require "fellowship".model "openai:m"\n\nm:ask "Hi"\n')
        result = scratch.run("ask.lua", env={"OPENAI_API_KEY": None})
        tap.contains(result.err, "ask.lua:3", "a call that fails for want of a key: the line of the script")


def mixed_failures():
    """Failures that differ do not stop a run, and each is told."""
    with host.Scratch() as scratch:
        scratch.write("script.lua", """local fellowship = require "fellowship"
for _ in fellowship.map(fellowship.rows "rows.jsonl", function(_, n)
  error(n % 2 == 0 and "the even kind" or "the odd kind")
end) do end
""")
        scratch.prompts(50)
        result = scratch.run("script.lua")
        tap.equal(result.status, 3, "two kinds of failures: the run goes to its end")
        tap.equal((result.err.count("the even kind"), result.err.count("the odd kind")), (2, 2), "each told once, and counted")


def cut_off():
    """Answers that a limit of tokens cut off: counted, marked, no chosen text unless --keep-cut says so."""
    rules = [{"model": "judge", "body": judgement(3, 9)},                       # B of the first comparison, A of the second: 2
             {"model": "writer", "contains": ["<row-0>", "criticism"], "body": completion("a second text that en", "length")},
             {"model": "writer", "contains": ["<row-1>"], "times": 1, "body": completion("a first text that en", "length")},
             {"model": "writer", "contains": "criticism", "body": completion("a second text")},
             {"model": "writer", "body": completion("a first text")}, {"model": "reviewer", "body": completion("criticism")}]
    job = ["--responses", 2]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(3)
        result = scratch.preference(*job)
        tap.equal((result.status, result.summary["outcome"]["responses"]), (0, {"n": 6, "cut off": 2}), "two of six responses cut off")
        tap.equal([row.get("cut") for row in host.jsonl(scratch / "out/responses.jsonl")], [[2], [1], None], "responses.jsonl marks them")
        tap.equal([row["chosen"] for row in host.jsonl(scratch / "out/data/dpo-00000-of-00001.jsonl")], ["a second text"] * 2,
                  "one that would be chosen makes no pair; a rejected one may be cut off")
        tap.equal(result.summary["outcome"]["without_a_pair"], {"n": 1, "cut": 1}, "which is counted")
        tap.equal(json.loads((scratch / "out/results.json").read_text())["dropped"], {"cut": 1}, "in results.json too")
        tap.contains((scratch / "out/README.md").read_text(), "because a limit of tokens cut the chosen text off: 1 pairs", "and in the card")
        tap.contains(result.err, ["cut off by a limit of tokens: 2 of 6 responses (33%)", "max_tokens"], "and told, being many")
        tap.equal(scratch.preference(*job, "--drop-cut").status, 0, "--drop-cut says what is so anyway")
        result = scratch.preference(*job, "--keep-cut", out="kept")
        tap.equal((result.status, result.summary["outcome"]["pairs"]), (0, 3), "--keep-cut: all pairs")
        tap.equal(json.loads((scratch / "kept/results.json").read_text())["cut"], 1, "those cut off counted")
        tap.contains((scratch / "kept/README.md").read_text(), "pairs whose chosen text was cut off by a limit of tokens: 1 of 3", "in the card")
        result = scratch.run("run", "feedback", "--data", "rows.jsonl", "--generator", "openai:writer", "--reviewer", "openai:reviewer",
                             "--responses", 2, "--out", "loop")
        tap.equal((result.summary["outcome"]["responses"]["cut off"], host.jsonl(scratch / "loop/responses.jsonl")[0]["cut"]), (2, [2]),
                  "feedback counts and marks them")


def other_columns():
    """Columns that a command does not read are carried to its outputs, as they are."""
    more = '"topic": {"b": 1, "a": [2.50, null]}, "winner": "nobody", "human": "a"'
    with Stub(rules=[{"contains": "Score Assistant A", "body": judgement(3, 9)}]) as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", '{"id": 7, "prompt": "p <row-0>", "response_a": "x", "response_b": "y", %s}\n' % more)
        models = ["--generator", "openai:g", "--reviewer", "openai:r"]
        for name, command, arguments, file in [
                ("judge", "judge", ["--model", "openai:j"], "verdicts.jsonl"),
                ("evaluate", "evaluate", ["--method", "judge", "--model", "openai:j"], "verdicts.jsonl"),
                ("winrate", "winrate", ["--against", "rows.jsonl", "--evaluator", "judge", "--model", "openai:j",
                                        "--response-column", "response_a"], "verdicts.jsonl"),
                ("feedback", "feedback", models, "responses.jsonl"),
                ("preference", "preference", [*models, "--judge", "openai:j"], "responses.jsonl"),
                ("preference", "preference", [*models, "--judge", "openai:j"], "pairs.jsonl")]:
            result = scratch.run("run", command, "--data", "rows.jsonl", *arguments, "--out", name)
            lines = (scratch / name / file).read_text().splitlines() if (scratch / name / file).exists() else []
            taken = "row_winner" if file == "verdicts.jsonl" else "winner"
            tap.ok(lines and all(f'"topic":{{"b":1,"a":[2.50,null]}},"{taken}":"nobody"' in line for line in lines),
                   f"{name}: {file} has the other columns", result, *lines)
        tap.ok('"response_a"' not in (scratch / "judge/verdicts.jsonl").read_text(), "those that were read are not repeated")


def for_people():
    with host.Scratch() as scratch:
        pairs(scratch, 3)
        with Terminal(scratch, "run", "judge", "--data", "rows.jsonl", "--model", "sim:j", "--out", "out") as t:
            tap.equal(t.finish(20), 0, "on a terminal")
        tap.contains(t.text, ["3 rows done", "3 verdicts ("], "people see the outcome")
        tap.lacks(t.text, "{", "and no JSON")


def widest(terminal):
    """Of the lines that a terminal showed; what goes back to the start of one begins it anew."""
    return max(len(line) for line in ESCAPES.sub("", terminal.raw).splitlines())


def widths():
    """On a terminal no line is longer than it is wide, and none is shorter than it need be; tables fit 80 columns."""
    with host.Scratch() as scratch:
        pairs(scratch, 24)
        job = ["run", "judge", "--data", "rows.jsonl", "--model", "sim:j", "--swap", "--seed"]
        for columns in (80, 200):
            with Terminal(scratch, *job, columns, "--out", f"out-{columns}", columns=columns) as t:
                tap.equal(t.finish(20), 0, f"{columns} columns")
            tap.lacks(t.raw, "\x1b[J", "progress is taken away line by line: a screen that is cleared at once may be kept")
            tap.ok(widest(t) <= columns, f"no line of {widest(t)} columns", t.text)
            tap.ok(('responses from "response_a" and "response_b", id from' in t.text) == (columns == 200), "messages fold between words", t.text)
        long_name = "sim:" + "a-model-with-a-long-name" * 2
        with Terminal(scratch, "run", "judge", "--data", "rows.jsonl", "--model", "sim:j", "--model", long_name, "--out", "dry", "--dry-run") as t:
            tap.equal(t.finish(20), 0, "a dry run")
        tap.ok(widest(t) <= 80, f"its table has lines of {widest(t)} columns", t.text)
        tap.lacks(t.text, "{", "and no JSON")
        tap.equal(scratch.run(*job, 1, "--out", "dry", "--dry-run").summary["status"], "dry run", "which is for pipes")


def results_in_words():
    """Verbs that answer in a line of JSON answer people in words."""
    with host.Scratch() as scratch:
        scratch.write("p.jsonl", [{"prompt": "Name a river."}])
        sims = ["--generator", "sim:g", "--reviewer", "sim:r", "--judge", "sim:j"]
        tap.equal(scratch.run("run", "preference", "--data", "p.jsonl", *sims, "--out", "set").status, 0, "a small set")
        for arguments, said in [(["run", "check-dataset", "set"], "set: sound, as trl reads it"), (["store", "export", "all.jsonl"], "written to all.jsonl"),
                                (["store", "import", "all.jsonl"], "0 completions added, 7 known already"),
                                (["store", "prune", "--model", "sim:j"], "would remove 2 completions; --yes removes"),
                                (["store", "prune", "--model", "sim:j", "--yes"], "2 completions removed")]:
            with Terminal(scratch, *arguments) as t:
                tap.equal(t.finish(20), 0, " ".join(arguments))
            tap.contains(t.text, [said], "in words")
            tap.lacks(t.text, "{", "not in JSON")
        tap.equal(scratch.run("run", "check-dataset", "set").summary["sound"], True, "in a pipe check-dataset is for programs")
        with Terminal(scratch, "store", "ls") as t:
            t.finish(20)
        tap.ok(t.text.strip() and widest(t) <= 80, "store ls: a completion takes a line", t.text)


host.need_program()
tap.cases(half_unreadable, flips, few_unreadable, nothing_to_show, measures, alike, refused_prompts, no_rows, unreadable_leanings, unsupported, no_such_model, whose_line, mixed_failures, cut_off, other_columns, for_people, widths, results_in_words)
