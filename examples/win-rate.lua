#!/usr/bin/env fellowship
-- Which of two generators wins more often, before a judge that sees each pair in both orders?
--   fellowship examples/win-rate.lua prompts.jsonl openai:gpt-4o-mini openai:gpt-4o openai:gpt-4o
local fellowship = require "fellowship"

local one = fellowship.model(arg[2] or "sim:one"):with { temperature = 0 }
local other = fellowship.model(arg[3] or "sim:other"):with { temperature = 0 }
local judge = fellowship.judge { model = arg[4] or "sim:judge", swap = true }

local count = { a = 0, b = 0, tie = 0, unparsed = 0 }
local n = 0
for _, verdict in fellowship.map(fellowship.rows(arg[1] or "prompts.jsonl"), function(row)
  local a, b = fellowship.all(
    function() return one:ask(row.prompt).text end,
    function() return other:ask(row.prompt).text end)
  return judge:compare { prompt = row.prompt, a = a, b = b }
end) do
  count[verdict.winner] = count[verdict.winner] + 1
  n = n + 1
end

local interval = fellowship.statistics.wilson(count.a, n)
print(("%s against %s over %d prompts"):format(one, other, n))
print(("  wins %d, losses %d, ties %d, unparsed %d"):format(count.a, count.b, count.tie, count.unparsed))
if n > 0 then print(("  win rate %.3f (95%% interval %.3f to %.3f)"):format(count.a / n, interval[1], interval[2])) end
