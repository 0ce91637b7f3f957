#!/usr/bin/env python3
"""Rows from every format, compressed and in archives; tables as Python's csv reads them; each bad input's message.

Archives and compressed files are made here with Python's modules (zstd with its program).
"""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import random
import subprocess
import sys
import tarfile
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from ordered import HOSTILE, parse

# Reads a dataset and shows everything: each row with where it stands, each error, how it ended.
SCRIPT = r"""local fellowship = require "fellowship"
local rows = require "fellowship.dataset.rows"
local json = fellowship.json
for i = 1, #arg do
  local asked = json.decode(arg[i])
  local found, failed, last = json.array(), json.array(), nil
  local well, problem = pcall(function()
    local opened <close> = rows.open(asked.paths, asked.options)
    while true do
      local row, number = opened:pull()
      if row then found[#found + 1] = { number = number, origin = rows.origin(row), row = row }
      elseif number then failed[#failed + 1] = { number = number.number, message = number.message }
      else break end
    end
  end)
  print(json.encode { rows = found, failed = failed, problem = not well and tostring(problem) or nil })
end
"""


class Read:
    """What reading a dataset gave; rows as JSON texts."""

    def __init__(self, text):
        found = parse(text)
        fields = dict(found[1])
        self.rows = [dict(entry[1])["row"] for entry in fields["rows"]]
        self.origins = [dict(entry[1])["origin"] for entry in fields["rows"]]
        self.failed = [dict(entry[1])["message"] for entry in fields["failed"]]
        self.problem = fields.get("problem") or ""


def read_all(scratch, asked):
    """Reads each (paths, options) of a list."""
    scratch.write("read.lua", SCRIPT)
    result = scratch.run("read.lua", *[json.dumps({"paths": paths, "options": options}) for paths, options in asked])
    if result.status != 0:
        raise RuntimeError(str(result))
    return [Read(line) for line in result.out.split("\n")[:-1]]


def read(scratch, paths, **options):
    return read_all(scratch, [(paths, options)])[0]


def texts(rows):
    """Rows of a table as lists of cells."""
    return [[value for _, value in row[1]] for row in rows]


# ---- lossless -----------------------------------------------------------------------------

def as_array(lines):
    return "[\n" + ",\n".join(lines) + "\n]\n"


def one_line_array(lines):
    return "[" + ",".join(lines) + "]"


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


COMPRESSED = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress, ".zst": zstd}


def zipped(method):
    def pack(members):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            for name, data in members:
                archive.writestr(name, data)
        return out.getvalue()
    return pack


def tarred(format=tarfile.PAX_FORMAT, compress=bytes):
    def pack(members):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=format) as archive:
            for name, data in members:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return compress(out.getvalue())
    return pack


ARCHIVES = {"stored.zip": zipped(zipfile.ZIP_STORED), "deflated.zip": zipped(zipfile.ZIP_DEFLATED),
            "pax.tar": tarred(), "ustar.tar": tarred(tarfile.USTAR_FORMAT), "gnu.tar": tarred(tarfile.GNU_FORMAT),
            **{f"x.tar{ending}": tarred(compress=compress) for ending, compress in COMPRESSED.items() if ending}}


def same_rows(found, want, name):
    wrong = [f"row {i}: {g!r}" for i, (g, w) in enumerate(zip(found.rows, want)) if g != w]
    tap.ok(not wrong and len(found.rows) == len(want) and not found.problem and not found.failed, name,
           *wrong[:3], found.problem, found.failed[:3], f"{len(found.rows)} rows of {len(want)}")


