#!/usr/bin/env python3
"""One run in shards, its tasks processes of this machine: the bytes of one run, whatever ends on the way."""

import collections
import json
import os
import pathlib
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import stub_server
import tap
from stub_server import Stub

ROWS = 24
CONCURRENCY = 4
VARIABLE = ("run.json", "errors.jsonl")
SERVED = ("vllm:writer", "vllm:reviewer", "vllm:judge")


def results(folder):
    """The files of a run's folder, without those that tell of the run and of the submission."""
    return {name: content for name, content in host.tree(folder, VARIABLE).items() if not name.startswith("submit/")}


def repeated(log):
    """Calls that were answered more than once."""
    calls = collections.Counter((entry["model"], entry["messages"]) for entry in log if entry["status"] == 200)
    return sum(calls.values()) - len(calls)


def submission(*options, out="all", models=None, run=(), tasks=2, shards=6, lease=2):
    return ["submit", "--engine", "local", "--tasks", tasks, "--shards", shards, "--lease", lease, *options, "--",
            *host.preference_arguments(out, models=models), "--concurrency", CONCURRENCY, *run]


def processes(folder, *words):
    """The processes of this program that work on a submission, with these words among their arguments."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        if any(str(folder) in argument for argument in arguments) and all(word in arguments for word in words):
            found.append(int(path.parent.name))
    return found


def single_served(scratch):
    """The undivided run with a server that counts as one at its usual address, which a test cannot have."""
    with Stub() as server:
        own = {"VLLM_BASE_URL": server.url, "FELLOWSHIP_SERVED": server.url.removesuffix("/v1")}
        return single(scratch, SERVED, env=own)


def single(scratch, models=None, env=None):
    result = scratch.run(*host.preference_arguments("single", models=models), "--store", "single.db", env=env)
    tap.equal(result.status, 0, f"the undivided run ends well{'' if result.status == 0 else ': ' + result.err}")
    return results(scratch / "single")


def same_bytes():
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.prompts(ROWS)
        want, before = single(scratch), len(server.log())
        result = scratch.run(*submission())
        tap.equal(result.status, 0, f"submit --engine local ends well {result.err if result.status else ''}")
        host.same_tree(results(scratch / "all"), want, "its results are those of the undivided run, byte for byte")
        tap.equal(repeated(server.log()[before:]), 0, "no call is made twice")
        tap.equal(len(server.log()) - before, before, "and as many as in one run")
        tap.equal(result.summary["calls"], 0, "the results are made from the merged store")
        status = json.loads(scratch.run("status", "all", "--json").out)
        tap.equal([status[key] for key in ("shards", "done", "missing", "rows", "failed_rows", "calls")],
                  [6, 6, [], ROWS, 0, before], "status --json tells what was done")
        tap.contains(scratch.run("status", "all").out, ["6 of 6 shards done", f"{ROWS} rows, 0 failed", "ended"],
                     "and status says it")
        again = scratch.run(*submission())
        tap.equal((again.status, len(server.log()) - before), (0, before), "submitted again, nothing is asked again")
        host.same_tree(results(scratch / "all"), want, "and the results stay")
        script = (scratch / "all/submit/job.sh")
        script.write_text(script.read_text() + "# mine\n")
        scratch.run(*submission())
        tap.ok("# mine" in script.read_text(), "a script that was edited is kept")


def own_servers():
    """Each task has its own server; all have other ports, and the keys are those of the usual address."""
    with host.Scratch() as scratch:
        scratch.prompts(ROWS)
        want = single_served(scratch)
        serve = f"{sys.executable} {os.path.abspath(stub_server.__file__)} --keep --port $PORT --log {scratch.path}/log-$PORT"
        result = scratch.run(*submission("--serve", serve, models=SERVED))
        tap.equal(result.status, 0, f"tasks with a server each end well {result.err if result.status else ''}")
        host.same_tree(results(scratch / "all"), want, "and the results are those of the undivided run")
        logs = list(scratch.path.glob("log-*"))
        tap.equal(len(logs), 2, "two servers were started, and none for the end, which asks nothing")
        entries = [json.loads(line) for log in logs for line in open(log, encoding="utf-8")]
        tap.equal(repeated([entry for entry in entries if entry.get("model")]), 0, "no call is made twice")
        tap.ok(host.until(lambda: not processes(scratch.path, "--keep")), "no server is left behind")
        result = scratch.run(*submission("--serve", "echo no such model >&2; exit 7", out="none", models=SERVED))
        tap.equal(result.status, 1, "a server that does not come up fails the tasks")
        log = (scratch / "none/submit/logs/task-1.log").read_text()
        tap.contains(log, ["ended before it answered", "no such model", "server-1.log"], "and they say why")


def killed():
    """SIGKILL of a task, of its run, and of its server."""
    serve = f"{sys.executable} {os.path.abspath(stub_server.__file__)} --keep --latency-ms 40 --port $PORT --log LOG-$PORT"
    with host.Scratch() as scratch:
        scratch.prompts(ROWS)
        want = single_served(scratch)
        for what, words in (("task", ("work", "1")), ("run", ("--shard",)), ("server", ("--keep",))):
            out = f"killed-{what}"
            folder = scratch / out / "submit"
            process = scratch.start(*submission("--serve", serve.replace("LOG", f"{scratch.path}/{out}"), out=out, models=SERVED))
            found = []

            def under_way():
                found[:] = processes(scratch.path if what == "server" else folder, *words)
                return found and any((folder / "done").glob("*"))
            tap.ok(host.until(under_way, step=0.003), f"{what}: some shards are done, and one is under way")
            killed = 0
            for one in found[:1]:
                try:
                    os.kill(one, signal.SIGKILL)
                    killed += 1
                except ProcessLookupError:
                    pass
            result = scratch.finish(process)
            if result.status == 1:      # a task whose server dies ends; the same command goes on
                result = scratch.run(*submission("--serve", serve.replace("LOG", f"{scratch.path}/{out}"), out=out, models=SERVED))
            tap.equal(result.status, 0, f"{what}: killed {killed}, the whole ends well {result.err if result.status else ''}")
            host.same_tree(results(scratch / out), want, f"{what}: the results are those of the undivided run")
            entries = [json.loads(line) for log in scratch.path.glob(f"{out}-*") for line in open(log, encoding="utf-8")]
            twice = repeated([entry for entry in entries if entry.get("model")])
            tap.ok(twice <= CONCURRENCY, f"{what}: at most the calls in flight are made twice ({twice})")


def interrupted():
    with Stub(latency_ms=30) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(ROWS)
        want, before = single(scratch), len(server.log())
        process = scratch.start(*submission())
        tap.ok(host.until(lambda: any((scratch / "all/submit/done").glob("*")), step=0.003), "some shards are done")
        process.send_signal(signal.SIGINT)
        result = scratch.finish(process)
        tap.equal(result.status, 130, "Ctrl+C ends it")
        claims = [path.name for path in (scratch / "all/submit/claims").glob("*.drained")]
        tap.ok(claims, "what was under way is given back", result.err)
        refused = scratch.run("merge", "all")
        tap.equal(refused.status, 1, "merge refuses while shards are missing")
        tap.contains(refused.err, ["not done", "fellowship work", "all/submit"], "and names the command that runs them")
        tap.equal(repeated(server.log()[before:]), 0, "calls under way were finished and stored")
        result = scratch.run(*submission())
        tap.equal(result.status, 0, "the same command goes on")
        tap.equal(repeated(server.log()[before:]), 0, "and asks nothing twice")
        host.same_tree(results(scratch / "all"), want, "the results are those of the undivided run")


def scratch_disks():
    """Stores on a node's own disk: what is kept in the shared folder is enough, also for another node."""
    with Stub(latency_ms=30) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(ROWS)
        want, before = single(scratch), len(server.log())
        process = scratch.start(*submission("--scratch", scratch / "node-1"))
        host.until(lambda: any((scratch / "all/submit/done").glob("*")), step=0.003)
        process.send_signal(signal.SIGINT)
        tap.equal(scratch.finish(process).status, 130, "Ctrl+C ends it")
        job = json.loads((scratch / "all/submit/job.json").read_text())
        tap.equal(job["scratch"], str(scratch / "node-1"), "job.json says where the stores lie")
        shutil.rmtree(scratch / "node-1")
        result = scratch.run(*submission("--scratch", scratch / "node-2"))
        tap.equal(result.status, 0, f"it goes on from another disk {result.err if result.status else ''}")
        tap.equal(repeated(server.log()[before:]), 0, "and asks nothing twice")
        host.same_tree(results(scratch / "all"), want, "the results are those of the undivided run")
        tap.equal(list((scratch / "node-2").glob("*.db")), [], "the disk is free again")


