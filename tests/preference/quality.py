#!/usr/bin/env python3
"""What preference sets leave out, and why: quality controls, both orders, duplicate prompts; and the card."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import pairs
import sets
import tap
from stub_server import Stub

SIM = ("sim:writer", "sim:critic", "sim:judge")
LONG, SHORT, WIDE = "e" * 50, "f" * 20, "é" * 30
REFUSAL = "I’m sorry, but I can't help with that."

# Three responses, the scores (A, B) of both comparisons, and the pair of best-worst. The second shows response 3 as A
# and the kept response as B.
ROWS = {
    "plain": (["one", "two", "three"], (9, 4), (3, 9), (1, 3)),
    "transitive": (["one", "two", "three"], (9, 7), (9, 3), (3, 2)),       # margins 2 and 6: 2 on the way
    "inverted": (["one", "two", "three"], (10, 9), (2, 1), (3, 2)),        # means 2 and 9
    "long": (["one", LONG, SHORT], (3, 9), (5, 9), (2, 1)),                # 50 and 3 characters
    "wide": (["one", WIDE, SHORT], (9, 9), (5, 9), (2, 3)),                # 30 and 20 characters, 60 and 20 bytes
    "refusal": (["one", REFUSAL, "three"], (3, 9), (6, 9), (2, 1)),
    "refused": (["one", "two", REFUSAL], (9, 8), (2, 9), (1, 3)),
    "tie": (["one", "two", "three"], (5, 5), (5, 5), None),
}
NAMES = list(ROWS)


def completion(text):
    return {"id": "x", "object": "chat.completion", "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}


def judgement(scores):
    return f"Both weighed.\n\n### Score Assistant A:\n{scores[0]}/10\n\n### Score Assistant B:\n{scores[1]}/10"


def rules():
    return [{"model": model, "contains": f"<{name}>", "times": 1, "body": completion(text)}
            for name, (responses, *scores, _) in ROWS.items()
            for model, text in [*(("writer", text) for text in responses), *(("judge", judgement(s)) for s in scores)]]


def results(folder):
    return json.loads((folder / "results.json").read_text())


def pair_ids(folder):
    return [line["id"] for line in host.jsonl(folder / "pairs.jsonl")]


# ---- quality controls --------------------------------------------------------------------------

# Options, and the rows whose pair they leave out, by reason.
CONTROLS = {
    "nothing": ([], {}),
    "margin of 1.5": (["--min-margin", "1.5"], {"margin": ["inverted"]}),
    "margin of 2": (["--min-margin", 2], {"margin": ["inverted"]}),
    "margin of 3": (["--min-margin", 3], {"margin": ["transitive", "inverted"]}),
    "length": (["--max-length-ratio", 1.7], {"length": ["long", "refusal", "refused"]}),
    "length of 1.4": (["--max-length-ratio", 1.4], {"length": [name for name in NAMES if name != "tie"]}),
    "refusal": (["--drop-refusals"], {"refusal": ["refusal"]}),
    "inversion": (["--drop-inverted"], {"inverted": ["inverted"]}),
    "all": (["--min-margin", 3, "--max-length-ratio", 10, "--drop-refusals", "--drop-inverted"],
            {"margin": ["transitive", "inverted"], "length": ["long", "refusal", "refused"]}),
}


def controls():
    with Stub(rules=rules()) as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", [{"id": name, "prompt": f"Explain <{name}>."} for name in NAMES])
        for title, (options, dropped) in CONTROLS.items():
            result = scratch.preference("--store", "store.db", *options, *(["--offline"] if title != "nothing" else []),
                                        out=title)
            none = sum(map(len, dropped.values())) == len(NAMES) - 1     # all but the tie, which has no pair anyway
            if not tap.equal(result.status, 5 if none else 0, f"{title}: its status, without another call"):
                tap.diag(result)
                continue
            check_control(scratch / title, title, dropped)
        result = scratch.preference("--store", "store.db", "--offline", "--pairs", "all", "--min-margin", 3, out="modes")
        got = [(line["chosen"], line["rejected"], line["margin"]) for line in host.jsonl(scratch / "modes/pairs.jsonl")
               if line["id"] == "transitive"]
        tap.equal((result.status, got), (0, [(3, 1, 6)]), "--pairs all: of a chain only the link with the margin is left")


def check_control(folder, title, dropped):
    gone = [name for names in dropped.values() for name in names]
    kept = [name for name in NAMES if ROWS[name][3] and name not in gone]
    tap.equal(pair_ids(folder), kept, f"{title}: pairs that are left")
    number = {name: ROWS[name][3] for name in kept}
    want = [sets.dpo_row("trl", f"Explain <{name}>.", ROWS[name][0][a - 1], ROWS[name][0][b - 1])
            for name, (a, b) in number.items()]
    tap.equal(sets.lines(folder, "single", "dpo"), want, f"{title}: their rows")
    labels = {row["prompt"] for row in sets.lines(folder, "single", "kto")}
    tap.equal(labels, {row["prompt"] for row in want}, f"{title}: no labels of pairs that are left out")
    got = results(folder)
    tap.equal((got["pairs"], got["dropped"]), (len(kept), {why: len(names) for why, names in dropped.items()}),
              f"{title}: counted by reason")
    tap.equal(got["without_pair"], {"tie": 1, **{why: len(names) for why, names in dropped.items()}},
              f"{title}: rows without a pair too")
    tap.equal(got["inverted"], int("inverted" in kept), f"{title}: the audit counts what is left")
    card = (folder / "README.md").read_text()
    for why, names in dropped.items():
        text = {"margin": "the score margin is below", "length": "times as long", "refusal": "is a refusal",
                "inverted": "scores say the opposite"}[why]
        tap.ok(re.search(f"left out because .*{text}.*: {len(names)} pairs", card), f"{title}: the card counts them", card)


def margins():
    """Margins and means of the constructed rows, from the lines of pairs.jsonl."""
    with Stub(rules=rules()) as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", [{"id": name, "prompt": f"Explain <{name}>."} for name in NAMES])
        scratch.preference()
        got = {line["id"]: (line["margin"], line["scores"]["chosen"], line["scores"]["rejected"])
               for line in host.jsonl(scratch / "out/pairs.jsonl")}
    want = {"plain": (6, 9.0, 3.0), "transitive": (2, 9.0, 7.0), "inverted": (1, 2.0, 9.0)}
    tap.equal({name: got.get(name) for name in want}, want, "margins and mean scores")


# ---- both orders ------------------------------------------------------------------------------------

def said(evidence):
    """The scores of A and B that a judge's text ends with."""
    a, b = (int(re.search(rf"### Score Assistant {side}:\n(\d+)/10", evidence["text"])[1]) for side in "AB")
    return {"a": a, "b": b}


