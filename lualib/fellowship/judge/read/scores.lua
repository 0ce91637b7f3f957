-- Statements of scores in a sentence: "Score Assistant A: 8/10", "I give B a 6", "A: 8, B: 6", "8/10 for A".

local fold = require "fellowship.judge.read.fold"
local label = require "fellowship.judge.read.label"
local number = require "fellowship.judge.read.number"
local tokens = require "fellowship.judge.read.tokens"
local words = require "fellowship.judge.read.words"

local scores = {}

-- How much a statement counts.
scores.OVERALL, scores.SCORE, scores.EMBEDDED, scores.BARE, scores.CRITERION = 4, 3, 2, 1, 0

---@class fellowship.Statement
---@field side "a"|"b"|nil whose score it is, where the label says so
---@field value number|false false where it is no score of the scale
---@field tier integer how much it counts
---@field at integer where the number stands
---@field digits string
---@field stop integer where its last token begins
---@field score boolean? its label has a word for scores
---@field leads boolean? one of two numbers that the text begins with, alone in their line
---@field level boolean? words behind a colon follow it, as in a rubric: "Score 3: fair"

local is = tokens.is

local PARTS = { [","] = true, [";"] = true, ["("] = true, ["["] = true, [":"] = true, ["|"] = true, ["&"] = true,
  ["."] = true, ["!"] = true,
  ["?"] = true, ["="] = true, ["-"] = true, ["/"] = true, [">"] = true, ["<"] = true, ['"'] = true, ["'"] = true }

local CONDITION = { ["if"] = true, unless = true, had = true, assuming = true, were = true, wenn = true, si = true,
  se = true, als = true,
  gdyby = true, ["如果"] = true, ["若"] = true }

