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
    problem = v.problem }
end

--- One verdict of both orders (the second one flipped back): agreeing ones stand, disagreeing ones are
--- a tie, and unparsed if either is.
---@param first fellowship.Verdict
---@param second fellowship.Verdict
---@return fellowship.Verdict { winner, scores, flipped, evidence of both }
function vote.of_both_orders(first, second)
  local said = evidence.join { first, second }
  if first.winner == "unparsed" or second.winner == "unparsed" then
    return { winner = "unparsed", scores = {}, problem = first.problem or second.problem, evidence = said }
  end
  local agree = first.winner == second.winner
  return { winner = agree and first.winner or "tie", scores = vote.mean_scores { first, second } or {},
    flipped = not agree, evidence = said }
end

return vote
