-- A question whose answer holds a verdict: asked, read, and asked once more in the same conversation when it cannot be
-- read. An answer that was cut off is first asked for once more with a larger budget.

local check = require "fellowship.base.check"
local form = require "fellowship.base.form"
local errors = require "fellowship.base.errors"
local lazy = require "fellowship.base.lazy"
local conversation = require "fellowship.dataset.conversation"
local prompts = require "fellowship.judge.prompts"
local estimate = lazy "fellowship.rehearse"
local settings = require "fellowship.call.settings"
local criteria = require "fellowship.judge.read.criteria"
local evidence = require "fellowship.judge.evidence"
local expected = require "fellowship.judge.expected"
local verdict = require "fellowship.judge.verdict"
local vote = require "fellowship.judge.vote"

-- How much larger the budget of an answer gets that was cut off.
local RAISE = 4

-- Nothing at all is an answer that cannot be read.
local HOW = { empty = true }

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
  for name in pairs(found.scores) do
    local behind = (found.behind or {})[name]
    if not behind then fail "the scores do not stand in the lines that were asked for" end
    local score, problem = expected.score(completion.logprobs, completion.text, behind, scale)
    if not score then fail(problem) end
    found.scores[name] = score
  end
  if found.winner then found.winner = vote.by_scores(found.scores) end
  return found
end

local NOTHING = {}

--- The texts that a verdict may be quoted from. What stands in for answers quotes nothing: it is not looked through.
local function shown_for(model, reading)
  if settings.dry_run and not model.adapter.generate then return NOTHING end
  return reading.shown
end

--- What a completion says: verdict or nil, problem and its kind.
local function read(model, completion, reading, second)
  if reading.form then
    return criteria.parse(completion.text, reading.form, { scale = reading.scale,
      candidates = shown_for(model, reading), second = second, cut = completion.finish_reason == "length" })
  end
  local found, problem, kind = verdict.parse(completion.text, { strategy = reading.strategy, scale = reading.scale,
    candidates = shown_for(model, reading), second = second, cut = completion.finish_reason == "length" })
  if found and reading.logprobs then found = by_logprobs(model, completion, found, reading.scale) end
  if found then found.behind = nil end
  return found, problem, kind
end

--- One answer through a schema: verdict or nil, completion, problem and its kind. One that does not fit may still say
--- what it means.
local function ask_structured(model, messages, params, reading)
  params.schema = form.schema(reading.form or reading.strategy, reading.scale)
  local well, got = pcall(model.ask, model, messages, params)
  if well then return form.read(reading.form or reading.strategy, got.value), got end
  if not errors.is(got, "schema") then error(got, 0) end
  local found = read(model, got.completion, reading)
  return found, got.completion, got.message, "schema"
end

--- As model:ask; but a model's first answer without a word is taken as such, and not as a failure of the row.
local function ask_model(model, messages, params)
  local well, got = pcall(model.ask, model, messages, params)
  if well then return got end
  if #messages > 1 or not errors.is(got, "empty") then error(got, 0) end
  return { text = "", finish_reason = "stop", key = got.key }
end

local function ask(model, messages, params, reading, second)
  if reading.structured then return ask_structured(model, messages, params, reading) end
  if reading.logprobs then
    params.logprobs, params.top_logprobs = true, model.params.top_logprobs or ALTERNATIVES
  end
  local completion = ask_model(model, messages, params)
  local found, problem, kind = read(model, completion, reading, second)
  return found, completion, problem, kind
end

--- The second question, in the same conversation. A first answer that is empty stands in its key as it was; on the wire
--- a turn without a word is left out, since some providers refuse it.
local function ask_again(messages, completion, again)
  messages[2] = { role = "assistant", content = completion.text }
  messages[3] = { role = "user", content = again }
end

local reading_types = { strategy = "string", scale = "integer?", shown = "table?", structured = "boolean?",
  logprobs = "boolean?", images = "table?", form = "table?" }

local asking = {}

--- Example: `local found, said = asking.once(model, question, again, { strategy = "direct" })`
---@param model fellowship.Model
---@param question string
---@param again string the second question
---@param reading { strategy: string, scale: integer?, shown: string[]?, structured: boolean?, logprobs: boolean?, images: table? } how fellowship.verdict.parse reads the answer (shown: the texts in the question that may hold a verdict); through a schema; with expected scores; and what images go with the question
---@param sample? integer
---@return fellowship.Verdict? found nil when no answer could be read
---@return table[] said the evidence: the answers, of which the last one counts
---@return string? problem why it could not be read
---@return string? kind of the problem, in a word
function asking.once(model, question, again, reading, sample)
  check.options("asking", reading, reading_types)
  local _ <close> = settings.dry_run and estimate.reading() or nil
  if reading.structured then question = question .. prompts.get("judge")["json_" .. reading.strategy] end
  local messages = { { role = "user", content = conversation.with_images(question, reading.images) } }
  local said, budget, raised, repeated = {}, {}, false, false
  while true do
    local params = { sample = sample, how = HOW }
    for name, value in pairs(budget) do params[name] = value end
    local found, completion, problem, kind = ask(model, messages, params, reading, repeated)
    said[#said + 1] = evidence.of(model, completion)
    if found then return found, said end
    local name, larger = larger_budget(model, completion)
    if completion.finish_reason == "length" and larger and not raised then
      raised, budget[name] = true, larger
    elseif not repeated and not reading.structured then -- a schema's answer was asked for twice already
      repeated = true
      ask_again(messages, completion, again)
    else
      return nil, said, problem, kind
    end
  end
end

-- How far the samples of answers that are asked for anew lie from those of jurors and repeated judgements.
local FAR = 1000000

--- The same, and where no answer can be read all of it once more, for another sample: what is stored is the same
--- unreadable answer for ever.
---@param model fellowship.Model
---@param other? fellowship.Model who is asked then; nil for nobody
---@param question string
---@param again string
---@param reading table see `once`
---@param sample? integer
---@return fellowship.Verdict? found
---@return table[] said
---@return string? problem
---@return string? kind
function asking.anew(model, other, question, again, reading, sample)
  local found, said, problem, kind = asking.once(model, question, again, reading, sample)
  if found or not other then return found, said, problem, kind end
  local more
  found, more, problem, kind = asking.once(other, question, again, reading, (sample or 1) + FAR)
  table.move(more, 1, #more, #said + 1, said)
  return found, said, problem, kind
end

return asking
