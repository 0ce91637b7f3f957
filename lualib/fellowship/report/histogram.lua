-- A histogram: how many values lie in each of some spans, of one series or of several side by side.

local bars = require "fellowship.report.bars"
local scale = require "fellowship.report.scale"
local svg = require "fellowship.report.svg"

local histogram = {}

---@class fellowship.report.Histogram
---@field bins { label: string, [integer]: integer }[] spans in their order, each with the counts of the series
---@field series string[] names of the series
---@field unit string what is measured

local LEFT, RIGHT, WIDTH, TOP, BOTTOM = 60, 630, 640, 30, 190

--- Spans of equal width over counts by value.
--- Example: `histogram.bins({ { [0] = 3, [4] = 1 } }, 2)[1]` is { label = "0 to 4", 4 }
---@param counts table<number, integer>[] for each series
---@param most? integer spans, 20 when not given
---@return { label: string, [integer]: integer }[]
function histogram.bins(counts, most)
  local from, to
  local whole = true
  for _, series in ipairs(counts) do
    for value in pairs(series) do
      from, to = math.min(from or value, value), math.max(to or value, value)
      whole = whole and value == math.floor(value)
    end
  end
  if not from then return {} end
  if whole and to - from < (most or 20) then return histogram.of_values(counts, math.floor(from), math.floor(to)) end
  local marks, list = scale.ticks(from, to, (most or 20) // 2), {}
  local step = marks[2] - marks[1]
  for i = 1, math.max(1, #marks - 1) do
    list[i] = { label = ("%s to %s"):format(scale.shown(marks[i]), scale.shown(marks[i] + step)) }
    for s = 1, #counts do list[i][s] = 0 end
  end
  for s, series in ipairs(counts) do
    for value, count in pairs(series) do
      local bin = list[math.min(#list, math.floor((value - marks[1]) / step + 1e-9) + 1)]
      bin[s] = bin[s] + count
    end
  end
  return list
end

--- A span for each whole number.
---@param counts table<number, integer>[]
---@param from integer
---@param to integer
---@return { label: string, [integer]: integer }[]
function histogram.of_values(counts, from, to)
  local list = {}
  for value = from, to do
    local bin = { label = scale.shown(value) }
    for s, series in ipairs(counts) do bin[s] = series[value] or series[value + 0.0] or 0 end
    list[#list + 1] = bin
  end
  return list
end

local function axis(parts, marks, at)
  for _, mark in ipairs(marks) do
    parts[#parts + 1] = svg.line(LEFT, at(mark), RIGHT, at(mark), "grid")
    parts[#parts + 1] = svg.label(LEFT - 6, at(mark) + 4, scale.shown(mark), "end small")
  end
end

local function legend(parts, names)
  for i, name in ipairs(#names > 1 and names or {}) do
    local x = LEFT + (i - 1) * 150
    parts[#parts + 1] = svg.element("rect", { x = x, y = 4, width = 10, height = 10, class = "part" .. i })
    parts[#parts + 1] = svg.label(x + 14, 13, name, "small", 20)
  end
end

--- As SVG.
---@param figure fellowship.report.Histogram
---@param title string
---@return string
function histogram.svg(figure, title)
  local most, parts = 1, {}
  for _, bin in ipairs(figure.bins) do most = math.max(most, table.unpack(bin)) end
  local marks = scale.ticks(0, most, 4)
  local at = scale.linear(0, marks[#marks], BOTTOM, TOP)
  axis(parts, marks, at)
  legend(parts, figure.series)
  local room = (RIGHT - LEFT) / math.max(1, #figure.bins)
  local width = math.min(36, (room - 4) / #figure.series)
  for b, bin in ipairs(figure.bins) do
    local middle = LEFT + (b - 0.5) * room
    for s, count in ipairs(bin) do
      if count > 0 then
        parts[#parts + 1] = svg.element("rect", { x = middle + (s - 1 - #figure.series / 2) * width, y = at(count),
          width = width, height = BOTTOM - at(count), class = "part" .. s },
          svg.element("title", nil, svg.text(("%s: %d"):format(bin.label, count))))
      end
    end
    if #figure.bins <= 12 or b % 2 == 1 then
      local short = bin.label:match "^(.-) to " or bin.label
      parts[#parts + 1] = svg.label(middle, BOTTOM + 16, short, "middle small", 8)
    end
  end
  parts[#parts + 1] = svg.label((LEFT + RIGHT) / 2, BOTTOM + 34, figure.unit, "middle small")
  return svg.drawing(WIDTH, BOTTOM + 42, title, parts)
end

--- With characters: a bar for each span.
---@param figure fellowship.report.Histogram
---@param width integer
---@return string[]
function histogram.text(figure, width)
  return bars.text({ items = figure.bins, parts = figure.series, unit = figure.unit }, width)
end

return histogram
