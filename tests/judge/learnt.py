#!/usr/bin/env python3
"""What verdicts keep of how they came about, what is asked anew, and what is never asked; labels, juries and samples."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider
from stub_server import Stub


def completion(text):
    return {"id": "x", "object": "chat.completion", "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}


def scores(a, b):
    return completion(f"### Score Assistant A:\n{a}/10\n\n### Score Assistant B:\n{b}/10")


def rows(count, **more):
    return [{"id": i, "prompt": f"<q{i}>", "response_a": f"a good text {i}", "response_b": f"a bad text {i}", "human": "a", **more}
            for i in range(count)]


def run(scratch, script, *options, data="rows.jsonl", models=("openai:j",), out="out"):
    named = [part for model in models for part in ("--model", model)]
    result = scratch.run("run", script, "--data", data, *named, "--out", out, *options)
    verdicts = host.jsonl(scratch / out / "verdicts.jsonl") if (scratch / out / "verdicts.jsonl").exists() else []
    path = scratch / out / "results.json"
    return result, verdicts, json.loads(path.read_text()) if path.exists() else None


def orders():
    good_first = "Assistant A\n\na good"
    rules = [{"contains": ["<q0>", good_first], "body": scores(9, 2)}, {"contains": "<q0>", "body": scores(2, 9)},
             {"contains": "<q1>", "body": scores(9, 2)},
             {"contains": ["<q2>", good_first], "body": scores(9, 2)}, {"contains": "<q2>", "body": scores(5, 5)},
             {"contains": ["<q3>", good_first], "body": scores(9, 2)}, {"contains": "<q3>", "body": completion("7-8/10 for both")}]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", rows(4))
        result, verdicts, results = run(scratch, "evaluate", "--method", "judge", "--swap")
        kept = [(v["winner"], v.get("flipped"), v.get("flip"), [(o["shown"], o["winner"]) for o in v["orders"]]) for v in verdicts]
        tap.equal(kept, [("a", False, None, [("ab", "a"), ("ba", "a")]), ("tie", True, "side", [("ab", "a"), ("ba", "b")]),
                         ("tie", True, "tie", [("ab", "a"), ("ba", "tie")]), ("unparsed", None, None, [("ab", "a"), ("ba", "unparsed")])],
                  "both orders are kept, and how they disagreed")
        tap.equal(verdicts[1]["orders"][1]["scores"], {"a": 2, "b": 9}, "scores as A and B of the row")
        card = results["results"][0]
        tap.equal((card["flips"], card["flip_rate"]), ({"side": 1, "tie": 1, "n": 3}, 2 / 3), "flips are counted by kind")


def unparsed():
    """Reasons, counted; stored answers asked anew with --again unparsed, for another sample."""
    def answer(number):
        return {"contains": "<q0>", "times": 2, "body": completion("7-8/10 for A, 5/10 for B")} if number == 0 else None
    rules = [answer(0), {"contains": "<q0>", "body": scores(9, 2)}, {"contains": "<q1>", "body": completion("I cannot say.")},
             {"body": scores(8, 3)}]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", rows(3))
        result, verdicts, results = run(scratch, "evaluate", "--method", "judge")
        tap.equal([v["winner"] for v in verdicts], ["unparsed", "unparsed", "a"], "what cannot be read")
        tap.equal([v.get("problem") for v in verdicts], ["range", "missing", None], "says why")
        tap.equal(results["results"][0]["unparsed_kinds"], {"range": 1, "missing": 1}, "which results.json counts")
        tap.contains(result.err, ["unparsed", "--again unparsed", "range"], "and the summary tells, with what to do")
        calls = len(server.log())
        _, verdicts, _ = run(scratch, "evaluate", "--method", "judge")
        tap.equal(len(server.log()), calls, "a rerun asks nobody")
        result, verdicts, results = run(scratch, "evaluate", "--method", "judge", "--again", "unparsed")
        tap.equal([v["winner"] for v in verdicts], ["a", "unparsed", "a"], "--again unparsed asks anew, in the same folder")
        tap.equal(len(server.log()) - calls, 3, "only for those: one answer that can be read, two that cannot")
        tap.equal(results["results"][0]["unparsed_kinds"], {"missing": 1}, "what is left")
        calls = len(server.log())
        run(scratch, "evaluate", "--method", "judge", "--again", "unparsed")
        tap.equal(len(server.log()), calls, "and that is stored too")


def empty():
    """An empty first answer is asked for anew without an empty turn."""
    def answer(request):
        again = len(request.body["messages"]) > 1
        return Answer(p.openai("### Score Assistant A:\n9/10\n\n### Score Assistant B:\n2/10" if again else ""))
    with Provider(answer) as server, host.Scratch(**server.environment()) as scratch:
        scratch.environment["FELLOWSHIP_RETRY_SCALE"] = "0.01"
        scratch.write("rows.jsonl", rows(1))
        _, (verdict,), _ = run(scratch, "judge")
        tap.equal((verdict["winner"], len(verdict["evidence"])), ("a", 2), "an empty answer is asked for anew")
        turns = [m["content"] for m in server.requests[-1].body["messages"]]
        tap.ok("could not be read" in turns[-1] and all(turn.strip() for turn in turns), "without an empty turn", turns)


def cut_off():
    """A number at the end of an answer that was cut off might have been going on."""
    first = {**completion("### Score Assistant A:\n8\n\n### Score Assistant B:\n1"), "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}}
    first["choices"][0]["finish_reason"] = "length"
    with Stub(rules=[{"times": 1, "body": first}, {"body": scores(8, 10)}]) as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", rows(1))
        _, (verdict,), _ = run(scratch, "judge")
        tap.equal((verdict["winner"], len(verdict["evidence"])), ("b", 2), "a cut-off 1 was 10")


def identical():
    """Equal responses are never sent, whoever evaluates."""
    same = [{"id": 0, "prompt": "p", "response_a": "the same", "response_b": " the same\n", "human": "tie"}]
    with Stub(rules=[{"body": scores(9, 2)}]) as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", same)
        for script, options in (("judge", ["--swap"]), ("jury", []), ("debate", ["--swap"]), ("judge", ["--samples", "3"])):
            _, (verdict,), _ = run(scratch, script, *options, out=script + str(len(options)), models=("openai:j", "openai:k") if script == "jury" else ("openai:j",))
            tap.equal((verdict["winner"], verdict["identical"], verdict["scores"], verdict["evidence"]), ("tie", True, {}, []), f"{script} {options}")
        _, _, results = run(scratch, "evaluate", "--method", "jury", models=("openai:j", "openai:k"), out="evaluate")
        tap.equal([card["identical"] for card in results["results"]], [1, 1, 1], "evaluate counts them")
        scratch.write("one.jsonl", [{"id": 1, "prompt": "p", "response": "same"}])
        run_out = scratch.run("run", "winrate", "--data", "one.jsonl", "--against", "one.jsonl", "--evaluator", "judge", "--model", "openai:j", "--out", "winrate")
        tap.equal(run_out.status, 0, "winrate of a file against itself")
        tap.equal(server.log(), [], "no request was made")


def labels():
    arena = ["model_a", "model_b", "tie (bothbad)", "A", "b ", "Tie", "Response B", 1, 2.0, "2"]
    want = ["a", "b", "tie", "a", "b", "tie", "b", "a", "b", "b"]
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", [{**row, "winner": label} for row, label in zip(rows(len(arena)), arena)])
        result, _, results = run(scratch, "evaluate", "--method", "judge", "--human-column", "winner", models=("sim:j",))
        confusion = results["results"][0]["confusion"]
        tap.equal({label: sum(found.values()) for label, found in confusion.items()}, {label: want.count(label) for label in ("a", "b", "tie")},
                  "labels as people and published sets write them")
        tap.contains(result.err, ['"model_a" (1) as a', '"tie (bothbad)" (1) as tie'], "and how they were read is told")

        scratch.write("odd.jsonl", [{**row, "human": label} for row, label in zip(rows(4), ["a", "unsure", "unsure", "b"])])
        result, _, results = run(scratch, "evaluate", "--method", "judge", models=("sim:j",), data="odd.jsonl", out="odd")
        tap.equal((results["labels_not_understood"], results["results"][0]["n"], results["results"][0]["unlabelled"]), ({"unsure": 2}, 2, 2),
                  "what is not understood is counted")
        tap.contains(result.err, ['not understood: "unsure" (2)'], "and told")

        scratch.write("zero.jsonl", [{**row, "human": label} for row, label in zip(rows(3), [0, 1, 1])])
        result, _, _ = run(scratch, "evaluate", "--method", "judge", models=("sim:j",), data="zero.jsonl", out="zero")
        tap.equal(result.status, 5, "with a 0 among them, 1 may be either: no usable label")
        tap.contains(result.err, ['"0" (1)', "--human-column"], "which is said")
    with Stub(rules=[{"body": scores(9, 2)}]) as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", [{k: v for k, v in row.items() if k != "human"} for row in rows(3)])
        result, _, _ = run(scratch, "evaluate", "--method", "judge")
        tap.equal((result.status, server.log()), (5, []), "a run without a usable label stops before it pays")


def juries():
    """Subsets with a member that failed on a row are left out, whichever member it is."""
    names = ["m1", "m2", "m3", "m4"]
    for weak in names:
        rules = [{"model": weak, "contains": "<q1>", "fault": "model_not_found"}] + \
                [{"model": name, "body": scores(9, 2) if name in ("m1", "m2", "m3") else scores(2, 9)} for name in names]
        with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
            scratch.write("rows.jsonl", rows(3))
            _, _, results = run(scratch, "evaluate", "--method", "jury", models=[f"openai:{name}" for name in names])
            wrong = [card["models"] for card in results["results"]
                     if (card["n"], card["failed"]) != ((2, 1) if f"openai:{weak}" in card["models"] else (3, 0))]
            tap.equal((len(results["results"]), wrong), (15, []), f"{weak} fails on a row: its juries have two rows, the others three")


LIBRARY = """
local fellowship = require "fellowship"
local function refused(name, fn, ...)
  local well, problem = pcall(fn, ...)
  print(name, well, tostring(problem))
