-- A question whose answer holds a verdict: asked, read, and asked once more in the same conversation when it
-- cannot be read. An answer that was cut off is first asked for once more with a larger budget.

local check = require "fellowship.base.check"
local errors = require "fellowship.base.errors"
local lazy = require "fellowship.base.lazy"
local prompts = require "fellowship.judge.prompts"
local estimate = lazy "fellowship.rehearse"
local settings = require "fellowship.call.settings"
local evidence = require "fellowship.judge.evidence"
local expected = require "fellowship.judge.expected"
local verdict = require "fellowship.judge.verdict"
local verdict_schema = require "fellowship.judge.verdict_schema"
local vote = require "fellowship.judge.vote"

-- How much larger the budget of an answer gets that was cut off.
local RAISE = 4

-- How many alternatives of each token are asked for: as many as OpenAI gives.
local ALTERNATIVES = 20

--- The parameter of the larger budget, and its value; nil when it is not known what the budget was.
local function larger_budget(model, completion)
  local name = model.params.max_completion_tokens and "max_completion_tokens" or "max_tokens"
  local before = model.params[name] or (completion.usage or {}).completion_tokens
  return name, math.tointeger(before) and before * RAISE
end

--- The expected scores in place of the written ones.
local function by_logprobs(model, completion, found, scale)
  local function fail(problem)
    errors.raise { kind = "unsupported", model = model.named, key = completion.key,
      message = ("%s: scores by log-probabilities cannot be had: %s"):format(model.named, problem) }
  end
  if not completion.logprobs then fail "its provider gave none" end
  if not found.behind then fail "the scores do not stand in the lines that were asked for" end
  for name, behind in pairs(found.behind) do
    local score, problem = expected.score(completion.logprobs, completion.text, behind, scale)
    if not score then fail(problem) end
    found.scores[name] = score
  end
  if found.winner then found.winner = vote.by_scores(found.scores) end
  return found
end

local function read(model, completion, reading)
  local found, problem = verdict.parse(completion.text, { strategy = reading.strategy, scale = reading.scale,
    candidates = reading.candidates })
  if found and reading.logprobs then found = by_logprobs(model, completion, found, reading.scale) end
  if found then found.behind = nil end
  return found, problem
end

--- One answer through a schema: verdict or nil, completion, problem.
local function ask_structured(model, messages, params, reading)
  params.schema = verdict_schema.of(reading.strategy, reading.scale)
  local well, got = pcall(model.ask, model, messages, params)
  if well then return verdict_schema.read(reading.strategy, got.value), got end
  if not errors.is(got, "schema") then error(got, 0) end
  return nil, got.completion, got.message
end

local function ask(model, messages, params, reading)
  if reading.structured then return ask_structured(model, messages, params, reading) end
  if reading.logprobs then
    params.logprobs, params.top_logprobs = true, model.params.top_logprobs or ALTERNATIVES
  end
  local completion = model:ask(messages, params)
  local found, problem = read(model, completion, reading)
  return found, completion, problem
end

local reading_types = { strategy = "string", scale = "integer?", candidates = "table?", structured = "boolean?",
  logprobs = "boolean?" }

--- Example: `local found, said = asking(model, question, again, { strategy = "direct" })`
---@param model fellowship.Model
---@param question string
---@param again string the second question
---@param reading { strategy: string, scale: integer?, candidates: string[]?, structured: boolean?, logprobs: boolean? } how fellowship.verdict.parse reads the answer; through a schema; with expected scores
---@param sample? integer
---@return fellowship.Verdict? found nil when no answer could be read
---@return table[] said the evidence: the answers, of which the last one counts
---@return string? problem why it could not be read
return function(model, question, again, reading, sample)
  check.options("asking", reading, reading_types)
  local _ <close> = settings.dry_run and estimate.reading() or nil
  if reading.structured then question = question .. prompts.get("judge")["json_" .. reading.strategy] end
  local messages, said, budget, raised, repeated = { { role = "user", content = question } }, {}, {}, false, false
  while true do
    local params = { sample = sample }
    for name, value in pairs(budget) do params[name] = value end
    local found, completion, problem = ask(model, messages, params, reading)
    said[#said + 1] = evidence.of(model, completion)
    if found then return found, said end
    local name, larger = larger_budget(model, completion)
    if completion.finish_reason == "length" and larger and not raised then
      raised, budget[name] = true, larger
    elseif not repeated and not reading.structured then -- a schema's answer was asked for twice already
      repeated = true
      messages[2] = { role = "assistant", content = completion.text }
      messages[3] = { role = "user", content = again }
    else
      return nil, said, problem
    end
  end
end
