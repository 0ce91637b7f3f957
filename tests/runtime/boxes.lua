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
  editor = {
    make = function() return require "fellowship.core.editor".open(function() end) end,
    methods = { read = { "" }, drop_line = {}, hide = {}, show = {}, remember = { "" }, is_terminal = {} },
  },
}

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
