-- Curves and points over two axes: what depends on what, with intervals, and what it should be.

local text = require "fellowship.base.text"
local scale = require "fellowship.report.scale"
local svg = require "fellowship.report.svg"

local curve = {}

---@class fellowship.report.Point
---@field x number
---@field y number
---@field low? number of y's interval
---@field high? number
---@field label? string

---@class fellowship.report.Curve
---@field points fellowship.report.Point[]
---@field x string what the axes show
---@field y string
---@field joined? boolean a line from point to point
---@field frontier? boolean a line through the points of which none is to the left and higher
---@field reference? number a value of y to compare with
---@field diagonal? boolean a line where y is x

local LEFT, RIGHT, WIDTH, TOP, BOTTOM = 70, 620, 640, 16, 240

local function spans_of(figure)
  local xs, ys = { math.huge, -math.huge }, { figure.reference or math.huge, figure.reference or -math.huge }
  for _, point in ipairs(figure.points) do
    xs = { math.min(xs[1], point.x), math.max(xs[2], point.x) }
    ys = { math.min(ys[1], point.low or point.y), math.max(ys[2], point.high or point.y) }
  end
  return scale.ticks(xs[1], xs[2], 6), scale.ticks(ys[1], ys[2], 5)
end

--- The points of which none is both to the left and higher: what nothing beats at its price.
---@param points fellowship.report.Point[]
---@return fellowship.report.Point[]
function curve.frontier(points)
  local sorted, list = table.move(points, 1, #points, 1, {}), {}
  table.sort(sorted, function(p, q)
    if p.x ~= q.x then return p.x < q.x end
    return p.y > q.y
  end)
  for _, point in ipairs(sorted) do
    if #list == 0 or point.y > list[#list].y then list[#list + 1] = point end
  end
  return list
end

local function axes(parts, figure, xs, ys, x, y)
  for _, mark in ipairs(xs) do
    parts[#parts + 1] = svg.line(x(mark), TOP, x(mark), BOTTOM, "grid")
    parts[#parts + 1] = svg.label(x(mark), BOTTOM + 16, scale.shown(mark, 6), "middle small")
  end
  for _, mark in ipairs(ys) do
    parts[#parts + 1] = svg.line(LEFT, y(mark), RIGHT, y(mark), "grid")
    parts[#parts + 1] = svg.label(LEFT - 6, y(mark) + 4, scale.shown(mark), "end small")
  end
  parts[#parts + 1] = svg.label((LEFT + RIGHT) / 2, BOTTOM + 34, figure.x, "middle small")
  parts[#parts + 1] = svg.label(LEFT, 10, figure.y, "small")
  if figure.reference then
    parts[#parts + 1] = svg.line(LEFT, y(figure.reference), RIGHT, y(figure.reference), "reference")
  end
end

local function diagonal(parts, xs, ys, x, y)
  local from, to = math.max(xs[1], ys[1]), math.min(xs[#xs], ys[#ys])
  if from < to then parts[#parts + 1] = svg.line(x(from), y(from), x(to), y(to), "reference") end
end

local function path_of(points, x, y)
  local list = {}
  for i, point in ipairs(points) do list[i] = svg.number(x(point.x)) .. "," .. svg.number(y(point.y)) end
  return svg.element("polyline", { points = table.concat(list, " "), class = "path" })
end

--- As SVG.
---@param figure fellowship.report.Curve
---@param title string
---@return string
function curve.svg(figure, title)
  local xs, ys = spans_of(figure)
  local x = scale.linear(xs[1], xs[#xs], LEFT, RIGHT)
  local y, parts = scale.linear(ys[1], ys[#ys], BOTTOM, TOP), {}
  axes(parts, figure, xs, ys, x, y)
  if figure.diagonal then diagonal(parts, xs, ys, x, y) end
  if figure.joined then parts[#parts + 1] = path_of(figure.points, x, y) end
  if figure.frontier then parts[#parts + 1] = path_of(curve.frontier(figure.points), x, y) end
  for _, point in ipairs(figure.points) do
    if point.low and point.high then
      parts[#parts + 1] = svg.line(x(point.x), y(point.low), x(point.x), y(point.high), "interval")
    end
    parts[#parts + 1] = svg.element("circle", { cx = x(point.x), cy = y(point.y), r = 4, class = "point" })
    if point.label then
      local right = x(point.x) > (LEFT + RIGHT) / 2
      parts[#parts + 1] = svg.label(x(point.x) + (right and -8 or 8), y(point.y) - 6, point.label,
        right and "end small" or "small", 28)
    end
  end
  return svg.drawing(WIDTH, BOTTOM + 42, title, parts)
end

local HEIGHT = 12

--- With characters, on a grid; the points' labels stand below.
---@param figure fellowship.report.Curve
---@param width integer
---@return string[]
function curve.text(figure, width)
  local xs, ys = spans_of(figure)
  local room = math.max(width - 12, 10)
  local x = scale.linear(xs[1], xs[#xs], 1, room)
  local y, grid, lines, below = scale.linear(ys[1], ys[#ys], HEIGHT, 1), {}, {}, {}
  for r = 1, HEIGHT do
    grid[r] = {}
    for c = 1, room do grid[r][c] = " " end
  end
  for i, point in ipairs(figure.points) do
    local mark = point.label and (i < 10 and tostring(i) or "*") or "●"
    grid[math.floor(y(point.y) + 0.5)][math.floor(x(point.x) + 0.5)] = mark
    if point.label then below[#below + 1] = ("%s %s"):format(mark, text.printable(point.label)) end
  end
  for r = 1, HEIGHT do
    local mark = r == 1 and ys[#ys] or r == HEIGHT and ys[1]
    lines[r] = ("%10s│%s"):format(mark and scale.shown(mark) or "", table.concat(grid[r]))
  end
  lines[#lines + 1] = (" "):rep(10) .. "└" .. ("─"):rep(room)
  lines[#lines + 1] = ("%s%s%s%s"):format((" "):rep(11), scale.shown(xs[1], 6), (" "):rep(math.max(1,
    room - #scale.shown(xs[1], 6) - #scale.shown(xs[#xs], 6))), scale.shown(xs[#xs], 6))
  lines[#lines + 1] = (" "):rep(11) .. figure.y .. " over " .. figure.x
  return table.move(below, 1, #below, #lines + 1, lines)
end

return curve
