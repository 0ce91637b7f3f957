-- Fan-out over tasks: spawn, all, map, each, sleep. Straight-line code; every wait suspends only the
-- task that waits.

local task = require "fellowship.core.task"
local check = require "fellowship.base.check"
local errors = require "fellowship.base.errors"
local say = require "fellowship.base.say"
local feed = require "fellowship.flow.feed"
local start = require "fellowship.flow.start"

local flow = {
  window = 64, ---@type integer rows that map opens beyond the oldest unfinished one
  on_map = nil, ---@type fun(source: any)? told of what is mapped, but for maps inside a row
  on_row = nil, ---@type fun()? told of each row that such a map gives out
  finished = 0, ---@type integer rows that such maps are done with, given out or still behind one that is not
}

---@class fellowship.Task
---@field await fun(self, seconds: number?): ... waits for the end; returns the results or raises the error, or one of kind "timeout" when the seconds have passed
---@field join fun(self, seconds: number?): boolean?, ... waits; returns true and the results, or false, error, traceback; nil and an error when the seconds have passed
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

--- Waits for all tasks: their first results, or the first error in their order.
local function join(tasks)
  local results, first = {}, nil
  for i, t in ipairs(tasks) do
    local well, value = t:join()
    results[i] = value
    if not well and first == nil then first = { value } end
  end
  if first then error(first[1], 0) end
  return results
end

--- The first result of each function, in a table.
local function run_all(functions, count)
  for i = 1, count do check.type(("all's argument %d"):format(i), functions[i], "function", 3) end
  local tasks <close> = setmetatable({}, Scope) -- when the caller is cancelled, so are these
  for i = 1, count do tasks[i] = start.task(functions[i]) end
  return join(tasks)
end

--- Runs functions side by side, waits for every one, then returns the first result of each in argument order, or
--- raises the first error in argument order. Of a list of functions, it returns the list of their results.
--- Example:
---     local a, b = fellowship.all(
---       function() return llama:ask("Name a river.").text end,
---       function() return llama:ask("Name a lake.").text end)
--- Example: `print(#fellowship.all { function() return 1 end, function() return 2 end }) --> 2`
---@param ... function|function[]
---@return any ...
function flow.all(...)
  local count, first = select("#", ...), (...)
  if count == 1 and type(first) == "table" then
    local results = run_all(first, #first)
    return results
  end
  local results = run_all({ ... }, count)
  return table.unpack(results, 1, count)
end

--- Runs fn(item, index) for every item of a list, side by side, waits for every one, then returns the list of their
--- first results in the order of the items, or raises the first error in that order. A list of any length will do; a
--- result that is nil leaves a hole. For the rows of a dataset, `map` keeps fewer of them in memory.
--- Example:
---     local names = fellowship.gather({ "a river", "a lake" }, function(what)
---       return llama:ask("Name " .. what .. ".").text
---     end)
---     print(#names) --> 2
---@generic T, R
---@param list T[]
---@param fn fun(item: T, index: integer): R
---@return R[]
function flow.gather(list, fn)
  check.type("gather's list", list, "table")
  check.type("gather's function", fn, "function")
  local tasks <close> = setmetatable({}, Scope)
  for i = 1, #list do tasks[i] = start.task(fn, list[i], i) end
  local results = join(tasks)
  return results
end

--- What becomes of a row that fails; the command line replaces it with one that keeps errors.jsonl.
---@param failure { row: table?, number: integer, error: fellowship.Error, traceback: string }
function flow.on_failure(failure)
  say.err(("row %d failed: %s\n"):format(failure.number, failure.error.message))
end

local function tell_failure(item, problem, traceback, nested)
  local err = errors.from(problem)
  if err.fatal or nested then error(err, 0) end
  flow.on_failure { row = item.row, number = item.number, error = err, traceback = traceback }
end

local function finish(...)
  flow.finished = flow.finished + 1
  return ...
end

--- Runs fn(row, number) for every row, many at a time, and yields (row, results ...) in input order.
--- A row whose fn raises is reported (errors.jsonl) and left out. At most a window of rows is open
--- beyond the oldest unfinished one, so memory does not grow with the dataset. In a map within a row nothing is left
--- out: the first error in order is the row's.
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
  local feeder
  -- What ends the run would fail each further row too; rows before it may still take a while.
  local watch = setmetatable({}, { __close = function(_, problem)
    if type(problem) == "table" and rawget(problem, "fatal") then feeder:stop() end
  end })
  local function run(row, number)
    if nested then return fn(row, number) end
    start.row(number)
    local _ <close> = watch
    return finish(fn(row, number))
  end
  feeder = feed.new(source, run, window)
  if flow.on_map and not nested then flow.on_map(source) end
  local step
  local function settle(item, ok, ...)
    if ok then
      if flow.on_row and not nested then flow.on_row() end
      return item.row, ...
    end
    local problem, traceback = ...
    tell_failure(item, problem, traceback, nested)
    return step()
  end
  function step()
    while true do
      local item = feeder:take()
      if not item then return nil end
      if not item.error then return settle(item, item.task:join()) end
      tell_failure(item, item.error, "", nested)
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
