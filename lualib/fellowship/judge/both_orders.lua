-- Any evaluator in both orders: agreeing verdicts stand, disagreeing ones are a tie.

local flow = require "fellowship.flow"
local pairs_of = require "fellowship.judge.pair"
local vote = require "fellowship.judge.vote"

--- Wraps an evaluator; its verdicts then have `orders`, what it said in each, and `flipped`, whether these disagreed.
--- Example: `local fair = both_orders(fellowship.debate "openai:gpt-4o")`
---@param evaluator table with compare and models
---@return table evaluator
return function(evaluator)
  local wrapped = { models = evaluator.models }

  function wrapped.compare(_, pair)
    local read = pairs_of.read(pair)
    local same = pairs_of.identical(read)
    if same then
      same.evaluator, same.models = evaluator.referees and "debate" or "evaluator", evaluator.models
      return same
    end
    local first, second = flow.all(
      function() return evaluator:compare(read) end,
      function() return evaluator:compare(pairs_of.swap(read)) end)
    local found = vote.of_both_orders(first, vote.flip(second))
    found.evaluator, found.models = first.evaluator, first.models
    return found
  end

  return wrapped
end
