"""nginx on loopback, as a test configures it, over TLS with a certificate of its own or without.

    with Nginx(locations, certificate=path, http2=True) as server:
        server.url, server.secure, server.requests()

Needs Debian's nginx with the echo module, which answers late and piece by piece.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

import host
import tap

ECHO = "/usr/lib/nginx/modules/ngx_http_echo_module.so"
CONFIGURATION = """load_module {echo};
daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid {folder}/pid; error_log stderr error;
events {{ worker_connections 9000; }}
http {{
  log_format path '$request_uri $server_protocol $connection'; access_log {folder}/access path; default_type application/json;
  keepalive_requests {keepalive_requests}; keepalive_timeout 1h; {more}
  client_body_buffer_size 1m; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder}; reset_timedout_connection on;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    {tls}
    {locations}
  }}
}}
"""
TLS = "listen 127.0.0.1:{port} ssl {http2} backlog=4096; ssl_certificate {certificate}; ssl_certificate_key {key};"


def missing():
    """What it lacks on this machine, or None."""
    if not (shutil.which("nginx") or os.access("/usr/sbin/nginx", os.X_OK)):
        return "nginx is not installed"
    return None if os.path.exists(ECHO) else "nginx's echo module is not installed"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Nginx:
    """A server in processes of its own; a context manager. `prefix` goes before its command."""

    def __init__(self, locations, certificate=None, http2=True, keepalive_requests=1000000, more="", prefix=()):
        self.locations, self.certificate, self.http2 = locations, certificate, http2
        self.keepalive_requests, self.more, self.prefix = keepalive_requests, more, prefix

    def start(self):
        """False when a port was taken by somebody else meanwhile."""
        self.port, self.secure_port = free_port(), free_port()
        tls = TLS.format(port=self.secure_port, http2="http2" if self.http2 else "", certificate=self.certificate,
                         key=self.certificate[:-4] + ".key") if self.certificate else ""
        path = pathlib.Path(self.folder.name) / "nginx.conf"
        path.write_text(CONFIGURATION.format(echo=ECHO, folder=self.folder.name, port=self.port, tls=tls, more=self.more,
                                             keepalive_requests=self.keepalive_requests, locations=self.locations))
        self.process = subprocess.Popen([*self.prefix, shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(path), "-p", self.folder.name],
                                        stderr=subprocess.DEVNULL)
        host.until(lambda: listening(self.port) or self.process.poll() is not None, 20)
        return self.process.poll() is None

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="nginx-")
        for _ in range(5):
            if self.start():
                self.url, self.secure = f"http://127.0.0.1:{self.port}", f"https://127.0.0.1:{self.secure_port}"
                return self
        raise RuntimeError("nginx did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def requests(self):
        """[(path, protocol, number of its connection)] so far. A line is written when its answer has been sent."""
        with open(pathlib.Path(self.folder.name) / "access", encoding="utf-8") as lines:
            return [tuple(line.split()) for line in lines if line.endswith("\n")]


def need_nginx():
    if missing():
        raise tap.Skip(missing())
