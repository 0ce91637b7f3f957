-- Rows of two files that belong together by their id.

local json = require "fellowship.core.json"
local text = require "fellowship.base.text"

local join = {}

-- Examples of ids in a message, and the characters of each.
local SHOWN, LONGEST = 3, 40

--- What an id is compared by: 1, 1.0 and "1", which files of different formats have, are the same one.
--- Example: `print(fellowship.join.key(1) == fellowship.join.key "1") --> true`
---@param id any
---@return string
function join.key(id)
  if type(id) == "string" then return id end
  if math.type(id) == "float" and math.tointeger(id) then id = math.tointeger(id) end
  if type(id) == "table" then return json.canonical(id) end
  return tostring(id)
end

local function shown(id)
  local said = type(id) == "string" and ('"%s"'):format(id) or join.key(id)
  return text.printable(text.fit(said, LONGEST))
end

--- Some of a list of ids, and how many more there are.
local function examples(ids)
  local parts = {}
  for i = 1, math.min(SHOWN, #ids) do parts[i] = shown(ids[i]) end
  local said = table.concat(parts, ", ")
  if ids.count > #parts then said = ("%s and %d more"):format(said, ids.count - #parts) end
  return said
end

local function keep(ids, id)
  ids.count = ids.count + 1
  if #ids < SHOWN then ids[#ids + 1] = id end
end

---@class fellowship.Join
---@field name string of the file that was taken up
---@field rows integer of it
---@field matched integer rows of the other file that found one
---@field unmatched integer those that did not
local Join = {}
Join.__index = Join
Join.__name = "fellowship.Join"

--- Begins a join: the rows of one file are taken up with `add`, those of the other one look theirs up with `find`.
--- Example:
---     local join = fellowship.join.new "b.jsonl"
---     join:add("1", "a row")
---     print(join:find(1)) --> a row
---@param name string the first file's
---@return fellowship.Join
function join.new(name)
  local self = setmetatable({ name = name, rows = 0, entries = {}, first = { count = 0 } }, Join)
  self:begin()
  return self
end

--- Begins with another file's rows; those that were taken up stay.
--- Example:
---     local join = fellowship.join.new "b.jsonl"
---     join:add("1", "a row")
---     join:begin()
---     print(join.matched) --> 0
function Join:begin()
  self.matched, self.unmatched, self.seen = 0, 0, {}
  self.all, self.alone = { count = 0 }, { count = 0 } -- its ids: a few, and how many there are
end

--- Takes up a row of the first file.
--- Example: `print(fellowship.join.new("b.jsonl"):add("1", "a row")) --> true`
---@param id any
---@param value any what find gives back
---@return boolean new false when there is a row with that id already
function Join:add(id, value)
  local key = join.key(id)
  if self.entries[key] then return false end
  self.entries[key] = { value = value, id = id }
  self.rows = self.rows + 1
  keep(self.first, id)
  return true
end

--- What was taken up with an id; nil when there is nothing.
--- Example:
---     local join = fellowship.join.new "b.jsonl"
---     join:add("1", "a row")
---     print(join:find(1), join:find(2)) --> a row nil
---@param id any
---@return any
function Join:find(id)
  local entry = self.entries[join.key(id)]
  return entry and entry.value
end

--- Counts a row of the other file.
--- Example:
---     local join = fellowship.join.new "b.jsonl"
---     join:add("1", "a row")
---     print(join:count(1), join.matched) --> true 1
---@param id any
---@return boolean new false when a row with that id was counted already
function Join:count(id)
  local key = join.key(id)
  if self.seen[key] then return false end
  self.seen[key] = true
  keep(self.all, id)
  if self.entries[key] then
    self.matched = self.matched + 1
  else
    self.unmatched = self.unmatched + 1
    keep(self.alone, id)
  end
  return true
end

--- Rows of the first file that no row of the other one found.
local function left_over(self)
  local ids = { count = 0 }
  for key in pairs(self.entries) do
    if not self.seen[key] then ids[#ids + 1], ids.count = key, ids.count + 1 end
  end
  table.sort(ids)
  for i = 1, math.min(#ids, SHOWN) do ids[i] = self.entries[ids[i]].id end
  return { count = ids.count, table.unpack(ids, 1, math.min(#ids, SHOWN)) }
end

--- How many rows found each other, and examples of those that did not.
--- Example:
---     local join = fellowship.join.new "b.jsonl"
---     join:add("1", "a row")
---     join:count(1)
---     print(join:report "a.jsonl") --> joined by id: 1 of 1 row of a.jsonl has one in b.jsonl (1 row)
---@param name string the other file's
---@param whole? boolean all of the other file was counted, so that what is left over has no partner
---@return string
function Join:report(name, whole)
  local said = ("joined by id: %d of %s of %s %s one in %s (%s)"):format(self.matched,
    text.count(self.all.count, "row"), name, self.matched == 1 and "has" or "have", self.name,
    text.count(self.rows, "row"))
  local alone, over = self.alone, whole and left_over(self) or { count = 0 }
  if alone.count > 0 then said = ("%s; alone in %s: %s"):format(said, name, examples(alone)) end
  if over.count > 0 then said = ("%s; alone in %s: %s"):format(said, self.name, examples(over)) end
  return said
end

--- Why nothing was joined; nil where something was, or where there was nothing to join.
--- Example:
---     local join = fellowship.join.new "b.jsonl"
---     join:add("1", "a row")
---     join:count(1)
---     print(join:problem "a.jsonl") --> nil
---@param name string the other file's
---@return string?
function Join:problem(name)
  if self.matched > 0 or self.all.count == 0 then return nil end
  if self.rows == 0 then return ("no row of %s has a partner: %s has no rows"):format(name, self.name) end
  return ("no row of %s has the id of a row of %s: the first has %s; the second %s"):format(name, self.name,
    examples(self.all), examples(self.first))
end

return join
