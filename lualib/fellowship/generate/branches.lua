-- Branches off a feedback loop: at each round more revisions after the same request, more feedback from each
-- reviewer, and for every feedback the revision that it alone leads to. They show which revision and which
-- feedback was better where all else was equal, which is what training the members of the loop needs
-- (multi-model improvement, arXiv 2408.08688).

local check = require "fellowship.base.check"
local feedback = require "fellowship.generate.feedback"
local flow = require "fellowship.flow"

local branches = {}

---@class fellowship.ReviewBranch
---@field reviewer integer
---@field sample integer which of the reviewer's samples, from 1: the loop's own
---@field request fellowship.Message[] what the reviewer was asked
---@field feedback string
---@field cut boolean? whether a limit of tokens cut the feedback off
---@field revision string the response revised after this feedback alone

---@class fellowship.Branches of one round
---@field request fellowship.Message[] the generator's conversation up to the revision request
---@field revisions string[] answers to it, the loop's own first
---@field cut table<integer, boolean> which of them a limit of tokens cut off
---@field reviews fellowship.ReviewBranch[] by reviewer, then by sample

local known = { revisions = "integer?", feedbacks = "integer?", temperature = "number?" }

--- The loop's own completions are sample 1 and asked as the loop asks; the others are asked at `temperature`.
local function options_for(sample, temperature)
  return { sample = sample, temperature = sample > 1 and temperature or nil }
end

--- All answers to the round's revision request.
local function revise_again(loop, round, own, own_cut, o)
  local revisions, cut, asks = { own }, { own_cut }, {}
  for s = 2, o.revisions do
    asks[s - 1] = function()
      local completion = loop.generator:ask(round.request, options_for(s, o.temperature))
      revisions[s], cut[s] = completion.text, completion.finish_reason == "length" or nil
    end
  end
  flow.all(asks)
  return { texts = revisions, cut = cut }
end

--- A reviewer's feedback (its own of the loop, or another sample of it) and where it alone leads.
local function review_branch(loop, round, own, sample, temperature)
  local given, cut = own.feedback, own.cut
  if sample > 1 then
    local reviewer = loop.reviewers[own.reviewer]
    -- Past the samples of reviewers that are the same model.
    local options = options_for(reviewer.sample + (sample - 1) * #loop.reviewers, temperature)
    local completion = reviewer.model:ask(own.request, options)
    given, cut = completion.text, completion.finish_reason == "length" or nil
  end
  local talk = table.move(round.answered, 1, #round.answered, 1, {})
  talk[#talk + 1] = { role = "user", content = feedback.revision_request { given } }
  return { reviewer = own.reviewer, sample = sample, request = own.request, feedback = given, cut = cut,
    revision = loop.generator:ask(talk).text }
end

local function review_branches(loop, round, o)
  local asks = {}
  for _, own in ipairs(round.reviews) do
    for sample = 1, o.feedbacks do
      asks[#asks + 1] = function() return review_branch(loop, round, own, sample, o.temperature) end
    end
  end
  return flow.all(asks)
end

--- Grows branches at every round of a loop's result.
--- Example:
---     local grown = fellowship.preference.members.grow(loop, loop:respond "Name a river.", { revisions = 2, feedbacks = 2 })
---     print(#grown[1].revisions) --> 2
---@param loop fellowship.Loop
---@param result table as loop:respond gives it
---@param options? { revisions: integer?, feedbacks: integer?, temperature: number? } answers to each revision request, samples of each reviewer (both 2), temperature of all but the loop's own (0.7)
---@return fellowship.Branches[] by round
function branches.grow(loop, result, options)
  options = options or {}
  check.options("branches", options, known)
  local o = { revisions = options.revisions or 2, feedbacks = options.feedbacks or 2,
    temperature = options.temperature or 0.7 }
  local grown, asks = {}, {}
  for n, round in ipairs(result.rounds) do
    asks[n] = function()
      local revisions, reviews = flow.all(
        function() return revise_again(loop, round, result.responses[n + 1], result.cut[n + 1], o) end,
        function() return review_branches(loop, round, o) end)
      grown[n] = { request = round.request, revisions = revisions.texts, cut = revisions.cut, reviews = reviews }
    end
  end
  flow.all(asks)
  return grown
end

return branches
