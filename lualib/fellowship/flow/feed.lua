-- A window of tasks over a source of rows: opened ahead by a task of its own, taken in order.

local task = require "fellowship.core.task"
local limits = require "fellowship.core.limits"
local errors = require "fellowship.base.errors"
local start = require "fellowship.flow.start"

local feed = {}

---@class fellowship.Feed
local Feed = {}
Feed.__index = Feed

--- A function that returns the next row and its number, nil at the end, or nil and an error table
--- for a row that cannot be read.
local function puller(source)
  if type(source) == "table" and type(source.pull) == "function" then
    return function() return source:pull() end
  end
  local number = -1
  if type(source) == "table" then
    return function()
      number = number + 1
      if source[number + 1] == nil then return nil end
      return source[number + 1], number
    end
  end
  if type(source) == "function" then
    return function()
      number = number + 1
      local row = source()
      if row == nil then return nil end
      return row, number
    end
  end
  error("map's source must be an array of rows, fellowship.rows(...) or an iterator function, not "
    .. type(source), 4)
end

local function wake(self)
  local waiting = self.waiting
  self.waiting = nil
  if waiting then task.wake(waiting) end
end

local function wait(self)
  self.waiting = task.self()
  task.park()
end

local function fill(self, pull, run)
  while true do
    while self.tail - self.head + 1 >= self.window do wait(self) end
    limits.room() -- a row that no slot waits for would only take memory
    if self.stopped then break end
    local row, number, line = pull()
    if row == nil and number == nil then break end
    local item
    if row == nil then
      local problem = errors.from(number)
      item = { error = problem, number = problem.number or line or -1 }
    else
      item = { row = row, number = number, task = start.task(run, row, number) }
    end
    self.tail = self.tail + 1
    self.items[self.tail] = item
    if self.tail == self.head then wake(self) end
  end
end

--- Opens a feed that runs `run(row, number)` for each row of the source, `window` rows ahead at most.
---@param source table|function
---@param run function
---@param window integer
---@return fellowship.Feed
function feed.new(source, run, window)
  local self = setmetatable({ items = {}, head = 1, tail = 0, window = window }, Feed)
  local pull = puller(source)
  self.task = start.task(function()
    local ok, problem = pcall(fill, self, pull, run)
    self.ended = true
    if not ok then self.problem = { problem } end
    wake(self)
  end)
  return self
end

--- The next item in order ({row, number, task}, or {error, number}), or nil at the end. Its task may
--- still run.
function Feed:take()
  while self.head > self.tail do
    if self.problem then error(self.problem[1], 0) end
    if self.ended then return nil end
    wait(self)
  end
  local item = self.items[self.head]
  if item.task then item.task:join() end -- the window counts from the oldest unfinished row
  self.items[self.head] = nil
  self.head = self.head + 1
  wake(self)
  return item
end

--- Opens no further rows: those that are open end as they would.
function Feed:stop()
  self.stopped = true
end

--- Leaving the loop early cancels what was opened.
function Feed:__close()
  self.task:cancel()
  for i = self.head, self.tail do
    local item = self.items[i]
    if item and item.task then item.task:cancel() end
  end
end

return feed
