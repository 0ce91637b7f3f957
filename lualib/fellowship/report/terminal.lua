-- A report on a terminal: tables, and figures of block characters.

local tables = require "fellowship.report.table"
local text = require "fellowship.base.text"

local terminal = {}

local function add(lines, more) table.move(more, 1, #more, #lines + 1, lines) end

--- The sections as text of so many columns.
---@param title string
---@param about string[]
---@param sections fellowship.report.Section[]
---@param width integer
---@return string
function terminal.text(title, about, sections, width)
  local lines = { title }
  for _, line in ipairs(about) do add(lines, text.wrap(line, width)) end
  for _, section in ipairs(sections) do
    add(lines, { "", section.title, ("═"):rep(math.min(width, text.columns(section.title))) })
    for _, block in ipairs(section.blocks) do
      add(lines, { "", block.title })
      if block.note then add(lines, text.wrap(block.note, width)) end
      if block.code then lines[#lines + 1] = "  " .. block.code end
      if block.plot then
        add(lines, require("fellowship.report." .. block.plot).text(block.figure, width))
      elseif block.rows then
        lines[#lines + 1] = (tables.text(block.heads, block.rows, width):gsub("\n$", ""))
      end
    end
  end
  return text.printable(table.concat(lines, "\n")) .. "\n"
end

return terminal
