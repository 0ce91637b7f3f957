#!/usr/bin/env python3
"""Rows out: formats, compression, CSV, several files, back-pressure, errors of the disk, kills at any moment."""

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import random
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap

COPY = """local fellowship = require "fellowship"
local out <close> = fellowship.writer(arg[1], %s)
for row in fellowship.rows "rows.jsonl" do out:write(row) end
"""


def copy(scratch, rows, name, options="{}"):
    """Writes rows (a list, or lines of JSON) to a file by a script."""
    scratch.write("rows.jsonl", rows)
    scratch.write("copy.lua", COPY % options)
    return scratch.run("copy.lua", name)


def script(scratch, text, **options):
    scratch.write("script.lua", 'local fellowship = require "fellowship"\n' + text)
    return scratch.run("script.lua", **options)


def refused(scratch, text, parts, name, **options):
    result = script(scratch, text, **options)
    tap.equal(result.status, 1, f"{name}: status 1")
    tap.contains(result.err, parts, f"{name}: {parts}")
    return result


def unzstd(data):
    return subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout


UNPACK = {".gz": gzip.decompress, ".xz": lzma.decompress, ".bz2": bz2.decompress, ".zst": unzstd}


def formats():
    rows = [{"id": i, "text": f"é {i} \n\"", "list": [i, None, {}]} for i in range(3000)]
    plain = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows).encode()
    with host.Scratch() as scratch:
        for name in ("out.jsonl", "out.ndjson", "out"):
            copy(scratch, rows, name)
            tap.equal((scratch / name).read_bytes(), plain, f"{name}: a line a row")
        result = copy(scratch, rows, "out.json")
        tap.equal((result.status, json.loads((scratch / "out.json").read_text())), (0, rows), ".json: one array")
        copy(scratch, [], "empty.json")
        tap.equal(json.loads((scratch / "empty.json").read_text()), [], ".json without rows: an empty array")
        copy(scratch, [], "empty.jsonl")
        tap.equal((scratch / "empty.jsonl").read_bytes(), b"", ".jsonl without rows: an empty file")
        copy(scratch, rows, "out.txt", '{ format = "jsonl" }')
        tap.equal((scratch / "out.txt").read_bytes(), plain, "format says what an ending does not")
        for ending, unpack in UNPACK.items():
            if ending == ".zst" and not shutil.which("zstd"):
                continue
            name = "out.jsonl" + ending
            copy(scratch, rows, name)
            first = (scratch / name).read_bytes()
            tap.equal(unpack(first), plain, f"{ending}: unpacks to the same lines")
            (scratch / name).unlink()
            copy(scratch, rows, name)
            tap.equal((scratch / name).read_bytes(), first, f"{ending}: the same bytes again")
            copy(scratch, rows, name, "{ level = 9 }")
            tap.equal(unpack((scratch / name).read_bytes()), plain, f"{ending}: at level 9")
            copy(scratch, [], name)
            tap.equal(unpack((scratch / name).read_bytes()), b"", f"{ending}: no rows")
        copy(scratch, rows, "out.jsonl.gz")
        tap.equal((scratch / "out.jsonl.gz").read_bytes()[:8], bytes.fromhex("1f8b080000000000"),
                  "gzip holds no time and no name")
        tap.equal([path.name for path in scratch.path.glob("*.partial")], [], "nothing stays .partial")


