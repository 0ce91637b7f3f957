#!/usr/bin/env python3
"""Parquet, SQL and the like through DuckDB's program: values in and out, faults, kills; skipped where it is missing.

It is looked for in the PATH (PyPI has it as duckdb-cli). Where pyarrow can be imported, Parquet is compared with it too.
"""

import base64
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from ordered import parse

DUCKDB = shutil.which("duckdb")

READ = r"""local fellowship = require "fellowship"
for i = 1, #arg do
  local found = fellowship.json.array()
  for row in fellowship.rows(arg[i]) do found[#found + 1] = row end
  print(fellowship.json.encode(found))
end
"""

WRITE = r"""local fellowship = require "fellowship"
local out <close> = fellowship.writer(arg[2], arg[3] and fellowship.json.decode(arg[3]))
for row in fellowship.rows(arg[1]) do out:write(row) end
"""


def duckdb(scratch, sql):
    subprocess.run([DUCKDB, "-init", "/dev/null", "-c", sql], cwd=scratch.path, check=True, stdout=subprocess.DEVNULL)


def read(scratch, *names, **options):
    scratch.write("read.lua", READ)
    result = scratch.run("read.lua", *names, **options)
    if result.status != 0:
        raise RuntimeError(str(result))
    return [json.loads(line) for line in result.out.splitlines()]


def write(scratch, rows, path, options=None, **more):
    scratch.write("in.jsonl", rows)
    scratch.write("write.lua", WRITE)
    return scratch.run("write.lua", "in.jsonl", path, *([json.dumps(options)] if options else []), **more)


def fails(scratch, name, parts, title, **options):
    scratch.write("read.lua", READ)
    result = scratch.run("read.lua", name, **options)
    tap.equal(result.status, 1, f"{title}: status 1")
    tap.contains(result.err, parts, f"{title}: says why")
    tap.ok("traceback" not in result.err, f"{title}: in words")


# ---- reading ----

# A file with the decimal 1.10 of 50 digits, as pyarrow writes it.
LONG_DECIMAL = """UEFSMRUAFTYVNiwVAhUAFQYVBhwAAAACAAAAAgEAAAAAAAAAAAAAAAAAAAAAAAAAAG4VBBksNQAYBnNjaGVtYRUCABUOFSoVAhgBeCUKFQQVZCxcFQQVZAAAABYCGRwZHCYA
HBUOGSUGABkYAXgVABYCFlwWXCYISRwVABUAFQIAPCkGGSYAAgAAABZcFgImCBZcACggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4wLjEZHBwAAACKAAAAUEFSMQ=="""

