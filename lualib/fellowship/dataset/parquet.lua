-- Parquet out: rows are written as JSON Lines first, and made a table of when all of them are there, with types that
-- hold every value.

local child = require "fellowship.core.child"
local sys = require "fellowship.core.sys"
local say = require "fellowship.base.say"
local duckdb = require "fellowship.dataset.duckdb"

local parquet = {
  warn = say.note, ---@type fun(said: string)
}

--- The name under which rows stand before they are a table; they stay there when something goes wrong.
---@param target string
---@return string
function parquet.rows_of(target)
  return target .. ".jsonl.partial"
end

local function shown(column)
  local clash = column.clash
  if clash[1] == clash[2] then return ('"%s": %s in row %d'):format(column.name, clash[1], clash[3]) end
  return ('"%s" (%s in row %d, %s in row %d)'):format(column.name, clash[1], clash[3], clash[2], clash[4])
end

--- Tells of columns that no one type holds, and of numbers that no type does.
local function tell(target, columns, types)
  local list = {}
  for _, column in ipairs(columns) do
    if column.clash and not types[column.name] then list[#list + 1] = shown(column) end
    if column.rounds then
      parquet.warn(('%s: "%s" has numbers of more digits than a table holds, which are rounded'):format(target,
        column.name))
    end
  end
  if #list > 0 then
    parquet.warn(("%s: of no one type, and therefore written as JSON: %s"):format(target, table.concat(list, ", ")))
  end
end

--- The columns with the types that were asked for; those that no row has are texts, unless their type is said.
local function typed(found, names, types)
  local list, known = {}, {}
  for _, name in ipairs(names or {}) do known[name] = { name = name, type = types[name] or "VARCHAR" } end
  for _, column in ipairs(found) do
    known[column.name] = { name = column.name, type = types[column.name] or column.type }
  end
  for _, name in ipairs(names or {}) do
    list[#list + 1] = known[name]
    known[name] = nil
  end
  for _, column in ipairs(found) do list[#list + 1] = known[column.name] end
  return list
end

--- Ends a file of rows and makes PATH.partial of it, on the disk. Nil and a problem, or raises; the rows are left then.
---@param file fellowship.writer opened under rows_of(target), with columns
---@param target string
---@param o { columns: string[]?, types: table<string, string>?, rows: integer, bytes: integer }
---@return true? well
---@return { message: string }? problem
function parquet.finish(file, target, o)
  local found, longest, named = file:columns()
  local well, problem = file:close()
  if not well then return nil, problem end
  local types = o.types or {}
  local columns = typed(found, o.columns, types)
  if #columns == 0 then
    return nil, { message = "it has no rows, and a table needs a column: give the writer columns = {...}" }
  end
  if not named then
    return nil, { message = ("two of its columns have names that differ by case alone, or one has none, which no table "
      .. "can tell apart; its rows are in %s"):format(parquet.rows_of(target)) }
  end
  tell(target, found, types)
  duckdb.to_parquet(parquet.rows_of(target), target .. ".partial", columns, o.rows, o.bytes, longest)
  local sync <close> = child.start { "sync", target .. ".partial" } -- where there is no such program, the system's time
  if sync then sync:wait() end
  return sys.remove(parquet.rows_of(target))
end

return parquet
