-- Which of two a sentence decides for: "A", "Assistant B is better than A", "A > B", "a tie", "not A but B". Each word is
-- one sign, and the signs of a clause are matched with the few forms that decide; a clause with a word that is not known
-- decides nothing: it is about something.

local label = require "fellowship.judge.read.label"
local tokens = require "fellowship.judge.read.tokens"
local fold = require "fellowship.judge.read.fold"

local choice = {}

local is = tokens.is

-- Signs: a b c are names, w "winner" and other headings of an answer, + better, - worse, e equal, m both, n neither,
-- & and, | or, u but, ! not, v wins, l loses, p prefer, t than, s therefore, y because, r what takes back, j good or bad,
-- h what might be or was, i what somebody says, q although, x wrong, g the plus of "A++"; > < = stand for themselves, a comma for all that parts clauses, ? for what is not known. Words that say
-- nothing have no sign.
local ORDER = { { "V", "v" }, { "Z", "l" }, { "T", "e" }, { "W", "w" }, { "B", "+" }, { "L", "-" }, { "E", "m" },
  { "J", "n" },
  { "M", "p" }, { "X", "!" }, { "K", "u" }, { "R", "|" }, { "D", "t" }, { "Y", "y" }, { "C", "&" } }

local THEREFORE = {}
for word in fold.text [[so thus therefore hence daher also somit folglich donc ainsi asi entonces portanto quindi perciò assim dus więc zatem поэтому итак
  因此 所以 故 综上所述 综上 总之 よって したがって 따라서 그러므로 summary sum]]:gmatch "%S+" do THEREFORE[fold.word(word)] = true end

local CONDITIONS = {}
for word in fold.text [[if unless had assuming assume suppose supposing imagine pretend
  wenn falls si se gdyby если 如果 若 假如 もし 만약]]:gmatch "%S+" do
  CONDITIONS[fold.word(word)] = true
end

-- Words that grant something before the point that is made: "Although A is fuller, B is better".
local GRANTS = {}
for word in fold.text [[although though while whereas obwohl wahrend aunque sebbene embora hoewel chociaz хотя 虽然
  尽管]]:gmatch "%S+" do GRANTS[fold.word(word)] = true end

-- Words for what somebody else says.
local SAYS = { says = true, say = true, said = true, states = true, stated = true, claims = true, claimed = true,
  asserts = true, declares = true, insists = true, quote = true, quotes = true, quoted = true, according = true }

-- Words that take a verdict back behind it: "A is better - wrong".
local DENIALS = { wrong = true, ["false"] = true, incorrect = true, untrue = true, kidding = true }

local SIGNS = { [","] = ",", [";"] = ",", ["("] = ",", [":"] = ":", [">"] = ">", ["<"] = "<", ["="] = "=",
  ["~"] = "=", ["/"] = "|",
  ["|"] = "|", ["&"] = "&", ["."] = ".", ["!"] = ".", ["?"] = "?", ["#"] = "?", ["%"] = "?", ["^"] = "?",
    ["+"] = "?", ["@"] = "?", ["\\"] = "" }

--- Whether the capital letter at a token is an article, or would be one if it were an A: "A better response was given by B".
local function is_article(t, i)
  local next, after = i + 1, i + 2
  if t.what[i - 1] == "/" or t.what[i - 1] == "&" or is(t, i - 1, "C") or is(t, i - 1, "N") then return false end
  if t.what[next] ~= "word" or t.letter[next] or t.text[next]:byte() >= 128 then return false end
  if is(t, next, "B") or is(t, next, "L") then return t.what[after] == "word" and not is(t, after, "D")
    and not t.letter[after] end
  return t.kinds[next] == "" or is(t, next, "N") or is(t, next, "W") or is(t, next, "Q") or is(t, next, "T")
    or is(t, next, "O")
end

--- The token behind brackets and emphasis.
local function behind_marks(t, i)
  while t.what[i] == "(" or t.what[i] == "[" or t.what[i] == '"' or t.what[i] == "*"
    or t.what[i] == "#" do i = i + 1 end
  return i
end

-- Words that take back what was said when they begin it: "A. Wait, B"; within a clause they say nothing.
local ADVERBS = {}
for word in fold.text "make actually wait hmm sorry oops moment eigentlich halt realidad realta"
  :gmatch "%S+" do ADVERBS[word] = true end

--- Whether a word that takes back begins its clause, or "no" stands before it.
local function begins_clause(t, i)
  return t.what[i - 1] ~= "word" or is(t, i - 1, "X") or is(t, i - 1, "K") or is(t, i - 1, "G")
    or is(t, i - 1, "F") and t.what[i - 2] ~= "word"
end

