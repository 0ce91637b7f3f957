-- Strengths of Bradley and Terry corrected by labels of people: prediction-powered inference (PPI++; Angelopoulos, Duchi and
-- Zrnic 2023, arXiv 2311.01453; for this model, Boyeau and others 2024, arXiv 2403.07008).
--
-- What is least at the strengths s is l L_u(F) + L_n(Y) - l L_n(F): L the mean logistic loss of games, F what the judge says
-- and Y what people say, u the games without a label and n those with one. l is chosen so that the strengths vary least.

local flow = require "fellowship.flow"
local matrix = require "fellowship.measure.matrix"

local corrected = {}

-- A normal prior on strengths with standard deviation 5: it counts only where games would let them grow without end.
local RIDGE = 1 / 25
local STEPS, LONGEST = 200, 2

---@class fellowship.LabelledGames games of one pattern
---@field n integer
---@field i integer a player
---@field j integer another one
---@field judge number 1, 0.5 or 0 of i, by the judge
---@field human number? the same by people

local function zeros(count)
  local list = {}
  for i = 1, count do list[i] = 0 end
  return list
end

local function square(count)
  local rows = {}
  for i = 1, count do rows[i] = zeros(count) end
  return rows
end

local function chance(s, game) return 1 / (1 + math.exp(s[game.j] - s[game.i])) end

--- The sums that a fit needs, of each two players.
local function gather(games)
  local list, known, n, N = {}, {}, 0, 0
  for _, game in ipairs(games) do
    local key = game.i * 65536 + game.j
    local one = known[key]
    if not one then
      one = { i = game.i, j = game.j, n = 0, y = 0, f = 0, N = 0, fu = 0 }
      known[key], list[#list + 1] = one, one
    end
    if game.human then
      n, one.n = n + game.n, one.n + game.n
      one.y, one.f = one.y + game.n * game.human, one.f + game.n * game.judge
    else
      N, one.N, one.fu = N + game.n, one.N + game.n, one.fu + game.n * game.judge
    end
  end
  return list, n, N
end

--- Minimises by Newton's method; nil where that comes to no end.
local function minimise(pairs_of, k, n, N, lambda)
  local s, weight_u = zeros(k), N > 0 and lambda / N or 0
  for _ = 1, STEPS do
    local gradient, bend = zeros(k), square(k)
    for i = 1, k do gradient[i], bend[i][i] = RIDGE / n * s[i], RIDGE / n end
    for _, one in ipairs(pairs_of) do
      local p = chance(s, one)
      local weight = weight_u * one.N + (1 - lambda) / n * one.n
      local g = weight * p - weight_u * one.fu - one.y / n + lambda / n * one.f
      local h = weight * p * (1 - p)
      gradient[one.i], gradient[one.j] = gradient[one.i] + g, gradient[one.j] - g
      bend[one.i][one.i], bend[one.j][one.j] = bend[one.i][one.i] + h, bend[one.j][one.j] + h
      bend[one.i][one.j], bend[one.j][one.i] = bend[one.i][one.j] - h, bend[one.j][one.i] - h
    end
    local back, most = matrix.inverse(bend), 0
    local step = zeros(k)
    for i = 1, k do
      for j = 1, k do step[i] = step[i] - back[i][j] * gradient[j] end
      most = math.max(most, math.abs(step[i]))
    end
    local by = most > LONGEST and LONGEST / most or 1 -- far from the end, Newton's steps are too long
    for i = 1, k do s[i] = s[i] + by * step[i] end
    if most < 1e-10 then return s end
  end
  return nil
end

--- The mean curvature of the loss over all games, inverted.
local function inverse_bend(pairs_of, k, s, all)
  local bend = square(k)
  for i = 1, k do bend[i][i] = RIDGE / all end
  for _, one in ipairs(pairs_of) do
    local p = chance(s, one)
    local h = (one.n + one.N) / all * p * (1 - p)
    bend[one.i][one.i], bend[one.j][one.j] = bend[one.i][one.i] + h, bend[one.j][one.j] + h
    bend[one.i][one.j], bend[one.j][one.i] = bend[one.i][one.j] - h, bend[one.j][one.i] - h
  end
  return matrix.inverse(bend)
end

--- Sums of gradients over units: of people's labels, of the judge's on the same games, of the judge's on the others (k
--- numbers each), and how many games of both kinds; with their products.
local function gradients(games, k, s)
  local width, values = 3 * k + 2, {}
  for p, game in ipairs(games) do
    local at, expected = (p - 1) * width, chance(s, game)
    for x = at + 1, at + width do values[x] = 0 end
    local function put(block, off)
      values[at + block * k + game.i], values[at + block * k + game.j] = off, -off
    end
    if game.human then
      put(0, expected - game.human)
      put(1, expected - game.judge)
      values[at + 3 * k + 1] = 1
    else
      put(2, expected - game.judge)
      values[at + 3 * k + 2] = 1
    end
  end
  return values
