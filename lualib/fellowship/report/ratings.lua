-- Sums over what a ranking by scores says of single responses: how scores lie, and their means by who wrote the response
-- and by criterion.

local json = require "fellowship.core.json"

local ratings = {}

---@class fellowship.report.Mean
---@field n integer
---@field mean number
---@field squares number of the differences from the mean so far

---@class fellowship.report.Ratings
---@field n integer
---@field unscored integer
---@field counts table<number, integer> scores, rounded to three digits
---@field names string[] who wrote the responses, in the order of their coming
---@field by table<string, fellowship.report.Mean>
---@field criteria string[]
---@field values table<string, fellowship.report.Mean> by criterion; yes is 1, no 0

-- So many criteria are a rubric's; more are those that rows have of their own.
local MOST = 16

-- The normal distribution's, for 95%.
local Z = 1.959964

---@return fellowship.report.Ratings
function ratings.new()
  return { n = 0, unscored = 0, counts = {}, names = {}, by = {}, criteria = {}, values = {} }
end

--- Takes a value into a mean: Welford's way, which loses nothing where values are near to each other.
local function take(names, means, name, value)
  local mean = means[name]
  if not mean then
    if #names > MOST then return end
    mean = { n = 0, mean = 0, squares = 0 }
    names[#names + 1], means[name] = name, mean
  end
  mean.n = mean.n + 1
  local before = value - mean.mean
  mean.mean = mean.mean + before / mean.n
  mean.squares = mean.squares + before * (value - mean.mean)
end

--- A score rounded so that there are few different ones.
---@param score number
---@return number
function ratings.rounded(score)
  return tonumber(("%.3g"):format(score)) --[[@as number]]
end

local ANSWERS = { Yes = 1, No = 0 }

--- Takes in what is said of a candidate.
---@param sums fellowship.report.Ratings
---@param rating fellowship.report.Rating
---@param candidate fellowship.report.Candidate
function ratings.add(sums, rating, candidate)
  sums.n = sums.n + 1
  if not rating.score then
    sums.unscored = sums.unscored + 1
    return
  end
  local rounded = ratings.rounded(rating.score)
  sums.counts[rounded] = (sums.counts[rounded] or 0) + 1
  take(sums.names, sums.by, candidate.by or candidate.name, rating.score)
  for _, each in ipairs(rating.criteria) do
    local value = ANSWERS[each[3]] or json.tonumber(each[3])
    if value then take(sums.criteria, sums.values, each[1], value) end
  end
end

--- Means with their intervals, for a forest plot; none where there are more names than a figure holds.
---@param names string[]
---@param means table<string, fellowship.report.Mean>
---@return fellowship.report.Estimate[]
function ratings.means(names, means)
  local items = {}
  for i, name in ipairs(#names <= MOST and names or {}) do
    local mean = means[name]
    local half = mean.n > 1 and Z * math.sqrt(mean.squares / (mean.n - 1) / mean.n) or nil
    items[i] = { label = name, value = mean.mean, low = half and mean.mean - half, high = half and mean.mean + half,
      n = mean.n }
  end
  return items
end

return ratings
