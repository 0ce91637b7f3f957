#!/usr/bin/env python3
"""Answers of careless servers over the wire: other good statuses, streams that nobody asked for, and none where one was."""

import gzip
import json
import os
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider, ask

STREAM = p.openai_stream(["One ", "two"])
LIMITS = 'return { ["openai:m"] = { attempts = 2 } }'


def seen(answer, **job):
    """Text or kind of error, and the number of requests."""
    with Provider(lambda r: answer) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("m.lua", LIMITS)
        got = ask(scratch, "openai:m", flags=["--models", "m.lua"], **job)
        end = got["completion"]["text"] if "completion" in got else (got["error"]["kind"], got["error"]["message"])
        return end, "".join(got["pieces"]), len(server.requests)


def statuses():
    for status in (200, 201, 203):
        tap.equal(seen(Answer(p.openai("One two"), status)), ("One two", "", 1), f"{status} with an answer")
        tap.equal(seen(Answer(parts=STREAM, status=status), stream=True), ("One two", "One two", 1), f"{status} with a stream")
    end, _, asked = seen(Answer("", 204))
    tap.equal((end[0], asked), ("request", 1), "204 is none")


def streams():
    tap.equal(seen(Answer(parts=STREAM)), ("One two", "", 1), "a stream for a plain call")
    tap.equal(seen(Answer("".join(STREAM), kind="text/plain")), ("One two", "", 1), "whatever it is called")
    end, _, asked = seen(Answer(parts=STREAM[:2]))
    tap.equal((end[0], asked), ("garbage", 2), "one that was cut is none")
    tap.equal(seen(Answer(p.openai("One two"), kind="text/event-stream"), stream=True), ("One two", "One two", 1), "a whole answer for a stream")
    end, _, _ = seen(Answer(p.openai_error("Unsupported: logit_bias"), kind="text/event-stream"), stream=True)
    tap.contains(str(end), ["Unsupported: logit_bias"], "an error that says it is a stream is told")


def packed():
    """What is packed though nobody asked for it, whole and streamed, good answers and errors."""
    for name, pack in (("gzip", gzip.compress), ("deflate", zlib.compress)):
        how = {"Content-Encoding": name}
        tap.equal(seen(Answer(pack(json.dumps(p.openai("One two")).encode()), headers=how)), ("One two", "", 1), f"{name}: an answer")
        tap.equal(seen(Answer(parts=[pack("".join(STREAM).encode())], headers=how), stream=True), ("One two", "One two", 1), f"{name}: a stream")
        end, _, _ = seen(Answer(pack(json.dumps(p.openai_error("Unsupported: logit_bias")).encode()), 400, headers=how))
        tap.contains(str(end), ["Unsupported: logit_bias"], f"{name}: an error")
    for words in ("ung\xfcltig".encode("latin-1"), gzip.compress(b"no words at all"), "no".encode("utf-16")):
        end, _, asked = seen(Answer(words, 400))
        tap.equal((end[0], asked), ("request", 1), f"an error in bytes that are no UTF-8: {words[:12]}")


def given_up():
    """What the server gave up is never stored as a whole answer."""
    for form in (Answer(p.openai("half an an", "abort")), Answer(parts=p.openai_stream(["half ", "an an"], "insufficient_system_resource"))):
        end, _, asked = seen(form, stream=form.parts is not None)
        tap.equal((end[0], asked), ("garbage", 2), "an answer that was given up")
    last = json.dumps({"object": "chat.completion", "choices": [{"index": 0, "message": {"content": "One two"}, "finish_reason": "stop"}]})
    tap.equal(seen(Answer(parts=STREAM[:3] + [f"data: {last}\n\n", "data: [DONE]\n\n"]), stream=True), ("One two", "One two", 1), "the whole behind its pieces")


host.need_program()
tap.cases(statuses, streams, packed, given_up)
