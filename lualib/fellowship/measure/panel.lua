-- All that the verdicts of one evaluator tell of it: its report card, what it leans to, how it uses its scale, whether its
-- confidence is worth what it says; of a jury, what its members are worth together.

local json = require "fellowship.core.json"
local agreement = require "fellowship.measure.agreement"
local ballots = require "fellowship.measure.ballots"
local bias = require "fellowship.measure.bias"
local calibration = require "fellowship.measure.calibration"
local juries = require "fellowship.measure.juries"

local panel = {}

---@class fellowship.Panel
---@field name string
---@field models string[]
---@field ballots fellowship.Ballots
---@field members fellowship.Ballots? of a jury
local Panel = {}
Panel.__index = Panel

--- An empty one.
---@param models string[] of the evaluator
---@param options? { scale: number?, name: string? } scale: the highest score, 10 when not given
---@return fellowship.Panel
function panel.new(models, options)
  options = options or {}
  return setmetatable({ models = models, name = options.name or table.concat(models, " + "),
    ballots = ballots.new(1, { style = true }), scale = bias.scale(), chances = calibration.new(),
    highest = options.scale or 10, seen = {}, pairs = 0, same = 0, lengths = false }, Panel)
end

--- A second verdict on the same row tells whether the evaluator repeats itself.
local function repeats(self, id, winner)
  local before = self.seen[id]
  self.seen[id] = winner
  if before and before ~= "unparsed" and winner ~= "unparsed" then
    self.pairs, self.same = self.pairs + 1, self.same + (before == winner and 1 or 0)
  end
  return before ~= nil
end

--- The votes of a jury's members, each by itself; samples of one judge are no jury.
local function add_votes(self, row, verdict)
  local votes = verdict.votes
  if type(votes) ~= "table" or #votes ~= #self.models or #votes < 2 then return end
  self.members = self.members or ballots.new(#votes)
  self.members:add { key = row.key, human = row.human, verdicts = votes }
end

---@class fellowship.Judged what is known of a row and of the verdict on it
---@field id string? of the row: two verdicts on one are a repetition, of which the first counts; nil where ids are not looked at
---@field key string|integer rows of one key (prompt) hang together
---@field verdict fellowship.Verdict
---@field human "a"|"b"|"tie"|nil
---@field longer "a"|"b"|nil
---@field length number? A's less B's
---@field style number[]? as style.difference gives it
---@field category any
---@field names { a: string, b: string }? who wrote the responses

--- Adds a verdict.
---@param row fellowship.Judged
---@param families? table<string, string> of models, where their names do not say
function Panel:add(row, families)
  local verdict = row.verdict
  self.scale:add(verdict.scores)
  if row.id and repeats(self, row.id, verdict.winner) then return end
  self.lengths = self.lengths or row.length ~= nil
  self.ballots:add { key = row.key, human = row.human, longer = row.longer, length = row.length,
    style = row.style, category = row.category, verdicts = { verdict },
    own = { bias.own(self.models, row.names, families) } }
  self.chances:add(row.key, calibration.chance(verdict, self.highest), row.human)
  add_votes(self, row, verdict)
end

local KEYS = { "models", "verdicts", "position", "repeats", "length", "ties", "own_family", "scale", "calibration",
  "jury", "categories", "card" }

--- What is told of it.
---@param options? { seed: integer?, categories: boolean?, spent: table? }
---@return table
function Panel:summary(options)
  options = options or {}
  local o = { seed = options.seed, lengths = self.lengths, spent = options.spent }
  local card = agreement.of(self.ballots, { 1 }, self.models, o)
  local controlled = card.win_rate.length_controlled
  local repeated = card.repeats
  if self.pairs > 0 then
    repeated = json.object({ rate = self.same / self.pairs, n = self.pairs }, { "rate", "n" })
  end
  return json.object({ models = json.array(self.models), verdicts = self.ballots.sheet:rows(),
    position = card.position, repeats = repeated,
    length = self.lengths and json.object({ longer_wins = card.longer_wins, longer_wins_human = card.longer_wins_human,
      coefficient = controlled and controlled.length_coefficient or json.null },
      { "longer_wins", "longer_wins_human", "coefficient" }) or nil,
    ties = json.object({ judge = card.tie_rate, human = card.tie_rate_human }, { "judge", "human" }),
    own_family = bias.own_family(self.ballots, 1, o), scale = self.scale:summary(),
    calibration = self.chances:summary(), jury = self.members and juries.of(self.members, self.models, o) or nil,
    categories = options.categories and bias.categories(self.ballots, 1) or nil, card = card }, KEYS)
end

return panel
