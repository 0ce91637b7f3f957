#!/usr/bin/env python3
"""--batch: what is refused, and what each refusal says; --batch-cancel; store batches; progress."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from batch_scene import BOTH, Scene
from batch_server import Drop, anthropic_error, openai_error
from provider_server import Answer, Provider
from terminal import Terminal


def usage():
    with Scene() as scene:
        for flags, words in ((("--batch-after", "5"), ["--batch-after", "give --batch too"]),
                             (("--batch-failed", "live"), ["--batch-failed", "give --batch too"]),
                             (("--batch", "--batch-failed", "lives"), ["must be one of batch, live", 'did you mean "live"']),
                             (("--batch", "--batch-after", "soon"), ["--batch-after must be a number"]),
                             (("--batch", "--batch-after", "-1"), ["0 or more"]),
                             (("--batch-cancel", "--offline"), ["--batch-cancel", "--offline"])):
            result = scene.ask("openai:m", *flags)
            tap.equal(result.status, 2, f"{' '.join(flags)}: wrong usage")
            tap.contains(result.err, words, "which says why")
        result = scene.scratch.run("repl", "--batch")
        tap.equal(result.status, 2, "the REPL takes no --batch")
        tap.contains(result.err, "asks live", "and says why")
        tap.equal(scene.server.requests, [], "nothing was asked")
        helped = scene.scratch.run("--help", "all").out
        tap.contains(helped, ["--batch ", "--batch-after SECONDS", "--batch-failed", "--batch-cancel", "with --batch 10000"], "--help names the options")
        tap.contains(scene.scratch.run("store", "--help").out, ["batches", "--forget BATCH"], "store --help the verb")


def listing():
    with Scene() as scene:
        result = scene.listed()
        tap.equal((result.status, "there is no store at store.db" in result.err), (1, True), "store batches without a store")
        result = scene.listed("--forget", "abc")
        tap.equal((result.status, "there is no store at store.db" in result.err, (scene.scratch / "store.db").exists()),
                  (1, True, False), "--forget without one makes none")
        scene.ask()
        tap.contains(scene.listed().out, "the store knows no batches", "with none")
        result = scene.listed("--forget", "abc")
        tap.equal((result.status, "has no batch abc" in result.err), (1, True), "--forget of one that is not there")


def keys():
    with Scene() as scene:
        for model, variable in (("openai:m", "OPENAI_API_KEY"), ("anthropic:m", "ANTHROPIC_API_KEY")):
            result = scene.batch(model, env={variable: None})
            tap.equal(result.status, 1, f"{variable} is not set: status 1")
            tap.contains(result.err, [variable, "needs a key"], "which names it")
            result = scene.batch(model, env={variable: "wrong"})
            tap.equal((result.status, scene.server.order), (1, []), "a wrong one: status 1, no batch")
            tap.contains(result.err, ["401", "Incorrect API key", variable, "the batch was not taken"], "with the provider's words")
        tap.contains(scene.listed().out, "knows no batches", "nothing stays claimed")


def refused():
    """What makes a batch is refused for good: nothing was made, and nothing stays claimed."""
    bad, quota = openai_error("Model m is not supported by the Batch API"), openai_error("You exceeded your current quota", code="insufficient_quota")
    for model, event, answer, status in (("openai:m", "create", (400, bad), 3), ("anthropic:m", "create", (400, anthropic_error("invalid_request_error", "Model m is not supported by the Batch API")), 3),
                                         ("openai:m", "upload", (400, bad), 3), ("openai:m", "upload", (413, openai_error("Model m is not supported: too large")), 3),
                                         ("openai:m", "create", (429, quota), 1), ("anthropic:m", "create", (402, anthropic_error("billing_error", "Model m is not supported: your quota is used up")), 1),
                                         ("openai:m", "create", (302, {}), 3)):
        with Scene(rows=3) as scene:
            scene.server.on = lambda what, _: answer if what == event else None
            result = scene.batch(model)
            tap.equal((result.status, scene.server.order), (status, []), f"{model}: {event} is answered {answer[0]}: status {status}")
            tap.contains(result.err, ["the batch was not taken", str(answer[0])], "which is told")
            tap.contains(scene.listed().out, "knows no batches", "nothing stays claimed")
            if status == 3 and answer[0] == 400:
                result = scene.batch(model, "--batch-failed", "live")
                tap.equal((result.status, scene.server.plain), (0, 3), "--batch-failed live: the calls go live")
            scene.server.on = None
            tap.equal(scene.batch(model).status, 0, "the same command afterwards")


def no_api():
    """A server that speaks the provider's API, but for batches."""
    for model, event, answer in (("openai:m", "upload", (404, openai_error("Not Found"))), ("anthropic:m", "create", (405, anthropic_error("not_found_error", "Method Not Allowed"))),
                                 ("groq:m", "upload", (501, "not implemented"))):
        with Scene(rows=30) as scene:
            scene.server.on = lambda what, _: answer if what == event else None
            result = scene.batch(model, "--window", "10")
            tap.equal((result.status, scene.server.order, scene.server.plain), (0, [], 30), f"{model}: {event} is answered {answer[0]}: its calls go live")
            tap.equal(result.err.count("has no batch API"), 1, "which is said once")
            tap.equal(len([path for method, path in scene.server.requests if method == "POST" and ("files" in path or "batches" in path)]), 1, "and asked once")


