#!/usr/bin/env python3
"""Servers that are down are waited for, once for all of their calls, and no row fails meanwhile; what is wrong from the
first call on ends the run."""

import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider
from stub_server import Stub

SCALE = 0.02
ENVIRONMENT = {"FELLOWSHIP_RETRY_SCALE": str(SCALE)}
SCRIPT = """local fellowship = require "fellowship"
local model = fellowship.model(arg[1])
local out <close> = fellowship.writer "out.jsonl"
local rows = {}
for i = 1, tonumber(arg[2]) do rows[i] = { id = i } end
for row, text in fellowship.map(rows, function(row) return model:ask("call <" .. row.id .. ">").text end) do
  out:write { id = row.id, text = text }
end
"""


def begin(scratch, *arguments, flags=()):
    scratch.write("s.lua", SCRIPT)
    return scratch.start(*flags, "s.lua", *arguments)


def failed(scratch):
    return host.jsonl(scratch / "s.errors.jsonl") if (scratch / "s.errors.jsonl").exists() else []


def comes_back():
    """A server dies in the middle of a run, and is there again later."""
    with Stub(latency_ms=5) as server, host.Scratch(server.url, **ENVIRONMENT) as scratch:
        port = server.port
        process = begin(scratch, "openai:m", 400, flags=["--concurrency", "8"])
        host.until(lambda: len(server.log()) > 60)
        server.process.kill()
        server.process.wait()
        time.sleep(2)         # by then all attempts of a call would be used up
        going = process.poll() is None
        with Stub(port=port) as again:
            result = scratch.finish(process)
            asked = len(again.log())
        tap.ok(going, "the run waits while its server is down")
        tap.equal((result.status, failed(scratch), len(host.jsonl(scratch / "out.jsonl"))), (0, [], 400), "all rows are done in the end")
        tap.contains(result.err, ["does not answer", "it is waited for", "answers again, after"], "it says so")
        tap.equal((result.err.count("does not answer"), result.err.count("answers again")), (1, 1), "once for all calls")
        tap.ok(asked <= 400, "and nothing is asked twice", asked)


def stays_away():
    """When the patience is at its end the run stops, and has failed no row; the same command goes on from there."""
    with Stub(latency_ms=5) as server, host.Scratch(server.url, **ENVIRONMENT) as scratch:
        port = server.port
        process = begin(scratch, "openai:m", 300, flags=["--concurrency", "8", "--patience", "1"])
        host.until(lambda: len(server.log()) > 60)
        server.process.kill()
        server.process.wait()
        result = scratch.finish(process)
        tap.equal((result.status, failed(scratch)), (1, []), "stopped, and no row has failed")
        tap.contains(result.err, ["nobody has answered there for", "the same command goes on from here"], "with the reason")
        with Stub(port=port) as again:
            result = scratch.finish(begin(scratch, "openai:m", 300))
            tap.equal((result.status, len(host.jsonl(scratch / "out.jsonl"))), (0, 300), "the rerun has them all")
            tap.ok(len(again.log()) < 300, "and asks for the rest", len(again.log()))


def never_there():
    """Where nobody has ever answered the wait is short, or as long as --patience says."""
    with Stub() as server, host.Scratch(server.url, **ENVIRONMENT) as scratch:
        port = server.port
        server.process.kill()
        server.process.wait()
        result = scratch.finish(begin(scratch, "openai:m", 100))
        tap.equal((result.status, failed(scratch)), (1, []), "stopped, and no row has failed")
        tap.contains(result.err, ["does not answer", "nobody has answered there"], "it says so at once, and at the end")
        result = scratch.finish(begin(scratch, "openai:m", 3, flags=["--patience", "0"]))
        tap.equal((result.status, {row["kind"] for row in failed(scratch)}), (3, {"refused"}), "--patience 0: rows fail")
        process = begin(scratch, "openai:m", 20, flags=["--patience", "50"])
        time.sleep(120 * SCALE + 1)
        with Stub(port=port):
            tap.equal((scratch.finish(process).status, failed(scratch)), (0, []), "--patience 50: a server that starts late is waited for")


def gateway():
    """A gateway with nobody behind it is the same; one that refuses a single call is not."""
    state = {"up": False, "asked": 0}

    def answer(request):
        state["asked"] += 1
        text = request.body["messages"][-1]["content"]
        if text == "call <7>":
            return Answer("upstream prematurely closed", 502)
        return Answer(p.openai("there")) if state["up"] else Answer("<html>502 Bad Gateway</html>", 502)

    with Provider(answer) as server, host.Scratch(**server.environment(**ENVIRONMENT)) as scratch:
        process = begin(scratch, "openai:m", 20, flags=["--concurrency", "4", "--patience", "60"])
        host.until(lambda: "waited for" in host.said(process))
        before = state["asked"]
        host.until(lambda: state["asked"] > before + 3)     # those that were under way, and some of who looks again
        while_down, since = state["asked"], time.monotonic()
        host.until(lambda: state["asked"] > while_down + 40, timeout=2)
        while_down, seconds = state["asked"] - while_down, time.monotonic() - since
        state["up"] = True
        result = scratch.finish(process)
        tap.equal((result.status, [(row["id"], row["kind"]) for row in failed(scratch)]), (3, [(7, "server")]), "only the row that fails when the others are answered")
        tap.contains(result.err, ["HTTP 502", "it is waited for"], "it says what it saw")
        tap.ok(while_down < 10 * seconds, "few attempts while it is down", f"{while_down} in {seconds:.1f} s")