def csv_cells():
    text = ['', ' ', ' a ', 'a,b', 'a\tb', 'a"b', '""', '"', 'a\nb', 'a\r\nb', '\r', '\n', 'é 東京 😀', "'", 'a;b', '\ufeffa',
            'null', 'true', '1.50', '=1+1', '\x00', '\x7f', 'x' * 10_000, '"' * 1000, '\\', '\\n', '\u2028']
    noise = random.Random(4)
    table = [[noise.choice(text) for _ in range(4)] for _ in range(500)] + [[""] * 4]
    for ending, delimiter in ((".csv", ","), (".tsv", "\t")):
        with host.Scratch() as scratch:
            names = ["id", "a,b\t", 'q"', "é"]
            copy(scratch, [dict(zip(names, row)) for row in table], "out" + ending)
            data = (scratch / ("out" + ending)).read_bytes().decode()
            got = list(csv.reader(io.StringIO(data, newline=""), delimiter=delimiter, strict=True))
            tap.equal(got, [names, *table], f"{ending}: 500 hostile rows as Python's csv module reads them")
    with host.Scratch() as scratch:
        copy(scratch, '{"t":"x","n":1.50,"i":12345678901234567890,"e":1E5,"b":true,"f":false,"z":null,"l":[1.10,"a"],"o":{}}\n'
                      '{"n":-0.0,"t":""}\n{}\n', "out.csv")
        tap.equal((scratch / "out.csv").read_text(),
                  't,n,i,e,b,f,z,l,o\nx,1.50,12345678901234567890,1E5,true,false,,"[1.10,""a""]",{}\n,-0.0,,,,,,,\n,,,,,,,,\n',
                  "numbers as the source has them, null and missing keys as empty cells, tables as JSON")
        copy(scratch, [{"only": ""}, {"only": "x"}, {}], "one.csv")
        tap.equal((scratch / "one.csv").read_text(), 'only\n""\nx\n""\n', "an empty cell alone is no empty line")
        copy(scratch, [{"b": 1, "a": 2}], "order.csv", '{ columns = { "a", "c", "b" } }')
        tap.equal((scratch / "order.csv").read_text(), "a,c,b\n2,,1\n", "columns gives the order")
        copy(scratch, [], "none.csv", '{ columns = { "a", "b" } }')
        tap.equal((scratch / "none.csv").read_text(), "a,b\n", "columns without rows: the header")
        copy(scratch, [], "nothing.csv")
        tap.equal((scratch / "nothing.csv").read_text(), "", "no rows and no columns: an empty file")


def csv_refusals():
    with host.Scratch() as scratch:
        for rows, parts in ((['{ a = 1 }', '{ a = 1, b = 2 }'], ["row 2", '"b"', "(a)", "columns ="]),
                            (['{ a = 1 }', '{ "x" }'], ["row 2", "elements"]),
                            (['{}'], ["out.csv", "columns ="]),
                            ([r'{ a = "\xff" }'], ["row 1", '"a"', "UTF-8", "byte 1"]),
                            ([r'{ a = "x\xed\xa0\x80" }'], ["row 1", "surrogate", "byte 2"]),
                            (['{ a = print }'], ["row 1", "function", "a"]),
                            (['{ a = 0/0 }'], ["row 1", "NaN"])):
            refused(scratch, f'local out <close> = fellowship.writer "out.csv"\n'
                             f'for _, row in ipairs {{ {", ".join(rows)} }} do out:write(row) end', parts, f"CSV {rows[-1]}")
            tap.ok(not (scratch / "out.csv").exists(), f"CSV {rows[-1]}: what was written stays .partial")
        result = script(scratch, 'local out <close> = fellowship.writer "kept.csv"\nout:write { a = 1 }\n'
                                 'print(pcall(out.write, out, { a = 2, b = 3 }))\nout:write { a = 4 }')
        tap.equal((result.status, (scratch / "kept.csv").read_text()), (0, "a\n1\n4\n"), "a refused row leaves no part behind")
        result = script(scratch, 'local out <close> = fellowship.writer "kept.jsonl"\nout:write { a = 1 }\n'
                                 'print(pcall(out.write, out, { a = 2, b = { print } }))\nout:write { a = 4 }')
        tap.contains(result.out, ["row 2", "function", "b"], "a row that JSON cannot hold is named")
        tap.equal((scratch / "kept.jsonl").read_text(), '{"a":1}\n{"a":4}\n', "and leaves no part behind either")


