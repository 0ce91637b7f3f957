-- What a run shows while it goes on: on a terminal a line that is written over, into a pipe a line
-- every ten seconds.

local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local text = require "fellowship.base.text"
local stats = require "fellowship.model.stats"

local progress = {}

local TERMINAL_SECONDS, PIPE_SECONDS = 0.25, 10

local function line(run)
  local parts = {
    ("%d rows"):format(run.done),
    ("%d calls"):format(stats.made),
    ("%d from the store"):format(stats.stored),
    ("%d in flight"):format(stats.in_flight),
  }
  if stats.retries > 0 then parts[#parts + 1] = ("%d retries"):format(stats.retries) end
  if run.failures.count > 0 then parts[#parts + 1] = ("%d rows failed"):format(run.failures.count) end
  return table.concat(parts, " · ")
end

--- Starts to show a run's progress; close what it returns to end it.
---@param run fellowship.Run
---@return table
function progress.start(run)
  if run.options.quiet then return setmetatable({}, { __close = function() end }) end
  local terminal = sys.terminal(2) ~= nil
  local wipe = terminal and "\r\27[K" or ""
  local ticker = task.spawn(function()
    while true do
      task.sleep(terminal and TERMINAL_SECONDS or PIPE_SECONDS, true)
      if terminal then io.stderr:write(wipe, text.cut(line(run), sys.terminal(2) - 1))
      else io.stderr:write("fellowship: ", line(run), "\n") end
    end
  end)
  local tell = run.tell
  function run.tell(said)
    io.stderr:write(wipe)
    tell(said)
  end
  run.failures.tell = run.tell
  return setmetatable({}, { __close = function()
    ticker:cancel()
    io.stderr:write(wipe)
    run.tell, run.failures.tell = tell, tell
  end })
end

return progress
