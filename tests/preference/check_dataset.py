#!/usr/bin/env python3
"""check-dataset: sound folders of every format, and one planted fault at a time."""

import gzip
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import sets
import tap

DPO, KTO = "data/dpo-00000-of-00001.jsonl", "data/kto-00000-of-00001.jsonl"
KEYS = ["folder", "format", "sound", "files", "rows", "faults", "notes", "inverted"]


def check(scratch, folder="out", *options):
    return scratch.run("run", "check-dataset", folder, *options)


def make(scratch, form, out="out", *options):
    scratch.write("rows.jsonl", [{"prompt": f"Explain item {i}."} for i in range(6)])
    result = scratch.preference("--format", form, *options, out=out, models=("sim:writer", "sim:critic", "sim:judge"))
    if result.status != 0:
        raise RuntimeError(result)
    return scratch / out


# ---- planting -------------------------------------------------------------------------------

def line(name, number, change):
    """Plants into a line of a file: `change` gets the row and gives the row, or the line's bytes, in its place."""
    def plant(folder):
        path = folder / name
        lines = path.read_bytes().split(b"\n")
        made = change(json.loads(lines[number - 1]))
        lines[number - 1] = made if isinstance(made, bytes) else json.dumps(made).encode()
        path.write_bytes(b"\n".join(lines))
    return plant


def put(name, number, **columns):
    return line(name, number, lambda row: {**row, **columns})


def without(column):
    return lambda row: {key: value for key, value in row.items() if key != column}


def move(name, other):
    return lambda folder: (folder / name).rename(folder / other)


def remove(name):
    return lambda folder: (folder / name).unlink()


def edit(name, change):
    """Plants into a JSON file."""
    def plant(folder):
        value = json.loads((folder / name).read_text())
        change(value)
        (folder / name).write_text(json.dumps(value))
    return plant


def replace(name, old, new):
    def plant(folder):
        text = (folder / name).read_text()
        assert old in text, (name, old)
        (folder / name).write_text(text.replace(old, new))
    return plant


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


U, A, S = (lambda text, role=role: sets.turn(role, text) for role in ("user", "assistant", "system"))
H, G = (lambda text, who=who: sets.said(who, text) for who in ("human", "gpt"))

