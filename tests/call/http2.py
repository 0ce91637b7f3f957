#!/usr/bin/env python3
"""HTTP/2 and TLS: every answer arrives whole, in its time, asked for once, whatever the server does with its connections.

Some seconds of it; the whole matrix with FELLOWSHIP_MATRIX=1, or `make check-http2`; with another value, those whose names
match that expression. A call has no time of its own to end in, nor to connect, which would move it on: what stalls stays so,
and what is slow, as on a loaded machine, is no stall.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import h2_server
import host
import tap
from h2_server import H2Server
from nginx import Nginx, need_nginx

WHOLE = os.environ.get("FELLOWSHIP_MATRIX", "")
WANTED = re.compile(WHOLE if WHOLE != "1" else "")
ENDLESS = 600  # seconds: 400 MB took 70 where 50 others wanted the processor
MODELS = "return { ['openai:m'] = { timeouts = { connect = 0, first = 0, idle = 0, total = 0 } } }"
SIZES, DELAYS = (1000, 2000, 4400, 30000, 100000, 1000000), (0, 50, 500)
EVENTS = 8

# Asks `calls` questions, `n` at a time, and tells how many answers were right and how long the slowest took.
ASK = """local fellowship = require "fellowship"
local calls, size, form, filler = tonumber(arg[1]), tonumber(arg[2]), arg[3], ("x"):rep(tonumber(arg[4]))
local model = fellowship.model "openai:m"
local right, slowest, number, failed = 0, 0, 0, nil
for _, got in fellowship.map(function()
  number = number + 1
  return number <= calls and number or nil
end, function(n)
  local prompt, text, answer = ("q%d "):format(n) .. filler, {}, nil
  local well, problem = pcall(function()
    if form == "stream" then
      answer = model:stream(prompt, function(piece) text[#text + 1] = piece end)
    else
      answer = model:ask(prompt)
    end
  end)
  if not well then return { false, 0, tostring(problem) } end
  return { #answer.text == size and (form ~= "stream" or table.concat(text) == answer.text), answer.elapsed }
end) do
  if got[1] then right = right + 1 end
  slowest, failed = math.max(slowest, got[2]), failed or got[3]
end
print(fellowship.json.encode { right = right, slowest = slowest, failed = failed })
"""


def answers():
    """nginx's locations: /SIZE/DELAY/, whole or as events, when the request has been read."""
    found = []
    for size in SIZES:
        step = size // EVENTS
        for delay in DELAYS:
            start = f"echo_read_request_body; echo_sleep {delay / 1000};"
            found.append(f"""location = /{size}/{delay}/whole/v1/chat/completions {{ {start}
                echo -n '{{"choices":[{{"index":0,"message":{{"role":"assistant","content":"';
                echo_duplicate {size} x; echo -n '"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":1,"completion_tokens":1}}}}'; }}""")
            event = f"""echo -n 'data: {{"choices":[{{"index":0,"delta":{{"content":"'; echo_duplicate {step} x;
                echo '"}}}}]}}'; echo; echo_flush;"""
            found.append(f"""location = /{size}/{delay}/stream/v1/chat/completions {{ default_type text/event-stream; {start}
                {event * EVENTS} echo 'data: {{"choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}]}}'; echo;
                echo 'data: [DONE]'; echo; }}""")
    return "\n".join(found)


def ask(url, cert, calls, at_a_time, size, form="whole", filler=0):
    """(what the script printed, how the run ended)"""
    with host.Scratch(url, SSL_CERT_FILE=cert, FELLOWSHIP_RETRY_SCALE="0.1") as scratch:
        scratch.write("ask.lua", ASK)
        scratch.write("models.lua", MODELS)
        try:
            result = scratch.run("--models", "models.lua", "--concurrency", at_a_time, "ask.lua", calls, size, form, filler,
                                 timeout=ENDLESS)
        except RuntimeError as hang:
            return {"hangs": str(hang)}, None
        return (json.loads(result.out.splitlines()[-1]) if result.out else {"died": result.err}), result


def whole(got, calls, name):
    tap.diag(f"{name}: the slowest took {got.get('slowest', 0):.1f} s")
    return tap.equal((got.get("right"), got.get("failed")), (calls, None), f"{name}: each answer came whole") or tap.diag(got)


def sizes_of(cert, http2, cells):
    """Each cell: answers of a size, after a delay, so many at a time, whole or as a stream."""
    protocol = "HTTP/2.0" if http2 else "HTTP/1.1"
    with Nginx(answers(), cert, http2) as server:
        asked = 0
        for size, delay, at_a_time, calls, form in cells:
            name = f"{protocol}: {size} B after {delay} ms, {at_a_time} at a time, {form}"
            if not WANTED.search(name):
                continue
            size_sent = size if form == "whole" else size // EVENTS * EVENTS
            got, _ = ask(f"{server.secure}/{size}/{delay}/{form}/v1", cert, calls, at_a_time, size_sent, form)
            whole(got, calls, name)
            asked += calls
        host.until(lambda: len(server.requests()) >= asked, 60)
        requests = server.requests()
        tap.equal(len(requests), asked, f"{protocol}: nothing was asked twice")
        tap.equal({request[1] for request in requests} - {protocol}, set(), f"{protocol} was spoken")


def cells():
    if WHOLE:
        # A megabyte 512 times at once is half a gigabyte of text: fewer will do.
        return [(size, delay, n, min(2 * n, 4 * 10**8 // size) if n > 1 else 3, form)
                for size in SIZES for delay in DELAYS for n in (1, 4, 32, 128, 512) for form in ("whole", "stream")]
    return [(4400, 50, 1, 3, "whole"), (1000, 0, 64, 200, "whole"), (4400, 50, 16, 100, "whole"), (2000, 0, 512, 800, "whole"),
            (30000, 50, 32, 100, "whole"), (1000000, 0, 8, 24, "whole"), (100000, 500, 64, 64, "whole"),
            (4400, 50, 1, 2, "stream"), (4400, 0, 64, 200, "stream"), (1000000, 50, 8, 16, "stream"), (30000, 50, 128, 200, "stream")]


def sizes():
    need_nginx()
    with tempfile.TemporaryDirectory(prefix="h2-") as folder:
        cert = h2_server.certificate(folder)
        sizes_of(cert, True, cells())
        sizes_of(cert, False, cells() if WHOLE else cells()[2:6:3])


# What a server does with its streams: rules, address, calls, at a time, form, filler of the request; whether a call may
# be asked again, and so often.
SERVERS = {
    "some answers wait while large ones come": ({}, "size=30000,slow=300", 60, 16, "whole", 0),
    "larger than any buffer": ({}, "size=120000,slow=300", 60, 32, "whole", 0),
    "larger than any buffer, in two events": ({}, "size=120000,slow=300,pieces=2", 60, 32, "stream", 0),
    "frames by turns": ({"wave": 8}, "size=30000,frame=1000", 64, 16, "whole", 0),
    "frames of 20 bytes": ({}, "size=2000,frame=20", 32, 8, "whole", 0),
    "an interim answer, and trailers": ({}, "size=4400,hints=1,trailers=1", 16, 8, "whole", 0),
    "a head of 15 KB": ({}, "size=4400,head=15000,slow=200", 16, 4, "whole", 0),
    "long requests": ({}, "size=1000", 24, 8, "whole", 150000),
    "long requests that may only come slowly": ({"slow": 20}, "size=1000", 12, 4, "whole", 150000),
    "long requests that may only come slowly, large answers": ({"slow": 20}, "size=70000,slow=200", 12, 4, "whole", 150000),
    "a connection takes 10 requests": ({"goaway": 10}, "size=4400,ms=20", 60, 8, "whole", 0),
    "streams are refused": ({"reset": [5, "refused", "before"]}, "size=4400,ms=20", 30, 4, "whole", 0),
}
# Where a part of the answers is lost, a call is asked again.
BREAKING = {
    "streams are reset before their answer": ({"reset": [7, "internal", "before"]}, "size=4400", 20, 4, "whole", 0),
    "streams are reset in their answer": ({"reset": [7, "cancel", "middle"]}, "size=40000", 20, 4, "whole", 0),
    "streams are reset in their answer, streamed": ({"reset": [7, "cancel", "middle"]}, "size=40000", 20, 4, "stream", 0),
    "a connection is reset": ({"drop": 10}, "size=4400,ms=20", 30, 4, "whole", 0),
    "a connection is closed while calls are under way": ({"close": 10}, "size=4400,ms=20", 30, 8, "whole", 0),
}


def need_h2():
    if subprocess.run(["/usr/bin/python3", "-c", "import h2"], stderr=subprocess.DEVNULL).returncode:
        raise tap.Skip("Debian's python3-h2 is not installed")


def served(cert, name, case, again):
    rules, address, calls, at_a_time, form, filler = case
    if WHOLE:
        calls *= 4
    with H2Server(cert, rules) as server:
        size = int(address.split(",")[0].split("=")[1])
        got, _ = ask(server.url(address), cert, calls, at_a_time, size, form, filler)
        counts = server.counts()
    whole(got, calls, name)
    if again:
        tap.ok(calls <= counts["requests"] <= 2 * calls, f"{name}: asked again where nothing came", counts)
    else:
        tap.equal(counts["requests"] - (counts["reset"] if "reset" in rules else 0), calls, f"{name}: nothing was asked twice")
    tap.ok("broken" not in counts, f"{name}: the server has nothing to complain of", counts)


def streams():
    need_h2()
    with tempfile.TemporaryDirectory(prefix="h2-") as folder:
        cert = h2_server.certificate(folder)
        for cases, again in ((SERVERS, False), (BREAKING, True)):
            for name in filter(WANTED.search, cases):
                served(cert, name, cases[name], again)


def endings():
    """nginx ends a connection after so many requests, with GOAWAY."""
    need_nginx()
    with tempfile.TemporaryDirectory(prefix="h2-") as folder:
        cert = h2_server.certificate(folder)
        for http2 in (True, False):
            with Nginx(answers(), cert, http2, keepalive_requests=20) as server:
                got, _ = ask(f"{server.secure}/4400/50/whole/v1", cert, 200, 16, 4400)
                name = "HTTP/2" if http2 else "HTTP/1.1"
                whole(got, 200, f"{name}: connections that end after 20 requests")
                host.until(lambda: len(server.requests()) >= 200, 60)
                tap.equal(len(server.requests()), 200, f"{name}: and nothing is asked twice")
        with Nginx(answers(), cert, more="http2_max_concurrent_streams 2;") as server:
            got, _ = ask(f"{server.secure}/4400/50/whole/v1", cert, 64, 16, 4400)
            whole(got, 64, "HTTP/2: two streams at a time on a connection")


host.need_program()
tap.cases(sizes, streams, endings)
