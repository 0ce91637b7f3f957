"""A loopback server that answers as a provider would, and keeps every request: path, headers, body.

    with Provider(answer) as server:        # answer(request) -> Answer, or a list of Answers in turn
        scratch = host.Scratch(**server.environment())
        server.requests[0].body

Bodies of each provider's documented form, plain and streamed, are made by the functions below.
"""

import json
import socket
import struct
import threading
import time

KEY = "sk-planted-0123456789abcdef-SECRET"


class Request:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body

    def __repr__(self):
        return f"{self.path} {json.dumps(self.body)}"


class Answer:
    """body: text, bytes, or a JSON value; parts: pieces of a stream, sent one by one.

    after: what follows the last part: "end", "cut" (close in the middle of the answer), "reset", "stall".
    """

    def __init__(self, body=None, status=200, headers=None, parts=None, kind=None, after="end", pause=0.0):
        self.status, self.headers, self.after, self.pause = status, headers or {}, after, pause
        self.parts = parts
        if parts is None:
            text = body if isinstance(body, (str, bytes)) else json.dumps(body)
            self.body = text.encode() if isinstance(text, str) else text
        self.kind = kind or ("application/json" if parts is None else "text/event-stream")


class Provider:
    def __init__(self, answers):
        self.answers = answers if callable(answers) else iter(answers if isinstance(answers, list) else [answers])
        self.requests, self.lock, self.stopping = [], threading.Lock(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def environment(self, **more):
        """Every provider's variables, so that its models are asked here, with one planted key."""
        names = ("OPENAI", "ANTHROPIC", "GEMINI", "TOGETHER", "OPENROUTER", "GROQ", "XAI", "DEEPSEEK", "MISTRAL", "FIREWORKS")
        keys = {f"{name}_API_KEY": KEY for name in names}
        return {**keys, "AZURE_OPENAI_API_KEY": KEY, "AZURE_OPENAI_ENDPOINT": self.url,
                **{f"{name}_BASE_URL": f"{self.url}/{name.lower()}/v1" for name in names},
                "GEMINI_BASE_URL": f"{self.url}/v1beta", "ANTHROPIC_BASE_URL": self.url,
                "OLLAMA_HOST": f"127.0.0.1:{self.port}", "VLLM_BASE_URL": f"{self.url}/vllm/v1",
                "LLAMACPP_BASE_URL": f"{self.url}/llamacpp/v1", **more}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.listener.close()

    # -- connections

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as reader:
            try:
                while self.one(connection, reader):
                    pass
            except OSError:
                pass                # the client has gone: what a test of early stops wants

    def one(self, connection, reader):
        first = reader.readline().decode("latin-1").split()
        if not first:
            return False
        headers = {}
        while (line := reader.readline().decode("latin-1").strip()):
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        raw = reader.read(int(headers.get("content-length", 0)))
        request = Request(first[1], headers, json.loads(raw) if raw else None)
        with self.lock:
            self.requests.append(request)
            answer = self.answers(request) if callable(self.answers) else next(self.answers)
        return self.send(connection, answer)

    def send(self, connection, answer):
        head = {"Content-Type": answer.kind, **answer.headers}
        if answer.parts is None:
            head["Content-Length"] = len(answer.body)
        else:
            head["Transfer-Encoding"] = "chunked"
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        connection.sendall(f"HTTP/1.1 {answer.status} X\r\n{lines}\r\n".encode())
        if answer.parts is None:
            connection.sendall(answer.body)
            return True
        for part in answer.parts:
            part = part.encode() if isinstance(part, str) else part
            connection.sendall(b"%x\r\n%b\r\n" % (len(part), part))
            if answer.pause:
                time.sleep(answer.pause)
        if answer.after == "stall":
            self.stopping.wait(30)
        if answer.after == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if answer.after != "end":
            return False
        connection.sendall(b"0\r\n\r\n")
        return True


def sse(*values, names=False, done=False):
    """Server-sent events, each one part; with names, a value's type names its event."""
    parts = [(f"event: {value['type']}\n" if names else "") + f"data: {json.dumps(value)}\n\n" for value in values]
    return parts + (["data: [DONE]\n\n"] if done else [])


# ---- OpenAI and what speaks it --------------------------------------------------------------

USAGE = {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27, "prompt_tokens_details": {"cached_tokens": 8},
         "completion_tokens_details": {"reasoning_tokens": 3}}


def openai(text, finish="stop", usage=USAGE, logprobs=None, **message):
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "served-1", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": text, **message}, "logprobs": logprobs,
         "finish_reason": finish}], "usage": usage}