def order_of_keys():
    with host.Scratch() as scratch:
        scratch.write("order.lua", """local f = require "fellowship"
for _, name in ipairs { "out.jsonl", "out.json" } do
  local out <close> = f.writer(name, { columns = { "id", "z" } })
  out:write { z = 1, a = 2, id = 3 }
  out:write(f.json.decode '{"b":1,"z":2,"id":3}')
  out:write { a = 1 }
end
""")
        tap.equal(scratch.run("order.lua").status, 0, "columns of JSON")
        want = ['{"id":3,"z":1,"a":2}', '{"id":3,"z":2,"b":1}', '{"a":1}']
        tap.equal((scratch / "out.jsonl").read_text().splitlines(), want, "say the order of keys, others behind")
        tap.equal("".join((scratch / "out.json").read_text().split()), "[" + ",".join(want) + "]", "in an array too")


def growing():
    """A file that is being written has its rows soon, so that one can look."""
    with host.Scratch() as scratch:
        scratch.write("slow.lua", """local f = require "fellowship"
for _, name in ipairs { "out.jsonl", "out.json", "out.csv" } do
  local out <close> = f.writer(name)
  for i = 1, 3 do
    out:write { id = i, text = "row " .. i }
    local seen = ""
    for _ = 1, 1000 do
      local file <close> = io.open(name .. ".partial")
      seen = file:read "a"
      if seen:find("row " .. i, 1, true) then break end
      f.sleep(0.01)
    end
    print(name, i, seen:find("row " .. i, 1, true) ~= nil, select(2, seen:gsub("row", "")))
  end
end
""")
        tap.equal(scratch.run("slow.lua").out.splitlines(), [f"{name}\t{i}\ttrue\t{i}" for name in ("out.jsonl", "out.json", "out.csv")
                                                             for i in (1, 2, 3)], "row by row")


def arguments():
    with host.Scratch() as scratch:
        (scratch / "folder").mkdir()
        (scratch / "file").write_text("")
        for call, parts in (('("out.jsonl", { shard = 2 })', ['"shard"', "sharded"]),
                            ('("out.jsonl", { format = "xml" })', ["format", "xml", "tsv"]),
                            ('("out.jsonl", { level = 3 })', ["level", "out.jsonl"]),
                            ('("out.jsonl.gz", { level = 77 })', ["gzip", "level 77"]),
                            ('("out.jsonl", { max_rows = 2 })', ["max_rows", "sharded"]),
                            ('("out.jsonl", { sharded = true, max_bytes = 0 })', ["max_bytes", "1 or more"]),
                            ('("out.csv", { columns = { 1 } })', ["column 1", "string"]),
                            ('"-"', ["name of a file"]), ('(7)', ["string"]),
                            ('"missing/out.jsonl"', ["missing/out.jsonl", "No such file"]),
                            ('"file/out.jsonl"', ["file/out.jsonl", "Not a directory"])):
            refused(scratch, f"fellowship.writer{call}", parts, f"writer{call}")
        refused(scratch, 'local out <close> = fellowship.writer "out.xyz"\nout:write { a = 1 }',
                ["out.xyz", "no format", ".csv", "format ="], "rows for an unknown ending")
        script(scratch, 'local out <close> = fellowship.writer "note.md"\nout:write_text "hello"')
        tap.equal((scratch / "note.md").read_text(), "hello", "text goes into any file")
        refused(scratch, 'local out <close> = fellowship.writer "folder"\nout:write { a = 1 }', ["folder", "it is a folder"],
                "the name of a folder")
        refused(scratch, 'local out = fellowship.writer "out.jsonl"\nout:write "text"', ["row", "table"], "a text as a row")
        if os.geteuid() != 0:
            (scratch / "folder").chmod(0o500)
            refused(scratch, 'fellowship.writer "folder/out.jsonl"', ["folder/out.jsonl", "Permission denied"], "a read-only folder")


ROWS = [{"id": i, "text": "word " * (i % 50)} for i in range(2000)]


def shards_of(folder, pattern="out-*"):
    return {path.name: path.read_bytes() for path in sorted(folder.glob(pattern))}


