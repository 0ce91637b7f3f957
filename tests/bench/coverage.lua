#!/usr/bin/env fellowship
-- How often the 95% intervals of a panel and of strengths hold the truth, on data whose truth is known.
--
--     fellowship tests/bench/coverage.lua [DATASETS [ROWS [KIND]]]
--
-- Kinds are the judges fair, length, position and noisy, games, and weights: all when none is named. A judge sees pairs of
-- responses, two of each prompt, in both orders. Whoever's quality is higher wins for people; what a judge sees of it is
-- blurred, and leans as the judge does. Games: five players whose responses differ in style, before four jurors of
-- unequal worth. The truth of a figure is what very many rows give; that of a map made to calibrate scores, which hangs
-- on how many rows it is made of, is the mean of all data sets. Weights: how many pairs of players stand in the right
-- order, a tenth of the rows being games, when votes are weighed and when each counts the same.
local arena = require "fellowship.measure.arena"
local calibration = require "fellowship.measure.calibration"
local contest = require "fellowship.measure.contest"
local flow = require "fellowship.flow"
local judge_weighted = require "fellowship.measure.judge_weighted"
local panel = require "fellowship.measure.panel"

io.stdout:setvbuf "line"
local sets, rows = math.tointeger(arg[1] or 1000), math.tointeger(arg[2] or 400)
local MANY = 200000

local function tanh(x) return 1 - 2 / (math.exp(2 * x) + 1) end

local function normal() return math.sqrt(-2 * math.log(1 - math.random())) * math.cos(2 * math.pi * math.random()) end

-- ---- panels ----

local JUDGES = {
  fair = { sees = 1.5, blur = 0.8, length = 0, first = 0 },
  length = { sees = 1.2, blur = 0.8, length = 1.2, first = 0 },
  position = { sees = 1.2, blur = 0.8, length = 0, first = 0.8 },
  noisy = { sees = 0.4, blur = 1.5, length = 0, first = 0 },
}

local function label(x, wide) return x > wide and "a" or x < -wide and "b" or "tie" end

--- One order's verdict, and both scores of it.
local function look(judge, quality, d, first)
  local x = judge.sees * quality + judge.length * tanh(d / 200) + first + judge.blur * normal()
  return label(x, 0.4), x
end

local OWN = { { a = "gpt-4o", b = "llama-3" }, { a = "llama-3", b = "gpt-4o" }, { a = "gemma-2", b = "llama-3" } }

--- A row as panels take it.
local function pair(judge, key, shared)
  local quality, d = 0.2 + 0.7 * shared + normal(), 250 * normal()
  local w1, x1 = look(judge, quality, d, judge.first)
  local w2, x2 = look(judge, quality, d, -judge.first)
  local winner = w1 == w2 and w1 or "tie"
  local function score(x) return math.max(1, math.min(10, math.floor(5.5 + x + 0.5))) end
  local middle = (x1 + x2) / 4
  return { key = key, human = label(quality + 0.5 * normal(), 0.3), longer = d > 0 and "a" or "b", length = d // 1 | 0,
    style = { tanh(d / 500), 0.1 * normal(), 0.1 * normal(), 0.05 * normal() }, names = OWN[math.random(3)],
    verdict = { winner = winner, models = { "openai:gpt-4o" }, scores = { a = score(middle), b = score(-middle) },
      flipped = w1 ~= w2, flip = w1 ~= w2 and ((w1 == "tie" or w2 == "tie") and "tie" or "side") or nil,
      orders = { { winner = w1, shown = "ab" }, { winner = w2, shown = "ba" } } } }, quality
end