# Format, what is planted, what the message must hold. Each is one fault.
FAULTS = [
    ("trl", line(DPO, 2, without("rejected")), [f"{DPO}:2:", '"rejected" is missing']),
    ("trl", put(DPO, 3, source="x"), [f"{DPO}:3:", '"source" does not belong']),
    ("trl", put(DPO, 1, chosen=None), [f"{DPO}:1:", '"chosen" must be a text; it is null']),
    ("trl", put(DPO, 1, prompt=7), [f"{DPO}:1:", '"prompt" must be a text; it is a number']),
    ("trl", put(DPO, 1, prompt=["x"]), [f"{DPO}:1:", '"prompt" must be a text; it is a list']),
    ("trl", put(DPO, 1, rejected={"a": 1}), [f"{DPO}:1:", '"rejected" must be a text; it is an object']),
    ("trl", put(DPO, 2, chosen=" \n"), [f"{DPO}:2:", '"chosen" is empty']),
    ("trl", line(DPO, 2, lambda row: {**row, "rejected": row["chosen"] + " \n"}), [f"{DPO}:2:", "the same text"]),
    ("trl", put(KTO, 2, label="true"), [f"{KTO}:2:", '"label" must be true or false; it is a text']),
    ("trl", put(KTO, 2, label=1), [f"{KTO}:2:", '"label" must be true or false; it is a number']),
    ("trl", line(KTO, 2, without("label")), [f"{KTO}:2:", '"label" is missing']),
    ("trl", line(DPO, 2, lambda row: b'{"prompt": "x", '), [f"{DPO}:2:"]),
    ("trl", line(DPO, 2, lambda row: b"[1, 2]"), [f"{DPO}:2:"]),
    ("trl", line(DPO, 2, lambda row: b'{"prompt": "\xff", "chosen": "a", "rejected": "b"}'), [f"{DPO}:2:", "UTF-8"]),
    ("trl", line(DPO, 2, lambda row: b'{"prompt": "x", "chosen": "a", "chosen": "c", "rejected": "b"}'), [f"{DPO}:2:", "chosen"]),
    ("trl-conversational", put(DPO, 1, prompt="x"), [f"{DPO}:1:", '"prompt" must be a list of messages; it is a text']),
    ("trl-conversational", put(DPO, 1, prompt=[]), [f"{DPO}:1:", '"prompt" must be a list of messages; it is empty']),
    ("trl-conversational", put(DPO, 1, prompt=[U("a"), U("b")]), [f"{DPO}:1:", "prompt[1] is the user's, twice in a row"]),
    ("trl-conversational", put(DPO, 1, prompt=[U("a"), A("b")]), [f"{DPO}:1:", "must end with a message of the user"]),
    ("trl-conversational", put(DPO, 1, prompt=[A("a"), U("b")]), [f"{DPO}:1:", "prompt[0] must be the user's"]),
    ("trl-conversational", put(DPO, 1, prompt=[U("a"), A("b"), S("c"), U("d")]), [f"{DPO}:1:", "prompt[2] is a system message"]),
    ("trl-conversational", put(DPO, 1, prompt=[{"role": "tool", "content": "x"}, U("b")]), [f"{DPO}:1:", 'the role "tool"']),
    ("trl-conversational", put(DPO, 1, prompt=[{"role": "user"}]), [f"{DPO}:1:", "prompt[0].content", "missing"]),
    ("trl-conversational", put(DPO, 1, prompt=[{**U("a"), "weight": 1}]), [f"{DPO}:1:", 'prompt[0] has the column "weight"']),
    ("trl-conversational", put(DPO, 1, prompt=[{"content": "a"}]), [f"{DPO}:1:", "prompt[0] has no role"]),
    ("trl-conversational", put(DPO, 1, prompt=["a"]), [f"{DPO}:1:", "prompt[0] must be an object with role and content"]),
    ("trl-conversational", put(DPO, 1, chosen=[U("a")]), [f"{DPO}:1:", 'chosen[0] has the role "user"']),
    ("trl-conversational", put(DPO, 1, chosen=[A("a"), A("b")]), [f"{DPO}:1:", '"chosen" must be a list of one message']),
    ("trl-conversational", put(DPO, 1, chosen=A("a")), [f"{DPO}:1:", '"chosen" must be a list of one message']),
    ("trl-conversational", put(DPO, 1, chosen=[A("")]), [f"{DPO}:1:", "chosen[0].content", "empty"]),
    ("llama-factory", line(DPO, 1, without("input")), [f"{DPO}:1:", '"input" is missing']),
    ("llama-factory", put(DPO, 1, input=None), [f"{DPO}:1:", '"input" must be a text; it is null']),
    ("llama-factory", put(KTO, 1, kto_tag=None), [f"{KTO}:1:", '"kto_tag" must be true or false; it is null']),
    ("llama-factory-sharegpt", put(DPO, 1, conversations=[H("a"), G("b")]), [f"{DPO}:1:", "must end with a message of the user"]),
    ("llama-factory-sharegpt", put(DPO, 1, conversations=[U("a")]), [f"{DPO}:1:", "conversations[0] has no from"]),
    ("llama-factory-sharegpt", put(DPO, 1, chosen=[G("a")]), [f"{DPO}:1:", "chosen must be an object with from and value"]),
    ("llama-factory-sharegpt", put(KTO, 1, conversations=[H("a")]), [f"{KTO}:1:", "must end with a message of the assistant"]),
    ("axolotl", put(DPO, 1, messages=None), [f"{DPO}:1:", '"messages" must be a list of messages; it is null']),
    ("axolotl", put(DPO, 1, rejected=H("a")), [f"{DPO}:1:", "rejected has no role"]),
    ("axolotl", put(KTO, 1, completion=None), [f"{KTO}:1:", '"completion" must be a text; it is null']),
]