local function word_sign(t, i)
  local text, kinds = t.text[i], t.kinds[i]
  if text == "grade" and t.letter[i + 1] then return "?" end -- "grade A" is a quality
  if is(t, i, "G") then return (not ADVERBS[text] or begins_clause(t, i)) and "r" or "" end
  if text == "没有" then return "?" end -- "A没有B好" says that B is better, "A, not B" the contrary
  if THEREFORE[text] then return "s" end
  if kinds == "" then return DENIALS[text] and "x" or "?" end
  if CONDITIONS[text] or text == "provided" and t.text[i + 1] == "that" then return "H" end
  if is(t, i, "H") then return label.is_polite(t, i) and "" or "h" end
  if GRANTS[text] then return "q" end
  if SAYS[text] then return (is(t, i - 1, "P") or is(t, i - 2, "P")) and "" or "i" end
  if is(t, i, "N") and (label.side(t, behind_marks(t, i + 1)) or t.text[i - 1] == "s" and t.what[i - 2] == "'") then
    return "" -- "Answer A", "A's answer"
  end
  for _, pair in ipairs(ORDER) do
    if kinds:find(pair[1], 1, true) then
      if pair[1] == "W" and is(t, i, "N") and i > 1 and t.what[i + 1] == "word" and not is(t, i + 1,
        "F") then return "" end
      return pair[2]
    end
  end
  if kinds:find("j", 1, true) then return "j" end
  if kinds:find "[NFAPQO]" then return "" end
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
  if NUMERALS[t.text[next]] then next = next + 1 end
  if before and before ~= ":" and before ~= "=" and not is(t, i - 1, "F") then return false end
  if t.what[next] == "word" then
    return (is(t, next, "F") or is(t, next, "V") or is(t, next, "Z")) and is(t, i - 1, "F")
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
  if what == "-" then
    if t.tight[i] and t.tight[i + 1] and i < t.n and t.what[i + 1] ~= ">" then
      return is(t, i - 1, "N") and label.side(t, i + 1) and "" or "?"
    end
    return t.what[i + 1] == ">" and "" or ","
  end
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
function choice.signs(t)
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

local OTHER = { a = "b", b = "a" }
local NAMED = { a = "a", b = "b", c = "tie", ["1"] = "a", ["2"] = "b" }

--- A pair of names in a form: the first, unless both are the same.
local function first_of(clause, pattern)
  local x, y = clause:match(pattern)
  if not x or y == x then return nil end
  return x
end

-- Forms in which the first name wins, and in which it loses.
local WINS = { "^([ab])%++$", "^([ab])%++t?([ab])$", "^([ab])%++([ab])%-+$", "^([ab])v$", "^([ab])vt?([ab])$",
  "^([ab])v([ab])l$", "^([ab])>+([ab])$", "^%++([ab])$",
  "^%++([ab])t([ab])$", "^p%+?([ab])$", "^p([ab])t([ab])$", "^([ab])p$", "^([ab])pt([ab])$", "^([ab])%+p$",
    "^([ab])ut([ab])$", "^[&u]?([ab])!([ab])$" }
local LOSES = { "^([ab])%-+$", "^([ab])%-+t?([ab])$", "^([ab])%-+([ab])%++$", "^([ab])l$", "^([ab])lt?([ab])$",
  "^([ab])<+([ab])$", "^!([ab])u([ab])$", "^%-+([ab])$" }

--- What a clause decides.
---@param clause string signs
---@return "a"|"b"|"tie"|nil
---@return boolean? bare a name alone
---@param given boolean it is the value of a heading: then 1 and 2 are names
local function decision(clause, given)
  if clause == "!w" or clause == "!+w" then return "tie" end -- no winner
  local praises
  clause = clause:gsub("[ws]", "")
  clause, praises = clause:gsub("j", "")
  if praises > 0 and NAMED[clause] then return nil end -- "A is good"
  if NAMED[clause] then return NAMED[clause], true end
  clause = clause:gsub("^[&ur]+", "")
  if NAMED[clause] then return NAMED[clause], true end
  if given then
    clause = clause:gsub("1", "a"):gsub("2", "b")
    if clause:find "^[ab]g+$" then return clause:sub(1, 1) end
  end
  if clause:find "^[ab][|&][ab]e$" or clause == "ec" or clause:find "^cm?e%+?$" then return "tie" end
  if clause == "" or clause:find "[?12cgrhiqx]" then return nil end
  if clause:find "e" and not clause:find "[^abem&=t]" or clause == "n+" or clause == "n+t" then return "tie" end
  if clause:find "^([ab])=+([ab])$" then return first_of(clause, "^([ab])=+([ab])$") and "tie" end
  for _, pattern in ipairs(WINS) do
    local x = first_of(clause, pattern)
    if x then return x end
  end
  for _, pattern in ipairs(LOSES) do
    local x = first_of(clause, pattern)
    if x then return OTHER[x] end
  end
  return nil
end

--- "1. B, 2. A" in the value of a heading: the first of a ranking.
local function first_of_ranking(signs)
  local x, y = signs:match "^w*1[.,:)]+([ab])[.,]*2[.,:)]+([ab])[.,]*$"
  return x and x ~= y and x or false
end

