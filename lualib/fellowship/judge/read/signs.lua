-- The words of a sentence as signs, one for each: what is said of which of two, by whom, and what takes it back. The
-- forms that decide are few, and matched in signs (fellowship.judge.read.choice).

local label = require "fellowship.judge.read.label"
local tokens = require "fellowship.judge.read.tokens"
local fold = require "fellowship.judge.read.fold"
local words = require "fellowship.judge.read.words"

local signs = {}

local is = tokens.is

-- Signs: a b c are names, w "winner" and other headings of an answer, + better, - worse, e equal, m both, n neither,
-- & and, | or, u but, ! not, v wins, l loses, p prefer, t than, s therefore, y because, d "compared to", r what takes back, j good or bad,
-- h what might be or was, i what somebody says, q although, x wrong, z the Chinese than, g the plus of "A++"; > < = stand
-- for themselves, a comma for all that parts clauses, ? for what is not known. Words that say nothing have no sign.
local ORDER = { { "V", "v" }, { "Z", "l" }, { "T", "e" }, { "W", "w" }, { "B", "+" }, { "L", "-" }, { "E", "m" },
  { "J", "n" }, { "M", "p" }, { "X", "!" }, { "K", "u" }, { "R", "|" }, { "D", "t" }, { "Y", "y" }, { "C", "&" } }

local function set_of(list)
  local set = {}
  for word in fold.text(list):gmatch "%S+" do set[fold.word(word)] = true end
  return set
end

local THEREFORE = set_of [[so thus therefore hence daher also somit folglich donc ainsi asi entonces portanto quindi
  perciò assim dus więc zatem поэтому итак 因此 所以 故 综上所述 综上 总之 よって したがって 따라서 그러므로 summary sum]]

local CONDITIONS = set_of [[if unless had assuming assume suppose supposing imagine pretend wenn falls si se gdyby если
  如果 若 假如 もし 만약]]

-- Words that grant something before the point that is made: "Although A is fuller, B is better".
local GRANTS = set_of [[although though while whereas obwohl wahrend aunque sebbene embora hoewel chociaz хотя 虽然 尽管]]

local SIGNS = { [","] = ",", [";"] = ",", ["("] = ",", [":"] = ":", [">"] = ">", ["<"] = "<", ["="] = "=",
  ["~"] = "=", ["/"] = "|", ["|"] = "|", ["&"] = "&", ["."] = ".", ["!"] = ".", ["?"] = "?", ["#"] = "?", ["%"] = "?",
  ["^"] = "?", ["+"] = "?", ["@"] = "?", ["\\"] = "" }

--- Whether the capital letter at a token is an article, or would be one if it were an A: "A better response was given by B".
local function is_article(t, i)
  local next, after = i + 1, i + 2
  if t.what[i - 1] == "/" or t.what[i - 1] == "&" or is(t, i - 1, "C") or is(t, i - 1, "N") then return false end
  if t.what[next] ~= "word" or t.letter[next] or t.text[next]:byte() >= 128 then return false end
  if is(t, next, "B") or is(t, next, "L") then return t.what[after] == "word" and not is(t, after, "D")
    and not t.letter[after] end
  if t.text[next] == "has" then return false end
  return t.kinds[next] == "" or t.kinds[next] == "k" or is(t, next, "N") or is(t, next, "W") or is(t, next, "Q")
    or is(t, next, "T") or is(t, next, "O")
end

--- The token behind brackets and emphasis.
local function behind_marks(t, i)
  while t.what[i] == "(" or t.what[i] == "[" or t.what[i] == '"' or t.what[i] == "*"
    or t.what[i] == "#" do i = i + 1 end
  return i
end

-- Words that take back what was said when they begin it: "A. Wait, B"; within a clause they say nothing.
local ADVERBS = set_of "make actually wait hmm sorry oops moment eigentlich halt realidad realta"

--- Whether a word that takes back begins its clause, or "no" stands before it.
local function begins_clause(t, i)
  return t.what[i - 1] ~= "word" or is(t, i - 1, "X") or is(t, i - 1, "K") or is(t, i - 1, "G")
    or is(t, i - 1, "F") and t.what[i - 2] ~= "word"
end

