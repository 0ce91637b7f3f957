-- What `fellowship new` writes, by kind: a script that runs as it stands, the data that it works on, and the command
-- that runs it. NAME is the name that was given.

local templates = {}

---@class fellowship.Template
---@field text string the file
---@field data { name: string, rows: table[] } a dataset for it, written unless it is there
---@field run string what runs it, without the program's name; FOLDER is where the files are

local PROMPTS = { name = "prompts.jsonl", keys = { "id", "prompt" }, rows = {
  { id = 1, prompt = "Explain in two sentences why the sky is blue." },
  { id = 2, prompt = "Write a polite reply that declines an invitation to a meeting." },
  { id = 3, prompt = "What is the difference between a list and a set? Give an example of each." },
} }

local PAIRS = { name = "rows.jsonl", keys = { "id", "prompt", "response_a", "response_b", "human" }, rows = {
  { id = 1, prompt = "What is 2 + 2?", response_a = "4", response_b = "It is 5, I think.", human = "a" },
  { id = 2, prompt = "Name a river.", response_a = "A river.", response_b = "The Rhine.", human = "b" },
  { id = 3, prompt = "Say hello.", response_a = "Hello!", response_b = "Hello.", human = "tie" },
} }

templates.command = { data = PROMPTS,
  run = "FOLDERNAME.lua --data FOLDERprompts.jsonl --model sim:demo --out FOLDERNAME-results",
  text = [[
-- NAME: asks a model every prompt of a dataset, and a judge which of two answers is better.
--   fellowship NAME.lua --data prompts.jsonl --model sim:demo --out NAME-results
-- `sim:` is a stand-in that needs no key; for real answers name a model, such as openai:gpt-4o-mini, and set its
-- key (export OPENAI_API_KEY=...). Run it again: what was answered comes from the store, at no cost.
local fellowship = require "fellowship"

return {
  summary = "two answers to each prompt, and which is better",

  -- What the command line takes: name, type, help, and if you like default, required, many, choices.
  -- Every script also has --out, --limit, --concurrency, --offline and more: fellowship NAME.lua --help
  options = {
    { "data", type = "data", required = true, metavar = "ROWS", help = "rows with prompt" },
    { "model", type = "model", required = true, metavar = "M", help = "the model that answers and judges" },
    { "temperature", type = "number", default = 0.7, least = 0, metavar = "T", help = "of the answers" },
  },

  run = function(run)
    local model = fellowship.model(run.options.model)
    local judge = fellowship.judge { model = model, strategy = "combined" }
    local out <close> = run:writer "answers.jsonl"
    run.outcome:count("first_answers_that_win", 0) -- shown while the run goes on, and in its summary

    -- The function runs for many rows at a time; what it returns comes out here in the order of the rows.
    -- A row whose function fails goes to errors.jsonl, and the others go on.
    for row, answers, verdict, number in run:map(run:rows "data", function(row, number)
      local prompt = run:prompt(row, number) -- a clear error when the row has none
      local function answer(sample)
        return model:ask(prompt, { temperature = run.options.temperature, sample = sample }).text
      end
      local a, b = fellowship.all(function() return answer(1) end, function() return answer(2) end)
      return { a, b }, judge:compare { prompt = prompt, a = a, b = b }, number
    end) do
      if verdict.winner == "a" then run.outcome:count "first_answers_that_win" end
      -- The keys in their order, and behind them the other columns of the row.
      out:write(run:output(row, { id = run:id(row, number), prompt = row.prompt, answers = answers,
        winner = verdict.winner }, { "id", "prompt", "answers", "winner" }))
    end
  end,
}
]] }

templates.script = { data = PROMPTS, run = "FOLDERNAME.lua FOLDERprompts.jsonl sim:demo",
  text = [[
-- NAME: a plain script, run from top to bottom.
--   fellowship NAME.lua prompts.jsonl sim:demo
-- `sim:` is a stand-in that needs no key; for real answers name a model, such as openai:gpt-4o-mini, and set its
-- key (export OPENAI_API_KEY=...). What was answered once comes from the store when it runs again.
local fellowship = require "fellowship"

local rows, model = fellowship.rows(arg[1]), fellowship.model(arg[2])

-- Many rows at a time; results in the order of the rows.
for row, answer in fellowship.map(rows, function(row)
  return model:ask(row.prompt, { temperature = 0 }).text
end) do
  print(row.prompt .. "\n  " .. answer .. "\n")
end
]] }

templates.judge = { data = PAIRS,
  run = "run evaluate --method FOLDERNAME.lua --data FOLDERrows.jsonl --model sim:demo --out FOLDERNAME-results",
  text = [[
-- NAME: an evaluator of one's own, measured against the human labels of rows:
--   fellowship run evaluate --method NAME.lua --data rows.jsonl --model sim:demo --out NAME-results
-- `run winrate --evaluator NAME.lua` plays responses before it.
local fellowship = require "fellowship"

-- Called with the options of the command line; gives an evaluator: a table with the method compare.
return function(options)
  local judge = fellowship.judge { model = options.models[1], scale = options.scale }
  local mine = { models = judge.models }

  -- This one asks a judge, and where that sees a tie it prefers the shorter response.
  function mine.compare(_, pair)
    local verdict = judge:compare(pair) -- winner: "a", "b", "tie" or "unparsed"; scores; evidence
    verdict.evaluator = "NAME"
    if verdict.winner == "tie" and pair.a and #pair.a ~= #pair.b then
      verdict.winner = #pair.a < #pair.b and "a" or "b"
    end
    return verdict
  end

  return mine
end
]] }

templates.provider = { run = "FOLDERNAME.lua try",
  text = [[
-- NAME: a provider of one's own, for servers that no bundled adapter speaks to:
--   fellowship run generate --models NAME.lua --model LUANAME:some-model --data prompts.jsonl --out answers
--   fellowship NAME.lua try       shows the adapter at work, without a server
-- The adapter is pure: it builds a request and reads an answer. Keys, retries, limits and the store are fellowship's.
local fellowship = require "fellowship"
local failure = require "fellowship.provider.failure"
local json = fellowship.json

local adapter = {}

-- The path below the base URL, and the body.
function adapter.build(name, messages, params)
  local body = { model = name, messages = messages }
  for key, value in pairs(params) do body[key] = value end
  return "/chat", body
end

-- What an answer means: done, or what kind of failure it is.
function adapter.classify(status, header, text)
  local value = json.decode(text)
  if status ~= 200 then return failure.outcome(status, header, value) end
  if type(value) ~= "table" or type(value.answer) ~= "string" then return failure.broken "no answer in the answer" end
  return { verdict = "done", completion = { text = value.answer, finish_reason = "stop", usage = {} } }
end

fellowship.provider { name = "LUANAME", adapter = adapter, url = "http://127.0.0.1:9000",
  key_env = "UPPER_API_KEY", url_env = "UPPER_BASE_URL" } -- where the key is, and another base URL

if ... == "try" then
  local path, body = adapter.build("some-model", { { role = "user", content = "Name a river." } }, { max_tokens = 5 })
  print(path, json.encode(body))
  print(adapter.classify(200, function() end, '{"answer":"The Rhine."}').completion.text)
end

return {} -- as a file of --models: aliases, prices, limits
]] }

--- The kinds, the usual one first.
templates.kinds = { "command", "script", "judge", "provider" }

return templates
