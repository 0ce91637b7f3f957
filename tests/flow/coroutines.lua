#!/usr/bin/env fellowship
-- Coroutines: those of tasks are used again; Lua's own may wait inside; and where Lua cannot wait.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local child = require "child"
local notes = require "notes"
local tap = require "tap"
local fellowship = require "fellowship"
local task = require "fellowship.core.task"
local settings = require "fellowship.call.settings"

local ok, is, like, raises, list = tap.ok, tap.is, tap.like, tap.raises, tap.list
local closing, told = notes.closing, notes.told

settings.store = child.folder .. "/store.db"

local ME = debug.getinfo(1, "S").short_src

-- "tests/flow/coroutines.lua:LINE:" of the line that called this, plus `down`.
local function here(down)
  return ("%s:%d:"):format(ME, debug.getinfo(2, "l").currentline + (down or 0))
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
    is((list(pcall(fn)):gsub("%S*coroutines.lua:%d+", "@")), wanted, name)
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
