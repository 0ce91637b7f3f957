-- Who wins: rates with their intervals, raw and corrected, the matrix of a tournament, and strengths.

local content = require "fellowship.base.content"
local blocks = require "fellowship.report.blocks"
local estimates = require "fellowship.report.estimates"
local scale = require "fellowship.report.scale"

local winrate = {}

local number = estimates.number

local function rates(games)
  local items, rows = {}, {}
  for _, game in ipairs(games) do
    local name = ("%s against %s"):format(tostring(game.data or "A"), tostring(game.against or "B"))
    local low, high = estimates.ends(game.win_rate_ci95)
    items[#items + 1] = { label = name, value = number(game.win_rate), low = low, high = high, n = number(game.n) }
    rows[#rows + 1] = { name, number(game.win_rate) or false, scale.interval(low, high) or false,
      number(game.n) or false, number(game.wins) or false, number(game.losses) or false, number(game.ties) or false,
      number(game.unparsed) or false, number(game.unmatched) or false }
  end
  local block = blocks.forest("Win rates", items, "wins / n", { reference = 0.5 })
  block.rows = rows
  block.heads = { "", "win rate", "95% interval", "n", "wins", "losses", "ties", "unparsed", "unmatched" }
  return block
end

--- Corrected and length-controlled rates, beside the raw one.
local function corrected(games, list)
  for _, game in ipairs(games) do
    local more = estimates.of(game, { win_rate = true })
    if #more > 0 then
      local low, high = estimates.ends(game.win_rate_ci95)
      table.insert(more, 1, { label = "win rate, raw", value = number(game.win_rate), low = low, high = high,
        n = number(game.n) })
      list[#list + 1] = blocks.forest(("Raw and corrected: %s against %s"):format(tostring(game.data or "A"),
        tostring(game.against or "B")), more, "rate", { reference = 0.5 })
    end
  end
end

local function names_of(games, key)
  local names, places = {}, {}
  for _, game in ipairs(games) do
    local name = tostring(game[key])
    if not places[name] then names[#names + 1], places[name] = name, #names + 1 end
  end
  return names, places
end

local function matrix(games)
  local rows, row_of = names_of(games, "data")
  local columns, column_of = names_of(games, "against")
  local cells, intervals = {}, {}
  for r = 1, #rows do
    cells[r], intervals[r] = {}, {}
    for c = 1, #columns do cells[r][c], intervals[r][c] = false, false end
  end
  for _, game in ipairs(games) do
    local r, c = row_of[tostring(game.data)], column_of[tostring(game.against)]
    cells[r][c] = number(game.win_rate) or false
    intervals[r][c] = scale.interval(estimates.ends(game.win_rate_ci95)) or false
  end
  return blocks.heat("Who beats whom", { rows = rows, columns = columns, cells = cells, most = 1,
    rows_are = "win rate of", columns_are = "against" }, nil, intervals)
end

--- The strengths that results hold beside the plain ones: adjusted for style, corrected by labels, by
--- judges' weights.
local function other_strengths(results, list)
  for _, kind in ipairs { { "style_controlled", "Strengths at equal style" },
    { "corrected", "Strengths corrected by people's labels" },
    { "judge_weighted", "Strengths by what each judge's vote weighs" } } do
    local found, items = content.present(results[kind[1]]), {}
    for i, player in ipairs(type(found) == "table" and content.present(found.strengths) or {}) do
      local low, high = estimates.ends(player.ci95)
      items[i] = { label = tostring(player.name), value = number(player.strength), low = low, high = high }
    end
    if #items > 0 then
      list[#list + 1] = blocks.forest(kind[2], items, "strength, in logits", { reference = 0 })
    end
  end
end

local function strengths(results)
  local items = {}
  for i, player in ipairs(content.present(results.strengths) or {}) do
    local low, high = estimates.ends(player.ci95)
    items[i] = { label = tostring(player.name), value = number(player.strength), low = low, high = high }
  end
  if #items == 0 then return nil end
  local basis = content.present(results.bradley_terry) or {}
  return blocks.forest("Strengths", items, "strength, in logits", { reference = 0,
    note = content.present(basis.problem) and tostring(basis.problem)
      or ("By Bradley and Terry, of %s games: a difference of 1 is 2.7 to 1."):format(tostring(basis.games or "?")) })
end

--- The section; nil where the results hold no win rates.
---@param source fellowship.report.Source
---@return fellowship.report.Section?
function winrate.section(source)
  local results = source.results
  if not results then return nil end
  local games = content.present(results.matrix) or (results.win_rate ~= nil and { results }) or nil
  if type(games) ~= "table" or #games == 0 then return nil end
  local list = { rates(games) }
  if #games > 1 then list[2] = matrix(games) end
  list[#list + 1] = strengths(results)
  other_strengths(results, list)
  corrected(games, list)
  return { id = "winrate", title = "Who wins", blocks = list }
end

return winrate
