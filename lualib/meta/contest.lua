---@meta fellowship.core.contest
-- luacheck: ignore 212

---Strengths of players by the games between them (Bradley and Terry 1952), for fellowship.measure.contest.
---@class fellowship.core.contest
local contest = {}

---Games that players had against each other, on prompts; all are numbered from 1.
---@class fellowship.contest: userdata
local games = {}

---Adds a game.
---@param prompt integer on which it was played: games of one prompt are drawn together
---@param a integer at most 1,000 players
---@param b integer
---@param winner "a"|"b"|"tie"
function games:add(prompt, a, b, winner) end

---How often each player beat each other, where a tie is half a win for both; and how many games there are.
---@param players integer
---@return number[][] wins wins[i][j] of i over j
---@return integer games
function games:wins(players) end

---Fits resamples of the prompts, on a worker thread: the task waits.
---@param players integer
---@param resamples integer
---@param seed integer
---@return integer fitted resamples in which everyone was connected to everyone
---@return number[] low each player's 2.5% quantile over those; empty when there are none
---@return number[] high and the 97.5% quantile
function games:bootstrap(players, resamples, seed) end

---@return fellowship.contest
function contest.new() end

---The logarithms of the strengths with the greatest likelihood, their mean 0; nothing when there are no finite ones.
---@param wins number[][] wins[i][j] of i over j
---@return number[]? strengths
---@return integer? steps of Newton's method
function contest.fit(wins) end

return contest
