-- The bundled scripts, and how any script is loaded.

local host = require "fellowship.core.host"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local strict = require "fellowship.command.strict"

local catalogue = {}

--- Where a bundled script lies.
---@param name string
---@return string path
function catalogue.path(name)
  return ("%s/scripts/%s.lua"):format(host.home, name)
end

--- Names of the bundled scripts.
---@return string[]
function catalogue.names()
  local names = {}
  for _, file in ipairs(sys.list(host.home .. "/scripts") or {}) do
    names[#names + 1] = file:match "^([%w_%-]+)%.lua$"
  end
  return names
end

--- Loads a script's chunk; raises on a syntax error, which names file and line.
---@param path string
---@return function
function catalogue.load(path)
  local chunk, problem = loadfile(path, "t")
  if not chunk then errors.raise { kind = "syntax", message = problem } end
  strict.enforce()
  return chunk
end

return catalogue
