"""Preference sets recomputed from responses.jsonl, verdicts.jsonl and branches.jsonl: a second opinion.

Rows of the trainers' formats are written here from their documentation, and pairs from the table of the ladder, not
from the program. The prompts of the feedback loop are those of PROMPTS, given to the program with --prompts.
"""

import json

import host
import pairs

FORMATS = ("trl", "trl-conversational", "llama-factory", "llama-factory-sharegpt", "axolotl")
TEXTS_ONLY = ("trl", "llama-factory")
CONVERSATIONAL = {"trl": "trl-conversational", "llama-factory": "llama-factory-sharegpt"}

REVIEW, AGAIN, REVISE = "Review.\n{prompt}\n--\n{response}", "Once more: {response}", "Revise after this:\n{feedback}"
PROMPTS = "return { feedback = { review = %s, review_again = %s, revise = %s } }\n" % tuple(
    json.dumps(text) for text in (REVIEW, AGAIN, REVISE))


# ---- rows -----------------------------------------------------------------------------------

def turn(role, text):
    return {"role": role, "content": text}


def messages(prompt):
    return [turn("user", prompt)] if isinstance(prompt, str) else [turn(m["role"], m["content"]) for m in prompt]


def said(who, text):
    return {"from": who, "value": text}


def sharegpt(prompt):
    names = {"system": "system", "user": "human", "assistant": "gpt"}
    return [said(names[m["role"]], m["content"]) for m in messages(prompt)]


def dpo_row(name, prompt, chosen, rejected):
    if name == "trl":
        return {"prompt": prompt, "chosen": chosen, "rejected": rejected}
    if name == "trl-conversational":
        return {"prompt": messages(prompt), "chosen": [turn("assistant", chosen)],
                "rejected": [turn("assistant", rejected)]}
    if name == "llama-factory":
        return {"instruction": prompt, "input": "", "chosen": chosen, "rejected": rejected}
    if name == "llama-factory-sharegpt":
        return {"conversations": sharegpt(prompt), "chosen": said("gpt", chosen), "rejected": said("gpt", rejected)}
    return {"messages": messages(prompt), "chosen": turn("assistant", chosen), "rejected": turn("assistant", rejected)}


def kto_row(name, prompt, text, label):
    """None where the format has no place for the prompt."""
    if name == "trl-conversational":
        return {"prompt": messages(prompt), "completion": [turn("assistant", text)], "label": label}
    if name == "llama-factory":
        return {"instruction": prompt, "input": "", "output": text, "kto_tag": label}
    if name == "llama-factory-sharegpt":
        return {"conversations": [*sharegpt(prompt), said("gpt", text)], "kto_tag": label}
    if name == "axolotl" and not isinstance(prompt, str):
        if len(prompt) > 1:
            return None
        prompt = prompt[0]["content"]
    return {"prompt": prompt, "completion": text, "label": label}


# ---- what the comparisons say -----------------------------------------------------------------

def margins(decided):
    """(better, worse) -> by how much; of what follows the least on the way, where that is largest."""
    known = dict(decided)
    while True:
        more = {}
        for (a, b), first in known.items():
            for (c, d), second in known.items():
                if b == c and min(first, second) > known.get((a, d), -1):
                    more[a, d] = max(min(first, second), more.get((a, d), -1))
        if not more:
            return known
        known.update(more)


def means(verdicts):
    got = {}
    for verdict in verdicts:
        for side in "ab":
            if side in verdict["scores"]:
                got.setdefault(int(verdict[side].removeprefix("response_")), []).append(verdict["scores"][side])
    return {number: sum(scores) / len(scores) for number, scores in got.items()}


def contest(prompt, texts, verdicts, mode):
    """The pairs of answers that a ladder compared: (numbers, texts, margin, mean scores)."""
    found, margin, mean = pairs.pairs_of(texts, verdicts, mode), margins(pairs.relations(verdicts)), means(verdicts)
    return {"prompt": prompt, "texts": texts, "pairs": found, "none": None if found else "no pair",
            "scored": [(margin[a, b], mean.get(a), mean.get(b)) for a, b in found]}


def as_ladder(verdicts, prefix):
    """The verdicts whose sides are named prefix + number, renamed as responses are."""
    return [{**v, **{side: "response_" + v[side][len(prefix):] for side in "ab"}} for v in verdicts
            if v["a"].startswith(prefix) and v["b"].startswith(prefix)]


