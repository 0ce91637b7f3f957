-- How often A wins: said in full, corrected by human labels, and as it would be without a difference in length.

local json = require "fellowship.core.json"
local interval = require "fellowship.base.interval"
local correct = require "fellowship.measure.correct"
local style = require "fellowship.measure.style"

local rates = {}

--- Sums of the 16 cells of human label (none, a, tie, b) and verdict (a, tie, b, unparsed) by verdict, or by label.
local function by_verdict(cells)
  return cells[1] + cells[5] + cells[9] + cells[13], cells[2] + cells[6] + cells[10] + cells[14],
    cells[3] + cells[7] + cells[11] + cells[15], cells[4] + cells[8] + cells[12] + cells[16]
end

local function by_label(cells)
  return cells[5] + cells[6] + cells[7] + cells[8], cells[9] + cells[10] + cells[11] + cells[12],
    cells[13] + cells[14] + cells[15] + cells[16]
end

local function halves(a, tie, b)
  if a + tie + b > 0 then return (a + tie / 2) / (a + tie + b) end
end

--- The rates that follow from cells, each by its name, put into `found`.
---@param cells number[] 16 or more
---@param found table<string, number>
function rates.of_cells(cells, found)
  local a, tie, b, unparsed = by_verdict(cells)
  local n = a + tie + b + unparsed
  if n > 0 then found.wins_of_all = a / n end
  found.halves = halves(a, tie, b)
  if a + b > 0 then found.decided = a / (a + b) end
  found.human = halves(by_label(cells))
end

--- What each cell adds to the sums of correct.rates.
local function vector_of(cell)
  local human, verdict = (cell - 1) // 4, (cell - 1) % 4 + 1
  if verdict == 4 then return { 0, 0, 0, 0, 0 } end
  local y, f = (3 - human) / 2, (3 - verdict) / 2
  if human == 0 then return { 0, 0, 0, 1, f } end
  return { 1, y, f, 0, 0 }
end

local function rate_of(found, more)
  if not found then return nil end
  local keys = { "rate", "ci95", "n" }
  local out = { rate = found.rate, ci95 = json.array(found.ci95), n = found.n }
  for _, name in ipairs(more or {}) do
    keys[#keys + 1], out[name] = name, found[name]
  end
  return json.object(out, keys)
end

--- The estimate of Rogan and Gladen that A wins (a tie is none), from cells.
local function by_errors(cells)
  local missed, found = { hits = 0, of = 0 }, { hits = 0, of = 0 }
  for human = 1, 3 do
    for verdict = 1, 3 do
      local rows, into = cells[human * 4 + verdict], human == 1 and found or missed
      into.of = into.of + rows
      if (human == 1) == (verdict == 1) then into.hits = into.hits + rows end
    end
  end
  return correct.rogan_gladen(cells[1], cells[1] + cells[2] + cells[3], missed, found)
end

--- Sums of cells, and their products, as those of what correct.rates reads: both are linear in the cells.
local function as_vectors(sums, cross)
  local w, small, products = correct.WIDTH, {}, {}
  for i = 1, w do
    small[i] = 0
    for j = 1, w do products[(i - 1) * w + j] = 0 end
  end
  for x = 1, 16 do
    local v = vector_of(x)
    for i = 1, w do
      small[i] = small[i] + v[i] * sums[x]
      for y = 1, v[i] ~= 0 and 16 or 0 do
        local u = vector_of(y)
        for j = 1, w do
          local at = (i - 1) * w + j
          products[at] = products[at] + v[i] * u[j] * cross[(x - 1) * 16 + y]
        end
      end
    end
  end
  return small, products
end

--- What human labels make of the rate: nil where there are none.
local function corrected(view, cell_of, cells, options)
  local units, sums, cross = view:sums(cell_of, 16)
  sums, cross = as_vectors(sums, cross)
  local found = correct.rates(units, sums, cross)
  if not found then return nil end
  local errors = by_errors(cells)
  local function whole(n) return math.tointeger(n) end
  local out = { labels = whole(found.labels), unlabelled = whole(found.unlabelled),
    human = rate_of(found.human), bias = rate_of(found.bias), ppi = rate_of(found.ppi), lambda = found.lambda,
    worth = found.worth, rogan_gladen = rate_of(errors, { "sensitivity", "specificity" }) }
  local half = options.plan or 0.02
  out.labels_needed = found.human.se > 0 and correct.labels_for(found, sums, cross, half) or nil
  return json.object(out, { "human", "bias", "ppi", "lambda", "rogan_gladen", "labels", "unlabelled", "worth",
    "labels_needed" })
end

local function chance(b) return 1 / (1 + math.exp(-b)) end

--- What each pattern says of A, by its cell: 1, 0.5, 0, or -1 of nothing.
local function outcomes_of(cell_of)
  local outcomes = {}
  for p, cell in ipairs(cell_of) do
    local verdict = (cell - 1) % 4 + 1
    outcomes[p] = cell > 0 and verdict < 4 and (3 - verdict) / 2 or -1
  end
  return outcomes
end

--- The rate at no difference in length: AlpacaEval's length-controlled win rate (Dubois and others 2024, arXiv
--- 2404.04475) on one's own data. Nil where it is not to be fitted.
---@param view fellowship.sheet
---@param cell_of integer[] each pattern's cell, 0 of none
---@param options { seed: integer?, resamples: integer? }
---@return table?
function rates.length_controlled(view, cell_of, options)
  local outcomes = outcomes_of(cell_of)
  if #outcomes == 0 then return nil end
  local found = view:control(outcomes, 1, options.resamples or 400, options.seed or 0)
  if not found.coefficients or found.sd == 0 then return nil end
  local draws = {}
  for i, b in ipairs(found.draws) do draws[i] = chance(b) end
  local ends = interval.middle(draws)
  return json.object({ rate = chance(found.coefficients[1]), ci95 = ends and json.array(ends) or json.null, n = found.n,
    length_coefficient = found.coefficients[2], length_sd = found.sd,
    alpaca_eval = found.lasso and chance(found.lasso[1]) or json.null },
    { "rate", "ci95", "n", "length_coefficient", "length_sd", "alpaca_eval" })
