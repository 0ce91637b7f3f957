-- Numbers as scores are written: "8", "8.5", "8,5", "7½", "8/10", "8 out of 10", "8 (of 10)", "ten out of ten", "8 points".
-- What follows a number is looked at before it is taken: a range, another denominator, "%", a sign or a unit make it none.

local fold = require "fellowship.judge.read.fold"
local tokens = require "fellowship.judge.read.tokens"
local words = require "fellowship.judge.read.words"

local number = {}

-- Words between a score and what it is out of.
local OUT_OF = { of = true, out = true, von = true, sur = true, de = true, su = true, z = true, na = true,
  uit = true, av = true,
  af = true, sobre = true, fra = true, from = true, a = true, possible = true, maximum = true, max = true,
    maximal = true,
  total = true, van = true, w = true, ["из"] = true, ["من"] = true, ["满分"] = true, ["分之"] = true, op = true, the = true,
    uber = true, over = true }
for word in pairs(OUT_OF) do OUT_OF[fold.word(fold.text(word))] = true end

-- "a possible", "a maximum of": never alone.
local WEAK = { a = true, the = true, possible = true, maximum = true, max = true, maximal = true, total = true }

-- Words between the ends of a range.
local TO = { to = true, bis = true, through = true, ["à"] = true, hasta = true, al = true, tot = true,
  ["до"] = true, ["至"] = true, ["到"] = true,
  ["から"] = true, ["에서"] = true, til = true, ["do"] = true, ate = true }
for word in pairs(TO) do TO[fold.word(fold.text(word))] = true end

---@class fellowship.Score
---@field value number|false false when it is no score of the scale
---@field stop integer the token behind it
---@field at integer where its first digit stands in the text
---@field digits string its first run of digits
---@field out boolean it says what it is out of
---@field last integer where its last token begins in the text
---@field followed boolean another number follows, joined by "and"

--- A plain number: digits with a decimal part or a fraction, or a word. Its value and the token behind it.
local function plain(t, i)
  local what = t.what[i]
  if what ~= "digits" and what ~= "word" and what ~= "fraction" then return nil end
  if what == "fraction" then return fold.FRACTIONS[t.text[i]], i + 1 end
  if t.what[i] == "word" then
    local n = words.number(t.text[i])
    return n, n and i + 1
  end
  if t.what[i] ~= "digits" or #t.text[i] > 6 then return nil end
  local value, stop = tonumber(t.text[i]), i + 1
  if (t.what[stop] == "." or t.what[stop] == ",") and t.tight[stop] and t.what[stop + 1] == "digits"
    and t.tight[stop + 1]
    and #t.text[stop + 1] <= 6 then
    if t.what[stop] == "," and #t.text[stop + 1] == 3 then return math.huge, stop + 2 end -- "1,000"
    return tonumber(t.text[i] .. "." .. t.text[stop + 1]), stop + 2, t.what[stop]
  end
  if t.what[stop] == "fraction" then return value + fold.FRACTIONS[t.text[stop]], stop + 1 end
  if t.what[stop] == "digits" and t.text[stop] == "1" and t.what[stop + 1] == "/" and t.text[stop + 2] == "2"
    and t.what[stop + 3] ~= "digits" then
    return value + 0.5, stop + 3 -- "7 1/2"
  end
  return value, stop
end

--- Skips opening brackets, emphasis and the like.
local function open(t, i)
  while t.what[i] == "(" or t.what[i] == "[" or t.what[i] == "{" or t.what[i] == "*" or t.what[i] == "`"
    or t.what[i] == "$"
    or t.what[i] == "\\" or t.what[i] == '"' or t.what[i] == "'" do i = i + 1 end
  return i
end

local CLOSING = { [")"] = true, ["]"] = true, ["}"] = true, ["*"] = true, ["`"] = true, ["$"] = true, ["\\"] = true,
  ['"'] = true,
  ["'"] = true }

local function close(t, i)
  while CLOSING[t.what[i]] do i = i + 1 end
  return i
end

number.open, number.close = open, close

-- "10点満点", "10점 만점": words behind what a score is out of.
local FULL = {}
for word in fold.text "満点 点満点 満点中 만점 점만점 满分 分满分":gmatch "%S+" do FULL[word] = true end

--- The greater end of a range, "1-10" or "1 to 10", or a number alone; and the token behind it.
local function most_of(t, i)
  local value, stop = plain(t, i)
  local to = stop
  while t.what[to] == "-" or t.what[to] == "." or t.what[to] == "~" or TO[t.text[to]] do to = to + 1 end
  if value and to > stop then
    local most, behind = plain(t, to)
    if most then return most, behind end
  end
  return value, stop