--- Whether a clause offers several: "A or B", and no "A/B tie".
local function offers(clause)
  return clause:find "|" and clause:find "[abc]" and not clause:find "^w*[ab]|[ab]e$"
end

--- "A) Assistant A is better": a letter of the options, with what it stands for.
local function option_of(clause)
  local letter, rest = clause:match "^w*([abc])%)(.*)$"
  if not letter then return nil end
  local value = rest:gsub("%)", "") ~= "" and decision(rest, true) or NAMED[letter]
  return value == NAMED[letter] and (rest == "" or decision(rest, true)) and letter or nil
end

-- Clauses behind one that decides which put it in doubt: "no", "it claims", and behind a tie a leaning: "slight edge to A".
local function doubts(clause, found)
  return clause:find "^[|&?]*!+%?*$" ~= nil or clause == "x" or clause:find("i", 1, true) ~= nil
    or found == "tie" and clause:find("?", 1, true) ~= nil and clause:find "^[^ab]*[ab][^ab]*$" ~= nil
end

--- What clauses decide, one after the other.
---@class fellowship.Clauses
---@field found "a"|"b"|"tie"|nil
---@field named "a"|"b"|"tie"|nil a name alone that decided nothing
---@field bare boolean what was found is a name alone
---@field n integer
---@field unknown boolean words that are not known stand before

--- Takes up a clause; false where it contradicts those before it.
---@param so fellowship.Clauses
---@param clause string
---@param given boolean
---@param single boolean it is the only one
local function take(so, clause, given, single)
  if offers(clause) or clause:find "H" then return false end
  local option, granted = option_of(clause), so.n == 0 and clause:match "^[&s]*q(.*)$"
  local value, alone = decision(option or granted or clause:gsub("q", "u"), given)
  so.n = so.n + 1
  if not value then
    so.unknown = so.unknown or clause:find "[?hix]" ~= nil
    return not (so.found and doubts(clause, so.found)) and not clause:find "^[abc]%)"
  end
  if so.found and so.found ~= value or so.named and so.named ~= value then return false end
  if granted or alone and not (given and not so.unknown or single or clause:find("s", 1, true)) then
    so.named = value
  else
    so.found, so.bare = value, so.n == 1 and alone or false
  end
  return true
end

--- What the clauses of a sentence decide together: nil when none does, false when they contradict each other.
---@param signs string
---@param given boolean it is the value of a heading, so that a name alone decides
---@return "a"|"b"|"tie"|false|nil
---@return boolean? bare nothing but a name
function choice.of(signs, given)
  signs = signs:match "^(.*[abcemn].-)y" or signs -- reasons decide nothing
  if given and signs:find "^w*1[.,:)]+[abc]" then return first_of_ranking(signs) end
  if not given and signs:find "^[^:]*[?!ih][^:]*:" or signs:find "^[&su]*h+," then return nil end -- "It says: ..."
  local headed = signs:find "[abc]:"
  signs = signs:gsub("w*%-+w*[:=]([ab])", "%1-"):gsub("s[,:]", "s"):gsub("[.:]", ",")
  if signs:find "[abcm].*r" then return false end -- "A, no wait, B"
  local so = { n = 0, bare = false, unknown = false }
  local single = not signs:find "[^,],+[^,]" and not headed
  for clause in signs:gmatch "[^,]+" do
    if not take(so, clause, given, single) then return false end
  end
  return so.found, so.bare and so.n == 1
end

--- Whether a sentence begins by taking back what was said: "Wait, ...", "No, ...", "On reflection: ...".
---@param signs string
---@return boolean
function choice.takes_back(signs)
  return signs:find "^[&us,p]*!?r" ~= nil or signs:find "^[&us,]*!," ~= nil or signs:find "^|" ~= nil
    or signs:find "^[&us,]*!+%.*$" ~= nil
end

--- A heading in front of a colon, or of "is": whether it is one of an answer, and what follows it.
---@param signs string
---@param overall integer|false behind how many signs a word like "final" stands
---@return string? rest nil where there is none
---@return boolean? criterion it has words that are not known
function choice.heading(signs, overall)
  local asked, behind = signs:match "^([sp+w]*),[,abce]*|[,abce|]*(:.*)$" -- "Answer (A/B/C): B"
  if asked then signs = asked .. "w" .. behind end
  local head, rest = signs:match "^([^:]*):(.*)$"
  if head and head:find "[w+p]" and not head:find "[-abcev=><|12]" then
    return rest, head:find "[^w+s&,pru]" ~= nil
  end
  rest = signs:match "^[supr,w+]*[w+]=(.*)$"
  if rest then return rest, false end
  head, rest = signs:match "^([supr,+]*w[w+]*)([=abcemn!].*)$"
  if head then return rest:gsub("^=", ""), false end
  local at, last = signs:match "^.*[,.]()[uspr&+]*w[+w]*[:=](.+)$" -- "..., but final answer: B"
  if last and overall and overall >= at - 1 then return last, false end
  return nil
end

return choice
