-- What evaluators said of rows, beside what people say of them: a few bytes a row and evaluator. Every figure follows from
-- how often each combination of verdicts comes, so that old verdicts give new figures.

local sheets = require "fellowship.core.sheet"
local style = require "fellowship.measure.style"
local vote = require "fellowship.judge.vote"

local ballots = {}

--- The labels in their order, and their places; the fourth place is what could not be read.
ballots.LABELS = { "a", "tie", "b" }
local PLACE = { a = 1, tie = 2, b = 3, unparsed = 4 }
local SIDES = { "a", "b" }
local SIDE = { a = 1, b = 2 }

-- Columns of the sheet; the raters' follow.
local HUMAN, LONGER, CATEGORY, FOLD = 1, 2, 3, 4
local RATERS = 4

ballots.FOLDS = 10

---@class fellowship.Ballots
---@field sheet fellowship.sheet
---@field raters integer
---@field facts table[] what a rater's number stands for: see facts_of
---@field categories any[] by number
---@field style boolean whether differences in style are held
local Ballots = {}
Ballots.__index = Ballots

--- An empty one.
---@param raters integer how many evaluators there are
---@param options? { style: boolean? } style: whether rows have differences in style
---@return fellowship.Ballots
function ballots.new(raters, options)
  local styled = options ~= nil and options.style or false
  local measures = styled and 1 + #style.NAMES or 1
  return setmetatable({ raters = raters, facts = {}, numbers = {}, categories = {}, category_numbers = {},
    style = styled, sheet = sheets.new { labels = RATERS + raters, measures = measures, keyed = true } }, Ballots)
end

--- How often the response that was shown first, and the one shown second, won in a verdict's orders: 0 and 0 of a
--- verdict in one order.
local function places_of(v)
  local first, second = 0, 0
  for _, one in ipairs(v.votes or { v }) do
    for _, order in ipairs(one.orders or {}) do
      if order.winner == "a" or order.winner == "b" then
        local is_first = (order.winner == "a") == (order.shown ~= "ba")
        first, second = first + (is_first and 1 or 0), second + (is_first and 0 or 1)
      end
    end
  end
  return first, second
end

local function name_of(v) return v.models and table.concat(v.models, "+") or "" end

--- Of how many pairs of samples of one judge both could be read, and how many of these agree.
local function repeats_of(v)
  local pairs_of, same = 0, 0
  local list = v.votes and vote.parsed(v.votes) or {}
  for i = 1, #list do
    for j = i + 1, #list do
      if name_of(list[i]) == name_of(list[j]) then
        pairs_of, same = pairs_of + 1, same + (list[i].winner == list[j].winner and 1 or 0)
      end
    end
  end
  return pairs_of, same
end

--- What is kept of a verdict.
---@class fellowship.Facts
---@field winner string
---@field place integer its label's: 1 to 3, or 4 of an unparsed one
---@field kind string? why it could not be read
---@field identical boolean?
---@field flipped boolean? nil where only one order was asked
---@field flip string?
---@field first integer orders in which what was shown first won
---@field second integer
---@field pairs integer of its samples
---@field same integer of them, agree
---@field own "a"|"b"|nil which response is of the evaluator's own family

--- The number of a verdict's facts; 0 of none.
local function number_of(self, v, own)
  if not v then return 0 end
  if type(v) == "string" then v = { winner = v } end
  local first, second = places_of(v)
  local pairs_of, same = repeats_of(v)
  local key = table.concat({ v.winner, v.problem_kind or "", v.identical and "=" or "", tostring(v.flipped),
    v.flip or "", first, second, pairs_of, same, own or "" }, "\t")
  local number = self.numbers[key]
  if number then return number end
  number = #self.facts + 1
  self.facts[number] = { winner = v.winner, place = PLACE[v.winner] or error("no winner: " .. tostring(v.winner)),
    kind = v.problem_kind, identical = v.identical, flipped = v.flipped, flip = v.flip, first = first, second = second,
    pairs = pairs_of, same = same, own = own }
  self.numbers[key] = number
  return number
end

local function category_of(self, name)
  if name == nil then return 0 end
  local number = self.category_numbers[name]
  if not number then
    number = #self.categories + 1
    if number > 60000 then error("over 60,000 categories: is it the right column?", 0) end
    self.category_numbers[name], self.categories[number] = number, name
  end
  return number
