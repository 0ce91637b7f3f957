#!/usr/bin/env python3
"""A planted key, every command and every failure: nothing that is written anywhere holds it."""

import base64
import os
import pathlib
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import ASK, Answer, KEY, Provider

# Pieces of the key that would give it away too.
GIVEAWAYS = [KEY.encode(), KEY[3:].encode(), KEY[:-4].encode(), KEY.encode().hex().encode()]
PROVIDERS = ("openai", "azure", "anthropic", "gemini", "ollama", "together", "vllm")
JUDGED = "### Score Assistant A:\n8/10\n\n### Score Assistant B:\n4/10\n"


def written(scratch, *results):
    """Where the key stands, of everything that was written."""
    found = [f"{path}: {mark}" for mark in GIVEAWAYS for path in host.holding(scratch.path, mark)]
    texts = [text.encode() for result in results for text in (result.out, result.err)]
    return found + [f"output: {text[:200]}" for text in texts for mark in GIVEAWAYS if mark in text]


def plain(request, text=JUDGED):
    """The right form for whoever asks."""
    if "contents" in request.body:
        return p.gemini(text)
    if request.path.startswith("/v1/messages"):
        return p.anthropic(text)
    return p.ollama(text) if request.path.startswith("/api/chat") else p.openai(text)


def environment(server):
    return server.environment(OLLAMA_API_KEY=KEY, VLLM_API_KEY=KEY)


def sent(request):
    """The key as it came: a server that reflects it has it from here."""
    return " ".join(value for value in request.headers.values() if KEY in value)


FAILURES = {
    "401": lambda r: Answer(p.openai_error(f"Incorrect API key provided: {sent(r)}", code="invalid_api_key"), 401),
    "400": lambda r: Answer(p.openai_error(f"You sent {sent(r)}"), 400),
    "flat": lambda r: Answer({"object": "error", "message": f"bad {sent(r)}"}, 400),
    "500 in HTML": lambda r: Answer(f"<html>{sent(r)}</html>", 500, kind="text/html"),
    "a header": lambda r: Answer({}, 429, {"X-Echo": sent(r), "Retry-After": "0"}),
    "redirect": lambda r: Answer("moved", 302, {"Location": f"/?key={KEY}"}),
    "200 with the key": lambda r: Answer(plain(r, f"Your key is {KEY}, isn't it? {JUDGED}")),
    "error in 200": lambda r: Answer({"error": {"message": f"no {sent(r)}", "type": "x", "code": 400}}),
    "garbage": lambda r: Answer(f"{KEY}{{"),
    "learnt": lambda r: Answer({"error": {"message": f"'temperature' is not supported, {sent(r)}"}}, 400) if "temperature" in str(r.body) else Answer(plain(r)),
}


def failures():
    for name, answer in FAILURES.items():
        with Provider(answer) as server, host.Scratch(**environment(server)) as scratch:
            scratch.write("rows.jsonl", [{"id": 1, "prompt": "p", "response_a": "x", "response_b": "y"}])
            models = [word for who in PROVIDERS for word in ("--model", f"{who}:m")]
            scratch.write("m.lua", "return {%s}" % ", ".join(f'["{who}:m"] = {{ attempts = 2 }}' for who in PROVIDERS))
            results = [scratch.run("run", "judge", "--data", "rows.jsonl", "--models", "m.lua", "--model", f"{who}:m", "--out", f"out-{who}")
                       for who in PROVIDERS]
            results.append(scratch.run("run", "judge", "--data", "rows.jsonl", "--models", "m.lua", *models, "--out", "all"))
            asked_with_key = [request for request in server.requests if sent(request)]
            tap.ok(len(asked_with_key) >= len(PROVIDERS), f"{name}: the key was sent")
            tap.equal(written(scratch, *results), [], f"{name}: and stands nowhere")


def commands():
    """Every command, to its end: the store, a recording of it, every file, what a rerun and a replay write."""
    with Provider(lambda r: Answer(plain(r))) as server, host.Scratch(**environment(server)) as scratch:
        scratch.write("rows.jsonl", [{"id": i, "prompt": f"p{i}", "response": "r", "response_a": "x", "response_b": "y", "human": "a"} for i in range(3)])
        m = ["--model", "openai:m", "--model", "anthropic:m"]
        runs = [["run", "judge", *m], ["run", "jury", *m], ["run", "debate", "--model", "gemini:m"], ["run", "evaluate", "--method", "jury", *m],
                ["run", "winrate", "--against", "rows.jsonl", "--evaluator", "judge", "--model", "ollama:m"],
                ["run", "feedback", "--generator", "openai:m", "--reviewer", "azure:m"],
                ["run", "preference", "--generator", "openai:m", "--reviewer", "together:m", "--judge", "vllm:m"]]
        results = []
        for i, command in enumerate(runs):
            for more in ([], ["--offline"]):
                results.append(scratch.run(*command, "--data", "rows.jsonl", "--out", f"out{i}", *more))
                wanted = 5 if command[1] == "preference" else 0  # plain answers are no verdicts, and make no pairs
                tap.equal(results[-1].status, wanted, f"{' '.join(command[:2])} {more}: status {wanted}")
        for command in (["store", "export", "recording.jsonl"], ["list"], ["--help"], ["run", "judge", "--help"],
                        ["run", "judge", "--data", "none.jsonl", *m, "--out", "o"], ["run", "judge", "--modle", "x"]):
            results.append(scratch.run(*command))
        tap.ok((scratch / "recording.jsonl").stat().st_size > 1000, "there is a recording")
        tap.equal(written(scratch, *results), [], "the key stands nowhere")


