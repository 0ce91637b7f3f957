#!/usr/bin/env python3
"""A chat-completion server on loopback that allows R requests a second and answers 429 beyond.

    with RateServer(rate=50, kind="bucket") as server:
        server.url, server.counts()

kind "bucket": a token bucket that holds a second's worth; "window": R in each second of the clock; "pool": no limit.
With refuses=0.1 it refuses a tenth of all calls besides, whatever the pace, as a pool does that has a bad server in it.
A refusal carries Retry-After in whole seconds, as servers send it; with headers="openai", answers tell of a bucket
that fills in a minute, with "second" of a window of a second. An answer takes `latency` seconds.
"""

import argparse
import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import time

ANSWER = json.dumps({"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}).encode()
REFUSAL = b'{"error":{"message":"Rate limit reached","type":"rate_limit_error","code":"rate_limit_exceeded"}}'


class Limit:
    def __init__(self, rate, kind, headers=None, refuses=0.0):
        self.rate, self.kind, self.headers, self.refuses = rate, kind, headers, refuses
        self.dice = random.Random(1)
        self.used, self.used_at = 0.0, time.monotonic()         # of the bucket that is told of
        self.tokens, self.filled, self.second = float(rate), time.monotonic(), -1

    def allows(self):
        now = time.monotonic()
        if self.dice.random() < self.refuses:
            return False
        if self.kind == "pool":
            return True
        if self.kind == "bucket":
            self.tokens = min(self.rate, self.tokens + (now - self.filled) * self.rate)
            self.filled = now
        elif int(now) != self.second:
            self.second, self.tokens = int(now), self.rate
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def told(self):
        """Header lines of an answer."""
        now, limit = time.monotonic(), self.rate * 60
        self.used = max(0.0, self.used - (now - self.used_at) * self.rate) + 1
        self.used_at = now
        if self.headers == "openai":
            left, reset = int(limit - self.used), f"{self.used / self.rate * 1000:.0f}ms"
        elif self.headers == "second":
            limit, left, reset = self.rate, int(self.tokens), "1s"
        else:
            return b""
        return (f"\r\nx-ratelimit-limit-requests: {limit}\r\nx-ratelimit-remaining-requests: {left}"
                f"\r\nx-ratelimit-reset-requests: {reset}").encode()


class Connection(asyncio.Protocol):
    def __init__(self, limit, latency, counts):
        self.limit, self.latency, self.counts, self.buffer = limit, latency, counts, b""

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        self.buffer += data
        while True:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            at = self.buffer.lower().find(b"\r\ncontent-length:", 0, end)
            length = int(self.buffer[at + 17:end].split(b"\r", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length:]
            self.answer()

    def answer(self):
        allowed = self.limit.allows()
        second = self.counts.setdefault(int(time.monotonic() - START), [0, 0])
        second[0 if allowed else 1] += 1
        body = ANSWER if allowed else REFUSAL
        status = b"200 OK" + self.limit.told() if allowed else b"429 Too Many Requests\r\nRetry-After: 1"
        whole = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
        asyncio.get_running_loop().call_later(self.latency if allowed else 0.002, self.transport.write, whole)


START = time.monotonic()


async def serve(options):
    limit, counts = Limit(options.rate, options.kind, options.headers, options.refuses), {}
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: Connection(limit, options.latency, counts), "127.0.0.1", 0, backlog=4096)
    print(listener.sockets[0].getsockname()[1], flush=True)
    ended = loop.create_future()
    loop.add_reader(0, lambda: os.read(0, 4096) or ended.done() or ended.set_result(None))
    await ended
    print(json.dumps(sorted(counts.items())), flush=True)


class RateServer:
    """A server in a process of its own; a context manager."""

    def __init__(self, rate, kind="bucket", latency=0.05, headers="", refuses=0.0):
        command = [sys.executable, os.path.abspath(__file__), str(rate), "--kind", kind, "--latency", str(latency), "--headers", headers,
                   "--refuses", str(refuses)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().strip()}/v1"

    def counts(self):
        """[(second since the start, (allowed, refused))], once; ends the server."""
        out, _ = self.process.communicate("")
        return [(second, tuple(pair)) for second, pair in json.loads(out)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def share(counts, rate, first, last):
    """(share of the rate that was used, share of the requests that were refused) from second `first` to `last`."""
    chosen = [pair for second, pair in counts if first <= second < last]
    allowed, refused = sum(pair[0] for pair in chosen), sum(pair[1] for pair in chosen)
    return allowed / rate / (last - first), refused / max(1, allowed + refused)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rate", type=int)
    parser.add_argument("--kind", default="bucket")
    parser.add_argument("--headers", default="")
    parser.add_argument("--refuses", type=float, default=0)
    parser.add_argument("--latency", type=float, default=0.05)
    asyncio.run(serve(parser.parse_args()))
