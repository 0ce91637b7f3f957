-- How well an evaluator agrees with human labels: its report card.

local json = require "fellowship.core.json"
local ballots = require "fellowship.measure.ballots"
local coefficients = require "fellowship.measure.coefficients"
local rates = require "fellowship.measure.rates"
local resampling = require "fellowship.measure.resampling"
local flow = require "fellowship.flow"

local agreement = {}

local LABELS = { "a", "b", "tie" } -- as the confusion table has them
local PLACES = { a = 1, tie = 2, b = 3 }

agreement.keys = { "models", "kappa", "kappa_ci95", "agreement", "agreement_ci95", "n", "unparsed", "ties", "failed",
  "unlabelled", "unparsed_kinds", "identical", "tie_rate", "tie_rate_human", "unparsed_rate", "flip_rate", "flips",
  "longer_wins", "longer_wins_human", "confusion", "coefficients", "win_rate", "position", "repeats", "calibration",
  "calls", "tokens", "cost" }

local function share(count, of)
  if of == 0 then return json.null end
  return count / of
end

--- Many patterns are gone through a piece at a time, so that the loop goes on.
local PIECE = 2000

local function new_counts()
  local count = { unparsed = 0, ties = 0, failed = 0, unlabelled = 0, read = 0, swapped = 0, identical = 0, kinds = {},
    side = 0, tie = 0, first = 0, second = 0, pairs = 0, same = 0, human_ties = 0, human = 0, rows = 0, n = 0,
    decided = { 0, 0 }, longer = { 0, 0 }, cells = {} }
  for i = 1, 16 do count.cells[i] = 0 end
  return count
end

local function count_longer(count, which, place, longer, rows)
  if not longer or place ~= 1 and place ~= 3 then return end
  count.decided[which] = count.decided[which] + rows
  if (longer == "a") == (place == 1) then count.longer[which] = count.longer[which] + rows end
end

--- Counts the rows of a pattern; the place of the label that its verdict is compared as, nil of none.
local function take(count, rows, v, unparsed_as_tie)
  if not v then
    count.failed = count.failed + rows
    return nil
  end
  if v.flipped ~= nil then count.swapped = count.swapped + rows end
  if v.flipped then
    local how = v.flip or "side"
    count[how] = count[how] + rows
  end
  if v.identical then count.identical = count.identical + rows end
  count.first, count.second = count.first + rows * v.first, count.second + rows * v.second
  count.pairs, count.same = count.pairs + rows * v.pairs, count.same + rows * v.same
  if v.place == 4 then
    count.unparsed = count.unparsed + rows
    if v.kind then count.kinds[v.kind] = (count.kinds[v.kind] or 0) + rows end
    return unparsed_as_tie and 2 or 4
  end
  count.read = count.read + rows
  if v.place == 2 then count.ties = count.ties + rows end
  return v.place
end

