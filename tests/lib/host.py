"""Running the program under test: scratch folders, a clean environment, servers, JSON Lines.

The program is $FELLOWSHIP, or build/fellowship beside tests/. Recorded data is in
$FELLOWSHIP_SHARED, or ../shared beside the repository. Every run gets an environment of its
own: nothing of the caller's keys, proxies, locale or home reaches it.
"""

import contextlib
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import tap

# What runs in the background (&, nohup) has these ignored, and so have its children: here they are as a terminal has them.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("FELLOWSHIP") or ROOT / "build" / "fellowship").absolute()
SHARED = pathlib.Path(os.environ.get("FELLOWSHIP_SHARED") or ROOT.parent / "shared").absolute()
KEY = "test"
TIMEOUT = 300               # seconds; no run of the tests should come near
SANITIZER_MARKS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ThreadSanitizer")
PASSED_ON = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH", "FELLOWSHIP_LUALIB")


class Result:
    """How a run ended: status (negative: the signal's number), out, err, seconds."""

    def __init__(self, status, out, err, seconds):
        self.status, self.out, self.err, self.seconds = status, out, err, seconds

    @property
    def summary(self):
        """The machine-readable last line of stdout."""
        lines = self.out.strip().splitlines()
        return json.loads(lines[-1]) if lines else None

    def __str__(self):
        return f"status {self.status}\nstdout: {self.out}\nstderr: {self.err}"


