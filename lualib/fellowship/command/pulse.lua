-- What a run tells the task that started it (see fellowship.cluster.worker), in a file that it writes again and again:
-- $FELLOWSHIP_PULSE; and what it is told, in another one, $FELLOWSHIP_SHARE: the part of the models' rates that is its
-- own. A run whose task is gone ends as if it was interrupted, since somebody else has its shard by then.

local host = require "fellowship.core.host"
local json = require "fellowship.core.json"
local task = require "fellowship.core.task"
local file = require "fellowship.base.file"
local lazy = require "fellowship.base.lazy"
local flow = require "fellowship.flow"
local budget = lazy "fellowship.money.budget"
local endpoint = lazy "fellowship.call.endpoint"
local settings = require "fellowship.call.settings"
local stats = require "fellowship.money.count"
local spending = require "fellowship.command.spending"

local pulse = {}

-- Seconds between two looks.
local EVERY = 1

local KEYS = { "rows", "failed", "calls", "stored", "in_flight", "cost", "spent", "at" }

local function write(path, run)
  local cost, calls
  if settings.bounded then cost, calls = budget.spent() end
  file.replace(path, json.encode(json.object({ rows = flow.finished, failed = run.failures.count, calls = stats.made,
    stored = stats.stored, in_flight = stats.in_flight, cost = spending.cost(),
    spent = cost and json.object({ cost = cost, calls = calls }, { "cost", "calls" }) or nil,
    at = os.date "!%Y-%m-%dT%H:%M:%SZ" }, KEYS)))
end

local function take_share(path)
  local share = tonumber(path and file.read(path) or "")
  if share and share > 0 and share <= 1 and share ~= settings.share then endpoint.share(share) end
end

--- The process that started this one.
local function parent()
  return (file.read "/proc/self/stat" or ""):match "^.*%) %S (%d+)"
end

--- Begins to write and to look, when there is somebody to tell. Close what it returns to end it.
---@param run fellowship.Run
---@return table
function pulse.start(run)
  local path = os.getenv "FELLOWSHIP_PULSE"
  if not path or path == "" or settings.dry_run then return setmetatable({}, { __close = function() end }) end
  local share, starter = os.getenv "FELLOWSHIP_SHARE", os.getenv "FELLOWSHIP_TASK_PID"
  take_share(share)
  local beating = task.aside(function()
    while true do
      write(path, run)
      if starter and parent() ~= starter then
        run.say "the task that started this run is gone: it ends too"
        return host.stop()
      end
      task.sleep(EVERY, true)
      take_share(share)
    end
  end)
  return setmetatable({}, { __close = function()
    beating:cancel()
    write(path, run)
  end })
end

return pulse
