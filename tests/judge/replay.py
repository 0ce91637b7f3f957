#!/usr/bin/env python3
"""The main job against recorded models: responses, verdicts and pairs follow from the recording."""

import functools
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import pairs
import tap

GEMMA = "gemma-2-9b-it"
MODELS = (f"openai:{GEMMA}", f"openai:{GEMMA}", "openai:gpt-4o")
FAILED = 69                 # its loop had failed when it was recorded
VARIABLE = ("run.json", "errors.jsonl")


@functools.cache
def recorded(folder):
    return {row["id"]: row for row in host.jsonl(DATA / "recorded" / folder / f"{GEMMA}__{GEMMA}.jsonl")}


def run(scratch, out, *options, **more):
    return scratch.preference("--store", "store.db", *options, out=out, data=DATA / "rows.jsonl", models=MODELS, **more)


def first_run(scratch, server):
    result = run(scratch, "out")
    tap.equal(result.status, 3, "one row fails: status 3")
    tap.ok(isinstance(result.summary, dict), "the last line of stdout is a JSON object", result)
    log = server.log()
    tap.equal(len(log), 99 * 7 + 3 - len(identical_comparisons()) - repeated_comparisons(),
              "seven calls a row but for equal ones, three for the row that fails")
    tap.equal(sorted(e["row"] for e in log if e["status"] != 200), [FAILED], "no request was refused but one")
    tap.equal(sorted(path.name for path in (scratch / "out").rglob("*.partial")), [], "nothing is left .partial")
    errors = host.jsonl(scratch / "out/errors.jsonl")
    tap.equal([e["id"] for e in errors], [FAILED], "errors.jsonl holds that row")
    tap.contains(str(errors), ["404"], "with its status")


def shown_texts(i):
    return dict(zip(("response_1", "response_2", "response_3"), recorded("feedback")[i]["responses"]))


@functools.cache
def identical_comparisons():
    """Comparisons of texts that are the same: nobody is asked."""
    return {(i, c["a"], c["b"]) for i, row in recorded("picks").items() for c in row["comparisons"]
            if shown_texts(i)[c["a"]].strip() == shown_texts(i)[c["b"]].strip()}


def repeated_comparisons():
    """Rows whose responses are so equal that both comparisons are the same call."""
    count = 0
    for i, row in recorded("picks").items():
        text = shown_texts(i)
        shown = [(text[c["a"]], text[c["b"]]) for c in row["comparisons"] if text[c["a"]].strip() != text[c["b"]].strip()]
        count += len(shown) - len(set(shown))
    return count


def responses(scratch):
    want = recorded("feedback")
    got = host.jsonl(scratch / "out/responses.jsonl")
    tap.equal([row["id"] for row in got], [i for i in range(100) if i != FAILED], "99 rows in order, ids kept")
    tap.equal([row["prompt"] for row in got], [PROMPTS[row["id"]] for row in got], "prompts byte for byte")
    tap.equal([row["responses"] for row in got], [want[row["id"]]["responses"] for row in got],
              "responses byte for byte")
    tap.equal([row["feedback"] for row in got], [[[f] for f in want[row["id"]]["feedback"][:2]] for row in got],
              "the first two feedbacks byte for byte, one reviewer each")


def verdicts(scratch):
    want = recorded("picks")
    got = host.jsonl(scratch / "out/verdicts.jsonl")
    same = [v for v in got if v.get("identical")]
    tap.equal(len(same), len(identical_comparisons()), "equal texts are not compared")
    tap.equal({(v["winner"], str(v["scores"]), len(v["evidence"])) for v in same}, {("tie", "{}", 0)}, "and are ties")
    tap.equal([(v["id"], v["a"], v["b"], v["scores"] or None) for v in got],
              [(i, c["a"], c["b"], None if (i, c["a"], c["b"]) in identical_comparisons()
                else {"a": c["score_a"], "b": c["score_b"]})
               for i in range(100) if i != FAILED for c in want[i]["comparisons"]],
              "both comparisons of each row with the recorded scores, sides and order")
    tap.ok(all(v["winner"] == pairs.winner(v["scores"]) for v in got if v["scores"]), "winners follow from the scores")
    tap.ok(all(v["evaluator"] == "judge" and v["models"] == [MODELS[2]] for v in got), "evaluator and models",
           got[0])


