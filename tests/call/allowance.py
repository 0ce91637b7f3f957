#!/usr/bin/env python3
"""Limits that servers tell of on good answers: kept to, where they are of a minute; and not where they are not."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import tap
from rate_server import RateServer
from stub_server import Stub

SCRIPT = """
local fellowship = require "fellowship"
local model, rows = fellowship.model(arg[1]), {}
for i = 1, %d do rows[i] = i end
for _ in fellowship.map(rows, function(i) return model:ask("call " .. i).text end) do end
local _, rate = require "fellowship.call.endpoint".gate(model):pace()
print(require("cjson").encode { rate = math.floor(rate + 0.5) })
"""


def asked(url, calls, entry="", **environment):
    with host.Scratch(url, FELLOWSHIP_RETRY_SCALE="0.1", **environment) as scratch:
        scratch.write("ask.lua", SCRIPT % calls)
        scratch.write("models.lua", 'return { bound = { model = "openai:m", %s } }' % entry)
        result = scratch.run("--models", "models.lua", "--concurrency", "32", "ask.lua", "bound")
        if result.status:
            raise RuntimeError(str(result))
        return result.summary["rate"]


def openai():
    refused = {}
    for headers in ("", "openai"):
        with RateServer(rate=50, headers=headers) as server:
            rate = asked(server.url, 200)
            refused[headers] = sum(pair[1] for _, pair in server.counts())
            if headers:
                tap.equal(rate, 3000, "x-ratelimit-limit-requests of a minute is taken for what it is")
    tap.ok(refused["openai"] < refused[""], f"fewer calls are refused: {refused}")
    with RateServer(rate=50, headers="openai") as server:
        tap.equal(asked(server.url, 60, "requests_per_minute = 2000"), 2000, "what --models gives stays")


def others():
    with RateServer(rate=600, headers="second") as server:
        tap.equal(asked(server.url, 200), 0, "a limit of a second is not taken for one of a minute")
    for name, headers, want in (
            ("a day's", {"x-ratelimit-limit-requests": "14400", "x-ratelimit-remaining-requests": "14370",
                         "x-ratelimit-reset-requests": "2m59.56s"}, 0),
            ("nonsense", {"x-ratelimit-limit-requests": "many", "x-ratelimit-remaining-requests": "-1",
                          "x-ratelimit-reset-requests": "soon"}, 0),
            ("Anthropic's", {"anthropic-ratelimit-requests-limit": "4000"}, 4000)):
        with Stub(rules=[{"contains": "call", "headers": headers}]) as server:
            tap.equal(asked(server.url, 40), want, f"{name}: {want or 'no'} bound")


host.need_program()
tap.cases(openai, others)