def busy():
    """Refusals that pass are waited for."""
    for model, event in (("openai:m", "upload"), ("openai:m", "create"), ("anthropic:m", "create")):
        with Scene(rows=3) as scene:
            seen = []

            def on(what, _):
                if what == event:
                    seen.append(1)
                return (429, openai_error("Too many requests")) if what == event and len(seen) < 3 else None
            scene.server.on = on
            result = scene.batch(model)
            tap.equal((result.status, scene.sizes()), (0, [3]), f"{model}: {event} is refused twice, then goes")
            tap.contains(result.err, "trying again", "which is told")
    with Scene(rows=3) as scene:
        scene.server.on = lambda what, _: (429, openai_error("Too many requests")) if what == "upload" else None
        scene.scratch.write("m.lua", 'return { ["openai:m"] = { attempts = 2 } }')
        result = scene.batch("openai:m", "--models", "m.lua")
        tap.equal((result.status, scene.sizes()), (3, []), "refused without end: the rows fail")
        tap.equal(host.jsonl(scene.scratch / "ask.errors.jsonl")[0]["kind"], "rate_limit", "with the refusal's kind")


def lost_batches():
    """The provider does not know a batch any more: its calls are not made anew unless one says so."""
    for model in BOTH:
        with Scene(rows=3, hold=threading.Event()) as scene:
            process = scene.start(model)
            scene.until_running()
            process.kill()
            scene.scratch.finish(process)
            scene.server.batches.clear()
            result = scene.batch(model)
            uid = scene.listed().out.splitlines()[1].split()[0]
            tap.equal((result.status, len(scene.server.order)), (3, 1), f"{model}: the rows fail, and nothing is submitted again")
            tap.contains(result.err, ["404", f"store batches --forget {uid}"], "which says what can be done")
            scene.server.hold.set()
            tap.equal(scene.listed("--forget", uid).summary, {"forgotten": uid, "freed": 3}, "--forget frees the calls")
            scene.server.order.clear()
            tap.equal((scene.batch(model).status, scene.sizes()), (0, [3]), "which are made anew")


def fatal_looks():
    with Scene(rows=3) as scene:
        scene.server.on = lambda what, _: (401, openai_error("Incorrect API key provided", code="invalid_api_key")) if what == "poll" else None
        result = scene.batch()
        tap.equal((result.status, scene.sizes()), (1, [3]), "a look is answered 401: the run ends")
        tap.contains(result.err, ["401", "OPENAI_API_KEY"], "and says why")
        scene.server.on = None
        tap.equal((scene.batch().status, scene.sizes()), (0, [3]), "the batch is collected by the next run")


def results_elsewhere():
    """The key is sent to no other place."""
    with Provider(lambda _: Answer("x")) as other, Scene(rows=3) as scene:
        for place in (f"{other.url}/results", f"@127.0.0.1:{other.port}/results", ".example/results", f"{scene.server.url}@127.0.0.1:{other.port}/results"):
            scene.server.results_at = place
            result = scene.batch("anthropic:m")
            tap.equal((result.status, other.requests), (3, []), f"results at {place.replace(str(other.port), 'PORT')} are not fetched")
            tap.contains(result.err, ["lie at another place", place, "the key is not sent"], "and the message says so")
        scene.server.results_at = None
        tap.equal((scene.batch("anthropic:m").status, scene.sizes()), (0, [3]), "the batch is still there to be collected")


def endless_lines():
    """Results without a line's end do not fill the memory."""
    with Scene(rows=3, extra=["x" * 8000000]) as scene:
        scene.begin_with('require("fellowship.call.settings").max_answer = 100000')
        result = scene.batch("openai:m")
        tap.equal((result.status, scene.sizes()), (0, [3]), "what stands before a line that is too long is taken")
        tap.contains(result.err, ["a line of the results is larger than 100000 bytes", "--forget"], "and the line told of")
        tap.contains(scene.listed().out, "batch_1", "the batch is not done")


