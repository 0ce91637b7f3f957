#!/usr/bin/env fellowship
-- The store as Lua has it: what waits when it is closed, what is used after it, what is cancelled meanwhile.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local core = require "fellowship.core.store"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"

local folder = os.tmpname()
os.remove(folder)
assert(sys.mkdir(folder))
local path = folder .. "/store.db"

local function key(n) return sys.sha256("key " .. n) end

local function open() return assert(core.open { path = path }) end

do
  local s = open()
  local held, known = s:put(key(1), "{}", "{}", "one", 5)
  tap.is(held, "one", "a completion is committed")
  tap.is(known, false, "it was not there before")
  held, known = s:put(key(1), "{}", "{}", "two", 5)
  tap.is(held, "one", "a second one does not take its place")
  tap.is(known, true, "which is told")
  tap.is(s:get(key(1)), "one", "it is there")
  tap.is(s:get(key(2)), nil, "another one is not")
  tap.ok(not pcall(s.get, s, "short"), "a key has 32 bytes")
  tap.ok(not pcall(s.put, s, key(3), "{}", "{}"), "a completion has its texts")
  s:close()
  for _, method in ipairs { "get", "put", "lease", "await", "claim", "complete", "set_batch", "batches", "holder",
    "has_pending", "close" } do
    local well, problem = pcall(s[method], s, key(1), "{}", "{}", "x", 1)
    tap.is(well or tostring(problem):gsub("^.-: ", ""), "the store is closed", method .. " of a closed one raises")
  end
end

do
  local s = open()
  local got = task.spawn(function() return s:get(key(1)) end)
  local put = task.spawn(function() return s:put(key(10), "{}", "{}", ("x"):rep(100000), 1) end)
  local other = open()
  local lease = other:lease(key(11), -1)
  local waits = task.spawn(function()
    s:lease(key(11), -1)
    return s:await(key(11), 600)
  end)
  task.sleep(0.05)
  task.spawn(function() s:close() end):await()
  tap.is(got:await(), "one", "who waits for a look-up when the store is closed has its answer")
  tap.is(#put:await(), 100000, "who waits for a commit, too")
  tap.is(waits:await(), false, "and who waits for another process waits no more")
  lease:close()
  other:close()
  local again = open()
  tap.is(#again:get(key(10)), 100000, "it was committed")
  again:close()
end

do -- Cancelled, a job goes on with its texts, whatever the collector does.
  local s = open()
  for round = 1, 20 do
    local tasks = {}
    for i = 1, 20 do
      tasks[i] = task.spawn(function()
        local n = 1000 + round * 100 + i
        s:put(key(n), "{}", "{}", ("%d "):format(n):rep(2000), 1)
      end)
    end
    task.sleep(0)
    for _, one in ipairs(tasks) do one:cancel() end
    tasks = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
  end
  s:close()
  local right, wrong = 0, 0
  core.each(path, function(r)
    local n = r.completion:match "^(%d+) "
    if not n then return end
    if r.completion == (n .. " "):rep(2000) and r.key == key(math.tointeger(n)) then right = right + 1
    else wrong = wrong + 1 end
  end)
  tap.is(wrong, 0, "texts of cancelled jobs arrive as they were")
  tap.ok(right > 0, ("%d of 400 had been submitted"):format(right))
end

do -- Leases.
  local a, b = open(), open()
  local _, _, seen = a:get(key(77))
  local mine, changed = a:lease(key(77), seen)
  tap.ok(mine and changed, "before others are known of, a call is looked up again")
  tap.is((b:lease(key(77), -1)), nil, "a lease is one's")
  local waits = task.spawn(function() return b:await(key(77), 10) end)
  a:put(key(77), "{}", "{}", "seventy-seven", 1)
  mine:close()
  tap.ok(not pcall(mine.close, mine), "it is ended once")
  tap.is(waits:await(), true, "and who waits hears of it")
  _, _, seen = b:get(key(78))
  do
    local second <close>, moved = b:lease(key(78), seen)
    tap.ok(second and moved == false, "where nobody has committed since, there is no need to look again")
  end
  a:lease(key(79), -1)
  a:put(key(79), "{}", "{}", "x", 1)
  local third <close>, moved = b:lease(key(78), seen)
  tap.ok(third and moved, "where somebody has, there is")
  local left = a:lease(key(80), -1)
  a:close()
  left:close()
  local fourth <close> = b:lease(key(80), -1)
  tap.ok(fourth, "the leases of a store that is closed are free")
  b:close()
end

for _, name in ipairs(sys.list(folder)) do os.remove(folder .. "/" .. name) end
os.remove(folder)
tap.done()
