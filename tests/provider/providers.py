#!/usr/bin/env python3
"""Each provider on the wire: what is asked of it, and what its documented answers mean."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, KEY, Provider, ask

TALK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Grüße?"},
        {"role": "assistant", "content": "Hallo."}, {"role": "user", "content": "And now?"}]
PARAMS = {"temperature": 0.5, "max_tokens": 64, "stop": "END", "top_p": 0.9, "seed": 7}


def asked(model, answers, prompt=TALK, flags=(), environment=None, files=None, **job):
    """One job against a server of its own: what came of it, and the requests."""
    with Provider(answers if isinstance(answers, list) or callable(answers) else [answers]) as server, \
            host.Scratch(**server.environment(**(environment or {}))) as scratch:
        for name, content in (files or {}).items():
            scratch.write(name, content.replace("{url}", server.url))
        return ask(scratch, model, prompt, flags=flags, **job), server.requests


def usage(prompt=20, completion=7, cached=8, reasoning=3):
    found = {"prompt_tokens": prompt, "completion_tokens": completion, "cached_tokens": cached,
             "reasoning_tokens": reasoning}
    return {name: count for name, count in found.items() if count is not None}


def is_completion(got, name, **fields):
    completion = got.get("completion")
    if tap.ok(completion, f"{name}: answered", got):
        tap.equal({field: completion.get(field) for field in fields}, fields, f"{name}: {', '.join(fields)}")


def fails(got, requests, kind, name, parts=(), count=1):
    tap.equal((got.get("error") or got).get("kind"), kind, f"{name}: kind {kind}")
    tap.equal(len(requests), count, f"{name}: asked {count} times")
    tap.contains(str((got.get("error") or {}).get("message")), list(parts), f"{name}: told")


# ---- what is asked, and what comes back ---------------------------------------------------

def openai():
    got, (request,) = asked("openai:gpt-4o", Answer(p.openai(" Hi\n")), params=PARAMS)
    tap.equal((request.path, request.headers["authorization"]), ("/openai/v1/chat/completions", f"Bearer {KEY}"),
              "openai: path and key")
    tap.equal(request.body, {"model": "gpt-4o", "messages": TALK, **PARAMS}, "openai: the body is what was given")
    is_completion(got, "openai", text=" Hi\n", finish_reason="stop", model="served-1", usage=usage(), stored=False,
                  answered_by="openai:gpt-4o")


def doors():
    """A base URL that was copied with the door behind it."""
    for model, name, door, path in [("openai:m", "OPENAI", "/v1/chat/completions", "/v1/chat/completions"), ("vllm:m", "VLLM", "/v1/chat/completions/", "/v1/chat/completions"),
                                    ("openai:m", "OPENAI", "/v1/chat/completions?api-version=7", "/v1/chat/completions?api-version=7"),
                                    ("openai-responses:m", "OPENAI", "/v1/responses", "/v1/responses"), ("ollama:m", "OLLAMA", "/api/chat", "/api/chat")]:
        body = p.ollama("Hi") if door == "/api/chat" else p.openai("Hi") if "chat" in door else {"status": "completed", "output": [{"type": "message", "content": "Hi"}]}
        with Provider([Answer(body)]) as server:
            variable = "OLLAMA_HOST" if name == "OLLAMA" else f"{name}_BASE_URL"
            with host.Scratch(**server.environment(**{variable: server.url + door})) as scratch:
                got = ask(scratch, model)
                tap.equal(((got.get("completion") or got).get("text"), [r.path for r in server.requests]), ("Hi", [path]), f"{model}: {door}")


def azure():
    got, (request,) = asked("azure:my-gpt", Answer(p.openai("Hi")))
    tap.equal((request.path, request.headers.get("api-key"), request.headers.get("authorization")),
              ("/openai/v1/chat/completions", KEY, None), "azure: path, and the key in its own header")
    is_completion(got, "azure", text="Hi")
    models = 'return { old = { model = "azure:my-gpt", base_url = "{url}/openai/deployments/d?api-version=2024-10-21" } }'
    got, (request,) = asked("old", Answer(p.openai("Hi")), flags=["--models", "m.lua"], files={"m.lua": models})
    tap.equal(request.path, "/openai/deployments/d/chat/completions?api-version=2024-10-21", "azure: the older form of address")


def anthropic():
    got, (request,) = asked("anthropic:claude-haiku-4-5", Answer(p.anthropic(" Hi\n")), params=PARAMS)
    headers = request.headers
    tap.equal((request.path, headers.get("x-api-key"), headers.get("anthropic-version"), headers.get("authorization")),
              ("/v1/messages", KEY, "2023-06-01", None), "anthropic: path, key and version")
    tap.equal(request.body, {"model": "claude-haiku-4-5", "system": "Be brief.", "messages": TALK[1:], "max_tokens": 64,
                             "temperature": 0.5, "top_p": 0.9, "seed": 7, "stop_sequences": ["END"]}, "anthropic: the body")
    # Tokens of the cache count as the prompt's: 10 + 2 written + 8 read.
    is_completion(got, "anthropic", text=" Hi\n", finish_reason="stop", model="served-1",
                  usage={**usage(), "cache_write_tokens": 2})
    got, (request,) = asked("anthropic:claude-haiku-4-5", Answer(p.anthropic("", content=[
        {"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "text", "text": "One "}, {"type": "text", "text": "two"}])))
    is_completion(got, "anthropic, thinking", text="One two", reasoning="Hm.")
    tap.ok(request.body["max_tokens"] > 1000, "anthropic: a bound is always sent, since it is required")


def gemini():
    got, (request,) = asked("gemini:gemini-2.5-flash", Answer(p.gemini(" Hi\n", thought="Hm.")), params=PARAMS)
    tap.equal((request.path, request.headers.get("x-goog-api-key")),
              ("/v1beta/models/gemini-2.5-flash:generateContent", KEY), "gemini: path, and the key in its header alone")
    tap.equal(request.body, {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "Grüße?"}]}, {"role": "model", "parts": [{"text": "Hallo."}]},
                     {"role": "user", "parts": [{"text": "And now?"}]}],
        "generationConfig": {"temperature": 0.5, "maxOutputTokens": 64, "stopSequences": ["END"], "topP": 0.9, "seed": 7},
    }, "gemini: the body")
    # Thoughts are output: 4 + 3.
    is_completion(got, "gemini", text=" Hi\n", reasoning="Hm.", finish_reason="stop", model="served-1", usage=usage())


def ollama():
    params = {**PARAMS, "num_ctx": 4096, "think": True, "keep_alive": "5m"}
    got, (request,) = asked("ollama:gemma2", Answer(p.ollama(" Hi\n", thinking="Hm.")), params=params)
    tap.equal((request.path, request.headers.get("authorization")), ("/api/chat", None), "ollama: path, and no key")
    tap.equal(request.body, {"model": "gemma2", "messages": TALK, "stream": False, "truncate": False, "think": True, "keep_alive": "5m",
                             "options": {"temperature": 0.5, "num_predict": 64, "stop": ["END"], "top_p": 0.9, "seed": 7,
                                         "num_ctx": 4096}}, "ollama: the body")
    is_completion(got, "ollama", text=" Hi\n", reasoning="Hm.", finish_reason="stop", model="served-1",
                  usage=usage(cached=None, reasoning=None))
    _, (request,) = asked("ollama:x", Answer(p.ollama("Hi")), environment={"OLLAMA_API_KEY": KEY})
    tap.equal(request.headers.get("authorization"), f"Bearer {KEY}", "ollama: a key where one is set")


def compatible():
    """What speaks OpenAI's API differs by address and key alone."""
    for name in ("together", "openrouter", "groq", "deepseek", "mistral", "fireworks", "vllm", "llamacpp"):
        got, (request,) = asked(f"{name}:some/model", Answer(p.openai("Hi")))
        key = None if name in ("vllm", "llamacpp") else f"Bearer {KEY}"
        tap.equal((request.path, request.headers.get("authorization")), (f"/{name}/v1/chat/completions", key),
                  f"{name}: path and key")
        is_completion(got, name, text="Hi")
    _, (request,) = asked("vllm:m", Answer(p.openai("Hi")), environment={"VLLM_API_KEY": KEY})
    tap.equal(request.headers.get("authorization"), f"Bearer {KEY}", "vllm: a key where one is set")


