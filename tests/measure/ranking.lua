#!/usr/bin/env fellowship
-- Which games a tournament plays next: doubts as the normal distribution has them, shares, and orders that are right.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local ranking = require "fellowship.measure.ranking"
local tap = require "tap"

local function near(got, wanted, name, distance)
  tap.ok(got and math.abs(got - wanted) <= distance or false, name, ("got %s, wanted %s"):format(got, wanted))
end

-- Two players: the log-odds of their games and its variance 1 / (n p (1 - p)), half a game drawn added.
local order, neighbours = ranking.of { { 0, 20 }, { 40, 0 } }
tap.is(table.concat(order, " "), "2 1", "the stronger one comes first")
local n, p = 60.5, 40.25 / 60.5
local z = math.log(p / (1 - p)) * math.sqrt(n * p * (1 - p))
near(z, 2.5214257901, "the log-odds over their standard deviation", 1e-9)
near(neighbours[1].doubt, 0.0058440, "the doubt is the normal distribution's tail", 1e-6)
neighbours = select(2, ranking.of { { 0, 7 }, { 7, 0 } })
near(neighbours[1].doubt, 0.5, "equals are as doubtful as can be", 1e-6)
tap.ok(not ranking.decided(neighbours, 0.05), "and undecided")

-- Shares go where the doubt is, and nowhere else when nothing is left there.
local list = { { above = 1, below = 2, doubt = 0.3 }, { above = 2, below = 3, doubt = 0.1 } }
local shares = ranking.share(list, 40, function() return 100 end)
tap.is(shares[1][3] .. " " .. shares[2][3], "30 10", "by doubt")
shares = ranking.share(list, 40, function(i) return i == 1 and 0 or 5 end)
tap.is(#shares .. " " .. shares[1][1] .. " " .. shares[1][3], "1 2 5", "to those that have games left")
tap.is(#ranking.share(list, 40, function() return 0 end), 0, "none when there are none")

-- Tournaments of known truth: where the order is said to be decided, it is right nearly always, with fewer games.
math.randomseed(4)
local truth, decided, right, games, all = { 0, 0.7, 1.4, 2.1 }, 0, 0, 0, 0
for _ = 1, 60 do
  local wins, count = {}, 0
  for i = 1, 4 do
    wins[i] = {}
    for j = 1, 4 do wins[i][j] = 0 end
  end
  local function play(i, j)
    local won = math.random() < 1 / (1 + math.exp(truth[j] - truth[i]))
    if won then wins[i][j] = wins[i][j] + 1 else wins[j][i] = wins[j][i] + 1 end
    count = count + 1
  end
  for i = 1, 4 do
    for j = i + 1, 4 do
      for _ = 1, 5 do play(i, j) end
    end
  end
  local found, about = ranking.of(wins)
  for _ = 1, 40 do
    if ranking.decided(about, 0.05) then break end
    for _, share in ipairs(ranking.share(about, 32, function() return 300 end)) do
      for _ = 1, share[3] do play(share[1], share[2]) end
    end
    found, about = ranking.of(wins)
  end
  if ranking.decided(about, 0.05) then
    decided, right = decided + 1, right + (table.concat(found) == "4321" and 1 or 0)
  end
  games, all = games + count, all + 6 * 300
end
tap.ok(decided >= 57, ("%d of 60 tournaments are decided"):format(decided))
tap.ok(right / decided >= 0.9, ("%d of these are right"):format(right))
tap.ok(games / all < 0.4, ("with %.0f%% of all games"):format(100 * games / all))

tap.done()
