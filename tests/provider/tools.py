#!/usr/bin/env python3
"""Calls of tools: a completion has them, in one form for all providers, where the script gave tools; else such an answer
is none. The answers are those of each provider's documents, plain and streamed."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider, ask

DEPTH = {"id": "call_1", "type": "function", "function": {"name": "depth_of", "arguments": '{"lake":"Baikal","unit":"m"}'}}
AREA = {"id": "call_2", "type": "function", "function": {"name": "area_of", "arguments": "{}"}}
LAKE = {"lake": "Baikal", "unit": "m"}
TOOLS = [{"type": "function", "function": {"name": "depth_of", "parameters": {"type": "object"}}}]


def chunk(finish=None, **delta):
    return {"object": "chat.completion.chunk", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def named(index, call, arguments):
    return {"index": index, "id": call["id"], "type": "function", "function": {"name": call["function"]["name"], "arguments": arguments}}


OPENAI = {**p.openai(None, "tool_calls", tool_calls=[DEPTH, AREA])}
OPENAI_STREAM = p.sse(chunk(role="assistant", content=None), chunk(tool_calls=[named(0, DEPTH, "")]),
                      chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"lake":"Baikal",'}}]),
                      chunk(tool_calls=[{"index": 0, "function": {"arguments": '"unit":"m"}'}}]),
                      chunk(tool_calls=[named(1, AREA, "{}")]), chunk("tool_calls"), done=True)
# Servers that leave the index out tell calls apart by their ids.
NO_INDEX = p.sse(*({k: v for k, v in chunk(tool_calls=[{k: v for k, v in named(0, c, c["function"]["arguments"]).items() if k != "index"}]).items()}
                   for c in (DEPTH, AREA)), chunk("tool_calls"), done=True)
BLOCKS = [{"type": "tool_use", "id": "call_1", "name": "depth_of", "input": LAKE}, {"type": "tool_use", "id": "call_2", "name": "area_of", "input": {}}]
PARTS = [{"functionCall": {"name": "depth_of", "args": LAKE}}, {"functionCall": {"name": "area_of", "args": {}}}]
GEMINI = {"candidates": [{"content": {"role": "model", "parts": PARTS}, "finishReason": "STOP"}], "modelVersion": "m",
          "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 9}}
OLLAMA = {"model": "m", "message": {"role": "assistant", "content": "", "tool_calls": [
    {"function": {"name": "depth_of", "arguments": LAKE}}, {"function": {"name": "area_of", "arguments": {}}}]},
    "done": True, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 9}
OLLAMA_STREAM = [json.dumps({**OLLAMA, "message": {**OLLAMA["message"], "tool_calls": [call]}, "done": False, "done_reason": None}) + "\n"
                 for call in OLLAMA["message"]["tool_calls"]] + [json.dumps({**OLLAMA, "message": {"role": "assistant", "content": ""}}) + "\n"]
RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": [
    {"type": "function_call", "call_id": c["id"], "name": c["function"]["name"], "arguments": c["function"]["arguments"]} for c in (DEPTH, AREA)],
    "usage": {"input_tokens": 5, "output_tokens": 9}}


def anthropic_stream():
    events = [{"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
                                                    "stop_reason": None, "usage": {"input_tokens": 5, "output_tokens": 1}}}]
    for i, block in enumerate(BLOCKS):
        text = json.dumps(block["input"], separators=(",", ":")) if block["input"] else ""
        events += [{"type": "content_block_start", "index": i, "content_block": {**block, "input": {}}},
                   {"type": "content_block_delta", "index": i, "delta": {"type": "input_json_delta", "partial_json": text[:9]}},
                   {"type": "content_block_delta", "index": i, "delta": {"type": "input_json_delta", "partial_json": text[9:]}},
                   {"type": "content_block_stop", "index": i}]
    events += [{"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}}, {"type": "message_stop"}]
    return p.sse(*events, names=True)


CASES = [
    ("openai:m", "OpenAI", Answer(OPENAI)), ("openai:m", "OpenAI, streamed", Answer(parts=OPENAI_STREAM)),
    ("openai:m", "without an index, streamed", Answer(parts=NO_INDEX)),
    ("openai-responses:m", "Responses", Answer(RESPONSE)),
    ("openai-responses:m", "Responses, streamed", Answer(parts=p.sse({"type": "response.completed", "response": RESPONSE}, names=True))),
    ("anthropic:m", "Anthropic", Answer(p.anthropic("", "tool_use", BLOCKS))), ("anthropic:m", "Anthropic, streamed", Answer(parts=anthropic_stream())),
    ("gemini:m", "Gemini", Answer(GEMINI)), ("gemini:m", "Gemini, streamed", Answer(parts=p.sse(GEMINI))),
    ("ollama:m", "Ollama", Answer(OLLAMA)), ("ollama:m", "Ollama, streamed", Answer(parts=OLLAMA_STREAM, kind="application/x-ndjson")),
]


def without_ids(calls):
    return [{**call, "id": None} for call in calls or []]


def one(case):
    model, name, answer = case
    stream = answer.parts is not None
    with Provider(lambda r: answer) as server, host.Scratch(**server.environment()) as scratch:
        scratch.write("m.lua", f'return {{ ["{model}"] = {{ attempts = 3 }} }}')
        got = ask(scratch, model, options={"tools": TOOLS}, stream=stream, flags=["--models", "m.lua"])
        completion = got.get("completion") or got
        calls, want = completion.get("tool_calls"), [DEPTH, AREA]
        if model in ("gemini:m", "ollama:m"):        # which give no ids
            calls, want = without_ids(calls), without_ids(want)
        tap.equal((calls, completion.get("text"), completion.get("finish_reason")), (want, "", "tool_calls"), f"{name}: its calls")
        again = ask(scratch, model, options={"tools": TOOLS}, flags=["--offline", "--models", "m.lua"])
        tap.equal((again.get("completion") or again).get("tool_calls"), completion.get("tool_calls"), f"{name}: the store has them")
        bare = ask(scratch, model, stream=stream, flags=["--models", "m.lua"])
        tap.equal((bare.get("error") or {}).get("kind"), "empty", f"{name}: where no tools were given it is no answer")
        tap.contains((bare.get("error") or {}).get("message", ""), ["calls a tool (depth_of)"], f"{name}: and says so")


def providers():
    tap.side_by_side(one, CASES)


def beside_text():
    """A text with calls has both; a call without a name is none."""
    for calls, want in ([DEPTH], [DEPTH]), ([{"id": "x", "function": {"arguments": "{}"}}], None):
        with Provider(lambda r, calls=calls: Answer(p.openai("I look.", "stop", tool_calls=calls))) as server, host.Scratch(**server.environment()) as scratch:
            completion = ask(scratch, "openai:m", options={"tools": TOOLS})["completion"]
            tap.equal((completion["text"], completion.get("tool_calls")), ("I look.", want), "beside a text")
            completion = ask(scratch, "openai:m")["completion"]
            tap.equal((completion["text"], completion.get("tool_calls")), ("I look.", None), "not where no tools were given")


host.need_program()
tap.cases(providers, beside_text)
