-- One preference set in the making: orders of answers to a prompt go in; pairs, labels and their provenance are
-- written and counted.

local json = require "fellowship.core.json"
local check = require "fellowship.base.check"
local conversation = require "fellowship.dataset.conversation"
local format = require "fellowship.preference.format"
local loading = require "fellowship.preference.loading"
local pairing = require "fellowship.preference.pairs"
local quality = require "fellowship.preference.quality"
local shape = require "fellowship.preference.shape"
local trim = require "fellowship.base.text".trim

local set = {}

---@class fellowship.PreferenceSet
---@field name "single"|"generator"|"reviewer"
---@field pairs integer rows of the DPO files
---@field desirable integer rows of the KTO files by label
---@field undesirable integer
---@field none table<string, integer> prompts without a pair, by reason
---@field dropped table<string, integer> pairs that quality controls left out, by reason
---@field inverted integer kept pairs whose recorded scores say the opposite
---@field cut integer kept pairs whose chosen text a limit of tokens cut off
---@field unlabelled integer prompts that the KTO format cannot hold
---@field untrimmed integer kept pairs with a text that begins or ends with white space
---@field more table<"sft"|"ranked", integer> rows of the files that were asked for besides
---@field tools_left_out integer prompts whose tools the set has no column for, as its first prompt had none
---@field scores { chosen: table<integer, integer>, rejected: table<integer, integer>, margin: table<integer, integer> } histograms
---@field format_name string
---@field ending string of its files: ".jsonl" or ".parquet"
---@field files { dpo: string[], kto: string[] } names in data/, once it is closed
local Set = {}
Set.__index = Set

--- Begins a set; use it with <close>.
--- Example:
---     local set <close> = fellowship.preference.set { name = "single", mode = "best-worst", format = "trl", quality = {},
---       provenance = run:writer "pairs.jsonl", open = function(stem) return run:writer("data/" .. stem .. ".jsonl") end }
---     local order = fellowship.preference.order(2, { { a = 1, b = 2, verdict = { winner = "b", scores = { a = 3, b = 8 } } } })
---     set:add(0, "Name a river.", { "A river.", "The Rhine." }, order)
---@param o { name: string, mode: string, format: string, ending: string?, quality: table, provenance: fellowship.Writer, open: function, also: ("sft"|"ranked")[]?, columns: ("scores"|"models")[]? } open(stem, columns) gives a writer; also: files of the best responses, and of all with their ranks, of orders with scores; columns: what DPO rows have besides
---@return fellowship.PreferenceSet
function set.open(o)
  local columns = o.columns or {}
  local function file(kind) return o.open(loading.files(o.name, kind), shape.names(o.format, kind, columns)) end
  local more = {}
  for _, kind in ipairs(o.also or {}) do more[kind] = 0 end
  return setmetatable({ name = o.name, mode = o.mode, format_name = o.format, format = format.rows(o.format),
    ending = o.ending or ".jsonl", quality = o.quality, provenance = o.provenance, dpo = file "dpo",
    kto = file "kto", pairs = 0, desirable = 0, undesirable = 0, none = {}, dropped = {}, inverted = 0, cut = 0,
    columns = columns, more = more, sft = more.sft and file "sft", ranked = more.ranked and file "ranked",
    tools_left_out = 0, unlabelled = 0, untrimmed = 0, scores = { chosen = {}, rejected = {}, margin = {} } }, Set)
end

local function count(counts, key)
  counts[key] = (counts[key] or 0) + 1
end

