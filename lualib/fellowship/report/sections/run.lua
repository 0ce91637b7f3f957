-- The run: what was asked of which models, what came out, and, of run.json, what it took.

local json = require "fellowship.core.json"
local content = require "fellowship.base.content"
local blocks = require "fellowship.report.blocks"
local estimates = require "fellowship.report.estimates"

local run = {}

local number = estimates.number

local function listed(value)
  value = content.present(value)
  if type(value) ~= "table" then return value ~= nil and tostring(value) or false end
  local parts = {}
  for i, part in ipairs(value) do parts[i] = type(part) == "string" and part or json.encode(part) end
  return #parts > 0 and table.concat(parts, ", ") or false
end

--- What was asked, by the options that change results.
local function asked(source)
  local rows = { { "script", source.script or "?" } }
  for _, option in ipairs(source.options or {}) do rows[#rows + 1] = { option[1], option[2] } end
  rows[#rows + 1] = { "rows in this report", source.sums.rows }
  return blocks.table("What was asked", { "", "" }, rows)
end

--- Tokens that the models wrote on the way to the verdicts, as the folder's own evidence tells.
local function evidence(sums)
  local items = {}
  for i, name in ipairs(sums.model_names) do
    items[i] = { label = name, sums.models[name].prompt, sums.models[name].completion }
  end
  if #items == 0 then return nil end
  return blocks.bars("Tokens of the judgements, by model", items, { "read", "written" }, "tokens",
    "As the providers told them with each answer, whoever paid for it.")
end

-- ---- of run.json ----

local function outcome_rows(record)
  local rows, done = {}, content.present(record.rows) or {}
  rows[1] = { "status", listed(record.status) }
  rows[2] = { "rows done", number(done.done) or false }
  rows[3] = { "rows failed", number(done.failed) or false }
  rows[4] = { "began", listed(record.started) }
  rows[5] = { "ended", listed(record.ended) }
  rows[6] = { "seconds", number(record.seconds) or false }
  local calls = content.present(record.calls) or {}
  rows[7] = { "calls paid for now", number(calls.made) or false }
  rows[8] = { "calls from the store", number(calls.stored) or false }
  rows[9] = { "calls that failed for good", number(calls.failed) or false }
  local made, attempts = number(calls.made), number(record.attempts)
  rows[10] = { "retries", made and attempts and attempts >= made and attempts - made or false }
  local tokens = content.present(record.tokens) or {}
  for _, name in ipairs { "prompt", "cached", "completion", "reasoning" } do
    rows[#rows + 1] = { name .. " tokens", number(tokens[name]) or false }
  end
  rows[#rows + 1] = { "cost, USD", number(record.cost) or "not known" }
  rows[#rows + 1] = { "prices of", listed(record.prices) }
  if content.present(record.error) then rows[#rows + 1] = { "error", listed(record.error) } end
  return rows
end

local function spent(record, list)
  local calls, tokens, costs, rows = {}, {}, {}, {}
  for i, sums in ipairs(content.present(record.spent) or {}) do
    local name, t = tostring(sums.model), content.present(sums.tokens) or {}
    local kept = content.present(sums.stored)
    local stored = type(kept) == "table" and number(kept.calls) or 0
    calls[i] = { label = name, number(sums.calls) or 0, stored }
    tokens[i] = { label = name, number(t.prompt) or 0, number(t.completion) or 0 }
    if (number(sums.cost) or 0) > 0 then costs[#costs + 1] = { label = name, number(sums.cost) } end
    rows[i] = { name, number(sums.calls) or 0, stored, number(t.prompt) or false, number(t.completion) or false,
      number(sums.cost) or "not known" }
  end
  if #rows == 0 then return end
  list[#list + 1] = blocks.table("What each model took", { "model", "calls paid for", "from the store", "tokens read",
    "tokens written", "cost, USD" }, rows)
  list[#list + 1] = blocks.bars("Calls by model", calls, { "paid for now", "from the store" }, "calls")
  list[#list + 1] = blocks.bars("Tokens by model", tokens, { "read", "written" }, "tokens")
  if #costs > 0 then list[#list + 1] = blocks.bars("Cost by model", costs, { "cost" }, "USD") end
end

local function failures(errors, list)
  if not errors or #errors == 0 then return end
  list[#list + 1] = blocks.table("What failed, by kind", { "kind", "rows", "for example" }, errors)
end

--- The section.
---@param source fellowship.report.Source
---@return fellowship.report.Section
function run.section(source)
  local list = { asked(source) }
  if source.command then
    list[#list + 1] = { title = "To run it again", code = source.command,
      note = "What is in the store is asked for nowhere again." }
  end
  local record = source.record
  if record then
    list[#list + 1] = blocks.table("How it went", { "", "" }, outcome_rows(record))
    spent(record, list)
    failures(source.errors, list)
  else
    list[#list + 1] = evidence(source.sums)
  end
  return { id = "run", title = "The run", blocks = list }
end

return run
