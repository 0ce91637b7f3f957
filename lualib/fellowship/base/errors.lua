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

-- Fields of a script's own error that are shown beside its message, and characters of one that is not short.
local SHOWN, LONGEST = 6, 80

local function scalar(value)
  local kind = type(value)
  return (kind == "string" and #value <= LONGEST) or kind == "number" or kind == "boolean"
end

--- The fields of a table but its message, as `code 7, where "here"`; "" when there are none that can be shown.
local function fields_of(value)
  local parts = {}
  for key, field in next, value do
    if scalar(field) and type(key) == "string" and key ~= "message" and #key <= LONGEST then
      parts[#parts + 1] = ("%s %s"):format(key, type(field) == "string" and ('"%s"'):format(field) or tostring(field))
    end
  end
  table.sort(parts)
  return table.concat(parts, ", ", 1, math.min(#parts, SHOWN))
end

--- What a raised value says, whatever it is: its text, its `message` and other fields, or what its type is. Never
--- raises, not even where the value's own __tostring does.
--- Example: `print(fellowship.errors.text { code = 7, message = "the pump stopped" }) --> the pump stopped (code 7)`
---@param value any
---@return string
function errors.text(value)
  if type(value) == "string" then return value end
  if value == nil then return "an error without a message (nil)" end
  local metatable = debug.getmetatable(value)
  local broken = ""
  if type(metatable) == "table" and rawget(metatable, "__tostring") ~= nil then
    local well, said = pcall(tostring, value)
    if well then return said end
    broken = ("its __tostring fails: %s"):format(type(said) == "string" and said or "with a " .. type(said))
  end
  if type(value) ~= "table" then return broken == "" and tostring(value) or ("a %s; %s"):format(type(value), broken) end
  local message, fields = rawget(value, "message"), fields_of(value)
  message = type(message) == "string" and message or nil
  local more = broken ~= "" and fields ~= "" and fields .. "; " .. broken or fields .. broken
  if not message then return more ~= "" and "an error table: " .. more or "an error table without a message" end
  return more ~= "" and ("%s (%s)"):format(message, more) or message
end

--- Any caught value as an error table: what is none becomes one of kind "script".
--- Example:
---     local ok, err = pcall(llama.ask, llama, 42)
---     print(fellowship.errors.from(err).kind) --> script
---@param value any
---@return fellowship.Error
function errors.from(value)
  if errors.is(value) then return value end
  local kind = type(value) == "table" and rawget(value, "kind")
  if type(kind) ~= "string" then return errors.new { kind = "script", message = errors.text(value) } end
  local own = {} -- a copy: the script's value may have a metatable, or be raised again
  for key, field in next, value do own[key] = field end
  if type(own.message) ~= "string" then own.message = errors.text(value) end
  return errors.new(own)
end

return errors