end
refused("mean and direct", fellowship.judge, { model = "openai:j", strategy = "direct", vote = "mean" })
refused("mean of direct judges", fellowship.jury, { "openai:j", "openai:k", strategy = "direct", vote = "mean" })
refused("mean of a direct member", fellowship.jury, { fellowship.judge { model = "openai:j", strategy = "direct" }, vote = "mean" })
refused("samples at 0", fellowship.judge, { model = "openai:j?temperature=0", samples = 3 })
local judge = fellowship.judge { model = "openai:j", scale = 10.0, samples = 2.0 }
local verdict = judge:compare { prompt = "<q0>", a = "x", b = "y", sample = 1.0 }
print("samples", verdict.winner, #verdict.votes, verdict.parsed)
local alone = fellowship.judge "openai:solo"
local found = alone:score { prompt = "<q1>", response = "one response", reference = "a reference" }
print("score", found.score, #found.evidence, found.models[1])
print("no score", alone:score { prompt = "<q2>", response = "x" }.score, alone:score({ prompt = "<q2>", response = "x" }).problem_kind)
print("mean", (fellowship.judge { model = "openai:solo", samples = 2 }):score({ prompt = "<q1>", response = "r" }).score)
"""


def library():
    def answer(request):
        said = str(request.body["messages"])
        if request.body["model"] == "j":
            return Answer(p.openai("### Score Assistant A:\n9/10\n\n### Score Assistant B:\n2/10"))
        if "<q2>" in said:
            return Answer(p.openai("no"))
        return Answer(p.openai(f"### Overall Score:\n{7 if 'one response' in said and 'a reference' in said else 6}/10"))
    with Provider(answer) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("library.lua", LIBRARY)
        lines = dict(line.split("\t", 1) for line in scratch.run("library.lua").out.splitlines())
        for name, words in (("mean and direct", "direct gives none"), ("mean of direct judges", "member 1"),
                            ("mean of a direct member", "member 1"), ("samples at 0", "temperature")):
            tap.ok(lines[name].startswith("false") and words in lines[name], f"{name}: refused, with the reason", lines[name])
        tap.equal(lines["samples"], "a\t2\t2", "samples are kept as votes; options of integer type take 2.0")
        asked = [request.body for request in server.requests if request.body["model"] == "j"]
        tap.equal({body["temperature"] for body in asked}, {0.7}, "several samples are asked at a temperature")
        tap.ok("X/10" in asked[0]["messages"][0]["content"], "and a scale of 10.0 is 10")
        tap.equal(lines["score"], "7\t1\topenai:solo", "judge:score scores one response, by a reference")
        tap.equal(lines["no score"], "nil\tmissing", "no score is nil, with the reason")
        tap.equal(lines["mean"], "6.0", "several samples: their mean")


def samples():
    with Stub(rules=[{"body": scores(9, 2)}]) as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", rows(1))
        result, _, _ = run(scratch, "judge", "--samples", "2")
        tap.contains(result.err, ["2 samples at temperature 0.7"], "--samples says at which temperature it asks")
        result, _, _ = run(scratch, "judge", "--samples", "2", models=("openai:j?temperature=0",), out="cold")
        tap.equal(result.status, 2, "--samples at temperature 0 is refused")
        result, _, _ = run(scratch, "jury", "--strategy", "direct", "--vote", "mean", models=("openai:j", "openai:k"), out="mean")
        tap.equal(result.status, 2, "--vote mean with --strategy direct too")


def structured():
    """What does not fit the schema may still say what it means."""
    with Stub(rules=[{"body": completion('{"score_a": "8/10", "score_b": "6/10"}')}]) as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", rows(1))
        _, (verdict,), _ = run(scratch, "judge", "--structured")
        tap.equal((verdict["winner"], verdict["scores"]), ("a", {"a": 8, "b": 6}), "scores as texts")


host.need_program()
tap.cases(orders, unparsed, empty, cut_off, identical, labels, juries, library, samples, structured)
