"""A program on a pseudo-terminal: types, waits for what is shown, resizes."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import host

ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()][A-Z0-9]|[=>])")


class Terminal:
    """Starts the program in a scratch folder with a terminal of `columns` x `rows`."""

    def __init__(self, scratch, *arguments, columns=80, rows=30, env=None):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        environment = {**scratch.environment, "TERM": "xterm", **(env or {})}
        self.process = subprocess.Popen([str(host.PROGRAM), *map(str, arguments)], cwd=scratch.path, env=environment,
                                        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.raw = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def take(self, seconds):
        """Reads what is shown within so many seconds; False at the end."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += data.decode("utf-8", "replace")
        return bool(data)

    @property
    def text(self):
        """All that was shown, without escape sequences."""
        return ESCAPES.sub("", self.raw).replace("\r", "")

    def wait_for(self, pattern, timeout=20):
        """Waits until the pattern is shown behind what was waited for before; says whether it was."""
        end, start = time.monotonic() + timeout, getattr(self, "seen", 0)
        while True:
            found = re.compile(pattern, re.DOTALL).search(self.text, start)
            if found:
                self.seen = found.end()
                return True
            if time.monotonic() > end or not self.take(0.2):
                return bool(re.compile(pattern, re.DOTALL).search(self.text, start))

    def finish(self, timeout=20):
        end = time.monotonic() + timeout
        while time.monotonic() < end and self.take(0.2):
            if self.process.poll() is not None:
                while self.take(0) and select.select([self.master], [], [], 0)[0]:
                    pass
                break
        return self.process.wait(max(0.1, end - time.monotonic()))

    def echoes(self):
        """Whether the terminal echoes and waits for whole lines, as it did before the program."""
        flags = termios.tcgetattr(self.master)[3]
        return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)
