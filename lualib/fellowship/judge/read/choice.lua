-- Which of two a sentence decides for: "A", "Assistant B is better than A", "A > B", "a tie", "not A but B". Each word is
-- one sign, and the signs of a clause are matched with the few forms that decide; a clause with a word that is not known
-- decides nothing: it is about something.

local label = require "fellowship.judge.read.label"
local tokens = require "fellowship.judge.read.tokens"
local fold = require "fellowship.judge.read.fold"

local choice = {}

local is = tokens.is

-- Signs: a b c are names, w "winner" and other headings of an answer, + better, - worse, e equal, m both, n neither,
-- & and, | or, u but, ! not, v wins, l loses, p prefer, t than, s therefore; > < = stand for themselves, a comma for all
-- that parts clauses, ? for what is not known. Words that say nothing have no sign.
local ORDER = { { "V", "v" }, { "Z", "l" }, { "T", "e" }, { "W", "w" }, { "B", "+" }, { "L", "-" }, { "E", "m" },
  { "J", "n" },
  { "M", "p" }, { "X", "!" }, { "K", "u" }, { "R", "|" }, { "D", "t" }, { "Y", "," }, { "C", "&" } }

local THEREFORE = {}
for word in fold.text [[so thus therefore hence daher also somit folglich donc ainsi asi entonces portanto quindi perciò assim dus więc zatem поэтому итак
  因此 所以 故 よって したがって 따라서 그러므로 conclusion summary sum]]:gmatch "%S+" do THEREFORE[fold.word(word)] = true end

local CONDITIONS = {}
for word in fold.text [[if unless had assuming suppose wenn falls si se gdyby если 如果 若 假如 もし 만약]]:gmatch "%S+" do
  CONDITIONS[fold.word(word)] = true
end

local SIGNS = { [","] = ",", [";"] = ",", ["("] = ",", [":"] = ":", [">"] = ">", ["<"] = "<", ["="] = "=",
  ["~"] = "=", ["/"] = "|",
  ["|"] = "|", ["&"] = "&", ["."] = ".", ["!"] = ".", ["?"] = "?", ["#"] = "?", ["%"] = "?", ["^"] = "?",
    ["+"] = "?", ["@"] = "?", ["\\"] = "" }

--- Whether the capital letter at a token is an article, or would be one if it were an A: "A better response was given by B".
local function is_article(t, i)
  local next, after = i + 1, i + 2
  if t.what[next] ~= "word" then return false end
  if t.letter[next] then return false end
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

local function word_sign(t, i)
  local text, kinds = t.text[i], t.kinds[i]
  if THEREFORE[text] then return "s" end
  if kinds == "" then return "?" end
  if CONDITIONS[text] then return "H" end
  if is(t, i, "H") then return label.is_polite(t, i) and "" or "?" end
  if is(t, i, "N") and (label.side(t, behind_marks(t, i + 1))) then return "" end
  for _, pair in ipairs(ORDER) do
    if kinds:find(pair[1], 1, true) then
      if pair[1] == "W" and is(t, i, "N") and i > 1 and t.what[i + 1] == "word" and not is(t, i + 1,
        "F") then return "" end
      return pair[2]
    end
  end
  if kinds:find "[NFAPQO]" then return "" end
  return "?"
end

--- Whether a small letter is all that a sentence says, or all that it says behind a colon.
local function is_alone(t, i)
  for j = i + 1, t.n do
    if t.what[j] == "word" or t.what[j] == "digits" then return false end
  end
  for j = i - 1, 1, -1 do
    if t.what[j] == ":" then return true end
    if t.what[j] == "word" or t.what[j] == "digits" then return false end
  end
  return true
end

local NUMERALS = { one = true, two = true }

