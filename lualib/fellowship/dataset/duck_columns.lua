-- How columns of DuckDB's types become JSON: decimals and what has its own clock as text, binary data in base 64, at any
-- depth.

local columns = {}

local function identifier(name)
  return '"' .. name:gsub('"', '""') .. '"'
end

--- Where a token of SQL that begins at `at` ends, if semicolons mean nothing in it: strings, quoted names, comments.
---@param sql string
---@param at integer
---@return integer?
function columns.opaque(sql, at)
  local two = sql:sub(at, at + 1)
  if two == "--" then return (sql:find("\n", at, true) or #sql) end
  if two == "/*" then return select(2, sql:find("*/", at + 2, true)) or #sql end
  local tag = sql:match("^%$[%w_]*%$", at)
  if tag then return select(2, sql:find(tag, at + #tag, true)) or #sql end
  local quote = sql:match("^['\"]", at)
  return quote and (sql:find(quote, at + 1, true) or #sql) or nil
end

--- A type with others in the place of some words, nested ones too, but for those in quotes.
local function replaced(type, from, to)
  local at, parts = 1, {}
  while at <= #type do
    local stop = columns.opaque(type, at)
    local bare = not stop and (type:find("['\"$]", at) or #type + 1) - 1
    parts[#parts + 1] = stop and type:sub(at, stop) or type:sub(at, bare):gsub(from, to)
    at = (stop or bare) + 1
  end
  return table.concat(parts)
end

-- ---- binary data within lists and structs ----

--- Parts of a type's list at its commas: "a BLOB, b INTEGER[]".
local function parts_of(inside)
  local parts, at, from, depth = {}, 1, 1, 0
  while at <= #inside do
    local stop, char = columns.opaque(inside, at), inside:sub(at, at)
    if char == "(" then depth = depth + 1 elseif char == ")" then depth = depth - 1 end
    if char == "," and depth == 0 then
      parts[#parts + 1] = inside:sub(from, at - 1)
      from = at + 1
    end
    at = (stop or at) + 1
  end
  parts[#parts + 1] = inside:sub(from)
  return parts
end

local convert

--- { name = ... } of a struct, null where it is null.
local function convert_struct(inside, value, depth)
  local fields = {}
  for i, part in ipairs(parts_of(inside)) do
    local name, type = part:match '^%s*(".-")%s+([^"].*)$'
    if not name then name, type = part:match "^%s*(%S+)%s+(.+)$" end
    fields[i] = ("%s := %s"):format(name, convert(type, ("(%s).%s"):format(value, name), depth))
  end
  return ("CASE WHEN %s IS NULL THEN NULL ELSE struct_pack(%s) END"):format(value, table.concat(fields, ", "))
end

local function convert_list(inner, value, depth)
  local each = "e" .. depth
  return ("list_transform(%s, lambda %s: %s)"):format(value, each, convert(inner, each, depth + 1))
end

--- An expression of SQL for a value of a type that may hold binary data.
function convert(type, value, depth)
  type = type:match "^%s*(.-)%s*$"
  if type == "BLOB" then return ("base64(%s)"):format(value) end
  if type:find "^DECIMAL%b()$" or type == "BIGNUM" then return ("CAST(%s AS VARCHAR)"):format(value) end
  local inner = type:match "^(.*)%[%d*%]$"
  if inner then return convert_list(inner, value, depth) end
  local inside = type:match "^STRUCT%((.*)%)$"
  if inside then return convert_struct(inside, value, depth) end
  inside = type:match "^MAP%((.*)%)$"
  local held = inside and parts_of(inside)[2]
  if held then
    return ("map(map_keys(%s), %s)"):format(value, convert_list(held, ("map_values(%s)"):format(value), depth))
  end
  return value
end

--- The expression of SQL that reads a column.
---@param column { column_name: string, column_type: string } as DESCRIBE says it
---@return string
function columns.expression(column)
  local name, type = identifier(column.column_name), column.column_type
  if replaced(type, "%f[%w_]BLOB%f[^%w_]", "") ~= type then return ("%s AS %s"):format(convert(type, name, 1), name) end
  local plain = replaced(replaced(type, "DECIMAL%b()", "VARCHAR"), "BIGNUM", "VARCHAR")
  if type == "JSON" then plain = "VARCHAR" end -- its text as it stands; decoded here
  return plain ~= type and ("CAST(%s AS %s) AS %s"):format(name, plain, name) or name
end

return columns
