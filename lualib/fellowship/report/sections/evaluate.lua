-- Evaluators against human labels: kappas, confusion, biases, and what quality costs.

local content = require "fellowship.base.content"
local statistics = require "fellowship.measure.statistics"
local blocks = require "fellowship.report.blocks"
local estimates = require "fellowship.report.estimates"

local evaluate = {}

local number = estimates.number
local LABELS = { "a", "b", "tie" }
-- Confusion matrices that are drawn; of the others the results have the counts.
local MOST_MATRICES = 12

local function name_of(card)
  local models = {}
  for i, model in ipairs(content.present(card.models) or {}) do models[i] = tostring(model) end
  return table.concat(models, " + ")
end

--- The cards by their kappas, best first; names break ties.
local function sorted(cards)
  local list = table.move(cards, 1, #cards, 1, {})
  table.sort(list, function(x, y)
    local kx, ky = number(x.kappa) or -math.huge, number(y.kappa) or -math.huge
    if kx ~= ky then return kx > ky end
    return name_of(x) < name_of(y)
  end)
  return list
end

local function kappas(cards)
  local items, rows = {}, {}
  for i, card in ipairs(cards) do
    local low, high = estimates.ends(card.kappa_ci95)
    items[i] = { label = name_of(card), value = number(card.kappa), low = low, high = high, n = number(card.n) }
    rows[i] = { name_of(card), number(card.kappa) or false, low and ("%.3f to %.3f"):format(low, high) or false,
      number(card.agreement) or false, number(card.n) or false, number(card.unparsed) or false,
      number(card.failed) or false }
  end
  local block = blocks.forest("Agreement with the human labels", items, "Cohen's kappa", { reference = 0,
    note = "0 is what chance gives, 1 is full agreement; over the labels a, b and tie." })
  block.heads, block.rows = { "models", "kappa", "95% interval", "agreement", "n", "unparsed", "failed" }, rows
  return block
end

local function confusion(card)
  local cells = {}
  for r, label in ipairs(LABELS) do
    local row = content.present(card.confusion[label]) or {}
    cells[r] = {}
    for c, verdict in ipairs(LABELS) do cells[r][c] = number(row[verdict]) or 0 end
  end
  return blocks.heat("Verdicts of " .. name_of(card), { rows = LABELS, columns = LABELS, cells = cells,
    rows_are = "human label", columns_are = "verdict" })
end

--- How often one says what another one says.
---@param sums fellowship.report.Tally
---@return fellowship.report.Block?
function evaluate.agreement(sums)
  local names, cells, intervals, any = {}, {}, {}, false
  for i, name in ipairs(sums.evaluators) do names[i] = name end
  for r, row_name in ipairs(names) do
    cells[r], intervals[r] = {}, {}
    for c, column_name in ipairs(names) do
      local cell = (sums.agree[row_name] or {})[column_name] or (sums.agree[column_name] or {})[row_name]
      cells[r][c], intervals[r][c] = cell and cell.same / cell.n or false, false
      if cell then
        local ends = statistics.wilson(cell.same, cell.n)
        intervals[r][c] = ends and ("%.3f to %.3f, n = %d"):format(ends[1], ends[2], cell.n) or false
        any = true
      end
    end
  end
  if not any then return nil end
  return blocks.heat("How often evaluators agree with each other", { rows = names, columns = names, cells = cells,
    most = 1, rows_are = "", columns_are = "share of rows with the same verdict" }, nil, intervals)
end

-- ---- biases ----

--- A share with Wilson's interval.
local function share(label, rate, n)
  if not rate or not n or n == 0 then return nil end
  local ends = statistics.wilson(math.floor(rate * n + 0.5), n)
  return { label = label, value = rate, low = ends and ends[1], high = ends and ends[2], n = n }
end

local KINDS = {
  { "tie_rate", "Ties among the verdicts", "share of verdicts", function(card) return number(card.n) end },
  { "flip_rate", "Verdicts that change with the order", "share of rows asked in both orders",
    function(card) return number((content.present(card.flips) or {}).n) end },
}

local function biases(cards, list)
  for _, kind in ipairs(KINDS) do
    local items = {}
    for _, card in ipairs(cards) do items[#items + 1] = share(name_of(card), number(card[kind[1]]), kind[4](card)) end
    if #items > 0 then list[#list + 1] = blocks.forest(kind[2], items, kind[3]) end
  end
  local rows = {}
  for _, card in ipairs(cards) do
    if number(card.longer_wins) then
      rows[#rows + 1] = { name_of(card), number(card.longer_wins), number(card.longer_wins_human) or false }
    end
  end
  if #rows > 0 then
    list[#list + 1] = blocks.table("How often the longer response wins", { "models", "by the verdicts",
      "by the human labels" }, rows, "Of the rows with a winner and responses of different length.")
  end
end

--- What results tell with intervals beyond the kappas, evaluator by evaluator: the panel of biases, other coefficients.
local function others(cards, list)
  for _, card in ipairs(cards) do
    local items = estimates.of(card, { kappa = true, confusion = true, tokens = true,
      calibration = true })
    if #items > 0 then
      list[#list + 1] = blocks.forest("Biases and other measures of " .. name_of(card), items, "estimate",
        { reference = 0 })
    end
  end
end

-- ---- what quality costs ----

local function frontier(cards)
  local points, by_cost = {}, true
  for _, card in ipairs(cards) do by_cost = by_cost and number(card.cost) ~= nil end
  for _, card in ipairs(cards) do
    local tokens = content.present(card.tokens) or {}
    local taken = by_cost and number(card.cost) or (number(tokens.prompt) or 0) + (number(tokens.completion) or 0)
    local low, high = estimates.ends(card.kappa_ci95)
    if number(card.kappa) and taken and (by_cost or taken > 0) then
      points[#points + 1] = { label = name_of(card), x = taken, y = number(card.kappa), low = low, high = high,
        n = number(card.n) }
    end
  end
  if #points < 2 then return nil end
  return blocks.curve("Quality and what it takes", { points = points, x = by_cost and "cost, USD" or "tokens",
    y = "Cohen's kappa", frontier = true },
    "The line goes through those that nothing cheaper matches."
      .. (by_cost and "" or " Tokens stand for cost, which the results do not hold."))
end

--- How often verdicts with so wide a margin agree with the labels.
---@param sums fellowship.report.Tally
---@return fellowship.report.Block?
function evaluate.by_margin(sums)
  local margins, points = {}, {}
  for margin in pairs(sums.right) do margins[#margins + 1] = margin end
  table.sort(margins)
  for i, margin in ipairs(margins) do
    local cell = sums.right[margin]
    local ends = statistics.wilson(cell.right, cell.n)
    points[i] = { x = margin, y = cell.right / cell.n, low = ends and ends[1], high = ends and ends[2], n = cell.n }
  end
  if #points < 2 then return nil end
  return blocks.curve("Are wide margins right more often?", { points = points, x = "margin of the scores",
    y = "share that agrees with the label", joined = true })
end

--- The section; nil where the results are not of evaluators.
---@param source fellowship.report.Source
---@return fellowship.report.Section?
function evaluate.section(source)
  local given = source.results and content.present(source.results.results)
  if type(given) ~= "table" or type(given[1]) ~= "table" or given[1].models == nil then return nil end
  local cards = sorted(given)
  local list = { kappas(cards) }
  if not content.present(source.results.quality_for_cost) then list[#list + 1] = frontier(cards) end
  list[#list + 1] = evaluate.agreement(source.sums)
  biases(cards, list)
  others(cards, list)
  list[#list + 1] = evaluate.by_margin(source.sums)
  for i = 1, math.min(#cards, MOST_MATRICES) do
    if type(content.present(cards[i].confusion)) == "table" then list[#list + 1] = confusion(cards[i]) end
  end
  return { id = "evaluate", title = "Agreement with people", blocks = list }
end

return evaluate
