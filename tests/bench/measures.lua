#!/usr/bin/env fellowship
-- How good the intervals of report cards are, on data whose truth is known.
--
--     fellowship tests/bench/measures.lua [DATASETS [ROWS [JUDGE]]]
--
-- Seeded data sets for each of four judges: 400 rows (by default), a fifth of them labelled, A better in 50%, a tie in 20%,
-- B in 30%. Coverage is the share of data sets whose 95% interval holds the truth.
local fellowship = require "fellowship"

local sets, rows = math.tointeger(arg[1] or 1000), math.tointeger(arg[2] or 400)

local LABELS = { "a", "tie", "b" }

local function label()
  local x = math.random()
  return x < 0.5 and "a" or x < 0.7 and "tie" or "b"
end

--- What each judge says of a row: right in most cases, else by what it leans to.
local judges = {
  fair = function(truth) return math.random() < 0.8 and truth or LABELS[math.random(3)] end,
  length = function(truth, d) return math.random() < 0.6 and truth or (d > 0 and "a" or "b") end,
  position = function(truth) return math.random() < 0.6 and truth or "a" end,
  noisy = function(truth) return math.random() < 0.2 and truth or LABELS[math.random(3)] end,
}

local TRUTH = 0.6

--- What kappa is for a judge when there are very many rows.
local function kappa_of(judge)
  local list, verdicts = {}, {}
  for i = 1, 200000 do
    list[i] = { human = label() }
    verdicts[i] = judge(list[i].human, math.random() - 0.4)
  end
  return fellowship.statistics.kappa(fellowship.statistics.pair(
    (function() local t = {} for i, r in ipairs(list) do t[i] = r.human end return t end)(), verdicts, #list, LABELS))
end

print "| judge | raw rate's bias | raw | by people | PPI++ | PPI++'s bias | half width, people | PPI++ | kappa |"
print "|---|---|---|---|---|---|---|---|---|"
for _, name in ipairs(arg[3] and { arg[3] } or { "fair", "length", "position", "noisy" }) do
  math.randomseed(19)
  local judge = judges[name]
  local kappa = kappa_of(judge)
  local held = { raw = 0, human = 0, ppi = 0, kappa = 0 }
  local off, ppi_off, wide, ppi_wide = 0, 0, 0, 0
  local function holds(which, ends, truth)
    if ends[1] and ends[1] <= truth and truth <= ends[2] then held[which] = held[which] + 1 / sets end
  end
  for s = 1, sets do
    local list, verdicts = {}, {}
    for i = 1, rows do
      local truth, d = label(), math.random() - 0.4
      list[i] = { human = i <= rows // 5 and truth or nil }
      verdicts[i] = judge(truth, d)
    end
    local card = fellowship.measure.card({ name }, list, verdicts, { seed = s })
    local rate = card.win_rate
    holds("raw", rate.halves.ci95, TRUTH)
    holds("human", rate.corrected.human.ci95, TRUTH)
    holds("ppi", rate.corrected.ppi.ci95, TRUTH)
    holds("kappa", card.kappa_ci95, kappa)
    off, ppi_off = off + (rate.halves.rate - TRUTH) / sets, ppi_off + (rate.corrected.ppi.rate - TRUTH) / sets
    local h, p = rate.corrected.human.ci95, rate.corrected.ppi.ci95
    wide, ppi_wide = wide + (h[2] - h[1]) / 2 / sets, ppi_wide + (p[2] - p[1]) / 2 / sets
  end
  print(("| %s | %+.3f | %.1f%% | %.1f%% | %.1f%% | %+.3f | %.3f | %.3f | %.1f%% |"):format(name, off, 100 * held.raw,
    100 * held.human, 100 * held.ppi, ppi_off, wide, ppi_wide, 100 * held.kappa))
end
