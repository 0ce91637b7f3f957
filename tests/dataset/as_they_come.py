#!/usr/bin/env python3
"""Files as people have them: separators and encodings of tables, faults of JSON and what to do about them, folders."""

import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

SCRIPT = r"""local fellowship = require "fellowship"
local json = fellowship.json
local asked = json.decode(arg[1])
local found, failed = json.array(), json.array()
local well, problem = pcall(function()
  local rows <close> = fellowship.rows(asked.path, asked.options)
  while true do
    local row, number = rows:pull()
    if row then found[#found + 1] = row elseif number then failed[#failed + 1] = tostring(number) else break end
  end
end)
print(json.encode { rows = found, failed = failed, problem = not well and tostring(problem) or nil })
"""


def read(scratch, path, stdin=None, **options):
    scratch.write("read.lua", SCRIPT)
    result = scratch.run("read.lua", json.dumps({"path": str(path), "options": options}), **({"stdin": stdin} if stdin else {}))
    if result.status != 0:
        raise RuntimeError(str(result))
    return json.loads(result.out)


# ---- tables ----

def row(**cells):
    return cells


TABLES = {
    "semicolons": ("id;prompt\n1;a, b\n", [row(id="1", prompt="a, b")]),
    "bars": ("id|prompt\n1|a, b; c\n", [row(id="1", prompt="a, b; c")]),
    "tabs": ("id\tprompt\n1\ta, b\n", [row(id="1", prompt="a, b")]),
    "commas": ("id,prompt\n1,a; b\n", [row(id="1", prompt="a; b")]),
    "commas, though semicolons stand in a name": ("id,p;q\n1,x\n", [{"id": "1", "p;q": "x"}]),
    "quoted names": ('"id; no";"p, q"\n1;"x;""y"\n', [{"id; no": "1", "p, q": 'x;"y'}]),
    "one column": ("prompt\na; b, c\n", None),
    "one column, quoted": ('prompt\n"a; b, c"\n', [row(prompt="a; b, c")]),
    "Excel's first line": ("sep=;\r\nid;p,q\r\n1;x\r\n", [{"id": "1", "p,q": "x"}]),
    "Excel's first line, of a comma": ("sep=,\nid,p;q\n1,x\n", [{"id": "1", "p;q": "x"}]),
    "Excel's first line, LF": ("sep=|\nid|p\n1|x\n", [row(id="1", p="x")]),
    "carriage returns alone": ("id;p\r1;x\r", [row(id="1", p="x")]),
    "a header alone": ("id;p\n", []),
    "a header without an end": ("id;p", []),
    "the most of two": ("a;b|c;d\n1;2;3\n", [{"a": "1", "b|c": "2", "d": "3"}]),
    "commas in a name and in numbers": ("p;yes, no;id;x\nq;1,5;2;3\n", [{"p": "q", "yes, no": "1,5", "id": "2", "x": "3"}]),
    "commas in names": ("p;name, surname;id\nx;y;z\n", [{"p": "x", "name, surname": "y", "id": "z"}]),
    "semicolons in a name and in texts": ("id,a;b;c\n1,x;y\n2,x;y;z\n3,x\n", [{"id": "1", "a;b;c": "x;y"}, {"id": "2", "a;b;c": "x;y;z"}, {"id": "3", "a;b;c": "x"}]),
    "rows over lines": ('a;b, c\n"1, 2\n3";"4"\n', [{"a": "1, 2\n3", "b, c": "4"}]),
    "Excel's first line, quoted": ('"sep=;"\r\nid;p,q\r\n1;x\r\n', [{"id": "1", "p,q": "x"}]),
    "Excel's first line, of a tab": ("sep=\t\nid\tp;q\n1\tx\n", [{"id": "1", "p;q": "x"}]),
    "a column that is called so": ("sep=a\n1\n", [{"sep=a": "1"}]),
    "pandas' index": (",prompt\n0,a\n1,b\n", [{"": "0", "prompt": "a"}, {"": "1", "prompt": "b"}]),
    "columns that a spreadsheet left empty": ("prompt,id,,\na,1,,\nb,2,,\n", [row(prompt="a", id="1"), row(prompt="b", id="2")]),
}


