#!/usr/bin/env python3
"""OpenAI's Responses API on the wire: what is asked, and what its documented answers mean, plain and streamed."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, KEY, Provider, ask

USAGE = {"input_tokens": 20, "input_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 4}, "output_tokens": 7,
         "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 27}
TALK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}]


def message(*parts):
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": list(parts)}


def text(said):
    return {"type": "output_text", "text": said, "annotations": [], "logprobs": []}


def reasoning(*summary):
    return {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": part} for part in summary]}


def response(*output, status="completed", **more):
    return {"id": "resp_1", "object": "response", "status": status, "model": "served-1", "output": list(output), "error": None,
            "incomplete_details": None, "usage": USAGE, **more}


def streamed(pieces, last):
    events = [{"type": "response.created", "response": response(status="in_progress")},
              {"type": "response.reasoning_summary_text.delta", "delta": "Hm."},
              *[{"type": "response.output_text.delta", "output_index": 1, "delta": piece} for piece in pieces], last]
    return p.sse(*events, names=True)


def asked(answers, model="openai-responses:gpt-5-pro", prompt=TALK, **job):
    with Provider(answers if isinstance(answers, list) else [answers]) as server, host.Scratch(**server.environment()) as scratch:
        return ask(scratch, model, prompt, **job), server.requests


def plain():
    got, (request,) = asked(Answer(response(reasoning("Hm.", " So."), message(text("Hi "), text("you")))),
                            params={"max_tokens": 50, "reasoning_effort": "low", "stop": "x"})
    tap.equal((request.path, request.headers["authorization"]), ("/openai/v1/responses", f"Bearer {KEY}"), "path and key")
    tap.equal(request.body, {"model": "gpt-5-pro", "input": TALK, "store": False, "max_output_tokens": 1074,
                             "reasoning": {"effort": "low", "summary": "auto"}}, "the body")
    completion = got.get("completion") or got
    tap.equal({k: completion.get(k) for k in ("text", "reasoning", "finish_reason", "model", "usage")},
              {"text": "Hi you", "reasoning": "Hm. So.", "finish_reason": "stop", "model": "served-1",
               "usage": {"prompt_tokens": 20, "completion_tokens": 7, "cached_tokens": 8, "cache_write_tokens": 4, "reasoning_tokens": 3}},
              "text, summary, end and tokens")
    _, (request,) = asked(Answer(response(message(text("Hi")))), model="openai-responses:gpt-4o",
                          prompt=[{"role": "user", "content": [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}])
    tap.equal((request.body["input"][0]["content"], "reasoning" in request.body),
              ([{"type": "input_text", "text": "See"}, {"type": "input_image", "image_url": "data:image/png;base64,AA=="}], False), "parts of a message")


def ends():
    for name, answer, kind, tries, part in [
            ("a refusal", Answer(response(message({"type": "refusal", "refusal": "Not that."}))), "refusal", 1, "Not that."),
            ("a filter", Answer(response(status="incomplete", incomplete_details={"reason": "content_filter"})), "content_filter", 1, ""),
            ("a call of a tool", Answer(response({"type": "function_call", "name": "look", "arguments": "{}"})), "empty", 2, "look"),
            ("thoughts alone", Answer(response(reasoning("Hm."))), "empty", 2, "thoughts"),
            ("a failure", Answer(response(status="failed", error={"code": "rate_limit_exceeded", "message": "slow"}), headers={"retry-after": "0"}), "rate_limit", 2, "slow")]:
        with Provider(lambda r, a=answer: a) as server, host.Scratch(**server.environment()) as scratch:
            scratch.write("m.lua", 'return { ["openai-responses:gpt-5"] = { attempts = 2 } }')
            got = ask(scratch, "openai-responses:gpt-5", flags=["--models", "m.lua"])
            tap.equal(((got.get("error") or got).get("kind"), len(server.requests)), (kind, tries), f"{name}: {kind}")
            tap.contains(str((got.get("error") or {}).get("message")), [part], f"{name}: told")
    got, _ = asked(Answer(response(reasoning("On and"), status="incomplete", incomplete_details={"reason": "max_output_tokens"})))
    completion = got.get("completion") or got
    tap.equal((completion.get("text"), completion.get("finish_reason"), completion.get("reasoning")), ("", "length", "On and"), "cut off by its thinking: visibly so")


def streams():
    done = {"type": "response.completed", "response": response(reasoning("Hm."), message(text("One two")))}
    got, (request,) = asked(Answer(parts=streamed(["One ", "two"], done)), stream=True)
    completion = got.get("completion") or got
    tap.equal((request.body["stream"], "".join(got["pieces"]), completion.get("text"), completion.get("reasoning")), (True, "One two", "One two", "Hm."), "streamed")
    tap.equal(completion["usage"]["completion_tokens"], 7, "with tokens")
    cut = Answer(parts=streamed(["One ", "two"], done)[:-1])
    got, requests = asked([cut, Answer(parts=streamed(["One ", "two"], done))], stream=True)
    tap.equal(((got.get("completion") or got).get("text"), "".join(got["pieces"]), len(requests)), ("One two", "One two", 2), "cut off before its end: asked again")
    failed = {"type": "response.failed", "response": response(status="failed", error={"code": "server_error", "message": "odd"})}
    got, requests = asked([Answer(parts=streamed(["One "], failed)), Answer(parts=streamed(["One ", "two"], done))], stream=True)
    tap.equal(((got.get("completion") or got).get("text"), len(requests)), ("One two", 2), "failed in the middle: asked again")


def learns():
    bad = Answer(p.openai_error("Your organization must be verified to generate reasoning summaries.", param="reasoning.summary", code="unsupported_value"), 400)
    got, requests = asked([bad, Answer(response(message(text("Hi"))))])
    tap.equal(((got.get("completion") or got).get("text"), [r.body.get("reasoning") for r in requests]), ("Hi", [{"summary": "auto"}, None]), "without summaries where they are refused")


host.need_program()
tap.cases(plain, ends, streams, learns)
