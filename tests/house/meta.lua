#!/usr/bin/env fellowship
-- The stubs in lualib/meta name what the C modules hold, no more and no less.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local host = require "fellowship.core.host"
local sys = require "fellowship.core.sys"

local folder = host.home .. "/lualib/meta"

local function sorted(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function text_of(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

--- The classes of a stub file, read as text: { [class] = { variable =, members = set } }, and the class
--- of the module, which is what the file returns.
local function read_stub(path)
  local classes, by_variable, class = {}, {}, nil
  for line in text_of(path):gmatch "[^\n]+" do
    local named, field = line:match "^%-%-%-@class ([%w_.]+)", line:match "^%-%-%-@field ([%w_]+)"
    local variable = line:match "^local ([%a_][%w_]*) = {}$"
    local owner, member = line:match "^function ([%a_][%w_]*)[.:]([%w_]+)%(.*%) end$"
    if named then
      class = { members = {} }
      classes[named] = class
    elseif field and class then
      class.members[field] = true
    elseif variable and class then
      class.functions, by_variable[variable] = true, class
    elseif owner then
      assert(by_variable[owner], path .. ": function of no class: " .. line).members[member] = true
    end
  end
  return classes, by_variable[text_of(path):match "\nreturn ([%a_][%w_]*)%s*$"]
end

--- C's classes with methods, from the registry: { [name] = members }.
local function registered_classes()
  local found = {}
  for _, metatable in pairs(debug.getregistry()) do
    local name = type(metatable) == "table" and rawget(metatable, "__name")
    if type(name) == "string" and name:find "^fellowship%." and next(rawget(metatable, "__index") or {}) then
      found[name] = metatable.__index
    end
  end
  return found
end

local modules = { ["fellowship.core.host"] = true }
for name in pairs(package.preload) do
  if name:find "^fellowship%.core%." then modules[name] = true end
end

local stubs, here = {}, {}
for _, name in ipairs(sorted(modules)) do
  local module, path = require(name), ("%s/%s.lua"):format(folder, name:match "[^.]*$")
  if tap.ok(sys.kind(path) == "file", name .. " has a stub") then
    here[path:match "[^/]*$"] = true
    tap.like(text_of(path), "---@meta " .. name .. "\n", name .. ": named by its stub")
    local classes, own = read_stub(path)
    tap.is(table.concat(sorted(own and own.members or {}), " "), table.concat(sorted(module), " "), name .. ": its members")
    for class, stub in pairs(classes) do
      if stub ~= own and stub.functions then stubs[class] = stub end
    end
  end
end

local classes = registered_classes()
tap.ok(classes["fellowship.task"] ~= nil, "classes of C are found")
for _, name in ipairs(sorted(classes)) do
  local stub = stubs[name]
  if tap.ok(stub ~= nil, name .. " has a stub") then
    tap.is(table.concat(sorted(stub.members), " "), table.concat(sorted(classes[name]), " "), name .. ": its methods")
  end
end
for _, name in ipairs(sorted(stubs)) do tap.ok(classes[name] ~= nil, name .. " is a class of C") end
for _, file in ipairs(sys.list(folder)) do tap.ok(here[file], file .. " is the stub of a module") end

tap.done()