end

--- rows: each a vector of coefficients of the sums; the matrix of their products, left . cross . right.
local function products(left, right, cross, width)
  local out = {}
  for a, u in ipairs(left) do
    out[a] = {}
    for b, v in ipairs(right) do
      local sum = 0
      for x, ux in pairs(u) do
        for y, vy in pairs(v) do sum = sum + ux * vy * cross[(x - 1) * width + y] end
      end
      out[a][b] = sum
    end
  end
  return out
end

--- The trace of back . m . back, and its diagonal.
local function sandwich(back, m)
  local k, diagonal, trace = #back, {}, 0
  for i = 1, k do
    diagonal[i] = 0
    for a = 1, k do
      for b = 1, k do diagonal[i] = diagonal[i] + back[i][a] * m[a][b] * back[b][i] end
    end
    trace = trace + diagonal[i]
  end
  return trace, diagonal
end

--- The centred parts of a unit's gradient as coefficients of the sums: of people, of the judge on the same games, of the
--- judge on the others, of the judge on all.
local function parts_of(sums, k, n, N)
  local people, same, others, all = {}, {}, {}, {}
  local labelled, unlabelled = 3 * k + 1, 3 * k + 2
  for i = 1, k do
    local mean = (sums[k + i] + sums[2 * k + i]) / (n + N)
    people[i] = { [i] = 1, [labelled] = -sums[i] / n }
    same[i] = { [k + i] = 1, [labelled] = -sums[k + i] / n }
    others[i] = { [2 * k + i] = 1, [unlabelled] = N > 0 and -sums[2 * k + i] / N or 0 }
    all[i] = { [k + i] = 1, [2 * k + i] = 1, [labelled] = -mean, [unlabelled] = -mean }
  end
  return people, same, others, all
end

--- How much the judge is to be trusted, from 0 to 1: PPI++'s choice, by the trace of the strengths' covariance.
local function choose(back, sums, cross, k, n, N)
  local people, same, _, all = parts_of(sums, k, n, N)
  local width = 3 * k + 2
  local together = sandwich(back, products(people, same, cross, width)) / n
  local alone = sandwich(back, products(all, all, cross, width)) / (n + N - 1)
  return alone > 0 and math.max(0, math.min(1, together / ((1 + n / N) * alone))) or 0
end

--- The variances of strengths, for a trust in the judge.
local function variances(back, sums, cross, k, n, N, lambda)
  local people, same, others = parts_of(sums, k, n, N)
  local rows = {}
  for i = 1, k do
    local row = {}
    local function add(part, by)
      for x, value in pairs(part) do row[x] = (row[x] or 0) + by * value end
    end
    add(people[i], 1 / n)
    add(same[i], -lambda / n)
    if N > 0 then add(others[i], lambda / N) end
    rows[i] = row
  end
  return select(2, sandwich(back, products(rows, rows, cross, 3 * k + 2)))
end

local function centred(s)
  local mean = 0
  for _, value in ipairs(s) do mean = mean + value / #s end
  for i, value in ipairs(s) do s[i] = value - mean end
  return s
end

--- Strengths with a given trust in the judge.
local function fitted(sheet, games, pairs_of, k, n, N, lambda)
  local s = minimise(pairs_of, k, n, N, lambda)
  if not s then return nil end
  flow.sleep(0)
  local back = inverse_bend(pairs_of, k, s, n + N)
  local _, sums, cross = sheet:sums(gradients(games, k, s), 3 * k + 2)
  return { strengths = centred(s), variances = variances(back, sums, cross, k, n, N, lambda), back = back, sums = sums,
    cross = cross }
end

--- Strengths of players, corrected. Nil without two labelled games, or where there is no fit.
---@param sheet fellowship.sheet of games, whose units hang together
---@param games fellowship.LabelledGames[] of each of its patterns
---@param k integer players
---@param lambda? number the trust in the judge, from 0 to 1; chosen when not given
---@return { strengths: number[], variances: number[], lambda: number, labels: integer, unlabelled: integer, human: { strengths: number[], variances: number[] } }? human: by the labels alone
function corrected.fit(sheet, games, k, lambda)
  local pairs_of, n, N = gather(games)
  if n < 2 then return nil end
  local human = fitted(sheet, games, pairs_of, k, n, N, 0)
  if not human then return nil end
  if not lambda then
    lambda = 0
    local first = N > 0 and fitted(sheet, games, pairs_of, k, n, N, 1)
    if first then lambda = choose(first.back, first.sums, first.cross, k, n, N) end
  end
  local found = fitted(sheet, games, pairs_of, k, n, N, lambda)
  if not found then return nil end
  return { strengths = found.strengths, variances = found.variances, lambda = lambda, labels = n, unlabelled = N,
    human = { strengths = human.strengths, variances = human.variances } }
end

return corrected
