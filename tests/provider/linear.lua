#!/usr/bin/env fellowship
-- No text of a server or a model makes an adapter slower than linear: floods of what models fall into, and of what our
-- patterns look for, in each place where a text can stand, whole and streamed.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local growth = require "growth"
local tap = require "tap"
local json = require "fellowship.core.json"
local provider = require "fellowship.provider"
local quirks = require "fellowship.provider.quirks"
local learn = require "fellowship.provider.learn"
local streams = require "fellowship.provider.stream"

local UNITS = { " ", "\n", "#", "{", "<", "<a", "[", "a", "_", ".", "1", "```", "<think>", "</think>", "'low'", "(", "wait ", "-", ",", "%" }
local none = function() return nil end
local SMALL, LARGE = 8000, 64000

-- Each takes a text and does with it what a server's answer would.
local places = {}

for _, name in ipairs { "openai", "anthropic", "gemini", "ollama", "openai-responses" } do
  local who = provider.find(name)
  local adapter = require(who.adapter)
  local function how() return { quirks = quirks.of(who, "m"), params = {} } end
  places[name .. ", an error's message"] = function(text)
    local outcome = adapter.classify(400, none, json.encode { error = { message = text, type = text, code = text } }, how())
    if outcome.said then learn(quirks.of(who, "m"), outcome, { messages = {}, params = { reasoning_effort = "low", temperature = 0 }, schema = {} }) end
  end
  places[name .. ", a body that is no JSON"] = function(text) adapter.classify(502, none, "<html>" .. text, how()) end
  places[name .. ", headers"] = function(text) adapter.classify(429, function() return text end, "{}", how()) end
  places[name .. ", a list of complaints"] = function(text)
    adapter.classify(422, none, json.encode { detail = { { loc = { "body", text }, msg = text } } }, how())
  end
  places[name .. ", a stream"] = function(text)
    local reader = streams.reader(adapter, how())
    for at = 1, #text, 100 do reader:take("data: " .. text:sub(at, at + 99)) end
    reader:take("", true)
  end
end

local ANSWERS = {
  openai = function(text) return { choices = { { message = { content = text }, finish_reason = "stop" } } } end,
  anthropic = function(text) return { content = { { type = "text", text = text } }, stop_reason = "end_turn" } end,
  gemini = function(text) return { candidates = { { content = { parts = { { text = text } } }, finishReason = "STOP" } } } end,
  ollama = function(text) return { message = { content = text }, done = true } end,
  ["openai-responses"] = function(text) return { output = { { type = "message", content = { { type = "output_text", text = text } } } }, status = "completed" } end,
}
for name, make in pairs(ANSWERS) do
  local who = provider.find(name)
  local adapter = require(who.adapter)
  places[name .. ", an answer"] = function(text)
    adapter.classify(200, none, json.encode(make(text)), { quirks = quirks.of(who, "m"), params = {} })
  end
end

for name, fn in pairs(places) do
  local slow = {}
  for _, unit in ipairs(UNITS) do
    local problem = growth.of_text(fn, unit, SMALL, LARGE)
    if problem then slow[#slow + 1] = ("%q: %s"):format(unit, problem) end
  end
  tap.is(table.concat(slow, "; "), "", name)
end

tap.done()
