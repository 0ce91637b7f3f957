-- Preference orders for training a loop's members (multi-model improvement, arXiv 2408.08688): which revision the
-- judge preferred after the same request, and which feedback led to a better response.

local json = require "fellowship.core.json"
local flow = require "fellowship.flow"
local ladder = require "fellowship.preference.ladder"

local improvement = {}

---@class fellowship.Contest a prompt with several answers, and what is known of their order
---@field prompt fellowship.Message[]
---@field texts string[]
---@field order fellowship.Order
---@field cut table<integer, boolean> which of the texts a limit of tokens cut off
---@field places? integer[] where the texts stand among the round's reviews
---@field reason? string why the order can hold no pair

--- What the judge says of a round's branches: the revisions climb the ladder; each review's revision is compared, as
--- B, with the response that was reviewed.
--- Example:
---     local result = loop:respond "Name a river."
---     local grown = fellowship.preference.members.grow(loop, result)[1]
---     local judged = fellowship.preference.members.judge(judge, "Name a river.", result.responses[1], grown)
---     print(#judged.revisions, #judged.reviews)
---@param judge table an evaluator
---@param shown string the prompt as the judge is shown it
---@param response string the response that was reviewed
---@param grown fellowship.Branches
---@return { revisions: fellowship.Comparison[], reviews: fellowship.Verdict[] }
function improvement.judge(judge, shown, response, grown)
  local asks = { function()
    return ladder.climb(#grown.revisions, function(a, b)
      return judge:compare { prompt = shown, a = grown.revisions[a], b = grown.revisions[b] }
    end)
  end }
  for i, review in ipairs(grown.reviews) do
    asks[i + 1] = function() return judge:compare { prompt = shown, a = response, b = review.revision } end
  end
  local found = flow.all(asks)
  return { revisions = table.remove(found, 1), reviews = found }
end

--- The contest of a round's revisions.
--- Example:
---     local result = loop:respond "Name a river."
---     local grown = fellowship.preference.members.grow(loop, result)[1]
---     local judged = fellowship.preference.members.judge(judge, "Name a river.", result.responses[1], grown)
---     local contest = fellowship.preference.members.revisions(grown, judged.revisions)
---     print(#contest.texts)
---@param grown fellowship.Branches
---@param comparisons fellowship.Comparison[]
---@return fellowship.Contest
function improvement.of_revisions(grown, comparisons)
  return { prompt = grown.request, texts = grown.revisions, cut = grown.cut,
    order = ladder.order(#grown.revisions, comparisons) }
end

--- By how much the response scored higher after a review; 0 where the scores are not known.
local function gain(verdict)
  local scores = verdict.scores or {}
  return scores.a and scores.b and scores.b - scores.a or 0
end

--- The order of feedback on one request: each after which the response improved is above each after which it did not.
local function order_of(verdicts)
  local improved, others = {}, {}
  for i, verdict in ipairs(verdicts) do
    if verdict.winner == "b" then improved[#improved + 1] = i
    elseif verdict.winner ~= "unparsed" then others[#others + 1] = i end
  end
  local function by_gain(i, j)
    local x, y = gain(verdicts[i]), gain(verdicts[j])
    if x ~= y then return x < y end
    return i > j
  end
  table.sort(improved, by_gain) -- the order's best is the one kept last
  local comparisons = {}
  for _, i in ipairs(improved) do
    for _, j in ipairs(others) do
      comparisons[#comparisons + 1] = { a = i, b = j,
        verdict = { winner = "a", scores = { a = gain(verdicts[i]), b = gain(verdicts[j]) } } }
    end
  end
  local reason = #verdicts < 2 and "single feedback" or #improved + #others < 2 and "unparsed"
    or #improved == 0 and "none improved" or #others == 0 and "all improved" or nil
  return ladder.order(#verdicts, comparisons), reason
end

--- The contests of a round's feedback, one for each request: reviewers who were asked the same compete.
--- Example:
---     local result = loop:respond "Name a river."
---     local grown = fellowship.preference.members.grow(loop, result)[1]
---     local judged = fellowship.preference.members.judge(judge, "Name a river.", result.responses[1], grown)
---     for _, contest in ipairs(fellowship.preference.members.reviews(grown, judged.reviews)) do print(#contest.texts) end
---@param grown fellowship.Branches
---@param verdicts fellowship.Verdict[] of each review's revision
---@return fellowship.Contest[]
function improvement.of_reviews(grown, verdicts)
  local groups, by_request = {}, {}
  for i, review in ipairs(grown.reviews) do
    local request = json.canonical(review.request)
    local group = by_request[request]
    if not group then
      group = { prompt = review.request, texts = {}, cut = {}, verdicts = {}, places = {} }
      groups[#groups + 1], by_request[request] = group, group
    end
    table.insert(group.places, i)
    table.insert(group.texts, review.feedback)
    group.cut[#group.texts] = review.cut
    table.insert(group.verdicts, verdicts[i])
  end
  for _, group in ipairs(groups) do group.order, group.reason = order_of(group.verdicts) end
  return groups
end

return improvement
