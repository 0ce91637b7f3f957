#!/usr/bin/env python3
"""seeds.py DIR: small inputs for each fuzz target to start from, as DIR/TARGET/NAME.

A target tests/fuzz/X_fuzz.c starts from what the function X below yields as (name, bytes).
"""

import bz2
import contextlib
import gzip
import hashlib
import io
import json as codec
import lzma
import pathlib
import shutil
import sqlite3
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile

ROWS = b'{"id":1,"text":"one"}\n{"id":2,"text":"two"}\n'


class Pipe(io.RawIOBase):
    """Cannot seek, so that zipfile writes data descriptors."""

    def __init__(self):
        self.data = b""

    def writable(self):
        return True

    def write(self, piece):
        self.data += bytes(piece)
        return len(piece)


def zipped(into, method, members):
    with zipfile.ZipFile(into, "w", method) as archive:
        for name, data in members:
            archive.writestr(name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name), data, method)
        archive.comment = b"a comment"
    return into.data if isinstance(into, Pipe) else into.getvalue()


def tarred(format, mode, members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=format) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "a.jsonl"
        archive.addfile(link)
    return out.getvalue()


def stream():
    members = [("data/", b""), ("data/a.jsonl", ROWS), ("b.jsonl.gz", gzip.compress(ROWS, mtime=0)), ("empty", b""),
               ("r\u00f8w" + "/long" * 25, ROWS)]
    packed = {"gzip": gzip.compress(ROWS, mtime=0), "bzip2": bz2.compress(ROWS), "xz": lzma.compress(ROWS)}
    if shutil.which("zstd"):
        packed["zstd"] = subprocess.run(["zstd", "-q", "-c"], input=ROWS, stdout=subprocess.PIPE, check=True).stdout
    yield "plain", ROWS
    yield "empty", b""
    for name, data in packed.items():
        yield name, data
        yield name + "-twice", data + data
        yield name + "-zeros", data + bytes(64)
        yield name + "-cut", data[:-3]
        yield name + "-gzip", gzip.compress(data, mtime=0)
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        yield "zip-" + name, zipped(io.BytesIO(), method, members)
        yield "zip-piped-" + name, zipped(Pipe(), method, members)
    for name, format in (("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
        yield "tar-" + name, tarred(format, "w", members[1:])
        yield "tar-gz-" + name, tarred(format, "w:gz", members[1:])
    yield "zip-all", zipped(io.BytesIO(), zipfile.ZIP_STORED, list(packed.items()))
    yield "tar-all", tarred(tarfile.USTAR_FORMAT, "w", list(packed.items()))
    yield "tar-cut", tarred(tarfile.USTAR_FORMAT, "w", members[1:2])[:1536]
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    yield "zip-link", zipped(io.BytesIO(), zipfile.ZIP_STORED, [("a", ROWS), (link, b"a")])
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/holes", "wb") as holes:
            holes.seek(200000)
            holes.write(ROWS)
            holes.truncate(300000)
        for version in ("0.0", "0.1", "1.0"):
            yield "tar-sparse-" + version, subprocess.run(
                ["tar", "-C", folder, "-c", "-S", "--format=posix", "--sparse-version=" + version, "holes"],
                stdout=subprocess.PIPE, check=True).stdout
        yield "tar-sparse-gnu", subprocess.run(["tar", "-C", folder, "-c", "-S", "--format=gnu", "holes"],
                                               stdout=subprocess.PIPE, check=True).stdout
    layers = ROWS
    for _ in range(5):
        layers = gzip.compress(layers, mtime=0)
    yield "gzip-5", layers
    yield "bomb", gzip.compress(bytes(2 << 20), mtime=0)


TABLES = {"plain": b"a,b\n1,2\n3,4\n", "quoted": b'a,b\r\n"x, ""y""","1\n2"\r\n,\r\n', "cr": b"a,b\r1,2\r", "tabs": b"a\tb\n1\t\"2\"",
          "open": b'a\n"1', "behind": b'a\n"1"2', "blank": b"\n\na\n\n1\n", "bytes": b"a,b\n\xff,\xe2\x82\n",
          "values": b'a\n1.50\n-7\ntrue\n"[1,{""b"":null}]"\n\n'}


def csv():
    for name, text in TABLES.items():
        yield name, b"\x01" + text
        yield name + "-tabs", b"\x04" + text.replace(b",", b"\t")


def json():
    for number, text in enumerate([
            '{"a":{"b":1},"b":[1,2],"c":{"d":{"e":"x"}}}', '[1,2.50,-0,1E5,1e400,12345678901234567890,0.1e-7]',
            '{"id":1,"replies":[{"id":2,"replies":[]}],"text":"x"}', '{"a":1,"a":2}', '"\\ud800\\u0041\\n\\/\\\\"', "[[[[[[]]]]]]", "[]", "{}",
            " null ", '{"x":[{"b":1,"a":2},{"a":1,"b":2},{"b":3,"a":4}]}', "{" + ",".join(f'"k{i}":{i}' for i in range(40)) + "}",
            "[" + ",".join(map(str, range(70))) + "]"]):
        yield f"text{number}", text.encode()


def texts():
    said = 'id;prompt\n1;Über 长江 🙂 “x”, Straße; Ի՞նչ e\u0301 ﬁ\n'
    for name in ("utf-8-sig", "utf-16", "utf-32", "utf-16-be", "utf-8"):
        for step in (b"\0", b"\1", b"\4"):
            yield f"{name}-{step[0]}", step + said.encode(name)
    # More marks on a letter than any language has, among them those of other classes.
    yield "marks", ("\1x！" + "\u0303" * 70 + "\u0323" + "\u0b03" + "\u0303" * 63 + "\u0323\u0344y").encode()


def columns():
    yield "kinds", (b'{"a":1,"b":[1.5,null],"c":{"d":"x"},"e":true,"f":null}\n{"a":"x","b":[],"c":{"g":[{"h":1}]},"e":18446744073709551615}\n'
                    b'{"a":9007199254740993,"b":[0.5],"A":1,"":2,"f":123456789012345678901234567890,"e":-1e400}\n')
    yield "many", codec.dumps({"m": {f"k{i}": i for i in range(300)}}).encode()


def rows():
    formats = {"unknown": 0, "jsonl": 1, "json": 2, "csv": 3, "tsv": 4, "numbers": 128, "json-cells": 228}
    texts = {"lines": ROWS, "array": b'[{"id":1,\n "b":[true,null]},\n{"id":1.50}]', "bom": b"\xef\xbb\xbf" + ROWS, "utf16": ROWS.decode().encode("utf-16"),
             "object": b'{\n"id":1}', "objects": b'{"id":1} {"id":[{}]}\n{\n"id":"}"}', "marks": b'\xef\xbb\xbf{"id":1}\n\xef\xbb\xbf{"id":2}\n',
             "two": b'a;b,c\n1;2,5\n"3\n";4\n', "said": b'"sep=|"\r\na|b,c||\n1|2||\n', "unnamed": b',a\n0,1\n', "spaces": b" \n[ ] ", "escapes": rb'{"a":"\ud800\n\"","b":1e400}' + b"\r\n\n", "bytes": b'{"a":"\xff"}\n'}
    for name, text in {**texts, **TABLES}.items():
        for format, first in formats.items():
            yield f"{name}-{format}", bytes((first, 2)) + text


# The tables of stores, of the present version and of the first.
STORE_2 = """
CREATE TABLE completion(id INTEGER PRIMARY KEY, key BLOB NOT NULL, created INTEGER NOT NULL, record BLOB NOT NULL) STRICT;
CREATE TABLE recent(id INTEGER PRIMARY KEY, key BLOB NOT NULL) STRICT;
CREATE TABLE key_index(prefix INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY(prefix, id)) STRICT, WITHOUT ROWID;
"""
STORE_1 = """
CREATE TABLE completion(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, created INTEGER NOT NULL, completion TEXT NOT NULL,
 request TEXT NOT NULL, wire TEXT NOT NULL) STRICT;
"""


def stored(number):
    """Texts of one completion: request, wire, answer; some of them longer than a page."""
    size = (0, 1, 8, 30)[number % 4]
    noise = "".join(hashlib.sha512(b"%d %d" % (number, i)).hexdigest() for i in range(size))
    return [codec.dumps({name: noise if i == number % 3 else number}) for i, name in enumerate(("request", "wire", "text"))]


def a_store(path, version, page, count):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(f"PRAGMA page_size={page}; PRAGMA application_id=0x666c7773; PRAGMA user_version={version};"
                         + (STORE_2 if version == 2 else STORE_1))
        for number in range(count):
            request, wire, text = stored(number)
            key = hashlib.sha256(request.encode()).digest()
            if version == 1:
                db.execute("INSERT INTO completion(key, created, completion, request, wire) VALUES(?, ?, ?, ?, ?)",
                           (key, 1700000000000 + number, text, request, wire))
                continue
            plain = struct.pack("<II", len(text), len(request)) + (text + request + wire).encode()
            record = subprocess.run(["zstd", "-q", "-c", "--check", f"--stream-size={len(plain)}"], input=plain,
                                    stdout=subprocess.PIPE, check=True).stdout
            id = db.execute("INSERT INTO completion(key, created, record) VALUES(?, ?, ?)", (key, number % 3, record)).lastrowid
            if number % 2:
                db.execute("INSERT INTO recent VALUES(?, ?)", (id, key))
            else:
                db.execute("INSERT INTO key_index VALUES(?, ?)", (struct.unpack(">q", key[:8])[0], id))
        db.commit()
        if count > 4:
            db.execute("DELETE FROM completion WHERE id = 3")
            db.commit()
    return pathlib.Path(path).read_bytes()


def renumbered(whole):
    """Rows whose numbers the disk has changed: 0 among them, and those of others."""
    changed = bytearray(whole)
    for number, other in ((7, 0), (6, 9), (5, 11)):
        for header in range(4, 10):
            at = whole.find(bytes([number, header, 0, 12 + 2 * 32]))
            if at >= 0:
                changed[at] = other
    return bytes(changed)


def store():
    if not shutil.which("zstd"):
        return
    with tempfile.TemporaryDirectory() as folder:
        for version in (1, 2):
            for page in (512, 8192):
                for count in (1, 12):
                    name = f"v{version}-{page}-{count}"
                    whole = a_store(f"{folder}/{name}", version, page, count)
                    yield name, whole
                    yield name + "-cut", whole[:len(whole) * 2 // 3]
                    yield name + "-headless", bytes(100) + whole[100:]
                    yield name + "-numbers", renumbered(whole)


def answers():
    """Bodies and streams of each provider, behind the bytes that choose adapter, status and pieces."""
    sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "lib"))
    import provider_server as p

    made = {
        0: [p.openai("Yes.", logprobs={"content": [{"token": "Yes", "logprob": -0.1, "bytes": [89], "top_logprobs": []}]}),
            p.openai(None, refusal="No."), p.openai([{"type": "text", "text": "Y"}]), p.openai_error("too long", code="context_length_exceeded"),
            p.openai_stream(["<think>a</think>", "Yes."]), p.openai_stream([{"reasoning_content": "hm"}, "Yes."])],
        1: [p.anthropic("Yes."), p.anthropic("", "refusal", []), p.anthropic_error("overloaded_error", "Overloaded"),
            p.anthropic_stream([({"type": "thinking", "thinking": ""}, [{"type": "thinking_delta", "thinking": "hm"}]), p.anthropic_text("Y", "es.")])],
        2: [p.gemini("Yes.", thought="hm"), p.gemini("", "SAFETY"), p.gemini_error(429, "RESOURCE_EXHAUSTED", "Please retry in 3s."), p.gemini_stream(["Y", "es."])],
        3: [p.ollama("Yes.", thinking="hm"), p.ollama_stream(["Y", "es."]), {"error": "model 'm' not found"}],
        4: [{"id": "r", "object": "response", "status": "completed", "model": "m", "output": [{"type": "reasoning", "summary": []}, {"type": "message", "content": [
            {"type": "output_text", "text": "Yes.", "annotations": []}]}], "usage": {"input_tokens": 3, "output_tokens": 2}},
            p.sse({"type": "response.created"}, {"type": "response.output_text.delta", "delta": "Yes."}, {"type": "response.completed", "response": {
                "status": "completed", "model": "m", "output": []}})],
    }
    for adapter, bodies in made.items():
        for number, body in enumerate(bodies):
            text = codec.dumps(body) if isinstance(body, dict) else "".join(body)
            for status in (0, 3):
                yield f"{adapter}-{number}-{status}", bytes([adapter, status, 7]) + text.encode()


def server():
    """What clients send, behind the byte that says how long its pieces are and how they leave."""
    head, known = b"POST /v1/x?y HTTP/1.1\r\nHost: h\r\n", b"Authorization: Bearer secret\r\n"
    texts = {
        "get": b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n", "old": b"GET / HTTP/1.0\r\n\r\n", "post": head + known + b"Content-Length: 3\r\n\r\n{ }",
        "chunks": head + known + b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n1\r\n \r\n0\r\nTrailer: z\r\n\r\n", "stranger": head + b"Content-Length: 3\r\n\r\nabc",
        "long": head + known + b"Content-Length: 5000\r\n\r\n" + bytes(5000), "far": head + b"Content-Length: 1073741824\r\n\r\n", "headers": head + b"X: " + b"y" * 5000 + b"\r\n\r\n",
        "asks": head + known + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx", "both": head + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "many": (head + known + b"Content-Length: 1\r\n\r\nx") * 5, "half": head + known + b"Content-Length: 9\r\n\r\n{", "folded": head + b"A: b\r\n c\r\n\r\n", "tls": b"\x16\x03\x01\x02\x00\x01",
        "head": b"HEAD /%00%2f HTTP/1.1\r\nHost: h\r\n\r\n", "close": head + b"Connection: close\r\nContent-Length: 0\r\n\r\n", "endless": head + known + b"Transfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + bytes(1024) + b"\r\n",
    }
    for name, text in texts.items():
        for how in (0, 7, 255):
            yield f"{name}-{how}", bytes([how]) + text


def main(folder):
    for source in sorted(pathlib.Path(__file__).parent.glob("*_fuzz.c")):
        target = source.name.removesuffix("_fuzz.c")
        into = pathlib.Path(folder, target)
        into.mkdir(parents=True, exist_ok=True)
        for name, data in globals()[target]():
            (into / name).write_bytes(data)


main(sys.argv[1])
