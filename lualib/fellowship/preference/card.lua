-- The dataset card: README.md with the front matter that makes a folder load as a dataset.
-- https://huggingface.co/docs/hub/datasets-manual-configuration

local json = require "fellowship.core.json"
local nearest = require "fellowship.base.nearest"
local template = require "fellowship.base.template"
local loading = require "fellowship.preference.loading"
local quality = require "fellowship.preference.quality"

local card = {}

-- Hugging Face's size categories, by the number of rows.
local sizes = {
  { 1000, "n<1K" }, { 10000, "1K<n<10K" }, { 100000, "10K<n<100K" }, { 1000000, "100K<n<1M" },
  { math.huge, "n>1M" },
}

local function size_category(n)
  for _, size in ipairs(sizes) do
    if n < size[1] then return size[2] end
  end
end

local TEXT = [[
---
license: unknown # to be filled in: the terms of the generating models apply to their outputs
tags: [dpo, kto, synthetic, rlaif]
task_categories: [text-generation]
size_categories: ["{size}"]
{configs}---

# Preference dataset

{simulated}Made with [fellowship](https://arxiv.org/abs/2408.08688) {version}, which carries out the method of *The Fellowship of the LLMs*: a generator answers each prompt, reviewers criticise, the generator revises; a judge compares the responses, and what it decides becomes preference pairs.

| | |
|---|---|
{made}
## What is in it

| | |
|---|---|
{counts}
The texts are the models' own, byte for byte. `responses.jsonl` holds every response and feedback, `verdicts.jsonl` every comparison with the judge's words, `pairs.jsonl` where each pair comes from, line for line; all have the prompts' `id`. `run.json` has the date, the calls and the costs of the runs that wrote this, and the models as they were asked.

## How the pairs were made

{construction}{controls}{histograms}
## Loading it

{loading}
## How to cite

The method is that of *The Fellowship of the LLMs* (Samee Arif, Sualeha Farid, Abdul Hameed Azeemi, Awais Athar, Agha Ali Raza, GEM 2025), carried out by fellowship {version}:

```bibtex
@inproceedings{arif2025fellowship,
  title = {The Fellowship of the LLMs: Multi-Model Workflows for Synthetic Preference Optimization Dataset Generation},
  author = {Arif, Samee and Farid, Sualeha and Azeemi, Abdul Hameed and Awais Athar and Raza, Agha Ali},
  booktitle = {Proceedings of the Fourth Workshop on Generation, Evaluation and Metrics},
  year = {2025}, eprint = {2408.08688}, archiveprefix = {arXiv}
}
```

## Licence

To be filled in by who publishes this, here and in the front matter. The models whose texts are in it, and whose terms therefore matter:

{licences}]]

local SIMULATED = "**The completions are from `sim`, a stand-in that is no model. This is test data.**\n\n"

local function code(list)
  return "`" .. table.concat(list, "`, `") .. "`"
end

local function table_of(rows)
  local lines = {}
  for i, row in ipairs(rows) do lines[i] = ("| %s | %s |\n"):format(row[1], row[2]) end
  return table.concat(lines)
end

local CONFIG = [[
- config_name: %s
%s  data_files:
  - {split: train, path: "%s"}
]]

--- The configs of the front matter: a set without rows has none, since loaders stumble over empty files.
local function configs(sets)
  local list, first = {}, true
  for _, set in ipairs(sets) do
    for _, kind in ipairs(loading.kinds) do
      if loading.rows(set, kind) > 0 then
        list[#list + 1] = CONFIG:format(loading.config(set.name, kind), first and "  default: true\n" or "",
          loading.pattern(set, kind))
        first = false
      end
    end
  end
  return #list > 0 and "configs:\n" .. table.concat(list) or ""
end

local function reasons(none)
  local parts = {}
  for i, name in ipairs(nearest.names(none)) do parts[i] = ("%d %s"):format(none[name], name) end
  return #parts > 0 and table.concat(parts, ", ") or "0"
end

local titles = { single = "single-model improvement", generator = "for the generator", reviewer = "for the reviewers" }

local function counts(facts)
  local rows = { { "prompts", facts.prompts } }
  for _, duplicate in ipairs { "exact", "near" } do
    if facts.duplicates[duplicate] > 0 then
      rows[#rows + 1] = { ("prompts left out as duplicates (%s)"):format(duplicate), facts.duplicates[duplicate] }
    end
  end
  for _, set in ipairs(facts.sets) do
    local what = #facts.sets > 1 and ", " .. titles[set.name] or ""
    rows[#rows + 1] = { ("preference pairs%s (`%s`)"):format(what, loading.pattern(set, "dpo")), set.pairs }
    rows[#rows + 1] = { ("labelled completions%s (`%s`)"):format(what, loading.pattern(set, "kto")),
      ("%d (%d desirable, %d undesirable)"):format(set.desirable + set.undesirable, set.desirable, set.undesirable) }
    for _, kind in ipairs { "sft", "ranked" } do
      if set.more and set.more[kind] then
        local named = kind == "sft" and "best responses alone" or "prompts with all responses ranked"
        rows[#rows + 1] = { ("%s (`%s`)"):format(named, loading.pattern(set, kind)), set.more[kind] }
      end
    end
    local asked = set.name == "single" and "prompts" or "requests"
    rows[#rows + 1] = { asked .. " without a pair" .. what, reasons(set.none) }
    if set.unlabelled > 0 then
      rows[#rows + 1] = { "conversations that the KTO format cannot hold" .. what, set.unlabelled }
    end
  end
  return table_of(rows)
end

local LADDER = "Each prompt's responses climb a ladder: response 1 is compared with response 2, each later one with "
  .. "the one kept; a tie keeps the later. "
local EVERYONE = "Each two of a prompt's responses were compared. Where wins went in a circle, Bradley-Terry strengths"
  .. " from the comparisons within it took their place. "
local COMPARED = "Pairs come from decided comparisons and what follows from them by transitivity (`{mode}`: "
  .. "{meaning}); ties and comparisons that could not be read give none."
local SCORED = "Each response was scored alone (`scores.jsonl`), and of two the one with the higher score is the "
  .. "better (`{mode}`: {meaning}); equal scores give no pair, nor does a response without a score."

local SINGLE = [[
{ranking} In the KTO files a response that is chosen in some pair and never rejected is `true`, one that is rejected is `false`.
]]

local MULTI = [[

**For the generator** the prompt is its conversation up to a revision request, and {revisions} revisions after that same request were compared with each other. **For the reviewers** the prompt is what a reviewer was asked about a response. Each feedback on it (of every reviewer who was asked the same, {feedbacks} each) was given to the generator alone, and the judge compared the revision with the response: chosen is feedback after which the response improved, rejected is feedback after which it did not; the scores in `pairs.jsonl` say by how much. `branches.jsonl` holds all of it. The first of the revisions and of each reviewer's feedback is the loop's own; the others were asked at temperature {temperature}.
]]

local meanings = { ["best-worst"] = "the best response against the worst one below it, one pair a prompt",
  ["best-rest"] = "the best response against each one below it", ["all"] = "every relation that was shown",
  ["sweet-spot"] = "the best response against the one nearest to two standard deviations below the mean score" }

local function ranking(facts)
  local how = facts.ranking or "ladder"
  local text = how == "ladder" and LADDER .. COMPARED or how == "round-robin" and EVERYONE .. COMPARED or SCORED
  return template.fill(text, { mode = facts.pairs, meaning = meanings[facts.pairs] })
end

local function construction(facts)
  local text = template.fill(SINGLE, { ranking = ranking(facts) })
  if facts.branches then text = text .. template.fill(MULTI, facts.branches) end
  return text
end

local what_is_dropped = { cut = "a limit of tokens cut the chosen text off", margin = "the score margin is below %s",
  length = "one text is over %s times as long as the other", refusal = "the chosen text is a refusal",
  inverted = "the recorded scores say the opposite", empty = "a text is empty",
  unwritable = "a text has a lone surrogate, which loaders refuse" }

--- What quality controls did, and the audit of the labels.
local function controls(facts)
  local lines, limit = {}, { margin = facts.quality.min_margin, length = facts.quality.max_length_ratio }
  for _, set in ipairs(facts.sets) do
    local what = #facts.sets > 1 and (" (%s)"):format(titles[set.name]) or ""
    for _, reason in ipairs(quality.reasons) do
      if set.dropped[reason] then
        lines[#lines + 1] = ("- left out%s because %s: %d pairs\n"):format(what,
          what_is_dropped[reason]:format(limit[reason]), set.dropped[reason])
      end
    end
    lines[#lines + 1] = ("- pairs whose chosen text has a lower mean score than the rejected one%s: %d of %d\n"):format(
      what, set.inverted, set.pairs)
    if set.cut > 0 then
      lines[#lines + 1] = ("- pairs whose chosen text was cut off by a limit of tokens%s: %d of %d\n"):format(what,
        set.cut, set.pairs)
    end
  end
  if facts.flips then
    lines[#lines + 1] = ("- the judge was asked in both orders; %d of %d comparisons disagreed and count as ties\n")
      :format(facts.flips.flipped, facts.flips.n)
  end
  return "\n" .. table.concat(lines)
end

local BAR = 40 -- characters of the longest bar

--- Counts of scores as a list of bars, in groups where there are many.
local function histogram(title, counted)
  local low, high = math.huge, -math.huge
  for score in pairs(counted) do low, high = math.min(low, score), math.max(high, score) end
  if low > high then return "" end
  local step, most, bars = math.max(1, math.ceil((high - low + 1) / 20)), 0, {}
  for from = low, high, step do
    local n = 0
    for score = from, from + step - 1 do n = n + (counted[score] or 0) end
    local name = step == 1 and ("%4d"):format(from) or ("%4d to %d"):format(from, from + step - 1)
    bars[#bars + 1] = { name = name, n = n }
    most = math.max(most, n)
  end
  local lines = { title }
  for _, bar in ipairs(bars) do
    local length = math.max(bar.n > 0 and 1 or 0, BAR * bar.n // most)
    lines[#lines + 1] = ("%s  %-" .. BAR .. "s %d"):format(bar.name, ("#"):rep(length), bar.n)
  end
  return table.concat(lines, "\n") .. "\n"
end

local function histograms(set)
  if set.pairs == 0 or not next(set.scores.margin) then return "" end
  local above = "\nScores, rounded, as the judge gave them (means where a response was compared more than once):"
  local parts = { histogram("chosen", set.scores.chosen), histogram("rejected", set.scores.rejected),
    histogram("margin of a pair", set.scores.margin) }
  return above .. ("\n\n```\n%s```\n"):format(table.concat(parts, "\n"))
end

--- Where a model was asked, and how: `provider:model at ADDRESS, temperature 0`. What stands in the key of its calls is
--- shown, so that a server that moved makes no other card.
local function asked(model)
  local parts, identity = {}, model.endpoint.identity
  if identity ~= model.provider.name then parts[1] = "at " .. identity end
  for _, name in ipairs(nearest.names(model.params)) do
    parts[#parts + 1] = ("%s %s"):format(name, type(model.params[name]) == "table" and json.encode(model.params[name])
      or tostring(model.params[name]))
  end
  local system = model.system
  if system then parts[#parts + 1] = ("a system prompt of %d characters"):format(utf8.len(system) or #system) end
  return #parts > 0 and ", " .. table.concat(parts, ", ") or ""
end

local function models_text(list, named)
  local parts = {}
  for i, model in ipairs(list) do parts[i] = code { named[i] } .. asked(model) end
  return table.concat(parts, "; ")
end

--- What the answers behind the set took when they were made.
local function given(facts)
  local g = facts.given
  if not g then return nil end
  local tokens = g.prompt and ("%d tokens in, %d out"):format(g.prompt, g.completion)
    or "not all of them told their tokens"
  local cost = g.cost and (g.cost > 0 and ("; $%.2f at the usual prices of %s"):format(g.cost, g.prices) or "")
    or "; their cost is not known"
  return ("%d answers, %s%s"):format(g.answers, tokens, cost)
end

--- How many candidates there are of a prompt, as far as that is the same for all.
local function how_many(facts)
  local parts = {}
  if facts.responses then return facts.responses end
  if facts.generators[1] then
    parts[1] = ("%s of each generator"):format(facts.samples or 1)
      .. (facts.reviewers[1] and ", each a loop" or "")
  end
  if facts.response_file then parts[#parts + 1] = ("%d from a file, in all"):format(facts.response_file) end
  return table.concat(parts, "; ")
end

local function made(facts)
  local m, rows = facts.asked, {}
  local names = facts.generators or { facts.generator }
  facts.generators = names
  local function add(what, list, asked_as)
    if #list == 0 then return end
    rows[#rows + 1] = { what, asked_as and models_text(asked_as, list) or code(list) }
  end
  add(#names > 1 and "generators" or "generator", names, m and (m.generators or { m.generator }))
  add("reviewers", facts.reviewers, m and m.reviewers)
  add("judge", { facts.judge }, m and { m.judge })
  rows[#rows + 1] = { "responses to a prompt", how_many(facts) }
  if m then rows[#rows + 1] = { "what it took", given(facts) } end
  if facts.ranking and facts.ranking ~= "ladder" then rows[#rows + 1] = { "ranked by", facts.ranking } end
  for _, row in ipairs { { "pairs taken", facts.pairs }, { "format", facts.format },
    { "script", "`" .. facts.script .. "`" } } do
    rows[#rows + 1] = row
  end
  for _, note in ipairs(facts.notes) do rows[#rows + 1] = note end
  return table_of(rows)
end

---@class fellowship.CardFacts
---@field version string
---@field script string
---@field generator? string the model as it was named, with what stands behind an alias
---@field generators? string[] in its place, where there are several or none
---@field reviewers string[]
---@field judge? string
---@field models string[] whose texts are in the dataset
---@field responses? integer of a loop to each prompt
---@field samples? integer how often each generator answered
---@field response_file? integer how many responses came from a file
---@field ranking? string how they were put in order; the ladder when it is not said
---@field pairs string which pairs were taken
---@field format string
---@field prompts integer
---@field duplicates { exact: integer, near: integer }
---@field sets fellowship.PreferenceSet[]
---@field quality table
---@field branches? table<string, any>
---@field flips? { n: integer, flipped: integer }
---@field simulated boolean
---@field asked? { generators: fellowship.Model[], reviewers: fellowship.Model[], judge: fellowship.Model? } the models as they were asked
---@field given? { answers: integer, prompt: integer?, completion: integer?, cost: number?, prices: string } what the answers took, and the date of the prices
---@field notes string[][] more rows of the table of what made it

--- The card's text; a function of what is given, so that a rerun writes the same bytes.
--- Example:
---     local set <close> = fellowship.preference.set { name = "single", mode = "best-worst", format = "trl", quality = {},
---       provenance = run:writer "pairs.jsonl", open = function(stem) return run:writer("data/" .. stem .. ".jsonl") end }
---     set:close()
---     print(fellowship.preference.card { version = fellowship.version, script = "mine", generator = "sim:writer",
---       reviewers = { "sim:reviewer" }, judge = "sim:judge", models = { "sim:writer" }, responses = 2, pairs = "best-worst",
---       format = "trl", prompts = 0, duplicates = { exact = 0, near = 0 }, sets = { set }, quality = {}, simulated = true,
---       notes = {} })
---@param facts fellowship.CardFacts
---@return string
function card.text(facts)
  local licences = {}
  for i, name in ipairs(facts.models) do licences[i] = ("- `%s`: \n"):format(name) end
  return template.fill(TEXT, {
    size = size_category(facts.sets[1].pairs), configs = configs(facts.sets), version = facts.version,
    simulated = facts.simulated and SIMULATED or "", made = made(facts), counts = counts(facts),
    construction = construction(facts), controls = controls(facts), histograms = histograms(facts.sets[1]),
    loading = loading.text(facts), licences = table.concat(licences),
  })
end

return card
