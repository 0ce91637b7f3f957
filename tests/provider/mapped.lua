#!/usr/bin/env fellowship
-- The table of what providers are sent says what the adapters do, and has every provider.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local provider = require "fellowship.provider"
local mapped = require "fellowship.provider.mapped"

local heads, rows = mapped.parameters()
local by_name, column = {}, {}
for i, head in ipairs(heads) do column[head] = i end
for _, row in ipairs(rows) do by_name[row[1]] = row end
for _, name in ipairs(provider.names()) do
  local row = by_name[name]
  if name ~= "sim" and name ~= "reward" then
    tap.ok(row and #row == #heads and row[column.max_tokens] ~= "-", name .. ": a row, with the bound of tokens")
  end
end
tap.is(by_name.ollama[column.max_tokens], "options.num_predict", "Ollama's bound")
tap.is(by_name.gemini[column.top_logprobs], "generationConfig.logprobs", "Gemini's alternatives")
tap.is(by_name.anthropic[column.stop], "stop_sequences (a list)", "Anthropic's stop")
tap.is(by_name.anthropic[column.logprobs], "refused", "and what it has none of")
tap.is(by_name.mistral[column.seed], "random_seed", "Mistral's seed")
tap.is(by_name["openai-responses"][column.stop], "-", "what the Responses API does not know")
local _, efforts = mapped.efforts()
tap.is(#efforts, #rows, "efforts of all of them")
tap.like(mapped.markdown(), { "reasoning_effort", "| openrouter |", "thinkingBudget" }, "in Markdown")
tap.done()
