-- Where tasks and rows begin; who accompanies them, as a dry run does, hangs on here.

local task = require "fellowship.core.task"

local start = {
  around = nil, ---@type (fun(fn: function, ...): function, ...)? is given what a task is to run, and gives what it runs instead
  on_row = nil, ---@type fun()? is told that a row begins
}

--- A task that runs fn(...).
---@param fn function
---@param ... any
---@return fellowship.Task
function start.task(fn, ...)
  if start.around then return task.spawn(start.around(fn, ...)) end
  return task.spawn(fn, ...)
end

--- The current task works on a row from now on.
---@param number integer
function start.row(number)
  if start.on_row then start.on_row() end
  task.begin_row(task.base_seed(), number)
end

return start
