-- Values that fit a JSON schema: what stands in for a model's answer where none is asked.

local json = require "fellowship.core.json"

-- Schemas that hold themselves deeper than a row may nest are no use; values of them end here.
local DEEPEST = 32

local make

local function make_object(s, draw, text, depth)
  local fields, names = {}, {}
  for _, name in ipairs(s.required or {}) do
    local property = s.properties and s.properties[name]
    if property == nil and type(s.additionalProperties) == "table" then property = s.additionalProperties end
    names[#names + 1] = name
    fields[name] = make(property or {}, draw, text, depth + 1)
  end
  return json.object(fields, names)
end

local function make_array(s, draw, text, depth)
  local list = json.array()
  local count = math.max(s.minItems or 0, math.min(1, s.maxItems or 1))
  for i = 1, count do list[i] = make(s.items or {}, draw, text, depth + 1) end
  return list
end

--- A text of the length that is wanted, within what the schema allows.
local function make_string(s, _, text)
  local made = text(s.maxLength)
  local length = utf8.len(made)
  if s.maxLength and length > s.maxLength then made = made:sub(1, utf8.offset(made, s.maxLength + 1) - 1) end
  if s.minLength and length < s.minLength then made = made .. ("x"):rep(s.minLength - length) end
  return made
end

--- A number of the range; one from 1 to 10 where there is none.
local function make_integer(s, draw)
  local least = s.minimum and math.ceil(s.minimum) or math.floor(math.min(1, s.maximum or 1))
  local most = math.floor(s.maximum or math.max(10, least + 9))
  return least + draw(math.max(1, math.min(most - least + 1, 256))) - 1
end

local function make_number(s, draw)
  if s.minimum and s.maximum then return s.minimum + (s.maximum - s.minimum) * (draw(101) - 1) / 100 end
  return make_integer({ minimum = s.minimum, maximum = s.maximum }, draw)
end

local by_type = { object = make_object, array = make_array, string = make_string, integer = make_integer,
  number = make_number, boolean = function(_, draw) return draw(2) == 1 end,
  null = function() return json.null end }

--- The type that a schema means without saying it.
local function type_of(s)
  local named = s.type
  if type(named) == "table" then named = named[1] end
  return named or (s.properties or s.required) and "object" or s.items and "array"
    or (s.minimum or s.maximum) and "number" or "string"
end

function make(s, draw, text, depth)
  if s.const ~= nil then return s.const end
  if s.enum then return s.enum[draw(#s.enum)] end
  if s.anyOf then return make(s.anyOf[draw(#s.anyOf)], draw, text, depth) end
  if depth > DEEPEST then return json.null end
  return by_type[type_of(s)](s, draw, text, depth)
end

--- A value that fits a schema which fellowship.call.schema.check has let pass; optional fields are left out.
--- Example: `schema_value({ type = "integer", enum = { 1, 2 } }, function() return 2 end, function() return "text" end) --> 2`
---@param s table
---@param draw fun(n: integer): integer a number from 1 to n
---@param text fun(most: integer?): string the texts in it
---@return any
return function(s, draw, text)
  return make(s, draw, text, 1)
end
