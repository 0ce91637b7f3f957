#!/usr/bin/env python3
"""Win rates said in full, with human labels; what judges lean to, from verdicts that exist."""

import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

NEAR = 1e-9


def near(got, wanted, name, distance=NEAR):
    tap.ok(got is not None and abs(got - wanted) <= distance, f"{name}: {got}, wanted {wanted}")


def results(scratch, folder):
    return json.loads((scratch / folder / "results.json").read_text())


def win_rate():
    rnd = random.Random(4)
    with host.Scratch() as scratch:
        for name in ("a", "b"):
            scratch.write(f"{name}.jsonl", [{"id": i, "prompt": f"prompt {i}", "response": name * rnd.randint(1, 50)} for i in range(120)])
        labels = {i: rnd.choice(["a", "b", "tie"]) for i in range(40)}
        scratch.write("labels.jsonl", [{"id": i, "human": label} for i, label in labels.items()])
        base = ["run", "winrate", "--data", "a.jsonl", "--against", "b.jsonl", "--evaluator", "judge", "--model", "sim:j", "--swap"]
        result = scratch.run(*base, "--human", "labels.jsonl", "--out", "out")
        tap.equal(result.status, 0, "winrate with labels") or tap.diag(result)
        tap.contains(result.err, ["ties as halves", "at equal lengths", "by people alone", "PPI++", "labels are worth"], "says all rates")
        found = results(scratch, "out")
        verdicts = {row["id"]: row for row in host.jsonl(scratch / "out/verdicts.jsonl")}
        value = {"a": 1, "tie": 0.5, "b": 0}
        read = {i: value[row["winner"]] for i, row in verdicts.items() if row["winner"] != "unparsed"}
        rates = found["rates"]
        near(rates["wins_of_all"]["rate"], found["wins"] / found["n"], "wins of all rows")
        near(rates["halves"]["rate"], sum(read.values()) / len(read), "ties as halves")
        both = [i for i in labels if i in read]
        near(rates["human"]["rate"], sum(value[labels[i]] for i in labels) / len(labels), "by people")
        near(rates["corrected"]["bias"]["rate"], sum(read[i] - value[labels[i]] for i in both) / len(both), "the judge's bias")
        tap.equal((rates["corrected"]["labels"], rates["corrected"]["unlabelled"]), (len(both), len(read) - len(both)), "labels and rows")
        orders = [(order["shown"], order["winner"]) for row in verdicts.values() for order in row["orders"] if order["winner"] in "ab"]
        first = sum((shown == "ab") == (winner == "a") for shown, winner in orders)
        near(found["position"]["first_wins"], first / len(orders), "how often what is first wins")
        again = scratch.run(*base, "--human", "labels.jsonl", "--offline", "--out", "again")
        tap.equal((again.summary["calls"], results(scratch, "again")), (0, found), "an old run gives the same figures with no call")
        scratch.write("unread.jsonl", [{"id": 1, "human": "purple"}])
        result = scratch.run(*base, "--human", "unread.jsonl", "--out", "odd")
        tap.equal(result.status, 2, "labels that say nothing are a wrong usage")
        tap.contains(result.err, ["purple", "no row has a label"], "which says so")
        result = scratch.run(*base, "--against", "a.jsonl", "--human", "labels.jsonl", "--out", "many")
        tap.equal(result.status, 2, "labels of several comparisons that do not say which, too")
        tap.contains(result.err, ["the fields a and b", "labels.jsonl:1"], "which says what is missing, and where")


