#!/usr/bin/env python3
"""What goes wrong behind and below `fellowship serve`: providers, the disk, the program itself. What was answered is in the store."""

import contextlib
import http.client
import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, KEY, Provider
from serving import CHAT, Serving, asking, echo, events, post, text_of

# What a provider does wrong, by the prompt: the answers in turn, and the status that clients see in the end.
MATRIX = {
    "garbage": (Answer("<html>no JSON"), (502,)), "empty": (Answer(""), (502,)), "no choice": (Answer({"choices": []}), (502,)),
    "400": (Answer(p.openai_error("bad"), 400), (400,)), "401": (Answer(p.openai_error("no key"), 401), (401,)), "403": (Answer(p.openai_error("no"), 403), (403,)),
    "404": (Answer(p.openai_error("no model"), 404), (404,)), "413": (Answer(p.openai_error("long"), 413), (413, 400)), "429": (Answer(p.openai_error("slow down"), 429), (429,)),
    "500": (Answer(p.openai_error("oops"), 500), (500, 502)), "503": (Answer(p.openai_error("busy"), 503), (503,)),
    "quota": (Answer(p.openai_error("pay", code="insufficient_quota"), 429), (429,)), "redirect": (Answer("", 302, {"Location": "http://127.0.0.1:1/"}), (302, 502)),
    "cut": (Answer(parts=[b'{"choices": ['], kind="application/json", after="cut"), (502, 503)),
    "reset": (Answer(parts=[b'{"choices": ['], kind="application/json", after="reset"), (502, 503)),
    "a key in an error": (Answer(p.openai_error(f"wrong key {KEY}"), 401), (401,)),
}


def providers():
    """Each failure of a provider: a status, OpenAI's form, no key; the next call goes well."""
    seen = []

    def answer(request):
        prompt = request.body["messages"][-1]["content"].removesuffix(" streamed")
        seen.append(prompt)
        return MATRIX[prompt][0] if prompt in MATRIX else echo(request)
    with Provider(answer) as upstream, host.Scratch(**upstream.environment(FELLOWSHIP_RETRY_SCALE="0.001")) as scratch, Serving(scratch, "--patience", "1") as s:
        def one(name):
            want = MATRIX[name][1]
            for stream in (False, True):
                status, fields, body = s.chat(name + " streamed" * stream, stream=stream, timeout=120)
                tap.ok(status in want and isinstance(body, dict) and sorted(body["error"]) == ["code", "message", "param", "type"],
                       f"{name}{', streamed' * stream}: {status}", want, body)
                tap.lacks(json.dumps(body) + json.dumps(fields), KEY, f"{name}{', streamed' * stream}: no key")
        for name in MATRIX:
            one(name)
            tap.equal(s.chat(f"after {name}")[0], 200, f"after {name}: served")
        tap.equal(host.holding(scratch.path, KEY.encode()), [], "no key is written")
        once = [name for name in ("400", "401", "403", "quota") if seen.count(name) != 2]
        tap.equal(once, [], "what cannot pass later is asked once, whole and streamed")


def streams():
    """A stream of a provider that breaks off: the client is told in the stream, and no half answer is kept."""
    parts = p.openai_stream(["ONE ", "TWO"], done=True)
    broken = {"cut": Answer(parts=parts[:1], after="cut"), "reset": Answer(parts=parts[:1], after="reset"), "garbage": Answer(parts=[parts[0], "data: {no\n\n"]), "unfinished": Answer(parts=parts[:1])}
    whole = set()

    def answer(request):
        prompt = request.body["messages"][-1]["content"]
        return Answer(parts=parts) if prompt in whole and request.body.get("stream") else broken.get(prompt) or echo(request)
    with Provider(answer) as upstream, host.Scratch(**upstream.environment(FELLOWSHIP_RETRY_SCALE="0.001")) as scratch, Serving(scratch, "--patience", "1") as s:
        for name in broken:
            status, _, data = s.chat(name, stream=True)
            last = json.loads(events(data)[-1]) if isinstance(data, bytes) else data
            tap.ok("error" in last and (status == 200) == isinstance(data, bytes), f"{name}: an error is what the stream ends with ({status})", data)
            whole.add(name)
            status, fields, data = s.chat(name, stream=True)
            tap.equal((status, fields["x-fellowship-store"], text_of([json.loads(e) for e in events(data)[:-1]])), (200, "miss", "ONE TWO"), f"{name}: it was not kept, and goes well later")


