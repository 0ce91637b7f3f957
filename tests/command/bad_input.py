#!/usr/bin/env python3
"""Bad input and bad surroundings: the exit status, what the message says, and that nothing is lost."""

import os
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub

SECRET = "sk-distinctive-7Qm2ZxVb9e"
HASTY = """local entry = { attempts = 2 }
return { ["openai:writer"] = entry, ["openai:reviewer"] = entry, ["openai:judge"] = entry }
"""
TRACES = ["stack traceback", "[C]:", "lualib/"]


def usage(name, result, parts, status=2):
    """A usage error: its status, its message, and no traceback around it."""
    tap.equal(result.status, status, f"{name}: status {status}")
    tap.contains(result.err, parts, f"{name}: says {', '.join(parts)}")
    tap.lacks(result.err, TRACES, f"{name}: without a traceback")


def usable(scratch, server, calls, **options):
    """The store is intact: the job done again with good input makes so many calls at most, all told."""
    result = scratch.preference("--force", **options)
    tap.equal(result.status, 0, "a good run over the same store afterwards: status 0")
    made = len(server.log())
    tap.ok(made <= calls, f"which repeats no stored call ({made} calls, {calls} at most)")


# ---- the command line ---------------------------------------------------------------------

def command_line():
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.prompts(2)
        job = host.preference_arguments()
        usage("missing data file", scratch.preference(data="nowhere.jsonl"), ["nowhere.jsonl", "no such file"])
        usage("unknown script", scratch.run("run", "preferense"), ["preferense", "preference"])
        usage("unknown command", scratch.run("rnu", "preference"), ["rnu"])
        usage("unknown option", scratch.run(*job, "--concurency", "4"), ["--concurency", "--concurrency"])
        usage("bad number", scratch.run(*job, "--concurrency", "many"), ["--concurrency", "many"])
        usage("zero", scratch.run(*job, "--concurrency", "0"), ["--concurrency"])
        usage("bad choice", scratch.run(*job, "--pairs", "best-wurst"), ["--pairs", "best-worst", "best-rest", "all"])
        usage("bad shard", scratch.run(*job, "--shard", "3/2"), ["--shard"])
        usage("missing option", scratch.run("run", "preference", "--out", "out"), ["--data"])
        usage("a choice that is missing", scratch.run("run", "judge-bench", "--data", "x", "--out", "o"), ["--protocol judgebench|llmbar"])
        usage("models that are named otherwise", scratch.run("run", "tournament", "--model", "sim:x"), ["--generator", "--judge"])
        usage("missing options", scratch.run("run", "judge"), ["--data ROWS is missing", "--out DIR is missing"])
        usage("option without a value", scratch.run(*job, "--store"), ["--store"])
        usage("unknown provider", scratch.preference(models=("opnai:x", "openai:y", "openai:z")),
              ["opnai", "openai", "sim"])
        usage("a model without provider", scratch.preference(models=("writer", "openai:y", "openai:z")), ["writer"])
        scratch.write("names.lua", 'return { a = { model = "b" }, b = { model = "a" }, c = { model = "opnai:x" } }')
        for name, said in (("a", 'stands for "b"'), ("b", 'stands for "a"'), ("c", "opnai")):
            result = scratch.preference("--models", "names.lua", models=(name, "openai:y", "openai:z"))
            usage("an alias of an alias, or of none", result, [f'the entry "{name}"', said])
            tap.lacks(result.err, [f'mean "{name}"'], "and what was given is no advice")
        usage("a script file that is not there", scratch.run("nowhere.lua"), ["nowhere.lua"])
        tap.equal(server.log(), [], "none of these made a call")
        tap.ok(not (scratch / "out").exists(), "nor an output folder")
        for arguments in (["--help"], ["--version"], ["list"], ["run", "preference", "--help"]):
            result = scratch.run(*arguments)
            tap.equal((result.status, result.err), (0, ""), f"{' '.join(arguments)}: status 0 and a quiet stderr")
        tap.contains(result.out, ["--generator", "--reviewer", "--judge", "--pairs", "--concurrency"],
                     "run preference --help names its options")


# ---- rows ---------------------------------------------------------------------------------