def shards():
    with host.Scratch() as scratch:
        copy(scratch, ROWS, "out.jsonl")
        whole = (scratch / "out.jsonl").read_bytes()
        (scratch / "out.jsonl").unlink()
        others = ("out-00000-of-00001.csv", "outer-00000-of-00001.jsonl", "out-x-of-y.jsonl", "out.jsonl.gz", "out-00000.jsonl")
        for name in others:
            scratch.write(name, "kept")
        copy(scratch, ROWS, "out.jsonl", "{ sharded = true }")
        one = shards_of(scratch.path, "out-*-of-*.jsonl")
        tap.equal(one.pop("out-x-of-y.jsonl"), b"kept", "other names are left alone")
        tap.equal(one, {"out-00000-of-00001.jsonl": whole}, "all in one file when it fits")
        for options, count in (("max_rows = 600", 4), ("max_rows = 2000", 1), ("max_bytes = 100000", None), ("max_rows = 1000", 2)):
            copy(scratch, ROWS, "out.jsonl", "{ sharded = true, %s }" % options)
            first = shards_of(scratch.path, "out-0*-of-0*.jsonl")
            count = count or len(first)
            tap.equal(list(first), [f"out-{i:05}-of-{count:05}.jsonl" for i in range(count)], f"{options}: {count} files, no others")
            tap.equal(b"".join(first.values()), whole, f"{options}: all rows in order")
            tap.ok(all(part.endswith(b"}\n") for part in first.values()), f"{options}: whole lines in each")
            copy(scratch, ROWS, "out.jsonl", "{ sharded = true, %s }" % options)
            tap.equal(shards_of(scratch.path, "out-0*-of-0*.jsonl"), first, f"{options}: the same again")
        copy(scratch, ROWS, "out.jsonl.gz", "{ sharded = true, max_rows = 1500 }")
        tap.equal(list(shards_of(scratch.path, "out-0*-of-*.jsonl*")), ["out-00000-of-00002.jsonl.gz", "out-00001-of-00002.jsonl.gz"],
                  "compressed ones take the place of plain ones")
        tap.equal([name for name in others if (scratch / name).read_bytes() != b"kept" and not name.endswith("gz")], [],
                  "files of other names, formats or without a count stay")
        copy(scratch, ROWS, "data.csv", "{ sharded = true, max_rows = 1500 }")
        tap.equal([path.read_text().split("\n")[0] for path in sorted(scratch.path.glob("data-*"))], ["id,text"] * 2,
                  "CSV: each file has the header")
        copy(scratch, [], "none.jsonl", "{ sharded = true }")
        tap.equal(shards_of(scratch.path, "none*"), {"none-00000-of-00001.jsonl": b""}, "no rows: one empty file")
        before = shards_of(scratch.path, "out-0*-of-*.jsonl*")
        refused(scratch, 'local out <close> = fellowship.writer("out.jsonl.gz", { sharded = true, max_rows = 1 })\n'
                         'for i = 1, 5 do out:write { id = i } end error "stop"', ["stop"], "an error in the middle")
        tap.equal(shards_of(scratch.path, "out-0*-of-*.jsonl*"), before, "leaves the files of before")
        tap.equal(len(list(scratch.path.glob("out-*.partial"))), 5, "and its own .partial")
        copy(scratch, ROWS, "out.jsonl", "{ sharded = true }")
        tap.equal(list(shards_of(scratch.path, "out-0*-of-*")), ["out-00000-of-00001.csv", "out-00000-of-00001.jsonl"],
                  "a rerun that ends takes the place of all")
        tap.equal(list(scratch.path.glob("out-*.partial")), [], "and takes the .partial away")


