-- How well an evaluator agrees with human labels: its report card.

local json = require "fellowship.core.json"
local statistics = require "fellowship.measure.statistics"

local agreement = {}

local LABELS = { "a", "b", "tie" }

agreement.keys = { "models", "kappa", "kappa_ci95", "agreement", "n", "unparsed", "ties", "failed", "unlabelled",
  "tie_rate", "unparsed_rate", "flip_rate", "longer_wins", "longer_wins_human", "confusion", "calls", "tokens", "cost" }

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

--- The report card of one evaluator. Kappa is over the labels a, b, tie; rows without a human label, and those whose
--- verdict could not be read or whose call failed, are left out and counted.
--- Example:
---     local rows = { { human = "a" }, { human = "b" }, { human = "tie" } }
---     local card = fellowship.measure.card({ "sim:judge" }, rows, { "a", "b", "unparsed" }, {})
---     print(card.n, card.unparsed, card.agreement) --> 2 1 1.0
---@param models string[] as named
---@param rows { human: string?, longer: "a"|"b"|nil }[]
---@param verdicts table winners by row; nil where the call failed
---@param options { seed: integer?, unparsed_as_tie: boolean?, flips: table?, spent: table? } flips: true/false by row, with --swap; spent: as evidence.sum gives it
---@return table
function agreement.card(models, rows, verdicts, options)
  local n, human, found = #rows, {}, {}
  local count = { unparsed = 0, ties = 0, failed = 0, unlabelled = 0, read = 0, flips = 0, swapped = 0 }
  for i = 1, n do
    local v = verdicts[i]
    human[i] = rows[i].human
    if not rows[i].human then count.unlabelled = count.unlabelled + 1 end
    if v == nil then count.failed = count.failed + 1
    elseif v == "unparsed" then
      count.unparsed = count.unparsed + 1
      if options.unparsed_as_tie then found[i] = "tie" end
    else
      found[i] = v
      count.read = count.read + 1
      if v == "tie" then count.ties = count.ties + 1 end
    end
    if options.flips and options.flips[i] ~= nil then
      count.swapped = count.swapped + 1
      if options.flips[i] then count.flips = count.flips + 1 end
    end
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
    tie_rate = share(count.ties, count.read),
    unparsed_rate = share(count.unparsed, count.unparsed + count.read),
    flip_rate = share(count.flips, count.swapped),
    longer_wins = longer_wins(found, rows, n), longer_wins_human = longer_wins(human, rows, n),
    confusion = confusion_of(ratings),
    calls = spent.calls or json.null, cost = json.null,
    tokens = json.object({ prompt = spent.prompt or json.null, completion = spent.completion or json.null },
      { "prompt", "completion" }),
  }, agreement.keys)
end

return agreement