# SQL of a value, and what it is read as.
VALUES = {
    "9007199254740993::BIGINT": 9007199254740993, "-9223372036854775808": -9223372036854775808,
    "18446744073709551615::UBIGINT": 18446744073709551615, "170141183460469231731687303715884105727::HUGEINT": 170141183460469231731687303715884105727,
    "1.10::DECIMAL(10,2)": "1.10", "12345678901234567890.12::DECIMAL(38,2)": "12345678901234567890.12", "0.1::DOUBLE": 0.1,
    "1e300::DOUBLE": 1e300, "3::DOUBLE": 3.0, "'nan'::DOUBLE": "NaN", "'-inf'::DOUBLE": "-Infinity", "['inf'::DOUBLE, 1]": ["Infinity", 1.0],
    "TRUE": True, "NULL": None, "NULL::INTEGER[]": None, "''": "", "'a''b\"c\\\n' || chr(0) || 'é🙂'": "a'b\"c\\\n\0é🙂",
    "TIMESTAMP '2024-01-02 03:04:05.678901'": "2024-01-02 03:04:05.678901", "DATE '2024-01-02'": "2024-01-02", "TIME '01:02:03'": "01:02:03",
    "TIMESTAMPTZ '2024-01-02 03:04:05+02'": "2024-01-02 01:04:05+00", "INTERVAL 3 DAYS": "3 days",
    "'\\xAA\\x00'::BLOB": "qgA=", "'a'::ENUM('a', 'b')": "a", "'93cbacae-4a91-4308-b7cc-ea70aa1bab86'::UUID": "93cbacae-4a91-4308-b7cc-ea70aa1bab86",
    "MAP {'k': 1, 'l': NULL}": {"k": 1, "l": None}, "[1, 2, NULL]": [1, 2, None], "[]::INTEGER[]": [], "[[], [1]]::INTEGER[][]": [[], [1]],
    "[{'role': 'user', 'content': 'hi'}, NULL]": [{"role": "user", "content": "hi"}, None], "{'a': 1, 'b': NULL}": {"a": 1, "b": None},
    "{'DECIMAL(1,1)': 1.5::DECIMAL(3,1), 'l': [2.50::DECIMAL(4,2)]}": {"DECIMAL(1,1)": "1.5", "l": ["2.50"]},
    "'{\"q\": [1.50, 12345678901234567890123, 0.12345678901234567890123]}'::JSON": {"q": [1.5, 12345678901234567890123, 0.12345678901234567890123]},
    "{'bytes': '\\x89PNG'::BLOB, 'path': 'a.png'}": {"bytes": "iVBORw==", "path": "a.png"}, "NULL::STRUCT(b BLOB)": None,
    "['a'::BLOB, NULL]": ["YQ==", None], "[{'a \"b': '\\xFF'::BLOB, 'd, e (f': 1.50::DECIMAL(4,2), 'BLOB': 't'}, NULL]":
        [{"a \"b": "/w==", "d, e (f": "1.50", "BLOB": "t"}, None], "MAP {'k': ['v'::BLOB]}": {"k": ["dg=="]},
    "'text'::JSON": None, "'\"text\"'::JSON": "text", "[1, 2]::INTEGER[2]": [1, 2],
}
del VALUES["'text'::JSON"]


def reading():
    with host.Scratch() as scratch:
        columns = ", ".join(f"{sql} AS c{i}" for i, sql in enumerate(VALUES))
        want = {f"c{i}": value for i, value in enumerate(VALUES.values())}
        duckdb(scratch, f"COPY (SELECT {columns.replace('INTERVAL 3 DAYS', chr(39) + '3 days' + chr(39))}) TO 't.parquet'")
        sql, parquet = read(scratch, f"sql:SELECT {columns}", "t.parquet")
        for i, name in enumerate(VALUES):
            tap.equal(sql[0][f"c{i}"], want[f"c{i}"], f"SQL: {name}")
        # Parquet has no 128-bit integers: DuckDB itself makes doubles of them.
        del parquet[0]["c3"], want["c3"]
        tap.equal(parquet, [want], "the same from Parquet")
        scratch.write("exact.lua", 'for row in require "fellowship".rows(arg[1]) do print(require "fellowship".json.encode(row)) end')
        exact = scratch.run("exact.lua", "sql:SELECT '{\"b\": 1.50, \"a\": 0.12345678901234567890123}'::JSON AS j, 2 AS \"a b\"\"c\"")
        tap.equal(exact.out, '{"j":{"b":1.50,"a":0.12345678901234567890123},"a b\\"c":2}\n', "JSON keeps its digits and the order of its keys")