def tables():
    with host.Scratch() as scratch:
        for number, (name, (text, want)) in enumerate(TABLES.items()):
            for mark in ("", "\ufeff"):
                scratch.write(f"t{number}.csv", mark + text)
                got = read(scratch, f"t{number}.csv")
                if want is None:
                    tap.equal(len(got["failed"]), 1, f"{name}: cells that have no column fail their row")
                else:
                    tap.equal((got["rows"], got["failed"], got.get("problem")), (want, [], None), f"{name}{', marked' if mark else ''}")
        scratch.write("t.tsv", "a;b\tc\n1\t2\n")
        tap.equal(read(scratch, "t.tsv")["rows"], [{"a;b": "1", "c": "2"}], "TSV has tabs, whatever stands in its header")
        for text, parts in (("My survey\nprompt,id\na,1\n", ["t.csv:2", 'the header is "My survey"', "a title above it must go"]),
                            ("# x\na,b\n", ["t.csv:2", "title"]), ("My survey;;\nprompt;id;x\n", ["t.csv:2", "column 2", "no name in the header"])):
            scratch.write("t.csv", text)
            tap.contains(read(scratch, "t.csv")["failed"][0], parts, f"what is no header is told: {text!r}")
        for text, parts in ((",a,,b\n1,2,3,4\n", ["t.csv:1", "column 3", "second without a name"]), (";;\n1;2;3\n", ["t.csv:1", "names no column"]),
                            ("a,b,a\n", ["t.csv:1", '"a" twice'])):
            scratch.write("t.csv", text)
            tap.contains(read(scratch, "t.csv")["problem"], parts, f"a header that cannot be read is told: {text!r}")
        # A row of many cells behind a header that may be parted by two: it is not waited for.
        scratch.write("long.csv", "a;b,c\n" + "x" * 3_000_000 + ",y\n")
        tap.equal(len(read(scratch, "long.csv")["rows"]), 1, "a first row of 3 MB")
        scratch.write("bad.csv", "sep=;\nid;p\n1;2;3\n")
        tap.contains(read(scratch, "bad.csv")["failed"][0], ["bad.csv:3"], "lines are counted with Excel's")


# ---- encodings ----

ENCODINGS = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff", "utf-32-le": b"\xff\xfe\0\0", "utf-32-be": b"\0\0\xfe\xff",
             "utf-8": b"\xef\xbb\xbf"}
TEXT = "id;prompt\n1;Über 长江 🙂\n2;\"a\nb\"\n"


def encodings():
    with host.Scratch() as scratch:
        want = [row(id="1", prompt="Über 长江 🙂"), row(id="2", prompt="a\nb")]
        lines = [{"prompt": "Über 长江 🙂"}, {"prompt": "x" * 300_000 + "🙂"}]
        rng = random.Random(16)
        for name, mark in ENCODINGS.items():
            scratch.write(f"{name}.csv", mark + TEXT.encode(name))
            tap.equal(read(scratch, f"{name}.csv")["rows"], want, f"{name} with its mark: a table")
            data = mark + "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode(name)
            scratch.write(f"{name}.jsonl", data)
            tap.equal(read(scratch, f"{name}.jsonl")["rows"], lines, f"{name}: lines")
            scratch.write(f"{name}.json", mark + json.dumps(lines, ensure_ascii=False).encode(name))
            tap.equal(read(scratch, f"{name}.json")["rows"], lines, f"{name}: an array")
            # In pieces, through a pipe: cut at any byte.
            reading, writing = os.pipe()
            process = start(scratch, reading)
            os.close(reading)
            small = mark + TEXT.encode(name)
            at = 0
            while at < len(small):
                n = rng.choice((1, 1, 2, 3, 5))
                os.write(writing, small[at:at + n])
                at += n
                host.time.sleep(0.002)
            os.close(writing)
            tap.equal(json.loads(scratch.finish(process).out)["rows"], want, f"{name}: in pieces of a few bytes")
        for name, data in (("half a character", b"\xff\xfe" + "{\"a\":\"x\"}\n".encode("utf-16-le") + b"\x20"),
                           ("half a pair", b"\xff\xfe" + "{\"a\":\"".encode("utf-16-le") + b"\x3d\xd8" + "\"}\n".encode("utf-16-le"))):
            scratch.write("half.jsonl", data)
            got = read(scratch, "half.jsonl")
            tap.equal(len(got["rows"]) + len(got["failed"]), 2 if "character" in name else 1, f"{name}: the rows that are whole are read")
        scratch.write("bare.csv", TEXT.encode("utf-16-le"))
        tap.contains(read(scratch, "bare.csv")["problem"], ["UTF-16", "iconv"], "UTF-16 without a mark is told")
        scratch.write("windows.csv", "id;prompt\n1;Über\n".encode("windows-1252"))
        tap.contains(read(scratch, "windows.csv")["failed"][0], ["windows.csv:2", "invalid UTF-8", "iconv -f WINDOWS-1252", "--invalid-utf8"], "and what Windows wrote")