end

-- "on a scale of 1 to 10", "(scale: 1-10)".
local SCALE = { on = true, a = true, the = true, scale = true, of = true, from = true, auf = true, einer = true,
  skala = true, von = true, [":"] = true }

local function behind_scale(t, i)
  local j, named = i, false
  while SCALE[t.text[j]] do
    named = named or t.text[j] == "scale" or t.text[j] == "skala"
    j = j + 1
  end
  return named and j or nil
end

--- What a number is out of: the value and the token behind it; nil when nothing is said.
local function out_of(t, i)
  local j = open(t, close(t, i))
  if t.what[j] == "#" then j = j + 1 end -- a comment
  local scale = behind_scale(t, j)
  if scale then
    local most, stop = most_of(t, open(t, scale))
    if most then return most, close(t, stop) end
  end
  local full, last = plain(t, j)
  if full and tokens.is(t, last, "U") and not FULL[t.text[last]] then last = last + 1 end
  if full and FULL[t.text[last]] then return full, close(t, last + 1) end
  if t.what[j] == "/" then
    local value, stop = plain(t, open(t, j + 1))
    return value or 0, stop or j + 1
  end
  local from = j
  while t.what[j] == "word" and OUT_OF[t.text[j]] do j = j + 1 end
  if j == from then return nil end
  local strong = false
  for k = from, j - 1 do strong = strong or not WEAK[t.text[k]] end
  local value, stop = plain(t, open(t, j))
  if value and strong then return value, close(t, t.text[stop] == "possible" and stop + 1 or stop) end
  return nil
end

--- Whether what follows makes a number none: "8%", "8-9", "8/10/10", "8th", "8:30", "8 or 9".
local function spoiled(t, i, out)
  local what, tight = t.what[i], t.tight[i]
  if what == "+" and t.what[i + 1] == "digits" or what == "=" and t.what[i + 1] == "digits" and not out then
    return true
  end
  if what == "%" or what == "^" or what == "+" and tight or what == "/" or what == "~" or what == "#" then
    return true
  end
  if what == "word" then
    if TO[t.text[i]] or tokens.is(t, i, "R") then return plain(t, i + 1) ~= nil end
    if t.text[i] == "percent" or t.text[i] == "per" or t.text[i] == "prozent"
      or t.text[i] == "pourcent" then return true end
    return tight and not tokens.is(t, i, "U") and t.text[i]:find "^%a" ~= nil
  end
  if (what == "." or what == "," or what == ":" or what == "'") and tight and t.what[i + 1] == "digits"
    and t.tight[i + 1] then
    return true
  end
  if what == "-" or what == "=" and t.what[i + 1] == ">" then
    local next = open(t, t.what[i + 1] == ">" and i + 2 or i + 1)
    return plain(t, next) ~= nil and (t.what[next] ~= "word" or t.what[i - 1] == "word") -- "7 - one off"
  end
  return false
end

-- Words before a bound, which is no value.
local BOUNDS = { below = true, above = true, under = true, over = true, exceeding = true, least = true, most = true,
  than = true, unter = true, uber = true, mindestens = true, hochstens = true }

--- Whether a sign stands before a number: "-3", "+2". A dash with a space behind it parts a heading from its number.
local function signed(t, i)
  local what = t.what[i - 1]
  if BOUNDS[t.text[i - 1]] then return true end
  local arrow = t.what[i - 2] == "=" or t.what[i - 2] == "-"
  if what == "<" or what == ">" and not arrow or what == "%" then return true end
  return what ~= nil and what:find "^[-+#?^.,]$" ~= nil and t.tight[i]
end