end

--- The rate at no difference in style (style control; Li and others 2024): a logistic fit on differences in length, headers,
--- lists and bold text over their standard deviations. They are not centred: 0 has to mean "alike". The interval is
--- Wald's in logits, with a covariance by units. Nil where there is no fit, or nothing differs.
---@param view fellowship.sheet of ballots with style
---@param cell_of integer[] each pattern's cell, 0 of none
---@return table?
function rates.style_controlled(view, cell_of)
  local outcomes, design = outcomes_of(cell_of), {}
  if #outcomes == 0 then return nil end
  for p = 1, #outcomes do design[p] = 1 end
  local found, differs = view:adjust(outcomes, design, 1, 2, #style.NAMES), false
  for _, sd in ipairs(found.sd) do differs = differs or sd > 0 end
  if not found.coefficients or not differs then return nil end
  local b, half = found.coefficients[1], interval.Z95 * math.sqrt(found.covariance[1])
  local coefficients = {}
  for k, name in ipairs(style.NAMES) do coefficients[name] = found.coefficients[1 + k] end
  return json.object({ rate = chance(b), ci95 = json.array { chance(b - half), chance(b + half) }, n = found.n,
    coefficients = json.object(coefficients, style.NAMES) }, { "rate", "ci95", "n", "coefficients" })
end

--- How often A wins, in all ways of counting: wins of all rows that were compared (the paper's convention), ties as
--- halves and what could not be read left out (Arena-Hard's), of decided rows alone; by people; corrected.
---@param view fellowship.sheet
---@param cell_of integer[] each pattern's cell, 0 of none
---@param cells integer[] rows of each cell
---@param intervals table<string, number[]>
---@param options { seed: integer?, lengths: boolean?, plan: number? }
---@param styled? boolean whether the view's ballots hold differences in style
---@return table
function rates.card(view, cell_of, cells, intervals, options, styled)
  local found = {}
  rates.of_cells(cells, found)
  local a, tie, b, unparsed = by_verdict(cells)
  local people = { by_label(cells) }
  local n = { wins_of_all = a + tie + b + unparsed, halves = a + tie + b, decided = a + b,
    human = people[1] + people[2] + people[3] }
  local function rate(name)
    return found[name] and rate_of { rate = found[name], ci95 = intervals[name] or {}, n = n[name] } or json.null
  end
  return json.object({ wins_of_all = rate "wins_of_all", halves = rate "halves", decided = rate "decided",
    human = rate "human", corrected = corrected(view, cell_of, cells, options),
    length_controlled = options.lengths and rates.length_controlled(view, cell_of, options) or nil,
    style_controlled = options.lengths and styled and rates.style_controlled(view, cell_of) or nil },
    { "wins_of_all", "halves", "decided", "human", "corrected", "length_controlled", "style_controlled" })
end

return rates
