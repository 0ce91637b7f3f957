"""A loopback server that plays the batch life cycles of OpenAI (files and batches), of Groq and Together, which speak
much the same, of Anthropic, and of Gemini, Mistral and xAI (batch_kinds), besides their plain calls.

    with BatchServer(polls=2) as server, host.Scratch(**server.environment()) as scratch: ...

Answers are those of stub_server: functions of model and messages, so that plain calls and batches agree. What a batch
does is set by the server's fields, which may be changed while it runs:

    polls       a batch ends at its n-th look; `hold`: not before this event is set, or while hold(batch) is true
    ends        the status that batches end with, or what gives it of a batch: completed, expired, cancelled, failed
    fate        fate(id, body, batch) -> None, or what becomes of a line: "error" (500), "refused" (400), "filter",
                "expired", "canceled", "missing", "malformed", or a value that stands in the results as it is
    extra       lines that stand in the results besides
    reorder     results are in another order than the requests (default)
    one_file    everything stands in the error file (OpenAI)
    errors      the errors of a batch that ends as "failed", or what gives them of a batch
    on          on(event, request) is called at: plain, upload, uploaded, create, created, poll, cancel, list, download, downloading;
                `uploaded` and `created` come when it is done and not yet answered. It may return (status, body) to be
                answered in place, or raise Drop: the connection is closed without an answer
    results_at  where Anthropic's results_url points to, in place of the server itself
    clock       seconds that the server's clock is ahead of ours: it tells the time in each answer and of each batch

What was done: `lines`, (batch, id) of every line of every batch that was accepted; `batches`, by id, `order` of ids;
`requests`, (method, path) of all; `plain`, the number of plain calls; `uploads`, ids of files.
"""

import email.parser
import email.policy
import hashlib
import json
import os
import random
import sys
import threading
import time
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from batch_kinds import KINDS, Gemini, Mistral, Xai
from stub_server import JUDGE_MARK, answer_text

KEY = "sk-planted-0123456789abcdef-SECRET"
SIZE = 60


class Drop(Exception):
    """The connection is closed without an answer."""


def flat(value):
    """The text of a content, which may stand in parts."""
    return value if isinstance(value, str) else "".join(part.get("text", "") for part in value or [])


