#!/usr/bin/env fellowship
-- A judge of one's own is a table with the method compare: here, the shorter response wins if a model
-- says that both are correct.
--   fellowship examples/custom-judge.lua openai:gpt-4o-mini
local fellowship = require "fellowship"

local model = fellowship.model(arg[1] or "sim:checker"):with { temperature = 0, max_tokens = 5 }

local function is_correct(prompt, response)
  local question = "Is this response to the prompt correct? Answer yes or no.\n\nPrompt: %s\n\nResponse: %s"
  return model:ask(question:format(prompt, response)).text:lower():find "yes" ~= nil
end

local shorter = {}

function shorter:compare(pair)
  local a, b = fellowship.all(
    function() return is_correct(pair.prompt, pair.a) end,
    function() return is_correct(pair.prompt, pair.b) end)
  local winner = a and not b and "a" or b and not a and "b" or "tie"
  if a and b and #pair.a ~= #pair.b then winner = #pair.a < #pair.b and "a" or "b" end
  return { winner = winner, scores = {}, evaluator = "shorter", models = { model.named } }
end

print(shorter:compare { prompt = "2 + 2?", a = "4", b = "The sum of two and two is four." }.winner)