def lossless():
    """Hostile rows, and the recorded ones, through each format, compression and archive."""
    sets = {"hostile": HOSTILE}
    for path in sorted(host.SHARED.glob("data/**/rows.jsonl")):
        sets[path.parent.name] = path.read_text(encoding="utf-8").splitlines()
    with host.Scratch() as scratch:
        for name, lines in sets.items():
            want = [parse(line) for line in lines]
            formats = {"jsonl": "\n".join(lines) + "\n", "ndjson": "\r\n".join(lines), "json": as_array(lines),
                       "line.json": one_line_array(lines), "lines.json": "\n\n".join(lines)}
            asked = []
            for ending, text in formats.items():
                for compressed, compress in COMPRESSED.items():
                    file = f"{name}.{ending}{compressed}"
                    scratch.write("raw", "")
                    (scratch / file).write_bytes(compress(text.encode()))
                    asked.append(file)
            for file, pack in ARCHIVES.items():
                members = [("README.md", b"nothing"), ("data/a.json", as_array(lines).encode()),
                           ("b.jsonl", formats["jsonl"].encode())]
                (scratch / f"{name}.{file}").write_bytes(pack(members))
                asked.append(f"{name}.{file}")
            for file, found in zip(asked, read_all(scratch, [([file], {}) for file in asked])):
                archive = any(file.endswith(kind) for kind in ARCHIVES)
                same_rows(found, want * 2 if archive else want, f"{file}: every row as it was")
        found = read(scratch, "hostile.deflated.zip")
        tap.equal((found.origins[0], found.origins[-1]), ("hostile.deflated.zip:data/a.json:2",
                  f"hostile.deflated.zip:b.jsonl:{len(HOSTILE)}"), "a row of an archive names its member and line")


# ---- tables -------------------------------------------------------------------------------

def by_python(text, delimiter=","):
    """What Python's csv module reads: rows of cells, and whether it refused the rest."""
    rows = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            if row:
                rows.append(row)
    except csv.Error:
        return rows, True
    return rows, False


PIECES = ["a", "b c", "é😀", " ", ",", "\t", '"', '""', "\n", "\r", "\r\n", ";", "'", "\\", "\x01", "\u2028", "=1+1", "null"]


def tables():
    """Random tables that Python wrote, in every quoting and with every line end."""
    chance = random.Random(1)
    with host.Scratch() as scratch:
        asked, want, names = [], [], []
        for i in range(60):
            width, delimiter = chance.randint(1, 6), chance.choice(",\t")
            rows = [[f"c{n}" for n in range(width)]]
            rows += [["".join(chance.choices(PIECES, k=chance.randint(0, 6))) for _ in range(width)] for _ in range(30)]
            quoting = csv.QUOTE_ALL if i % 2 else csv.QUOTE_MINIMAL
            # With another line end Python leaves a lone CR or LF without quotes, and cannot read it back itself.
            end = chance.choice(["\n", "\r\n", "\r"]) if quoting == csv.QUOTE_ALL else "\r\n"
            out = io.StringIO(newline="")
            csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
            name = f"t{i}.{'csv' if delimiter == ',' else 'tsv'}"
            scratch.write(name, ("\ufeff" if i % 3 == 0 else "") + out.getvalue())
            asked.append(([name], {}))
            names.append(f"{name}: {width} columns, lines end in {end!r}")
            if by_python(out.getvalue(), delimiter)[0] != rows:
                raise RuntimeError("Python does not read what it wrote")
            want.append((rows[0], rows[1:]))
        for found, (header, rows), name in zip(read_all(scratch, asked), want, names):
            keys = [[key for key, _ in row[1]] for row in found.rows]
            tap.ok(texts(found.rows) == rows and all(k == header for k in keys) and not found.problem, name,
                   found.problem, found.failed[:2])


def soup():
    """Random text: rows, refused rows and refused files just where Python has them."""
    chance = random.Random(2)
    with host.Scratch() as scratch:
        asked, want, sources = [], [], []
        for i in range(400):
            text = "x,y\n" + "".join(chance.choices(["a", "b", ",", ",", '"', '"', "\n", "\n", "\r", "\r\n", " "],
                                                    k=chance.randint(1, 25)))
            scratch.write(f"s{i}.csv", text)
            asked.append(([f"s{i}.csv"], {}))
            want.append(by_python(text))
            sources.append(text)
        wrong, refused = [], 0
        for found, (rows, error), text in zip(read_all(scratch, asked), want, sources):
            refused += error
            good = [row for row in rows[1:] if len(row) == 2]
            if texts(found.rows) != good or len(found.failed) != len(rows) - 1 - len(good) or bool(found.problem) != error:
                wrong.append(f"{text!r}: {texts(found.rows)} {found.failed} {found.problem}, python: {rows} {error}")
        tap.equal(wrong[:3], [], f"{len(sources)} random texts read as Python's csv reads them, {refused} of them refused")


