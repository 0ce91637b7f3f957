-- What a jury's members are worth together: how far they err on the same rows, what each vote should weigh, and what the
-- jury says when votes weigh that, or by the model of Dawid and Skene.

local json = require "fellowship.core.json"
local agreement = require "fellowship.measure.agreement"
local ballots = require "fellowship.measure.ballots"
local dawid_skene = require "fellowship.measure.dawid_skene"
local flow = require "fellowship.flow"
local resampling = require "fellowship.measure.resampling"

local juries = {}

-- Juries that are looked at: all of up to ten members, and of more the small ones first, and the whole.
juries.MOST = 1023

--- All subsets of `size` of the numbers to `count`, in order, until `list` has MOST.
local function add_subsets(list, count, size)
  local members = {}
  for i = 1, size do members[i] = i end
  while #list < juries.MOST do
    list[#list + 1] = table.move(members, 1, size, 1, {})
    local at = size
    while at > 0 and members[at] == count - size + at do at = at - 1 end
    if at == 0 then return end
    members[at] = members[at] + 1
    for i = at + 1, size do members[i] = members[i - 1] + 1 end
  end
end

--- The juries of so many evaluators: every subset of two or more, by size, up to MOST of them; the whole one always.
---@param count integer
---@return integer[][]
---@return boolean all whether none was left out
function juries.subsets(count)
  local list = {}
  for size = 2, count do add_subsets(list, count, size) end
  local all = count < 2 or #list[#list] == count
  if not all then
    local whole = {}
    for i = 1, count do whole[i] = i end
    list[#list] = whole
  end
  return list, all
end

-- ---- errors ----

-- Of so many numbers at most are pairs of members counted; above, nothing is said of their errors.
local MOST_NUMBERS = 20000000
local MOST_DRAWN = 2000000

--- Counts of two members over rows that people and both have judged: rows, where the first is wrong, the second, both.
local function add_pair(sums, at, rows, human, x, y)
  if not x or not y or x.place == 4 or y.place == 4 then return end
  local i, j = x.place ~= human, y.place ~= human
  sums[at + 1] = sums[at + 1] + rows
  if i then sums[at + 2] = sums[at + 2] + rows end
  if j then sums[at + 3] = sums[at + 3] + rows end
  if i and j then sums[at + 4] = sums[at + 4] + rows end
end

--- The correlation (Pearson's phi) of two members' errors; nil where one errs never or always.
local function correlation(sums, at)
  local n, i, j, both = sums[at + 1], sums[at + 2], sums[at + 3], sums[at + 4]
  local spread = 1.0 * i * (n - i) * j * (n - j) -- as whole numbers these pass 2^63 from 110,000 rows on
  if spread <= 0 then return nil end
  return (n * both - i * j) / math.sqrt(spread)
end

--- How many independent members a jury of k is worth whose errors correlate by rho: k / (1 + (k - 1) rho), the design
--- effect of Kish (1965). Nil where errors exclude each other so far that the formula has no value.
--- Example: `print(fellowship.measure.effective(6, 0.5)) --> 1.7142857142857`
---@param k integer
---@param rho number
---@return number?
function juries.effective(k, rho)
  local by = 1 + (k - 1) * rho
  return by > 0 and k / by or nil
end

--- The mean correlation of members' errors, and how many independent ones they are worth.
local function figures(sums, k)
  local sum, n = 0, 0
  for at = 0, #sums - 4, 4 do
    local rho = correlation(sums, at)
    if rho then sum, n = sum + rho, n + 1 end
  end
  if n == 0 then return {} end
  return { correlation = sum / n, effective = juries.effective(k, sum / n) }
end

local function zeros(count)
  local list = {}
  for i = 1, count do list[i] = 0 end
  return list
end

--- How far members err on the same rows. Nil without labelled rows that two could judge.
local function errors_of(b, view, k, options)
  local width = k * (k - 1) // 2 * 4
  local many = view:patterns() * width
  if k < 2 or many > MOST_NUMBERS then return nil end
  local sums, values = zeros(width), many <= MOST_DRAWN and {} or nil
  for p, rows, human, _, _, _, list in b:patterns(view, k) do
    if p % 1000 == 0 then flow.sleep(0) end
    local own, at = values and zeros(width), 0
    for i = 1, k do
      for j = i + 1, k do
        if human then
          add_pair(sums, at, rows, human, list[i], list[j])
          if own then add_pair(own, at, 1, human, list[i], list[j]) end
        end
        at = at + 4
      end
    end
    if own then table.move(own, 1, width, #values + 1, values) end
  end
  local found = figures(sums, k)
  if not found.correlation then return nil end
  local ends = values and resampling.intervals(view, values, width, function(s)
    return figures(s, k)
  end, options) or {}
  found.pairs, found.n = sums, 0
  for at = 1, width, 4 do found.n = math.max(found.n, sums[at]) end
  found.ends = ends
  return found
end

-- ---- weights ----

--- What a vote should weigh of who is right with the chance `right` among so many labels, the wrong ones being equally
--- likely: log((labels - 1) right / (1 - right)), the weight of the best majority (Nitzan and Paroush 1982); 0 for who is
--- no better than chance. The chance is smoothed by one row of each label.
---@param right number rows
---@param n number of so many
---@param labels integer
---@return number
function juries.weight(right, n, labels)
  local chance = (right + 1) / (n + labels)
  return math.max(0, math.log((labels - 1) * chance / (1 - chance)))
end

--- Of each member, by fold and in all: labelled rows, and those in which it is right.
local function counts_of(b, k)
  local counts = {}
  for m = 1, k do
    local one = { n = zeros(ballots.FOLDS), right = zeros(ballots.FOLDS), all = 0, all_right = 0 }
    for _, rows, human, _, _, fold, list in b:patterns(b:view({ m }, { fold = true, winners = true }), 1) do
      if human and list[1] and list[1].place < 4 then
        local right = list[1].place == human and rows or 0
        one.n[fold + 1], one.right[fold + 1] = one.n[fold + 1] + rows, one.right[fold + 1] + right
        one.all, one.all_right = one.all + rows, one.all_right + right
      end
    end
    counts[m] = one
  end
  return counts
end

--- The weights by the rows of all folds but one, or of all; 1 each where none is better than chance.
local function weights_of(counts, fold)
  local list, any = {}, false
  for m, one in ipairs(counts) do
    local n, right = one.all, one.all_right
    if fold then n, right = n - one.n[fold + 1], right - one.right[fold + 1] end
    list[m] = juries.weight(right, n, #ballots.LABELS)
    any = any or list[m] > 0
  end
  for m = 1, any and 0 or #counts do list[m] = 1 end
  return list
end

-- ---- what they say ----

local function fact(place, list)
  local first = list[1]
  return { place = place or 4, winner = place and ballots.LABELS[place] or "unparsed",
    identical = first and first.identical, first = 0, second = 0, pairs = 0, same = 0 }
end

--- The label with the most weight, a tie where no single one has.
local function heaviest(list, count, weights)
  local sums, any = { 0, 0, 0 }, false
  for m = 1, count do
    local facts = list[m]
    if facts and facts.place < 4 and weights[m] > 0 then
      any, sums[facts.place] = true, sums[facts.place] + weights[m]
    end
  end
  if not any then return nil end
  local most = math.max(table.unpack(sums))
  local first, last
  for place = 1, 3 do
    if sums[place] == most then first, last = first or place, place end
  end
  return first == last and first or 2
end

local BRIEF = { "kappa", "kappa_ci95", "agreement", "agreement_ci95", "n", "unparsed", "ties" }

--- The figures of a card that tell how good it is.
function juries.brief(card)
  local out = {}
  for _, name in ipairs(BRIEF) do out[name] = card[name] end
  return json.object(out, BRIEF)
end

local function listed(found) return found and json.array(found) or json.null end

--- The model of Dawid and Skene of what members said; labels of people are not looked at.
local function fitted(b, view, k)
  local said, counts, seen = {}, {}, {}
  for p, rows, _, _, _, _, list in b:patterns(view, k) do
    if p % 1000 == 0 then flow.sleep(0) end
    local one = {}
    for m = 1, k do one[m] = list[m] and list[m].place < 4 and list[m].place or 0 end
    local key = table.concat(one)
    if not seen[key] then
      seen[key] = #said + 1
      said[#said + 1], counts[#counts + 1] = one, 0
    end
    counts[seen[key]] = counts[seen[key]] + rows
  end
  return dawid_skene.fit(said, counts, k, #ballots.LABELS)
end

local function members_of(names, counts, found, weights, errors)
  local list, k = json.array(), #names
  for m, name in ipairs(names) do
    local own = json.array()
    for other = 1, errors and k or 0 do
      local i, j = math.min(m, other), math.max(m, other)
      -- pairs stand as (1, 2), (1, 3) ... (2, 3) ...
      local at = ((i - 1) * (2 * k - i) // 2 + j - i - 1) * 4
      own[other] = other == m and 1.0 or correlation(errors.pairs, at) or json.null
    end
    local one = counts[m]
    list[m] = json.object({ model = name, accuracy = one.all > 0 and one.all_right / one.all or json.null, n = one.all,
      weight = one.all > 0 and weights[m] or json.null, accuracy_unlabelled = found.accuracy[m],
      error_correlations = errors and own or nil },
      { "model", "accuracy", "n", "weight", "accuracy_unlabelled", "error_correlations" })
  end
  return list
end

local KEYS = { "members", "effective", "dawid_skene", "weighted" }

--- What several evaluators are worth as a jury. Weights are those of all labelled rows; how good the weighted jury is
--- is told by cross-validation: each tenth of the prompts is judged with the weights of the others.
---@param b fellowship.Ballots
---@param names string[] of all its evaluators
---@param options { seed: integer?, unparsed_as_tie: boolean? }
---@return table
function juries.of(b, names, options)
  local k, members = #names, {}
  for m = 1, k do members[m] = m end
  local view = b:view(members, { winners = true })
  local counts, found, errors = counts_of(b, k), fitted(b, view, k), errors_of(b, view, k, options)
  local decide, said = dawid_skene.decider(found), {}
  local ordinary = { seed = options.seed, unparsed_as_tie = options.unparsed_as_tie }
  ordinary.decide = function(list)
    for m = 1, k do said[m] = list[m] and list[m].place < 4 and list[m].place or 0 end
    return fact(decide(said), list)
  end
  local by_model = agreement.of(b, members, names, ordinary)
  local any, weights = false, {}
  for fold = 0, ballots.FOLDS - 1 do weights[fold] = weights_of(counts, fold) end
  for _, one in ipairs(counts) do any = any or one.all > 0 end
  ordinary.fold = true
  ordinary.decide = function(list, count, fold) return fact(heaviest(list, count, weights[fold]), list) end
  local weighted = any and agreement.of(b, members, names, ordinary) or nil
  return json.object({ members = members_of(names, counts, found, weights_of(counts), errors),
    effective = errors and json.object({ members = k, independent = errors.effective or json.null,
      independent_ci95 = listed(errors.ends.effective), correlation = errors.correlation,
      correlation_ci95 = listed(errors.ends.correlation), n = errors.n },
      { "members", "independent", "independent_ci95", "correlation", "correlation_ci95", "n" }) or nil,
    dawid_skene = juries.brief(by_model), weighted = weighted and juries.brief(weighted) or nil }, KEYS)
end

return juries