def planned():
    """Which rows to label next: none that has a label, each once, spread over the verdicts, ready to be filled in."""
    rnd = random.Random(6)
    with host.Scratch() as scratch:
        for name in ("a", "b"):
            scratch.write(f"{name}.jsonl", [{"id": i, "prompt": f"prompt {i}", "response": name * rnd.randint(1, 50)} for i in range(400)])
        base = ["run", "winrate", "--data", "a.jsonl", "--against", "b.jsonl", "--evaluator", "judge", "--model", "sim:j"]
        result = scratch.run(*base, "--plan", "0.05", "--out", "first")
        tap.equal(result.status, 0, "a plan without a label") or tap.diag(result)
        rows = host.jsonl(scratch / "first/to-label.jsonl")
        tap.equal(len(rows), 50, "begins with fifty")
        tap.equal((list(rows[0]), rows[0]["human"]), (["id", "prompt", "response_a", "response_b", "a", "b", "human"], None), "rows to fill in")
        verdicts = {row["id"]: row["winner"] for row in host.jsonl(scratch / "first/verdicts.jsonl")}
        for winner in "ab":
            share = sum(v == winner for v in verdicts.values()) / 400
            tap.ok(abs(sum(verdicts[row["id"]] == winner for row in rows) - 50 * share) <= 1, f"spread evenly: {winner}")
        again = scratch.run(*base, "--plan", "0.05", "--offline", "--out", "again")
        tap.equal((again.status, host.jsonl(scratch / "again/to-label.jsonl")), (0, rows), "the same again")
        scratch.run(*base, "--plan", "0.05", "--offline", "--seed", "9", "--out", "other")
        tap.ok(host.jsonl(scratch / "other/to-label.jsonl") != rows, "others by another seed")
        for row in rows:
            row["human"] = rnd.choice(["a", "b", verdicts[row["id"]]])
        scratch.write("labels.jsonl", rows)
        result = scratch.run(*base, "--plan", "0.05", "--human", "labels.jsonl", "--offline", "--out", "second")
        more = host.jsonl(scratch / "second/to-label.jsonl")
        corrected = results(scratch, "second")["rates"]["corrected"]
        tap.equal(corrected["labels"], 50, "the file filled in is a file of labels")
        tap.equal(len(more), corrected["labels_needed"] - 50, "so many more as it takes")
        tap.equal({row["id"] for row in more} & {row["id"] for row in rows}, set(), "none of them labelled already")
        tap.contains(result.err, ["for +- 5 points", "to-label.jsonl"], "which is told")
        for said in ("0", "0.7", "-1"):
            tap.equal(scratch.run(*base, "--plan", said, "--out", "odd").status, 2, f"--plan {said} is a wrong usage")
        tap.equal(scratch.run(*base, "--data", "b.jsonl", "--plan", "0.1", "--out", "odd").status, 2, "and --plan of several comparisons")