def bad_rows():
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.write("rows.jsonl", '{"id":"good","prompt":"One?"}\n{"id":"broken","prompt":\n'
                      '{"id":"empty","title":"Two?"}\n[1,2]\n{"id":"number","prompt":7}\n{"id":"last","prompt":"Three?"}\n')
        result = scratch.preference()
        tap.equal(result.status, 3, "bad rows: status 3")
        tap.equal([row["id"] for row in host.jsonl(scratch / "out/responses.jsonl")], ["good", "last"],
                  "the good rows go through")
        errors = host.jsonl(scratch / "out/errors.jsonl")
        tap.equal(len(errors), 4, "errors.jsonl has a line for each bad row")
        text = (scratch / "out/errors.jsonl").read_text()
        tap.contains(text, ["rows.jsonl:2", "rows.jsonl:4"], "file:line of what is no JSON object")
        tap.contains(text, ["prompt"], "a row without a prompt says so")
        tap.contains(result.err, "errors.jsonl", "the closing words point to errors.jsonl")
        stop = scratch.preference("--on-error", "stop", out="stop")
        tap.equal(stop.status, 1, "--on-error stop: status 1")
        tap.contains(stop.err, "rows.jsonl:2", "with file:line")
        scratch.write("rows.jsonl", [{"id": "good", "prompt": "One?"}, {"id": "last", "prompt": "Three?"}])
        usable(scratch, server, 14)


# ---- models and keys ----------------------------------------------------------------------

def odd_bytes():
    """What an error quotes may be cut in the middle of a character, or be no text at all; errors.jsonl takes it."""
    with host.Scratch() as scratch:
        scratch.write("rows.jsonl", [{"prompt": "é" * 200}])
        scratch.write("none.jsonl", "")
        scratch.run("run", "feedback", "--data", "none.jsonl", "--generator", "sim:a", "--reviewer", "sim:b", "--out", "none")
        scratch.write("seed.lua", 'require "fellowship".model "sim:a":ask "hello"')
        scratch.run("seed.lua")
        result = scratch.run("run", "feedback", "--data", "rows.jsonl", "--generator", "openai:a", "--reviewer", "openai:b",
                             "--offline", "--out", "out")
        tap.equal(result.status, 3, "an offline miss of a prompt beyond ASCII: status 3")
        tap.contains(host.jsonl(scratch / "out/errors.jsonl")[0]["message"], ["é" * 60], "with the prompt's beginning")
        scratch.write("odd.lua", 'local f = require "fellowship"\nf.each({ { a = 1 } }, function() error("x\\xffy") end)')
        tap.equal(scratch.run("odd.lua").status, 3, "an error of odd bytes: status 3")
        tap.contains(host.jsonl(scratch / "odd.errors.jsonl")[0]["message"], ["x\ufffdy"], "is written as valid text")


def missing_key():
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.prompts(3)
        for value in (None, ""):
            result = scratch.preference(env={"OPENAI_API_KEY": value})
            usage(f"key {'not set' if value is None else 'empty'}", result, ["OPENAI_API_KEY"], 1)
        tap.equal(server.log(), [], "no call was made")


def refused_connection():
    with host.Scratch(f"http://127.0.0.1:{closed_port()}/v1") as scratch:
        scratch.prompts(2)
        scratch.write("models.lua", HASTY)
        result = scratch.preference("--models", "models.lua")
        tap.ok(result.status in (1, 3), f"refused connection: status 1 or 3 ({result.status})")
        tap.contains(result.err + errors_of(scratch), ["127.0.0.1"], "the message names the address")
        tap.contains(result.err + errors_of(scratch), ["connect"], "and what failed")


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def errors_of(scratch, out="out"):
    path = scratch / out / "errors.jsonl"
    return path.read_text() if path.exists() else ""


def rejected_key():
    rule = {"fault": "unauthorized"}
    with Stub(rules=[rule]) as server, host.Scratch(server.url, OPENAI_API_KEY=SECRET) as scratch:
        scratch.prompts(50)
        result = scratch.preference("--concurrency", 4)
        tap.equal(result.status, 1, "401: status 1, the run stops")
        tap.contains(result.err, ["401", "OPENAI_API_KEY"], "401: the message names the variable")
        tap.ok(len(server.log()) <= 8, "it stops at once", f"{len(server.log())} requests")
        tap.ok(all(e["auth"] for e in server.log()), "the key was sent")
        hidden(scratch, result, "401")


def secrets():
    """Answers that show the key, in every class of outcome; and a base URL that holds secrets of its own."""
    def shown(code):
        return {"error": {"message": "what {authorization} asked", "type": "invalid_request_error", "code": code}}

    answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "You sent {authorization}."},
                           "finish_reason": "stop"}]}
    rules = [{"contains": "<row-0>", "status": 400, "body": shown("content_filter")},
             {"contains": "<row-1>", "status": 400, "body": shown("other")},
             {"contains": "<row-2>", "status": 500, "body": shown("other")},
             {"contains": "<row-3>", "body": answer}]
    with Stub(rules=rules) as server, host.Scratch(server.url, OPENAI_API_KEY=SECRET) as scratch:
        scratch.prompts(5)
        scratch.write("models.lua", HASTY)
        result = scratch.preference("--models", "models.lua")
        tap.equal(result.status, 3, "answers that show the key: status 3")
        hidden(scratch, result, "answers that show the key")
    with Stub() as server:
        url = server.url.replace("//", f"//user:{SECRET}@") + f"?token={SECRET}"
        with host.Scratch(url) as scratch:
            scratch.prompts(1)
            result = scratch.preference()
            tap.equal(result.status, 0, "a base URL with secrets: status 0")
            tap.ok(all(SECRET in e["path"] and e["auth"] for e in server.log()), "the server gets them")
            hidden(scratch, result, "a base URL with secrets")


