#!/usr/bin/env fellowship
-- How good figures of juries and of strengths are, on data whose truth is known.
--
--     fellowship tests/bench/juries.lua [DATASETS [ROWS [KIND]]]
--
-- Kinds are alone and traps (juries), independent (how many of those that fall for traps, alone), and strengths: all when
-- none is named.
-- Juries: six members, right with the chances below; where a row is hard (a share of all, for all of them alike) they fall
-- for the same wrong label. Strengths: four players, a judge that takes the longer response's side in a third of the games.
-- Coverage is the share of data sets whose 95% interval holds the truth, which is that of very many rows.
local fellowship = require "fellowship"
local arena = require "fellowship.measure.arena"
local agreement = require "fellowship.measure.agreement"
local ballots = require "fellowship.measure.ballots"
local frontier = require "fellowship.measure.frontier"
local juries = require "fellowship.measure.juries"
local paired = require "fellowship.measure.paired"

io.stdout:setvbuf "line"
local sets, rows = math.tointeger(arg[1] or 1000), math.tointeger(arg[2] or 300)
local only = arg[3]

local LABELS = { "a", "tie", "b" }
local CHANCES = { 0.85, 0.75, 0.7, 0.65, 0.6, 0.55 }
local NAMES, COSTS, MODELS = {}, {}, {}
for m = 1, 6 do NAMES[m], COSTS[m], MODELS[m] = "m" .. m, 7 - m, { "m" .. m } end
local MOST = 9 -- of the costs

local function other(label)
  local at = math.random(2)
  for _, one in ipairs(LABELS) do
    if one ~= label then
      at = at - 1
      if at == 0 then return one end
    end
  end
end

local function fill(held, count, hard)
  for i = 1, count do
    local truth, verdicts = LABELS[math.random(3)], {}
    local trap = math.random() < hard and other(truth)
    for m, chance in ipairs(CHANCES) do
      verdicts[m] = trap and math.random() < 0.8 and trap or math.random() < chance and truth or other(truth)
    end
    held:add { key = i, human = truth, verdicts = verdicts }
  end
  return held
end

local function candidates_of(held) return frontier.candidates(held, COSTS, { juries = true }) end

local function name_of(members) return table.concat(members, "+") end

--- A choice's members by the names that results have.
local function members_of(models)
  local list = {}
  for i, name in ipairs(models) do list[i] = math.tointeger(name:sub(2)) end
  return name_of(list)
end

local function holds(ends, truth) return ends[1] and ends[1] <= truth and truth <= ends[2] and 1 / sets or 0 end

--- One kind of jury: means over data sets.
local function of_jury(hard)
  local large = fill(ballots.new(6), 60000, hard)
  local kappas = {}
  for _, one in ipairs(candidates_of(large)) do kappas[name_of(one.members)] = one.kappa end
  local truth = juries.of(large, NAMES, { seed = 1 })
  local s = { majority = 0, model = 0, weighted = 0, chosen = 0, honest = 0, real = 0, effective = 0, difference = 0 }
  for set = 1, sets do
    local held = fill(ballots.new(6), rows, hard)
    local found = juries.of(held, NAMES, { seed = set })
    local majority = agreement.of(held, { 1, 2, 3, 4, 5, 6 }, NAMES, { seed = set })
    s.majority, s.model = s.majority + majority.kappa / sets, s.model + found.dawid_skene.kappa / sets
    s.weighted = s.weighted + found.weighted.kappa / sets
    s.effective = s.effective + holds(found.effective.independent_ci95, truth.effective.independent)
    local best = frontier.best_under(held, candidates_of(held), NAMES, MOST, { seed = set })
    s.chosen, s.honest = s.chosen + best.kappa / sets, s.honest + best.cross_validated.kappa / sets
    s.real = s.real + kappas[members_of(best.models)] / sets
    local first = paired.of(held, MODELS, {}, { seed = set })[1]
    s.difference = s.difference + holds(first.kappa_ci95, kappas["1"] - kappas["2"])
    held:close()
  end
  large:close()
  return s, truth.effective.independent
end

