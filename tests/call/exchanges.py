#!/usr/bin/env python3
"""The primitive of HTTP by itself: what is closed while it is used, headers and addresses that must not be sent to,
clocks, and answers with heads that are too large."""

import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from provider_server import Answer, Provider

PRELUDE = """
local http, task = require "fellowship.core.http", require "fellowship.core.task"
local url = ...
local function target(more)
  local options = { url = url .. "/v1" }
  for name, value in pairs(more or {}) do options[name] = value end
  return http.target(options)
end
local function try(f, ...)
  local well, problem = pcall(f, ...)
  print(well and "well" or (tostring(problem):gsub("^[^ ]*:%d+: ", "")))
end
"""


def said(answer, script, *arguments, **environment):
    """The lines that a script prints, and the requests that the server got."""
    with Provider(answer if callable(answer) else lambda request: answer) as server, host.Scratch(**environment) as scratch:
        scratch.write("s.lua", PRELUDE + script)
        result = scratch.run("s.lua", server.url, *arguments, timeout=60)
        if result.status:
            raise RuntimeError(str(result))
        return result.out.splitlines(), server.requests


def slowly(seconds, body="{}"):
    return lambda request: (time.sleep(seconds), Answer(body))[1]


def when_told(request, told=threading.Event()):
    """Answers when another request has said "go"."""
    if request.body == "go":
        told.set()
    told.wait(60)
    return Answer("{}")


def closed():
    """What a call uses stays until it ends; what is closed says so; a scope's end is quiet."""
    out, requests = said(when_told, """
local t, b = target(), http.body()
b:add('"', ("x"):rep(5000000), '"')
local call = task.spawn(function() return t:send(b) end)
task.sleep(0)
try(b.close, b)
try(t.close, t)
try(b.add, b, "more")
do
  local _ <close> = t
  local _ <close> = b
end
try(t.send, t, "1")
try(b.add, b, "more")
target():send '"go"'
print(call:await().status)
local gone
do local u <close> = target(); gone = u end
try(gone.send, gone, "1")
try(gone.stream, gone, "1")
try(gone.redact, gone, "1")
local s = target():stream "1"
local t3 = target()
local s3 = t3:stream "1"
try(t3.close, t3)
s3:close()
try(s3.read, s3)
try(s3.head, s3)
try(s3.close, s3)
try(t3.close, t3)
""")
    tap.equal(out[:5], ["the body is being sent", "a call goes to the target", "the body was sent", "the target is closed",
                        "the body is closed"], "while a call is under way")
    tap.equal(out[5:9], ["200"] + ["the target is closed"] * 3, "it ends as if nothing had been closed")
    tap.equal(out[9:], ["a call goes to the target", "the stream is closed", "the stream is closed", "the stream is closed", "well"],
              "a stream holds its target until it is closed")
    tap.equal(max(len(request.body) for request in requests), 5000000, "the body arrived whole")


def cancelled():
    """A cancelled call lets go of what it used."""
    out, _ = said(slowly(2), """
local t, b = target(), http.body()
b:add "1"
local call = task.spawn(function() return t:send(b) end)
task.sleep(0.2)
call:cancel()
task.sleep(0)
try(t.close, t)
try(b.close, b)
""")
    tap.equal(out, ["well", "well"], "target and body can be closed")


def two_readers():
    out, _ = said(Answer(parts=["one ", "two"], pause=0.3), """
local s = target():stream "1"
local first = task.spawn(function() return s:read() end)
local second = task.spawn(function() return s:read() end)
print(select(2, pcall(second.await, second)))
local text = first:await()
for piece in s.read, s do text = text .. "|" .. piece end
print((text:gsub("|", "")))
""")
    tap.contains(out[0], "another task reads this stream", "a second reader is refused")
    tap.equal(out[1:], ["one two"], "the first one, and who comes later, read on")


