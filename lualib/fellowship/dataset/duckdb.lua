-- Parquet, Arrow, SQL and remote data through DuckDB's own program (https://duckdb.org), which people have for it. It
-- runs as a child whose rows are read as JSON Lines while it goes on, and which makes Parquet of JSON Lines.

local child = require "fellowship.core.child"
local core = require "fellowship.core.rows"
local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local text = require "fellowship.base.text"
local columns = require "fellowship.dataset.duck_columns"
local naming = require "fellowship.dataset.naming"

local duckdb = {}

-- Variables of the environment that its program must not see: keys of models, which SQL could read.
local hidden = { "*_API_KEY" }

--- Hides one more, where there is one.
---@param variable? string
function duckdb.hide(variable)
  hidden[#hidden + 1] = variable
end

local GET = "there is no program `duckdb` in the PATH. Get it with `pip install duckdb-cli`, `brew install duckdb` or "
  .. "from https://duckdb.org/install; nothing else needs it"

local function fail(message, ...)
  errors.raise { kind = "file", fatal = true, message = message:format(...) }
end

--- Whether the program is there.
---@return boolean
function duckdb.is_there()
  for folder in ((os.getenv "PATH" or "") .. ":"):gmatch "([^:]*):" do
    if sys.kind((folder == "" and "." or folder) .. "/duckdb") == "file" then return true end
  end
  return false
end

--- Raises where it is not.
---@param what string what cannot be done without it
function duckdb.check(what)
  if not duckdb.is_there() then fail("cannot %s: %s", what, GET) end
end

-- ---- running it ----

-- One thread keeps its memory small: with more, rows wait in it for whoever reads them.
local SETTINGS = "SET enable_progress_bar = false; SET threads = 1"

--- Starts it on some statements; what those in `before` give is not wanted.
local function start(before, sql, what)
  duckdb.check(what)
  local program, problem = child.start({ "duckdb", "-init", "/dev/null", "-c", ".mode trash", "-c", SETTINGS,
    "-c", before .. ";", "-c", ".mode jsonlines", "-c", sql }, { output = true, hide = hidden })
  if not program then fail("cannot %s: %s", what, problem.message) end
  return program
end

-- What to do where the extension for Arrow's files cannot be had.
local NO_ARROW = "DuckDB reads Arrow's files by its extension nanoarrow, which it fetches once, and could not: with a "
  .. "network it can; without one, Polars makes Parquet of them: "
  .. "pl.read_ipc(\"x.arrow\").write_parquet(\"x.parquet\"), or pl.read_ipc_stream of what `datasets` keeps"

--- What it complained of, in a line or two.
local function complaint_of(status, complaint)
  if not status then return "duckdb was ended: " .. complaint end
  if complaint:find("extension \"nanoarrow\"", 1, true) then return NO_ARROW end
  local lines = {}
  for line in text.printable(complaint):gmatch "[^\n]+" do
    if not line:find "^%s*%^?%s*$" and not line:find "^LINE %d" and #lines < 3 then lines[#lines + 1] = line end
  end
  return "DuckDB says: " .. (lines[1] and table.concat(lines, " ") or "status " .. status)
end

--- Waits for its end; raises when it did not end well.
local function conclude(program, what)
  local status, complaint = program:wait()
  if status ~= 0 then fail("cannot %s: %s", what, complaint_of(status, complaint)) end
end

--- All rows of a small result.
local function all(before, sql, what)
  local program <close> = start(before, sql, what)
  local rows, list = assert(core.open(program:output(), { format = "jsonl", name = "duckdb" })), {}
  while true do
    local row, line = rows:next()
    if not row and line == nil then break end
    if not row then fail("cannot %s: what DuckDB says cannot be read: %s", what, line.message) end
    list[#list + 1] = row
  end
  rows:close()
  conclude(program, what)
  return list
end

-- ---- SQL ----

local function quoted(value)
  return "'" .. value:gsub("'", "''") .. "'"
end

--- Parts statements of SQL: those before the last one, and the last one.
---@param sql string
---@return string before
---@return string last
function duckdb.split(sql)
  local statements, at, from, filled = {}, 1, 1, false
  while at <= #sql + 1 do
    local stop, is_end = columns.opaque(sql, at), at > #sql or sql:byte(at) == 59 -- ;
    if is_end and filled then statements[#statements + 1] = { from = from, to = at - 1 } end
    if is_end then from, filled = at + 1, false end
    local is_comment = stop and (sql:find("^%-%-", at) or sql:find("^/%*", at))
    if not is_end and not is_comment and sql:find("^%S", at) then filled = true end
    at = (stop or at) + 1
  end
  local last = statements[#statements]
  if not last then return "", sql end
  return sql:sub(1, last.from - 1), sql:sub(last.from, last.to)
end

-- DuckDB reads Arrow's files by an extension, which it fetches once.
local ARROW = "INSTALL nanoarrow FROM community; LOAD nanoarrow"

--- What must be run before the query that reads a dataset, the query, and whether it reads Parquet.
local function query_of(name)
  if name:find "^sql:" then return duckdb.split(name:sub(5)) end
  local path, bare = quoted(name), name:lower():gsub("%.gz$", ""):gsub("%.zst$", "")
  if naming.is_elsewhere(name) and bare:find "%.[ct]sv$" then
    return "", "FROM read_csv(" .. path .. ", all_varchar = true, nullstr = '\\x01')" -- "" is a text
  end
  if bare:find "%.arrows?$" or bare:find "%.feather$" or bare:find "%.ipc$" then
    return ARROW, "FROM read_arrow(" .. path .. ")"
  end
  local is_parquet = bare:find "%.parquet$" or bare:find "%.pq$" or not naming.is_duckdbs(bare)
  return "", is_parquet and "FROM read_parquet(" .. path .. ")" or "FROM " .. path, is_parquet
end

--- Decimals of more than 38 digits, which it reads as other numbers, are refused; it takes them for DOUBLE.
local function check_decimals(name, described, what)
  local perhaps = false
  for _, column in ipairs(described) do perhaps = perhaps or column.column_type:find("DOUBLE", 1, true) end
  if not perhaps then return end
  local found = all("", ("SELECT name, precision FROM parquet_schema(%s) WHERE precision > 38"):format(quoted(name)),
    what)
  if found[1] then
    fail("cannot %s: the column \"%s\" holds decimals of %s digits, which DuckDB reads as other numbers; write them "
      .. "with 38 digits at most, or as text", what, tostring(found[1].name), tostring(found[1].precision))
  end
end

--- Addresses of JSON Lines: their lines are passed on as they stand, since DuckDB's types would change values.
local function lines_of(name)
  local bare = name:lower():gsub("%.gz$", ""):gsub("%.zst$", "")
  local is_lines = bare:find "%.jsonl$" or bare:find "%.ndjson$"
  if not is_lines or not naming.is_elsewhere(name) or bare:find "^sql:" then return nil end
  return ([[COPY (FROM read_csv(%s, columns = {line: 'VARCHAR'}, auto_detect = false, header = false, delim = '\x01',
    quote = '', escape = '', max_line_size = 1000000000, strict_mode = false)) TO '/dev/stdout'
    (FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '', USE_TMP_FILE false)]]):format(quoted(name))
end

-- ---- reading ----

-- The query stands on lines of its own: it may end in a comment.
local DESCRIBE = "SELECT column_name, column_type FROM (DESCRIBE (\n%s\n))"
local COPY = "COPY (SELECT %s FROM (\n%s\n)) TO '/dev/stdout' (FORMAT json, USE_TMP_FILE false)"

---@class fellowship.DuckRows rows as fellowship.core.rows has them
local Rows = {}
Rows.__index = Rows

--- Opens a dataset; raises when it cannot be read.
---@param name string
---@param nan? "error"|"null"|"text" what NaN is read as; texts when not given
---@return fellowship.DuckRows
function duckdb.open(name, nan)
  local shown = text.fit(name, 60)
  local what, before, sql, decoded = "read " .. shown, "", lines_of(name), {}
  if not sql then
    local query, is_parquet
    before, query, is_parquet = query_of(name)
    local list, described = {}, all(before, DESCRIBE:format(query), what)
    if is_parquet then check_decimals(name, described, what) end
    for i, column in ipairs(described) do
      list[i] = columns.expression(column)
      if column.column_type == "JSON" then decoded[#decoded + 1] = column.column_name end
      if column.column_type:find("TIME ZONE", 1, true) then before = "SET TimeZone = 'UTC'; " .. before end
    end
    sql = COPY:format(table.concat(list, ", "), query)
  end
  local program = start(before, sql, what)
  local source, problem = core.open(program:output(), { format = "jsonl", name = shown, nan = nan or "text" })
  if not source then fail("%s", problem.message) end
  return setmetatable({ program = program, source = source, what = what, decoded = decoded }, Rows)
end

--- The next row, as fellowship.core.rows gives it.
function Rows:next()
  local row, line, place = self.source:next()
  if row then
    for _, name in ipairs(self.decoded) do
      local value = row[name]
      if type(value) == "string" then row[name] = json.decode(value) end
    end
  elseif line == nil then
    conclude(self.program, self.what)
  end
  return row, line, place
end

function Rows:close()
  self.source:close()
  self.program:close()
end

-- ---- writing ----

-- Rows of a row group, which readers have in memory at once, and bytes that it should not have more of.
local GROUP_ROWS, GROUP_BYTES, FEWEST = 122880, 64 << 20, 2048

--- Makes a Parquet file of JSON Lines.
---@param from string
---@param to string
---@param written fellowship.writer.column[]
---@param rows integer
---@param bytes integer
---@param longest integer bytes of the longest row
function duckdb.to_parquet(from, to, written, rows, bytes, longest)
  local what, types = "write " .. to, {}
  for i, column in ipairs(written) do
    types[i] = ("%s: %s"):format(quoted(column.name), quoted(column.type))
  end
  local group = rows > 0 and math.max(FEWEST, math.min(GROUP_ROWS, GROUP_BYTES * rows // math.max(bytes, 1))) or FEWEST
  local program <close> = start("", ([[COPY (FROM read_json(%s, format = 'newline_delimited', columns = {%s},
    maximum_object_size = %d)) TO %s (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE %d)]]):format(quoted(from),
    table.concat(types, ", "), math.max(16 << 20, longest + 1), quoted(to), group), what)
  conclude(program, what)
end

return duckdb
