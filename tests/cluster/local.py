#!/usr/bin/env python3
"""One run in shards, its tasks processes of this machine: the bytes of one run, whatever ends on the way."""

import json
import os
import re
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub
from submitted import SERVED, processes, repeated, results, serve, served_log, single, single_served

ROWS = 24
CONCURRENCY = 4
RACES = int(os.environ.get("FELLOWSHIP_RACES") or 60)   # 1,000 for the full test


def submission(*options, out="all", models=None, run=(), tasks=2, shards=6, lease=2):
    return ["submit", "--engine", "local", "--tasks", tasks, "--shards", shards, "--lease", lease, *options, "--",
            *host.preference_arguments(out, models=models), "--concurrency", CONCURRENCY, *run]


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
        result = scratch.run(*submission("--serve", serve(scratch / "log"), models=SERVED))
        tap.equal(result.status, 0, f"tasks with a server each end well {result.err if result.status else ''}")
        host.same_tree(results(scratch / "all"), want, "and the results are those of the undivided run")
        tap.equal(len(list(scratch.path.glob("log-*"))), 2, "two servers were started, and none for the end, which asks nothing")
        tap.equal(repeated(served_log(scratch / "log")), 0, "no call is made twice")
        tap.ok(host.until(lambda: not processes(scratch.path, "--keep")), "no server is left behind")
        result = scratch.run(*submission("--serve", "echo no such model >&2; exit 7", out="none", models=SERVED))
        tap.equal(result.status, 1, "a server that does not come up fails the tasks")
        log = (scratch / "none/submit/logs/task-1.log").read_text()
        tap.contains(log, ["ended before it answered", "no such model", "server-1.log"], "and they say why")


def killed():
    """SIGKILL of a task, of its run, and of its server."""
    with host.Scratch() as scratch:
        scratch.prompts(ROWS)
        want = single_served(scratch)
        for what, words in (("task", ("work", "1")), ("run", ("--shard",)), ("server", ("--keep",))):
            out = f"killed-{what}"
            folder = scratch / out / "submit"
            arguments = submission("--serve", serve(scratch / out, "--latency-ms", 40), out=out, models=SERVED)
            process = scratch.start(*arguments)
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
                result = scratch.run(*arguments)
            tap.equal(result.status, 0, f"{what}: killed {killed}, the whole ends well {result.err if result.status else ''}")
            host.same_tree(results(scratch / out), want, f"{what}: the results are those of the undivided run")
            twice = repeated(served_log(scratch / out))
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
def indexed():
    """The Job of the guide, as far as it can be tried: its command in several processes with Kubernetes' variable, one of
    them killed and begun again, as the Job's controller would."""
    page = (host.ROOT / "examples/guide/cluster.md").read_text()
    command = json.loads(re.search(r"command: (\[.*\])", page)[1])
    completions = int(re.search(r"completions: (\d+)", page)[1])
    with Stub(latency_ms=20) as server, host.Scratch(server.url) as scratch:
        scratch.prompts(ROWS)
        want, before = single(scratch), len(server.log())
        written = scratch.run("submit", "--write", "--tasks", completions, "--shards", 2 * completions, "--lease", 2, "--",
                              *host.preference_arguments("all"), "--concurrency", CONCURRENCY)
        tap.equal(written.status, 0, "a submission is written, and nothing is handed in")
        pods = [scratch.start(*command[1:], env={"JOB_COMPLETION_INDEX": str(i)}) for i in range(completions)]
        host.until(lambda: any((scratch / "all/submit/done").glob("*")), step=0.003)
        pods[2].kill()
        scratch.finish(pods[2])
        pods[2] = scratch.start(*command[1:], env={"JOB_COMPLETION_INDEX": "2"})
        tap.equal([scratch.finish(pod).status for pod in pods], [0] * completions, f"{completions} pods come to their ends")
        tap.equal(scratch.run("merge", "all").status, 0, "merge puts it together")
        twice = repeated(server.log()[before:])
        tap.ok(twice <= CONCURRENCY, f"at most the calls in flight were made twice ({twice})")
        host.same_tree(results(scratch / "all"), want, "the results are those of the undivided run")


