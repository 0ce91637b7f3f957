#!/usr/bin/env fellowship
-- all and gather over lists, maps within rows, locks and semaphores, and awaiting for so long.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local child = require "child"
local growth = require "growth"
local tap = require "tap"
local fellowship = require "fellowship"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local flow = require "fellowship.flow"

local ok, is, raises = tap.ok, tap.is, tap.raises

local function numbers(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

-- all and gather ---------------------------------------------------------------------------------------
do
  local function doubled(i)
    task.sleep(i % 3 == 0 and 0.005 or 0)
    return i * 2, "second"
  end
  is(table.concat(fellowship.gather({ 3, 1, 2 }, doubled), " "), "6 2 4", "gather: first results in the order of the items")
  is(#fellowship.gather({}, doubled), 0, "gather: of nothing")
  local seen = {}
  fellowship.gather({ "a", "b" }, function(item, index) seen[#seen + 1] = item .. index end)
  is(table.concat(seen, " "), "a1 b2", "gather: items with their numbers")
  local a, b = fellowship.all(function() return 1 end, function() return nil, 2 end)
  ok(a == 1 and b == nil, "all: of functions, as results")
  is(table.concat(fellowship.all { function() return 1 end, function() return 2 end }, " "), "1 2", "all: of a list, as a list")
  is(#fellowship.all {}, 0, "all: of an empty list")
  is(select("#", fellowship.all()), 0, "all: of nothing")
  raises("all's argument 2 must be function, not number", "all: no function", fellowship.all, print, 2)
  raises("all's argument 1 must be function, not number", "all: none in a list", fellowship.all, { 7 })
  raises("gather's function must be function", "gather: no function", fellowship.gather, { 1 })
  raises("gather's list must be table", "gather: no list", fellowship.gather, 3, print)

  local ended = 0
  local well, problem = pcall(fellowship.gather, numbers(5), function(i)
    task.sleep((6 - i) / 500)
    ended = ended + 1
    if i > 2 then error(errors.new { kind = "data", message = "no " .. i }) end
  end)
  is(not well and problem.message, "no 3", "gather: the first error in the order of the items")
  is(ended, 5, "after all of them have ended")

  local open = 0
  local t = task.spawn(fellowship.gather, numbers(3), function()
    local _ <close> = setmetatable({}, { __close = function() open = open - 1 end })
    open = open + 1
    task.sleep(60)
  end)
  task.sleep(0.01)
  is(open, 3, "side by side")
  t:cancel()
  is(open, 0, "when who waits is cancelled, so are they")
end

-- Any length, and no more than in proportion to it.
do
  local function functions(n)
    local list = {}
    for i = 1, n do list[i] = function() return i end end
    return list
  end
  local function listed(n)
    return fellowship.gather(numbers(n), function(i) return i end)[n] + #fellowship.all(functions(n))
  end
  local function spread(n) return select("#", fellowship.all(table.unpack(functions(n)))) end
  is(listed(64000), 128000, "lists of 64,000")
  is(growth.problem(listed, 4000, 64000, 16), nil, "linear")
  is(spread(20000), 20000, "20,000 arguments")
  is(growth.problem(spread, 2000, 20000, 10), nil, "linear")
end

-- maps within rows ---------------------------------------------------------------------------------------
do
  local failures = {}
  flow.on_failure = function(failure) failures[#failures + 1] = failure end
  local seen = {}
  for row, got in fellowship.map({ { n = 1 }, { n = 2 }, { n = 3 } }, function(row)
    local list = {}
    for _, ten in fellowship.map(numbers(3), function(x)
      if row.n == 2 and x >= 2 then error(errors.new { kind = "data", message = "element " .. x }) end
      return x * 10
    end) do list[#list + 1] = ten end
    return table.concat(list, ",")
  end) do seen[#seen + 1] = row.n .. ":" .. got end
  is(table.concat(seen, " "), "1:10,20,30 3:10,20,30", "a row with a lost element is no row that is done")
  is(#failures, 1, "it fails once")
  is(failures[1].number, 1, "under its own number")
  is(failures[1].row.n, 2, "with the row of the dataset")
  is(failures[1].error.message, "element 2", "for the first error in order")

  failures = {}
  local caught
  fellowship.each({ 1 }, function()
    local well, problem = pcall(fellowship.each, numbers(2), function() error "inner" end)
    caught = not well and errors.from(problem)
  end)
  is(caught and caught.kind, "script", "a script can catch it")
  is(#failures, 0, "and then nothing has failed")

  failures = {}
  fellowship.each({ 1 }, function() fellowship.each({ { 1 } }, function()
    fellowship.each({ 1 }, function() error "deep" end)
  end) end)
  is(#failures, 1, "three deep: the outermost row fails")

  failures = {}
  task.spawn(function() fellowship.each({ 1, 2 }, function(row) if row == 2 then error "mine" end end) end):await()
  is(#failures, 1, "a map in a task of no row keeps its failures to its rows")
end

do
  child.write("d.jsonl", '{"id":"a","list":[1,2]}\n{"id":"b","list":[1,7]}\n')
  local ran = child.run [[
    local f = require "fellowship"
    for row in f.map(f.rows "d.jsonl", function(row)
      for _ in f.map(row.list, function(x) if x == 7 then error "seven" end end) do end
    end) do print(row.id) end]]
  is(ran.status, 3, "a run with a lost element: rows failed")
  is(ran.out, "a\n", "the other rows are there")
  local kept = child.read "script.errors.jsonl" or ""
  ok(kept:find('"id":"b"', 1, true) and kept:find("seven", 1, true), "errors.jsonl names the dataset's row", kept)
end

-- locks -----------------------------------------------------------------------------------------------------
do
  local alone, inside, most, order = fellowship.lock(), 0, 0, {}
  local function work(i)
    local _ <close> = alone:acquire()
    inside = inside + 1
    most = math.max(most, inside)
    order[#order + 1] = i
    task.sleep(0.001)
    if i == 2 then inside = inside - 1 error "gives it back all the same" end
    inside = inside - 1
  end
  ok(not pcall(fellowship.gather, numbers(6), work), "an error passes through")
  is(most, 1, "lock: one at a time")
  is(table.concat(order, " "), "1 2 3 4 5 6", "in the order of asking")

  local few = fellowship.semaphore(3)
  inside, most = 0, 0
  fellowship.gather(numbers(20), function(i)
    local hold <close> = few:acquire()
    inside = inside + 1
    most = math.max(most, inside)
    task.sleep(i % 4 / 1000)
    inside = inside - 1
    if i % 2 == 0 then hold:release() hold:release() end
  end)
  is(most, 3, "semaphore: three at a time")
  raises("the semaphore's count must be 1 or more", "semaphore: of none", fellowship.semaphore, 0)
  raises("the semaphore's count must be integer", "semaphore: of a half", fellowship.semaphore, 0.5)

  -- Whoever is cancelled leaves the queue, and what was just given to them goes to the next.
  local hold = alone:acquire()
  local got = {}
  local function waiter(name) return task.spawn(function()
    local _ <close> = alone:acquire()
    got[#got + 1] = name
  end) end
  local first, second, third = waiter "first", waiter "second", waiter "third"
  task.sleep(0)
  second:cancel()
  hold:release()
  first:cancel() -- its turn has come, and it has not gone on yet
  third:await()
  is(table.concat(got, " "), "third", "those that are cancelled are passed over")
  local again <close> = task.spawn(function() return alone:acquire() end):await(1)
  ok(again, "and the lock is free afterwards")
end

do
  local ran = child.run [[
    local f = require "fellowship"
    local a = f.lock()
    local _ = a:acquire()
    a:acquire()]]
  is(ran.status, 1, "a lock that nobody gives back is a deadlock, which ends the run")
end

-- awaiting for so long ------------------------------------------------------------------------------------------
do
  local slow = task.spawn(function() task.sleep(0.6) return "late" end)
  local well, problem = pcall(slow.await, slow, 0.01)
  ok(not well and errors.from(problem).kind == "timeout", "await: an error of kind timeout")
  local nothing, why = slow:join(0.01)
  ok(nothing == nil and why.kind == "timeout", "join: nil, and the error")
  is(slow:status(), "suspended", "the task goes on")
  is(slow:await(60), "late", "and is awaited again")
  is(slow:await(0), "late", "one that has ended is never too late")
  local failing = task.spawn(function() task.sleep(0.01) error("mine", 0) end)
  is(select(2, pcall(failing.await, failing, 60)), "mine", "its own error comes through")
  local parked = task.spawn(task.park)
  is(parked:join(0.01), nil, "a task that would wait for ever")
  local waiting = task.spawn(function() return parked:await(60) end)
  task.sleep(0.01)
  waiting:cancel()
  parked:cancel()
  is(waiting:status(), "failed", "who waits so may be cancelled")
  raises("number expected, got string", "no seconds", parked.await, parked, "soon")
end

child.done()
tap.done()
