-- Human labels of pairs as people and published sets write them: a, model_b, Tie, "tie (bothbad)", 1, A>B.

local text = require "fellowship.base.text"

local labels = {}

-- By the words alone: small letters, what they stand for ("model", "response") apart.
local KNOWN = { a = "a", b = "b", first = "a", second = "b", left = "a", right = "b",
  tie = "tie", tied = "tie", draw = "tie", equal = "tie", same = "tie", c = "tie", neither = "tie", both = "tie",
  bothbad = "tie", bothgood = "tie", tiebothbad = "tie", tiebothgood = "tie", nopreference = "tie",
  equallygood = "tie", equallybad = "tie" }

local NOUNS = { "model", "assistant", "response", "answer", "candidate", "output", "winner" }

-- Numbers that say which response: only these, and only where the dataset has no other number.
local PLACES = { [1] = "a", [2] = "b" }

--- A word without what it stands for, and what that is.
local function bare(word)
  word = word:lower()
  for _, noun in ipairs(NOUNS) do
    local rest = word:match("^%s*" .. noun .. "[%s_-]*(%w.*)$")
    if rest then return rest end
  end
  return word
end

--- The whole number that a label is, as a number or written as one: 1, "1", "1.0", "model_1".
local function number_of(value)
  if type(value) == "string" then value = tonumber(bare(value):match "^%s*([-+]?%d+%.?0*)%s*$") end
  return type(value) == "number" and math.tointeger(value) or nil
end

--- What a word says by itself, "vote" behind it left out.
local function known(word)
  return KNOWN[(bare(word):gsub("[^%w]+", ""):gsub("vote$", ""))]
end

--- "A>B", "model_b >> model_a", "A = B"
local function compared(said)
  local first, sign, second = said:match "^([^<>=]+)([<>=]+)([^<>=]+)$"
  local x, y = first and known(first), first and known(second)
  if not x or not y or x == y or x == "tie" or y == "tie" then return nil end
  if sign:find "^=+$" then return "tie" end
  return sign:find "^>+$" and x or sign:find "^<+$" and y or nil
end

local function is_none(value)
  return value == nil or type(value) == "table" or type(value) == "userdata" or value == ""
end

--- Whether the numbers among some labels say which response is meant: 1 is the first and 2 the second. Where there is
--- any other, 0 or -1 or 3, they may be anything.
---@param values fun(): any gives a label at a time, then nil
---@return boolean
function labels.are_places(values)
  for value in values do
    local n = not is_none(value) and number_of(value)
    if n and not PLACES[n] then return false end
  end
  return true
end

---@class fellowship.Labels reads the labels of a dataset and counts how each was read
---@field rows integer
---@field counts table<string, { label: string?, n: integer, number: boolean }> by what the rows have
---@field names string[] these in the order in which they came
---@field places (boolean|fun(): boolean)? whether numbers say which response is meant
local Labels = {}
Labels.__index = Labels

--- A reader for one dataset. What its numbers mean hangs on all of them (are_places): `places` tells, and is asked for
--- at the first number.
---@param places boolean|fun(): boolean
---@return fellowship.Labels
function labels.reader(places)
  return setmetatable({ rows = 0, counts = {}, names = {}, places = places }, Labels)
end

local function label_of(self, value)
  local n = number_of(value)
  if not n then
    local said = tostring(value)
    return known(said) or compared(said), false
  end
  if type(self.places) == "function" then self.places = self.places() end
  return self.places and PLACES[n] or nil, true
end

--- Reads one label: nil where there is none, or where it cannot be read.
---@param value any
---@return "a"|"b"|"tie"|nil
function Labels:read(value)
  self.rows = self.rows + 1
  if is_none(value) then return nil end
  if math.type(value) == "float" then value = math.tointeger(value) or value end
  local shown = tostring(value)
  local counted = self.counts[shown]
  if not counted then
    local label, number = label_of(self, value)
    counted = { n = 0, label = label, number = number }
    self.counts[shown], self.names[#self.names + 1] = counted, shown
  end
  counted.n = counted.n + 1
  return counted.label
end

--- How many labels could be read.
---@return integer
function Labels:usable()
  local n = 0
  for _, counted in pairs(self.counts) do n = n + (counted.label and counted.n or 0) end
  return n
end

local MANY = 8

--- How the labels were read that are not plainly a, b or tie, in words; nil when all are.
---@return string?
function Labels:describe()
  local read, unread, numbers = {}, {}, false
  for _, shown in ipairs(self.names) do
    local counted = self.counts[shown]
    local named = ('"%s" (%d)'):format(text.cut(text.printable(shown), 40), counted.n)
    if not counted.label then
      unread[#unread + 1], numbers = named, numbers or counted.number
    elseif counted.label ~= shown then read[#read + 1] = ("%s as %s"):format(named, counted.label) end
  end
  local parts = {}
  if #read > 0 then parts[1] = "labels read: " .. table.concat(read, ", ", 1, math.min(#read, MANY)) end
  if #unread > 0 then
    parts[#parts + 1] = "labels not understood: " .. table.concat(unread, ", ", 1, math.min(#unread, MANY))
      .. (numbers and " (numbers say which response is meant only where all are 1 or 2, in a file that can be read "
        .. "twice; write a, b and tie)" or "")
  end
  return #parts > 0 and table.concat(parts, "; ") or nil
end

--- How often each label came that was not understood; nil when all were.
---@return table<string, integer>?
function Labels:unknown()
  local found
  for _, shown in ipairs(self.names) do
    local counted = self.counts[shown]
    if not counted.label then
      found = found or {}
      found[shown] = counted.n
    end
  end
  return found
end

return labels