--- The score that begins at a token; nil when no number stands there.
---@param t fellowship.Tokens
---@param i integer
---@param scale integer
---@return fellowship.Score?
function number.score(t, i, scale)
  local value, stop, mark = plain(t, i)
  if not value then
    if t.what[i] ~= "digits" then return nil end
    value, stop = math.huge, i + 1 -- too many digits
  end
  local before = t.what[i - 1]
  if t.what[i] == "word" and before and before ~= ":" and before ~= "=" and not out_of(t, stop) then return nil end
  local found = { value = value, at = t.at[i], digits = t.text[i], out = false, mark = mark }
  local divisor, behind = out_of(t, stop)
  local unit = close(t, stop)
  if divisor then
    found.out, stop = true, behind
    if divisor ~= scale then found.value = false end
  elseif tokens.is(t, unit, "U") and not tokens.is(t, unit, "F") and not t.joined[unit + 1] then
    stop = unit + 1
    divisor, behind = out_of(t, stop)
    if divisor then
      found.out, stop = true, behind
      if divisor ~= scale then found.value = false end
    end
  end
  if tokens.is(t, stop, "U") and not t.joined[stop + 1] then stop = stop + 1 end
  if spoiled(t, stop, found.out) or spoiled(t, close(t, stop), found.out) or signed(t, i) then found.value = false end
  if found.value and (found.value < 0 or found.value > scale) then found.value = false end
  found.value = found.value and (math.tointeger(found.value) or found.value) -- 8.0 is 8
  local next = close(t, stop)
  found.followed = tokens.is(t, next, "C") and plain(t, open(t, next + 1)) ~= nil -- "8 and 6"
  found.stop, found.last = stop, t.at[stop - 1]
  return found
end

--- A legend in brackets, "(1 = bad, 10 = good)": the token behind it, and its greatest number.
local function legend(t, i)
  local before, behind = t.what[i - 1], t.what[i + 1]
  if t.what[i] ~= "digits" or before ~= "(" and before ~= "[" or behind ~= "=" and behind ~= ":" then return nil end
  local most = 0
  for j = i, t.n do
    if t.what[j] == "digits" then most = math.max(most, tonumber(t.text[j])) end
    if t.what[j] == ")" or t.what[j] == "]" then return j, most end
  end
end

--- "Of full 10 points, 8", as "10点満点中8点" and "10점 만점에 8점" say it: the token behind the scale, where a number follows.
local function full_before(t, i)
  local most, stop = plain(t, i)
  if not most then return nil end
  if tokens.is(t, stop, "U") and not FULL[t.text[stop]] then stop = stop + 1 end
  if not FULL[t.text[stop]] then return nil end
  if t.text[stop + 1] == "中" then stop = stop + 1 end
  for j = stop + 1, math.min(t.n, stop + 4) do
    if t.what[j] == "digits" then return stop + 1, most end
    if t.what[j] ~= "word" and t.what[j] ~= "," then return nil end
  end
end

--- Whether a scale stands at a token, as "1-10", "0 to 10", "/10", "out of 10" or "max. 10": the token behind it, and
--- whether it is the scale that is wanted.
---@param t fellowship.Tokens
---@param i integer
---@param scale integer
---@return integer? stop
---@return boolean? same
function number.scale(t, i, scale)
  local what = t.what[i]
  if what == "word" then
    local given, opened = t.text[i], t.what[i - 1]
    if given ~= "out" and given ~= "max" and given ~= "maximum" and given ~= "scale" and given ~= "满分" and opened ~= "("
      and opened ~= "[" then return nil end
  elseif what ~= "digits" and what ~= "/" then
    return nil
  end
  local stands, greatest = legend(t, i)
  if not stands then stands, greatest = full_before(t, i) end
  if stands then return stands, greatest == scale end
  local value, stop = plain(t, i)
  local point = t.what[stop] == "-" and stop + 1 or stop
  if value and tokens.is(t, point, "U") and t.text[point + 1] == "scale" then return point + 2, value == scale end
  if value == 0 or value == 1 then
    local to = t.what[stop]
    if to == "-" or to == "~" or t.what[stop] == "word" and TO[t.text[stop]] or to == "."
      and t.what[stop + 1] == "." then
      while t.what[stop] == "." or t.what[stop] == "-" or t.what[stop] == "~" or TO[t.text[stop]] do stop = stop + 1 end
      local most, behind = plain(t, stop)
      if most and most >= 3 and t.what[behind] ~= "/" then return behind, most == scale end
    end
    return nil
  end
  if value then return nil end
  local text, before, j = t.text[i], t.what[i - 1], i
  if text == "max" or text == "maximum" or text == "scale" or text == "满分" then
    repeat j = j + 1 until t.what[j] ~= "." and t.what[j] ~= ":" and t.text[j] ~= "of" and t.text[j] ~= "from"
      and not tokens.is(t, j, "S")
    local range, same = number.scale(t, j, scale)
    if range then return range, same end
    local most, behind = plain(t, j)
    if most then return behind, most == scale end
  elseif t.what[i] == "/" or text == "out" or before == "(" or before == "[" then
    local most, behind = out_of(t, i)
    if most and most > 0 and t.what[behind] ~= "/" then return behind, most == scale end
  end
  return nil
end

return number
