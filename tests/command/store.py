#!/usr/bin/env python3
"""The store's commands: ls, show, export, import, why, prune; and a store that is damaged."""

import hashlib
import json
import os
import random
import resource
import signal
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub

ASK = """
local fellowship = require "fellowship"
local model = fellowship.model(arg[1])
for row, answer in fellowship.map(fellowship.rows(arg[2]), function(row) return model:ask(row.prompt).text end) do
  print(row.id, answer)
end
"""


def filled(scratch, rows=40):
    scratch.write("ask.lua", ASK)
    scratch.prompts(rows)
    for model in ("openai:red", "openai:blue"):
        result = scratch.run("--store", "store.db", "ask.lua", model, "rows.jsonl")
        if result.status:
            raise RuntimeError(str(result))


def store(scratch, *arguments):
    return scratch.run("store", *arguments, "--store", "store.db")


def looking():
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch)
        listed = store(scratch, "ls").out.splitlines()
        tap.equal(len(listed), 80, "ls: a line for each completion")
        tap.equal(len(store(scratch, "ls", "--model", "blue").out.splitlines()), 40, "ls --model: those of one model")
        tap.equal(store(scratch, "ls", "--limit", "3").out.splitlines(), listed[-3:], "ls --limit: the last ones")
        key = listed[0].split()[0]
        shown = json.loads(store(scratch, "show", key).out)
        tap.ok(shown["key"].startswith(key), "show: by the beginning of a key")
        tap.contains(shown["request"]["messages"][0]["content"], "<row-", "show: the request")
        tap.equal(shown["wire"]["model"], "red", "show: what was sent")
        tap.equal(store(scratch, "show", "ffffffffff").status, 1, "show: no such key is status 1")
        tap.equal(store(scratch, "lss").status, 2, "an unknown verb is status 2")
        tap.contains(store(scratch, "lss").err, '"ls"', "which says what was meant")
        tap.contains(store(scratch, "--help").out, ["prune", "why", "import"], "help names the verbs")


def moving():
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch)
        tap.equal(store(scratch, "export", "one.jsonl").summary, {"exported": 80}, "export")
        again = scratch.run("store", "import", "one.jsonl", "--store", "other.db")
        tap.equal(again.summary, {"added": 80, "known": 0}, "import into a new store")
        scratch.run("store", "export", "two.jsonl", "--store", "other.db")
        tap.equal((scratch / "two.jsonl").read_bytes(), (scratch / "one.jsonl").read_bytes(), "export of it: the same bytes")
        calls = len(server.log())
        scratch.run("--store", "other.db", "ask.lua", "openai:red", "rows.jsonl")
        tap.equal(len(server.log()), calls, "a run over it asks nothing")


