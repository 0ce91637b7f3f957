-- Long work in pieces: a task that computes for long lets answers, timers and Ctrl+C in now and then.

local task = require "fellowship.core.task"

-- Seconds of computing in one turn of the loop after which others go on.
local LONG = 0.01

--- Lets others go on when this turn of the loop has computed for long; for loops whose steps are short.
--- Example:
---     local breathe = require "fellowship.flow.breathe"
---     for i = 1, 1000 do breathe() end
return function()
  if task.turn() > LONG then task.sleep(0) end
end
