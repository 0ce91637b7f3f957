#!/usr/bin/env fellowship
-- Coefficients of agreement against other implementations. coefficients.json was written once by scikit-learn 1.9.1
-- (cohen_kappa_score: weighted, and of one label against the others), irrCAC 0.4.4 (gwet) and krippendorff 0.9.0 over
-- random tables; null is what they call undefined (nan).
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local json = require "fellowship.core.json"
local coefficients = require "fellowship.measure.coefficients"
local statistics = require "fellowship.measure.statistics"
local tap = require "tap"

local file <close> = assert(io.open(arg[0]:gsub("[^/]*$", "") .. "coefficients.json"))
local reference = assert(json.decode(file:read "a"))

local function plain(list)
  local found = {}
  for i = 1, #list do
    if list[i] ~= json.null then found[i] = list[i] end
  end
  return found, #list
end

local function near(got, wanted, name)
  if wanted == json.null then wanted = nil end
  tap.ok(got == wanted or got and wanted and math.abs(got - wanted) < 1e-12 or false, name,
    "got    " .. tostring(got), "wanted " .. tostring(wanted))
end

for _, t in ipairs(reference.tables) do
  local a, n = plain(t.a)
  local b = plain(t.b)
  local ratings = statistics.pair(a, b, n)
  local counts = statistics.confusion(ratings)
  near(statistics.ac1(ratings), t.ac1, t.name .. ": Gwet's AC1")
  near(coefficients.kappa(counts, "linear"), t.linear, t.name .. ": linear kappa")
  near(coefficients.kappa(counts, "quadratic"), t.quadratic, t.name .. ": quadratic kappa")
  for i, wanted in ipairs(t.by_label) do
    near(coefficients.kappa_of_label(counts, i), wanted, ("%s: kappa of label %d"):format(t.name, i))
  end
  for _, level in ipairs(coefficients.levels) do
    near(statistics.krippendorff({ a, b }, n, { level = level }), t[level], t.name .. ": alpha, " .. level)
    near(coefficients.alpha(counts, level, ratings.labels), t[level], t.name .. ": from the table, " .. level)
  end
end

local raters = {}
for i = 1, #reference.many.raters do raters[i] = plain(reference.many.raters[i]) end
for _, level in ipairs(coefficients.levels) do
  near(statistics.krippendorff(raters, #reference.many.raters[1], { level = level }), reference.many[level],
    "five raters with holes: alpha, " .. level)
end

local well, problem = pcall(statistics.krippendorff, { { "a", "b" }, { "a", "a" } }, 2, { level = "interval" })
tap.ok(not well and tostring(problem):find("the label a is no number", 1, true), "an interval alpha wants numbers")
well, problem = pcall(statistics.krippendorff, { { "a", "c" }, { "a", "a" } }, 2, { level = "ordinal", labels = { "a", "b" } })
tap.ok(not well and tostring(problem):find("label c is none of the given ones", 1, true), "and labels are of the given ones")

-- The kappa paradox: hardly a label but one, nearly always the same.
local rare = { { 118, 5 }, { 2, 0 } }
tap.ok(coefficients.kappa(rare) < 0 and coefficients.ac1(rare) > 0.93, "AC1 stays where kappa falls below 0")

tap.done()
