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

--- The value below which a part p of a sorted list lies, interpolated (Hyndman and Fan 1996, type 7).
---@param sorted number[]
---@param p number
---@return number
function interval.quantile(sorted, p)
  local at = (#sorted - 1) * p + 1
  local low = math.floor(at)
  if low >= #sorted then return sorted[#sorted] end
  return sorted[low] + (at - low) * (sorted[low + 1] - sorted[low])
end

--- The middle 95% of values, which are sorted for it; nil of none.
---@param values number[]
---@return number[]? interval { low, high }
function interval.middle(values)
  if #values == 0 then return nil end
  table.sort(values)
  return { interval.quantile(values, 0.025), interval.quantile(values, 0.975) }
end

--- The upper tail of the standard normal (Abramowitz and Stegun 1964, 26.2.17; off by 7.5e-8 at most).
--- Example: `print(("%.3f"):format(interval.tail(1.96))) --> 0.025`
---@param z number
---@return number
function interval.tail(z)
  local t = 1 / (1 + 0.2316419 * math.abs(z))
  local p = math.exp(-z * z / 2) / math.sqrt(2 * math.pi) * t * (0.319381530 + t * (-0.356563782 + t * (1.781477937
    + t * (-1.821255978 + t * 1.330274429))))
  return z >= 0 and p or 1 - p
end

interval.Z95 = 1.959963984540054 -- the standard normal's 97.5% quantile

return interval
