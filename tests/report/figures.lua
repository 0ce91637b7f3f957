#!/usr/bin/env fellowship
-- The figures of reports, against coordinates known beforehand; texts of others in them; scales and spans.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local bars = require "fellowship.report.bars"
local curve = require "fellowship.report.curve"
local estimates = require "fellowship.report.estimates"
local forest = require "fellowship.report.forest"
local heat = require "fellowship.report.heat"
local histogram = require "fellowship.report.histogram"
local json = require "fellowship.core.json"
local scale = require "fellowship.report.scale"
local svg = require "fellowship.report.svg"
local tap = require "tap"

local function marks(...)
  local list = {}
  for i, value in ipairs(scale.ticks(...)) do list[i] = scale.shown(value) end
  return table.concat(list, " ")
end

tap.is(marks(0.1, 0.9, 4), "0 0.2 0.4 0.6 0.8 1", "round marks around a span")
tap.is(marks(-0.2, 0.6), "-0.2 0 0.2 0.4 0.6", "below 0 too")
tap.is(marks(3, 3), "2.4 2.6 2.8 3 3.2 3.4 3.6", "a span of nothing is widened")
tap.is(scale.linear(0, 10, 100, 200)(2.5), 125.0, "a quarter of the way")

-- An axis from 0 to 1 lies between 210 and 490: half of it is 350.
local drawn = forest.svg({ items = { { label = "one", value = 0.5, low = 0, high = 1 } }, unit = "share" }, "Shares")
tap.like(drawn, { '<circle class="point" cx="350" cy="26" r="4"/>',
  '<line class="interval" x1="210" x2="490" y1="26" y2="26"/>', 'aria-label="Shares"', "0.500 [0.000 to 1.000]" },
  "a forest plot puts estimate and interval where they belong")
tap.like(forest.svg({ items = { { label = "none" } }, unit = "kappa" }, "k"), { "not defined" }, "what is not defined is said")

drawn = bars.svg({ items = { { label = "x", 1, 3 }, { label = "y", 2, 0 } }, parts = { "p", "q" }, unit = "n" }, "Bars")
tap.like(drawn, { '<rect class="part1" height="16" width="85" x="210" y="30"/>',
  '<rect class="part2" height="16" width="255" x="295" y="30"/>',
  '<rect class="part1" height="16" width="170" x="210" y="54"/>' }, "bars have the length of their amounts, in parts")

drawn = histogram.svg({ bins = { { label = "1", 4 }, { label = "2", 2 } }, series = { "s" }, unit = "v" }, "Counts")
tap.like(drawn, { 'height="160"', 'height="80"' }, "a column of half the count is half as high")
local function spans(...)
  local list = {}
  for i, bin in ipairs(histogram.bins(...)) do list[i] = bin.label .. "=" .. table.concat(bin, ",") end
  return table.concat(list, " ")
end
tap.is(spans { { [0] = 3, [2] = 1 }, { [1] = 5 } }, "0=3,0 1=0,5 2=1,0", "a span for each whole number")
tap.is(spans({ { [0.0] = 1, [49.5] = 2, [100.0] = 4 } }, 10), "0 to 20=1 20 to 40=0 40 to 60=2 60 to 80=0 80 to 100=4",
  "spans of equal width, the last with its end")

drawn = heat.svg({ rows = { "r" }, columns = { "c", "d" }, cells = { { 10, false } }, rows_are = "", columns_are = "" }, "H")
tap.like(drawn, { 'fill-opacity="0.5"', ">10<", ">–<" }, "the largest value has the deepest colour, nothing has none")

local points = { { x = 1, y = 0.2, label = "cheap" }, { x = 2, y = 0.1, label = "worse" }, { x = 3, y = 0.6, label = "best" } }
local names = {}
for i, point in ipairs(curve.frontier(points)) do names[i] = point.label end
tap.is(table.concat(names, " "), "cheap best", "the frontier leaves out what something cheaper beats")
tap.like(curve.svg({ points = { { x = 0, y = 0 }, { x = 1, y = 1 } }, x = "x", y = "y", joined = true }, "C"),
  { 'points="70,240 620,16"' }, "a curve goes from corner to corner")

tap.is(svg.text "<b a='\"'>&\0\u{202e}\u{200b}\u{e0041}\u{200d}x", "&lt;b a=&#39;&quot;&#39;&gt;&amp;⟨0000⟩⟨202E⟩⟨200B⟩⟨E0041⟩\u{200d}x",
  "texts are escaped, and what hides is shown; joiners stay")
tap.is(svg.text "\xff<", "\u{fffd}&lt;", "what is no UTF-8 does no harm")

local list = estimates.of(json.decode '{"kappa":0.5,"kappa_ci95":[0.4,0.6],"n":7,"bias":{"length":{"rate":0.3,"ci95":[0.1,0.5],"n":9}},"x":null,"x_ci95":null}')
tap.is(#list, 2, "two estimates")
tap.is(list[1].label .. list[2].label .. list[2].n, "kappabias, length9", "wherever results hold them")

for _, lines in ipairs { forest.text({ items = { { label = ("long "):rep(30), value = 0.1, low = -1, high = 1 } }, unit = "u" }, 60),
  bars.text({ items = { { label = "x", 1e9 } }, parts = { "p" }, unit = "u" }, 60),
  curve.text({ points = points, x = "x", y = "y" }, 60) } do
  local widest = 0
  for _, line in ipairs(lines) do widest = math.max(widest, utf8.len(line)) end
  tap.ok(widest <= 66, "text keeps to its width", tostring(widest))
end
drawn = curve.svg({ points = { { x = 0, y = 0.2 }, { x = 1, y = 0.8 } }, x = "p", y = "q", diagonal = true }, "Reliability")
tap.like(drawn, { 'class="reference"' }, "a diagonal says where y would be x")
tap.ok(not curve.svg({ points = { { x = 5, y = 0 }, { x = 9, y = 1 } }, x = "p", y = "q", diagonal = true }, "No"):find(
  'class="reference"', 1, true), "where the axes have nothing in common there is none")

tap.done()