def review_contest(prompt, texts, verdicts, mode):
    """Feedback after which the response improved, above feedback after which it did not."""
    gain = {n: v["scores"]["b"] - v["scores"]["a"] for n, v in enumerate(verdicts, 1) if v["winner"] != "unparsed"}
    better = [n for n in gain if verdicts[n - 1]["winner"] == "b"]
    worse = [n for n in gain if n not in better]
    found = [(a, b) for a in better for b in worse]
    if found and mode != "all":
        best = max(better, key=lambda n: (gain[n], -n))
        found = [(a, b) for a, b in found if a == best]
        if mode == "best-worst":
            found = [(best, min(worse, key=lambda n: (gain[n], n)))]
    found = [(a, b) for a, b in sorted(found) if texts[a - 1].strip() != texts[b - 1].strip()]
    return {"prompt": prompt, "texts": texts, "pairs": found, "none": None if found else "no pair",
            "scored": [(gain[a] - gain[b], float(gain[a]), float(gain[b])) for a, b in found]}


# ---- the sets of a folder -----------------------------------------------------------------------

def shown(prompt):
    """A prompt as reviewers are shown it."""
    if isinstance(prompt, str):
        return prompt
    return "\n\n".join(f"[{m['role'].capitalize()}]\n{m['content']}" for m in prompt)


def revision_request(row, number):
    """The generator's conversation up to the request after response `number`."""
    talk = messages(row["prompt"])
    for response, feedback in zip(row["responses"][:number], row["feedback"]):
        talk += [turn("assistant", response), turn("user", REVISE.format(feedback="\n\n".join(feedback)))]
    return talk


def review_request(row, number, reviewer):
    """What a reviewer (from 1) was asked about response `number`."""
    talk = []
    for n, response in enumerate(row["responses"][:number]):
        if n:
            talk.append(turn("assistant", row["feedback"][n - 1][reviewer - 1]))
        text = AGAIN if n else REVIEW
        talk.append(turn("user", text.format(prompt=shown(row["prompt"]), response=response)))
    return talk


def by_id(rows):
    got = {}
    for row in rows:
        got.setdefault(row["id"], []).append(row)
    return got


def contests(folder, mode):
    """{set: [(row id, contest)]} of a folder, in the order of its files."""
    verdicts, branches = by_id(host.jsonl(folder / "verdicts.jsonl")), by_id(host.jsonl(folder / "branches.jsonl"))
    sets = {"single": [], "generator": [], "reviewer": []}
    for row in host.jsonl(folder / "responses.jsonl"):
        mine = verdicts[row["id"]]
        sets["single"].append((row["id"], contest(row["prompt"], row["responses"], as_ladder(mine, "response_"), mode)))
        for branch in branches.get(row["id"], []):
            n = branch["round"]
            found = contest(revision_request(row, n), branch["revisions"],
                            as_ladder(mine, f"round_{n}.revision_"), mode)
            sets["generator"].append((row["id"], {**found, "round": n}))
            by_name = {v["b"]: v for v in mine if v["a"] == f"response_{n}"}
            groups = {}
            for i, review in enumerate(branch["reviews"], 1):
                asked = review_request(row, n, review["reviewer"])
                group = groups.setdefault(json.dumps(asked), (asked, [], [], []))
                group[3].append(i)
                group[1].append(review["feedback"])
                group[2].append(by_name[f"round_{n}.review_{i}"])
            sets["reviewer"] += [(row["id"], {**review_contest(*group[:3], mode), "round": n, "places": group[3]})
                                 for group in groups.values()]
    return sets


def stem(name, kind):
    return kind if name == "single" else f"{name}_{kind}"


def lines(folder, name, kind):
    """The rows of a set's files."""
    return [row for path in sorted((folder / "data").glob(f"{stem(name, kind)}-*.jsonl")) for row in host.jsonl(path)]


def wanted(found, name, form):
    """What the contests of a set make: DPO rows, KTO rows, lines of pairs.jsonl."""
    dpo, kto, provenance = [], [], []
    form = form if name == "single" else CONVERSATIONAL.get(form, form)
    for row_id, each in found:
        text = dict(enumerate(each["texts"], 1))
        for (a, b), (margin, chosen, rejected) in zip(each["pairs"], each["scored"]):
            dpo.append(dpo_row(form, each["prompt"], text[a], text[b]))
            places = each.get("places", range(1, 1 + len(text)))
            origin = {"round": each["round"]} if "round" in each else {}
            provenance.append({"set": name, "id": row_id, **origin, "chosen": places[a - 1],
                               "rejected": places[b - 1], "margin": margin, "scores": {"chosen": chosen, "rejected": rejected}})
        rows = [kto_row(form, each["prompt"], text[n], label)
                for n, label in sorted(pairs.labels_of(each["pairs"]).items())]
        kto += [row for row in rows if row]
    return dpo, kto, provenance
