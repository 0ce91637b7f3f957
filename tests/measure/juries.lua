#!/usr/bin/env fellowship
-- Juries: the model of Dawid and Skene, errors that members share, weights, and questions asked many at once. juries.json
-- was written once by crowd-kit 1.4.2 (DawidSkene, thirty steps), statsmodels 0.15.0 (multipletests, holm) and numpy
-- 2.4.6 (corrcoef).
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local fellowship = require "fellowship"
local ballots = require "fellowship.measure.ballots"
local dawid_skene = require "fellowship.measure.dawid_skene"
local frontier = require "fellowship.measure.frontier"
local juries = require "fellowship.measure.juries"
local paired = require "fellowship.measure.paired"
local agreement = require "fellowship.measure.agreement"
local tap = require "tap"
local json = fellowship.json

local file <close> = assert(io.open(arg[0]:gsub("[^/]*$", "") .. "juries.json"))
local reference = assert(json.decode(file:read "a"))

local function near(got, wanted, name, distance)
  tap.ok(got and got ~= json.null and math.abs(got - wanted) <= (distance or 1e-9) or false, name,
    ("got %s, wanted %s"):format(got, wanted))
end

-- ---- Dawid and Skene ----

local NONE = { right = 0, wrong = 0 } -- crowd-kit holds nothing before it has seen anything

