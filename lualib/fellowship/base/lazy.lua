-- Modules that are loaded when they are first used: a command should not wait for what it does not need.

--- A table that stands for a module, and loads it when a field of it is first read or set.
---@param name string as require's
---@return table
return function(name)
  local function load(self)
    local module = require(name)
    setmetatable(self, { __index = module, __newindex = module })
    return module
  end
  return setmetatable({}, {
    __index = function(self, key) return load(self)[key] end,
    __newindex = function(self, key, value) load(self)[key] = value end,
  })
end
