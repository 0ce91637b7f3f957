-- Strengths of many players by the model of Bradley and Terry, with what is known beside who won: how responses differ in
-- style, what people say of some games, and what each judge of a jury says.

local json = require "fellowship.core.json"
local contest = require "fellowship.measure.contest"
local corrected = require "fellowship.measure.corrected_strengths"
local interval = require "fellowship.base.interval"
local judge_weighted = require "fellowship.measure.judge_weighted"
local sheets = require "fellowship.core.sheet"
local style = require "fellowship.measure.style"

local arena = {}

-- Columns of the sheet.
local A, B, VERDICT, HUMAN = 1, 2, 3, 4
local PLACE = { a = 1, tie = 2, b = 3 }

---@class fellowship.Arena
---@field names any[] the players
---@field sheet fellowship.sheet
---@field votes fellowship.JudgeWeighted
local Arena = {}
Arena.__index = Arena

--- An empty one.
---@return fellowship.Arena
function arena.new()
  return setmetatable({ names = {}, places = {}, labelled = false, votes = judge_weighted.new(),
    sheet = sheets.new { labels = HUMAN, measures = #style.NAMES, keyed = true } }, Arena)
end

--- A player's number.
---@param name any
---@return integer
function Arena:player(name)
  local at = self.places[name]
  if not at then
    at = #self.names + 1
    self.places[name], self.names[at] = at, name
    self.votes:player(name)
  end
  return at
end

---@class fellowship.ArenaGame
---@field key string|integer what it was played on: games of one key hang together
---@field a any a player
---@field b any another one
---@field winner "a"|"b"|"tie"|"unparsed"
---@field human "a"|"b"|"tie"|nil
---@field style number[]? as style.difference gives it
---@field votes fellowship.Verdict[]? of a jury: each member's verdict

--- Adds a game; one that could not be read, or that a player has against itself, is left out.
---@param game fellowship.ArenaGame
function Arena:add(game)
  local i, j, place = self:player(game.a), self:player(game.b), PLACE[game.winner]
  self.votes:add_votes(game.key, game.a, game.b, game.votes)
  if not place or i == j then return end
  local human = PLACE[game.human] or 0
  self.labelled = self.labelled or human > 0
  local differences = game.style or { 0, 0, 0, 0 }
  self.sheet:add(game.key, i, j, place, human, table.unpack(differences, 1, #style.NAMES))
end

--- How often each has won against each, ties as halves; by the judge, or by people.
function Arena:wins(column)
  local k, wins = #self.names, {}
  for i = 1, k do
    wins[i] = {}
    for j = 1, k do wins[i][j] = 0 end
  end
  for p = 1, self.sheet:patterns() do
    local pattern = { self.sheet:pattern(p) }
    local n, i, j, place = pattern[1], pattern[1 + A], pattern[1 + B], pattern[1 + column]
    if place > 0 then
      local won = (3 - place) / 2
      wins[i][j], wins[j][i] = wins[i][j] + n * won, wins[j][i] + n * (1 - won)
    end
  end
  return wins
end

local function player_of(name, strength, variance)
  local half = interval.Z95 * math.sqrt(math.max(0, variance))
  return { name = name, strength = strength, ci95 = { strength - half, strength + half } }
end

--- Strengths at no difference in style (style control of Chatbot Arena, Li and others 2024; Arena-Hard 2): players and
--- differences in length, headers, lists and bold text in one logistic regression. Wald intervals with a covariance by
--- keys. Nil where there is no fit, or nothing differs.
---@return { players: table[], coefficients: table<string, number>, n: integer }? players { name, strength, ci95 }, their mean 0
function Arena:style_controlled()
  local k, outcomes, design = #self.names, {}, {}
  if k < 2 or #contest.groups(self:wins(VERDICT)) > 1 then return nil end
  for p = 1, self.sheet:patterns() do
    local _, i, j, place = self.sheet:pattern(p)
    outcomes[p] = (3 - place) / 2
    for at = (p - 1) * k + 1, p * k do design[at] = 0 end
    design[(p - 1) * k + i], design[(p - 1) * k + j] = 1, -1
  end
  local found, differs = self.sheet:adjust(outcomes, design, k, 1, #style.NAMES), false
  for _, sd in ipairs(found.sd) do differs = differs or sd > 0 end
  if not found.coefficients or not differs then return nil end
  local out, all = { players = {}, coefficients = {}, n = found.n }, k + #style.NAMES
  for i, name in ipairs(self.names) do
    out.players[i] = player_of(name, found.coefficients[i], found.covariance[(i - 1) * all + i])
  end
  for m, name in ipairs(style.NAMES) do out.coefficients[name] = found.coefficients[k + m] end
  return out
end

--- Strengths as people would see them, by the games that they labelled and all that the judge saw: see
--- corrected_strengths. And by the labels alone, where these suffice.
---@return { players: table[], human: table[]?, lambda: number, labels: integer, unlabelled: integer }?
function Arena:corrected()
  local k = #self.names
  if not self.labelled or k < 2 or #contest.groups(self:wins(VERDICT)) > 1 then return nil end
  local games = {}
  for p = 1, self.sheet:patterns() do
    local n, i, j, place, human = self.sheet:pattern(p)
    games[p] = { n = n, i = i, j = j, judge = (3 - place) / 2, human = human > 0 and (3 - human) / 2 or nil }
  end
  local found = corrected.fit(self.sheet, games, k)
  if not found then return nil end
  local function players(list)
    local out = {}
    for i, name in ipairs(self.names) do out[i] = player_of(name, list.strengths[i], list.variances[i]) end
    return out
  end
  return { players = players(found), lambda = found.lambda, labels = found.labels, unlabelled = found.unlabelled,
    human = #contest.groups(self:wins(HUMAN)) == 1 and players(found.human) or nil }
end

local function listed(players)
  local out = json.array()
  for i, one in ipairs(players) do
    out[i] = json.object({ name = one.name, strength = one.strength, ci95 = json.array(one.ci95) },
      { "name", "strength", "ci95" })
  end
  return out
end

--- All kinds of strengths as results hold them, nil where there are none. No game can be added afterwards.
---@return table? style_controlled { strengths, coefficients, n }
---@return table? corrected { strengths, human, lambda, labels, unlabelled }
---@return table? judge_weighted { strengths, judges, votes, prompts }, or { problem }; of juries
function Arena:results()
  local styled, found = self:style_controlled(), self:corrected()
  return styled and json.object({ strengths = listed(styled.players), n = styled.n,
    coefficients = json.object(styled.coefficients, style.NAMES) }, { "strengths", "coefficients", "n" }) or nil,
    found and json.object({ strengths = listed(found.players), lambda = found.lambda,
      human = found.human and listed(found.human) or nil, labels = math.tointeger(found.labels),
      unlabelled = math.tointeger(found.unlabelled) },
      { "strengths", "human", "lambda", "labels", "unlabelled" }) or nil, self.votes:results()
end

--- Lets go of the games.
function Arena:close()
  self.votes:close()
  self.sheet:close()
end

return arena
