#!/usr/bin/env python3
"""A store that an earlier program wrote is read, and gives the same, byte for byte, without a network.

tests/call/kept/store.db and ends.jsonl were written by the program of commit a6b0fdb with

    FELLOWSHIP=that/build/fellowship tests/call/kept.py --write

against the server below. They are never written anew by a later one: that would test nothing.
"""

import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider

HERE = host.ROOT / "tests/call/kept"
LOGPROBS = {"content": [{"token": "so", "logprob": -0.25, "bytes": [115, 111], "top_logprobs": [
    {"token": "so", "logprob": -0.25, "bytes": [115, 111]}, {"token": "no", "logprob": -1.5, "bytes": [110, 111]}]}]}


def answer(request):
    """Every provider's, by what is asked."""
    path, text = request.path, json.dumps(request.body, ensure_ascii=False)
    if "/api/chat" in path:
        return Answer(p.ollama("Weser"))
    if "messages" in path:
        return Answer(p.anthropic("", content=[{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "Elbe"}]))
    if "generateContent" in path:
        return Answer(p.gemini("Rhein", thought="hm"))
    if "filtered" in text:
        return Answer(p.openai_error("The prompt was filtered", code="content_filter"), 400)
    if "too long" in text:
        return Answer(p.openai_error("This model's maximum context length is 10 tokens", code="context_length_exceeded"), 400)
    if request.body["model"] == "missing":
        return Answer(p.openai_error("no such model", code="model_not_found"), 404)
    if request.body["model"] == "judge":
        return Answer(p.openai("Elbe is longer.\n\n### Score Assistant A:\n8/10\n\n### Score Assistant B:\n6/10"))
    if request.body.get("stream"):
        return Answer(parts=p.openai_stream(["Nord", "see"]))
    if request.body.get("logprobs"):
        return Answer(p.openai("so", logprobs=LOGPROBS))
    if request.body.get("response_format"):
        return Answer(p.openai("{\"year\": 1789}"))
    if "vllm" in path:
        return Answer(p.openai("<think>\nhm\n</think>\n\nDonau"))
    return Answer(p.openai(f"Main {len(request.body.get('messages'))} \u00e4 {request.body.get('temperature')}"))


def asked(scratch, *flags, env=None):
    for name in ("ask.lua", "models.lua"):
        shutil.copy(HERE / name, scratch / name)
    return scratch.run("--models", "models.lua", *flags, "ask.lua", env=env)


# Endpoints that are not the usual ones stand in keys by their addresses: those of a server that is long gone.
NAMES = ("OPENAI", "ANTHROPIC", "GEMINI", "TOGETHER", "VLLM")
USUAL = {**{f"{name}_BASE_URL": None for name in NAMES}, "OLLAMA_HOST": None}


def write():
    """Fills the store by way of a server that stands where each provider's models usually are, as far as keys tell."""
    with Provider(answer) as server, host.Scratch(**server.environment()) as scratch:
        identities = "".join(
            f'["{name}"] = {{ base_url = "{url}", identity = "{provider}", key_env = "OPENAI_API_KEY" }},\n'
            for name, provider, url in [
                *((f"openai:{model}", "openai", f"{server.url}/openai/v1") for model in ("m", "judge")),
                ("anthropic:m", "anthropic", f"{server.url}/v1"), ("gemini:m", "gemini", f"{server.url}/v1beta"),
                ("vllm:m", "vllm", f"{server.url}/vllm/v1"), ("ollama:m", "ollama", server.url),
                ("together:m", "together", f"{server.url}/together/v1")])
        own = (HERE / "models.lua").read_text()
        own = own.replace('"openai:m", identity', f'"openai:m", base_url = "{server.url}/openai/v1", identity')
        own = own.replace('"openai:missing",', f'"openai:missing", base_url = "{server.url}/openai/v1", identity = "openai",')
        scratch.write("m.lua", own.replace("return {", "return {\n" + identities, 1))
        shutil.copy(HERE / "ask.lua", scratch / "ask.lua")
        result = scratch.run("--models", "m.lua", "--store", "store.db", "ask.lua")
        print(result.err, file=sys.stderr)
        scratch.run("store", "export", "--store", "store.db", "all.jsonl")
        shutil.copy(scratch / "store.db", HERE / "store.db")
        (HERE / "ends.jsonl").write_text(result.out)


def kept():
    wanted = (HERE / "ends.jsonl").read_text()
    tap.ok(len(wanted.splitlines()) >= 18, "the earlier program answered all of it")
    with host.Scratch(**{f"{name}_API_KEY": p.KEY for name in NAMES}) as scratch:
        shutil.copy(HERE / "store.db", scratch / "store.db")
        result = asked(scratch, "--offline", "--store", "store.db", env=USUAL)
        tap.equal(result.status, 0, "read offline")
        for got, want in zip(result.out.splitlines(), wanted.splitlines()):
            tap.equal(got, want, json.loads(want)["name"])
        tap.equal(result.out, wanted, "the same bytes in all")
        tap.equal(result.err.count("never asked"), 0, "under the same keys")
        shown = scratch.run("store", "ls", "--store", "store.db")
        tap.equal(shown.status, 0, "its completions are listed")


host.need_program()
if "--write" in sys.argv:
    write()
else:
    tap.cases(kept)
