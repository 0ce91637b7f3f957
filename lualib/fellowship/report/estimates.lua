-- Estimates with intervals, wherever results hold them: NAME beside NAME_ci95, or ci95 beside what it is the interval of.

local json = require "fellowship.core.json"

local estimates = {}

-- What an object with a ci95 may call its estimate.
local VALUES = { "rate", "value", "strength", "first_wins", "estimate", "mean", "share" }
local DEEPEST = 5

--- A number of results; nil for null and for what is none.
---@param value any
---@return number?
function estimates.number(value)
  return type(value) ~= "boolean" and json.tonumber(value) or nil
end

--- Both ends of an interval; nothing where there is none.
---@param value any
---@return number?
---@return number?
function estimates.ends(value)
  if type(value) ~= "table" then return nil end
  local low, high = estimates.number(value[1]), estimates.number(value[2])
  if low and high then return low, high end
end

--- A name of JSON as people write it.
---@param key string
---@return string
function estimates.words(key) return (key:gsub("_", " ")) end

local function own_value(object)
  for _, key in ipairs(VALUES) do
    local value = estimates.number(object[key])
    if value then return value, key end
  end
end

local function walk(object, path, list, skipped, depth)
  local low, high = estimates.ends(object.ci95)
  local value, key = own_value(object)
  if low and value then
    list[#list + 1] = { label = path == "" and estimates.words(key) or path, value = value, low = low, high = high,
      n = estimates.number(object.n) }
  end
  for _, name in ipairs(json.keys(object)) do
    local inner = object[name]
    local label = path == "" and estimates.words(name) or path .. ", " .. estimates.words(name)
    local from, to = estimates.ends(object[name .. "_ci95"])
    if from and estimates.number(inner) and not skipped[name] then
      list[#list + 1] = { label = label, value = estimates.number(inner), low = from, high = to,
        n = estimates.number(object.n) }
    end
    if type(inner) == "table" and not json.is_array(inner) and not skipped[name] and depth < DEEPEST then
      walk(inner, label, list, skipped, depth + 1)
    end
  end
end

--- The estimates in an object of results, in their order.
---@param object table
---@param skipped? table<string, boolean> names that are shown elsewhere
---@return fellowship.report.Estimate[]
function estimates.of(object, skipped)
  local list = {}
  walk(object, "", list, skipped or {}, 1)
  return list
end

return estimates