def instead():
    """A fallback answers in the place of a model that fails, but not once a client has read a part of that one's answer."""
    read = threading.Event()

    def held():
        yield "".join(p.openai_stream(["ONE ", "TWO"])[:2]).encode()
        read.wait(60)

    def answer(request):
        if request.path.startswith("/together"):
            return echo(request)
        return Answer(parts=held(), after="cut") if request.body.get("stream") else Answer(p.openai_error("oops"), 500)
    with Provider(answer) as upstream, host.Scratch(**upstream.environment(FELLOWSHIP_RETRY_SCALE="0.001")) as scratch:
        scratch.write("models.lua", 'return { m = { model = "openai:a", attempts = 1, fallback = { "together:b" } } }')
        with Serving(scratch, "--models", "models.lua") as s:
            status, _, body = s.chat("whole", "m")
            tap.equal((status, body["choices"][0]["message"]["content"]), (200, "WHOLE"), "a fallback answers")
            others = sum(r.path.startswith("/together") for r in upstream.requests)
            with s.connect() as client:
                client.sendall(post(CHAT, asking("streamed", "m", stream=True)))
                data = b""
                while b"ONE " not in data:
                    data += client.recv(65536)
                read.set()
                while part := client.recv(65536):
                    data += part
            tap.ok("error" in json.loads(events(data)[-1]), "a stream that was begun ends with an error", data)
            tap.equal(sum(r.path.startswith("/together") for r in upstream.requests), others, "and nobody else is asked")


def disk():
    """No room for the store: an answer that cannot be kept is not given; with room again it serves on."""
    with Provider(echo) as upstream, host.Scratch(**upstream.environment(FELLOWSHIP_RETRY_SCALE="0.01")) as scratch, host.small_disk(scratch / "small", "1m") as small:
        filler = os.path.join(small, "filler")
        with Serving(scratch, "--store", os.path.join(small, "store.db")) as s:
            answered = [x for x in ("first", "second") if s.chat(x)[0] == 200]
            with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
                while file.write(bytes(4096)):
                    pass
            found = []
            for i in range(200):
                prompt = f"{i} " + os.urandom(2000).hex()
                status, _, body = s.chat(prompt)
                found.append(status)
                if status == 200:
                    answered.append(prompt)
                else:
                    tap.equal((status, body["error"]["code"], str(small) in json.dumps(body)), (503, "store", False), f"a full disk, after {i} answers: an error that names no path")
                    break
            tap.ok(503 in found, "a full disk is told")
            tap.equal([s.chat(x)[0] for x in answered[:2]], [200, 200], "what is kept is served still")
            os.remove(filler)
            tap.ok(host.until(lambda: s.chat("room again")[0] == 200), "with room again it serves on")
            answered.append("room again")
        made = len(upstream.requests)
        with Serving(scratch, "--store", os.path.join(small, "store.db")) as s:
            tap.equal(([x[:9] for x in answered if s.chat(x)[0] != 200], len(upstream.requests) - made), ([], 0), f"all {len(answered)} answers that were given are kept")


def killed():
    """kill -9 under load, three times, each time at another point: what was answered is never paid for again."""
    with Provider(echo) as upstream, host.Scratch(**upstream.environment()) as scratch:
        answered, lock = set(), threading.Lock()
        for turn in range(3):
            with Serving(scratch) as s:
                stop = threading.Event()

                def client(number):
                    for i in range(100000):
                        if stop.is_set():
                            return
                        prompt = f"turn {turn} client {number} prompt {i // 2}"      # each is asked twice
                        with contextlib.suppress(OSError, http.client.HTTPException, json.JSONDecodeError):
                            if s.chat(prompt, stream=number % 2 == 0)[0] == 200:
                                with lock:
                                    answered.add(prompt)
                threads = [threading.Thread(target=client, args=(i,)) for i in range(8)]
                [t.start() for t in threads]
                want = len(answered) + 15 + 10 * turn
                host.until(lambda: len(answered) >= want, 60)
                s.process.kill()
                stop.set()
                [t.join(60) for t in threads]
        asked = [r.body["messages"][-1]["content"] for r in upstream.requests]
        twice = {x for x in answered if asked.count(x) > 1}
        tap.equal(twice, set(), f"of {len(answered)} answers none was paid for twice")
        with Serving(scratch) as s:
            wrong = [x for x in sorted(answered) if s.chat(x)[1]["x-fellowship-store"] != "hit"]
        tap.equal((wrong, len(upstream.requests) - len(asked)), ([], 0), "and all are served from the store after the last one")


host.need_program()
tap.cases(providers, streams, instead, disk, killed)
