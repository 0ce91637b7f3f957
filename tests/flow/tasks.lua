#!/usr/bin/env fellowship
-- Tasks: order, errors, cancelling, the queue for slots, and model calls.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local child = require "child"
local notes = require "notes"
local tap = require "tap"
local fellowship = require "fellowship"
local limits = require "fellowship.core.limits"
local task = require "fellowship.core.task"
local settings = require "fellowship.call.settings"
local stats = require "fellowship.money.count"

local ok, is, like, raises, list = tap.ok, tap.is, tap.like, tap.raises, tap.list

settings.store = child.folder .. "/store.db"

local closing, told = notes.closing, notes.told

local ME = debug.getinfo(1, "S").short_src

-- "tests/flow/tasks.lua:LINE:" of the line before the one that calls this.
local function line_before()
  return ("%s:%d:"):format(ME, debug.getinfo(2, "l").currentline - 1)
end

-- spawn, await, join, status, sleep ----------------------------------------------------------------
do
  local log = {}
  local a = fellowship.spawn(function(...)
    log[#log + 1] = "a1"
    task.sleep(0.3)
    log[#log + 1] = "a2"
    return ...
  end, 1, nil, 3, nil)
  local b = fellowship.spawn(function()
    log[#log + 1] = "b1"
    task.sleep(0.01)
    log[#log + 1] = "b2"
  end)
  is(told(log), "", "a task begins when its parent waits")
  is(a:status(), "ready", "status ready")
  task.sleep(0)
  is(told(log), "a1 b1", "in order of spawning")
  is(a:status(), "suspended", "status suspended")
  is(list(a:await()), "1 nil 3 nil", "await returns all results")
  is(told(log), "a1 b1 b2 a2", "the shorter sleep ends first")
  is(a:status(), "done", "status done")
  is(list(a:await()), "1 nil 3 nil", "await may come again")
  is(list(a:join()), "true 1 nil 3 nil", "join says true before the results")
  is(list(b:join()), "true", "a task without results")
  is(task.self():status(), "running", "status running")
  is(task.self(), task.self(), "a task is itself")
  raises("cannot await itself", "a task cannot await itself", function() task.self():await() end)
  raises("running task", "nor cancel itself", function() task.self():cancel() end)
  raises("spawn's function must be function", "spawn wants a function", fellowship.spawn, "x")
  raises("seconds", "sleep wants no negative time", fellowship.sleep, -1)
  raises("seconds", "nor NaN", fellowship.sleep, 0 / 0)
end

do
  local order, sleepers = {}, {}
  for i, seconds in ipairs { 0.45, 0.15, 0.3, 0.15, 0 } do
    sleepers[i] = fellowship.spawn(function()
      task.sleep(seconds)
      order[#order + 1] = i
    end)
  end
  for _, sleeper in ipairs(sleepers) do sleeper:await() end
  is(told(order), "5 2 4 3 1", "sleepers wake by time, then by who slept first")
  local before = task.now()
  task.sleep(0.05)
  local slept = task.now() - before
  ok(slept >= 0.049 and slept < 60, "a sleep lasts as long as it should", tostring(slept))
end

do -- several wait for one
  local t = fellowship.spawn(function() task.sleep(0.01) return "x" end)
  local seen, waiting = {}, {}
  for i = 1, 3 do waiting[i] = fellowship.spawn(function() seen[i] = t:await() end) end
  local quitter = fellowship.spawn(function() t:await() end)
  task.sleep(0)
  quitter:cancel()
  for _, one in ipairs(waiting) do one:await() end
  is(told(seen), "x x x", "every waiter gets the result, and a cancelled one leaves the others be")
end

-- errors ---------------------------------------------------------------------------------------
do
  local boom = setmetatable({}, { __tostring = function() return "boom" end })
  local t = fellowship.spawn(function() error(boom) end)
  local well, problem = pcall(t.await, t)
  ok(not well and problem == boom, "await raises the same error value")
  is(t:status(), "failed", "status failed")
  local f = fellowship.spawn(function() error "text" end)
  local where = line_before()
  local joined, message, traceback = f:join()
  is(joined, false, "join says false")
  is(message, where .. " text", "and the error")
  like(traceback, { "stack traceback", where:sub(1, -2) }, "and a traceback with the line")
  local n = fellowship.spawn(function() error() end)
  is(list(n:join()):match "^%S+ %S+", "false nil", "an error that is nil")
end

do
  local log = {}
  local function after(seconds, name, problem)
    return function()
      task.sleep(seconds)
      log[#log + 1] = name
      if problem then error(problem, 0) end
      return name, "second"
    end
  end
  is(list(fellowship.all(after(0.3, "a"), after(0, "b"), after(0.15, "c"))), "a b c",
    "all gives first results in argument order")
  is(told(log), "b c a", "and runs side by side")
  is(list(fellowship.all(function() end, function() return nil end, function() return false end)), "nil nil false",
    "all keeps nil and false")
  is(list(fellowship.all()), "", "all of nothing")
  log = {}
  local problem = raises("first", "all raises the first error in argument order", fellowship.all,
    after(0, "a"), after(0.15, "b", "first"), after(0, "c", "second"), after(0.3, "d"))
  is(problem, "first", "as it was raised")
  is(told(log), "a c b d", "after every one has ended")
  raises("all's argument 2", "all wants functions", fellowship.all, print, 3)
  is(select("#", fellowship.all(function() return nil end)), 1, "a result that is nil counts")
end

-- cancelling -------------------------------------------------------------------------------------
do
  local log = {}
  local function holding(wait, ...)
    local rest = table.pack(...)
    local t = fellowship.spawn(function()
      local _ <close> = closing(log, "outer")
      local _ <close> = closing(log, "inner")
      wait(table.unpack(rest, 1, rest.n))
      log[#log + 1] = "went on"
    end)
    task.sleep(0.005)
    is(t:status(), "suspended", "it waits")
    t:cancel()
    return t
  end
  local t = holding(task.sleep, 3600)
  is(told(log), "inner outer", "cancel closes variables, the inner first")
  is(t:status(), "failed", "a cancelled task has failed")
  local _, problem = t:join()
  is(problem.kind, "cancelled", "of kind cancelled")
  t:cancel()
  is(told(log), "inner outer", "cancelling again does nothing")

  log = {}
  t = holding(task.park)
  is(task.wake(t), false, "a cancelled task that was parked is not woken")
  is(told(log), "inner outer", "park")

  log = {}
  local other = fellowship.spawn(function() task.sleep(0.01) return "other" end)
  holding(function() other:await() end)
  is(other:await(), "other", "a task that a cancelled one awaited goes on")
  is(told(log), "inner outer", "await")

  log = {}
  local ready = fellowship.spawn(function() log[1] = "began" end)
  ready:cancel()
  task.sleep(0)
  is(told(log), "", "a task that had not begun never does")

  log = {}
  holding(function() fellowship.all(function() local _ <close> = closing(log, "child") task.sleep(3600) end) end)
  is(told(log), "child inner outer", "the children of all are cancelled")

  log = {}
  holding(function()
    fellowship.each({ 1, 2 }, function(row) local _ <close> = closing(log, "row" .. row) task.sleep(3600) end)
  end)
  is(told(log), "row1 row2 inner outer", "and those of map")

  log = {}
  holding(coroutine.wrap(function()
    local _ <close> = closing(log, "generator")
    coroutine.wrap(function()
      local _ <close> = closing(log, "deepest")
      task.sleep(3600)
    end)()
  end))
  is(told(log), "deepest generator inner outer", "and coroutines through which it waits")
end

do
  local log, seen = {}, nil
  local t = fellowship.spawn(function()
    local _ <close> = setmetatable({}, { __close = function() seen = task.cancelling() end })
    local _ <close> = setmetatable({}, { __close = function()
      local well, problem = pcall(task.sleep, 0)
      log[1] = not well and tostring(problem)
    end })
    task.sleep(3600)
  end)
  task.sleep(0)
  t:cancel()
  is(seen, true, "close handlers can tell that their task was cancelled")
  is(task.cancelling(), false, "others cannot")
  like(log[1], "cannot wait here", "they cannot wait then")
  local bad = fellowship.spawn(function()
    local _ <close> = setmetatable({}, { __close = function() error "in close" end })
    task.sleep(3600)
  end)
  task.sleep(0)
  ok(pcall(bad.cancel, bad), "an error in a close handler does not reach who cancels")
  log = {}
  local empty = {}
  local failing = fellowship.spawn(function()
    local _ <close> = closing(log, "closed")
    return empty.field.field
  end)
  like(select(2, failing:join()), "attempt to index a nil value", "a task that fails")
  like(log[1], { "closed:", "attempt to index a nil value" }, "hands the error to its close handlers")
  failing = fellowship.spawn(function()
    local _ <close> = setmetatable({}, { __close = function() error("closing failed", 0) end })
    error "first"
  end)
  is(select(2, failing:join()), "closing failed", "an error there takes the first one's place, as in plain Lua")
end

-- the queue for slots ------------------------------------------------------------------------------
do
  limits.slots(1)
  local e = limits.endpoint()
  local slot = e:acquire()
  is(list(limits.in_use()), "1 0", "one slot in use")
  local queued, got = {}, {}
  for i = 1, 3 do
    queued[i] = fellowship.spawn(function()
      local _ <close> = e:acquire()
      got[#got + 1] = i
      task.sleep(0.005)
    end)
  end
  task.sleep(0)
  is(list(limits.in_use()), "1 3", "three wait")
  queued[2]:cancel()
  is(list(limits.in_use()), "1 2", "a cancelled one leaves the queue")
  slot:release()
  is(list(limits.in_use()), "1 1", "a slot that is released goes to the next at once")
  queued[1]:cancel()
  is(list(limits.in_use()), "1 0", "one that was granted but had not gone on gives it back when cancelled")
  slot:release()
  queued[3]:await()
  is(told(got), "3", "the last one went")
  is(list(limits.in_use()), "0 0", "all slots are back, releasing twice counted once")
  local order = {}
  slot = e:acquire()
  local rows = {}
  for i, number in ipairs { 2, 0, 1, 0 } do
    rows[i] = fellowship.spawn(function()
      task.begin_row(0, number)
      fellowship.all(function() -- children inherit the row
        local _ <close> = e:acquire()
        order[#order + 1] = i
      end)
    end)
  end
  task.sleep(0.005)
  slot:release()
  for _, row in ipairs(rows) do row:await() end
  is(told(order), "2 4 3 1", "earlier rows go first")
  local before = task.now()
  e:pause(0.05)
  e:acquire():release()
  ok(task.now() - before >= 0.049, "a pause holds calls back")
  raises("0 or more", "an endpoint has no negative slots", limits.endpoint, -1)
  raises("1 or more", "the process has one slot at least", limits.slots, 0)
  limits.slots(16)
end

-- model calls --------------------------------------------------------------------------------------
do
  local sim = fellowship.model "sim:any"
  limits.slots(1)
  local function until_queued()
    for _ = 1, 5000 do
      if list(limits.in_use()) == "1 1" then return true end
      task.sleep(0.001)
    end
  end
  local first = fellowship.spawn(function() return sim:ask("first", { latency = 0.2 }).text end)
  local second = fellowship.spawn(function() return sim:ask("second", { latency = 0.2 }).text end)
  ok(until_queued(), "one call is sent, one waits")
  second:cancel()
  is(list(limits.in_use()), "1 0", "a call that was not sent is dropped when its only asker is cancelled")
  first:cancel()
  local made = stats.made
  is(sim:ask("first", { latency = 0.2 }).stored, false, "a call that was sent goes on, and who asks again joins it")
  is(stats.made - made, 1, "it is made once")
  is(sim:ask("first", { latency = 0.2 }).stored, true, "and is in the store then")
  local one = fellowship.spawn(function() return sim:ask("shared", { latency = 0.02 }).text end)
  local two = fellowship.spawn(function() return sim:ask("shared", { latency = 0.02 }).text end)
  task.sleep(0.005)
  one:cancel()
  like(two:await(), "[sim]", "cancelling one asker of a shared call leaves the other")
  made = stats.made
  local blocker = fellowship.spawn(function() sim:ask("blocker", { latency = 0.2 }) end)
  local gone = fellowship.spawn(function() coroutine.wrap(function() sim:ask "never sent" end)() end)
  ok(until_queued(), "again one is sent, one waits")
  gone:cancel()
  blocker:await()
  is(list(limits.in_use()), "0 0", "an asker inside a coroutine is detached, too")
  is(stats.made - made, 1, "and its call is not made")
  limits.slots(16)
end

child.done()
tap.done()
