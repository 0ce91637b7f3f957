#!/usr/bin/env python3
"""A run in shards under a real Slurm, which runs on this machine as several nodes: the bytes of the undivided run, through
scancel, requeue, SIGKILL, the time limit and the end of a node. `make check-cluster` runs it, and installs what it needs."""

import json
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lib"))
import host
import slurm_cluster
import tap
from submitted import SERVED, processes, repeated, results, serve, served_log, single, single_served

CONCURRENCY = 4


class Submitted:
    """A submission that Slurm works on."""

    def __init__(self, scratch, *options, run=(), out="all", models=SERVED, data="rows.jsonl", tasks=8, shards=16, lease=5):
        self.scratch, self.out = scratch, out
        self.arguments = ["submit", "--tasks", tasks, "--shards", shards, "--lease", lease, *options, "--",
                          *host.preference_arguments(out, data, models), "--concurrency", CONCURRENCY, *run]
        self.submit()

    def submit(self):
        result = self.scratch.run(*self.arguments)
        found = re.search(r"as job (\d+), and the end as job (\d+)", result.out)
        tap.ok(result.status == 0 and found, f"{self.out}: it is submitted", result)
        self.job, self.end = found.groups()
        self.folder = self.scratch / self.out / "submit"

    def done(self):
        return len(list((self.folder / "done").glob("*")))

    def wait(self):
        """The states of the tasks and of the end."""
        states = sorted(set(CLUSTER.wait(self.job).values()))
        return states, list(CLUSTER.wait(self.end).values())[0]

    def logs(self):
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-1500:]}" for path in sorted((self.folder / "logs").glob("*"))
                         if path.stat().st_size)

    def ends_well(self, want, states=("COMPLETED",), twice=0):
        got, end = self.wait()
        tap.equal((got, end), (list(states), "COMPLETED"), f"{self.out}: the tasks and the end come to their ends")
        if not host.same_tree(results(self.scratch / self.out), want, f"{self.out}: the bytes are those of the undivided run"):
            tap.diag(self.logs()[-4000:])
        count = repeated(served_log(self.scratch / f"log-{self.out}"))
        tap.ok(count <= twice, f"{self.out}: {count} calls were made twice, of {twice} that were in flight")


def scene(rows=48):
    scratch = host.Scratch(**CLUSTER.environment)
    scratch.prompts(rows)
    return scratch


def served(scratch, out, *options, latency=30):
    return ["--serve", serve(scratch / f"log-{out}", "--latency-ms", latency), *options]


def array_of_8():
    with scene(200) as scratch:
        want = single_served(scratch)
        submitted = Submitted(scratch, *served(scratch, "all", latency=5), shards=8)
        submitted.ends_well(want)
        tap.equal(len(list(scratch.path.glob("log-all-*"))), 8, "each task started a server of its own")
        text = (submitted.folder / "job.sh").read_text()
        tap.contains(text, ["#SBATCH --array=1-8", "#SBATCH --signal=B:USR1@120", "run preference"], "the script is there to read")
        status = json.loads(scratch.run("status", "all", "--json").out)
        tap.equal((status["done"], len(status["tasks"]), status["rows"]), (8, 8, 200), "status tells of 8 tasks and 200 rows")


def recorded():
    data = host.SHARED / "data/feedback/rows.jsonl"
    if not data.exists():
        raise tap.Skip("the paper's recordings are not here")
    with host.replay_server() as server, host.Scratch(server.url, **CLUSTER.environment) as scratch:
        models = ("openai:gemma-2-9b-it", "openai:gemma-2-9b-it", "openai:gpt-4o")
        result = scratch.run(*host.preference_arguments("single", data, models), "--store", "single.db", "--limit", 200)
        submitted = Submitted(scratch, run=("--limit", 200), models=models, data=data, shards=8)
        got, end = submitted.wait()
        tap.equal(got, ["COMPLETED"], "recorded: the tasks come to their ends")
        tap.equal(end == "COMPLETED", result.status == 0, f"recorded: the end is that of the undivided run, {result.status}")
        host.same_tree(results(scratch / "all"), results(scratch / "single"), "recorded: and so are the bytes")


