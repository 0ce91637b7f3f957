-- Checks of arguments at the library's public entries.

local nearest = require "fellowship.base.nearest"

local check = {}

local type, subtype = type, math.type

-- The types that a text names.
local types_in = setmetatable({}, { __index = function(known, wanted)
  local found = {}
  for choice in wanted:gmatch "[^|]+" do found[choice] = true end
  known[wanted] = found
  return found
end })

local function fits(value, wanted)
  local found = types_in[wanted]
  return found[type(value)] or found[math.type(value) or "any"] or found.any or false
end

--- Checks one argument's type.
---@param name string how the message calls it
---@param value any
---@param wanted string Lua types, "integer" too, separated by |
---@param level? integer as error's
function check.type(name, value, wanted, level)
  if fits(value, wanted) then return end
  error(("%s must be %s, not %s"):format(name, wanted:gsub("|", " or "), type(value)), (level or 2) + 1)
end

-- The types, as Lua or math.type say them, of which a value of a kind is, as it stands: a float is not that is to be made
-- an integer.
local function types_at_once(wanted)
  local found = {}
  for choice in next, types_in[wanted] do found[choice] = true end
  if found.number then found.integer, found.float = true, not wanted:find("integer", 1, true) end
  return found.any and setmetatable({}, { __index = function() return true end }) or found
end

-- What is known of tables of options: a list in the order of their names, { name, type, optional }; of each name the
-- types that fit at once; and the names of those that must be there.
local compiled = setmetatable({}, { __mode = "k", __index = function(all, known)
  local found = { list = {}, by_name = {}, needed = {} }
  for i, name in ipairs(nearest.names(known)) do
    local wanted, optional = known[name]:gsub("%?$", "")
    local option = { name = name, wanted = wanted, optional = optional > 0,
      whole = wanted:find("integer", 1, true) ~= nil }
    found.list[i], found.by_name[name] = option, types_at_once(wanted)
    if not option.optional then found.needed[#found.needed + 1] = name end
  end
  all[known] = found
  return found
end })

--- Whether options are well at a glance: nothing unknown, everything of a type that fits, nothing left out. Most are.
local function is_plain(options, found)
  local by_name, needed = found.by_name, found.needed
  for name, value in next, options do
    local types, found_type = by_name[name], type(value)
    if not (types and types[found_type == "number" and subtype(value) or found_type]) then return false end
  end
  for i = 1, #needed do
    if options[needed[i]] == nil then return false end
  end
  return true
end

--- Checks a table of options: every key known, every value of its type, required ones there.
--- Example: `check.options("judge", options, { model = "string|table", scale = "integer?" })`
---@param what string the function's name, for messages
---@param options table
---@param known table<string, string> type of each option; one that ends in ? may be left out; it stays as it is
---@param level? integer as error's
function check.options(what, options, known, level)
  level = (level or 2) + 1
  if type(options) ~= "table" then check.type(what .. "'s options", options, "table", level - 1) end
  local found = compiled[known]
  if is_plain(options, found) then return end
  for key in pairs(options) do
    if not known[key] then
      local hint = type(key) == "string" and nearest.hint(key, nearest.names(known)) or ""
      error(('%s has no option "%s"%s (it has %s)'):format(what, tostring(key), hint,
        table.concat(nearest.names(known), ", ")), level)
    end
  end
  for _, option in ipairs(found.list) do
    local key = option.name
    local value = options[key]
    if value == nil then
      if not option.optional then error(("%s needs the option %s"):format(what, key), level) end
    else
      if option.whole and math.type(value) == "float" then -- 10.0, as other codecs give whole numbers
        value = math.tointeger(value) or value
        options[key] = value
      end
      if not fits(value, option.wanted) then
        check.type(("%s's option %s"):format(what, key), value, option.wanted, level - 1)
      end
    end
  end
end

--- Checks that a method was called with a colon: that its first argument is an object of its class.
---@param self any
---@param class table the metatable of such objects
---@param written string how it is called: "m:ask"
function check.method(self, class, written)
  if getmetatable(self) == class then return end
  local object, name = written:match "^(.-):(.*)$"
  error(("call it with a colon: %s:%s(...), not %s.%s(...)"):format(object, name, object, name), 3)
end

--- Checks that a function got no argument more than it takes.
---@param what string the function's name
---@param takes string what it takes
---@param ... any what came behind that
function check.no_more(what, takes, ...)
  local count = select("#", ...)
  if count == 0 then return end
  error(("%s takes %s; the %s behind it is too much"):format(what, takes, type((...))), 3)
end

--- Checks that a value is one of some strings.
---@param name string
---@param value any
---@param choices string[]
---@param level? integer
function check.choice(name, value, choices, level)
  for _, choice in ipairs(choices) do
    if value == choice then return end
  end
  error(('%s must be one of %s, not "%s"'):format(name, table.concat(choices, ", "), tostring(value)),
    (level or 2) + 1)
end

return check
