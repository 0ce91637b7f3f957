-- What evaluators are worth: panels of what they lean to, calibration, juries, differences, cost; and orders of tournaments.

local content = require "fellowship.base.content"
local blocks = require "fellowship.report.blocks"
local estimates = require "fellowship.report.estimates"
local scale = require "fellowship.report.scale"

local measures = {}

local number = estimates.number

local function name_of(models)
  local list = {}
  for i, model in ipairs(content.present(models) or {}) do list[i] = tostring(model) end
  return table.concat(list, " + ")
end

local function object(value)
  value = content.present(value)
  return type(value) == "table" and value or {}
end

local function estimate(label, from, name)
  local low, high = estimates.ends(from[name .. "_ci95"])
  return { label = label, value = number(from[name]), low = low, high = high, n = number(from.n) }
end

-- ---- calibration ----

local MAPS = { { "", "as scored" }, { "platt", "Platt's map" }, { "isotonic", "isotonic map" } }

--- A curve of what was predicted and what people say, and Brier's scores of the maps beside it.
local function calibration(name, found, list)
  local points = {}
  for i, span in ipairs(object(found.reliability)) do
    points[i] = { x = number(span.predicted) or 0, y = number(span.observed) or 0, n = number(span.n) }
  end
  if #points == 0 then return end
  list[#list + 1] = blocks.curve("Is its confidence worth what it says? " .. name, { points = points,
    x = "chance that A is better, by the scores", y = "how often A is, by people", joined = true, diagonal = true },
    "A calibrated evaluator lies on the diagonal; below it on the right, it is too sure.")
  local items = {}
  for i, map in ipairs(MAPS) do
    local of = map[1] == "" and found or object(found[map[1]])
    items[i] = estimate(("%s (off by %s)"):format(map[2], scale.shown(number(of.ece) or 0 / 0)), of, "brier")
  end
  list[#list + 1] = blocks.forest("What maps would mend: " .. name, items, "Brier score",
    { note = "Smaller is better. Each tenth of the prompts is predicted by a map of the others; off by: the expected "
      .. "calibration error." })
end

-- ---- juries ----

