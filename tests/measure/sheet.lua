#!/usr/bin/env fellowship
-- Sheets: patterns, views, units, sums and their bootstrap; a length-controlled fit against other implementations.
-- controlled.json was written once by scipy (BFGS on the penalised likelihood) and scikit-learn 1.9.1, as alpaca_eval's
-- length_controlled_minimal uses it: LogisticRegressionCV, L1, liblinear, five groups of rows, soft labels as weights.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local fellowship = require "fellowship"
local sheets = require "fellowship.core.sheet"
local tap = require "tap"
local json = fellowship.json

local function near(got, wanted, name, distance)
  tap.ok(got and math.abs(got - wanted) <= (distance or 1e-7), name, ("got %s, wanted %s"):format(got, wanted))
end

local function refused(name, part, fn, ...)
  local well, problem = pcall(fn, ...)
  tap.ok(not well and tostring(problem):find(part, 1, true), name, tostring(problem))
end

local function list(t) return table.concat(t, " ") end

-- Patterns and views.
local s = sheets.new { labels = 3, keyed = true }
for i = 1, 12 do s:add("prompt " .. i % 4, i % 2, i % 3, 7) end
tap.is(s:patterns(), 6, "rows with equal labels have one pattern")
tap.is(list { s:pattern(1) }, "2 1 1 7", "a pattern says how many rows have it, and its labels")
local v = s:project({ 2, 1 }, { { [1] = 5 }, nil })
tap.is(v:patterns(), 4, "a view has its own patterns")
tap.is(list { v:pattern(1) }, "2 5 1", "of translated labels, 0 where the map has none")
local rows = 0
for p = 1, v:patterns() do rows = rows + v:pattern(p) end
tap.is(rows, 12, "of all rows")
local vv = v:project({ 2 }, { { [0] = 3, [1] = 4 } })
tap.is(list { vv:pattern(1) }, "6 4", "a view of a view")
tap.is(s:units(), 4, "rows with one key are one unit")

-- Sums by units: the prompts 0, 2 are even (labels 0), 1, 3 odd; each unit has 3 rows.
local units, sums, cross = vv:sums({ 1, 0 }, 1)
tap.is(units, 2, "units that add nothing are left out")
tap.is(sums[1], 6.0, "sums")
tap.is(cross[1], 18.0, "and sums of products, by units")

refused("a settled sheet takes no more rows", "settled", s.add, s, "x", 1, 1, 1)
refused("labels are whole numbers", "label", s.add, sheets.new { labels = 1 }, 0, -1)
refused("values are of each pattern", "each pattern", s.sums, s, { 1, 2 }, 1)
refused("a measure must be there", "measure", s.control, s, { 1, 1, 1, 1, 1, 1 }, 1, 10, 1)
refused("a view is not added to", "view", v.add, v, 0, 1, 1)
s:close()
refused("a closed sheet says so", "closed", s.rows, s)
tap.is(v:rows(), 12, "its views live on")

-- The bootstrap's spread is that of the sample: rows, units, and many different units.
local function spread(sheet, values, times)
  local n, drawn = sheet:resample(values, 1, times, 5)
  local mean, squares = 0, 0
  for i = 1, times do mean = mean + drawn[i] / times end
  for i = 1, times do squares = squares + (drawn[i] - mean) ^ 2 / (times - 1) end
  return mean, math.sqrt(squares), n
end
local function expected(sheet, values)
  local n, total, products = sheet:sums(values, 1)
  return total[1], math.sqrt(products[1] - total[1] ^ 2 / n)
end
for _, case in ipairs { { "rows", false, 1 }, { "units of rows", true, 3 }, { "units of many kinds", true, 40 } } do
  local name, keyed, kinds = table.unpack(case)
  local sheet, values = sheets.new { labels = 1, keyed = keyed }, {}
  for i = 1, 3000 do sheet:add(i // 7 * 7, (i * i // 5 + i // 11) % (2 + kinds)) end
  for p = 1, sheet:patterns() do
    local _, label = sheet:pattern(p)
    values[p] = 1 + label ^ 1.5
  end
  local mean, sd = spread(sheet, values, 4000)
  local wanted, wanted_sd = expected(sheet, values)
  near(mean / wanted, 1, name .. ": resamples have the sample's mean", 0.01)
  near(sd / wanted_sd, 1, name .. ": and its spread", 0.05)
end
local sheet = sheets.new { labels = 1 }
for i = 1, 100 do sheet:add(0, i % 2) end
local _, one = sheet:resample({ 1, 2 }, 1, 50, 1)
local _, same = sheet:resample({ 1, 2 }, 1, 50, 1)
local _, other = sheet:resample({ 1, 2 }, 1, 50, 2)
tap.ok(list(one) == list(same) and list(one) ~= list(other), "resamples follow from the seed")

-- Controlled fits.
local file <close> = assert(io.open(arg[0]:gsub("[^/]*$", "") .. "controlled.json"))
for _, case in ipairs(json.decode(file:read "a")) do
  local fitted, outcomes = sheets.new { labels = 1, measures = 1 }, {}
  for _, row in ipairs(case.rows) do fitted:add(0, math.tointeger(row[2] * 2), row[1]) end
  for p = 1, fitted:patterns() do outcomes[p] = select(2, fitted:pattern(p)) / 2 end
  local found = fitted:control(outcomes, 1, 20, 1)
  tap.is(found.n, #case.rows, case.name .. ": rows")
  near(found.sd, case.sd, case.name .. ": the lengths' standard deviation", 1e-9)
  for i = 1, 2 do
    near(found.coefficients[i], case.coefficients[i], case.name .. ": coefficient " .. i, 1e-6)
    near(found.lasso[i], case.cv_lasso[i], case.name .. ": alpaca_eval's coefficient " .. i, 1e-5)
  end
  near(found.strength / case.C, 1, case.name .. ": the strength that cross-validation chooses", 1e-9)
  tap.is(#found.draws, 20, case.name .. ": each resample has a fit")
end

tap.done()
