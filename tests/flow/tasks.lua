#!/usr/bin/env fellowship
-- Tasks: order, errors, cancelling, waiting inside coroutines, and where Lua cannot wait.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local child = require "child"
local tap = require "tap"
local fellowship = require "fellowship"
local limits = require "fellowship.core.limits"
local task = require "fellowship.core.task"
local settings = require "fellowship.call.settings"
local stats = require "fellowship.money.count"

local ok, is, like, raises, list = tap.ok, tap.is, tap.like, tap.raises, tap.list

settings.store = child.folder .. "/store.db"

local ME = debug.getinfo(1, "S").short_src

-- "tests/flow/tasks.lua:LINE:" of the line that called this, plus `down`.
local function here(down)
  return ("%s:%d:"):format(ME, debug.getinfo(2, "l").currentline + (down or 0))
end

-- A variable to be closed that notes in `log` that it was, and with which error.
local function closing(log, name)
  return setmetatable({}, { __close = function(_, problem)
    log[#log + 1] = name .. (problem ~= nil and ":" .. tostring(problem) or "")
  end })
end

local function told(log) return table.concat(log, " ") end

-- spawn, await, join, status, sleep ----------------------------------------------------------------
do
  local log = {}
  local a = fellowship.spawn(function(...)
    log[#log + 1] = "a1"
    task.sleep(0.02)
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
  local order = {}
  for i, seconds in ipairs { 0.03, 0.01, 0.02, 0.01, 0 } do
    fellowship.spawn(function()
      task.sleep(seconds)
      order[#order + 1] = i
    end)
  end
  task.sleep(0.06)
  is(told(order), "5 2 4 3 1", "sleepers wake by time, then by who slept first")
  local before = task.now()
  task.sleep(0.05)
  local slept = task.now() - before
  ok(slept >= 0.049 and slept < 5, "a sleep lasts as long as it should", tostring(slept))
end

do -- several wait for one
  local t = fellowship.spawn(function() task.sleep(0.01) return "x" end)
  local seen = {}
  for i = 1, 3 do fellowship.spawn(function() seen[i] = t:await() end) end
  local quitter = fellowship.spawn(function() t:await() end)
  task.sleep(0)
  quitter:cancel()
  task.sleep(0.03)
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
  local where = here(-1)
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
  is(list(fellowship.all(after(0.02, "a"), after(0, "b"), after(0.01, "c"))), "a b c",
    "all gives first results in argument order")
  is(told(log), "b c a", "and runs side by side")
  is(list(fellowship.all(function() end, function() return nil end, function() return false end)), "nil nil false",
    "all keeps nil and false")
  is(list(fellowship.all()), "", "all of nothing")
  log = {}
  local problem = raises("first", "all raises the first error in argument order", fellowship.all,
    after(0, "a"), after(0.02, "b", "first"), after(0, "c", "second"), after(0.03, "d"))
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

-- coroutines are used again ---------------------------------------------------------------------------
do
  local seen, again = {}, 0
  for i = 1, 50 do
    local t = fellowship.spawn(function(...)
      local co = coroutine.running()
      if seen[co] then again = again + 1 end
      seen[co] = true
      fellowship.sleep(0)
      return i, ...
    end, "x", nil)
    is(list(t:await()), i .. " x nil", "results stay with their task")
    is(list(t:await()), i .. " x nil", "and can be asked for again")
  end
  ok(again > 0, "tasks take the coroutines of others that have ended")
  local first, many = fellowship.spawn(function() return 1, 2, 3 end), fellowship.spawn(function() return 1, 2, 3, 4, 5 end)
  local none, closed = fellowship.spawn(function() end), nil
  fellowship.spawn(function() local _ <close> = setmetatable({}, { __close = function() closed = true end }) end):await()
  is(list(first:await()), "1 2 3", "three results")
  is(list(many:await()), "1 2 3 4 5", "more")
  is(select("#", none:await()), 0, "none")
  ok(closed, "variables are closed at the end")
  local failing = fellowship.spawn(function() error("no", 0) end)
  for _ = 1, 5 do fellowship.spawn(function() return "other" end):await() end
  is(list(pcall(failing.await, failing)), "false no", "a failed one keeps its error")
end

-- waiting inside coroutines -------------------------------------------------------------------------
local function wait(...)
  task.sleep(0.001)
  return ...
end

do
  local deep = wait
  for _ = 1, 20 do
    local inner = deep
    deep = function(...) return coroutine.wrap(inner)(...) end
  end
  is(list(deep(1, nil, 3)), "1 nil 3", "twenty coroutines deep")
  local co = coroutine.create(function(a)
    local b = coroutine.yield(wait(a + 1))
    local c = coroutine.yield(wait(b + 1), wait "more")
    return wait(c + 1)
  end)
  is(list(coroutine.resume(co, 1)), "true 2", "resume: a wait before a yield")
  is(list(coroutine.resume(co, 10)), "true 11 more", "and again")
  is(list(coroutine.resume(co, 20)), "true 21", "and before the end")
  is(list(coroutine.resume(co)), "false cannot resume dead coroutine", "then it is dead")
  is(list(pcall(function() return wait "p" end)), "true p", "inside pcall")
  is(list(pcall(function() wait() error("e", 0) end)), "false e", "an error after a wait inside pcall")
  is(list(xpcall(function() wait() error("e", 0) end, function(e) return "h:" .. e end)), "false h:e", "inside xpcall")
  is(list(coroutine.wrap(function() return pcall(function() coroutine.yield "y" return wait "z" end) end)()), "y",
    "a yield across pcall")
  local function rows()
    return coroutine.wrap(function() for i = 1, 3 do coroutine.yield(wait(i)) end end)
  end
  local sum = 0
  for i in rows() do sum = sum + wait(i) end
  is(sum, 6, "in iterators of for, and between their steps")
  local lazy = setmetatable({}, {
    __index = function(_, k) return wait("field " .. k) end,
    __call = function(_, x) return wait(x) end,
    __eq = function() return wait(true) end,
    __lt = function() return wait(true) end,
    __concat = function() return wait "joined" end,
    __len = function() return wait(7) end,
    __newindex = function(t, k, v) rawset(t, k, wait(v)) end,
  })
  lazy.set = "kept"
  is(list(lazy.x, lazy(5), lazy == setmetatable({}, getmetatable(lazy)), lazy < lazy, lazy .. "", #lazy, rawget(lazy, "set")),
    "field x 5 true true joined 7 kept", "in metamethods")
  local log = {}
  do
    local _ <close> = setmetatable({}, { __close = function() log[1] = wait "closed" end })
  end
  is(told(log), "closed", "in __close")
  local function failing()
    local _ <close> = setmetatable({}, { __close = function(_, e) log[2] = wait(e) end })
    error("passing", 0)
  end
  is(list(pcall(failing)), "false passing", "in __close on the way of an error")
  is(log[2], "passing", "which it sees")
  is(list(coroutine.resume(coroutine.create(failing))), "false passing", "in a coroutine that fails")
  is(load(coroutine.wrap(function() coroutine.yield "return " coroutine.yield "42" end))(), 42, "load's reader may be a coroutine")
  is(list(select(2, fellowship.spawn(coroutine.wrap(wait), 8):join())), "8", "a wrapped function as a task")
  local produced = coroutine.wrap(function() local a = fellowship.all(function() return wait "all" end) coroutine.yield(a) end)
  is(produced(), "all", "all inside a coroutine")
end

do -- two tasks and one coroutine
  local co = coroutine.create(function() task.sleep(0.01) return "woken" end)
  local t = fellowship.spawn(function() return coroutine.resume(co) end)
  task.sleep(0)
  is(list(coroutine.resume(co)), "false cannot resume a coroutine that waits for a call of another task",
    "a coroutine that waits in another task cannot be resumed")
  raises("waits for a call of another task", "nor closed", coroutine.close, co)
  is(coroutine.status(co), "suspended", "it is suspended")
  is(list(t:await()), "true woken", "and goes on")
  local f = coroutine.wrap(function() task.sleep(0.01) return "done" end)
  t = fellowship.spawn(f)
  task.sleep(0)
  raises({ here(), "waits for a call of another task" }, "the same for wrap", function() f() end)
  is(t:await(), "done", "which goes on, too")
  local main
  t = fellowship.spawn(function() main = coroutine.running() task.sleep(0.01) return "own" end)
  task.sleep(0)
  is(list(coroutine.resume(main)), "false cannot resume a coroutine that waits for a call of another task",
    "nor can a task's own coroutine")
  raises("waits for a call of another task", "be closed", coroutine.close, main)
  is(t:await(), "own", "it goes on")
  is(coroutine.resume(main), false, "and cannot be resumed when it has ended")
  t = fellowship.spawn(function() return coroutine.resume(coroutine.create(function() main = coroutine.running() task.sleep(3600) end)) end)
  task.sleep(0)
  t:cancel()
  is(coroutine.status(main), "dead", "a coroutine whose task was cancelled while it waited is dead")
end

-- coroutines that do not wait behave as in plain Lua ---------------------------------------------------
-- The results are those of lua 5.4.4; `@` stands for this file's name, a colon and the line.
do
  local function plain(wanted, name, fn)
    is((list(pcall(fn)):gsub("%S*tasks.lua:%d+", "@")), wanted, name)
  end
  local create, resume, status, wrap, yield = coroutine.create, coroutine.resume, coroutine.status, coroutine.wrap, coroutine.yield
  plain("true 1 nil 3 nil", "wrap: results", function() return wrap(function() return 1, nil, 3, nil end)() end)
  plain("true true a nil", "resume: arguments", function() return resume(create(function(...) return ... end), "a", nil) end)
  plain("false @: @: msg", "wrap adds where an error passed", function() wrap(function() error "msg" end)() end)
  plain("false msg", "also to one without a place", function()
    local _, e = pcall(wrap(function() error("msg", 0) end))
    error(e, 0)
  end)
  plain("false nil", "an error that is nil", function() wrap(function() error() end)() end)
  plain("true false @: msg", "resume gives the error as it is", function() return resume(create(function() error "msg" end)) end)
  plain("false @: cannot resume dead coroutine", "wrap: a dead one", function() local f = wrap(function() end) f() f() end)
  plain("true false cannot resume dead coroutine", "resume: one that failed", function()
    local co = create(error)
    resume(co, "x")
    return resume(co)
  end)
  plain("false @: cannot resume dead coroutine", "wrap: one that failed", function()
    local f = wrap(error)
    pcall(f, "x")
    f()
  end)
  plain("true false cannot resume non-suspended coroutine", "resume: itself", function()
    return select(2, resume(create(function() return resume(coroutine.running()) end)))
  end)
  plain("false @: @: cannot resume non-suspended coroutine", "wrap: itself", function()
    local f
    f = wrap(function() return (f()) end)
    f()
  end)
  plain("true normal false cannot resume non-suspended coroutine", "resume: one that resumed this", function()
    local co
    co = create(function()
      local inner = create(function() return status(co), resume(co) end)
      return select(2, resume(inner))
    end)
    return select(2, resume(co))
  end)
  plain("true true a true b false end dead", "yields across pcall", function()
    local co = create(function()
      local function step(x)
        yield(x)
        error("end", 0)
      end
      pcall(step, "a")
      local _, e = pcall(step, "b")
      error(e, 0)
    end)
    local log = list(resume(co)) .. " " .. list(resume(co)) .. " " .. list(resume(co))
    return log, status(co)
  end)
  plain("true 1 2 3", "a generator", function()
    local all = {}
    for x in wrap(function() for i = 1, 3 do yield(i) end end) do all[#all + 1] = x end
    return table.unpack(all)
  end)
  plain("false @: bad argument #1 to 'resume' (thread expected, got function)", "resume wants a coroutine", function() resume(print) end)
  plain("false @: bad argument #1 to 'wrap' (function expected, got number)", "wrap wants a function", function() wrap(1) end)
  plain("true true dead", "close: suspended", function()
    local co = create(yield)
    resume(co)
    return coroutine.close(co), status(co)
  end)
  plain("true false oops true", "close: an error in a close handler", function()
    local co = create(function()
      local _ <close> = setmetatable({}, { __close = function() error("oops", 0) end })
      yield()
    end)
    resume(co)
    local a, b = coroutine.close(co)
    return a, b, (coroutine.close(co))
  end)
  plain("true false cannot close a normal coroutine", "close: a normal one", function()
    local co
    co = create(function() return wrap(function() return pcall(coroutine.close, co) end)() end)
    return select(2, resume(co))
  end)
  plain("true closed:x", "wrap closes a failed coroutine's variables", function()
    local log = {}
    pcall(wrap(function()
      local _ <close> = closing(log, "closed")
      error("x", 0)
    end))
    return log[1]
  end)
  plain("true true", "C stack overflow is an error like any other", function()
    local function nest() return wrap(nest)() end
    local well, e = pcall(nest)
    return not well and e:find "C stack overflow" ~= nil
  end)
  plain("true 5050", "many at once", function()
    local all, sum = {}, 0
    for i = 1, 100 do
      all[i] = wrap(function(a)
        local b = yield()
        sum = sum + a * b
      end)
      all[i](i)
    end
    for i = 1, 100 do all[i](1) end
    return sum
  end)
end

-- where Lua cannot wait ------------------------------------------------------------------------------
do
  local said = "cannot wait here"
  local line = here(1)
  raises({ line, said, "table.sort" }, "table.sort", function() table.sort({ 2, 1 }, function(a, b) task.sleep(0) return a < b end) end)
  line = here(1)
  raises({ line, said }, "string.gsub", function() return (("x"):gsub("x", function() task.sleep(0) end)) end)
  line = here(1)
  raises({ line, said }, "a coroutine resumed there", function() table.sort({ 2, 1 }, function() return coroutine.wrap(function() task.sleep(0) return true end)() end) end)
  local sim = fellowship.model "sim:any"
  line = here(1)
  raises({ line, said }, "a model call there names the script's line", function() return (("x"):gsub("x", function() return sim:ask("x").text end)) end)
  local inner
  ;("x"):gsub("x", function() inner = table.pack(coroutine.resume(coroutine.create(function() return wait() end))) end)
  like(inner[2], said, "resume there gives the error")
  ;("x"):gsub("x", function() inner = coroutine.wrap(function() coroutine.yield "fine" end)() end)
  is(inner, "fine", "a coroutine that does not wait works there")
  is(wait "on", "on", "the task can go on waiting afterwards")
  is(sim:ask("after").finish_reason, "stop", "and asking")
  is(coroutine.wrap(wait)("in"), "in", "in coroutines, too")
  local kept
  ;("x"):gsub("x", function() kept = coroutine.create(function() coroutine.yield() return wait "kept" end) coroutine.resume(kept) end)
  is(list(coroutine.resume(kept)), "true kept", "a coroutine that was begun there may wait elsewhere")
end

child.done()
tap.done()