def cells():
    with host.Scratch() as scratch:
        scratch.write("t.csv", 'n,i,b,j,t\n1.50,7,true,"{""a"":[1,null]}",007\n,,,,\n"12345678901234567890","-1",False,"""x""",x\n'
                      'x,1,true,1,t\n1,1.5,true,1,t\n1,1,yes,1,t\n1,1,true,{,t\n1,1,true,1\n1,1,true,1,t,u\n')
        types = {"n": "number", "i": "integer", "b": "boolean", "j": "json", "t": "text"}
        found = read(scratch, "t.csv", types=types)
        tap.equal(found.rows, [parse(row) for row in
                  ('{"n":1.50,"i":7,"b":true,"j":{"a":[1,null]},"t":"007"}',
                   '{"n":null,"i":null,"b":null,"j":null,"t":""}',
                   '{"n":12345678901234567890,"i":-1,"b":false,"j":"x","t":"x"}')], "declared types make values, empty cells null")
        want = [["t.csv:5:", '"n"', "number", '"x"'], ["t.csv:6:", '"i"', "whole number", '"1.5"'],
                ["t.csv:7:", '"b"', "true or false", '"yes"'], ["t.csv:8:", '"j"', "JSON", '"{"'],
                ["t.csv:9:", "expected 5 cells", "found 4"], ["t.csv:10:", "expected 5 cells", "found 6"]]
        tap.equal(len(found.failed), len(want), "each bad cell fails its row alone")
        for message, parts in zip(found.failed, want):
            tap.contains(message, parts, f"it names {', '.join(parts)}")
        scratch.write("copy.lua", 'local f = require "fellowship"; for r in f.rows("t.csv", {types = "n=number", limit = 1}) do print(f.json.encode(r)) end')
        tap.equal(scratch.run("copy.lua").out.strip(), '{"n":1.50,"i":"7","b":"true","j":"{\\"a\\":[1,null]}","t":"007"}',
                  "a typed number keeps its spelling")
        found = read(scratch, "t.csv", types="m=number")
        tap.contains(found.problem, ["t.csv:1", '"m"', "n, i, b, j, t"], "a type for a column that is not there")
        scratch.write("many.csv", 'a,b\n1,"2\n\n3"\n\n4,"5\r\n6"\n7\n')
        found = read(scratch, "many.csv")
        tap.equal((found.origins, found.failed[0][:10]), (["many.csv:2", "many.csv:6"], "many.csv:8"),
                  "a row stands where it begins, after quoted lines too")


# ---- bad input ----------------------------------------------------------------------------

