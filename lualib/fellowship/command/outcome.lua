-- What came out of a run beside its rows: counts by name, of which there must be some or the run has nothing to show,
-- and shares that should stay small. Progress, summary, run.json and the last line of stdout show it.

local json = require "fellowship.core.json"
local text = require "fellowship.base.text"

local outcome = {}

-- After so many rows a run that has nothing to show says so, and a share is sure enough to be told.
outcome.EARLY = 20

-- A share above this is told.
local LIMIT = 0.2

-- Characters of an example.
local EXAMPLE = 160

---@class fellowship.Outcome
local Outcome = {}
Outcome.__index = Outcome
Outcome.__name = "fellowship.Outcome"

--- An outcome without counts.
---@param tell fun(said: string) says a line to people
---@return fellowship.Outcome
function outcome.new(tell)
  return setmetatable({ tell = tell, names = {}, counts = {}, facts = {}, needs = {}, shares = {}, by_name = {} },
    Outcome)
end

--- The counts of a name, made when it is first spoken of.
local function entry(self, name)
  local found = self.counts[name]
  if not found then
    found = { n = 0, names = {}, parts = {} }
    self.names[#self.names + 1], self.counts[name] = name, found
  end
  return found
end

--- Counts some of what is called `name`; 0 has it shown from the start.
--- Example: `run.outcome:count("pairs", 2)`
---@param name string in the plural, words joined by _
---@param n? integer 1 when not given
function Outcome:count(name, n)
  local found = entry(self, name)
  found.n = found.n + (n or 1)
end

--- Counts some of them by kind: "20 verdicts: 12 a, 8 b". They are not counted among the name's own by this.
--- Example: `run.outcome:part("verdicts", "unparsed")`
---@param name string
---@param kind string
---@param n? integer 1 when not given
function Outcome:part(name, kind, n)
  local found = entry(self, name)
  if not found.parts[kind] then found.names[#found.names + 1] = kind end
  found.parts[kind] = (found.parts[kind] or 0) + (n or 1)
end

--- How many there are of a name, or of one of its kinds.
--- Example:
---     run.outcome:count("trios", 2)
---     print(run.outcome:of "trios") --> 2
---@param name string
---@param kind? string
---@return integer
function Outcome:of(name, kind)
  local found = self.counts[name]
  if not found then return 0 end
  return kind and (found.parts[kind] or 0) or found.n
end

--- Keeps a result that is no count, such as a kappa by model, for run.json and the last line of stdout.
--- Example: `run.outcome:fact("win_rate", 0.62)`
---@param name string
---@param value any what JSON can hold
function Outcome:fact(name, value)
  if self.facts[name] == nil then self.facts[#self.facts + 1] = name end
  self.facts[name] = value
end

--- Says what there must be some of: a run without any has nothing to show (exit status 5), which is told after its
--- first rows too. With several such names, one of them is enough.
--- Example: `run.outcome:need("pairs", function() return run.outcome:of "pairs" end)`
---@param what string for people, in the singular: "pair"
---@param counted fun(): integer how many there are now
---@param advice? string|fun(): string what to do about it
function Outcome:need(what, counted, advice)
  self.needs[#self.needs + 1] = { what = what, counted = counted, advice = advice }
end

--- Whether there is nothing of what is needed.
---@return boolean
---@package
function Outcome:is_nothing()
  for _, need in ipairs(self.needs) do
    if need.counted() > 0 then return false end
  end
  return #self.needs > 0
end

--- Takes one of a whole of which a part should stay small: above 20% it is told, with the first example.
--- Example: `run.outcome:share("unparsed", "verdicts of sim:a", false)`
---@param part string what they are: "unparsed"
---@param whole string of what: "verdicts of openai:gpt-4o"
---@param is_part boolean whether this one is
---@param example? string this one, shown when it is the first of the part
---@param advice? string what to do about it
function Outcome:share(part, whole, is_part, example, advice)
  local wholes = self.by_name[part]
  if not wholes then
    wholes = {}
    self.by_name[part] = wholes
  end
  local share = wholes[whole]
  if not share then
    share = { part = part, whole = whole, n = 0, of = 0, advice = advice }
    wholes[whole], self.shares[#self.shares + 1] = share, share
  end
  share.of = share.of + 1
  if not is_part then return end
  share.n = share.n + 1
  share.example = share.example or example and text.cut(text.printable(example):gsub("%s+", " "), EXAMPLE)
end

-- ---- what is said ----

local function words(name)
  return (name:gsub("^unparsed_", "unparsed: "):gsub("_", " "))
end

--- A count and what is counted.
local function counted(n, name)
  return ("%d %s"):format(n, n == 1 and words(name):gsub("(%l)s$", "%1") or words(name))
end

local function count_text(name, found)
  local parts = {}
  for i, kind in ipairs(found.n > 0 and found.names or {}) do
    parts[i] = ("%d %s"):format(found.parts[kind], words(kind))
  end
  return ("%s%s"):format(counted(found.n, name), #parts > 0 and " (" .. table.concat(parts, ", ") .. ")" or "")
end

--- Adds an advice, unless it was given: what is unreadable is short of a result too, and one thing helps against both.
local function add_advice(lines, advice, given)
  if not advice or given[advice] then return end
  given[advice] = true
  lines[#lines + 1] = "  " .. advice
end

--- A share as a sentence, and what may help.
local function share_lines(share, given)
  local lines = { ("%s: %d of %d %s (%d%%)"):format(share.part, share.n, share.of, share.whole,
    math.floor(100 * share.n / share.of + 0.5)) }
  if share.example then lines[#lines + 1] = "  the first, " .. share.example end
  add_advice(lines, share.advice, given)
  return lines
end

local function is_large(share)
  return share.n > LIMIT * share.of
end

--- What a run without anything to show says of it.
local function nothing_lines(self, rows, given)
  local wanted = {}
  for i, need in ipairs(self.needs) do wanted[i] = need.what end
  local lines = { ("nothing to show: no %s after %s"):format(table.concat(wanted, " and no "),
    text.count(rows, "row")) }
  for _, need in ipairs(self.needs) do
    local advice = type(need.advice) == "function" and need.advice() or need.advice
    add_advice(lines, advice, given)
  end
  return lines
end

--- Looks at what there is after some rows; tells once, early, what should not wait for the end.
---@param rows integer done so far
---@package
function Outcome:look(rows)
  if rows < outcome.EARLY or self.looked == rows then return end
  self.looked = rows
  local given = {}
  if rows == outcome.EARLY and self:is_nothing() then
    self.tell(table.concat(nothing_lines(self, rows, given), "\n"))
  end
  for _, share in ipairs(self.shares) do
    if not share.told and share.of >= outcome.EARLY and is_large(share) then
      share.told = true
      self.tell(table.concat(share_lines(share, given), "\n"))
    end
  end
end

--- Short facts for a line of progress.
---@return string[]
---@package
function Outcome:brief()
  local list = {}
  for _, name in ipairs(self.names) do
    local found = self.counts[name]
    local unparsed = found.parts.unparsed or 0
    list[#list + 1] = ("%s%s"):format(counted(found.n, name),
      unparsed > 0 and (", %d unparsed"):format(unparsed) or "")
  end
  return list
end

--- Lines for the summary: the counts, then what is wrong with them.
---@param rows integer done in all
---@return string[] counts
---@return string[] warnings
---@package
function Outcome:lines(rows)
  local said, warnings, given = {}, {}, {}
  for i, name in ipairs(self.names) do said[i] = count_text(name, self.counts[name]) end
  if rows > 0 and self:is_nothing() then warnings = nothing_lines(self, rows, given) end
  for _, share in ipairs(self.shares) do
    if is_large(share) then
      local lines = share_lines(share, given)
      table.move(lines, 1, #lines, #warnings + 1, warnings)
    end
  end
  return said, warnings
end

--- The counts and facts as JSON has them; nil when there are none.
---@return table?
---@package
function Outcome:as_json()
  local names, values = {}, {}
  for _, name in ipairs(self.names) do
    local found = self.counts[name]
    names[#names + 1], values[name] = name, found.n
    if #found.names > 0 then
      local inner = { n = found.n }
      for _, kind in ipairs(found.names) do inner[kind] = found.parts[kind] end
      values[name] = json.object(inner, { "n", table.unpack(found.names) })
    end
  end
  for _, name in ipairs(self.facts) do names[#names + 1], values[name] = name, self.facts[name] end
  return #names > 0 and json.object(values, names) or nil
end

return outcome
