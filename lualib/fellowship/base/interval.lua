-- Intervals that several parts compute.

local interval = {}

--- Wilson's score interval of a rate (1927): holds for small counts and near 0 and 1.
--- Example: `local low, high = interval.wilson(0.5, 4, 1.96)`
---@param rate number from 0 to 1
---@param n number of trials, above 0
---@param z number standard errors: 1.96 for 95%
---@return number low
---@return number high
function interval.wilson(rate, n, z)
  local middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
  local half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
  return math.max(0, middle - half), math.min(1, middle + half)
end

return interval