def swap():
    with host.Scratch() as scratch:
        scratch.write("prompts.lua", sets.PROMPTS)
        scratch.write("rows.jsonl", [{"id": f"row-{i}", "prompt": f"Explain item {i}."} for i in range(30)])
        result = scratch.preference("--swap", "--pairs", "all", "--prompts", "prompts.lua", models=SIM)
        tap.equal(result.status, 0, "--swap: status 0")
        verdicts, wrong, flips = host.jsonl(scratch / "out/verdicts.jsonl"), [], set()
        for verdict in verdicts:
            first, second = map(said, verdict["evidence"])
            second = {"a": second["b"], "b": second["a"]}
            winners = pairs.winner(first), pairs.winner(second)
            flipped = winners[0] != winners[1]
            want = {"flipped": flipped, "winner": "tie" if flipped else winners[0],
                    "scores": {side: (first[side] + second[side]) / 2 for side in "ab"}}
            if {key: verdict[key] for key in want} != want:
                wrong.append((verdict, want))
            if flipped:
                flips.add((verdict["id"], verdict["a"], verdict["b"]))
        tap.ok(not wrong and flips, f"{len(verdicts)} verdicts follow from both orders, {len(flips)} flipped", *wrong[:2])
        found = sets.contests(scratch / "out", "all")["single"]
        dpo, kto, origin = sets.wanted(found, "single", "trl")
        tap.equal(sets.lines(scratch / "out", "single", "dpo"), dpo, "pairs follow from verdicts that agree")
        tap.equal(sets.lines(scratch / "out", "single", "kto"), kto, "labels too")
        tap.equal(host.jsonl(scratch / "out/pairs.jsonl"), origin, "margins are of the mean scores")
        direct = {(line["id"], frozenset((f"response_{line['chosen']}", f"response_{line['rejected']}"))) for line in origin}
        tap.ok(not [flip for flip in flips if (flip[0], frozenset(flip[1:])) in direct], "no pair from a disagreement")
        tap.equal(results(scratch / "out")["swap"], {"flipped": len(flips), "n": len(verdicts)}, "results.json counts flips")
        tap.contains((scratch / "out/README.md").read_text(), f"{len(flips)} of {len(verdicts)} comparisons disagreed",
                     "the card too")


