"""`fellowship serve` while it runs, and the HTTP clients that tests ask it with.

    with serving.Serving(scratch, "--idle", "2") as s:      # scratch: a host.Scratch
        status, headers, body = s.chat("Name a river.")
"""

import http.client
import json
import re
import socket

import host
import provider_server as p
from provider_server import Answer

PLACE = re.compile(r"serves http://(\[?[^\]/]*\]?):(\d+)/v1")


class Serving:
    """The program while it serves, and what it said."""

    def __init__(self, scratch, *arguments, **options):
        self.scratch = scratch
        self.process = scratch.start("serve", "--port", "0", *arguments, **options)
        host.until(lambda: PLACE.search(self.err) or self.process.poll() is not None)
        self.port = int(PLACE.search(self.err)[2])

    @property
    def err(self):
        """What it has said so far."""
        return host.said(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.result = self.scratch.finish(self.process)

    def ask(self, method, path, body=None, headers=None, timeout=60):
        """status, headers in lower case, body (decoded where it is JSON)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body if isinstance(body, (str, bytes, type(None))) else json.dumps(body), headers or {})
            answer = connection.getresponse()
            data, fields = answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()
        if fields.get("content-type") == "application/json":
            data = json.loads(data)
        return answer.status, fields, data

    def chat(self, prompt="Name a river.", model="openai:m", headers=None, timeout=60, **more):
        return self.ask("POST", CHAT, asking(prompt, model, **more), headers, timeout)

    def connect(self, timeout=60):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def raw(self, data, timeout=60, half_close=False):
        """What comes back on a connection of its own, until it ends or nothing comes."""
        with self.connect(timeout) as s:
            got = b""
            try:
                s.sendall(data)
                if half_close:
                    s.shutdown(socket.SHUT_WR)
                while part := s.recv(65536):
                    got += part
            except OSError:
                pass
        return got

    def memory(self, of="VmRSS"):
        """Bytes that the program holds (VmRSS), or held at most (VmHWM)."""
        with open(f"/proc/{self.process.pid}/status") as lines:
            return next(int(line.split()[1]) << 10 for line in lines if line.startswith(of))


def post(path, body, *headers, host="localhost"):
    """The bytes of a request, after whose answer the connection ends unless a header says otherwise."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", *(headers or ("Connection: close",))]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def asking(prompt, model="openai:m", **more):
    """The body of a request for an answer."""
    return {"model": model, "messages": [{"role": "user", "content": prompt}], **more}


CHAT = "/v1/chat/completions"


def events(data):
    return [line[6:] for line in data.decode().split("\n") if line.startswith("data: ")]


def text_of(chunks):
    return "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])


def echo(request):
    """The last message, in capitals, whole or as a stream."""
    said = request.body["messages"][-1]["content"].upper()
    if request.body.get("stream"):
        return Answer(parts=p.openai_stream([said[:4], said[4:]], done=True), pause=0.1)
    return Answer(p.openai(said))