def under_way(submitted, least=2):
    tap.ok(host.until(lambda: submitted.done() >= least, timeout=120), f"{submitted.out}: {least} shards are done")


def cancelled_and_requeued():
    with scene() as scratch:
        want = single_served(scratch)
        submitted = Submitted(scratch, *served(scratch, "all"))
        under_way(submitted)
        CLUSTER.run("scancel", f"{submitted.job}_3", check=False)
        CLUSTER.run("scontrol", "requeue", f"{submitted.job}_5", check=False)
        got, end = submitted.wait()
        tap.ok(set(got) <= {"COMPLETED", "CANCELLED"}, f"a task is cancelled, another one put back: {got}")
        if end != "COMPLETED":      # the task that was cancelled may have been the last one
            tap.contains((submitted.folder / "logs/merge.log").read_text(), "not done", "merge names what is missing")
            submitted.submit()
            got, end = submitted.wait()
        submitted.ends_well(want, states=got, twice=2 * CONCURRENCY)


def killed():
    with scene() as scratch:
        want = single_served(scratch)
        for what, words in (("task", ("work", "--task", "2")), ("server", ("--keep",)), ("run", ("--shard",))):
            out = f"killed-{what}"
            submitted = Submitted(scratch, *served(scratch, out), out=out, tasks=4)
            under_way(submitted)
            found = processes(scratch / f"log-{out}" if what == "server" else submitted.folder, *words)
            for one in found[:1]:
                os.kill(one, signal.SIGKILL)
            tap.ok(found, f"{out}: a process is killed")
            submitted.ends_well(want, twice=CONCURRENCY)


def time_limit():
    """A minute is the least that Slurm knows; the signal comes some time before it."""
    with scene(32) as scratch:
        want = single_served(scratch)
        submitted = Submitted(scratch, *served(scratch, "all", "--sbatch", "--time=1", "--grace", 50, latency=3000), tasks=2, shards=2)
        submitted.ends_well(want)
        restarts = "".join(path.read_text() for path in (submitted.folder / "logs").glob("task-*.log"))
        tap.contains(restarts, "status 130 (limit)", "tasks were told before their time was up, drained, and asked for again")


def node_gone():
    with scene() as scratch:
        want = single_served(scratch)
        submitted = Submitted(scratch, *served(scratch, "all"))
        under_way(submitted)
        CLUSTER.run("scontrol", "update", "nodename=n4", "state=down", "reason=test")
        got, end = submitted.wait()
        tap.equal(end, "COMPLETED", f"a node that is set down costs nothing but its time: {got}")
        CLUSTER.run("scontrol", "update", "nodename=n4", "state=resume", check=False) # it may have come back by itself
        submitted.ends_well(want, states=got, twice=2 * CONCURRENCY)


def full_folder():
    with scene() as scratch, host.small_disk(scratch / "small", "700k") as disk:
        want = single_served(scratch)
        submitted = Submitted(scratch, *served(scratch, "full", latency=5), out="small/all", tasks=2, shards=4)
        got, end = submitted.wait()
        tap.ok(got != ["COMPLETED"] or end != "COMPLETED", f"a folder without room fails the tasks: {got}, {end}")
        os.system(f"mount -o remount,size=200m {disk}")
        submitted.submit()
        got, end = submitted.wait()
        tap.equal((got, end), (["COMPLETED"], "COMPLETED"), "with room the same command goes on")
        host.same_tree(results(scratch / "small/all"), want, "and the bytes are those of the undivided run")
        twice = repeated(served_log(scratch / "log-full"))
        tap.ok(twice <= 2 * 3 * CONCURRENCY, f"{twice} calls were made twice: of each try those that were in flight")


host.need_program()
slurm_cluster.need()
with slurm_cluster.Cluster(nodes=4, cpus=2) as CLUSTER:
    tap.cases(array_of_8, recorded, cancelled_and_requeued, killed, node_gone, full_folder, time_limit)