def back_pressure():
    """The disk takes nothing until another task has run meanwhile."""
    with tempfile.TemporaryDirectory() as folder, host.Scratch() as scratch:
        scratch.write("script.lua", """local fellowship = require "fellowship"
        local started = false
        fellowship.spawn(function()
          while not started do fellowship.sleep(0.01) end
          fellowship.sleep(0.1)
          assert(io.open("ticked", "w")):close()
        end)
        local out <close> = fellowship.writer "out.jsonl"
        local tasks = {}
        for i = 1, 8 do
          tasks[i] = fellowship.spawn(function()
            for j = 1, 100 do
              started = true
              out:write { task = i, row = j, text = ("x"):rep(10000) }
            end
          end)
        end
        fellowship.spawn(function() fellowship.sleep(0.05) tasks[8]:cancel() end)
        for i = 1, 7 do tasks[i]:await() end
        """)
        process = scratch.start("script.lua", env={"LD_PRELOAD": host.preloaded(folder, "slow_disk"), "SLOW_DISK_UNTIL": str(scratch / "go")})
        ticked = host.until(lambda: (scratch / "ticked").exists(), 20)
        tap.ok(ticked, "other tasks run while the disk keeps a writer waiting")
        scratch.write("go", "")
        result = scratch.finish(process)
        tap.equal((result.status, result.err), (0, ""), "the writers go on when it takes them")
        rows = host.jsonl(scratch / "out.jsonl")
        for i in range(1, 8):
            tap.equal([row["row"] for row in rows if row["task"] == i], list(range(1, 101)), f"task {i}: its rows in order")
        numbers = [row["row"] for row in rows if row["task"] == 8]
        tap.equal(numbers, list(range(1, len(numbers) + 1)), f"the cancelled task: its first {len(numbers)} rows")
        tap.ok(len(numbers) < 100, "and not all of them")


def in_place():
    with host.Scratch() as scratch:
        result = script(scratch, """local out <close> = fellowship.writer "out.jsonl.gz"
        local n = 0
        local function write() n = n + 1 out:write { n = n, text = ("%d "):format(n):rep(5000) } end
        ;("x"):rep(100):gsub("x", write)
        local list = {}
        for i = 1, 50 do list[i] = -i end
        table.sort(list, function(a, b) write() return a < b end)
        setmetatable({}, { __gc = write })
        collectgarbage()
        for i = 1, 100 do write() end
        print(n)""")
        numbers = [json.loads(line)["n"] for line in gzip.decompress((scratch / "out.jsonl.gz").read_bytes()).splitlines()]
        tap.equal((result.status, numbers), (0, list(range(1, int(result.out) + 1))),
                  "where Lua cannot suspend the program waits, and every row is there in order")
        result = script(scratch, """do
          local out <close> = setmetatable({}, { __close = function()
            local mine <close> = fellowship.writer "closing.jsonl"
            for i = 1, 2000 do mine:write { i = i, text = ("y"):rep(1000) } end
          end })
          error "first"
        end""")
        tap.contains(result.err, "first", "an error with a writer in its close handler is that error")
        tap.equal((scratch / "closing.jsonl").read_bytes().count(b"\n"), 2000, "and the handler's file is complete")


LIMIT = 1_000_000


def full_disk():
    write = 'local out <close> = fellowship.writer("%s")\nfor i = 1, %d do out:write { i = i, t = tostring(i * 7919 %% 65537):rep(20) } end'
    with host.Scratch() as scratch, host.small_disk(scratch / "small", "64k") as small:
        (small / "out.jsonl").write_text("old\n")
        for ending in ("", ".gz"):
            for rows in (100_000, 1):
                if rows == 1:
                    (small / f"out.jsonl{ending}.partial").unlink()
                    fill(small / "filler")
                refused(scratch, write % ("small/out.jsonl" + ending, rows),
                        [f"cannot write small/out.jsonl{ending}: No space left on device"], f"a full disk, {rows} rows{ending}")
            (small / "filler").unlink()
        tap.equal((small / "out.jsonl").read_text(), "old\n", "a full disk: the file of before stays")
        result = script(scratch, """local out = fellowship.writer "small/kept.jsonl"
        local well, first
        repeat well, first = pcall(out.write, out, { t = ("x"):rep(100000) }) until not well
        local again, second = pcall(out.write, out, { t = 1 })
        local closed, third = pcall(out.close, out)
        print(again, closed, first.kind, tostring(first) == tostring(second) and tostring(second) == tostring(third))""")
        tap.equal(result.out, "false\tfalse\tfile\ttrue\n", "each later write and the close say it again")
        tap.ok(not (small / "kept.jsonl").exists(), "nothing gets the name of a complete file")