end

--- Which part of the data a unit is in, for cross-validation: by a hash of its key's length and of bytes from all over
--- it, since prompts of one template may begin and end alike.
---@param key string|integer
---@return integer from 0 to FOLDS - 1
function ballots.fold(key)
  key = tostring(key)
  local sum = 7 + #key
  for at = 1, #key, #key // 96 + 1 do sum = (sum * 31 + key:byte(at)) & 0xffffffff end
  return ((sum * 0x9e3779b1 & 0xffffffff) >> 8) % ballots.FOLDS
end

--- Adds a row.
---@param row { key: string|integer, human: string?, longer: "a"|"b"|nil, length: number?, style: number[]?, category: any, verdicts: (fellowship.Verdict|string|false)[], own: table<integer, "a"|"b">? } key: rows of one key (prompt) hang together; length: A's less B's; style: as style.difference gives it; own: for each evaluator, which response is of its family
function Ballots:add(row)
  local labels = {}
  for m = 1, self.raters do labels[m] = number_of(self, row.verdicts[m], row.own and row.own[m]) end
  labels[self.raters + 1] = row.length or 0
  for k = 1, self.style and #style.NAMES or 0 do labels[self.raters + 1 + k] = row.style and row.style[k] or 0 end
  self.sheet:add(row.key, row.human and PLACE[row.human] or 0, SIDE[row.longer] or 0, category_of(self, row.category),
    ballots.fold(row.key), table.unpack(labels))
end

--- The patterns of what some evaluators said, one after another: rows, the human label's place (nil where there is
--- none), the longer side, the category, the fold, and the facts of each evaluator's verdict (nil where it failed).
---@param view fellowship.sheet from Ballots:view
---@return fun(): integer?, integer?, integer?, string?, any, integer?, table?
function Ballots:patterns(view, count)
  local p, last, facts = 0, view:patterns(), self.facts
  local function entry(rows, human, longer, category, fold, ...)
    local list = { ... }
    for m = 1, count do list[m] = facts[list[m]] end
    return p, rows, human > 0 and human or nil, SIDES[longer], self.categories[category], fold, list
  end
  return function()
    p = p + 1
    if p <= last then return entry(view:pattern(p)) end
  end
end

--- A view of some evaluators' verdicts.
---@param members integer[]
---@param with? { longer: boolean?, category: boolean?, fold: boolean?, winners: boolean? } what is told apart beside them; winners: only who won, and why not
---@return fellowship.sheet
function Ballots:view(members, with)
  with = with or {}
  local columns = { HUMAN, LONGER, CATEGORY, FOLD }
  local maps = { nil, not with.longer and {} or nil, not with.category and {} or nil, not with.fold and {} or nil }
  local plain
  if with.winners then
    plain = {}
    local seen = {}
    for number, facts in ipairs(self.facts) do
      local key = facts.winner .. (facts.kind or "") .. (facts.identical and "=" or "")
      seen[key] = seen[key] or number
      plain[number] = seen[key]
    end
  end
  for i, m in ipairs(members) do columns[4 + i], maps[4 + i] = RATERS + m, plain end
  return self.sheet:project(columns, maps)
end

--- What one verdict comes of several evaluators' by: their mode. Nil where one of them failed.
---@param list fellowship.Facts[]
---@param count integer
---@return fellowship.Facts?
function ballots.mode(list, count)
  if count == 1 then return list[1] end
  local a, tie, b, kind = 0, 0, 0, nil
  for m = 1, count do
    local facts = list[m]
    if not facts then return nil end
    local place = facts.place
    if place == 1 then a = a + 1 elseif place == 2 then tie = tie + 1 elseif place == 3 then b = b + 1
    else kind = kind or facts.kind end
  end
  local most = math.max(a, tie, b)
  local place = most == 0 and 4 or (a == most and b < most and tie < most) and 1 or (b == most and a < most
    and tie < most) and 3 or 2
  return { place = place, winner = place == 4 and "unparsed" or ballots.LABELS[place],
    kind = place == 4 and kind or nil, identical = list[1].identical, first = 0, second = 0, pairs = 0, same = 0 }
end

--- Lets go of the rows.
function Ballots:close()
  self.sheet:close()
end

return ballots