def start(scratch, stdin):
    scratch.write("read.lua", SCRIPT)
    return scratch.start("read.lua", json.dumps({"path": "-", "options": {"format": "csv"}}), stdin=stdin)


# ---- JSON ----

GOOD = '{"prompt":"good"}\n'
# A line in a file of good ones, and what the message says.
FAULTS = {
    "NaN": ('{"score":NaN}', ["NaN", "no form", "--nan null"]),
    "Infinity": ('{"score":[1,Infinity]}', ["Infinity", "--nan"]),
    "minus Infinity": ('{"score":-Infinity}', ["-Infinity", "--nan"]),
    "a comma behind": ('{"prompt":"x"},', ["','", "no comma between them"]),
    "a comma behind, and spaces": ('{"prompt":"x"} , \t', ["no comma between them"]),
    "two on a line": ('{"a":1} {"b":2}', ["a line of its own", "jq -c"]),
    "single quotes": ("{'prompt': 'x'}", ["double quotes"]),
    "a single-quoted value": ("{\"prompt\": 'x'}", ["double quotes"]),
    "an array on its line": ("[1,2]", ["a row is an object"]),
    "cut off": ('{"prompt":"x', ["closing quote"]),
    "a key twice": ('{"a":1,"a":2}', ["a"]),
    "a comma before the end": ('{"a":1,}', ["a key in quotes"]),
    "a comment": ('{"a":1 /* one */}', ["'/'"]),
    "a newline in a string": ('{"a":"x\ny"}', []),
    "Python's None": ('{"a":None}', []),
    "nothing but a word": ("nothing", []),
}


# Objects that are neither lines nor in an array.
OBJECTS = {
    "on one line": ('{"a":1}{"a":{"b":2}} {"a":"}{"}', [{"a": 1}, {"a": {"b": 2}}, {"a": "}{"}]),
    "over lines": ('{\n  "a": 1,\n  "b": []\n}\n{\n  "a": 2\n}\n', [{"a": 1, "b": []}, {"a": 2}]),
    "over lines, marked twice": ('\ufeff{\r\n  "a": 1\r\n}\r\n', [{"a": 1}]),
    "the first over lines": ('{ \n"a":1}\n\n{"a":2}{"a":3}\n', [{"a": 1}, {"a": 2}, {"a": 3}]),
    "one": ('{"a":1}', [{"a": 1}]),
    "one, with spaces behind": ('  {"a":1}  \n\n', [{"a": 1}]),
    "CR alone": ('{"a":1}\r{"a":2}\r', [{"a": 1}, {"a": 2}]),
}


