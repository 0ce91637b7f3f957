-- Scales of figures: where a value lies, and round values to mark.

local scale = {}

--- A step of 1, 2 or 5 times a power of ten that makes about so many of a span.
local function step_of(span, count)
  local raw = span / count
  local power = 10.0 ^ math.floor(math.log(raw, 10))
  for _, times in ipairs { 1, 2, 5 } do
    if raw <= times * power * 1.0000001 then return times * power end
  end
  return 10 * power
end

--- Round values from a span, about `count` of them, and the span widened to the outermost.
--- Example: `scale.ticks(0.1, 0.9, 4)` gives { 0, 0.2, 0.4, 0.6, 0.8, 1 }
---@param from number
---@param to number
---@param count? integer 5 when not given
---@return number[]
function scale.ticks(from, to, count)
  if to <= from then from, to = from - 0.5, from + 0.5 end
  local step, list = step_of(to - from, count or 5), {}
  local first, last = math.floor(from / step + 1e-9), math.ceil(to / step - 1e-9)
  for i = first, last do list[#list + 1] = i * step end
  return list
end

--- Where values lie between two coordinates.
---@param from number
---@param to number
---@param first number coordinate of from
---@param last number coordinate of to
---@return fun(value: number): number
function scale.linear(from, to, first, last)
  local by = to > from and (last - first) / (to - from) or 0
  return function(value) return first + (value - from) * by end
end

--- A number as an axis or a table shows it: whole ones plain, others with as few decimals as tell it.
---@param value number
---@param decimals? integer 3 when not given
---@return string
function scale.shown(value, decimals)
  if value ~= value or value == math.huge or value == -math.huge then return tostring(value) end
  if math.type(value) == "integer" then return ("%d"):format(value) end
  local s = ("%." .. (decimals or 3) .. "f"):format(value):gsub("(%.%d-)0+$", "%1"):gsub("%.$", "")
  return s == "-0" and "0" or s
end

--- An interval for people.
---@param low number?
---@param high number?
---@return string? nil where there is none
function scale.interval(low, high)
  return low and high and ("%.3f to %.3f"):format(low, high) or nil
end

return scale
