#!/usr/bin/env python3
"""Several evaluators of one dataset: what they are worth together, apart, and for what they cost; panels of any verdicts."""

import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub

MODELS = ["--model", "sim:one", "--model", "sim:two", "--model", "sim:three"]


def rows(scratch, count=90):
    rnd = random.Random(5)
    scratch.write("rows.jsonl", [{"id": i, "prompt": f"prompt {i % 70}", "response_a": "x" * rnd.randint(1, 60),
                                  "response_b": "y" * rnd.randint(1, 60), "human": rnd.choice(["a", "b", "tie"])} for i in range(count)])


def results(scratch, folder):
    return json.loads((scratch / folder / "results.json").read_text())


def evaluated():
    with host.Scratch() as scratch:
        rows(scratch)
        base = ["run", "evaluate", "--data", "rows.jsonl", "--method", "jury", *MODELS]
        result = scratch.run(*base, "--best-under", "180 calls", "--out", "out")
        tap.equal(result.status, 0, "a jury is evaluated") or tap.diag(result)
        tap.contains(result.err, ["what nothing cheaper is as good as", "cross-validated", "the best for 180 calls"], "says what is worth its cost")
        found = results(scratch, "out")
        jury, singles = found["jury"], found["results"][:3]
        tap.equal([m["model"] for m in jury["members"]], ["sim:one", "sim:two", "sim:three"], "its members")
        tap.equal([m["accuracy"] for m in jury["members"]], [card["agreement"] for card in singles], "and how good each is")
        tap.ok(1 < jury["effective"]["independent"] <= 4 and jury["effective"]["n"] == 90, "how many are independent")
        tap.equal([(d["models"], d["against"]) for d in found["differences"]],
                  [(["sim:one"], ["sim:two"]), (["sim:one"], ["sim:three"]), (["sim:two"], ["sim:three"])], "each two are compared")
        for d in found["differences"]:
            by_name = {card["models"][0]: card["kappa"] for card in singles}
            tap.ok(abs(d["kappa"] - (by_name[d["models"][0]] - by_name[d["against"][0]])) < 1e-12, "by the difference of their kappas")
        quality = found["quality_for_cost"]
        tap.equal((quality["unit"], quality["best_under"]["cost"] <= 180), ("calls", True), "the best within so many calls")
        cards = {tuple(card["models"]): card["kappa"] for card in found["results"]}
        best = max(kappa for models, kappa in cards.items() if 90 * len(models) <= 180)
        tap.equal(quality["best_under"]["kappa"], best, "is the best card that is cheap enough")
        tap.ok(all(card["calibration"]["n"] == 90 for card in singles), "each card says how calibrated scores are")
        tap.ok(all("calibration" not in card for card in found["results"][3:]), "those of juries do not")
        again = scratch.run(*base, "--best-under", "180 calls", "--offline", "--out", "again")
        tap.equal((again.summary["calls"], results(scratch, "again")), (0, found), "an old run gives the same with no call")

        tokens = scratch.run(*base, "--offline", "--out", "tokens")
        quality = results(scratch, "tokens")["quality_for_cost"]
        tap.equal((tokens.status, quality["unit"], "best_under" in quality), (0, "tokens", False), "without a budget, by tokens")
        scratch.run(*base, "--offline", "--best-under", "$0", "--out", "usd")
        tap.equal(results(scratch, "usd")["quality_for_cost"]["unit"], "usd", "by list prices: sim costs nothing")
        result = scratch.run(*base, "--offline", "--best-under", "5 tokens", "--out", "poor")
        tap.contains(result.err, ["nothing can be had for 5 tokens", "the cheapest one costs"], "a budget for nothing is told")
        tap.ok("best_under" not in results(scratch, "poor")["quality_for_cost"], "for too little there is none")
        with Stub() as server:
            scratch.environment.update(OPENAI_BASE_URL=server.url, OPENAI_API_KEY="test")
            result = scratch.run("run", "evaluate", "--data", "rows.jsonl", "--method", "judge", "--model", "openai:nobody-knows", "--model", "openai:nor-me",
                                 "--limit", "3", "--best-under", "1", "--out", "unknown")
        tap.equal(result.status, 0, "a budget in USD where no price is known stops nothing") or tap.diag(result)
        tap.contains(result.err, ["cost in usd is not known"], "but is told")
        tap.equal((len(results(scratch, "unknown")["results"]), "quality_for_cost" in results(scratch, "unknown")), (2, False), "and the results are there")
        for said in ("much", "5 pounds", "-1", "12 calls more"):
            result = scratch.run(*base, "--best-under", said, "--out", "odd")
            tap.equal(result.status, 2, f"--best-under {said} is a wrong usage")
            tap.contains(result.err, ["--best-under", "an amount"], "which says what to write")


