-- Which of two a sentence decides for: "A", "Assistant B is better than A", "A > B", "a tie", "not A but B". Its words are
-- signs, and the signs of a clause are matched with the few forms that decide; a clause with a word that is not known
-- decides nothing: it is about something.

local choice = {}

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
  "^%++([ab])t([ab])$", "^p%+?([ab])$", "^p([ab])[t>]?([ab])$", "^([ab])p$", "^([ab])pt([ab])$", "^([ab])%+p$",
    "^([ab])ut([ab])$", "^([ab])([ab])t%++$", "^[&u]?([ab])!([ab])$", "^([ab])u([ab])%-+$" }
local LOSES = { "^([ab])%-+$", "^([ab])%-+t?([ab])$", "^([ab])%-+([ab])%++$", "^([ab])l$", "^([ab])lt?([ab])$",
  "^([ab])<+([ab])$", "^!([ab])u([ab])$", "^%-+([ab])$",
  "^([ab])t([ab])%++$", "^([ab])z([ab])%-+$", "^([ab])u([ab])%++$", "^([ab])([ab])t%-+$" }

--- What a clause decides.
---@param clause string signs
---@return "a"|"b"|"tie"|nil
---@return boolean? bare a name alone
---@param given boolean it is the value of a heading: then 1 and 2 are names
local function decision(clause, given)
  local praises
  local first, than = clause:match "^([ab])z([ab])[j+]+$"
  if first and first ~= than then return first end
  clause = clause:gsub("[ws]", "")
  clause, praises = clause:gsub("j", "")
  if praises > 0 and NAMED[clause] then return nil end -- "A is good"
  if NAMED[clause] then return NAMED[clause], true end
  clause = clause:gsub("^[&ur]+", "")
  local graded = clause:match "^([ab])g+$" -- "A++"
  if NAMED[clause] or graded then return NAMED[clause] or graded, true end
  if given then
    clause = clause:gsub("1", "a"):gsub("2", "b")
  end
  if clause == "pc" then return "tie" end
  if clause:find "^[ab][|&][ab]e$" or clause == "ec" or clause:find "^cm?e%+?$" then return "tie" end
  if clause == "" or clause:find "[?12cdgrhiqx]" then return nil end
  if clause:find "^[ab]![ab]$" and (praises > 0 or not given) then return nil end -- "A is not as good as B"
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
    so.unknown = so.unknown or clause:find "[?hixmn&]" ~= nil
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
  signs = signs:gsub("^[&su]*d[^,:.]*[,:]", ""):gsub(",d[^,:.]*,", "") -- "Compared to A, B is better"
  if signs:find("d", 1, true) then return nil end
  if given and signs:find "m" and not signs:find "[^mjws.,]" then return "tie" end -- "both", "both bad"
  if given and signs:find "^w*1[.,:)]+[abc]" then return first_of_ranking(signs) end
  if not given and signs:find "^[^:]*[?!ih][^:]*:" or signs:find "^[&su]*h+," then return nil end -- "It says: ..."
  if signs:find "^w*%-+w*[:=]" and not signs:find "^w*%-+w*[:=][ab][.,]*$" then return nil end -- "Rejected: A, B"
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

local QUESTIONS = { which = true, who = true, whose = true, what = true }

--- Whether a sentence begins like a question.
---@param t fellowship.Tokens
---@return boolean
function choice.begins_question(t)
  local i = t.what[1] == "*" and 3 or 1
  return QUESTIONS[t.text[i]] or false
end

--- Whether a sentence asks which is better: "Which is best, A or B?" is a heading of what follows it.
---@param signs string
---@return boolean
function choice.asks(signs)
  local behind = signs:match "^%?[w+ve]*[+v][w+ve]*()"
  return behind ~= nil and (signs:find("^%?$", behind) or signs:find("^[,:]*[ab][|,]+[abce|,]*%?$", behind)) ~= nil
end

--- A heading in front of a colon, or of "is": whether it is one of an answer, and what follows it.
---@param signs string
---@param overall integer|false behind how many signs a word like "final" stands
---@return string? rest nil where there is none
---@return boolean? criterion it has words that are not known
function choice.heading(signs, overall)
  signs = signs:gsub("^:+", "") -- "Output: Answer: B"
  local asked, behind = signs:match "^([sp+w]*),?[,abce]*|[,abce|]*(:.*)$" -- "Answer (A/B/C): B"
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
