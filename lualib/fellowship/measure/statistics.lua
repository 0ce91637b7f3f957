-- Agreement and rates, each with its formula and source. Labels are any values that can be compared
-- with ==; nil is a missing one, so lists come with their length.

local interval = require "fellowship.base.interval"

local statistics = {}

-- ---- random numbers for resampling ----

--- A generator of its own (splitmix64; Steele, Lea and Flood 2014), so that intervals follow from the
--- seed alone and draw nothing from a row's math.random. Returns integers from 1 to n.
local function generator(seed)
  local state = seed
  return function(n)
    state = state + 0x9e3779b97f4a7c15
    local z = state
    z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
    z = (z ~ (z >> 27)) * 0x94d049bb133111eb
    z = z ~ (z >> 31)
    return (z >> 1) % n + 1 -- the bias of the remainder is below n / 2^63
  end
end

--- The value below which a part p of a sorted list lies, interpolated (Hyndman and Fan 1996, type 7).
local function quantile(sorted, p)
  local at = (#sorted - 1) * p + 1
  local low = math.floor(at)
  if low >= #sorted then return sorted[#sorted] end
  return sorted[low] + (at - low) * (sorted[low + 1] - sorted[low])
end

local RESAMPLES = 1000

--- A percentile bootstrap interval (Efron 1979): resamples the numbers 1 to n with replacement,
--- evaluates each resample, and takes the middle 95%. Resamples where fn gives nil are left out; nil
--- when none is left.
--- Example:
---     local scores = { 1, 0, 1, 1 }
---     local interval = fellowship.statistics.bootstrap(#scores, function(sample)
---       local sum = 0
---       for _, i in ipairs(sample) do sum = sum + scores[i] end
---       return sum / #sample
---     end)
---     print(interval[1], interval[2])
---@param n integer
---@param fn fun(sample: integer[]): number?
---@param options? { seed: integer?, resamples: integer? }
---@return number[]? interval { low, high }
function statistics.bootstrap(n, fn, options)
  options = options or {}
  if n == 0 then return nil end
  local draw, values, sample = generator(options.seed or 0), {}, {}
  for _ = 1, options.resamples or RESAMPLES do
    for i = 1, n do sample[i] = draw(n) end
    values[#values + 1] = fn(sample)
  end
  if #values == 0 then return nil end
  table.sort(values)
  return { quantile(values, 0.025), quantile(values, 0.975) }
end

-- ---- two raters ----

---@class fellowship.Ratings
---@field n integer pairs of which neither is missing
---@field labels any[] the labels, in order
---@field first integer[] each pair's first label, by its place in labels
---@field second integer[]

--- The pairs of two lists in which neither label is missing.
--- Example:
---     local r = fellowship.statistics.pair({ "a", "b", nil, "tie" }, { "a", "a", "b", "tie" }, 4)
---     print(r.n) --> 3
---@param a table labels 1 to n, nil where missing
---@param b table
---@param n integer
---@param labels? any[] order of the labels; needed for weights, sorted as text otherwise
---@return fellowship.Ratings
function statistics.pair(a, b, n, labels)
  local place, found, list = {}, {}, {}
  for i = 1, n do
    if a[i] ~= nil and b[i] ~= nil then
      for _, label in ipairs { a[i], b[i] } do
        if not place[label] then
          place[label] = true
          list[#list + 1] = label
        end
      end
      found[#found + 1] = i
    end
  end
  if labels then list = labels
  else table.sort(list, function(x, y) return tostring(x) < tostring(y) end) end
  for i, label in ipairs(list) do place[label] = i end
  local first, second = {}, {}
  for k, i in ipairs(found) do
    first[k], second[k] = place[a[i]], place[b[i]]
    if type(first[k]) ~= "number" or type(second[k]) ~= "number" then
      error(("label %s is none of the given ones"):format(tostring(type(first[k]) ~= "number" and a[i] or b[i])), 2)
    end
  end
  return { n = #found, labels = list, first = first, second = second }
end

--- The confusion table: how often the first label was i and the second j.
--- Example:
---     local r = fellowship.statistics.pair({ "a", "b" }, { "a", "a" }, 2)
---     print(fellowship.statistics.confusion(r)[2][1]) --> 1
---@param r fellowship.Ratings
---@param sample? integer[] which pairs; all when not given
---@return integer[][]
function statistics.confusion(r, sample)
  local t, k = {}, #r.labels
  for i = 1, k do
    t[i] = {}
    for j = 1, k do t[i][j] = 0 end
  end
  for at = 1, r.n do
    local p = sample and sample[at] or at
    local row, j = t[r.first[p]], r.second[p]
    row[j] = row[j] + 1
  end
  return t
end

local weights = {
  none = function(i, j) return i == j and 0 or 1 end,
  linear = function(i, j) return math.abs(i - j) end,
  quadratic = function(i, j) return (i - j) ^ 2 end,
}

--- Cohen's kappa (1960): 1 - sum(w o) / sum(w e), with o the observed and e the expected counts of each
--- cell and w its disagreement: 1 off the diagonal, or (Cohen 1968) the distance of the labels, plain or
--- squared. nil where chance agreement is complete (one label alone) or there are no pairs.
--- Example:
---     local r = fellowship.statistics.pair({ "a", "b", "a", "b" }, { "a", "b", "a", "a" }, 4)
---     print(fellowship.statistics.kappa(r)) --> 0.5
---@param r fellowship.Ratings
---@param options? { weights: "none"|"linear"|"quadratic"|nil, sample: integer[]? }
---@return number?
function statistics.kappa(r, options)
  options = options or {}
  local weight = weights[options.weights or "none"]
  local t, k = statistics.confusion(r, options.sample), #r.labels
  local rows, columns = {}, {}
  for i = 1, k do
    rows[i], columns[i] = 0, 0
    for j = 1, k do
      rows[i] = rows[i] + t[i][j]
      columns[i] = columns[i] + t[j][i]
    end
  end
  local observed, expected = 0, 0
  for i = 1, k do
    for j = 1, k do
      local w = weight(i, j)
      observed = observed + w * t[i][j]
      expected = expected + w * rows[i] * columns[j]
    end
  end
  if expected == 0 then return nil end
  return 1 - observed * r.n / expected
end

--- The part of the pairs whose labels are equal; nil without pairs.
--- Example:
---     local r = fellowship.statistics.pair({ "a", "b" }, { "a", "a" }, 2)
---     print(fellowship.statistics.agreement(r)) --> 0.5
---@param r fellowship.Ratings
---@return number?
function statistics.agreement(r)
  if r.n == 0 then return nil end
  local equal = 0
  for i = 1, r.n do
    if r.first[i] == r.second[i] then equal = equal + 1 end
  end
  return equal / r.n
end

--- Kappa's 95% bootstrap interval over the pairs.
--- Example:
---     local r = fellowship.statistics.pair({ "a", "b", "a", "b" }, { "a", "b", "a", "a" }, 4)
---     local interval = fellowship.statistics.kappa_interval(r, { seed = 1 })
---@param r fellowship.Ratings
---@param options? { weights: string?, seed: integer?, resamples: integer? }
---@return number[]?
function statistics.kappa_interval(r, options)
  options = options or {}
  return statistics.bootstrap(r.n, function(sample)
    return statistics.kappa(r, { weights = options.weights, sample = sample })
  end, options)
end

--- The difference in kappa of two raters against the same reference, over the rows where none of the
--- three labels is missing, and its 95% paired bootstrap interval.
--- Example:
---     local humans = { "a", "b", "a", "b" }
---     local difference, interval, n = fellowship.statistics.kappa_difference(
---       { "a", "b", "a", "b" }, { "a", "a", "a", "b" }, humans, 4)
---     print(difference, n) --> 0.5 4
---@param a table labels of one rater
---@param b table labels of the other
---@param reference table
---@param n integer
---@param options? { seed: integer?, resamples: integer? }
---@return number? difference kappa(a) - kappa(b)
---@return number[]? interval
---@return integer n rows it rests on
function statistics.kappa_difference(a, b, reference, n, options)
  local shared, kept = { a = {}, b = {}, reference = {} }, 0
  for i = 1, n do
    if a[i] ~= nil and b[i] ~= nil and reference[i] ~= nil then
      kept = kept + 1
      shared.a[kept], shared.b[kept], shared.reference[kept] = a[i], b[i], reference[i]
    end
  end
  local first = statistics.pair(shared.a, shared.reference, kept)
  local second = statistics.pair(shared.b, shared.reference, kept)
  local function difference(sample)
    local x = statistics.kappa(first, { sample = sample })
    local y = statistics.kappa(second, { sample = sample })
    return x and y and x - y
  end
  return difference(nil), statistics.bootstrap(kept, difference, options), kept
end

-- ---- many raters ----

--- How often each subject was given each label: { [label] = count } for each, and their sums.
local function tally(raters, n)
  local subjects, totals, all = {}, {}, 0
  for i = 1, n do
    local counts, m = {}, 0
    for _, ratings in ipairs(raters) do
      local label = ratings[i]
      if label ~= nil then
        counts[label] = (counts[label] or 0) + 1
        m = m + 1
      end
    end
    subjects[i] = { counts = counts, m = m }
  end
  for _, s in ipairs(subjects) do
    if s.m >= 2 then
      for label, count in pairs(s.counts) do totals[label] = (totals[label] or 0) + count end
      all = all + s.m
    end
  end
  return subjects, totals, all
end

--- Fleiss' kappa (1971) of two or more raters over the subjects that every one of them labelled:
--- (P - Pe) / (1 - Pe), P the mean agreement of pairs of raters, Pe the sum of squared label shares. nil
--- where it is not defined.
--- Example: `local kappa, n = fellowship.statistics.fleiss({ { "a", "b" }, { "a", "b" }, { "a", "a" } }, 2)`
---@param raters table[] each rater's labels, 1 to n
---@param n integer
---@return number?
---@return integer subjects it rests on
function statistics.fleiss(raters, n)
  local m, kept, agreement, shares = #raters, 0, 0, {}
  for _, s in ipairs((tally(raters, n))) do
    if s.m == m then
      kept = kept + 1
      local squares = 0
      for label, count in pairs(s.counts) do
        squares = squares + count * count
        shares[label] = (shares[label] or 0) + count
      end
      agreement = agreement + (squares - m) / (m * (m - 1))
    end
  end
  if kept == 0 or m < 2 then return nil, kept end
  local squares, all = 0, kept * m
  for _, count in pairs(shares) do squares = squares + count * count end -- whole numbers: any order will do
  if squares == all * all then return nil, kept end
  local chance = squares / (all * all)
  return (agreement / kept - chance) / (1 - chance), kept
end

--- Krippendorff's alpha for nominal labels (2011): 1 - Do / De, missing labels allowed; subjects with one
--- label or none say nothing and are left out. nil where it is not defined.
--- Example:
---     local alpha = fellowship.statistics.krippendorff({ { "a", "b", "a" }, { "a", "b", nil } }, 3)
---     print(alpha) --> 1.0
---@param raters table[] each rater's labels, 1 to n, nil where missing
---@param n integer
---@return number?
function statistics.krippendorff(raters, n)
  local subjects, totals, all = tally(raters, n)
  local observed = 0
  for _, s in ipairs(subjects) do
    if s.m >= 2 then
      local differing = s.m * s.m
      for _, count in pairs(s.counts) do differing = differing - count * count end
      observed = observed + differing / (s.m - 1)
    end
  end
  local expected = all * all
  for _, count in pairs(totals) do expected = expected - count * count end
  if expected == 0 then return nil end
  return 1 - observed * (all - 1) / expected
end

-- ---- rates ----

local Z95 = 1.959963984540054 -- the standard normal's 97.5% quantile

--- Wilson's 95% score interval of a rate (1927): holds for small counts and near 0 and 1. nil for n = 0.
--- Example:
---     local interval = fellowship.statistics.wilson(8, 10)
---     print(("%.2f to %.2f"):format(interval[1], interval[2])) --> 0.49 to 0.94
---@param successes integer
---@param n integer
---@return number[]? interval { low, high }
function statistics.wilson(successes, n)
  if n == 0 then return nil end
  return { interval.wilson(successes / n, n, Z95) }
end

return statistics
