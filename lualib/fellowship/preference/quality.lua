-- Quality controls of preference pairs: which pairs to leave out, and why.

local refusal = require "fellowship.preference.refusal"

local quality = {}

---@class fellowship.Scored what the recorded comparisons say of two responses
---@field margin number? by how many scores the chosen one won; of a pair that follows by transitivity the least on the way
---@field chosen number? mean of the scores it got
---@field rejected number?

--- Margins of all pairs: of a comparison the difference of its scores, of what follows by transitivity the smallest
--- on the way, on the way where that is largest (a widest path, by Floyd and Warshall's scheme).
local function margins(order)
  local margin = {}
  for i = 1, order.count do margin[i] = {} end
  for _, c in ipairs(order.comparisons) do
    local s, winner = c.verdict.scores or {}, c.verdict.winner
    if s.a and s.b and winner == "a" then margin[c.a][c.b] = s.a - s.b end
    if s.a and s.b and winner == "b" then margin[c.b][c.a] = s.b - s.a end
  end
  for middle = 1, order.count do
    local on = margin[middle]
    for i = 1, order.count do
      local from = margin[i]
      local first = from[middle]
      for j = 1, first and order.count or 0 do
        local second = on[j]
        if second then
          local least = first < second and first or second
          if not from[j] or least > from[j] then from[j] = least end
        end
      end
    end
  end
  return margin
end

--- The mean of the scores that each response got.
local function means(order)
  local sum, count = {}, {}
  local function add(i, score)
    if score then sum[i], count[i] = (sum[i] or 0) + score, (count[i] or 0) + 1 end
  end
  for _, c in ipairs(order.comparisons) do
    local s = c.verdict.scores or {}
    add(c.a, s.a)
    add(c.b, s.b)
  end
  local mean = {}
  for i, total in pairs(sum) do mean[i] = total / count[i] end
  return mean
end

--- What the scores say of pairs of an order.
--- Example:
---     local order = fellowship.preference.order(2, { { a = 1, b = 2, verdict = { winner = "b", scores = { a = 3, b = 8 } } } })
---     print(fellowship.preference.quality.scores(order)({ chosen = 2, rejected = 1 }).margin) --> 5
---@param order fellowship.Order
---@return fun(pair: fellowship.Pair): fellowship.Scored
function quality.scores(order)
  local own = order.scores
  if own then
    return function(pair)
      local chosen, rejected = own[pair.chosen], own[pair.rejected]
      return { margin = chosen - rejected, chosen = chosen, rejected = rejected }
    end
  end
  local margin, mean = margins(order), means(order)
  return function(pair)
    return { margin = margin[pair.chosen][pair.rejected], chosen = mean[pair.chosen], rejected = mean[pair.rejected] }
  end
end

--- Whether the recorded scores say the opposite of the label. It can happen: a response that won once may have
--- scored less over all its comparisons than the one it is paired with by transitivity.
---@param scored fellowship.Scored
---@return boolean
function quality.inverted(scored)
  return scored.chosen ~= nil and scored.rejected ~= nil and scored.chosen < scored.rejected
end

--- Length of the longer text over that of the shorter, in characters (bytes where it is no UTF-8).
local function length_ratio(a, b)
  local m, n = utf8.len(a) or #a, utf8.len(b) or #b
  return math.max(m, n) / math.max(1, math.min(m, n))
end

quality.reasons = { "cut", "margin", "length", "refusal", "inverted", "empty", "unwritable" }

--- Whether a text is one that every loader reads: a lone surrogate, which some models' JSON brings, makes `datasets`
--- refuse the whole file.
---@param text string
---@return boolean
function quality.writable(text)
  return utf8.len(text) ~= nil
end

--- Why a pair is left out; nil when it is kept.
---@param o { min_margin: number?, max_length_ratio: number?, drop_refusals: boolean?, drop_inverted: boolean?, keep_cut: boolean? }
---@param chosen string
---@param rejected string
---@param scored fellowship.Scored
---@param is_cut boolean? whether a limit of tokens cut the chosen text off
---@return "cut"|"margin"|"length"|"refusal"|"inverted"|"empty"|"unwritable"|nil
function quality.reason(o, chosen, rejected, scored, is_cut)
  if not (chosen:find "%S" and rejected:find "%S") then return "empty" end
  if not (quality.writable(chosen) and quality.writable(rejected)) then return "unwritable" end
  if is_cut and not o.keep_cut then return "cut" end
  if o.min_margin and (scored.margin or 0) < o.min_margin then return "margin" end
  if o.max_length_ratio and length_ratio(chosen, rejected) > o.max_length_ratio then return "length" end
  if o.drop_refusals and refusal.is(chosen) then return "refusal" end
  if o.drop_inverted and quality.inverted(scored) then return "inverted" end
end

return quality
