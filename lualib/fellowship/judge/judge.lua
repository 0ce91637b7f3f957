-- LLM-as-a-Judge: one model compares two responses to a prompt, by direct comparison, independent scoring
-- or combined scoring (arXiv 2408.08688).

local check = require "fellowship.base.check"
local prompts = require "fellowship.judge.prompts"
local template = require "fellowship.base.template"
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
local Judge = {}
Judge.__index = Judge
Judge.__name = "fellowship.Judge"

local option_types = { model = "string|table", strategy = "string?", scale = "integer?", swap = "boolean?",
  samples = "integer?", vote = "string?", structured = "boolean?", logprobs = "boolean?" }

--- A judge. Temperature 0, as in the paper, unless the model's parameters say otherwise.
--- `structured` asks for the verdict through a JSON schema; `logprobs` makes each score the expected one, over the
--- scores that the model might have written and how likely each was.
--- Example:
---     local j = fellowship.judge { model = "openai:gpt-4o", strategy = "combined", swap = true }
---     print(j:compare({ prompt = "Name a river.", a = "The Rhine.", b = "A river." }).winner)
---@param options string|fellowship.Model|{ model: string|fellowship.Model, strategy: "direct"|"independent"|"combined"|nil, scale: integer?, swap: boolean?, samples: integer?, vote: "mode"|"mean"|nil, structured: boolean?, logprobs: boolean? }
---@return fellowship.Judge
function judge.new(options, ...)
  check.no_more("judge", "a model, or one table with the model and the options", ...)
  if type(options) == "string" or model.is(options) then options = { model = options } end
  check.options("judge", options, option_types)
  local strategy, scale, samples = options.strategy or "combined", options.scale or 10, options.samples or 1
  check.choice("judge's strategy", strategy, judge.strategies)
  check.choice("judge's vote", options.vote or "mode", { "mode", "mean" })
  if scale < 2 then error("judge's scale must be 2 or more", 2) end
  if samples < 1 then error("judge's samples must be 1 or more", 2) end
  if options.logprobs and (strategy == "direct" or options.structured) then
    error("judge's logprobs need scores in lines: strategy combined or independent, and not structured", 2)
  end
  local m = model.new(options.model):with_defaults { temperature = 0 }
  return setmetatable({ model = m, models = { m.named }, strategy = strategy, scale = scale,
    structured = options.structured, logprobs = options.logprobs,
    swap = options.swap or false, samples = samples, vote = options.vote or "mode" }, Judge)
end

local function ask(self, question, again, shown, sample)
  local reading = { strategy = self.strategy, scale = self.scale, shown = shown,
    structured = self.structured, logprobs = self.logprobs }
  return asking(self.model, question, template.fill(again, { scale = self.scale }), reading, sample)
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
  local found, said, problem, kind = ask(self, text, again, { pair.a, pair.b, pair.prompt, pair.reference }, sample)
  found = found or { winner = "unparsed", scores = {}, problem = problem, problem_kind = kind }
  found.evidence = said
  return found
end

--- Each response alone, scored.
local function one_by_one(self, pair, sample)
  local texts = prompts.get "judge"
  local function score(response)
    local text = template.fill(texts.independent, { prompt = pair.prompt, response = response, scale = self.scale,
      reference = reference_of(pair, texts) })
    local found, said, problem, kind = ask(self, text, texts.again_independent, { response, pair.prompt,
      pair.reference }, sample)
    return { score = found and found.scores.score, evidence = said, problem = problem, kind = kind }
  end
  local a, b = flow.all(function() return score(pair.a) end, function() return score(pair.b) end)
  local said = evidence.join { a, b }
  if not (a.score and b.score) then
    return { winner = "unparsed", scores = {}, evidence = said, problem = a.problem or b.problem,
      problem_kind = a.kind or b.kind }
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

--- Several samples of a judgement as one verdict.
local function several(self, pair, first_sample)
  local asks = {}
  for i = 1, self.samples do
    asks[i] = function() return judgement(self, pair, first_sample + i - 1) end
  end
  local list = table.pack(flow.all(table.unpack(asks)))
  local winner, scores = vote.count(list, self.vote)
  local flipped
  for _, v in ipairs(list) do
    if v.flipped ~= nil then flipped = flipped or v.flipped end
  end
  return { winner = winner, scores = scores or {}, evidence = evidence.join(list), flipped = flipped }
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
  local first = ((read.sample or 1) - 1) * self.samples + 1
  local found = self.samples == 1 and judgement(self, read, first) or several(self, read, first)
  found.evaluator, found.models = "judge", self.models
  return found
end

return judge