def damaged_and_missing():
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.prompts(ROWS)
        want = single(scratch)
        tap.equal(scratch.run(*submission()).status, 0, "a run in shards")
        stores = sorted((scratch / "all/submit/stores").glob("*.db"))
        tap.equal(len(stores), 6, "each shard has its store")
        content = bytearray(stores[2].read_bytes())
        for at in range(4096, len(content)):
            content[at] ^= 0x5a
        stores[2].write_bytes(content)
        stores[4].write_bytes(b"no store at all")
        (scratch / "all/submit/store.db").unlink()
        for name in results(scratch / "all"):
            (scratch / "all" / name).unlink()
        before = len(server.log())
        result = scratch.run("merge", "all")
        tap.equal(result.status, 0, f"stores that are damaged do not stop merge {result.err if result.status else ''}")
        tap.contains(result.err, ["00003.db", "00005.db"], "which says which they are")
        host.same_tree(results(scratch / "all"), want, "what they held is asked anew, and the results are the same")
        asked = len(server.log()) - before
        tap.ok(0 < asked <= before // 3 + 1, f"and nothing else is ({asked} calls)")
        (scratch / "all/submit/done/00002").unlink()
        refused = scratch.run("merge", "all")
        tap.equal(refused.status, 1, "a shard that is not done")
        tap.contains(refused.err, ["1 shard is of 6 not done: 2"], "is named")
        worked = scratch.run("work", "all")
        tap.equal((worked.status, len(server.log()) - before), (0, asked), f"work does it, from its store {worked.err}")
        tap.equal(scratch.run("merge", "all").status, 0, "and then merge has all")


def failed_rows():
    rule = {"contains": "<row-5>", "status": 400, "times": 2, "body": {"error": {"message": "no", "type": "invalid_request_error"}}}
    with Stub(rules=[rule]) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(ROWS)
        result = scratch.run(*submission(shards=4))
        tap.equal(result.status, 3, f"a row that fails in its shard, and again at the end, is told {result.err}")
        tap.equal(scratch.run("merge", "all").status, 0, "merge tries it again")
        host.same_tree(results(scratch / "all"), single(scratch), "and the results are whole")


def budgets():
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.prompts(ROWS)
        result = scratch.run(*submission(tasks=3, run=("--max-calls", 50)))
        tap.equal(result.status, 4, f"a budget of all tasks stops them {result.err}")
        tap.ok(len(server.log()) <= 50, f"and is not exceeded in sum ({len(server.log())} of 50 calls)")
        tap.ok(len(server.log()) >= 45, "but used")
        result = scratch.run(*submission(tasks=3, run=("--max-calls", 5000)))
        tap.equal(result.status, 0, f"with a higher one the same command goes on {result.err if result.status else ''}")
        tap.equal(repeated(server.log()), 0, "and asks nothing twice")
        host.same_tree(results(scratch / "all"), single(scratch), "the results are those of the undivided run")


def usage():
    with host.Scratch("http://127.0.0.1:9/v1") as scratch:
        scratch.prompts(3)
        run = host.preference_arguments("all")
        for arguments, parts in (
                (["submit", "--tasks", 2], "stands behind --"),
                (["submit", "--", *run], "--tasks N or --shards N"),
                (["submit", "--tasks", 2, "--", *run, "--shard", "1/2"], "--shard cannot be submitted"),
                (["submit", "--tasks", 2, "--", *run, "--batch"], "--batch cannot be submitted"),
                (["submit", "--tasks", 2, "--", *run[:-2]], "--out DIR is missing"),
                (["submit", "--tasks", 2, "--", "run", "preference", "--data", "-", "--out", "all"], "standard input"),
                (["submit", "--engine", "local", "--tasks", 2, "--", *run, "--no-such"], ["the run cannot be", "--no-such"]),
                (["submit", "--engine", "local", "--tasks", 2, "--", *run, "--max-cost", "much"], "--max-cost must be a number"),
                (["status", "all"], "holds no submission"), (["merge", "nowhere"], "holds no submission"),
                (["work", "all", "--task", "../x"], ["--task must be", "../x"]),
                (["status"], "DIR is missing")):
            result = scratch.run(*arguments)
            tap.equal(result.status, 2, f"{' '.join(map(str, arguments))[:60]}: wrong usage")
            tap.contains(result.err, parts, "and says so")
        tap.ok(not (scratch / "all").exists(), "nothing was written")
        for verb in ("submit", "status", "merge", "work"):
            result = scratch.run(verb, "--help")
            tap.equal((result.status, verb in result.out), (0, True), f"{verb} --help")
        scratch.run("submit", "--tasks", 2, "--write", "--", *run)
        result = scratch.run("submit", "--tasks", 2, "--write", "--", *run, "--limit", 2)
        tap.contains(result.err, "holds the submission of another run", "another run is refused")
        result = scratch.run("submit", "--shards", 3, "--write", "--", *run)
        tap.contains(result.err, "was cut into 16 shards", "and so are other shards")


host.need_program()
WAITING = (own_servers, killed, interrupted, scratch_disks, damaged_and_missing, failed_rows, budgets)


def at_once():
    """What waits more than it works."""
    tap.side_by_side(lambda case: case(), WAITING)


tap.cases(usage, same_bytes, *(WAITING if sys.argv[1:] else (at_once,)))
