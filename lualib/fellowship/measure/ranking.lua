-- Which games a tournament should play next: where the order of players is least certain.

local contest = require "fellowship.measure.contest"
local interval = require "fellowship.base.interval"
local matrix = require "fellowship.measure.matrix"

local ranking = {}

-- Each pair counts as if it had played half a game more, drawn: so that strengths are finite from the first game on.
local DRAWN = 0.25

---@class fellowship.Neighbours two players next to each other in the order
---@field above integer
---@field below integer
---@field doubt number the chance that they stand the wrong way round, at most 0.5

--- The players in the order of their strengths, and how sure each two neighbours are: from the curvature of Bradley and
--- Terry's likelihood, whose inverse is the strengths' covariance.
---@param wins number[][] wins[i][j]: how often i beat j, ties as halves
---@return integer[] order the strongest first
---@return fellowship.Neighbours[] neighbours
function ranking.of(wins)
  local k, padded, curvature, order = #wins, {}, {}, {}
  for i = 1, k do
    padded[i], curvature[i], order[i] = {}, {}, i
    for j = 1, k do padded[i][j] = i == j and 0 or wins[i][j] + DRAWN end
  end
  local s = assert(contest.bradley_terry(padded))
  for i = 1, k do
    for j = 1, k do curvature[i][j] = 1 / k end
  end
  for i = 1, k do
    for j = 1, k do
      if i ~= j then
        local p = 1 / (1 + math.exp(s[j] - s[i]))
        local w = (padded[i][j] + padded[j][i]) * p * (1 - p)
        curvature[i][i], curvature[i][j] = curvature[i][i] + w, curvature[i][j] - w
      end
    end
  end
  local c = matrix.inverse(curvature)
  table.sort(order, function(x, y)
    if s[x] ~= s[y] then return s[x] > s[y] end
    return x < y
  end)
  local neighbours = {}
  for at = 1, k - 1 do
    local i, j = order[at], order[at + 1]
    neighbours[at] = { above = i, below = j,
      doubt = interval.tail((s[i] - s[j]) / math.sqrt(c[i][i] + c[j][j] - 2 * c[i][j])) }
  end
  return order, neighbours
end

--- Whether an order is decided: the doubts of all neighbours together are below a part (Bonferroni).
---@param neighbours fellowship.Neighbours[]
---@param part number 0.05 for 95%
---@return boolean
function ranking.decided(neighbours, part)
  local sum = 0
  for _, two in ipairs(neighbours) do sum = sum + two.doubt end
  return sum < part
end

--- Shares a number of games out among neighbours by their doubt; those with none left get none.
---@param neighbours fellowship.Neighbours[]
---@param games integer
---@param left fun(i: integer, j: integer): integer how many games two players may still play
---@return { [1]: integer, [2]: integer, [3]: integer }[] pairs and how many games each
function ranking.share(neighbours, games, left)
  local shares, sum = {}, 0
  for _, two in ipairs(neighbours) do
    if left(two.above, two.below) > 0 then sum = sum + two.doubt end
  end
  for _, two in ipairs(neighbours) do
    local most = left(two.above, two.below)
    local count = sum > 0 and math.min(most, math.ceil(games * two.doubt / sum)) or 0
    if most > 0 and count > 0 then shares[#shares + 1] = { two.above, two.below, count } end
  end
  return shares
end

return ranking
