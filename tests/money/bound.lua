#!/usr/bin/env fellowship
-- The most that a call can cost, by provider, and prices in batches: pure.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local json = require "fellowship.core.json"
local fellowship = require "fellowship"
local settings = require "fellowship.call.settings"
local billing = require "fellowship.money.usage"
local prices = require "fellowship.money.prices"
local worst_case = require "fellowship.money.bound"

local ok, is, like = tap.ok, tap.is, tap.like

settings.take_models({
  ["openai:gpt-4o"] = { identity = "openai" }, ["openai:gpt-5.4"] = { identity = "openai" },
  ["openai:o3"] = { identity = "openai" },
  ["anthropic:claude-haiku-4-5"] = { identity = "anthropic" }, ["gemini:gemini-2.5-flash"] = { identity = "gemini" },
  mine = { model = "vllm:m", price = { input = 1, cached = 2, output = 10 } },
  fine = { model = "vllm:m", price = { input = 0.0000015, output = 10 } },
  part = { model = "openai:m", price = { input = 1, cached = 0.5, output = 10, batch = 0.25 } },
  whole = { model = "openai:m", price = { input = 1, output = 10, batch = { input = 3, output = 4 } } },
  free = { model = "vllm:m", price = { input = 0, output = 0 } },
  dropped = { model = "vllm:m", price = { input = 1, output = 10 }, quirks = { drop = { max_tokens = true } } },
}, "the test")

-- tokens out ------------------------------------------------------------------------------------------------
for named, wanted in pairs {
  ["openai:gpt-4o"] = "nil", ["openai:gpt-4o?max_tokens=7"] = 7, ["openai:gpt-4o?max_completion_tokens=8"] = 8,
  ["openai:gpt-4o?max_completion_tokens=8&max_tokens=7"] = 7, ["openai:o3?max_tokens=7"] = 7,
  ["openai:gpt-4o?max_tokens=7&n=3"] = 21, ["openai:gpt-4o?max_tokens=0"] = "nil",
  ["anthropic:claude-haiku-4-5"] = 8192, ["anthropic:claude-haiku-4-5?max_tokens=9"] = 9,
  ["gemini:gemini-2.5-flash?max_tokens=5"] = 5, ["gemini:gemini-2.5-flash?maxOutputTokens=6&candidateCount=2"] = 12,
  ["ollama:m?num_predict=4"] = 4, ["ollama:m?num_predict=-1"] = "nil", ["ollama:m?max_tokens=3"] = 3,
  ["dropped?max_tokens=3"] = "nil",
} do
  local m = fellowship.model(named)
  is(tostring(worst_case.output(m, m.params)), tostring(wanted), named .. ": tokens out at most")
end

-- The bound that is counted with is the one that is sent.
for named, path in pairs { ["anthropic:claude-haiku-4-5"] = "max_tokens", ["openai:o3?max_tokens=7"] = "max_completion_tokens",
  ["gemini:gemini-2.5-flash?max_tokens=5"] = "generationConfig.maxOutputTokens", ["ollama:m?max_tokens=3"] = "options.num_predict" } do
  local m = fellowship.model(named)
  local quirks = require "fellowship.provider.quirks"
  local q = quirks.of(m.provider, m.name, m.entry.quirks)
  local _, body = m.adapter.build(m.name, { { role = "user", content = "x" } }, quirks.params(q, m.params), { quirks = q })
  for part in path:gmatch "[^.]+" do body = body[part] end
  is(body, worst_case.output(m, m.params), named .. ": as it is sent")
end

