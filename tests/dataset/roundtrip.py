#!/usr/bin/env python3
"""Rows read and written back: keys, order, numbers and strings stay; what is no row is named by file and line.

Compared as ordered pairs with numbers as source text.
"""

import bz2
import json
import lzma
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from ordered import HOSTILE, parse

SCRIPT = """local fellowship = require "fellowship"
local out <close> = fellowship.writer "out.jsonl"
for row in fellowship.map(fellowship.rows(arg[1]), function(row) return row.id end) do out:write(row) end
"""

def copy(scratch, data, name="rows.jsonl"):
    """Runs the script over a file of these bytes: (result, lines out, text of the errors)."""
    scratch.write("copy.lua", SCRIPT)
    for old in ("out.jsonl", "copy.errors.jsonl"):
        (scratch / old).unlink(missing_ok=True)
    result = scratch.run("copy.lua", scratch.write(name, data).name)
    errors = scratch / "copy.errors.jsonl"
    out = scratch / "out.jsonl"
    lines = out.read_bytes().decode("utf-8", "surrogateescape").split("\n") if out.exists() else [""]
    return result, lines[:-1], errors.read_text() if errors.exists() else ""


def hostile_rows():
    with host.Scratch() as scratch:
        result, lines, errors = copy(scratch, "\n".join(HOSTILE) + "\n")
        tap.equal((result.status, errors, len(lines)), (0, "", len(HOSTILE)), f"{len(HOSTILE)} hostile rows go through")
        for want, got in zip(HOSTILE, lines):
            tap.equal(parse(got), parse(want), f"row {json.loads(want)['id']!r}: {want[:60]}")
        tap.ok("\\ud800" in lines[9].lower() and "\\udfff" in lines[9].lower(), "lone surrogates are carried as escapes")
        again = copy(scratch, "\n".join(lines) + "\n")[1]
        tap.equal(again, lines, "a second round changes no byte")


def files():
    """Framing of lines, and compression."""
    rows = ['{"id":1}', '{"id":2}']
    with host.Scratch() as scratch:
        for name, data in (("a final line without newline", '{"id":1}\n{"id":2}'), ("CRLF", '{"id":1}\r\n{"id":2}\r\n'),
                           ("blank lines", '\n{"id":1}\n\n \t\n{"id":2}\n\n'), ("a byte order mark", '\ufeff{"id":1}\n{"id":2}\n'),
                           ("space around rows", ' {"id":1} \n\t{"id":2}\t\n')):
            result, lines, _ = copy(scratch, data)
            tap.equal((result.status, lines), (0, rows), f"{name}: both rows")
        for name, data in (("an empty file", ""), ("only blank lines", "\n\n")):
            result, lines, _ = copy(scratch, data)
            tap.equal((result.status, lines), (0, []), f"{name}: no rows, no error")
        plain = '{"id":1}\n{"id":2}\n'.encode()
        tap.equal(copy(scratch, plain, "rows.jsonl.gz")[1], rows, ".gz")
        tap.equal(copy(scratch, lzma.compress(plain), "rows.jsonl.xz")[1], rows, ".xz")
        tap.equal(copy(scratch, bz2.compress(plain), "rows.jsonl.bz2")[1], rows, ".bz2")
        scratch.write("rows.jsonl", plain)
        with open(scratch / "rows.jsonl", "rb") as stdin:
            scratch.run("copy.lua", "-", stdin=stdin)
        tap.equal((scratch / "out.jsonl").read_bytes(), plain, "standard input as -")
        many = "".join(f'{{"id":{i},"text":"{"y" * (i % 5000)}"}}\n' for i in range(3000))
        result, lines, _ = copy(scratch, many, "many.jsonl.gz")
        tap.equal("".join(line + "\n" for line in lines), many, "7 MB of rows of every length, byte for byte")


def broken_files():
    noise = random.Random(1)  # some damage still inflates, and libarchive does not compare checksums
    with host.Scratch() as scratch:
        whole = scratch.write("rows.jsonl.gz", [{"id": i, "noise": noise.randbytes(64).hex()} for i in range(5000)]).read_bytes()
        for name, data in (("cut off", whole[:len(whole) // 2]), ("damaged", whole[:1000] + b"\0" * 50 + whole[1050:])):
            (scratch / "cut.jsonl.gz").write_bytes(data)
            scratch.write("copy.lua", SCRIPT)
            result = scratch.run("copy.lua", "cut.jsonl.gz")
            tap.equal(result.status, 1, f"a .gz that is {name}: status 1")
            tap.contains(result.err, ["cut.jsonl.gz"], f"a .gz that is {name}: the message names it")
            tap.ok(not (scratch / "out.jsonl").exists(), f"a .gz that is {name}: what was written stays .partial")


# Lines that are no rows, and what the message says beside file and line.
BAD = [
    ("a duplicate key", '{"id":1,"colour":"a","colour":"b"}', ["colour"]),
    ("a duplicate key inside", '{"id":1,"list":[{"deep":1,"deep":2}]}', ["deep"]),
    ("a duplicate key by an escape", r'{"id":1,"ab":1,"\u0061b":2}', ['"ab\\"']),
    ("invalid UTF-8", b'{"id":1,"text":"abc\xff"}', ["UTF-8", "byte 20"]),
    ("an overlong form", b'{"id":1,"text":"\xc0\xaf"}', ["UTF-8", "byte 17"]),
    ("a raw surrogate", b'{"id":1,"text":"\xed\xa0\x80"}', ["UTF-8", "byte 17"]),
    ("a cut-off row", '{"id":1,"text":"abc', ["byte"]),
    ("two rows on a line", '{"id":1}{"id":2}', ["byte 9"]),
    ("a trailing comma", '{"id":1,}', ["byte 9"]),
    ("single quotes", "{'id':1}", ["byte 2"]),
    ("NaN", '{"id":NaN}', ["byte 7"]),
    ("a leading zero", '{"id":01}', ["byte"]),
    ("a raw newline's cousin", '{"id":"a\x01b"}', ["byte 9"]),
    ("a NUL", b'{"id":1}\x00', ["byte 9"]),
    ("an array", "[1,2]", ["object"]),
    ("an empty array", "[]", ["object"]),
    ("a bare word", '"text"', ["object"]),
    ("no JSON", "hello", ["byte 1"]),
    ("too deep", '{"id":' + "[" * 100_000 + "]" * 100_000 + "}", ["deep"]),
]


def bad_lines():
    """Each in the middle of good rows: it is reported with file:line, and they go through."""
    with host.Scratch() as scratch:
        for name, line, parts in BAD:
            line = line if isinstance(line, bytes) else line.encode()
            result, lines, errors = copy(scratch, b'{"id":"before"}\n\n' + line + b'\n{"id":"after"}\n')
            tap.equal((result.status, lines), (3, ['{"id":"before"}', '{"id":"after"}']), f"{name}: the others go through")
            tap.contains(errors, ["rows.jsonl:3", *parts], f"{name}: {', '.join(parts)}")


host.need_program()
tap.cases(hostile_rows, files, broken_files, bad_lines)