SMALL = '{"id":1}\n'
# name, bytes, options, parts of the message; rows that are read all the same
BAD_FILES = [
    ("open.csv", 'a,b\n1,2\n3,"4\n5,6\n', {}, ["open.csv:3", "never closed", "byte 3"], 1),
    ("behind.csv", 'a,b\n1,2\n"3"4,5\n', {}, ["behind.csv:3", "behind a closing quote", "byte 4"], 1),
    ("twice.csv", "a,b,a\n1,2,3\n", {}, ["twice.csv:1", '"a" twice', "byte 5"], 0),
    ("nameless.csv", "a,,c,,d\n1,2,3,4,5\n", {}, ["nameless.csv:1", "column 4 is the second without a name"], 0),
    ("header.csv", b"a,\xff\n1,2\n", {}, ["header.csv:1", "UTF-8", "0xFF", "byte 3"], 0),
    ("utf16.csv", "a,b\n1,2\n".encode("utf-16-le"), {}, ["utf16.csv:1", "UTF-16", "iconv"], 0),
    ("utf16.jsonl", SMALL.encode("utf-16-le"), {}, ["utf16.jsonl:1", "UTF-16", "iconv"], 0),
    ("utf16be.json", SMALL.encode("utf-16-be"), {}, ["utf16be.json:1", "UTF-16", "iconv"], 0),
    ("word.json", '"text"\n', {}, ["word.json:1", "'['", "'{'"], 0),
    ("pretty.json", '{\n  "id": 1\n}\n[1]\n', {}, ["pretty.json:4", "expected an object"], 1),
    ("cut.json", '[\n{"id":1},\n{"id":', {}, ["cut.json:3", "ends inside an element"], 1),
    ("open.json", '[{"id":1}\n', {}, ["open.json:2", "']'"], 1),
    ("comma.json", '[{"id":1},\n]\n', {}, ["comma.json:2", "element", "byte 1"], 1),
    ("nocomma.json", '[{"id":1}\n{"id":2}]\n', {}, ["nocomma.json:2", "','"], 1),
    ("quote.json", '[{"id":1},\n{"id":"x\n},{"id":2}]\n', {}, ["quote.json:2", "closing quote"], 1),
    ("after.json", '[{"id":1}]\n{"id":2}\n', {}, ["after.json:2", "behind"], 1),
    ("unknown.data", "a,b\n1,2\n", {}, ["unknown.data:1", "--data-format", "csv"], 0),
    ("empty.zip", zipped(zipfile.ZIP_STORED)([]), {}, ["empty.zip", "empty"], 0),
    ("other.zip", zipped(zipfile.ZIP_STORED)([("a.txt", b"x"), ("b/c.lua", b"y")]), {}, ["other.zip", "a.txt, b/c.lua", ".csv"], 0),
    ("member.zip", zipped(zipfile.ZIP_STORED)([("a.jsonl", SMALL.encode()), ("b.csv", b'x\n1\n"2\n')]), {},
     ["member.zip:b.csv:3", "never closed"], 2),
    ("chosen.zip", zipped(zipfile.ZIP_STORED)([("a.jsonl", SMALL.encode())]), {"member": "b*"}, ["chosen.zip", "a.jsonl"], 0),
]
BAD_ROWS = [
    ("bytes.jsonl", b'{"id":1}\n{"id":"\xe2\x82"}\n{"id":3}\n', ["bytes.jsonl:2", "UTF-8", "0xE2", "byte 8", "--invalid-utf8 replace"], 2),
    ("bytes.json", b'[{"id":1},\n {"id":\n"\xff"}, {"id":3}]', ["bytes.json:2", "UTF-8", "0xFF", "line 3, byte 2"], 2),
    ("bytes.csv", b'a,b\n1,2\n"\n",\xc3\n3,4\n', ["bytes.csv:3", "UTF-8", "0xC3", "line 4, byte 3"], 2),
    ("nul.csv", b"a,b\n1,2\n3,\x00\n5,6\n", ["nul.csv:3", "NUL", "byte 3"], 2),
    ("nul.jsonl", b'{"id":1}\n{"id":"\x00"}\n{"id":3}\n', ["nul.jsonl:2", "0x00", "byte 8"], 2),
    ("deep.jsonl", '{"id":1}\n{"id":' + "[" * 600 + "]" * 600 + '}\n{"id":3}\n', ["deep.jsonl:2", "deeper than 512"], 2),
    ("deep.json", '[{"id":1},{"id":' + "[" * 600 + "]" * 600 + '},{"id":3}]', ["deep.json:1", "deeper than 512"], 2),
    ("scalar.json", '[{"id":1}, 7, {"id":3}]', ["scalar.json:1", "object", "byte 12"], 2),
    ("inside.json", '[{"id":1},\n{"id":01},\n{"id":3}]', ["inside.json:2", "leading zero", "byte 7"], 2),
]


