-- The LLM Feedback Loop (arXiv 2408.08688): a generator answers, one or more reviewers criticise, the
-- generator revises in its same conversation, and so on.

local check = require "fellowship.base.check"
local lazy = require "fellowship.base.lazy"
local conversation = require "fellowship.dataset.conversation"
local prompts = require "fellowship.judge.prompts"
local template = require "fellowship.base.template"
local flow = require "fellowship.flow"
local estimate = lazy "fellowship.rehearse"
local model = require "fellowship.call.model"
local settings = require "fellowship.call.settings"
local verdict = require "fellowship.judge.verdict"

local feedback = {}

---@class fellowship.Loop
local Loop = {}
Loop.__index = Loop
Loop.__name = "fellowship.Loop"

local ZERO = { temperature = 0 }

-- What a review's score is out of; the prompt asks for it so.
local SCALE = 10

local option_types = { generator = "string|table", reviewers = "table", responses = "integer?",
  ["until"] = "number|function?" }

--- A feedback loop. Temperature 0 unless a model's parameters say otherwise. With `until` it ends before its last
--- response: once the mean of the reviewers' scores of a response (from 1 to 10; those that can be read) is that number
--- or more, or once a function of yours says so, which is given { response =, round =, feedback =, scores = }.
--- Example: `local loop = fellowship.feedback { generator = "openai:gpt-4o-mini", reviewers = { "openai:gpt-4o" } }`
--- Example: `fellowship.feedback { generator = "sim:writer", reviewers = { "sim:critic" }, ["until"] = 9 }`
---@param options { generator: string|fellowship.Model, reviewers: (string|fellowship.Model)[], responses: integer?, until: number|(fun(state: table): boolean?)|nil }
---@return fellowship.Loop
function feedback.new(options, ...)
  check.no_more("feedback", "one table of options", ...)
  check.options("feedback", options, option_types)
  local responses, stop = options.responses or 3, options["until"]
  if type(stop) == "number" and not (stop >= 1 and stop <= SCALE) then
    error(("feedback's until is a score from 1 to %d, not %s"):format(SCALE, stop), 2)
  end
  if responses < 1 then error("feedback's responses must be 1 or more", 2) end
  if #options.reviewers == 0 and responses > 1 then error("feedback needs at least one reviewer", 2) end
  local self = { generator = model.new(options.generator):with_defaults(ZERO), reviewers = {}, responses = responses,
    stop = stop }
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
  return { table.unpack(messages) } -- of its size at once
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

-- What is told of a call in a conversation that goes on behind it, or ends with it.
local GOES_ON, ENDS = { goes_on = true }, { goes_on = false }

--- Each reviewer's feedback on a response, in declared order; they do not see each other.
---@return fellowship.Review[]
---@return boolean known whether the store had all of it
local function review(self, talks, shown, goes_on, sample)
  local asks, reviews, known = {}, {}, true
  local texts = prompts.get "feedback"
  for i, reviewer in ipairs(self.reviewers) do
    local is_first = #talks[i] == 0
    local text = template.fill(is_first and texts.review or texts.review_again, shown)
    say(talks[i], "user", is_first and conversation.with_images(text, shown.images) or text)
    reviews[i] = { reviewer = i, request = copy(talks[i]) }
    asks[i] = function()
      local completion = reviewer.model:ask(talks[i], { sample = reviewer.sample + (sample - 1) * #self.reviewers,
        how = goes_on and GOES_ON or ENDS })
      reviews[i].feedback, reviews[i].cut = completion.text, completion.finish_reason == "length" or nil
      known = known and completion.stored
    end
  end
  if #asks == 1 then asks[1]() else flow.all(asks) end -- one alone needs no task of its own
  for i, given in ipairs(reviews) do say(talks[i], "assistant", given.feedback) end
  return reviews, known
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

-- ---- scores ----