local LESS = set_of "less least weniger moins menos meno minder mniej менее"

local BAD = set_of "bad weak poor mediocre low worse inferior mal kotu buruk"

-- "More" where "more good" is "better": before the word, or behind it.
local MORE_BEFORE, MORE_BEHIND = set_of "daha lebih", set_of "hon"

-- "By a hair": how much, and nothing of what.
local MARGINS = set_of "hair margin whisker mile nose landslide inch"

local WINNERS = set_of [[winner victor preferred gewinner sieger gagnant vainqueur ganador vincitore vencedor winnaar
  zwyciezca победитель]]

-- "A outperformed B", but "A was outperformed by B".
local PASSIVE = set_of "is was are were be been being get gets got"
local PARTICIPLES = set_of "beaten outperformed surpassed bested defeated outclassed"

-- "A close call", "a tough one": what says only that it was hard to tell.
local HARD = set_of "close tight tough hard difficult near tricky"
local DECISIONS = set_of "call race contest one match"

local QUITE = set_of "quite nearly remotely"

--- Whether a word stands in "not as good as": the "not" itself, or the praise.
local function is_not_as(t, i)
  if is(t, i, "j") then
    if t.text[i - 1] ~= "as" or t.text[i + 1] ~= "as" then return false end
    local j = i - 2
    while j > 0 and (t.what[j] ~= "word" or is(t, j, "A") or is(t, j, "F") or QUITE[t.text[j]]) do j = j - 1 end
    return is(t, j, "X") or t.text[j] == "near"
  end
  local j = i + 1
  while j <= i + 5 and (t.what[j] ~= "word" or QUITE[t.text[j]] or is(t, j, "F")
      or is(t, j, "A") and not is(t, j, "j")) do
    j = j + 1
  end
  return is(t, j, "j") and is_not_as(t, j)
end

--- Whether a word stands in "no clear preference", with nothing behind it that says for whom.
local function is_without_preference(t, i)
  if is(t, i, "X") then
    repeat i = i + 1 until not is(t, i, "A")
    return t.text[i] == "preference" and t.what[i + 1] ~= "word"
  end
  if t.text[i] ~= "preference" or t.what[i + 1] == "word" then return false end
  repeat i = i - 1 until not is(t, i, "A")
  return is(t, i, "X")
end

local COMPARING = set_of "comparing compared"

-- "In every way": a verdict of the whole.
local EVERY = set_of "every all most"
local WAYS = set_of "way ways respect respects regard regards count counts aspect aspects"

local EDGES = set_of "edge advantage nod"

--- Whether words that say nothing lead to "edge".
local function leads_to_edge(t, i)
  while is(t, i, "F") or is(t, i, "A") or t.letter[i] == "a" and not t.capital[i] do i = i + 1 end
  return EDGES[t.text[i]] or false
end

--- What a word says with those around it; nil where it has no more to say than by itself.
local function phrase_sign(t, i)
  local text, before, behind = t.text[i], t.text[i - 1], t.text[i + 1]
  if HARD[text] and DECISIONS[behind] or DECISIONS[text] and HARD[before] then return "" end
  if (text == "have" or text == "has") and leads_to_edge(t, i + 1) then return "" end
  if text == "instead" and behind == "of" then return "u" end
  if text == "of" and before == "instead" then return "t" end
  if COMPARING[text] then return "d" end
  if text == "far" and behind == "from" then return "!" end
  if EVERY[before] and WAYS[text] or EVERY[text] and WAYS[behind] then return "" end
  if (text == "have" or text == "has") and (behind == "to" or is(t, i + 1, "X")) then return "" end
  if text == "nowhere" and behind == "near" or text == "near" and before == "nowhere" then return "" end
  if text == "close" and before == "too" and behind == "to" and t.text[i + 2] == "call" then return "e" end
  if text == "too" and behind == "close" then return "" end
  if text == "call" and before == "to" and t.text[i - 2] == "close" then return "" end
  if MARGINS[text] and (t.text[i - 2] == "by" or t.text[i - 3] == "by") or text == "hands" and behind == "down"
    or text == "down" and before == "hands" then return "" end
  if is(t, i, "j") and (MORE_BEFORE[before] or MORE_BEHIND[behind]) then return BAD[text] and "-" or "+" end
  if text == "pick" and (before == "rather" or before == "i" or before == "to") then return "p" end
  if text == "par" and (before == "on" or before == "at") then return "e" end
  if is_without_preference(t, i) then return text == "preference" and "e" or "" end
  if text == "conclusion" and before == "in" then return "s" end
  if QUITE[text] and is_not_as(t, i) then return "" end
  if is(t, i, "X") and is_not_as(t, i) then return "" end
  if is(t, i, "j") and is_not_as(t, i) then return BAD[text] and "?" or "-" end
  if t.kinds[i] == "k" then return "?" end
  return nil