def fill(path):
    """Takes what a disk has left."""
    with open(path, "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            pass


def limited():
    write = 'local out <close> = fellowship.writer("%s")\nfor i = 1, %d do out:write { i = i, t = tostring(i * 7919 %% 65537):rep(20) } end'
    with host.Scratch() as scratch:
        result = script(scratch, write % ("out.jsonl", 100_000),
                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT)))
        tap.equal(result.status, 1, "a file that may not grow: status 1")
        tap.contains(result.err, "cannot write out.jsonl: File too large", "and says so")
        left = (scratch / "out.jsonl.partial").read_bytes()
        tap.ok(0 < len(left) <= LIMIT and left.endswith(b"}\n"), f"what is left ({len(left)} bytes) is whole lines")


def standing():
    """What stands where a file is to be: nothing but an ordinary file is replaced or written through."""
    one = 'local out <close> = fellowship.writer("%s")\nout:write { a = 1 }'
    with host.Scratch() as scratch:
        kept = scratch.write("kept.txt", "kept\n")
        os.mkfifo(scratch / "pipe")
        os.mkdir(scratch / "folder")
        os.symlink("kept.txt", scratch / "link")
        os.symlink("nowhere", scratch / "dangling")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(scratch / "socket"))
        with sqlite3.connect(scratch / "other.db") as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("CREATE TABLE t(x)")
            for name, what in (("pipe", "a named pipe"), ("folder", "a folder"), ("link", "a symbolic link"), ("dangling", "a symbolic link"),
                               ("socket", "a socket"), ("other.db", "an SQLite database"), ("other.db-wal", "a part of an SQLite database"),
                               ("/dev/full", "a device"), ("/dev/null", "a device")):
                refused(scratch, one % name, [f"cannot write {name}: it is {what}", "another"], name)
        db.close()
        tap.ok(not list(scratch.path.glob("*.partial")), "nothing was begun")
        result = script(scratch, """local out = fellowship.writer "late.jsonl"
        out:write { a = 1 }
        os.execute "mkfifo late.jsonl"
        print(pcall(out.close, out))""")
        tap.contains(result.out, ["false", "late.jsonl: it is a named pipe"], "what comes in the way meanwhile is seen too")
        tap.equal((scratch / "late.jsonl.partial").read_text(), '{"a":1}\n', "and the rows stay beside it")

        for make in (lambda at: os.symlink("kept.txt", at), os.mkfifo, os.mkdir):
            at = scratch / "planted.jsonl.partial"
            make(at)
            refused(scratch, one % "planted.jsonl", ["planted.jsonl", ".partial, is no ordinary file"], "something else where the rows go first")
            at.rmdir() if at.is_dir() else at.unlink()
        os.link(kept, scratch / "linked.jsonl.partial")
        tap.equal(script(scratch, one % "linked.jsonl").status, 0, "a hard link there is parted from its other name")
        tap.equal(kept.read_text(), "kept\n", "no other file was touched")

        scratch.write("slow.lua", 'local fellowship = require "fellowship"\nlocal task = require "fellowship.core.task"\n'
                      'local out <close> = fellowship.writer "one.jsonl"\nout:write { a = 1 }\nprint "open"\nio.stdout:flush()\ntask.sleep(60)')
        process = scratch.start("slow.lua")
        host.until(lambda: (scratch / "one.jsonl.partial").exists())
        time.sleep(0.2)
        refused(scratch, one % "one.jsonl", ["cannot write one.jsonl: another writer"], "a second process for the same file")
        process.kill()
        scratch.finish(process)
        tap.equal(script(scratch, one % "one.jsonl").status, 0, "once the first has died, it may be written")
        tap.equal((scratch / "one.jsonl").read_text(), '{"a":1}\n', "as a whole")
        result = script(scratch, """local a = fellowship.writer "two.jsonl"
        print(pcall(fellowship.writer, "two.jsonl"))
        a:write { a = 1 }
        a:close()""")
        tap.contains(result.out, "another writer", "two writers of one process for one file")
        result = script(scratch, """do fellowship.writer "left.jsonl":write { a = 1 } end
        local out <close> = fellowship.writer "left.jsonl"
        out:write { a = 2 }""")
        tap.equal((result.status, (scratch / "left.jsonl").read_text()), (0, '{"a":2}\n'), "one that was left open is no hindrance")
        tap.equal((scratch / "two.jsonl").read_text(), '{"a":1}\n', "the first has it")


