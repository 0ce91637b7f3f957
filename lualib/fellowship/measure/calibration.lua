-- Whether an evaluator's confidence is worth what it says: how often A is better for people where scores or votes say that
-- it is with the chance p; and maps that make it so.

local json = require "fellowship.core.json"
local ballots = require "fellowship.measure.ballots"
local interval = require "fellowship.base.interval"
local sheets = require "fellowship.core.sheet"

local calibration = {}

local BINS, FOLDS = 10, ballots.FOLDS
local STEPS = 50400 -- chances are kept to so many parts: exact for scores on any usual scale

-- A normal prior with standard deviation 5 on Platt's two coefficients: it counts only where the rows would let them grow
-- without end.
local RIDGE = 1 / 25

--- The chance that A is better, as an evaluator's verdict has it: of scores on a scale from 1, (1 + (a - b) / (scale - 1))
--- / 2; of votes without scores, the share of A's, ties as halves. Nil of a verdict with neither.
---@param v fellowship.Verdict
---@param scale number the highest score
---@return number?
function calibration.chance(v, scale)
  if v.winner == "unparsed" then return nil end
  local a, b = v.scores and v.scores.a, v.scores and v.scores.b
  if type(a) == "number" and type(b) == "number" then
    return math.max(0, math.min(1, (1 + (a - b) / (scale - 1)) / 2))
  end
  local sum, n = 0, 0
  for _, one in ipairs(v.votes or {}) do
    local value = one.winner == "a" and 1 or one.winner == "tie" and 0.5 or one.winner == "b" and 0 or nil
    if value then sum, n = sum + value, n + 1 end
  end
  return n > 1 and sum / n or nil
end

---@class fellowship.Level rows with one chance
---@field x number the chance
---@field n number[] rows of each fold
---@field y number[] how often A is better in them, ties as halves

-- ---- maps ----

local function of_level(level, without)
  local n, y = 0, 0
  for f = 1, FOLDS do
    if f ~= without then n, y = n + level.n[f], y + level.y[f] end
  end
  return n, y
end

