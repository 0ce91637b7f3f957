-- A forest plot: estimates with their intervals, one below the other, on one axis.

local text = require "fellowship.base.text"
local scale = require "fellowship.report.scale"
local svg = require "fellowship.report.svg"

local forest = {}

---@class fellowship.report.Estimate
---@field label string
---@field value? number nil where there is none
---@field low? number of its interval
---@field high? number
---@field n? integer what it rests on

---@class fellowship.report.Forest
---@field items fellowship.report.Estimate[]
---@field unit string what is estimated
---@field reference? number a value to compare with, which gets a line

-- In units of the drawing: where the axis begins and ends, and the height of a line.
local LEFT, RIGHT, WIDTH, LINE, TOP = 210, 490, 640, 24, 14

local function marks_of(figure)
  local from, to = figure.reference, figure.reference
  for _, item in ipairs(figure.items) do
    for _, value in ipairs { item.value, item.low, item.high } do
      from, to = math.min(from or value, value), math.max(to or value, value)
    end
  end
  return scale.ticks(from or 0, to or 1)
end

--- What stands beside an estimate.
local function said(item)
  if not item.value then return "not defined" end
  local between = scale.interval(item.low, item.high)
  return ("%.3f"):format(item.value) .. (between and (" [%s]"):format(between) or "")
end

local function estimate(parts, item, y, at)
  parts[#parts + 1] = svg.label(LEFT - 10, y + 4, item.label, "end", 30)
  if item.low and item.high then
    parts[#parts + 1] = svg.line(at(item.low), y, at(item.high), y, "interval")
    for _, edge in ipairs { item.low, item.high } do
      parts[#parts + 1] = svg.line(at(edge), y - 4, at(edge), y + 4, "interval")
    end
  end
  if item.value then
    parts[#parts + 1] = svg.element("circle", { cx = at(item.value), cy = y, r = 4, class = "point" })
  end
  parts[#parts + 1] = svg.label(WIDTH, y + 4, said(item), "figure end")
end

--- As SVG.
---@param figure fellowship.report.Forest
---@param title string what it shows
---@return string
function forest.svg(figure, title)
  local marks, parts = marks_of(figure), {}
  local bottom = TOP + #figure.items * LINE
  local at = scale.linear(marks[1], marks[#marks], LEFT, RIGHT)
  for _, mark in ipairs(marks) do
    parts[#parts + 1] = svg.line(at(mark), TOP - 6, at(mark), bottom, "grid")
    parts[#parts + 1] = svg.label(at(mark), bottom + 16, scale.shown(mark), "middle small")
  end
  if figure.reference then
    parts[#parts + 1] = svg.line(at(figure.reference), TOP - 6, at(figure.reference), bottom, "reference")
  end
  for i, item in ipairs(figure.items) do estimate(parts, item, TOP + (i - 0.5) * LINE, at) end
  parts[#parts + 1] = svg.label((LEFT + RIGHT) / 2, bottom + 34, figure.unit, "middle small")
  return svg.drawing(WIDTH, bottom + 42, title, parts)
end

--- With characters, as wide as said.
---@param figure fellowship.report.Forest
---@param width integer
---@return string[]
function forest.text(figure, width)
  local label = 8
  for _, item in ipairs(figure.items) do label = math.max(label, text.columns(item.label)) end
  label = math.min(label, width // 3)
  local room = math.max(width - label - 28, 10)
  local marks, lines = marks_of(figure), {}
  local at = scale.linear(marks[1], marks[#marks], 1, room)
  local function column(value) return math.floor(at(value) + 0.5) end
  for i, item in ipairs(figure.items) do
    local cells = {}
    for c = 1, room do cells[c] = " " end
    if figure.reference then cells[column(figure.reference)] = "┊" end
    if item.low and item.high then
      for c = column(item.low), column(item.high) do cells[c] = "─" end
    end
    if item.value then cells[column(item.value)] = "●" end
    local name = text.fit(item.label, label)
    lines[i] = ("%s%s %s %s"):format(name, (" "):rep(label - text.columns(name)), table.concat(cells), said(item))
  end
  lines[#lines + 1] = ("%s %s%s%s  %s"):format((" "):rep(label), scale.shown(marks[1]),
    (" "):rep(math.max(1, room - #scale.shown(marks[1]) - #scale.shown(marks[#marks]))), scale.shown(marks[#marks]),
    figure.unit)
  return lines
end

return forest
