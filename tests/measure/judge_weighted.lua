#!/usr/bin/env fellowship
-- Strengths before judges that are not equally good. judge_weighted.json was written once by scipy 1.17.1 (BFGS on the
-- penalised likelihood, then Newton's method with numeric second derivatives) and numpy 2.4.6 (the sandwich by units, scaled
-- by a numeric Jacobian); no package has the model itself.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local fellowship = require "fellowship"
local arena = require "fellowship.measure.arena"
local tap = require "tap"
local json = fellowship.json

local file <close> = assert(io.open(arg[0]:gsub("[^/]*$", "") .. "judge_weighted.json"))
local reference = assert(json.decode(file:read "a"))

local function letter(y) return y == 1 and "a" or y == 0 and "b" or "tie" end

local function near(got, wanted, distance, name)
  tap.ok(got and math.abs(got - wanted) <= distance or false, name, ("got %s, wanted %s"):format(got, wanted))
end

--- The figures of a list by their names, which are numbers.
local function by_name(list, field)
  local out = {}
  for _, one in ipairs(list) do out[one.name] = { one[field], one.ci95 } end
  return out
end

local function compare(case, found)
  local strengths, weights = by_name(found.players, "strength"), by_name(found.judges, "weight")
  local off, wide = 0, 0
  local function look(one, wanted, se)
    off = math.max(off, math.abs(one[1] - wanted))
    wide = math.max(wide, math.abs((one[2][2] - one[2][1]) / 2 / 1.959963984540054 - se))
  end
  for i, wanted in ipairs(case.strengths) do look(strengths[i], wanted, case.se[i]) end
  for c, wanted in ipairs(case.weights) do look(weights[c], wanted, case.se[case.players + c]) end
  near(off, 0, 1e-6, case.name .. ": strengths and weights are scipy's")
  near(wide, 0, 1e-5, case.name .. ": standard errors are the formula's")
end

for _, case in ipairs(reference) do
  local votes, turned = {}, {}
  for i, v in ipairs(case.votes) do
    votes[i] = { prompt = v[1], a = v[2], b = v[3], judge = v[4], winner = letter(v[5]) }
    turned[#case.votes + 1 - i] = { prompt = v[1], a = v[3], b = v[2], judge = v[4], winner = letter(1 - v[5]) }
  end
  local found, problem = fellowship.measure.judge_weighted(votes)
  tap.is(problem, nil, case.name .. ": there is a fit")
  compare(case, found)
  tap.is(found.votes, #votes, "of all votes")
  compare({ name = case.name .. ", the other way round", players = case.players, strengths = case.strengths,
    weights = case.weights, se = case.se }, fellowship.measure.judge_weighted(turned))
end

-- ---- what cannot be had ----

local function game(a, b, judge, winner) return { prompt = 1, a = a, b = b, judge = judge, winner = winner } end

local function none(votes, problem, name)
  local found, said = fellowship.measure.judge_weighted(votes)
  tap.is(found, nil, name)
  tap.like(said, problem, "and why")
end
none({}, "two players and two judges", "no votes, no strengths")
none({ game("x", "y", 1, "a"), game("x", "y", 1, "b") }, "two judges", "one judge has no weight")
none({ game("x", "y", 1, "a"), game("x", "y", 1, "b"), game("x", "y", 2, "unparsed") }, "two judges",
  "nor one beside another of whom nothing can be read")
none({ game("x", "y", 1, "a"), game("x", "y", 2, "a") }, "x won every game against y", "who always wins is not to be compared")
local against = {}
for i = 1, 60 do
  against[#against + 1] = { prompt = i, a = "x", b = "y", judge = "for", winner = i % 4 > 0 and "a" or "b" }
  against[#against + 1] = { prompt = i, a = "x", b = "y", judge = "against", winner = i % 4 > 0 and "b" or "a" }
end
local found = fellowship.measure.judge_weighted(against)
tap.ok(found.judges[1].ci95[1] <= found.judges[2].weight and found.judges[2].weight <= found.judges[1].ci95[2],
  "judges who cancel each other out are not told apart")

-- ---- truth known ----

local TRUTH, WEIGHTS = { 0.8, 0.3, -0.3, -0.8 }, { 2.4, 1.2, 0.4, 0 }
math.randomseed(6)
local sets, held, n, right, plainly, of = 40, 0, 0, 0, 0, 0

local function in_order(strengths)
  local count = 0
  for i = 1, 4 do
    for j = i + 1, 4 do count = count + (strengths[i] > strengths[j] and 1 or 0) end
  end
  return count
end

for _ = 1, sets do
  local votes, plain = {}, fellowship.contest.games()
  for i = 1, 4 do plain:player(i) end
  for prompt = 1, 60 do
    local a = math.random(4)
    local b = (a + math.random(3) - 1) % 4 + 1
    for c, weight in ipairs(WEIGHTS) do
      local winner = math.random() < 1 / (1 + math.exp(weight * (TRUTH[b] - TRUTH[a]))) and "a" or "b"
      votes[#votes + 1] = { prompt = prompt, a = a, b = b, judge = c, winner = winner }
      plain:add(prompt, a, b, winner)
    end
  end
  local fit = assert(fellowship.measure.judge_weighted(votes))
  local mine, others = {}, {}
  for _, one in ipairs(fit.players) do
    mine[one.name], n = one.strength, n + 1
    held = held + (one.ci95[1] <= TRUTH[one.name] and TRUTH[one.name] <= one.ci95[2] and 1 or 0)
  end
  for _, one in ipairs(fit.judges) do
    local truth = WEIGHTS[one.name]
    held, n = held + (one.ci95[1] <= truth and truth <= one.ci95[2] and 1 or 0), n + 1
  end
  for i, one in ipairs(plain:strengths { resamples = 1 }) do others[i] = one.strength end
  right, plainly, of = right + in_order(mine), plainly + in_order(others), of + 6
end
tap.ok(held / n > 0.9 and held / n < 0.98, ("intervals hold strengths and weights: %.3f of %d"):format(held / n, n))
tap.ok(right > plainly, ("more pairs in order than with equal votes: %d, not %d, of %d"):format(right, plainly, of))

-- ---- beside the other strengths ----

local games = arena.new()
for i = 1, 30 do
  games:add { key = i, a = "x", b = "y", winner = "a", votes = {
    { models = { "sim:one" }, winner = i % 3 == 0 and "b" or "a" }, { models = { "sim:two" }, winner = "tie" } } }
end
games:add { key = 31, a = "y", b = "x", winner = "a", votes = { { models = { "sim:one" }, winner = "unparsed" } } }
local weighted = select(3, games:results())
tap.is(weighted.judges[1].name .. " " .. weighted.judges[2].name, "sim:one sim:two", "an arena holds what each juror says")
tap.is(weighted.votes, 60, "where it can be read")
games:close()
local alone = arena.new()
alone:add { key = 1, a = "x", b = "y", winner = "a" }
tap.is(select("#", alone:results()) == 3 and select(3, alone:results()), nil, "without a jury there are no weights")
alone:close()

tap.done()
