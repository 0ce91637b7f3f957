#!/usr/bin/env fellowship
-- Rates corrected by human labels. correct.json was written once by ppi-python 0.2.3 (ppi_mean_pointestimate, ppi_mean_ci,
-- classical_mean_ci), and for Rogan and Gladen's estimate by the formulas of arXiv 2511.21140 as its authors' package
-- has them, in numpy.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local json = require "fellowship.core.json"
local correct = require "fellowship.measure.correct"
local measure = require "fellowship.measure"
local sheets = require "fellowship.core.sheet"
local tap = require "tap"

local file <close> = assert(io.open(arg[0]:gsub("[^/]*$", "") .. "correct.json"))
local reference = assert(json.decode(file:read "a"))

local function near(got, wanted, name, distance)
  tap.ok(got and math.abs(got - wanted) <= (distance or 1e-9), name, ("got %s, wanted %s"):format(got, wanted))
end

local function clipped(x) return math.max(0, math.min(1, x)) end

--- The sums of rows: { y, f } labelled, f alone.
local function sums_of(case, key)
  local sheet, values = sheets.new { labels = 1, keyed = key ~= nil }, {}
  for i, row in ipairs(case.labelled) do
    values[i] = { 1, row[1], row[2], 0, 0 }
    sheet:add(key and key(i) or i, i)
  end
  for i, f in ipairs(case.unlabelled) do
    values[#case.labelled + i] = { 0, 0, 0, 1, f }
    sheet:add(key and key(#case.labelled + i) or i, #case.labelled + i)
  end
  local list = {}
  for p = 1, sheet:patterns() do
    table.move(values[select(2, sheet:pattern(p))], 1, 5, #list + 1, list)
  end
  return sheet:sums(list, 5)
end

for _, case in ipairs(reference.ppi) do
  local units, sums, cross = sums_of(case)
  local found = correct.rates(units, sums, cross)
  near(found.ppi.rate, case.rate, case.name .. ": PPI++'s rate")
  near(found.ppi.ci95[1], clipped(case.ci[1]), case.name .. ": and its interval, low")
  near(found.ppi.ci95[2], clipped(case.ci[2]), case.name .. ": high")
  near(found.human.ci95[1], clipped(case.classical[1]), case.name .. ": of labels alone, low", 0.01)
  near(found.human.ci95[2], clipped(case.classical[2]), case.name .. ": high", 0.01)
  tap.ok(found.worth >= found.labels - 1e-6, case.name .. ": labels are worth no less than themselves")
end

-- Every row twice under one key says no more than once.
local case = reference.ppi[1]
local twice = { labelled = {}, unlabelled = {} }
for _, row in ipairs(case.labelled) do table.move({ row, row }, 1, 2, #twice.labelled + 1, twice.labelled) end
for _, f in ipairs(case.unlabelled) do table.move({ f, f }, 1, 2, #twice.unlabelled + 1, twice.unlabelled) end
local single = correct.rates(sums_of(case))
local double = correct.rates(sums_of(twice, function(i) return (i + 1) // 2 end))
near(double.ppi.se / single.ppi.se, 1, "rows of one prompt hang together: PPI++", 0.01)
near(double.human.se, single.human.se, "and labels alone")

-- How many labels would do.
local units, sums, cross = sums_of(case)
local found = correct.rates(units, sums, cross)
local needed = correct.labels_for(found, sums, cross, 1.96 * found.ppi.se)
near(needed, found.labels, "as many labels as there are, for the interval that there is", 6)
tap.ok(correct.labels_for(found, sums, cross, 0.05) > needed, "and more for a narrower one")
tap.is(correct.labels_for(found, sums, cross, 0.0001), nil, "none where all rows would not do")

for i, c in ipairs(reference.rogan_gladen) do
  local got = correct.rogan_gladen(c.seen, c.n, { hits = c.missed[1], of = c.missed[2] }, { hits = c.found[1], of = c.found[2] })
  near(got.rate, c.rate, ("Rogan and Gladen, %d: the rate"):format(i))
  near(got.ci95[1], c.ci[1], ("Rogan and Gladen, %d: low"):format(i))
  near(got.ci95[2], c.ci[2], ("Rogan and Gladen, %d: high"):format(i))
end
tap.is(correct.rogan_gladen(5, 10, { hits = 4, of = 10 }, { hits = 5, of = 10 }), nil, "none of a judge that is no better than chance")
tap.is(correct.rogan_gladen(5, 10, { hits = 0, of = 0 }, { hits = 5, of = 10 }), nil, "nor without rows of both kinds")

-- In a card: the judge says a wherever people say a or tie; 6 of 10 rows are labelled, one verdict is unread.
local rows, verdicts = {}, { "a", "a", "a", "b", "b", "a", "a", "b", "a", "unparsed" }
for i = 1, 10 do rows[i] = { human = ({ "a", "a", "tie", "b", "b", "a" })[i] } end
local card = measure.card({ "m" }, rows, verdicts, { seed = 1 })
local rate = card.win_rate
near(rate.wins_of_all.rate, 6 / 10, "wins of all rows")
near(rate.halves.rate, 6 / 9, "ties as halves, what could not be read left out")
near(rate.human.rate, 3.5 / 6, "by people")
near(rate.corrected.bias.rate, 0.5 / 6, "the judge's bias, on the same rows")
tap.is(rate.corrected.labels, 6, "labelled rows")
tap.is(rate.corrected.unlabelled, 3, "and others, if they could be read")
near(rate.corrected.rogan_gladen.sensitivity, 1, "hits")
near(rate.corrected.rogan_gladen.specificity, 2 / 3, "misses")
tap.ok(rate.halves.ci95[1] < 6 / 9 and 6 / 9 < rate.halves.ci95[2], "an interval holds its rate")
tap.is(rate.length_controlled, nil, "no length-controlled rate where no lengths are told")

tap.done()