def bad_files():
    """What stops a file, after the rows before it."""
    with host.Scratch() as scratch:
        for name, data, *_ in BAD_FILES:
            scratch.write(name, data)
        for (name, _, options, parts, rows), found in zip(BAD_FILES, read_all(scratch, [([b[0]], b[2]) for b in BAD_FILES])):
            tap.contains(found.problem, parts, f"{name}: says {', '.join(parts)}")
            tap.equal(len(found.rows), rows, f"{name}: rows before it")
        for name in ("empty.csv", "empty.json", "empty.jsonl", "header.csv", "header.tsv"):
            scratch.write(name, "a,b\n" if name.startswith("header") else "")
            found = read(scratch, name)
            tap.equal((found.rows, found.failed, found.problem), ([], [], ""), f"{name}: no rows, no error")
        found = read(scratch, ["empty.jsonl", "nowhere.jsonl"])
        tap.contains(found.problem, ["nowhere.jsonl", "No such file"], "a missing file among others is told at once")
        tap.contains(read(scratch, "no*.csv").problem, 'no file matches "no*.csv"', "a pattern that matches nothing")


def bad_rows():
    """What fails a row and leaves the others alone."""
    with host.Scratch() as scratch:
        for name, data, *_ in BAD_ROWS:
            scratch.write(name, data)
        for (name, _, parts, rows), found in zip(BAD_ROWS, read_all(scratch, [([b[0]], {}) for b in BAD_ROWS])):
            tap.contains("\n".join(found.failed), parts, f"{name}: says {', '.join(parts)}")
            tap.equal((len(found.rows), len(found.failed), found.problem), (rows, 1, ""), f"{name}: the other rows are read")


def replaced():
    """--invalid-utf8 replace gives what Python's errors="replace" gives."""
    chance = random.Random(3)
    pieces = [b"a", b"\xc3", b"\xa9", b"\xe2", b"\x82", b"\xac", b"\xf0", b"\x9f", b"\x98", b"\x80", b"\xed\xa0\x80", b"\xff", b"\xf4\x90",
              "é€😀".encode()]
    strings = [b"".join(chance.choices(pieces, k=chance.randint(1, 12))) for _ in range(300)]
    want = [string.decode("utf-8", "replace") for string in strings]
    with host.Scratch() as scratch:
        scratch.write("r.jsonl", b"".join(b'{"t":"' + string + b'"}\n' for string in strings))
        scratch.write("r.json", b"[" + b",".join(b'{"t":"' + string + b'"}' for string in strings) + b"]")
        scratch.write("r.csv", b"t,u\n" + b"".join(b'"' + string + b'""",x\n' for string in strings))
        for name in ("r.jsonl", "r.json", "r.csv"):
            found = read(scratch, name, invalid_utf8="replace")
            mark = '"' if name == "r.csv" else ""
            tap.equal([row[1][0][1] for row in found.rows], [text + mark for text in want], f"{name}: as Python replaces")


def long_rows():
    """Rows of 100 MB, whole and among others."""
    with host.Scratch() as scratch:
        scratch.write("count.lua", 'local f = require "fellowship"; local n = 0\n'
                      'for row in f.rows(arg[1]) do n = n + 1; print(n, #row.t) end')
        filler = "x" * 100_000_000
        for name, text in (("long.jsonl", f'{{"t":"a"}}\n{{"t":"{filler}"}}\n{{"t":"b"}}\n'),
                           ("long.json", f'[{{"t":"a"}},{{"t":"{filler}"}},{{"t":"b"}}]'), ("long.csv", f't\na\n"{filler}"\nb\n')):
            scratch.write(name, text)
            tap.equal(scratch.run("count.lua", name).out, f"1\t1\n2\t{len(filler)}\n3\t1\n", f"{name}: a row of 100 MB")
            (scratch / name).unlink()


# ---- datasets of several files, and commands ----------------------------------------------