KILLED = """local fellowship = require "fellowship"
local out <close> = fellowship.writer(arg[1], %s)
for row in fellowship.rows "rows.jsonl" do out:write(row) end
"""


def kills():
    """What a kill leaves is the old file, or whole lines beside it; a rerun ends with the same bytes."""
    noise = random.Random(5)
    rows = [{"id": i, "text": noise.randbytes(400).hex()} for i in range(30_000)]
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", rows)
        plain = (scratch / "rows.jsonl").read_bytes()
        for name, options, pattern in (("out.jsonl", "{}", "out.jsonl"), ("out.jsonl.gz", "{ level = 1 }", "out.jsonl.gz"),
                                       ("out.jsonl", "{ sharded = true, max_rows = 9000 }", "out-*-of-*.jsonl")):
            scratch.write("kill.lua", KILLED % options)
            label = f"{name} {options}"
            start = time.monotonic()
            tap.equal(scratch.run("kill.lua", name).status, 0, f"{label}: an undisturbed run")
            length, want = time.monotonic() - start, shards_of(scratch.path, pattern)
            lines = [json.dumps(row, separators=(",", ":")) for row in rows]
            torn = 0
            for number in range(6):
                for path in [*scratch.path.glob("out*.partial"), *scratch.path.glob(pattern)]:
                    path.unlink()
                old = {path: b"old\n" for path in want if number % 2}
                for path in old:
                    (scratch / path).write_bytes(b"old\n")
                process = scratch.start("kill.lua", name)
                time.sleep(noise.uniform(0.02, length))
                process.kill()
                scratch.finish(process)
                for path, content in shards_of(scratch.path, pattern).items():
                    tap.ok(content in (old.get(path), want.get(path)), f"{label}: after a kill {path} is the old file or the new one")
                if not name.endswith(".gz"):
                    for path in sorted(scratch.path.glob("out*.partial")):
                        content = path.read_bytes()
                        # The kernel may stop copying a piece at a page: then the very last line is cut.
                        body, _, rest = content.rpartition(b"\n")
                        torn += rest != b""
                        first = int(path.name[4:9]) * 9000 if "sharded" in options else 0
                        got = body.decode().split("\n") if body else []
                        tap.ok(got == lines[first:first + len(got)], f"{label}: {path.name} has {len(got)} whole lines")
                tap.equal(scratch.run("kill.lua", name).status, 0, f"{label}: the rerun ends")
                tap.ok(shards_of(scratch.path, pattern) == want, f"{label}: with the bytes of an undisturbed run")
                tap.equal(list(scratch.path.glob("out*.partial")), [], f"{label}: and nothing .partial")
            tap.diag(f"{label}: {torn} of the files held a line that was cut")
        tap.ok(len(plain) > 20_000_000, "over 20 MB each time")


host.need_program()
tap.cases(formats, csv_cells, csv_refusals, order_of_keys, growing, arguments, shards, back_pressure, in_place, full_disk, limited, standing, kills)