def queries():
    with host.Scratch() as scratch:
        duckdb(scratch, "COPY (SELECT range AS id, 'p' || range AS prompt FROM range(5)) TO 'a.parquet'; "
                        "COPY (SELECT range + 5 AS id, 'q' || range AS prompt FROM range(3)) TO 'b.parquet'")
        forms = {
            "sql:SELECT id FROM 'a.parquet' WHERE id > 2": [{"id": 3}, {"id": 4}],
            "sql:FROM 'a.parquet' SELECT id LIMIT 1;": [{"id": 0}],
            "sql:SELECT 1 AS id -- one; two": [{"id": 1}],
            "sql:/* ; */ SELECT ';' AS s, $$;'$$ AS t, \"a;\" FROM (SELECT 2 AS \"a;\") ; ; -- end;": [{"s": ";", "t": ";'", "a;": 2}],
            "sql:CREATE TABLE t AS SELECT 7 AS x; SELECT 1; INSERT INTO t VALUES (8); SELECT * FROM t ORDER BY x": [{"x": 7}, {"x": 8}],
            "sql:WITH t AS (SELECT 3 AS x) SELECT * FROM t": [{"x": 3}],
            "sql:VALUES (1), (2)": [{"col0": 1}, {"col0": 2}],
            "sql:SELECT id FROM 'a.parquet' WHERE id > 99": [],
        }
        for (name, want), got in zip(forms.items(), read(scratch, *forms)):
            tap.equal(got, want, name)
        tap.equal([row["id"] for row in read(scratch, "*.parquet")[0]], list(range(8)), "a pattern: the files in order of their names")
        shutil.copy(scratch / "a.parquet", scratch / "c [1]*.PARQUET")
        shutil.copy(scratch / "a.parquet", scratch / "bare")
        tap.equal(len(read(scratch, "c [1]*.PARQUET")[0]), 5, "an odd name")
        command = ["run", "feedback", "--generator", "sim:g", "--reviewer", "sim:r", "--responses", "1", "--data"]
        result = scratch.run(*command, "sql:SELECT prompt, id FROM '*.parquet' WHERE id % 2 = 0", "--out", "sql")
        tap.equal((result.status, [row["id"] for row in host.jsonl(scratch / "sql/responses.jsonl")]), (0, [0, 2, 4, 6]), "SQL as --data")
        identity = json.loads((scratch / "sql/run.json").read_text())["identity"]["--data"]
        tap.contains(identity, "sql:SELECT", "a query stands for itself")
        tap.equal(scratch.run(*command, "bare", "--data-format", "parquet", "--out", "bare-out").status, 0, "--data-format parquet")
        result = scratch.run(*command, "a.parquet", "--limit", "2", "--out", "limited")
        tap.equal((result.status, result.summary["rows"]), (0, 2), "--limit ends it early")
        tap.equal(scratch.run(*command, "a.parquet", "--data", "b.parquet", "--shard", "2/2", "--out", "part").summary["rows"], 4, "--shard")
        result = scratch.run("run", "feedback", "--generator", "sim:g", "--reviewer", "sim:r", "--data", "sql:SELECT 7 AS prompt, 1 AS id", "--out", "bad")
        tap.contains(host.jsonl(scratch / "bad/errors.jsonl")[0]["message"], ["sql:SELECT 7", ":1"], "a bad row: where it stands")


def secrets():
    with host.Scratch(OPENAI_API_KEY="sk-secret", OWN_SECRET="own-secret", VISIBLE="seen") as scratch:
        scratch.write("models.lua", 'return { mine = { model = "openai:x", key_env = "OWN_SECRET" } }')
        scratch.write("read.lua", READ)
        sql = "sql:SELECT getenv('OPENAI_API_KEY') AS a, getenv('OWN_SECRET') AS b, getenv('VISIBLE') AS c"
        result = scratch.run("--models", "models.lua", "read.lua", sql)
        tap.equal(json.loads(result.out), [{"a": "", "b": "", "c": "seen"}], "SQL sees no key of a model")


