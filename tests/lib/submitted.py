"""Runs in shards, for the tests of `fellowship submit`: what they make, what they asked, and the processes that they are."""

import collections
import json
import os
import pathlib
import sys

import host
import stub_server
import tap
from stub_server import Stub

VARIABLE = ("run.json", "errors.jsonl")
SERVED = ("vllm:writer", "vllm:reviewer", "vllm:judge")


def results(folder):
    """The files of a run's folder, without those that tell of the run and of the submission."""
    return {name: content for name, content in host.tree(folder, VARIABLE).items() if not name.startswith("submit/")}


def repeated(log):
    """Calls that were answered more than once."""
    calls = collections.Counter((entry["model"], entry["messages"]) for entry in log
                                if entry.get("model") and entry["status"] == 200)
    return sum(calls.values()) - len(calls)


def serve(log, *options):
    """A command that starts a stub server at $PORT, whose log is LOG-PORT."""
    return " ".join([sys.executable, os.path.abspath(stub_server.__file__), "--keep", "--port", "$PORT", "--log",
                     f"{log}-$PORT", *map(str, options)])


def served_log(log):
    """The requests that all servers of such a command took."""
    paths = pathlib.Path(log).parent.glob(pathlib.Path(log).name + "-*")
    return [json.loads(line) for path in paths for line in open(path, encoding="utf-8") if line.endswith("\n")]


def processes(*words):
    """The processes among whose arguments these stand, a path also as the beginning of one."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        if all(any(argument == word or word.startswith("/") and word in argument for argument in arguments)
               for word in map(str, words)):
            found.append(int(path.parent.name))
    return found


def single(scratch, models=None, env=None):
    """The files of the undivided run."""
    result = scratch.run(*host.preference_arguments("single", models=models), "--store", "single.db", env=env)
    tap.equal(result.status, 0, f"the undivided run ends well{'' if result.status == 0 else ': ' + result.err}")
    return results(scratch / "single")


def single_served(scratch):
    """The same with a server that counts as one at its usual address, which a test cannot have."""
    with Stub() as server:
        own = {"VLLM_BASE_URL": server.url, "FELLOWSHIP_SERVED": server.url.removesuffix("/v1")}
        return single(scratch, SERVED, env=own)