def strange_states():
    with Scene(rows=3) as scene:
        seen = []

        def on(what, identity):
            if what != "poll" or len(seen) > 2:
                return None
            seen.append(1)
            return 200, {**scene.server.batches[identity].openai_object(), "status": "pondering"}
        scene.server.on = on
        result = scene.batch()
        tap.equal((result.status, scene.sizes()), (0, [3]), "a status that is not known is waited out")
        tap.equal(result.err.count("has the status pondering"), 1, "and told once")
    with Scene(rows=3) as scene:
        def archived(what, identity):
            if what == "poll":
                return 200, {**scene.server.batches[identity].anthropic_object(), "processing_status": "ended", "results_url": None, "archived_at": "2026-01-01T00:00:00Z"}
            return None
        scene.server.on = archived
        result = scene.batch("anthropic:m")
        tap.equal(result.status, 3, "results that were archived fail the rows")
        tap.contains(result.err, ["archived", "--forget"], "which says so")
    with Scene(rows=3) as scene:
        def on_list(what, _):
            if what == "created":
                raise Drop
            return (404, openai_error("no such path")) if what == "list" else None
        scene.server.on = on_list
        result = scene.batch()
        tap.equal((result.status, scene.sizes()), (3, [3]), "a batch that cannot be looked for is not made again")
        tap.contains(result.err, ["404", "--forget"], "and the rows say what can be done")
        scene.server.on = None
        tap.equal((scene.batch().status, scene.sizes()), (0, [3]), "the next run finds it")


def other_places():
    """A batch of a model that this run would ask elsewhere is left alone."""
    with Scene(rows=3, hold=threading.Event()) as scene, Scene(rows=3) as other:
        process = scene.start("openai:m")
        scene.until_running()
        process.kill()
        scene.scratch.finish(process)
        result = scene.batch(env={"OPENAI_BASE_URL": f"{other.server.url}/openai/v1"})
        tap.equal((result.status, len(other.server.order)), (0, 1), "another base URL is another endpoint: its calls are others")
        tap.contains(result.err, ["cannot be followed", "is served at", scene.server.url], "and the batch of the first one is told of")
    with Scene(rows=3, hold=threading.Event()) as scene:
        process = scene.start("openai:m")
        scene.until_running()
        process.kill()
        scene.scratch.finish(process)
        with sqlite3.connect(scene.scratch / "store.db") as db:
            db.execute("UPDATE batch SET state = '[1]'")
        db.close()
        result = scene.batch()
        tap.equal((result.status, scene.sizes()), (3, [3]), "calls of a batch whose row is unreadable are not made again")
        uid = scene.listed().out.splitlines()[1].split()[0]
        tap.contains(result.err, ["unreadable", f"--forget {uid}"], "and the rows say what can be done")
    with Scene(rows=3) as scene:
        scene.ask()
        with sqlite3.connect(scene.scratch / "store.db") as db:
            db.execute("CREATE TABLE batch(uid TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT")
            db.execute("CREATE TABLE pending(key BLOB PRIMARY KEY, batch TEXT NOT NULL, record BLOB NOT NULL) STRICT")
            db.execute("INSERT INTO batch VALUES('future', '{\"phase\":1}')")
        db.close()
        tap.contains(scene.listed().out, ["future", "unreadable"], "a row that is not understood is listed as such")
        tap.equal(scene.listed("--forget", "future").status, 0, "and can be forgotten")