def recordings():
    """Recordings as other programs leave them, and other stores: each completion once, and none that is not what it says."""
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch)
        store(scratch, "export", "one.jsonl")
        whole = (scratch / "one.jsonl").read_bytes()
        lines = whole.splitlines(keepends=True)
        piped = scratch.run("store", "export", "-", "--store", "store.db")
        tap.equal((piped.out.encode(), json.loads(piped.err)), (whole, {"exported": 80}), "export -: the recording on standard output")
        tap.equal(store(scratch, "export", "one.jsonl.gz").status, 0, "export to a compressed file")

        def imported(*files, into="fresh.db", **options):
            (scratch / into).unlink(missing_ok=True)
            result = scratch.run("store", "import", *files, "--store", into, **options)
            again = scratch.run("store", "export", "again.jsonl", "--store", into)
            return result, (scratch / "again.jsonl").read_bytes() if again.status == 0 else None

        for name, content in (("spaced.jsonl", b"".join(json.dumps(json.loads(line), ensure_ascii=False).encode() + b"\n" for line in lines)),
                              ("windows.jsonl", whole.replace(b"\n", b"\r\n")), ("blank.jsonl", whole.replace(b"\n", b"\n\n")),
                              ("unended.jsonl", whole[:-1]), ("turned.jsonl", b"".join(reversed(lines))),
                              ("twice.jsonl", whole + whole), ("again.jsonl.gz", None)):
            if content is not None:
                scratch.write(name, content)
            else:
                name = "one.jsonl.gz"
            result, back = imported(name)
            tap.equal((result.summary, back == whole), ({"added": 80, "known": 80 if name == "twice.jsonl" else 0}, True), f"{name}: comes back the same")
        with open(scratch / "one.jsonl", "rb") as stdin:
            tap.equal(imported("-", stdin=stdin)[0].summary, {"added": 80, "known": 0}, "from standard input")

        half, rest = lines[:30], lines[20:]
        scratch.write("a.jsonl", b"".join(half))
        scratch.write("b.jsonl", b"".join(rest))
        tap.equal(imported("a.jsonl", "b.jsonl")[0].summary, {"added": 80, "known": 10}, "several files, which have some in common")
        tap.equal(imported("store.db")[0].summary, {"added": 80, "known": 0}, "another store")
        result, back = imported("store.db", "one.jsonl", "store.db")
        tap.equal((result.summary, back == whole), ({"added": 80, "known": 160}, True), "a store, its recording and itself again: once")
        version_1(scratch, host.jsonl(scratch / "one.jsonl"))
        result, back = imported("old.db")
        tap.equal((result.summary, back == whole), ({"added": 80, "known": 0}, True), "a store of version 1")
        tap.equal(store(scratch, "import", "store.db").status, 2, "a store into itself: status 2")
        for content, part in ((whole.replace(b"item <row-3>", b"item <row-4>", 1), ["bad.jsonl:", "the key is not that of the request"]),
                              (whole.replace(b'"wire":{', b'"wired":{', 1), ["bad.jsonl:1", '"wire" is missing']),
                              (whole[:-40], ["bad.jsonl:80"]), (b"hello\n", ["bad.jsonl:1"]), (b"{}\n", ["bad.jsonl:1", "is missing"])):
            scratch.write("bad.jsonl", content)
            result, back = imported("bad.jsonl")
            tap.equal(result.status, 1, f"a recording that is none: status 1")
            tap.contains(result.err, part, f"which says {part}")
        with sqlite3.connect(scratch / "foreign.db") as db:
            db.execute("CREATE TABLE t(x)")
        db.close()
        tap.contains(imported("foreign.db")[0].err, "another application's", "another application's database is no store")
        hurt = bytearray((scratch / "store.db").read_bytes())
        at = hurt.rindex(b"\x28\xb5\x2f\xfd") + 40
        hurt[at] ^= 4
        (scratch / "hurt.db").write_bytes(hurt)
        result = imported("hurt.db")[0]
        tap.equal(result.status, 1, "a store with a flipped bit in a record: status 1")
        tap.contains(result.err, ["hurt.db", "damaged", "store export"], "which names it, and what helps")


def finding():
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch)
        keys = [row["key"] for row in (json.loads(line) for line in scratch.run("store", "export", "-", "--store", "store.db").out.splitlines())]
        shown = [json.loads(store(scratch, "show", key).out)["key"] for key in keys[:5]]
        tap.equal(shown, keys[:5], "show: by the whole key")
        tap.equal(json.loads(store(scratch, "show", keys[7].upper()[:20]).out)["key"], keys[7], "in capitals too")
        first = keys[0][0]
        many = sum(key[0] == first for key in keys)
        result = store(scratch, "show", first)
        tap.ok(result.status == 2 and f"{many} completions begin with {first}" in result.err, f"{many} completions begin with {first}", result)
        for bad in ("xyz", "--", "", "a" * 65):
            tap.equal(store(scratch, "show", bad).status, 2, f'show "{bad}": status 2')
        version_1(scratch, host.jsonl(scratch.run("store", "export", "one.jsonl", "--store", "store.db") and scratch / "one.jsonl"))
        tap.equal(json.loads(scratch.run("store", "show", keys[3][:16], "--store", "old.db").out)["key"], keys[3], "in a store of version 1")


