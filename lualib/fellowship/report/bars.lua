-- Bars: amounts one below the other, each maybe in parts.

local text = require "fellowship.base.text"
local scale = require "fellowship.report.scale"
local svg = require "fellowship.report.svg"

local bars = {}

---@class fellowship.report.Bars
---@field items { label: string, [integer]: number }[] each with the amounts of its parts
---@field parts string[] names of the parts
---@field unit string what is counted

local LEFT, RIGHT, WIDTH, LINE, TOP = 210, 550, 640, 24, 26

local function total(item)
  local sum = 0
  for _, part in ipairs(item) do sum = sum + part end
  return sum
end

local function most(figure)
  local max = 0
  for _, item in ipairs(figure.items) do max = math.max(max, total(item)) end
  return max > 0 and max or 1
end

--- The names of the parts, where there are several, with their colours.
local function legend(parts, names)
  local x = LEFT
  for i, name in ipairs(#names > 1 and names or {}) do
    parts[#parts + 1] = svg.element("rect", { x = x, y = 4, width = 10, height = 10, class = "part" .. i })
    parts[#parts + 1] = svg.label(x + 14, 13, name, "small", 24)
    x = x + 30 + 6.5 * math.min(text.columns(name), 24)
  end
end

--- As SVG.
---@param figure fellowship.report.Bars
---@param title string
---@return string
function bars.svg(figure, title)
  local parts, top = {}, #figure.parts > 1 and TOP or 4
  local at = scale.linear(0, most(figure), 0, RIGHT - LEFT)
  legend(parts, figure.parts)
  for i, item in ipairs(figure.items) do
    local y, x = top + (i - 1) * LINE, LEFT
    parts[#parts + 1] = svg.label(LEFT - 10, y + 16, item.label, "end", 30)
    for p, amount in ipairs(item) do
      if amount > 0 then
        parts[#parts + 1] = svg.element("rect", { x = x, y = y + 4, width = at(amount), height = LINE - 8,
          class = "part" .. p })
        x = x + at(amount)
      end
    end
    parts[#parts + 1] = svg.label(x + 6, y + 16, scale.shown(total(item)), "figure")
  end
  local bottom = top + #figure.items * LINE
  parts[#parts + 1] = svg.label((LEFT + RIGHT) / 2, bottom + 16, figure.unit, "middle small")
  return svg.drawing(WIDTH, bottom + 24, title, parts)
end

local BLOCKS = { "█", "▒", "░", "▚" }

--- With characters.
---@param figure fellowship.report.Bars
---@param width integer
---@return string[]
function bars.text(figure, width)
  local label = 8
  for _, item in ipairs(figure.items) do label = math.max(label, text.columns(item.label)) end
  label = math.min(label, width // 3)
  local at, lines = scale.linear(0, most(figure), 0, math.max(width - label - 14, 8)), {}
  for _, item in ipairs(figure.items) do
    local name, drawn = text.fit(item.label, label), {}
    for p, amount in ipairs(item) do
      drawn[p] = BLOCKS[(p - 1) % #BLOCKS + 1]:rep(math.floor(at(amount) + 0.5))
    end
    lines[#lines + 1] = ("%s%s %s %s"):format(name, (" "):rep(label - text.columns(name)), table.concat(drawn),
      scale.shown(total(item)))
  end
  local names = {}
  for p, name in ipairs(figure.parts) do names[p] = BLOCKS[(p - 1) % #BLOCKS + 1] .. " " .. name end
  lines[#lines + 1] = (" "):rep(label + 1) .. figure.unit .. (#names > 1 and ": " .. table.concat(names, "  ") or "")
  return lines
end

return bars
