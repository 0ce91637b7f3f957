#!/usr/bin/env fellowship
-- A preference set from a CSV file with a column prompt: two samples of each answer, and a judge that sees both.
--   fellowship examples/csv-preferences.lua prompts.csv preferences.jsonl openai:gpt-4o-mini openai:gpt-4o
local fellowship = require "fellowship"

local model = fellowship.model(arg[3] or "sim:writer"):with { temperature = 1 }
local judge = fellowship.judge { model = arg[4] or "sim:judge", swap = true }

local pairs_written, undecided = 0, 0
local out <close> = fellowship.writer(arg[2] or "preferences.jsonl")
for row, verdict, a, b in fellowship.map(fellowship.rows(arg[1] or "prompts.csv"), function(row)
  local a, b = fellowship.all(
    function() return model:ask(row.prompt, { sample = 1 }).text end,
    function() return model:ask(row.prompt, { sample = 2 }).text end)
  return judge:compare { prompt = row.prompt, a = a, b = b }, a, b
end) do
  local better, worse = a, b
  if verdict.winner == "b" then better, worse = b, a end
  if verdict.winner == "a" or verdict.winner == "b" then
    out:write { prompt = row.prompt, chosen = better, rejected = worse }
    pairs_written = pairs_written + 1
  else
    undecided = undecided + 1
  end
end
print(("%d pairs, %d undecided"):format(pairs_written, undecided))