def several():
    """Three files: strengths raw, at equal style, and as people see them; labels either way round."""
    rnd = random.Random(8)
    with host.Scratch() as scratch:
        for name in "abc":
            scratch.write(f"{name}.jsonl", [{"id": i, "prompt": f"prompt {i}", "response": ("- item\n" if rnd.random() < 0.3 else "") + name * rnd.randint(1, 50)}
                                            for i in range(150)])
        better = {"a.jsonl": 3, "b.jsonl": 2, "c.jsonl": 1}
        labels = []
        for i in range(100):
            a, b = rnd.sample(list(better), 2)
            winner = a if rnd.random() < better[a] / (better[a] + better[b]) else b
            labels.append({"id": i, "a": a, "b": b, "human": "a" if winner == a else "b"})
        scratch.write("labels.jsonl", labels)
        turned = [{"id": row["id"], "a": row["b"], "b": row["a"], "human": {"a": "b", "b": "a"}[row["human"]]} for row in labels]
        scratch.write("turned.jsonl", turned)
        base = ["run", "winrate", "--data", "a.jsonl", "--data", "b.jsonl", "--against", "b.jsonl", "--against", "c.jsonl", "--evaluator", "judge", "--model", "sim:j"]
        result = scratch.run(*base, "--human", "labels.jsonl", "--out", "out")
        tap.equal(result.status, 0, "labels of several comparisons") or tap.diag(result)
        found = results(scratch, "out")
        corrected = found["corrected"]
        tap.equal(corrected["labels"], 100, "every label is used")
        tap.equal(corrected["labels"] + corrected["unlabelled"], sum(game["n"] - game["unparsed"] for game in found["matrix"] if game["data"] != game["against"]), "of all games")
        for kind in (corrected["strengths"], corrected["human"], found["style_controlled"]["strengths"]):
            tap.equal([one["name"] for one in kind], list(better), "strengths of all three")
            tap.ok(abs(sum(one["strength"] for one in kind)) < 1e-6, "their mean is 0")
            tap.ok(all(one["ci95"][0] < one["strength"] < one["ci95"][1] for one in kind), "inside their intervals")
        tap.equal(sorted(found["style_controlled"]["coefficients"]), ["bold", "headers", "length", "lists"], "and what style does")
        human = {one["name"]: one["strength"] for one in corrected["human"]}
        tap.ok(human["a.jsonl"] > human["c.jsonl"], "people say who is the stronger one")
        scratch.run(*base, "--human", "turned.jsonl", "--offline", "--out", "turned")
        tap.equal(results(scratch, "turned"), found, "labels the other way round say the same")
        page = (scratch / "out/report.html").read_text()
        tap.contains(page, ["Strengths at equal style", "Strengths corrected by people"], "the report has them")
        jury = ["jury" if word == "judge" else word for word in base] + ["--model", "sim:k"]
        result = scratch.run(*jury, "--out", "jury")
        weighted = results(scratch, "jury")["judge_weighted"]
        tap.equal(([one["name"] for one in weighted["strengths"]], [one["name"] for one in weighted["judges"]]), (list(better), ["sim:j", "sim:k"]),
                  "of a jury, also by what each vote weighs")
        tap.contains(result.err, ["what each judge's vote weighs"], "which is shown")
        tap.contains((scratch / "jury/report.html").read_text(), ["Strengths by what each judge"], "and stands in the report")


def judged(rnd, id, human, own):
    """A judge of the family gpt: it takes what is first three times of four, and its own where people do not care."""
    truth = own if human == "tie" else human
    shown = [("ab", truth if rnd.random() < 0.5 else "a"), ("ba", truth if rnd.random() < 0.5 else "b")]
    winners = {winner for _, winner in shown}
    return {"id": id, "evaluator": "judge", "models": ["openai:gpt-4o-mini"], "winner": winners.pop() if len(winners) == 1 else "tie",
            "flipped": shown[0][1] != shown[1][1], "flip": "side" if shown[0][1] != shown[1][1] else None,
            "scores": {"a": 10, "b": rnd.choice([7, 10])}, "orders": [{"shown": s, "winner": w} for s, w in shown]}


