-- What the files of --models and --prompts may reach: they hold settings, are passed on and found on the net, and are
-- read before a run. Files, programs, modules in C and the rest of the library are a script's, which one runs knowingly.

local errors = require "fellowship.base.errors"

local confined = {}

local GLOBALS = { "assert", "error", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawlen", "rawset",
  "select", "setmetatable", "tonumber", "tostring", "type", "xpcall", "_VERSION" }
-- Copies: a file that changes one changes it for itself.
local LIBRARIES = { "math", "string", "table", "utf8" }
local OS = { "clock", "date", "getenv", "time" }
-- Of the module fellowship; with the modules below fellowship.provider, which are pure, a provider of one's own is made.
local LIBRARY = { "json", "provider" }

local function copy_of(t, names)
  local copy = {}
  for _, name in ipairs(names) do copy[name] = t[name] end
  return copy
end

local function names_of(t)
  local names = {}
  for name in pairs(t) do names[#names + 1] = name end
  return names
end

--- Says, where a field is read that is not in reach, that it is not.
local function closed(t, shown)
  return setmetatable(t, { __index = function(_, name)
    error(("%s%s is not in reach of a file of settings; a script may use it"):format(shown, tostring(name)), 2)
  end })
end

local function require_from(name)
  if name == "fellowship" then return closed(copy_of(require "fellowship", LIBRARY), "fellowship.") end
  if type(name) == "string" and name:find "^fellowship%.provider%.[%w_]+$" then return require(name) end
  error(("the module %s is not in reach of a file of settings; a script may use it"):format(tostring(name)), 2)
end

--- The globals of a file of settings: Lua's own but for files, programs and code, os.getenv and times, and of the
--- library what a provider's adapter needs.
---@return table
function confined.globals()
  local globals = copy_of(_G, GLOBALS)
  for _, name in ipairs(LIBRARIES) do globals[name] = copy_of(_G[name], names_of(_G[name])) end
  globals.os = closed(copy_of(os, OS), "os.")
  globals.require, globals.dofile, globals._G = require_from, confined.run, globals
  return closed(globals, "")
end

--- Runs a file with these globals and gives what it returns. It is such a file's dofile, too.
---@param path string
---@return any
---@error when it cannot be read, or is wrong
function confined.run(path)
  if type(path) ~= "string" then error("dofile wants the path of a file of settings", 2) end
  local chunk, problem = loadfile(path, "t", confined.globals())
  if not chunk then error(problem, 0) end
  local well, value = pcall(chunk)
  if not well then error(errors.text(value), 0) end
  return value
end

return confined