def content(model, messages):
    messages = [{**m, "content": flat(m["content"])} for m in messages]
    text, roles = "\n".join(m["content"] for m in messages), "\0".join(m["role"] for m in messages)
    digest = hashlib.sha256(f"{model}\0{roles}\0{text}".encode()).digest()
    return answer_text(SIZE, JUDGE_MARK in text, digest), -(-len(text) // 4)


def openai_answer(body):
    if "input" in body:                     # the Responses API
        text, prompt = content(body["model"], body["input"])
        return {"id": "resp_1", "object": "response", "status": "completed", "model": body["model"], "output": [
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text, "annotations": []}]}],
            "usage": {"input_tokens": prompt, "output_tokens": -(-len(text) // 4)}}
    text, prompt = content(body["model"], body["messages"])
    tokens = -(-len(text) // 4)
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [
        {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}}


def anthropic_answer(body):
    messages = ([{"role": "system", "content": body["system"]}] if "system" in body else []) + body["messages"]
    text, prompt = content(body["model"], messages)
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "stop_reason": "end_turn",
            "stop_sequence": None, "content": [{"type": "text", "text": text}],
            "usage": {"input_tokens": prompt, "output_tokens": -(-len(text) // 4)}}


def gemini_answer(_, body):
    parts = [("system", body["systemInstruction"])] if "systemInstruction" in body else []
    parts += [({"model": "assistant"}.get(one["role"], one["role"]), one) for one in body["contents"]]
    messages = [{"role": role, "content": "".join(part["text"] for part in one["parts"])} for role, one in parts]
    text, prompt = content("m", messages)
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}], "modelVersion": "m",
            "usageMetadata": {"promptTokenCount": prompt, "candidatesTokenCount": -(-len(text) // 4)}}


def openai_error(message, kind="invalid_request_error", code=None):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic_error(kind, message):
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


class Batch:
    def __init__(self, server, kind, identity, requests, file=None, metadata=None):
        self.server, self.kind, self.id, self.file, self.metadata = server, kind, identity, file, metadata
        self.requests = requests            # [(custom_id, body)]
        self.created, self.polls, self.ended, self.cancelling = server.now(), 0, None, False
        self.output, self.errors, self.answered = [], [], 0

    def look(self):
        """One step on, as a poll sees it."""
        self.polls += 1
        server = self.server
        held = server.hold and (server.hold(self) if callable(server.hold) else not server.hold.is_set())
        if not self.ended and self.polls >= server.polls and (self.cancelling or not held):
            self.end("cancelled" if self.cancelling else server.ends(self) if callable(server.ends) else server.ends)

    def end(self, status):
        self.ended = status
        if status == "failed":
            return
        for identity, body in self.requests:
            what = self.server.fate(identity, body, self) if self.server.fate else None
            self.result(identity, body, what, status)
        if self.server.reorder:
            chance = random.Random(self.id)
            chance.shuffle(self.output)
            chance.shuffle(self.errors)
        self.output += [line if isinstance(line, str) else json.dumps(line) for line in self.server.extra]

    def result(self, identity, body, what, status):
        if what == "missing":
            return
        if what == "malformed":
            if self.kind != "xai":
                self.output.append('{"custom_id": "' + identity + '", "resp')
            return
        if self.kind in KINDS:
            self.output.append(json.dumps(KINDS[self.kind].result(self, identity, body, what)))
        elif self.kind == "anthropic":
            self.output.append(json.dumps({"custom_id": identity, "result": self.anthropic_result(body, what)}))
        else:
            line, wrong = self.openai_result(identity, body, what, status)
            (self.errors if wrong or self.server.one_file else self.output).append(json.dumps(line))

    def openai_result(self, identity, body, what, status):
        line = {"id": "batch_req_" + identity[:8], "custom_id": identity, "response": None, "error": None}
        if isinstance(what, dict):
            return {**line, **what}, False
        if what == "expired":
            line["error"] = {"code": "batch_expired", "message": "This request could not be executed before the completion window expired."}
        elif what == "canceled":
            line["error"] = {"code": "batch_cancelled", "message": "The batch was cancelled."}
        elif what == "error":
            line["response"] = {"status_code": 500, "request_id": "r", "body": openai_error("The server had an error", "server_error")}
        elif what == "refused":
            line["response"] = {"status_code": 400, "request_id": "r", "body": openai_error("Unsupported value: 'temperature' is not supported with this model.")}
        elif what == "filter":
            line["response"] = {"status_code": 400, "request_id": "r", "body": openai_error("The prompt was filtered", code="content_filter")}
        else:
            self.answered += 1
            line["response"] = {"status_code": 200, "request_id": "r", "body": openai_answer(body)}
            return line, False
        return line, True

    def anthropic_result(self, body, what):
        if isinstance(what, dict):
            return what
        if what in ("expired", "canceled"):
            return {"type": what}
        if what in ("error", "refused", "filter"):
            kind, message = {"error": ("api_error", "Internal server error"), "filter": ("request_too_large", "too large"),
                             "refused": ("invalid_request_error", "temperature is not supported")}[what]
            return {"type": "errored", "error": anthropic_error(kind, message)}
        self.answered += 1
        return {"type": "succeeded", "message": anthropic_answer(body)}

    # -- as the providers show it

    def openai_object(self):
        status = self.ended or ("cancelling" if self.cancelling else "validating" if self.polls < 2 else "in_progress")
        shown = {"id": self.id, "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": self.file,
                 "completion_window": "24h", "status": status, "created_at": int(self.created), "metadata": self.metadata,
                 "output_file_id": None, "error_file_id": "", "errors": None,
                 "request_counts": {"total": len(self.requests), "completed": self.answered, "failed": len(self.errors)}}
        if self.ended == "failed":
            shown["errors"] = {"object": "list", "data": self.server.errors(self) if callable(self.server.errors) else self.server.errors}
        elif self.ended:
            shown["output_file_id"] = "out-" + self.id if self.output else None
            shown["error_file_id"] = "err-" + self.id if self.errors else ""
        return shown

    def together_object(self):
        shown = self.openai_object()
        shown = {name: shown[name] for name in ("id", "input_file_id", "status", "endpoint", "output_file_id", "error_file_id")}
        return {**shown, "status": shown["status"].upper(), "user_id": "u", "progress": 0.0, "error": None,
                "created_at": datetime.fromtimestamp(self.created, timezone.utc).isoformat()}

    def anthropic_object(self):
        ended = self.ended is not None
        kinds = [json.loads(line)["result"]["type"] for line in self.output if ended and line.startswith("{\"custom_id") and line.endswith("}")]
        counts = {"processing": 0 if ended else len(self.requests), "succeeded": kinds.count("succeeded"),
                  "errored": kinds.count("errored"), "canceled": kinds.count("canceled"), "expired": kinds.count("expired")}
        if ended:
            counts["expired"] += len(self.requests) - sum(counts.values())
        place = self.server.results_at or f"{self.server.url}/anthropic/v1/messages/batches/{self.id}/results"
        return {"id": self.id, "type": "message_batch", "processing_status": "ended" if ended else "canceling" if self.cancelling else "in_progress",
                "request_counts": counts, "created_at": datetime.fromtimestamp(self.created, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "expires_at": "2099-01-01T00:00:00Z", "ended_at": None, "archived_at": None, "cancel_initiated_at": None,
                "results_url": place if ended else None}


class Http(ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 256

    def handle_error(self, *_):
        """A client that was killed."""


class BatchServer:
    def __init__(self, polls=2, **fields):
        self.polls, self.hold, self.ends, self.fate, self.extra = polls, None, "completed", None, []
        self.reorder, self.one_file, self.errors, self.on, self.results_at, self.clock = True, False, [], None, None, 0
        for name, value in fields.items():
            if not hasattr(self, name):
                raise TypeError(f"no field {name}")
            setattr(self, name, value)
        self.files, self.batches, self.order, self.uploads, self.sessions = {}, {}, [], [], []
        self.openai_answer, self.gemini_answer = openai_answer, gemini_answer
        self.lines, self.requests, self.plain, self.lock = [], [], 0, threading.RLock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def date_time_string(self, timestamp=None):
                return super().date_time_string(server.now())

            def do_GET(self):
                server.answer(self)

            do_POST = do_GET

        self.http = Http(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def environment(self, **more):
        """The providers' variables, one planted key, and short waits."""
        return {**{f"{name}_API_KEY": KEY for name in ("OPENAI", "ANTHROPIC", "TOGETHER", "GROQ", "GEMINI", "MISTRAL", "XAI")},
                **{f"{name}_BASE_URL": f"{self.url}/{name.lower()}/v1" for name in ("OPENAI", "TOGETHER", "GROQ", "MISTRAL", "XAI")},
                "GEMINI_BASE_URL": f"{self.url}/gemini/v1beta",
                "ANTHROPIC_BASE_URL": f"{self.url}/anthropic", "FELLOWSHIP_RETRY_SCALE": "0.003", **more}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def now(self):
        """The time by the server's clock."""
        return time.time() + self.clock

    # -- what tests ask

    def submitted(self):
        """How often each id was in a batch."""
        counts = {}
        for _, identity in self.lines:
            counts[identity] = counts.get(identity, 0) + 1
        return counts

    def twice(self):
        return [identity for identity, count in self.submitted().items() if count > 1]

    # -- one request

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        kind, _, path = handler.path.lstrip("/").partition("/" if handler.path.startswith("/gemini/") else "/v1/")
        path, _, query = path.partition("?")
        handler.more = []
        with self.lock:
            self.requests.append((handler.command, handler.path))
        try:
            status, answer = self.route(handler, kind, handler.command, path, query, body)
        except Drop:
            handler.close_connection = True
            return
        data = answer if isinstance(answer, bytes) else answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(data)))
            for name, value in handler.more:
                handler.send_header(name, value)
            handler.end_headers()
            half = len(data) // 2 if path.endswith(("/content", "/results", ":download")) else 0
            handler.wfile.write(data[:half])
            if half and self.on:
                self.on("downloading", path)
            handler.wfile.write(data[half:])
        except (OSError, Drop):
            handler.close_connection = True
            handler.connection.close()

    def event(self, name, what):
        """Something in place of the answer, if the test has it."""
        return self.on(name, what) if self.on else None

    def route(self, handler, kind, method, path, query, body):
        key = handler.headers.get({"anthropic": "x-api-key", "gemini": "x-goog-api-key"}[kind]) if kind in ("anthropic", "gemini") else (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
        if key != KEY:
            return 401, openai_error("Incorrect API key provided", code="invalid_api_key")
        if method == "POST" and path in ("chat/completions", "messages", "responses"):
            return self.plain_call(kind, json.loads(body))
        if kind == "anthropic":
            return self.anthropic(method, path.removeprefix("messages/"), query, body)
        if kind == "gemini":
            return Gemini.route(self, handler, method, path, query, body)
        if kind == "mistral" and path.startswith("batch/"):
            return Mistral.route(self, method, path, query, body)
        if kind == "xai" and path.startswith("batches"):
            return Xai.route(self, method, path, query, body)
        return self.openai(handler, kind, method, path, query, body)

    def plain_call(self, kind, body):
        got = self.event("plain", body)
        with self.lock:
            self.plain += 1
        return got or (200, anthropic_answer(body) if kind == "anthropic" else gemini_answer(None, body) if kind == "gemini" else openai_answer(body))

    # -- OpenAI, Groq, Together

    def openai(self, handler, kind, method, path, query, body):
        shown = Batch.together_object if kind == "together" else Batch.openai_object
        parts = path.split("/")
        if method == "POST" and path == ("files/upload" if kind == "together" else "files"):
            return self.event("upload", body) or self.upload(handler, kind, body)
        if method == "GET" and parts[0] == "files" and parts[-1] == "content":
            return self.event("download", path) or self.download(parts[1])
        if method == "POST" and path == "batches":
            got = self.event("create", json.loads(body))
            return got or self.create_openai(kind, json.loads(body), shown)
        if method == "GET" and path == "batches":
            return self.event("list", query) or (200, self.page(kind, query, shown))
        batch = self.batches.get(parts[1]) if parts[0] == "batches" and len(parts) > 1 else None
        if not batch:
            return 404, openai_error(f"No batch found with id '{parts[-1]}'.")
        return self.one(batch, parts, shown)

    def upload(self, handler, kind, body):
        head = f"Content-Type: {handler.headers['Content-Type']}\r\n\r\n".encode()
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
        parts = {part.get_param("name", header="Content-Disposition"): part.get_payload(decode=True) for part in message.iter_parts()}
        want = b"batch-api" if kind == "together" else b"batch"
        if parts.get("purpose") != want or "file" not in parts or (kind == "together" and not parts.get("file_name")):
            return 400, openai_error(f"Invalid upload: {sorted(parts)}")
        identity = self.keep_file(parts["file"])
        return self.event("uploaded", identity) or (200, {"id": identity, "object": "file", "purpose": want.decode(), "status": "processed"})

    def keep_file(self, content, prefix=""):
        with self.lock:
            identity = f"{prefix}file-{len(self.files) + 1}"
            self.files[identity] = content
            self.uploads.append(identity)
        return identity

    def create_openai(self, kind, request, shown):
        endpoint = request.get("endpoint")
        if request.get("completion_window") != "24h" or endpoint not in ("/v1/chat/completions", "/v1/responses"):
            return 400, openai_error("Invalid value: completion_window and endpoint must be set")
        content = self.files.get(request["input_file_id"])
        if content is None:
            return 400, openai_error("No such file")
        lines = [json.loads(line) for line in content.decode().split("\n") if line]
        wrong = [line for line in lines if set(line) != {"custom_id", "method", "url", "body"} or line["url"] != endpoint]
        if wrong or len({line["body"]["model"] for line in lines}) != 1 or any(line["body"].get("stream") for line in lines):
            return 400, openai_error("Invalid lines")
        batch = self.accept(kind, [(line["custom_id"], line["body"]) for line in lines], request["input_file_id"], request.get("metadata"))
        answer = shown(batch)
        return self.event("created", batch.id) or (200, {"job": answer} if kind == "together" else answer)

    def accept(self, kind, requests, file=None, metadata=None, prefix=""):
        with self.lock:
            batch = Batch(self, kind, f"{prefix}{'msgbatch' if kind == 'anthropic' else 'batch'}_{len(self.batches) + 1}", requests, file, metadata)
            self.batches[batch.id] = batch
            self.order.append(batch.id)
            self.lines += [(batch.id, identity) for identity, _ in requests]
        return batch

    def listed(self, kind):
        return [self.batches[identity] for identity in reversed(self.order) if self.batches[identity].kind == kind]

    def page(self, kind, query, shown):
        """The newest first, a page at a time; Together has no pages."""
        listed = self.listed(kind)
        if kind == "together":
            return [shown(batch) for batch in listed]
        asked = dict(pair.split("=") for pair in query.split("&") if pair)
        after, limit = asked.get("after") or asked.get("after_id"), int(asked.get("limit", 20))
        if after:
            listed = listed[[batch.id for batch in listed].index(after) + 1:]
        some = [shown(batch) for batch in listed[:limit]]
        return {"object": "list", "data": some, "has_more": len(listed) > limit,
                "first_id": some[0]["id"] if some else None, "last_id": some[-1]["id"] if some else None}

    def one(self, batch, parts, shown):
        if parts[-1] == "cancel":
            got = self.event("cancel", batch.id)
            if not got and batch.ended:
                return 409, openai_error(f"Cannot cancel a batch with status '{batch.ended}'.")
            batch.cancelling = True
            return got or (200, shown(batch))
        got = self.event("poll", batch.id)
        if got:
            return got
        with self.lock:
            batch.look()
            return 200, shown(batch)

    def download(self, identity, prefix=""):
        kind, _, batch = identity.partition("-")
        found = self.batches.get(prefix + batch)
        if not found:
            return 404, openai_error("No such file")
        lines = found.output if kind == "out" else found.errors
        return 200, "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass")

    # -- Anthropic

    def anthropic(self, method, path, query, body):
        parts = path.split("/")
        if method == "POST" and path == "batches":
            got = self.event("create", json.loads(body))
            if got:
                return got
            requests = [(one["custom_id"], one["params"]) for one in json.loads(body)["requests"]]
            if any(len(identity) > 64 or params.get("stream") for identity, params in requests):
                return 400, anthropic_error("invalid_request_error", "requests: invalid")
            batch = self.accept("anthropic", requests)
            return self.event("created", batch.id) or (200, batch.anthropic_object())
        if method == "GET" and path == "batches":
            return self.event("list", query) or (200, self.page("anthropic", query, Batch.anthropic_object))
        batch = self.batches.get(parts[1]) if len(parts) > 1 else None
        if not batch:
            return 404, anthropic_error("not_found_error", "no such batch")
        if parts[-1] == "results":
            return self.event("download", path) or (200, "".join(line + "\n" for line in batch.output))
        return self.one(batch, parts, Batch.anthropic_object)
