-- What a run spent as a table for people: a line for each model, and below it what there is of batches, repeated
-- attempts, and calls that the store answered.

local tables = require "fellowship.report.table"
local stats = require "fellowship.money.count"

local HEADS = { "model", "calls", "prompt", "cached", "completion", "reasoning", "cost" }

-- Columns that are shown even when all is 0 in them.
local KEPT = { model = true, calls = true, prompt = true, completion = true, cost = true }

local function known(sums, name)
  return (sums.unknown[name] or 0) == 0 and sums[name] or "?"
end

local function cost_of(sums)
  return sums.unknown.cost == 0 and ("$%.4f"):format(sums.cost) or "unknown"
end

local function row(name, sums, cost)
  return { name, sums.count, known(sums, "prompt"), sums.cached, known(sums, "completion"), sums.reasoning, cost }
end

local function add_parts(rows, sums)
  if sums.batch then rows[#rows + 1] = row("  in batches", sums.batch, cost_of(sums.batch)) end
  if sums.retried then rows[#rows + 1] = row("  repeated attempts", sums.retried, cost_of(sums.retried)) end
  if sums.stored then rows[#rows + 1] = row("  from the store", sums.stored, "saved " .. cost_of(sums.stored)) end
end

--- The lines; none when they say no more than the totals.
---@param width? integer columns that they may take
---@return string[]
return function(width)
  local rows, models = {}, 0
  for _, named in ipairs(stats.models) do
    local sums = stats.spent[named]
    if sums then
      models = models + 1
      rows[#rows + 1] = row(named, sums, cost_of(sums))
      add_parts(rows, sums)
    end
  end
  local lines = {}
  if models < 2 and #rows < 2 then return lines end
  local heads
  heads, rows = tables.telling(HEADS, rows, KEPT)
  for line in tables.text(heads, rows, width):gmatch "[^\n]+" do lines[#lines + 1] = line end
  return lines
end
