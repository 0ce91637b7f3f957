-- Strengths of players before judges of whom some tell players apart better than others: Bradley and Terry's model with a
-- weight for each judge (judge-aware ranking; Xu and others 2026, arXiv 2601.21817). Judge c says that i beats j with the
-- chance 1 / (1 + exp(-w_c (s_i - s_j))), a tie counting half a win for each; strengths s and weights w are fitted
-- together, and no label is needed: who is steady gets a large weight, who decides by lot one near 0.
--
-- Only products of weights and strengths show, so the mean weight is held at 1 and the mean strength at 0. The mean of
-- the weights, not of their logarithms: a judge that decides by lot has no logarithm, and one that leans to the worse
-- answer has a weight below 0, which shall be seen.

local json = require "fellowship.core.json"
local contest = require "fellowship.measure.contest"
local flow = require "fellowship.flow"
local interval = require "fellowship.base.interval"
local matrix = require "fellowship.measure.matrix"
local sheets = require "fellowship.core.sheet"

local weighted = {}

-- What is held before anything is seen (normal priors): strengths 0 with the standard deviation 5, weights 1 with the
-- standard deviation 1. They count where votes are few, or would let a figure grow without end.
local STRENGTH_PRECISION, WEIGHT_PRECISION = 1 / 25, 1
local STEPS, SMALL = 500, 1e-9
local MOST_NUMBERS = 5000000 -- of gradients; above, there are no intervals

local PLACE = { a = 1, tie = 2, b = 3 }

---@class fellowship.JudgeWeighted votes of judges in games
---@field players any[]
---@field judges any[]
---@field sheet fellowship.sheet of player, player (the one with the smaller number first), judge and place
local Weighted = {}
Weighted.__index = Weighted

--- An empty one.
---@return fellowship.JudgeWeighted
function weighted.new()
  return setmetatable({ players = {}, judges = {}, places = {}, seats = {},
    sheet = sheets.new { labels = 4, keyed = true } }, Weighted)
end

local function number_of(names, numbers, name)
  local at = numbers[name]
  if not at then
    at = #names + 1
    names[at], numbers[name] = name, at
  end
  return at
end

--- Makes a player known, so that it has its place among the strengths.
---@param name any
---@return integer
function Weighted:player(name) return number_of(self.players, self.places, name) end

--- Adds one judge's vote; one that could not be read, or in a game of a player against itself, is left out: a judge who
--- gave no other has no weight.
---@param key string|integer what the game was played on: votes of one key hang together
---@param a any a player
---@param b any another one
---@param judge any
---@param winner "a"|"b"|"tie"|"unparsed"
function Weighted:add(key, a, b, judge, winner)
  local i, j, place = self:player(a), self:player(b), PLACE[winner]
  if not place or i == j then return end
  local seat = number_of(self.judges, self.seats, judge)
  if i > j then i, j, place = j, i, 4 - place end
  self.sheet:add(key, i, j, seat, place)
end

--- Adds the votes of a jury's verdict, each by the names of its models.
---@param key string|integer
---@param a any
---@param b any
---@param votes fellowship.Verdict[]?
function Weighted:add_votes(key, a, b, votes)
  for _, vote in ipairs(votes or {}) do
    if vote.models then self:add(key, a, b, table.concat(vote.models, "+"), vote.winner) end
  end
end

---@class Cell votes of one judge on two players
---@field i integer
---@field j integer
---@field judge integer
---@field n integer
---@field won number i's wins, ties as halves