--- Goes through the patterns of a view: counts, and for each pattern its cell among 4 * 4 of human label (none, a, tie,
--- b) and verdict, 0 where there is no verdict, and how often what was shown first and second won.
local function tally(b, view, members, options)
  local count, cells, first, second = new_counts(), {}, {}, {}
  local decide = options.decide or ballots.mode
  for p, rows, human, longer, _, fold, list in b:patterns(view, #members) do
    if p % PIECE == 0 then flow.sleep(0) end
    local v = decide(list, #members, fold)
    local place = take(count, rows, v, options.unparsed_as_tie)
    count.rows = count.rows + rows
    if human then
      count.human, count.human_ties = count.human + rows, count.human_ties + (human == 2 and rows or 0)
      count_longer(count, 2, human, longer, rows)
    else
      count.unlabelled = count.unlabelled + rows
    end
    cells[p], first[p], second[p] = 0, 0, 0
    if place then
      count_longer(count, 1, place, longer, rows)
      local cell = (human or 0) * 4 + place
      count.cells[cell] = count.cells[cell] + rows
      cells[p], first[p], second[p] = cell, v.first, v.second
    end
  end
  return count, cells, first, second
end

--- The 3 * 3 table of labels by verdicts, from the 16 cells.
local function table_of(cells)
  local t = {}
  for i = 1, 3 do t[i] = { cells[i * 4 + 1], cells[i * 4 + 2], cells[i * 4 + 3] } end
  return t
end

--- The figures that have intervals.
local function figures(sums)
  local found = {}
  local cells = { sums[5], sums[6], sums[7], sums[9], sums[10], sums[11], sums[13], sums[14], sums[15] }
  found.agreement, found.kappa, found.kappa_quadratic, found.ac1 = coefficients.of_three(cells, 0)
  if sums[17] and sums[17] + sums[18] > 0 then found.first = sums[17] / (sums[17] + sums[18]) end
  rates.of_cells(sums, found)
  return found
end

--- The intervals of the figures, by bootstrap over units.
local function intervals_of(view, count, cells, first, second, seed)
  if count.rows == 0 then return {} end
  if count.first + count.second == 0 then return resampling.intervals(view, cells, 16, figures, { seed = seed }) end
  local values = {}
  for p, cell in ipairs(cells) do
    local at = (p - 1) * 18
    for i = at + 1, at + 16 do values[i] = 0 end
    if cell > 0 then values[at + cell] = 1 end
    values[at + 17], values[at + 18] = first[p], second[p]
  end
  return resampling.intervals(view, values, 18, figures, { seed = seed })
end

local function confusion_of(t)
  local out = {}
  for _, human in ipairs(LABELS) do
    local row = {}
    for _, found in ipairs(LABELS) do row[found] = t[PLACES[human]][PLACES[found]] end
    out[human] = json.object(row, LABELS)
  end
  return json.object(out, LABELS)
end

local function listed(found)
  return found and json.array(found) or json.null
end

local COEFFICIENTS = { "ac1", "ac1_ci95", "kappa_linear", "kappa_quadratic", "kappa_quadratic_ci95", "alpha_nominal",
  "alpha_ordinal", "alpha_interval", "kappa_a", "kappa_tie", "kappa_b" }

local function coefficients_of(t, intervals)
  local found = { ac1 = coefficients.ac1(t) or json.null, ac1_ci95 = listed(intervals.ac1),
    kappa_linear = coefficients.kappa(t, "linear") or json.null,
    kappa_quadratic = coefficients.kappa(t, "quadratic") or json.null,
    kappa_quadratic_ci95 = listed(intervals.kappa_quadratic) }
  for _, level in ipairs(coefficients.levels) do
    found["alpha_" .. level] = coefficients.alpha(t, level) or json.null
  end
  for label, place in pairs(PLACES) do found["kappa_" .. label] = coefficients.kappa_of_label(t, place) or json.null end
  return json.object(found, COEFFICIENTS)
end

--- Where the judge leans: how often what it was shown first won, of the orders in which one side won.
local function position_of(count, intervals)
  local n = count.first + count.second
  if n == 0 then return nil end
  local ends = intervals.first
  local lean = ends and (ends[1] > 0.5 and "first" or ends[2] < 0.5 and "second") or "none"
  return json.object({ first_wins = count.first / n, ci95 = listed(ends), n = n, lean = lean },
    { "first_wins", "ci95", "n", "lean" })
end

--- The report card of an evaluator, or of several whose verdicts are counted as one.
---@param b fellowship.Ballots
---@param members integer[] whose verdicts, by their places
---@param models string[] as named
---@param options { seed: integer?, unparsed_as_tie: boolean?, spent: table?, decide: function?, fold: boolean?, lengths: boolean?, plan: number?, calibration: table? } spent: as evidence.sum gives it; decide: what comes of the members' facts, of how many, and of the fold, where that is asked for; lengths: whether the length-controlled rate is fitted too; plan: how exact the rate shall be, for how many labels that takes
---@return table
function agreement.of(b, members, models, options)
  local view = b:view(members, { longer = true, winners = #members > 1, fold = options.fold })
  local count, cells, first, second = tally(b, view, members, options)
  local intervals = intervals_of(view, count, cells, first, second, options.seed)
  local t = table_of(count.cells)
  for i = 1, 3 do
    for j = 1, 3 do count.n = count.n + t[i][j] end
  end
  local spent, flips = options.spent or {}, count.side + count.tie
  return json.object({
    models = json.array(models),
    kappa = coefficients.kappa(t) or json.null, kappa_ci95 = count.n > 0 and listed(intervals.kappa) or json.null,
    agreement = coefficients.agreement(t) or json.null, agreement_ci95 = listed(intervals.agreement),
    n = count.n, unparsed = count.unparsed, ties = count.ties, failed = count.failed, unlabelled = count.unlabelled,
    unparsed_kinds = next(count.kinds) and json.object(count.kinds) or nil,
    identical = count.identical > 0 and count.identical or nil,
    tie_rate = share(count.ties, count.read), tie_rate_human = share(count.human_ties, count.human),
    unparsed_rate = share(count.unparsed, count.unparsed + count.read),
    flip_rate = share(flips, count.swapped),
    flips = count.swapped > 0 and json.object({ side = count.side, tie = count.tie, n = count.swapped },
      { "side", "tie", "n" }) or nil,
    longer_wins = share(count.longer[1], count.decided[1]),
    longer_wins_human = share(count.longer[2], count.decided[2]),
    confusion = confusion_of(t),
    coefficients = coefficients_of(t, intervals),
    win_rate = rates.card(view, cells, count.cells, intervals, options, b.style),
    position = position_of(count, intervals),
    repeats = count.pairs > 0 and json.object({ rate = count.same / count.pairs, n = count.pairs }, { "rate", "n" })
      or nil,
    calibration = options.calibration, calls = spent.calls or json.null, cost = json.null,
    tokens = json.object({ prompt = spent.prompt or json.null, completion = spent.completion or json.null },
      { "prompt", "completion" }),
  }, agreement.keys), t
end

--- The report card of one evaluator. Kappa is over the labels a, b, tie; rows without a human label, and those whose
--- verdict could not be read or whose call failed, are left out and counted.
--- Example:
---     local rows = { { human = "a" }, { human = "b" }, { human = "tie" } }
---     local card = fellowship.measure.card({ "sim:judge" }, rows, { "a", "b", "unparsed" }, {})
---     print(card.n, card.unparsed, card.agreement) --> 2 1 1.0
---@param models string[] as named
---@param rows { human: string?, longer: "a"|"b"|nil, length: number?, key: string|integer|nil }[] key: rows of one key hang together; length: A's less B's
---@param verdicts table<integer, fellowship.Verdict|string> or winners, by row; nil where the call failed
---@param options { seed: integer?, unparsed_as_tie: boolean?, spent: table?, lengths: boolean? } spent: as evidence.sum gives it; lengths: whether the length-controlled rate is fitted too
---@return table
function agreement.card(models, rows, verdicts, options)
  local b = ballots.new(1)
  for i, row in ipairs(rows) do
    b:add { key = row.key or i, human = row.human, longer = row.longer, length = row.length,
      verdicts = { verdicts[i] or false } }
  end
  local card = agreement.of(b, { 1 }, models, options)
  b:close()
  return card
end

return agreement
