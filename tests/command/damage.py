#!/usr/bin/env python3
"""Stores that are damaged or cut short: export gives all that can be read, each completion once, and says so.

$FELLOWSHIP_DAMAGES sets how many random damages are tried (40 when not said); $FELLOWSHIP_SEED which.
"""

import os
import random
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub

PAGE = 8192
DAMAGES = int(os.environ.get("FELLOWSHIP_DAMAGES") or 40)
SEED = int(os.environ.get("FELLOWSHIP_SEED") or time.time_ns() % 1_000_000)

# Answers of a few letters and of some hundred kilobytes that do not compress, which go over many pages.
FILL = """
local fellowship = require "fellowship"
local model = fellowship.model(arg[1])
for row in fellowship.map(fellowship.rows "rows.jsonl", function(row) model:ask(row.prompt) return row end) do end
"""


def undated(line):
    return line.rpartition(b',"created":')[0]


class Store:
    """A sound store, its recording's lines by key, and how many of its pages each completion needs."""

    def __init__(self, scratch, rows=600):
        noise = random.Random(3)
        self.scratch, self.path = scratch, scratch / "store.db"
        scratch.write("fill.lua", FILL)
        sizes = [noise.choice((10, 200, 1000, 5000)) for _ in range(rows)]
        for at in (50, 51, rows // 2, rows - 3):
            sizes[at] = 60_000
        scratch.write("rows.jsonl", [{"id": i, "prompt": f"row {i} " + noise.randbytes(size // 2).hex()} for i, size in enumerate(sizes)])
        result = scratch.run("--store", "store.db", "fill.lua", "sim:any")
        if result.status:
            raise RuntimeError(str(result))
        self.whole = self.path.read_bytes()
        status, self.lines, _ = self.export()
        if status or len(self.lines) != rows:
            raise RuntimeError(f"the sound store: status {status}, {len(self.lines)} lines")
        self.rows = rows

    def export(self, content=None):
        """Status, lines and what was said of the export of the store, as it is or with other bytes."""
        if content is not None:
            self.path.write_bytes(content)
        for name in ("out.jsonl", "store.db-wal", "store.db-shm"):
            (self.scratch / name).unlink(missing_ok=True)
        result = self.scratch.run("store", "export", "out.jsonl", "--store", "store.db", timeout=60)
        if result.status not in (0, 1):
            raise RuntimeError(str(result))
        out = self.scratch / "out.jsonl"
        return result.status, out.read_bytes().splitlines() if out.exists() else [], result.err

    def check(self, content, least, name):
        """Exports damaged bytes: at least so many completions come out, each as it was, once, in order."""
        status, lines, said = self.export(content)
        known, undated_known = {line: at for at, line in enumerate(self.lines)}, {undated(line) for line in self.lines}
        # When a completion was made is the one thing that nothing vouches for: a flipped bit of it passes.
        redated = [line for line in lines if line not in known and undated(line) in undated_known][:1]
        places = [known.get(line, -1) for line in lines if line not in redated]
        problems = []
        if -1 in places:
            problems.append(f"{places.count(-1)} lines are none of the store's: {lines[places.index(-1)][:300]}")
        if sorted(set(places)) != places:
            problems.append(f"{len(places) - len(set(places))} lines twice, or out of order")
        if len(lines) < least:
            problems.append(f"{len(lines)} of {self.rows} lines, not {least}")
        if not redated and (status == 0) != (len(lines) == self.rows and "damaged" not in said):
            problems.append(f"status {status} with {len(lines)} lines: {said}")
        if problems:
            raise AssertionError(f"{name}: " + "; ".join(problems))
        return len(lines)


def cut_short():
    with host.Scratch() as scratch:
        store = Store(scratch)
        pages = len(store.whole) // PAGE
        worst = 0  # beside what an even spread would give; a completion of many pages weighs like many
        for size in sorted({PAGE * n + extra for n in (1, 2, 5, pages // 4, pages // 2, pages - 10, pages - 1) for extra in (0, 1, 4000)}
                           | {len(store.whole) - 1, len(store.whole) - 100}):
            saved = store.check(store.whole[:size], 0, f"cut to {size} bytes")
            worst = max(worst, store.rows * (size - 12 * PAGE) / len(store.whole) - saved)
        tap.ok(worst < store.rows / 5, "a store that is cut short gives what lies before the cut", f"{worst} fewer than expected")
        saved = store.check(store.whole[:len(store.whole) // PAGE * PAGE - PAGE], store.rows - 40, "without its last page")
        tap.diag(f"without its last page: {saved} of {store.rows}")
        for size in (0, 1, 100, 4096):
            status, lines, said = store.export(store.whole[:size])
            tap.ok(status == 1 and not lines and said, f"of {size} bytes nothing can be saved: {said.strip()}")


def header():
    with host.Scratch() as scratch:
        store = Store(scratch, 200)
        tried = 0
        for at in [*range(0, 100, 7), 16, 17, 18, 19, 20, 21, 24, 28, 31, 44, 47, 56, 60, 63, 68, 71, 96, 99]:
            for bit in (0, 6):
                content = bytearray(store.whole)
                content[at] ^= 1 << bit
                store.check(content, store.rows, f"bit {bit} of byte {at} of the header")
                tried += 1
        tap.ok(tried > 50, f"{tried} flipped bits of SQLite's header: all completions come out")
        store.check(b"\0" * 100 + store.whole[100:], store.rows, "no header at all")
        tap.ok(True, "so they do without any header")


def damages():
    chance = random.Random(SEED)
    tap.diag(f"FELLOWSHIP_SEED={SEED} FELLOWSHIP_DAMAGES={DAMAGES}")
    with host.Scratch() as scratch:
        store = Store(scratch)
        pages = len(store.whole) // PAGE
        least = store.rows
        for number in range(DAMAGES):
            content, kind = bytearray(store.whole), ("bit", "zeros", "swap", "copy", "noise")[number % 5]
            a, b = chance.randrange(pages) * PAGE, chance.randrange(1, pages) * PAGE
            if kind == "bit":
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            elif kind == "zeros":
                content[a:a + 512] = bytes(512)
            elif kind == "swap":
                content[a:a + PAGE], content[b:b + PAGE] = content[b:b + PAGE], content[a:a + PAGE]
            elif kind == "copy":
                content[b:b + PAGE] = content[a:a + PAGE]
            else:
                content[a:a + PAGE] = chance.randbytes(PAGE)
            # A page holds up to some forty completions, and lies on the way of one that goes over many.
            least = min(least, store.check(content, store.rows - 100, f"{number}, {kind}"))
        tap.ok(True, f"{DAMAGES} damages: at least {least} of {store.rows} completions come out each time")


def pointed_to_twice():
    """A page of pointers that names one page twice: SQLite shows what is in it twice, and sees nothing wrong."""
    with host.Scratch() as scratch:
        store = Store(scratch)
        tried = 0
        for at in range(0, len(store.whole), PAGE):
            head = at + (100 if at == 0 else 0)
            if store.whole[head] != 5:  # an interior page of a table
                continue
            cells = int.from_bytes(store.whole[head + 3:head + 5], "big")
            for one in range(1, cells, max(1, cells // 3)):
                content = bytearray(store.whole)
                first, second = (at + int.from_bytes(store.whole[head + 12 + 2 * n:head + 14 + 2 * n], "big") for n in (one - 1, one))
                content[second:second + 4] = content[first:first + 4]
                store.check(content, store.rows, f"two pointers of the page at {at} to one page")
                tried += 1
        tap.ok(tried > 0, f"{tried} pages that are pointed to twice: each completion comes out once, and none is missing")


def beside_its_log():
    """Killed, the store has a write-ahead log; that is read too where the file itself is damaged."""
    with Stub(latency_ms=1) as server, host.Scratch(server.url) as scratch:
        scratch.write("fill.lua", FILL)
        scratch.prompts(3000)
        process = scratch.start("--store", "live.db", "fill.lua", "openai:red")
        host.until(lambda: len(server.log()) > 400)
        process.send_signal(signal.SIGKILL)
        scratch.finish(process)
        for name in ("live.db", "live.db-wal"):
            shutil.copy(scratch / name, scratch / name.replace("live", "hurt"))
        sound = scratch.run("store", "export", "sound.jsonl", "--store", "live.db").summary["exported"]
        path = scratch / "hurt.db"
        content = bytearray(path.read_bytes())
        content[0:16] = b"\0" * 16
        path.write_bytes(content)
        log = bytearray((scratch / "hurt.db-wal").read_bytes())
        log[40] ^= 1  # of the first frame's salt: SQLite would take nothing of it any more
        (scratch / "hurt.db-wal").write_bytes(log)
        result = scratch.run("store", "export", "hurt.jsonl", "--store", "hurt.db")
        tap.equal((scratch / "hurt.jsonl").read_bytes(), (scratch / "sound.jsonl").read_bytes(), f"{sound} completions, most of them in the log")
        tap.equal((result.status, result.summary["exported"]), (1, sound), "which is told of as damage")


def tools():
    """What the other commands make of a damaged store."""
    with host.Scratch() as scratch:
        store = Store(scratch, 300)
        key = store.lines[200].split(b'"')[3].decode()
        content = bytearray(store.whole)
        content[0:16] = b"\0" * 16
        store.path.write_bytes(content)
        result = scratch.run("store", "show", key[:12], "--store", "store.db")
        tap.ok(result.status == 0 and key in result.out, "show finds a completion", result)
        tap.contains(result.err, "damaged", "and says that the store is damaged")
        result = scratch.run("store", "ls", "--store", "store.db")
        tap.equal((result.status, len(result.out.splitlines())), (0, 300), "ls lists all")
        result = scratch.run("store", "prune", "--model", "any", "--yes", "--store", "store.db")
        tap.ok(result.status == 1 and result.err, f"prune refuses: {result.err.strip()}")
        result = scratch.run("store", "import", "store.db", "--store", "new.db")
        tap.ok(result.status == 1 and result.err, f"import refuses: {result.err.strip()}")
        store.path.write_bytes(store.whole[:-3 * PAGE])
        result = scratch.run("store", "import", "store.db", "--store", "new.db")
        tap.equal(result.status, 1, "so it does when the end is missing")
        tap.contains(result.err, "store export", "and names what helps")


host.need_program()
tap.cases(cut_short, header, damages, pointed_to_twice, beside_its_log, tools)
