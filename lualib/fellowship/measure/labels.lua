-- Human labels of pairs as people and published sets write them: a, model_b, Tie, "tie (bothbad)", 1.

local text = require "fellowship.base.text"

local labels = {}

-- By the words alone: small letters, what they stand for ("model", "response") apart.
local KNOWN = { a = "a", b = "b", ["1"] = "a", ["2"] = "b", first = "a", second = "b", left = "a", right = "b",
  tie = "tie", tied = "tie", draw = "tie", equal = "tie", same = "tie", c = "tie", neither = "tie", both = "tie",
  bothbad = "tie", bothgood = "tie", tiebothbad = "tie", tiebothgood = "tie", nopreference = "tie" }

local NOUNS = { "model", "assistant", "response", "answer", "candidate", "output", "winner" }

local function words_of(value)
  local word = tostring(value):lower():gsub("[^%w]+", "")
  for _, noun in ipairs(NOUNS) do
    local rest = word:match("^" .. noun .. "(.+)$")
    if rest then return rest end
  end
  return word
end

---@class fellowship.Labels reads the labels of a dataset and counts how each was read
---@field usable integer labels that could be read
---@field rows integer
---@field counts table<string, { label: string?, n: integer }> by what the rows have
---@field names string[] these in the order in which they came
local Labels = {}
Labels.__index = Labels

--- A reader for one dataset. Numbers are read as 1 and 2 unless the dataset has a 0 among them, which says that they
--- begin with it: then which is which is not known.
---@return fellowship.Labels
function labels.reader()
  return setmetatable({ usable = 0, rows = 0, counts = {}, names = {} }, Labels)
end

local function whole(value)
  return math.type(value) == "float" and math.tointeger(value) or value
end

--- Reads one label: nil where there is none, or where it cannot be read.
---@param value any
---@return "a"|"b"|"tie"|nil
function Labels:read(value)
  self.rows = self.rows + 1
  if value == nil or type(value) == "table" or type(value) == "userdata" or value == "" then return nil end
  value = whole(value)
  local shown = tostring(value)
  local counted = self.counts[shown]
  if not counted then
    local word = words_of(value)
    counted = { n = 0, label = KNOWN[word], number = word == "0" or word == "1" or word == "2" }
    self.zero = self.zero or word == "0"
    self.counts[shown], self.names[#self.names + 1] = counted, shown
  end
  counted.n = counted.n + 1
  local label = not (self.zero and counted.number) and counted.label or nil
  if label then self.usable = self.usable + 1 end
  return label
end

--- How the labels were read that are not plainly a, b or tie, in words; nil when all are.
---@return string?
function Labels:describe()
  local read, unread = {}, {}
  for _, shown in ipairs(self.names) do
    local counted = self.counts[shown]
    local label = not (self.zero and counted.number) and counted.label or nil
    local named = ('"%s" (%d)'):format(text.cut(text.printable(shown), 40), counted.n)
    if not label then unread[#unread + 1] = named
    elseif label ~= shown then read[#read + 1] = ("%s as %s"):format(named, label) end
  end
  local parts = {}
  if #read > 0 then parts[1] = "labels read: " .. table.concat(read, ", ", 1, math.min(#read, 8)) end
  if #unread > 0 then
    parts[#parts + 1] = "labels not understood: " .. table.concat(unread, ", ", 1, math.min(#unread, 8))
      .. (self.zero and " (with a 0 among them, numbers do not say which response is meant)" or "")
  end
  return #parts > 0 and table.concat(parts, "; ") or nil
end

--- How often each label came that was not understood; nil when all were.
---@return table<string, integer>?
function Labels:unknown()
  local found
  for _, shown in ipairs(self.names) do
    local counted = self.counts[shown]
    if not counted.label or self.zero and counted.number then
      found = found or {}
      found[shown] = counted.n
    end
  end
  return found
end

return labels
