#!/usr/bin/env python3
"""Clients of `fellowship serve` that send garbage, too much, too little or nothing: whoever comes next is served all the same."""

import contextlib
import json
import os
import random
import resource
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from provider_server import Answer, Provider
from serving import CHAT, Serving, asking, echo, events, post

MIB = 1 << 20
# libmicrohttpd does not see an end that comes together with the last bytes: such a connection goes when it has been idle.
SOON = ("--idle", "5")
HEAD = b"POST " + CHAT.encode() + b" HTTP/1.1\r\nHost: localhost\r\n"
KEPT = "Connection: keep-alive"
SANITIZED = b"__asan_init" in host.PROGRAM.read_bytes() if host.PROGRAM.exists() else False


@contextlib.contextmanager
def serving(*arguments, answers=echo, **options):
    with Provider(answers) as upstream, host.Scratch(**upstream.environment(FELLOWSHIP_RETRY_SCALE="0.01")) as scratch:
        with Serving(scratch, *arguments, **options) as s:
            s.upstream = upstream
            yield s


def chunked(*pieces, end=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end


def answers_in(data):
    """The answers in what a connection gave: (status, body)."""
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields[b"content-length"])
        found.append((int(head.split()[1]), data[:length]))
        data = data[length:]
    return found


def garbage():
    """What is no request is refused, or its connection is closed."""
    body = json.dumps(asking("x")).encode()
    wrong = {
        "garbage": b"\x00\xff\r\n\r\n" * 20, "no version": b"GET /\r\n\r\n", "half of a method": b"PO", "a NUL": b"GET /v1\x00/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "no Host": b"GET /v1/models HTTP/1.0\r\n\r\n", "no Host, though of 1.1": b"GET /v1/models HTTP/1.1\r\n\r\n",
        "a negative length": HEAD + b"Content-Length: -1\r\n\r\n", "a length that is none": HEAD + b"Content-Length: 1x\r\n\r\n{}",
        "a length beyond all": HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n{}", "half of a body": HEAD + b"Content-Length: 99\r\n\r\n{",
        "chunks of no size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "a chunk beyond all": HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx",
        "a negative chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n", "a chunk longer than it says": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n" + body + b"\r\n0\r\n\r\n",
        "chunks without an end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body, end=b""), "another encoding": HEAD + b"Transfer-Encoding: gzip\r\n\r\n" + body,
        "lines without an end": b"GET /v1/models HTTP/1.1\r\nHost: localhost", "a protocol of another kind": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    }
    with serving(*SOON) as s:
        for name, data in wrong.items():
            got = s.raw(data, half_close=True)
            tap.ok(not got or got[:10] in (b"HTTP/1.1 4", b"HTTP/1.0 4"), f"{name}: refused or closed", got[:80])
        both = s.raw(HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunked(body) + b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n", half_close=True)
        tap.ok(both.count(b"HTTP/1.1 ") <= 1, "a length beside chunks: no second request is read out of the first", both[:200])
        tap.equal((s.chat()[0], len(s.upstream.requests)), (200, 1), "only who asked rightly was asked for")


def headers():
    """Long headers are refused, within a bound of memory."""
    with serving(*SOON) as s:
        for name, data in (("a long header", b"X: " + b"x" * 200000), ("many headers", b"\r\n".join(b"X%d: y" % i for i in range(50000))), ("a long name", b"x" * 200000 + b": y")):
            got = s.raw(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + data + b"\r\n\r\n")
            tap.ok(not got or got.startswith(b"HTTP/1.1 431"), name, got[:60])
        got = s.raw(b"GET /" + b"x" * 200000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        tap.ok(not got or got[:12] in (b"HTTP/1.1 414", b"HTTP/1.1 431"), "a long path", got[:60])
        tap.equal(s.chat()[0], 200, "it serves on")


def bodies():
    """Bodies over the bound are refused without being held, and those of who has no token before all others."""
    with serving("--max-body", "1") as s:
        large = b'{"model":"' + b"x" * (2 * MIB) + b'"}'
        tap.equal(s.ask("POST", CHAT, large)[0], 413, "a body over the bound")
        got = s.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(large))
        tap.ok(got.startswith(b"HTTP/1.1 413"), "one that does not say its length", got[:60])
        got = s.raw(HEAD + b"Content-Length: 1073741824\r\n\r\n")
        tap.ok(got.startswith(b"HTTP/1.1 413"), "1 GiB is refused by its header", got[:60])
        before, sent, piece = s.memory("VmHWM"), 0, chunked(bytes(MIB), end=b"")
        with s.connect() as client, contextlib.suppress(OSError):
            client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(1024):
                client.sendall(piece)
                sent += 1
        tap.ok(sent < 64, f"1 GiB in chunks: the connection ends after {sent} MiB")
        tap.ok(s.memory("VmHWM") - before < (64 if SANITIZED else 16) * MIB, "which are not held", f"{(s.memory('VmHWM') - before) >> 20} MiB")
        tap.equal(s.chat()[0], 200, "it serves on")
        full = [s.connect() for _ in range(4)]
        for client in full:
            client.sendall(HEAD + b"Content-Length: 1048576\r\n\r\n" + bytes(MIB - 1))
        host.until(lambda: s.memory() - before > 3 * MIB, 5)
        tap.ok(s.chat()[0] in (200, 503), "bodies that never end fill the room of all, at most")
        for client in full:
            client.close()
        # What they had sent may come still, for a moment.
        tap.ok(host.until(lambda: all(s.chat("after")[0] == 200 for _ in range(10))), "which is there again when their clients are gone")
    with serving("--address", "0.0.0.0", env={"FELLOWSHIP_SERVE_TOKEN": "a-token"}) as s:
        body = asking("x" * (200 << 10))
        for name, given in (("none", ()), ("another", ("Authorization: Bearer a-tokem",)), ("a longer one", ("Authorization: Bearer a-tokena-token",)), ("an empty one", ("Authorization: Bearer ",))):
            got = s.raw(post(CHAT, body, "Connection: close", *given))
            tap.ok(got.startswith(b"HTTP/1.1 401") and b"invalid_api_key" in got, f"a long body with {name} for a token is refused as such", got[:60])
        tap.ok(s.raw(HEAD + b"Content-Length: 1073741824\r\n\r\n").startswith(b"HTTP/1.1 401"), "1 GiB too")
        for name in ("Authorization: Bearer a-token", "authorization: bearer  a-token ", "api-key: a-token"):
            tap.ok(s.raw(post(CHAT, body, "Connection: close", name)).startswith(b"HTTP/1.1 200"), f"with the token it is read ({name.split()[0]})")
        tap.equal(len(s.upstream.requests), 1, "nobody else's was asked")


def pieces():
    """However a request is cut: whole it is answered, and a part of it harms nobody."""
    request = post(CHAT, asking("Name a river."))
    with serving(*SOON) as s:
        for end in range(0, len(request), 3):
            with s.connect() as client:
                client.sendall(request[:end])
        tap.equal(s.chat("after")[0], 200, f"{len(request) // 3} that left early")
        with s.connect() as client:
            for byte in request:
                client.sendall(bytes([byte]))
            got = client.makefile("rb").read()
        tap.ok(got.startswith(b"HTTP/1.1 200") and b"NAME A RIVER." in got, "a byte at a time", got[:60])
        draw, wrong = random.Random(22), []
        for _ in range(40):
            cut = sorted(draw.sample(range(len(request)), draw.randrange(1, 5)))
            with s.connect() as client:
                for start, end in zip([0, *cut], [*cut, len(request)]):
                    client.sendall(request[start:end])
                if b"NAME A RIVER." not in client.makefile("rb").read():
                    wrong.append(cut)
        tap.equal(wrong, [], "in pieces drawn by chance")
        body = json.dumps(asking("Name a river.")).encode()
        got = s.raw(HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(*(body[i:i + 7] for i in range(0, len(body), 7))))
        tap.ok(b"NAME A RIVER." in got, "in chunks", got[:60])
        expecting = HEAD + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
        with s.connect() as client:
            client.sendall(expecting)
            tap.contains(client.recv(4096).decode(), ["100 continue"], "a client that asks first is told to go on")
            client.sendall(body)
            tap.ok(b"NAME A RIVER." in client.makefile("rb").read(), "and answered")


def several():
    """Requests on one connection: one after the other, and all at once."""
    with serving() as s:
        asked = [post(CHAT, asking(f"number {i}"), KEPT) for i in range(30)]
        got = answers_in(s.raw(b"".join(asked) + b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
        said = [json.loads(body)["choices"][0]["message"]["content"] for _, body in got[:-1]]
        tap.equal((said, got[-1][0]), ([f"NUMBER {i}" for i in range(30)], 200), "30 requests at once are answered in their order")
        got = answers_in(s.raw(post(CHAT, b"{x", KEPT) + post("/v1/nothing", b"", KEPT) + post(CHAT, asking("number 1"))))
        tap.equal([status for status, _ in got], [400, 404, 200], "what is wrong in one is nothing to the next")


def stalling():
    """Connections that send nothing, or a little at a time, keep nobody out."""
    with serving("--connections", "16") as s:
        slow = []
        for i in range(64):
            client = s.connect()
            with contextlib.suppress(OSError):      # it may have been closed for a newer one
                client.sendall((b"", b"GET /", HEAD, HEAD + b"Content-Length: 99\r\n\r\n{")[i % 4])
            slow.append(client)
            for one in slow:
                with contextlib.suppress(OSError):
                    one.sendall(b"x")
        tap.equal([s.chat(f"beside {i}")[0] for i in range(4)], [200] * 4, "64 that stall, where 16 may be, keep nobody out")
        for client in slow:
            client.close()
    slow = []
    def late(request):
        s.upstream.stopping.wait(0.5)
        return echo(request)
    with serving("--connections", "4", answers=late) as s:
        busy = [s.connect() for _ in range(4)]
        for i, client in enumerate(busy):
            client.sendall(post(CHAT, asking(f"busy {i}")))
        host.until(lambda: s.upstream.requests)
        idle = [s.connect() for _ in range(20)]
        tap.equal([b"BUSY %d" % i in client.makefile("rb").read() for i, client in enumerate(busy)], [True] * 4, "whose request is under way is not closed for others")
        for client in [*busy, *idle]:
            client.close()
    with serving("--idle", "1") as s:
        idle = [s.connect() for _ in range(50)]
        tap.equal([client.recv(1) for client in idle], [b""] * 50, "after --idle seconds they are closed")


def crowds():
    """10,000 idle connections, and few descriptors."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    count = min(10000, (hard if hard != resource.RLIM_INFINITY else 1 << 20) // 2 - 300)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * count + 500, hard))
    with serving("--connections", str(count + 100)) as s:
        before = s.memory()
        idle = [s.connect() for _ in range(count)]
        tap.equal(s.chat()[0], 200, f"{count} idle connections are held")
        each = (s.memory() - before) // count
        tap.ok(each < (64 if SANITIZED else 16) << 10, f"in {each} bytes each")
        still = 0
        for client in idle:
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.recv(1)
                still -= 1
            still += 1
            client.close()
        tap.equal(still, count, "none was closed")
        tap.equal(s.chat("after")[0], 200, "and go")
    few = ("sh", "-c", 'ulimit -n 80; exec "$@"', "sh")
    with serving(prefix=few) as s:
        idle = [s.connect() for _ in range(200)]
        tap.equal([s.chat(f"beside {i}")[0] for i in range(3)], [200] * 3, "200 clients of a process that may open 80 files: the next ones are served")
        for client in idle:
            client.close()
        tap.equal(s.chat("after")[0], 200, "and when they are gone")
        many = [s.connect() for _ in range(60)]
        for i, client in enumerate(many[:20]):
            client.sendall(post(CHAT, asking(f"together {i}")))
        found = [s.chat(f"later {i}")[0] for i in range(3)]
        tap.equal(found, [200] * 3, "20 calls at once, and idle ones beside them")
        for client in many:
            client.close()


STREAMS = """local written = 0
return { models = {
  endless = function(request)
    for _ = 1, 20000 do
      request.write(("x"):rep(50000))
      written = written + 50000
    end
    return ("x"):rep(50000):rep(20000)
  end,
  written = function() return tostring(written) end,
} }
"""


def readers():
    """Who reads slowly is waited for; who goes away in the middle costs nothing and loses nothing."""
    with Provider(echo) as upstream, host.Scratch(**upstream.environment()) as scratch:
        scratch.write("streams.lua", STREAMS)
        with Serving(scratch, "streams.lua") as s:
            def written():
                return int(s.chat(model="written")[2]["choices"][0]["message"]["content"])
            before = s.memory()
            with s.connect() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
                client.sendall(post(CHAT, asking("x", "endless", stream=True)))
                client.recv(1000)
                last = -1
                while last != (last := written()):       # it stands still once all buffers are full
                    for _ in range(5):
                        s.chat("in between")
                tap.ok(last < 64 * MIB, f"1 GB for who does not read: {last >> 10} KiB are written, then it waits")
                if SANITIZED:
                    tap.skip("and held in memory", "the sanitizer holds what was freed")
                else:
                    tap.ok(s.memory() - before < 64 * MIB, "and held in memory", s.memory() - before)
            tap.equal(s.chat("after", stream=True)[0], 200, "who reads is served")
    held = []
    def slowly(request):
        held.append(1)
        return Answer(parts=echo(request).parts, pause=0.3)
    with serving(answers=slowly) as s:
        with s.connect() as client:
            client.sendall(post(CHAT, asking("leaving in the middle", stream=True)))
            while b"LEAV" not in client.recv(65536):
                pass
        host.until(lambda: "fellowship_in_flight 0" in s.ask("GET", "/metrics")[2].decode())
        host.until(lambda: s.chat("leaving in the middle")[1]["x-fellowship-store"] == "hit")
        status, fields, data = s.chat("leaving in the middle", stream=True)
        told = "".join(c["choices"][0]["delta"].get("content") or "" for c in map(json.loads, events(data)[:-1]) if c["choices"])
        tap.equal((status, fields["x-fellowship-store"], told, len(held)), (200, "hit", "LEAVING IN THE MIDDLE", 1), "a client that left a stream: what was paid is kept")


host.need_program()
tap.cases(garbage, headers, bodies, pieces, several, stalling, crowds, readers)
