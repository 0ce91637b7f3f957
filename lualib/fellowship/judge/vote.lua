-- One verdict from several: of jurors, of samples, of both orders.

local evidence = require "fellowship.judge.evidence"

local vote = {}

--- Verdicts that could be read.
---@param verdicts fellowship.Verdict[]
---@return fellowship.Verdict[]
function vote.parsed(verdicts)
  local list = {}
  for _, v in ipairs(verdicts) do
    if v.winner ~= "unparsed" then list[#list + 1] = v end
  end
  return list
end

--- The verdict that has the most weight, a tie when no single one has; "unparsed" of no verdicts.
---@param verdicts fellowship.Verdict[]
---@param weights? number[] of each verdict; 1 when not given
---@return "a"|"b"|"tie"|"unparsed"
function vote.mode(verdicts, weights)
  local sums = { a = 0, b = 0, tie = 0 }
  local any = false
  for i, v in ipairs(verdicts) do
    if sums[v.winner] then
      sums[v.winner] = sums[v.winner] + (weights and weights[i] or 1)
      any = true
    end
  end
  if not any then return "unparsed" end
  local most = math.max(sums.a, sums.b, sums.tie)
  local first
  for _, name in ipairs { "a", "b", "tie" } do
    if sums[name] == most then
      if first then return "tie" end
      first = name
    end
  end
  return first
end

--- The mean scores of the verdicts that have both; nil when none has.
---@param verdicts fellowship.Verdict[]
---@return { a: number, b: number }?
function vote.mean_scores(verdicts)
  local a, b, n = 0, 0, 0
  for _, v in ipairs(verdicts) do
    if v.winner ~= "unparsed" and v.scores and v.scores.a and v.scores.b then
      a, b, n = a + v.scores.a, b + v.scores.b, n + 1
    end
  end
  if n == 0 then return nil end
  return { a = a / n, b = b / n }
end

--- The winner by scores.
---@param scores { a: number, b: number }?
---@return "a"|"b"|"tie"|"unparsed"
function vote.by_scores(scores)
  if not scores then return "unparsed" end
  return scores.a > scores.b and "a" or scores.a < scores.b and "b" or "tie"
end

vote.kinds = { "mode", "mean", "weighted" }

--- Counts votes: by mode, by mean scores, or by weighted mode.
---@param verdicts fellowship.Verdict[]
---@param kind "mode"|"mean"|"weighted"
---@param weights? number[]
---@return "a"|"b"|"tie"|"unparsed" winner
---@return { a: number, b: number }? scores
function vote.count(verdicts, kind, weights)
  local scores = vote.mean_scores(verdicts)
  if kind == "mean" then return vote.by_scores(scores), scores end
  return vote.mode(verdicts, kind == "weighted" and weights or nil), scores
end

local flipped = { a = "b", b = "a", tie = "tie", unparsed = "unparsed" }

--- A verdict as it is when the responses stand in the other order.
---@param v fellowship.Verdict
---@return fellowship.Verdict
function vote.flip(v)
  local scores = v.scores or {}
  return { winner = flipped[v.winner], scores = { a = scores.b, b = scores.a }, evidence = v.evidence,
    problem = v.problem, problem_kind = v.problem_kind }
end

--- What one order said, as it is kept.
local function order_of(shown, v)
  return { shown = shown, winner = v.winner, scores = v.scores or {}, problem = v.problem_kind }
end

--- One verdict of both orders (the second one flipped back): agreeing ones stand, disagreeing ones are a tie, and unparsed
--- if either is. What each order said is kept, and how they disagreed: with another winner in each ("side"), or with a
--- winner in one and a tie in the other ("tie").
---@param first fellowship.Verdict
---@param second fellowship.Verdict
---@return fellowship.Verdict { winner, scores, orders, flipped, flip, evidence of both }
function vote.of_both_orders(first, second)
  local found = { orders = { order_of("ab", first), order_of("ba", second) }, scores = {},
    evidence = evidence.join { first, second } }
  if first.winner == "unparsed" or second.winner == "unparsed" then
    found.winner = "unparsed"
    found.problem, found.problem_kind = first.problem or second.problem, first.problem_kind or second.problem_kind
    return found
  end
  local agree = first.winner == second.winner
  found.winner, found.flipped = agree and first.winner or "tie", not agree
  found.flip = not agree and ((first.winner == "tie" or second.winner == "tie") and "tie" or "side") or nil
  found.scores = vote.mean_scores { first, second } or {}
  return found
end

--- A vote as it is kept in the verdict that it made.
---@param v fellowship.Verdict
---@return table
function vote.kept(v)
  return { models = v.models, winner = v.winner, scores = v.scores, orders = v.orders, flipped = v.flipped,
    flip = v.flip, problem = v.problem_kind }
end

--- Why nothing could be read of several verdicts: what was wrong with the first of them.
---@param verdicts fellowship.Verdict[]
---@return any problem
---@return string? kind
function vote.problem(verdicts)
  for _, v in ipairs(verdicts) do
    if v.problem then return v.problem, v.problem_kind end
  end
end

return vote
