#!/usr/bin/env fellowship
-- Tokens and costs as providers tell them: those of reasoning that stand beside the others, written caches, costs that
-- are believed, and what cannot be.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local json = require "fellowship.core.json"
local provider = require "fellowship.provider"
local quirks = require "fellowship.provider.quirks"
local prices = require "fellowship.money.prices"
local price_table = require "fellowship.money.price_table"

local ok, is = tap.ok, tap.is
local header = function() return nil end

--- The usage of an answer of a provider, in canonical JSON.
local function usage_of(named, usage)
  local who = provider.find(named)
  local adapter = require(who.adapter)
  local how = { quirks = quirks.of(who, "m"), params = {} }
  local body = { choices = { { message = { content = "x" }, finish_reason = "stop" } }, usage = usage }
  if named == "anthropic" then body = { content = { { type = "text", text = "x" } }, stop_reason = "end_turn", usage = usage } end
  if named == "gemini" then body = { candidates = { { content = { parts = { { text = "x" } } }, finishReason = "STOP" } }, usageMetadata = usage } end
  local outcome = adapter.classify(200, header, json.encode(body), how)
  return json.canonical(outcome.completion.usage)
end

for _, case in ipairs {
  { "xai", { prompt_tokens = 32, completion_tokens = 9, total_tokens = 135, completion_tokens_details = { reasoning_tokens = 94 } },
    '{"completion_tokens":103,"prompt_tokens":32,"reasoning_tokens":94}', "reasoning beside the completion, by the total" },
  { "openai", { prompt_tokens = 32, completion_tokens = 103, total_tokens = 135, completion_tokens_details = { reasoning_tokens = 94 } },
    '{"completion_tokens":103,"prompt_tokens":32,"reasoning_tokens":94}', "and within it" },
  { "xai", { prompt_tokens = 12, completion_tokens = 1, completion_tokens_details = { reasoning_tokens = 386 } },
    '{"completion_tokens":387,"prompt_tokens":12,"reasoning_tokens":386}', "more reasoning than there is of all: beside it" },
  { "xai", { prompt_tokens = 10, completion_tokens = 2, total_tokens = 12, cost_in_usd_ticks = 232856000 },
    '{"completion_tokens":2,"cost":0.0232856,"prompt_tokens":10}', "xAI's cost" },
  { "openrouter", { prompt_tokens = 8, completion_tokens = 11, total_tokens = 19, cost = 0.00078 },
    '{"completion_tokens":11,"cost":0.00078,"prompt_tokens":8}', "OpenRouter's cost" },
  { "openrouter", { prompt_tokens = 8, completion_tokens = 11, cost = 0.001, is_byok = true, cost_details = { upstream_inference_cost = 0.02 } },
    '{"completion_tokens":11,"cost":0.021,"prompt_tokens":8}', "with a key of one's own, and what its provider takes" },
  { "openrouter", { prompt_tokens = 8, completion_tokens = 11, cost = -1 }, '{"completion_tokens":11,"prompt_tokens":8}', "a cost that cannot be" },
  { "openai", { prompt_tokens = 8, completion_tokens = 11, cost = 1 }, '{"completion_tokens":11,"prompt_tokens":8}', "others' are not believed" },
  { "openai", { prompt_tokens = 100, completion_tokens = 1, prompt_tokens_details = { cached_tokens = 20, cache_write_tokens = 50 } },
    '{"cache_write_tokens":50,"cached_tokens":20,"completion_tokens":1,"prompt_tokens":100}', "written to a cache" },
  { "openai", { prompt_tokens = 10.0, completion_tokens = 5.0 }, '{"completion_tokens":5,"prompt_tokens":10}', "counts as 10.0" },
  { "openai", { prompt_tokens = 5, completion_tokens = 1, prompt_tokens_details = { cached_tokens = 6 } },
    '{"completion_tokens":1,"prompt_tokens":5}', "more cached than there are" },
  { "openai", { prompt_tokens = 1e12, completion_tokens = -1 }, "{}", "counts that cannot be" },
  { "deepseek", { prompt_tokens = 9, completion_tokens = 1, prompt_cache_hit_tokens = 4 }, '{"cached_tokens":4,"completion_tokens":1,"prompt_tokens":9}', "DeepSeek's cache" },
  { "anthropic", { input_tokens = 10, output_tokens = 7, cache_creation_input_tokens = 30, cache_read_input_tokens = 8,
    cache_creation = { ephemeral_5m_input_tokens = 10, ephemeral_1h_input_tokens = 20 } },
    '{"cache_write_1h_tokens":20,"cache_write_tokens":30,"cached_tokens":8,"completion_tokens":7,"prompt_tokens":48}', "Anthropic's caches" },
  { "gemini", { promptTokenCount = 20, candidatesTokenCount = 4, thoughtsTokenCount = 3, cachedContentTokenCount = 8, totalTokenCount = 27 },
    '{"cached_tokens":8,"completion_tokens":7,"prompt_tokens":20,"reasoning_tokens":3}', "Gemini's thoughts" },
} do
  is(usage_of(case[1], case[2]), case[3], case[1] .. ": " .. case[4])
end

local sol = { provider = provider.find "openai", name = "gpt-5.6-sol", named = "openai:gpt-5.6-sol", endpoint = { identity = "openai" }, entry = {} }
local cost = prices.cost(prices.of(sol), { prompt_tokens = 10000, cache_write_tokens = 10000, completion_tokens = 0 })
ok(math.abs(cost - 0.05) < 1e-12, "10,000 tokens written to a cache cost a quarter more", cost)
local batched = prices.cost(prices.of(sol, true), { prompt_tokens = 10000, cache_write_tokens = 10000, completion_tokens = 0 })
ok(batched and batched <= cost, "in a batch too", batched)
is(prices.cost(nil, { cost = 0.5 }), 0.5, "what the server says counts, also where no price is known")

-- the table: every row makes sense
local rows, wrong = 0, {}
for who, entry in pairs(price_table) do
  ok(entry.source:find "^https://", who .. ": with a source")
  for name, row in pairs(entry.models) do
    rows = rows + 1
    local input, cached, output, up_to, write, kept = row[1], row[2], row[3], row[4], row[5], row[6]
    if not (input and output and output >= 0 and input >= 0) or (cached and cached > input) or (write and write < input)
      or (kept and kept < write) or (up_to and up_to < 1000) then wrong[#wrong + 1] = who .. ":" .. name end
  end
end
is(table.concat(wrong, " "), "", rows .. " prices that can be")

tap.done()