--- The scores that reviewers gave a response, in their order; false where none can be read. What a reviewer quotes is not
--- its own.
local function scores_of(round)
  local scores = {}
  for i, text in ipairs(round.feedback) do
    local found = verdict.parse(text, { strategy = "independent", scale = SCALE,
      candidates = { round.response, round.prompt } })
    scores[i] = found and found.scores.score or false
  end
  return scores
end

-- Scores are read when somebody wants them.
local Result = { __index = function(result, name)
  if name ~= "scores" then return nil end
  local scores = {}
  for n, texts in ipairs(result.feedback) do
    scores[n] = scores_of { prompt = result.prompt, response = result.responses[n], feedback = texts }
  end
  rawset(result, "scores", scores)
  return scores
end }

local function mean(scores)
  local sum, n = 0, 0
  for _, score in ipairs(scores) do
    if score then sum, n = sum + score, n + 1 end
  end
  return n > 0 and sum / n or nil
end

--- Whether the loop has what it wants. A dry run goes on where it is not known what would be said.
local function is_enough(self, round, known)
  if not self.stop then return false end
  if settings.dry_run and not known then
    estimate.doubt()
    return false
  end
  round.scores = scores_of(round)
  if type(self.stop) == "function" then return self.stop(round) and true or false end
  local score = mean(round.scores)
  return score ~= nil and score >= self.stop
end

-- ---- the loop ----

local response_types = { sample = "integer?" }

---@class fellowship.Responses what a generator gives, be it a model, a loop or several of them
---@field text string the last response
---@field responses string[]
---@field cut table<integer, boolean> which of them a limit of tokens cut off
---@field feedback string[][] by round and reviewer
---@field rounds fellowship.Round[]
---@field scores? (number|false)[][] what reviewers said that responses are worth, out of 10, by round and reviewer; false where that cannot be read

--- Runs the loop on a prompt. `rounds` holds the conversations as they stood, for who wants to go on from there.
--- Example: `local result = loop:respond "Explain tides."; print(result.responses[3])`
---@param prompt string|fellowship.Message[]
---@param options? { sample: integer? } which of several runs of the loop: every call in it is another sample
---@return fellowship.Responses
function Loop:respond(prompt, options, ...)
  check.method(self, Loop, "loop:respond")
  check.no_more("respond", "a prompt and a table of options", ...)
  check.type("the prompt", prompt, "string|table")
  if options then check.options("respond", options, response_types) end
  local sample = options and options.sample or 1
  if sample < 1 then error("sample must be a whole number from 1", 2) end
  local talk, talks = conversation.messages(prompt), {}
  local shown = { prompt = conversation.text(prompt), images = conversation.images(prompt) }
  for i in ipairs(self.reviewers) do talks[i] = {} end
  local responses, cut, feedback_by_round, rounds = {}, {}, {}, {}
  for n = 1, self.responses do
    local completion = self.generator:ask(talk, { sample = sample, how = n < self.responses and GOES_ON or ENDS })
    responses[n], cut[n] = completion.text, completion.finish_reason == "length" or nil
    if n < self.responses then
      say(talk, "assistant", responses[n])
      shown.response = responses[n]
      local reviews, known = review(self, talks, shown, n + 1 < self.responses, sample)
      local round = { answered = copy(talk), reviews = reviews }
      feedback_by_round[n] = feedback_of(round.reviews)
      if is_enough(self, { prompt = shown.prompt, response = responses[n], round = n,
        feedback = feedback_by_round[n] }, known) then
        break
      end
      say(talk, "user", feedback.revision_request(feedback_by_round[n]))
      round.request = copy(talk)
      rounds[n] = round
    end
  end
  return setmetatable({ text = responses[#responses], responses = responses, cut = cut, feedback = feedback_by_round,
    rounds = rounds, prompt = shown.prompt }, Result)
end

--- Whether a value is a loop.
---@param value any
---@return boolean
function feedback.is(value)
  return getmetatable(value) == Loop
end

return feedback
