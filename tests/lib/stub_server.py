#!/usr/bin/env python3
"""A fast OpenAI-compatible chat-completion server on loopback, with faults by script.

    stub_server.py [--port N] [--latency-ms N] [--log FILE] [--size N] [--rules JSON]
    with Stub(latency_ms=50, rules=[{"contains": "row 3", "fault": "reset", "times": 2}]) as server:
        server.url, server.log()

Prints "listening on http://127.0.0.1:PORT/v1" once it accepts connections and ends when its
standard input does, so it never outlives the test that started it (`--keep` turns that off).

An answer is a function of model and messages alone: a judgement with two scores out of ten
if the messages ask for "### Score Assistant A", else a text of --size bytes, some with
trailing white space.

A rule is an object; the first one that matches a request decides the answer.
    which     "nth": request number from 1, or a list of them; "contains": a text in the messages, or
              a list of texts that all stand there; "model"; "times": how often it strikes; "per_call": times counts for each call
              (same model and messages) by itself
    what      "fault": a name of FAULTS; or any of "status", "headers" {}, "body" (text, or a
              JSON value), "delay" seconds before the head, "drip" [bytes, seconds] for the
              body, "cut" the body after n bytes and close, "fill" the body with n bytes,
              "end": "close" or "reset" in place of an answer; "gather": it is held until so many requests
              have been there at once (at most 20 seconds), so that a test of how many there are knows no clock
The log has a JSON line a request, written when it has been read: n, time, path, model,
messages (a hash), status, fault, auth (an Authorization header was present), in_flight.
"""

import argparse
import asyncio
import gc
import hashlib
import json
import os
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque

JUDGE_MARK = "### Score Assistant A"
TICK = 0.001                # seconds; replies that are due within one go out together


def error_body(message, kind, code=None):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


FAULTS = {
    "rate_limited": {"status": 429, "headers": {"Retry-After": "1"},
                     "body": error_body("Rate limit reached", "rate_limit_error", "rate_limit_exceeded")},
    "quota": {"status": 429, "body": error_body("You exceeded your current quota", "insufficient_quota",
                                                "insufficient_quota")},
    "server_error": {"status": 500, "body": error_body("The server had an error", "server_error")},
    "unavailable": {"status": 503, "body": error_body("Overloaded", "server_error")},
    "bad_gateway": {"status": 502, "headers": {"Content-Type": "text/html"},
                    "body": "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>\n"},
    "timeout_408": {"status": 408, "body": error_body("Request timeout", "timeout")},
    "garbage": {"body": "\x00{\"id\": \"chatcmpl-garbage\", \"choices\": [{\"mess"},
    "bad_utf8": {"body": '{"choices":[{"index":0,"message":{"role":"assistant","content":"\udcff"},"finish_reason":"stop"}]}'},
    "truncated": {"cut": 60},
    "reset": {"end": "reset"},
    "close": {"end": "close"},
    "hang": {"delay": 3600},
    "stall": {"drip": [20, 3600]},
    "empty_choices": {"body": {"id": "x", "object": "chat.completion", "model": "m", "choices": []}},
    "null_content": {"body": {"id": "x", "object": "chat.completion", "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": None}, "finish_reason": "stop"}]}},
    "error_in_200": {"body": error_body("Upstream failed", "server_error", "upstream_error")},
    "bad_request": {"status": 400, "body": error_body("Invalid value: 'temperature'", "invalid_request_error")},
    "content_filter": {"status": 400, "body": error_body("The prompt was filtered", "invalid_request_error",
                                                         "content_filter")},
    "context_length": {"status": 400, "body": error_body("This model's maximum context length is 10 tokens",
                                                         "invalid_request_error", "context_length_exceeded")},
    "model_not_found": {"status": 404, "body": error_body("The model `nope` does not exist",
                                                          "invalid_request_error", "model_not_found")},
    "unauthorized": {"status": 401, "body": error_body("Incorrect API key provided: {authorization}",
                                                       "invalid_request_error", "invalid_api_key")},
    "redirect": {"status": 302, "headers": {"Location": "/v1/elsewhere"}, "body": "moved"},
    "huge": {"fill": 200_000_000},
}


# ---- the server --------------------------------------------------------------------------

