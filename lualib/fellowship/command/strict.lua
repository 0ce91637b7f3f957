-- Strict globals for scripts: reading one that was never set fails at its line, with the nearest name;
-- only a file's own level, outside of functions, makes new ones.

local nearest = require "fellowship.base.nearest"

local strict = {}

local function known_names(declared)
  local names = {}
  for name in next, _G do names[#names + 1] = tostring(name) end
  for name in pairs(declared) do
    if rawget(_G, name) == nil then names[#names + 1] = tostring(name) end
  end
  table.sort(names)
  return names
end

--- Puts strict globals into force. Libraries in C are left alone.
function strict.enforce()
  if getmetatable(_G) then return end
  local declared = {}
  local function is_loose()
    local info = debug.getinfo(3, "S")
    return not info or info.what ~= "Lua"
  end
  setmetatable(_G, {
    __index = function(_, name)
      if declared[name] or debug.getinfo(2, "S").what == "C" then return nil end
      error(('undefined global "%s"%s'):format(tostring(name), nearest.hint(tostring(name), known_names(declared))), 2)
    end,
    __newindex = function(_, name, value)
      if not declared[name] and not is_loose() then
        error(('undefined global "%s"%s; write `local %s` to make a variable'):format(tostring(name),
          nearest.hint(tostring(name), known_names(declared)), tostring(name)), 2)
      end
      declared[name] = true
      rawset(_G, name, value)
    end,
  })
end

return strict
