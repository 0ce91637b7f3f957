#!/usr/bin/env fellowship
-- Agreement statistics against other implementations. tests/data/agreement.json was written once by
-- scikit-learn 1.9.1 (cohen_kappa_score), statsmodels 0.15.0 (fleiss_kappa, proportion_confint with method
-- "wilson") and krippendorff 0.9.0 (alpha, nominal) over random tables; null is what they call undefined (nan).
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local json = require "fellowship.core.json"
local statistics = require "fellowship.measure.statistics"
local tap = require "tap"

local NEAR = 1e-12

local file = assert(io.open(arg[0]:gsub("[^/]*$", "") .. "agreement.json"))
local reference = assert(json.decode(file:read "a"))
file:close()

local function present(value)
  if value == json.null then return nil end
  return value
end

local function labels_of(list)
  local labels = {}
  for i = 1, #list do labels[i] = present(list[i]) end
  return labels
end

local function near(got, wanted, name)
  wanted = present(wanted)
  local equal = got == wanted or (got and wanted and math.abs(got - wanted) < NEAR)
  tap.ok(equal or false, name, "got    " .. tostring(got), "wanted " .. tostring(wanted))
end

for _, t in ipairs(reference.tables) do
  local n, a, b = #t.a, labels_of(t.a), labels_of(t.b)
  local pairs_of = statistics.pair(a, b, n)
  tap.is(pairs_of.n, t.n, t.name .. ": pairs without a missing label")
  near(statistics.kappa(pairs_of), t.kappa, t.name .. ": kappa")
  near(statistics.kappa(pairs_of, { weights = "linear" }), t.linear, t.name .. ": kappa with linear weights")
  near(statistics.kappa(pairs_of, { weights = "quadratic" }), t.quadratic, t.name .. ": with quadratic weights")
  near(statistics.agreement(pairs_of), t.agreement, t.name .. ": agreement")
  near(statistics.krippendorff({ a, b }, n), t.alpha, t.name .. ": Krippendorff's alpha")
end

local function all_labels(raters)
  local list = {}
  for i = 1, #raters do list[i] = labels_of(raters[i]) end
  return list, #raters[1]
end

near((statistics.fleiss(all_labels(reference.fleiss.raters))), reference.fleiss.kappa, "Fleiss' kappa of five raters")
near(statistics.krippendorff(all_labels(reference.alpha.raters)), reference.alpha.alpha, "alpha of five raters, with holes")
for _, w in ipairs(reference.wilson) do
  local interval = statistics.wilson(w.k, w.n)
  near(interval[1], w.ci[1], ("Wilson's interval of %d in %d, low"):format(w.k, w.n))
  near(interval[2], w.ci[2], ("Wilson's interval of %d in %d, high"):format(w.k, w.n))
end

-- Nothing to rest on.
local none = statistics.pair({}, {}, 0)
tap.is(statistics.kappa(none), nil, "no pairs: no kappa")
tap.is(statistics.agreement(none), nil, "nor agreement")
tap.is(statistics.kappa_interval(none), nil, "nor an interval")
tap.is(statistics.wilson(0, 0), nil, "no trials: no interval")

-- Resampling follows from the seed.
local t = reference.tables[1]
local typical = statistics.pair(labels_of(t.a), labels_of(t.b), #t.a)
local first, again = statistics.kappa_interval(typical, { seed = 1 }), statistics.kappa_interval(typical, { seed = 1 })
local other = statistics.kappa_interval(typical, { seed = 2 })
tap.ok(first[1] == again[1] and first[2] == again[2], "the same seed gives the same interval")
tap.ok(first[1] ~= other[1], "another seed another one")
tap.ok(first[1] < t.kappa and t.kappa < first[2], "which holds the estimate")
local difference, interval, n = statistics.kappa_difference(labels_of(t.a), labels_of(t.b), labels_of(t.a), #t.a, {})
near(difference, 1 - t.kappa, "the difference of two kappas")
tap.ok(interval[1] > 0 and n == #t.a, "with its interval and number of rows")

tap.done()
