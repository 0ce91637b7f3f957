-- Preference pairs and KTO labels from an order of responses.

local check = require "fellowship.base.check"

local pairing = {}

pairing.modes = { "best-worst", "best-rest", "all" }

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

local function trimmed(text)
  return text:match "^%s*(.-)%s*$"
end

--- Why an order gives no pair.
local function reason_for_none(order)
  for _, c in ipairs(order.comparisons) do
    if c.verdict.winner == "unparsed" then return "unparsed" end
  end
  return "tie"
end

--- The pairs of a mode. Texts that are equal, white space at their ends aside, never pair.
--- Example:
---     local order = fellowship.preference.order(2, { { a = 1, b = 2, verdict = { winner = "b" } } })
---     local list = fellowship.preference.pairs(order, { "a draft", "a better draft" }, "best-worst")
---     print(list[1].chosen, list[1].rejected) --> 2 1
---@param order fellowship.Order
---@param responses string[]
---@param mode "best-worst"|"best-rest"|"all"
---@return fellowship.Pair[]
---@return string? reason why there is none: "tie", "unparsed", "identical" or "single response"
function pairing.make(order, responses, mode)
  check.choice("pairs", mode, pairing.modes)
  if order.count < 2 then return {}, "single response" end
  local list, kept = makers[mode](order), {}
  for _, pair in ipairs(list) do
    if trimmed(responses[pair.chosen]) ~= trimmed(responses[pair.rejected]) then kept[#kept + 1] = pair end
  end
  if #kept > 0 then return kept end
  return kept, #list > 0 and "identical" or reason_for_none(order)
end

--- KTO labels: a response that is chosen in some pair and never rejected is true, one that is rejected
--- is false; each once, in the responses' order.
--- Example:
---     local labels = fellowship.preference.labels({ { chosen = 2, rejected = 1 } }, 2)
---     print(labels[1].response, labels[1].label) --> 1 false
---@param list fellowship.Pair[]
---@param count integer
---@return { response: integer, label: boolean }[]
function pairing.labels(list, count)
  local label = {}
  for _, pair in ipairs(list) do
    if label[pair.chosen] == nil then label[pair.chosen] = true end
    label[pair.rejected] = false
  end
  local labels = {}
  for i = 1, count do
    if label[i] ~= nil then labels[#labels + 1] = { response = i, label = label[i] } end
  end
  return labels
end

return pairing
