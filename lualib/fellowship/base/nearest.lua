-- The nearest known name to one that is not known, for messages.

local nearest = {}

--- Edits (insert, delete, replace, swap of neighbours) between two strings: the optimal string
--- alignment distance.
---@param a string
---@param b string
---@return integer
function nearest.distance(a, b)
  local before, previous = {}, {}
  for j = 0, #b do previous[j] = j end
  for i = 1, #a do
    local current = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local best = math.min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        best = math.min(best, before[j - 2] + 1)
      end
      current[j] = best
    end
    before, previous = previous, current
  end
  return previous[#b]
end

--- The known name that `name` was probably meant to be, or nil when none is near.
---@param name string
---@param known string[]
---@return string?
function nearest.find(name, known)
  local best, least = nil, math.max(2, #name // 3) + 1
  for _, candidate in ipairs(known) do
    local d = nearest.distance(name:lower(), candidate:lower())
    if candidate:sub(1, #name) == name then d = math.min(d, 1) end
    if d < least then
      best, least = candidate, d
    end
  end
  return best
end

--- The names that a table has, sorted: what there is to choose from.
---@param t table<string, any>
---@return string[]
function nearest.names(t)
  local names = {}
  for name in pairs(t) do names[#names + 1] = tostring(name) end
  table.sort(names)
  return names
end

--- `; did you mean "judge"?`, or an empty string.
---@param name string
---@param known string[]
---@return string
function nearest.hint(name, known)
  local found = nearest.find(name, known)
  return found and ('; did you mean "%s"?'):format(found) or ""
end

return nearest
