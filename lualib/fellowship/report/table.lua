-- Tables of text for the terminal.

local text = require "fellowship.base.text"

local tables = {}

-- A text column is wrapped no narrower than this.
local NARROW = 16

local GAP = 2

--- The cells as texts, and which columns stand right: those of numbers.
local function cells_of(heads, rows)
  local cells, right = {}, {}
  for i, row in ipairs(rows) do
    local line = {}
    for c = 1, #heads do
      local value = row[c]
      if math.type(value) == "float" then value = ("%.3f"):format(value)
      elseif not value then value = "-" end
      right[c] = right[c] or type(row[c]) == "number"
      line[c] = tostring(value)
    end
    cells[i] = line
  end
  return cells, right
end

local function widths_of(heads, cells)
  local widths = {}
  for c, head in ipairs(heads) do
    widths[c] = text.columns(head)
    for _, line in ipairs(cells) do widths[c] = math.max(widths[c], text.columns(line[c])) end
  end
  return widths
end

local function sum_of(widths)
  local sum = -GAP
  for _, width in ipairs(widths) do sum = sum + width + GAP end
  return sum
end

--- Makes the widest text column narrower, until all fit or none can give.
local function squeeze(widths, right, width)
  local over = sum_of(widths) - width
  while over > 0 do
    local widest
    for c, w in ipairs(widths) do
      if not right[c] and w > NARROW and (not widest or w > widths[widest]) then widest = c end
    end
    if not widest then return end
    local less = math.min(over, widths[widest] - NARROW)
    widths[widest], over = widths[widest] - less, over - less
  end
end

--- A column's text in lines of its width; a name without spaces is broken where it must be.
local function folded(cell, width)
  return text.columns(cell) <= width and { cell } or text.wrap(cell, width)
end

--- Adds a row of the table, over as many lines as its fullest cell takes.
local function add_row(lines, cells, columns, widths, right)
  local parts, height = {}, 1
  for i, c in ipairs(columns) do
    parts[i] = folded(cells[c], widths[c])
    height = math.max(height, #parts[i])
  end
  for n = 1, height do
    local line = {}
    for i, c in ipairs(columns) do
      local part = parts[i][n] or ""
      local space = (" "):rep(widths[c] - text.columns(part))
      line[i] = right[c] and space .. part or part .. space
    end
    lines[#lines + 1] = table.concat(line, (" "):rep(GAP)):match "^.*%S" or ""
  end
end

--- Columns in groups that fit, each behind the first column.
local function groups_of(widths, width)
  local groups, used = { { 1 } }, widths[1]
  for c = 2, #widths do
    if used + GAP + widths[c] > width and #groups[#groups] > 1 then
      groups[#groups + 1], used = { 1 }, widths[1]
    end
    table.insert(groups[#groups], c)
    used = used + GAP + widths[c]
  end
  return groups
end

--- Lines of aligned columns. Numbers (and what is not there, "-") stand right, text left. With a width, text columns
--- are wrapped to fit it, and what is too wide even so stands below, behind the first column again.
--- Example: `io.stderr:write(tables.text({ "model", "kappa" }, { { "gpt-4o", 0.3265 } }))`
---@param heads string[]
---@param rows any[][] strings, numbers (shown with three decimals, whole ones plain), or false for nothing
---@param width? integer columns that it may take
---@return string
function tables.text(heads, rows, width)
  local cells, right = cells_of(heads, rows)
  local widths = widths_of(heads, cells)
  local narrower = table.move(widths, 1, #widths, 1, {})
  if width then squeeze(narrower, right, width) end
  if not width or sum_of(narrower) <= width then widths = narrower
  else widths[1] = math.min(widths[1], width // 2) end
  local lines = {}
  for g, columns in ipairs(groups_of(widths, width or math.huge)) do
    if g > 1 then lines[#lines + 1] = "" end
    add_row(lines, heads, columns, widths, right)
    for _, line in ipairs(cells) do add_row(lines, line, columns, widths, right) end
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Without the columns that say nothing: of which every value is 0 or missing.
---@param heads string[]
---@param rows any[][]
---@param kept table<string, boolean> heads of columns that stay
---@return string[] heads
---@return any[][] rows
function tables.telling(heads, rows, kept)
  local columns = {}
  for c, head in ipairs(heads) do
    local tells = kept[head] or false
    for _, row in ipairs(rows) do tells = tells or row[c] and row[c] ~= 0 end
    if tells then columns[#columns + 1] = c end
  end
  local function chosen(row)
    local list = {}
    for i, c in ipairs(columns) do list[i] = row[c] end
    return list
  end
  local some = {}
  for i, row in ipairs(rows) do some[i] = chosen(row) end
  return chosen(heads), some
end

return tables
