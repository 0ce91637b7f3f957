-- Who makes batches of a store, or looks for one that may have been made, is alone: a lock beside the store, which the
-- kernel frees when a process is killed.

local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local settings = require "fellowship.call.settings"

local lock = {}

local SHORTEST, LONGEST = 0.02, 1

local held = false -- by a task of this process

local Held = { __close = function(self)
  held = false
  self.file:close()
end }

--- Waits for the lock; the variable that takes it is to be closed.
---@param background? boolean
---@return table
function lock.take(background)
  local path = settings.store_path(settings.store) .. "-batch"
  local pause, told = SHORTEST, false
  while true do
    if not held then
      local file, problem = sys.lock(path, true)
      if file then
        held = true
        return setmetatable({ file = file }, Held)
      end
      if not problem.held then
        errors.raise { kind = "store", fatal = true, message = ("cannot lock %s: %s"):format(path, problem.message) }
      end
      if pause >= LONGEST and not told and settings.warn then
        told = true
        settings.warn(("another process makes batches of this store (%s is locked); waiting for it"):format(path))
      end
    end
    task.sleep(pause, background)
    pause = math.min(2 * pause, LONGEST)
  end
end

return lock
