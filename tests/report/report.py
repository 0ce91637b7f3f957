#!/usr/bin/env python3
"""`fellowship report`: the page of every kind of run as a file, rows beside it, text on a terminal, several runs."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

PLANT = "</script><script>window.planted=1</script><img src=x onerror=planted=1>\u202e\u200b\0"


def pairs(count, plant=""):
    return [{"id": f"row{i}", "prompt": f"Question {i}{plant}", "response_a": "one two three " * (i % 7 + 1) + plant,
             "response_b": "one two four " * (i % 5 + 1), "human": ["a", "b", "tie"][i % 3]} for i in range(count)]


def data_of(page, name):
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1]) if found else None


def page_of(scratch, out):
    path = scratch / out / "report.html"
    return path.read_text("utf-8") if path.exists() else ""


def evaluate(scratch, out, *arguments, data="pairs.jsonl"):
    return scratch.run("run", "evaluate", "--data", data, "--method", "jury", "--model", "sim:one", "--model", "sim:two",
                       "--out", out, *arguments)


def every_run_leaves_one():
    with host.Scratch() as scratch:
        scratch.write("pairs.jsonl", pairs(12))
        result = evaluate(scratch, "one", "--swap")
        page = page_of(scratch, "one")
        tap.equal(result.status, 0, "the run is done")
        tap.contains(page, ["Agreement with the human labels", "Cohen&#39;s kappa", "<svg", "Content-Security-Policy",
                            "To run it again", "--data pairs.jsonl"], "the page has figures and the command")
        rows = data_of(page, "rows-data")
        tap.equal(len(rows or []), 12, "twelve rows are in the page")
        tap.equal([c[1] for c in rows[2]["c"]], ["one two three " * 3, "one two four " * 3], "the candidates are read again from the data")
        tap.equal(rows[2]["h"], "tie", "the label is there")
        evaluate(scratch, "two", "--swap", "--concurrency", "3", "--offline")
        tap.equal(page_of(scratch, "two") == page, True, "another folder, from the store: the same bytes")
        evaluate(scratch, "three", "--no-report")
        tap.ok(not (scratch / "three" / "report.html").exists(), "--no-report leaves none")
        again = scratch.run("report", "one", "--no-record")
        tap.equal((again.status, page_of(scratch, "one") == page), (0, True), "report --no-record makes the same bytes")
        evaluate(scratch, "one", "--swap", "--offline")
        scratch.run("report", "one")
        tap.contains(page_of(scratch, "one"), ["How it went", "calls from the store", "Calls by model", "--out one", "evaluate of pairs.jsonl"], "report has what the run took")
        tap.contains(page_of(scratch, "one"), '<th scope="row">sim:one</th><td class="n">0</td><td class="n">24</td>', "calls by the store apart from those paid for")


def kinds_of_runs():
    with host.Scratch() as scratch:
        scratch.write("pairs.jsonl", pairs(4))
        scratch.write("prompts.jsonl", [{"id": i, "prompt": f"Question {i}"} for i in range(4)])
        for name in "abc":
            scratch.write(f"{name}.jsonl", [{"id": i, "prompt": f"Q{i}", "response": f"{name} says {i}"} for i in range(4)])
        runs = {"judge": ["judge", "--data", "pairs.jsonl", "--model", "sim:j"],
                "debate": ["debate", "--data", "pairs.jsonl", "--model", "sim:j"],
                "win": ["winrate", "--data", "a.jsonl", "--data", "b.jsonl", "--against", "c.jsonl", "--evaluator", "judge", "--model", "sim:j"],
                "pref": ["preference", "--data", "prompts.jsonl", "--generator", "sim:g", "--reviewer", "sim:r", "--judge", "sim:j"],
                "fb": ["feedback", "--data", "prompts.jsonl", "--generator", "sim:g", "--reviewer", "sim:r"],
                "gen": ["generate", "--data", "prompts.jsonl", "--model", "sim:g", "--model", "sim:h"],
                "scored": ["preference", "--data", "prompts.jsonl", "--generator", "sim:g", "--generator", "sim:h", "--rank", "rubric",
                           "--rubric", "ultrafeedback", "--judge", "sim:j"],
                "new": ["prompts", "--data", "prompts.jsonl", "--model", "sim:w"],
                "magpie": ["prompts", "--opening", "chatml", "--count", "4", "--model", "sim:w"]}
        wanted = {"win": ["Win rates", "Who beats whom", "Strengths"], "pref": ["Margins of the pairs", "Lengths against each other"],
                  "gen": ["Length of the responses"], "new": ["New prompts", "made by the move"], "magpie": ["New prompts"],
                  "scored": ["Scores of the responses", "Mean score by response", "Mean value by criterion", "Honesty"], "fb": ["Length of the responses"], "judge": ["Verdicts"], "debate": ["Verdicts"]}
        for out, arguments in runs.items():
            scratch.run("run", *arguments, "--out", out)
            page = page_of(scratch, out)
            tap.contains(page, wanted[out], f"{out}: its figures")
            tap.equal(len(data_of(page, "rows-data") or []), 8 if out == "win" else 4, f"{out}: its rows")
            text = scratch.run("report", out, "--text")
            tap.equal(text.status, 0, f"{out}: --text")
            tap.contains(text.out, wanted[out], f"{out}: the same in text")
            tap.ok(max(len(line) for line in text.out.splitlines() if not line.startswith("  fellowship ")) <= 100, f"{out}: no line is wider than a hundred columns")
        rows = data_of(page_of(scratch, "win"), "rows-data")
        tap.equal([c[:2] for c in rows[5]["c"]], [["b.jsonl", "b says 1"], ["c.jsonl", "c says 1"]], "winrate's texts come from both files")
        tap.ok(data_of(page_of(scratch, "pref"), "rows-data")[0]["f"], "the loop's conversation is there")
        row, scores = data_of(page_of(scratch, "scored"), "rows-data")[2], host.jsonl(scratch / "scored/scores.jsonl")[4:6]
        tap.equal([(g[1], g[2], [c[2] for c in g[4]]) for g in row["g"]],
                  [(i + 1, s["score"], [c["value"] for c in s["criteria"]]) for i, s in enumerate(scores)], "scores and criteria of each response")
        tap.equal([c[0] for c in row["c"]], ["response 1, sim:g", "response 2, sim:h"], "with who wrote it")


def several_runs():
    with host.Scratch() as scratch:
        rows = pairs(9)
        scratch.write("pairs.jsonl", rows)
        scratch.write("turned.jsonl", rows[1:][::-1])
        scratch.run("run", "judge", "--data", "pairs.jsonl", "--model", "sim:one", "--out", "x")
        scratch.run("run", "judge", "--data", "turned.jsonl", "--model", "sim:two", "--out", "y")
        result = scratch.run("report", "x", "y", "--out", "both.html")
        page = (scratch / "both.html").read_text("utf-8")
        joined = data_of(page, "rows-data")
        tap.equal((result.status, len(joined)), (0, 9), "nine rows, joined by id though the orders differ")
        first = {row["id"]: row["winner"] for row in host.jsonl(scratch / "x" / "verdicts.jsonl")}
        second = {row["id"]: row["winner"] for row in host.jsonl(scratch / "y" / "verdicts.jsonl")}
        tap.equal([[j["w"] for j in row["j"]] for row in joined],
                  [[winner, *([second[key]] if key in second else [])] for key, winner in first.items()], "each row has both verdicts")
        turned = [bool(flags & 16) for flags in data_of(page, "list-data")["f"]]
        tap.equal(turned, [key in second and second[key] != winner for key, winner in first.items()], "those that turned are marked")
        tap.contains(page, ["Verdicts that turned", "What became of the verdicts of x"], "what turned is drawn")


def rows_beside_the_page():
    with host.Scratch() as scratch:
        scratch.write("pairs.jsonl", pairs(1201))
        scratch.run("run", "judge", "--data", "pairs.jsonl", "--model", "sim:one", "--out", "big")
        page, folder = page_of(scratch, "big"), scratch / "big" / "report"
        tap.equal(data_of(page, "rows-data"), None, "no row is in the page")
        tap.equal(sorted(os.listdir(folder)), ["list-0001.js", "rows-0001.js", "rows-0002.js", "rows-0003.js"], "they are beside it")
        tap.equal(data_of(page, "facts")["firsts"], [0, 500, 1000], "the page knows where each file begins")
        scratch.run("run", "judge", "--data", "pairs.jsonl", "--model", "sim:one", "--limit", "3", "--out", "big", "--force")
        tap.ok(not folder.exists(), "a smaller run leaves none of them")
        scratch.write("pairs.jsonl", pairs(100))
        scratch.run("run", "judge", "--data", "pairs.jsonl", "--model", "sim:one", "--out", "hundred")
        tap.ok(not (scratch / "hundred" / "report").exists(), "a hundred rows are in the page")


MARK = "<!-- as it was -->"


def what_would_come_out_the_same():
    """A page with a mark of ours behind it has been left as it was; one without has been made anew."""
    with host.Scratch() as scratch:
        scratch.write("pairs.jsonl", pairs(120))

        def again(told, wanted, *arguments, before=lambda: None):
            before()
            with open(scratch / "out" / "report.html", "a", encoding="utf-8") as page:
                page.write(MARK)
            status = scratch.run("run", "judge", "--data", "pairs.jsonl", "--model", "sim:one", "--out", "out", *arguments).status
            tap.equal((status, MARK in page_of(scratch, "out")), (0, wanted), told)

        def edit(name, change):
            path = scratch / "out" / name
            path.write_text(change(path.read_text("utf-8")), "utf-8")

        scratch.run("run", "judge", "--data", "pairs.jsonl", "--model", "sim:one", "--out", "out")
        first = page_of(scratch, "out")
        again("a rerun leaves the page as it is", True, "--offline")
        again("also when what it asks is asked from elsewhere", True, "--concurrency", "2")
        again("results that had been changed are made anew, and the page is theirs still", True, "--offline",
              before=lambda: edit("verdicts.jsonl", lambda text: text.replace("sim:one", "sim:two")))
        again("rows beside the page that are gone are made anew with it", False, "--offline",
              before=lambda: os.remove(scratch / "out" / "report" / "rows-0001.js"))
        tap.equal(page_of(scratch, "out") == first, True, "with the same bytes")
        again("a page of `fellowship report` is made anew", False, "--offline", before=lambda: scratch.run("report", "out"))
        again("as is one of another program", False, "--offline",
              before=lambda: edit("report.html", lambda text: re.sub(r'(fellowship-origin" content=")....', r"\g<1>0000", text)))
        again("and that of fewer rows", False, "--offline", "--limit", "110", "--force")
        scratch.write("pairs.jsonl", [{**row, "prompt": row["prompt"] + "?"} for row in pairs(120)])
        again("and that of other data", False, "--force")


def hostile_texts():
    with host.Scratch() as scratch:
        rows = pairs(3, PLANT)
        rows[1]["response_a"] = "x" * (1 << 20)
        scratch.write("p</script><b>.jsonl", rows)
        result = scratch.run("run", "judge", "--data", "p</script><b>.jsonl", "--model", "sim:one", "--out", "out")
        page = page_of(scratch, "out")
        tap.equal(result.status, 0, "the run is done")
        tap.lacks(page, ["<img", "<script>window.planted", "p</script>"], "no plant stands in the page as markup")
        tap.equal(data_of(page, "rows-data")[0]["p"], rows[0]["prompt"], "the text is whole")
        scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
        tap.equal(len(scripts), 1, "one script runs, the report's own")


def what_cannot_be_read_again():
    with host.Scratch() as scratch:
        scratch.write("pairs.jsonl", pairs(3))
        scratch.run("run", "judge", "--data", "pairs.jsonl", "--model", "sim:one", "--out", "out")
        scratch.write("pairs.jsonl", pairs(3, "other"))
        scratch.run("report", "out")
        page = page_of(scratch, "out")
        tap.contains(page, "The dataset is not what the run read", "data that changed is not taken for what was judged")
        tap.equal(data_of(page, "rows-data")[0]["c"][0][1], None, "nor shown")
        os.remove(scratch / "pairs.jsonl")
        tap.equal(scratch.run("report", "out").status, 0, "a report without the data")
        tap.contains(page_of(scratch, "out"), "cannot be read again", "says so")
        bad = scratch.run("report", "nowhere")
        tap.equal(bad.status, 2, "no folder is wrong usage")
        tap.contains(bad.err, "nowhere is no folder of a run", "and is named")
        tap.equal(scratch.run("report").status, 2, "no argument is wrong usage")


host.need_program()
tap.cases(every_run_leaves_one, kinds_of_runs, several_runs, rows_beside_the_page, what_would_come_out_the_same, hostile_texts, what_cannot_be_read_again)
