-- Generators against each other: win rates, and strengths from many contests.

local statistics = require "fellowship.measure.statistics"

local contest = {}

--- Wins, losses and ties of A over rows, and its win rate: wins / n with Wilson's interval, n being all rows that
--- were compared, ties and unparsed among them.
---@param winners string[] "a", "b", "tie" or "unparsed"
---@return { n: integer, wins: integer, losses: integer, ties: integer, unparsed: integer, win_rate: number?, win_rate_ci95: number[]? }
function contest.tally(winners)
  local count = { a = 0, b = 0, tie = 0, unparsed = 0 }
  for _, winner in ipairs(winners) do count[winner] = count[winner] + 1 end
  local n = #winners
  return { n = n, wins = count.a, losses = count.b, ties = count.tie, unparsed = count.unparsed,
    win_rate = n > 0 and count.a / n or nil, win_rate_ci95 = statistics.wilson(count.a, n) }
end

local ROUNDS, CLOSE = 10000, 1e-12

--- Bradley-Terry strengths (1952) by the MM iteration of Hunter (2004): p_i = W_i / sum_j n_ij / (p_i + p_j), where
--- a tie counts half a win for each. The logarithms are returned, with mean 0. nil when some player never won, or
--- never lost, against the rest: then there is no finite strength.
---@param wins number[][] wins[i][j]: how often i beat j, ties as halves
---@return number[]? log strengths
function contest.bradley_terry(wins)
  local k, strength, total = #wins, {}, {}
  for i = 1, k do
    local won, lost = 0, 0
    for j = 1, k do
      won = won + (i ~= j and wins[i][j] or 0)
      lost = lost + (i ~= j and wins[j][i] or 0)
    end
    if won == 0 or lost == 0 then return nil end
    strength[i], total[i] = 1, won
  end
  for _ = 1, ROUNDS do
    local next_strength, product, change = {}, 0, 0
    for i = 1, k do
      local weight = 0
      for j = 1, k do
        if i ~= j then weight = weight + (wins[i][j] + wins[j][i]) / (strength[i] + strength[j]) end
      end
      next_strength[i] = total[i] / weight
      product = product + math.log(next_strength[i])
    end
    local scale = math.exp(product / k)
    for i = 1, k do
      local p = next_strength[i] / scale
      change = math.max(change, math.abs(p - strength[i]))
      strength[i] = p
    end
    if change < CLOSE then break end
  end
  local logs = {}
  for i = 1, k do logs[i] = math.log(strength[i]) end
  return logs
end

--- The same from single comparisons, with a 95% bootstrap interval for each player.
---@param players integer
---@param games { a: integer, b: integer, winner: string }[] "a", "b" or "tie"; others are left out
---@param options? { seed: integer?, resamples: integer? }
---@return { strength: number?, ci95: number[]? }[]
function contest.strengths(players, games, options)
  local played = {}
  for _, game in ipairs(games) do
    if game.winner ~= "unparsed" then played[#played + 1] = game end
  end
  local function fit(sample)
    local wins = {}
    for i = 1, players do
      wins[i] = {}
      for j = 1, players do wins[i][j] = 0 end
    end
    for at = 1, #played do
      local game = played[sample and sample[at] or at]
      local a, b = game.a, game.b
      if game.winner ~= "b" then wins[a][b] = wins[a][b] + (game.winner == "tie" and 0.5 or 1) end
      if game.winner ~= "a" then wins[b][a] = wins[b][a] + (game.winner == "tie" and 0.5 or 1) end
    end
    return contest.bradley_terry(wins)
  end
  local whole, list, fits = fit(nil), {}, {}
  for i = 1, players do
    local at = 0 -- every player's interval is over the same resamples, which are fitted once
    list[i] = { strength = whole and whole[i], ci95 = statistics.bootstrap(#played, function(sample)
      at = at + 1
      if fits[at] == nil then fits[at] = fit(sample) or false end
      return fits[at] and fits[at][i] or nil
    end, options) }
  end
  return list
end

return contest
