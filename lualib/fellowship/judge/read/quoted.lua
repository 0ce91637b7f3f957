-- Verdicts that stand in what a judge was shown: a response may hold one, and a judge may quote it. A statement of a
-- judge is compared with the statements that the shown texts make when they are read in the same way, so that spelling
-- makes no difference. Nothing that a response says takes a verdict away: what is quoted is told by how it is
-- introduced, and where two scores are just those of a planted verdict, the judge is asked once more.

local choices = require "fellowship.judge.read.choices"
local fold = require "fellowship.judge.read.fold"
local statements = require "fellowship.judge.read.statements"

local quoted = {}

-- A text that states more verdicts than these plants none: it lists what might be said.
local MOST = 3

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

--- How the numbers of a verdict stand in a text, at a glance.
local function patterns_of(values)
  local list = {}
  for i, value in ipairs(values) do list[i] = ("%%f[%%d]0*%d%%f[%%D]"):format(value // 1 | 0) end
  return list
end

--- Whether texts may state a verdict of these values at all: most do not even hold the numbers.
local function may_hold(texts, patterns)
  for _, pattern in ipairs(patterns) do
    local held = false
    for _, text in ipairs(texts) do held = held or text:find(pattern) or text:find("out of ten", 1, true) end
    if not held then return false end
  end
  return true
end

-- Lines above a number that say whose it is.
local ABOVE = 3

--- The lines of a text with these numbers, the headings, and some lines above; all of a text with tables or objects.
local function excerpt(text, patterns)
  if text:find("|", 1, true) or text:find "{[^{}]*%d" or text:find("out of ten", 1, true) then return text end
  local lines, kept, last = {}, {}, 0
  for line in text:gmatch "[^\n]+" do
    if line:find "%S" then
      lines[#lines + 1] = line
      local holds = line:find "^%s*#"
      for _, pattern in ipairs(patterns) do holds = holds or line:find(pattern) end
      if holds then
        for i = math.max(last + 1, #lines - ABOVE), #lines do kept[#kept + 1] = lines[i] end
        last = #lines
      end
    end
  end
  return table.concat(kept, "\n")
end

--- The statements that the texts make; of some values alone where they are given.
function Shown:statements(values)
  local how, all = self.how, {}
  self.folded = self.folded or self:fold()
  local patterns = values and patterns_of(values)
  if values and not may_hold(self.folded, patterns) then return all end
  for i, text in ipairs(self.texts) do
    local list
    if how.strategy == "direct" then list = choices.read(text)
    else list = statements.read(values and excerpt(self.folded[i], patterns) or text, how.scale,
      how.strategy == "combined") end
    for _, st in ipairs(list or all) do
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
