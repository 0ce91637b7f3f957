-- A task: takes one shard after the other until none is left, and says what it does.

local host = require "fellowship.core.host"
local json = require "fellowship.core.json"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"
local beat = require "fellowship.cluster.beat"
local claims = require "fellowship.cluster.claims"
local ledger = require "fellowship.cluster.ledger"
local served = require "fellowship.cluster.served"
local shards = require "fellowship.cluster.shard"

local worker = {}

-- Exit statuses, as those of a run.
local DONE, FAILED, ROWS_FAILED, STOPPED, NOTHING, INTERRUPTED = 0, 1, 3, 4, 5, 130

-- A task says that it lives so many times in a lease, and after so many seconds at most.
local BEATS, LONGEST = 4, 10

-- Whoever finds nothing to do waits for so many leases: within one it would learn of a task that is dead.
local IDLE = 1.5

-- After so many shards that failed one behind the other it is the node, or the folder, that is wrong.
local MOST_FAILURES = 3

-- A store on a node's own disk is kept so often, in seconds, but no more than a tenth of the time goes into that.
local KEEP_EVERY, KEEP_SHARE = 60, 10

---@class fellowship.Worker
---@field job fellowship.Job
---@field me fellowship.Beat
---@field watch fellowship.Watch
---@field claims fellowship.Claims
---@field ledger fellowship.Ledger?
---@field tell fun(text: string)
---@field server fellowship.Served?
---@field program fellowship.child? the run under way
---@field stopped? string why it takes no more shards
---@field failures integer shards that failed, one behind the other
---@field status integer
local Worker = {}
Worker.__index = Worker

local function interval(self)
  return math.min(self.job.lease / BEATS, LONGEST)
end

-- ---- beside the work ----

--- Says that the task lives, which part of rates is its own, and sees whether somebody else has taken its place.
local function look(self)
  if not self.me:stands() then self.stopped = "another process works as this task" end
  if self.shard and not self.claims:stands(self.shard.number, self.shard.claim) then self.lost = true end
  if (self.stopped or self.lost) and self.program then self.program:interrupt() end
  if self.stopped then return end
  self.me:write()
  file.replace(self.job:path("tasks/%s.share", self.me.task), tostring(1 / self.watch:active()))
end

local function beat_on(self)
  while true do
    task.sleep(interval(self), true)
    look(self)
  end
end

--- Keeps the store of the shard under way again and again.
local function keep_on(shard)
  local pause = KEEP_EVERY
  while true do
    task.sleep(pause, true)
    local began = task.now()
    pcall(shard.keep, shard) -- a full folder may have room later; at the end it must
    pause = math.max(KEEP_EVERY, KEEP_SHARE * (task.now() - began))
  end
end

-- ---- one shard ----

--- What a run spent, of what it was granted.
local function spent_of(record)
  local budget = type(record.budget) == "table" and record.budget or {}
  return { cost = tonumber(budget.cost), calls = math.tointeger(budget.calls) }
end

