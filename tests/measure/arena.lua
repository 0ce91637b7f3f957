#!/usr/bin/env fellowship
-- Strengths of players adjusted for style and corrected by people's labels. arena.json was written once by scipy 1.17.1 (BFGS
-- on the penalised likelihood; the covariance by its formula in numpy, which statsmodels 0.15.0 has within 2% without the
-- prior), and by ppi-python 0.2.3 (ppi_logistic_pointestimate, ppi_logistic_ci).
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local fellowship = require "fellowship"
local arena = require "fellowship.measure.arena"
local agreement = require "fellowship.measure.agreement"
local ballots = require "fellowship.measure.ballots"
local corrected = require "fellowship.measure.corrected_strengths"
local sheets = require "fellowship.core.sheet"
local style = require "fellowship.measure.style"
local tap = require "tap"
local json = fellowship.json

local file <close> = assert(io.open(arg[0]:gsub("[^/]*$", "") .. "arena.json"))
local reference = assert(json.decode(file:read "a"))

local function near(got, wanted, name, distance)
  tap.ok(got and got ~= json.null and math.abs(got - wanted) <= (distance or 1e-9) or false, name,
    ("got %s, wanted %s"):format(got, wanted))
end

local function far_off(got, wanted)
  local most = 0
  for i, value in ipairs(wanted) do most = math.max(most, math.abs(value - got[i])) end
  return most
end

-- ---- adjusted outcomes ----