def faults():
    with host.Scratch() as scratch:
        duckdb(scratch, "COPY (SELECT range AS id, repeat('x', 200) || hash(range) AS t FROM range(200000)) TO 'whole.parquet' (ROW_GROUP_SIZE 10000)")
        whole = (scratch / "whole.parquet").read_bytes()
        scratch.write("cut.parquet", whole[:len(whole) // 2])
        scratch.write("empty.parquet", "")
        middle = bytearray(whole)
        at = len(middle) * 3 // 4
        middle[at:at + 20000] = bytes(20000)
        scratch.write("torn.parquet", bytes(middle))
        fails(scratch, "cut.parquet", ["cut.parquet", "DuckDB says"], "a file that is cut off")
        fails(scratch, "empty.parquet", ["empty.parquet", "DuckDB says"], "an empty file")
        fails(scratch, "torn.parquet", ["torn.parquet", "DuckDB says"], "a file with a hole")
        fails(scratch, "nowhere.parquet", ["nowhere.parquet", "No such file"], "no file")
        fails(scratch, "sql:SELEC 1", ["SELEC", "DuckDB says", "syntax error"], "bad SQL")
        fails(scratch, "sql:SELECT * FROM 'nowhere.parquet'", ["DuckDB says", "nowhere.parquet"], "SQL over no file")
        fails(scratch, "sql:SELECT CASE WHEN range > 50000 THEN error('stop \x1b[31m') ELSE 'x' END AS a FROM range(100000)",
              ["DuckDB says", "stop ?[31m"], "an error in the middle")
        fails(scratch, "whole.parquet", ["duckdb", "PATH", "pip install duckdb-cli"], "no program", env={"PATH": "/nowhere"})
        result = write(scratch, [{"a": 1}], "out.parquet", env={"PATH": "/nowhere"})
        tap.equal(result.status, 1, "no program to write with: status 1")
        tap.contains(result.err, ["out.parquet", "pip install duckdb-cli"], "at once, and how to get it")
        result = scratch.run("run", "preference", "--parquet", "--data", "whole.parquet", "--generator", "sim:g", "--reviewer", "sim:r", "--judge", "sim:j",
                             "--out", "o", env={"PATH": "/nowhere"})
        tap.equal((result.status, (scratch / "o" / "data").exists() and os.listdir(scratch / "o" / "data")), (1, []), "preference --parquet without it: before anything is asked")
        # Arrow's files need an extension, which is fetched: what is asked for is seen by a program that stands in.
        scratch.write("bin/duckdb", "#!/bin/sh\nprintf '%s\\n' \"$@\" > asked\necho 'IO Error: Failed to download extension \"nanoarrow\" at URL' >&2\nexit 1\n").chmod(0o755)
        scratch.write("x.arrow", "ARROW1")
        fails(scratch, "x.arrow", ["nanoarrow", "fetches once", "pl.read_ipc("], "an extension that cannot be had",
              env={"PATH": f"{scratch.path}/bin:{os.environ['PATH']}"})
        scratch.write("long.parquet", base64.b64decode(LONG_DECIMAL))
        fails(scratch, "long.parquet", ['the column "x" holds decimals of 50 digits', "or as text"], "decimals that DuckDB takes for doubles")
        tap.contains((scratch / "asked").read_text(), ["INSTALL nanoarrow", "LOAD nanoarrow", "read_arrow('x.arrow')"], "Arrow's files, by their extension")
        # It does not outlive whoever reads from it.
        scratch.write("early.lua", 'local rows = require "fellowship".rows "whole.parquet"; rows:pull(); rows:close(); print "closed"')
        tap.equal(scratch.run("early.lua").out, "closed\n", "rows that are closed early")
        tap.equal(children_of(scratch), [], "leave no program behind")


def children_of(scratch):
    """Processes whose working directory is the scratch folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/cwd") == str(scratch.path):
                found.append(int(pid))
        except OSError:
            pass
    return found


# ---- writing ----

rng = random.Random(2024)
TEXTS = ["", "x", "é🙂", "a\"b\\c\n\t\u0000", "2024-01-02", "2024-01-02 03:04:05", "12", "1e5", "null", "true", "[]", "{}",
         "93cbacae-4a91-4308-b7cc-ea70aa1bab86", "01:02:03", "long " * 200]


def a_type(depth=0):
    """(a function that makes a value, the type as pyarrow shows it)"""
    kinds = ["int", "long", "float", "bool", "text"] + (["list", "object", "messages"] if depth < 3 else [])
    kind = rng.choice(kinds)
    if kind == "int":
        return lambda: rng.choice([0, 1, -1, rng.randint(-10**6, 10**6)])
    if kind == "long":
        return lambda: rng.choice([2**63 - 1, -2**63, 2**53 + 1, rng.randint(-2**63, 2**63 - 1)])
    if kind == "float":
        return lambda: rng.choice([0.1, -0.0, 1e300, 5e-324, 3.0, rng.uniform(-1e6, 1e6), 1])
    if kind == "bool":
        return lambda: rng.random() < 0.5
    if kind == "text":
        return lambda: rng.choice(TEXTS)
    if kind == "messages":
        return lambda: [{"role": rng.choice(["user", "assistant"]), "content": rng.choice(TEXTS)} for _ in range(rng.randrange(4))]
    if kind == "list":
        inner = a_type(depth + 1)
        return lambda: [None if rng.random() < 0.1 else inner() for _ in range(rng.randrange(4))]
    fields = {name: a_type(depth + 1) for name in rng.sample(["a", "b", "c c", "d\"d", "é", "select", "DECIMAL(1,2)"], rng.randrange(1, 4))}
    return lambda: {name: make() for name, make in fields.items() if rng.random() < 0.8}


def padded(value, shape):
    """The value with null for every key that others of its place have; shape is what `shape_of` found."""
    if isinstance(value, list):
        return [padded(each, shape[0]) for each in value]
    if isinstance(value, dict):
        return {name: padded(value.get(name), inner) for name, inner in shape.items()}
    return value


def shape_of(values):
    values = [value for value in values if value is not None]
    if any(isinstance(value, list) for value in values):
        return [shape_of([each for value in values for each in value])]
    if any(isinstance(value, dict) for value in values):
        names = dict.fromkeys(name for value in values for name in value)
        return {name: shape_of([value.get(name) for value in values]) for name in names}
    return None


def round_trips():
    """Rows of random types, written and read back: the same values, null where a key was missing."""
    with host.Scratch() as scratch:
        wrong = []
        for number in range(15):
            types = {f"c{i}": a_type() for i in range(rng.randrange(1, 6))}
            rows = [{name: make() for name, make in types.items() if rng.random() < 0.9} for _ in range(rng.choice([1, 2, 30, 200]))]
            result = write(scratch, rows, f"r{number}.parquet")
            shape = shape_of(rows)
            clash = "of no one type" in result.err
            if not shape or {} in flatten(shape):
                continue                        # no columns, or objects that never had a key: JSON, which is told
            got = read(scratch, f"r{number}.parquet")[0]
            if clash or got != [padded(row, shape) for row in rows]:
                wrong.append((number, result.err, [(g, padded(r, shape)) for g, r in zip(got, rows) if g != padded(r, shape)][:1]))
            left = [name for name in os.listdir(scratch.path) if name.endswith(".partial")]
            if left:
                wrong.append((number, left))
            wrong += with_pyarrow(scratch / f"r{number}.parquet", [padded(row, shape) for row in rows])
        tap.equal(wrong, [], "15 tables of random types come back, value by value" + ("" if pyarrow() else " (pyarrow was not asked)"))


def flatten(shape):
    if isinstance(shape, list):
        return flatten(shape[0])
    if isinstance(shape, dict):
        return [{}] if not shape else [x for inner in shape.values() for x in flatten(inner)]
    return []


def pyarrow():
    try:
        import pyarrow.parquet
        return pyarrow.parquet
    except ImportError:
        return None


def with_pyarrow(path, rows):
    parquet = pyarrow()
    if not parquet:
        return []
    got = parquet.read_table(path).to_pylist()
    return [] if got == rows else [("pyarrow", got[:1], rows[:1])]


def clashes():
    """A column that changes its type is JSON, comes back as it was, and is told."""
    cases = {
        "a number, then a text": [1, "x", None, 2.5], "a text, late": [1] * 3000 + ["x"], "a list and an object": [[1], {"a": 1}],
        "true and 1": [True, 1], "2^53 + 1 and a half": [9007199254740993, 0.5], "less than 0 and 2^64 - 1": [-1, 18446744073709551615],
        "more than 64 bits": [123456789012345678901234567890], "an object without keys": [{}, {}], "names that differ by case": [{"a": 1, "A": 2}],
        "a name that is empty": [{"": 1}], "deep inside": [[{"a": [1]}], [{"a": ["x"]}]], "300 keys": [{f"k{i}": i} for i in range(300)],
        "contents that are texts or parts": [[{"role": "user", "content": "x"}], [{"role": "user", "content": [{"type": "text", "text": "y"}]}]],
    }
    with host.Scratch() as scratch:
        for number, (name, values) in enumerate(cases.items()):
            result = write(scratch, [{"id": i, "v": value} for i, value in enumerate(values)], f"c{number}.parquet")
            tap.contains(result.err, ["of no one type", '"v"', f"c{number}.parquet"], f"{name}: is told")
            got = read(scratch, f"c{number}.parquet")[0]
            tap.equal([row["v"] for row in got], values, f"{name}: comes back as it was")
        tap.contains(write(scratch, [{"v": 1}, {"v": 2}, {"v": "x"}], "rows.parquet").err, ["a number in row 0", "a text in row 2"], "with the rows that do it")
        plain = {"2^64 - 1": [1, 18446744073709551615], "nothing but null": [None, None], "empty lists": [[], []], "1 and 0.5": [1, 0.5]}
        for name, values in plain.items():
            result = write(scratch, [{"id": 1, "v": value} for value in values], "plain.parquet")
            tap.equal((result.err, [row["v"] for row in read(scratch, "plain.parquet")[0]]), ("", values), f"{name}: has a type")
        result = write(scratch, [{"v": 0.5}], "long.parquet")
        scratch.write("in2.jsonl", '{"v":0.12345678901234567890123}\n')
        result = scratch.run("write.lua", "in2.jsonl", "long.parquet")
        tap.contains(result.err, ['"v"', "more digits", "rounded"], "digits that are lost are told")
        write(scratch, [{"v": 1}, {"v": 2}], "said.parquet", {"types": {"v": "DOUBLE"}})
        tap.equal(scratch_type(scratch, "said.parquet"), {"v": "DOUBLE"}, "a type that is said")
        write(scratch, [{"b": 1, "a": 2}], "order.parquet", {"columns": ["z", "a"]})
        tap.equal(scratch_type(scratch, "order.parquet"), {"z": "VARCHAR", "a": "BIGINT", "b": "BIGINT"}, "columns that are said come first, and are there")
        write(scratch, [], "none.parquet", {"columns": ["a"]})
        tap.equal(read(scratch, "none.parquet")[0], [], "no rows, and columns")
        for rows, parts, name in (([], ["no rows", "columns"], "no rows and no columns"), ([{"a": 1, "A": 1}], ["case", "in.parquet.jsonl.partial"], "columns that differ by case"),
                                  (["surrogate"], ["surrogate"], "half a surrogate pair")):
            scratch.write("in.jsonl", '{"a":"\\ud800"}\n' if rows == ["surrogate"] else rows)
            result = scratch.run("write.lua", "in.jsonl", "in.parquet")
            tap.equal(result.status, 1, f"{name}: status 1")
            tap.contains(result.err, ["row 1" if rows == ["surrogate"] else "in.parquet", *parts], f"{name}: says so")
            tap.ok(not (scratch / "in.parquet").exists(), f"{name}: and there is no file")


def scratch_type(scratch, name):
    out = subprocess.run([DUCKDB, "-init", "/dev/null", "-json", "-c", f"SELECT column_name, column_type FROM (DESCRIBE FROM '{name}')"],
                         cwd=scratch.path, check=True, stdout=subprocess.PIPE).stdout
    return {row["column_name"]: row["column_type"] for row in json.loads(out)}


def shards_and_kills():
    with host.Scratch() as scratch:
        rows = [{"i": i, "t": "x" * 50} for i in range(10)]
        write(scratch, rows, "s.parquet", {"sharded": True, "max_rows": 4})
        names = sorted(name for name in os.listdir(scratch.path) if name.startswith("s-"))
        tap.equal(names, [f"s-0000{i}-of-00003.parquet" for i in range(3)], "several files")
        tap.equal(read(scratch, "s-*.parquet")[0], rows, "with all rows")
        # Killed while DuckDB makes the table: a program of that name that waits.
        scratch.write("bin/duckdb", "#!/bin/sh\necho x > started\nsleep 60\n").chmod(0o755)
        scratch.write("in.jsonl", rows)
        process = scratch.start("write.lua", "in.jsonl", "k.parquet", env={"PATH": f"{scratch.path}/bin:{os.environ['PATH']}"})
        host.until(lambda: (scratch / "started").exists(), timeout=20)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for pid in children_of(scratch):
            os.kill(pid, signal.SIGKILL)
        tap.ok(not (scratch / "k.parquet").exists(), "killed in the middle: no file has the name")
        tap.equal(host.jsonl(scratch / "k.parquet.jsonl.partial"), rows, "and the rows are there")
        tap.equal(write(scratch, rows, "k.parquet").status, 0, "a rerun writes it")
        tap.equal((read(scratch, "k.parquet")[0], (scratch / "k.parquet.jsonl.partial").exists()), (rows, False), "and leaves nothing behind")
        # What DuckDB cannot do leaves the rows.
        scratch.write("bin/duckdb", "#!/bin/sh\necho 'IO Error: no space left' >&2\nexit 1\n").chmod(0o755)
        result = write(scratch, rows, "f.parquet", env={"PATH": f"{scratch.path}/bin:{os.environ['PATH']}"})
        tap.equal((result.status, len(host.jsonl(scratch / "f.parquet.jsonl.partial"))), (1, 10), "DuckDB fails: so does the writer, and the rows are there")
        tap.contains(result.err, ["f.parquet", "no space left"], "with its words")
        before = (scratch / "k.parquet").read_bytes()
        write(scratch, rows, "k.parquet")
        tap.equal((scratch / "k.parquet").read_bytes() == before, True, "the same rows give the same bytes")


def sets():
    with host.Scratch() as scratch:
        scratch.prompts(6)
        models = ("sim:a", "sim:b", "sim:c")
        for form in ("trl", "trl-conversational", "llama-factory-sharegpt", "axolotl"):
            for kind, options in (("lines", []), ("table", ["--parquet"])):
                result = scratch.preference("--format", form, *options, models=models, out=f"{form}-{kind}")
                tap.equal(result.status, 0, f"{form}, {kind}: status 0")
            lines, table = read(scratch, f"{form}-lines/data/dpo-00000-of-00001.jsonl", f"{form}-table/data/dpo-00000-of-00001.parquet")
            tap.equal(table, lines, f"{form}: the same rows")
            check = scratch.run("run", "check-dataset", f"{form}-table")
            tap.equal((check.status, check.summary["faults"], check.summary["rows"] > 0), (0, 0, True), f"{form}: sound, by check-dataset")
            card = (scratch / f"{form}-table/README.md").read_text()
            tap.contains(card, ['path: "data/dpo-*.parquet"', "`data/dpo-*.parquet`"], f"{form}: the card names them")
            tap.ok("dpo-*.jsonl" not in card, f"{form}: and no others")
        info = json.loads((scratch / "llama-factory-sharegpt-table/dataset_info.json").read_text())
        tap.equal(info["preference_dpo"]["file_name"], "data/dpo-00000-of-00001.parquet", "dataset_info.json too")
        tap.contains((scratch / "axolotl-table/README.md").read_text(), "ds_type: parquet", "Axolotl is told that it is Parquet")
        scratch.preference("--parquet", "--force", models=models, out="trl-lines")
        tap.equal(sorted(os.listdir(scratch / "trl-lines/data")), ["dpo-00000-of-00001.parquet", "kto-00000-of-00001.parquet"], "--force takes the others away")
        result = scratch.run("run", "judge", "--data", "trl-table", "--model", "sim:j", "--out", "judged")
        tap.equal((result.status, result.summary["rows"] > 0), (0, True), "a folder of Parquet is read back by its card")


host.need_program()
if not DUCKDB:
    tap.skip_all("duckdb is not in the PATH (pip install duckdb-cli)")
tap.cases(reading, queries, secrets, faults, round_trips, clashes, shards_and_kills, sets)
