-- The ladder: which of several responses to a prompt is better than which, from pairwise comparisons.

local check = require "fellowship.base.check"

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

return ladder