end

local function behind_adverbs(t, i)
  while is(t, i, "A") do i = i + 1 end
  return i
end

--- Whether words that say nothing lead back to a name.
local function follows_side(t, i)
  local j = i - 1
  while j > 0 and t.what[j] == "word" and not t.letter[j] and (is(t, j, "F") or is(t, j, "A") or is(t, j, "O")) do
    j = j - 1
  end
  return j < i - 1 and j > 0 and label.side(t, j) ~= nil
end

local function word_sign(t, i)
  local text, kinds = t.text[i], t.kinds[i]
  local phrase = phrase_sign(t, i)
  if phrase then return phrase end
  if text == "grade" and t.letter[i + 1] then return "?" end -- "grade A" is a quality
  if is(t, i, "G") then return (not ADVERBS[text] or begins_clause(t, i)) and "r" or "" end
  if text == "比" then return "z" end
  if text == "没有" then return "?" end -- "A没有B好" says that B is better, "A, not B" the contrary
  if THEREFORE[text] then return "s" end
  if kinds == "" then return words.DENIALS[text] and "x" or "?" end
  if CONDITIONS[text] or text == "provided" and t.text[i + 1] == "that" then return "H" end
  if is(t, i, "H") then return label.is_polite(t, i) and "" or "h" end
  if GRANTS[text] then return "q" end
  if words.SAYS[text] then
    local own = is(t, i - 1, "P") or is(t, i - 2, "P") or is(t, i - 3, "P") and t.what[i - 2] == "'"
    return own and "" or "i"
  end
  if is(t, i, "N") and (label.side(t, behind_marks(t, i + 1)) or t.text[i - 1] == "s" and t.what[i - 2] == "'") then
    return "" -- "Answer A", "A's answer"
  end
  if LESS[text] and (is(t, i + 1, "B") or is(t, i + 1, "j")) then return "" end
  if LESS[t.text[i - 1]] and (is(t, i, "B") or is(t, i, "j")) then return BAD[text] and "?" or "-" end -- "less good"
  if is(t, i, "X") and t.text[behind_adverbs(t, i + 1)] ~= "preferred"
    and WINNERS[t.text[behind_adverbs(t, i + 1)]] then return "e" end -- "no clear winner"
  if PARTICIPLES[text] then return (t.text[i + 1] == "by" or PASSIVE[t.text[i - 1]]) and "l" or "v" end
  if text == "given" and (t.text[i + 1] == "by" or PASSIVE[t.text[i - 1]]) then return "" end
  if WINNERS[text] and follows_side(t, i) then return "+" end -- "B is the winner"
  if text == "over" and t.letter[i - 1] then return ">" end -- "I prefer A over B"
  for _, pair in ipairs(ORDER) do
    if kinds:find(pair[1], 1, true) then
      if pair[1] == "W" and is(t, i, "N") and i > 1 and t.what[i + 1] == "word" and not is(t, i + 1,
        "F") then return "" end
      return pair[2]
    end
  end
  if kinds:find("j", 1, true) then return "j" end
  if kinds:find "[NFAPQOf]" then return "" end
  return "?"
end

--- Whether a small letter is all that a sentence says, or all that it says behind a colon.
local function is_alone(t, i)
  for j = i + 1, t.n do
    if t.what[j] == "word" or t.what[j] == "digits" then return false end
  end
  for j = i - 1, 1, -1 do
    if t.what[j] == ":" or t.what[j] == "=" then return true end
    if t.what[j] == "word" or t.what[j] == "digits" then return false end
  end
  return true