def several():
    with host.Scratch() as scratch:
        scratch.write("d/b.csv", "id\nb1\nb2\n")
        scratch.write("d/a.jsonl", '{"id":"a1"}\n')
        scratch.write("d/c[1].json", '[{"id":"c1"}]')
        scratch.write("d/skip.txt", "")
        ids = lambda found: [row[1][0][1] for row in found.rows]
        found = read(scratch, ["d/[ab].*", "d/c[1].json"])
        tap.equal(ids(found), ["a1", "b1", "b2", "c1"], "patterns in order of names; a path that is there is none")
        tap.equal(found.origins, ["d/a.jsonl:1", "d/b.csv:2", "d/b.csv:3", "d/c[1].json:1"], "each row knows its file")
        tap.equal(ids(read(scratch, ["d/[ab].*"], limit=2)), ["a1", "b1"], "a limit counts across files")
        tap.equal(ids(read(scratch, ["d/[ab].*"], shard=[2, 2])), ["b1"], "shards too")
        found = read(scratch, "d/b.csv", columns={"prompt": "id"})
        tap.equal(found.rows[0], ("object", [("prompt", "b1")]), "columns renames a field")
        archive = zipped(zipfile.ZIP_DEFLATED)([("x/one.csv", b"id\n1\n"), ("x/two", b"id\n2\n"), ("x/.hid.csv", b"id\n3\n"),
                                               ("__MACOSX/x/._one.csv", b"\0\1"), ("y/three.csv", b"id\n4\n")])
        scratch.write("m.zip", archive)
        tap.equal(ids(read(scratch, "m.zip")), ["1", "4"], "an archive's data members; hidden ones are none")
        tap.equal(ids(read(scratch, "m.zip", format="csv")), ["1", "2", "4"], "those without an ending when the format is told")
        tap.equal(ids(read(scratch, "m.zip", member="x/*", format="csv")), ["1", "2", "3"], "those that a pattern names")


def from_standard_input():
    with host.Scratch() as scratch:
        scratch.write("ids.lua", 'local f = require "fellowship"\nio.stdout:setvbuf "no"\n'
                      'for row in f.rows("-", { format = arg[1] }) do print(row.id) end')
        for data, arguments, want in (('{"id":1}\n{"id":2}\n', [], "1\n2\n"), (' [{"id":1},{"id":2}]', [], "1\n2\n"),
                                      ("id\n1\n2\n", ["csv"], "1\n2\n"), ("id\tx\n1\t2\n", ["tsv"], "1\n")):
            scratch.write("stdin", data)
            with open(scratch / "stdin", "rb") as stdin:
                tap.equal(scratch.run("ids.lua", *arguments, stdin=stdin).out, want, f"standard input: {data[:12]!r} {arguments}")
        reading, writing = os.pipe()
        process = scratch.start("ids.lua", stdin=reading)
        os.write(writing, b'{"id":1}\n')
        tap.ok(host.until(lambda: os.fstat(process.files[0].fileno()).st_size == 2), "rows of a pipe are read as they come")
        os.write(writing, b'{"id":2}\n')
        os.close(reading)
        os.close(writing)
        tap.equal(scratch.finish(process).out, "1\n2\n", "standard input as a pipe")
        scratch.write("close.lua", """local f = require "fellowship"
io.stdout:setvbuf "no"
local rows = f.rows("-")
local reading = f.spawn(function() return rows:pull() end)
f.sleep(0.05)
rows:close()
print "it is closed"
print(reading:join())
""")
        reading, writing = os.pipe()
        process = scratch.start("close.lua", stdin=reading)
        os.close(reading)
        host.until(lambda: "it is closed" in host.said(process, 0) or process.poll() is not None, host.TIMEOUT)
        os.close(writing)
        tap.contains(scratch.finish(process).out, ["false", "closed"], "rows that are closed while a task waits for one: it is told")


def feedback(scratch, *arguments, out="out"):
    return scratch.run("run", "feedback", "--generator", "sim:w", "--reviewer", "sim:r", "--responses", "1",
                       "--out", out, *arguments)


