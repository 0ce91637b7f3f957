-- The ladder: which of several responses to a prompt is better than which, from pairwise comparisons.

local check = require "fellowship.base.check"
local flow = require "fellowship.flow"
local contest = require "fellowship.measure.contest"

local ladder = {}

---@class fellowship.Comparison
---@field a integer which response was shown as A
---@field b integer
---@field verdict fellowship.Verdict

--- Climbs: response 1 as A against response 2 as B, then each later one as A against the one kept as B;
--- the better is kept, a tie keeps the later. A comparison that cannot be read ends the ladder.
--- Example:
---     local responses = { "a draft", "a better draft" }
---     local comparisons = fellowship.preference.climb(#responses, function(a, b)
---       return judge:compare { prompt = "Describe a chair.", a = responses[a], b = responses[b] }
---     end)
---@param count integer how many responses there are
---@param compare fun(a: integer, b: integer): fellowship.Verdict
---@return fellowship.Comparison[]
function ladder.climb(count, compare)
  check.type("the number of responses", count, "integer")
  local comparisons, kept = {}, 1
  for n = 2, count do
    local a, b = n, kept
    if n == 2 then a, b = 1, 2 end
    local verdict = compare(a, b)
    comparisons[#comparisons + 1] = { a = a, b = b, verdict = verdict }
    if verdict.winner == "unparsed" then break end
    kept = verdict.winner == "a" and a or verdict.winner == "b" and b or n
  end
  return comparisons
end

---@class fellowship.Order
---@field count integer
---@field beats table<integer, table<integer, boolean>> direct and by transitivity
---@field comparisons fellowship.Comparison[]
---@field kept integer[] whom each comparison kept, in order
---@field cycle integer[]? responses of which each beats itself, by way of others: nothing follows between them
---@field unwound boolean? it went in a circle, which its strengths broke
---@field scores (number|nil)[]? where each response has a score of its own, by which the order is made

--- What follows from relations by transitivity, in place.
---@param beats table<integer, table<integer, boolean>>
---@param count integer
function ladder.close(beats, count)
  for middle = 1, count do
    for left = 1, count do
      if beats[left][middle] then
        for right in pairs(beats[middle]) do beats[left][right] = true end
      end
    end
  end
end

--- The order that decided comparisons give, with what follows by transitivity. Comparisons of everyone with everyone may
--- go in a circle; `cycle` then says who is in one.
--- Example:
---     local order = fellowship.preference.order(2, { { a = 1, b = 2, verdict = { winner = "b" } } })
---     print(order.beats[2][1]) --> true
---@param count integer
---@param comparisons fellowship.Comparison[]
---@return fellowship.Order
function ladder.order(count, comparisons)
  local beats, kept = {}, {}
  for i = 1, count do beats[i] = {} end
  for i, c in ipairs(comparisons) do
    local winner = c.verdict.winner
    if winner == "a" then beats[c.a][c.b] = true end
    if winner == "b" then beats[c.b][c.a] = true end
    kept[i] = winner == "a" and c.a or winner == "b" and c.b or math.max(c.a, c.b)
  end
  ladder.close(beats, count)
  local cycle = {}
  for i = 1, count do
    if beats[i][i] then cycle[#cycle + 1] = i end
  end
  return { count = count, beats = beats, comparisons = comparisons, kept = kept, cycle = #cycle > 0 and cycle or nil }
end

--- Everyone against everyone: each pair once. Who is shown as A changes with the places of the two, so that each is A
--- about half the time.
--- Example: `print(#fellowship.preference.everyone(4, function() return { winner = "tie" } end)) --> 6`
---@param count integer how many responses there are
---@param compare fun(a: integer, b: integer): fellowship.Verdict
---@return fellowship.Comparison[]
function ladder.everyone(count, compare)
  check.type("the number of responses", count, "integer")
  local comparisons, asks = {}, {}
  for i = 1, count do
    for j = i + 1, count do
      local a, b = i, j
      if (i + j) % 2 == 0 then a, b = j, i end
      local n = #asks + 1
      asks[n] = function() comparisons[n] = { a = a, b = b, verdict = compare(a, b) } end
    end
  end
  flow.all(asks)
  return comparisons
end

-- Strengths nearer than this are equal: those of a circle of wins, one each.
local SAME = 1e-6

--- Between those who are in one circle: by their Bradley-Terry strengths, from the games among them.
local function break_circle(beats, group, comparisons)
  local place, wins = {}, {}
  for n, i in ipairs(group) do
    place[i], wins[n] = n, {}
    for m = 1, #group do wins[n][m] = 0 end
  end
  for _, c in ipairs(comparisons) do
    local a, b, winner = place[c.a], place[c.b], c.verdict.winner
    if a and b and winner ~= "unparsed" then
      local won = winner == "a" and 1 or winner == "b" and 0 or 0.5
      wins[a][b], wins[b][a] = wins[a][b] + won, wins[b][a] + 1 - won
    end
  end
  local logs = contest.bradley_terry(wins)
  for n, i in ipairs(group) do
    for m, j in ipairs(group) do beats[i][j] = logs and logs[n] > logs[m] + SAME or nil end
  end
end

--- An order without circles: within each, the responses stand by their Bradley-Terry strengths, from the games among
--- them; those of equal strength do not beat each other. An order that has none is given back as it is.
--- Example:
---     local order = fellowship.preference.order(2, { { a = 1, b = 2, verdict = { winner = "b" } } })
---     print(fellowship.preference.unwind(order) == order) --> true
---@param order fellowship.Order
---@return fellowship.Order
function ladder.unwind(order)
  if not order.cycle then return order end
  local beats, placed = {}, {}
  for i = 1, order.count do
    beats[i] = {}
    for j in pairs(order.beats[i]) do beats[i][j] = true end
  end
  for _, i in ipairs(order.cycle) do
    if not placed[i] then
      local group = {}
      for _, j in ipairs(order.cycle) do
        if order.beats[i][j] and order.beats[j][i] then
          group[#group + 1], placed[j] = j, true
        end
      end
      break_circle(beats, group, order.comparisons)
    end
  end
  return { count = order.count, beats = beats, comparisons = order.comparisons, kept = order.kept, unwound = true }
end

--- The order of responses that have a score each: higher is better. One without a score has no place in it.
--- Example: `print(fellowship.preference.by_scores(2, { 0.2, 0.9 }).beats[2][1]) --> true`
---@param count integer
---@param scores (number|nil)[]
---@return fellowship.Order
function ladder.by_scores(count, scores)
  local beats, best = {}, nil
  for i = 1, count do
    beats[i] = {}
    for j = 1, count do
      if scores[i] and scores[j] and scores[i] > scores[j] then beats[i][j] = true end
    end
    if scores[i] and (not best or scores[i] > scores[best]) then best = i end
  end
  return { count = count, beats = beats, comparisons = {}, kept = { best }, scores = scores }
end

return ladder