end

local NUMERALS = { one = true, two = true }

--- Whether "first" or "second" names somebody: "the first", "Answer: second", "the second is better".
local function is_ordinal(t, i)
  local before, next = t.what[i - 1], i + 1
  local counted = NUMERALS[t.text[next]] ~= nil
  if counted then next = next + 1 end
  if before and before ~= ":" and before ~= "=" and not is(t, i - 1, "F") then return false end
  if t.what[next] == "word" then
    return (is(t, next, "F") or is(t, next, "V") or is(t, next, "Z"))
      and (is(t, i - 1, "F") or not before and counted)
  end
  return t.what[next] ~= "digits"
end

local function sign_of(t, i)
  local what = t.what[i]
  if t.letter[i] == "c" then
    if i > 1 and is(t, i - 1, "N") and not is(t, i - 1, "W") then return "?" end
    return (t.capital[i] or t.n <= 3) and "c" or "?"
  end
  if t.letter[i] then
    if t.capital[i] and is_article(t, i) then return "" end
    if t.capital[i] then return t.letter[i] end
    return label.side(t, i) or is_alone(t, i) and t.letter[i]
      or t.letter[i] == "a" and t.n > 1 and "" or "?"
  end
  local side = label.side(t, i)
  if side then return side end
  if t.text[i] == "first" and t.text[i - 1] == "at" then return "h" end
  if t.text[i] == "second" and (t.text[i + 1] == "thought" or t.text[i + 1] == "thoughts") then return "r" end
  if what == "word" and (is(t, i, "1") or is(t, i, "2")) then
    if NUMERALS[t.text[i]] then return "" end -- "the better one"
    return is_ordinal(t, i) and (is(t, i, "1") and "a" or "b") or "?"
  end
  if what == "word" then return word_sign(t, i) end
  if what == "digits" then return t.text[i] == "1" and "1" or t.text[i] == "2" and "2" or "?" end
  if what == ")" then return ")" end
  if what == "#" and (t.text[i + 1] == "1" or t.text[i + 1] == "2") and t.tight[i + 1] then return "" end
  if what == "-" then
    if t.tight[i] and t.tight[i + 1] and i < t.n and t.what[i + 1] ~= ">" then
      return is(t, i - 1, "N") and label.side(t, i + 1) and "" or "?"
    end
    return t.what[i + 1] == ">" and "" or ","
  end
  if what == "." and t.text[i - 1] == "vs" then return "" end
  if what == ">" and (t.what[i - 1] == "=" or t.what[i - 1] == "-") and t.tight[i] then return ":" end
  if what == "=" and t.what[i + 1] == ">" then return "" end
  if what == "!" and t.tight[i + 1] and (t.letter[i + 1] or t.what[i + 1] == "=") then return "?" end
  if what == "+" and t.tight[i] and (t.letter[i - 1] or t.what[i - 1] == "+") then return "g" end
  return SIGNS[what] or ""
end

--- The signs of a sentence, whether a word says that this is the whole, and whether one says that somebody reports.
---@param t fellowship.Tokens
---@return string signs
---@return integer|false overall behind how many signs such a word stands last
---@return boolean reports
function signs.of(t)
  local list, overall, reports, opened = {}, false, false, 0
  for i = 1, t.n do
    local sign = sign_of(t, i)
    local inner = t.what[i] == "(" and t.what[i + 2] == ")" and i + 1 or t.what[i] == ")" and t.what[i - 2] == "("
      and i - 1
    if inner and (t.letter[inner] or t.what[inner] == "digits") then sign = "" end -- "Output (a)"
    if t.what[i] == "-" and sign == "," and not table.concat(list):find "[^w+s]" then sign = ":" end
    if t.what[i] == "(" then opened = opened + 1 end
    if sign == ")" then
      sign = opened > 0 and "," or ")"
      opened = math.max(opened - 1, 0)
    end
    list[#list + 1] = sign
    if t.what[i] == "word" and is(t, i, "O") then overall = #table.concat(list) end
    reports = reports or t.what[i] == "word" and is(t, i, "I")
  end
  if t.stop then list[#list + 1] = "?" end
  return table.concat(list), overall, reports
end

return signs