def streams():
    """A stream that gives the key back, however the network cuts it; what was shown and stored is without it."""
    text = f"The key: {KEY}. {KEY[:9]} is no key."
    for cut in (1, 3, 7, 1000):
        parts = ["".join(p.openai_stream([text], done=True))]
        parts = [parts[0][i:i + cut] for i in range(0, len(parts[0]), cut)]
        with Provider(Answer(parts=parts)) as server, host.Scratch(**environment(server)) as scratch:
            scratch.write("ask.lua", ASK)
            result = scratch.run("ask.lua", '{"model":"openai:m","prompt":"x","stream":true}')
            tap.contains(result.out, ["The key: [redacted].", "is no key."], f"parts of {cut}: read")
            tap.equal(written(scratch, result), [], f"parts of {cut}: without the key")


def escaped(text, every=False):
    return "".join(f"\\u{ord(c):04x}" if every or not c.isalnum() else c for c in text)


# The key as a JSON string's inside, as servers and their libraries may write it; odd characters are escaped by some.
ODD = "sk-planted/0123456789+abcdef=SECRET"
FORMS = {
    "as it is": ODD, "slashes escaped": ODD.replace("/", "\\/"), "odd ones escaped": escaped(ODD), "all escaped": escaped(ODD, True),
    "escaped twice": escaped(ODD).replace("\\", "\\\\"), "in a URL": urllib.parse.quote(ODD, safe=""), "in HTML": ODD.replace("+", "&#43;").replace("=", "&#x3D;"),
    "in capitals": ODD.upper(), "in base64": base64.b64encode(ODD.encode()).decode(), "in a URL's base64": base64.urlsafe_b64encode(b"a" + ODD.encode()).decode(),
    "behind a name in base64": base64.b64encode(b"user:" + ODD.encode()).decode(), "in hexadecimal": ODD.encode().hex(), "over two lines": ODD[:16] + "\\n" + ODD[16:],
}


def forms():
    """The key in every usual form, in errors and in answers, whole and streamed, and in pieces of an answer."""
    whole = '{"choices":[{"message":{"content":"- %s -"},"finish_reason":"stop"}]}'
    parts = '{"choices":[{"message":{"content":[{"type":"text","text":"- %s"},{"type":"text","text":"%s -"}]},"finish_reason":"stop"}]}'

    def answer(request):
        name = str(request.body).split("<")[1].split(">")[0]
        form, how = FORMS[name], str(request.body).split("[")[2].split("]")[0]
        if how == "error":
            return Answer('{"error":{"message":"- %s -"}}' % form, 400)
        if how == "filter":
            return Answer('{"error":{"code":"content_filter","message":"- %s -"}}' % form, 400)
        if how == "parts":
            return Answer(parts % (form[:6], form[6:]) if "\\" not in form else whole % form)
        if how == "stream":
            pieces = [form] if "\\" in form else [form[:10], form[10:20], form[20:]]
            lines = [f'data: {{"choices":[{{"delta":{{"content":"{piece}"}}}}]}}\n\n' for piece in ["- ", *pieces, " -"]]
            return Answer(parts=lines + ['data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n', "data: [DONE]\n\n"])
        return Answer(whole % form)

    with Provider(answer) as server, host.Scratch(server.url, **server.environment(OPENAI_API_KEY=ODD)) as scratch:
        scratch.write("ask.lua", """
local model = require "fellowship".model "openai:m"
for line in io.lines "asked" do
  local heard = {}
  local well, got = pcall(function()
    if line:find "stream" then return model:stream(line, function(piece) heard[#heard + 1] = piece end).text end
    return model:ask(line).text
  end)
  print(well and got or got.message, table.concat(heard))
end
""")
        asked = [f"<{name}> [{how}]" for name in FORMS for how in ("error", "filter", "whole", "parts", "stream")]
        scratch.write("asked", "".join(line + "\n" for line in asked))
        result = scratch.run("ask.lua", timeout=60)
        lines = result.out.splitlines()
        tap.equal(len(lines), len(asked), "every form was asked for")
        for line, name in zip(lines, asked):
            tap.contains(line, "[redacted]", f"{name}: left out")
            if "stream" in name:
                said, heard = line.split("\t")
                tap.equal(heard, said, f"{name}: the listener heard the same")
        marks = [ODD, ODD[:-1], ODD.upper()] + [form[:24] for name, form in FORMS.items() if "base64" in name or "hexa" in name]
        found = [f"{path}: {mark}" for mark in marks for path in host.holding(scratch.path, mark.encode())]
        tap.equal(found + [mark for mark in marks if mark in result.out + result.err], [], "and no file holds any")


