-- An evaluator of one's own is a table with the method compare. This one asks a model whether each response is
-- correct; if both are, the shorter one wins. A file that returns a function of the options makes it a method:
--   fellowship run evaluate --method examples/custom-judge.lua --model openai:gpt-4o-mini --data rows.jsonl --out mine
local fellowship = require "fellowship"

local QUESTION = "Is this response to the prompt correct? Answer yes or no.\n\nPrompt: %s\n\nResponse: %s"

return function(options)
  local model = fellowship.model(options.models[1]):with { temperature = 0, max_tokens = 5 }

  local function is_correct(prompt, response)
    return model:ask(QUESTION:format(prompt, response)).text:lower():find "yes" ~= nil
  end

  local shorter = { models = { model.named } }

  function shorter.compare(_, pair)
    local a, b = fellowship.all(
      function() return is_correct(pair.prompt, pair.a) end,
      function() return is_correct(pair.prompt, pair.b) end)
    local winner = a and not b and "a" or b and not a and "b" or "tie"
    if a and b and #pair.a ~= #pair.b then winner = #pair.a < #pair.b and "a" or "b" end
    return { winner = winner, scores = {}, evaluator = "shorter", models = shorter.models }
  end

  return shorter
end