# ---- duplicate prompts --------------------------------------------------------------------------------

BASE = ("Write a short letter to the mayor of a small town by the sea in which you ask for a new bridge over the old "
        "river, and give three reasons why the people who live there need it before the next winter comes")
OTHER = "Describe in your own words how bees find their way back to the hive when clouds hide the sun all day long"
PROMPTS = [                                     # and what becomes of each: kept, exact, near
    ("Explain the tides, please.", None),
    ("explain  the TIDES please", "exact"),
    (BASE, None),
    (BASE.replace("a short letter", "a brief letter"), "near"),
    (OTHER, None),
    (17, "fails"),
    ("Explain the tides to me, please.", None),
    ([sets.turn("user", "Explain the tides, please!")], "exact"),
    ([sets.turn("system", "Be brief."), sets.turn("user", "Explain the tides, please!")], None),
    ("What is C?", None),
    ("What is C++?", None),
    ("What is 3 + 4?", None),
    ("What is 3 - 4?", None),
    ("???", None),
    ("!", None),
    (OTHER.upper(), "exact"),
]


def duplicates():
    with host.Scratch() as scratch:
        lines = [json.dumps({"prompt": prompt} if i % 2 else {"id": f"row-{i}", "prompt": prompt})
                 for i, (prompt, _) in enumerate(PROMPTS)]
        lines.insert(8, "{not json")            # number 8 of the dataset from here on
        scratch.write("rows.jsonl", "\n".join(lines) + "\n")
        ids = [f"row-{i}" if i % 2 == 0 else i + (i >= 8) for i in range(len(PROMPTS))]
        for title, options, drops in (("keep", [], ()), ("drop", ["--duplicates", "drop"], ("exact",)),
                                      ("near", ["--near-duplicates", 0.8], ("exact", "near"))):
            result = scratch.preference("--format", "trl-conversational", "--store", f"{title}.db", *options, out=title,
                                        models=SIM)
            folder = scratch / title
            left = [i for i, (_, fate) in enumerate(PROMPTS) if fate != "fails" and fate not in drops]
            tap.equal((result.status, result.summary["failed"]), (3, 2), f"{title}: both bad rows fail as themselves")
            tap.equal([row["id"] for row in host.jsonl(folder / "errors.jsonl")], [5, 8], f"{title}: under their numbers")
            tap.equal([row["id"] for row in host.jsonl(folder / "responses.jsonl")], [ids[i] for i in left],
                      f"{title}: the rows that are left keep their ids")
            count = {fate: sum(1 for _, each in PROMPTS if each == fate) if fate in drops else 0 for fate in ("exact", "near")}
            tap.equal(results(folder)["duplicates"], count, f"{title}: counted")
            tap.equal(result.summary["calls"] + result.summary["stored"], 7 * len(left), f"{title}: the dropped ones cause no calls")
            card = (folder / "README.md").read_text()
            for fate, number in count.items():
                tap.equal(f"prompts left out as duplicates ({fate}) | {number} |" in card, number > 0, f"{title}: the card, {fate}")
        before = host.tree(scratch / "near", ["run.json"])
        scratch.preference("--format", "trl-conversational", "--store", "other.db", "--near-duplicates", 0.8, "--force",
                           "--concurrency", 1, out="near", models=SIM)
        host.same_tree(host.tree(scratch / "near", ["run.json"]), before, "which rows are left does not hang on concurrency")


# ---- the card ---------------------------------------------------------------------------------------

def front_matter(text):
    """[(config, default, path)] of a card, by PyYAML if it is here."""
    front = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)[1]
    try:
        import yaml
        loaded = yaml.safe_load(front)
        assert loaded["size_categories"] == ["n<1K"] and "dpo" in loaded["tags"], loaded
        return [(c["config_name"], c.get("default", False), c["data_files"][0]["path"]) for c in loaded.get("configs", [])]
    except ImportError:
        pattern = r'- config_name: (\w+)\n(  default: true\n)?  data_files:\n  - \{split: train, path: "([^"]+)"\}'
        return [(name, bool(default), path) for name, default, path in re.findall(pattern, front)]


CONFIGS = {"dpo": "default", "kto": "kto", "generator_dpo": "generator", "generator_kto": "generator_kto",
           "reviewer_dpo": "reviewer", "reviewer_kto": "reviewer_kto"}