def openai_stream(pieces, finish="stop", usage=USAGE, field="content", done=True):
    def chunk(delta, reason=None, **more):
        return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "served-1",
                "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}
    pieces = [piece if isinstance(piece, dict) else {field: piece} for piece in pieces]
    chunks = [chunk({"role": "assistant", "content": ""}), *map(chunk, pieces), chunk({}, finish)]
    if usage:
        chunks.append({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "served-1",
                       "choices": [], "usage": usage})
    return sse(*chunks, done=done)


def openai_error(message, kind="invalid_request_error", code=None, param=None):
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


# ---- Anthropic --------------------------------------------------------------------------------

def anthropic(text, stop="end_turn", content=None, **more):
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "served-1", "stop_reason": stop,
            "stop_sequence": None, "content": content if content is not None else [{"type": "text", "text": text}],
            "usage": {"input_tokens": 10, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 8,
                      "output_tokens": 7, "output_tokens_details": {"thinking_tokens": 3}}, **more}


def anthropic_stream(blocks, stop="end_turn"):
    """blocks: (first block, its deltas) each."""
    start = {**anthropic("", None, []), "usage": {"input_tokens": 10, "cache_creation_input_tokens": 2,
                                                  "cache_read_input_tokens": 8, "output_tokens": 1}}
    events = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for i, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": i, "content_block": block})
        events += [{"type": "content_block_delta", "index": i, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": i})
    events.append({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None},
                   "usage": {"output_tokens": 7, "output_tokens_details": {"thinking_tokens": 3}}})
    return sse(*events, {"type": "message_stop"}, names=True)


def anthropic_text(*pieces):
    return {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces]


def anthropic_error(kind, message):
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


# ---- Gemini -------------------------------------------------------------------------------------

GEMINI_USAGE = {"promptTokenCount": 20, "candidatesTokenCount": 4, "thoughtsTokenCount": 3, "cachedContentTokenCount": 8,
                "totalTokenCount": 27}


def gemini(text, finish="STOP", thought=None, **more):
    parts = ([{"text": thought, "thought": True}] if thought else []) + [{"text": text}]
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0, **more}],
            "usageMetadata": GEMINI_USAGE, "modelVersion": "served-1", "responseId": "r1"}


def gemini_stream(pieces, finish="STOP"):
    values = [gemini(piece, None) for piece in pieces]
    for value in values:
        del value["candidates"][0]["finishReason"]
    values[-1]["candidates"][0]["finishReason"] = finish
    return sse(*values)


def gemini_error(code, status, message, details=()):
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


# ---- Ollama ---------------------------------------------------------------------------------------

def ollama(text, reason="stop", **message):
    return {"model": "served-1", "created_at": "2026-11-24T00:00:00Z", "done": True, "done_reason": reason,
            "message": {"role": "assistant", "content": text, **message}, "total_duration": 5, "load_duration": 1,
            "prompt_eval_count": 20, "prompt_eval_duration": 1, "eval_count": 7, "eval_duration": 3}


def ollama_stream(pieces):
    lines = [{"model": "served-1", "created_at": "2026-11-24T00:00:00Z", "done": False,
              "message": {"role": "assistant", "content": piece}} for piece in pieces]
    return [json.dumps(line) + "\n" for line in [*lines, ollama("")]]


# ---- asking ---------------------------------------------------------------------------------------

# Runs one job, given as JSON: model, prompt, options, and for streams how much of the text is enough.
ASK = """local fellowship = require "fellowship"
local json = fellowship.json
local job = json.decode(arg[1])
local model = fellowship.model(job.model, job.params)
local pieces = {}
local well, got = pcall(function()
  if not job.stream then return model:ask(job.prompt, job.options) end
  return model:stream(job.prompt, function(piece, text)
    pieces[#pieces + 1] = piece
    if job.enough and #text >= job.enough then return false end
  end, job.options)
end)
if not well and type(got) ~= "table" then error(got, 0) end
if not well then got = { kind = got.kind, message = got.message, status = got.status, attempts = got.attempts } end
print(json.encode { [well and "completion" or "error"] = got, pieces = json.array(pieces) })
"""


def ask(scratch, model, prompt="Hello?", options=None, flags=(), env=None, **job):
    """What came of a job: {"completion": {...}} or {"error": {...}}, with "pieces"; and stderr as "err"."""
    if not (scratch / "ask.lua").exists():
        scratch.write("ask.lua", ASK)
    job = {"model": model, "prompt": prompt, **job}
    if options:
        job["options"] = options
    result = scratch.run(*flags, "ask.lua", json.dumps(job), timeout=600, env=env)
    if not result.out.strip():
        raise RuntimeError(str(result))
    return {**json.loads(result.out), "err": result.err}