--- The figures of so many rows: { value, interval } by name.
local function figures_of(judge, count, seed)
  local one, votes = panel.new { "openai:gpt-4o" }, calibration.new()
  local shared
  for i = 1, count do
    if i % 1000 == 0 then flow.sleep(0) end
    if i % 2 == 1 then shared = normal() end
    local row, quality = pair(judge, (i + 1) // 2, shared)
    one:add(row)
    local said = {}
    for m = 1, 3 do said[m] = { winner = (look(judge, quality, row.length, 0)) } end
    votes:add(row.key, calibration.chance({ winner = "a", votes = said }, 10), row.human)
  end
  local s = one:summary { seed = seed }
  local rates, own, scores, jury = s.card.win_rate, s.own_family, s.calibration, votes:summary()
  votes:close()
  one.ballots:close()
  one.chances:close()
  return { { "rate, ties as halves", rates.halves.rate, rates.halves.ci95 },
    { "rate at equal lengths", rates.length_controlled.rate, rates.length_controlled.ci95 },
    { "rate at equal style", rates.style_controlled.rate, rates.style_controlled.ci95 },
    { "what is shown first wins", s.position.first_wins, s.position.ci95 },
    { "own family wins", own.own_wins, own.ci95 },
    { "equal opportunity", own.equal_opportunity, own.equal_opportunity_ci95 },
    { "kappa", s.card.kappa, s.card.kappa_ci95 },
    { "quadratic kappa", s.card.coefficients.kappa_quadratic, s.card.coefficients.kappa_quadratic_ci95 },
    { "AC1", s.card.coefficients.ac1, s.card.coefficients.ac1_ci95 },
    { "Brier's score of scores", scores.brier, scores.brier_ci95 },
    { "of Platt's map", scores.platt.brier, scores.platt.brier_ci95, true },
    { "of the isotonic map", scores.isotonic.brier, scores.isotonic.brier_ci95, true },
    { "Brier's score of three votes", jury.brier, jury.brier_ci95 } }
end

-- ---- games ----

local STRENGTHS, WEIGHTS, WORDY = { 0.9, 0.3, 0, -0.4, -0.8 }, { 2, 1.2, 0.6, 0.2 }, { -0.2, 0.3, 0, 0.1, -0.2 }

local function games_of(count, _, plain)
  local games = arena.new()
  for i = 1, #STRENGTHS do games:player(i) end
  for i = 1, count do
    local a = math.random(5)
    local b = (a + math.random(4) - 1) % 5 + 1
    local d, votes = WORDY[a] - WORDY[b] + 0.4 * (math.random() - 0.5), {}
    local better = STRENGTHS[a] - STRENGTHS[b] + (plain and 0 or 1.5 * d)
    for m, weight in ipairs(WEIGHTS) do
      votes[m] = { models = { "juror " .. m }, winner = math.random() < 1 / (1 + math.exp(-weight * better)) and "a" or "b" }
    end
    games:add { key = i, a = a, b = b, style = { d, 0.1 * normal(), 0.1 * normal(), 0.1 * normal() }, votes = votes,
      winner = math.random() < 1 / (1 + math.exp(-better)) and "a" or "b" }
  end
  return games
end

--- Strengths at equal style, of games that style sways; and by judges' weights, of games that it does not.
local function strengths_of(count)
  local styled, fair, out = games_of(count), games_of(count, nil, true), {}
  for i, one in ipairs(styled:style_controlled().players) do
    out[#out + 1] = { "strengths at equal style", one.strength, one.ci95, nil, STRENGTHS[i] }
  end
  local found = fair.votes:fit()
  local names = {}
  for _, one in ipairs(found.players) do names[one.name] = one end
  for i, truth in ipairs(STRENGTHS) do
    out[#out + 1] = { "strengths by judges' weights", names[i].strength, names[i].ci95, nil, truth }
  end
  for m, one in ipairs(found.judges) do
    out[#out + 1] = { "weights of judges", one.weight, one.ci95, nil, WEIGHTS[m] }
  end
  styled:close()
  fair:close()
  return out
end

-- ---- weights ----

local function in_order(list)
  local count = 0
  for i = 1, #list do
    for j = i + 1, #list do count = count + (list[i].strength > list[j].strength and 1 or 0) end
  end
  return count
end

--- Pairs in order by weighed votes and by equal ones, of games before jurors of such weights; nil where there is no fit.
local function orders_of(count, weights)
  local held, plain = judge_weighted.new(), contest.games()
  for i = 1, #STRENGTHS do
    held:player(i)
    plain:player(i)
  end
  for i = 1, count do
    local a = math.random(5)
    local b = (a + math.random(4) - 1) % 5 + 1
    for m, weight in ipairs(weights) do
      local chance = 1 / (1 + math.exp(-weight * (STRENGTHS[a] - STRENGTHS[b])))
      local winner = math.random() < chance and "a" or "b"
      held:add(i, a, b, m, winner)
      plain:add(i, a, b, winner)
    end
  end
  local found, same = held:fit(), plain:strengths { resamples = 1 }
  held:close()
  if found and not same.problem then return in_order(found.players), in_order(same) end
end

local function show_weights()
  print "\n| jurors' weights | pairs in order, votes weighed | each vote the same |"
  print "|---|---|---|"
  for _, weights in ipairs { { 1, 1, 1, 1 }, WEIGHTS, { 3, 1, 0, 0 } } do
    math.randomseed(19)
    local weighed, same, all = 0, 0, 0
    for _ = 1, sets do
      local x, y = orders_of(rows // 10, weights)
      if x then weighed, same, all = weighed + x, same + y, all + 10 end
    end
    print(("| %s | %.1f%% | %.1f%% |"):format(table.concat(weights, ", "), 100 * weighed / all, 100 * same / all))
  end
end

-- ---- coverage ----

--- How often each figure's interval held its truth, how wide it was, and how far figures were off in the mean.
local function covered(make, truths)
  local found, order = {}, {}
  for set = 1, sets do
    for at, f in ipairs(make(set)) do
      local one = found[at]
      if not one then
        one = { name = f[1], values = {}, truth = f[5] or not f[4] and truths[at][2] or nil }
        found[at], order[at] = one, one
      end
      one.values[#one.values + 1] = { f[2], f[3] }
    end
  end
  local rows_of, seen = {}, {}
  for _, one in ipairs(order) do
    local truth = one.truth or 0
    for _, v in ipairs(one.truth and {} or one.values) do truth = truth + v[1] / #one.values end
    local row = seen[one.name]
    if not row then
      row = { name = one.name, held = 0, n = 0, off = 0, wide = 0 }
      seen[one.name], rows_of[#rows_of + 1] = row, row
    end
    for _, v in ipairs(one.values) do
      local ends = v[2]
      row.n, row.off = row.n + 1, row.off + v[1] - truth
      if ends[1] then
        row.held = row.held + (ends[1] <= truth and truth <= ends[2] and 1 or 0)
        row.wide = row.wide + (ends[2] - ends[1]) / 2
      end
    end
  end
  return rows_of
end

local function show(kind, list)
  for _, row in ipairs(list) do
    print(("| %s | %s | %.1f%% | %+.4f | %.3f |"):format(kind, row.name, 100 * row.held / row.n, row.off / row.n,
      row.wide / row.n))
  end
end

local kinds = arg[3] and { arg[3] } or { "fair", "length", "position", "noisy", "games", "weights" }
if kinds[1] ~= "weights" then
  print "| judge | figure | held | off by, in the mean | +- |"
  print "|---|---|---|---|---|"
end
for _, kind in ipairs(kinds) do
  math.randomseed(19)
  local judge = JUDGES[kind]
  if judge then
    local truths = figures_of(judge, MANY, 1)
    show(kind, covered(function(set) return figures_of(judge, rows, set) end, truths))
  elseif kind == "games" then
    show(kind, covered(function() return strengths_of(rows) end))
  else
    show_weights()
  end
end
