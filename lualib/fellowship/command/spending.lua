-- What a run spent, as run.json and the last line of stdout tell it. What is not known is null, never 0.

local json = require "fellowship.core.json"
local lazy = require "fellowship.base.lazy"
local budget = lazy "fellowship.money.budget"
local settings = require "fellowship.call.settings"
local stats = require "fellowship.money.count"

local spending = {}

local TOKEN_KEYS = { "prompt", "cached", "completion", "reasoning" }

local NONE = { count = 0, prompt = 0, cached = 0, completion = 0, reasoning = 0, cost = 0,
  unknown = { prompt = 0, completion = 0, cost = 0 } }

--- One of the sums; null where a call did not tell it.
local function known(sums, name)
  return (sums.unknown[name] or 0) == 0 and sums[name] or json.null
end

local function tokens_of(sums)
  local counts = {}
  for _, name in ipairs(TOKEN_KEYS) do counts[name] = known(sums, name) end
  -- Of what is part of an unknown number, only those are known that were told.
  if counts.prompt == json.null then counts.cached = json.null end
  if counts.completion == json.null then counts.reasoning = json.null end
  return json.object(counts, TOKEN_KEYS)
end

--- A part of the sums, by the name of what it counts and of its cost.
local function part_of(sums, count, cost)
  sums = sums or NONE
  return json.object({ [count] = sums.count, tokens = tokens_of(sums), [cost] = known(sums, "cost") },
    { count, "tokens", cost })
end

--- Calls that a batch brought and attempts that were repeated, which are among the calls made; and calls that the
--- store answered, which are not, with what they would have cost now.
local function parts_of(sums)
  return part_of(sums.batch, "calls", "cost"), part_of(sums.retried, "attempts", "cost"),
    part_of(sums.stored, "calls", "saved")
end

--- Tokens of the calls made now.
---@return table
function spending.tokens()
  return tokens_of(stats.sums())
end

--- USD of the calls made now; null where a price or a count of tokens is not known.
---@return number|lightuserdata
function spending.cost()
  return known(stats.sums(), "cost")
end

--- The parts of all models together.
---@return table
function spending.split()
  local batch, retried, stored = parts_of { batch = stats.sums "batch", retried = stats.sums "retried",
    stored = stats.sums "stored" }
  return json.object({ batch = batch, retried = retried, stored = stored }, { "batch", "retried", "stored" })
end

local SPENT_KEYS = { "model", "calls", "tokens", "cost", "batch", "retried", "stored", "untold" }

--- What each model took.
---@return table
function spending.by_model()
  local list = {}
  for _, named in ipairs(stats.models) do
    local sums = stats.spent[named]
    if sums then
      local batch, retried, stored = parts_of(sums)
      list[#list + 1] = json.object({ model = named, calls = sums.count, tokens = tokens_of(sums),
        cost = known(sums, "cost"), batch = batch, retried = retried, stored = stored, untold = sums.untold },
        SPENT_KEYS)
    end
  end
  return json.array(list)
end

-- What is left out where it is 0, and parts that are left out where nothing is in them.
local OFTEN_ZERO = { "cached", "reasoning", "untold" }
local PARTS = { batch = "calls", retried = "attempts", stored = "calls" }

local function without(value, dropped)
  local copy, keys = {}, {}
  for _, key in ipairs(json.keys(value)) do
    if not dropped[key] then
      copy[key] = value[key]
      keys[#keys + 1] = key
    end
  end
  return json.object(copy, keys)
end

--- The same without parts that are empty and without counts that mostly are 0; nil when nothing is left.
---@param sums table what split gives, or an element of by_model
---@return table?
function spending.short(sums)
  local dropped = {}
  for name, count in pairs(PARTS) do
    local part = sums[name]
    if part and part[count] == 0 then dropped[name] = true
    elseif part then
      part.tokens = spending.short(part.tokens)
      sums[name] = part
    end
  end
  for _, name in ipairs(OFTEN_ZERO) do dropped[name] = sums[name] == 0 end
  if sums.tokens then sums.tokens = spending.short(sums.tokens) end
  local left = without(sums, dropped)
  return #json.keys(left) > 0 and left or nil
end

--- The bounds of the run and what counts towards them; nil without one.
---@return table?
function spending.budget()
  if not settings.bounded then return nil end
  local cost, attempts, untold = budget.spent()
  return json.object({ max_cost = budget.max_cost or json.null, max_calls = budget.max_calls or json.null,
    cost = budget.max_cost and cost or json.null, calls = attempts, untold = untold },
    { "max_cost", "max_calls", "cost", "calls", "untold" })
end

return spending
