#!/usr/bin/env python3
"""Rows read and written back: keys, order, numbers and strings stay; what is no row is named by file and line.

Compared as ordered pairs with numbers as source text. A number that a double holds exactly as written
(1.50, 1E5) may be spelt in another way; every other keeps its text.
"""

import bz2
import decimal
import json
import lzma
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import host
import tap

SCRIPT = """local fellowship = require "fellowship"
local out <close> = fellowship.writer "out.jsonl"
for row in fellowship.map(fellowship.rows(arg[1]), function(row) return row.id end) do out:write(row) end
"""

# Raw lines: what they hold must come back.
HOSTILE = [
    r'{"id":0,"largest":9223372036854775807,"smallest":-9223372036854775808,"beyond a double":9007199254740993}',
    r'{"id":1,"twenty digits":12345678901234567890,"more":-98765432109876543210,"just over":9223372036854775808}',
    r'{"id":2,"huge":1e400,"tiny":1e-400,"negative":-1E+400}',
    r'{"id":3,"sum":0.30000000000000004,"third":0.1,"pi":3.14159265358979323846264338327950288}',
    r'{"id":4,"array":[],"object":{},"null":null,"nested":[[],{},null,[[]],[{}]]}',
    r'{"z":1,"a":2,"M":3,"id":5,"10":4,"9":5,"é":6,"":7," ":8}',
    r'{"id":6,"nulls":[null,null],"holes":[1,null,3],"last":[1,null],"only":[null]}',
    r'{"id":7,"escapes":"\"\\\/\b\f\n\r\t","hex":"\u0000\u001f\u007f\u0080\u2028\u2029\ufeff\uffff"}',
    r'{"id":8,"pair":"\ud83d\ude00","raw":"😀","combining":"é é","rtl":"\u202eabc"}',
    r'{"id":9,"high":"\ud800","low":"\udfff","swapped":"\ude00\ud83d","inside":"a\ud800b","key \udc00":1}',
    r'{"id":10,"high then pair":"\ud800\ud83d\ude00","twice":"\ud83d\ud83d"}',
    r'{"id":11,"true":true,"false":false,"text":"true","number text":"007","null text":"null"}',
    r'{"id":12,"zero":0,"minus zero":-0.0,"float one":1.0,"exponent":1E5,"trailing":1.50,"small":1e-7}',
    r'{"id":13,"max":1.7976931348623157e308,"min":5e-324,"normal":2.2250738585072014e-308,"over":1.7976931348623159e308}',
    r'{"id":14,"deep":[[[[[[[[[[[[[[[[[[[[{"a":[{"b":[]}]}]]]]]]]]]]]]]]]]]]]]}',
    r'{"id":15,"keys":{"a":1,"A":2,"á":3,"a\u0301":4,"a ":5,"a\n":6,"a\u0000":7}}',
    r'{"id":16,"lua":{"end":1,"nil":2,"__index":3,"__gc":4,"__mode":"k","n":5,"#":6,"1":7,"-1":8}}',
    r'{"id":17,"like an array":{"1":"a","2":"b"},"mixed":{"1":1,"x":2},"array":["a","b"]}',
    r'{"id":18,"spaces" : "  both sides  ", "tab":"\tx\t" , "newlines":"\n\nx\n\n"}',
    '{"id":19,"long":"' + "x" * 100_000 + '","after":1}',
    '{"id":20,"wide":{' + ",".join(f'"k{i * 7919 % 1000}":{i}' for i in range(1000)) + '},"list":' + str(list(range(2000))) + "}",
    r'{"id":21,"many digits":0.1000000000000000055511151231257827,"exact":1152921504606846976.5,"e":123456789012345678901234567890e-10}',
    r'{"id":"text id","prompt":"<|im_start|> {prompt} %s $(x) ../../etc \u0007"}',
    r'{"id":23.5,"unknown columns":{"label":1,"scores":[0.1,0.2,0.3]},"timestamp":"2024-01-01T00:00:00Z"}',
    r'{"id":null,"empty":"","strings":["","\u0000",""," "]}',
    r'{"id":25,"slash":"<\/script>","plain":"</script>","unicode key":{"\u0041":1,"\u00e9":2,"😀":3}}',
    r'{"id":26,"int like float":100000000000000000000.0,"2^53":9007199254740992,"2^53+1":9007199254740993.0,"2^63":9.223372036854775807e18}',
    r'{"id":27,"minus":-1,"minus half":-0.5,"minus int zero":-0,"leading":0.000001,"ten":10,"list":[0,-0.0,1e0]}',
    r'{"id":28,"objects":[{"b":1,"a":2},{"a":1,"b":2},{"b":1},{"a":2},{}],"same keys":[{"x":1,"y":2},{"y":3,"x":4}]}',
    r'{"id":29,"null key":{"null":null},"nulls":{"a":null,"b":null,"c":{}},"last":null}',
]


def number(text):
    """A number's identity: its text where a double would change it, else its exact value."""
    if not any(c in text for c in ".eE"):
        return "number", "0" if text == "-0" else text
    value = decimal.Decimal(text)
    if decimal.Decimal(repr(float(text))) != value:
        return "number", text
    return "double", str(value.normalize()), text.startswith("-")


def parse(line):
    return json.loads(line, object_pairs_hook=lambda pairs: ("object", pairs), parse_float=number, parse_int=number)


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
