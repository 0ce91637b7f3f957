#!/usr/bin/env python3
"""An OpenAI-compatible server on loopback that speaks HTTP/2 over TLS and does with it what the protocol allows.

    with H2Server(folder, rules={"goaway": 20}) as server:      # folder: of `certificate`
        server.url("size=65536,ms=50"), server.counts()

An address holds what its answers are: size (bytes of the text), ms (until they begin), slow
(the same, of every other one), frame (most bytes of a DATA
frame), hints (an interim answer first), head (bytes of a header besides), trailers. A streamed answer comes in `pieces`
events, `gap` ms apart.
The rules hold for a whole server:
    wave        answers wait until so many are due on a connection (or 50 ms), then their frames go out by turns
    slow        milliseconds until the server says that more of a request may come (64 KB may come before)
    goaway      after so many requests on a connection it takes no more: GOAWAY, and it is closed when those are answered;
                what came after them is not looked at, and the client may ask again
    drop        after so many answers the connection is reset without a word, whatever is under way
    close       after so many answers TLS is closed in order, whatever is under way; the connection stays
    reset       [n, code, at]: each n-th stream is reset with this code ("refused", "internal", "cancel") "before" its
                answer or in the "middle" of it
counts(): {"requests": answered or begun, "connections": n, "unseen": n, "reset": n}; ends the server.
"""

import argparse
import asyncio
import json
import os
import resource
import ssl
import subprocess
import sys

CODES = {"refused": 7, "internal": 2, "cancel": 8}


def certificate(folder, name="own"):
    """A certificate of 127.0.0.1 and its key, in files; gives the certificate's path."""
    path, key = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-keyout", key, "-out", path, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, stderr=subprocess.DEVNULL)
    return path


def text_of(prompt, size):
    """The text that answers a prompt."""
    return (prompt + ": " + "lorem ipsum " * (size // 12 + 1))[:size]


def whole(text):
    return json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}}).encode()