def answer_text(size, judging, digest):
    """The deterministic answer to a call with this digest (bytes)."""
    if judging:
        return ("### Evaluation Evidence:\nBoth were weighed.\n\n### Score Assistant A:\n%d/10\n\n"
                "### Score Assistant B:\n%d/10" % (1 + digest[0] % 10, 1 + digest[1] % 10))
    text = "Answer %s. " % digest[:8].hex()
    text += "lorem ipsum " * ((size - len(text)) // 12 + 1)
    return text[:size].rstrip() + (" \n" if digest[2] % 3 == 0 else "")


def head(status, headers, length):
    lines = [f"HTTP/1.1 {status} Stub", f"Content-Length: {length}"]
    if not any(name.lower() == "content-type" for name in headers):
        lines.append("Content-Type: application/json")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def as_list(value):
    return value if isinstance(value, list) else [value]


class Connection(asyncio.Protocol):
    """One client connection. It answers one request at a time; what follows waits in `buffer`."""

    def __init__(self, server):
        self.server, self.transport = server, None
        self.buffer, self.busy = b"", False

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, _):
        self.transport = None
        if self.busy:
            self.busy = False
            self.server.in_flight -= 1

    def data_received(self, data):
        self.buffer = self.buffer + data if self.buffer else data
        if not self.busy:
            self.read_request()

    def read_request(self):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        top = self.buffer[:end]
        at = top.lower().find(b"\r\ncontent-length:")
        length = int(top[at + 17:].split(b"\r", 1)[0]) if at >= 0 else 0
        if len(self.buffer) < end + 4 + length:
            return
        body = self.buffer[end + 4:end + 4 + length]
        self.buffer = self.buffer[end + 4 + length:]
        self.busy = True
        self.server.in_flight += 1
        self.server.handle(self, top, body)

    def send(self, answer):
        """The last bytes of an answer, already framed."""
        if self.transport:
            self.transport.write(answer)
            self.done()

    def done(self):
        self.busy = False
        self.server.in_flight -= 1
        if self.buffer:
            self.read_request()

    def drop(self, how):
        if self.transport and how == "reset":
            linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.transport.abort()
        elif self.transport:
            self.transport.close()

    def drip(self, body, step, seconds):
        """Sends the body a few bytes at a time."""
        if not self.transport:
            return
        if len(body) <= step:
            self.send(body)
            return
        self.transport.write(body[:step])
        self.server.loop.call_later(seconds, self.drip, body[step:], step, seconds)


