-- Several runs side by side: their figures on one axis, and what turned between them.

local content = require "fellowship.base.content"
local statistics = require "fellowship.measure.statistics"
local blocks = require "fellowship.report.blocks"
local estimates = require "fellowship.report.estimates"

local several = {}

local number = estimates.number
local WINNERS = { "a", "b", "tie", "unparsed" }

local function overview(sources)
  local rows = {}
  for i, source in ipairs(sources) do
    local models = {}
    for n, model in ipairs(source.models or {}) do models[n] = tostring(model) end
    rows[i] = { source.name, source.script or "?", table.concat(models, ", "), source.sums.rows }
  end
  return blocks.table("The runs", { "run", "script", "models", "rows" }, rows)
end

local function add_kappas(source, items)
  for _, card in ipairs(source.results and content.present(source.results.results) or {}) do
    local models = {}
    for i, model in ipairs(type(card) == "table" and content.present(card.models) or {}) do
      models[i] = tostring(model)
    end
    local low, high = estimates.ends(card.kappa_ci95)
    items[#items + 1] = { label = source.name .. ": " .. table.concat(models, " + "), value = number(card.kappa),
      low = low, high = high, n = number(card.n) }
  end
end

local function add_rates(source, items)
  local results = source.results or {}
  for _, game in ipairs(content.present(results.matrix) or { results }) do
    local low, high = estimates.ends(game.win_rate_ci95)
    if low then
      items[#items + 1] = { label = ("%s: %s"):format(source.name, tostring(game.data)), value = number(game.win_rate),
        low = low, high = high, n = number(game.n) }
    end
  end
end

--- What turned between the first run and another.
local function turned(sources, turns, list)
  local items = {}
  for i = 2, #sources do
    local n, other = turns.n[i] or 0, turns.turned[i] or 0
    if n > 0 then
      local ends = statistics.wilson(other, n)
      items[#items + 1] = { label = ("%s and %s"):format(sources[1].name, sources[i].name), value = other / n,
        low = ends and ends[1], high = ends and ends[2], n = n }
      local cells = {}
      for r, before in ipairs(WINNERS) do
        cells[r] = {}
        for c, after in ipairs(WINNERS) do cells[r][c] = (turns.cells[i][before] or {})[after] or 0 end
      end
      list[#list + 1] = blocks.heat(("What became of the verdicts of %s"):format(sources[1].name), { rows = WINNERS,
        columns = WINNERS, cells = cells, rows_are = sources[1].name, columns_are = "in " .. sources[i].name })
    end
  end
  if #items > 0 then
    table.insert(list, 2, blocks.forest("Verdicts that turned", items, "share of verdicts on the same rows"))
  end
end

--- The section.
---@param sources fellowship.report.Source[]
---@param turns fellowship.report.Turns
---@return fellowship.report.Section
function several.section(sources, turns)
  local list, kappas, rates = { overview(sources) }, {}, {}
  turned(sources, turns, list)
  for _, source in ipairs(sources) do
    add_kappas(source, kappas)
    add_rates(source, rates)
  end
  if #kappas > 0 then
    list[#list + 1] = blocks.forest("Kappas side by side", kappas, "Cohen's kappa", { reference = 0 })
  end
  if #rates > 0 then
    list[#list + 1] = blocks.forest("Win rates side by side", rates, "wins / n", { reference = 0.5 })
  end
  return { id = "several", title = "The runs side by side", blocks = list }
end

return several