class Scratch:
    """A temporary folder, and runs of the program in it."""

    def __init__(self, url=None, **environment):
        self.holder = tempfile.TemporaryDirectory(prefix="fellowship-")
        self.path = pathlib.Path(self.holder.name)
        (self.path / "home").mkdir()
        self.environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(self.path / "home"),
                            "LANG": "C.UTF-8", "TMPDIR": str(self.path), "NO_COLOR": "1"}
        self.environment.update({name: os.environ[name] for name in PASSED_ON if name in os.environ})
        if url:
            self.environment.update(OPENAI_BASE_URL=url, OPENAI_API_KEY=KEY)
        self.environment.update(environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.cleanup()

    def __truediv__(self, name):
        return self.path / name

    def start(self, *arguments, env=None, stdin=subprocess.DEVNULL, prefix=(), **options):
        """The running program, its output in files so that no pipe can fill up."""
        environment = {name: value for name, value in {**self.environment, **(env or {})}.items() if value is not None}
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        process = subprocess.Popen([*map(str, prefix), str(PROGRAM), *map(str, arguments)], cwd=self.path,
                                   env=environment, stdin=stdin, stdout=out, stderr=err, **options)
        process.files, process.started = (out, err), time.monotonic()
        return process

    def finish(self, process, timeout=TIMEOUT):
        """Waits for a started program. One that hangs is ended and is an error."""
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            process.wait()
            raise RuntimeError(f"no end within {timeout} s: {process.args}\n{read_back(process.files[1])}") from None
        texts = [read_back(file) for file in process.files]
        found = [line for line in texts[1].splitlines() if any(mark in line for mark in SANITIZER_MARKS)]
        if found:
            raise RuntimeError(f"a sanitizer spoke: {found[0]}\n{texts[1]}")
        return Result(status, *texts, time.monotonic() - process.started)

    def run(self, *arguments, timeout=TIMEOUT, **options):
        return self.finish(self.start(*arguments, **options), timeout)

    def preference(self, *arguments, out="out", data="rows.jsonl", models=None, **options):
        """`run preference` with the three models' roles filled."""
        return self.run(*preference_arguments(out, data, models), *arguments, **options)

    def write(self, name, content):
        """Writes a file: bytes, text, or a list of rows as JSON Lines (compressed if the name says so)."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
        data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    def prompts(self, count, name="rows.jsonl"):
        """A dataset of `count` distinct prompts with ids row-0, row-1, …; each prompt holds "<row-N>"."""
        return self.write(name, [{"id": f"row-{i}", "prompt": f"Explain item <row-{i}> in a few words."}
                                 for i in range(count)])


def read_back(file):
    file.seek(0)
    text = file.read().decode("utf-8", "replace")
    file.close()
    return text


def said(process, which=1):
    """What a running program has said so far on stderr, or on stdout (0). The file is opened anew: its place is the program's."""
    with open(f"/proc/self/fd/{process.files[which].fileno()}", encoding="utf-8", errors="replace") as file:
        return file.read()


def preference_arguments(out="out", data="rows.jsonl", models=None):
    generator, reviewer, judge = models or ("openai:writer", "openai:reviewer", "openai:judge")
    return ["run", "preference", "--data", str(data), "--generator", generator, "--reviewer", reviewer,
            "--judge", judge, "--out", str(out)]


def need_program():
    if not os.access(PROGRAM, os.X_OK):
        tap.skip_all("the program is not built")


def need_shared(*names):
    """Skips the whole test unless these stand in the shared folder; returns their paths."""
    for name in names:
        if not (SHARED / name).exists():
            tap.skip_all(f"{name} of the paper's recordings is not here; examples/guide/reproduce.md tells what can be had of them")
    return [SHARED / name for name in names]


# ---- files --------------------------------------------------------------------------------

def jsonl(path):
    """The rows of a file; none where there is no file, so that an assertion can show what is missing."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def tree(folder, without=()):
    """{path below folder: bytes} of every file, except those with these names."""
    folder = pathlib.Path(folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name not in without}


def same_tree(got, want, name):
    """Asserts that two results of `tree` are equal, and shows where they are not."""
    differing = [f"{path}: {'missing' if path not in got else 'unexpected' if path not in want else 'differs'}"
                 for path in sorted(got.keys() | want.keys()) if got.get(path) != want.get(path)]
    return tap.ok(not differing and want, name, *differing[:10])


def holding(folder, needle):
    """The files below a folder that hold these bytes."""
    return [path for path, content in tree(folder).items() if needle in content]


@contextlib.contextmanager
def small_disk(path, size):
    """A file system of its own with so much room ("64k") at a path; skips where none can be mounted."""
    os.mkdir(path)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(path)], capture_output=True).returncode:
        raise tap.Skip("no file system can be mounted here")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def preloaded(folder, name):
    """The path of tests/lib/NAME.c, built to be preloaded."""
    if not shutil.which("gcc"):
        raise tap.Skip("there is no compiler")
    if b"__asan_init" in PROGRAM.read_bytes():
        raise tap.Skip("the sanitizer wants to come first")
    shim = os.path.join(folder, name + ".so")
    source = pathlib.Path(__file__).with_name(name + ".c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", shim, source], check=True)
    return shim


# ---- servers and processes ----------------------------------------------------------------

@contextlib.contextmanager
def replay_server(*options, data="data/feedback"):
    """The shared replay server; gives an object with url and log()."""
    tool, folder = need_shared("tools/replay_server.py", data)
    with tempfile.TemporaryDirectory(prefix="replay-") as scratch:
        log = os.path.join(scratch, "log.jsonl")
        process = subprocess.Popen([sys.executable, str(tool), "--data", str(folder), "--port", "0", "--log", log,
                                    *map(str, options)], stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        try:
            url = re.search(r"http://\S+", process.stdout.readline())[0]
            yield Server(url, log)
        finally:
            process.terminate()
            process.wait(timeout=10)
            process.stdout.close()


class Server:
    def __init__(self, url, log_path):
        self.url, self.log_path = url, log_path

    def log(self):
        if not os.path.exists(self.log_path):
            return []
        return [entry for entry in map(json.loads, open(self.log_path, encoding="utf-8"))]


def until(condition, timeout=30, step=0.01):
    """Waits until condition() holds; says whether it did."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(step)
    return True