--- What stands behind a score, up to what parts it from the next: notes it in the statement and gives the place.
local function tail(t, i, l, found)
  while i <= t.n do
    local text, what = t.text[i], t.what[i]
    if what == "word" or what == "digits" then
      local side = label.side(t, i, l.own)
      if side and side ~= "c" then
        if found.side or #l.sides > 0 then return i end
        found.side = side
      elseif t.letter[i] or what == "digits" then
        if not t.letter[i] then found.unknown = true end
        if t.letter[i] == "c" then found.unknown = true end
      elseif is(t, i, "Y") or is(t, i, "C") or is(t, i, "K") or is(t, i, "R") then
        return i
      elseif is(t, i, "N") then
        local next = label.side(t, i + 1, l.own)
        if next and (found.side or #l.sides > 0) then return i end
      elseif is(t, i, "O") then found.overall = true
      elseif is(t, i, "H") then found.hypothetical = true
      elseif not (is(t, i, "F") or is(t, i, "A") or is(t, i, "U") or is(t, i, "S") or is(t, i, "Q") or is(t, i,
        "P")) then
        found.unknown = true
      end
    elseif PARTS[what] and not (what == "(" and label.side(t, number.open(t, i + 1) + (is(t, number.open(t, i + 1),
      "N") and 1 or 0))
        and not found.side and #l.sides == 0) and not (text == "'" and t.text[i + 1] == "s") then
      return i
    end
    i = i + 1
  end
  return i
end

--- Whether what follows a statement makes it one of a tale: "8/10, had it cited sources".
local function is_conditional(t, i)
  while i <= t.n and t.what[i] ~= "word" do i = i + 1 end
  return CONDITION[t.text[i]] or false
end

--- Whether what follows a statement puts it in doubt: "8/10 - not", "8/10, it claims".
local function is_doubted(t, i)
  if t.what[i] == "?" then return true end
  while i <= t.n and (t.what[i] ~= "word" and t.what[i] ~= "digits"
    or t.kinds[i]:find "[FRK]" and not t.kinds[i]:find "X" and not words.SAYS[t.text[i]]) do i = i + 1 end
  local text, last = t.text[i], t.what[i + 1] ~= "word" and t.what[i + 1] ~= "digits"
  if words.DENIALS[text] or is(t, i, "X") then return last or t.text[i + 1] == "really" or is(t, i + 1, "O") end
  return words.SAYS[text] and (last or t.what[i - 1] == "," and (is(t, i + 1, "F") or is(t, i + 1, "N"))) or false
end

-- "8 is a good number": a sentence about a number, unless it says that this is the score.
local VERBS = { is = true, was = true, are = true, were = true, means = true }

local function is_subject(t, i)
  if not VERBS[t.text[i]] then return false end
  for j = i + 1, t.n do
    if is(t, j, "S") or is(t, j, "O") then return false end
  end
  return true
end

--- Whether a number is a part of a name: "Version 2.0".
local function is_named(t, i, l, found)
  if found.out or l.own or l.score then return false end
  return is(t, i - 1, "N") or t.what[i - 1] == "," and l.noun and not l.colon -- "its final answer, 8, is right"
end

local function tier_of(l, found, embedded)
  if l.topic and not l.score and not l.overall then return scores.CRITERION end
  if not label.is_clear(l) or found.unknown then return scores.CRITERION end
  if l.overall or found.overall then return l.trails and scores.EMBEDDED or scores.OVERALL end
  if l.score then return embedded and scores.EMBEDDED or scores.SCORE end
  return scores.BARE
end

-- "Respectively": scores in the order of the names.
local APART = {}
for word in fold.text("respectively respectivamente respectivement jeweils rispettivamente соответственно 分别 分別 "
  .. "それぞれ 각각"):gmatch "%S+" do APART[fold.word(word)] = true end

local function is_apart(t)
  for i = 1, t.n do
    if APART[t.text[i]] then return true end
  end
  return false
end

--- Two scores in a row without a label each: "Scores: 8, 6", "8 6", "A and B: 8 and 6". The second one's score, and the
--- token behind it.
local function second_of_pair(t, i, scale)
  i = number.close(t, i)
  while t.what[i] == "," or t.what[i] == ";" or t.what[i] == "&" or t.what[i] == "." and t.text[i - 1] == "vs"
    or t.what[i] == "word" and (is(t, i, "C") or t.text[i] == "vs" or t.text[i] == "versus"
      or t.text[i] == "final" and t.what[i - 1] == ",") do
    i = i + 1
  end
  i = number.open(t, i)
  local second = number.score(t, i, scale)
  if not second then return nil end
  local stop = number.close(t, second.stop)
  while APART[t.text[stop]] or t.what[stop] == "," or t.what[stop] == "." do stop = stop + 1 end
  if stop <= t.n then return nil end
  return second, stop
end

local function add(list, given, l, side, tier, embedded)
  list[#list + 1] = { side = side, value = not l.wrong_scale and given.value, tier = tier, at = given.at,
    digits = given.digits,
    stop = given.last, score = l.score or l.overall, out = given.out, reports = l.reports, embedded = embedded }
  return list[#list]
end

--- A pair, where the label says both or none and two scores follow.
local function read_pair(list, t, l, first, scale, embedded, leads)
  local apart = is_apart(t)
  if not label.is_clear(l) or l.both or l.inherited or l.words > 0 and not (l.colon or l.score or l.overall
    or #l.sides == 2 and apart) then return nil end
  local second, stop = second_of_pair(t, first.stop, scale)
  if not second or first.mark == "," and not first.out then return nil end
  if not (first.out or l.score or l.overall or leads) and second.value == scale and t.what[first.stop] ~= "," then
    return nil
  end
  local tier = l.overall and scores.OVERALL or l.score and (embedded and scores.EMBEDDED or scores.SCORE) or scores.BARE
  local order = #l.sides == 2 and l.sides or { "a", "b" }
  add(list, first, l, order[1], tier, embedded).leads = leads and l.words == 0
  add(list, second, l, order[2], tier, embedded).leads = leads and l.words == 0
  return stop
end

local function add_found(list, l, found, embedded, options)
  local tier = tier_of(l, found, embedded)
  if l.both and #l.sides == 0 and options.sides then
    add(list, found, l, "a", tier, embedded)
    add(list, found, l, "b", tier, embedded)
  elseif not found.value and not found.out and (l.inherited or not (l.score or l.overall)) then
    return -- a number of something else
  elseif #l.sides < 2 and (l.score or l.overall or found.out or l.unknown == 0) then
    local st = add(list, found, l, l.sides[1] or found.side, tier, embedded)
    st.unnamed = l.words == 0 and not l.score and not l.overall -- a number and nothing else
  end
end

--- Whether a number is a part of a name or a formula: x2, gpt-4, f(3).
local function is_part(t, i)
  if not t.tight[i] then return false end
  local before = i - 1
  if t.what[before] == "(" and t.tight[before] then before = before - 1 end
  return t.joined[i] or t.what[before] == "word" and t.text[before]:find "^%a" ~= nil or t.what[before] == "digits"
    or t.what[before] == "-" and t.tight[before] and t.what[before - 1] == "word"
end

--- Whether there are but numbers and signs of arithmetic from one token to another: "(9 + 7) / 2 =".
local function is_sum(t, from, to)
  for i = from, to do
    if t.what[i] ~= "digits" and not t.what[i]:find "^[-+*/().=]$" then return false end
  end
  return true
end

--- Whether a number without a label of its own is another reading of the one before, and no detail.
local function is_again(l, t, i, found)
  local again = l.words == 0 or l.alternative and l.words == 1 or l.revised or l.denied and t.what[i - 1] == ","
  return again and not (t.what[i - 1] == "=" and t.what[number.close(t, found.stop)] == "%") -- "8/10 = 80%"
end

--- What a number behind "=" is: "same" where it says again what "8/10" in front of it does, "sum" where it is what numbers
--- in front of it amount to, which are none then; nil where it contradicts them.
local function behind_equals(list, t, i, so, found, scale)
  local began, sum = so[1], so[2]
  local scored = sum and sum.known == #list - 1 and list[#list]
  scored = scored and scored.out and scored.value or nil
  if scored and found.value and found.value * scale == scored then return "same" end
  for k = began + 1, #list do list[k].value = false end
  if scored or not sum or not is_sum(t, sum.from, i - 1) then return nil end
  for k = #list, sum.known + 1, -1 do list[k] = nil end
  return "sum"
end

--- Whether a number is a level of a rubric: "Score 3: fair", "5 points - excellent", "Score 9-10: perfect".
local function is_level(t, i, found)
  if t.what[i - 1] == ":" or t.what[i - 1] == "=" then return false end
  local at = number.close(t, found.stop)
  if not found.value and t.what[at] == "-" and t.what[at + 1] == "digits" then at = number.close(t, at + 2) end
  return (t.what[at] == ":" or t.what[at] == "-" or t.what[at] == "=") and t.what[number.close(t, at + 1)] == "word"
end

--- Reads one sentence. What is left of a label at its end, without a score, is given back: a heading may be that.
---@param list fellowship.Statement[] gets the statements
---@param t fellowship.Tokens
---@param scale integer
---@param options { label: fellowship.Label?, embedded: boolean?, pairs: boolean?, leads: boolean?, sides: boolean } what the label begins with; whether other sentences stand before it in its line; whether two numbers may stand for both sides; whether it begins the text
---@return fellowship.Label rest
---@return integer count of numbers
---@return fellowship.Label first the label before the first of them
function scores.read(list, t, scale, options)
  local l, embedded, count = options.label or label.new(), options.embedded or false, 0
  local sum
  local began, i, tale, before, last, first = #list, 1, false, list[#list], nil, nil
  while i <= t.n do
    local side = label.side(t, i, l.own)
    local found = not side and not is_part(t, i) and not number.scale(t, i, scale) and number.score(t, i, scale)
    if found then
      local stop = options.pairs and not tale and count == 0 and #l.sides ~= 1
        and read_pair(list, t, l, found, scale, embedded, options.leads)
      if stop then return label.new(), count + 2, l end
      local level = is_level(t, i, found)
      if found.followed or is_doubted(t, number.close(t, found.stop)) then found.value = false end
      first = first or l
      local known, behind = #list, tail(t, number.close(t, found.stop), l, found)
      if l.inherited and #l.sides == 0 and not found.side then
        -- a further number without a label of its own: another reading of the one before, or a detail
        local again = is_again(l, t, i, found)
        local said = again and t.what[i - 1] == "=" and behind_equals(list, t, i, { began, sum }, found, scale)
        if said == "sum" then l, last, before = label.copy(sum.label), nil, list[#list] end
        again = again and not said
        local alone = found.out or behind <= number.close(t, found.stop) + 1 and not found.unknown
        if again and alone and last then last.value = false end
        if l.inherited then l.unknown = l.unknown + 1 end
      else
        sum = { from = i, known = #list, label = label.copy(l) }
      end
      found.unknown = found.unknown or is_subject(t, number.close(t, found.stop)) or is_named(t, i, l, found)
      if not (l.hypothetical or l.denied or found.hypothetical or tale or is_conditional(t, behind)) then
        add_found(list, l, found, embedded, options)
        if level and list[#list] ~= before then list[#list].level = true end
        last = list[#list] ~= before and list[#list] or nil
        before = last or before
      end
      count = count + 1
      local part = t.what[i - 1] == "(" or t.what[found.stop] == ":" -- "Accuracy (40%): ...", "Turn 1: ..."
      local unknown = #list == known and part and l.unknown or 0
      l, i = label.new(l), math.max(behind, found.stop)
      l.unknown = unknown
    else
      if (t.what[i] == "," or t.what[i] == ";") and (l.unknown > 0 or l.hypothetical) then
        tale = tale or l.hypothetical
        local topic = l.words <= 3 or l.about
        local next = label.new()
        next.unknown, next.reports, next.own, next.trails = topic and l.unknown or 0, l.reports, l.own, true
        l, embedded = next, true
      end
      i = label.take(l, t, i, scale)
    end
  end
  return l, count, first or l
end

return scores