def headers():
    """No header makes two: neither of the script, nor of the environment."""
    out, requests = said(Answer("{}"), """
for _, header in ipairs { { "X-A", "1\\r\\nX-Injected: yes" }, { "X-A", "1\\nX-Injected: yes" }, { "X-A: 1\\r\\nX-Injected", "yes" },
  { "X-A", "1\\0" }, { "", "1" }, { "X A", "1" }, { "X-A", "\\127" }, { "X-A", "\\1" } } do
  local t, problem = target { headers = { header } }
  print(t == nil and problem.kind, t == nil and problem.message)
end
local t = target { headers = { { "X-Tab", "a\\tb" }, { "X-Empty", "" }, { "X-Latin", "caf\\xE9" } } }
print(t:send "1".status)
""")
    tap.equal([line.split("\t")[0] for line in out[:8]], ["usage"] * 8, "headers that would be two lines, or none, are refused")
    tap.contains(out[0], "X-A", "the message names the header")
    tap.ok(not any("Injected" in line for line in out), "and not its value")
    sent = requests[0].headers if requests else {}
    tap.equal((sent.get("x-tab"), sent.get("x-empty"), sent.get("x-latin")), ("a\tb", "", "caf\xe9"), "others arrive as they are")


def homes():
    """The key goes to one scheme, host and port, as libcurl reads the address."""
    script = """
local port = url:match "%d+$"
local function to(place, home)
  local t, problem = http.target { url = place, home = home or url, auth = { env = "K", header = "X-Key" } }
  print(t and t:send "1".status or problem.kind)
end
to(url .. "/v1/x?y#z")
to("HTTP://127.0.0.1:" .. port .. "/")
to(url .. "@127.0.0.2:" .. port .. "/")
to("http://127.0.0.1.example:" .. port .. "/")
to("http://127.0.0.1\\\\@127.0.0.2:" .. port .. "/")
to("https://127.0.0.1:" .. port .. "/")
to("http://127.0.0.1:1/")
to(url, "no address")
try(http.target, { url = url, auth = { env = "K", header = "X-Key" } })
"""
    out, requests = said(Answer("{}"), script, K="k" * 20)
    tap.equal(out[:2], ["200", "200"], "home, however it is written")
    tap.equal(out[2:8], ["usage"] * 6, "no other host, scheme or port")
    tap.contains(out[8], "auth wants home", "a key without a home is sent nowhere")
    tap.equal([request.headers.get("x-key") for request in requests], ["k" * 20] * 2, "and two requests held the key")


# The loop stands still, whether a script computes or waits in the system; this takes no CPU of the server's.
STAND = "os.execute 'sleep 2.5'\n"


def clocks():
    """What a script computes meanwhile is no silence of the server."""
    out, _ = said(lambda request: slowly(5 if request.body == "late" else 0.4)(request), STAND + """
local a, e = target():send("1", { first = 2 })
print(a and a.status or e.message)
local call = task.spawn(function() return target():send("1", { first = 2 }) end)
task.sleep(0.05)
""" + STAND + """
local a, e = call:await()
print(a and a.status or e.message)
local a, e = target():send('"late"', { first = 0.2 })
print(a and a.status or e.message)
local a, e = target():send("1", { connect = 0, total = 1e9 })
print(a and a.status or e.message)
""")
    tap.equal(out, ["200", "200", "no answer began within 0.2 s", "200"],
              "computing before a call and during it counts for nothing; silence does")


def large_heads():
    """Heads over the bounds are told as that, and cost no more than their calls: 80 of them are more than there are parts
    of the client."""
    big = {"X-Big": "a" * 120000}
    many = {f"X-{i}": "b" * 1000 for i in range(40)}
    number = iter(range(10**6))
    out, _ = said(lambda r: Answer("{}", headers=big) if next(number) < 80 else Answer("{}"), """
for i = 1, 80 do
  local a, e = target():send "1"
  if i == 80 then print(a and a.status or e.kind .. ": " .. e.message) end
end
for _ = 1, 5 do print(target():send "1".status) end
""")
    tap.equal(out, ["broken: the answer has a header of more than 100 KB, or memory ran out"] + ["200"] * 5,
              "one line that libcurl does not take")
    out, _ = said(Answer("{}", headers=many), 'local a, e = target():send "1"\nprint(a and a.status or e.kind .. ": " .. e.message)')
    tap.equal(out, ["too_large: the answer's head is larger than 32768 bytes"], "many lines")
    out, _ = said(Answer("x" * 100), 'local a, e = target():send("1", { max_body = 10 })\nprint(e.kind .. ": " .. e.message)')
    tap.equal(out, ["too_large: the answer is larger than 10 bytes"], "a body is not taken for a head")


host.need_program()
tap.cases(closed, cancelled, two_readers, headers, homes, clocks, large_heads)
