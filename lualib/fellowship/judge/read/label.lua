-- What stands before a score: whose it is, whether it is a score, the overall one or one of a criterion. A label is
-- taken up token by token.

local fold = require "fellowship.judge.read.fold"
local number = require "fellowship.judge.read.number"
local tokens = require "fellowship.judge.read.tokens"

local label = {}

---@class fellowship.Label
---@field sides string[] in order, each once
---@field score boolean a word for scores
---@field overall boolean a word for the whole
---@field neutral boolean a word like "verdict", which says nothing of a criterion
---@field noun boolean a word for what is judged
---@field both boolean "both"
---@field unknown integer words that are not known: a criterion, or a sentence
---@field words integer
---@field hypothetical boolean "would", "if"
---@field denied boolean "not"
---@field reports boolean "says"
---@field first boolean it begins with whom it is about
---@field gives boolean somebody gives something
---@field wrong_scale boolean it names another scale than the one that is wanted
---@field colon boolean
---@field topic boolean the sentence begins with what it is about: "Clarity: ..."
---@field about boolean? a word in front of what it is about: "in terms of", "regarding"
---@field revised boolean? a word that takes back what stands before it

--- An empty label; `from` is one whose score words hold on: "Score A: 8, B: 6".
---@param from? fellowship.Label
---@return fellowship.Label
function label.new(from)
  return { sides = {}, score = from and from.score or false, overall = from and from.overall or false,
    neutral = false, noun = false, both = false,
    unknown = 0, words = 0, hypothetical = false, denied = false, reports = false, first = false, gives = false,
    topic = from and from.topic or false, wrong_scale = from and from.wrong_scale or false, colon = false,
    own = from and from.own or false, inherited = from ~= nil }
end

