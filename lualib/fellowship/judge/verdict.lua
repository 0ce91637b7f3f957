-- Verdicts, read from what a judge wrote. The form is the paper's (arXiv 2408.08688): combined scoring
-- ends with "### Score Assistant A:" and "X/10", then "### Score Assistant B:" and "Y/10" (Assistant 1
-- and 2 in debates); independent scoring with "### Overall Score:"; direct comparison with "### Answer:"
-- and A, B or C for a tie.

local check = require "fellowship.base.check"
local verdict_json = require "fellowship.judge.verdict_json"

local verdict = {}

---@class fellowship.Verdict
---@field winner "a"|"b"|"tie"|"unparsed"
---@field scores? { a: number?, b: number?, score: number? }
---@field evidence? table[] what the models wrote: { model =, text = }
---@field evaluator? string
---@field models? string[]
---@field votes? fellowship.Verdict[] of a jury: each member's verdict
---@field parsed? integer of a jury: how many votes could be read
---@field flipped? boolean of a judge that asked in both orders: whether they disagreed
---@field problem? any why it could not be read

-- Between a heading and its number: white space, colons and marks of emphasis.
local GAP = "^[%s%*_:#`>=%-]*"

--- Words and digits alone, in lower case: how a statement is compared with a candidate's text.
local function bare(text)
  return (text:lower():gsub("[^%w./]+", ""))
end