def lock():
    with Scene(rows=3) as scene:
        scene.ask()
        held = subprocess.Popen(["flock", scene.scratch / "store.db-batch", "-c", "echo held; read end"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        held.stdout.readline()
        scene.scratch.prompts(6)
        process = scene.start("openai:m")
        host.until(lambda: os.fstat(process.files[1].fileno()).st_size > 0)
        held.communicate(b"\n")
        result = scene.scratch.finish(process)
        tap.equal((result.status, scene.sizes()), (0, [3]), "another process makes batches of the store: it is waited for")
        tap.contains(result.err, ["another process makes batches of this store", "store.db-batch"], "which is told")
        (scene.scratch / "store.db-batch").unlink()
        (scene.scratch / "store.db-batch").mkdir()
        scene.scratch.prompts(9)
        result = scene.batch()
        tap.equal((result.status, scene.sizes()), (1, [3]), "a lock that cannot be had ends the run")
        tap.contains(result.err, "cannot lock store.db-batch", "which names it")


# ---- cancelling ---------------------------------------------------------------------------------

def cancel():
    for model in BOTH:
        partly = {f"<row-{i}>" for i in range(4)}
        with Scene(hold=threading.Event(), fate=lambda _, body, __: None if any(row in json.dumps(body) for row in partly) else "canceled") as scene:
            process = scene.start(model)
            scene.until_running()
            process.send_signal(signal.SIGINT)
            scene.scratch.finish(process)
            result = scene.ask(model, "--batch-cancel")
            tap.equal((result.status, result.summary), (0, {"cancelled": 1, "answered": 4, "freed": 6, "failed": 0}), f"{model}: --batch-cancel keeps what was answered")
            tap.contains(result.err, ["cancelled; waiting", "4 of 10 calls answered"], "and tells it")
            tap.equal((result.out.count("\n"), scene.server.plain), (1, 0), "the script does not run")
            tap.contains(scene.listed().out, "no batch is under way", "nothing is under way then")
            scene.server.fate = None
            scene.server.hold.set()
            tap.equal((scene.batch(model).status, scene.sizes()), (0, [10, 6]), "a rerun makes the others")
            result = scene.ask(model, "--batch-cancel")
            tap.equal((result.status, result.summary["cancelled"]), (0, 0), "nothing to cancel")
            tap.contains(result.err, "no batch is under way", "which is told")
    with Scene() as scene:
        result = scene.ask("openai:m", "--batch-cancel")
        tap.equal((result.status, "there is no store" in result.err), (1, True), "without a store there is nothing to cancel")


def cancel_others():
    """One that was lost on its way, one that has ended, one that the provider does not know; of a command too."""
    with Scene(rows=3, hold=threading.Event()) as scene:
        def on(what, _):
            if what == "created":
                process.kill()
                raise Drop
            return None
        scene.server.on = on
        process = scene.start("openai:m")
        scene.scratch.finish(process)
        scene.server.on = None
        result = scene.ask("openai:m", "--batch-cancel")
        tap.equal(result.summary, {"cancelled": 1, "answered": 3, "freed": 0, "failed": 0}, "a batch whose making was not answered is found and cancelled")
    with Scene(rows=3, hold=threading.Event()) as scene:
        process = scene.start("openai:m")
        scene.until_running()
        process.kill()
        scene.scratch.finish(process)
        scene.server.hold.set()
        scene.server.batches[scene.server.order[0]].look()
        result = scene.scratch.run("run", "judge", "--data", "rows.jsonl", "--model", "openai:m", "--out", "out", "--store", "store.db", "--batch-cancel")
        tap.equal((result.status, result.summary["answered"], (scene.scratch / "out").exists()), (0, 3, False), "one that has ended is collected; of a command, which makes no folder")
    with Scene(rows=3, hold=threading.Event()) as scene:
        process = scene.start("openai:m")
        scene.until_running()
        process.kill()
        scene.scratch.finish(process)
        scene.server.batches.clear()
        result = scene.ask("openai:m", "--batch-cancel")
        tap.equal((result.status, result.summary["failed"]), (1, 1), "one that the provider does not know: status 1")
        tap.contains(result.err, ["could not be cancelled", "404"], "which says why")


# ---- showing ------------------------------------------------------------------------------------

def progress():
    with Scene(rows=6, hold=threading.Event()) as scene:
        with Terminal(scene.scratch, "run", "feedback", "--data", "rows.jsonl", "--generator", "openai:m", "--reviewer", "openai:m",
                      "--out", "out", "--batch") as terminal:
            tap.ok(terminal.wait_for("batch 1/1 openai:m: in_progress, 0/6 done, under a minute"), "a terminal shows each batch, its state and what is done", terminal.text)
            scene.server.hold.set()
            tap.equal(terminal.finish(), 0, "until all is done")


def quiet_watchdog():
    """A call that waits in a batch holds nothing up."""
    with Scene(rows=3, hold=threading.Event()) as scene:
        process = scene.start("openai:m", env={"FELLOWSHIP_WATCHDOG": "0.2"})
        scene.until_running()
        time.sleep(0.8)
        scene.server.hold.set()
        result = scene.scratch.finish(process)
        tap.equal(result.status, 0, "a batch takes four times the watchdog's patience")
        tap.lacks(result.err, ["held up", "no call has ended"], "which is silent")


host.need_program()
tap.cases(usage, listing, keys, refused, no_api, busy, lost_batches, fatal_looks, results_elsewhere, endless_lines, strange_states, other_places, lock, cancel,
          cancel_others, progress, quiet_watchdog)