def hidden(scratch, result, name):
    tap.lacks(result.out + result.err, SECRET, f"{name}: not in the output")
    tap.equal(host.holding(scratch.path, SECRET.encode()), [], f"{name}: in no file")


def missing_model():
    rules = [{"model": "nope", "fault": "model_not_found"}]
    with Stub(rules=rules) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(2)
        result = scratch.preference(models=("openai:nope", "openai:reviewer", "openai:judge"))
        tap.ok(result.status in (1, 3), f"a model that does not exist: status 1 or 3 ({result.status})")
        tap.contains(result.err + errors_of(scratch), ["nope", "404"], "the message names it")
        calls = len(server.log())
        scratch.preference(models=("openai:nope", "openai:reviewer", "openai:judge"))
        tap.ok(len(server.log()) > calls, "a 404 is not stored: a rerun asks again")


def own_lines():
    """A script's failure shows its own lines, and not how it was called; its mistakes in options are told in a line."""
    with host.Scratch() as scratch:
        scratch.write("fails.lua", 'local function deep() error "gone" end\ndeep()\n')
        result = scratch.run("fails.lua")
        tap.contains(result.err, ["fails.lua:1: gone", "fails.lua:2: in"], "a script's own lines")
        tap.lacks(result.err, ["lualib/", "xpcall"], "and none of the program's below them")
        for option, said in (('"data", type = "data"', "option data has no help"), ('"n", type = "date", help = "x"', 'mean "data"'),
                             ('type = "data"', "option 1 has no name"), ('"limit", type = "integer", help = "x"', "every command has")):
            scratch.write("declares.lua", f"return {{ options = {{ {{ {option} }} }}, run = function() end }}")
            usage(f"options = {{ {{ {option} }} }}", scratch.run("run", "./declares.lua", "--out", "o"), ["declares.lua", said])


# ---- places -------------------------------------------------------------------------------

def output_folder():
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.prompts(2)
        scratch.write("file", "text")
        result = scratch.preference(out="file/out")
        usage("--out under a regular file", result, ["file/out", "file is no folder"])
        usage("--out that is a regular file", scratch.preference(out="file"), ["--out", "file is no folder"])
        tap.equal(server.log(), [], "no call was made")
        tap.equal((scratch / "file").read_text(), "text", "the file is left alone")
        usable(scratch, server, 14)
        another_run(scratch, server)


def another_run(scratch, server):
    before, calls = host.tree(scratch / "out"), len(server.log())
    other = ("openai:other", "openai:reviewer", "openai:judge")
    usage("the output folder of another run", scratch.preference(models=other), ["out", "--force"])
    host.same_tree(host.tree(scratch / "out"), before, "the folder is as it was")
    tap.equal(len(server.log()), calls, "no call was made")
    tap.equal(scratch.preference("--force", models=other).status, 0, "--force takes it over")
    tap.contains((scratch / "out/run.json").read_text(), "openai:other", "and run.json tells of the new run")
    tap.equal(scratch.preference("--concurrency", 3, "--limit", 20, "--quiet", models=other).status, 0,
              "concurrency, limit and quiet do not make another run")
    scratch.write("own/notes.txt", "mine")
    result = scratch.preference(out="own")
    tap.ok(result.status == 2 or (scratch / "own/notes.txt").read_text() == "mine", "a folder of the user's own files: "
           "refused, or the files are kept", result)


def mounted(options, *command):
    """A command prefix that runs in a mount namespace of its own with a tmpfs on ./place."""
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *user, "sh", "-c", f'mount -t tmpfs -o {options} none place && exec "$@"', "sh", *command]


def need_mounts(scratch):
    (scratch / "place").mkdir()
    try:
        mounted_true = host.subprocess.run(mounted("size=64k", "true"), cwd=scratch.path, capture_output=True)
    except FileNotFoundError as error:
        raise tap.Skip(f"no unshare: {error}") from None
    if mounted_true.returncode:
        raise tap.Skip(f"mounting a tmpfs is not possible here: {mounted_true.stderr.decode().strip()}")


