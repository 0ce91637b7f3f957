-- What the rows themselves add up to: verdicts by evaluator, their margins, answers by model.

local statistics = require "fellowship.measure.statistics"
local blocks = require "fellowship.report.blocks"
local evaluate = require "fellowship.report.sections.evaluate"
local histogram = require "fellowship.report.histogram"
local preference = require "fellowship.report.sections.preference"

local section = {}

local function verdicts(t)
  local items = {}
  for i, name in ipairs(t.evaluators) do
    local sums = t.by[name]
    items[i] = { label = name, sums.a, sums.b, sums.tie, sums.unparsed }
  end
  return blocks.bars("Verdicts", items, { "A wins", "B wins", "tie", "unparsed" }, "verdicts")
end

local function flips(t)
  local items = {}
  for _, name in ipairs(t.evaluators) do
    local sums = t.by[name]
    local ends = sums.swapped > 0 and statistics.wilson(sums.flipped, sums.swapped)
    if ends then
      items[#items + 1] = { label = name, value = sums.flipped / sums.swapped, low = ends[1], high = ends[2],
        n = sums.swapped }
    end
  end
  if #items == 0 then return nil end
  return blocks.forest("Verdicts that change with the order", items, "share of those asked in both")
end

local function answers(t)
  local rows, items = {}, {}
  for _, name in ipairs(t.names) do
    local sums = t.candidates[name]
    if sums.texts > 0 then
      rows[#rows + 1] = { name, sums.texts, sums.characters / sums.texts, sums.cut }
      items[#items + 1] = { label = name, sums.characters / sums.texts }
    end
  end
  if #rows == 0 then return nil end
  local block = blocks.bars("Length of the responses", items, { "characters" }, "characters, mean")
  block.heads, block.rows = { "", "texts", "characters, mean", "cut off" }, rows
  return block
end

--- The section.
---@param source fellowship.report.Source
---@param before table<string, boolean> sections that the report has already
---@return fellowship.report.Section?
function section.section(source, before)
  local t, list = source.sums, {}
  if #t.evaluators > 0 then
    list[1] = verdicts(t)
    local margins = histogram.bins { t.margins }
    if #margins > 0 then
      list[#list + 1] = blocks.histogram("Margins of the scores", margins, { "verdicts" }, "difference of the scores")
    end
    if not before.evaluate then
      list[#list + 1] = flips(t)
      list[#list + 1] = evaluate.agreement(t)
      list[#list + 1] = evaluate.by_margin(t)
    end
    if not before.evaluate and not before.preference and not before.winrate then
      list[#list + 1] = preference.wins(t)
    end
  end
  list[#list + 1] = answers(t)
  return #list > 0 and { id = "texts", title = "Verdicts and texts", blocks = list } or nil
end

return section