--- The table of juries.
local function show_juries(kinds)
  print("| jury | independent | held | kappa: majority | weighted | Dawid-Skene | best under 9: as chosen "
    .. "| cross-validated | in truth | difference held |")
  print "|---|---|---|---|---|---|---|---|---|---|"
  for _, kind in ipairs(kinds) do
    math.randomseed(19)
    local s, independent = of_jury(kind[2])
    print(("| %s | %.1f | %.1f%% | %.3f | %.3f | %.3f | %.3f | %.3f | %.3f | %.1f%% |"):format(kind[1], independent,
      100 * s.effective, s.majority, s.weighted, s.model, s.chosen, s.honest, s.real, 100 * s.difference))
  end
end

-- ---- strengths ----

local TRUTH, LONG = { 0.6, 0.2, -0.2, -0.6 }, { -0.3, 0.3, -0.1, 0.1 }

local function play(games, count, labelled)
  for i = 1, count do
    local a = math.random(4)
    local b = (a + math.random(3) - 1) % 4 + 1
    local d = LONG[a] - LONG[b] + 0.4 * (math.random() - 0.5)
    local human = math.random() < 1 / (1 + math.exp(TRUTH[b] - TRUTH[a])) and "a" or "b"
    local judge = math.random() < 1 / 3 and (d > 0 and "a" or "b") or human
    games:add { key = i, a = "p" .. a, b = "p" .. b, winner = judge, human = i <= labelled and human or nil,
      style = { d, 0, 0, 0 } }
  end
  return games
end

--- How often the interval of independent jurors holds the truth, where a quarter of the rows is hard.
local function show_independent()
  math.randomseed(19)
  local large = fill(ballots.new(6), 400000, 0.25)
  local truth, held_it = juries.of(large, NAMES, { seed = 1 }).effective.independent, 0
  large:close()
  for set = 1, sets do
    local held = fill(ballots.new(6), rows, 0.25)
    held_it = held_it + holds(juries.of(held, NAMES, { seed = set }).effective.independent_ci95, truth)
    held:close()
  end
  print(("\n%.2f independent jurors of six: %.1f%% of the intervals hold it"):format(truth, 100 * held_it))
end

--- The table of strengths.
local function show_strengths()
  math.randomseed(19)
  local off = { raw = 0, human = 0, corrected = 0 }
  local held = { human = 0, corrected = 0 }
  local wide = { human = 0, corrected = 0 }
  local fitted = 0
  for _ = 1, sets do
    local games = play(arena.new(), 4 * rows, rows // 2)
    local found, raw = games:corrected(), fellowship.contest.bradley_terry(games:wins(3))
    for i, name in ipairs(found and found.human and games.names or {}) do
      local truth = TRUTH[math.tointeger(name:sub(2))]
      fitted = fitted + 1
      off.raw = off.raw + (raw[i] - truth) ^ 2
      for _, kind in ipairs { "human", "corrected" } do
        local one = (kind == "human" and found.human or found.players)[i]
        off[kind] = off[kind] + (one.strength - truth) ^ 2
        held[kind] = held[kind] + (one.ci95[1] <= truth and truth <= one.ci95[2] and 1 or 0)
        wide[kind] = wide[kind] + (one.ci95[2] - one.ci95[1]) / 2
      end
    end
    games:close()
  end
  print "\n| strengths | off by (root mean square) | interval holds | +- |"
  print "|---|---|---|---|"
  print(("| by the judge | %.3f | | |"):format(math.sqrt(off.raw / fitted)))
  for _, kind in ipairs { { "human", "by labels alone" }, { "corrected", "PPI++" } } do
    print(("| %s | %.3f | %.1f%% | %.3f |"):format(kind[2], math.sqrt(off[kind[1]] / fitted),
      100 * held[kind[1]] / fitted, wide[kind[1]] / fitted))
  end
end

if only ~= "strengths" and only ~= "independent" then
  show_juries(only == "alone" and { { "errs alone", 0 } } or only == "traps" and { { "hard rows in common", 0.25 } }
    or { { "errs alone", 0 }, { "hard rows in common", 0.25 } })
end
if not only or only == "independent" then show_independent() end
if not only or only == "strengths" then show_strengths() end
