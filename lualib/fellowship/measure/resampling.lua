-- Bootstrap intervals (Efron 1979) of figures that follow from counts: resampling a table takes the time of its cells,
-- not of its rows. Units that hang together (the rows of one prompt) are drawn together (Field and Welsh 2007). The
-- drawing goes on beside the loop.

local interval = require "fellowship.base.interval"
local sheets = require "fellowship.core.sheet"

local resampling = {}

local RESAMPLES = 1000

local function deviation(list)
  local mean, squares = 0, 0
  for _, value in ipairs(list) do mean = mean + value / #list end
  for _, value in ipairs(list) do squares = squares + (value - mean) ^ 2 end
  return math.sqrt(squares / math.max(1, #list - 1))
end

--- Intervals of figures that follow from sums over rows.
---@param sheet fellowship.sheet
---@param values number[] what each pattern adds to the sums, as in sheet:resample
---@param width integer how many sums there are
---@param fn fun(sums: number[]): table<string, number> the figures that a resample gives; sums is used again
---@param options? { seed: integer?, resamples: integer? }
---@return table<string, number[]> intervals { low, high } of each figure, over the resamples that gave it
---@return integer units that were drawn
---@return table<string, number> spread the standard deviation of each figure over the resamples: its standard error
function resampling.intervals(sheet, values, width, fn, options)
  options = options or {}
  local times = options.resamples or RESAMPLES
  local units, drawn = sheet:resample(values, width, times, options.seed or 0)
  local figures, sums, found = {}, {}, {}
  for t = 0, units > 0 and times - 1 or -1 do
    table.move(drawn, t * width + 1, (t + 1) * width, 1, sums)
    for name, value in pairs(fn(sums)) do
      local list = figures[name]
      if not list then
        list = {}
        figures[name] = list
      end
      list[#list + 1] = value
    end
  end
  local spread = {}
  for name, list in pairs(figures) do found[name], spread[name] = interval.middle(list), deviation(list) end
  return found, units, spread
end

--- Counts as a square table, from place `at` + 1 of a list on.
function resampling.square(counts, size, at, into)
  for i = 1, size do
    into[i] = table.move(counts, at + (i - 1) * size + 1, at + i * size, 1, into[i] or {})
  end
  return into
end

--- Intervals of figures that follow from square tables of counts.
---@param sheet fellowship.sheet
---@param tables { size: integer, cell: fun(...: integer): integer }[] the cell (row by row, from 1; 0 for none) of a pattern's labels
---@param fn fun(...: number[][]): table<string, number> the figures of tables, which are used again
---@param options? { seed: integer?, resamples: integer? }
---@return table<string, number[]> intervals
---@return integer units
function resampling.tables_intervals(sheet, tables, fn, options)
  local values, width, squares, starts = {}, 0, {}, {}
  for k, one in ipairs(tables) do
    starts[k], squares[k], width = width, {}, width + one.size ^ 2 // 1 | 0
  end
  if width == 0 then return {}, 0 end
  for p = 1, sheet:patterns() do
    local at = #values
    for w = 1, width do values[at + w] = 0 end
    for k, one in ipairs(tables) do
      local cell = one.cell(select(2, sheet:pattern(p)))
      if cell > 0 then values[at + starts[k] + cell] = 1 end
    end
  end
  return resampling.intervals(sheet, values, width, function(sums)
    for k, one in ipairs(tables) do resampling.square(sums, one.size, starts[k], squares[k]) end
    return fn(table.unpack(squares))
  end, options)
end

--- The same of one table.
function resampling.table_intervals(sheet, cell, size, fn, options)
  return resampling.tables_intervals(sheet, { { size = size, cell = cell } }, fn, options)
end

--- A mean of rows, each a sum of so many things, and its interval over rows.
---@param sums number[]
---@param counts integer[]
---@param options? { seed: integer?, resamples: integer? }
---@return number? mean nil without rows
---@return number[]? interval
function resampling.ratio(sums, counts, options)
  local sheet, known, values, sum, count = sheets.new { labels = 1 }, {}, {}, 0, 0
  for i = 1, #sums do
    local key = ("%.17g %d"):format(sums[i], counts[i])
    if not known[key] then
      known[key] = #values // 2
      values[#values + 1], values[#values + 2] = sums[i], counts[i]
    end
    sheet:add(0, known[key])
    sum, count = sum + sums[i], count + counts[i]
  end
  if count == 0 then return nil end
  local found = resampling.intervals(sheet, values, 2, function(s)
    return { mean = s[2] > 0 and s[1] / s[2] or nil }
  end, options)
  sheet:close()
  return sum / count, found.mean
end

return resampling