# Faults of a folder's files.
FOLDER = [
    ("trl", move(DPO, "data/dpo-00000-of-00002.jsonl"), ["shard 1 of 2 of dpo is missing"]),
    ("trl", move(DPO, "data/dpo-00001-of-00002.jsonl"), ["shard 0 of 2 of dpo is missing"]),
    ("trl", write("data/kto-00001-of-00002.jsonl.partial", b""), ["kto-00001-of-00002.jsonl.partial", "did not end"]),
    ("trl", write("pairs.jsonl.partial", b""), ["pairs.jsonl.partial", "did not end"]),
    ("trl", edit("results.json", lambda r: r.update(pairs=r["pairs"] + 1)), ["results.json", "says pairs ="]),
    ("trl", edit("results.json", lambda r: r["kto"].update(desirable=0)), ["results.json", "says kto.desirable = 0"]),
    ("trl", edit("results.json", lambda r: r["kto"].update(undesirable=99)), ["results.json", "says kto.undesirable = 99"]),
    ("trl", write("results.json", b"{"), ["results.json", "not JSON"]),
    ("trl", edit("results.json", lambda r: r.update(format="alpaca")), ["results.json", '"alpaca"', "trl-conversational"]),
    ("trl", lambda f: (f / "pairs.jsonl").write_bytes(b"".join((f / "pairs.jsonl").read_bytes().splitlines(True)[1:])),
     ["pairs.jsonl", "of the set single", "data/dpo-* has"]),
    ("trl", line("pairs.jsonl", 1, lambda row: {**row, "set": "other"}), ["pairs.jsonl", "of the set single"]),
    ("trl", line("pairs.jsonl", 1, without("set")), ["pairs.jsonl", "of the set single"]),
    ("trl", line("pairs.jsonl", 1, lambda row: b"{"), ["pairs.jsonl:1:"]),
    ("trl", remove("README.md"), ["README.md", "there is no dataset card"]),
    ("trl", write("README.md", b"# Data\n"), ["README.md", "no front matter"]),
    ("trl", replace("README.md", "data/kto-*", "data/ktoo-*"), ["README.md", "names data/ktoo-*.jsonl, and there is none"]),
    ("trl", lambda f: shutil.rmtree(f / "data"), ["has no files named"]),
    ("trl", lambda f: (f / (DPO + ".gz")).write_bytes(gzip.compress((f / DPO).read_bytes())[:-40]) and (f / DPO).unlink(),
     ["dpo-00000-of-00001.jsonl.gz"]),
    ("llama-factory", remove("dataset_info.json"), ["dataset_info.json", "is missing"]),
    ("llama-factory", write("dataset_info.json", b"nope"), ["dataset_info.json", "not JSON"]),
    ("llama-factory", write("dataset_info.json", b"[]"), ["dataset_info.json"]),
    ("llama-factory", edit("dataset_info.json", lambda i: i["preference_dpo"].update(file_name="data/gone.jsonl")),
     ["dataset_info.json", "preference_dpo", "data/gone.jsonl"]),
    ("llama-factory", edit("dataset_info.json", lambda i: i["preference_dpo"].pop("ranking")), ["preference_dpo", '"ranking"']),
    ("llama-factory", edit("dataset_info.json", lambda i: i["preference_kto"].update(ranking=True)), ["preference_kto", '"ranking"']),
    ("llama-factory", edit("dataset_info.json", lambda i: i.update(preference_kto=7)), ["preference_kto names no file"]),
    ("llama-factory", edit("dataset_info.json", lambda i: i.pop("preference_kto")), ["no entry names", KTO]),
]
# Planted there, these show in more than one place.
SEVERAL = {"pairs.jsonl:1:", "names data/ktoo", "has no files", "names no file", "results.json", "dpo-00000-of-00001.jsonl.gz", "dataset_info.json"}


def sound():
    for form in sets.FORMATS:
        with host.Scratch() as scratch:
            folder = make(scratch, form, "out", "--improve", "members")
            result = check(scratch, "out/")
            files = sorted((folder / "data").iterdir())
            rows = sum(len(host.jsonl(path)) for path in files)
            tap.equal(result.status, 0, f"{form}: a folder of ours is sound: status 0")
            tap.equal(list(result.summary), KEYS, f"{form}: the keys of the line on stdout")
            inverted = sum(1 for p in host.jsonl(folder / "pairs.jsonl") if p["scores"]["chosen"] < p["scores"]["rejected"])
            tap.equal(result.summary, {"folder": "out", "format": form, "sound": True, "files": len(files), "rows": rows,
                      "faults": 0, "notes": result.err.count("note: "), "inverted": inverted}, f"{form}: its counts")
            tap.lacks(result.err, "fault", f"{form}: no fault is shown")


def plant(scratch, form, change, want, one):
    folder = scratch / "case"
    shutil.copytree(scratch / form, folder)
    change(folder)
    result = check(scratch, "case")
    shutil.rmtree(folder)
    faults = [text for text in result.err.splitlines() if text.startswith("fault: ")]
    name = f"{form}: {' '.join(want)}"
    said = [text for text in faults if all(part.lower() in text.lower() for part in want)]
    good = result.status == 1 and said and (len(faults) == 1 or not one) and result.out.count("\n") == 1
    good = good and not result.summary["sound"] and result.summary["faults"] == len(faults) and "traceback" not in result.err
    tap.ok(good and "userdata" not in result.err, name, result)


def faults():
    with host.Scratch() as scratch:
        for form in sets.FORMATS:
            make(scratch, form, form)
        for form, change, want in FAULTS:
            # A planted label also puts the counts out, and a message of another format has more than one fault.
            plant(scratch, form, change, want, not any(mark in str(want) for mark in ("label", "kto_tag", "has no", f"{KTO}:1")))
        for form, change, want in FOLDER:
            plant(scratch, form, change, want, not any(mark in " ".join(want) for mark in SEVERAL))


