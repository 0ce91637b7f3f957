#!/usr/bin/env fellowship
-- Against other implementations: how doubtful an order is, and how far a judge prefers its own family. leanings.json was
-- written once by statsmodels 0.15.0 (GLM, binomial, with half a drawn game for each pair; the tail of the normal
-- distribution by scipy 1.17.1) and scikit-learn 1.9.1 (recall_score: equal opportunity is a difference of recalls).
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local ballots = require "fellowship.measure.ballots"
local bias = require "fellowship.measure.bias"
local json = require "fellowship.core.json"
local ranking = require "fellowship.measure.ranking"
local tap = require "tap"

local file <close> = assert(io.open(arg[0]:gsub("[^/]*$", "") .. "leanings.json"))
local reference = assert(json.decode(file:read "a"))

local function near(got, wanted, name, distance)
  tap.ok(got and got ~= json.null and math.abs(got - wanted) <= (distance or 1e-9) or false, name,
    ("got %s, wanted %s"):format(got, wanted))
end

for _, case in ipairs(reference.doubts) do
  local order, neighbours = ranking.of(case.wins)
  local off = 0
  for at, wanted in ipairs(case.doubts) do off = math.max(off, math.abs(neighbours[at].doubt - wanted)) end
  tap.is(table.concat(order, " "), table.concat(case.order, " "), case.name .. ": the order")
  near(off, 0, case.name .. ": the doubts are statsmodels'", 2e-7)
end

for _, case in ipairs(reference.own) do
  local held = ballots.new(1)
  for i, row in ipairs(case.rows) do
    local own, human, said = row[1], row[2], row[3]
    held:add { key = i, human = human ~= "none" and human or nil, verdicts = { said == "u" and "unparsed" or said },
      own = { own } }
  end
  local found = bias.own_family(held, 1, { seed = 1 })
  held:close()
  near(found.own_wins, case.own_wins, case.name .. ": how often its own wins")
  if case.equal_opportunity == json.null then
    tap.is(found.equal_opportunity, json.null, case.name .. ": no equal opportunity where people never take one side")
  else
    near(found.equal_opportunity, case.equal_opportunity, case.name .. ": the difference of recalls is scikit-learn's")
  end
end

tap.done()
