-- Fan-out over tasks: spawn, all, map, each, sleep. Straight-line code; every wait suspends only the
-- task that waits.

local task = require "fellowship.core.task"
local check = require "fellowship.base.check"
local errors = require "fellowship.base.errors"
local feed = require "fellowship.flow.feed"
local start = require "fellowship.flow.start"

local flow = {
  window = 64, ---@type integer rows that map opens beyond the oldest unfinished one
  on_map = nil, ---@type fun(source: any)? told of what is mapped, but for maps inside a row
  on_row = nil, ---@type fun()? told of each row that such a map gives out
}

---@class fellowship.Task
---@field await fun(self): ... waits for the end; returns the results or raises the error
---@field join fun(self): boolean, ... waits; returns true and the results, or false, error, traceback
---@field cancel fun(self) ends the task where it waits; its to-be-closed variables are closed
---@field status fun(self): "ready"|"running"|"suspended"|"done"|"failed"

--- Starts a task that runs fn(...) beside the caller.
--- Example:
---     local t = fellowship.spawn(function() return llama:ask("Hi").text end)
---     print(t:await())
---@param fn function
---@param ... any its arguments
---@return fellowship.Task
function flow.spawn(fn, ...)
  check.type("spawn's function", fn, "function")
  return start.task(fn, ...)
end

--- Waits some seconds; other tasks go on.
--- Example: `fellowship.sleep(0.01)`
---@param seconds number
function flow.sleep(seconds)
  task.sleep(seconds)
end

local Scope = {
  __close = function(tasks)
    for _, t in ipairs(tasks) do t:cancel() end
  end,
}

--- Runs functions side by side, waits for every one, then returns the first result of each in
--- argument order, or raises the first error in argument order.
--- Example:
---     local a, b = fellowship.all(
---       function() return llama:ask("Name a river.").text end,
---       function() return llama:ask("Name a lake.").text end)
---@param ... function
---@return any ...
function flow.all(...)
  local count, results, first = select("#", ...), {}, nil
  local tasks <close> = setmetatable({}, Scope) -- when the caller is cancelled, so are these
  for i = 1, count do
    local fn = select(i, ...)
    check.type(("all's argument %d"):format(i), fn, "function")
    tasks[i] = start.task(fn)
  end
  for i = 1, count do
    local ok, value = tasks[i]:join()
    results[i] = value
    if not ok and first == nil then first = { value } end
  end
  if first then error(first[1], 0) end
  return table.unpack(results, 1, count)
end

--- What becomes of a row that fails; the command line replaces it with one that keeps errors.jsonl.
---@param failure { row: table?, number: integer, error: fellowship.Error, traceback: string }
function flow.on_failure(failure)
  io.stderr:write(("row %d failed: %s\n"):format(failure.number, failure.error.message))
end

local function tell_failure(item, problem, traceback)
  local err = errors.from(problem)
  if err.fatal then error(err, 0) end
  flow.on_failure { row = item.row, number = item.number, error = err, traceback = traceback }
end

--- Runs fn(row, number) for every row, many at a time, and yields (row, results ...) in input order.
--- A row whose fn raises is reported (errors.jsonl) and left out. At most a window of rows is open
--- beyond the oldest unfinished one, so memory does not grow with the dataset.
--- Example:
---     for row, answer in fellowship.map(fellowship.rows "prompts.jsonl", function(row)
---       return llama:ask(row.prompt).text
---     end) do
---       print(row.prompt, answer)
---     end
---@param source table|function an array of rows, what fellowship.rows returns, or an iterator function
---@param fn fun(row: table, number: integer): ...
---@param options? { window: integer? }
---@return function iterator, nil, nil, table closing
function flow.map(source, fn, options)
  check.type("map's function", fn, "function")
  options = options or {}
  check.options("map", options, { window = "integer?" })
  local window = options.window or flow.window
  if window < 1 then error("map's window must be 1 or more", 2) end
  -- A map inside a row goes on with that row's random numbers and its turn.
  local nested = task.in_row()
  local function run(row, number)
    if not nested then start.row(number) end
    return fn(row, number)
  end
  local feeder = feed.new(source, run, window)
  if flow.on_map and not nested then flow.on_map(source) end
  local step
  local function settle(item, ok, ...)
    if ok then
      if flow.on_row and not nested then flow.on_row() end
      return item.row, ...
    end
    tell_failure(item, ...)
    return step()
  end
  function step()
    while true do
      local item = feeder:take()
      if not item then return nil end
      if not item.error then return settle(item, item.task:join()) end
      if item.error.fatal then error(item.error, 0) end
      flow.on_failure { number = item.number, error = item.error, traceback = "" }
    end
  end
  return step, nil, nil, feeder
end

--- Runs fn(row, number) for every row, many at a time, for its effects. Returns how many went well.
--- Example:
---     local n = fellowship.each(fellowship.rows "prompts.jsonl", function(row) print(llama:ask(row.prompt).text) end)
---@param source table|function as map's
---@param fn fun(row: table, number: integer)
---@param options? { window: integer? }
---@return integer
function flow.each(source, fn, options)
  local done = 0
  for _ in flow.map(source, fn, options) do done = done + 1 end
  return done
end

return flow
