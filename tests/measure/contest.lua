#!/usr/bin/env fellowship
-- Win rates, and strengths by Bradley and Terry: against another implementation, where there are none, and by prompts.
-- contest.json was written once by choix 0.4.1 (ilsr_pairwise_dense, alpha 0, tol 1e-12), ties as half a win for each.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local fellowship = require "fellowship"
local core = require "fellowship.core.contest"
local contest = require "fellowship.measure.contest"
local tap = require "tap"

local function near(got, wanted, name, distance)
  tap.ok(got and math.abs(got - wanted) <= (distance or 1e-7), name, ("got %s, wanted %s"):format(got, wanted))
end

local file <close> = assert(io.open(arg[0]:gsub("[^/]*$", "") .. "contest.json"))
for _, case in ipairs(fellowship.json.decode(file:read "a")) do
  local logs, steps = core.fit(case.wins)
  local furthest = 0
  for i, wanted in ipairs(case.strength) do furthest = math.max(furthest, math.abs(logs[i] - wanted)) end
  tap.ok(furthest < 1e-6, case.name .. ": choix's strengths", "off by " .. furthest)
  tap.ok(steps <= 60, ("%s: in tens of steps (%d)"):format(case.name, steps))
end

-- Where there are none: who won everything, groups that one side always won, groups that never met.
local function none(wins, said, name)
  local logs, problem = contest.bradley_terry(wins, { "p", "q", "r", "s" })
  tap.is(logs, nil, name .. ": no finite strengths")
  tap.is(problem, "strengths cannot be compared: " .. said, name .. ": and why")
end
none({ { 0, 5 }, { 0, 0 } }, "p won every game against q", "one who won all")
none({ { 0, 2, 9, 9 }, { 1, 0, 9, 9 }, { 0, 0, 0, 3 }, { 0, 0, 4, 0 } }, "p, q won every game against r, s", "a group that won all")
none({ { 0, 2, 0, 0 }, { 1, 0, 0, 0 }, { 0, 0, 0, 3 }, { 0, 0, 4, 0 } }, "p, q never played against r, s", "groups that never met")
none({ { 0, 0 }, { 0, 0 } }, "p never played against q", "no game")
tap.ok(contest.bradley_terry { { 0, 2, 0.5, 0 }, { 1, 0, 0, 0 }, { 0.5, 0, 0, 3 }, { 0, 0, 4, 0 } }, "a single tie connects two groups")

-- A tournament: games as they come, names of any kind, unread ones left out.
local games = contest.games()
for i = 1, 60 do games:add(i, i % 3 + 1, (i + 1) % 3 + 1, i % 4 == 0 and "b" or i % 7 == 0 and "tie" or i % 11 == 0 and "unparsed" or "a") end
local found = games:strengths { seed = 3, resamples = 300 }
local again, other = games:strengths { seed = 3, resamples = 300 }, games:strengths { seed = 4, resamples = 300 }
near(found[1].strength + found[2].strength + found[3].strength, 0, "strengths have the mean 0")
tap.is(found.games, 56, "games without a verdict are left out")
tap.ok(found[1].ci95[1] < found[1].strength and found[1].strength < found[1].ci95[2], "within their intervals")
tap.ok(again[2].ci95[1] == found[2].ci95[1] and other[2].ci95[1] ~= found[2].ci95[1], "which follow from the seed")
tap.is(found.fitted, found.resamples, "all resamples had a fit")

-- Resamples without a fit are left out, and counted: one upset among ten games is often not drawn.
local thin = contest.games()
for i = 1, 10 do thin:add(i, "x", "y", i == 1 and "b" or "a") end
local rare = thin:strengths { resamples = 1000 }
near(rare.fitted / rare.resamples, 1 - 0.9 ^ 10, "resamples without a fit are counted", 0.06)
local unmet = contest.games()
unmet:add(1, "x", "y", "a")
local null = unmet:strengths()
tap.is(null[1].strength, nil, "no strengths")
tap.is(null[1].ci95, nil, "no intervals")
tap.is(null.problem, "strengths cannot be compared: x won every game against y", "and why")

-- By prompts: nine equal games on each prompt say no more than one.
local function width(of)
  local list = of:strengths { seed = 1 }
  return list[1].ci95[2] - list[1].ci95[1]
end
local single = contest.games()
local nine = contest.games()
for row = 1, 200 do
  local winner = row % 3 == 0 and "b" or "a"
  single:add(row, "x", "y", winner)
  for _ = 1, 9 do nine:add(row, "x", "y", winner) end
end
near(width(nine) / width(single), 1, "nine equal games on a prompt weigh as one prompt", 0.05)
local loose = contest.games()
for row = 1, 1800 do loose:add(row, "x", "y", row % 3 == 0 and "b" or "a") end
near(width(loose) / width(single), 1 / 3, "nine times the prompts narrow it to a third", 0.05)

-- Ten players on 10,000 prompts, 25 games on each: quick, and beside the loop.
local many = contest.games()
for row = 1, 10000 do
  for a = 1, 5 do
    for b = 6, 10 do many:add(row, a, b, (row * 7 + a * b + row // 3) % 5 < 2 + a % 2 and "a" or (row + a) % 11 == 0 and "tie" or "b") end
  end
end
local turns, going = 0, true
fellowship.spawn(function()
  while going do
    fellowship.sleep(0.001)
    turns = turns + 1
  end
end)
fellowship.sleep(0.005)
local before = turns
local big = many:strengths { seed = 1 }
local meanwhile = turns - before
going = false
tap.is(#big, 10, "a tournament of ten over 10,000 prompts")
tap.ok(meanwhile >= 3, ("holds nobody up: another task had %d turns meanwhile"):format(meanwhile))

local tally = contest.tally { "a", "a", "b", "tie", "unparsed" }
tap.is(tally.win_rate, 2 / 5, "win rate: wins of all rows, ties and unparsed among them")

tap.done()