local function members(jury, list)
  local names, cells, any, rows = {}, {}, false, {}
  for m, member in ipairs(object(jury.members)) do
    names[m] = tostring(member.model)
    rows[m] = { names[m], number(member.accuracy) or false, number(member.weight) or false,
      number(member.accuracy_unlabelled) or false, number(member.n) or false }
    cells[m] = {}
    for other, value in ipairs(object(member.error_correlations)) do
      cells[m][other] = number(value) or false
      any = true
    end
  end
  if #rows == 0 then return end
  list[#list + 1] = blocks.table("What the members of a jury are worth", { "member", "right", "weight of its vote",
    "right, by the model that sees no label", "n" }, rows)
  if any then
    list[#list + 1] = blocks.heat("Do members err on the same rows?", { rows = names, columns = names, cells = cells,
      most = 1, rows_are = "correlation of errors", columns_are = "" })
  end
  local effective = object(jury.effective)
  if number(effective.independent) then
    list[#list + 1] = blocks.forest("How many jurors they are worth", { estimate("independent jurors", effective,
      "independent") }, ("of %s"):format(scale.shown(number(effective.members) or #rows)),
      { reference = number(effective.members) })
  end
end

local function votes(jury, list)
  local items = {}
  for _, kind in ipairs { { "weighted", "weighted, cross-validated" }, { "dawid_skene", "Dawid and Skene" } } do
    local card = object(jury[kind[1]])
    if number(card.kappa) then items[#items + 1] = estimate(kind[2], card, "kappa") end
  end
  if #items > 0 then
    list[#list + 1] = blocks.forest("Votes that do not all count the same", items, "Cohen's kappa", { reference = 0 })
  end
end

-- ---- differences, cost ----

local function differences(found, list)
  local items, rows = {}, {}
  for i, d in ipairs(object(found)) do
    local label = ("%s - %s"):format(name_of(d.models), name_of(d.against))
    items[i] = estimate(label, d, "kappa")
    rows[i] = { label, number(d.kappa) or false, scale.interval(estimates.ends(d.kappa_ci95)) or false,
      number(d.kappa_p) or false, number(d.kappa_p_holm) or false, number(d.n) or false }
  end
  if #items == 0 then return end
  local block = blocks.forest("Is one better than the other?", items, "difference in kappa", { reference = 0,
    note = "On the same rows. The corrected p (Holm) counts that so many questions are asked at once." })
  block.heads, block.rows = { "", "difference", "95% interval", "p", "p, corrected", "n" }, rows
  list[#list + 1] = block
end

local function quality(found, list)
  local points, rows, unit = {}, {}, tostring(found.unit)
  for i, one in ipairs(object(found.frontier)) do
    points[i] = { label = name_of(one.models), x = number(one.cost) or 0, y = number(one.kappa) or 0 }
    rows[i] = { points[i].label, points[i].x, points[i].y, number(one.kappa_cross_validated) or false }
  end
  if #points > 1 then
    local block = blocks.curve("What nothing cheaper is as good as", { points = points, x = unit, y = "Cohen's kappa",
      frontier = true }, "Chosen on these rows, a jury looks better than it is: cross-validated, the choice is made "
      .. "without the rows it is measured on.")
    block.heads, block.rows = { "", unit, "kappa", "cross-validated" }, rows
    list[#list + 1] = block
  end
  local best = object(found.best_under)
  if number(best.kappa) then
    local honest = object(best.cross_validated)
    list[#list + 1] = blocks.forest(("The best for %s %s: %s"):format(scale.shown(number(best.most) or 0), unit,
      name_of(best.models)), { { label = "as chosen", value = number(best.kappa) },
      estimate("cross-validated", honest, "kappa") }, "Cohen's kappa", { reference = 0 })
  end
end

-- ---- panels, orders ----

local LEANINGS = { { "position", "first_wins", "what is shown first wins", "ci95" },
  { "own_family", "own_wins", "its own family wins", "ci95" } }

local function leanings(judges, list)
  for _, kind in ipairs(LEANINGS) do
    local items = {}
    for _, judge in ipairs(judges) do
      local from = object(judge[kind[1]])
      local low, high = estimates.ends(from[kind[4]])
      if number(from[kind[2]]) then
        items[#items + 1] = { label = name_of(judge.models), value = number(from[kind[2]]), low = low, high = high,
          n = number(from.n) }
      end
    end
    if #items > 0 then
      list[#list + 1] = blocks.forest("How often " .. kind[3], items, "share", { reference = 0.5 })
    end
  end
end

local function scores(judge, list)
  local histogram, bins = object(object(judge.scale).histogram), {}
  local keys = {}
  for key in pairs(histogram) do keys[#keys + 1] = tonumber(key) end
  table.sort(keys)
  for i, key in ipairs(keys) do
    local label = scale.shown(key)
    bins[i] = { label = label, number(histogram[label] or histogram[tostring(key)]) or 0 }
  end
  if #bins > 0 then
    list[#list + 1] = blocks.histogram("Scores of " .. name_of(judge.models), bins, { "scores" }, "score")
  end
end

local function panel(judge, list)
  local name = name_of(judge.models)
  scores(judge, list)
  calibration(name, object(judge.calibration), list)
  if judge.jury then
    members(judge.jury, list)
    votes(judge.jury, list)
  end
end

local function order(results, list)
  local items = {}
  for i, player in ipairs(object(results.order)) do
    local low, high = estimates.ends(player.ci95)
    items[i] = { label = tostring(player.name), value = number(player.strength), low = low, high = high }
  end
  if #items == 0 then return end
  local decided = content.present(results.decided) == true and "decided at 95%" or "not decided"
  list[#list + 1] = blocks.forest("The order of the generators", items, "strength, in logits", { reference = 0,
    note = ("By Bradley and Terry: a difference of 1 is 2.7 to 1. %s after %s of %s games."):format(decided,
      tostring(results.games), tostring(results.all_games)) })
end

--- The section; nil where the results hold none of it.
---@param source fellowship.report.Source
---@return fellowship.report.Section?
function measures.section(source)
  local results, list = source.results, {}
  if not results then return nil end
  order(results, list)
  local judges = object(results.judges)
  leanings(judges, list)
  for _, judge in ipairs(judges) do panel(judge, list) end
  for _, card in ipairs(object(results.results)) do
    if type(card) == "table" then calibration(name_of(card.models), object(card.calibration), list) end
  end
  if type(content.present(results.jury)) == "table" then
    members(results.jury, list)
    votes(results.jury, list)
  end
  differences(results.differences, list)
  quality(object(results.quality_for_cost), list)
  if #list == 0 then return nil end
  return { id = "measures", title = "What evaluators are worth", blocks = list }
end

return measures