def panels():
    with host.Scratch() as scratch:
        rows(scratch)
        for name in ("judge", "jury", "debate"):
            models = MODELS[:2] if name == "debate" else MODELS
            result = scratch.run("run", name, "--data", "rows.jsonl", *models, "--swap", "--out", name)
            tap.equal(result.status, 0, f"{name} runs") or tap.diag(result)
            tap.contains(result.err, ["what judges lean to", "kappa"], f"{name} says what its verdicts tell")
            found = results(scratch, name)
            scratch.run("run", "bias", "--data", f"{name}/verdicts.jsonl", "--rows", "rows.jsonl", "--out", f"{name}-bias")
            tap.equal(results(scratch, f"{name}-bias"), found, f"{name}: bias tells the same of its verdicts")
            first = host.jsonl(scratch / f"{name}/verdicts.jsonl")[0]
            tap.equal(first["human"] if "human" in first else None, host.jsonl(scratch / "rows.jsonl")[0]["human"], f"{name}: labels go on into the verdicts")
        jury = results(scratch, "jury")["judges"][0]
        tap.equal(len(jury["jury"]["members"]), 3, "a jury's panel tells of its members")
        tap.ok("repeats" not in jury, "jurors who agree do not repeat themselves")
        tap.ok("jury" not in results(scratch, "judge")["judges"][0], "a judge is no jury")
        scratch.write("plain.jsonl", [{"prompt": "p", "response_a": "x", "response_b": "y"} for _ in range(3)])
        result = scratch.run("run", "judge", "--data", "plain.jsonl", "--model", "sim:one", "--samples", "2", "--out", "plain")
        one = results(scratch, "plain")["judges"][0]
        tap.equal((result.status, one["card"]["n"], one["card"]["unlabelled"], "calibration" in one), (0, 0, 3, False), "without labels there is no agreement")
        tap.equal(one["repeats"]["n"], 3, "but samples repeat, or do not")


def weighted():
    with host.Scratch() as scratch:
        rows(scratch)
        base = ["run", "jury", "--data", "rows.jsonl", *MODELS]
        scratch.run("run", "evaluate", "--data", "rows.jsonl", "--method", "jury", *MODELS, "--out", "ev")
        winners = {}
        for name, said in (("one", "1,0,0"), ("even", "1,1,1"), ("file", "ev/results.json")):
            result = scratch.run(*base, "--weights", said, "--out", name)
            tap.equal(result.status, 0, f"a jury with weights: {said}") or tap.diag(result)
            winners[name] = [row["winner"] for row in host.jsonl(scratch / name / "verdicts.jsonl")]
        scratch.run(*base, "--out", "plain")
        plain = host.jsonl(scratch / "plain/verdicts.jsonl")
        tap.equal(winners["even"], [row["winner"] for row in plain], "even weights are none")
        tap.equal(winners["one"], [row["votes"][0]["winner"] for row in plain], "one who has all the weight decides")
        weights = [member["weight"] for member in results(scratch, "ev")["jury"]["members"]]

        def heaviest(votes):
            sums = {"a": 0.0, "b": 0.0, "tie": 0.0}
            for weight, vote in zip(weights, votes):
                sums[vote["winner"]] += weight
            best = [name for name, value in sums.items() if value == max(sums.values())]
            return best[0] if len(best) == 1 else "tie"

        tap.equal(winners["file"], [heaviest(row["votes"]) for row in plain], "the weights that evaluate found")
        page = (scratch / "ev/report.html").read_text()
        tap.contains(page, ["What the members of a jury are worth", "Do members err on the same rows?", "Is one better than the other?",
                            "What nothing cheaper is as good as", "Is its confidence worth what it says?"], "its report shows what it found")
        page = (scratch / "plain/report.html").read_text()
        tap.contains(page, ["Scores of sim:one + sim:two + sim:three", "What the members of a jury are worth"], "that of a jury too")
        scratch.write("odd.json", "{\"jury\": 3}")
        for said, what in (("1,2", "2 weights for 3 members"), ("1,x,2", "x is no weight"), ("-1,1,1", "-1 is no weight"), ("nan,1,1", "nan is no weight"),
                           ("0,0,0", "every vote weighs 0"), ("odd.json", "jury.members"), ("none.json", "no file")):
            result = scratch.run(*base, "--weights", said, "--out", "odd")
            tap.equal(result.status, 2, f"--weights {said} is a wrong usage")
            tap.contains(result.err, [what], "which says why")
        result = scratch.run(*base[:-2], "--model", "sim:stranger", "--weights", "ev/results.json", "--out", "odd")
        tap.equal(result.status, 2, "a member whose weight nobody measured, too")
        tap.contains(result.err, ["sim:stranger"], "which names it")


host.need_program()
tap.cases(evaluated, panels, weighted)
