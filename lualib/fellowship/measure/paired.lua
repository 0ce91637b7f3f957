-- Whether one evaluator agrees with people better than another one, on the same rows; and of many such questions at once.

local json = require "fellowship.core.json"
local coefficients = require "fellowship.measure.coefficients"
local flow = require "fellowship.flow"
local interval = require "fellowship.base.interval"
local resampling = require "fellowship.measure.resampling"

local paired = {}

-- Up to so many evaluators each two are compared; of more, each one with the best.
local MOST_EACH = 10

--- Corrects the p values of many questions asked at once, so that the chance of any false "yes" stays below the level:
--- Holm's step-down (1979). The smallest of m counts m times, the next one m - 1 times; none counts less than a smaller
--- one.
--- Example: `print(table.concat(fellowship.measure.holm { 0.01, 0.04, 0.03 }, " ")) --> 0.03 0.06 0.06`
---@param values number[]
---@return number[]
function paired.holm(values)
  local order, corrected, most = {}, {}, 0
  for i = 1, #values do order[i] = i end
  table.sort(order, function(x, y)
    if values[x] ~= values[y] then return values[x] < values[y] end
    return x < y
  end)
  for rank, i in ipairs(order) do
    most = math.max(most, math.min(1, (#values - rank + 1) * values[i]))
    corrected[i] = most
  end
  return corrected
end

local function cell_of(human, facts, unparsed_as_tie)
  if not human or not facts then return nil end
  local place = facts.place
  if place == 4 then
    if not unparsed_as_tie then return nil end
    place = 2
  end
  return (human - 1) * 3 + place
end

local function figures(sums)
  local agreement, kappa = coefficients.of_three(sums, 0)
  local other, other_kappa = coefficients.of_three(sums, 9)
  return { agreement = agreement and other and agreement - other,
    kappa = kappa and other_kappa and kappa - other_kappa }
end

--- The two tables, human label by verdict, over the rows that people and both evaluators have judged.
local function compare(b, i, j, options)
  local view = b:view({ i, j }, { winners = true })
  local values, sums = {}, {}
  for s = 1, 18 do sums[s] = 0 end
  for _, rows, human, _, _, _, list in b:patterns(view, 2) do
    local x, y = cell_of(human, list[1], options.unparsed_as_tie), cell_of(human, list[2], options.unparsed_as_tie)
    local at = #values
    for s = 1, 18 do values[at + s] = 0 end
    if x and y then
      values[at + x], values[at + 9 + y] = 1, 1
      sums[x], sums[9 + y] = sums[x] + rows, sums[9 + y] + rows
    end
  end
  local found, n = figures(sums), 0
  for s = 1, 9 do n = n + sums[s] end
  if n == 0 then return nil end
  found.n = n
  found.ends, found.spread = {}, {}
  found.ends, found.units, found.spread = resampling.intervals(view, values, 18, figures, options)
  return found
end

--- How likely a difference at least as large is when there is none, by its standard error.
local function p_of(difference, spread)
  if not difference or not spread then return nil end
  if spread == 0 then return difference == 0 and 1.0 or nil end
  return 2 * interval.tail(math.abs(difference) / spread)
end

--- The pairs to compare: of each two, or of the best one (by kappa) and each other.
local function questions(k, best)
  local list = {}
  for i = 1, k do
    for j = i + 1, k do
      if k <= MOST_EACH or i == best or j == best then list[#list + 1] = { i, j } end
    end
  end
  return list
end

local KEYS = { "models", "against", "kappa", "kappa_ci95", "kappa_p", "kappa_p_holm", "agreement", "agreement_ci95",
  "agreement_p", "agreement_p_holm", "n" }

local function listed(found) return found and json.array(found) or json.null end

local function hold_level(list, name)
  local values, whose = {}, {}
  for _, one in ipairs(list) do
    if one[name .. "_p"] ~= json.null then values[#values + 1], whose[#whose + 1] = one[name .. "_p"], one end
  end
  for at, p in ipairs(paired.holm(values)) do whose[at][name .. "_p_holm"] = p end
end

--- The differences in kappa and in agreement between evaluators on the same rows, with bootstrap intervals over prompts, p
--- values by the bootstrap's standard error, and the same corrected for how many there are.
---@param b fellowship.Ballots
---@param models string[][] of all its evaluators
---@param kappas (number|nil)[] of each
---@param options { seed: integer?, unparsed_as_tie: boolean? }
---@return table[] { models, against, kappa, kappa_ci95, kappa_p, kappa_p_holm, agreement, agreement_ci95, agreement_p, agreement_p_holm, n }
function paired.of(b, models, kappas, options)
  local best = 1
  for m = 2, #models do
    if (kappas[m] or -math.huge) > (kappas[best] or -math.huge) then best = m end
  end
  local list = json.array()
  for _, two in ipairs(questions(#models, best)) do
    flow.sleep(0)
    local found = compare(b, two[1], two[2], options)
    if found then
      local one = { models = json.array(models[two[1]]), against = json.array(models[two[2]]), n = found.n }
      for _, name in ipairs { "kappa", "agreement" } do
        one[name], one[name .. "_ci95"] = found[name] or json.null, listed(found.ends[name])
        one[name .. "_p"] = p_of(found[name], found.spread[name]) or json.null
        one[name .. "_p_holm"] = json.null
      end
      list[#list + 1] = json.object(one, KEYS)
    end
  end
  hold_level(list, "kappa")
  hold_level(list, "agreement")
  return list
end

return paired
