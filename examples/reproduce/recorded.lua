-- The paper's evaluators, from what its authors recorded: 6 judges, 57 juries of them, 6 debates. A method of evaluate:
--   DATA=FOLDER ROWS=rows.jsonl fellowship run evaluate --method examples/reproduce/recorded.lua --data rows.jsonl --out out
-- FOLDER holds a clone of github.com/ulrs0/MA-PO. Each verdict is read from the recorded text, as a model's would be.
local fellowship = require "fellowship"

local folder = assert(os.getenv "DATA", "DATA must name the folder of the clones")
  .. "/MA-PO/outputs/evaluators/fair-eval/"
local MODELS = { "Meta-Llama-3.1-70B-Instruct-Turbo", "Meta-Llama-3.1-8B-Instruct-Turbo", "gemma-2-27b-it",
  "gemma-2-9b-it", "gpt-4o", "gpt-4o-mini" }

local function recorded(path)
  local list = {}
  for row in fellowship.rows(folder .. path) do list[#list + 1] = row end
  return list
end

local function read(text, pair)
  return fellowship.verdict.parse(text, { strategy = "combined", scale = 10, candidates = { pair.a, pair.b } })
end

local function judge(model)
  local answers = recorded("multi-rater10/" .. model .. "_none.json")
  return { models = { model }, compare = function(_, pair)
    local found = read(answers[pair.row].response, pair)
    return { winner = found and found.winner or "unparsed", scores = found and found.scores, evaluator = "judge",
      models = { model } }
  end }
end

--- The mean of the three final statements.
local function debate(model)
  local answers = recorded(("debate/%s_%s.json"):format(model, model))
  return { models = { "debate:" .. model }, compare = function(_, pair)
    local a, b = 0, 0
    for i = 1, 3 do
      local found = read(answers[pair.row]["response_" .. i], pair)
      if not found then return { winner = "unparsed", evaluator = "debate", models = { "debate:" .. model } } end
      a, b = a + found.scores.a, b + found.scores.b
    end
    return { winner = a > b and "a" or b > a and "b" or "tie", scores = { a = a / 3, b = b / 3 }, evaluator = "debate",
      models = { "debate:" .. model } }
  end }
end

-- Rows are told by their question.
local rows = {}
for row, number in fellowship.rows(os.getenv "ROWS") do rows[row.prompt] = number + 1 end

local function by_row(evaluator)
  return { models = evaluator.models, compare = function(_, pair)
    return evaluator:compare { a = pair.a, b = pair.b, prompt = pair.prompt, row = rows[pair.prompt] }
  end }
end

local list, judges = {}, {}
for i, model in ipairs(MODELS) do
  judges[i] = by_row(judge(model))
  list[#list + 1], list[#list + 2] = judges[i], by_row(debate(model))
end
for bits = 1, (1 << #MODELS) - 1 do
  local members = {}
  for i = 1, #MODELS do
    if bits & (1 << (i - 1)) ~= 0 then members[#members + 1] = judges[i] end
  end
  if #members > 1 then list[#list + 1] = fellowship.jury(members) end
end
return list
