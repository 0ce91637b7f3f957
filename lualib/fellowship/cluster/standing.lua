-- How a submission stands: what its tasks say of themselves, put together. Only reads.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local file = require "fellowship.base.file"
local beat = require "fellowship.cluster.beat"
local claims = require "fellowship.cluster.claims"
local ledger = require "fellowship.cluster.ledger"

local standing = {}

local function pulse_of(job, name)
  local text = file.read(job:path("tasks/%s.pulse", name))
  local value = text and json.decode(text)
  return type(value) == "table" and value or {}
end

--- Seconds since a file was written, by the clock of its file system and this machine's: for people.
local function age_of(path)
  local _, seconds = sys.stamp(path)
  return seconds and math.max(0, sys.time() // 1000 - seconds) or nil
end

local TASK_KEYS = { "task", "state", "shard", "done", "rows", "failed", "calls", "in_flight", "cost", "silent", "host" }

local function task_of(job, said)
  local pulse = said.shard and pulse_of(job, said.task) or {}
  local silent = age_of(job:path("tasks/%s.json", said.task))
  local state = said.state
  if state ~= "ended" and silent and silent > job.lease then state = "silent" end
  return json.object({ task = said.task, state = state, shard = said.shard, done = said.done, rows = pulse.rows,
    failed = pulse.failed, calls = pulse.calls, in_flight = pulse.in_flight, cost = pulse.cost, silent = silent,
    host = said.host }, TASK_KEYS)
end

--- Sums of what shards that are done came to.
local function sums_of(claimed, states)
  local sums = { rows = 0, failed = 0, calls = 0, cost = 0, unknown = false }
  for shard, state in ipairs(states) do
    local facts = state.done and claimed:facts(shard) or {}
    for _, name in ipairs { "rows", "failed", "calls", "cost" } do
      sums[name] = sums[name] + (type(facts[name]) == "number" and facts[name] or 0)
    end
    if state.done and type(facts.cost) ~= "number" then sums.unknown = true end
  end
  return sums
end

--- Since when, in seconds, and how many shards are done a second: what is left of the time.
local function left_of(job, counts, states)
  local first, last, n = nil, nil, 0
  for shard, state in ipairs(states) do
    local _, at = sys.stamp(state.done and job:path("done/%05d", shard) or "")
    if at then first, last, n = math.min(first or at, at), math.max(last or at, at), n + 1 end
  end
  if n < 2 or last == first then return nil end
  local left = job.shards - counts.done
  return left > 0 and math.ceil(left * (last - first) / (n - 1)) or 0
end

local KEYS = { "out", "shards", "done", "taken", "free", "failed_shards", "missing", "rows", "failed_rows", "calls",
  "in_flight", "cost", "budget", "left", "tasks" }

--- How it stands.
---@param job fellowship.Job
---@return table with the keys above
function standing.of(job)
  local claimed = claims.open(job)
  local counts = claimed:counts()
  local sums, tasks, in_flight = sums_of(claimed, claimed.states), json.array(), 0
  for i, said in ipairs(beat.watch(job):all()) do
    local one = task_of(job, said)
    tasks[i] = one
    sums.rows, sums.failed = sums.rows + (one.rows or 0), sums.failed + (one.failed or 0)
    sums.calls, in_flight = sums.calls + (one.calls or 0), in_flight + (one.in_flight or 0)
    if type(one.cost) == "number" then sums.cost = sums.cost + one.cost elseif one.cost then sums.unknown = true end
  end
  local spent = ledger.open(job, "status")
  local budget
  if spent then
    local cost, calls = spent:granted()
    budget = json.object({ max_cost = job.max_cost, max_calls = job.max_calls, granted_cost = job.max_cost and cost,
      granted_calls = job.max_calls and calls }, { "max_cost", "granted_cost", "max_calls", "granted_calls" })
  end
  return json.object({ out = job.out, shards = job.shards, done = counts.done, taken = counts.taken, free = counts.free,
    failed_shards = json.array(counts.failed), missing = json.array(counts.missing), rows = sums.rows,
    failed_rows = sums.failed, calls = sums.calls, in_flight = in_flight,
    cost = not sums.unknown and sums.cost or json.null, budget = budget, left = left_of(job, counts, claimed.states),
    tasks = tasks }, KEYS)
end

return standing