def full_while_pruning():
    """There is no room to make the file smaller: what was taken out is gone all the same, and said to be."""
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch, 400)
        scratch.prompts(5)
        scratch.run("--store", "store.db", "ask.lua", "openai:green", "rows.jsonl")
        size = (scratch / "store.db").stat().st_size
        result = scratch.run("store", "prune", "--model", "green", "--yes", "--store", "store.db",
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2)))
        tap.equal((result.status, result.summary), (0, {"pruned": 5}), "prune without room for VACUUM says what was pruned")
        tap.contains(result.err, ["5 completions are gone", "could not be made smaller"], "and that the file stays as large")
        tap.equal(len(store(scratch, "ls").out.splitlines()), 800, "the others stay")
        tap.equal(store(scratch, "export", "rest.jsonl").summary, {"exported": 800}, "and are sound")


def moved_away():
    """A run whose store is moved ends, says so, and what it paid for is there when the store is back."""
    with Stub(latency_ms=10) as server, host.Scratch(server.url) as scratch:
        scratch.write("ask.lua", ASK)
        scratch.prompts(3000)
        process = scratch.start("--store", "store.db", "ask.lua", "openai:red", "rows.jsonl")
        host.until(lambda: len(server.log()) > 200)
        os.rename(scratch / "store.db", scratch / "elsewhere.db")
        result = scratch.finish(process)
        tap.equal(result.status, 1, "the run ends with status 1")
        tap.contains(result.err, ["store.db was moved, removed or replaced", "bring it back"], "and says what has happened")
        answered = sum(e["status"] == 200 for e in server.log())
        tap.ok(answered < 1500, f"soon: {answered} of 3,000 calls were answered")
        os.rename(scratch / "elsewhere.db", scratch / "store.db")
        stored = len(store(scratch, "ls").out.splitlines())
        tap.ok(answered - stored <= 16, f"once it is back it has {stored} of them")


def places():
    """The store's modes, and what must not be taken for a recording's place."""
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.write("ask.lua", ASK)
        scratch.prompts(3)
        os.umask(0o022)
        scratch.run("ask.lua", "openai:red", "rows.jsonl")
        modes = [oct((scratch / name).stat().st_mode & 0o777) for name in (".fellowship", ".fellowship/store.db")]
        tap.equal(modes, ["0o700", "0o600"], "a store and its folder are their owner's alone")
        filled(scratch)
        whole = (scratch / "store.db").read_bytes()
        for target in ("store.db", "home/../store.db"):
            result = store(scratch, "export", target)
            tap.equal(result.status, 1, f"export {target}: refused")
            tap.contains(result.err, "an SQLite database, as stores are", "which says why")
        tap.equal((scratch / "store.db").read_bytes(), whole, "the store is as it was")
        result = store(scratch, "export", "/dev/full")
        tap.equal(result.status, 1, "a device is not replaced")
        tap.ok(not os.path.isfile("/dev/full"), "nor removed")
        tap.equal(scratch.run("run", "judge", "--out", "", "--data", "rows.jsonl", "--model", "sim:x").status, 2, '--out "": status 2')


def why():
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch)
        scratch.write("near.jsonl", [{"id": "n", "prompt": "Explain item <row-7> in a few lines."}])
        result = scratch.run("--offline", "--store", "store.db", "ask.lua", "openai:red?temperature=0", "near.jsonl")
        tap.equal(result.status, 3, "an offline miss is status 3")
        said = store(scratch, "why", "ask.errors.jsonl").out
        tap.contains(said, ["not among 80", "params.temperature is 0, stored is absent", "messages[1].content differs from",
                            "lines", "words"], "why: the nearest stored call and what differs")
        request = json.loads(store(scratch, "show", store(scratch, "ls").out.split()[0]).out)["request"]
        tap.contains(store(scratch, "why", json.dumps(request)).out, "the store has it", "why: a call that it has")
        tap.equal(store(scratch, "why", "{}").status, 1, "why: no request is status 1")


def modes():
    """A store holds what was asked: it is its owner's, whatever the umask gives to others."""
    with host.Scratch() as scratch:
        scratch.write("ask.lua", 'require "fellowship".model "sim:m":ask "x"')
        result = scratch.run("--store", "deep/er/store.db", "ask.lua", preexec_fn=lambda: os.umask(0))
        tap.equal(result.status, 0, "a store in folders that are made")
        modes = {name: (scratch / name).stat().st_mode & 0o777 for name in ("deep", "deep/er", "deep/er/store.db")}
        tap.equal(modes, {"deep": 0o700, "deep/er": 0o700, "deep/er/store.db": 0o600}, "none of it is for others")