def rates():
    """A model's requests a minute are those of all tasks together."""
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.prompts(ROWS)
        scratch.write("models.lua", 'return { slow = { model = "openai:slow", requests_per_minute = 1200 } }')
        result = scratch.run("submit", "--engine", "local", "--tasks", 3, "--shards", 6, "--lease", 2, "--", "run", "generate",
                             "--data", "rows.jsonl", "--model", "slow", "--out", "all", "--models", "models.lua")
        tap.equal(result.status, 0, f"tasks share a rate {result.err if result.status else ''}")
        times = sorted(entry["time"] for entry in server.log())
        tap.equal(len(times), ROWS, "every call is made")
        least = (len(times) - 1 - 3 * 2) / 20       # a task may send its first call, and one more, at once
        tap.ok(times[-1] - times[0] >= least, f"not faster than {least:.2f} s ({times[-1] - times[0]:.2f})")
        shares = [float(path.read_text()) for path in (scratch / "all/submit/tasks").glob("*.share")]
        tap.ok(len(shares) == 3 and all(0 < share <= 1 for share in shares), f"each task has its part ({shares})")


def over_all_rows():
    """A run whose calls hang on those of all rows: what shards could not know is asked for at the end."""
    with Stub() as server, host.Scratch(server.url) as scratch:
        scratch.prompts(10)
        run = ["run", "tournament", "--data", "rows.jsonl", "--judge", "openai:judge", "--generator", "openai:one", "--generator",
               "openai:two", "--generator", "openai:three", "--round", 6, "--out"]
        for time in ("first", "second"):
            result = scratch.run(*run, "single", "--store", "single.db")
            tap.equal(result.status, 0, f"the undivided run, the {time} time {result.err if result.status else ''}")
        result = scratch.run("submit", "--engine", "local", "--tasks", 2, "--shards", 4, "--lease", 2, "--", *run, "all")
        tap.equal(result.status, 0, f"in shards {result.err if result.status else ''}")
        host.same_tree(results(scratch / "all"), results(scratch / "single"), "the results are those of the undivided run")


RACER = """
local claims, job = require "fellowship.cluster.claims", require "fellowship.cluster.job"
local sys = require "fellowship.core.sys"
local claimed = claims.open(job.read(arg[1]))
claimed:look()
assert(sys.create(arg[1] .. "/submit/" .. arg[2], ""))
while not sys.kind(arg[1] .. "/submit/go") do end
local began = sys.time()
for shard = 1, claimed.job.shards do
  while sys.time() < began + 25 * shard do end -- all at the same millisecond, or nearly
  if claimed:take(shard, { task = arg[2] }) == 1 then print(shard) end
end
"""


def races():
    """Processes that take the same shards at the same moments: each shard has one taker."""
    with host.Scratch("http://127.0.0.1:9/v1") as scratch:
        scratch.prompts(3)
        scratch.run("submit", "--write", "--tasks", 4, "--shards", RACES, "--", *host.preference_arguments("all"))
        scratch.write("racer.lua", RACER)
        racers = [scratch.start("racer.lua", "all", f"r{i}") for i in range(3)]
        host.until(lambda: len(list((scratch / "all/submit").glob("r?"))) == 3)
        scratch.write("all/submit/go", "")
        won = [list(map(int, scratch.finish(racer).out.split())) for racer in racers]
        tap.equal(sorted(sum(won, [])), list(range(1, RACES + 1)), f"{RACES} races have one winner each: {[len(w) for w in won]}")
        names = sorted(path.name for path in (scratch / "all/submit/claims").iterdir())
        tap.equal(names, [f"{i:05d}.0001" for i in range(1, RACES + 1)], "and leave nothing else")


WAITING = (own_servers, killed, interrupted, scratch_disks, damaged_and_missing, failed_rows, budgets,
           indexed, rates, races,
           over_all_rows)


def at_once():
    """What waits more than it works."""
    tap.side_by_side(lambda case: case(), WAITING)


tap.cases(usage, same_bytes, *(WAITING if sys.argv[1:] else (at_once,)))