def other_findings():
    with host.Scratch() as scratch:
        folder = make(scratch, "trl")
        number, line_of = next((i, row) for i, row in enumerate(host.jsonl(folder / "pairs.jsonl"), 1)
                               if row["scores"]["chosen"] > row["scores"]["rejected"])
        before = check(scratch).summary
        line("pairs.jsonl", number, lambda row: {**row, "scores": {"chosen": 1.5, "rejected": 9}})(folder)
        result = check(scratch)
        tap.equal((result.status, result.summary["sound"]), (0, True), "an inverted label is no fault")
        tap.equal(result.summary["inverted"], before["inverted"] + 1, "it is counted")
        tap.contains(result.err, f"note: out/pairs.jsonl:{number}: the chosen response scored 1.5, the rejected one 9",
                     "and noted with its line")
        (folder / "results.json").unlink()
        result = check(scratch)
        tap.equal((result.status, result.summary["format"]), (0, "trl"), "a folder that claims no format: what its rows show")
        tap.contains(result.err, "the rows look like trl", "which is noted")
        result = check(scratch, "out", "--format", "axolotl")
        tap.equal((result.status, result.summary["format"]), (1, "axolotl"), "--format given by hand decides")
        tap.contains(result.err, [f"{DPO}:1:", '"messages" is missing'], "with what is wrong for it")
        count = result.summary["faults"]
        result = check(scratch, "out", "--format=axolotl", "--most", 3)
        tap.equal(result.err.count("fault: ") + result.err.count("note: "), 3, "--most 3 shows three findings")
        tap.contains(result.err, "more; --most", "says how many more there are")
        tap.equal(result.summary["faults"], count, "and counts them all")
        line(DPO, 1, lambda row: {"question": "x", "better": "y"})(folder)
        result = check(scratch)
        tap.equal(result.status, 1, "columns of no format: status 1")
        tap.contains(result.err, [f"{DPO}:1:", "no known format", "question, better"], "which are named")


def white_space():
    """Axolotl's chat templates misread answers with white space at their ends: a note for each."""
    with host.Scratch() as scratch:
        folder = make(scratch, "axolotl")
        line(DPO, 1, lambda row: {**row, "chosen": A(row["chosen"]["content"] + "\n")})(folder)
        result = check(scratch)
        tap.equal((result.status, result.summary["sound"]), (0, True), "axolotl: white space at an end is no fault")
        tap.contains(result.err, [f"note: out/{DPO}:1: chosen begins or ends with white space"], "but is noted")


def members_counts():
    with host.Scratch() as scratch:
        folder = make(scratch, "trl", "out", "--improve", "members")
        path = folder / "data/generator_dpo-00000-of-00001.jsonl"
        path.write_bytes(b"".join(path.read_bytes().splitlines(True)[1:]))
        result = check(scratch)
        tap.equal(result.status, 1, "a row of the generator's set is gone: status 1")
        tap.contains(result.err, ["results.json", "generator.pairs", "of the set generator"], "both files that differ are named")


def empty_and_sharded():
    with host.Scratch() as scratch:
        folder = make(scratch, "trl")
        lines = (folder / DPO).read_bytes().splitlines(True)
        (folder / DPO).unlink()
        for i in range(3):
            (folder / f"data/dpo-0000{i}-of-00003.jsonl.gz").write_bytes(gzip.compress(b"".join(lines[i::3])))
        result = check(scratch)
        tap.equal((result.status, result.summary["files"]), (0, 4), "three compressed shards are sound")
        (folder / "data/dpo-00001-of-00003.jsonl.gz").unlink()
        tap.contains(check(scratch).err, "shard 1 of 3 of dpo is missing", "and one of them missing is a fault")
        empty = make(scratch, "trl", "empty")
        for name in (DPO, KTO, "pairs.jsonl"):
            (empty / name).write_bytes(b"")
        (empty / "results.json").unlink()
        result = check(scratch, "empty", "--format", "trl")
        tap.equal((result.status, result.summary["rows"]), (0, 0), "empty files are no fault")
        tap.contains(result.err, ["note: ", "no rows"], "but are noted")


def usage():
    with host.Scratch() as scratch:
        result = check(scratch, "nowhere")
        tap.equal((result.status, result.summary["sound"], result.summary["format"]), (1, False, None), "no such folder: status 1")
        tap.contains(result.err, "nowhere: there is no such folder", "and the message says so")
        for arguments, message in (([], "DIR is missing"), (["a", "b"], '"b" is not understood'),
                                   (["a", "--format", "alpaca"], "trl-conversational"), (["a", "--most", "0"], "--most"),
                                   (["a", "--out", "x"], "--out")):
            result = scratch.run("run", "check-dataset", *arguments)
            tap.equal((result.status, result.out), (2, ""), f"check-dataset {' '.join(arguments)}: status 2")
            tap.contains(result.err, message, f"check-dataset {' '.join(arguments)}: says why")
        result = scratch.run("run", "check-dataset", "--help")
        tap.equal(result.status, 0, "--help: status 0")
        tap.contains(result.out, ["DIR", "--format", "--most"], "--help shows the options")


host.need_program()
tap.cases(sound, faults, other_findings, white_space, members_counts, empty_and_sharded, usage)