def tools():
    """The key in pieces of a tool's arguments."""
    def chunk(finish=None, **delta):
        return {"object": "chat.completion.chunk", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "look", "arguments": '{"key":"'}}
    pieces = [{"index": 0, "function": {"arguments": part}} for part in (KEY[:11], KEY[11:20], KEY[20:] + '"}')]
    parts = p.sse(chunk(role="assistant", content=None), *(chunk(tool_calls=[one]) for one in [call, *pieces]), chunk("tool_calls"), done=True)
    with Provider(lambda _: Answer(parts=parts)) as server, host.Scratch(**environment(server)) as scratch:
        scratch.write("call.lua", """
local tools = { { type = "function", ["function"] = { name = "look", parameters = { type = "object" } } } }
print(require "fellowship".model("openai:m"):stream("x", print, { tools = tools }).tool_calls[1]["function"].arguments)
""")
        result = scratch.run("call.lua")
        tap.contains(result.out, '{"key":"[redacted]"}', "a tool's arguments: left out")
        tap.equal(written(scratch, result), [], "and nothing holds it")


def addresses():
    """Secrets in a base URL and in headers of one's own are none of a server's to tell either."""
    def answer(request):
        return Answer(p.openai_error(f"You sent {request.path} {request.headers}"), 400)

    with Provider(answer) as server, host.Scratch(**environment(server)) as scratch:
        scratch.write("ask.lua", ASK)
        place = server.url.replace("//", "//user:hunter2secretpw@") + "/v1?api-version=2024-10-21-preview&token=tok-abcdefghijkl"
        scratch.write("models.lua", 'return { ["openai:m"] = { headers = { ["X-Gate-Key"] = "Bearer gate-0123456789abcdef" } } }')
        result = scratch.run("--models", "models.lua", "ask.lua", '{"model":"openai:m","prompt":"x"}', env={"OPENAI_BASE_URL": place})
        tap.contains(result.out, ["You sent", "2024-10-21-preview"], "the error came, with what is no secret")
        marks = ["hunter2", "tok-abc", "gate-0123", base64.b64encode(b"user:hunter2secretpw").decode()[:20]]
        tap.equal([mark for mark in marks if mark in result.out + result.err], [], "and without the secrets")
        tap.equal(written(scratch, result), [], "nor the key")


def misused():
    """Keys that cannot be used, and a key inside an address."""
    with Provider(lambda r: Answer(plain(r))) as server, host.Scratch(**environment(server)) as scratch:
        scratch.write("ask.lua", ASK)
        job = '{"model":"%s","prompt":"x"}'
        results = [scratch.run("--patience", "0", "ask.lua", job % "openai:m", env={"OPENAI_API_KEY": KEY + "\r\nX: y"}),
                   scratch.run("--patience", "0", "ask.lua", job % "openai:m", env={"OPENAI_BASE_URL": f"http://u:{KEY}@127.0.0.1:1/v1?key={KEY}"}),
                   scratch.run("--patience", "0", "ask.lua", job % "openai:m", env={"OPENAI_BASE_URL": f"ftp://u:{KEY}@127.0.0.1:1/v1"}),
                   scratch.run("--patience", "0", "ask.lua", job % "gemini:m", env={"GEMINI_API_KEY": None}),
                   scratch.run("--patience", "0", "ask.lua", job % "openai:m", env={"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"})]
        tap.ok(all('"error"' in result.out for result in results), "all fail")
        tap.equal(written(scratch, *results), [], "and none tells the key")


def processes():
    """What others on the machine may see of a running process."""
    seen = []
    with Provider(lambda r: (time.sleep(0.5), Answer(plain(r)))[1]) as server, host.Scratch(**environment(server)) as scratch:
        scratch.write("ask.lua", ASK)
        process = scratch.start("ask.lua", '{"model":"openai:m","prompt":"x"}')

        def look():
            while process.poll() is None:
                for name in ("cmdline", "comm", "status", "stat"):
                    try:
                        seen.append(pathlib.Path(f"/proc/{process.pid}/{name}").read_bytes())
                    except OSError:
                        return
                time.sleep(0.02)

        watcher = threading.Thread(target=look)
        watcher.start()
        result = scratch.finish(process)
        watcher.join()
        tap.equal((result.status, len(server.requests)), (0, 1), "a call was made")
        tap.ok(len(seen) >= 4 and not any(mark in text for text in seen for mark in GIVEAWAYS), "the process list never shows the key")


host.need_program()
tap.cases(failures, commands, streams, forms, tools, addresses, misused, processes)
