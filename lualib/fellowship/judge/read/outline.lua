-- What the lines above say about a line: under which headings it stands. A heading names whom the scores below are
-- about, or a criterion, or nothing that matters.

local label = require "fellowship.judge.read.label"

local outline = {}

---@class fellowship.Outline
---@field stack { level: integer, label: fellowship.Label, topic: integer|nil, given: table<string, boolean>? }[]
---@field title integer? the criterion that was named last, in a heading of any level, which the headings of scores end
local Outline = {}
Outline.__index = Outline

---@return fellowship.Outline
function outline.new()
  return setmetatable({ stack = {}, topics = 0 }, Outline)
end

--- Ends what stands at a level or deeper.
---@param level integer
function Outline:close(level)
  local stack = self.stack
  while #stack > 0 and stack[#stack].level >= level do stack[#stack] = nil end
end

--- A heading. One that begins with whom it is about is no criterion, whatever else it says.
---@param level integer
---@param l fellowship.Label
function Outline:open(level, l)
  self:close(level)
  local topic
  if not label.is_clear(l) and not l.first then
    self.topics = self.topics + 1
    topic = self.topics
    self.title = topic
  elseif #l.sides == 0 then
    self.title = nil
  end
  self.stack[#self.stack + 1] = { level = level, label = l, topic = topic }
end

--- What a line without a side, or without a word for scores, takes from the headings above it.
---@return "a"|"b"|nil side
---@return integer? topic the criterion that it stands under
---@return boolean overall
---@return boolean score they say that these are scores
function Outline:context()
  local side, topic, overall, score = nil, nil, false, false
  for i = #self.stack, 1, -1 do
    local entry = self.stack[i]
    if not side and #entry.label.sides == 1 then side = entry.label.sides[1] end
    topic = topic or not overall and entry.topic or nil
    local plain = not topic and label.is_clear(entry.label)
    overall = overall or plain and entry.label.overall
    score = score or plain and entry.label.score
  end
  return side, topic, overall, score
end

--- Whether the heading of the whole above still waits for a score, of a side: a number alone is its value but once.
---@param side "a"|"b"|nil
---@return boolean
function Outline:awaits(side)
  for i = #self.stack, 1, -1 do
    local entry = self.stack[i]
    if entry.label.overall then
      entry.given = entry.given or {}
      local awaits = not entry.given[side or ""]
      entry.given[side or ""] = true
      return awaits
    end
  end
  return false
end

return outline
