#!/usr/bin/env fellowship
-- The short ways of reading streams give what the long ones do: events cut in C, and chunks that say no more than a text,
-- over random texts and chunks.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local json = require "fellowship.core.json"
local core = require "fellowship.core.events"
local events = require "fellowship.provider.events"
local openai = require "fellowship.provider.openai"
local streams = require "fellowship.provider.stream"

local is, ok = tap.is, tap.ok

local function any(list) return list[math.random(#list)] end

-- ---- events ----

--- The standard's words, of a whole text at once.
local function by_the_standard(text)
  local list, name, data = {}, nil, {}
  local function close()
    if data[1] then list[#list + 1] = ("%s=%s"):format(name or "-", table.concat(data, "\n")) end
    name, data = nil, {}
  end
  text = text:gsub("^\xef\xbb\xbf", ""):gsub("\r\n", "\n"):gsub("\r", "\n")
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local field, value = line:match "^([^:]*):? ?(.*)$"
    if line == "" then close()
    elseif field == "event" then name = value
    elseif field == "data" then data[#data + 1] = value end
  end
  close()
  return table.concat(list, "|")
end

local function cut(text, most)
  local read, list, at = events.sse(), {}, 1
  local function take(...)
    for _, event in ipairs(read(...)) do list[#list + 1] = ("%s=%s"):format(event.name or "-", event.data) end
  end
  while at <= #text do
    local n = math.random(most)
    take(text:sub(at, at + n - 1))
    at = at + n
  end
  take("", true)
  return table.concat(list, "|")
end

local PARTS = { "data: ", "data:", "data", "event: ", "event:", "event", ": keep-alive", "id: 7", "retry: 1", "dat", "a", "bc",
  " ", ":", "\n", "\n", "\n\n", "\n\n", "\r", "\r\n", "\r\n\r\n", "\xef\xbb\xbf", "\0", "\xff" }

do
  local wrong = {}
  for _ = 1, 4000 do
    local parts = {}
    for i = 1, math.random(0, 24) do parts[i] = any(PARTS) end
    local text = table.concat(parts)
    local want, got = by_the_standard(text), cut(text, any { 1, 2, 5, 40 })
    if got ~= want then wrong[#wrong + 1] = ("%q: %q, not %q"):format(text, got, want) end
  end
  is(table.concat(wrong, "\n", 1, math.min(#wrong, 3)), "", "events, however the bytes are parted")
end

do
  local plan = json.plan({ "t", "n" }, { "x" })
  local cutter = core.cutter()
  local function told(...)
    local list = {}
    for i, event in ipairs(cutter:take(...)) do
      list[i] = event.text and ("%s %s"):format(event.text, tostring(event[2])) or event.data
    end
    return table.concat(list, "|")
  end
  local function ev(text) return "data: " .. text .. "\n\n" end
  is(told(ev '{"t":"a","n":1}' .. ev '{"t":"b","n":1,"x":2}' .. ev '{"t":"c"}' .. ev '{"t":"d"}', false, plan), "ab 1|cd nil",
    "events that differ in a text alone are one")
  is(told(ev '{"t":"a","no":1}' .. ev '{"t":""}' .. ev '{"t":5}' .. ev "[1]" .. ev '{"t":"a",' .. "event: e\n" .. ev '{"t":"a"}',
    false, plan), '{"t":"a","no":1}|{"t":""}|{"t":5}|[1]|{"t":"a",|{"t":"a"}', "all others are not")
  is(cutter:take(ev '{"t":"a"}' .. ev '{"t":"b"}', false, plan)[1].data, '{"t":"a"}\n{"t":"b"}', "with the data of each")
  ok(not pcall(cutter.take, cutter, "data: 1\n\n", false, {}), "a plan is a plan")
end

do
  local cutter = core.cutter()
  is(#cutter:take "data: a\n\ndata: b\n\ndata: c", 2, "two are whole")
  cutter:close()
  ok(not pcall(cutter.take, cutter, ""), "a closed cutter takes nothing")
end

-- ---- chunks ----

local O, A, N = json.object {}, json.array {}, json.null
local TEXTS = { "a", " b", "<think>", "</think>", "\xf0\x9f\x98\x80", "\n", "", N, 5, { { type = "text", text = "p" } }, O }

-- What a chunk or its choice may have besides, by how often it is there.
local BESIDES = { error = { N, "no", O, { message = "no" }, "" }, object = { "chat.completion.chunk", "error", N, 7 },
  type = { N, "error", "chunk" }, success = { true, false }, base_resp = { { status_code = 0 }, { status_code = 7 } },
  usage = { N, { prompt_tokens = 1, completion_tokens = 2 } }, x_groq = { { usage = { prompt_tokens = 1 } }, O },
  model = { "m", "", N, 5 }, what_nobody_knows = { N, "x", O }, error_message = { "no" }, detail = { "no" }, id = { "x" } }
local IN_CHOICE = { usage = { { prompt_tokens = 1, completion_tokens = 2 } }, new = { N, 1 }, error = { N, { message = "no" } }, type = { "error", "x" }, success = { false }, object = { "error" },
  error_message = { "no" }, base_resp = { { status_code = 3 } }, logprobs = { N, { content = A } }, text = { "t" },
  finish_reason = { N, "stop", "", "null" }, message = { N, { content = "whole" } }, index = { 0, 0, 0, 1, "0", 0.0, N } }
local IN_DELTA = { role = { "assistant" }, refusal = { N, "", "no" }, reasoning_content = { N, "", "hm" },
  reasoning = { N, "hm" }, thinking = { "hm" }, reasoning_details = { N, { { type = "reasoning.text", text = "hm" } } },
  tool_calls = { N, A, { { index = 0, id = "c", ["function"] = { name = "f", arguments = "{" } } } } }

local function add(value, besides, rare)
  for name, values in pairs(besides) do
    if math.random(rare) == 1 then value[name] = any(values) end
  end
  return value
end

local function choice(rare)
  return add({ index = 0, delta = add({ content = any(TEXTS) }, IN_DELTA, rare), finish_reason = N }, IN_CHOICE, rare)
end

local function chunk()
  local rare = any { 4, 40, 400 }
  local value = add({ object = "chat.completion.chunk", model = "m" }, BESIDES, rare)
  local kind = math.random(30)
  if kind == 1 then value.choices = any { N, A, O, "x" }
  elseif kind == 2 then value.choices = json.array { choice(rare), choice(rare) }
  elseif kind == 3 then return { value }
  else value.choices = json.array { choice(rare) } end
  local text = json.encode(value)
  if math.random(20) == 1 then text = text:gsub('"content":"a"', '"content":"\\ud83d"') end
  if math.random(40) == 1 then text = text:gsub('"content":', '"content":"twice","content":') end
  if math.random(60) == 1 then text = text:sub(1, -2) end
  return text
end

--- What a reader makes of a stream, in words: what was heard, what is known of the answer, what is wrong.
local function read(body, short)
  local adapter = { events = "sse", join = openai.join, join_text = short and openai.join_text or nil,
    text_plan = short and openai.text_plan or nil }
  local reader, heard = streams.reader(adapter, { quirks = { thinking = "tags" }, params = {} }), {}
  for i = 1, #body, 700 do
    local new, anew = reader:take(body:sub(i, i + 699))
    heard = anew and { new } or table.move({ new }, 1, 1, #heard + 1, heard)
  end
  local whole = reader.whole
  local message = whole.choices and whole.choices[1] and whole.choices[1].message
  for name, value in pairs(message or {}) do
    local text = type(value) == "table" and getmetatable(value) and table.concat(value)
    if text then message[name] = text end
  end
  return table.concat(heard) .. " " .. json.canonical(whole) .. " " .. tostring(reader.wrong) .. tostring(reader.ended)
end

do
  local wrong, short, count = {}, 0, 0
  for _ = 1, 1500 do
    local list = {}
    for i = 1, math.random(12) do
      local text = chunk()
      text = type(text) == "string" and text or json.encode(text)
      count = count + 1
      if json.pluck(text, openai.text_plan) then short = short + 1 end
      list[i] = ("data: " .. text .. "\n\n"):rep(any { 1, 1, 1, 2, 3 })
    end
    local body = table.concat(list)
    local well, want = pcall(read, body, false)
    local well_too, got = pcall(read, body, true)
    if well ~= well_too or want ~= got then wrong[#wrong + 1] = ("%s\n%s\nnot %s"):format(body, got, want) end
  end
  is(table.concat(wrong, "\n", 1, math.min(#wrong, 2)), "", "chunks with a text alone are read as all others are")
  ok(short > count / 10 and short < count * 0.9, ("%d of %d were read the short way"):format(short, count))
end

tap.done()