def faults():
    with host.Scratch() as scratch:
        for name, (line, parts) in FAULTS.items():
            scratch.write("f.jsonl", GOOD + line + "\n" + GOOD)
            got = read(scratch, "f.jsonl")
            tap.equal((got.get("problem"), got["rows"]), (None, [{"prompt": "good"}] * 2), f"{name}: the others are read")
            tap.contains(got["failed"][0], ["f.jsonl:2", *parts], f"{name}: is told, with what to do")
        scratch.write("n.jsonl", '{"a":NaN,"b":[-Infinity,{"c":Infinity}],"d":"NaN"}\n')
        tap.equal(read(scratch, "n.jsonl", nan="null")["rows"], [{"a": None, "b": [None, {"c": None}], "d": "NaN"}], "NaN as null")
        tap.equal(read(scratch, "n.jsonl", nan="text")["rows"], [{"a": "NaN", "b": ["-Infinity", {"c": "Infinity"}], "d": "NaN"}], "NaN as a text")
        scratch.write("n.json", '[{"a":NaN}]')
        tap.equal(read(scratch, "n.json", nan="null")["rows"], [{"a": None}], "in an array too")
        for text in ("[\n{\"a\":1},\n{\"a\":2}\n]\n", "[{\"a\":1}, {\"a\":2}]\n", "[{\"a\":1},\n{\"a\":2}]"):
            scratch.write("array.jsonl", text)
            got = read(scratch, "array.jsonl")
            tap.contains(str(got.get("problem") or got["failed"]), ["array.jsonl:1", "--data-format json"], f"an array that is named .jsonl is told: {text!r}")
            tap.equal(read(scratch, "array.jsonl", format="json")["rows"], [{"a": 1}, {"a": 2}], "and read when it is said")
        for name, (text, want) in OBJECTS.items():
            for ending in ("json", "x") if "lines" not in name else ("json", "jsonl", "x"):
                scratch.write(f"o.{ending}", "\ufeff" * ("marked" in name) + text)
                got = read(scratch, f"o.{ending}")
                tap.equal((got["rows"], got["failed"], got.get("problem")), (want, [], None), f"{name}: .{ending}")
        scratch.write("o.json", '{"a":\n1}\n{"a":2} x {"a":3}')
        tap.contains(read(scratch, "o.json")["problem"], ["o.json:3", "expected an object", "byte 9"], "what stands between objects is told")
        scratch.write("o.json", '{"a":"x\n' + GOOD)
        got = read(scratch, "o.json")
        tap.equal((got["rows"], len(got["failed"])), ([{"prompt": "good"}], 1), "a first line that is cut off does not make the others one object")
        scratch.write("o.json", '{"a":\n{"b":1}')
        tap.contains(read(scratch, "o.json")["failed"][0], ["o.json:1"], "an object that does not end")
        scratch.write("b.jsonl", ("\ufeff" + GOOD) * 3)
        tap.equal(read(scratch, "b.jsonl")["rows"], [{"prompt": "good"}] * 3, "marked files, one behind the other")
        scratch.write("lines.json", GOOD * 2)
        tap.equal(len(read(scratch, "lines.json")["rows"]), 2, "lines that are named .json are read")
        result = scratch.run("run", "feedback", "--data", "n.jsonl", "--generator", "sim:g", "--reviewer", "sim:r", "--nan", "nil", "--out", "o")
        tap.equal(result.status, 2, "--nan has three values")


def columns():
    """A table that was written column by column is told as that: each of the ways in which pandas does it."""
    with host.Scratch() as scratch:
        for name, value in (("lists", {"prompt": ["a", "b"], "id": [1, 2]}), ("numbered", {"prompt": {"0": "a", "1": "b"}}),
                            ("one column of messages", {"prompt": [[{"role": "user", "content": "a"}]]}), ("a conversation", {"prompt": [{"role": "x"}]})):
            scratch.write("c.json", json.dumps(value))
            result = scratch.run("run", "generate", "--data", "c.json", "--model", "sim:m", "--out", "o")
            told = "holds columns, not rows" in result.err
            tap.equal((result.status, told), (3, name in ("lists", "numbered")), f"{name}: a file of columns is told")
            tap.lacks(result.err, ["json.array", "table: 0x"], f"{name}: and its failed row is known by its number")


# ---- folders ----

