-- What a dry run says at its end: a table for people, a line of JSON for programs.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local say = require "fellowship.base.say"
local text = require "fellowship.base.text"
local chain = require "fellowship.call.chain"
local estimate = require "fellowship.rehearse"
local forecast = require "fellowship.rehearse.forecast"
local lengths = require "fellowship.rehearse.lengths"
local tables = require "fellowship.report.table"
local summary = require "fellowship.command.summary"

local report = {}

local ENDS = { "low", "likely", "high" }

-- ---- sums ----

local function sum_of(models)
  local sum = { held = 0, cost = { low = 0.0, likely = 0.0, high = 0.0 } }
  for _, name in ipairs { "calls", "prompt", "completion" } do sum[name] = { low = 0, likely = 0, high = 0 } end
  for _, m in ipairs(models) do
    local e = m.estimate
    sum.held = sum.held + e.held
    for _, name in ipairs { "calls", "prompt", "completion" } do
      for _, which in ipairs(ENDS) do sum[name][which] = sum[name][which] + e[name][which] end
    end
    if not e.cost then sum.cost = nil end
    for _, which in ipairs(sum.cost and ENDS or {}) do sum.cost[which] = sum.cost[which] + e.cost[which] end
  end
  return sum
end

-- ---- for people ----

local function dollars(cost, which)
  if not cost then return "unknown" end
  return ("$%.4f"):format(cost[which])
end

--- Three lines of the table.
local function lines_of(rows, named, e)
  for _, which in ipairs(ENDS) do
    local first = which == "low"
    rows[#rows + 1] = { first and named or "", first and tostring(e.held) or "", which, e.calls[which], e.prompt[which],
      e.completion[which], dollars(e.cost, which) }
  end
end

local HEADS = { "model", "kept", "to ask", "calls", "prompt", "completion", "cost" }

local function table_of(models, sum)
  local rows = {}
  for _, m in ipairs(models) do lines_of(rows, m.named, m.estimate) end
  if #models > 1 then lines_of(rows, "all", sum) end
  return tables.text(HEADS, rows, summary.width())
end

--- What a model's figures stand on.
local function basis(e)
  if e.calls.high == 0 then return "the store holds all of its calls" end
  if e.model.provider.simulated then return "answers of sim, which are known" end
  if e.guessed then
    local a, ratio = forecast.ASSUMED.answer, forecast.ASSUMED.bytes_per_token
    return ("nothing in the store to go by: assumed %d tokens an answer and %d a judgement (%d to %d, or max_tokens), "
      .. "%g bytes a token (%g to %g)"):format(a.likely, forecast.ASSUMED.judgement.likely, a.low, a.high, ratio.likely,
      ratio.high, ratio.low)
  end
  local stood = e.sampled > 0 and ("%d of its completions in the store"):format(e.sampled)
    or ("%d completions of other models in the store"):format(lengths.sampled)
  return ("by %s%s"):format(stood, e.own and "" or "; some calls are of kinds that it lacks, and less sure")
end

local function price_note(e)
  if e.cost then return nil end
  if e.too_long then return "prompts may be longer than the known price is for; give a price in --models" end
  return "the price is not known; give it in --models: price = { input = ..., output = ... } (USD for a million tokens)"
end

--- "1 to 3 files", or "1 file" where that is sure.
local function span(r, one)
  if r.low == r.high then return text.count(r.likely, one) end
  return ("%d to %s"):format(r.low, text.count(r.high, one))
end

--- In how many batches the calls go.
local function batch_note(e)
  if not e.batches or e.batches.high == 0 then return nil end
  local r = e.batches
  return ("in batches: %s in %s%s"):format(span(e.calls, "line"), span(r, "file"),
    r.low == r.high and "" or (", most likely %d"):format(r.likely))
end

--- A line for all models of which the same is to be said.
local function add_notes(lines, models, note)
  local named, order = {}, {}
  for _, m in ipairs(models) do
    local said = note(m.estimate)
    if said and not named[said] then
      named[said], order[#order + 1] = {}, said
    end
    if said then table.insert(named[said], m.named) end
  end
  for _, said in ipairs(order) do lines[#lines + 1] = ("  %s: %s"):format(table.concat(named[said], ", "), said) end
end

local function text_of(facts, models, sum)
  local failed = facts.failed > 0 and (", %d failed (%s)"):format(facts.failed, facts.kinds) or ""
  local rows = text.count(facts.rows, "row")
  local lines = { ("dry run: nothing was asked, nothing was written; %s%s"):format(rows, failed) }
  if #models == 0 then
    lines[2] = "no model was asked"
    return table.concat(lines, "\n")
  end
  lines[2] = table_of(models, sum):gsub("\n$", "")
  add_notes(lines, models, basis)
  add_notes(lines, models, batch_note)
  add_notes(lines, models, price_note)
  return table.concat(lines, "\n")
end

-- ---- for programs ----

local function range(r)
  return r and json.object({ low = r.low, likely = r.likely, high = r.high }, ENDS) or json.null
end

local MODEL_KEYS = { "model", "held", "calls", "batches", "prompt_tokens", "completion_tokens", "cost", "sampled" }
local KEYS = { "script", "status", "rows", "failed", "models", "cost", "sampled" }

local function line_of(facts, models, sum)
  local list = json.array()
  for i, m in ipairs(models) do
    local e = m.estimate
    list[i] = json.object({ model = m.named, held = e.held, calls = range(e.calls), batches = range(e.batches),
      prompt_tokens = range(e.prompt), completion_tokens = range(e.completion), cost = range(e.cost),
      sampled = e.sampled }, MODEL_KEYS)
  end
  return json.encode(json.object({ script = facts.script, status = "dry run", rows = facts.rows, failed = facts.failed,
    models = list, cost = range(sum.cost), sampled = lengths.sampled }, KEYS))
end

local function conclude(facts, tell)
  local models = estimate.models()
  local sum = sum_of(models)
  tell(text_of(facts, models, sum))
  if not sys.terminal(1) then say.data(line_of(facts, models, sum), "\n") end
end

--- Prints the estimate of a command.
---@param run fellowship.Run
function report.of_run(run)
  conclude({ script = run.script.name, rows = run.done, failed = run.failures.count, kinds = run.failures:by_kind() },
    run.say)
end

--- Prints the estimate of a plain script, once the tasks that it has spawned ask nothing more.
---@param name string
---@param failures fellowship.Failures
---@param tell fun(text: string)
function report.of_script(name, failures, tell)
  repeat task.sleep(0) until next(chain.flights) == nil
  conclude({ script = name, rows = math.max(0, estimate.rows - failures.count), failed = failures.count,
    kinds = failures:by_kind() }, tell)
end

return report