def commands():
    with host.Scratch() as scratch:
        scratch.write("in/a.csv", "key,instruction,n\nx,Why?,1\ny,How?,z\n")
        scratch.write("in/b.jsonl", '{"key":"z","instruction":"Who?"}\n')
        columns = ["--prompt-column", "instruction", "--id-column", "key"]
        result = feedback(scratch, "--data", "in/*", *columns)
        tap.equal(result.status, 0, "a pattern as --data, and columns by name: status 0")
        made = host.jsonl(scratch / "out/responses.jsonl")
        tap.equal([(row["id"], row["prompt"]) for row in made], [("x", "Why?"), ("y", "How?"), ("z", "Who?")], "its rows")
        identity = json.loads((scratch / "out/run.json").read_text())["identity"]
        tap.equal((len(identity["--data"]), identity["--prompt-column"]), (2, "instruction"), "both files make the run what it is")
        result = feedback(scratch, "--data", "in/a.csv", "--data", "in/b.jsonl", *columns)
        tap.equal(result.status, 0, "the same files named one by one are the same run")
        scratch.write("in/c.jsonl", '{"key":"w","instruction":"When?"}\n')
        tap.equal(feedback(scratch, "--data", "in/*", *columns).status, 2, "another file that the pattern matches is another run")
        scratch.write("in/d.jsonl", '{"key":"z","task":"Who?"}\n')
        result = feedback(scratch, "--data", "in/d.jsonl", out="unnamed")
        errors = (scratch / "unnamed/errors.jsonl").read_text()
        tap.contains(errors, ["in/d.jsonl:1", "prompt", "--prompt-column", "key, task"], "a missing field: the message offers the option")
        result = feedback(scratch, "--data", "in/b.jsonl", "--prompt-column", "instruction", "--id-column", "id", out="noid")
        tap.contains((scratch / "noid/errors.jsonl").read_text(), ["in/b.jsonl:1", '\\"id\\" is missing', "--id-column"], "a named id that is not there")
        result = feedback(scratch, "--data", "in/a.csv", *columns, "--types", "n=integer", out="typed")
        tap.equal((result.status, [e["id"] for e in host.jsonl(scratch / "typed/errors.jsonl")]), (3, [1]), "--types reaches the reader")
        tap.contains((scratch / "typed/errors.jsonl").read_text(), ["in/a.csv:3", '\\"n\\"', '\\"z\\"'], "with its message")
        for arguments, parts in ((["--types", "n"], ["--types", "COLUMN=TYPE"]), (["--types", "n=int"], ["--types", '"int"', "integer"]),
                                 (["--data-format", "xml"], ["--data-format", "jsonl"]), (["--max-expansion", "-1"], ["--max-expansion"])):
            result = feedback(scratch, "--data", "in/b.jsonl", *arguments, out="bad")
            tap.equal(result.status, 2, f"{' '.join(arguments)}: status 2")
            tap.contains(result.err, parts, f"{' '.join(arguments)}: says {', '.join(parts)}")
        result = feedback(scratch, "--data", "nowhere*.csv", out="bad")
        tap.equal(result.status, 2, "a pattern without a match: status 2")
        tap.contains(result.err, ["--data", "nowhere*.csv"], "it names the option and the pattern")
        scratch.write("none.csv", "prompt\n")
        tap.contains(feedback(scratch, "--data", "none.csv", out="none").err, ["no row", "none.csv"], "a dataset without rows is told by name")
        a = "id,q,r\n1,Q1,good\n2,Q2,fine\n"
        scratch.write("a.csv", a)
        scratch.write("b.csv", a.replace("good", "bad").replace("fine", "poor"))
        result = scratch.run("run", "winrate", "--data", "a.csv", "--against", "b.csv", "--evaluator", "judge", "--model", "sim:j",
                             "--prompt-column", "q", "--response-column", "r", "--out", "wins")
        tap.equal((result.status, json.loads((scratch / "wins/results.json").read_text())["n"]), (0, 2), "winrate over tables with columns of their own")


host.need_program()
tap.cases(lossless, tables, soup, cells, bad_files, bad_rows, replaced, long_rows, several, from_standard_input, commands)
