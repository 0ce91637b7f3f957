-- Generators against each other: win rates, and strengths from many contests.

local core = require "fellowship.core.contest"
local statistics = require "fellowship.measure.statistics"

local contest = {}

--- Wins, losses and ties of A over rows, and its win rate: wins / n with Wilson's interval, n being all rows that
--- were compared, ties and unparsed among them.
--- Example: `print(fellowship.contest.tally({ "a", "b", "tie", "a" }).win_rate) --> 0.5`
---@param winners string[] "a", "b", "tie" or "unparsed"
---@return { n: integer, wins: integer, losses: integer, ties: integer, unparsed: integer, win_rate: number?, win_rate_ci95: number[]? }
function contest.tally(winners)
  local count = { a = 0, b = 0, tie = 0, unparsed = 0 }
  for _, winner in ipairs(winners) do count[winner] = count[winner] + 1 end
  local n = #winners
  return { n = n, wins = count.a, losses = count.b, ties = count.tie, unparsed = count.unparsed,
    win_rate = n > 0 and count.a / n or nil, win_rate_ci95 = statistics.wilson(count.a, n) }
end

--- The groups of players between whom strengths can be compared: everyone in a group has won, over some chain of
--- games, against everyone else in it (a tie counts for both). Finite strengths of all exist when there is one group
--- (Ford 1957). Groups that won all their games against others come first.
--- Example: `print(#fellowship.contest.groups { { 0, 2, 1 }, { 1, 0, 1 }, { 0, 0, 0 } }) --> 2`
---@param wins number[][] wins[i][j]: how often i beat j, ties as halves
---@return integer[][]
function contest.groups(wins)
  local k = #wins
  local function reached(from, backward)
    local seen, queue, next = { [from] = true }, { from }, 1
    while queue[next] do
      local i = queue[next]
      next = next + 1
      for j = 1, k do
        if i ~= j and not seen[j] and (backward and wins[j][i] or not backward and wins[i][j]) > 0 then
          seen[j] = true
          queue[#queue + 1] = j
        end
      end
    end
    return seen, #queue
  end
  local groups, placed = {}, {}
  for i = 1, k do
    if not placed[i] then
      local below, count = reached(i, false)
      local above = reached(i, true)
      local group = { reach = count }
      for j = 1, k do
        if below[j] and above[j] then
          group[#group + 1], placed[j] = j, true
        end
      end
      groups[#groups + 1] = group
    end
  end
  table.sort(groups, function(x, y)
    if x.reach ~= y.reach then return x.reach > y.reach end
    return x[1] < y[1]
  end)
  for _, group in ipairs(groups) do group.reach = nil end
  return groups
end

--- Why there are no finite strengths, in words.
local function describe(groups, wins, names)
  local function named(group)
    local list = {}
    for i, player in ipairs(group) do list[i] = tostring(names and names[player] or player) end
    return table.concat(list, ", ")
  end
  local function won(x, y)
    for _, i in ipairs(x) do
      for _, j in ipairs(y) do
        if wins[i][j] > 0 then return true end
      end
    end
    return false
  end
  local first, rest = groups[1], {}
  for g = 2, #groups do table.move(groups[g], 1, #groups[g], #rest + 1, rest) end
  local how = won(first, rest) and "won every game against" or "never played against"
  return ("strengths cannot be compared: %s %s %s"):format(named(first), how, named(rest))
end

--- Bradley-Terry strengths (1952): log p_i where i beats j with the probability p_i / (p_i + p_j) and a tie counts half
--- a win for each, of the greatest likelihood (Newton's method), their mean 0.
--- Example: `print(("%.3f"):format(fellowship.contest.bradley_terry({ { 0, 30 }, { 10, 0 } })[1])) --> 0.549`
---@param wins number[][] wins[i][j]: how often i beat j, ties as halves
---@param names? any[] of the players, for the problem
---@return number[]? log strengths; nil where there are no finite ones
---@return string? problem
function contest.bradley_terry(wins, names)
  local logs = core.fit(wins)
  if logs then return logs end
  local groups = contest.groups(wins)
  if #groups > 1 then return nil, describe(groups, wins, names) end
  return nil, "the games are too one-sided to tell strengths"
end

---@class fellowship.Games games between players, kept small: the results of one tournament
local Games = {}
Games.__index = Games
Games.__name = "fellowship.Games"

--- An empty tournament. Players and prompts are any values, numbered as they come.
--- Example:
---     local games = fellowship.contest.games()
---     games:add("prompt 1", "llama", "gemma", "a")
---@return fellowship.Games
function contest.games()
  return setmetatable({ games = core.new(), players = {}, names = {}, prompts = {}, prompt_count = 0 }, Games)
end

--- Makes a player known before its first game, so that it has its place among the strengths.
--- Example: `print(fellowship.contest.games():player("llama")) --> 1`
---@param name any
---@return integer
function Games:player(name)
  local at = self.players[name]
  if at then return at end
  at = #self.names + 1
  self.players[name], self.names[at] = at, name
  return at
end

--- Adds a game; one that could not be read is left out.
--- Example: `fellowship.contest.games():add("prompt 1", "llama", "gemma", "a")`
---@param prompt any what it was played on; games of one prompt are resampled together
---@param a any a player
---@param b any another one
---@param winner "a"|"b"|"tie"|"unparsed"
function Games:add(prompt, a, b, winner)
  local i, j = self:player(a), self:player(b)
  if winner == "unparsed" or i == j then return end
  local at = self.prompts[prompt]
  if not at then
    at = self.prompt_count + 1
    self.prompts[prompt], self.prompt_count = at, at
  end
  self.games:add(at, i, j, winner)
end

local RESAMPLES = 1000

---@class fellowship.Strengths
---@field [integer] { name: any, strength: number?, ci95: number[]? } each player
---@field games integer that could be read
---@field resamples integer drawn
---@field fitted integer of them, had finite strengths for everyone: the intervals rest on these
---@field problem string? why there are no strengths

--- The strengths of all players, with 95% percentile bootstrap intervals (Efron 1979) over the prompts: the games of
--- one prompt hang together, so they are drawn together. Resamples without finite strengths have none and are counted.
--- The computing goes on beside the loop.
--- Example:
---     local games = fellowship.contest.games()
---     for prompt = 1, 9 do games:add(prompt, "llama", "gemma", prompt % 3 == 0 and "b" or "a") end
---     print(games:strengths()[1].name) --> llama
---@param options? { seed: integer?, resamples: integer? }
---@return fellowship.Strengths
function Games:strengths(options)
  options = options or {}
  local k, list = #self.names, { resamples = 0, fitted = 0, games = 0 }
  if k == 0 then return list end
  local wins, count = self.games:wins(k)
  local whole, problem = contest.bradley_terry(wins, self.names)
  list.games, list.problem = count, problem
  local low, high
  if whole and k > 1 then
    list.resamples = options.resamples or RESAMPLES
    list.fitted, low, high = self.games:bootstrap(k, list.resamples, options.seed or 0)
  end
  for i, name in ipairs(self.names) do
    list[i] = { name = name, strength = whole and whole[i],
      ci95 = list.fitted > 0 and { low[i], high[i] } or nil }
  end
  return list
end

return contest