for _, case in ipairs(reference.adjusted) do
  local sheet, k = sheets.new { labels = 3, measures = 2, keyed = true }, case.players
  for _, row in ipairs(case.rows) do
    sheet:add(row[1], row[2], row[3], row[4] < 0 and 0 or 1 + 2 * row[4] // 1 | 0, row[5], row[6])
  end
  local outcomes, design = {}, {}
  for p = 1, sheet:patterns() do
    local _, i, j, y = sheet:pattern(p)
    outcomes[p] = y == 0 and -1 or (y - 1) / 2
    for at = (p - 1) * k + 1, p * k do design[at] = 0 end
    design[(p - 1) * k + i] = 1
    if k > 1 then design[(p - 1) * k + j] = -1 end
  end
  local found, se = sheet:adjust(outcomes, design, k, 1, 2), {}
  local all = k + 2
  for i = 1, all do se[i] = math.sqrt(found.covariance[(i - 1) * all + i]) end
  tap.is(found.n, case.n, case.name .. ": rows")
  tap.is(found.units, case.units, case.name .. ": units")
  near(far_off(found.sd, case.sd), 0, case.name .. ": standard deviations", 1e-7)
  near(far_off(found.coefficients, case.b), 0, case.name .. ": coefficients are scipy's", 1e-6)
  near(far_off(se, case.se), 0, case.name .. ": standard errors are the formula's", 1e-6)
  sheet:close()
end

local small = sheets.new { labels = 1, measures = 1 }
small:add(1, 1, 0.5)
local function refused(name, part, ...)
  local well, problem = pcall(small.adjust, small, ...)
  tap.ok(not well and tostring(problem):find(part, 1, true), name, tostring(problem))
end
refused("an outcome is from 0 to 1", "outcome", { 2 }, { 1 }, 1, 1, 1)
refused("a design is of each pattern", "each pattern", { 1 }, { 1, 2 }, 1, 1, 1)
refused("the measures are the sheet's", "out of range", { 1 }, { 1 }, 1, 1, 2)
refused("and begin in it", "out of range", { 1 }, { 1 }, 1, 2, 1)
tap.is(small:adjust({ -1 }, { 1 }, 1, 1, 1).coefficients, nil, "no rows, no fit")

-- ---- strengths corrected by labels ----

for _, case in ipairs(reference.strengths) do
  local sheet, games, k = sheets.new { labels = 4 }, {}, case.players
  for t, game in ipairs(case.games) do
    sheet:add(t, game[1], game[2], 1 + game[3] // 1 | 0, t <= case.n and 1 + game[4] // 1 | 0 or 0)
  end
  for p = 1, sheet:patterns() do
    local n, i, j, f, y = sheet:pattern(p)
    games[p] = { n = n, i = i, j = j, judge = f - 1, human = y > 0 and y - 1 or nil }
  end
  for _, wanted in ipairs(case.found) do
    local lam = wanted.lam ~= json.null and wanted.lam or nil
    local found = corrected.fit(sheet, games, k, lam)
    local differences = {}
    for i = 1, k do differences[i] = found.strengths[i] - found.strengths[k] end
    local name = ("%s, lambda %s: "):format(case.name, lam or "chosen")
    -- Ours has a wide prior, theirs none.
    near(far_off(differences, wanted.difference), 0, name .. "strengths are ppi-python's", 0.02)
    if k == 2 then -- of more players, intervals of differences and of strengths are not the same
      local half = 1.959964 * 2 * math.sqrt(found.variances[1])
      near(half / wanted.half[1], 1, name .. "and so is the interval", 0.03)
    end
  end
  sheet:close()
end

-- A judge that takes A's side gives A's author strength that people do not see; labels take it off.
math.randomseed(4)
local games = arena.new()
local truth = { x = 0.6, y = 0, z = -0.6 }
for i = 1, 4000 do
  local a, b = ({ "x", "y", "z" })[i % 3 + 1], ({ "x", "y", "z" })[(i + 1 + i // 3 % 2) % 3 + 1]
  local human = math.random() < 1 / (1 + math.exp(truth[b] - truth[a])) and "a" or "b"
  local judge = (a == "z" or b == "z") and math.random() < 0.6 and (a == "z" and "a" or "b") or human
  games:add { key = i, a = a, b = b, winner = judge, human = i <= 500 and human or nil, style = { 0, 0, 0, 0 } }
end
local found = games:corrected()
local raw = fellowship.contest.bradley_terry(games:wins(3))
tap.is(found.labels, 500, "labelled games")
tap.is(math.tointeger(found.unlabelled), 3500, "and others")
for i, name in ipairs(games.names) do
  local one = found.players[i]
  tap.ok(one.ci95[1] < truth[name] and truth[name] < one.ci95[2], ("%s: the corrected interval holds the truth"):format(name),
    ("%.3f to %.3f, raw %.3f"):format(one.ci95[1], one.ci95[2], raw[i]))
end
tap.ok(raw[games:player "z"] > 0, "raw, the judge's favourite looks strong")
tap.is(games:style_controlled(), nil, "where nothing differs in style nothing is adjusted")
games:close()

-- Players who look alike but for length, before a judge that likes length.
games = arena.new()
for i = 1, 3000 do
  local long = i % 2 == 0
  local d = (long and 1 or -1) * (0.2 + 0.2 * math.random()) + 0.5 * (math.random() - 0.5)
  local won = math.random() < 1 / (1 + math.exp(-4 * d))
  games:add { key = i, a = long and "long" or "short", b = long and "short" or "long", winner = won and "a" or "b",
    style = { d, 0, 0, 0 } }
end
found = games:style_controlled()
near(found.players[1].strength, 0, "at equal lengths they are equal", 0.15)
tap.ok(found.players[1].ci95[1] < 0 and 0 < found.players[1].ci95[2], "the interval says so")
tap.ok(found.coefficients.length > 0.5 and math.abs(found.coefficients.bold) < 1e-6, "length is what counted")
tap.ok(math.abs(fellowship.contest.bradley_terry(games:wins(3))[1]) > 0.3, "raw they are not")
games:close()

games = arena.new()
games:add { key = 1, a = "x", b = "y", winner = "a", style = { 0.5, 0, 0, 0 } }
games:add { key = 2, a = "x", b = "x", winner = "a" }
games:add { key = 3, a = "x", b = "z", winner = "unparsed" }
tap.is(games.sheet:rows(), 1, "games that say nothing are left out")
tap.is(games:style_controlled(), nil, "players who cannot be compared have no strengths")
tap.is(games:corrected(), nil, "nor without labels")

-- ---- the rate of one comparison ----

local held = ballots.new(1, { style = true })
for i = 1, 1500 do
  local d = 0.3 + 0.5 * (math.random() - 0.5)
  held:add { key = i, style = { d, 0, 0, 0.1 * math.random() }, verdicts = { math.random() < 1 / (1 + math.exp(-4 * d)) and "a" or "b" } }
end
local rate = agreement.of(held, { 1 }, { "x" }, { lengths = true }).win_rate
tap.ok(rate.halves.rate > 0.7, "the longer one wins")
near(rate.style_controlled.rate, 0.5, "at equal style it does not", 0.08)
tap.ok(rate.style_controlled.ci95[1] < 0.5 and 0.5 < rate.style_controlled.ci95[2], "and the interval says so")

-- ---- style ----

local function counts(text)
  local s = style.of(text)
  return ("%d %d %d"):format(s.headers, s.lists, s.bold)
end
tap.is(counts "# One\n####### none\n#none\n## ", "2 0 0", "headers have one to six marks and a space")
tap.is(counts "- one\n  * two\n\t+ three\n1. four\n  12. five\n-none\n3.none\n-", "0 6 0", "items of lists")
tap.is(counts "**a** and __b__, not ** c\n**d\ne**", "0 0 2", "bold text in one line")
tap.is(counts "```\n# no\n- no\n**no**\n```\n# yes", "1 0 0", "code is no style")
tap.is(counts "", "0 0 0", "nothing has none")
tap.is(style.of("äöü").length, 3, "length is in characters")
local d = style.difference("# long long\n", "x")
near(d[1], 11 / 13, "lengths over their sum")
near(d[2], (1 / 13) / (1 / 13 + 1), "densities over their sum and 1")
local back = style.difference("x", "# long long\n")
near(back[1] + d[1] + back[2] + d[2], 0, "the other way round it is the opposite")
tap.is(style.difference(nil, "x"), nil, "conversations have none")
tap.is(style.difference("", "")[1], 0, "two empty texts are alike")
tap.done()