local function environment(self)
  local env = { "FELLOWSHIP_PULSE=" .. self.job:path("tasks/%s.pulse", self.me.task),
    "FELLOWSHIP_SHARE=" .. self.job:path("tasks/%s.share", self.me.task) }
  local more = self.server and served.environment(self.server.url) or {}
  return table.move(more, 1, #more, #env + 1, env)
end

--- Runs a shard once, with a part of the budget. Returns its status, why, and whether more of the budget may help.
local function run_once(self, shard, grant)
  local keeping = self.job.scratch and task.aside(keep_on, shard)
  local status, why = shard:run(grant and ledger.options(grant) or {}, environment(self), function(program)
    self.program = program
  end)
  self.program = nil
  if keeping then keeping:cancel() end
  if not grant or not status then return status, why end -- of one that was killed nobody knows what it spent
  local spent = spent_of(shard:record())
  self.ledger:give_back(grant, spent)
  return status, why, (spent.cost or 0) > 0 or (spent.calls or 0) > 0
end

--- Whether a grant is larger than another one.
local function is_more(grant, than)
  return not than or (grant.cost or 0) > (than.cost or 0) or (grant.calls or 0) > (than.calls or 0)
end

--- A part of the budget. Where nothing is left, others may give back some of what they have: it is waited for while
--- they enter something.
local function take_grant(self, least)
  local known, since
  while true do
    local active = self.watch:active()
    local grant = self.ledger:take(active, least)
    if grant then return grant end
    if self.ledger.known ~= known then known, since = self.ledger.known, task.now() end
    if active == 1 or self.stopped or self.lost or task.now() - since > IDLE * self.job.lease then return nil end
    task.sleep(interval(self))
  end
end

--- Runs a shard with one part of the budget after the other.
local function run(self, shard)
  if not self.ledger then return run_once(self, shard) end
  local before, least
  while true do
    local grant = take_grant(self, least)
    if grant and before and not is_more(grant, before) then
      self.ledger:give_back(grant, {})
      grant = nil
    end
    if not grant then return STOPPED, "the budget is spent" end
    local status, why, some = run_once(self, shard, grant)
    if status ~= STOPPED or self.stopped or self.lost or host.interrupt_told() then return status, why end
    before = not some and grant or nil -- nothing could be asked with it: a call may cost more
    least = before and { cost = grant.cost and 2 * grant.cost, calls = grant.calls and 2 * grant.calls } or nil
  end
end

local FACTS = { "task", "status", "rows", "failed", "calls", "cost" }

local function facts_of(self, shard, status)
  local record = shard:record()
  local rows, calls = record.rows or {}, record.calls or {}
  return json.object({ task = self.me.task, status = status, rows = rows.done, failed = rows.failed,
    calls = calls.made, cost = record.cost }, FACTS)
end

--- What it came to.
local function conclude(self, shard, status, why)
  local number, claim = shard.number, shard.claim
  if self.lost then
    return self.tell(("shard %d is another task's by now: this one was thought to be dead"):format(number))
  end
  if status == DONE or status == ROWS_FAILED or status == NOTHING then
    shard:keep()
    self.claims:finish(number, facts_of(self, shard, status))
    shard:clean()
    self.failures, self.me.done = 0, self.me.done + 1
    return
  end
  local kept, problem = pcall(shard.keep, shard)
  if not kept then
    self.tell(("shard %d: what it was answered could not be kept (%s): whoever takes it may ask again"):format(number,
      errors.text(errors.from(problem))))
  end
  if host.interrupt_told() or self.stopped or (self.server and self.server.ended) then
    return self.claims:give_back(number, claim, "drained", json.object({ task = self.me.task }))
  elseif status == STOPPED then
    self.stopped, self.status = why, STOPPED
    return self.claims:give_back(number, claim, "budget", json.object({ task = self.me.task }))
  end
  why = status and ("status %d; %s has more"):format(status, shard.log) or why
  self.failures = self.failures + 1
  self.tell(("shard %d failed: %s"):format(number, why))
  self.claims:give_back(number, claim, "failed", json.object({ task = self.me.task, why = why }, { "task", "why" }))
  if self.failures >= MOST_FAILURES then
    self.stopped, self.status = "shards fail one after the other", FAILED
  end
end

local function work(self, number, claim)
  local shard = shards.of(self.job, number, claim, self.job:path("logs/run-%s.log", self.me.task))
  self.shard, self.lost = shard, false
  self.me.state, self.me.shard, self.me.claim = "works", number, claim
  self.me:write()
  shard:fetch()
  local status, why = run(self, shard)
  conclude(self, shard, status, why)
  self.shard, self.me.shard, self.me.claim = nil, nil, nil
end

-- ---- all of them ----

--- Waits for work that other tasks may leave. Returns whether it is worth looking again.
local function wait_idle(self, since)
  local counts = self.claims:counts()
  if counts.taken == 0 and counts.free == 0 then return false end
  if task.now() - since > IDLE * self.job.lease then return false end
  self.me.state = "waits"
  self.me:write()
  task.sleep(interval(self))
  return true
end

--- Has a server, where one is wanted; one that has ended is started again.
local function serve(self)
  if not self.job.serve or (self.server and not self.server.ended) then return end
  if self.server then
    self.server:close()
    self.failures = self.failures + 1
    if self.failures >= MOST_FAILURES then
      errors.raise { kind = "server", message = ("the server (%s) ends again and again; its log is %s"):format(
        self.job.serve, self.job:path("logs/server-%s.log", self.me.task)) }
    end
    self.tell "its server has ended, and is started again"
  end
  self.server = served.start(self.job, self.me.task, function()
    if self.program then self.program:interrupt() end -- it would wait for a server that does not come back
  end)
end

local function go_through(self, from)
  local idle
  while not self.stopped and not host.interrupt_told() do
    serve(self)
    local number, claim = self.claims:next(from, self.me:owner(), function(owner) return self.watch:alive(owner) end)
    if number then
      idle = nil
      work(self, number, claim)
    else
      idle = idle or task.now()
      if not wait_idle(self, idle) then return end
    end
  end
end

--- Where a task begins to look for shards.
local function first_shard(job, name)
  local number = math.tointeger(tonumber(name)) or 1
  return (number - 1) * job.shards // math.max(1, job.tasks) % job.shards + 1
end

--- Says, at any end, that the task has ended.
local function finish(self)
  if self.finished then return end
  self.finished = true
  if self.shard and not self.lost then
    self.claims:give_back(self.shard.number, self.shard.claim, "drained", json.object({ task = self.me.task }))
  end
  if self.me:stands() then self.me:finish() end
end

--- Works as a task of a submission, until no shard is left for it.
---@param job fellowship.Job
---@param name string the task's
---@param tell fun(text: string)
---@return integer status
function worker.run(job, name, tell)
  local me = beat.open(job, name)
  local self = setmetatable({ job = job, me = me, watch = beat.watch(job, me), claims = claims.open(job), tell = tell,
    ledger = ledger.open(job, name), failures = 0, status = DONE }, Worker)
  host.on_interrupt(function() finish(self) end)
  look(self)
  local beating = task.aside(beat_on, self)
  local well, problem = pcall(function()
    if job.limited and me.again then task.sleep(2 * interval(self)) end -- others learn that it takes part again
    go_through(self, first_shard(job, name))
  end)
  beating:cancel()
  if self.server then self.server:close() end
  finish(self)
  if not well then error(problem, 0) end
  if host.interrupt_told() then return INTERRUPTED end
  if self.stopped then tell("task " .. name .. " ends: " .. self.stopped) end
  local left = #self.claims:counts().failed > 0 -- nobody tries these any more
  return self.status == DONE and left and FAILED or self.status
end

return worker
