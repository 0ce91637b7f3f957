#!/usr/bin/env fellowship
-- What scripts can close is closed in one way: each method of it raises then, `close` too; the ends of scopes are quiet.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"

local folder = os.tmpname()
os.remove(folder)
local sys = require "fellowship.core.sys"
assert(sys.mkdir(folder))
local path = folder .. "/rows.jsonl"
local made = assert(io.open(path, "w"))
made:write('{"a":1}\n')
made:close()

--- How each is made, and how each of its methods is called.
local KINDS = {
  rows = {
    make = function() return require "fellowship.core.rows".open(path) end,
    methods = { next = {} },
  },
  writer = {
    make = function() return require "fellowship.core.writer".open(folder .. "/out.jsonl") end,
    methods = { write = { {} }, header = { { "a" } }, write_text = { "" } },
  },
  ["CSV writer"] = {
    make = function() return require "fellowship.core.writer".open(folder .. "/out.csv", { format = "csv" }) end,
    methods = { write = { {} }, header = { { "a" } }, write_text = { "" } },
  },
  lock = { make = function() return sys.lock(folder) end, methods = {} },
  target = {
    make = function() return require "fellowship.core.http".target { url = "http://127.0.0.1:1/" } end,
    methods = { send = { "" }, stream = { "" }, redact = { "" }, redaction = {} },
  },
  body = { make = function() return require "fellowship.core.http".body() end, methods = { add = { "" } } },
  editor = {
    make = function() return require "fellowship.core.editor".open(function() end) end,
    methods = { read = { "" }, drop_line = {}, hide = {}, show = {}, remember = { "" }, is_terminal = {} },
  },
}

--- And those that only the end of a scope closes.
local SCOPED = {
  slot = { make = function() return require "fellowship.core.limits".endpoint(1):acquire() end, methods = { report = { "good" } } },
  endpoint = {
    make = function() return require "fellowship.core.limits".endpoint(1) end,
    methods = { acquire = {}, pause = { 1 }, paused = {}, bound = { 1, 1 }, pace = {} },
  },
  contest = {
    make = function() return require "fellowship.core.contest".new() end,
    methods = { add = { 1, 1, 2, "a" }, wins = { 2 }, bootstrap = { 2, 10, 1 } },
  },
}

for name, kind in pairs(SCOPED) do
  local kept
  do
    local thing <close> = kind.make()
    kept = thing
  end
  for method, arguments in pairs(kind.methods) do
    tap.ok(not pcall(kept[method], kept, table.unpack(arguments)), ("%s:%s raises behind its scope"):format(name, method))
    tap.ok(not pcall(kept[method], io.stdout), ("%s:%s wants one of its own"):format(name, method))
  end
end
do
  local slot = require "fellowship.core.limits".endpoint(1):acquire()
  slot:release()
  tap.ok(pcall(slot.release, slot), "a slot is given back twice without harm")
end

local names = {}
for name in pairs(KINDS) do names[#names + 1] = name end
table.sort(names)

for _, name in ipairs(names) do
  local kind = KINDS[name]
  local thing = assert(kind.make())
  thing:close()
  for method, arguments in pairs(kind.methods) do
    tap.raises("closed", name .. ":" .. method .. " raises when it is closed", thing[method], thing, table.unpack(arguments))
    tap.ok(not pcall(thing[method], io.stdout), name .. ":" .. method .. " wants one of its own")
    tap.ok(not pcall(thing[method]), name .. ":" .. method .. " wants one")
  end
  tap.raises("closed", name .. ":close raises when it is closed", thing.close, thing)
  tap.ok(not pcall(thing.close, io.stdout), name .. ":close wants one of its own")
  tap.is(getmetatable(thing), "protected", "the metatable of a " .. name .. " is out of reach")

  local well, problem = pcall(function()
    local closed <close> = assert(kind.make())
    closed:close()
  end)
  tap.ok(well, "the end of a scope is quiet for a closed " .. name, tostring(problem))
  tap.raises("closed", "and it closes a " .. name, function()
    local kept
    do
      local here <close> = assert(kind.make())
      kept = here
    end
    kept:close()
  end)
  kind.make()                           -- left to the collector
  collectgarbage()
end

os.execute("rm -r '" .. folder .. "'")
tap.done()
