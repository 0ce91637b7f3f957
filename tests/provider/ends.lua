#!/usr/bin/env fellowship
-- Where a streamed answer ends: what servers say of it, and what they leave out. A stream that was cut is never whole.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local json = require "fellowship.core.json"
local openai = require "fellowship.provider.openai"
local gemini = require "fellowship.provider.gemini"
local quirks = require "fellowship.provider.quirks"
local streams = require "fellowship.provider.stream"

local how = { quirks = quirks.of("vllm", "m"), params = {} }
local none = function() return nil end

local function d(content, finish, more)
  local chunk = { model = "m", choices = { { index = 0, delta = { content = content }, finish_reason = finish or json.null } } }
  for name, value in pairs(more or {}) do chunk[name] = value end
  return chunk
end

local USAGE = { model = "m", choices = json.array {}, usage = { prompt_tokens = 3, completion_tokens = 4 } }

--- What a stream of chunks means: its text and end, or the kind of what is wrong with it.
local function read(chunks, adapter)
  local reader = streams.reader(adapter or openai, how)
  local said = ""
  for _, chunk in ipairs(chunks) do
    local new, anew = reader:take("data: " .. (type(chunk) == "string" and chunk or json.encode(chunk)) .. "\n\n")
    said = (anew and "" or said) .. new
  end
  reader:take("", true)
  local outcome = reader:outcome(function(whole) return (adapter or openai).meaning(200, none, whole, how) end)
  if not outcome.completion then return outcome.kind end
  tap.is(said, outcome.completion.text, "what was shown is the text")
  return ("%s (%s)"):format(outcome.completion.text, tostring(outcome.completion.finish_reason))
end

for _, case in ipairs {
  { "an end of its own", { d "One ", d "two", d("", "stop"), "[DONE]" }, "One two (stop)" },
  { "without [DONE]", { d "One ", d "two", d("", "stop") }, "One two (stop)" },
  { "with the last piece", { d "One ", d("two", "length") }, "One two (length)" },
  { '"" is no end', { d("One ", ""), d("two", "") }, "garbage" },
  { '"" and then one', { d("One ", ""), d("two", ""), d("", "stop") }, "One two (stop)" },
  { "[DONE] alone", { d "One ", d "two", "[DONE]" }, "One two (nil)" },
  { "[DONE] and nothing", { "[DONE]" }, "garbage" },
  { "[DONE] and no text", { d "", "[DONE]" }, "empty" },
  { '"stop" in every chunk, cut', { d("One ", "stop"), d("two", "stop") }, "garbage" },
  { '"stop" in every chunk, cut after one', { d("One ", "stop") }, "garbage" },
  { '"stop" in every chunk, and [DONE]', { d("One ", "stop"), d("two", "stop"), "[DONE]" }, "One two (stop)" },
  { "more behind an end", { d "One ", d("two", "stop"), d " three" }, "garbage" },
  { "one piece and the usage", { d("One", "stop"), USAGE }, "One (stop)" },
  { "one piece and [DONE]", { d("One", "stop"), "[DONE]" }, "One (stop)" },
  { "the usage before the end", { d "One ", USAGE, d "two" }, "garbage" },
  { "usage in every chunk", { d("One ", nil, { usage = { prompt_tokens = 3 } }), d("two", nil, { usage = { prompt_tokens = 3 } }) }, "garbage" },
  { "nothing", {}, "garbage" },
  { "an error", { d "One ", { error = { code = 502, message = "x" } } }, "server" },
  { "an error in a choice", { d "One ", { choices = { { delta = { content = "" }, finish_reason = "error", error = { code = 429, message = "x" } } } }, "[DONE]" }, "rate_limit" },
  { "an error without choices, in fields of its own", { { choices = json.null, error_type = "BadRequestError", error_message = "prompt is too long" } }, "context_length" },
  { "a plain answer as an event", { { choices = { { message = { content = "One two" }, finish_reason = "stop" } } }, "[DONE]" }, "One two (stop)" },
  { "parts", { d { { type = "thinking", thinking = { { type = "text", text = "Hm." } } } }, d { { type = "text", text = "One " } }, d("two", "stop") }, "One two (stop)" },
  { "a first piece without a text", { { choices = { { delta = { role = "assistant" } } } }, d "One", d("", "stop") }, "One (stop)" },
} do
  tap.is(read(case[2]), case[3], case[1])
end

local function g(text, finish)
  return { candidates = { { content = { parts = { { text = text } } }, finishReason = finish } } }
end
tap.is(read({ g "One ", g("two", "STOP") }, gemini), "One two (stop)", "Gemini")
tap.is(read({ g "One " }, gemini), "garbage", "Gemini, cut")

tap.done()
