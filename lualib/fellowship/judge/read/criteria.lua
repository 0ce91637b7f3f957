-- The values of a rubric's criteria, read from what a judge wrote: behind "Criterion N:" a score out of the scale, or Yes
-- or No. The last statement of a criterion counts. Values that are just those that the response plants are not the judge's:
-- it is asked once more.

local fold = require "fellowship.judge.read.fold"
local form = require "fellowship.base.form"
local scores = require "fellowship.judge.read.scores"
local tokens = require "fellowship.judge.read.tokens"
local without_thoughts = require "fellowship.judge.read.thoughts"

local criteria = {}

-- More is not read: what stands before it is not known.
local LONGEST = 150000

local PROBLEMS = { missing = "no value for criterion %s",
  quoted = "the values are those that the response itself states" }

--- A line without what marks it up: "**Criterion 2:** 4/5" and "| Criterion 2 | 4/5 |" as "criterion 2: 4/5".
local function plain(line)
  return (line:gsub("[*_`|#]", " "):lower():gsub("^[%s%-]+", ""))
end

-- A piece with more lines that could be a value is none of a judge; of a longer line only so much is read.
local MOST, LONG = 500, 600

--- The score of a piece of text: what its lines state of the scale, when they agree; lines that say nothing else count
--- before sentences with a score in them.
local function score_in(text, scale)
  local found, best, differ, lines = nil, nil, false, 0
  for line in text:gmatch "[^\n]+" do
    local list = {}
    lines = lines + 1
    if lines > MOST then return nil end
    scores.read(list, tokens.of(line, 1, math.min(#line, LONG)), scale, { sides = false })
    for _, st in ipairs(list) do
      local clear = st.tier >= scores.BARE
      if (clear or st.out) and (not best or clear and not best.clear) then
        found, best, differ = st.value, { clear = clear }, false
      elseif (clear or st.out) and clear == best.clear and st.value ~= found then
        differ = true
      end
    end
  end
  return not differ and found and found >= 1 and found or nil
end

local YES = "yes ja oui si sim sì да 是 はい 예 네 نعم tak evet"
local NO = "no nein nee non nao нет 否 いいえ 아니요 아니오 لا nie hayir"

local ANSWERS = {}
for value, list in pairs { Yes = YES, No = NO } do
  for word in fold.text(list):gmatch "%S+" do ANSWERS[fold.word(word)] = value end
end

-- What may stand in front of the answer, a colon behind it.
local HEADS = { answer = true, verdict = true, result = true, judgment = true, judgement = true, rating = true }

--- What a line says, Yes or No, by its first word; whether it says nothing else. Nil where it offers both: "Yes/No".
local function answer_of(line)
  local t, i = tokens.of(line, 1, math.min(#line, LONG)), 1
  while t.what[i] and (t.what[i] ~= "word" or HEADS[t.text[i]] and t.what[i + 1] == ":") do i = i + 1 end
  if not t.what[i] then return nil end
  -- a word of a script without spaces is a token for each character
  local value = ANSWERS[t.text[i]] or ANSWERS[fold.word(line:match("^[^%p%s]+", t.at[i]) or "")]
  if not value or t.what[i + 1] == "/" or t.what[i + 1] == "|" or t.what[i + 1] == "?" then return nil end
  local alone = true
  for j = i + 1, t.n do
    local other = ANSWERS[t.text[j]]
    if other and other ~= value and j <= i + 3 then return nil end -- "Yes and no"
    alone = alone and t.what[j] ~= "word" and t.what[j] ~= "digits"
  end
  return value, alone
end

--- Yes or No: the lines of that word alone, when they agree, else the word that the piece begins with.
local function answer_in(text)
  local found, first, differ, lines = nil, nil, false, 0
  for line in text:gmatch "[^\n]*[^%s\n][^\n]*" do
    lines = lines + 1
    if lines > MOST then return nil end
    local value, alone = answer_of(line)
    if first == nil and line:find "[%w\128-\255]" then first = value or false end
    if alone then
      differ = differ or found ~= nil and found ~= value
      found = value
    end
  end
  if differ then return nil end
  return found or first or nil
end

--- What a text states of each criterion.
---@param text string
---@param f fellowship.Form
---@param scale integer
---@return any[]
local function stated(text, f, scale)
  local values, number, piece = {}, nil, {}
  local function conclude()
    local kind = number and f.kinds[number]
    if not kind then return end
    local said = table.concat(piece, "\n")
    local value
    if kind == "score" then value = score_in(said, scale) else value = answer_in(said) end
    if value ~= nil then values[number] = value end
  end
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    local is_quoted = line:find "^%s*>"
    local said = is_quoted and "" or plain(line)
    local n, rest = said:match "^criterion%s*(%d+)%s*(.*)$"
    if n then
      conclude()
      number, piece = math.tointeger(tonumber(n)), { rest }
    elseif not is_quoted then
      piece[#piece + 1] = said
    end
  end
  conclude()
  return values
end

--- Whether a response states just these values, for all criteria that it speaks of.
local function plants(candidates, values, f, scale)
  for _, text in ipairs(candidates or {}) do
    if text:lower():find("criterion", 1, true) then
      local planted, same, any = stated(fold.text(text), f, scale), true, false
      for i, value in pairs(planted) do same, any = same and values[i] == value, true end
      if any and same then return true end
    end
  end
  return false
end

--- Reads the values of a rubric.
---@param text string what the judge wrote
---@param f fellowship.Form the rubric's
---@param o { scale: integer, candidates: string[]?, second: boolean?, cut: boolean? } as of fellowship.verdict.parse
---@return { values: any[], scores: table }? found
---@return string? problem
---@return string? kind
function criteria.parse(text, f, o)
  local own = without_thoughts(text, function(tag)
    for _, shown in ipairs(o.candidates or {}) do
      if shown:find(tag, 1, true) then return true end
    end
    return false
  end)
  local values, missing = stated(fold.text(own:sub(-LONGEST)), f, o.scale), {}
  for i in ipairs(f.kinds) do
    if values[i] == nil then missing[#missing + 1] = i end
  end
  if #missing > 0 then
    return nil, PROBLEMS.missing:format(table.concat(missing, ", ")), o.cut and "unfinished" or "missing"
  end
  if not o.second and plants(o.candidates, values, f, o.scale) then return nil, PROBLEMS.quoted, "quoted" end
  return form.verdict(f, values)
end

return criteria
