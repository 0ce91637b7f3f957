-- Rankings: ways to an order of several responses to one prompt. Each is an object with one method, `rank`, and they are
-- exchanged freely: by comparisons (ladder, round robin) or by a score of each response alone (a judge's, a rubric's, a
-- reward model's). A response that cannot be scored has no place in the order, and `problem` says why.

local check = require "fellowship.base.check"
local errors = require "fellowship.base.errors"
local flow = require "fellowship.flow"
local judge = require "fellowship.judge.judge"
local rubric = require "fellowship.judge.rubric"
local model = require "fellowship.call.model"
local ladder = require "fellowship.preference.ladder"

local ranking = {}

ranking.names = { "ladder", "round-robin", "scores", "rubric", "reward" }

---@class fellowship.Rating what is said of one response alone
---@field score number? nil where it could not be had
---@field scores number[]? of each sample
---@field criteria table[]? of a rubric: each criterion's name, weight and value
---@field label string? of a reward model that tells classes apart
---@field evidence table[]? what the models wrote
---@field models string[]
---@field problem any why there is no score
---@field problem_kind string? the same in a word
---@field error fellowship.Error? where a call failed

---@class fellowship.Ranked
---@field order fellowship.Order
---@field comparisons fellowship.Comparison[]? of rankings by comparisons
---@field ratings fellowship.Rating[]? of rankings by scores: one for each response

---@class fellowship.ToRank
---@field prompt string|fellowship.Message[]
---@field responses string[]
---@field reference string? an answer that is known to be good
---@field criteria table|string|nil the row's own rubric

local to_rank = { prompt = "string|table", responses = "table", reference = "string?", criteria = "table|string?" }

-- ---- by comparisons ----

---@class fellowship.ByComparisons
local ByComparisons = {}
ByComparisons.__index = ByComparisons
ByComparisons.__name = "fellowship.ByComparisons"

--- An evaluator, or the model of a judge.
local function evaluator_of(given, where)
  if type(given) == "table" and type(given.compare) == "function" then return given end
  if given == nil then error(where .. " needs an evaluator, or the model of a judge", 3) end
  return judge.new(given)
end

local function by_comparisons(name, evaluator)
  return setmetatable({ name = name, evaluator = evaluator, models = evaluator.models,
    contest = name == "ladder" and ladder.climb or ladder.everyone }, ByComparisons)
end

--- The ladder of arXiv 2408.08688: see fellowship.preference.climb.
--- Example: `print(fellowship.preference.rankings.ladder("sim:judge").name) --> ladder`
---@param evaluator table|string a judge, jury or debate, or a model, which then judges
---@return fellowship.ByComparisons
function ranking.ladder(evaluator)
  return by_comparisons("ladder", evaluator_of(evaluator, "the ladder"))
end

--- Everyone against everyone; where wins go in a circle, by Bradley-Terry strengths within it.
--- Example:
---     local ranked = fellowship.preference.rankings.round_robin("sim:judge"):rank { prompt = "Name a river.",
---       responses = { "The Rhine.", "A river.", "The Danube." } }
---     print(#ranked.comparisons) --> 3
---@param evaluator table|string
---@return fellowship.ByComparisons
function ranking.round_robin(evaluator)
  return by_comparisons("round-robin", evaluator_of(evaluator, "a round robin"))
end

--- Ranks responses to a prompt.
--- Example:
---     local ranked = fellowship.preference.rankings.ladder("sim:judge"):rank { prompt = "Name a river.",
---       responses = { "The Rhine.", "A river." } }
---     print(#ranked.comparisons) --> 1
---@param given fellowship.ToRank
---@return fellowship.Ranked
function ByComparisons:rank(given)
  check.method(self, ByComparisons, "ranking:rank")
  check.options("rank", given, to_rank)
  local responses = given.responses
  local comparisons = self.contest(#responses, function(a, b)
    return self.evaluator:compare { prompt = given.prompt, a = responses[a], b = responses[b],
      reference = given.reference }
  end)
  return { order = ladder.unwind(ladder.order(#responses, comparisons)), comparisons = comparisons }
end

-- ---- by a score of each ----

---@class fellowship.ByScores
---@field rate fun(given: fellowship.ToRank, response: string): fellowship.Rating
local ByScores = {}
ByScores.__index = ByScores
ByScores.__name = "fellowship.ByScores"

--- A ranking by what `rate` says of each response alone. One that fails leaves the others in place.
---@param name string
---@param models string[]
---@param rate fun(given: fellowship.ToRank, response: string): fellowship.Rating
---@return fellowship.ByScores
function ranking.by(name, models, rate)
  return setmetatable({ name = name, models = models, rate = rate }, ByScores)
end

local function is_number(score)
  return type(score) == "number" and score == score and math.abs(score) < math.huge
end

--- What is said of a response; a call that fails is its problem alone, unless it ends the run.
local function rate(self, given, response)
  local well, rating = pcall(self.rate, given, response)
  if well and rating.score ~= nil and not is_number(rating.score) then
    well, rating = false, errors.new { kind = "score", message = ("the score is no number: %s"):format(rating.score) }
  end
  if well then return rating end
  local problem = errors.from(rating)
  if problem.fatal or problem.kind == "data" then error(problem, 0) end -- of the row, and not of this response
  return { models = self.models, problem = problem.message, problem_kind = problem.kind, error = problem }
end

--- Ranks responses to a prompt.
--- Example:
---     local ranked = fellowship.preference.rankings.scores("sim:judge"):rank { prompt = "Name a river.",
---       responses = { "The Rhine.", "A river." } }
---     print(#ranked.ratings, ranked.order.scores[1] == ranked.ratings[1].score) --> 2 true
---@param given fellowship.ToRank
---@return fellowship.Ranked
function ByScores:rank(given)
  check.method(self, ByScores, "ranking:rank")
  check.options("rank", given, to_rank)
  local scores = {}
  local ratings = flow.gather(given.responses, function(response) return rate(self, given, response) end)
  for i, rating in ipairs(ratings) do scores[i] = rating.score end
  return { order = ladder.by_scores(#ratings, scores), ratings = ratings }
end

--- Every response alone, scored by a judge: the mean where that is asked for several samples.
--- Example: `print(fellowship.preference.rankings.scores("sim:judge").name) --> scores`
---@param given table|string a judge, whose strategy does not matter, or a model
---@return fellowship.ByScores
function ranking.scores(given)
  local scorer = type(given) == "table" and type(given.score) == "function" and given or judge.new(given)
  return ranking.by("scores", scorer.models, function(shown, response)
    return scorer:score { prompt = shown.prompt, response = response, reference = shown.reference }
  end)
end

--- Every response alone, by the criteria of a rubric.
--- Example: `print(fellowship.preference.rankings.rubric({ model = "sim:judge", criteria = "ultrafeedback" }).name) --> rubric`
---@param given table a rubric, or the options of fellowship.rubric
---@return fellowship.ByScores
function ranking.rubric(given)
  local scorer = type(given.score) == "function" and given or rubric.new(given)
  return ranking.by("rubric", scorer.models, function(shown, response)
    return scorer:score { prompt = shown.prompt, response = response, reference = shown.reference,
      criteria = shown.criteria }
  end)
end

--- What a reward model says of each response: its score, or the probability of a class.
--- Example: `print(fellowship.preference.rankings.reward("sim:rewards").name) --> reward`
---@param given string|fellowship.Model
---@return fellowship.ByScores
function ranking.reward(given)
  local asked = model.new(given)
  return ranking.by("reward", { asked.named }, function(shown, response)
    local found = asked:reward { prompt = shown.prompt, response = response }
    if found.score == nil then
      errors.raise { kind = "score", model = asked.named, key = found.key,
        message = ("%s tells classes apart (%s): say which one's probability counts, as in %s?class=0"):format(
          asked.named, tostring(found.label), asked.named:match "^[^?]*") }
    end
    return { score = found.score, label = found.label, models = { asked.named } }
  end)
end

return ranking
