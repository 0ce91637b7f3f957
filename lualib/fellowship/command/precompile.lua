-- `fellowship --precompile FILE LUALIB HOME`, for the build: writes the library as bytecode, so that no start compiles
-- it. runtime/host/precompiled.c reads the file, and says what is in it.

local sys = require "fellowship.core.sys"
local host = require "fellowship.core.host"
local errors = require "fellowship.base.errors"
local read_file = require "fellowship.base.file".read

local precompile = {}

local PATH_MAX = 4096
local HEAD = "c17c31c" .. PATH_MAX
local ENTRY = "=I8i8i8I4I4I4I4" -- the source's size and time, the lengths of name, path and code, nothing

local function fail(message, ...)
  errors.raise { kind = "file", message = message:format(...) }
end

--- The paths of Lua files below a folder, in order.
local function files_of(folder, below, list)
  for _, name in ipairs(sys.list(folder .. "/" .. below) or fail("cannot read %s/%s", folder, below)) do
    local path = below .. "/" .. name
    if sys.kind(folder .. "/" .. path) == "folder" then files_of(folder, path, list)
    elseif name:find "%.lua$" then list[#list + 1] = path end
  end
  return list
end

--- A module's entry. `home`/lualib is where its source will be.
local function entry_of(library, path, home)
  local size, seconds, nanoseconds = sys.stamp(library .. "/" .. path)
  local source = read_file(library .. "/" .. path) or fail("cannot read %s/%s", library, path)
  local chunk, problem = load(source, ("@%s/lualib/%s"):format(home, path), "t")
  if not chunk then fail("%s", problem) end
  local name, code = path:gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", "."), string.dump(chunk)
  return ENTRY:pack(size, seconds, nanoseconds, #name, #path, #code, 0) .. name .. path .. code
end

--- Writes the modules of `library`, which are to be `home`/lualib, to a file.
---@param file string
---@param library string
---@param home string
function precompile.write(file, library, home)
  local parts = { HEAD:pack("fellowship lua 1", host.version, home) }
  for _, path in ipairs(files_of(library, "fellowship", {})) do parts[#parts + 1] = entry_of(library, path, home) end
  local out = io.open(file .. ".partial", "wb") or fail("cannot write %s.partial", file)
  local well, problem = out:write(table.concat(parts))
  out:close()
  if not well then fail("cannot write %s.partial: %s", file, problem) end
  -- Renamed: a program that has the old file mapped keeps it.
  local renamed, why = sys.rename(file .. ".partial", file)
  if not renamed then fail("cannot rename %s.partial: %s", file, why.message) end
end

return precompile
