-- The LLM Feedback Loop (arXiv 2408.08688): a generator answers, one or more reviewers criticise, the
-- generator revises in its same conversation, and so on.

local check = require "fellowship.base.check"
local conversation = require "fellowship.dataset.conversation"
local prompts = require "fellowship.judge.prompts"
local template = require "fellowship.base.template"
local flow = require "fellowship.flow"
local model = require "fellowship.call.model"

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
function feedback.new(options, ...)
  check.no_more("feedback", "one table of options", ...)
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

local function copy(messages)
  return table.move(messages, 1, #messages, 1, {})
end

---@class fellowship.Review one reviewer's part in a round
---@field reviewer integer its place among the reviewers
---@field request fellowship.Message[] the reviewer's conversation up to what it was asked
---@field feedback string
---@field cut boolean? whether a limit of tokens cut it off

---@class fellowship.Round what led from one response to the next
---@field answered fellowship.Message[] the generator's conversation up to the response that is reviewed
---@field request fellowship.Message[] the same up to the revision request
---@field reviews fellowship.Review[]

--- Each reviewer's feedback on a response, in declared order; they do not see each other.
---@return fellowship.Review[]
local function review(self, talks, shown, goes_on)
  local asks, reviews = {}, {}
  local texts = prompts.get "feedback"
  for i, reviewer in ipairs(self.reviewers) do
    local is_first = #talks[i] == 0
    local text = template.fill(is_first and texts.review or texts.review_again, shown)
    say(talks[i], "user", is_first and conversation.with_images(text, shown.images) or text)
    reviews[i] = { reviewer = i, request = copy(talks[i]) }
    asks[i] = function()
      local completion = reviewer.model:ask(talks[i], { sample = reviewer.sample, how = { goes_on = goes_on } })
      reviews[i].feedback, reviews[i].cut = completion.text, completion.finish_reason == "length" or nil
    end
  end
  flow.all(asks)
  for i, given in ipairs(reviews) do say(talks[i], "assistant", given.feedback) end
  return reviews
end

--- What the generator is told of some feedback.
---@param texts string[] the reviewers' feedback, in declared order
---@return string
function feedback.revision_request(texts)
  return template.fill(prompts.get("feedback").revise, { feedback = table.concat(texts, "\n\n") })
end

local function feedback_of(reviews)
  local texts = {}
  for i, given in ipairs(reviews) do texts[i] = given.feedback end
  return texts
end

--- Runs the loop on a prompt. `rounds` holds the conversations as they stood, for who wants to go on from there.
--- Example: `local result = loop:respond "Explain tides."; print(result.responses[3])`
---@param prompt string|fellowship.Message[]
---@return { text: string, responses: string[], cut: table<integer, boolean>, feedback: string[][], rounds: fellowship.Round[] } the last response; all; which of them a limit of tokens cut off; feedback by round and reviewer
function Loop:respond(prompt, ...)
  check.method(self, Loop, "loop:respond")
  check.no_more("respond", "one prompt", ...)
  check.type("the prompt", prompt, "string|table")
  local talk, talks = conversation.messages(prompt), {}
  local shown = { prompt = conversation.text(prompt), images = conversation.images(prompt) }
  for i in ipairs(self.reviewers) do talks[i] = {} end
  local responses, cut, feedback_by_round, rounds = {}, {}, {}, {}
  for n = 1, self.responses do
    local completion = self.generator:ask(talk, { how = { goes_on = n < self.responses } })
    responses[n], cut[n] = completion.text, completion.finish_reason == "length" or nil
    if n < self.responses then
      say(talk, "assistant", responses[n])
      shown.response = responses[n]
      local round = { answered = copy(talk), reviews = review(self, talks, shown, n + 1 < self.responses) }
      feedback_by_round[n] = feedback_of(round.reviews)
      say(talk, "user", feedback.revision_request(feedback_by_round[n]))
      round.request = copy(talk)
      rounds[n] = round
    end
  end
  return { text = responses[#responses], responses = responses, cut = cut, feedback = feedback_by_round,
    rounds = rounds }
end

return feedback
