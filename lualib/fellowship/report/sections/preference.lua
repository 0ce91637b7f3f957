-- A preference set: how clear its pairs are, what tells chosen from rejected, and what was left out.

local json = require "fellowship.core.json"
local content = require "fellowship.base.content"
local statistics = require "fellowship.measure.statistics"
local blocks = require "fellowship.report.blocks"
local estimates = require "fellowship.report.estimates"
local histogram = require "fellowship.report.histogram"
local ratings = require "fellowship.report.ratings"

local preference = {}

local number = estimates.number

local function flat(results, key, name, rows)
  local object = content.present(results[key])
  if type(object) ~= "table" then return end
  for _, reason in ipairs(json.keys(object)) do
    rows[#rows + 1] = { ("%s: %s"):format(name, estimates.words(reason)), number(object[reason]) or false }
  end
end

local function sums(results)
  local rows = {}
  for _, key in ipairs { "rows", "failed", "pairs", "sft", "ranked", "cut", "inverted", "cycles" } do
    local count = number(results[key])
    if count then rows[#rows + 1] = { key == "rows" and "prompts" or estimates.words(key), count } end
  end
  flat(results, "kto", "KTO", rows)
  flat(results, "without_pair", "prompts without a pair", rows)
  flat(results, "dropped", "pairs left out", rows)
  flat(results, "duplicates", "duplicates left out", rows)
  flat(results, "comparisons", "comparisons", rows)
  local scored = content.present(results.scores)
  if scored then
    rows[#rows + 1] = { "responses that were scored alone", number(scored.n) or false }
    rows[#rows + 1] = { "of these without a score", number(scored.unscored) or false }
  end
  flat(results, "swap", "both orders", rows)
  return blocks.table("What came out, and what was left out", { "", "count" }, rows)
end

local function longer(t)
  local items, n = {}, t.pairs
  for _, part in ipairs { { "chosen", "the chosen one is longer" }, { "rejected", "the rejected one is longer" },
    { "same", "both are as long" } } do
    local ends = statistics.wilson(t.longer[part[1]], n)
    items[#items + 1] = { label = part[2], value = t.longer[part[1]] / n, low = ends and ends[1],
      high = ends and ends[2], n = n }
  end
  return blocks.forest("Which of a pair is longer", items, "share of pairs", { reference = 0.5 })
end

local function span(power)
  if power == 0 then return "0" end
  return power == 1 and "1" or ("%d to %d"):format(1 << (power - 1), (1 << power) - 1)
end

local function lengths(t)
  local from, to = math.huge, 0
  for chosen, row in pairs(t.lengths) do
    for rejected in pairs(row) do
      from, to = math.min(from, chosen, rejected), math.max(to, chosen, rejected)
    end
  end
  local names, cells = {}, {}
  for power = from, to do
    names[#names + 1] = span(power)
    cells[#names] = {}
    for other = from, to do cells[#names][other - from + 1] = (t.lengths[power] or {})[other] or 0 end
  end
  return blocks.heat("Lengths against each other", { rows = names, columns = names, cells = cells,
    rows_are = "characters of the chosen one", columns_are = "characters of the rejected one" },
    "Pairs, counted; what lies below the diagonal has a longer chosen text.")
end

--- Wins of each candidate among the comparisons it took part in.
---@param t fellowship.report.Tally
---@return fellowship.report.Block?
function preference.wins(t)
  local items = {}
  for _, name in ipairs(t.names) do
    local games = t.candidates[name]
    if games.n > 0 then
      local ends = statistics.wilson(games.won, games.n)
      items[#items + 1] = { label = name, value = games.won / games.n, low = ends and ends[1],
        high = ends and ends[2], n = games.n }
    end
  end
  if #items < 2 then return nil end
  return blocks.forest("Wins by response", items, "won / compared", { reference = 0.5, label = "response" })
end

--- What a ranking by scores says: how scores lie, who gets them, and for which criteria.
local function add_ratings(t, list)
  local bins = histogram.bins { t.ratings.counts }
  if #bins > 0 then
    list[#list + 1] = blocks.histogram("Scores of the responses", bins, { "responses" }, "score",
      "Each response alone, rounded to three digits.")
  end
  local by = ratings.means(t.ratings.names, t.ratings.by)
  if #by > 1 then list[#list + 1] = blocks.forest("Mean score by response", by, "score", { label = "response" }) end
  local criteria = ratings.means(t.ratings.criteria, t.ratings.values)
  if #criteria > 0 then
    list[#list + 1] = blocks.forest("Mean value by criterion", criteria, "value", { label = "criterion",
      note = "Of questions the share that was answered with yes." })
  end
end

--- The section; nil where no pairs were to be made.
---@param source fellowship.report.Source
---@return fellowship.report.Section?
function preference.section(source)
  local results, t = source.results, source.sums
  if not results or results.pairs == nil or not (results.comparisons or results.scores) then return nil end
  local list = { sums(results) }
  add_ratings(t, list)
  if t.pairs > 0 then
    local margins = histogram.bins { t.pair_margins }
    if #margins > 0 then
      list[#list + 1] = blocks.histogram("Margins of the pairs", margins, { "pairs" }, "margin",
        "By how many scores a pair was decided; of a chain, its weakest link.")
    end
    local scores = histogram.bins { t.chosen, t.rejected }
    if #scores > 0 then
      list[#list + 1] = blocks.histogram("Scores of chosen and rejected", scores, { "chosen", "rejected" },
        "mean score")
    end
    list[#list + 1] = lengths(t)
    list[#list + 1] = longer(t)
  end
  list[#list + 1] = preference.wins(t)
  return { id = "preference", title = "Preference pairs", blocks = list }
end

return preference