--- A score at the start of `rest`: the number, how much text it takes, and where it begins. Nil when there is
--- none, or when it is out of another number than the scale; false when it is out of range.
local function score_at(rest, scale)
  local gap = rest:match(GAP)
  local sign = gap:match "%-$"
  local number, after = rest:sub(#gap + 1):match "^(%d+%.?%d*)()"
  if not number then return nil end
  local stop = #gap + after
  local tail = rest:sub(stop)
  local divisor, over = tail:match "^[%s%*_`]*/[%s%*_`]*(%d+)()"
  if divisor then
    stop = stop + over - 1
    if tonumber(divisor) ~= scale then return false, stop end
  elseif tail:match "^[%w/]" then
    return nil
  end
  local value = tonumber(number)
  if sign or value < 0 or value > scale then return false, stop end
  return value, stop, #gap + 1
end

--- Every place where a pattern that begins with `word` matches `lower`: start and end. The plain
--- search for the word comes first, since texts are long and headings few.
local function each_heading(lower, word, pattern)
  local from = 1
  return function()
    while true do
      local start = lower:find(word, from, true)
      if not start then return nil end
      from = start + #word
      local first, stop = lower:find(pattern, start)
      if first == start then
        from = stop + 1
        return start, stop
      end
    end
  end
end

--- Every statement of a score behind a heading, in order: { value | false, words, behind }, where behind is how
--- many bytes there are from the number's first digit to the text's end.
local function statements(text, word, pattern, scale)
  local list = {}
  for start, stop in each_heading(text:lower(), word, "^" .. pattern) do
    local value, length, at = score_at(text:sub(stop + 1, stop + 80), scale)
    if value ~= nil then
      list[#list + 1] = { value = value, words = bare(text:sub(start, stop + length - 1)),
        behind = at and #text - stop - at + 1 }
    end
  end
  return list
end

local function is_quoted(words, quoted)
  for _, candidate in ipairs(quoted) do
    if candidate:find(words, 1, true) then return true end
  end
  return false
end

--- The last statement that no candidate holds.
local function last_own(list, quoted)
  for i = #list, 1, -1 do
    if not is_quoted(list[i].words, quoted) then return list[i] end
  end
  return nil
end

--- The candidates that can hold a statement at all; most hold none, and folding them costs time.
local function bare_candidates(candidates)
  local list = {}
  for _, text in ipairs(candidates or {}) do
    local lower = text:lower()
    if lower:find("score", 1, true) or lower:find("answer", 1, true) or lower:find("{", 1, true) then
      list[#list + 1] = bare(text)
    end
  end
  return list
end

local function value_of(statement, what, scale)
  if not statement then return nil, ("no score for %s was found"):format(what) end
  if statement.value == false then
    return nil, ("the score for %s is not within 0 to %d"):format(what, scale)
  end
  return statement.value
end

local readers = {}

-- How a score is headed: a word to look for, and the pattern that begins with it. The asked form comes first;
-- others count only where it is missing.
local function headings_of(side)
  local names = "assistant%s*" .. (side == "a" and "[a1]" or "[b2]") .. "%f[%W]"
  return { { "score", "score%W+" .. names }, { "score", "score%W+[fo][or]r?%W+" .. names },
    { "assistant", names .. "%W+score" } }
end

local ALONE = { { "overall", "overall%s+score%f[%W]" }, { "score", "score%f[%W]" } }

local function last_score(text, headings, what, scale, quoted)
  local problem
  for _, heading in ipairs(headings) do
    local statement = last_own(statements(text, heading[1], heading[2], scale), quoted)
    local value, trouble = value_of(statement, what, scale)
    if value then return value, nil, statement.behind end
    problem = problem or trouble
  end
  return nil, problem
end

function readers.combined(text, scale, quoted)
  local scores, behind = {}, {}
  for _, side in ipairs { "a", "b" } do
    local value, problem, at = last_score(text, headings_of(side), "Assistant " .. side:upper(), scale, quoted)
    if not value then return nil, problem end
    scores[side], behind[side] = value, at
  end
  local winner = scores.a > scores.b and "a" or scores.a < scores.b and "b" or "tie"
  return { winner = winner, scores = scores, behind = behind }
end

function readers.independent(text, scale, quoted)
  local value, problem, at = last_score(text, ALONE, "the response", scale, quoted)
  if not value then return nil, problem end
  return { scores = { score = value }, behind = { score = at } }
end

local answers = { a = "a", b = "b", c = "tie" }

function readers.direct(text, _, quoted)
  local list, lower = {}, text:lower()
  for start, stop in each_heading(lower, "#", "^#+%s*%**answer%f[%W]") do
    local gap, letter = lower:sub(stop + 1, stop + 40):match "^([%s%*_:#`>%-%(%[]*)([abc])%f[%W]"
    if letter then
      list[#list + 1] = { value = answers[letter], words = bare(lower:sub(start, stop + #gap + 1)) }
    end
  end
  local last = last_own(list, quoted)
  if not last then return nil, "no answer (A, B or C) was found" end
  return { winner = last.value, scores = {} }
end

--- What stands behind the model's thinking, where it wrote that into its text.
local function without_thinking(text)
  if not text:find("</think>", 1, true) then return text end
  return (text:gsub("<think>.-</think>", ""):gsub("^.-</think>", ""))
end

--- Reads a verdict. The last statement wins; one whose words and score stand in a candidate is a
--- quotation and does not count.
--- Example:
---     local text = "### Score Assistant A:\n7/10\n\n### Score Assistant B:\n4/10"
---     local found, problem = fellowship.verdict.parse(text, { strategy = "combined", scale = 10 })
---     print(found.winner, found.scores.a) --> a 7
---@param text string
---@param options? { strategy: "combined"|"independent"|"direct"|nil, scale: integer?, candidates: string[]? }
---@return fellowship.Verdict? verdict { winner =, scores = { a =, b = } }, or { scores = { score = } }; and, where the
--- scores stand in lines, `behind`: how many bytes there are from each score to the text's end
---@return string? problem
function verdict.parse(text, options)
  check.type("the verdict's text", text, "string")
  options = options or {}
  check.options("verdict.parse", options, { strategy = "string?", scale = "integer?", candidates = "table?" })
  local strategy = options.strategy or "combined"
  check.choice("strategy", strategy, { "combined", "independent", "direct" })
  local quoted = bare_candidates(options.candidates)
  local own, scale = without_thinking(text), options.scale or 10
  local found, problem = readers[strategy](own, scale, quoted)
  if not found then
    found = verdict_json.read(own, strategy, scale, function(object) return is_quoted(bare(object), quoted) end)
  end
  return found, not found and problem or nil
end

return verdict
