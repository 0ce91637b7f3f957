-- JSON Schema, the part of it that models are asked with: type, properties, required, additionalProperties, items,
-- minItems, maxItems, enum, const, minimum, maximum, minLength, maxLength, anyOf.
-- https://json-schema.org/draft/2020-12/json-schema-validation

local json = require "fellowship.core.json"

local schema = {}

local KEYWORDS = { type = true, properties = true, required = true, additionalProperties = true, items = true,
  minItems = true, maxItems = true, enum = true, const = true, minimum = true, maximum = true, minLength = true,
  maxLength = true, anyOf = true,
  title = true, description = true, default = true, examples = true, ["$schema"] = true } -- these say nothing of values

local function kind_of(value)
  if value == json.null then return "null" end
  if json.is_array(value) then return "array" end
  if json.tonumber(value) then
    local n = json.tonumber(value)
    return math.tointeger(n) and "integer" or "number"
  end
  return type(value) == "table" and "object" or type(value)
end

local TYPES = { null = true, boolean = true, object = true, array = true, number = true, integer = true, string = true }

local function fits(kind, wanted)
  return kind == wanted or (kind == "integer" and wanted == "number")
end

--- Raises when a table is no schema of the part that is known: what would go unchecked is refused.
---@param s any
---@param where? string
function schema.check(s, where)
  where = where or "schema"
  if type(s) ~= "table" then error(("%s must be a table, not %s"):format(where, type(s)), 0) end
  for name in pairs(s) do
    if not KEYWORDS[name] then error(("%s: the keyword %s is not supported"):format(where, tostring(name)), 0) end
  end
  for _, wanted in ipairs(type(s.type) == "table" and s.type or { s.type }) do
    if not TYPES[wanted] then error(("%s: there is no type %s"):format(where, tostring(wanted)), 0) end
  end
  for name, property in pairs(s.properties or {}) do schema.check(property, where .. "." .. name) end
  for i, option in ipairs(s.anyOf or {}) do schema.check(option, ("%s.anyOf[%d]"):format(where, i)) end
  if s.items then schema.check(s.items, where .. "[]") end
  if type(s.additionalProperties) == "table" then schema.check(s.additionalProperties, where .. ".*") end
end

local check

local function check_object(s, value, path)
  for _, name in ipairs(s.required or {}) do
    if value[name] == nil then return ("%s lacks the field %s"):format(path, name) end
  end
  for _, name in ipairs(json.keys(value)) do
    local property = s.properties and s.properties[name]
    if property == nil then property = s.additionalProperties end
    if property == false then return ("%s has the field %s, which is not known"):format(path, name) end
    local problem = type(property) == "table" and check(property, value[name], path .. "." .. name)
    if problem then return problem end
  end
end

local function check_array(s, value, path)
  if s.minItems and #value < s.minItems then return ("%s has less than %d items"):format(path, s.minItems) end
  if s.maxItems and #value > s.maxItems then return ("%s has more than %d items"):format(path, s.maxItems) end
  for i, item in ipairs(s.items and value or {}) do
    local problem = check(s.items, item, ("%s[%d]"):format(path, i))
    if problem then return problem end
  end
end

local function check_string(s, value, path)
  local length = (s.minLength or s.maxLength) and (utf8.len(value, 1, -1, true) or #value)
  if s.minLength and length < s.minLength then return ("%s is shorter than %d"):format(path, s.minLength) end
  if s.maxLength and length > s.maxLength then return ("%s is longer than %d"):format(path, s.maxLength) end
end

local function check_number(s, value, path)
  local n = json.tonumber(value)
  if s.minimum and n < s.minimum then return ("%s is less than %s"):format(path, s.minimum) end
  if s.maximum and n > s.maximum then return ("%s is more than %s"):format(path, s.maximum) end
end

local by_kind = { object = check_object, array = check_array, string = check_string, integer = check_number,
  number = check_number }

--- Whether any of the list is that value, compared as JSON.
local function is_one_of(list, value)
  local text = json.canonical(value)
  for _, other in ipairs(list) do
    if json.canonical(other) == text then return true end
  end
  return false
end

local function check_type(s, kind, path)
  if s.type == nil then return nil end
  local names = type(s.type) == "table" and s.type or { s.type }
  for _, wanted in ipairs(names) do
    if fits(kind, wanted) then return nil end
  end
  return ("%s is %s, not %s"):format(path, kind, table.concat(names, " or "))
end

function check(s, value, path)
  local kind = kind_of(value)
  local problem = check_type(s, kind, path)
  if problem then return problem end
  if s.enum and not is_one_of(s.enum, value) then
    return ("%s is none of %s"):format(path, json.encode(json.array(s.enum)))
  end
  if s.const ~= nil and not is_one_of({ s.const }, value) then
    return ("%s is not %s"):format(path, json.encode(s.const))
  end
  if s.anyOf then
    local fitting = false
    for _, option in ipairs(s.anyOf) do fitting = fitting or not check(option, value, path) end
    if not fitting then return path .. " fits none of the forms it may have" end
  end
  local more = by_kind[kind]
  return more and more(s, value, path)
end

--- Validates a decoded value. Its own problem comes first, then that of its parts.
--- Example: `schema.validate({ type = "object", required = { "a" } }, json.decode "{}")` --> "the answer lacks the field a"
---@param s table
---@param value any
---@return string? problem nil when it fits
function schema.validate(s, value)
  return check(s, value, "the answer")
end

return schema
