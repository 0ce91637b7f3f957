-- The best evaluator for what one will spend: single ones and juries by what they cost and how far they agree with people.
-- The best of many looks better than it is, since it was chosen for these rows; so the choice itself is judged by
-- cross-validation: made without a tenth of the prompts, and measured on these.

local json = require "fellowship.core.json"
local agreement = require "fellowship.measure.agreement"
local ballots = require "fellowship.measure.ballots"
local coefficients = require "fellowship.measure.coefficients"
local flow = require "fellowship.flow"
local juries = require "fellowship.measure.juries"

local frontier = {}

frontier.UNITS = { "usd", "tokens", "calls" }

local FOLDS = ballots.FOLDS

---@class fellowship.Candidate an evaluator, or several as a jury
---@field members integer[]
---@field cost number in the unit asked for
---@field folds number[][] for each fold its table's nine counts, human label by verdict
---@field sums number[] of all folds
---@field kappa number?

local function zeros(count)
  local list = {}
  for i = 1, count do list[i] = 0 end
  return list
end

local function candidate(b, members, cost, unparsed_as_tie)
  local one = { members = members, cost = cost, folds = {}, sums = zeros(9) }
  for f = 1, FOLDS do one.folds[f] = zeros(9) end
  local k = #members
  flow.sleep(0)
  for p, rows, human, _, _, fold, list in b:patterns(b:view(members, { winners = true, fold = true }), k) do
    if p % 2000 == 0 then flow.sleep(0) end
    local v = human and ballots.mode(list, k)
    local place = v and (v.place < 4 and v.place or unparsed_as_tie and 2)
    if place then
      local cell = (human - 1) * 3 + place
      one.folds[fold + 1][cell], one.sums[cell] = one.folds[fold + 1][cell] + rows, one.sums[cell] + rows
    end
  end
  one.kappa = select(2, coefficients.of_three(one.sums, 0))
  return one
end

--- All evaluators and juries with what they cost, those of unknown cost left out.
---@param b fellowship.Ballots
---@param costs (number|nil)[] of each evaluator, for all rows
---@param options { juries: boolean?, unparsed_as_tie: boolean? } juries: whether several together are looked at
---@return fellowship.Candidate[]
function frontier.candidates(b, costs, options)
  local list = {}
  local function add(members)
    local cost = 0
    for _, m in ipairs(members) do cost = cost and costs[m] and cost + costs[m] end
    if cost then list[#list + 1] = candidate(b, members, cost, options.unparsed_as_tie) end
  end
  for m = 1, b.raters do add { m } end
  for _, members in ipairs(options.juries and juries.subsets(b.raters) or {}) do add(members) end
  return list
end

--- The better one: by kappa, the cheaper of equal ones, the smaller of these.
local function better(x, kappa, y, best)
  if not kappa then return false end
  if not y or kappa ~= best then return not y or kappa > best end
  if x.cost ~= y.cost then return x.cost < y.cost end
  return #x.members < #y.members
end

--- The best one within a budget by the rows outside a fold, or by all.
local function choose(list, most, fold)
  local chosen, best
  local rest = {}
  for _, one in ipairs(list) do
    if one.cost <= most then
      local kappa = one.kappa
      if fold then
        for i = 1, 9 do rest[i] = one.sums[i] - one.folds[fold][i] end
        kappa = select(2, coefficients.of_three(rest, 0))
      end
      if better(one, kappa, chosen, best) then chosen, best = one, kappa end
    end
  end
  return chosen
end

--- The choices without each fold; and the kappa of what they say of the folds.
local function across(list, most)
  local chosen, sums = {}, zeros(9)
  for f = 1, FOLDS do
    chosen[f] = choose(list, most, f)
    for i = 1, chosen[f] and 9 or 0 do sums[i] = sums[i] + chosen[f].folds[f][i] end
  end
  return chosen, select(2, coefficients.of_three(sums, 0))
end

local function names_of(one, names)
  local list = json.array()
  for i, m in ipairs(one.members) do list[i] = names[m] end
  return list
end

--- What nothing cheaper is as good as, the cheapest first. `kappa` is what the chosen one has on the rows it was chosen
--- by, `kappa_cross_validated` what choosing the best for so much is worth.
---@param list fellowship.Candidate[]
---@param names string[]
---@return table[] { models, cost, kappa, kappa_cross_validated }
function frontier.of(list, names)
  local sorted, found, best = {}, json.array(), nil
  for i, one in ipairs(list) do sorted[i] = one end
  table.sort(sorted, function(x, y)
    if x.cost ~= y.cost then return x.cost < y.cost end
    if x.kappa ~= y.kappa then return (x.kappa or -math.huge) > (y.kappa or -math.huge) end
    if #x.members ~= #y.members then return #x.members < #y.members end
    for i = 1, #x.members do
      if x.members[i] ~= y.members[i] then return x.members[i] < y.members[i] end
    end
    return false
  end)
  for _, one in ipairs(sorted) do
    if one.kappa and (not best or one.kappa > best) then
      best = one.kappa
      flow.sleep(0)
      local _, honest = across(list, one.cost)
      found[#found + 1] = json.object({ models = names_of(one, names), cost = one.cost, kappa = one.kappa,
        kappa_cross_validated = honest or json.null }, { "models", "cost", "kappa", "kappa_cross_validated" })
    end
  end
  return found
end

--- The best one within a budget, and what the choice is worth.
---@param b fellowship.Ballots
---@param list fellowship.Candidate[]
---@param names string[]
---@param most number
---@param options { seed: integer?, unparsed_as_tie: boolean? }
---@return table? { most, cost, models, kappa, cross_validated, same } nil where nobody can be had for so much; same: of how many folds the choice was the same
function frontier.best_under(b, list, names, most, options)
  local one = choose(list, most)
  if not one then return nil end
  local chosen, same, members = across(list, most), 0, {}
  for f = 1, FOLDS do
    if chosen[f] == one then same = same + 1 end
  end
  for m = 1, b.raters do members[m] = m end
  local picked = {}
  local card = agreement.of(b, members, names, { seed = options.seed, unparsed_as_tie = options.unparsed_as_tie,
    fold = true, decide = function(said, _, fold)
      local own = chosen[fold + 1]
      if not own then return nil end
      for i, m in ipairs(own.members) do picked[i] = said[m] end
      return ballots.mode(picked, #own.members)
    end })
  return json.object({ most = most, cost = one.cost, models = names_of(one, names), kappa = one.kappa,
    cross_validated = juries.brief(card), same = same },
    { "most", "cost", "models", "kappa", "cross_validated", "same" })
end

return frontier
