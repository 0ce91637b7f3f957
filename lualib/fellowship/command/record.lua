-- run.json: what was run, how it ended, what it took, and what made it.

local host = require "fellowship.core.host"
local json = require "fellowship.core.json"
local task = require "fellowship.core.task"
local settings = require "fellowship.call.settings"
local prices = require "fellowship.money.prices"
local stats = require "fellowship.money.count"
local spending = require "fellowship.command.spending"

local record = {
  NAME = "run.json",
}

local KEYS = { "fellowship", "status", "command", "script", "script_sha256", "identity", "models", "resolved",
  "simulated", "seed", "started", "ended", "rows", "outcome", "calls", "attempts", "tokens", "cost", "all_runs",
  "prices", "split", "spent", "budget", "longest_turn", "finished", "cite", "error" }

--- The time of day, as run.json has it.
---@return string
function record.now()
  return os.date("!%Y-%m-%dT%H:%M:%SZ")
end

local function calls()
  return json.object({ made = stats.made, stored = stats.stored, failed = stats.failed },
    { "made", "stored", "failed" })
end

local MODEL_KEYS = { "name", "provider", "model", "address", "params" }

--- The models that were asked: who stands behind each name, where it was asked, and with which parameters.
local function resolved()
  local list = json.array()
  for i, way in ipairs(stats.ways) do
    local model = way.model
    list[i] = json.object({ name = model.named, provider = model.provider.name, model = model.name,
      address = model.endpoint.shown, params = json.object(way.params) }, MODEL_KEYS)
  end
  return list
end

--- What all runs took that made what is in the folder: this one, and those before it. nil while there was none before.
---@param run fellowship.Run
---@return { runs: integer, calls: integer?, cost: number? }?
function record.all_runs(run)
  local before = run.before
  if not before then return nil end
  local sum = type(before.all_runs) == "table" and before.all_runs
    or { runs = 1, calls = before.calls and before.calls.made, cost = before.cost }
  local cost, calls_before = spending.cost(), math.tointeger(sum.calls)
  local known = type(cost) == "number" and type(sum.cost) == "number"
  return json.object({ runs = (math.tointeger(sum.runs) or 1) + 1, calls = calls_before and calls_before + stats.made,
    cost = known and sum.cost + cost or json.null }, { "runs", "calls", "cost" })
end

--- What each model took, without what is 0.
local function spent()
  local list = json.array()
  for i, sums in ipairs(spending.by_model()) do list[i] = spending.short(sums) end
  return #list > 0 and list or nil
end

local ENDS = { done = true, ["rows failed"] = true, ["nothing to show"] = true }

--- What the last run that came to its end left in the folder: later ones must not leave less.
local function finished(run, status)
  if not ENDS[status] or run.kept then return run.finished end
  if run.done == 0 then return nil end
  return json.object({ rows = run.done + run.failures.count, done = run.done }, { "rows", "done" })
end

--- Writes run.json, in the run's folder.
---@param run fellowship.Run
---@param status string
---@param problem? string why it failed
function record.write(run, status, problem)
  if settings.dry_run then return end
  local began = status == "running"
  run:save(record.NAME, json.object({
    fellowship = host.version, status = status, command = json.array(run.command),
    script = run.script.name, script_sha256 = run.script.digest, identity = run.identity,
    models = json.array(stats.models), resolved = not began and resolved() or nil,
    simulated = stats.simulated, seed = run.options.seed,
    started = run.started, ended = not began and record.now() or nil,
    rows = json.object({ done = run.done, failed = run.failures.count }, { "done", "failed" }),
    outcome = not began and run.outcome:as_json() or nil,
    calls = calls(), attempts = stats.attempts, tokens = spending.tokens(), cost = spending.cost(),
    all_runs = record.all_runs(run), prices = prices.date,
    split = spending.short(spending.split()), spent = spent(), budget = spending.budget(),
    longest_turn = not began and math.floor(task.longest_turn() * 1e4 + 0.5) / 1e4 or nil,
    finished = finished(run, status), cite = record.cite, error = problem }, KEYS))
end

--- How to cite what made the results: the software, and the paper whose method it carries out.
record.cite = json.object({
  software = ("fellowship %s, a Lua-scriptable runtime for workflows of language models"):format(host.version),
  paper = "Samee Arif, Sualeha Farid, Abdul Hameed Azeemi, Awais Athar, Agha Ali Raza: The Fellowship of the LLMs: "
    .. "Multi-Model Workflows for Synthetic Preference Optimization Dataset Generation. GEM 2025, arXiv:2408.08688",
  url = "https://arxiv.org/abs/2408.08688" }, { "software", "paper", "url" })

return record