--- The same label once more, to go on with.
---@param l fellowship.Label
---@return fellowship.Label
function label.copy(l)
  local new = {}
  for key, value in pairs(l) do new[key] = value end
  new.sides = table.move(l.sides, 1, #l.sides, 1, {})
  return new
end

local is = tokens.is

local function add_side(l, side)
  if l.unknown == 0 and not l.score and not l.overall and #l.sides == 0 then l.first = true end
  for _, known in ipairs(l.sides) do
    if known == side then return end
  end
  l.sides[#l.sides + 1] = side
end

local ENDS_LABEL = { [":"] = true, ["="] = true, ["("] = true, [")"] = true, ["]"] = true, ["'"] = true,
  ["|"] = true, ["*"] = true,
  ["-"] = true, ["/"] = true, [","] = true, [">"] = true, ["<"] = true, ["."] = true, ["&"] = true, [";"] = true,
    ["`"] = true, ['"'] = true }

--- The token after emphasis.
local function bare(t, i)
  while t.what[i] == "*" or t.what[i] == "`" do i = i + 1 end
  return i
end

local HAS = { has = true, have = true }

--- Whether the letter at a token names somebody, and is no article. What could be one if it were an A is no name, so that
--- both letters are read alike.
local function is_name(t, i, noun_before, gives)
  local next = bare(t, i + 1)
  if t.joined[i] or t.joined[i + 1] then return true end
  local what, last = t.what[next], i == t.n
  local unknown = t.kinds[next] == "" or t.kinds[next] == "k" and not HAS[t.text[next]]
  local article = what == "word" and (unknown and not t.letter[next]
      or is(t, next, "N")
      or is(t, next, "O") or is(t, next, "Q") and not (is(t, next, "S") and t.what[next + 1] == "digits")
      or is(t, next, "j") and is(t, next + 1, "N")
      or is(t, next, "B") or is(t, next, "L") or is(t, next, "T")
      or is(t, next, "S") and not ENDS_LABEL[t.what[bare(t, next + 1)]] and t.what[next + 1] ~= "digits"
        and next ~= t.n)
  if noun_before then
    if t.capital[i] then return not article or not gives end
    return not article and not (gives and what == "digits")
  end
  if t.capital[i] then return not article end
  local before = t.what[i - 1]
  if before == "(" or before == "[" then return what == ")" or what == "]" end
  local marked = before == nil or is(t, i - 1, "S") or t.text[i - 1] == "for" or t.text[i - 1] == "of" or before == ","
    or before == ";" or before == "-" or before == "*" or is(t, i - 1, "C")
  return marked and (last or what == ":" or what == "=")
end

--- Whether a digit names somebody: "Assistant 1", "Score 2:".
local function is_numbered(t, i, noun_before)
  if t.joined[i] and (is(t, i - 1, "S") or noun_before) then return true end -- score_1
  if t.what[i + 1] == "/" or t.what[i + 1] == "." and t.what[i + 2] == "digits" then return false end
  if noun_before then return true end
  local behind = bare(t, i + 1)
  if t.what[behind] ~= ":" and t.what[behind] ~= "=" then return false end
  local value = number.open(t, behind + 1)
  local before = t.text[i - 1]
  return (i == 1 or is(t, i - 1, "S") or before == "for" or before == "of" or before == "," or before == ";")
    and (t.what[value] == "digits" and not (value == behind + 1 and t.tight[value]) or i > 1 and (value > t.n
      or is(t, value, "O")))
end

--- The noun just before a token, signs between them apart.
local function after_noun(t, i)
  local j = i - 1
  while t.what[j] == "(" or t.what[j] == "[" or t.what[j] == "#" or t.what[j] == "*" or t.what[j] == '"'
    or t.what[j] == "'"
    or t.what[j] == "`" or t.what[j] == "-" and t.tight[j] or t.what[j] == "." do j = j - 1 end
  return t.what[j] == "word" and is(t, j, "N")
end

--- Whose a word or digit at a token is; nil when it names nobody.
---@param t fellowship.Tokens
---@param i integer
---@param gives? boolean
---@return "a"|"b"|"c"|nil side
function label.side(t, i, gives)
  local letter, what = t.letter[i], t.what[i]
  if letter then return is_name(t, i, after_noun(t, i), gives) and letter or nil end
  if what == "digits" then
    local text = t.text[i]
    return (text == "1" or text == "2") and is_numbered(t, i, after_noun(t, i)) and (text == "1" and "a" or "b") or nil
  end
  if what ~= "word" then return nil end
  local kinds = t.kinds[i]
  local side = kinds:find "[12]" and (kinds:find("1", 1, true) and "a" or "b") or nil
  if not side then return nil end
  local next, noun = bare(t, i + 1), after_noun(t, i)
  local begins = i <= 2 or t.what[i - 1] == "," or t.what[i - 1] == ";"
  if noun or is(t, next, "N") or t.what[next] == ":" and begins then return side end
  return nil
end

-- "I would give": said by somebody who does.
local MODAL = { would = true, d = true, wurde = true, donnerais = true, daria = true, darei = true, zou = true }
local SPEAKERS = { i = true, we = true, ich = true, je = true, yo = true, io = true, eu = true, ik = true, ja = true }

--- Whether "would" at a token only says politely what is meant.
---@param t fellowship.Tokens
---@param i integer
---@return boolean
function label.is_polite(t, i)
  local before = t.what[i - 1] == "'" and i - 2 or i - 1
  return MODAL[t.text[i]] and SPEAKERS[t.text[before]] or false
end

-- Words in front of what a score is about, and "according to" somebody.
local ABOUT = { terms = true, regarding = true, concerning = true, respect = true, aspect = true, criterion = true,
  dimension = true, category = true, hinsicht = true, bezuglich = true }

local function is_about(t, i)
  if t.text[i] ~= "according" then return ABOUT[t.text[i]] end
  for j = i + 1, i + 3 do
    if is(t, j, "N") then return true end
  end
  return false
end

local function add_word(l, t, i)
  local kinds = t.kinds[i]
  l.about = l.about or is_about(t, i)
  if t.text[i] == "then" then l.revised = true end
  l.words = l.words + 1
  if kinds == "" then
    l.unknown = l.unknown + 1
    return
  elseif kinds == "F" then
    l.gives = l.gives or l.own or false
    return
  end
  local has = function(kind) return kinds:find(kind, 1, true) ~= nil end
  if has "S" or has "O" then
    l.score, l.overall, l.inherited = l.score or has "S", l.overall or has "O", false
    l.noun = l.noun or has "N"
  elseif has "N" then l.noun = true
    l.neutral = l.neutral or has "W"
    l.reports = l.reports or has "I"
  elseif has "G" then
    l.revised = true
    if t.text[i] == "thought" or is(t, i + 1, "N") then l.unknown = l.unknown + 1 end -- "the revised response" is none
  elseif has "H" and not label.is_polite(t, i) then l.hypothetical = true
  elseif has "X" then l.denied = true
  elseif has "Q" or has "W" then l.neutral = true
  elseif has "E" then l.both = true
  elseif has "K" and l.words == 1 then return
  elseif has "P" then l.own = true
  elseif has "I" then l.reports, l.unknown = true, l.unknown + 1
  elseif has "R" then l.alternative, l.unknown = true, l.unknown + 1
  elseif not (has "F" or has "A" or has "C" or has "H" or has "U") then l.unknown = l.unknown + 1 end
  if has "P" then l.own = true end
end

--- Takes up the token at a place, which begins no score; gives the next place.
---@param l fellowship.Label
---@param t fellowship.Tokens
---@param i integer
---@param scale integer
---@return integer
function label.take(l, t, i, scale)
  local side = label.side(t, i, l.own)
  local stop, same
  if not side then stop, same = number.scale(t, i, scale) end
  if stop then
    l.wrong_scale = l.wrong_scale or not same
    return stop
  end
  if side == "c" then l.unknown = l.unknown + 1
  elseif side then add_side(l, side)
  elseif t.letter[i] then l.unknown = l.unknown + (t.letter[i] == "c" and 1 or 0) -- an article, or nobody
  elseif t.what[i] == "word" then add_word(l, t, i)
  elseif t.what[i] == "digits" or t.what[i] == "fraction" then l.unknown = l.unknown + 1
  elseif t.what[i] == ":" then
    l.colon = true
    local praise = l.words == 1 and is(t, i - 1, "j") and not is(t, i - 1, "O") -- "Good: 3"
    if praise then l.unknown = l.unknown + 1 end
    if l.unknown > 0 and not l.score and not l.overall and #l.sides == 0 then l.topic = true end
  elseif t.what[i] == ">" and (t.what[i - 1] == "=" or t.what[i - 1] == "-") then l.revised = true end
  if side then l.words = l.words + 1 end
  return i + 1
end

--- Takes up a text, such as a field's name.
---@param l fellowship.Label
---@param text string
---@param scale integer
function label.take_text(l, text, scale)
  local t, i = tokens.of(fold.text(text)), 1
  while i <= t.n do i = label.take(l, t, i, scale) end
end

--- Whether all of it is known: nothing in it says that the score is one of a criterion or of a tale.
---@param l fellowship.Label
---@return boolean
function label.is_clear(l)
  return l.unknown == 0 and not l.hypothetical and not l.denied
end

return label
