#!/usr/bin/env python3
"""`fellowship serve`: OpenAI's API before models and workflows, with the store of a run behind it."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from batch_server import BatchServer
from provider_server import Answer, KEY, Provider
from serving import CHAT, Serving, asking, echo, events, post, text_of

TOKEN = "a-token-of-this-test-0123456789"


def whole():
    with Provider(echo) as upstream, host.Scratch(**upstream.environment()) as scratch:
        with Serving(scratch) as s:
            status, fields, body = s.chat(temperature=0.5, seed=7)
            tap.equal((status, body["choices"][0]["message"]["content"], body["object"]), (200, "NAME A RIVER.", "chat.completion"), "an answer")
            tap.equal(fields["x-fellowship-store"], "miss", "which was asked for")
            sent = upstream.requests[0].body
            tap.equal((sent["temperature"], sent["seed"], sent["model"]), (0.5, 7, "m"), "with the client's parameters")
            again = s.chat(temperature=0.5, seed=7)
            tap.equal((again[1]["x-fellowship-store"], again[1]["x-fellowship-key"], again[1]["x-fellowship-cost"]),
                      ("hit", fields["x-fellowship-key"], "0"), "and then kept")
            tap.equal(again[2]["choices"], body["choices"], "the same answer")
            several = s.chat("Several.", n=3)[2]
            tap.equal([c["index"] for c in several["choices"]], [0, 1, 2], "n answers")
            tap.ok(all("n" not in r.body for r in upstream.requests), "are so many samples")
            tap.equal(s.chat(headers={"x-fellowship-sample": "2"})[1]["x-fellowship-store"], "miss", "another sample is another call")
            made = len(upstream.requests)
            headers = {"x-fellowship-no-store": "1"}
            first, second = s.chat("Secret.", headers=headers), s.chat("Secret.", headers=headers)
            tap.equal((first[0], second[1]["x-fellowship-store"], len(upstream.requests) - made), (200, "miss", 2), "no-store: asked each time")
            tap.equal(s.chat("Secret.")[1]["x-fellowship-store"], "miss", "and kept nowhere")
        made = len(upstream.requests)
        scratch.write("same.lua", 'local m = require("fellowship").model "openai:m"\nprint(m:ask("Name a river.", { temperature = 0.5, seed = 7 }).text)')
        result = scratch.run("--offline", "same.lua")
        tap.equal((result.status, result.out, len(upstream.requests)), (0, "NAME A RIVER.\n", made), "a script has it too: the key is that of a direct call")
        with Serving(scratch, "--offline") as s:
            tap.equal(s.chat(temperature=0.5, seed=7)[2]["choices"], body["choices"], "offline: what is kept is served")
            status, fields, body = s.chat("Unknown.")
            tap.equal((status, body["error"]["code"], fields["x-should-retry"]), (404, "offline", "false"), "and the rest is an error that nobody tries again")
        tap.equal(len(upstream.requests), made, "without a call")


def streamed():
    with Provider(echo) as upstream, host.Scratch(**upstream.environment()) as scratch, Serving(scratch) as s:
        status, fields, data = s.chat("Name a lake.", stream=True, stream_options={"include_usage": True})
        found = events(data)
        chunks = [json.loads(e) for e in found[:-1]]
        tap.equal((status, fields["content-type"].split(";")[0], found[-1]), (200, "text/event-stream", "[DONE]"), "a stream, and its end")
        tap.equal(text_of(chunks), "NAME A LAKE.", "has the text")
        tap.equal(len([c for c in chunks if c["choices"] and c["choices"][0]["delta"].get("content")]), 2, "in the parts in which it comes")
        tap.equal(chunks[-2]["choices"][0]["finish_reason"], "stop", "why it ended")
        tap.equal((chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"] > 0), ([], True), "and what it took")
        again = s.chat("Name a lake.", stream=True)
        tap.equal((again[1]["x-fellowship-store"], again[1]["x-fellowship-key"]), ("hit", fields["x-fellowship-key"]), "again: from the store")
        tap.equal(s.chat("Name a lake.")[1]["x-fellowship-store"], "hit", "and the whole answer is the same call")
        several = [json.loads(e) for e in events(s.chat("Two.", stream=True, n=2)[2])[:-1]]
        tap.equal({c["choices"][0]["index"] for c in several}, {0, 1}, "several answers in one stream")


WORKFLOWS = """local fellowship = require "fellowship"
local m = fellowship.model "openai:m"
return { models = {
  twice = function(request)
    request.progress "asking"
    local a, b = fellowship.all(function() return m:ask("one").text end, function() return m:ask("two").text end)
    request.write(a .. " ")
    request.write(b)
    return a .. " " .. b
  end,
  broken = function() error "at /a/path/of/this/machine" end,
} }
"""


def workflows():
    with Provider(echo) as upstream, host.Scratch(**upstream.environment()) as scratch:
        scratch.write("workflows.lua", WORKFLOWS)
        with Serving(scratch, "workflows.lua") as s:
            tap.equal(s.chat(model="twice")[2]["choices"][0]["message"]["content"], "ONE TWO", "a function in the place of a model")
            chunks = [json.loads(e) for e in events(s.chat(model="twice", stream=True)[2])[:-1]]
            tap.equal(text_of(chunks), "ONE TWO", "which streams")
            tap.equal(chunks[0]["choices"][0]["delta"].get("reasoning_content"), "asking", "and tells how far it is")
            status, _, body = s.chat(model="broken")
            tap.equal((status, "/a/path" in json.dumps(body)), (500, False), "one that fails tells no path")
            tap.ok("twice" in [m["id"] for m in s.ask("GET", "/v1/models")[2]["data"]], "they are listed")
            for model in ("loop:sim:a+sim:b", "best:sim:a*3@sim:j"):
                tap.equal(s.chat(model=model)[0], 200, model)
            pair = json.dumps({"prompt": "p", "response_a": "x", "response_b": "a longer one"})
            verdict = json.loads(s.chat(pair, model="jury:sim:a+sim:b+sim:c")[2]["choices"][0]["message"]["content"])
            tap.ok(verdict["verdict"] in ("a", "b", "tie", "unparsed") and len(verdict["votes"]) == 3, "a jury's verdict")
            tap.equal(s.chat(model="loop:sim:a")[0], 404, "a workflow that is none")
        tap.contains(s.result.err, ["/a/path/of/this/machine"], "the log has it")


def wrong():
    """Each failure in OpenAI's form, with a status that fits."""
    def answer(request):
        said = request.body["messages"][-1]["content"]
        return Answer(p.openai_error("no such key", code="invalid_api_key"), 401) if said == "401" \
            else Answer(p.openai_error("bad", code="x"), 400) if said == "400" else echo(request)
    with Provider(answer) as upstream, host.Scratch(**upstream.environment(FELLOWSHIP_RETRY_SCALE="0.01")) as scratch, Serving(scratch) as s:
        for name, got, want in (
                ("no JSON", s.ask("POST", "/v1/chat/completions", "{x"), 400), ("no object", s.ask("POST", "/v1/chat/completions", "[1]"), 400),
                ("no model", s.ask("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}]}), 400),
                ("no messages", s.ask("POST", "/v1/chat/completions", {"model": "sim:a", "messages": []}), 400),
                ("a strange role", s.ask("POST", "/v1/chat/completions", {"model": "sim:a", "messages": [{"role": "x", "content": "y"}]}), 400),
                ("an unknown model", s.chat(model="nobody"), 404), ("no path", s.ask("GET", "/v2/x"), 404),
                ("another method", s.ask("GET", "/v1/chat/completions"), 405), ("n", s.chat(n=0), 400),
                ("the provider's 401", s.chat("401"), 401), ("the provider's 400", s.chat("400"), 400)):
            tap.equal((got[0], isinstance(got[2], dict) and sorted(got[2]["error"])), (want, ["code", "message", "param", "type"]), f"{name}: {want}")
        stream = s.chat("400", stream=True)
        tap.equal(stream[0], 400, "a stream that fails before its first part has a status")
        tap.equal(host.holding(scratch.path, KEY.encode()), [], "no key is written")
        metrics = s.ask("GET", "/metrics")[2].decode()
        tap.contains(metrics, ["fellowship_calls_total", 'status="404"', "fellowship_in_flight 0"], "metrics count them")
        tap.equal(s.ask("GET", "/health")[2], {"status": "ok"}, "health")


def many_models():
    """However many models clients name, what is counted by a model's name is bounded, and nothing is left out."""
    names = 300
    with Provider(echo) as upstream, host.Scratch(**upstream.environment()) as scratch:
        scratch.write("models.lua", 'return { known = { model = "openai:k" } }')
        with Serving(scratch, "--models", "models.lua") as s:
            statuses = {s.chat("x", f"openai:m{i}")[0] for i in range(names)} | {s.chat("x", "known")[0]}
            tap.equal(statuses, {200}, f"{names} models answer")
            s.chat("y", "openai:m7")
            metrics = s.ask("GET", "/metrics")[2].decode()
        counted = dict(re.findall(r'fellowship_model_calls_total\{model="([^"]*)"\} (\d+)', metrics))
        tap.equal(len(counted), 102, "a hundred are counted by their names, besides the aliases")
        tap.equal((counted["known"], counted["openai:m7"], counted["other"]), ("1", "2", str(names - 100)), "and the others together")
        tap.equal(sum(map(int, counted.values())), names + 2, "all of them")


def guarded():
    with Provider(echo) as upstream, host.Scratch(**upstream.environment()) as scratch:
        refused = scratch.run("serve", "--address", "0.0.0.0", "--port", "0")
        tap.equal((refused.status, "FELLOWSHIP_SERVE_TOKEN" in refused.err), (2, True), "other addresses want a token")
        beyond = scratch.run("serve", "--port", "99999")
        tap.equal((beyond.status, "65535 or less" in beyond.err, "traceback" in beyond.err), (2, True, False), "a port that cannot be")
        with Serving(scratch, "--address", "0.0.0.0", env={"FELLOWSHIP_SERVE_TOKEN": TOKEN}) as s:
            for name, headers in (("no token", {}), ("another", {"Authorization": "Bearer " + TOKEN[:-1] + "0"}), ("a part", {"Authorization": "Bearer " + TOKEN[:5]}),
                                  ("an empty one", {"Authorization": "Bearer "})):
                for path in ("/v1/models", "/metrics", "/v1/files"):
                    tap.equal(s.ask("GET", path, headers=headers)[0], 401, f"{name}: {path}")
            tap.equal(len(upstream.requests), 0, "nothing was asked")
            good = {"Authorization": "Bearer " + TOKEN}
            tap.equal(s.chat(headers=good)[0], 200, "with the token")
            tap.equal(s.ask("GET", "/health")[0], 200, "health wants none")
        tap.ok(TOKEN not in s.result.err and host.holding(scratch.path, TOKEN.encode()) == [], "the token is written nowhere")
        with Serving(scratch) as s:
            for name, headers in (("another Host", {"Host": "evil.example"}), ("another Origin", {"Origin": "https://evil.example"}),
                                  ("another program's page on this machine", {"Origin": "http://localhost:1"}), ("another Host that begins as ours", {"Host": "localhost.evil.example"}),
                                  ("a Host that is none", {"Host": "localhost@evil.example"}), ("a site beside it", {"Sec-Fetch-Site": "same-site"}), ("an opaque Origin", {"Origin": "null"}), ("from another site", {"Sec-Fetch-Site": "cross-site"})):
                tap.equal(s.chat(headers=headers)[0], 403, f"a browser's request: {name}")
            tap.equal(s.chat(headers={"Host": f"localhost:{s.port}", "Origin": f"http://localhost:{s.port}"})[0], 200, "its own page may")


def crowd():
    """Two equal calls at once are one; a client that leaves cancels nothing that was sent."""
    def slow(request):
        time.sleep(0.4)
        return echo(request)
    with Provider(slow) as upstream, host.Scratch(**upstream.environment()) as scratch, Serving(scratch) as s:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(s.chat("Together."))) for _ in range(8)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        tap.equal(({a[0] for a in answers}, len(upstream.requests)), ({200}, 1), "eight equal calls are one")
        body = json.dumps({"model": "openai:m", "messages": [{"role": "user", "content": "Leaving."}]}).encode()
        with socket.create_connection(("127.0.0.1", s.port)) as left:
            left.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            host.until(lambda: len(upstream.requests) == 2)
        host.until(lambda: "fellowship_in_flight 0" in s.ask("GET", "/metrics")[2].decode())
        tap.equal((s.chat("Leaving.")[0], len(upstream.requests)), (200, 2), "what was sent is kept, though nobody waits")


def upload(s, lines, boundary="----b"):
    text = "\n".join(json.dumps(line) for line in lines)
    form = f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--{boundary}\r\nContent-Disposition: form-data; name="file"; ' \
           f'filename="in.jsonl"\r\nContent-Type: application/jsonl\r\n\r\n{text}\r\n--{boundary}--\r\n'
    return s.ask("POST", "/v1/files", form.encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"})[2]


def batches():
    with Provider(echo) as upstream, host.Scratch(**upstream.environment()) as scratch:
        lines = [{"custom_id": f"r{i}", "method": "POST", "url": "/v1/chat/completions",
                  "body": {"model": "openai:m" if i else "nobody", "messages": [{"role": "user", "content": f"line {i}"}]}} for i in range(20)]
        with Serving(scratch) as s:
            file = upload(s, lines)
            tap.equal((file["object"], file["purpose"], file["filename"]), ("file", "batch", "in.jsonl"), "a file")
            batch = s.ask("POST", "/v1/batches", {"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"})[2]
            host.until(lambda: s.ask("GET", f"/v1/batches/{batch['id']}")[2]["status"] == "completed")
            batch = s.ask("GET", f"/v1/batches/{batch['id']}")[2]
            tap.equal(batch["request_counts"], {"total": 20, "completed": 19, "failed": 1}, "a batch, done")
            output = [json.loads(x) for x in s.ask("GET", f"/v1/files/{batch['output_file_id']}/content")[2].decode().splitlines()]
            tap.equal({o["custom_id"]: o["response"]["body"]["choices"][0]["message"]["content"] for o in output}, {f"r{i}": f"LINE {i}" for i in range(1, 20)}, "its answers")
            failed = json.loads(s.ask("GET", f"/v1/files/{batch['error_file_id']}/content")[2])
            tap.equal((failed["custom_id"], failed["response"]["status_code"]), ("r0", 404), "and what failed")
            made = len(upstream.requests)
            tap.equal(s.chat("line 7")[1]["x-fellowship-store"], "hit", "its lines are in the store")
            bad = upload(s, [lines[1], lines[1]])
            wrong_one = s.ask("POST", "/v1/batches", {"input_file_id": bad["id"], "endpoint": "/v1/chat/completions"})[2]
            host.until(lambda: s.ask("GET", f"/v1/batches/{wrong_one['id']}")[2]["status"] == "failed")
            tap.contains(s.ask("GET", f"/v1/batches/{wrong_one['id']}")[2]["errors"]["data"][0]["message"], ["line 2", "custom_id"], "a file that is wrong says where")
            tap.equal(s.ask("GET", "/v1/files/file-..%2f..%2fetc/content")[0], 404, "no other file can be had")
        with Serving(scratch) as s:
            tap.equal(s.ask("GET", f"/v1/batches/{batch['id']}")[2]["status"], "completed", "the next server has it still")
            tap.equal(len(s.ask("GET", "/v1/batches")[2]["data"]), 2, "and lists them")
        tap.equal(len(upstream.requests), made, "nothing was asked twice")


def bounded():
    """Budgets hold over all clients; what the store has is free."""
    with Provider(echo) as upstream, host.Scratch(**upstream.environment()) as scratch:
        with Serving(scratch, "--max-calls", "2") as s:
            found = [s.chat(f"call {i}") for i in range(4)]
            tap.equal(([f[0] for f in found], len(upstream.requests)), ([200, 200, 429, 429], 2), "two calls, and no more")
            tap.equal(found[2][2]["error"]["code"], "budget", "which is said")
        with Serving(scratch, "--max-cost", "1") as s:
            tap.equal(s.chat("call 0")[1]["x-fellowship-store"], "hit", "what is kept costs nothing")
            status = s.chat("new")[0]
            tap.equal((400 <= status < 500, len(upstream.requests)), (True, 2), f"a model without a price is not asked where cost is bounded ({status})")
        with Serving(scratch) as s:
            tap.equal(s.chat("kept nowhere", stream=True, headers={"x-fellowship-no-store": "1"})[1]["x-fellowship-store"], "miss", "a stream that is kept nowhere is no hit")


def ends():
    """Ctrl+C and kill: what was answered is in the store, what is under way is finished."""
    def slow(request):
        time.sleep(0.5)
        return echo(request)
    with Provider(slow) as upstream, host.Scratch(**upstream.environment()) as scratch:
        with Serving(scratch) as s:
            got = []
            thread = threading.Thread(target=lambda: got.append(s.chat("Ending.")))
            thread.start()
            host.until(lambda: len(upstream.requests) == 1)
            s.process.send_signal(signal.SIGTERM)
            thread.join(30)
            tap.equal((got and got[0][0], s.process.wait(30) in (0, 143)), (200, True), "SIGTERM: what is under way is answered")
        answered, stop = [], threading.Event()
        with Serving(scratch) as s:
            def client(name):
                while not stop.is_set():
                    prompt = f"{name} {len(answered)}"
                    try:
                        if s.chat(prompt)[0] == 200:
                            answered.append(prompt)
                    except (OSError, http.client.HTTPException):
                        return
            threads = [threading.Thread(target=client, args=(f"client {i}",)) for i in range(16)]
            [t.start() for t in threads]
            host.until(lambda: len(answered) > 20)
            s.process.kill()
            stop.set()
            [t.join(30) for t in threads]
        with Serving(scratch, "--offline") as s:
            tap.equal([x for x in answered if s.chat(x)[0] != 200], [], f"kill -9: all {len(answered)} answers that were given are in the store")


def leaving():
    """Who leaves before the call was sent: it is not sent, unless somebody else waits for it."""
    go_on = threading.Event()

    def answer(request):
        return Answer(parts=held(request), kind="application/json")

    def held(request):
        go_on.wait(60)
        yield json.dumps(p.openai(request.body["messages"][-1]["content"].upper()))
    with Provider(answer) as upstream, host.Scratch(**upstream.environment()) as scratch, Serving(scratch, "--concurrency", "1") as s:
        def waiting(count):
            return host.until(lambda: f"fellowship_waiting {count}\n" in s.ask("GET", "/metrics")[2].decode())
        clients = {}
        for name in ("first", "left", "wanted", "wanted by another"):
            clients[name] = s.connect()
            clients[name].sendall(post(CHAT, asking(name.split()[0])))
            host.until(lambda: upstream.requests)
        waiting(2)
        clients["left"].close()
        clients["wanted"].close()
        tap.ok(waiting(1), "a call that nobody waits for any more is given up before it is sent")
        go_on.set()
        tap.ok(b"WANTED" in clients["wanted by another"].makefile("rb").read(), "one for which another client waits is not")
        tap.equal([r.body["messages"][-1]["content"] for r in upstream.requests], ["first", "wanted"], "only the others were sent")


def head():
    """A server that is the store of others: a call through it has the key that it has without it."""
    with Provider(echo) as upstream, host.Scratch(**upstream.environment()) as scratch, host.Scratch(OPENAI_API_KEY="any") as other:
        script = 'local m = require("fellowship").model(arg[1])\nprint(m:ask("Name a river.", { temperature = 0.5 }).text)'
        with Serving(scratch) as s:
            other.write("models.lua", f'return {{ far = {{ model = "openai:openai:m", base_url = "http://127.0.0.1:{s.port}/v1" }} }}')
            other.write("ask.lua", script)
            result = other.run("--models", "models.lua", "ask.lua", "far")
            tap.equal((result.status, result.out), (0, "NAME A RIVER.\n"), "another instance of the program as a client")
        scratch.write("ask.lua", script)
        result = scratch.run("--offline", "ask.lua", "openai:m")
        tap.equal((result.status, result.out, len(upstream.requests)), (0, "NAME A RIVER.\n", 1), "what it asked has the key of a direct call")


def batched():
    """With --batch, what clients ask goes into batches."""
    with BatchServer(polls=1) as server, host.Scratch(**server.environment()) as scratch, Serving(scratch, "--batch", "--batch-after", "1") as s:
        answers = []
        threads = [threading.Thread(target=lambda i=i: answers.append(s.chat(f"row {i}"))) for i in range(5)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        tap.equal(([a[0] for a in answers], server.plain, len(server.lines)), ([200] * 5, 0, 5), "--batch: calls of clients go into batches")


def second_signal():
    """The first signal waits for what is under way, the second does not."""
    go_on = threading.Event()

    def held():
        go_on.wait(60)
        yield b"{}"

    def is_open(s):
        with contextlib.suppress(OSError):
            s.connect(60).close()
            return True
    with Provider(lambda request: Answer(parts=held(), kind="application/json")) as upstream, host.Scratch(**upstream.environment()) as scratch:
        with Serving(scratch) as s, s.connect() as client:
            client.sendall(post(CHAT, asking("never answered")))
            host.until(lambda: upstream.requests)
            s.process.send_signal(signal.SIGTERM)
            host.until(lambda: not is_open(s))
            tap.ok(s.process.poll() is None, "SIGTERM closes the door, and waits")
            s.process.send_signal(signal.SIGTERM)
            tap.ok(s.process.wait(60) != 0, "a second one ends it")
        go_on.set()


host.need_program()
tap.cases(whole, streamed, workflows, wrong, many_models, guarded, crowd, batches, bounded, ends, leaving, head, batched, second_signal)
