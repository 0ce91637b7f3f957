#!/usr/bin/env python3
"""Files of --models and --prompts reach settings and adapters, and no files, programs or code beside; what they change
of Lua's libraries they change for themselves."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import host
import provider_server as p
import tap
from provider_server import Answer, Provider

OUT_OF_REACH = ["io.open('made', 'w')", "io.popen('touch made')", "os.execute('touch made')", "os.rename('kept', 'made')", "os.remove('kept')",
                "os.exit(0)", "load('return 1')", "loadfile('kept')", "package.loadlib('x', '*')",
                "debug.getregistry()", "getmetatable('').__index.open", "require('fellowship.core.sys')",
                "require('fellowship').rows('kept')", "require('cjson')", "require 'fellowship.provider.x.y'", "_G.io.open('made', 'w')"]
ASK = 'print(require "fellowship".model(arg[1]):ask("a question").text)'
# A dialect of its own, with a function that is called long after the file was read.
OWN = """
local failure = require "fellowship.provider.failure"
local fellowship = require "fellowship"
string.rep = nil
math.floor = function() return 7 end
local own = {}
function own.build(name, messages)
  local reached = pcall(function() return io.open("kept") end)
  return "/own", { model = name, prompt = messages[1].content, reached = reached, var = os.getenv "A_VARIABLE" }
end
function own.classify(status, header, text)
  local value = fellowship.json.decode(text)
  if status ~= 200 then return failure.outcome(status, header, value) end
  return { verdict = "done", completion = { text = value.said:upper() } }
end
fellowship.provider { name = "own", adapter = own, url = os.getenv "URL" }
return { [("short"):lower()] = { model = "own:m" } }
"""


def out_of_reach():
    with host.Scratch() as scratch:
        scratch.write("ask.lua", ASK)
        scratch.write("kept", "return {}")
        scratch.write("outer.lua", "return dofile 'settings.lua'")
        for text in OUT_OF_REACH:
            for option in ("models", "prompts"):
                scratch.write("settings.lua", f"local x = {text}\nreturn {{}}")
                result = scratch.run(f"--{option}", "settings.lua", "ask.lua", "sim:m")
                tap.equal((result.status, (scratch / "made").exists(), (scratch / "kept").exists()), (2, False, True), f"--{option}: {text}")
                tap.contains(result.err, [f"--{option}: settings.lua:1:", "not in reach of a file of settings"], "which says so")
                tap.lacks(result.err, ["stack traceback"], "in a line")
        result = scratch.run("--models", "outer.lua", "ask.lua", "sim:m")
        tap.equal(result.status, 2, "nor through another file")
        tap.contains(result.err, ["not in reach of a file of settings"], "which says so")


def own_provider():
    with Provider(lambda r: Answer({"said": "there"})) as server, host.Scratch(URL=server.url, A_VARIABLE="seen") as scratch:
        scratch.write("ask.lua", ASK + ' print(("x"):rep(3), math.floor(1.5))')
        scratch.write("models.lua", OWN)
        result = scratch.run("--models", "models.lua", "ask.lua", "short")
        tap.equal((result.status, result.out), (0, "THERE\nxxx\t1\n"), "a provider of one's own; the script's libraries are whole") or tap.diag(result.err)
        bodies = [r.body for r in server.requests]
        tap.equal(bodies, [{"model": "m", "prompt": "a question", "reached": False, "var": "seen"}], "its functions reach no more later")


host.need_program()
tap.cases(out_of_reach, own_provider)
