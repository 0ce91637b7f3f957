-- Which of the statements in a text are its verdict. The last complete one of those that are marked as final counts;
-- others count when they agree; criteria never do.

local scores = require "fellowship.judge.read.scores"

local decide = {}

local MISSING, RANGE, DIFFER, CRITERIA, UNFINISHED, QUOTED = "missing", "range", "differ", "criteria", "unfinished",
  "quoted"

--- Why a verdict could not be read: in a word each, as results.json counts them, and in a sentence about what is missing.
decide.KINDS = {
  [MISSING] = "no %s was found", [QUOTED] = "no %s was found", [RANGE] = "the %s is not within 0 to %d",
  [DIFFER] = "there are several that differ for the %s", [CRITERIA] = "there are scores of criteria, but no %s",
  [UNFINISHED] = "the answer ends before the %s", long = "the answer is too long to tell the %s",
}

local SIDES = { "a", "b" }

local function of_side(list, side, tier)
  local found = {}
  for _, st in ipairs(list) do
    if st.side == side and st.tier >= tier then found[#found + 1] = st end
  end
  return found
end

--- Statements of a side without a word for scores, and what might be criteria: scores of the scale.
local function with_criteria(list, side)
  local found = {}
  for _, st in ipairs(list) do
    if st.side == side and (st.tier >= scores.BARE or st.tier == scores.CRITERION and st.value) then
      found[#found + 1] = st
    end
  end
  return found
end

--- The one statement of several that agree; nil and why where they do not.
local function agreed(list)
  for i = 2, #list do
    if list[i].value ~= list[1].value then return nil, DIFFER end
  end
  if list[1].value == false then return nil, RANGE end
  return list[#list]
end

--- Final statements in rounds: a round has each side once.
local function rounds_of(list)
  local rounds = {}
  for _, st in ipairs(list) do
    local round = rounds[#rounds]
    if not round or round[st.side] then
      round = {}
      rounds[#rounds + 1] = round
    end
    round[st.side] = st
  end
  return rounds
end

local function differs(x, y)
  return x.a.value ~= y.a.value or x.b.value ~= y.b.value
end

local function other_topic(x, y)
  return x.topic and y.topic and x.topic ~= y.topic
end

--- The last statement of each side, where the rounds are no different criteria's. A round with one side alone corrects
--- that side.
local function last_round(list)
  local rounds, last = rounds_of(list), nil
  for _, round in ipairs(rounds) do
    if round.a and round.b then
      if last and differs(last, round) and (other_topic(last.a, round.a) or other_topic(last.b, round.b)) then
        return nil, DIFFER, "a"
      end
      last = round
    end
  end
  last = { partial = last ~= rounds[#rounds] }
  for _, st in ipairs(list) do last[st.side] = st end
  for _, side in ipairs(SIDES) do
    if last[side].value == false then return nil, RANGE, side end
  end
  return last
end

--- What stands of each side's statements: those since they were last taken back and made anew. Nil where nothing was
--- said anew; `sided` where that must be about one of both.
local function standing(list, round, sided)
  local latest, any, anew = {}, #list == 0, false
  for _, st in ipairs(list) do
    if st.tier >= scores.BARE then
      any = true
      if st.round == round and (st.side or not sided) then anew = true end
      latest[st.side or ""] = math.max(latest[st.side or ""] or 0, st.round)
    end
  end
  if round == 0 or not any then return list end
  if not anew then return nil end
  local kept = {}
  for _, st in ipairs(list) do
    if st.round >= (latest[st.side or ""] or round) then kept[#kept + 1] = st end
  end
  return kept
end

--- The statements without the levels of a rubric that a judge repeats: several that differ, and not the last thing said.
local function without_levels(list)
  local first, differ = nil, false
  for _, st in ipairs(list) do
    if st.level then
      differ = differ or first ~= nil and (st.value ~= first.value or not st.value)
      first = first or st
    end
  end
  if not differ then return list end
  local kept = {}
  for _, st in ipairs(list) do
    if not st.level then kept[#kept + 1] = st end
  end
  return kept
end

--- The two numbers that a text begins with, alone in their line; what follows them is told of them.
local function leading(a, b)
  return a[1].leads and b[1].leads
end

--- The statements of both sides that decide.
---@param list fellowship.Statement[]
---@param round integer how often something was taken back
---@return { a: fellowship.Statement, b: fellowship.Statement, partial: boolean? }? partial: one side was stated once more
---@return string? kind why not
---@return "a"|"b"|nil side of whom
function decide.both(list, round)
  list = standing(list, round, true)
  if not list then return nil, DIFFER, "a" end
  local sided = {}
  for _, st in ipairs(list) do
    if st.side then sided[#sided + 1] = st end
  end
  for tier = scores.OVERALL, scores.BARE, -1 do
    local a, b = of_side(sided, "a", tier), of_side(sided, "b", tier)
    if #a > 0 and #b > 0 then
      if tier == scores.OVERALL then
        local final = {}
        for _, st in ipairs(sided) do
          if st.tier == tier then final[#final + 1] = st end
        end
        return last_round(final)
      end
      if tier == scores.BARE and not leading(a, b) then
        a, b = with_criteria(sided, "a"), with_criteria(sided, "b")
      end
      local first, why = agreed(a)
      local second, why_not = agreed(b)
      if not first or not second then return nil, why or why_not, first and "b" or "a" end
      return { a = first, b = second }
    end
  end
  local a, b = of_side(sided, "a", scores.CRITERION), of_side(sided, "b", scores.CRITERION)
  if #a > 0 and #b > 0 then return nil, CRITERIA, "a" end
  return nil, MISSING, #of_side(sided, "a", scores.BARE) > 0 and "b" or "a"
end

--- The statement that decides, whatever follows.
local function last_of(list)
  for tier = scores.OVERALL, scores.BARE, -1 do
    local found = {}
    for _, st in ipairs(list) do
      if st.tier >= (tier == scores.BARE and scores.CRITERION or tier) then found[#found + 1] = st end
    end
    local any = false
    for _, st in ipairs(found) do any = any or st.tier == tier end
    if any and tier == scores.OVERALL then
      local last = found[#found]
      for _, st in ipairs(found) do
        if st.value ~= last.value and st.topic and last.topic and st.topic ~= last.topic then return nil, DIFFER end
      end
      if last.value == false then return nil, RANGE end
      return last
    elseif any then
      return agreed(found)
    end
  end
  return nil, #list > 0 and CRITERIA or MISSING
end

--- The statement of one score that decides.
---@param list fellowship.Statement[]
---@param round integer how often something was taken back
---@return fellowship.Statement?
---@return string? kind why not
function decide.one(list, round)
  list = standing(without_levels(list), round)
  if not list then return nil, DIFFER end
  local found, why = last_of(list)
  local behind = list[#list]
  if found and behind.tier == scores.BARE and behind.value and behind.value ~= found.value then return nil, DIFFER end
  return found, why
end

return decide