--- Platt's map (1999): P = 1 / (1 + exp(-(intercept + slope (2 p - 1)))), fitted by maximum likelihood (Newton's method)
--- with a wide normal prior. Nil without rows.
---@param levels fellowship.Level[]
---@param without? integer a fold that is left out
---@return { intercept: number, slope: number }?
function calibration.platt(levels, without)
  local rows, all = {}, 0
  for i, level in ipairs(levels) do
    local n, y = of_level(level, without)
    rows[i], all = { 2 * level.x - 1, n, y }, all + n
  end
  if all == 0 then return nil end
  local a, b = 0, 0
  for _ = 1, 100 do
    local ga, gb, haa, hab, hbb = -RIDGE * a, -RIDGE * b, RIDGE, 0, RIDGE
    for _, row in ipairs(rows) do
      local x, n = row[1], row[2]
      local p = 1 / (1 + math.exp(-(a + b * x)))
      local off, w = row[3] - n * p, n * p * (1 - p)
      ga, gb, haa, hab, hbb = ga + off, gb + off * x, haa + w, hab + w * x, hbb + w * x * x
    end
    local det = haa * hbb - hab * hab
    local da, db = (hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det
    local size = math.max(math.abs(da), math.abs(db))
    if size > 2 then da, db = da * 2 / size, db * 2 / size end -- far from the end, Newton's steps are too long
    a, b = a + da, b + db
    if size < 1e-12 then break end
  end
  return { intercept = a, slope = b }
end

--- The isotonic map (Zadrozny and Elkan 2002): the rising steps nearest to what is observed, by pooling adjacent violators
--- (Ayer and others 1955). Nil without rows.
---@param levels fellowship.Level[] by rising x
---@param without? integer a fold that is left out
---@return number[][]? points { p, P }, the map between two being a line
function calibration.isotonic(levels, without)
  local blocks = {}
  for _, level in ipairs(levels) do
    local n, y = of_level(level, without)
    if n > 0 then
      blocks[#blocks + 1] = { n = n, y = y, from = level.x, to = level.x }
      while #blocks > 1 do
        local last, before = blocks[#blocks], blocks[#blocks - 1]
        if before.y * last.n < last.y * before.n then break end
        before.n, before.y, before.to = before.n + last.n, before.y + last.y, last.to
        blocks[#blocks] = nil
      end
    end
  end
  if #blocks == 0 then return nil end
  local points = {}
  for _, one in ipairs(blocks) do
    points[#points + 1] = { one.from, one.y / one.n }
    if one.to > one.from then points[#points + 1] = { one.to, one.y / one.n } end
  end
  return points
end

--- What a map says of a chance: either kind's, or the chance itself without one.
---@param map? table
---@param x number
---@return number
function calibration.apply(map, x)
  if not map then return x end
  if map.slope then return 1 / (1 + math.exp(-(map.intercept + map.slope * (2 * x - 1)))) end
  if x <= map[1][1] then return map[1][2] end
  local low, high = 1, #map
  if x >= map[high][1] then return map[high][2] end
  while high - low > 1 do
    local middle = (low + high) // 2
    if map[middle][1] <= x then low = middle else high = middle end
  end
  local p, q = map[low], map[high]
  return p[2] + (q[2] - p[2]) * (x - p[1]) / (q[1] - p[1])
end

-- ---- figures ----

--- Rows by what was predicted, in ten spans.
local function spans_of(rows)
  local spans = {}
  for i = 1, BINS do spans[i] = { n = 0, p = 0, y = 0 } end
  for _, row in ipairs(rows) do
    local one = spans[math.min(BINS, math.floor(row.p * BINS + 1e-9) + 1)]
    one.n, one.p, one.y = one.n + row.n, one.p + row.n * row.p, one.y + row.n * row.y
  end
  return spans
end

--- The expected calibration error (Naeini and others 2015): how far the mean prediction of a span is from what is
--- observed, the spans by their rows.
local function expected_error(spans, all)
  local sum = 0
  for _, one in ipairs(spans) do sum = sum + math.abs(one.p - one.y) end
  return sum / all
end

local function reliability_of(spans)
  local list = json.array()
  for _, one in ipairs(spans) do
    if one.n > 0 then
      list[#list + 1] = json.object({ predicted = one.p / one.n, observed = one.y / one.n, n = one.n },
        { "predicted", "observed", "n" })
    end
  end
  return list
end

---@class fellowship.Calibration holds chances and what people said
---@field sheet fellowship.sheet
local Calibration = {}
Calibration.__index = Calibration

--- An empty one.
---@return fellowship.Calibration
function calibration.new()
  return setmetatable({ sheet = sheets.new { labels = 3, keyed = true }, n = 0 }, Calibration)
end

local PLACE = { a = 1, tie = 2, b = 3 }

--- Adds a row; one without a chance or a label says nothing.
---@param key string|integer rows of one key (prompt) hang together
---@param chance number? that A is better, 0 to 1
---@param human "a"|"tie"|"b"|nil
function Calibration:add(key, chance, human)
  if not chance or not PLACE[human] then return end
  self.sheet:add(key, math.floor(chance * STEPS + 0.5), PLACE[human], ballots.fold(key))
  self.n = self.n + 1
end

--- The rows: one of each pattern, and their levels.
function Calibration:rows()
  local rows, levels, by_level = {}, {}, {}
  for p = 1, self.sheet:patterns() do
    local n, at, place, fold = self.sheet:pattern(p)
    local row = { x = at / STEPS, y = (3 - place) / 2, n = n, fold = fold + 1 }
    local level = by_level[at]
    if not level then
      level = { x = row.x, n = {}, y = {} }
      for f = 1, FOLDS do level.n[f], level.y[f] = 0, 0 end
      by_level[at], levels[#levels + 1] = level, level
    end
    level.n[row.fold], level.y[row.fold] = level.n[row.fold] + n, level.y[row.fold] + n * row.y
    rows[p] = row
  end
  table.sort(levels, function(x, y) return x.x < y.x end)
  return rows, levels
end

local MAPS = { "raw", "platt", "isotonic" }

--- What each map predicts of each row; made without the row's fold.
local function predictions_of(rows, levels)
  local made = { platt = {}, isotonic = {}, raw = {} }
  for f = 1, FOLDS do
    made.platt[f], made.isotonic[f] = calibration.platt(levels, f), calibration.isotonic(levels, f)
  end
  local found = {}
  for _, name in ipairs(MAPS) do
    found[name] = {}
    for i, row in ipairs(rows) do
      found[name][i] = { p = calibration.apply(made[name][row.fold], row.x), y = row.y, n = row.n }
    end
  end
  return found
end

--- Brier's scores (1950), and their intervals: mean and standard error of units (prompts), whose rows hang together.
local function brier_of(sheet, predictions, rows)
  local values, width, scores, ends = {}, #MAPS + 1, {}, {}
  for i, row in ipairs(rows) do
    local at = #values
    values[at + 1] = 1
    for k, name in ipairs(MAPS) do values[at + 1 + k] = (predictions[name][i].p - row.y) ^ 2 end
  end
  local _, sums, cross = sheet:sums(values, width)
  local n = sums[1]
  for k, name in ipairs(MAPS) do
    local mean, at = sums[k + 1] / n, k * width
    local squares = cross[at + k + 1] - 2 * mean * cross[at + 1] + mean ^ 2 * cross[1]
    local half = interval.Z95 * math.sqrt(math.max(0, squares)) / n
    scores[name], ends[name] = mean, { math.max(0, mean - half), math.min(1, mean + half) }
  end
  return scores, ends
end

local KEYS = { "n", "brier", "brier_ci95", "ece", "reliability", "platt", "isotonic" }

--- How well chances are calibrated, as they are and by the two maps. A map's figures are cross-fitted: each tenth of the
--- prompts is predicted by a map of the others. Nil without rows.
---@return table?
function Calibration:summary()
  if self.n == 0 then return nil end
  local rows, levels = self:rows()
  local predictions = predictions_of(rows, levels)
  local brier, ends = brier_of(self.sheet, predictions, rows)
  local function figures(name, more, keys)
    local spans = spans_of(predictions[name])
    more.brier, more.brier_ci95, more.ece = brier[name], json.array(ends[name]), expected_error(spans, self.n)
    more.reliability = reliability_of(spans)
    return json.object(more, keys)
  end
  local platt, points = calibration.platt(levels), json.array()
  for i, point in ipairs(calibration.isotonic(levels)) do points[i] = json.array(point) end
  local out = figures("raw", { n = self.n }, KEYS)
  out.platt = figures("platt", { intercept = platt.intercept, slope = platt.slope },
    { "intercept", "slope", "brier", "brier_ci95", "ece", "reliability" })
  out.isotonic = figures("isotonic", { points = points }, { "points", "brier", "brier_ci95", "ece", "reliability" })
  return out
end

--- Lets go of the rows.
function Calibration:close()
  self.sheet:close()
end

--- How well chances are calibrated against labels, from lists.
--- Example:
---     local found = fellowship.measure.calibrated({ 0.9, 0.9, 0.1, 0.6 }, { "a", "a", "b", "tie" }, 4)
---     print(found.n, ("%.3f"):format(found.brier)) --> 4 0.010
---@param chances (number|nil)[] that A is better, 1 to n
---@param human ("a"|"tie"|"b"|nil)[]
---@param n integer
---@param options? { keys: (string|integer)[]? } keys: rows of one key hang together
---@return table? { n, brier, brier_ci95, ece, reliability, platt, isotonic }
function calibration.of(chances, human, n, options)
  options = options or {}
  local held = calibration.new()
  for i = 1, n do held:add(options.keys and options.keys[i] or i, chances[i], human[i]) end
  local found = held:summary()
  held:close()
  return found
end

return calibration
