#!/usr/bin/env python3
"""What is passed on by `fellowship serve`: text completions, embeddings and responses, whole and as they come."""

import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import openai_paths as paths
import provider_server as p
import tap
from provider_server import Answer, Provider
from serving import Serving, events, post

RESPONSES, COMPLETIONS, EMBEDDINGS = "/v1/responses", "/v1/completions", "/v1/embeddings"
PIECES = ["One ", "</think> <think>", "\u00fcber\n", "\u2028 end."]


def respond(text="x", **more):
    return {"model": "openai:m", "input": text, **more}


def complete(text="x", **more):
    return {"model": "openai:m", "prompt": text, **more}


def decoded(data):
    return [json.loads(e) for e in events(data) if e != "[DONE]"]


def of_kind(found, kind):
    return [e for e in found if e["type"] == kind]


def whole():
    def answer(request):
        path = request.path
        return Answer(paths.embeddings(request.body) if path.endswith("embeddings") else paths.completion("ONE", "TWO") if path.endswith("completions") else paths.response(paths.message("R")))
    with Provider(answer) as upstream, host.Scratch(**upstream.environment()) as scratch, Serving(scratch) as s:
        for path, body in ((RESPONSES, respond(temperature=0.5)), (COMPLETIONS, complete(n=2)), (EMBEDDINGS, {"model": "openai:m", "input": ["a", "b"]})):
            first, second = s.ask("POST", path, body), s.ask("POST", path, body)
            tap.equal((first[0], first[1]["x-fellowship-store"], second[1]["x-fellowship-store"], first[2] == second[2]), (200, "miss", "hit", True), f"{path}: asked, kept, the same")
            sent = {**upstream.requests[-1].body, "model": body["model"]}
            tap.equal(sent, body, f"{path}: all parameters are passed on, and nothing else")
            tap.equal(s.ask("POST", path, body, {"x-fellowship-sample": "2"})[1]["x-fellowship-store"], "miss", f"{path}: another sample")
            tap.equal(s.ask("POST", path, body, {"x-fellowship-sample": "0"})[0], 400, f"{path}: a sample that is none")
            made = len(upstream.requests)
            headers = {"x-fellowship-no-store": "1"}
            tap.equal([s.ask("POST", path, body, headers)[1]["x-fellowship-store"] for _ in range(2)] + [len(upstream.requests) - made], ["miss", "miss", 2], f"{path}: from no store, kept in none")
            tap.equal((s.ask("POST", path, [1])[0], s.ask("POST", path, {**body, "model": "anthropic:m"})[0], s.ask("POST", path, {**body, "model": "nobody"})[0]), (400, 400, 404), f"{path}: what cannot be asked")


def responses():
    """A response's events are told on one by one; its end once it is kept. The store's answer comes in the same form."""
    go_on = threading.Event()

    def parts():
        made = p.sse(*paths.response_events(*PIECES), names=True)
        yield "".join(made[:5])
        go_on.wait(60)
        yield from made[5:]
    with Provider(lambda request: Answer(parts=parts())) as upstream, host.Scratch(**upstream.environment()) as scratch, Serving(scratch) as s:
        with s.connect() as client:
            client.sendall(post(RESPONSES, respond(stream=True)))
            got = b""
            while b"One " not in got:
                got += client.recv(65536)
            tap.ok(b"x-fellowship-store: miss" in got and b"end." not in got, "the first piece comes before the last one is there")
            go_on.set()
            got += client.makefile("rb").read()
        told = [json.loads(line[6:]) for line in got.decode().split("\n") if line.startswith("data: ")]
        tap.equal(told, paths.response_events(*PIECES), "all events, as the provider sent them")
        tap.equal([line[7:] for line in got.decode().split("\n") if line.startswith("event: ")], [e["type"] for e in told], "with their names")
        status, fields, data = s.ask("POST", RESPONSES, respond(stream=True))
        again = decoded(data)
        tap.equal((status, fields["x-fellowship-store"], [e["sequence_number"] for e in again]), (200, "hit", list(range(len(again)))), "from the store: events in order")
        tap.equal([e["type"] for e in again], [e["type"] for i, e in enumerate(told) if e["type"] not in [x["type"] for x in told[:i]]], "of the same kinds")
        tap.equal(("".join(e["delta"] for e in of_kind(again, "response.output_text.delta")), again[-1]["response"]), ("".join(PIECES), told[-1]["response"]), "the same answer")
        body = s.ask("POST", RESPONSES, respond())
        tap.equal((body[1]["x-fellowship-store"], body[2], len(upstream.requests)), ("hit", told[-1]["response"], 1), "and whole it is the same call")