def full_disk():
    with Stub(size=4000) as server, host.Scratch(server.url) as scratch:
        need_mounts(scratch)
        scratch.prompts(40)
        result = scratch.preference("--concurrency", 8, out="place/out", prefix=mounted("size=128k"))
        tap.equal(result.status, 1, "a full disk under --out: status 1")
        tap.contains(result.err, ["place/out", "no space left", "make room"], "the message names the file, the reason, and what to do")
        usable(scratch, server, 40 * 7 + 8, out="elsewhere")
    with host.Scratch() as scratch:
        need_mounts(scratch)
        scratch.write("rows.jsonl", [{"prompt": "x" * 2000}] * 40)
        scratch.run("run", "generate", "--data", "rows.jsonl", "--model", "sim:x", "--samples", 3, "--out", "o")
        full = ["sh", "-c", 'dd if=/dev/zero of=place/full bs=1k 2>/dev/null; exec "$@"', "sh"]
        for words in (["new", "place/mine"], ["store", "export", "place/e.jsonl"], ["report", "o", "--out", "place/r.html"]):
            result = scratch.run(*words, prefix=mounted("size=64k", *full))
            tap.equal(result.status, 1, f"{words[0]} on a full disk: status 1")
            tap.contains(result.err, ["place/", "no space left", "make room"], f"{words[0]}: names the file, the reason, and what to do")
            tap.lacks(result.out, "wrote", f"{words[0]}: and does not say that it is there")
    with Stub(size=4000) as server, host.Scratch(server.url) as scratch:
        need_mounts(scratch)
        scratch.prompts(40)
        result = scratch.preference("--store", "place/store.db", prefix=mounted("size=256k"))
        tap.equal(result.status, 1, "a full disk under the store: status 1")
        tap.contains(result.err, ["place/store.db", "full", "make room"], "the message names the store, the reason, and what to do")


def read_only_store():
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.prompts(2)
        prefix = ()
        if os.geteuid() == 0:
            need_mounts(scratch)
            prefix = mounted("ro")
        else:
            (scratch / "place").mkdir(mode=0o555)
        result = scratch.preference("--store", "place/store.db", prefix=prefix)
        tap.ok(result.status in (1, 2), f"a store in a read-only folder: status 1 or 2 ({result.status})")
        tap.contains(result.err, "place/store.db", "the message names the store")
        tap.ok(any(reason in result.err.lower() for reason in ("read-only", "permission denied")), "and the reason", result.err)
        tap.lacks(result.err, TRACES, "without a traceback")
        tap.equal(server.log(), [], "no call was made")
        scratch.write("noise.db", "this is no database " * 100)
        result = scratch.preference("--store", "noise.db")
        tap.ok(result.status in (1, 2), f"a store that is no store: status 1 or 2 ({result.status})")
        tap.contains(result.err, "noise.db", "the message names it")
        tap.equal((scratch / "noise.db").read_text(), "this is no database " * 100, "and it is left alone")


# ---- Ctrl+C -------------------------------------------------------------------------------

def interrupt():
    with Stub(latency_ms=100) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(30)
        process = scratch.start(*host.preference_arguments(), "--concurrency", 8)
        host.until(lambda: len(server.log()) >= 40 or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        result = scratch.finish(process, timeout=30)
        tap.equal(result.status, 130, "Ctrl+C: status 130")
        tap.contains(result.err, "resume", "the message says that a rerun resumes")
        tap.equal(sorted(path.name for path in (scratch / "out").iterdir() if path.is_file()),
                  ["pairs.jsonl.partial", "responses.jsonl.partial", "run.json", "verdicts.jsonl.partial"], "its files stay .partial")
        made = len(server.log())
        tap.ok(40 <= made < 80, f"it stops soon after ({made} of 210 calls)")
        tap.equal(scratch.preference("--concurrency", 8).status, 0, "the rerun completes")
        calls = [(e["model"], e["messages"]) for e in server.log()]
        tap.equal((len(calls), len(set(calls))), (210, 210), "and no call was made twice")
        undisturbed = scratch.preference("--store", "other.db", out="undisturbed")
        tap.equal(undisturbed.status, 0, "an undisturbed run")
        host.same_tree(host.tree(scratch / "out", ["run.json"]), host.tree(scratch / "undisturbed", ["run.json"]),
                       "has the same bytes")
    with Stub(rules=[{"fault": "hang"}]) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(3)
        process = scratch.start(*host.preference_arguments())
        host.until(lambda: len(server.log()) >= 3 or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        host.until(lambda: process.poll() is not None, timeout=0.5)
        process.send_signal(signal.SIGINT)
        result = scratch.finish(process, timeout=10)
        tap.equal(result.status, 130, "Ctrl+C twice stops calls that hang: status 130")


host.need_program()
tap.cases(command_line, bad_rows, odd_bytes, missing_key, refused_connection, rejected_key, secrets, missing_model, own_lines, output_folder,
          full_disk, read_only_store, interrupt)