def pair_files(scratch, out, mode):
    """DPO and KTO files of a folder against the table, from its own verdicts and responses."""
    rows = {row["id"]: row for row in host.jsonl(scratch / out / "responses.jsonl")}
    by_row = {}
    for verdict in host.jsonl(scratch / out / "verdicts.jsonl"):
        by_row.setdefault(verdict["id"], []).append(verdict)
    dpo, kto = [], []
    for i, row in rows.items():
        chosen = pairs.pairs_of(row["responses"], by_row[i], mode)
        text = {n: response for n, response in enumerate(row["responses"], 1)}
        dpo += [(i, row["prompt"], text[a], text[b]) for a, b in chosen]
        kto += [(i, row["prompt"], text[n], label) for n, label in pairs.labels_of(chosen).items()]
    compare_lines(scratch / out, "dpo", ["prompt", "chosen", "rejected"], dpo, mode)
    compare_lines(scratch / out, "kto", ["prompt", "completion", "label"], kto, mode)


def compare_lines(folder, kind, keys, want, mode):
    lines = [line for path in sorted((folder / "data").glob(f"{kind}-*.jsonl")) for line in host.jsonl(path)]
    tap.ok(lines and all(list(line) == keys for line in lines), f"{mode}: {kind} lines have {', '.join(keys)}")
    number = {prompt: i for i, prompt in PROMPTS.items()}
    got = [(number[line["prompt"]], *(line[key] for key in keys)) for line in lines]
    order = [entry[0] for entry in got]
    tap.equal(order, sorted(order), f"{mode}: {kind} lines are in the order of the rows")
    # Rows that differ are shown by id; texts are long.
    wrong = sorted({entry[0] for entry in set(got) ^ set(want)})
    tap.ok(sorted(got, key=repr) == sorted(want, key=repr), f"{mode}: {len(want)} {kind} lines follow from the verdicts",
           f"{len(got)} lines; rows that differ: {wrong}")


def counted(scratch, out, mode):
    results = (scratch / out / "results.json").read_text()
    tap.contains(results, ["pairs"], f"{mode}: results.json counts pairs")
    tap.contains((scratch / out / "README.md").read_text(), ["---", "configs", "data/dpo-", "data/kto-"],
                 f"{mode}: the card names the data files")


def again(scratch, server):
    before = host.tree(scratch / "out", VARIABLE)
    count = len(server.log())
    result = run(scratch, "out")
    log = server.log()[count:]
    tap.equal(result.status, 3, "a second run: status 3")
    tap.equal([e["row"] for e in log], [FAILED], "one request, the failed row's")
    host.same_tree(host.tree(scratch / "out", VARIABLE), before, "the same bytes")


def offline(scratch, server):
    count = len(server.log())
    result = run(scratch, "offline", "--offline", env={"OPENAI_API_KEY": None})
    tap.equal(result.status, 3, "offline without a key: status 3")
    tap.equal(len(server.log()), count, "no request")
    host.same_tree(host.tree(scratch / "offline", VARIABLE), host.tree(scratch / "out", VARIABLE),
                   "the same bytes in every file but run.json and errors.jsonl")
    errors = host.jsonl(scratch / "offline/errors.jsonl")
    tap.equal([e["id"] for e in errors], [FAILED], "the missing call is an error of its row")
    tap.contains(str(errors), "offline", "which says so")


def main_job():
    with host.replay_server() as server, host.Scratch(server.url) as scratch:
        first_run(scratch, server)
        responses(scratch)
        verdicts(scratch)
        pair_files(scratch, "out", "best-worst")
        counted(scratch, "out", "best-worst")
        count = len(server.log())
        for mode in ("best-rest", "all"):
            tap.equal(run(scratch, mode, "--pairs", mode, "--offline").status, 3, f"{mode}, from the same store")
            pair_files(scratch, mode, mode)
            counted(scratch, mode, mode)
        tap.equal(len(server.log()), count, "other pairs need no calls")
        again(scratch, server)
        offline(scratch, server)


def with_faults():
    """One request in four struck: the same answers in the end. Answers without choices that are billed are not among them:
    a call is given up after two of those (tests/call/fault_matrix.py has them)."""
    with host.replay_server("--fault", "http_429=0.05", "--fault", "http_500=0.05", "--fault", "reset=0.05",
                            "--fault", "truncate=0.04", "--fault", "garbage=0.04",
                            "--fault", "html=0.03") as server, host.Scratch(server.url) as scratch:
        result = run(scratch, "out", "--concurrency", "64")
        tap.equal(result.status, 3, "faults: status 3")
        tap.equal([e["id"] for e in host.jsonl(scratch / "out/errors.jsonl")], [FAILED], "only the known row fails")
        responses(scratch)
        verdicts(scratch)


host.need_program()
DATA = host.need_shared("data/feedback", "tools/replay_server.py")[0]
PROMPTS = {row["id"]: row["prompt"] for row in host.jsonl(DATA / "rows.jsonl")}
tap.cases(main_job, with_faults)
