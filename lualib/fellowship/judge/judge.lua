-- LLM-as-a-Judge: one model compares two responses to a prompt, by direct comparison, independent scoring
-- or combined scoring (arXiv 2408.08688).

local check = require "fellowship.base.check"
local prompts = require "fellowship.judge.prompts"
local template = require "fellowship.base.template"
local conversation = require "fellowship.dataset.conversation"
local flow = require "fellowship.flow"
local model = require "fellowship.call.model"
local asking = require "fellowship.judge.ask"
local evidence = require "fellowship.judge.evidence"
local pairs_of = require "fellowship.judge.pair"
local vote = require "fellowship.judge.vote"

local judge = {}

judge.strategies = { "direct", "independent", "combined" }

---@class fellowship.Judge
---@field model fellowship.Model
---@field models string[]
---@field warmed? number the temperature of its samples, where it was given none
local Judge = {}
Judge.__index = Judge
Judge.__name = "fellowship.Judge"

local option_types = { model = "string|table", strategy = "string?", scale = "integer?", swap = "boolean?",
  samples = "integer?", vote = "string?", structured = "boolean?", logprobs = "boolean?", again = "string?" }

-- At temperature 0 several samples of the same question are as good as one.
local SAMPLING = 0.7

--- The models of a judge: the one that is asked, and the one that is asked anew where the first's answer cannot be read,
--- which samples where that was given no temperature; and whether the judge's samples are asked so.
local function models_of(options, samples)
  local given = model.new(options.model)
  local warm = given:with_defaults { temperature = SAMPLING }
  if samples == 1 then return given:with_defaults { temperature = 0 }, warm end
  if given.params.temperature == 0 then
    error(("judge's samples: %d of %s at temperature 0 are as good as one; give a temperature, as in %s?temperature=%s")
      :format(samples, given.named, given.named:match "^[^?]*", SAMPLING), 3)
  end
  return warm, warm, given.params.temperature == nil
end

local function check_options(options, strategy, scale, samples)
  check.choice("judge's strategy", strategy, judge.strategies, 3)
  check.choice("judge's vote", options.vote or "mode", { "mode", "mean" }, 3)
  check.choice("judge's again", options.again or "unparsed", { "unparsed" }, 3)
  if scale < 2 then error("judge's scale must be 2 or more", 3) end
  if samples < 1 then error("judge's samples must be 1 or more", 3) end
  if strategy == "direct" and options.vote == "mean" then
    error("judge's vote = mean needs scores, and strategy = direct gives none; use mode", 3)
  end
  if options.logprobs and (strategy == "direct" or options.structured) then
    error("judge's logprobs need scores in lines: strategy combined or independent, and not structured", 3)
  end
end

--- A judge. Temperature 0, as in the paper, unless the model's parameters say otherwise; several samples are asked at
--- 0.7.
--- `structured` asks for the verdict through a JSON schema; `logprobs` makes each score the expected one, over the
--- scores that the model might have written and how likely each was; `again = "unparsed"` asks anew, for another sample,
--- where an answer could not be read.
--- Example:
---     local j = fellowship.judge { model = "openai:gpt-4o", strategy = "combined", swap = true }
---     print(j:compare({ prompt = "Name a river.", a = "The Rhine.", b = "A river." }).winner)
---@param options string|fellowship.Model|{ model: string|fellowship.Model, strategy: "direct"|"independent"|"combined"|nil, scale: integer?, swap: boolean?, samples: integer?, vote: "mode"|"mean"|nil, structured: boolean?, logprobs: boolean?, again: "unparsed"|nil }
---@return fellowship.Judge
function judge.new(options, ...)
  check.no_more("judge", "a model, or one table with the model and the options", ...)
  if type(options) == "string" or model.is(options) then options = { model = options } end
  check.options("judge", options, option_types)
  local strategy, scale, samples = options.strategy or "combined", options.scale or 10, options.samples or 1
  check_options(options, strategy, scale, samples)
  local m, warm, warmed = models_of(options, samples)
  return setmetatable({ model = m, warmed = warmed and SAMPLING or nil, warm = options.again and warm or nil,
    models = { m.named }, strategy = strategy,
    scale = scale, structured = options.structured, logprobs = options.logprobs,
    swap = options.swap or false, samples = samples, vote = options.vote or "mode" }, Judge)
end

--- A question asked and read: as asking gives it. `shown` are the texts in it; images go with them.
local function ask(self, question, again, shown, sample, strategy)
  local reading = { strategy = strategy or self.strategy, scale = self.scale, shown = shown, images = shown.images,
    structured = self.structured, logprobs = self.logprobs }
  return asking.anew(self.model, self.warm, question, template.fill(again, { scale = self.scale }), reading, sample)
end

--- The part of a judge's prompt that shows the reference answer, if there is one.
local function reference_of(pair, texts)
  return pair.reference and template.fill(texts.reference, { reference = pair.reference }) or ""
end

