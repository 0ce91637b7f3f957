-- Coefficients of agreement of two raters, each from the table of how often the first one said i and the second one j.

local coefficients = {}

--- The sums of a table: of its rows, of its columns, of all.
local function sums_of(t)
  local rows, columns, n = {}, {}, 0
  for i = 1, #t do rows[i], columns[i] = 0, 0 end
  for i = 1, #t do
    for j = 1, #t do
      local count = t[i][j]
      rows[i], columns[j], n = rows[i] + count, columns[j] + count, n + count
    end
  end
  return rows, columns, n
end

--- How far labels disagree, by their places.
local weights = {
  none = function(i, j) return i == j and 0 or 1 end,
  linear = function(i, j) return math.abs(i - j) end,
  quadratic = function(i, j) return (i - j) ^ 2 end,
}

--- Cohen's kappa (1960): 1 - sum(w o) / sum(w e), with o the observed and e the expected counts of each cell and w its
--- disagreement: 1 off the diagonal, or (Cohen 1968) the distance of the labels, plain or squared. Nil where chance
--- agreement is complete (one label alone) or there are no pairs.
---@param t number[][]
---@param weighting? "none"|"linear"|"quadratic"
---@return number?
function coefficients.kappa(t, weighting)
  local weight = weights[weighting or "none"]
  local rows, columns, n = sums_of(t)
  local observed, expected = 0, 0
  for i = 1, #t do
    for j = 1, #t do
      local w = weight(i, j)
      observed = observed + w * t[i][j]
      expected = expected + w * rows[i] * columns[j]
    end
  end
  if expected == 0 then return nil end
  return 1 - observed * n / expected
end

--- The part of the pairs whose labels are equal; nil without pairs.
---@param t number[][]
---@return number?
function coefficients.agreement(t)
  local equal, n = 0, 0
  for i = 1, #t do
    equal = equal + t[i][i]
    for j = 1, #t do n = n + t[i][j] end
  end
  if n == 0 then return nil end
  return equal / n
end

--- Gwet's AC1 (2008): (po - pe) / (1 - pe), pe the sum of p (1 - p) over the labels, divided by one less than there are,
--- p the mean share of a label in both raters. It does not fall, as kappa does, when nearly all is of one label. Nil
--- without pairs.
---@param t number[][]
---@return number?
function coefficients.ac1(t)
  local rows, columns, n = sums_of(t)
  if n == 0 or #t < 2 then return nil end
  local chance, equal = 0, 0
  for i = 1, #t do
    local share = (rows[i] + columns[i]) / (2 * n)
    chance = chance + share * (1 - share) / (#t - 1)
    equal = equal + t[i][i]
  end
  return (equal / n - chance) / (1 - chance)
end

--- The squared differences of labels in Krippendorff's alpha, by their places, values and total counts.
local levels = {
  nominal = function(i, j) return i == j and 0 or 1 end,
  ordinal = function(i, j, counts)
    local between = 0
    for g = math.min(i, j), math.max(i, j) do between = between + counts[g] end
    return (between - (counts[i] + counts[j]) / 2) ^ 2
  end,
  interval = function(i, j, _, values) return (values[i] - values[j]) ^ 2 end,
}

coefficients.levels = { "nominal", "ordinal", "interval" }

--- Krippendorff's alpha (2011) from coincidences: 1 - Do / De. Nil where it is not defined.
---@param together number[][] coincidences: how often two ratings of one subject are i and j, a subject's m ratings weighing m
---@param level? "nominal"|"ordinal"|"interval"
---@param values? number[] of the labels, for "interval": 1, 2, 3 ... when not given
---@return number?
function coefficients.alpha_of(together, level, values)
  local difference, places = levels[level or "nominal"], values
  if not places then
    places = {}
    for i = 1, #together do places[i] = i end
  end
  local counts, _, n = sums_of(together)
  local observed, expected = 0, 0
  for i = 1, #together do
    for j = 1, #together do
      local d = difference(i, j, counts, places)
      observed = observed + d * together[i][j]
      expected = expected + d * counts[i] * counts[j]
    end
  end
  if expected == 0 then return nil end
  return 1 - (n - 1) * observed / expected
end

--- The same of two raters, by their table.
---@param t number[][]
---@param level? "nominal"|"ordinal"|"interval"
---@param values? number[]
---@return number?
function coefficients.alpha(t, level, values)
  local together = {}
  for i = 1, #t do
    together[i] = {}
    for j = 1, #t do together[i][j] = t[i][j] + t[j][i] end
  end
  return coefficients.alpha_of(together, level, values)
end

--- Kappa of one label against all others: how far the raters agree on when it is that one.
---@param t number[][]
---@param label integer its place
---@return number?
function coefficients.kappa_of_label(t, label)
  local rows, columns, n = sums_of(t)
  local both = t[label][label]
  return coefficients.kappa { { both, rows[label] - both },
    { columns[label] - both, n - rows[label] - columns[label] + both } }
end

--- Agreement, kappa, kappa with quadratic weights and AC1 of three ordered labels at once, for the many tables of a
--- bootstrap: the same figures as above. All nil without pairs; kappas nil where they are not defined.
---@param s number[] the table's nine counts, row by row
---@param at integer the place before the first one
---@return number? agreement
---@return number? kappa
---@return number? quadratic
---@return number? ac1
function coefficients.of_three(s, at)
  local aa, ab, ac, ba, bb, bc, ca, cb, cc = table.unpack(s, at + 1, at + 9)
  local r1, r2, r3, c1, c2, c3 = aa + ab + ac, ba + bb + bc, ca + cb + cc, aa + ba + ca, ab + bb + cb, ac + bc + cc
  local n = r1 + r2 + r3
  if n == 0 then return nil end
  local equal = aa + bb + cc
  local expected = n * n - r1 * c1 - r2 * c2 - r3 * c3
  local far = r1 * c2 + r2 * c1 + r2 * c3 + r3 * c2 + 4 * (r1 * c3 + r3 * c1)
  local p, q, r = (r1 + c1) / (2 * n), (r2 + c2) / (2 * n), (r3 + c3) / (2 * n)
  local chance = (p * (1 - p) + q * (1 - q) + r * (1 - r)) / 2
  return equal / n, expected ~= 0 and 1 - (n - equal) * n / expected or nil,
    far ~= 0 and 1 - (ab + ba + bc + cb + 4 * (ac + ca)) * n / far or nil, (equal / n - chance) / (1 - chance)
end

return coefficients
