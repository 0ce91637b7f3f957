-- Checks of arguments at the library's public entries.

local nearest = require "fellowship.base.nearest"

local check = {}

local function fits(value, wanted)
  local found = math.type(value) or type(value)
  for choice in wanted:gmatch "[^|]+" do
    if choice == found or choice == type(value) or choice == "any" then return true end
  end
  return false
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

--- Checks a table of options: every key known, every value of its type, required ones there.
--- Example: `check.options("judge", options, { model = "string|table", scale = "integer?" })`
---@param what string the function's name, for messages
---@param options table
---@param known table<string, string> type of each option; one that ends in ? may be left out
---@param level? integer as error's
function check.options(what, options, known, level)
  level = (level or 2) + 1
  check.type(what .. "'s options", options, "table", level - 1)
  for key in pairs(options) do
    if not known[key] then
      local hint = type(key) == "string" and nearest.hint(key, nearest.names(known)) or ""
      error(('%s has no option "%s"%s (it has %s)'):format(what, tostring(key), hint,
        table.concat(nearest.names(known), ", ")), level)
    end
  end
  for _, key in ipairs(nearest.names(known)) do
    local wanted, optional = known[key]:gsub("%?$", "")
    local value = options[key]
    if value == nil then
      if optional == 0 then error(("%s needs the option %s"):format(what, key), level) end
    else
      if math.type(value) == "float" and wanted:find("integer", 1, true) then -- 10.0, as other codecs give whole numbers
        value = math.tointeger(value) or value
        options[key] = value
      end
      check.type(("%s's option %s"):format(what, key), value, wanted, level - 1)
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
