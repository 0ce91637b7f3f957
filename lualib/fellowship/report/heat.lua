-- A heat map: a table whose cells are coloured by their values, which stand in them too.

local text = require "fellowship.base.text"
local tables = require "fellowship.report.table"
local scale = require "fellowship.report.scale"
local svg = require "fellowship.report.svg"

local heat = {}

---@class fellowship.report.Heat
---@field rows string[] labels
---@field columns string[]
---@field cells (number|false)[][] false where there is nothing
---@field rows_are string what the rows stand for
---@field columns_are string
---@field most? number the value of the deepest colour; the largest of them when not given

local LEFT, TOP, HEIGHT, WIDEST = 210, 52, 30, 430

local function most_of(figure)
  local most = figure.most or 0
  if figure.most then return most end
  for _, row in ipairs(figure.cells) do
    for _, value in ipairs(row) do most = math.max(most, value or 0) end
  end
  return most > 0 and most or 1
end

--- As SVG.
---@param figure fellowship.report.Heat
---@param title string
---@return string
function heat.svg(figure, title)
  local most, parts = most_of(figure), {}
  local width = math.min(140, WIDEST / math.max(1, #figure.columns))
  local columns = math.max(3, math.floor(width / 7))
  parts[1] = svg.label(LEFT - 10, TOP - 10, figure.rows_are, "end small", 30)
  parts[2] = svg.label(LEFT, 14, figure.columns_are, "small")
  for c, name in ipairs(figure.columns) do
    parts[#parts + 1] = svg.label(LEFT + (c - 0.5) * width, TOP - 10, name, "middle small", columns)
  end
  for r, name in ipairs(figure.rows) do
    local y = TOP + (r - 1) * HEIGHT
    parts[#parts + 1] = svg.label(LEFT - 10, y + 19, name, "end", 30)
    for c = 1, #figure.columns do
      local value, x = figure.cells[r][c], LEFT + (c - 1) * width
      if value then
        parts[#parts + 1] = svg.element("rect", { x = x + 1, y = y + 1, width = width - 2, height = HEIGHT - 2,
          class = "cell", ["fill-opacity"] = 0.06 + 0.44 * math.max(0, math.min(1, value / most)) })
      end
      parts[#parts + 1] = svg.label(x + width / 2, y + 19, value and scale.shown(value, 2) or "–", "middle figure")
    end
  end
  return svg.drawing(LEFT + WIDEST, TOP + #figure.rows * HEIGHT + 6, title, parts)
end

local SHADES = { " ", "░", "▒", "▓", "█" }

--- With characters: a shade before each value.
---@param figure fellowship.report.Heat
---@param width integer
---@return string[]
function heat.text(figure, width)
  local most, heads, rows = most_of(figure), { figure.rows_are .. " \\ " .. figure.columns_are }, {}
  for c, name in ipairs(figure.columns) do heads[c + 1] = text.fit(name, 20) end
  for r, name in ipairs(figure.rows) do
    rows[r] = { name }
    for c = 1, #figure.columns do
      local value = figure.cells[r][c]
      local shade = value and SHADES[1 + math.floor(math.max(0, math.min(1, value / most)) * 4 + 0.5)]
      rows[r][c + 1] = value and shade .. " " .. scale.shown(value, 2)
    end
  end
  local lines = {}
  for line in tables.text(heads, rows, width):gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

return heat
