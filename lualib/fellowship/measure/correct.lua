-- Rates corrected by human labels: what a judge's errors do to a rate, by the rows that people labelled, and what the
-- rows are worth that only the judge saw.

local interval = require "fellowship.base.interval"

local correct = {}

local Z = interval.Z95

local function clipped(value)
  return math.max(0, math.min(1, value))
end

local function around(rate, error)
  return { clipped(rate - Z * error), clipped(rate + Z * error) }
end

--- The sum over units of (c . v)^2, from their cross products.
local function squares(cross, width, c)
  local sum = 0
  for i = 1, width do
    for j = 1, width do
      if c[i] ~= 0 and c[j] ~= 0 then sum = sum + c[i] * c[j] * cross[(i - 1) * width + j] end
    end
  end
  return math.max(0, sum)
end

--- The vector that each row adds to the sums which correct.rates reads: 1, what people say and what the judge says of
--- a labelled row; 1 and what the judge says of the others.
correct.WIDTH = 5

---@class fellowship.CorrectedRate
---@field rate number
---@field ci95 number[]
---@field se number standard error

--- A rate by people alone and by prediction-powered inference, PPI++ (Angelopoulos, Duchi and Zrnic 2023, arXiv
--- 2311.01453): l mean(F of unlabelled rows) + mean(Y - l F of labelled ones), Y what people say and F what the judge
--- says, with l = cov(Y, F) / ((1 + n / N) var(F)) between 0 and 1. Variances are those of units (prompts), whose rows
--- hang together; of single rows they are the paper's. Nil without two labelled units.
---@param units integer
---@param sums number[] of the vectors of all units, WIDTH numbers
---@param cross number[] their products, WIDTH * WIDTH
---@return { human: fellowship.CorrectedRate, bias: fellowship.CorrectedRate, ppi: fellowship.CorrectedRate?, lambda: number?, labels: integer, unlabelled: integer, worth: number? }? bias: the judge's less people's, on the same rows, from -1 to 1; worth: how many labels alone would be as precise
function correct.rates(units, sums, cross)
  local n, N, w = sums[1], sums[4], correct.WIDTH
  if units == 0 or n < 2 then return nil end
  local y, f = sums[2] / n, sums[3] / n
  local human = math.sqrt(squares(cross, w, { -y, 1, 0, 0, 0 })) / n
  local bias = math.sqrt(squares(cross, w, { y - f, -1, 1, 0, 0 })) / n
  local found = { labels = n, unlabelled = N, human = { rate = y, se = human, ci95 = around(y, human) },
    bias = { rate = f - y, se = bias, ci95 = { f - y - Z * bias, f - y + Z * bias } } }
  if N == 0 then return found end
  local fu, pooled = sums[5] / N, (sums[3] + sums[5]) / (n + N)
  local together = (squares(cross, w, { -y - f, 1, 1, 0, 0 }) - squares(cross, w, { -y, 1, 0, 0, 0 })
    - squares(cross, w, { -f, 0, 1, 0, 0 })) / 2 / n
  local variance = squares(cross, w, { -pooled, 0, 1, -pooled, 1 }) / (n + N - 1)
  local lambda = variance > 0 and clipped(together / ((1 + n / N) * variance)) or 0
  local rate = lambda * fu + y - lambda * f
  local error = math.sqrt(squares(cross, w, { -(y - lambda * f), 1, -lambda, 0, 0 }) / n ^ 2
    + squares(cross, w, { 0, 0, 0, -lambda * fu, lambda }) / N ^ 2)
  found.ppi, found.lambda = { rate = rate, se = error, ci95 = around(rate, error) }, lambda
  if error > 0 then found.worth = n * (human / error) ^ 2 end
  return found
end

--- How many labels there must be for an interval of `half` on each side, as the figures stand; nil where even all rows
--- would not do.
---@param found table from correct.rates
---@param sums number[]
---@param cross number[]
---@param half number from 0 to 1
---@return integer? labels in all
function correct.labels_for(found, sums, cross, half)
  local n, N, w = sums[1], sums[4], correct.WIDTH
  local all = n + N
  local y, f = sums[2] / n, sums[3] / n
  local yy = squares(cross, w, { -y, 1, 0, 0, 0 }) / n
  local ff = squares(cross, w, { -f, 0, 1, 0, 0 }) / n
  local yf = (squares(cross, w, { -y - f, 1, 1, 0, 0 }) - (yy + ff) * n) / 2 / n
  local function reached(m) -- with m labels: the best lambda's variance
    local rest = all - m
    if rest < 1 then return yy / m <= (half / Z) ^ 2 end
    local lambda = ff > 0 and clipped(yf / ((1 + m / rest) * ff)) or 0
    return (yy - 2 * lambda * yf + lambda ^ 2 * ff) / m + lambda ^ 2 * ff / rest <= (half / Z) ^ 2
  end
  if found.human.se == 0 or not reached(all) then return nil end
  local low, high = 1, all
  while low < high do
    local middle = (low + high) // 2
    if reached(middle) then high = middle else low = middle + 1 end
  end
  return math.tointeger(low)
end

--- Rogan and Gladen's estimate (1978) of how often an event is true, from how often the judge sees it, with the interval
--- of Lee and others (2025, arXiv 2511.21140), which counts in that the judge's hits and misses are estimates too: the
--- counts are smoothed (z^2 trials added for the rate, 2 for the others), and the middle is shifted. Nil when the judge
--- is no better than chance on the labelled rows, or these lack one of both kinds.
---@param seen integer rows without a label that the judge takes for the event
---@param n integer of so many
---@param missed { hits: integer, of: integer } labelled rows that are no event: of so many, the judge says so in `hits`
---@param found { hits: integer, of: integer } the same of rows that are the event
---@return { rate: number, ci95: number[], sensitivity: number, specificity: number }?
function correct.rogan_gladen(seen, n, missed, found)
  if n == 0 or missed.of == 0 or found.of == 0 then return nil end
  local p, q0, q1 = seen / n, missed.hits / missed.of, found.hits / found.of
  if q0 + q1 <= 1 then return nil end
  local n2, m0, m1 = n + Z ^ 2, missed.of + 2, found.of + 2
  local ps, s0, s1 = (seen + Z ^ 2 / 2) / n2, (missed.hits + 1) / m0, (found.hits + 1) / m1
  local slope = s0 + s1 - 1
  if slope <= 0 then return nil end
  local rate = (ps + s0 - 1) / slope
  local v0, v1 = s0 * (1 - s0) / m0, s1 * (1 - s1) / m1
  local error = math.sqrt(ps * (1 - ps) / n2 + (1 - rate) ^ 2 * v0 + rate ^ 2 * v1) / slope
  local middle = rate + 2 * Z ^ 2 * (rate * v1 - (1 - rate) * v0)
  return { rate = clipped((p + q0 - 1) / (q0 + q1 - 1)), ci95 = around(middle, error), sensitivity = q1,
    specificity = q0 }
end

return correct
