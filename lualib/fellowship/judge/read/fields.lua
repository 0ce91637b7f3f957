-- Scores in objects: each field with the names above it. Methods of the reader of statements.

local fold = require "fellowship.judge.read.fold"
local label = require "fellowship.judge.read.label"
local scores = require "fellowship.judge.read.scores"
local tokens = require "fellowship.judge.read.tokens"

---@class fellowship.ScoreReader
local fields = {}

-- Fields that say whom an object is about.
local NAMES = { assistant = true, model = true, name = true, id = true, response = true, candidate = true,
  answer = true, label = true, assistant_id = true }

-- In the place of a value that is given twice and differs: no score of any scale.
local MANY = "1000000"

local MOST_NAMES = { max = true, maximum = true, max_score = true, maximum_score = true, out_of = true, scale = true,
  max_rating = true, total_possible = true, possible = true }

--- Whether an object says that its scores are of another scale: { "score": 4, "max_score": 5 }, "scale": "1-5".
local function is_of_other_scale(object, scale)
  for i, name in ipairs(object.names) do
    local held = MOST_NAMES[name:lower()] and object.values[i]
    local most = type(held) == "string" and #held < 30
      and tonumber(held:match "^(%d+%.?%d*)%D*$" or held:match "%D(%d+)%D*$")
    if most and most ~= scale then return true end
  end
  return false
end

--- The side that an object says it is about: { "assistant": "A", "score": 8 }.
local function side_of_object(object)
  for i, name in ipairs(object.names) do
    local held = object.values[i]
    if NAMES[name:lower()] and type(held) == "string" and #held < 30 then
      local l = label.new()
      label.take_text(l, "assistant " .. held, 0)
      if #l.sides == 1 and label.is_clear(l) then return l.sides[1] end
    end
  end
end

--- A field's value; `own` is what its name alone says.
function fields:value(l, own, held, open)
  if type(held) ~= "string" or #held > 60 or not (l.score or l.overall or #l.sides > 0) then return end
  if own.neutral and (held:find "%a" or not own.score and not own.overall and #own.sides == 0) then return end -- prose
  local known = #self.list
  scores.read(self.list, tokens.of(fold.text(held)), self.scale, { label = l, sides = self.sides })
  if own.revised and known > 0 then self.round = self.round + 1 end
  for i = known + 1, #self.list do
    local st = self.list[i]
    st.named, st.round = st.side ~= nil, self.round
    st.at = nil
    if open and st.value and st.value * 10 <= self.scale then st.value = false end
    if self.sides and st.tier == scores.SCORE then st.tier = scores.OVERALL end
  end
end

function fields:values(l, list)
  if self.sides and #l.sides == 0 and #list == 2 and type(list[1]) == "string" and type(list[2]) == "string"
    and l.score then
    for i, side in ipairs { "a", "b" } do
      local own = label.copy(l)
      own.sides = { side }
      self:value(own, label.new(), list[i])
    end
    return
  end
  for _, held in ipairs(list) do
    if type(held) == "table" then self:object(held, l) end
  end
end

function fields:object(object, above)
  if object.list then return self:values(above, object.list) end
  local side = side_of_object(object)
  if is_of_other_scale(object, self.scale) then above.wrong_scale = true end
  local seen = {}
  for i, name in ipairs(object.names) do
    local held, l, own = object.values[i], label.copy(above), label.new()
    label.take_text(l, name, self.scale)
    label.take_text(own, name, self.scale)
    if side and #l.sides == 0 then l.sides = { side } end
    local known = seen[name] and seen[name] ~= held
    seen[name] = held
    if type(held) == "table" then self:object(held, l)
    else self:value(l, own, known and MANY or held, object.open == name) end
  end
end

return fields
