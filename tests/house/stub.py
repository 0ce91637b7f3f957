#!/usr/bin/env python3
"""The stub server itself: answers, log, each kind of fault, and the load that it can bear."""

import http.client
import json
import os
import select
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import tap
from stub_server import Stub, FAULTS

JUDGE = "Compare. End with ### Score Assistant A: and so on."


def ask(server, content, timeout=2.0):
    """(status, headers, body) of one call on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    try:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": content}]})
        connection.request("POST", "/v1/chat/completions", body, {"Authorization": "Bearer k-123"})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def content_of(body):
    return json.loads(body)["choices"][0]["message"]["content"]


def outcome(server, content):
    """The status of a call, or the name of the exception that it ended in."""
    try:
        return ask(server, content, timeout=0.3)[0]
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__


def answers():
    with Stub(size=300) as server:
        first, again = content_of(ask(server, "hello")[2]), content_of(ask(server, "hello")[2])
        tap.equal(first, again, "the same call gets the same answer")
        tap.ok(first != content_of(ask(server, "hallo")[2]), "another call gets another")
        tap.ok(290 <= len(first) <= 302, "of the size asked for")
        tap.contains(content_of(ask(server, JUDGE)[2]), ["### Score Assistant A:\n", "### Score Assistant B:\n", "/10"],
                     "a judge's prompt gets a judgement")
        log = server.log()
        tap.equal([e["n"] for e in log], [1, 2, 3, 4], "the log has a line a request")
        tap.ok(log[0]["messages"] == log[1]["messages"] != log[2]["messages"], "with a hash of the messages")
        tap.ok(log[0]["auth"] and log[0]["model"] == "m" and log[0]["in_flight"] == 1, "key, model, in flight")


def faults():
    want = {"rate_limited": 429, "quota": 429, "server_error": 500, "unavailable": 503, "bad_gateway": 502,
            "timeout_408": 408, "garbage": 200, "bad_utf8": 200, "truncated": "IncompleteRead",
            "reset": "ConnectionResetError", "close": "RemoteDisconnected", "hang": "TimeoutError",
            "stall": "TimeoutError", "empty_choices": 200, "null_content": 200, "error_in_200": 200,
            "bad_request": 400, "content_filter": 400, "context_length": 400, "model_not_found": 404,
            "unauthorized": 401, "redirect": 302, "huge": 200}
    rules = [{"contains": f"<{name}>", "fault": name} for name in FAULTS]
    rules[-1]["fill"] = 1000
    with Stub(rules=rules) as server:
        for name in FAULTS:
            tap.equal(outcome(server, f"<{name}>"), want[name], f"fault {name}")
        tap.contains(ask(server, "<unauthorized>")[2].decode(), "k-123", "the 401 shows the key")
        tap.equal(ask(server, "<rate_limited>")[1]["Retry-After"], "1", "Retry-After")


def rules():
    scripted = [{"nth": 2, "status": 418, "body": "teapot"}, {"contains": "x", "times": 1, "per_call": True, "fault": "reset"},
                {"contains": "slow", "delay": 0.15}]
    with Stub(rules=scripted) as server:
        tap.equal([outcome(server, "a"), outcome(server, "a"), outcome(server, "a")], [200, 418, 200], "by number")
        tap.equal([outcome(server, c) for c in ("x1", "x2", "x1", "x2")],
                  ["ConnectionResetError", "ConnectionResetError", 200, 200], "once for each call")
        start = time.monotonic()
        ask(server, "slow")
        tap.ok(time.monotonic() - start >= 0.15, "a delay")


def load():
    """256 connections, the next request on each as soon as its answer is there."""
    connections, total = 256, 10_000
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "w" * 1400}]})
    request = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()
    with Stub(latency_ms=50, size=800) as server:
        poll, sockets = select.epoll(), {}
        for _ in range(connections):
            s = socket.create_connection(("127.0.0.1", server.port))
            sockets[s.fileno()] = s
            poll.register(s.fileno(), select.EPOLLIN)
        start, sent, received = time.monotonic(), 0, 0
        for s in sockets.values():
            s.send(request)
            sent += 1
        while received < total:
            for fd, _ in poll.poll():
                sockets[fd].recv(65536)
                received += 1
                if sent < total:
                    sockets[fd].send(request)
                    sent += 1
        seconds = time.monotonic() - start
        for s in sockets.values():
            s.close()
        rate, ideal = total / seconds, connections / 0.05
        tap.diag(f"{rate:,.0f} requests/s with {connections} in flight and 50 ms; {ideal:,.0f} would be ideal")
        tap.equal(received, total, "the load of the benchmark passes")


tap.cases(answers, faults, rules, load)
