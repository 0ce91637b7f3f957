-- Counts of a run's model calls, for run.json, the summary and the progress line.

local prices = require "fellowship.model.prices"

local stats = {
  made = 0, -- calls answered by a provider (or sim) in this run
  stored = 0, -- calls answered by the store
  attempts = 0, -- HTTP exchanges
  retries = 0, -- attempts that were repeated
  rate_limited = 0, -- of these: the provider said that there were too many
  failed = 0, -- calls that failed for good
  in_flight = 0, -- calls on the wire now
  models = {}, -- names of the models asked, in order of first use
  spent = {}, -- by a model's name: calls, prompt, cached, completion, reasoning (tokens) and cost (USD); what a call
  -- did not tell is not in the sums, and unknown.prompt, .completion and .cost count those calls
  simulated = false,
}

local seen = {}

--- Notes that a model was asked.
---@param model fellowship.Model
function stats.asked(model)
  if seen[model.named] then return end
  seen[model.named] = true
  stats.models[#stats.models + 1] = model.named
  if model.provider.simulated then stats.simulated = true end
end

local function account(model)
  local named = model.named
  if not stats.spent[named] then
    stats.spent[named] = { calls = 0, prompt = 0, cached = 0, completion = 0, reasoning = 0, cost = 0,
      unknown = { prompt = 0, completion = 0, cost = 0 } }
  end
  return stats.spent[named]
end

--- Adds what is known; counts what is not, where it is asked for.
local function add(sums, name, value)
  if value then sums[name] = sums[name] + value
  elseif sums.unknown[name] then sums.unknown[name] = sums.unknown[name] + 1 end
end

--- Notes a completion that was paid for now.
---@param model fellowship.Model
---@param completion fellowship.Completion
function stats.completed(model, completion)
  local usage, sums = completion.usage or {}, account(model)
  stats.made = stats.made + 1
  sums.calls = sums.calls + 1
  add(sums, "prompt", usage.prompt_tokens)
  add(sums, "completion", usage.completion_tokens)
  add(sums, "cached", usage.cached_tokens)
  add(sums, "reasoning", usage.reasoning_tokens)
  add(sums, "cost", prices.cost(prices.of(model), usage))
end

--- Notes a stream that a script ended early: it is paid for, and nobody tells how much.
---@param model fellowship.Model
function stats.stopped(model)
  local sums = account(model)
  for name, count in pairs(sums.unknown) do sums.unknown[name] = count + 1 end
end

--- The sum over all models of one of the counts, of the calls that told it; and how many did not.
---@param name "prompt"|"completion"|"cached"|"reasoning"|"cost"
---@return number sum
---@return integer unknown
function stats.known(name)
  local sum, unknown = 0, 0
  for _, named in ipairs(stats.models) do
    local sums = stats.spent[named]
    if sums then
      sum = sum + sums[name]
      unknown = unknown + (sums.unknown[name] or 0)
    end
  end
  return sum, unknown
end

--- The same, or nil when a call did not tell it.
---@param name "prompt"|"completion"|"cached"|"reasoning"|"cost"
---@return number?
function stats.total(name)
  local sum, unknown = stats.known(name)
  return unknown == 0 and sum or nil
end

return stats
