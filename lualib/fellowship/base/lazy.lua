-- Modules that are loaded when they are first used: a command should not wait for what it does not need.

--- A table that stands for a module, and loads it when a field of it is read or set.
---@param name string as require's
---@return table
return function(name)
  return setmetatable({}, {
    __index = function(_, key) return require(name)[key] end,
    __newindex = function(_, key, value) require(name)[key] = value end,
  })
end
