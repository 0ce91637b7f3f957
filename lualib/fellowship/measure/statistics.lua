-- Agreement and rates, each with its formula and source. Labels are any values that can be compared
-- with ==; nil is a missing one, so lists come with their length.

local coefficients = require "fellowship.measure.coefficients"
local interval = require "fellowship.base.interval"
local resampling = require "fellowship.measure.resampling"
local sheets = require "fellowship.core.sheet"

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
  return interval.middle(values)
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
  return coefficients.kappa(statistics.confusion(r, options.sample), options.weights)
end

--- Gwet's AC1 (2008), which does not fall, as kappa does, when nearly all is of one label: (po - pe) / (1 - pe), where
--- pe = sum p (1 - p) / (q - 1) over the q labels, p the mean share of a label. nil without pairs.
--- Example:
---     local r = fellowship.statistics.pair({ "a", "a", "a", "a" }, { "a", "a", "a", "b" }, 4)
---     print(("%.2f %.2f"):format(fellowship.statistics.ac1(r), fellowship.statistics.kappa(r))) --> 0.68 0.00
---@param r fellowship.Ratings
---@return number?
function statistics.ac1(r)
  return coefficients.ac1(statistics.confusion(r))
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

--- Lists of places as a sheet of as many columns.
local function sheet_of(lists, n)
  local sheet = sheets.new { labels = #lists }
  for i = 1, n do
    local labels = {}
    for k, list in ipairs(lists) do labels[k] = list[i] end
    sheet:add(0, table.unpack(labels))
  end
  return sheet
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
  local k, sheet = #r.labels, sheet_of({ r.first, r.second }, r.n)
  local found = resampling.table_intervals(sheet, function(i, j) return (i - 1) * k + j end, k, function(t)
    return { kappa = coefficients.kappa(t, options.weights) }
  end, options)
  sheet:close()
  return found.kappa
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
  local k, m = #first.labels, #second.labels
  -- The labels of the second pair by their places too, since each pair has its own list.
  local sheet = sheet_of({ first.first, first.second, second.first, second.second }, kept)
  local found = resampling.tables_intervals(sheet, {
    { size = k, cell = function(i, j) return (i - 1) * k + j end },
    { size = m, cell = function(_, _, i, j) return (i - 1) * m + j end },
  }, function(x, y)
    local p, q = coefficients.kappa(x), coefficients.kappa(y)
    return { difference = p and q and p - q }
  end, options)
  sheet:close()
  local x, y = statistics.kappa(first), statistics.kappa(second)
  return x and y and x - y, found.difference, kept
end

-- ---- many raters ----

--- How often each subject was given each label: { [label] = count } for each, and their sums.
local function tally(raters, n, times)
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
    subjects[i] = { counts = counts, m = m, times = times and times[i] or 1 }
  end
  for _, s in ipairs(subjects) do
    if s.m >= 2 then
      for label, count in pairs(s.counts) do totals[label] = (totals[label] or 0) + count * s.times end
      all = all + s.m * s.times
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
---@param counts? integer[] how many subjects each of the n stands for; 1 when not given
---@return number?
---@return integer subjects it rests on
function statistics.fleiss(raters, n, counts)
  local m, kept, agreement, shares = #raters, 0, 0, {}
  for _, s in ipairs((tally(raters, n, counts))) do
    if s.m == m then
      kept = kept + s.times
      local squares = 0
      for label, count in pairs(s.counts) do
        squares = squares + count * count
        shares[label] = (shares[label] or 0) + count * s.times
      end
      agreement = agreement + s.times * (squares - m) / (m * (m - 1))
    end
  end
  if kept == 0 or m < 2 then return nil, kept end
  local squares, all = 0, kept * m
  for _, count in pairs(shares) do squares = squares + count * count end -- whole numbers: any order will do
  if squares == all * all then return nil, kept end
  local chance = squares / (all * all)
  return (agreement / kept - chance) / (1 - chance), kept
end

--- The coincidences of labels: what a subject's m ratings have two by two, each weighing 1 / (m - 1).
local function coincidences(raters, n, labels, times)
  local place, together = {}, {}
  for i, label in ipairs(labels) do
    place[label], together[i] = i, {}
    for j = 1, #labels do together[i][j] = 0 end
  end
  for _, s in ipairs((tally(raters, n, times))) do
    for label, count in pairs(s.m >= 2 and s.counts or {}) do
      local i = place[label] or error(("label %s is none of the given ones"):format(tostring(label)), 3)
      for other, other_count in pairs(s.counts) do
        local j = place[other]
        local others = other_count - (i == j and 1 or 0)
        if j then together[i][j] = together[i][j] + s.times * count * others / (s.m - 1) end
      end
    end
  end
  return together
end

--- The labels of raters in order: numbers by size, others as text.
local function labels_of(raters, n)
  local list, seen = {}, {}
  for _, ratings in ipairs(raters) do
    for i = 1, n do
      local label = ratings[i]
      if label ~= nil and not seen[label] then
        seen[label], list[#list + 1] = true, label
      end
    end
  end
  table.sort(list, function(x, y)
    if type(x) == "number" and type(y) == "number" then return x < y end
    return tostring(x) < tostring(y)
  end)
  return list
end

--- Krippendorff's alpha (2011): 1 - Do / De, missing labels allowed; subjects with one label or none say nothing and are
--- left out. Labels differ or not ("nominal"), are so many ranks apart ("ordinal"), or are numbers ("interval"). nil
--- where it is not defined.
--- Example:
---     local alpha = fellowship.statistics.krippendorff({ { "a", "b", "a" }, { "a", "b", nil } }, 3)
---     print(alpha) --> 1.0
---     print(fellowship.statistics.krippendorff({ { 1, 2, 3 }, { 1, 2, 4 } }, 3, { level = "interval" }))
---@param raters table[] each rater's labels, 1 to n, nil where missing
---@param n integer
---@param options? { level: "nominal"|"ordinal"|"interval"|nil, labels: any[]?, counts: integer[]? } labels: their order, for "ordinal"; numbers by size, others as text, when not given; counts: how many subjects each of the n stands for
---@return number?
function statistics.krippendorff(raters, n, options)
  options = options or {}
  local labels = options.labels or labels_of(raters, n)
  if options.level == "interval" then
    for _, label in ipairs(labels) do
      if type(label) ~= "number" then error(("interval: the label %s is no number"):format(tostring(label)), 2) end
    end
  end
  local values = options.level == "interval" and labels or nil
  return coefficients.alpha_of(coincidences(raters, n, labels, options.counts), options.level, values)
end

-- ---- rates ----

--- Wilson's 95% score interval of a rate (1927): holds for small counts and near 0 and 1. nil for n = 0.
--- Example:
---     local interval = fellowship.statistics.wilson(8, 10)
---     print(("%.2f to %.2f"):format(interval[1], interval[2])) --> 0.49 to 0.94
---@param successes integer
---@param n integer
---@return number[]? interval { low, high }
function statistics.wilson(successes, n)
  if n == 0 then return nil end
  return { interval.wilson(successes / n, n, interval.Z95) }
end

return statistics