--- The votes by pair and judge, who has won against whom by all of them, and how many each judge gave.
local function gather(self)
  local cells, known, wins, given, n = {}, {}, {}, {}, 0
  for i = 1, #self.players do
    wins[i] = {}
    for j = 1, #self.players do wins[i][j] = 0 end
  end
  for seat = 1, #self.judges do given[seat] = 0 end
  for p = 1, self.sheet:patterns() do
    local rows, i, j, seat, place = self.sheet:pattern(p)
    local key = (i * 65536 + j) * 65536 + seat
    local cell = known[key]
    if not cell then
      cell = { i = i, j = j, judge = seat, n = 0, won = 0 }
      known[key], cells[#cells + 1] = cell, cell
    end
    local won = rows * (3 - place) / 2
    cell.n, cell.won = cell.n + rows, cell.won + won
    wins[i][j], wins[j][i] = wins[i][j] + won, wins[j][i] + rows - won
    given[seat], n = given[seat] + rows, n + rows
  end
  return cells, wins, given, n
end

-- ---- the fit ----

-- Parameters are one list: the strengths of k players, then the judges' weights.

local function chance(x, k, cell) return 1 / (1 + math.exp(-x[k + cell.judge] * (x[cell.i] - x[cell.j]))) end

--- log(1 + exp(z)), without overflow.
local function softplus(z) return z > 0 and z + math.log(1 + math.exp(-z)) or math.log(1 + math.exp(z)) end

--- What the fit makes least: minus the logarithm of the likelihood times the priors.
local function loss_of(cells, x, k)
  local sum = 0
  for _, cell in ipairs(cells) do
    local z = x[k + cell.judge] * (x[cell.i] - x[cell.j])
    sum = sum + cell.n * softplus(z) - cell.won * z
  end
  for at, value in ipairs(x) do
    sum = sum + (at <= k and STRENGTH_PRECISION * value ^ 2 or WEIGHT_PRECISION * (value - 1) ^ 2) / 2
  end
  return sum
end

local function zeros(size)
  local list = {}
  for at = 1, size do list[at] = 0 end
  return list
end

--- The slope of the loss and its curvature: the expected one (Fisher's), which is positive definite everywhere and so
--- leads downward, or the observed one, which tells how sure the end is.
local function curvature_of(cells, x, k, observed)
  local size = #x
  local slope, bend = zeros(size), {}
  for at = 1, size do
    local precision = at <= k and STRENGTH_PRECISION or WEIGHT_PRECISION
    bend[at] = zeros(size)
    bend[at][at], slope[at] = precision, precision * (x[at] - (at <= k and 0 or 1))
  end
  for _, cell in ipairs(cells) do
    local i, j, c = cell.i, cell.j, k + cell.judge
    local weight, d, p = x[c], x[i] - x[j], chance(x, k, cell)
    local off, w = cell.n * p - cell.won, cell.n * p * (1 - p)
    slope[i], slope[j], slope[c] = slope[i] + weight * off, slope[j] - weight * off, slope[c] + d * off
    local own, cross = weight * weight * w, weight * d * w + (observed and off or 0)
    bend[i][i], bend[j][j], bend[c][c] = bend[i][i] + own, bend[j][j] + own, bend[c][c] + d * d * w
    bend[i][j], bend[j][i] = bend[i][j] - own, bend[j][i] - own
    bend[i][c], bend[c][i] = bend[i][c] + cross, bend[c][i] + cross
    bend[j][c], bend[c][j] = bend[j][c] - cross, bend[c][j] - cross
  end
  return slope, bend
end

--- A step downward, halved until it leads down; and its size before.
local function step(cells, x, k, loss)
  local slope, bend = curvature_of(cells, x, k)
  local back, by, most = matrix.inverse(bend), {}, 0
  for a = 1, #x do
    by[a] = 0
    for b = 1, #x do by[a] = by[a] - back[a][b] * slope[b] end
    most = math.max(most, math.abs(by[a]))
  end
  local part = 1
  while part > 1e-6 do
    local there = {}
    for a = 1, #x do there[a] = x[a] + part * by[a] end
    local now = loss_of(cells, there, k)
    if now <= loss then return there, now, most end
    part = part / 2
  end
  return x, loss, 0
end

local function minimise(cells, k, judges)
  local x = zeros(k)
  for seat = 1, judges do x[k + seat] = 1 end
  local loss = loss_of(cells, x, k)
  for _ = 1, STEPS do
    local most
    x, loss, most = step(cells, x, k, loss)
    flow.sleep(0)
    if most < SMALL then return x end
  end
  return nil
end

-- ---- how sure it is ----

--- Sums over units of the products of their slopes, the priors counting as what they are worth in votes: so that a
--- figure of which votes say nothing is as wide as before anybody voted. Nil where there are too many numbers.
local function products(sheet, x, k)
  local size, values = #x, {}
  if sheet:patterns() * size > MOST_NUMBERS then return nil end
  for p = 1, sheet:patterns() do
    local _, i, j, seat, place = sheet:pattern(p)
    local at, cell = #values, { i = i, j = j, judge = seat }
    for a = at + 1, at + size do values[a] = 0 end
    local off = chance(x, k, cell) - (3 - place) / 2
    values[at + i], values[at + j] = x[k + seat] * off, -x[k + seat] * off
    values[at + k + seat] = (x[i] - x[j]) * off
  end
  local units, _, cross = sheet:sums(values, size)
  local out, by = {}, units > 1 and units / (units - 1) or 1
  for a = 1, size do
    out[a] = {}
    for b = 1, size do out[a][b] = by * cross[(a - 1) * size + b] end
    out[a][a] = out[a][a] + (a <= k and STRENGTH_PRECISION or WEIGHT_PRECISION)
  end
  return out, units
end

--- row . m . row
local function quadratic(row, m)
  local sum = 0
  for a, u in ipairs(row) do
    local inner = 0
    for b, v in ipairs(row) do inner = inner + v * m[a][b] end
    sum = sum + u * inner
  end
  return sum
end

--- How a scaled figure moves with the parameters, through the inverse curvature.
local function through(back, row)
  local out = {}
  for b = 1, #row do
    out[b] = 0
    for a = 1, #row do out[b] = out[b] + row[a] * back[a][b] end
  end
  return out
end

--- Standard errors of scaled strengths (x_i less their mean, times the mean weight) and weights (over their mean), by the
--- delta method from the sandwich covariance of units (Huber 1967; Liang and Zeger 1986). Nil without intervals.
local function errors_of(self, cells, x, k, means)
  local meat, units = products(self.sheet, x, k)
  if not meat then return nil end
  local _, bend = curvature_of(cells, x, k, true)
  local back, size, list = matrix.inverse(bend), #x, {}
  local judges = size - k
  for at = 1, size do
    local row = zeros(size)
    for a = 1, size do
      if at <= k then
        row[a] = a <= k and means.weight * ((a == at and 1 or 0) - 1 / k) or (x[at] - means.strength) / judges
      elseif a > k then row[a] = (a == at and 1 or 0) / means.weight - x[at] / (means.weight ^ 2 * judges) end
    end
    list[at] = math.sqrt(math.max(0, quadratic(through(back, row), meat)))
    flow.sleep(0)
  end
  return list, units
end

local function mean_of(list, first, last)
  local sum = 0
  for at = first, last do sum = sum + list[at] end
  return sum / (last - first + 1)
end

local function figure(value, se)
  return { value = value, ci95 = se and { value - interval.Z95 * se, value + interval.Z95 * se } }
end

--- Strengths and weights. Nil with less than two judges who voted, or where some players cannot be compared with others;
--- then why.
---@return { players: table[], judges: table[], votes: integer, prompts: integer? }? players { name, strength, ci95 }, their mean 0; judges { name, weight, ci95, n }, their mean 1; prompts: how many units intervals rest on
---@return string? problem
function Weighted:fit()
  local cells, wins, given, n = gather(self)
  local k, judges = #self.players, #self.judges
  if k < 2 or judges < 2 then return nil, "weights of judges take two players and two judges" end
  if #contest.groups(wins) > 1 then return nil, select(2, contest.bradley_terry(wins, self.players)) end
  local x = minimise(cells, k, judges)
  if not x then return nil, "the fit of judges' weights came to no end" end
  local means = { strength = mean_of(x, 1, k), weight = mean_of(x, k + 1, k + judges) }
  if means.weight < 0.1 then return nil, "the judges contradict each other: their weights come to nothing" end
  local errors, units = errors_of(self, cells, x, k, means)
  local found = { players = {}, judges = {}, votes = n, prompts = units }
  for i, name in ipairs(self.players) do
    local one = figure((x[i] - means.strength) * means.weight, errors and errors[i])
    found.players[i] = { name = name, strength = one.value, ci95 = one.ci95 }
  end
  for seat, name in ipairs(self.judges) do
    local one = figure(x[k + seat] / means.weight, errors and errors[k + seat])
    found.judges[seat] = { name = name, weight = one.value, ci95 = one.ci95, n = given[seat] }
  end
  return found
end

--- The same as results hold it, or why there are no strengths; nil where there are no two judges.
---@return table? { strengths, judges, votes, prompts, problem }
function Weighted:results()
  if #self.judges < 2 then return nil end
  local found, problem = self:fit()
  if not found then return json.object({ problem = problem }, { "problem" }) end
  local function listed(list, keys)
    local out = json.array()
    for at, one in ipairs(list) do
      one.ci95 = one.ci95 and json.array(one.ci95) or json.null
      out[at] = json.object(one, keys)
    end
    return out
  end
  return json.object({ strengths = listed(found.players, { "name", "strength", "ci95" }),
    judges = listed(found.judges, { "name", "weight", "ci95", "n" }), votes = found.votes,
    prompts = found.prompts or json.null }, { "strengths", "judges", "votes", "prompts" })
end

--- Lets go of the votes.
function Weighted:close()
  self.sheet:close()
end

--- Strengths of players and weights of judges, from a list of votes.
--- Example:
---     local votes = {}
---     for prompt = 1, 60 do
---       for judge, every in pairs { steady = 6, lot = 2 } do
---         local winner = prompt % every == 0 and "b" or "a"
---         votes[#votes + 1] = { prompt = prompt, a = "x", b = "y", judge = judge, winner = winner }
---       end
---     end
---     local found = fellowship.measure.judge_weighted(votes)
---     for _, judge in ipairs(found.judges) do print(("%s %.1f"):format(judge.name, judge.weight)) end
---@param votes { prompt: string|integer, a: any, b: any, judge: any, winner: "a"|"b"|"tie"|"unparsed" }[] prompt: votes of one hang together
---@return { players: table[], judges: table[], votes: integer, prompts: integer }? players { name, strength, ci95 }; judges { name, weight, ci95, n }
---@return string? problem why there are none
function weighted.of(votes)
  local held = weighted.new()
  for _, vote in ipairs(votes) do held:add(vote.prompt, vote.a, vote.b, vote.judge, vote.winner) end
  local found, problem = held:fit()
  held:close()
  return found, problem
end

return weighted
