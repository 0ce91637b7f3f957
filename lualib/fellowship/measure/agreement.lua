-- How well an evaluator agrees with human labels: its report card.

local json = require "fellowship.core.json"
local statistics = require "fellowship.measure.statistics"

local agreement = {}

local LABELS = { "a", "b", "tie" }

agreement.keys = { "models", "kappa", "kappa_ci95", "agreement", "n", "unparsed", "ties", "failed", "unlabelled",
  "unparsed_kinds", "identical", "tie_rate", "unparsed_rate", "flip_rate", "flips", "longer_wins",
    "longer_wins_human", "confusion", "calls", "tokens", "cost" }

local function share(count, of)
  if of == 0 then return json.null end
  return count / of
end

--- How often the longer response is put first, of the rows where one is: by a list of labels.
local function longer_wins(labels, rows, n)
  local wins, decided = 0, 0
  for i = 1, n do
    local longer = rows[i].longer
    if longer and (labels[i] == "a" or labels[i] == "b") then
      decided = decided + 1
      if labels[i] == longer then wins = wins + 1 end
    end
  end
  return share(wins, decided)
end

--- The confusion table as { human label = { verdict = count } }.
local function confusion_of(ratings)
  local counts, out = statistics.confusion(ratings), {}
  for i, human in ipairs(LABELS) do
    local row = {}
    for j, found in ipairs(LABELS) do row[found] = counts[i][j] end
    out[human] = json.object(row, LABELS)
  end
  return json.object(out, LABELS)
end

local function new_counts()
  return { unparsed = 0, ties = 0, failed = 0, unlabelled = 0, read = 0, swapped = 0, identical = 0, kinds = {},
    flips = { side = 0, tie = 0 } }
end

--- Counts a verdict; the label that it is compared as.
local function take(count, v, unparsed_as_tie)
  if v == nil then
    count.failed = count.failed + 1
    return nil
  end
  if type(v) == "string" then v = { winner = v } end
  if v.flipped ~= nil then count.swapped = count.swapped + 1 end
  if v.flipped then count.flips[v.flip or "side"] = count.flips[v.flip or "side"] + 1 end
  if v.identical then count.identical = count.identical + 1 end
  if v.winner == "unparsed" then
    count.unparsed = count.unparsed + 1
    local kind = v.problem_kind
    if kind then count.kinds[kind] = (count.kinds[kind] or 0) + 1 end
    return unparsed_as_tie and "tie" or nil
  end
  count.read = count.read + 1
  if v.winner == "tie" then count.ties = count.ties + 1 end
  return v.winner
end

--- The report card of one evaluator. Kappa is over the labels a, b, tie; rows without a human label, and those whose
--- verdict could not be read or whose call failed, are left out and counted.
--- Example:
---     local rows = { { human = "a" }, { human = "b" }, { human = "tie" } }
---     local card = fellowship.measure.card({ "sim:judge" }, rows, { "a", "b", "unparsed" }, {})
---     print(card.n, card.unparsed, card.agreement) --> 2 1 1.0
---@param models string[] as named
---@param rows { human: string?, longer: "a"|"b"|nil }[]
---@param verdicts table<integer, fellowship.Verdict|string> or winners, by row; nil where the call failed
---@param options { seed: integer?, unparsed_as_tie: boolean?, spent: table? } spent: as evidence.sum gives it
---@return table
function agreement.card(models, rows, verdicts, options)
  local n, human, found, count = #rows, {}, {}, new_counts()
  for i = 1, n do
    human[i] = rows[i].human
    if not rows[i].human then count.unlabelled = count.unlabelled + 1 end
    found[i] = take(count, verdicts[i], options.unparsed_as_tie)
  end
  local ratings = statistics.pair(human, found, n, LABELS)
  local spent = options.spent or {}
  local interval = statistics.kappa_interval(ratings, { seed = options.seed })
  return json.object({
    models = json.array(models),
    kappa = statistics.kappa(ratings) or json.null,
    kappa_ci95 = interval and json.array(interval) or json.null,
    agreement = statistics.agreement(ratings) or json.null,
    n = ratings.n, unparsed = count.unparsed, ties = count.ties, failed = count.failed, unlabelled = count.unlabelled,
    unparsed_kinds = next(count.kinds) and json.object(count.kinds) or nil,
    identical = count.identical > 0 and count.identical or nil,
    tie_rate = share(count.ties, count.read),
    unparsed_rate = share(count.unparsed, count.unparsed + count.read),
    flip_rate = share(count.flips.side + count.flips.tie, count.swapped),
    flips = count.swapped > 0 and json.object({ side = count.flips.side, tie = count.flips.tie, n = count.swapped },
      { "side", "tie", "n" }) or nil,
    longer_wins = longer_wins(found, rows, n), longer_wins_human = longer_wins(human, rows, n),
    confusion = confusion_of(ratings),
    calls = spent.calls or json.null, cost = json.null,
    tokens = json.object({ prompt = spent.prompt or json.null, completion = spent.completion or json.null },
      { "prompt", "completion" }),
  }, agreement.keys)
end

return agreement
