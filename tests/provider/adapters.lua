#!/usr/bin/env fellowship
-- The pure parts of the adapters: events cut anywhere, schemas, prices, and where providers are.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local json = require "fellowship.core.json"
local schema = require "fellowship.call.schema"
local events = require "fellowship.provider.events"
local provider = require "fellowship.provider"
local prices = require "fellowship.money.prices"

local ok, is, like, raises = tap.ok, tap.is, tap.like, tap.raises

-- events -----------------------------------------------------------------------------------------------
do
  local function read(form, parts)
    local cut, list = events[form](), {}
    for i = 1, #parts + 1 do
      for _, e in ipairs(cut(parts[i] or "", parts[i] == nil)) do
        list[#list + 1] = ("%s=%s"):format(e.name or "", e.data)
      end
    end
    return table.concat(list, "|")
  end

  --- Cut in two at every byte, in three around every byte, and into single bytes, the events are the same.
  local function anywhere(form, text, wanted, name)
    is(read(form, { text }), wanted, name)
    local singles, wrong = {}, {}
    for i = 1, #text do
      singles[i] = text:sub(i, i)
      if read(form, { text:sub(1, i), text:sub(i + 1) }) ~= wanted then wrong[#wrong + 1] = i end
      if read(form, { text:sub(1, i - 1), text:sub(i, i), "", text:sub(i + 1) }) ~= wanted then wrong[#wrong + 1] = i end
    end
    is(table.concat(wrong, " "), "", name .. ": wherever it is cut")
    is(read(form, singles), wanted, name .. ": byte by byte")
  end

  local stream = ': hello\n\nevent: a\ndata: {"x":1}\n\ndata:two\ndata: lines\nid: 5\n\nretry: 7\n\nevent: none\n\ndata\n\ndata: Grüße 世界\n\n'
  local wanted = 'a={"x":1}|=two\nlines|=|=Grüße 世界'
  anywhere("sse", stream, wanted, "server-sent events")
  anywhere("sse", (stream:gsub("\n", "\r\n")), wanted, "with CR LF")
  anywhere("sse", (stream:gsub("\n", "\r")), wanted, "with CR alone")
  anywhere("sse", "data: [DONE]", "=[DONE]", "without the last empty line")
  anywhere("sse", "", "", "no event")
  anywhere("ndjson", '{"a":1}\n\n{"b":"\\n世"}\r\n  \n{"c":3}', '={"a":1}|={"b":"\\n世"}|={"c":3}', "JSON Lines")
end

-- ordinary answers are read by another way; both mean the same ------------------------------------------
do
  local openai = require "fellowship.provider.openai"
  local header = function() return nil end
  local function answer_with(change)
    local value = { id = "x", model = "m-1", choices = { { index = 0, finish_reason = "stop",
      message = { role = "assistant", content = "Hi\n", refusal = json.null }, logprobs = json.null } },
      usage = { prompt_tokens = 3, completion_tokens = 2, total_tokens = 5,
        prompt_tokens_details = { cached_tokens = 1 }, completion_tokens_details = { reasoning_tokens = 0 } } }
    change(value, value.choices[1], value.choices[1].message, value.usage)
    return value
  end
  local changes = { function() end,
    function(_, _, m) m.content = "<think>a</think>b" end, function(_, _, m) m.content = "" end,
    function(_, _, m) m.content = json.null end, function(_, _, m) m.content = { "x" } end,
    function(_, _, m) m.refusal = "No." end, function(_, _, m) m.reasoning_content = "Hm." end,
    function(_, _, m) m.reasoning = "Hm." end, function(_, c) c.finish_reason = "content_filter" end,
    function(_, c) c.finish_reason = "length" end, function(_, c) c.finish_reason = "eos" end,
    function(_, c) c.finish_reason = "error" end, function(_, c) c.finish_reason = json.null end,
    function(_, c) c.logprobs = { content = { { token = "Hi", logprob = -0.5, bytes = { 72, 105 }, top_logprobs = {} } } } end,
    function(v) v.error = { message = "bad", code = 503 } end, function(v) v.error = json.null end,
    function(v) v.error = "gone" end, function(v) v.choices = json.array {} end, function(v) v.choices = nil end,
    function(v) v.choices[2] = { message = { content = "other" } } end, function(v) v.model = 7 end,
    function(v) v.model = nil end, function(v) v.usage = nil end, function(v) v.usage = json.null end,
    function(_, _, _, u) u.prompt_tokens = 3.5 end, function(_, _, _, u) u.prompt_tokens = "3" end,
    function(_, _, _, u) u.prompt_tokens_details, u.prompt_cache_hit_tokens = nil, 2 end,
    function(_, _, _, u) u.completion_tokens_details = json.null end }
  local how = { quirks = { thinking = "tags" } }
  for i, change in ipairs(changes) do
    local body = json.encode(answer_with(change))
    local wanted = openai.meaning(200, header, json.decode(body), how)
    is(json.canonical(openai.classify(200, header, body, how)), json.canonical(wanted), "answer " .. i)
  end
  is(openai.classify(200, header, '{"choices":[', how).kind, "garbage", "an answer that is cut off")
  is(openai.classify(200, header, json.encode(answer_with(changes[1])):gsub("}$", ',"model":"n"}'), how).completion.model,
    "n", "a key that stands twice: the last one")
  is(openai.classify(429, header, json.encode(answer_with(changes[1])), how).kind, "rate_limit", "a status that is none of success")
end

-- schemas ------------------------------------------------------------------------------------------------
do
  local function problem(s, text) return tostring(schema.validate(json.decode(s), json.decode(text))) end
  local object = '{"type":"object","properties":{"a":{"type":"integer","minimum":1,"maximum":3},"b":{"type":"array","items":{"type":"string"},"minItems":1}},"required":["a"],"additionalProperties":false}'
  for _, case in ipairs {
    { object, '{"a":1}', "nil" }, { object, '{"a":3.0,"b":["x"]}', "nil" }, { object, '{}', "lacks the field a" },
    { object, '{"a":0}', "the answer.a is less than 1" }, { object, '{"a":4}', "more than 3" }, { object, '{"a":1.5}', "is number, not integer" },
    { object, '{"a":"1"}', "is string, not integer" }, { object, '{"a":1,"c":2}', "has the field c" }, { object, '{"a":1,"b":[]}', "less than 1 items" },
    { object, '{"a":1,"b":[1]}', "the answer.b[1] is integer, not string" }, { object, "[]", "is array, not object" }, { object, "null", "is null, not object" },
    { '{"type":["string","null"]}', "null", "nil" }, { '{"enum":[1,"a",null,[1]]}', "[1]", "nil" }, { '{"enum":[1,"a"]}', "2", 'is none of [1,"a"]' },
    { '{"const":true}', "false", "is not true" }, { '{"type":"number"}', "1", "nil" }, { '{"maxLength":2}', '"üüü"', "longer than 2" },
    { '{"minLength":3}', '"üüü"', "nil" }, { '{"anyOf":[{"type":"string"},{"type":"integer"}]}', "1", "nil" },
    { '{"anyOf":[{"type":"string"},{"type":"integer"}]}', "true", "fits none" },
    { '{"additionalProperties":{"type":"integer"}}', '{"x":"y"}', "the answer.x is string" }, { '{"type":"boolean"}', "true", "nil" },
    { '{"type":"array","maxItems":1}', "[1,2]", "more than 1" }, { "{}", '{"any":1}', "nil" }, { '{"type":"object"}', "{}", "nil" },
  } do
    like(problem(case[1], case[2]), case[3], case[2] .. " by " .. case[1])
  end
  raises("schema.a: the keyword pattern is not supported", "a keyword that would go unchecked", schema.check, { properties = { a = { pattern = "x" } } })
  raises("there is no type strng", "a type that is none", schema.check, { items = { type = "strng" } })
end

-- providers and prices -------------------------------------------------------------------------------------
do
  local function url(name, value) return provider.find(name).url_of(value) end
  for value, wanted in pairs {
    ["localhost"] = "http://localhost:11434", ["0.0.0.0:9"] = "http://0.0.0.0:9", ["https://o.example"] = "https://o.example", [":9"] = "http://127.0.0.1:9",
    ["[::1]"] = "http://[::1]:11434", ["[::1]:9"] = "http://[::1]:9", ["h.example/ollama"] = "http://h.example:11434/ollama", ["h:9/x"] = "http://h:9/x",
  } do
    is(url("ollama", value), wanted, "OLLAMA_HOST=" .. value)
  end
  is(url("azure", "https://me.openai.azure.com/"), "https://me.openai.azure.com/openai/v1", "Azure's endpoint")
  is(url("azure", "https://me.openai.azure.com/openai/v1"), "https://me.openai.azure.com/openai/v1", "with its path")
  is(url("anthropic", "https://proxy.example"), "https://proxy.example/v1", "Anthropic's base URL, as its libraries take it")
  is(url("anthropic", "https://proxy.example/v1"), "https://proxy.example/v1", "and with the version")
  raises("lacks classify", "an adapter that lacks a part", provider.add, { name = "x", adapter = { build = print } })
  raises('there is a provider "openai" already', "a provider's name that is taken", provider.add, { name = "openai", adapter = { generate = print } })

  local function price(named, identity, own)
    local who, name = named:match "^(.-):(.*)$"
    local p = prices.of { provider = provider.find(who), name = name, endpoint = { identity = identity or who }, entry = { price = own } }
    return p and ("%g %g"):format(p.input, p.output) or "nil"
  end
  is(price "openai:gpt-4o", "2.5 10", "a known price")
  is(price "openai:gpt-4o-2024-11-20", "2.5 10", "of a dated version")
  is(price "anthropic:claude-haiku-4-5-20251001", "1 5", "in the other form")
  is(price "openai:gpt-4o-audio", "nil", "not of what only begins alike")
  is(price("openai:gpt-4o", "http://127.0.0.1:8080/v1"), "nil", "not at another address")
  is(price("openai:gpt-4o", nil, { input = 1, output = 2 }), "1 2", "unless told")
  is(price "sim:any", "0 0", "sim costs nothing")
  is(prices.cost(nil, { prompt_tokens = 1, completion_tokens = 1 }), nil, "an unknown price is no cost")
  is(prices.cost({ input = 1, output = 1 }, { prompt_tokens = 1 }), nil, "nor are unknown tokens")
  is(prices.cost({ input = 1, output = 1, up_to = 10 }, { prompt_tokens = 11, completion_tokens = 1 }), nil, "nor is a prompt of another price")
  ok(prices.source "openai" and prices.date:match "^%d%d%d%d%-%d%d%-%d%d$", "with source and date")
end

tap.done()