def card():
    for form in sets.FORMATS:
        with host.Scratch() as scratch:
            scratch.prompts(6)
            scratch.preference("--improve", "members", "--format", form, models=SIM)
            folder = scratch / "out"
            text = (folder / "README.md").read_text()
            rows = {stem: len(host.jsonl(folder / f"data/{stem}-00000-of-00001.jsonl")) for stem in CONFIGS}
            want = [(name, name == "default", f"data/{stem}-*.jsonl") for stem, name in CONFIGS.items() if rows[stem]]
            tap.equal(front_matter(text), want, f"{form}: a config for every file that has rows")
            tap.equal(form == "axolotl", rows["generator_kto"] == 0, f"{form}: the generator's labels")
            counts = dict(re.findall(r"\(`data/(\w+)-\*\.jsonl`\) \| (\d+)", text))
            tap.equal({stem: int(counts[stem]) for stem in CONFIGS}, rows, f"{form}: the card's counts are the files'")
            tap.lacks(text, [str(scratch.path), " nil"], f"{form}: no path of this machine in the card")
            if form.startswith("llama"):
                dataset_info(folder, form, rows)


def dataset_info(folder, form, rows):
    info = json.loads((folder / "dataset_info.json").read_text())
    want = {}
    for stem in (stem for stem in CONFIGS if rows[stem]):
        alpaca = form == "llama-factory" and "_" not in stem
        columns = {"prompt": "instruction", "query": "input"} if alpaca else {"messages": "conversations"}
        if stem.endswith("dpo"):
            columns.update(chosen="chosen", rejected="rejected")
        else:
            columns.update({"response": "output"} if alpaca else {}, kto_tag="kto_tag")
        want[f"preference_{stem}"] = {"file_name": f"data/{stem}-00000-of-00001.jsonl",
                                      "formatting": "alpaca" if alpaca else "sharegpt", "columns": columns,
                                      **({"ranking": True} if stem.endswith("dpo") else {})}
    tap.equal(info, want, f"{form}: dataset_info.json has an entry for each file")
    for name, entry in info.items():
        first = host.jsonl(folder / entry["file_name"])[0]
        tap.equal(sorted(entry["columns"].values()), sorted(first), f"{form}: {name} names the columns of its file")


def sharded():
    """--rows-per-file: the same rows in several files, which card, dataset_info.json and check-dataset know."""
    with host.Scratch() as scratch:
        scratch.prompts(7)
        for out, options in (("whole", []), ("parts", ["--rows-per-file", 3])):
            scratch.preference("--format", "llama-factory", "--store", "store.db", *options, out=out, models=SIM)
        for kind in ("dpo", "kto"):
            files = sorted((scratch / "parts/data").glob(f"{kind}-*"))
            content = [path.read_bytes() for path in files]
            tap.equal(b"".join(content), (scratch / f"whole/data/{kind}-00000-of-00001.jsonl").read_bytes(),
                      f"{kind}: the same bytes in {len(files)} files")
            tap.ok(len(files) > 1 and all(part.count(b"\n") == 3 for part in content[:-1]), f"{kind}: three rows a file", files)
            tap.equal([path.name for path in files], [f"{kind}-{i:05}-of-{len(files):05}.jsonl" for i in range(len(files))],
                      f"{kind}: their names")
        info = json.loads((scratch / "parts/dataset_info.json").read_text())
        tap.equal(sorted(entry["file_name"] for entry in info.values()),
                  sorted(f"data/{path.name}" for path in (scratch / "parts/data").iterdir()), "dataset_info.json names each")
        card_text = (scratch / "parts/README.md").read_text()
        tap.equal(front_matter(card_text), front_matter((scratch / "whole/README.md").read_text()), "the card's configs take them all")
        tap.contains(card_text, list(info), "and its snippet names all entries")
        result = scratch.run("run", "check-dataset", "parts")
        tap.equal((result.status, result.summary["rows"]), (0, sum(len(host.jsonl(p)) for p in (scratch / "parts/data").iterdir())),
                  "check-dataset finds them sound")


def no_pairs():
    """All ties: empty files, which loaders refuse, are in no config."""
    with Stub(rules=[{"model": "judge", "body": completion(judgement((5, 5)))}]) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(2)
        result = scratch.preference("--format", "llama-factory")
        text = (scratch / "out/README.md").read_text()
        tap.equal((result.status, front_matter(text)), (5, []), "without a pair the card has no configs")
        tap.equal(json.loads((scratch / "out/dataset_info.json").read_text()), {}, "and dataset_info.json no entries")
        tap.equal(results(scratch / "out")["without_pair"], {"tie": 2}, "the rows are counted")


host.need_program()
tap.cases(controls, margins, swap, duplicates, card, sharded, no_pairs)
