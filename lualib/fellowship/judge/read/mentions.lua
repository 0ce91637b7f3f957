-- "The former" and "the latter": the names that they stand for are those of the nearest sentence before them which names
-- both, in the order in which they stand there; or of the sentences before them, where one is named first and the other
-- last. Where nobody is named they are the first and the second of both.

local label = require "fellowship.judge.read.label"
local tokens = require "fellowship.judge.read.tokens"

local mentions = {}

-- So much before them is looked at, and so often.
local FAR, MOST = 600, 50

local NAMES = { a = "Assistant A", b = "Assistant B" }

--- The names of a piece of text in the order of their first mention, if there are both; and the first and the last.
local function order_of(text, from, to)
  local t, first, second, last = tokens.of(text, from, to), nil, nil, nil
  for i = 1, t.n do
    local side = label.side(t, i) or t.capital[i] and (i == 1 or tokens.is(t, i - 1, "C") or tokens.is(t, i - 1, "R"))
      and t.letter[i] or nil
    if side == "a" or side == "b" then
      if first and first ~= side then second = side end
      first, last = first or side, side
    end
  end
  return first, second, last
end

--- Those of the nearest sentence, backwards from a place.
local function before(text, at)
  local from, stop = math.max(1, at - FAR), at - 1
  local starts = { from }
  for place in text:sub(from, stop):gmatch "[.!?\n]%s+()" do starts[#starts + 1] = from + place - 1 end
  local earliest, latest
  for i = #starts, 1, -1 do
    local first, second, last = order_of(text, starts[i], (starts[i + 1] or stop + 1) - 1)
    if second then return first, second end
    earliest, latest = first or earliest, latest or last
  end
  if not earliest then
    if from == 1 then return "a", "b" end
  elseif earliest ~= latest then
    return earliest, latest
  end
end

local ORDINALS = { ["1st"] = "first", ["2nd"] = "second" }

--- "The 2nd response" in words.
local function in_words(text)
  return (text:gsub("%f[%w]([12][sn][td])( %a+)", function(ordinal, noun)
    local word = ORDINALS[ordinal]
    local t = word and tokens.of(noun)
    if t and (tokens.is(t, 1, "N") or t.text[1] == "one") then return word .. noun end
  end))
end

--- A text with the names in the place of "the former" and "the latter", and with ordinals in words.
---@param text string folded
---@return string
function mentions.resolve(text)
  if text:find "[12][sn][td] %a" then text = in_words(text) end
  if text:find "[:=][ *]*[FfLl][oa][rt][mt]er%f[%A]" then
    text = text:gsub("([:=][ *]*)([FfLl][oa][rt][mt]er)%f[%A]", "%1the %2") -- "Answer: latter"
  end
  if not text:find "ormer%f[%A]" and not text:find "atter%f[%A]" then return text end
  local parts, from, count = {}, 1, 0
  for start, word, stop in text:gmatch "()[Tt]he ([FfLl]%a+)()" do
    word = word:lower()
    if (word == "former" or word == "latter") and count < MOST then
      count = count + 1
      local first, second = before(text, start)
      if first then
        parts[#parts + 1] = text:sub(from, start - 1)
        parts[#parts + 1] = NAMES[word == "former" and first or second]
        from = stop
        local behind = text:match("^ %a+()", from)
        local noun = behind and tokens.of(text, from, behind - 1)
        if noun and tokens.is(noun, 1, "N") then from = behind end -- "the former response"
      end
    end
  end
  parts[#parts + 1] = text:sub(from)
  return table.concat(parts)
end

return mentions