def own_provider():
    """A provider of one's own, as examples/own-provider.lua has it."""
    example = host.ROOT / "examples" / "own-provider.lua"
    body = {"id": "c", "finish_reason": "MAX_TOKENS", "message": {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
            "usage": {"tokens": {"input_tokens": 3, "output_tokens": 1}}}
    with Provider([Answer({"message": "busy"}, 429, {"Retry-After": "0"}), Answer(body)]) as server, \
            host.Scratch(COHERE_API_KEY=KEY, COHERE_BASE_URL=server.url) as scratch:
        result = scratch.run(example)
        tap.equal((result.status, [r.path for r in server.requests]), (0, ["/chat"] * 2), "own provider: asked, and asked again")
        tap.contains(result.out, ["Hi", "length"], "own provider: its answer is read")


# ---- answers that are none ------------------------------------------------------------------

def errors():
    o, a, g = "openai:m", "anthropic:m", "gemini:m"
    day = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}
    for model, answer, kind, parts in [
        (o, Answer(p.openai_error("Incorrect API key provided", code="invalid_api_key"), 401), "auth", ["401", "OPENAI_API_KEY"]),
        (o, Answer(p.openai_error("You exceeded your current quota", "insufficient_quota", "insufficient_quota"), 429), "quota", ["429"]),
        (o, Answer(p.openai(None, refusal="I cannot.")), "refusal", ["I cannot."]),
        (o, Answer(p.openai("par", "content_filter")), "content_filter", []),
        ("azure:m", Answer(p.openai_error("The response was filtered", code="content_filter"), 400), "content_filter", []),
        ("openrouter:m", Answer({"error": {"code": 402, "message": "Insufficient credits"}}), "quota", ["402"]),
        ("openrouter:m", Answer({"error": {"code": 403, "message": "flagged", "metadata": {"reasons": ["x"], "flagged_input": "y"}}}, 403),
         "content_filter", ["flagged"]),
        ("vllm:m", Answer({"object": "error", "message": "This model's maximum context length is 9", "code": 400}, 400), "context_length", []),
        ("llamacpp:m", Answer(p.openai_error("the request exceeds the available context size", "exceed_context_size_error"), 400), "context_length", []),
        (a, Answer(p.anthropic_error("authentication_error", "invalid x-api-key"), 401), "auth", ["ANTHROPIC_API_KEY"]),
        (a, Answer(p.anthropic_error("billing_error", "no credit"), 402), "quota", ["402"]),
        (a, Answer(p.anthropic_error("invalid_request_error", "Your credit balance is too low to access"), 400), "quota", []),
        (a, Answer(p.anthropic_error("request_too_large", "too many bytes"), 413), "context_length", ["413"]),
        (a, Answer(p.anthropic_error("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"), 400), "context_length", []),
        (a, Answer(p.anthropic_error("not_found_error", "model: m"), 404), "not_found", ["404"]),
        (a, Answer(p.anthropic("", "refusal", [], stop_details={"type": "refusal", "explanation": "Not that."})), "refusal", ["Not that."]),
        (g, Answer(p.gemini_error(400, "INVALID_ARGUMENT", "API key not valid.", [{"reason": "API_KEY_INVALID"}]), 400), "auth", ["GEMINI_API_KEY"]),
        (g, Answer(p.gemini_error(429, "RESOURCE_EXHAUSTED", "Quota", [day]), 429), "quota", []),
        (g, Answer({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}}), "content_filter", ["SAFETY"]),
        (g, Answer(p.gemini("half", "PROHIBITED_CONTENT")), "content_filter", ["PROHIBITED_CONTENT"]),
        (g, Answer(p.gemini_error(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."), 400), "context_length", []),
        ("ollama:m", Answer({"error": "model 'm' not found"}, 404), "not_found", ["not found"]),
        ("ollama:m?num_ctx=20", Answer(p.ollama("Hi")), "context_length", ["20 tokens"]),
        ("ollama:m", Answer({"error": "prompt too long; exceeded max context length by 9 tokens"}, 400), "context_length", []),
    ]:
        got, requests = asked(model, answer)
        fails(got, requests, kind, f"{model.split(':')[0]} {answer.status} {kind}", parts)


def stored():
    """Refusals belong to the request: a rerun, and an offline one, gets them from the store."""
    with Provider([Answer(p.anthropic("", "refusal", []))]) as server, host.Scratch(**server.environment()) as scratch:
        first = ask(scratch, "anthropic:m")
        for flags in ([], ["--offline"]):
            tap.equal(ask(scratch, "anthropic:m", flags=flags)["error"], first["error"], f"a refusal is replayed {flags}")
        tap.equal(len(server.requests), 1, "and was asked for once")


def passing():
    """What passes is tried again, and the server's wish is heard in all its forms."""
    soon = {"retry-after": "0"}
    retry_info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.1s"}
    minute = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "RequestsPerMinute"}]}
    for model, answer, good, name in [
        ("openai:m", Answer(p.openai_error("Rate limit", code="rate_limit_exceeded"), 429, {"retry-after-ms": "50"}), p.openai("Hi"), "retry-after-ms"),
        ("openai:m", Answer(p.openai_error("Rate limit"), 429, {"x-ratelimit-reset-tokens": "20ms"}), p.openai("Hi"), "x-ratelimit-reset"),
        ("openai:m", Answer(p.openai_error("odd"), 400, {"x-should-retry": "true", **soon}), p.openai("Hi"), "x-should-retry"),
        ("deepseek:m", Answer("", headers=soon), p.openai("Hi"), "an empty body"),
        ("openrouter:m", Answer({"id": "x", "choices": []}), p.openai("Hi"), "no choices"),
        ("openrouter:m", Answer({"error": {"code": 502, "message": "upstream"}}, headers=soon), p.openai("Hi"), "an error in 200"),
        ("together:m", Answer({"error": {"message": "slow", "type": "dynamic_request_limited"}}, 429, soon), p.openai("Hi"), "Together's limits"),
        ("anthropic:m", Answer(p.anthropic_error("overloaded_error", "Overloaded"), 529, soon), p.anthropic("Hi"), "529"),
        ("anthropic:m", Answer(p.anthropic_error("overloaded_error", "Overloaded"), 200, soon), p.anthropic("Hi"), "overloaded in 200"),
        ("anthropic:m", Answer(p.anthropic_error("rate_limit_error", "x"), 429, {"anthropic-ratelimit-requests-reset": "2020-01-01T00:00:00Z"}), p.anthropic("Hi"), "a reset in the past"),
        ("gemini:m", Answer(p.gemini_error(429, "RESOURCE_EXHAUSTED", "Quota", [minute, retry_info]), 429), p.gemini("Hi"), "retryDelay"),
        ("gemini:m", Answer(p.gemini_error(503, "UNAVAILABLE", "overloaded"), 503, soon), p.gemini("Hi"), "503"),
        ("gemini:m", Answer({"candidates": [], "usageMetadata": {}}), p.gemini("Hi"), "no candidates"),
        ("ollama:m", Answer({"error": "server busy"}, 503, soon), p.ollama("Hi"), "Ollama is busy"),
        ("deepseek:m", Answer("\n\n\n  " + json.dumps(p.openai("Hi"))), None, "keep-alive lines"),
    ]:
        got, requests = asked(model, [answer, Answer(good)] if good else answer)
        tap.equal(((got.get("completion") or got).get("text"), len(requests)), ("Hi", 2 if good else 1), f"{name}: answered in the end")
    got, requests = asked("openai:m", Answer(p.openai_error("no"), 500, {"x-should-retry": "false"}))
    fails(got, requests, "request", "x-should-retry: false", ["500"])


host.need_program()
tap.cases(openai, doors, azure, anthropic, gemini, ollama, compatible, own_provider, errors, stored, passing)
