-- LLM-as-a-Judge: one model compares two responses to a prompt. Combined scoring: both are shown in one
-- thread and each is scored.

local check = require "fellowship.base.check"
local prompts = require "fellowship.base.prompts"
local template = require "fellowship.base.template"
local model = require "fellowship.model"
local verdict = require "fellowship.evaluate.verdict"

local judge = {}

---@class fellowship.Judge
---@field model fellowship.Model
---@field models string[]
local Judge = {}
Judge.__index = Judge
Judge.__name = "fellowship.Judge"

--- A judge. Temperature 0, as in the paper, unless the model's parameters say otherwise.
--- Example: `local j = fellowship.judge { model = "openai:gpt-4o" }; print(j:compare { prompt = p, a = x, b = y }.winner)`
---@param options string|fellowship.Model|{ model: string|fellowship.Model, strategy: "combined"?, scale: integer? }
---@return fellowship.Judge
function judge.new(options)
  if type(options) == "string" or model.is(options) then options = { model = options } end
  check.options("judge", options, { model = "string|table", strategy = "string?", scale = "integer?" })
  check.choice("judge's strategy", options.strategy or "combined", { "combined" })
  local scale = options.scale or 10
  if scale < 2 then error("judge's scale must be 2 or more", 2) end
  local m = model.new(options.model):with_defaults { temperature = 0 }
  return setmetatable({ model = m, models = { m.named }, scale = scale }, Judge)
end

--- One more question in the same conversation, when the first answer held no verdict.
local function ask_again(self, messages, completion, sample)
  local more = table.move(messages, 1, #messages, 1, {})
  more[#more + 1] = { role = "assistant", content = completion.text }
  more[#more + 1] = { role = "user", content = template.fill(prompts.get("judge").again, { scale = self.scale }) }
  return self.model:ask(more, { sample = sample })
end

local function evidence(self, completion)
  return { model = self.model.named, text = completion.text, finish_reason = completion.finish_reason }
end

--- Compares two responses to a prompt. A verdict that cannot be read, even after asking once more, has
--- winner "unparsed" and is no error.
---@param pair { prompt: string, a: string, b: string, sample: integer? }
---@return fellowship.Verdict
function Judge:compare(pair)
  check.options("compare", pair, { prompt = "string", a = "string", b = "string", sample = "integer?" })
  local text = template.fill(prompts.get("judge").combined,
    { prompt = pair.prompt, response_a = pair.a, response_b = pair.b, scale = self.scale })
  local messages = { { role = "user", content = text } }
  local reading = { strategy = "combined", scale = self.scale, candidates = { pair.a, pair.b } }
  local completion = self.model:ask(messages, { sample = pair.sample })
  local said = { evidence(self, completion) }
  local found, problem = verdict.parse(completion.text, reading)
  if not found then
    completion = ask_again(self, messages, completion, pair.sample)
    said[2] = evidence(self, completion)
    found, problem = verdict.parse(completion.text, reading)
  end
  found = found or { winner = "unparsed", scores = {}, problem = problem }
  found.evaluator, found.models, found.evidence = "judge", self.models, said
  return found
end

return judge
