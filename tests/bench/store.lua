#!/usr/bin/env fellowship
-- Makes a store of generated completions for tests/bench/store.py: store.lua FILE COUNT [FIRST]
-- Each is that of a judge: a request of some 800 bytes, the body as sent, an answer of some 500.

local core = require "fellowship.core.store"
local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"

local words = {}
for word in ([[the answer response question model because better clear concise wrong right number example reason first
  second detail complete short long prompt score assistant compares explains names leaves gives says points step fact claim
  evidence style tone list city river year people work system result value]]):gmatch "%w+" do words[#words + 1] = word end

local function text(n)
  local list = {}
  for i = 1, n do list[i] = words[math.random(#words)] end
  return table.concat(list, " ")
end

local KEYS = { "key", "request", "wire", "completion", "created" }
local MODELS = { "gemma-2-9b-it", "llama-3.1-8b", "gpt-4o" }

local function line(number)
  local model = MODELS[number % 3 + 1]
  local messages = { { role = "user", content = ("Compare %d. %s"):format(number, text(120)) } }
  local request = { endpoint = "together", provider = "together", model = model, messages = messages,
    params = { temperature = 0 }, sample = 1, v = 1 }
  local completion = { text = ("Fine. %s\n\n### Score Assistant A:\n7/10"):format(text(70)), finish_reason = "stop",
    model = model, usage = { prompt_tokens = 200, completion_tokens = 90 }, attempts = 1, elapsed = 0.5 }
  local asked = json.canonical(request)
  return json.encode(json.object({ key = sys.hex(sys.sha256(asked)), request = json.decode(asked),
    wire = { model = model, messages = messages, temperature = 0 }, completion = completion,
    created = 1700000000000 + number * 7 }, KEYS)) .. "\n"
end

local path, count, first = arg[1], math.tointeger(arg[2]), math.tointeger(arg[3] or 0)
local store = assert(core.open { path = path })
local GROUP = 500
local putting
for from = first, first + count - 1, GROUP do
  local lines = {}
  for number = from, math.min(from + GROUP, first + count) - 1 do lines[#lines + 1] = line(number) end
  if putting then putting:await() end
  putting = task.spawn(function()
    local added, known = store:import(table.concat(lines))
    if not added then error(known.message) end
  end)
end
if putting then putting:await() end
store:close()