--- Both responses in one thread: combined scoring and direct comparison.
local function both_at_once(self, pair, sample)
  local texts = prompts.get "judge"
  local text = template.fill(texts[self.strategy], { prompt = pair.prompt, response_a = pair.a, response_b = pair.b,
    scale = self.scale, reference = reference_of(pair, texts) })
  local again = self.strategy == "direct" and texts.again_direct or texts.again
  local shown = { pair.a, pair.b, pair.prompt, pair.reference, images = pair.images }
  local found, said, problem, kind = ask(self, text, again, shown, sample)
  found = found or { winner = "unparsed", scores = {}, problem = problem, problem_kind = kind }
  found.evidence = said
  return found
end

--- One response alone, scored: the score, or nil, with what was said and why it could not be read.
local function score_one(self, pair, response, sample)
  local texts = prompts.get "judge"
  local text = template.fill(texts.independent, { prompt = pair.prompt, response = response, scale = self.scale,
    reference = reference_of(pair, texts) })
  local shown = { response, pair.prompt, pair.reference, images = pair.images }
  local found, said, problem, kind = ask(self, text, texts.again_independent, shown, sample, "independent")
  return { score = found and found.scores.score, evidence = said, problem = problem, problem_kind = kind }
end

--- Each response alone.
local function one_by_one(self, pair, sample)
  local a, b = flow.all(
    function() return score_one(self, pair, pair.a, sample) end,
    function() return score_one(self, pair, pair.b, sample) end)
  local said = evidence.join { a, b }
  if not (a.score and b.score) then
    return { winner = "unparsed", scores = {}, evidence = said, problem = a.problem or b.problem,
      problem_kind = a.problem_kind or b.problem_kind }
  end
  local scores = { a = a.score, b = b.score }
  return { winner = vote.by_scores(scores), scores = scores, evidence = said }
end

local function in_one_order(self, pair, sample)
  if self.strategy == "independent" then return one_by_one(self, pair, sample) end
  return both_at_once(self, pair, sample)
end

--- One judgement: in the given order, or in both.
local function judgement(self, pair, sample)
  if not self.swap or self.strategy == "independent" then return in_one_order(self, pair, sample) end
  local first, second = flow.all(
    function() return in_one_order(self, pair, sample) end,
    function() return vote.flip(in_one_order(self, pairs_of.swap(pair), sample)) end)
  return vote.of_both_orders(first, second)
end

--- What a function gives for each of the judge's samples, side by side.
local function each_sample(self, sample, fn)
  local asks, first = {}, ((sample or 1) - 1) * self.samples
  if self.samples == 1 then return { fn(first + 1) } end -- nothing is beside it: no task of its own
  for i = 1, self.samples do
    asks[i] = function() return fn(first + i) end
  end
  return flow.all(asks)
end

--- Several judgements as one verdict.
local function together(self, list)
  local winner, scores = vote.count(list, self.vote)
  local found = { winner = winner, scores = scores or {}, evidence = evidence.join(list), votes = {},
    parsed = #vote.parsed(list) }
  for i, v in ipairs(list) do
    found.votes[i] = vote.kept(v)
    if v.flipped ~= nil then found.flipped = found.flipped or v.flipped end
  end
  if winner == "unparsed" then found.problem, found.problem_kind = vote.problem(list) end
  return found
end

--- Compares two responses to a prompt. A verdict that cannot be read, even after asking once more, has
--- winner "unparsed" and is no error. `sample` is which of several judgements of the same pair.
--- Example:
---     local verdict = judge:compare { prompt = "Name a river.", a = "The Rhine.", b = "A river." }
---     print(verdict.winner, verdict.scores.a, verdict.scores.b)
---@param pair { prompt: string?, a: string?, b: string?, reference: string?, conversation_a: table?, conversation_b: table?, sample: integer? }
---@return fellowship.Verdict
function Judge:compare(pair, ...)
  check.method(self, Judge, "judge:compare")
  check.no_more("compare", "one table, the pair", ...)
  local read = pairs_of.read(pair)
  local found = pairs_of.identical(read)
  if not found then
    local list = each_sample(self, read.sample, function(sample) return judgement(self, read, sample) end)
    found = #list == 1 and list[1] or together(self, list)
  end
  found.evaluator, found.models = "judge", self.models
  return found
end

local scored = { prompt = "string|table", response = "string", reference = "string?", sample = "integer?" }

--- Scores one response alone, in the form of independent scoring, whatever the judge's strategy is. The score is the mean
--- of the judge's samples that could be read, and nil when none could; that is no error.
--- Example:
---     local found = judge:score { prompt = "Name a river.", response = "The Rhine." }
---     print(found.score)
---@param given { prompt: string|table[], response: string, reference: string?, sample: integer? }
---@return { score: number?, scores: number[], evidence: table[], models: string[], problem: string?, problem_kind: string? }
function Judge:score(given)
  check.options("score", given, scored)
  local read = { prompt = conversation.text(given.prompt), reference = given.reference,
    images = conversation.images(given.prompt) }
  local list = each_sample(self, given.sample, function(sample)
    return score_one(self, read, given.response, sample)
  end)
  local found = { scores = {}, evidence = evidence.join(list), models = self.models }
  local sum = 0
  for _, one in ipairs(list) do
    if one.score then found.scores[#found.scores + 1], sum = one.score, sum + one.score end
  end
  if #found.scores > 0 then found.score = #found.scores == 1 and sum or sum / #found.scores
  else found.problem, found.problem_kind = vote.problem(list) end
  return found
end

return judge
