#!/usr/bin/env fellowship
-- map and each, random numbers of rows, and how runs end.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local child = require "child"
local tap = require "tap"
local fellowship = require "fellowship"
local limits = require "fellowship.core.limits"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local flow = require "fellowship.flow"
local settings = require "fellowship.call.settings"

local ok, is, like, raises, list = tap.ok, tap.is, tap.like, tap.raises, tap.list

settings.store = child.folder .. "/store.db"

-- "tests/flow/flow.lua:LINE:" of the line that called this.
local function here()
  local caller = debug.getinfo(2, "Sl")
  return ("%s:%d:"):format(caller.short_src, caller.currentline)
end

-- A variable to be closed that notes in `log` that it was.
local function closing(log, name)
  return setmetatable({}, { __close = function() log[#log + 1] = name end })
end

local function told(log) return table.concat(log, " ") end

-- map ----------------------------------------------------------------------------------------------
local failures
flow.on_failure = function(failure) failures[#failures + 1] = failure end

local function numbers(n)
  local rows = {}
  for i = 1, n do rows[i] = { i = i } end
  return rows
end

do
  local seen, open, widest, oldest, reach = {}, 0, 0, {}, 0
  local function work(row, number)
    open = open + 1
    widest = math.max(widest, open)
    oldest[number] = true
    local least = number
    for other in pairs(oldest) do least = math.min(least, other) end
    reach = math.max(reach, number - least)
    task.sleep(row.i % 7 == 1 and 0.01 or 0.001)
    open = open - 1
    oldest[number] = nil
    return row.i * 10, number
  end
  for row, ten, number in fellowship.map(numbers(30), work, { window = 4 }) do
    seen[#seen + 1] = ("%d:%d:%d"):format(row.i, ten, number)
  end
  local wanted = {}
  for i = 1, 30 do wanted[i] = ("%d:%d:%d"):format(i, i * 10, i - 1) end
  is(told(seen), told(wanted), "map gives rows and results in input order, numbered from 0")
  is(widest, 4, "as many rows side by side as the window holds")
  is(reach, 3, "and none beyond the window from the oldest unfinished one")
  local pulled, left = 0, 0
  for _ in fellowship.map(function() pulled = pulled + 1 return { pulled } end, function() return 1 end, { window = 5 }) do
    left = left + 1
    task.sleep(0.001)
    if left == 20 then break end
  end
  ok(pulled <= 27, "a slow reader holds an endless source back", tostring(pulled))
  is(fellowship.each({}, print), 0, "an empty source")
  raises({ here(), "map's source must be" }, "a source that is none", function() fellowship.map(5, print) end)
  raises({ here(), "map's function must be function" }, "a function that is none", function() fellowship.map({}, 5) end)
  raises({ here(), 'no option "windw"', 'did you mean "window"' }, "an unknown option", function() fellowship.map({}, print, { windw = 1 }) end)
  raises({ here(), "window must be 1 or more" }, "a window of none", function() fellowship.map({}, print, { window = 0 }) end)
end

do -- leaving early
  local log, begun = {}, 0
  for row in fellowship.map(numbers(100), function(row)
    begun = begun + 1
    local _ <close> = closing(log, row.i)
    if row.i > 2 then task.sleep(3600) end
  end, { window = 5 }) do
    if row.i == 2 then break end
  end
  is(told(log):sub(1, 5), "1 2 3", "break cancels the rows that were opened")
  is(#log, begun, "all of them")
  ok(begun <= 7, "and no more are begun")
  task.sleep(0.005)
  is(#log, begun, "later neither")
  raises("out", "an error in the loop's body leaves it", function()
    for _ in fellowship.map(numbers(3), function() task.sleep(0) end) do error "out" end
  end)
end

do -- failing rows
  failures = {}
  local seen = {}
  for row in fellowship.map(numbers(5), function(row)
    task.sleep((6 - row.i) / 1000)
    if row.i == 2 then error "two" end
    if row.i == 4 then errors.raise { kind = "timeout", message = "late" } end
  end) do
    seen[#seen + 1] = row.i
  end
  is(told(seen), "1 3 5", "failed rows are left out")
  is(#failures, 2, "and reported")
  local first, second = failures[1], failures[2]
  is(list(first.number, first.row.i, first.error.kind), "1 2 script", "in order, with their number and row")
  like(first.error.message, "two", "the message")
  like(first.traceback, "flow.lua", "and where")
  is(list(second.number, second.error.kind, second.error.message), "3 timeout late", "an error table stays what it is")
  raises("no key", "a failure that is fatal ends the loop", function()
    fellowship.each(numbers(3), function() errors.raise { kind = "auth", message = "no key", fatal = true } end)
  end)
  failures, seen = {}, {}
  raises("source broke", "an error of the source is raised", function()
    local at = 0
    for row in fellowship.map(function()
      at = at + 1
      if at == 3 then error "source broke" end
      return { at }
    end, function(row) task.sleep(0.002) return row end) do
      seen[#seen + 1] = row[1]
    end
  end)
  is(told(seen), "1 2", "after the rows before it")
  local at = 0
  local source = { pull = function()
    at = at + 1
    if at == 2 then return nil, { kind = "data", message = "no row", number = 1 } end
    if at > 3 then return nil end
    return { at }, at - 1
  end }
  is(fellowship.each(source, function() end), 2, "each counts the rows that went well")
  is(list(#failures, failures[1].number, failures[1].error.kind), "1 1 data", "a line that is no row is reported with its number")
end

do -- random numbers
  local sim = fellowship.model "sim:any"
  local round = 0
  local function draws(seed, concurrency, window)
    round = round + 1
    limits.slots(concurrency)
    local before = task.base_seed()
    task.base_seed(seed)
    local got = {}
    for _, a, b, c in fellowship.map(numbers(12), function(row)
      local first = math.random(1000000)
      sim:ask("the same of every row " .. round)
      task.sleep(row.i % 3 / 1000)
      local x, y = fellowship.all(function() task.sleep(row.i % 2 / 1000) return math.random() end, function() return math.random(0) end)
      return first, x, y
    end, { window = window }) do
      got[#got + 1] = list(a, b, c)
    end
    task.base_seed(before)
    limits.slots(16)
    return table.concat(got, "\n")
  end
  local one = draws(7, 1, 1)
  is(draws(7, 1, 1), one, "a row's random numbers follow from the seed")
  is(draws(7, 16, 64), one, "whatever the concurrency")
  is(draws(7, 2, 5), one, "or window")
  ok(draws(8, 1, 1) ~= one, "another seed gives others")
  local distinct, lines = {}, 0
  for line in one:gmatch "[^\n]+" do
    lines = lines + 1
    distinct[line:match "^%S+"] = true
  end
  local kinds = 0
  for _ in pairs(distinct) do kinds = kinds + 1 end
  is(list(lines, kinds), "12 12", "each row has its own")
  math.randomseed(42)
  local a = list(math.random(10), math.random(-5, 5), math.random())
  math.randomseed(42)
  is(list(math.random(10), math.random(-5, 5), math.random()), a, "math.randomseed begins anew")
  is(math.random(3, 3), 3, "an interval of one")
  is(math.type(math.random(math.mininteger, math.maxinteger)), "integer", "the widest one")
  is(math.type(math.random()), "float", "no argument: a float")
  raises("interval is empty", "an empty interval", math.random, 2, 1)
  raises("interval is empty", "math.random of a negative number", math.random, -1)
  raises("wrong number of arguments", "three arguments", math.random, 1, 2, 3)
end

-- how a run ends -------------------------------------------------------------------------------------
do
  local ran = child.run [[
    local f = require "fellowship"
    local a, b
    a = f.spawn(function() f.sleep(0) b:await() end)
    b = f.spawn(function() f.sleep(0) a:await() end)
    a:await()]]
  is(ran.status, 1, "tasks that wait for each other: status 1")
  like(ran.err, "deadlock: every task waits for another one", "and says so")
  ran = child.run 'local x = 1\nlocal function f() error("boom") end\nf()\n'
  is(ran.status, 1, "an uncaught error: status 1")
  like(ran.err, { "script.lua:2: boom", "stack traceback", "script.lua:3: in" }, "with a traceback through the script's lines")
  ran = child.run 'local f = require "fellowship"\nf.spawn(function()\n  error "lost"\nend)\nf.sleep(0)\nprint "end"\n'
  is(ran.status, 1, "an error in a task that nobody awaits: status 1")
  is(ran.out, "end\n", "after the script has ended")
  like(ran.err, { "script.lua:3: lost", "stack traceback" }, "and is reported")
  ran = child.run 'local f = require "fellowship"\npcall(f.all, function() error "handled" end)\nf.spawn(error, "joined"):join()\n'
  is(list(ran.status, ran.err), "0 ", "errors that somebody awaited are not")
  ran = child.run 'local f = require "fellowship"\nf.spawn(function() f.sleep(0.02) print "late" end)\nprint "main"\n'
  is(list(ran.status, ran.out), "0 main\nlate\n", "the run ends when the last task has")
  ran = child.run 'local c <close> = setmetatable({}, { __close = function() print "closed" end })\ncoroutine.yield(1)\n'
  is(list(ran.status, ran.out), "1 closed\n", "a yield from the main chunk: status 1")
  like(ran.err, { "attempt to yield from outside a coroutine", "script.lua:2" }, "with the line")
  ran = child.run [[
    local f = require "fellowship"
    local rows = { { id = "a" }, { id = "b" }, {} }
    for row in f.map(rows, function(row) if row.id ~= "a" then error("no " .. tostring(row.id)) end end) do print(row.id) end]]
  is(list(ran.status, ran.out), "3 a\n", "failed rows of a plain script: status 3")
  local kept = child.read "script.errors.jsonl" or ""
  like(kept, { '"id":"b","row":1,"kind":"script"', "no b", '{"id":2,"row":2', "stack traceback" }, "are kept beside it")
  is(select(2, kept:gsub("\n", "")), 2, "a line each")
  ran = child.run 'require "fellowship".each({ {} }, function() end)'
  is(list(ran.status, child.read "script.errors.jsonl"), "0 nil", "a run without failures takes the file away")
  ran = child.run('require "fellowship".each({ {}, {}, {} }, function() error "x" end) print "not here"', "--on-error stop")
  is(list(ran.status, ran.out), "1 ", "--on-error stop ends the run at the first one")
  local draw = 'for _, x in require "fellowship".map({ {}, {}, {} }, function() return math.random(1 << 40) end) do print(x) end'
  local once = child.run(draw, "--seed 5").out
  is(child.run(draw, "--seed 5 --concurrency 1 --window 1").out, once, "--seed gives the same numbers")
  ok(child.run(draw, "--seed 6").out ~= once and #once > 6, "another one others")
  ran = child.run [[
    local f = require "fellowship"
    local out <close> = f.writer "out.jsonl"
    out:write { a = 1 }
    f.spawn(function() local mine <close> = f.writer "task.jsonl" local x f.sleep(0) return x.y end):join()
    f.spawn(function() f.sleep(3600) end)
    f.sleep(0.01)
    os.execute("kill -TERM " .. io.open "/proc/self/stat":read "n")
    f.sleep(3600)]]
  is(ran.status, 143, "stopped by SIGTERM: status 143")
  is(list(child.read "out.jsonl", child.read "out.jsonl.partial" ~= nil), "nil true", "leaves what was being written .partial")
  is(list(child.read "task.jsonl", child.read "task.jsonl.partial" ~= nil), "nil true", "and so does a task that fails")
end

child.done()
-- A map inside a row draws from that row's numbers, whatever runs beside it.
local function nested_draws(window)
  local drawn = {}
  for _, inner in flow.map({ { n = 1 }, { n = 2 } }, function()
    local drawn_here = {}
    for _, number in flow.map({ { n = 1 }, { n = 2 } }, function() return math.random(1 << 40) end) do
      drawn_here[#drawn_here + 1] = number
    end
    return table.concat(drawn_here, " ")
  end, { window = window }) do
    drawn[#drawn + 1] = inner
  end
  return drawn
end

local one, many = nested_draws(1), nested_draws(8)
ok(one[1] ~= one[2], "a nested map draws other numbers in another row")
is(table.concat(one, "|"), table.concat(many, "|"), "and the same whatever the window")

tap.done()
