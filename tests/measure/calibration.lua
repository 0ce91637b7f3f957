#!/usr/bin/env fellowship
-- Calibration: figures and maps. calibration.json was written once by scikit-learn 1.9.1 (LogisticRegression with C = 25 and
-- the intercept in its prior, IsotonicRegression) and numpy 2.4.6.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local fellowship = require "fellowship"
local calibration = require "fellowship.measure.calibration"
local tap = require "tap"
local json = fellowship.json

local file <close> = assert(io.open(arg[0]:gsub("[^/]*$", "") .. "calibration.json"))

local function near(got, wanted, name, distance)
  tap.ok(got and got ~= json.null and math.abs(got - wanted) <= (distance or 1e-9) or false, name,
    ("got %s, wanted %s"):format(got, wanted))
end

for _, case in ipairs(assert(json.decode(file:read "a"))) do
  local found = fellowship.measure.calibrated(case.p, case.y, #case.p)
  near(found.brier, case.brier, case.name .. ": Brier's score")
  near(found.ece, case.ece, case.name .. ": expected calibration error")
  if case.platt ~= json.null then
    near(found.platt.intercept, case.platt[1], case.name .. ": Platt's intercept", 1e-6)
    near(found.platt.slope, case.platt[2], case.name .. ": and slope", 1e-6)
  end
  local points, most = {}, 0
  for i, point in ipairs(found.isotonic.points) do points[i] = { point[1], point[2] } end
  for i, wanted in ipairs(case.isotonic) do
    most = math.max(most, math.abs(calibration.apply(points, (i - 1) / 20) - wanted))
  end
  near(most, 0, case.name .. ": the isotonic map is scikit-learn's at 21 places")
  local sum = 0
  for _, span in ipairs(found.reliability) do sum = sum + span.n end
  tap.is(math.tointeger(sum), #case.p, case.name .. ": every row is in a span")
  for _, map in ipairs { "platt", "isotonic" } do
    local low, high = found[map].brier_ci95[1], found[map].brier_ci95[2]
    tap.ok(low <= found[map].brier and found[map].brier <= high, ("%s: %s in its interval"):format(case.name, map))
  end
end

-- A judge that is sure of too much: both maps help, on rows that they were not made of.
math.randomseed(2)
local chances, human, keys = {}, {}, {}
for i = 1, 3000 do
  chances[i] = math.random(0, 9) / 9
  human[i] = math.random() < 0.4 + 0.2 * chances[i] and "a" or "b"
  keys[i] = "prompt " .. i % 1500
end
local found = fellowship.measure.calibrated(chances, human, 3000, { keys = keys })
tap.ok(found.platt.brier < found.brier and found.isotonic.brier < found.brier, "maps help a judge that is too sure")
tap.ok(found.ece > 0.1 and found.platt.ece < 0.05 and found.isotonic.ece < 0.05, "and their errors are small",
  ("%.3f %.3f %.3f"):format(found.ece, found.platt.ece, found.isotonic.ece))

-- Noise: a map of the same rows would seem to know something, a cross-fitted one does not.
for i = 1, 3000 do human[i] = math.random() < 0.5 and "a" or "b" end
found = fellowship.measure.calibrated(chances, human, 3000)
tap.ok(found.isotonic.brier > 0.2495, "of noise nothing is learnt", ("%.5f"):format(found.isotonic.brier))

tap.is(fellowship.measure.calibrated({}, {}, 0), nil, "no rows, no figures")
tap.is(fellowship.measure.calibrated({ 0.5 }, {}, 1), nil, "no labels, none either")

near(calibration.chance({ winner = "a", scores = { a = 9, b = 5 } }, 10), (1 + 4 / 9) / 2, "a chance from scores")
near(calibration.chance({ winner = "a", scores = {}, votes = { { winner = "a" }, { winner = "tie" }, { winner = "b" },
  { winner = "unparsed" } } }, 10), 0.5, "from votes")
tap.is(calibration.chance({ winner = "a", scores = {} }, 10), nil, "from neither there is none")
tap.is(calibration.chance({ winner = "unparsed", scores = { a = 1, b = 2 } }, 10), nil, "nor of what was not read")
tap.done()