def prune():
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch, 400)
        size = (scratch / "store.db").stat().st_size
        tap.equal(store(scratch, "prune").status, 2, "prune without a choice is status 2")
        tap.equal(store(scratch, "prune", "--before", "2001-02-03", "--yes").summary, {"pruned": 0}, "nothing is so old")
        tap.equal(store(scratch, "prune", "--model", "blue").summary, {"would_prune": 400}, "prune counts first")
        tap.equal(len(store(scratch, "ls").out.splitlines()), 800, "and takes nothing")
        tap.equal(store(scratch, "prune", "--model", "blue", "--yes").summary, {"pruned": 400}, "prune --yes does it")
        tap.equal(len(store(scratch, "ls").out.splitlines()), 400, "the others stay")
        tap.ok((scratch / "store.db").stat().st_size < 0.7 * size, "the file is smaller")
        calls = len(server.log())
        scratch.run("--store", "store.db", "ask.lua", "openai:red", "rows.jsonl")
        tap.equal(len(server.log()), calls, "what stayed is found")
        scratch.run("--store", "store.db", "ask.lua", "openai:blue", "rows.jsonl")
        tap.equal(len(server.log()) - calls, 400, "what went is asked again")


def kinds():
    """What prune takes, by the model, the day and whether it failed, is what those completions themselves say."""
    draw = random.Random(7)
    lines, kept = [], []
    for number in range(300):
        provider, model = draw.choice(["together", "openai"]), draw.choice(["green", 'a "green" \\ one', "grün", "blue", "error"])
        request = {"v": 1, "provider": provider, "model": model, "messages": [{"role": "user", "content": f"{number} green error"}]}
        if number % 10 == 0:  # a fallback's note
            request = {"v": 1, "asked": request, "fallback": []}
        completion = draw.choice([{"text": "green error"}, {"error": {"kind": "filtered"}}, {"error": None, "text": ""}])
        day = draw.choice([1, 2, 3])
        text = json.dumps(request, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        lines.append(json.dumps({"key": hashlib.sha256(text.encode()).hexdigest(), "request": request, "wire": {"model": "green"},
                                 "completion": completion, "created": 1767225600000 + day * 86400000}))
        kept.append((f"{provider}:{model}", day, bool(completion.get("error"))))
    with host.Scratch() as scratch:
        scratch.write("all.jsonl", "\n".join(lines) + "\n")
        tap.equal(store(scratch, "import", "all.jsonl").summary, {"added": 300, "known": 0}, "completions of all kinds")
        for part in ("green", "grün", '"green"', "\\", "together:", "openai:blue", "error", "nil", ":"):
            wanted = sum(part in name for name, _, _ in kept)
            tap.equal(store(scratch, "prune", "--model", part).summary, {"would_prune": wanted}, f"{wanted} of a model with {part}")
            listed = store(scratch, "ls", "--model", part).out.splitlines()
            tap.equal(len(listed), wanted, "which ls lists")
        tap.equal(store(scratch, "prune", "--failures").summary, {"would_prune": sum(failed for *_, failed in kept)}, "failures")
        tap.equal(store(scratch, "prune", "--before", "2026-01-03").summary, {"would_prune": sum(day < 2 for _, day, _ in kept)}, "older ones")
        wanted = sum("green" in name and day < 3 and failed for name, day, failed in kept)
        gone = store(scratch, "prune", "--model", "green", "--before", "2026-01-04", "--failures", "--yes")
        tap.equal(gone.summary, {"pruned": wanted}, "all three together")
        tap.equal(len(store(scratch, "ls").out.splitlines()), 300 - wanted, "and no others")


def in_use():
    with Stub(rules=[{"contains": "row-", "delay": 30}]) as server, host.Scratch(server.url) as scratch:
        scratch.write("ask.lua", ASK)
        scratch.prompts(2)
        process = scratch.start("--store", "store.db", "ask.lua", "openai:red", "rows.jsonl")
        host.until(lambda: server.log())
        result = store(scratch, "prune", "--model", "red", "--yes")
        process.kill()
        scratch.finish(process)
        tap.equal(result.status, 1, "prune while a run goes on is refused")
        tap.contains(result.err, "in use", "and says why")


def damage():
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch, 400)
        path = scratch / "store.db"
        whole = path.read_bytes()
        for name, at, size in (("a few bytes of one record", len(whole) * 2 // 3 + 1000, 16), ("some pages", len(whole) // 2 // 8192 * 8192, 4 * 8192)):
            path.write_bytes(whole[:at] + b"\x5a" * size + whole[at + size:])
            result = store(scratch, "export", "sound.jsonl")
            exported = result.summary["exported"]
            tap.ok(result.status == 1 and 700 <= exported < 800, f"{name}: {exported} of 800 are saved, status 1", result)
            tap.contains(result.err, "damaged", "and it says so")
            scratch.run("store", "import", "sound.jsonl", "--store", f"new-{size}.db")
            calls = len(server.log())
            result = scratch.run("--store", f"new-{size}.db", "ask.lua", "openai:red", "rows.jsonl")
            tap.equal(result.status, 0, "a run over what was saved")
            tap.ok(0 <= len(server.log()) - calls <= 800 - exported, "asks only for what was lost")
        result = scratch.run("--offline", "--store", "store.db", "ask.lua", "openai:red", "rows.jsonl")
        tap.ok(result.status in (1, 3), f"a run over the damaged store fails: status {result.status}")
        tap.contains(result.err, "store export", "and names what helps")


VERSION_1 = """
PRAGMA journal_mode=WAL;
CREATE TABLE completion( id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, created INTEGER NOT NULL,
 completion TEXT NOT NULL, request TEXT NOT NULL, wire TEXT NOT NULL) STRICT;
PRAGMA application_id=0x666c7773; PRAGMA user_version=1;
"""


def version_1(scratch, lines, filler=0):
    """A store as the first version made it, of a recording; `filler` makes each completion larger."""
    path, chance = scratch / "old.db", random.Random(1)
    with sqlite3.connect(path) as db:
        db.executescript(VERSION_1)
        for row in lines:
            completion = {**row["completion"], "reasoning": chance.randbytes(filler).hex()} if filler else row["completion"]
            texts = [json.dumps(value, separators=(",", ":")) for value in (completion, row["request"], row["wire"])]
            db.execute("INSERT INTO completion(key, created, completion, request, wire) VALUES(?, ?, ?, ?, ?)",
                       (bytes.fromhex(row["key"]), row["created"], *texts))
    db.close()
    return path


def version_of(path):
    with sqlite3.connect(path) as db:
        answer = (db.execute("PRAGMA user_version").fetchone()[0], db.execute("SELECT count(*) FROM completion").fetchone()[0],
                  db.execute("PRAGMA integrity_check").fetchone()[0])
    db.close()
    return answer


def exported(scratch, name):
    result = scratch.run("store", "export", f"{name}.jsonl", "--store", name)
    return result.status == 0 and (scratch / f"{name}.jsonl").read_bytes()


def first_version():
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch)
        recording = exported(scratch, "store.db")
        path = version_1(scratch, host.jsonl(scratch / "store.db.jsonl"))
        calls = len(server.log())
        ask = "ask.lua", "openai:red", "rows.jsonl"
        want = scratch.run("--offline", "--store", "store.db", *ask).out
        tap.equal(exported(scratch, "old.db"), recording, "a store of version 1: export gives the same bytes")
        tap.equal(sorted(scratch.run("store", "ls", "--store", "old.db").out.splitlines()), sorted(store(scratch, "ls").out.splitlines()), "ls")
        result = scratch.run("--offline", "--store", "old.db", *ask)
        tap.equal((result.status, result.out), (0, want), "--offline finds every row")
        tap.equal(version_of(path)[:2], (1, 80), "and writes nothing")
        os.chmod(path, 0o444)
        os.chmod(scratch.path, 0o555)
        try:
            result = scratch.run("--offline", "--store", "old.db", *ask, prefix=unprivileged())
            tap.equal((result.status, result.out), (0, want), "so it does where it may not write")
        finally:
            os.chmod(scratch.path, 0o755)
            os.chmod(path, 0o644)
        result = scratch.run("--store", "old.db", *ask)
        tap.equal((result.status, result.out, result.err[:25]), (0, want, "fellowship: 40 rows done "),
                  "a run that may write finds every row, and says nothing of it")
        tap.equal(version_of(path), (2, 80, "ok"), "and brings it to version 2")
        tap.equal(exported(scratch, "old.db"), recording, "with the same bytes")
        scratch.run("--store", "old.db", "ask.lua", "openai:blue", "rows.jsonl")
        tap.equal(len(server.log()), calls, "no call was made")
        scratch.prompts(41)
        scratch.run("--store", "old.db", *ask)
        tap.equal((len(server.log()) - calls, version_of(path)), (1, (2, 81, "ok")), "a new row is asked for and added")
        calls = len(server.log())
        path.unlink()
        version_1(scratch, host.jsonl(scratch / "store.db.jsonl"), filler=20000)
        scratch.prompts(40)
        results = [scratch.finish(process) for process in [scratch.start("--store", "old.db", *ask) for _ in range(4)]]
        tap.equal([(result.status, result.out) for result in results], [(0, want)] * 4, "four processes open it at once")
        tap.equal((len(server.log()), version_of(path)), (calls, (2, 80, "ok")), "and agree")


def unprivileged():
    """The file permissions do not bind root."""
    if os.getuid() != 0:
        return ()
    return "setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"


def first_version_killed():
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch, 400)
        exported(scratch, "store.db")
        lines = host.jsonl(scratch / "store.db.jsonl")
        path = version_1(scratch, lines, filler=20000)
        before, calls, killed = exported(scratch, "old.db"), len(server.log()), []
        want = scratch.run("--offline", "--store", "store.db", "ask.lua", "openai:red", "rows.jsonl").out
        wal = scratch / "old.db-wal"
        for size in (1, 1 << 20, 4 << 20, 8 << 20):
            process = scratch.start("--store", "old.db", "ask.lua", "openai:red", "rows.jsonl")
            host.until(lambda: process.poll() is not None or (wal.exists() and wal.stat().st_size >= size), step=0)
            process.send_signal(signal.SIGKILL)
            result = scratch.finish(process)
            killed.append(result.status)
            tap.contains(result.err, "bringing the store old.db (3", "a large one is told of")
            tap.equal(exported(scratch, "old.db"), before, f"killed at {size} bytes: export gives the same bytes")
            if version_of(path)[0] == 2:
                break
        tap.ok(killed[:2] == [-9, -9], f"killed while it was brought to version 2: {killed}")
        result = scratch.run("--store", "old.db", "ask.lua", "openai:red", "rows.jsonl")
        tap.equal((result.status, result.out), (0, want), "then a run finds every row")
        tap.equal((len(server.log()), version_of(path)), (calls, (2, 800, "ok")), "without a call")


def first_version_damaged():
    with Stub() as server, host.Scratch(server.url) as scratch:
        filled(scratch, 400)
        exported(scratch, "store.db")
        path = version_1(scratch, host.jsonl(scratch / "store.db.jsonl"))
        whole = path.read_bytes()
        path.write_bytes(whole[:len(whole) // 2 // 4096 * 4096] + b"\x5a" * 16384 + whole[len(whole) // 2 // 4096 * 4096 + 16384:])
        hurt = path.read_bytes()
        result = scratch.run("--store", "old.db", "ask.lua", "openai:red", "rows.jsonl")
        tap.equal(result.status, 1, "a damaged one is not brought to version 2")
        tap.contains(result.err, ["damaged", "store export"], "which says what helps")
        tap.equal(path.read_bytes(), hurt, "and it stays as it is")
        result = scratch.run("store", "export", "sound.jsonl", "--store", "old.db")
        tap.ok(result.status == 1 and result.summary["exported"] > 700, "export saves what is sound", result)


host.need_program()
tap.cases(looking, moving, recordings, finding, full_while_pruning, moved_away, places, why, prune, kinds, modes, in_use, damage, first_version, first_version_killed, first_version_damaged)
