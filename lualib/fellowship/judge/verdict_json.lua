-- Verdicts that a judge wrote as JSON, fenced or bare, though it was asked for lines.

local json = require "fellowship.core.json"

local verdict_json = {}

-- Names of fields, as bare words: lower case, letters and digits alone.
local NAMES = {
  a = { "scorea", "scoreassistanta", "assistanta", "a", "score1", "scoreassistant1", "assistant1" },
  b = { "scoreb", "scoreassistantb", "assistantb", "b", "score2", "scoreassistant2", "assistant2" },
  score = { "overallscore", "score", "rating" },
  answer = { "answer", "winner", "verdict", "choice", "decision" },
}

local ANSWERS = { a = "a", assistanta = "a", b = "b", assistantb = "b", c = "tie", tie = "tie", equal = "tie" }

local function bare_word(text)
  return (tostring(text):lower():gsub("[^%w]+", ""))
end

--- The fields of an object, and of a `scores` object in it, by their bare names.
local function fields_of(object)
  local fields = {}
  for key, value in pairs(object) do fields[bare_word(key)] = value end
  if type(fields.scores) == "table" then
    for key, value in pairs(fields.scores) do fields[bare_word(key)] = value end
  end
  return fields
end

local function first(fields, names)
  for _, name in ipairs(NAMES[names]) do
    if fields[name] ~= nil then return fields[name] end
  end
end

--- A score: a number, or a text such as "8" or "8/10"; nil when it is none or out of range.
local function score_of(value, scale)
  if type(value) == "string" then
    local number, divisor = value:match "^%s*(%d+%.?%d*)%s*/?%s*(%d*)%s*$"
    if divisor and divisor ~= "" and tonumber(divisor) ~= scale then return nil end
    value = tonumber(number)
  end
  if math.type(value) and value >= 0 and value <= scale then return value end
  return nil
end

local readers = {}

function readers.combined(fields, scale)
  local a, b = score_of(first(fields, "a"), scale), score_of(first(fields, "b"), scale)
  if not (a and b) then return nil end
  return { winner = a > b and "a" or a < b and "b" or "tie", scores = { a = a, b = b } }
end

function readers.independent(fields, scale)
  local score = score_of(first(fields, "score"), scale)
  return score and { scores = { score = score } }
end

function readers.direct(fields)
  local winner = ANSWERS[bare_word(first(fields, "answer") or "")]
  return winner and { winner = winner, scores = {} }
end

--- The verdict of the last JSON object in a text that holds one and is no quotation; nil when there is none.
---@param text string
---@param strategy "combined"|"independent"|"direct"
---@param scale integer
---@param is_quoted fun(text: string): boolean
---@return fellowship.Verdict?
function verdict_json.read(text, strategy, scale, is_quoted)
  local found
  for object in text:gmatch "%b{}" do
    local value = json.decode(object, { duplicates = "last" })
    if type(value) == "table" and not is_quoted(object) then
      found = readers[strategy](fields_of(value), scale) or found
    end
  end
  return found
end

return verdict_json
