#!/usr/bin/env fellowship
-- Self-consistency: asks the same question several times and takes the answer that comes most often.
--   fellowship examples/self-consistency.lua openai:gpt-4o-mini 5 "What is 17 * 24?"
local fellowship = require "fellowship"

local model = fellowship.model(arg[1] or "sim:thinker"):with { temperature = 1 }
local times = tonumber(arg[2]) or 5
local question = (arg[3] or "What is 17 * 24?") .. " Think step by step, then end with a line `Answer: ...`."

local asks = {}
for sample = 1, times do -- a sample's number makes it another completion of the same request
  asks[sample] = function() return model:ask(question, { sample = sample }).text end
end

local votes, best = {}, nil
for _, text in ipairs { fellowship.all(table.unpack(asks)) } do
  local answer = (text:match "Answer:%s*([^\n]+)" or text:match "([^\n]+)%s*$"):gsub("[%s.]+$", "")
  votes[answer] = (votes[answer] or 0) + 1
  if not best or votes[answer] > votes[best] then best = answer end
end

print(("%s\n(%d of %d answers agree)"):format(best, votes[best], times))
