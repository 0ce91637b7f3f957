-- All tasks of a submission as processes of this machine: `--engine local`.

local child = require "fellowship.core.child"
local host = require "fellowship.core.host"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local text = require "fellowship.base.text"
local standing = require "fellowship.cluster.standing"

local tasks = {}

local DONE, FAILED, STOPPED, INTERRUPTED = 0, 1, 4, 130

-- A task that was killed is begun again so often.
local RESTARTS = 20

-- Seconds between two lines of what is done.
local EVERY = 10

--- One task, begun again while it is killed. Returns its status.
local function run_one(job, name)
  local status
  for _ = 0, RESTARTS do
    local program <close>, problem = child.start({ host.executable, "work", job.folder, "--task", name },
      { log = job:path("logs/task-%s.log", name), drains = true, folder = job.cwd })
    if not program then errors.raise { kind = "file", message = problem.message } end
    status = program:wait()
    if status or host.interrupt_told() then break end
  end
  return status or FAILED
end

local function tell_on(job, tell)
  local every = tonumber(os.getenv "FELLOWSHIP_PROGRESS" or "") or EVERY
  while every > 0 do
    task.sleep(every, true)
    local now = standing.of(job)
    tell(("%d of %s done, %s, %s, %d in flight"):format(now.done, text.count(now.shards, "shard"),
      text.count(now.rows, "row"), text.count(now.calls, "call"), now.in_flight))
  end
end

--- Runs all tasks and waits for their ends.
---@param job fellowship.Job
---@param tell fun(text: string)
---@return integer? status where they did not all come to their end
function tasks.run(job, tell)
  local running, worst = {}, DONE
  tell(("%s in %s; `fellowship status %s` shows them"):format(text.count(job.shards, "shard"),
    text.count(job.tasks, "task"), job.out))
  local telling = task.aside(tell_on, job, tell)
  for i = 1, job.tasks do running[i] = task.spawn(run_one, job, tostring(i)) end
  for _, one in ipairs(running) do
    local status = one:await()
    if status == STOPPED and worst == DONE or status ~= DONE and status ~= STOPPED then worst = status end
  end
  telling:cancel()
  if host.interrupt_told() then return INTERRUPTED end
  if worst == STOPPED then tell "the budget is spent; the same command with a higher one goes on from here" end
  if worst == FAILED then tell(("tasks failed; %s has their logs"):format(job:path "logs")) end
  return worst ~= DONE and worst or nil
end

return tasks
