-- SVG and HTML as text: elements, and texts of others in them, in which nothing runs and nothing hides.

local textual = require "fellowship.base.text"

local svg = {}

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

-- Characters that no eye sees, or that turn the direction of what follows: first and last of each range. The joiners
-- U+200C and U+200D, of which scripts and emoji are made, are not among them.
local HIDDEN = { 0x00, 0x08, 0x0b, 0x0c, 0x0e, 0x1f, 0x7f, 0x9f, 0xad, 0xad, 0x61c, 0x61c, 0x180e, 0x180e,
  0x200b, 0x200b, 0x200e, 0x200f, 0x202a, 0x202e, 0x2060, 0x206f, 0xfeff, 0xfeff, 0xfff9, 0xfffb, 0xe0000, 0xe007f }

local function is_hidden(code)
  for i = 1, #HIDDEN, 2 do
    if code >= HIDDEN[i] and code <= HIDDEN[i + 1] then return true end
  end
  return false
end

local function shown(character)
  local code = utf8.codepoint(character)
  return is_hidden(code) and ("⟨%04X⟩"):format(code) or nil
end

--- A text of others as content or attribute of an element: escaped, with hidden characters as ⟨their code⟩.
---@param s any
---@return string
function svg.text(s)
  s = textual.valid(tostring(s)):gsub("[&<>\"']", ESCAPES)
  if not s:find "[\0-\8\11-\31\127\194\216\225\226\239\243]" then return s end
  return (s:gsub("[\0-\8\11-\31\127]", shown):gsub(utf8.charpattern, function(c) return #c > 1 and shown(c) or nil end))
end

--- A number as coordinates are written: at most two decimals, none that say nothing.
---@param value number
---@return string
function svg.number(value)
  local s = ("%.2f"):format(value):gsub("0+$", ""):gsub("%.$", "")
  return s == "-0" and "0" or s
end

--- An element. Attributes are written in the order of their names; texts among them are escaped.
--- Example: `print(svg.element("rect", { x = 1, class = "bar" })) --> <rect class="bar" x="1"/>`
---@param name string
---@param attributes? table<string, string|number>
---@param content? string what stands in it, as it is
---@return string
function svg.element(name, attributes, content)
  local names, parts = {}, { "<", name }
  for key in pairs(attributes or {}) do names[#names + 1] = key end
  table.sort(names)
  for _, key in ipairs(names) do
    local value = attributes[key]
    value = type(value) == "number" and svg.number(value) or svg.text(value)
    parts[#parts + 1] = (' %s="%s"'):format(key, value)
  end
  parts[#parts + 1] = content and (">%s</%s>"):format(content, name) or "/>"
  return table.concat(parts)
end

--- A line of text in a figure, cut to fit; the whole of it shows when it is pointed at.
---@param x number
---@param y number
---@param s string
---@param class string
---@param columns? integer that it may take
---@return string
function svg.label(x, y, s, class, columns)
  local fitted = columns and textual.fit(s, columns) or s
  local title = fitted ~= s and svg.element("title", nil, svg.text(s)) or ""
  return svg.element("text", { x = x, y = y, class = class }, title .. svg.text(fitted))
end

--- A straight line.
---@param x1 number
---@param y1 number
---@param x2 number
---@param y2 number
---@param class string
---@return string
function svg.line(x1, y1, x2, y2, class)
  return svg.element("line", { x1 = x1, y1 = y1, x2 = x2, y2 = y2, class = class })
end

--- A drawing of so many units, which a browser scales; its text says what it shows to those who do not see it.
---@param width number
---@param height number
---@param said string
---@param parts string[]
---@return string
function svg.drawing(width, height, said, parts)
  return svg.element("svg", { viewBox = ("0 0 %s %s"):format(svg.number(width), svg.number(height)), role = "img",
    width = width, height = height, ["aria-label"] = said }, table.concat(parts))
end

return svg