--- The pairs that pass the quality controls, with what the scores say of them; and why there is none.
local function choose(self, texts, order, origin)
  local list, none = pairing.make(order, texts, self.mode)
  local scores_of, kept = quality.scores(order), {}
  for _, pair in ipairs(list) do
    local scored = scores_of(pair)
    local why = quality.reason(self.quality, texts[pair.chosen], texts[pair.rejected], scored,
      origin.cut and origin.cut[pair.chosen])
    if why then
      count(self.dropped, why)
      none = none or why
    else
      pair.scored = scored
      kept[#kept + 1] = pair
    end
  end
  return kept, #kept == 0 and (origin.reason or none) or nil
end

local PROVENANCE_KEYS = { "set", "id", "round", "chosen", "rejected", "margin", "scores" }

--- Writes where a pair comes from: a line of pairs.jsonl for each line of the DPO files.
local function write_provenance(self, id, pair, origin)
  local s, places, output = pair.scored, origin.places, origin.output or json.object
  self.provenance:write(output({ set = self.name, id = id, round = origin.round,
    chosen = places and places[pair.chosen] or pair.chosen,
    rejected = places and places[pair.rejected] or pair.rejected,
    margin = s.margin or json.null,
    scores = json.object({ chosen = s.chosen or json.null, rejected = s.rejected or json.null },
      { "chosen", "rejected" }) }, PROVENANCE_KEYS))
end

local function tally(self, scored)
  for name, histogram in pairs(self.scores) do
    if scored[name] then count(histogram, math.floor(scored[name] + 0.5)) end
  end
  if quality.inverted(scored) then self.inverted = self.inverted + 1 end
end

local function ragged(text)
  return text:find "^%s" ~= nil or text:find("^%s", -1) ~= nil
end

--- A score as a column has it: loaders take a column's type from its first rows, so 8 is written as 8.0.
local function score_of(value)
  return value and value + 0.0 or json.null
end

--- The tools of a prompt as the format has them; what stands for none where there are none.
local function tools_of(self, tools)
  if not shape.tools_as_text[self.format_name] then return tools == nil and json.null or tools end
  return tools == nil and "" or type(tools) == "string" and tools or json.encode(tools)
end

--- A row with what it has besides: scores, who wrote the two, and the tools that came with the prompt.
local function with_more(self, row, pair, origin)
  if not self.has_tools and not (pair and self.columns[1]) then return row end
  local models = origin.models or {}
  local values = { tools = self.has_tools and tools_of(self, origin.tools) or nil }
  if pair then
    values.score_chosen, values.score_rejected = score_of(pair.scored.chosen), score_of(pair.scored.rejected)
    values.margin = score_of(pair.scored.margin)
    values.chosen_model, values.rejected_model = models[pair.chosen] or json.null, models[pair.rejected] or json.null
  end
  local keys = json.keys(row)
  local function add(name)
    row[name] = values[name]
    keys[#keys + 1] = name
  end
  for _, name in ipairs(pair and self.columns or {}) do
    for _, column in ipairs(shape.more[name]) do add(column[1]) end
  end
  if values.tools ~= nil then add "tools" end
  return json.object(row, keys)
end

local function write_labels(self, prompt, texts, list, origin)
  if #list == 0 then return end
  if self.format.texts_only_kto and type(prompt) ~= "string" then
    if #prompt == 1 then return write_labels(self, prompt[1].content, texts, list, origin) end
    self.unlabelled = self.unlabelled + 1
    return
  end
  for _, label in ipairs(pairing.labels(list, #texts, texts)) do
    self.kto:write(with_more(self, self.format.kto(prompt, texts[label.response], label.label), nil, origin))
    local name = label.label and "desirable" or "undesirable"
    self[name] = self[name] + 1
  end
end

--- Whether rows have tools: as the first prompt's do, since loaders want the same columns in every row.
local function note_tools(self, tools)
  if self.has_tools == nil then
    self.has_tools = tools ~= nil and shape.takes[self.format_name].tools == true
  end
  if tools ~= nil and not self.has_tools then self.tools_left_out = self.tools_left_out + 1 end
end

--- The best response alone, unless it is one that a pair could not have as its chosen one.
local function write_best(self, prompt, texts, order, origin)
  local best = pairing.best(order)
  if not best or self.format.texts_only and type(prompt) ~= "string" then return end
  local why = quality.reason(self.quality, texts[best], "x", { margin = math.huge }, origin.cut and origin.cut[best])
  if why and why ~= "length" then return end
  self.sft:write(with_more(self, self.format.sft(prompt, texts[best]), nil, origin))
  self.more.sft = self.more.sft + 1
end

--- All responses that have a score, each text once, the best first; those of the same score have the same rank.
local function write_ranked(self, prompt, texts, order)
  local list, seen = {}, {}
  for i = 1, order.count do
    local score, trimmed = order.scores and order.scores[i], trim(texts[i])
    if score and not seen[trimmed] and trimmed ~= "" and quality.writable(texts[i]) then
      seen[trimmed] = true
      list[#list + 1] = { text = texts[i], reward = score_of(score), place = i }
    end
  end
  table.sort(list, function(x, y)
    if x.reward ~= y.reward then return x.reward > y.reward end
    return x.place < y.place
  end)
  for i, one in ipairs(list) do
    one.rank = i > 1 and one.reward == list[i - 1].reward and list[i - 1].rank or i - 1
  end
  if #list < 2 or list[#list].rank == 0 then return end
  self.ranked:write(self.format.ranked(prompt, list))
  self.more.ranked = self.more.ranked + 1
end

--- Adds the answers to a prompt.
--- Example:
---     local set <close> = fellowship.preference.set { name = "single", mode = "best-worst", format = "trl", quality = {},
---       provenance = run:writer "pairs.jsonl", open = function(stem) return run:writer("data/" .. stem .. ".jsonl") end }
---     local order = fellowship.preference.order(2, { { a = 1, b = 2, verdict = { winner = "b", scores = { a = 3, b = 8 } } } })
---     set:add(0, "Name a river.", { "A river.", "The Rhine." }, order)
---     print(set.pairs) --> 1
---@param id any the row's
---@param prompt fellowship.Prompt
---@param texts string[]
---@param order fellowship.Order
---@param origin? { cut: table<integer, boolean>?, output: fun(values: table, keys: string[])?, round: integer?, places: integer[]?, reason: string?, models: (string|false)[]?, tools: any? } which texts a limit of tokens cut off; what makes a row of pairs.jsonl of its values; of a contest of branches: its round, where the texts stand among the round's, and why there can be no pair, where the caller knows better
function Set:add(id, prompt, texts, order, origin)
  check.method(self, Set, "set:add")
  origin = origin or {}
  if not quality.writable(conversation.text(prompt)) then
    count(self.none, "unwritable")
    return
  end
  note_tools(self, origin.tools)
  if self.sft then write_best(self, prompt, texts, order, origin) end
  if self.ranked then write_ranked(self, prompt, texts, order) end
  local list, none = choose(self, texts, order, origin)
  for _, pair in ipairs(list) do
    self.dpo:write(with_more(self, self.format.dpo(prompt, texts[pair.chosen], texts[pair.rejected]), pair, origin))
    write_provenance(self, id, pair, origin)
    tally(self, pair.scored)
    if origin.cut and origin.cut[pair.chosen] then self.cut = self.cut + 1 end
    if ragged(texts[pair.chosen]) or ragged(texts[pair.rejected]) then self.untrimmed = self.untrimmed + 1 end
  end
  self.pairs = self.pairs + #list
  write_labels(self, prompt, texts, list, origin)
  if none then count(self.none, none) end
end

--- Completes the set's files, and notes their names.
--- Example:
---     local set <close> = fellowship.preference.set { name = "single", mode = "best-worst", format = "trl", quality = {},
---       provenance = run:writer "pairs.jsonl", open = function(stem) return run:writer("data/" .. stem .. ".jsonl") end }
---     set:close()
---     print(#set.files.dpo)
function Set:close()
  self.dpo:close()
  self.kto:close()
  self.files = { dpo = self.dpo.files, kto = self.kto.files }
  for kind in pairs(self.more) do
    self[kind]:close()
    self.files[kind] = self[kind].files
  end
end

function Set:__close(problem)
  self.dpo:__close(problem)
  self.kto:__close(problem)
  for kind in pairs(self.more) do self[kind]:__close(problem) end
end

return set
