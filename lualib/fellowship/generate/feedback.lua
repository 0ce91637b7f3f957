-- The LLM Feedback Loop (arXiv 2408.08688): a generator answers, one or more reviewers criticise, the
-- generator revises in its same conversation, and so on.

local check = require "fellowship.base.check"
local prompts = require "fellowship.base.prompts"
local template = require "fellowship.base.template"
local flow = require "fellowship.flow"
local model = require "fellowship.model"

local feedback = {}

---@class fellowship.Loop
local Loop = {}
Loop.__index = Loop
Loop.__name = "fellowship.Loop"

local ZERO = { temperature = 0 }

--- A feedback loop. Temperature 0 unless a model's parameters say otherwise.
--- Example: `local loop = fellowship.feedback { generator = "openai:gpt-4o-mini", reviewers = { "openai:gpt-4o" } }`
---@param options { generator: string|fellowship.Model, reviewers: (string|fellowship.Model)[], responses: integer? }
---@return fellowship.Loop
function feedback.new(options)
  check.options("feedback", options, { generator = "string|table", reviewers = "table", responses = "integer?" })
  local responses = options.responses or 3
  if responses < 1 then error("feedback's responses must be 1 or more", 2) end
  if #options.reviewers == 0 and responses > 1 then error("feedback needs at least one reviewer", 2) end
  local self = { generator = model.new(options.generator):with_defaults(ZERO), reviewers = {}, responses = responses }
  self.models = { self.generator.named }
  local times = {}
  for i, named in ipairs(options.reviewers) do
    local reviewer = model.new(named):with_defaults(ZERO)
    -- The same model twice is two samples: derived from position, so that a rerun asks the same.
    times[reviewer.named] = (times[reviewer.named] or 0) + 1
    self.reviewers[i] = { model = reviewer, sample = times[reviewer.named] }
    self.models[i + 1] = reviewer.named
  end
  return setmetatable(self, Loop)
end

local function say(messages, role, content)
  messages[#messages + 1] = { role = role, content = content }
end

--- Each reviewer's feedback on a response, in declared order; they do not see each other.
local function review(self, talks, prompt, response, round)
  local texts = prompts.get "feedback"
  local asks = {}
  for i, reviewer in ipairs(self.reviewers) do
    say(talks[i], "user", template.fill(round == 1 and texts.review or texts.review_again,
      { prompt = prompt, response = response }))
    asks[i] = function() return reviewer.model:ask(talks[i], { sample = reviewer.sample }).text end
  end
  local given = table.pack(flow.all(table.unpack(asks)))
  given.n = nil
  for i, text in ipairs(given) do say(talks[i], "assistant", text) end
  return given
end

--- Runs the loop on a prompt.
--- Example: `local result = loop:respond "Explain tides."; print(result.responses[3])`
---@param prompt string
---@return { text: string, responses: string[], feedback: string[][] } the last response; all; feedback by round and reviewer
function Loop:respond(prompt)
  check.type("the prompt", prompt, "string")
  local talk, talks = { { role = "user", content = prompt } }, {}
  for i in ipairs(self.reviewers) do talks[i] = {} end
  local responses, rounds = {}, {}
  for n = 1, self.responses do
    responses[n] = self.generator:ask(talk).text
    if n < self.responses then
      say(talk, "assistant", responses[n])
      rounds[n] = review(self, talks, prompt, responses[n], n)
      say(talk, "user", template.fill(prompts.get("feedback").revise, { feedback = table.concat(rounds[n], "\n\n") }))
    end
  end
  return { text = responses[#responses], responses = responses, feedback = rounds }
end

return feedback
