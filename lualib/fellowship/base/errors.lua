-- Error tables: what a library call raises when it fails for good.

local errors = {}

---@class fellowship.Error
---@field kind string what kind of failure; branch on this, never on the text
---@field message string for people
---@field status? integer HTTP status, where one came
---@field attempts? integer HTTP exchanges made
---@field retryable? boolean whether the same call may succeed later
---@field fatal? boolean whether going on with other rows is pointless (no key, no store)
---@field key? string the call's key, in hexadecimal
---@field model? string the model asked, as it was named
---@field request? string of an offline miss: the request as asked, in canonical JSON
local Error = {}
Error.__index = Error
Error.__name = "fellowship.Error"

function Error:__tostring()
  return self.message
end

--- Makes an error table.
--- Example: `local problem = fellowship.errors.new { kind = "data", message = "the row has no title" }`
---@param fields fellowship.Error kind and message at least
---@return fellowship.Error
function errors.new(fields)
  return setmetatable(fields, Error)
end

--- Raises an error table.
--- Example:
---     local ok, err = pcall(fellowship.errors.raise, { kind = "data", message = "the row has no title" })
---     print(err.kind, err) --> data the row has no title
---@param fields fellowship.Error
function errors.raise(fields)
  error(errors.new(fields), 0)
end

--- Whether a caught value is an error table, and of that kind when one is given.
--- Example:
---     local ok, err = pcall(judge.compare, judge, pair)
---     if not ok and fellowship.errors.is(err, "timeout") then print "too slow" end
---@param value any
---@param kind? string
---@return boolean
function errors.is(value, kind)
  return getmetatable(value) == Error and (kind == nil or value.kind == kind)
end

--- Any caught value as an error table: a string becomes one of kind "script".
--- Example:
---     local ok, err = pcall(llama.ask, llama, 42)
---     print(fellowship.errors.from(err).kind) --> script
---@param value any
---@return fellowship.Error
function errors.from(value)
  if errors.is(value) then return value end
  if type(value) == "table" and type(value.kind) == "string" then
    return errors.new(value)
  end
  return errors.new { kind = "script", message = tostring(value) }
end

return errors
