#!/usr/bin/env python3
"""The nine outcomes of the ladder of three responses, in all three modes, and what never pairs."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import pairs
import tap
from stub_server import Stub

A, B, TIE = (9, 5), (4, 8), (7, 7)

# Scores of the two comparisons -> relations shown by the design's table, and the pair of best-worst. The second
# comparison shows response 3 as A, the kept response as B.
OUTCOMES = {
    "1 beats 2, 3 beats 1": (A, A, "3>1 1>2 3>2", "3>2"),
    "1 beats 2 by 4, 1 beats 3 by 4": (A, B, "1>2 1>3", "1>2"),
    "1 beats 2 by 1, 1 beats 3 by 4": ((9, 8), B, "1>2 1>3", "1>3"),
    "1 beats 2, tie": (A, TIE, "1>2", "1>2"),
    "2 beats 1, 3 beats 2": (B, A, "3>2 2>1 3>1", "3>1"),
    "2 beats 1 by 4, 2 beats 3 by 4": (B, B, "2>1 2>3", "2>1"),
    "2 beats 1 by 1, 2 beats 3 by 4": ((8, 9), B, "2>1 2>3", "2>3"),
    "2 beats 1, tie": (B, TIE, "2>1", "2>1"),
    "tie, 3 beats 2": (TIE, A, "3>2", "3>2"),
    "tie, 2 beats 3": (TIE, B, "2>3", "2>3"),
    "tie, tie": (TIE, TIE, "", ""),
}
# Also: a text that equals another one, and judgements that cannot be read.
TEXTS = ["response one", "response two", "response three"]
SAME = ["response one", "response two \n", " response two"]
ROWS = [(name, TEXTS, first, second) for name, (first, second, _, _) in OUTCOMES.items()]
ROWS += [("2 and 3 are the same text, 1 beats both", SAME, A, B),
         ("all three are the same text", TEXTS[:1] * 3, A, A),
         ("the first comparison is unparsed", TEXTS, None, None),
         ("the second comparison is unparsed", TEXTS, A, None)]
UNREADABLE = "I cannot say."


def completion(text):
    return {"id": "x", "object": "chat.completion", "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}


def judgement(scores):
    return f"Both weighed.\n\n### Score Assistant A:\n{scores[0]}/10\n\n### Score Assistant B:\n{scores[1]}/10"


def script():
    """Rules that answer the n-th request of a role in a row with the n-th text."""
    rules = []
    for number, (_, responses, first, second) in enumerate(ROWS):
        answers = [("writer", text) for text in responses]
        answers += [("judge", judgement(scores)) for scores in (first, second) if scores]
        rules += [{"model": model, "contains": f"<row-{number}>", "times": 1, "body": completion(text)}
                  for model, text in answers]
    return rules + [{"model": "judge", "body": completion(UNREADABLE)}]


def shown(relation):
    return sorted(tuple(map(int, pair.split(">"))) for pair in relation.split())


def wanted(mode):
    """Pairs of each row in a mode, from the table."""
    table = []
    for _, _, relations, ends in OUTCOMES.values():
        known = shown(relations)
        best = shown(ends)[0][0] if ends else None
        table.append({"all": known, "best-rest": [p for p in known if p[0] == best], "best-worst": shown(ends)}[mode])
    return table


def second_opinion():
    """The recomputation that other tests use agrees with the table."""
    for mode in pairs.MODES:
        got = []
        for _, responses, first, second in ROWS[:len(OUTCOMES)]:
            sides = [("response_1", "response_2", first)]
            kept = "response_1" if first[0] > first[1] else "response_2"
            sides.append(("response_3", kept, second))
            verdicts = [{"a": a, "b": b, "scores": dict(zip("ab", s)), "winner": pairs.winner(dict(zip("ab", s)))}
                        for a, b, s in sides]
            got.append(pairs.pairs_of(responses, verdicts, mode))
        tap.equal(got, wanted(mode), f"{mode}: lib/pairs.py follows the table")


def lines(folder, kind):
    by_row = {}
    for path in sorted((folder / "data").glob(f"{kind}-*.jsonl")):
        for line in host.jsonl(path):
            by_row.setdefault(line["prompt"], []).append(line)
    return by_row


def outcomes():
    number_of = {text: number for number, text in enumerate(TEXTS, 1)}
    with Stub(rules=script()) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(len(ROWS))
        prompts = [row["prompt"] for row in host.jsonl(scratch / "rows.jsonl")]
        for mode in pairs.MODES:
            made = len(server.log())
            result = scratch.preference("--pairs", mode, "--store", "store.db", out=mode)
            tap.equal(result.status, 0, f"{mode}: status 0, an unparsed verdict is no error")
            dpo, kto = lines(scratch / mode, "dpo"), lines(scratch / mode, "kto")
            for prompt, (name, *_), want in zip(prompts, ROWS, wanted(mode)):
                got = sorted((number_of[p["chosen"]], number_of[p["rejected"]]) for p in dpo.get(prompt, []))
                tap.equal(got, want, f"{mode}: {name}")
                got = {number_of[p["completion"]]: p["label"] for p in kto.get(prompt, [])}
                tap.equal(got, pairs.labels_of(want), f"{mode}: {name}: labels")
            tap.ok(not made or len(server.log()) == made, f"{mode}: other pairs need no calls")
            special(mode, *[[part.get(prompt, []) for prompt in prompts[len(OUTCOMES):]] for part in (dpo, kto)])
        unparsed_verdicts(scratch / "all")


def special(mode, dpo, kto):
    same, equal, first, second = ([(p["chosen"], p["rejected"]) for p in row] for row in dpo)
    tap.ok(same and set(same) <= {(SAME[0], SAME[1]), (SAME[0], SAME[2])}, f"{mode}: equal texts never pair", same)
    tap.ok(all(p["label"] == (p["completion"] == SAME[0]) for p in kto[0]), f"{mode}: and keep one label", kto[0])
    tap.equal((equal, kto[1]), ([], []), f"{mode}: three equal texts make nothing")
    tap.equal((first, kto[2]), ([], []), f"{mode}: an unparsed first comparison makes nothing")
    tap.equal(second, [(TEXTS[0], TEXTS[1])], f"{mode}: an unparsed second one leaves what the first decided")


def unparsed_verdicts(folder):
    verdicts = host.jsonl(folder / "verdicts.jsonl")
    tap.equal(sorted(v["id"] for v in verdicts if v["winner"] == "unparsed"),
              [f"row-{len(ROWS) - 2}", f"row-{len(ROWS) - 1}"], "unparsed verdicts are in verdicts.jsonl")
    results = (folder / "results.json").read_text()
    tap.contains(results, "unparsed", "results.json counts rows without a pair by reason")


host.need_program()
tap.cases(second_opinion, outcomes)