local function sign_of(t, i)
  local what = t.what[i]
  if t.letter[i] == "c" then
    if i > 1 and is(t, i - 1, "N") and not is(t, i - 1, "W") then return "?" end
    return (t.capital[i] or t.n <= 3) and "c" or "?"
  end
  if t.letter[i] then
    if t.capital[i] and is_article(t, i) then return t.letter[i] == "a" and "" or "?" end
    if t.capital[i] then return t.letter[i] end
    return label.side(t, i) or is_alone(t, i) and t.letter[i]
      or t.letter[i] == "a" and t.n > 1 and "" or "?"
  end
  local side = label.side(t, i)
  if side then return side end
  if what == "word" and (is(t, i, "1") or is(t, i, "2")) then
    if NUMERALS[t.text[i]] then return "" end -- "the better one"
    if i > 1 and is(t, i - 1, "F") and (i == t.n or is(t, i + 1, "F") or is(t, i + 1, "V")) then return is(t, i,
      "1") and "a" or "b" end
    return "?"
  end
  if what == "word" then return word_sign(t, i) end
  if what == "digits" then return t.text[i] == "1" and "1" or t.text[i] == "2" and "2" or "?" end
  if what == ")" then return ")" end
  if what == "-" then
    if t.tight[i] and t.tight[i + 1] and i < t.n then return "?" end
    return t.what[i + 1] == ">" and "" or ","
  end
  if what == ">" and t.what[i - 1] == "=" and t.tight[i] or what == "="
    and t.what[i + 1] == ">" then return what == ">" and ":" or "" end
  return SIGNS[what] or ""
end

--- The signs of a sentence, whether a word says that this is the whole, and whether one says that somebody reports.
---@param t fellowship.Tokens
---@return string signs
---@return boolean overall
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
    overall = overall or t.what[i] == "word" and is(t, i, "O")
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
local WINS = { "^([ab])%++$", "^([ab])%++t([ab])$", "^([ab])%++([ab])%-+$", "^([ab])v$", "^([ab])vt?([ab])$",
  "^([ab])v([ab])l$", "^([ab])>+([ab])$", "^%++([ab])$",
  "^%++([ab])t([ab])$", "^p%+?([ab])$", "^p([ab])t([ab])$", "^([ab])p$", "^([ab])pt([ab])$", "^([ab])%+p$",
    "^([ab])ut([ab])$", "^[&u]?([ab])!([ab])$" }
local LOSES = { "^([ab])%-+$", "^([ab])%-+t([ab])$", "^([ab])%-+([ab])%++$", "^([ab])l$", "^([ab])lt?([ab])$",
  "^([ab])<+([ab])$", "^!([ab])u([ab])$", "^%-+([ab])$" }

--- What a clause decides.
---@param clause string signs
---@return "a"|"b"|"tie"|nil
---@return boolean? bare a name alone
---@param given boolean it is the value of a heading: then 1 and 2 are names
local function decision(clause, given)
  if clause == "!w" or clause == "!+w" then return "tie" end -- no winner
  clause = clause:gsub("[ws]", "")
  if NAMED[clause] then return NAMED[clause], true end
  clause = clause:gsub("^[&u]+", "")
  if NAMED[clause] then return NAMED[clause], true end
  if given then clause = clause:gsub("1", "a"):gsub("2", "b") end
  if clause == "" or clause:find "[?12c]" then return nil end
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

--- What the clauses of a sentence decide together: nil when none does, false when they contradict each other.
---@param signs string
---@param given boolean it is the value of a heading, so that a name alone decides
---@return "a"|"b"|"tie"|false|nil
---@return boolean? bare nothing but a name
function choice.of(signs, given)
  local found, bare, n, unknown = nil, false, 0, false
  for clause in signs:gsub("[.:]", ","):gmatch "[^,]+" do
    if clause:find "|" and clause:find "[abc]" or clause:find "H" then return false end
    local option = clause:match "^w*([abc])%)$" -- "A)" of a list of options
    local value, alone = decision(option or clause, given)
    n = n + 1
    if alone and not (given and not unknown or n == 1 and not given or clause:find("s", 1, true)) then value = nil end
    if value then
      if found and found ~= value then return false end
      found, bare = value, n == 1 and alone or false
    else
      unknown = unknown or clause:find("?", 1, true) ~= nil
      if clause:find "^[abc]%)" then return false end
    end
  end
  return found, bare and n == 1
end

--- A heading in front of a colon, or of "is": whether it is one of an answer, and what follows it.
---@param signs string
---@return string? rest nil where there is none
---@return boolean? criterion it has words that are not known
function choice.heading(signs)
  local head, rest = signs:match "^([^:]*):(.*)$"
  if head and head:find "[w+]" and not head:find "[abcev=><|12]" then
    return rest, head:find "[^w+s&,p]" ~= nil
  end
  rest = signs:match "^[sp,w+]*[w+]=(.*)$"
  if rest then return rest, false end
  head, rest = signs:match "^([sp,+]*w[w+]*)([=abcemn!].*)$"
  if head then return rest:gsub("^=", ""), false end
  return nil
end

return choice
