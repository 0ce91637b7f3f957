-- Tables made of others.

local type, next, integer_or_float = type, next, math.type -- of each call

local tables = {}

--- A new table with the fields of up to three; later ones count, nil stands for none.
--- Example: `print(tables.merged({ a = 1, b = 1 }, { b = 2 }).b) --> 2`
---@param first table?
---@param second table?
---@param third table?
---@return table
function tables.merged(first, second, third)
  local all = {}
  if first then for key, value in next, first do all[key] = value end end
  if second then for key, value in next, second do all[key] = value end end
  if third then for key, value in next, third do all[key] = value end end
  return all
end

--- A copy of the table itself, not of the tables in it, without its metatable.
---@param original table
---@return table
function tables.copy(original)
  local copy = {}
  for key, value in next, original do copy[key] = value end
  return copy
end

--- Whether two tables have the same texts, numbers and booleans; tables in them are taken to differ.
---@param a table
---@param b table
---@return boolean
function tables.are_same(a, b)
  for name, value in next, a do
    local other = b[name]
    if other ~= value or type(value) == "table" or integer_or_float(value) ~= integer_or_float(other) then
      return false
    end
  end
  for name in next, b do
    if a[name] == nil then return false end
  end
  return true
end

return tables
