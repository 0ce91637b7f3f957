-- LLMs-as-a-Jury: any number of judges side by side; their votes make the verdict (arXiv 2408.08688: the mode,
-- a tie where there is no single one).

local check = require "fellowship.base.check"
local flow = require "fellowship.flow"
local model = require "fellowship.call.model"
local evidence = require "fellowship.judge.evidence"
local judge = require "fellowship.judge.judge"
local pairs_of = require "fellowship.judge.pair"
local vote = require "fellowship.judge.vote"

local jury = {}

---@class fellowship.Jury
---@field models string[]
local Jury = {}
Jury.__index = Jury
Jury.__name = "fellowship.Jury"

local judge_options = { strategy = "string?", scale = "integer?", swap = "boolean?", samples = "integer?",
  structured = "boolean?", logprobs = "boolean?", again = "string?" }
local own_options = { vote = "string?", weights = "table?" }

local function split(options)
  local members, for_judges, own, types = {}, {}, {}, {}
  for name, kind in pairs(judge_options) do types[name] = kind end
  for name, kind in pairs(own_options) do types[name] = kind end
  for key, value in pairs(options) do
    if math.type(key) == "integer" then members[key] = value
    elseif judge_options[key] then for_judges[key] = value
    else own[key] = value end
  end
  local named = {}
  for key, value in pairs(for_judges) do named[key] = value end
  for key, value in pairs(own) do named[key] = value end
  check.options("jury", named, types, 3)
  return members, for_judges, own
end

--- A jury of models (each becomes a judge with the jury's options) or of evaluators of any kind. The same
--- model twice is two samples, by position.
--- Example: `local jury = fellowship.jury { "openai:gpt-4o", "together:google/gemma-2-9b-it", strategy = "combined" }`
---@param options { [integer]: string|fellowship.Model|table, strategy: string?, scale: integer?, swap: boolean?, samples: integer?, structured: boolean?, logprobs: boolean?, again: "unparsed"|nil, vote: "mode"|"mean"|"weighted"|nil, weights: number[]? } members, and options of their judges and of the vote
---@return fellowship.Jury
function jury.new(options, ...)
  check.no_more("jury", "one table, of members and options", ...)
  check.type("jury's members", options, "table")
  local members, for_judges, own = split(options)
  if #members < 1 then error("a jury needs members: models or evaluators", 2) end
  check.choice("jury's vote", own.vote or "mode", vote.kinds)
  if own.vote == "weighted" and #(own.weights or {}) ~= #members then
    error("jury's weights must be one number for each member", 2)
  end
  local self = { members = {}, samples = {}, models = {}, vote = own.vote or "mode", weights = own.weights }
  local times = {}
  for i, member in ipairs(members) do
    if type(member) == "string" or model.is(member) then
      local given = { model = member }
      for key, value in pairs(for_judges) do given[key] = value end
      member = judge.new(given)
    end
    if type(member) ~= "table" or type(member.compare) ~= "function" then
      error(("jury's member %d is neither a model nor an evaluator (a table with the method compare)"):format(i), 2)
    end
    if own.vote == "mean" and member.strategy == "direct" then
      error(("jury's vote = mean needs scores, and member %d compares directly, without any; use mode"):format(i), 2)
    end
    local name = table.concat(member.models or { tostring(i) }, "+")
    times[name] = (times[name] or 0) + 1
    self.members[i], self.samples[i] = member, times[name]
    self.models[i] = name
  end
  return setmetatable(self, Jury)
end

--- Compares two responses: every member votes, side by side. `votes` holds each member's verdict and
--- `parsed` how many could be read.
--- Example:
---     local verdict = jury:compare(pair)
---     print(verdict.winner, #verdict.votes, verdict.parsed)
---@param pair table as fellowship.Judge.compare
---@return fellowship.Verdict
function Jury:compare(pair, ...)
  check.method(self, Jury, "jury:compare")
  check.no_more("compare", "one table, the pair", ...)
  local same, asks = pairs_of.identical(pairs_of.read(pair)), {}
  for i, member in ipairs(self.members) do
    local own = {}
    for key, value in pairs(pair) do own[key] = value end
    own.sample = ((pair.sample or 1) - 1) * #self.members + self.samples[i]
    asks[i] = function() return member:compare(own) end
  end
  local votes = same and {} or flow.all(asks)
  if same then
    for i = 1, #self.members do votes[i] = same end
  end
  local winner, scores = vote.count(votes, self.vote, self.weights)
  local kept = {}
  for i, v in ipairs(votes) do
    kept[i] = vote.kept(v)
  end
  local found = { evaluator = "jury", models = self.models, winner = winner, scores = scores or {}, votes = kept,
    parsed = #vote.parsed(votes), evidence = evidence.join(votes), identical = same and true }
  if winner == "unparsed" then found.problem, found.problem_kind = vote.problem(votes) end
  return found
end

return jury
