"""A small server whose answers a function gives: for protocols that the stub of chats does not speak.

    with Door(lambda path, body: {"text": path}) as server:
        server.url, server.asked

`answer(path, body)` gives a JSON value, or (status, text). The requests are kept in `asked` as (path, body).
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Door:
    def __init__(self, answer):
        asked = self.asked = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                asked.append((self.path, body))
                given = answer(self.path, body)
                status, text = given if isinstance(given, tuple) else (200, json.dumps(given))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
