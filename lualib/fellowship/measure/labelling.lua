-- Which rows people should label next. Corrections suppose that labelled rows are drawn at random, so they are: every row
-- has the same chance, and they are spread evenly over the verdicts (a systematic sample; Madow and Madow 1944), which
-- makes the draw more even than chance alone would.

local labelling = {}

---@class fellowship.Labelling rows without a label
---@field rows { id: any, place: integer, at: integer }[]
local Labelling = {}
Labelling.__index = Labelling

--- An empty one.
---@return fellowship.Labelling
function labelling.new()
  return setmetatable({ rows = {} }, Labelling)
end

local PLACE = { a = 1, tie = 2, b = 3, unparsed = 4 }

--- Adds a row that has no label.
---@param id any
---@param winner "a"|"b"|"tie"|"unparsed" what the evaluator says
function Labelling:add(id, winner)
  self.rows[#self.rows + 1] = { id = id, place = PLACE[winner], at = #self.rows + 1 }
end

--- A number that looks like chance, from another one (splitmix64; Steele, Lea and Flood 2014).
local function mixed(state)
  local z = state * 0x9e3779b97f4a7c15
  z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
  z = (z ~ (z >> 27)) * 0x94d049bb133111eb
  return (z ~ (z >> 31)) >> 11
end

--- The rows to label next, in the order of the data.
---@param count integer how many; all when there are fewer
---@param seed integer
---@return any[] ids
function Labelling:pick(count, seed)
  local sorted, picked, ids = {}, {}, {}
  for i, row in ipairs(self.rows) do
    sorted[i] = row
    row.lot = mixed(row.at + (seed << 20))
  end
  table.sort(sorted, function(x, y)
    if x.place ~= y.place then return x.place < y.place end
    if x.lot ~= y.lot then return x.lot < y.lot end
    return x.at < y.at
  end)
  count = math.min(count, #sorted)
  local start = mixed(seed + 1) / (1 << 53)
  for k = 0, count - 1 do picked[k + 1] = sorted[math.floor((start + k) * #sorted / count) + 1] end
  table.sort(picked, function(x, y) return x.at < y.at end)
  for i, row in ipairs(picked) do ids[i] = row.id end
  return ids
end

return labelling