def deadly():
    """A call that brings its server down fails in the end, and does not take the others with it."""
    with Provider(lambda r: None) as server, host.Scratch(**server.environment(**ENVIRONMENT)) as scratch:
        listening = threading.Lock()
        kills = []

        def send(connection, answer):
            if answer is not None:
                return Provider.send(server, connection, answer)
            return False

        def revive():
            time.sleep(0.2)
            while True:
                try:
                    server.listener = socket.create_server(("127.0.0.1", server.port), backlog=128)
                    break
                except OSError:
                    time.sleep(0.01)
            server.accept()

        def answer(request):
            if request.body["messages"][-1]["content"] != "call <5>":
                return Answer(p.openai("there"))
            with listening:
                kills.append(request)
                try:
                    server.listener.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass        # it is down already
                server.listener.close()
                threading.Thread(target=revive, daemon=True).start()
            return None

        server.answers, server.send = answer, send
        result = scratch.finish(begin(scratch, "openai:m", 30, flags=["--concurrency", "2"]))
        ids = [row["id"] for row in failed(scratch)]
        # The one beside it can have bad luck as often as that: it is asked while the server goes down, each time.
        tap.ok(result.status == 3 and 5 in ids and len(ids) <= 2, "it fails, and not those that come after it", ids)
        tap.ok(2 <= len(kills) <= 40, "after its attempts", len(kills))


def others():
    """Models that stand in for one that is down are asked at once."""
    with Stub() as server, Provider(lambda r: Answer(p.openai("stands in"))) as other, \
            host.Scratch(server.url, **ENVIRONMENT) as scratch:
        server.process.kill()
        server.process.wait()
        scratch.write("m.lua", 'return { both = { model = "openai:m", fallback = { "second" } }, '
                      f'second = {{ model = "vllm:m", base_url = "{other.url}/v1" }} }}')
        result = scratch.finish(begin(scratch, "both", 10, flags=["--models", "m.lua"]))
        tap.equal((result.status, failed(scratch)), (0, []), "nobody waits")
        tap.lacks(result.err, ["waited for"], "nor says so")


def wrong_model():
    """A model that is not there ends the run with its first call; not when it has answered before."""
    missing = Answer(p.openai_error("The model `m` does not exist", code="model_not_found"), 404)
    with Provider(lambda r: missing) as server, host.Scratch(**server.environment(**ENVIRONMENT)) as scratch:
        result = scratch.finish(begin(scratch, "openai:m", 50, flags=["--concurrency", "2"]))
        tap.equal((result.status, failed(scratch)), (1, []), "the run ends")
        tap.ok(len(server.requests) <= 12, "at once", len(server.requests))
        tap.contains(result.err, ["does not exist"], "with the reason")
    with Provider(lambda r: missing if r.body["messages"][-1]["content"] == "call <30>" else Answer(p.openai("there"))) as server, \
            host.Scratch(**server.environment(**ENVIRONMENT)) as scratch:
        result = scratch.finish(begin(scratch, "openai:m", 40, flags=["--concurrency", "2"]))
        tap.equal((result.status, [(row["id"], row["kind"]) for row in failed(scratch)]), (3, [(30, "not_found")]), "one of many fails its row")


CAUGHT = """local fellowship = require "fellowship"
local model = fellowship.model "openai:m"
local function kind_of(prompt)
  local well, got = pcall(model.ask, model, prompt)
  return well and got.text or got.kind
end
local asks = {}
for i = 1, 100 do asks[i] = function() return kind_of("call <" .. i .. ">") end end
local kinds = {}
for _, kind in ipairs { fellowship.all(table.unpack(asks)) } do kinds[kind] = (kinds[kind] or 0) + 1 end
print(fellowship.json.encode { waiting = kinds, later = { kind_of "wrong", kind_of "right" } })
"""


def wrong_model_caught():
    """A script that catches the refusal is told what the server says of what it asks for later."""
    missing = Answer("<html><head><title>404 Not Found</title></head></html>", 404, kind="text/html")
    others = {"wrong": Answer(p.openai_error("not so", code="invalid"), 400), "right": Answer(p.openai("there"))}
    with Provider(lambda r: others.get(r.body["messages"][-1]["content"], missing)) as server, \
            host.Scratch(**server.environment(**ENVIRONMENT)) as scratch:
        scratch.write("caught.lua", CAUGHT)
        result = scratch.run("--quiet", "--concurrency", "2", "caught.lua")
        tap.equal(result.summary, {"waiting": {"not_found": 100}, "later": ["request", "there"]}, "each has its own end")
        tap.ok(len(server.requests) <= 12, "and those that waited are not sent", len(server.requests))


host.need_program()
tap.cases(comes_back, stays_away, never_there, gateway, deadly, others, wrong_model, wrong_model_caught)
