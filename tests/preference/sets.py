#!/usr/bin/env python3
"""Preference sets in every trainer's format, of texts and conversations, for one model and for a loop's members."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import pairs
import sets
import tap

ROLES = ["--generator", "sim:writer", "--judge", "sim:judge"]
ONE, TWO = ["--reviewer", "sim:critic"], ["--reviewer", "sim:critic", "--reviewer", "sim:other"]
MEMBERS = ["--improve", "members"]
SYSTEM, USER, ASSISTANT = (lambda text, role=role: sets.turn(role, text) for role in ("system", "user", "assistant"))


def run(scratch, out, *options, reviewers=ONE, data="rows.jsonl"):
    return scratch.run("run", "preference", "--data", data, "--out", out, "--prompts", "prompts.lua", *ROLES,
                       *reviewers, *options)


def well(scratch, out, *options, **more):
    result = run(scratch, out, *options, **more)
    if result.status != 0:
        raise RuntimeError(f"{out}: {result}")
    return scratch / out


def calls(folder):
    return json.loads((folder / "run.json").read_text())["calls"]["made"]


def results(folder):
    return json.loads((folder / "results.json").read_text())


def prepare(scratch, rows):
    scratch.write("prompts.lua", sets.PROMPTS)
    return scratch.write("rows.jsonl", rows)


def texts(count):
    """Prompts, hostile ones among them; every third has no id."""
    odd = ["naïve – “quoted” \\ \t😀", '{"a": [1]}\n### Score', "  white space \n"]
    rows = [{"prompt": f"Explain item {i}. {odd[i % 3]}"} for i in range(count)]
    return [row if i % 3 == 2 else {"id": f"row-{i}", **row} for i, row in enumerate(rows)]


# Conversations as datasets have them, and the prompt that each holds.
TALK = [USER("Name a river."), ASSISTANT("The Rhine."), USER("And a longer one?")]
CONVERSATIONS = [
    ({"messages": TALK}, TALK),
    ({"messages": [SYSTEM("Be brief. ☕"), *TALK]}, [SYSTEM("Be brief. ☕"), *TALK]),
    ({"messages": [*TALK, ASSISTANT("The Danube."), ASSISTANT("Or the Volga.")]}, TALK),
    ({"prompt": [SYSTEM("Be brief."), USER("Name a lake.")]}, [SYSTEM("Be brief."), USER("Name a lake.")]),
    ({"prompt": [USER("Name a sea."), ASSISTANT("No.")]}, "Name a sea."),
    ({"messages": [{"role": "developer", "content": "Be kind."},
                   {"role": "user", "content": [{"type": "text", "text": "Name "}, {"type": "text", "text": "a tree."}]}]},
     [SYSTEM("Be kind."), USER("Name a tree.")]),
    ({"conversations": [sets.said("system", "Rhyme."), sets.said("human", "A hill?"), sets.said("gpt", "A mill."),
                        sets.said("human", "A bell?"), sets.said("gpt", "A well.")]},
     [SYSTEM("Rhyme."), USER("A hill?"), ASSISTANT("A mill."), USER("A bell?")]),
]


# ---- formats ----------------------------------------------------------------------------------

def same_lines(got, want, name):
    """Equal rows with equal order of keys."""
    differing = [i for i, pair in enumerate(zip(got, want)) if json.dumps(pair[0]) != json.dumps(pair[1])]
    return tap.ok(want and len(got) == len(want) and not differing, f"{name}: {len(want)} rows",
                  f"{len(got)} rows; the first that differ: {differing[:5]}",
                  *[(got[i], want[i]) for i in differing[:1]])


def check_sets(folder, mode, form, named, members=True):
    """Every file of a folder against the recomputation."""
    provenance = host.jsonl(folder / "pairs.jsonl")
    summed = results(folder)
    for name, found in sets.contests(folder, mode).items():
        if name != "single" and not members:
            tap.equal(list((folder / "data").glob(f"{name}*")), [], f"{named}: no {name} set without --improve members")
            continue
        dpo, kto, origin = sets.wanted(found, name, form)
        same_lines(sets.lines(folder, name, "dpo"), dpo, f"{named}: {name} pairs")
        got = sets.lines(folder, name, "kto")
        if kto:
            same_lines(got, kto, f"{named}: {name} labels")
        else:
            tap.equal(got, [], f"{named}: {name} labels that the format cannot hold")
        same_lines([row for row in provenance if row["set"] == name], origin, f"{named}: {name} lines of pairs.jsonl")
        sums = summed if name == "single" else summed[name]
        tap.equal((sums["pairs"], sums["kto"]["desirable"] + sums["kto"]["undesirable"], sum(sums["without_pair"].values())),
                  (len(dpo), len(kto), sum(1 for _, each in found if each["none"])), f"{named}: {name} counts of results.json")
        inverted = sum(1 for line in origin if line["scores"]["chosen"] < line["scores"]["rejected"])
        tap.equal(sums["inverted"], inverted, f"{named}: {name} pairs whose mean scores say the opposite")


def formats():
    for form in sets.FORMATS:
        with host.Scratch() as scratch:
            rows = texts(12)
            if form not in sets.TEXTS_ONLY:
                rows += [row for row, _ in CONVERSATIONS]
            prepare(scratch, rows)
            for mode in pairs.MODES if form == "trl-conversational" else pairs.MODES[:1]:
                folder = well(scratch, mode, *MEMBERS, "--format", form, "--pairs", mode, reviewers=TWO)
                check_sets(folder, mode, form, f"{form}, {mode}")
                checked = scratch.run("run", "check-dataset", mode)
                tap.equal((checked.status, checked.summary["format"]), (0, form), f"{form}, {mode}: check-dataset finds it sound")
                tap.equal((folder / "dataset_info.json").exists(), form.startswith("llama"), f"{form}: dataset_info.json")


def more_responses():
    """Four responses, three revisions, three samples of feedback."""
    with host.Scratch() as scratch:
        prepare(scratch, texts(8))
        for mode in pairs.MODES:
            folder = well(scratch, mode, *MEMBERS, "--pairs", mode, "--responses", 4, "--revisions", 3, "--feedbacks", 3)
            # With four responses a tie may keep one that lost before: the table of the ladder covers three.
            provenance = host.jsonl(folder / "pairs.jsonl")
            found = sets.contests(folder, mode)
            for name in ("generator", "reviewer"):
                dpo, kto, origin = sets.wanted(found[name], name, "trl")
                same_lines(sets.lines(folder, name, "dpo"), dpo, f"three branches, {mode}: {name} pairs")
                same_lines(sets.lines(folder, name, "kto"), kto, f"three branches, {mode}: {name} labels")
                same_lines([row for row in provenance if row["set"] == name], origin, f"three branches, {mode}: {name} origins")


# ---- prompts that are conversations --------------------------------------------------------------

def conversations():
    with host.Scratch() as scratch:
        prepare(scratch, [row for row, _ in CONVERSATIONS])
        folder = well(scratch, "out", "--format", "trl-conversational", "--pairs", "all")
        tap.equal([row["prompt"] for row in host.jsonl(folder / "responses.jsonl")], [prompt for _, prompt in CONVERSATIONS],
                  "the prompts of conversations: system kept, the assistant's last turns left out")
        check_sets(folder, "all", "trl-conversational", "conversations", members=False)
        for form, other in sets.CONVERSATIONAL.items():
            result = run(scratch, form, "--format", form)
            errors = host.jsonl(scratch / form / "errors.jsonl")
            refused = [i for i, (_, prompt) in enumerate(CONVERSATIONS) if not isinstance(prompt, str)]
            tap.equal((result.status, [row["id"] for row in errors]), (3, refused), f"{form} refuses conversations")
            tap.contains(errors[0]["message"], ["conversation of 3 messages", f"use --format {other}"], f"{form}: naming {other}")
            tap.equal(calls(scratch / form), 0, f"{form}: before a call is made")


BAD = [
    ('{"messages": []}', "empty"),
    ('{"messages": "text"}', ['"messages"', "a text, not a list of messages"]),
    ('{"messages": [{"role": "tool", "content": "x"}]}', ["message 1", '"tool"', "user and assistant"]),
    ('{"messages": [{"content": "x"}]}', ["message 1", "no role"]),
    ('{"messages": [{"role": null, "content": "x"}]}', ["message 1", "no role"]),
    ('{"messages": [{"role": "user", "content": null}]}', ["message 1", "no content that is text"]),
    ('{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', ["message 1", "no content that is text"]),
    ('{"messages": [{"role": "user", "content": "x"}, 7]}', ["message 2", "no object"]),
    ('{"messages": [{"role": "system", "content": "x"}]}', "no message of the user to answer"),
    ('{"messages": [{"role": "assistant", "content": "x"}]}', "no message of the user to answer"),
    ('{"prompt": {"role": "user", "content": "x"}}', ['"prompt"', "an object, not a list"]),
    ('{"prompt": {}}', ['"prompt"', "empty"]),
    ('{"conversations": [{"from": "narrator", "value": "x"}]}', ["message 1", '"narrator"']),
    ('{"title": "x"}', ["no prompt", "title"]),
]


def bad_conversations():
    with host.Scratch() as scratch:
        prepare(scratch, "".join(line + "\n" for line, _ in BAD) + '{"prompt": "well"}\n')
        result = run(scratch, "out", "--format", "trl-conversational")
        errors = host.jsonl(scratch / "out/errors.jsonl")
        tap.equal((result.status, len(errors)), (3, len(BAD)), "each bad conversation fails its row alone")
        for number, ((line, message), error) in enumerate(zip(BAD, errors), 1):
            message = [message] if isinstance(message, str) else message
            tap.contains(error["message"], [f"rows.jsonl:{number}", *message], f"{line}: says what is wrong, and where")
            tap.lacks(error["message"], ["userdata", "table: 0x", " nil"], f"{line}: in words of the data")


# ---- the members' sets ------------------------------------------------------------------------

def expected_calls(reviewers, rounds=2, revisions=2, feedbacks=2):
    """Of one row: the loop, its ladder, and what branches off it that the loop did not ask already."""
    loop = rounds + 1 + rounds * reviewers
    ladder = rounds
    more_revisions = 2 * rounds * (revisions - 1)                                # asked and compared
    more_feedback = rounds * reviewers * (feedbacks - 1)
    single = rounds * reviewers * feedbacks                                      # the revisions after one feedback
    after_own = rounds if reviewers == 1 else 0                                  # which the loop made itself
    compared_before = 1 if reviewers == 1 else 0                                 # response 1 and 2, by the ladder
    return loop + ladder + more_revisions + more_feedback + (single - after_own) + (single - compared_before)


def members():
    rows = texts(10)
    for count, reviewers in ((1, ONE), (2, TWO)):
        with host.Scratch() as scratch:
            prepare(scratch, rows)
            folder = well(scratch, "out", *MEMBERS, "--concurrency", 16, reviewers=reviewers)
            tap.equal(calls(folder), len(rows) * expected_calls(count),
                      f"{count} reviewers: the loop's own completions are not asked twice")
            own = [(r["revisions"][0], [f["feedback"] for f in r["reviews"] if f["sample"] == 1])
                   for r in host.jsonl(folder / "branches.jsonl")]
            loop = [(row["responses"][n + 1], row["feedback"][n]) for row in host.jsonl(folder / "responses.jsonl")
                    for n in range(2)]
            tap.equal(own, loop, f"{count} reviewers: the first revision and feedback are the loop's")
            bare = well(scratch, "bare", "--offline", reviewers=reviewers)
            tap.equal(calls(bare), 0, f"{count} reviewers: a run for one model finds all in the store")
            for name in ("responses.jsonl", "data/dpo-00000-of-00001.jsonl", "data/kto-00000-of-00001.jsonl"):
                tap.equal((folder / name).read_bytes(), (bare / name).read_bytes(), f"{count} reviewers: the same {name}")
            tap.equal([v for v in host.jsonl(folder / "verdicts.jsonl") if v["b"].startswith("response")],
                      host.jsonl(bare / "verdicts.jsonl"), f"{count} reviewers: the same verdicts of the ladder")
            again = well(scratch, "again", *MEMBERS, "--concurrency", 1, "--store", "other.db", reviewers=reviewers)
            host.same_tree(host.tree(again, ["run.json"]), host.tree(folder, ["run.json"]),
                           f"{count} reviewers: the same bytes with concurrency 1 and another store")
            before = host.tree(folder, ["run.json"])
            well(scratch, "out", *MEMBERS, "--concurrency", 16, reviewers=reviewers)
            tap.equal(calls(folder), 0, f"{count} reviewers: a rerun makes no call")
            host.same_tree(host.tree(folder, ["run.json"]), before, f"{count} reviewers: and the same bytes")


def same_reviewer_twice():
    """Two reviewers of the same model: every feedback is another sample."""
    with host.Scratch() as scratch:
        prepare(scratch, texts(4))
        folder = well(scratch, "out", *MEMBERS, "--feedbacks", 3, reviewers=ONE * 2)
        for row in host.jsonl(folder / "branches.jsonl"):
            given = [review["feedback"] for review in row["reviews"]]
            if not tap.equal(len(set(given)), 6, f"row {row['id']}, round {row['round']}: six different texts of feedback"):
                break
        check_sets(folder, "best-worst", "trl", "the same reviewer twice")
        tap.contains((folder / "README.md").read_text().split("## Licence")[1], ["`sim:writer`", "`sim:critic`"],
                     "the card asks for the licences of the generator and the reviewer")
        both = well(scratch, "both", *MEMBERS, reviewers=TWO)
        tap.contains((both / "README.md").read_text().split("## Licence")[1],
                     ["`sim:writer`", "`sim:critic`", "`sim:other`"], "and of every reviewer")


host.need_program()
tap.cases(formats, more_responses, conversations, bad_conversations, members, same_reviewer_twice)
