-- Double brackets, "[[A]]": what they hold is a judge's last word, unless the words around them say otherwise: it is
-- somebody else's, a criterion's, an instance of the form, or in doubt.

local choice = require "fellowship.judge.read.choice"
local label = require "fellowship.judge.read.label"
local signs_of = require("fellowship.judge.read.signs").of
local tokens = require "fellowship.judge.read.tokens"

local boxes = {}

local is = tokens.is

-- So much is looked at before and behind.
local LONG, SHORT = 400, 60

--- What the words of a clause say of what is in double brackets behind it.
local function clause_of(t, from, to)
  local c = { words = 0, unknown = 0, verdict = false, reports = false, denied = false, own = false, led = false }
  for i = from, to do
    if t.what[i] == "word" then
      c.words = c.words + 1
      if is(t, i, "P") then c.own = true end
      if is(t, i, "I") and not c.own then c.reports = true end
      if is(t, i, "X") or is(t, i, "H") and not label.is_polite(t, i) then c.denied = true end
      if t.kinds[i] == "" and not t.letter[i] then c.unknown = c.unknown + 1
      elseif t.letter[i] or t.kinds[i]:find "[WMBVTYL]" then c.verdict = true end
      if is(t, i, "W") and c.unknown > 0 and not c.own then c.led = true end -- "Initial verdict", "Accuracy winner"
    end
  end
  c.other = t.text[to] == "than" or is(t, to, "R") or t.text[to] == "of" and t.text[to - 1] == "instead"
  return c
end

--- Whether words before double brackets say that what is in them is somebody else's, or not so, or of a criterion.
local function is_doubtful(text, from, to)
  local t = tokens.of(text, math.max(from, to - LONG), to)
  local n = t.text[t.n] == "final" and t.n - 1 or t.n -- which source.clean adds
  local begins, c = 1, nil
  for i = 1, n + 1 do
    if i > n or t.what[i] == "," or t.what[i] == ";" then
      local last = clause_of(t, begins, i - 1)
      if last.words > 0 or not c then
        if c and c.reports and is(t, begins - 2, "I") then last.reports = true end -- "it says, [[A]]"
        c, begins = last, i + 1
      end
    end
  end
  return c.reports or c.denied or c.led or c.other or c.unknown > 0 and not c.verdict
end

--- Whether words behind double brackets put them in doubt: "[[A]] if A is better", "[[A]] on style".
local function is_conditional(text, from, to)
  local t = tokens.of(text, from, math.min(to, from + SHORT))
  local first = t.what[1]
  if first == "?" or first == "/" or first == "|" or first == "&" or first == "=" then return true end
  if is(t, 1, "R") then return true end -- "[[A]] or [[B]]"
  if first == '"' then return is_conditional(text, t.at[1] + 1, to) end
  if first == "word" and not t.letter[1] and text:find("^%u", t.at[1]) then return false end -- another sentence
  for i = 1, t.n do
    if t.what[i] ~= "word" or is(t, i, "Y") or is(t, i, "K") then return false end
    if t.letter[i] or t.kinds[i] == "" or is(t, i, "I") or is(t, i, "H") or is(t, i, "L") or is(t, i, "X") then
      return true
    end
  end
  return false
end

--- What double brackets in a sentence hold: nil where there are none that decide, false where they differ.
---@param text string
---@param from integer
---@param to integer
---@return "a"|"b"|"tie"|false|nil
---@return boolean doubtful there are some, but none that counts
function boxes.value(text, from, to)
  local found, at, doubtful = nil, from, false
  while true do
    local start, stop, inner = text:find("%[%[([^%[%]\n]*)%]%]", at)
    if not start or start > to then return found, doubtful and found == nil end
    local value = choice.of((signs_of(tokens.of(inner))), true)
    if value and (is_doubtful(text, at, start - 1) or is_conditional(text, stop + 1, to)) then
      value, doubtful = nil, true
    end
    if found ~= nil and value ~= nil and value ~= found then return false, false end
    if value ~= nil then found = value end
    at = stop + 1
  end
end

return boxes
