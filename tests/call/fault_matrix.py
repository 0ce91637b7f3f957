#!/usr/bin/env python3
"""What becomes of a call under each fault: the kind of its error, how many attempts, and that it ends.

`fault_matrix.py --table` prints the matrix with the times taken, waits between attempts scaled to a hundredth.
"""

import concurrent.futures
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from stub_server import Stub

ATTEMPTS = 3
TABLE = "--table" in sys.argv
sys.argv = [argument for argument in sys.argv if argument != "--table"]
SCRIPT = """
local fellowship = require "fellowship"
local well, result = pcall(function() return fellowship.model("faulty"):ask "Explain item <x>." end)
print(require("cjson").encode(well and { kind = "done", attempts = result.attempts }
  or { kind = result.kind, attempts = result.attempts, status = result.status, retryable = result.retryable,
       message = tostring(result), key = result.key }))
"""
MODELS = """
return { faulty = { model = "openai:writer", base_url = "%s", attempts = %d,
  timeouts = { connect = %g, first = %g, idle = %g, total = %g } } }
"""
# Short where a timeout is what is looked for; elsewhere so long that a loaded machine is not taken for one.
SHORT, LONG = (1, 1, 0.5, 2), (30, 30, 30, 50)

# fault: (rule of the stub server, kind, attempts). "twice" marks faults that pass: two attempts fail, the third is done.
MATRIX = {
    "429 with Retry-After": ({"fault": "rate_limited"}, "rate_limit", ATTEMPTS),
    "429, twice": ({"fault": "rate_limited", "times": 2}, "done", 3),
    # Errors in the forms and words that servers have.
    **{name: ({"status": status, "body": body, **({"headers": headers[0]} if headers else {})}, kind, attempts)
       for name, status, body, kind, attempts, *headers in [
        ("429 of a day's allowance", 429, {"error": {"message": "Rate limit exceeded: free-models-per-day"}}, "quota", 1),
        ("429, tokens per day", 429, {"error": {"message": "Rate limit reached on tokens per day (TPD): Limit 100000. Please try again in 7h20m20s."}}, "quota", 1),
        ("429 far away", 429, {"error": {"message": "slow"}}, "quota", 1, {"Retry-After": "40000"}),
        ("429 of an absurd wait", 429, {"error": {"message": "slow"}}, "rate_limit", ATTEMPTS, {"Retry-After": "1e10"}),
        ("429, a minute's quota in a month's words", 429, {"error": {"message": "You exceeded your current quota. Please retry in 0.5s."}}, "rate_limit", ATTEMPTS),
        ("402", 402, {"error": "payment required"}, "quota", 1),
        ("403 of moderation", 403, {"error": "Content violates usage guidelines."}, "content_filter", 1),
        ("403 of moderation, OpenRouter's", 403, {"error": {"message": "no", "metadata": {"flagged_input": "x"}}}, "content_filter", 1),
        ("403 in HTML", 403, "<html><title>403 Forbidden</title></html>", "auth", 1),
        ("403 of a rate", 403, {"error": {"message": "API rate limit exceeded"}}, "rate_limit", ATTEMPTS),
        ("403 of credit", 403, {"error": {"message": "Key limit exceeded"}}, "quota", 1),
        ("404 in HTML", 404, "<html><title>404 Not Found</title></html>", "not_found", 1),
        ("{detail}", 400, {"detail": "no such parameter"}, "request", 1),
        ("{detail: [...]}", 422, {"detail": [{"loc": ["body", "x"], "msg": "bad"}]}, "request", 1),
        ("{errors: [...]}", 400, {"errors": [{"message": "bad"}]}, "request", 1),
        ("plain text", 400, "bad request", "request", 1),
        ("a choice that is an error", 200, {"choices": [{"message": {"content": ""}, "finish_reason": "error", "error": {"code": 502, "message": "up"}}]}, "server", ATTEMPTS),
        ("a rate limit in 200", 200, {"error": {"type": "rate_limit_error", "message": "slow"}}, "rate_limit", ATTEMPTS),
        ("an event of a stream in place of an answer", 500, 'data: {"error": {"message": "prompt is too long", "code": "500"}}\n\ndata: [DONE]\n\n', "context_length", 1),
        ("white space before an error", 200, "\n \n" + json.dumps({"error": {"code": 429, "message": "x"}}), "rate_limit", ATTEMPTS),
        ("moderation in DashScope's words", 400, {"code": "DataInspectionFailed", "message": "Input data may contain inappropriate content."}, "content_filter", 1),
        ("an empty answer", 200, {"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}, "empty", 2),
        ("white space alone", 200, {"choices": [{"message": {"content": " \n"}, "finish_reason": "stop"}]}, "empty", 2),
        ("thoughts alone", 200, {"choices": [{"message": {"content": None, "reasoning_content": "hm"}, "finish_reason": "stop"}]}, "empty", 2),
        ("thoughts alone, in tags", 200, {"choices": [{"message": {"content": "<think>hm</think>"}, "finish_reason": "stop"}]}, "empty", 2),
        ("a call of a tool", 200, {"choices": [{"message": {"content": None, "tool_calls": [{"function": {"name": "f"}}]}, "finish_reason": "tool_calls"}]}, "empty", 2),
        ("a content that is no text", 200, {"choices": [{"message": {"content": [5]}, "finish_reason": "stop"}]}, "garbage", ATTEMPTS),
        ("a context that is too long: vLLM", 400, {"object": "error", "message": "This model's maximum context length is 4096 tokens. However, you requested 5000"}, "context_length", 1),
        ("LM Studio", 400, {"error": "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens"}, "context_length", 1),
        ("LM Studio, newer", 400, {"error": {"message": "Cannot truncate prompt with n_keep (15028) >= n_ctx (7424)"}}, "context_length", 1),
        ("LM Studio, the greeting", 400, {"error": "The number of tokens to keep from the initial prompt is greater than the context length."}, "context_length", 1),
        ("llama.cpp", 400, {"error": {"code": 400, "message": "the request exceeds the available context size, try increasing it", "type": "exceed_context_size_error"}}, "context_length", 1),
        ("llama.cpp, a batch", 500, {"error": {"message": "input is too large to process. increase the physical batch size"}}, "context_length", 1),
        ("llama-cpp-python", 400, {"error": {"message": "Requested tokens (9) exceed context window of 8"}}, "context_length", 1),
        ("SGLang", 400, {"object": "error", "message": "The input (9000 tokens) is longer than the model's context length (4096 tokens)."}, "context_length", 1),
        ("TGI", 422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000", "error_type": "validation"}, "context_length", 1),
        ("xAI", 400, {"error": "This model's maximum prompt length is 131072 but the request contains 537812 tokens."}, "context_length", 1),
        ("Moonshot", 400, {"error": {"message": "Invalid request: Your request exceeded model token limit: 8192"}}, "context_length", 1),
        ("Cerebras", 400, {"message": "Please reduce the length of the messages or completion. Current length is 9", "type": "invalid_request_error"}, "context_length", 1),
        ("a prompt that is too long, in OpenRouter's envelope", 400, {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": '{"error":{"message":"prompt is too long: 9 tokens > 8 maximum"}}'}}}, "context_length", 1),
        *((f"no such model: {words[:24]}", 400, {"error": {"message": words}}, "not_found", 1) for words in (
            "The model `x` does not exist.", "x is not a valid model ID", "Model Not Exist", "Invalid model: x", "The model `x` has been decommissioned")),
        ("an organization that is restricted", 400, {"error": {"message": "no", "code": "organization_restricted"}}, "auth", 1),
        ("a free tier that is used up", 403, {"error": {"message": "The free tier of the model has been exhausted.", "code": "AllocationQuota.FreeTierOnly"}}, "quota", 1),
        ("an end by the network", 200, {"choices": [{"message": {"content": "half"}, "finish_reason": "network_error"}]}, "garbage", ATTEMPTS),
        ("an end by a filter of other name", 200, {"choices": [{"message": {"content": "half"}, "finish_reason": "sensitive"}]}, "content_filter", 1),
        ("an error that says there is none", 200, {"choices": [{"message": {"content": "all"}, "finish_reason": "stop"}], "error": {"code": 0, "message": "success"}}, "done", 1),
        ("an answer in a list", 200, [{"choices": [{"message": {"content": "all"}, "finish_reason": "stop"}]}], "done", 1),
        ("an answer in a text of JSON", 200, json.dumps(json.dumps({"choices": [{"message": {"content": "all"}, "finish_reason": "stop"}]})), "done", 1),
        ("max_tokens that is too large", 400, {"error": {"message": "max_tokens is too large: 128000. This model supports at most 16384 completion tokens", "param": "max_tokens"}}, "request", 1),
    ]},
    "429, quota used up": ({"fault": "quota"}, "quota", 1),
    "500": ({"fault": "server_error"}, "server", ATTEMPTS),
    "500, twice": ({"fault": "server_error", "times": 2}, "done", 3),
    "502 in HTML": ({"fault": "bad_gateway"}, "server", ATTEMPTS),
    "503": ({"fault": "unavailable"}, "overloaded", ATTEMPTS),
    "408": ({"fault": "timeout_408"}, "timeout", ATTEMPTS),
    "401": ({"fault": "unauthorized"}, "auth", 1),
    "404": ({"fault": "model_not_found"}, "not_found", 1),
    "400": ({"fault": "bad_request"}, "request", 1),
    "content filter": ({"fault": "content_filter"}, "content_filter", 1),
    "context too long": ({"fault": "context_length"}, "context_length", 1),
    "redirect": ({"fault": "redirect"}, "redirect", 1),
    "an answer that is not JSON": ({"fault": "garbage"}, "garbage", ATTEMPTS),
    "an answer that is not UTF-8": ({"fault": "bad_utf8"}, "garbage", ATTEMPTS),
    "no choices": ({"fault": "empty_choices"}, "garbage", ATTEMPTS),
    "no content": ({"fault": "null_content"}, "empty", 2),
    "an error with status 200": ({"fault": "error_in_200"}, "server", ATTEMPTS),
    "an answer cut in the middle": ({"fault": "truncated"}, "broken", ATTEMPTS),
    "cut in the middle, twice": ({"fault": "truncated", "times": 2}, "done", 3),
    "connection reset": ({"fault": "reset"}, "broken", ATTEMPTS),
    "connection closed": ({"fault": "close"}, "broken", ATTEMPTS),
    "no answer": ({"fault": "hang"}, "timeout", ATTEMPTS),
    "an answer that stalls": ({"fault": "stall"}, "timeout", ATTEMPTS),
    "an answer that trickles": ({"drip": [1, 0.05]}, "timeout", ATTEMPTS),
    "a length that is too long": ({"headers": {"Content-Length": "100000"}, "cut": 400}, "broken", ATTEMPTS),
}


def ask(url, kind, attempts=ATTEMPTS, environment=None, **options):
    with host.Scratch(url, FELLOWSHIP_RETRY_SCALE="0.01", **(environment or {})) as scratch:
        scratch.write("ask.lua", SCRIPT)
        scratch.write("models.lua", MODELS % (url, attempts, *(SHORT if kind == "timeout" else LONG)))
        result = scratch.run("--models", "models.lua", "--quiet", "ask.lua", timeout=200, **options)
        return result, (result.summary or {}) if result.status == 0 else {}


def check(name, kind, attempts, result, outcome):
    if TABLE:
        print(f"| {name} | {outcome.get('kind')} | {outcome.get('attempts')} | {result.seconds:.2f} s |")
    if tap.equal((outcome.get("kind"), outcome.get("attempts")), (kind, attempts), name):
        if kind != "done":
            tap.ok(outcome.get("message") and outcome.get("key"), f"{name}: with message and key", outcome)
    else:
        tap.diag(result)


def check_all(cases, run):
    """Runs several at a time: most of it is waiting. run(case) gives (result, outcome)."""
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        for (name, (_, kind, attempts)), (result, outcome) in zip(cases.items(), pool.map(run, cases.values())):
            check(name, kind, attempts, result, outcome)


def answers():
    def run(case):
        with Stub(rules=[case[0]]) as server:
            return ask(server.url, case[1])
    check_all(MATRIX, run)


def listener(serve):
    """A socket that is served by a function of its own; the URL."""
    server = socket.create_server(("127.0.0.1", 0))

    def loop():
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    return server.getsockname()[1]


def endless(connection):
    """A gigabyte, as fast as it is taken."""
    try:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b" " * 1_000_000)
    except OSError:
        pass


def says(text):
    return lambda connection: (connection.recv(65536), connection.sendall(text), connection.close())


def connections():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    local = "http://127.0.0.1:%d/v1"
    check_all({
        "nothing listens": (local % port, "refused", ATTEMPTS),
        "a name that does not exist": ("http://nobody.invalid/v1", "connect", ATTEMPTS),
        "TLS to a server without it": ("https://127.0.0.1:%d/v1" % listener(says(b"220 mail ready\r\n")), "tls", 1),
        "a peer that never speaks": (local % listener(lambda c: threading.Event().wait(30)), "timeout", ATTEMPTS),
        "an answer of 1 GB": (local % listener(endless), "too_large", 1),
        "no HTTP": (local % listener(says(b"220 mail ready\r\n")), "broken", ATTEMPTS),
        "a length that is no number": (local % listener(says(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}")),
                                       "broken", ATTEMPTS),
    }, lambda case: ask(*case[:2]))


BODY = json.dumps({"choices": [{"message": {"content": "fine"}, "finish_reason": "stop"}]}).encode()


def closes_idle(connection):
    """Answers one request whole and then closes, saying nothing of it."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY))
    connection.close()


def idle_connections():
    url = f"http://127.0.0.1:{listener(closes_idle)}/v1"
    with host.Scratch(url) as scratch:
        scratch.write("many.lua", """
            local fellowship = require "fellowship"
            local model, most = fellowship.model "openai:m", 0
            for i = 1, 50 do most = math.max(most, model:ask("call " .. i).attempts) end
            print(most)""")
        result = scratch.run("many.lua", timeout=60)
        tap.equal(result.out.strip(), "1", "connections that the server closes: tried again at once, not counted")


def few_descriptors():
    with Stub(latency_ms=20) as server, host.Scratch(server.url) as scratch:
        scratch.write("many.lua", """
            local fellowship = require "fellowship"
            local model, done, rows = fellowship.model "openai:m", 0, {}
            for i = 1, 300 do rows[i] = i end
            for _, text in fellowship.map(rows, function(i) return model:ask("call " .. i).text end) do done = done + 1 end
            print(done)""")
        result = scratch.run("--concurrency", 200, "many.lua", timeout=60, prefix=("prlimit", "--nofile=60:60"))
        tap.equal((result.status, result.out.strip()), (0, "300"), "60 descriptors for 200 calls at a time: all are done")
        tap.ok(max(entry["in_flight"] for entry in server.log()) < 60, "over fewer connections")


# ---- TLS ----

def certificate(folder, name, subject):
    """The path of a new certificate, signed by itself, with its key."""
    path = os.path.join(folder, name)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=test", "-addext", f"subjectAltName={subject}", "-keyout", path + ".key", "-out", path],
                   check=True, capture_output=True)
    return path


def over_tls(path):
    """Answers one request over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, path + ".key")

    def serve(connection):
        try:
            with context.wrap_socket(connection, server_side=True) as wrapped:
                closes_idle(wrapped)
        except OSError:
            connection.close()
    return serve


def hangs_up(connection):
    """In the middle of the handshake."""
    connection.recv(65536)
    connection.close()


def tls():
    if not shutil.which("openssl"):
        raise tap.Skip("openssl is not installed")
    url = "https://127.0.0.1:%d/v1"
    with tempfile.TemporaryDirectory(prefix="tls-") as folder:
        own, other = certificate(folder, "own", "IP:127.0.0.1"), certificate(folder, "other", "DNS:other.example")
        check_all({
            "TLS with a certificate that SSL_CERT_FILE names": ((url % listener(over_tls(own)), own), "done", 1),
            "TLS with a certificate that nobody vouches for": ((url % listener(over_tls(own)), None), "tls", 1),
            "TLS with another host's certificate": ((url % listener(over_tls(other)), other), "tls", 1),
            "TLS, SSL_CERT_FILE is missing": ((url % listener(over_tls(own)), "/nowhere.pem"), "tls", 1),
            "a handshake that stalls": ((url % listener(lambda c: threading.Event().wait(30)), None), "timeout", ATTEMPTS),
            "a handshake that is cut off": ((url % listener(hangs_up), None), "connect", ATTEMPTS),
            "plain HTTP where https is said": ((url % listener(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")), None), "tls", 1),
        }, lambda case: ask(case[0][0], case[1], environment={"SSL_CERT_FILE": case[0][1]} if case[0][1] else None))


# ---- a resolver that is slow ----

BESIDE = """
local fellowship = require "fellowship"
local ended, order = 0, {}
local function note(name, fn)
  return function()
    local well, problem = pcall(fn)
    order[#order + 1] = { name = name, kind = well and "done" or problem.kind, attempts = not well and problem.attempts or nil }
  end
end
local slow, quick = fellowship.model "faulty", fellowship.model "openai:quick"
fellowship.all(note("slow", function() slow:ask "call" end), note("quick", function()
  for i = 1, 150 do quick:ask("call " .. i) fellowship.sleep(0.02) end
end))
print(require("cjson").encode(order))
"""


def slow_names():
    """Each look-up takes four seconds, connecting may take one: a loop that waited for it would stand for three."""
    with Stub() as server, tempfile.TemporaryDirectory(prefix="names-") as folder:
        with host.Scratch(server.url, FELLOWSHIP_RETRY_SCALE="0.01", LD_PRELOAD=host.preloaded(folder, "slow_names")) as scratch:
            scratch.write("beside.lua", BESIDE)
            scratch.write("models.lua", MODELS % ("http://slow.example/v1", ATTEMPTS, *SHORT))
            result = scratch.run("--models", "models.lua", "beside.lua", timeout=200)
        times = [entry["time"] for entry in server.log()]
        gaps = sorted(later - earlier for earlier, later in zip(times, times[1:]))
        outcome = {entry["name"]: entry for entry in result.summary}
        check("a name server that does not answer", "timeout", ATTEMPTS, result, {**outcome["slow"], "message": "-", "key": "-"})
        # Each attempt would make such a gap; a loaded machine may make one.
        tap.ok(len(gaps) == 149 and gaps[-ATTEMPTS] < 2.5, "other calls go on meanwhile", gaps[-ATTEMPTS:])


# ---- a clock that jumps ----

def jumping_clock():
    """By hours, at each look: calls, waits and the store keep to the steady clock."""
    rules = [{"contains": "<row-3>", "fault": "rate_limited", "times": 1}, {"contains": "<row-4>", "fault": "server_error", "times": 1}]
    with Stub(latency_ms=20, rules=rules) as server, tempfile.TemporaryDirectory(prefix="clock-") as folder:
        with host.Scratch(server.url, FELLOWSHIP_RETRY_SCALE="0.1") as scratch:
            scratch.prompts(20)
            shim = host.preloaded(folder, "jumping_clock")
            result = scratch.run(*host.preference_arguments("jumping"), env={"LD_PRELOAD": shim}, timeout=60)
            tap.equal((result.status, len(server.log())), (0, 142), "a clock that jumps: every call is done, two are repeated")
            tap.ok(0 <= result.summary["seconds"] < 1800, f"the summary says how long it took: {result.summary['seconds']} s")
            steady = scratch.run(*host.preference_arguments("steady"), "--offline")
            tap.equal(steady.status, 0, "offline, with a steady clock")
            host.same_tree(host.tree(scratch / "jumping", ["run.json"]), host.tree(scratch / "steady", ["run.json"]),
                           "and the files are those of a steady clock")


host.need_program()
if TABLE:
    print("| fault | outcome | attempts | time |\n|---|---|---|---|")
tap.cases(answers, connections, idle_connections, few_descriptors, tls, slow_names, jumping_clock)