-- tokens in --------------------------------------------------------------------------------------------------
do
  local function tokens(messages, params, schema) return worst_case.input(messages, params or {}, schema) end
  local text = ("Zürich → 東京 🙂 "):rep(50)
  ok(tokens { { role = "user", content = text } } >= #text, "a token for each byte")
  ok(tokens { { role = "user", content = "" } } >= 100, "and what a provider adds")
  local one, two = tokens { { content = "ab" } }, tokens { { content = "a" }, { content = "b" } }
  ok(two > one, "for each message")
  local schema = { type = "object", description = ("word "):rep(100) }
  ok(tokens({ { content = "a" } }, nil, schema) > tokens { { content = "a" } } + #json.encode(schema) + 700, "a schema is put into the prompt")
  ok(tokens({ { content = "a" } }, { tools = { schema } }) > tokens { { content = "a" } } + 500 + 700, "so are tools")
end

-- cost ------------------------------------------------------------------------------------------------------
local function flight(named, text, params)
  local m = fellowship.model(named)
  for name, value in pairs(m.params) do params = params or {} params[name] = params[name] or value end
  return { model = m, messages = { { role = "user", content = text or "" } }, params = params or {}, id = "k" }
end
do
  local input = worst_case.input({ { content = "" } }, { max_tokens = 100 })
  is(worst_case.worst(flight "mine?max_tokens=100"), (input * 2 + 100 * 10) * 1000000, "cached tokens may be dearer; exact, in USD / 10^12")
  local p = { input = 2.5, cached = 1.25, output = 10 }
  is(worst_case.cost(p, { prompt_tokens = 10, cached_tokens = 4, completion_tokens = 2 }), (6 * 2500000 + 4 * 1250000 + 2 * 10000000), "what usage costs")
  for name, usage in pairs { none = {}, ["no prompt"] = { completion_tokens = 1 }, negative = { prompt_tokens = -5, completion_tokens = 1 },
    ["no numbers"] = { prompt_tokens = "5", completion_tokens = 1 }, ["no whole ones"] = { prompt_tokens = 5, completion_tokens = 1.5 } } do
    is(worst_case.cost(p, usage), nil, "usage that cannot be: " .. name)
  end
  is(worst_case.cost(p, { prompt_tokens = 5, cached_tokens = 6, completion_tokens = 1 }), 5 * 2500000 + 10000000, "more cached tokens than there are: nothing is taken off")
  local w = { input = 4, cached = 0.4, cache_write = 5, cache_write_1h = 8, output = 20 }
  is(worst_case.cost(w, { prompt_tokens = 100, cached_tokens = 10, cache_write_tokens = 50, cache_write_1h_tokens = 20, completion_tokens = 0 }),
    40 * 4000000 + 10 * 400000 + 30 * 5000000 + 20 * 8000000, "what is written to a cache has a price of its own")
  is(worst_case.cost(w, { prompt_tokens = 10, cache_write_tokens = 50, completion_tokens = 0 }), 10 * 5000000, "of no more than there is")
  is(worst_case.cost(p, { cost = 0.000001 }), 1000000, "what the server says counts")
  is(worst_case.worst(flight("openai:gpt-5.6-sol?max_completion_tokens=1")) - worst_case.input({ { content = "" } }, { max_completion_tokens = 1 }) * 5000000, 20000000,
    "the worst case is that all is written to a cache")
  is(worst_case.cost({ input = 1, output = 1, up_to = 10 }, { prompt_tokens = 11, completion_tokens = 1 }), nil, "nor has a long prompt a known price")
  is(worst_case.cost({ input = 0.0000015, output = 0 }, { prompt_tokens = 3, completion_tokens = 1 }), 6, "more than six decimals are rounded up")
  is(worst_case.cost({ input = 0.1 + 0.2, output = 0 }, { prompt_tokens = 1, completion_tokens = 0 }), 300000, "but no more than that")
  is(worst_case.worst(flight "sim:x"), 0, "sim costs nothing")
  is(worst_case.worst(flight "free"), 0, "nor does what is free, without max_tokens")
  is(worst_case.worst(flight("mine", "", { max_tokens = math.maxinteger })), 1 << 60, "sums never overflow")
  local well, problem = pcall(worst_case.worst, flight("openai:gpt-5.4", ("x"):rep(272001), { max_tokens = 5 }))
  ok(not well and problem.kind == "usage" and not problem.fatal, "a prompt over the price's limit fails by itself")
  like(tostring(problem), "no price for prompts over 272000", "and says so")
  well, problem = pcall(worst_case.worst, flight "vllm:m")
  ok(not well and problem.kind == "usage" and problem.fatal, "a model without price ends the run")
end

-- batches ----------------------------------------------------------------------------------------------------
for named, wanted in pairs { ["openai:gpt-4o"] = "1.25 1.25 5", ["anthropic:claude-haiku-4-5"] = "0.5 0.05 2.5",
  ["gemini:gemini-2.5-flash"] = "0.15 0.03 1.25", mine = "1 2 10", part = "0.25 0.125 2.5", whole = "3 nil 4", ["openai:m"] = "nil" } do
  local p = prices.of(fellowship.model(named), true)
  is(p and ("%g %s %g"):format(p.input, p.cached and ("%g"):format(p.cached) or "nil", p.output) or "nil", wanted, named .. ": its price in a batch")
end

-- bills ------------------------------------------------------------------------------------------------------
for name, case in pairs {
  ["429"] = { { status = 429, kind = "rate_limit" }, false }, ["500"] = { { status = 500 }, false }, ["400"] = { { status = 400 }, false },
  ["504"] = { { status = 504 }, true }, ["redirect"] = { { status = 302 }, false }, ["garbage"] = { { status = 200, kind = "garbage" }, true },
  ["refused"] = { { kind = "refused" }, false }, ["no name"] = { { kind = "connect" }, false }, ["timeout"] = { { kind = "timeout" }, true },
  ["broken"] = { { kind = "broken" }, true }, ["broken later"] = { { kind = "broken", status = 200 }, true }, ["too large"] = { { kind = "too_large", status = 200 }, true },
} do
  local usage, may = billing.of(case[1])
  ok(usage == nil and may == case[2], name .. (case[2] and ": may be billed" or ": is not billed"))
end
do
  local told = { prompt_tokens = 1, completion_tokens = 2 }
  is(billing.of { status = 200, usage = told }, told, "what was told")
  local usage, may = billing.of { status = 200, usage = { prompt_tokens = 1 } }
  ok(usage == nil and may, "half of it is nothing")
end

tap.done()
