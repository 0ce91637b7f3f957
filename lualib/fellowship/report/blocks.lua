-- What a report is made of, before it is drawn: blocks, which a page and a terminal show each in its way. A figure never
-- stands without the table of what it shows.

local estimates = require "fellowship.report.estimates"
local scale = require "fellowship.report.scale"

local blocks = {}

---@class fellowship.report.Block
---@field title string
---@field note? string what to know when reading it
---@field plot? "forest"|"bars"|"histogram"|"heat"|"curve" of the figure, where there is one
---@field figure? table
---@field heads? string[]
---@field rows? any[][] texts, numbers, false for nothing
---@field code? string a command to copy

---@class fellowship.report.Section
---@field id string
---@field title string
---@field blocks fellowship.report.Block[]

local function number(value) return estimates.number(value) or false end

--- Estimates with their intervals as a forest plot.
---@param title string
---@param items fellowship.report.Estimate[]
---@param unit string
---@param o? { reference: number?, note: string?, label: string? }
---@return fellowship.report.Block
function blocks.forest(title, items, unit, o)
  o = o or {}
  local rows = {}
  for i, item in ipairs(items) do
    rows[i] = { item.label, number(item.value), scale.interval(item.low, item.high) or false, item.n or false }
  end
  return { title = title, note = o.note, plot = "forest", figure = { items = items, unit = unit,
    reference = o.reference }, heads = { o.label or "", unit, "95% interval", "n" }, rows = rows }
end

--- Amounts as bars.
---@param title string
---@param items { label: string, [integer]: number }[]
---@param parts string[]
---@param unit string
---@param note? string
---@return fellowship.report.Block
function blocks.bars(title, items, parts, unit, note)
  local rows = {}
  for i, item in ipairs(items) do rows[i] = { item.label, table.unpack(item) } end
  return { title = title, note = note, plot = "bars", figure = { items = items, parts = parts, unit = unit },
    heads = { "", table.unpack(parts) }, rows = rows }
end

--- Counts of values in spans.
---@param title string
---@param bins { label: string, [integer]: integer }[]
---@param series string[]
---@param unit string
---@param note? string
---@return fellowship.report.Block
function blocks.histogram(title, bins, series, unit, note)
  local rows = {}
  for i, bin in ipairs(bins) do rows[i] = { bin.label, table.unpack(bin) } end
  return { title = title, note = note, plot = "histogram", figure = { bins = bins, series = series, unit = unit },
    heads = { unit, table.unpack(series) }, rows = rows }
end

--- A table whose cells are coloured by their values.
---@param title string
---@param figure fellowship.report.Heat
---@param note? string
---@param intervals? (string|false)[][] of the cells, beside which they stand in the table
---@return fellowship.report.Block
function blocks.heat(title, figure, note, intervals)
  local rows = {}
  for r, name in ipairs(figure.rows) do
    rows[r] = { name }
    for c = 1, #figure.columns do
      local value, between = figure.cells[r][c], intervals and intervals[r][c]
      rows[r][c + 1] = value and between and ("%s (%s)"):format(scale.shown(value), between) or value
    end
  end
  return { title = title, note = note, plot = "heat", figure = figure, heads = { figure.rows_are,
    table.unpack(figure.columns) }, rows = rows }
end

--- What depends on what.
---@param title string
---@param figure fellowship.report.Curve
---@param note? string
---@return fellowship.report.Block
function blocks.curve(title, figure, note)
  local rows = {}
  for i, point in ipairs(figure.points) do
    rows[i] = { point.label or tostring(i), point.x, point.y, scale.interval(point.low, point.high) or false,
      point.n or false }
  end
  return { title = title, note = note, plot = "curve", figure = figure, heads = { "", figure.x, figure.y,
    "95% interval", "n" }, rows = rows }
end

--- A table without a figure.
---@param title string
---@param heads string[]
---@param rows any[][]
---@param note? string
---@return fellowship.report.Block
function blocks.table(title, heads, rows, note)
  return { title = title, note = note, heads = heads, rows = rows }
end

return blocks