def leanings():
    rnd = random.Random(9)
    rows, verdicts = [], []
    for i in range(500):
        human, own = rnd.choice(["a", "b", "tie"]), rnd.choice(["a", "b"])
        rows.append({"id": f"r{i}", "prompt": f"p{i % 250}", "response_a": "x" * rnd.randint(1, 90), "response_b": "y" * rnd.randint(1, 90),
                     "human": human, "topic": ["rivers", "seas"][i % 2], "model_a": "chatgpt-4o-latest" if own == "a" else "meta-llama/Llama-3",
                     "model_b": "chatgpt-4o-latest" if own == "b" else "claude-3-opus"})
        verdicts.append(judged(rnd, f"r{i}", human, own))
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", rows)
        scratch.write("verdicts.jsonl", verdicts + [dict(v, winner="tie") for v in verdicts[:100]])
        result = scratch.run("run", "bias", "--data", "verdicts.jsonl", "--rows", "rows.jsonl", "--by", "topic", "--out", "out")
        tap.equal(result.status, 0, "bias runs") or tap.diag(result)
        tap.contains(result.err, ["first wins", "lean", "own family wins", "repeats itself", "600 verdicts"], "and shows a panel")
        (panel,) = results(scratch, "out")["judges"]
        tap.equal((panel["verdicts"], panel["position"]["lean"]), (500, "first"), "a judge that leans to what is first is found out")
        orders = [order for v in verdicts for order in v["orders"]]
        near(panel["position"]["first_wins"], sum((o["shown"] == "ab") == (o["winner"] == "a") for o in orders) / len(orders), "how far")
        low, high = panel["position"]["ci95"]
        tap.ok(low < panel["position"]["first_wins"] < high and high - low < 0.1, "within its interval")
        near(panel["card"]["flip_rate"], sum(v["flipped"] for v in verdicts) / 500, "flips")
        near(panel["repeats"]["rate"], sum(v["winner"] == "tie" for v in verdicts[:100]) / 100, "whether it repeats itself")
        tap.equal(panel["repeats"]["n"], 100, "over the rows that it judged twice")
        decided = [(v["winner"], "a" if "gpt" in r["model_a"] else "b", r["human"]) for v, r in zip(verdicts, rows)]
        mine = [w == own for w, own, _ in decided if w != "tie"]
        near(panel["own_family"]["own_wins"], sum(mine) / len(mine), "its own family's wins")
        yes = [w == own for w, own, h in decided if h == own]
        no = [w == h for w, own, h in decided if h not in (own, "tie")]
        near(panel["own_family"]["equal_opportunity"], sum(yes) / len(yes) - sum(no) / len(no), "beyond what people say")
        near(panel["scale"]["histogram"]["10"] / panel["scale"]["n"], panel["scale"]["at_top"], "how often the top of the scale is given")
        tap.equal([(c["category"], c["n"]) for c in panel["categories"]], [("rivers", 250), ("seas", 250)], "agreement by category")
        near(panel["ties"]["human"], sum(r["human"] == "tie" for r in rows) / 500, "people's ties")
        longer = [(v["winner"] == "a") == (len(r["response_a"]) > len(r["response_b"])) for v, r in zip(verdicts, rows)
                  if v["winner"] != "tie" and len(r["response_a"]) != len(r["response_b"])]
        near(panel["length"]["longer_wins"], sum(longer) / len(longer), "how often the longer one wins")
        named = scratch.run("run", "bias", "--data", "verdicts.jsonl", "--rows", "rows.jsonl", "--family", "claude-3-opus=gpt", "--family",
                            "chatgpt-4o-latest=other", "--out", "named")
        tap.equal(named.status, 0, "families can be named")
        (other,) = results(scratch, "named")["judges"]
        tap.ok(other["own_family"]["own_wins"] != panel["own_family"]["own_wins"], "and then count")


def refused():
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", [{"id": 1, "prompt": "p", "response_a": "x", "response_b": "y"}])
        scratch.write("verdicts.jsonl", [{"id": 2, "models": ["m"], "winner": "a"}])
        result = scratch.run("run", "bias", "--data", "rows.jsonl", "--out", "out")
        tap.ok(result.status != 0, "rows are no verdicts")
        tap.contains(result.err, ["no winner", "verdicts.jsonl"], "which is said")
        result = scratch.run("run", "bias", "--data", "verdicts.jsonl", "--rows", "rows.jsonl", "--out", "out2")
        tap.equal(result.status, 5, "verdicts of other rows have nothing to show")
        tap.contains(result.err, ["no verdict has the id", "--id-column"], "which is said")
        result = scratch.run("run", "bias", "--data", "verdicts.jsonl", "--family", "gpt", "--out", "out3")
        tap.equal(result.status, 2, "a family without a name")
        result = scratch.run("run", "bias", "--data", "verdicts.jsonl", "--out", "out4")
        tap.equal(result.status, 0, "verdicts alone will do")


host.need_program()
tap.cases(win_rate, planned, several, leanings, refused)
