-- Verdicts that stand in what a judge was shown: a response may hold one, and a judge may quote it. A statement of a
-- judge is compared with the statements that the shown texts make when they are read in the same way, so that spelling
-- makes no difference. Nothing that a response says takes a verdict away: what is quoted is told by how it is
-- introduced, and where two scores are just those of a planted verdict, the judge is asked once more.

local memo = require "fellowship.base.memo"
local choices = require "fellowship.judge.read.choices"
local fold = require "fellowship.judge.read.fold"
local statements = require "fellowship.judge.read.statements"

local quoted = {}

local NONE = {}

-- A text that states more verdicts than these plants none: it lists what might be said.
local MOST = 3

-- Members of a jury, and the comparisons of a ladder, show the same texts: what was read is remembered of so many, up to
-- so many bytes.
local REMEMBERED, LONGEST = 256, 1 << 14

-- The statements of a text, by strategy and scale.
local readers = setmetatable({}, { __index = function(all, strategy)
  local scales = setmetatable({}, { __index = function(known, scale)
    known[scale] = memo.of(function(text)
      if strategy == "direct" then return choices.read(text) or NONE end
      return statements.read(text, scale, strategy == "combined") or NONE
    end, REMEMBERED, LONGEST)
    return known[scale]
  end })
  all[strategy] = scales
  return scales
end })

---@class fellowship.Shown the statements of the texts that a judge was shown
local Shown = {}
Shown.__index = Shown

--- Nothing is read before it is asked for.
---@param texts string[]?
---@param how { strategy: string, scale: integer }
---@return fellowship.Shown
function quoted.shown(texts, how)
  return setmetatable({ texts = texts or {}, how = how }, Shown)
end

local function key_of(st)
  return ("%s:%s"):format(st.side or "", st.value)
end

--- The whole parts of values, as they are written.
local function digits_of(values)
  local list = {}
  for i, value in ipairs(values) do list[i] = ("%d"):format(value // 1 | 0) end
  return list
end

--- Where a number stands in a text, zeros in front of it or none, as a run of digits of its own; nil when nowhere.
local function number_at(text, digits, from)
  while true do
    local start, stop = text:find(digits, from, true)
    if not start then return nil end
    local before = start - 1
    while text:byte(before) == 48 do before = before - 1 end
    local left, right = text:byte(before), text:byte(stop + 1)
    if not (before > 0 and left >= 48 and left <= 57 or right and right >= 48 and right <= 57) then return start end
    from = start + 1
  end
end

--- "10" in words.
local function in_words(text)
  return text:find("out of ten", 1, true) ~= nil
end

--- The texts that may state one of some numbers, by place, if there are such for each of them: most texts do not even
--- hold the numbers of a verdict.
local function holders(texts, numbers)
  local holding = {}
  for _, digits in ipairs(numbers) do
    local held = false
    for i, text in ipairs(texts) do
      if number_at(text, digits, 1) or in_words(text) then held, holding[i] = true, true end
    end
    if not held then return nil end
  end
  return holding
end

-- Lines above a number that say whose it is.
local ABOVE = 3

--- Where each line that holds one of some numbers stands: a place in it.
local function places_of(text, numbers)
  local places = {}
  for _, digits in ipairs(numbers) do
    local at = number_at(text, digits, 1)
    while at do
      places[#places + 1] = at
      at = number_at(text, digits, (text:find("\n", at, true) or #text) + 1)
    end
  end
  table.sort(places)
  return places
end

--- The lines of a text with these numbers, the headings, and some lines above; all of a text with tables or objects.
local function excerpt(text, numbers)
  if text:find("|", 1, true) or text:find("{", 1, true) and text:find "{[^{}]*%d" or in_words(text) then return text end
  local places, headings = places_of(text, numbers), text:find("#", 1, true)
  local lines, kept, last, next_place, at = {}, {}, 0, 1, 1
  while at <= #text and (headings or places[next_place]) do
    local stop = (text:find("\n", at, true) or #text + 1) - 1
    local _, first = text:find("^[^%S\n]*%S", at)
    if first then
      lines[#lines + 1] = text:sub(at, stop)
      local holds = text:byte(first) == 35
      while places[next_place] and places[next_place] <= stop do holds, next_place = true, next_place + 1 end
      if holds then
        for i = math.max(last + 1, #lines - ABOVE), #lines do kept[#kept + 1] = lines[i] end
        last = #lines
      end
    end
    at = stop + 2
  end
  return table.concat(kept, "\n")
end

--- The statements that the texts make; of some values alone where they are given.
function Shown:statements(values)
  local how, all = self.how, {}
  local read = readers[how.strategy][how.scale or 0]
  self.folded = self.folded or self:fold()
  local numbers = values and digits_of(values)
  local holding = numbers and holders(self.folded, numbers)
  if numbers and not holding then return all end
  for i, text in ipairs(self.texts) do
    local list = NONE
    if how.strategy == "direct" or not numbers then list = read(text)
    elseif holding[i] then list = read(excerpt(self.folded[i], numbers))
    end
    for _, st in ipairs(list) do
      if st.value and st.tier >= (how.strategy == "direct" and choices.ANSWER or 1) then all[#all + 1] = st end
    end
  end
  return all
end

function Shown:fold()
  local list = {}
  for i, text in ipairs(self.texts) do list[i] = fold.text(text) end
  return list
end

--- All statements, by what they say.
function Shown:read()
  if self.counts then return end
  self.counts, self.distinct, self.marked = {}, {}, {}
  for _, st in ipairs(self:statements()) do
    local key, side = key_of(st), st.side or ""
    if not self.counts[key] then self.distinct[side] = (self.distinct[side] or 0) + 1 end
    self.counts[key] = true
    self.marked[key] = self.marked[key] or st.marked
  end
end

--- Whether a shown text makes the same statement.
---@param st { side: string?, value: any }
---@return boolean
function Shown:has(st)
  if not st.value or #self.texts == 0 then return false end
  self:read()
  return self.counts[key_of(st)] == true
end

--- Whether a verdict of scores is just one that a shown text plants.
---@param list fellowship.Statement[] the statements that decide
---@return boolean
function Shown:plants(list)
  local values = {}
  for i, st in ipairs(list) do values[i] = st.value end
  if #self.texts == 0 or not self.counts and #self:statements(values) < #list then return false end
  for _, st in ipairs(list) do
    if not self:has(st) or self.distinct[st.side or ""] > MOST then return false end
    if not st.side and not self.marked[key_of(st)] then return false end
  end
  return #list > 0
end

--- Whether a shown text has a piece of text in it, as it stands.
---@param piece string
---@return boolean
function Shown:holds(piece)
  for _, text in ipairs(self.texts) do
    if text:find(piece, 1, true) then return true end
  end
  return false
end

--- The statements without those that are introduced as somebody else's and are a shown text's.
---@generic T
---@param list T[]
---@return T[]
function Shown:own(list)
  local own = {}
  for _, st in ipairs(list) do
    if not (st.reported and self:has(st)) then own[#own + 1] = st end
  end
  return own
end

--- The statements without any that a shown text makes.
---@generic T
---@param list T[]
---@return T[]
function Shown:unshared(list)
  local own = {}
  for _, st in ipairs(list) do
    if not self:has(st) then own[#own + 1] = st end
  end
  return own
end

return quoted
