-- Sums over a run's records, taken in as they pass: what the figures are drawn from that the run's own results lack.

local pack = require "fellowship.report.pack"
local ratings = require "fellowship.report.ratings"

local tally = {}

---@class fellowship.report.Sums
---@field a integer
---@field b integer
---@field tie integer
---@field unparsed integer
---@field n integer
---@field swapped integer asked in both orders
---@field flipped integer

---@class fellowship.report.Tally
---@field rows integer
---@field evaluators string[] in the order of their coming
---@field by table<string, fellowship.report.Sums>
---@field agree table<string, table<string, { same: integer, n: integer }>> how often two evaluators say the same
---@field margins table<number, integer> how often scores were so far apart
---@field right table<integer, { right: integer, n: integer }> agreement with the labels, by margin
---@field candidates table<string, { won: integer, lost: integer, tied: integer, n: integer, characters: integer, texts: integer, cut: integer }>
---@field names string[]
---@field chosen table<number, integer> mean scores
---@field rejected table<number, integer>
---@field pair_margins table<number, integer>
---@field lengths table<integer, table<integer, integer>> pairs by the power of two of both lengths
---@field longer { chosen: integer, rejected: integer, same: integer }
---@field pairs integer
---@field ratings fellowship.report.Ratings
---@field models table<string, { pieces: integer, prompt: integer, completion: integer }>
local Tally = {}
Tally.__index = Tally

-- Evaluators whose agreement with each other is counted.
local MOST = 16

--- An empty tally.
---@return fellowship.report.Tally
function tally.new()
  return setmetatable({ rows = 0, evaluators = {}, by = {}, agree = {}, margins = {}, right = {}, candidates = {},
    names = {}, chosen = {}, rejected = {}, pair_margins = {}, lengths = {}, pairs = 0, models = {}, model_names = {},
    longer = { chosen = 0, rejected = 0, same = 0 }, labelled = 0, ratings = ratings.new() }, Tally)
end

local function count(counts, key) counts[key] = (counts[key] or 0) + 1 end

--- What is counted under a name, in the order of coming.
local function under(names, sums, name, fresh)
  local found = sums[name]
  if not found then
    found = fresh()
    names[#names + 1], sums[name] = name, found
  end
  return found
end

local function no_verdicts() return { a = 0, b = 0, tie = 0, unparsed = 0, n = 0, swapped = 0, flipped = 0 } end
local function no_games() return { won = 0, lost = 0, tied = 0, n = 0, characters = 0, texts = 0, cut = 0 } end
local function no_tokens() return { pieces = 0, prompt = 0, completion = 0 } end

local function play(self, record, judgement)
  local a, b = record.candidates[judgement.a], record.candidates[judgement.b]
  if not a or not b or judgement.winner == "unparsed" then return end
  local first = under(self.names, self.candidates, a.by or a.name, no_games)
  local second = under(self.names, self.candidates, b.by or b.name, no_games)
  first.n, second.n = first.n + 1, second.n + 1
  if judgement.winner == "tie" then
    first.tied, second.tied = first.tied + 1, second.tied + 1
  else
    local winner, loser = first, second
    if judgement.winner == "b" then winner, loser = second, first end
    winner.won, loser.lost = winner.won + 1, loser.lost + 1
  end
end

local function spend(self, judgement)
  for _, piece in ipairs(judgement.said) do
    local sums = under(self.model_names, self.models, tostring(piece.model or "?"), no_tokens)
    sums.pieces = sums.pieces + 1
    sums.prompt = sums.prompt + (math.tointeger(piece.prompt_tokens) or 0)
    sums.completion = sums.completion + (math.tointeger(piece.completion_tokens) or 0)
  end
end

local function judge(self, record, judgement)
  local sums = under(self.evaluators, self.by, judgement.by, no_verdicts)
  sums.n = sums.n + 1
  sums[judgement.winner] = sums[judgement.winner] + 1
  if judgement.swapped then sums.swapped = sums.swapped + 1 end
  if judgement.flip then sums.flipped = sums.flipped + 1 end
  local a, b = judgement.scores.a, judgement.scores.b
  local margin = a and b and math.abs(a - b)
  if margin then count(self.margins, margin) end
  if margin and record.human and judgement.winner ~= "unparsed" then
    local right = self.right[math.floor(margin)] or { right = 0, n = 0 }
    self.right[math.floor(margin)] = right
    right.n = right.n + 1
    if judgement.winner == record.human then right.right = right.right + 1 end
  end
  play(self, record, judgement)
  spend(self, judgement)
end

--- Counts how the evaluators of a record agree on the same two candidates.
local function compare(self, judgements)
  for i = 1, math.min(#judgements, MOST) do
    local x = judgements[i]
    for j = i + 1, math.min(#judgements, MOST) do
      local y = judgements[j]
      if x.a == y.a and x.b == y.b and x.by ~= y.by and x.winner ~= "unparsed" and y.winner ~= "unparsed" then
        local row = self.agree[x.by] or {}
        local cell = row[y.by] or { same = 0, n = 0 }
        self.agree[x.by], row[y.by] = row, cell
        cell.n = cell.n + 1
        if x.winner == y.winner then cell.same = cell.same + 1 end
      end
    end
  end
end

--- The power of two of a length: 0 for 0, 4 for 8 to 15.
local function power_of(length)
  local power = 0
  while length > 0 do length, power = length >> 1, power + 1 end
  return power
end

local function take_pair(self, record, pair)
  self.pairs = self.pairs + 1
  if pair.margin then count(self.pair_margins, ratings.rounded(pair.margin)) end
  local scores = type(pair.scores) == "table" and pair.scores or {}
  for _, side in ipairs { "chosen", "rejected" } do
    local score = tonumber(tostring(scores[side]))
    if score then count(self[side], ratings.rounded(score)) end
  end
  local chosen = pack.length(record.candidates[pair.chosen].text)
  local rejected = pack.length(record.candidates[pair.rejected].text)
  local row = self.lengths[power_of(chosen)] or {}
  self.lengths[power_of(chosen)] = row
  count(row, power_of(rejected))
  count(self.longer, chosen > rejected and "chosen" or chosen < rejected and "rejected" or "same")
end

--- Takes in a record.
---@param record fellowship.report.Record
function Tally:add(record)
  self.rows = self.rows + 1
  if record.human then self.labelled = self.labelled + 1 end
  for _, candidate in ipairs(record.candidates) do
    local sums = under(self.names, self.candidates, candidate.by or candidate.name, no_games)
    if candidate.text then
      sums.texts, sums.characters = sums.texts + 1, sums.characters + pack.length(candidate.text)
    end
    if candidate.cut then sums.cut = sums.cut + 1 end
  end
  for _, judgement in ipairs(record.judgements) do judge(self, record, judgement) end
  if #record.judgements > 1 then compare(self, record.judgements) end
  for _, rating in ipairs(record.ratings or {}) do
    ratings.add(self.ratings, rating, record.candidates[rating.candidate])
    spend(self, rating)
  end
  for _, pair in ipairs(record.pairs) do take_pair(self, record, pair) end
end

return tally