def others():
    """Items of other kinds, answers that end early, and servers that do not stream."""
    call, thought = paths.function_call("weather", '{"city":"Oslo"}'), {"id": "rs_1", "type": "reasoning", "summary": []}
    made = {"call": paths.response(thought, call), "cut": paths.response(paths.message("Half"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "refusal": paths.response({**paths.message(""), "content": [{"type": "refusal", "refusal": "No."}]}), "nothing": paths.response()}
    with Provider(lambda request: Answer(made[request.body["input"]])) as upstream, host.Scratch(**upstream.environment()) as scratch, Serving(scratch) as s:
        for name, want in made.items():
            for turn in ("asked", "stored"):
                found = decoded(s.ask("POST", RESPONSES, respond(name, stream=True))[2])
                last = "response.incomplete" if name == "cut" else "response.completed"
                tap.equal((found[0]["type"], found[-1]["type"], found[-1]["response"]), ("response.created", last, want), f"{name}, {turn}: it ends as it is")
                done = [e["item"] for e in of_kind(found, "response.output_item.done")]
                tap.equal(done, want["output"], f"{name}, {turn}: each of its items is told")
        found = decoded(s.ask("POST", RESPONSES, respond("call", stream=True))[2])
        tap.equal((of_kind(found, "response.function_call_arguments.delta")[0]["delta"], of_kind(found, "response.output_item.added")[1]["item"]["arguments"]), (call["arguments"], ""), "what a tool is called with")


def completions():
    chunks = paths.completion_chunks("First text.", "Second", size=3)
    chunks[0]["choices"][0]["logprobs"] = {"tokens": ["Fir"], "token_logprobs": [-0.5], "top_logprobs": [{"Fir": -0.5}], "text_offset": [0]}
    with Provider(lambda request: Answer(parts=p.sse(*chunks, done=True))) as upstream, host.Scratch(**upstream.environment()) as scratch, Serving(scratch) as s:
        want = {0: "First text.", 1: "Second"}
        for turn in ("miss", "hit"):
            status, fields, data = s.ask("POST", COMPLETIONS, complete(n=2, stream=True))
            found, texts, ends = decoded(data), {}, {}
            for chunk in found:
                for choice in chunk["choices"]:
                    texts[choice["index"]] = texts.get(choice["index"], "") + choice["text"]
                    ends.setdefault(choice["index"], []).append(choice["finish_reason"])
            tap.equal((status, fields["x-fellowship-store"], texts, events(data)[-1]), (200, turn, want, "[DONE]"), f"{turn}: the texts, side by side")
            tap.equal(({i: list(filter(None, e)) for i, e in ends.items()}, found[-1]["usage"]), ({0: ["stop"], 1: ["stop"]}, paths.USAGE), f"{turn}: each ends once; what it took")
        tap.equal(upstream.requests[0].body["stream_options"], {"include_usage": True}, "the provider is asked for what it took")
        body = s.ask("POST", COMPLETIONS, complete(n=2))[2]
        tap.equal(([c["text"] for c in body["choices"]], body["choices"][0]["logprobs"]["tokens"], body["usage"]), (list(want.values()), ["Fir"], paths.USAGE), "whole it is the same answer, put together")
        tap.equal(len(upstream.requests), 1, "by one call")


def broken():
    """A stream that breaks off: an error in its place or behind it, and nothing is kept."""
    made = p.sse(*paths.response_events(*PIECES), names=True)
    failed = p.sse({"type": "response.failed", "response": paths.response(status="failed", error={"code": "server_error", "message": "it broke"})}, names=True)
    kinds = {"cut": (made[:5], "cut"), "reset": (made[:5], "reset"), "no end": (made[:5], "end"), "failed": (made[:5] + failed, "end"), "garbage": (made[:5] + ["data: {no\n\n"], "end"), "nothing": ([], "end")}
    well = set()

    def answer(request):
        kind = request.body["input"]
        return Answer(parts=made) if kind in well else Answer(parts=kinds[kind][0], after=kinds[kind][1])
    with Provider(answer) as upstream, host.Scratch(**upstream.environment(FELLOWSHIP_RETRY_SCALE="0.001")) as scratch, Serving(scratch, "--patience", "1") as s:
        for kind in kinds:
            status, _, data = s.ask("POST", RESPONSES, respond(kind, stream=True))
            found = decoded(data) if status == 200 else [data]
            tap.ok("error" in found[-1] and not of_kind(found[:-1], "response.completed"), f"{kind}: an error is its end ({status})", found[-1])
            well.add(kind)
            status, fields, data = s.ask("POST", RESPONSES, respond(kind, stream=True))
            tap.equal((status, fields["x-fellowship-store"], decoded(data)[-1]["type"]), (200, "miss", "response.completed"), f"{kind}: nothing was kept; it goes well later")


host.need_program()
tap.cases(whole, responses, others, completions, broken)
