-- One at a time, or so many: for what tasks share, as a file or a server that takes few calls.

local task = require "fellowship.core.task"
local check = require "fellowship.base.check"

local lock = {}

---@class fellowship.Semaphore
---@field package free integer
---@field package queue table[] places of those who wait, from `head` to `tail`
---@field package head integer
---@field package tail integer
local Semaphore = {}
Semaphore.__index = Semaphore
Semaphore.__name = "fellowship.Semaphore"

---@class fellowship.Hold what `acquire` gives: given back by `release`, or as a to-be-closed variable
---@field package of fellowship.Semaphore?
local Hold = {}
Hold.__index = Hold
Hold.__name = "fellowship.Hold"

--- Gives a place to who has waited longest, or keeps it.
local function give(self)
  while self.head <= self.tail do
    local place = self.queue[self.head]
    self.queue[self.head] = nil
    self.head = self.head + 1
    if not place.gone then
      place.given = true
      task.wake(place.task)
      return
    end
  end
  self.free = self.free + 1
end

--- Gives it back. Does nothing the second time.
function Hold:release()
  local of = self.of
  self.of = nil
  if of then give(of) end
end

Hold.__close = Hold.release

-- Who waits is cancelled, maybe just when its turn has come.
local Place = { __close = function(place)
  if place.taken then return end
  place.gone = true
  if place.given then give(place.of) end
end }

local function wait(self)
  local place <close> = setmetatable({ task = task.self(), of = self }, Place)
  self.tail = self.tail + 1
  self.queue[self.tail] = place
  while not place.given do task.park() end
  place.taken = true
end

--- Waits for a place, in the order of asking. It is given back when the variable that takes it is closed, also after
--- an error, or by its `release`.
--- Example: `do local _ <close> = fellowship.lock():acquire() print "alone" end`
---@return fellowship.Hold
function Semaphore:acquire()
  if self.free > 0 then self.free = self.free - 1 else wait(self) end
  return setmetatable({ of = self }, Hold)
end

--- Lets so many tasks be at something at a time.
--- Example:
---     local few = fellowship.semaphore(2)
---     fellowship.gather({ "a", "b", "c" }, function(name)
---       local _ <close> = few:acquire()
---       return llama:ask(name).text
---     end)
---@param count integer
---@return fellowship.Semaphore
function lock.semaphore(count)
  check.type("the semaphore's count", count, "integer")
  if count < 1 then error("the semaphore's count must be 1 or more", 2) end
  return setmetatable({ free = count, queue = {}, head = 1, tail = 0 }, Semaphore)
end

--- Lets one task at a time be at something: a semaphore of one.
--- Example: `local alone = fellowship.lock()`
---@return fellowship.Semaphore
function lock.new()
  return lock.semaphore(1)
end

return lock
