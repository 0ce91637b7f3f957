-- How far a sum may lie from what a sample of its parts tells: low, likely and high.

local interval = require "fellowship.base.interval"

local spread = {}

-- Three standard errors: a budget that is passed once in a hundred runs is a bad one.
local ERRORS = 3

-- With fewer than these a sample's own spread says little.
local FEW = 5

--- The value below which a part p of a sorted list lies.
local function percentile(sorted, p)
  return sorted[math.max(1, math.min(#sorted, math.ceil(p * #sorted)))]
end

local function moments(values)
  local sum, squares = 0, 0
  for _, value in ipairs(values) do sum = sum + value end
  local mean = sum / #values
  for _, value in ipairs(values) do squares = squares + (value - mean) ^ 2 end
  return mean, math.sqrt(squares / math.max(1, #values - 1))
end

--- The mean of `count` values to come of which a sample is known. Low and high are three standard errors off, of the
--- sample and of what is to come together, more with a small sample, and no nearer than a part `least` of the mean.
--- Where the sample is of something else (`own` is false) they are half the 5th and twice the 95th percentile; of fewer
--- than five values, half the smallest and twice the largest.
--- Example: `print(spread.mean({ 90, 100, 110, 100, 100 }, 50, true, 0.05).likely) --> 100.0`
---@param values number[] at least one
---@param count number
---@param own boolean
---@param least number
---@return { low: number, likely: number, high: number }
function spread.mean(values, count, own, least)
  local n = #values
  local mean, deviation = moments(values)
  local sorted = table.move(values, 1, n, 1, {})
  table.sort(sorted)
  if n < FEW or not own then
    local low, high = sorted[1], sorted[n]
    if n >= FEW then low, high = percentile(sorted, 0.05), percentile(sorted, 0.95) end
    return { low = math.min(low / 2, mean * (1 - least)), likely = mean, high = math.max(high * 2, mean * (1 + least)) }
  end
  local margin = ERRORS * deviation * math.sqrt(1 / n + 1 / math.max(count, 1)) * (1 + 4 / n)
  margin = math.max(margin, least * mean)
  return { low = math.max(mean - margin, sorted[1] / 2), likely = mean, high = mean + margin }
end

--- How often something happens among `count` to come, when it happened `times` among `n`: Wilson's interval, of three
--- standard errors, and the chance of those to come.
--- Example: `print(spread.rate(0, 50, 200).high)`
---@param times integer
---@param n integer
---@param count number
---@return { low: number, likely: number, high: number }
function spread.rate(times, n, count)
  local p, z = math.min(1, times / n), ERRORS
  local function chance(q) return z * math.sqrt(q * (1 - q) / math.max(count, 1)) end
  local low, high = interval.wilson(p, n, z)
  return { low = math.max(0, low - chance(low)), likely = p, high = math.min(1, high + chance(high)) }
end

return spread
