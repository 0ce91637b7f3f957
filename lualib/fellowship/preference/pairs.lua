-- Preference pairs and KTO labels from an order of responses.

local check = require "fellowship.base.check"
local text = require "fellowship.base.text"
local ladder = require "fellowship.preference.ladder"

local pairing = {}

pairing.modes = { "best-worst", "best-rest", "all", "sweet-spot" }

---@class fellowship.Pair
---@field chosen integer
---@field rejected integer

local function undefeated(order, i)
  for j = 1, order.count do
    if order.beats[j][i] then return false end
  end
  return true
end

--- The best response: the one kept last among those that won and never lost.
local function best_of(order)
  local first = order.comparisons[1]
  local candidates = { first and first.a, first and first.b }
  table.move(order.kept, 1, #order.kept, #candidates + 1, candidates)
  for i = #candidates, 1, -1 do
    local n = candidates[i]
    if next(order.beats[n]) and undefeated(order, n) then return n end
  end
  return nil
end

--- Length of the longest chain of wins that begins at i.
local function depth(order, i, known)
  if known[i] then return known[i] end
  local deepest = 0
  for j = 1, order.count do
    if order.beats[i][j] then deepest = math.max(deepest, 1 + depth(order, j, known)) end
  end
  known[i] = deepest
  return deepest
end

--- How many scores lie between the two in the comparison that decided it; 0 when none did.
local function margin(order, winner, loser)
  for _, c in ipairs(order.comparisons) do
    local scores = c.verdict.scores or {}
    if (c.a == winner and c.b == loser or c.a == loser and c.b == winner) and scores.a and scores.b then
      return math.abs(scores.a - scores.b)
    end
  end
  return 0
end

--- The end of the longest chain below the best; where several lost to it directly and none of them
--- won, the one that lost by the larger margin, else the earlier.
local function worst_below(order, best)
  local heights, known = {}, {}
  local function height(i) -- longest chain from the best down to i
    if heights[i] then return heights[i] end
    local most = 0
    for j = 1, order.count do
      if order.beats[j][i] then most = math.max(most, 1 + height(j)) end
    end
    heights[i] = most
    return most
  end
  local found
  for i = 1, order.count do
    if order.beats[best][i] and depth(order, i, known) == 0 then
      local further = found and (height(i) - height(found))
      if not found or further > 0
        or (further == 0 and margin(order, best, i) > margin(order, best, found)) then
        found = i
      end
    end
  end
  return found
end

local makers = {}

makers["all"] = function(order)
  local list = {}
  for i = 1, order.count do
    for j = 1, order.count do
      if order.beats[i][j] then list[#list + 1] = { chosen = i, rejected = j } end
    end
  end
  return list
end

makers["best-rest"] = function(order)
  local list, best = {}, best_of(order)
  for j = 1, best and order.count or 0 do
    if order.beats[best][j] then list[#list + 1] = { chosen = best, rejected = j } end
  end
  return list
end

makers["best-worst"] = function(order)
  local best = best_of(order)
  if not best then return {} end
  return { { chosen = best, rejected = worst_below(order, best) } }
end

--- The best against the one whose score is nearest to two standard deviations below the mean of all: the worst of many is
--- so bad that little is learnt from it (arXiv 2502.16825). Of two that are as near the lower.
makers["sweet-spot"] = function(order)
  local best, scores, n, sum, squares = best_of(order), order.scores, 0, 0, 0
  if not scores then error("pairs at the sweet spot need scores: rank by scores, a rubric or a reward model", 3) end
  if not best then return {} end
  for i = 1, order.count do
    if scores[i] then n, sum = n + 1, sum + scores[i] end
  end
  for i = 1, order.count do
    if scores[i] then squares = squares + (scores[i] - sum / n) ^ 2 end
  end
  local target, found, nearest = sum / n - 2 * math.sqrt(squares / n), nil, math.huge
  for i = 1, order.count do
    local distance = order.beats[best][i] and math.abs(scores[i] - target)
    if distance and (distance < nearest or distance == nearest and scores[i] < scores[found]) then
      found, nearest = i, distance
    end
  end
  return { { chosen = best, rejected = found } }
end

--- The best response of an order; nil where nobody won. Of scores the highest, the first of those that are equal.
--- Example: `print(fellowship.preference.best(fellowship.preference.by_scores(2, { 1, 3 }))) --> 2`
---@param order fellowship.Order
---@return integer?
function pairing.best(order)
  return order.scores and order.kept[1] or best_of(order)
end

--- Which responses have the same text, white space at the ends aside: the first of them for each.
local function groups_of(responses, count)
  local first, group = {}, {}
  for i = 1, count do
    local trimmed = text.trim(responses[i] or "")
    first[trimmed] = first[trimmed] or i
    group[i] = first[trimmed]
  end
  return group
end

local function all_differ(group)
  for i, first in ipairs(group) do
    if first ~= i then return false end
  end
  return true
end

--- An order without what contradicts itself: relations within a circle, and those between texts that are equal to some
--- that stand the other way round. What is left has no circle.
local function consistent(order, group)
  if not (order.cycle or order.unwound) and all_differ(group) then return order end -- closed, and without a circle
  local by_text, beats = {}, {}
  for i = 1, order.count do by_text[i], beats[i] = {}, {} end
  for i = 1, order.count do
    for j in pairs(order.beats[i]) do by_text[group[i]][group[j]] = true end
  end
  ladder.close(by_text, order.count)
  for i = 1, order.count do
    for j in pairs(order.beats[i]) do
      if not by_text[group[j]][group[i]] then beats[i][j] = true end
    end
  end
  return { count = order.count, beats = beats, comparisons = order.comparisons, kept = order.kept,
    scores = order.scores }
end

--- Why an order gives no pair: it has relations, but only such as contradict each other or are of equal texts; or none.
local function reason_for_none(order, group)
  local identical
  for i = 1, order.count do
    for j in pairs(order.beats[i]) do
      if group[i] ~= group[j] then return "cycle" end
      identical = identical or i ~= j
    end
  end
  for _, c in ipairs(order.comparisons) do
    if c.verdict.winner == "unparsed" then return "unparsed" end
    identical = identical or c.verdict.identical
  end
  if order.scores then
    local scored = 0
    for i = 1, order.count do scored = scored + (order.scores[i] and 1 or 0) end
    if scored < 2 then return "unparsed" end
  end
  return identical and "identical" or order.unwound and "cycle" or "tie"
end

--- The pairs of a mode. Texts that are equal, white space at their ends aside, never pair, and have one place in the
--- order; relations that go in a circle give none.
--- Example:
---     local order = fellowship.preference.order(2, { { a = 1, b = 2, verdict = { winner = "b" } } })
---     local list = fellowship.preference.pairs(order, { "a draft", "a better draft" }, "best-worst")
---     print(list[1].chosen, list[1].rejected) --> 2 1
---@param order fellowship.Order
---@param responses string[]
---@param mode "best-worst"|"best-rest"|"all"|"sweet-spot"
---@return fellowship.Pair[]
---@return string? reason why there is none: "tie", "unparsed", "identical", "cycle" or "single response"
function pairing.make(order, responses, mode)
  check.choice("pairs", mode, pairing.modes)
  if order.count < 2 then return {}, "single response" end
  local group = groups_of(responses, order.count)
  local list = makers[mode](consistent(order, group))
  if #list > 0 then return list end
  return list, reason_for_none(order, group)
end

--- KTO labels: a response that is chosen in some pair and never rejected is true, one that is rejected
--- is false; each once, in the responses' order. Responses with the same text have the same label.
--- Example:
---     local labels = fellowship.preference.labels({ { chosen = 2, rejected = 1 } }, 2)
---     print(labels[1].response, labels[1].label) --> 1 false
---@param list fellowship.Pair[]
---@param count integer
---@param responses? string[] their texts, by which the same ones are known
---@return { response: integer, label: boolean }[]
function pairing.labels(list, count, responses)
  local group, label, paired, labels = responses and groups_of(responses, count), {}, {}, {}
  for _, pair in ipairs(list) do
    local chosen, rejected = pair.chosen, pair.rejected
    paired[chosen], paired[rejected] = true, true
    if group then chosen, rejected = group[chosen], group[rejected] end
    if label[chosen] == nil then label[chosen] = true end
    label[rejected] = false
  end
  for i = 1, count do
    if paired[i] then labels[#labels + 1] = { response = i, label = label[group and group[i] or i] } end
  end
  return labels
end

return pairing
