#!/usr/bin/env fellowship
-- Does a judge prefer the feedback loop's answer to the generator's own?
--   fellowship examples/loop-or-alone.lua prompts.jsonl verdicts.jsonl openai:gpt-4o-mini openai:gpt-4o
local fellowship = require "fellowship"

local writer = fellowship.model(arg[3] or "sim:writer"):with { temperature = 0 }
local critic = fellowship.model(arg[4] or "sim:critic")
local loop = fellowship.feedback { generator = writer, reviewers = { critic }, responses = 3 }
local judge = fellowship.judge(critic)

local won, rows = 0, 0
local out <close> = fellowship.writer(arg[2] or "verdicts.jsonl")
for row, verdict in fellowship.map(fellowship.rows(arg[1] or "prompts.jsonl"), function(row)
  local revised = loop:respond(row.prompt).text
  local alone = writer:ask(row.prompt).text -- the loop's first call: asked once, paid once
  return judge:compare { prompt = row.prompt, a = revised, b = alone }
end) do
  out:write { prompt = row.prompt, winner = verdict.winner, scores = verdict.scores }
  rows = rows + 1
  if verdict.winner == "a" then won = won + 1 end
end
print(("the loop wins %d of %d"):format(won, rows))
