-- The values of a rubric's criteria, read from what a judge wrote: behind "Criterion N:" a score out of the scale, or Yes
-- or No. The last statement of a criterion counts. Values that are just those that the response plants are not the judge's:
-- it is asked once more.

local fold = require "fellowship.judge.read.fold"
local form = require "fellowship.base.form"
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

--- The score of a piece of text: the last X/scale or X out of scale, else a number alone in a line.
local function score_in(text, scale)
  local found
  for number, over in text:gmatch "(%d+%.?%d*)%s*/%s*(%d+)" do
    if tonumber(over) == scale then found = tonumber(number) end
  end
  for number, over in text:gmatch "(%d+%.?%d*) out of (%d+)" do
    if tonumber(over) == scale then found = found or tonumber(number) end
  end
  if not found then
    for line in text:gmatch "[^\n]+" do
      local number = line:match "^[%s:]*(%d+%.?%d*)[%s.]*$"
      if number then found = tonumber(number) end
    end
  end
  return found and found >= 1 and found <= scale and (math.tointeger(found) or found) or nil
end

local WORDS = { yes = "Yes", no = "No" }

--- Yes or No: a line of that word alone, else the word that the piece begins with.
local function answer_in(text)
  local found
  for line in text:gmatch "[^\n]+" do
    local word = line:match "^[%s:%-]*(%a+)[%s.!]*$"
    if word and WORDS[word] then found = WORDS[word] end
  end
  local first = text:match "^[%s:%-]*(%a+)%f[%A]"
  return found or first and WORDS[first] or nil
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
