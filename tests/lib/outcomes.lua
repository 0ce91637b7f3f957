-- What adapters make of answers, in a few words: for tests of what servers say.

local tap = require "tap"
local json = require "fellowship.core.json"
local quirks = require "fellowship.provider.quirks"
local streams = require "fellowship.provider.stream"

local outcomes = {}

local adapters = {}
for _, name in ipairs { "openai", "anthropic", "gemini", "ollama", "responses" } do
  adapters[name] = require("fellowship.provider." .. name)
end

-- A provider whose quirks say nothing of its own, by the adapter.
local PLAIN = { openai = "vllm", responses = "openai" }

local function how_of(name)
  return { quirks = quirks.of(PLAIN[name] or name, "m"), params = {} }
end

--- An outcome in words: "text (end, tokens) thought ..."; or what went wrong, and what is done about it.
---@param o table
---@return string
function outcomes.words(o)
  local c = o.completion
  if c then
    return ("%s (%s, %s)%s"):format(c.text, tostring(c.finish_reason), tostring(c.usage.completion_tokens),
      c.reasoning and " thought " .. c.reasoning or "")
  end
  return o.verdict .. " " .. o.kind .. (o.fatal and " fatal" or "") .. (o.stored and " kept" or "")
    .. (o.hint and (" after %g s"):format(o.hint) or "") .. (o.tries and (" %d tries"):format(o.tries) or "")
end

--- Holds a whole answer to what it means.
---@param name string the adapter
---@param status integer
---@param body any a text, or what is written as JSON
---@param want string
---@param headers? table<string, string>
function outcomes.whole(name, status, body, want, headers)
  local text = type(body) == "string" and body or json.encode(body)
  local o = adapters[name].classify(status, function(header) return headers and headers[header] end, text, how_of(name))
  tap.is(outcomes.words(o), want, ("%s %d %s"):format(name, status, text:gsub("%c", " "):sub(1, 90)))
end

--- What a listener has heard of a stream at its end, and the outcome, where the network gives so many bytes at a time.
local function read(name, body, step)
  local adapter, how, heard = adapters[name], how_of(name), ""
  local reader = streams.reader(adapter, how)
  local function take(...)
    local new, anew = reader:take(...)
    heard = anew and new or heard .. new
  end
  for i = 1, #body, step do take(body:sub(i, i + step - 1)) end
  take("", true)
  return heard, reader:outcome(function(value) return adapter.meaning(200, function() end, value, how) end)
end

--- Holds a stream to what it means, in pieces of one byte, of seven, and in one.
---@param name string the adapter
---@param body string
---@param want string
---@param said? string what a listener hears
function outcomes.stream(name, body, want, said)
  local wrong = {}
  for _, step in ipairs { 1, 7, #body + 1 } do
    local heard, o = read(name, body, step)
    if outcomes.words(o) ~= want or said and heard ~= said then
      wrong[#wrong + 1] = ("by %d: %s, heard %q, not %s, %q"):format(step, outcomes.words(o), heard, want, said or "")
    end
  end
  tap.is(table.concat(wrong, "; "), "", ("%s stream %s"):format(name, body:gsub("%c+", " "):sub(-100)))
end

return outcomes