def events(text, pieces):
    step = max(1, -(-len(text) // pieces))
    for at in range(0, len(text), step):
        yield b"data: %b\n\n" % json.dumps({"choices": [{"index": 0, "delta": {"content": text[at:at + step]}}]}).encode()
    yield b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class Stream:
    """A request, and what is left of its answer."""

    def __init__(self):
        self.headers, self.body, self.options, self.left = {}, b"", {}, []

    def begin(self):
        options = dict(part.split("=") for part in self.headers[":path"].split("/")[1].split(",") if "=" in part)
        self.options = {name: int(value) for name, value in options.items()}
        request = json.loads(self.body)
        text = text_of(request["messages"][-1]["content"][:40], self.options.get("size", 1000))
        self.streamed = bool(request.get("stream"))
        self.left = list(events(text, self.options.get("pieces", 20))) if self.streamed else [whole(text)]

    def next_frame(self, most):
        """(bytes, whether they are the last), at most `most` and the frame's size."""
        most = min(most, self.options.get("frame", 16384))
        piece, rest = self.left[0][:most], self.left[0][most:]
        self.left = ([rest] if rest else []) + self.left[1:]
        return piece, not self.left


class Connection(asyncio.Protocol):
    def __init__(self, rules, counts):
        import h2.config
        import h2.connection
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.rules, self.counts = rules, counts
        self.streams, self.due, self.answered, self.leaving, self.number = {}, [], 0, False, 0
        self.sending, self.timer, self.moved = [], None, False
        self.loop = asyncio.get_running_loop()

    # -- what asyncio calls

    def connection_made(self, transport):
        self.transport = transport
        self.counts["connections"] += 1
        self.h2.initiate_connection()
        self.flush()

    def connection_lost(self, _):
        self.transport = None

    def data_received(self, data):
        import h2.events as e
        import h2.exceptions
        try:
            happened = self.h2.receive_data(data)
        except h2.exceptions.ProtocolError as problem:
            self.counts["broken"] = str(problem)
            self.transport.close()
            return
        for event in happened:
            if isinstance(event, e.RequestReceived):
                self.streams[event.stream_id] = stream = Stream()
                stream.headers = dict(event.headers)
            elif isinstance(event, e.DataReceived):
                if event.stream_id in self.streams:
                    self.streams[event.stream_id].body += event.data
                self.loop.call_later(self.rules.get("slow", 0) / 1000, self.take, event.flow_controlled_length, event.stream_id)
            elif isinstance(event, e.StreamEnded):
                self.request(event.stream_id)
            elif isinstance(event, e.StreamReset):
                self.streams.pop(event.stream_id, None)
            elif isinstance(event, e.ConnectionTerminated):
                self.leaving = True
        self.go_on()

    def take(self, size, number):
        """Says that so much more of a request may come."""
        if self.transport:
            self.h2.acknowledge_received_data(size, number)
            self.flush()

    # -- answers

    def request(self, number):
        stream = self.streams.get(number)
        if not stream:
            return
        if self.leaving:
            self.counts["unseen"] += 1
            del self.streams[number]
            return
        self.counts["requests"] += 1
        self.number += 1
        stream.begin()
        every, code, at = self.rules.get("reset", [0, "", ""])
        stream.reset = code if every and self.counts["requests"] % every == 0 else None
        stream.when = at
        if self.rules.get("goaway") == self.number:
            self.leaving = True
            # By hand: h2 would then refuse to send the answers that are due.
            self.flush()
            self.transport.write(b"\x00\x00\x08\x07\x00" + bytes(4) + number.to_bytes(4, "big") + bytes(4))
        delay = stream.options.get("slow" if self.number % 2 else "ms", stream.options.get("ms", 0))
        self.loop.call_later(delay / 1000, self.ready, number)

    def ready(self, number):
        stream = self.streams.get(number)
        if not stream or not self.transport:
            return
        if stream.reset and stream.when == "before":
            self.reset(number)
            return
        if stream.options.get("hints"):
            self.h2.send_headers(number, [(":status", "103"), ("link", "</x>; rel=preload")])
        kind = "text/event-stream" if stream.streamed else "application/json"
        more = [("x-padding-%d" % i, "y" * 500) for i in range(stream.options.get("head", 0) // 500)]
        self.h2.send_headers(number, [(":status", "200"), ("content-type", kind), *more])
        self.due.append(number)
        if len(self.due) >= self.rules.get("wave", 1):
            self.let_go()
        elif not self.timer:
            self.timer = self.loop.call_later(0.05, self.let_go)

    def let_go(self):
        if self.timer:
            self.timer.cancel()
            self.timer = None
        self.sending += self.due
        self.due = []
        self.go_on()

    def go_on(self):
        """Sends frames by turns, as far as the client's windows let it."""
        while self.sending and self.transport:
            still = []
            for number in self.sending:
                if number in self.streams and self.one_frame(number):
                    still.append(number)
            if still == self.sending and not self.moved:
                break
            self.sending, self.moved = still, False
        self.flush()

    def one_frame(self, number):
        """Whether there is more to be sent now or when the window opens."""
        stream = self.streams[number]
        most = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
        if most <= 0:
            return True
        piece, last = stream.next_frame(most)
        self.moved = True
        if stream.reset and (last or len(stream.left) < 10):
            self.h2.send_data(number, piece[:len(piece) // 2])
            self.reset(number)
            return False
        trailers = last and stream.options.get("trailers")
        self.h2.send_data(number, piece, end_stream=last and not trailers)
        if trailers:
            self.h2.send_headers(number, [("x-checked", "yes")], end_stream=True)
        if last:
            self.end(number)
            return False
        if stream.streamed and "gap" in stream.options:
            self.loop.call_later(stream.options["gap"] / 1000, self.resume, number)
            return False
        return True

    def resume(self, number):
        self.sending.append(number)
        self.go_on()

    def reset(self, number):
        self.counts["reset"] += 1
        self.h2.reset_stream(number, CODES[self.streams[number].reset])
        self.end(number)
        self.flush()

    def end(self, number):
        del self.streams[number]
        self.answered += 1
        if not self.transport:
            return
        if self.rules.get("drop") == self.answered:
            self.flush()
            self.transport.abort()
        elif self.rules.get("close") == self.answered:
            self.flush()
            self.transport.close()
            self.transport = None
        elif self.leaving and not self.streams:
            self.flush()
            self.transport.close()

    def flush(self):
        data = self.h2.data_to_send()
        if data and self.transport:
            self.transport.write(data)


async def serve(options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.certificate[:-4] + ".key")
    context.set_alpn_protocols(["h2"])
    counts = {"requests": 0, "connections": 0, "unseen": 0, "reset": 0}
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: Connection(json.loads(options.rules), counts), "127.0.0.1", 0, ssl=context,
                                        backlog=1024)
    print(listener.sockets[0].getsockname()[1], flush=True)
    ended = loop.create_future()
    loop.add_reader(0, lambda: os.read(0, 4096) or ended.done() or ended.set_result(None))
    await ended
    print(json.dumps(counts), flush=True)


class H2Server:
    """A server in a process of its own; a context manager."""

    def __init__(self, certificate_path, rules=None):
        command = ["/usr/bin/python3", os.path.abspath(__file__), certificate_path, "--rules", json.dumps(rules or {})]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = self.process.stdout.readline().strip()

    def url(self, options=""):
        return f"https://127.0.0.1:{self.port}/{options or '-'}/v1"

    def counts(self):
        """Once; ends the server."""
        out, _ = self.process.communicate("")
        return json.loads(out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("certificate")
    parser.add_argument("--rules", default="{}")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(serve(parser.parse_args()))