CARD = "---\nlicense: mit\nconfigs:\n{}\ntags:\n- x\n---\n\n# A set\n\nconfigs:\n- config_name: no\n  data_files: no.jsonl\n"
# The card's configs (None: no card), the files with the prompts that they hold, and the prompts that are read.
FOLDERS = {
    "a pattern": ('- config_name: default\n  data_files: "data/a-*.jsonl"', {"data/a-1.jsonl": "1", "data/a-2.jsonl": "2", "data/b.jsonl": "b"}, "12"),
    "splits, in braces": ('- config_name: default\n  data_files:\n  - {split: train, path: "data/t*.jsonl"}\n  - {split: test, path: data/x.jsonl}',
                          {"data/t1.jsonl": "1", "data/x.jsonl": "x"}, "1"),
    "splits, in lines": ("- config_name: default\n  data_files:\n  - split: test\n    path: data/x.jsonl\n  - split: train\n    path: data/t-*",
                         {"data/t-1.jsonl": "1", "data/x.jsonl": "x"}, "1"),
    "a list of paths": ("- config_name: default\n  data_files:\n  - split: train\n    path:\n    - data/2.jsonl\n    - data/1.jsonl",
                        {"data/1.jsonl": "1", "data/2.jsonl": "2", "data/3.jsonl": "3"}, "21"),
    "paths in brackets": ('- config_name: x\n  data_files: ["one.csv", "two.jsonl"]', {"one.csv": "1", "two.jsonl": "2", "three.jsonl": "3"}, "12"),
    "the default of several": ('- config_name: a\n  data_files: a.jsonl\n- config_name: b\n  default: true\n  data_files: b.jsonl', {"a.jsonl": "a", "b.jsonl": "b"}, "b"),
    "that is named so": ('- config_name: a\n  data_files: a.jsonl\n- config_name: default\n  data_files: b.jsonl  # here', {"a.jsonl": "a", "b.jsonl": "b"}, "b"),
    "a folder": ("- config_name: default\n  data_dir: en", {"en/x.jsonl": "1", "de/x.jsonl": "2"}, "1"),
    "the list is indented": ("  - config_name: default\n    data_files:\n      - split: train\n        path: t.jsonl", {"t.jsonl": "1", "u.jsonl": "u"}, "1"),
    "no configs": ("", {"data/train-00000-of-00001.jsonl": "1", "data/test-00000-of-00001.jsonl": "x"}, "1"),
    "no card": (None, {"data/x.jsonl": "1", "data/y.jsonl.gz": "2", "data/notes.txt": "n"}, "12"),
    "no folder data": (None, {"train.csv": "1", "validation.csv": "v", "dataset_info.json": "i"}, "1"),
    "folders of splits": (None, {"data/test/a.jsonl": "t", "data/train/a.jsonl": "1"}, "1"),
    "the test split alone": (None, {"test.jsonl": "1"}, "1"),
    "hidden folders": (None, {".cache/x.jsonl": "c", "x.jsonl": "1"}, "1"),
}


def content(name, prompt):
    if name.endswith(".txt"):
        return prompt
    if ".csv" in name:
        return f"prompt\n{prompt}\n"
    return [{"prompt": prompt}]


def folders():
    for name, (configs, files, want) in FOLDERS.items():
        with host.Scratch() as scratch:
            if configs is not None:
                scratch.write("set/README.md", CARD.format(configs))
            for path, prompt in files.items():
                scratch.write(f"set/{path}", content(path, prompt))
            for given in ("set", "set/"):
                got = read(scratch, given)
                tap.equal("".join(each["prompt"] for each in got["rows"]), want, f"{name}: {given}")
    with host.Scratch() as scratch:
        scratch.write("set/data/train-1.jsonl", [{"prompt": "1"}])
        scratch.write("set/data/test-1.jsonl", [{"prompt": "2"}])
        command = ["run", "feedback", "--data", "set", "--generator", "sim:g", "--reviewer", "sim:r", "--responses", "1", "--out", "out"]
        result = scratch.run(*command)
        tap.equal((result.status, result.summary["rows"]), (0, 1), "a folder as --data")
        tap.contains(result.err, ["set: reading 1 file of the split train", "data/train-1.jsonl"], "which files they are is told")
        tap.equal(scratch.run(*command).status, 0, "the same folder is the same run")
        scratch.write("set/data/train-2.jsonl", [{"prompt": "3"}])
        tap.equal(scratch.run(*command).status, 2, "with another file it is another one")
        (scratch / "empty").mkdir()
        tap.contains(read(scratch, "empty")["problem"], ["empty", "no data in this folder"], "a folder without data")
        # What preference wrote is read as it is.
        scratch.prompts(3)
        scratch.preference(models=("sim:a", "sim:b", "sim:c"), out="made")
        result = scratch.run("run", "judge", "--data", "made", "--model", "sim:j", "--out", "judged")
        tap.equal((result.status, result.summary["rows"] > 0), (0, True), "a set of our own is read by its card")


host.need_program()
tap.cases(tables, encodings, faults, columns, folders)
