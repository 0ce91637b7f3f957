-- `fellowship new NAME`: a commented script that runs as it stands, a few rows for it, and what an editor needs
-- to complete and check it.

local host = require "fellowship.core.host"
local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"
local templates = require "fellowship.command.templates"

local new = {}

local function usage(message, ...)
  errors.raise { kind = "usage", message = message:format(...) }
end

local function write(path, content)
  local well, problem = file.replace(path, content)
  if not well then errors.raise { kind = "file", message = ("cannot write %s: %s"):format(path, problem) } end
  return path
end

--- A template's text with the names of the script in it.
local function filled(text, folder, base)
  local plain = base:gsub("[^%w_]", "_")
  local names = { LUANAME = plain:lower(), UPPER = plain:upper(), NAME = base, FOLDER = folder }
  for _, key in ipairs { "LUANAME", "UPPER", "NAME", "FOLDER" } do
    text = text:gsub(key, (names[key]:gsub("%%", "%%%%")))
  end
  return text
end

local function write_rows(path, data)
  local lines = {}
  for i, row in ipairs(data.rows) do lines[i] = json.encode(json.object(row, data.keys)) .. "\n" end
  return write(path, table.concat(lines))
end

local SETTINGS = { "runtime.version", "workspace.library", "workspace.checkThirdParty" }

local function write_settings(path)
  return write(path, json.encode(json.object({ ["runtime.version"] = "Lua 5.4",
    ["workspace.library"] = { host.home .. "/lualib" }, ["workspace.checkThirdParty"] = false }, SETTINGS),
    { pretty = true }) .. "\n")
end

--- Writes NAME.lua, and its dataset and .luarc.json beside it unless they are there.
---@param name string with or without .lua, in a folder if you like
---@param kind? "command"|"script"|"judge"|"provider"
---@return { script: string, files: string[], arguments: string }
function new.write(name, kind)
  local template = templates[kind or "command"]
  local folder, base = name:match "^(.*/)([^/]*)$"
  folder, base = folder or "", (base or name):gsub("%.lua$", "")
  if not base:match "^[%w_][%w_.-]*$" then usage('"%s" is no name for a script: letters, digits, - and _', base) end
  local script = folder .. base .. ".lua"
  if sys.kind(script) then usage("%s is there already; give another name", script) end
  if folder ~= "" then sys.mkdir(folder) end
  local files = { write(script, filled(template.text, folder, base)) }
  local data = template.data
  if data and not sys.kind(folder .. data.name) then files[2] = write_rows(folder .. data.name, data) end
  if not sys.kind(folder .. ".luarc.json") then files[#files + 1] = write_settings(folder .. ".luarc.json") end
  return { script = script, files = files, arguments = filled(template.run, folder, base) }
end

return new
