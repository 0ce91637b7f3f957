-- Rows of a report beside its page: few of them in the page itself, more in files that the page's script loads when they
-- are read, and a list of all of them in files of its own.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local pack = require "fellowship.report.pack"

local chunks = {}

-- Rows and bytes that a page holds itself; of a file of rows; lines of a file of the list.
local INLINE_ROWS, INLINE_BYTES = 100, 8 << 20
local CHUNK_ROWS, CHUNK_BYTES = 500, 2 << 20
local PART = 20000

-- Evaluators and names of candidates that rows can be filtered by; a name is a bit of an integer that JavaScript shifts.
local MOST = 30

---@class fellowship.report.Chunks
---@field folder string where the files go
---@field total integer rows so far
---@field firsts integer[] number of the first row of each file of rows, from 0
---@field evaluators string[] in the order of their coming
---@field names string[]
local Chunks = {}
Chunks.__index = Chunks

--- Begins to take rows.
---@param folder string the page's own; files go into report/ there
---@return fellowship.report.Chunks
function chunks.new(folder)
  return setmetatable({ folder = folder .. "/report", total = 0, rows = {}, bytes = 0, firsts = {}, inline = true,
    evaluators = {}, names = {}, parts = 0, lines = {}, slots = {}, bits = {}, written = {} }, Chunks)
end

local function fail(path, problem)
  errors.raise { kind = "file", fatal = true, message = ("cannot write %s: %s"):format(path, problem) }
end

--- Writes a whole file under its name once it is complete.
---@param path string
---@param parts string[]
function chunks.write_file(path, parts)
  local partial = path .. ".partial"
  local file, problem = io.open(partial, "wb")
  if not file then fail(path, problem) end
  local well
  for _, part in ipairs(parts) do
    well, problem = file:write(part)
    if not well then break end
  end
  local closed, why = file:close()
  if not well or not closed then fail(path, problem or why) end
  local renamed, trouble = sys.rename(partial, path)
  if not renamed then fail(path, trouble.message) end
end

local function write(self, name, call, number, content)
  if not self.made then
    local made, problem = sys.mkdir(self.folder)
    if not made then fail(self.folder, problem.message) end
    self.made = true
  end
  self.written[name] = true
  chunks.write_file(self.folder .. "/" .. name, { ("fellowship.%s(%d,"):format(call, number), content, ");\n" })
end

local function write_rows(self)
  if #self.rows == 0 then return end
  self.firsts[#self.firsts + 1] = self.total - #self.rows
  write(self, ("rows-%04d.js"):format(#self.firsts), "rows", #self.firsts - 1,
    "[\n" .. table.concat(self.rows, ",\n") .. "]")
  self.rows, self.bytes = {}, 0
end

--- The place of a name in a list, to which it is added while there is room.
local function place(list, places, name)
  if not places[name] and #list < MOST then
    list[#list + 1] = name
    places[name] = #list
  end
  return places[name]
end

--- The lines since the last part as columns.
local function columns_of(self)
  local columns = { id = json.array {}, head = json.array {}, m = json.array {}, f = json.array {}, k = json.array {},
    a = json.array {}, b = json.array {}, o = json.array {} }
  local winners = {}
  for i, line in ipairs(self.lines) do
    columns.id[i], columns.head[i], columns.f[i] = line.id, line.head, line.flags
    columns.m[i] = line.margin or json.null
    columns.a[i], columns.b[i], columns.o[i], columns.k[i] = line.a, line.b, line.outcome or "", line.mask
    local digits = {}
    for e = 1, #self.evaluators do digits[e] = ("%x"):format(line.winners[self.evaluators[e]] or 0) end
    winners[i] = table.concat(digits)
  end
  columns.n, columns.e, columns.w = #self.lines, #self.evaluators, table.concat(winners)
  return pack.safe(json.encode(json.object(columns, { "n", "e", "w", "m", "f", "k", "a", "b", "o", "id", "head" })))
end

local function write_list(self)
  if #self.lines == 0 then return end
  self.parts = self.parts + 1
  write(self, ("list-%04d.js"):format(self.parts), "list", self.parts - 1, columns_of(self))
  self.lines = {}
end

--- Takes the next row.
---@param packed string the record as pack.record makes it
---@param line fellowship.report.Line
function Chunks:add(packed, line)
  for _, by in ipairs(line.by) do place(self.evaluators, self.slots, by) end
  line.mask = 0
  for _, name in ipairs(line.names) do
    local bit = place(self.names, self.bits, name)
    if bit then line.mask = line.mask | 1 << (bit - 1) end
  end
  self.rows[#self.rows + 1], self.lines[#self.lines + 1] = packed, line
  self.total, self.bytes = self.total + 1, self.bytes + #packed
  if self.inline and (#self.rows > INLINE_ROWS or self.bytes > INLINE_BYTES) then self.inline = false end
  if not self.inline and (#self.rows >= CHUNK_ROWS or self.bytes >= CHUNK_BYTES) then write_rows(self) end
  if not self.inline and #self.lines >= PART then write_list(self) end
end

--- Removes what an earlier report left there.
local function remove_others(self)
  for _, name in ipairs(sys.list(self.folder) or {}) do
    if (name:find "^rows%-%d+%.js$" or name:find "^list%-%d+%.js$") and not self.written[name] then
      sys.remove(self.folder .. "/" .. name)
    end
  end
  if not self.made then os.remove(self.folder) end -- C's remove takes an empty folder, and no other
end

--- Ends it. What the page is to hold: facts of the list, and with few rows all of them.
---@return { total: integer, firsts: integer[], parts: integer, part: integer, evaluators: string[], names: string[] } facts
---@return string? list
---@return string? rows
function Chunks:close()
  local list, rows
  if self.inline then
    list, rows = columns_of(self), "[\n" .. table.concat(self.rows, ",\n") .. "]"
  else
    write_rows(self)
    write_list(self)
  end
  remove_others(self)
  return { total = self.total, firsts = self.firsts, parts = self.parts, part = PART, evaluators = self.evaluators,
    names = self.names }, list, rows
end

return chunks