for _, case in ipairs(reference.dawid_skene) do
  local raters, said, counts = {}, {}, {}
  for m, list in ipairs(case.raters) do
    raters[m] = {}
    for i = 1, case.n do raters[m][i] = list[i] ~= json.null and list[i] or nil end
  end
  local place = { a = 1, tie = 2, b = 3 }
  for i = 1, case.n do
    said[i], counts[i] = {}, 1
    for m = 1, #raters do said[i][m] = place[raters[m][i]] or 0 end
  end
  local found = dawid_skene.fit(said, counts, #raters, 3, { prior = NONE, steps = 30, small = -1 })
  local most, share = 0, 0
  for i, chances in ipairs(case.chances) do
    for t, chance in ipairs(chances) do most = math.max(most, math.abs(chance - found.posterior[i][t])) end
  end
  for t, label in ipairs(case.labels) do
    local mean = 0
    for i = 1, case.n do mean = mean + found.posterior[i][t] / case.n end
    share = math.max(share, math.abs(case.share[label] - mean))
  end
  near(most, 0, case.name .. ": the chances are crowd-kit's", 1e-4)
  near(share, 0, case.name .. ": and the shares", 1e-4)
  local own = fellowship.measure.dawid_skene(raters, case.n)
  local sum = 0
  for _, accuracy in ipairs(own.accuracy) do sum = sum + (accuracy > 0 and accuracy < 1 and 1 or 0) end
  tap.is(sum, #raters, case.name .. ": with a prior no rater is perfect")
  -- The same rows many at once are the same rows one by one.
  local grouped, numbers, by_key = {}, {}, {}
  for i, one in ipairs(said) do
    local key = table.concat(one)
    if not by_key[key] then
      by_key[key], grouped[#grouped + 1], numbers[#numbers + 1] = #grouped + 1, one, 0
    end
    numbers[by_key[key]] = numbers[by_key[key]] + counts[i]
  end
  near(dawid_skene.fit(grouped, numbers, #raters, 3).likelihood, dawid_skene.fit(said, counts, #raters, 3).likelihood,
    case.name .. ": patterns stand for their rows", 1e-6)
end

local nothing = fellowship.measure.dawid_skene({ { nil, "a" }, { nil, "b" } }, 2)
tap.is(nothing.labels[1], nil, "of a row that nobody judged nothing is said")
tap.ok(nothing.labels[2], "of the other one there is")
tap.is(#fellowship.measure.dawid_skene({ {}, {} }, 0).labels, 0, "no rows, no labels")

-- ---- many questions ----

for i, case in ipairs(reference.holm) do
  local found, most = fellowship.measure.holm(case.p), 0
  for k, p in ipairs(case.holm) do most = math.max(most, math.abs(p - found[k])) end
  near(most, 0, ("Holm's correction of table %d is statsmodels'"):format(i))
end
tap.is(#fellowship.measure.holm {}, 0, "no questions")

-- ---- errors of members ----

for i, case in ipairs(reference.correlations) do
  local held, k = ballots.new(4), 4
  for row = 1, #case.errors[1] do
    local verdicts = {}
    for m = 1, k do verdicts[m] = case.errors[m][row] == 1 and "b" or "a" end
    held:add { key = row, human = "a", verdicts = verdicts }
  end
  local found = juries.of(held, { "w", "x", "y", "z" }, {})
  near(found.effective.correlation, case.mean, ("table %d: the mean correlation of errors is numpy's"):format(i))
  near(found.effective.independent, case.effective, ("table %d: and how many are independent"):format(i))
  local most = 0
  for m = 1, k do
    for other = 1, k do
      most = math.max(most, math.abs(found.members[m].error_correlations[other] - case.pairs[m][other]))
    end
  end
  near(most, 0, ("table %d: and those of each two"):format(i))
  local low, high = found.effective.correlation_ci95[1], found.effective.correlation_ci95[2]
  tap.ok(low < case.mean and case.mean < high, ("table %d: the interval holds it"):format(i))
  held:close()
end

-- So many rows that products of four counts pass 2^63.
local function of_rows(count)
  local many = ballots.new(2)
  local members = { { "a", "a" }, { "a", "b" }, { "b", "b" }, { "b", "a" }, { "b", "b" } }
  for i = 1, count do many:add { key = i, human = "a", verdicts = members[i % 5 + 1] } end
  local found = juries.of(many, { "x", "y" }, { resamples = 20 }).effective.correlation
  many:close()
  return found
end
near(of_rows(150000), of_rows(150), "150,000 rows correlate as 150 of the same shares do", 1e-12)

near(fellowship.measure.effective(5, 0), 5, "members who err by themselves count in full")
near(fellowship.measure.effective(5, 1), 1, "those who err alike are one")

-- ---- weights ----

local function judged(truth, right)
  if math.random() < right then return truth end
  local others = { a = { "b", "tie" }, b = { "a", "tie" }, tie = { "a", "b" } }
  return others[truth][math.random(2)]
end

math.randomseed(8)
local held, members = ballots.new(5), { 0.9, 0.55, 0.5, 0.45, 0.34 }
local winners = { {}, {}, {}, {}, {} }
for i = 1, 1200 do
  local truth, verdicts = ({ "a", "tie", "b" })[math.random(3)], {}
  for m, right in ipairs(members) do
    verdicts[m] = judged(truth, right)
    winners[m][i] = verdicts[m]
  end
  held:add { key = "prompt " .. i // 2, human = truth, verdicts = verdicts }
end
local names = { "best", "two", "three", "four", "chance" }
local found = juries.of(held, names, { seed = 1 })
local majority = agreement.of(held, { 1, 2, 3, 4, 5 }, names, {})
for m = 1, 4 do tap.ok(found.members[m].weight > found.members[m + 1].weight, names[m] .. " weighs more than the next") end
local one = found.members[1]
local right = (one.accuracy * one.n + 1) / (one.n + 3)
near(one.weight, math.log(2 * right / (1 - right)), "a weight is what the best majority asks for")
tap.ok(found.weighted.kappa > majority.kappa, "a weighted jury beats the plain one",
  ("%.3f, %.3f"):format(found.weighted.kappa, majority.kappa))
tap.ok(found.dawid_skene.kappa > majority.kappa, "so does the model that sees no label",
  ("%.3f, %.3f"):format(found.dawid_skene.kappa, majority.kappa))
for m, accuracy in ipairs { 0.9, 0.55, 0.5, 0.45, 0.34 } do
  near(found.members[m].accuracy_unlabelled, accuracy, names[m] .. " is known to be so good without a label", 0.08)
end
local list = fellowship.measure.dawid_skene(winners, 1200)
near(list.accuracy[1], found.members[1].accuracy_unlabelled, "from lists the same", 1e-6)

-- Members no better than chance weigh nothing; where all are so, each weighs the same.
tap.is(juries.weight(10, 100, 3), 0, "worse than chance weighs nothing")
local odd = ballots.new(2)
for i = 1, 30 do odd:add { key = i, human = "a", verdicts = { "b", "tie" } } end
local wrong = juries.of(odd, { "x", "y" }, {})
tap.is(wrong.weighted.ties, 30, "two who are always wrong disagree: a tie")
tap.is(wrong.effective, nil, "who always errs correlates with nobody")
local empty = juries.of(ballots.new(2), { "x", "y" }, {})
tap.is(empty.weighted, nil, "without labels there are no weights")
tap.is(empty.members[1].weight, json.null, "nor a member's")

-- ---- differences ----

local cards = {}
for m = 1, 5 do cards[m] = agreement.of(held, { m }, { names[m] }, {}).kappa end
local differences = paired.of(held, { { "best" }, { "two" }, { "three" }, { "four" }, { "chance" } }, cards, { seed = 3 })
tap.is(#differences, 10, "each two of five are compared")
for _, d in ipairs(differences) do
  local i, j
  for m, name in ipairs(names) do
    if name == d.models[1] then i = m elseif name == d.against[1] then j = m end
  end
  near(d.kappa, cards[i] - cards[j], ("%s against %s: the difference of their cards"):format(names[i], names[j]))
  tap.ok(d.kappa_ci95[1] <= d.kappa and d.kappa <= d.kappa_ci95[2] and d.kappa_p_holm >= d.kappa_p, "inside its interval")
end
tap.ok(differences[1].kappa_p_holm < 1e-6, "the best one is the best beyond doubt")
-- Against the row-by-row figure: agreement's difference is a mean of -1, 0 and 1 over prompts of two rows.
local alone, squares, mean = ballots.new(2), 0, 0
for i = 1, 400 do
  local x, y = judged("a", 0.8), judged("a", 0.7)
  local d = (x == "a" and 1 or 0) - (y == "a" and 1 or 0)
  mean, squares = mean + d / 400, squares + d * d / 400
  alone:add { key = i, human = "a", verdicts = { x, y } }
end
local two = paired.of(alone, { { "x" }, { "y" } }, {}, { seed = 1 })[1]
local se = math.sqrt((squares - mean ^ 2) / 400)
near(two.agreement, mean, "a difference of agreements is a mean")
near((two.agreement_ci95[2] - two.agreement_ci95[1]) / 2 / 1.96, se, "with its standard error", se / 10)
tap.ok(two.agreement_p > 0 and (two.agreement_p < 0.05) == (mean / se > 1.96), "and its p value", tostring(two.agreement_p))

-- ---- what quality costs ----

local costs = { 10, 4, 3, 2, 1 }
local candidates = frontier.candidates(held, costs, { juries = true })
tap.is(#candidates, 5 + 26, "five, and every jury of some of them")
local known = {}
for _, c in ipairs(candidates) do
  local label = {}
  for i, m in ipairs(c.members) do label[i] = names[m] end
  local card = agreement.of(held, c.members, label, {})
  if math.abs(card.kappa - c.kappa) > 1e-12 then known[#known + 1] = table.concat(label, "+") end
end
tap.is(table.concat(known, " "), "", "kappas of candidates are those of cards")
local points = frontier.of(candidates, names)
for i = 2, #points do
  tap.ok(points[i].cost > points[i - 1].cost and points[i].kappa > points[i - 1].kappa, "a dearer point is a better one")
end
local under = frontier.best_under(held, candidates, names, 6, { seed = 1 })
local best = -1
for _, c in ipairs(candidates) do
  if c.cost <= 6 then best = math.max(best, c.kappa) end
end
near(under.kappa, best, "the best within a budget is the best that is cheap enough")
tap.ok(under.cost <= 6, "and within it")
tap.ok(under.cross_validated.kappa <= under.kappa + 0.02, "by cross-validation it is no better than it looks")
tap.is(frontier.best_under(held, candidates, names, 0.5, {}), nil, "for too little there is nothing")
tap.is(#frontier.candidates(held, { 1, nil, 1 }, { juries = true }), 3, "what nobody knows the cost of is left out")

-- The best of many equals is worth what one of them is: chosen on the rows it looks better than it is.
local looks, honest = 0, 0
for t = 1, 20 do
  local noise = ballots.new(6)
  for i = 1, 60 do
    local truth, verdicts = ({ "a", "tie", "b" })[math.random(3)], {}
    for m = 1, 6 do verdicts[m] = judged(truth, 1 / 3) end
    noise:add { key = t .. "/" .. i, human = truth, verdicts = verdicts }
  end
  local six = { "1", "2", "3", "4", "5", "6" }
  local u = frontier.best_under(noise, frontier.candidates(noise, { 1, 1, 1, 1, 1, 1 }, { juries = true }), six, 99, {})
  looks, honest = looks + u.kappa / 20, honest + u.cross_validated.kappa / 20
  noise:close()
end
tap.ok(looks > 0.08, "the best of 63 that know nothing looks good", ("%.3f"):format(looks))
tap.ok(math.abs(honest) < 0.06, "by cross-validation it knows nothing", ("%.3f"):format(honest))

local most, all = juries.subsets(10)
tap.is(#most, 1013, "ten have 1,013 juries")
tap.ok(all, "none left out")
most, all = juries.subsets(40)
tap.is(#most, juries.MOST, "forty have too many")
tap.ok(not all and #most[#most] == 40 and #most[1] == 2, "the small ones and the whole one are taken")
tap.is(#juries.subsets(1), 0, "one is no jury")
tap.done()