class Server:
    def __init__(self, loop, latency, size, log, rules):
        self.loop, self.latency, self.size, self.log = loop, latency, size, log
        self.rules = [{**FAULTS.get(rule.get("fault"), {}), **rule, "contains": as_list(rule.get("contains", []))}
                      for rule in rules]
        self.struck = [Counter() for _ in rules]
        self.count = self.in_flight = self.most = 0
        self.gathering = []
        self.due, self.timer = deque(), None
        self.lines, self.model_json = [], {}

    # -- one request

    def handle(self, connection, top, body):
        self.count += 1
        if self.in_flight > self.most:
            self.gathered()
        path = top.split(b" ", 2)[1]
        try:
            request = json.loads(body)
            model, messages = request["model"], request["messages"]
            text = "\n".join([m["content"] for m in messages])
            roles = "\0".join([m["role"] for m in messages])
        except (ValueError, KeyError, TypeError):
            model, messages, text, roles = None, None, "", ""
        digest = hashlib.sha256(f"{model}\0{roles}\0{text}".encode("utf-8", "surrogatepass")).digest()
        rule = self.match(model, text, digest) if self.rules else None
        if rule:
            self.write_log(path, model, digest, rule.get("status", 200), rule.get("fault"), top)
            self.flush_log()
            self.answer_rule(connection, rule, model, text, digest, top)
        elif not path.startswith(b"/v1/chat/completions") or messages is None:
            self.write_log(path, model, digest, 404, None, top)
            self.flush_log()
            body = json.dumps(error_body("no such path", "not_found")).encode()
            connection.send(head(404, {}, len(body)) + body)
        else:
            self.write_log(path, model, digest, 200, None, top)
            body = self.completion(model, text, digest)
            self.later(connection, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                   b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def completion(self, model, text, digest):
        content = answer_text(self.size, JUDGE_MARK in text, digest)     # ASCII; \n is its only control character
        prompt_tokens, tokens = -(-len(text) // 4), -(-len(content) // 4)
        return (b'{"id":"chatcmpl-%s","object":"chat.completion","created":0,"model":%s,"choices":[{"index":0,'
                b'"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}],"usage":'
                b'{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}'
                % (digest[:12].hex().encode(), self.quoted(model), content.replace("\n", "\\n").encode(),
                   prompt_tokens, tokens, prompt_tokens + tokens))

    def quoted(self, model):
        if model not in self.model_json:
            self.model_json[model] = json.dumps(model).encode()
        return self.model_json[model]

    # -- usual latency: one queue in order of arrival, one timer

    def later(self, connection, answer):
        if not self.latency:
            self.flush_log()
            connection.send(answer)
            return
        self.due.append((self.loop.time() + self.latency, connection, answer))
        if not self.timer:
            self.timer = self.loop.call_at(self.due[0][0], self.flush)

    def flush(self):
        self.flush_log()
        now = self.loop.time() + TICK / 2
        while self.due and self.due[0][0] <= now:
            _, connection, answer = self.due.popleft()
            connection.send(answer)
        self.timer = self.loop.call_at(max(self.due[0][0], now + TICK / 2), self.flush) if self.due else None

    # -- rules

    def match(self, model, text, digest):
        for rule, struck in zip(self.rules, self.struck):
            if "nth" in rule and self.count not in as_list(rule["nth"]):
                continue
            if rule.get("model", model) != model or not all(mark in text for mark in rule["contains"]):
                continue
            call = digest if rule.get("per_call") else None
            if struck[call] >= rule.get("times", float("inf")):
                continue
            struck[call] += 1
            return rule
        return None

    def answer_rule(self, connection, rule, model, text, digest, top):
        body = rule.get("body")
        if "fill" in rule:
            body = b" " * rule["fill"]
        elif body is None:
            body = self.completion(model, text, digest)
        else:
            sent = next((line.split(":", 1)[1].strip() for line in top.decode("latin-1").split("\r\n")
                         if line.lower().startswith("authorization:")), "")
            body = (body if isinstance(body, str) else json.dumps(body)).replace("{authorization}", sent)
            body = body.encode("utf-8", "surrogateescape")
        delay = rule.get("delay", self.latency)
        if rule.get("gather", 0) > self.most:
            patience = self.loop.call_later(20, self.send_rule, connection, rule, body)
            self.gathering.append((rule["gather"], patience, delay, connection, rule, body))
            return
        self.loop.call_later(delay, self.send_rule, connection, rule, body)

    def gathered(self):
        """Answers those that waited until so many were there."""
        self.most = self.in_flight
        for wanted, patience, delay, *answer in self.gathering:
            if wanted <= self.most:
                patience.cancel()
                self.loop.call_later(delay, self.send_rule, *answer)
        self.gathering = [waiting for waiting in self.gathering if waiting[0] > self.most]

    @staticmethod
    def send_rule(connection, rule, body):
        if "end" in rule or not connection.transport:
            connection.drop(rule.get("end", "close"))
            return
        top = head(rule.get("status", 200), rule.get("headers", {}), len(body))
        if "cut" in rule:
            connection.transport.write(top + body[:rule["cut"]])
            connection.drop("close")
        elif "drip" in rule:
            connection.transport.write(top)
            connection.drip(body, *rule["drip"])
        else:
            connection.send(top + body)

    # -- the log: every line is in the file before its answer is sent

    def write_log(self, path, model, digest, status, fault, top):
        self.lines.append(b'{"n":%d,"time":%.4f,"path":"%b","model":%b,"messages":"%b","status":%d,"fault":%b,'
                          b'"auth":%b,"in_flight":%d}\n'
                          % (self.count, time.time(), path, self.quoted(model), digest[:12].hex().encode(), status,
                             b'"%b"' % fault.encode() if fault else b"null",
                             b"true" if b"\r\nauthorization:" in top.lower() else b"false", self.in_flight))

    def flush_log(self):
        if self.log is not None and self.lines:
            os.write(self.log, b"".join(self.lines))
        self.lines.clear()


async def serve(args):
    loop = asyncio.get_running_loop()
    log = os.open(args.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if args.log else None
    server = Server(loop, args.latency_ms / 1000, args.size, log, json.loads(args.rules))
    listener = await loop.create_server(lambda: Connection(server), "127.0.0.1", args.port, backlog=4096)
    print("listening on http://127.0.0.1:%d/v1" % listener.sockets[0].getsockname()[1], flush=True)
    gc.freeze()
    gc.disable()            # nothing here makes reference cycles that outlive a connection
    stopped = loop.create_future()
    if not args.keep:
        loop.add_reader(0, lambda: os.read(0, 4096) or stopped.done() or stopped.set_result(None))
    await stopped


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--size", type=int, default=400, help="bytes of an ordinary answer")
    parser.add_argument("--log", metavar="FILE")
    parser.add_argument("--rules", default="[]", metavar="JSON")
    parser.add_argument("--keep", action="store_true", help="go on when standard input ends")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        asyncio.run(serve(parser.parse_args()))
    except KeyboardInterrupt:
        pass


# ---- for tests ----------------------------------------------------------------------------

class Stub:
    """A server in a process of its own; a context manager."""

    def __init__(self, latency_ms=0, rules=(), size=400, port=0):
        self.folder = tempfile.TemporaryDirectory(prefix="stub-")
        self.log_path = os.path.join(self.folder.name, "log.jsonl")
        command = [sys.executable, os.path.abspath(__file__), "--port", str(port), "--latency-ms", str(latency_ms),
                   "--size", str(size), "--log", self.log_path, "--rules", json.dumps(list(rules))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError("the stub server did not start")
        self.url = line.split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1].split("/")[0])

    def log(self):
        """The requests so far, each a dictionary."""
        with open(self.log_path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.endswith("\n")]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()
        self.folder.cleanup()


if __name__ == "__main__":
    main()
