-- Scores in tables: each cell with the names of its row and its column. Methods of the reader of statements.

local label = require "fellowship.judge.read.label"
local scores = require "fellowship.judge.read.scores"
local tokens = require "fellowship.judge.read.tokens"

---@class fellowship.ScoreReader
local tables = {}

-- So much of a cell is looked at.
local LONG = 600

local function cell_tokens(text, cell)
  return tokens.of(text, cell.from, math.min(cell.to, cell.from + LONG))
end

local function take_cell(l, text, cell, scale)
  local t, i = cell_tokens(text, cell), 1
  while i <= t.n do i = label.take(l, t, i, scale) end
  return t
end

local function is_empty(cell)
  return cell.from > cell.to
end

--- Whether a row holds names of columns: none of its cells but the first is a value.
local function is_head(rows, scale)
  local first = rows[1]
  for c = 2, #first.cells do
    local t = cell_tokens(first.text, first.cells[c])
    local list = {}
    scores.read(list, t, scale, { sides = false })
    if #list > 0 then return false end
  end
  return #first.cells > 1 and #rows > 1
end

--- Whether each cell of a table's head is about one of both.
function tables:names_sides(head)
  for _, cell in ipairs(head.cells) do
    local l = label.new()
    if not is_empty(cell) then take_cell(l, head.text, cell, self.scale) end
    if #l.sides ~= 1 or not label.is_clear(l) then return false end
  end
  return true
end

--- Whether a row holds values alone: no column has the rows' names.
function tables:is_values(row, head)
  if is_empty(head.cells[1]) or #self.rows > 2 then return false end
  local l = label.new()
  take_cell(l, head.text, head.cells[1], self.scale)
  if #l.sides > 0 or l.noun then return false end
  for _, cell in ipairs(row.cells) do
    local list = {}
    if not is_empty(cell) then scores.read(list, cell_tokens(row.text, cell), self.scale, { sides = false }) end
    if #list == 0 then return l.score or l.overall end
    if l.score or l.overall then return true end
  end
  return #row.cells > 2
end

--- A row's values: each with the row's name and the column's.
function tables:row(row, head)
  local text, cells = row.text, row.cells
  local from = #self.list
  if #cells == 1 or not head and #cells ~= 2 then
    return self:line { text = text, base = row.base, from = cells[1].from, to = cells[#cells].to, level = row.level,
      heading = false, marked = false, cited = row.cited }
  end
  local unnamed = head and (self:names_sides(head) or self:is_values(row, head))
  for c = unnamed and 1 or 2, #cells do
    local l = label.new()
    local numbered = text:find("^[12]%f[^%d]", cells[1].from) and cells[1].to == cells[1].from
    if numbered and head and not is_empty(head.cells[1]) then -- "1" under "Response"
      local above = head.cells[1]
      label.take_text(l, head.text:sub(above.from, above.to) .. " " .. text:sub(cells[1].from, cells[1].to), self.scale)
    elseif not unnamed and not is_empty(cells[1]) then take_cell(l, text, cells[1], self.scale) end
    if head and head.cells[c] and not is_empty(head.cells[c]) then take_cell(l, head.text, head.cells[c],
      self.scale) end
    local known = #self.list
    if not is_empty(cells[c]) then
      scores.read(self.list, cell_tokens(text, cells[c]), self.scale, { label = l, sides = self.sides })
    end
    for i = known + 1, #self.list do self.list[i].named = self.list[i].side ~= nil end
  end
  self:place(from, row)
  self.pending = nil
end

function tables:table(rows)
  self.rows = rows
  local head = (rows.rule or is_head(rows, self.scale)) and #rows > 1 and rows[1] or nil
  for r = head and 2 or 1, #rows do self:row(rows[r], head) end
end

return tables
