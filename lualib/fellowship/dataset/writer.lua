-- Rows out: JSON Lines, JSON, CSV or TSV, whole rows only, under a name of their own until they are complete.

local core = require "fellowship.core.writer"
local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local check = require "fellowship.base.check"
local errors = require "fellowship.base.errors"
local lazy = require "fellowship.base.lazy"
local naming = require "fellowship.dataset.naming"

local duckdb, parquet = lazy "fellowship.dataset.duckdb", lazy "fellowship.dataset.parquet"

local writer = {
  dry = false, -- rows are checked and compressed as ever, and written nowhere
}

---@class fellowship.WriterOptions
---@field format? "jsonl"|"json"|"csv"|"tsv"|"parquet" where the path's ending does not say it
---@field level? integer of the compression
---@field columns? string[] of CSV and TSV, the first row's keys when not given; of JSON the order of keys, others behind
---@field types? table<string, string> of Parquet: types of columns, as SQL has them, in place of those that the rows show
---@field sharded? boolean several files, NAME-00000-of-00004.jsonl and so on
---@field max_rows? integer of one of these files
---@field max_bytes? integer the same, before compression: the row that reaches it is the file's last

---@class fellowship.Writer
---@field path string
---@field rows integer written so far
---@field files? string[] names of the files it made, without folder, once it is closed
---@field package held? (fun())[] takes what gives its files their names, in place of doing so when it is closed
local Writer = {}
Writer.__index = Writer
Writer.__name = "fellowship.Writer"

local KNOWN = { format = "string?", level = "integer?", columns = "table?", types = "table?", sharded = "boolean?",
  max_rows = "integer?", max_bytes = "integer?" }

-- What loaders of datasets take for a good size of a file.
local MAX_BYTES = 500 * 1000 * 1000

local function raise(path, problem)
  errors.raise { kind = "file", fatal = true, message = ("cannot write %s: %s"):format(path, problem.message) }
end

--- Opens the file that the next rows go to.
local function open_file(self)
  self.target = self.sharded and naming.shard(self.name, self.shards + 1) or self.path
  local obstacle = not writer.dry and sys.obstacle(self.target)
  if obstacle then raise(self.target, { message = ("it is %s; name another file"):format(obstacle) }) end
  local table_of = self.format == "parquet"
  local options = { format = table_of and "jsonl" or self.format or "jsonl", compression = self.name.compression,
    level = self.level, columns = table_of }
  local path = table_of and parquet.rows_of(self.target) or self.target .. ".partial"
  if writer.dry then path = "/dev/null" end
  local file, problem = core.open(path, options)
  if not file then
    collectgarbage() -- a writer that was left unclosed, and that nobody has any more, has the file until then
    file, problem = core.open(path, options)
  end
  if not file then raise(self.target, problem) end
  self.file, self.rows_here, self.bytes_here = file, 0, 0
  self.shards = self.shards + 1
end

local function check_positive(options, name)
  local value = options[name]
  if value and value < 1 then error(("the writer's %s must be 1 or more, not %d"):format(name, value), 4) end
  if value and not options.sharded then error(("the writer's %s is for sharded = true"):format(name), 4) end
end

--- The options, checked. "-" is refused: standard output has no name to give to a complete file.
local function check_arguments(path, options, name)
  check.type("writer's path", path, "string", 3)
  check.options("writer", options, KNOWN, 3)
  if path == "-" or path == "" then error(('a writer needs the name of a file, not "%s"'):format(path), 3) end
  if options.format then
    check.choice("the writer's format", options.format, { "jsonl", "json", "csv", "tsv", "parquet" }, 3)
  end
  if name.format == "parquet" and name.compression then
    error(("%s: Parquet is compressed by itself; leave %s away"):format(path, name.packed), 3)
  end
  if options.level and not name.compression then
    error(("level is for compressed files (.gz, .zst, .xz, .bz2), and %s is a plain one"):format(path), 3)
  end
  check_positive(options, "max_rows")
  check_positive(options, "max_bytes")
  for i, column in ipairs(options.columns or {}) do
    check.type(("the writer's column %d"):format(i), column, "string", 3)
  end
  for column, type in pairs(options.types or {}) do
    check.type(("the type of the writer's column %s"):format(column), type, "string", 3)
  end
end

--- Opens a file to write rows to: JSON Lines (.jsonl, .ndjson, or no ending), a JSON array (.json), CSV or
--- TSV, compressed by .gz, .zst, .xz or .bz2 behind it. Rows go to PATH.partial, which is on the disk and
--- renamed to PATH when the writer is closed without an error; what an error interrupts stays .partial.
---
--- With `sharded`, rows go to several files of at most `max_rows` rows and about `max_bytes` bytes (500 MB
--- when not said): "data/dpo.jsonl" is data/dpo-00000-of-00002.jsonl and data/dpo-00001-of-00002.jsonl, and
--- when they are complete, files that an earlier run left under such a name are removed.
---
--- Parquet (.parquet) is made through DuckDB's program, where it is installed, of all rows when the writer is closed;
--- each column gets the type that holds all of its values (or that `types` says), or is JSON when none does, which is
--- told. Until then, and when something goes wrong, rows are in PATH.jsonl.partial.
---
--- CSV has the columns of the first row, or `columns`; a later key that is no column is an error, a missing
--- one an empty cell. It holds text only: numbers, booleans and JSON for tables read back as text unless
--- their types are said, and null, "" and a missing key are all the same empty cell.
--- Example: `local out <close> = fellowship.writer "answers.jsonl"; out:write { id = 1, text = "yes" }`
---@param path string
---@param options? fellowship.WriterOptions
---@return fellowship.Writer
function writer.open(path, options)
  options = options or {}
  local name = type(path) == "string" and naming.read(path) or nil
  check_arguments(path, options, name)
  local self = setmetatable({ path = path, name = name, rows = 0, format = options.format or name.format,
    level = options.level, sharded = options.sharded or false, columns = options.columns, shards = 0,
    max_rows = options.max_rows or math.maxinteger, max_bytes = options.max_bytes or MAX_BYTES }, Writer)
  if not self.format and not name.stem:find "%.%w+$" then self.format = "jsonl" end
  self.ordered = self.columns ~= nil and self.format ~= "csv" and self.format ~= "tsv"
  self.types = options.types
  if self.format == "parquet" and not writer.dry then duckdb.check("write " .. path) end
  open_file(self)
  return self
end

--- Ends the file that is open; a sharded or held one keeps its partial name.
local function close_file(self)
  local file, named = self.file, not (self.sharded or writer.dry or self.held)
  self.file = nil
  local well, problem
  if self.format == "parquet" and not writer.dry then
    well, problem = parquet.finish(file, self.target, { columns = self.columns, types = self.types,
      rows = self.rows_here, bytes = self.bytes_here })
    if well and named then well, problem = sys.rename(self.path .. ".partial", self.path) end
  else
    well, problem = file:close(named and self.path or nil)
  end
  if not well then raise(self.target, problem) end
end

--- Before the first row of a file: what its format wants.
local function begin(self, row)
  if not self.format then
    raise(self.path, { message = "its ending names no format of rows (.jsonl, .json, .csv, .tsv, each also with "
      .. '.gz, .zst, .xz or .bz2); rename it, or give the writer format = "jsonl"' })
  end
  if self.format ~= "csv" and self.format ~= "tsv" then return end
  self.columns = self.columns or json.keys(row)
  if #self.columns == 0 then
    raise(self.path, { message = "a row without keys makes no columns; give the writer columns = {...}" })
  end
  local well, problem = self.file:header(self.columns)
  if not well then raise(self.target, problem) end
end

--- Writes one row. Keys stand in the order of `columns`; without, those of rows that were read keep theirs, and others
--- are sorted. May suspend the task
--- while the disk is slower.
--- Example:
---     local out <close> = fellowship.writer "answers.jsonl"
---     out:write { id = 1, text = "yes" }
---@param row table
function Writer:write(row)
  check.method(self, Writer, "out:write")
  if type(row) ~= "table" then check.type("the row", row, "table") end
  if self.sharded and (self.rows_here >= self.max_rows or self.bytes_here >= self.max_bytes) then
    close_file(self)
    open_file(self)
  end
  if self.rows_here == 0 then begin(self, row) end
  self.rows_here = self.rows_here + 1
  if self.ordered then row = json.object(row, self.columns) end
  local bytes, problem = self.file:write(row)
  if not bytes then raise(self.target, problem) end
  self.bytes_here = bytes
  self.rows = self.rows + 1
end

--- Writes text as it is.
--- Example:
---     local out <close> = fellowship.writer "notes.txt"
---     out:write_text "as it is\n"
---@param text string
function Writer:write_text(text)
  check.method(self, Writer, "out:write_text")
  if self.format == "parquet" then error("a Parquet file holds rows alone", 2) end
  local well, problem = self.file:write_text(text)
  if not well then raise(self.target, problem) end
end

local function rename(from, to)
  local well, problem = sys.rename(from, to)
  if not well then raise(to, problem) end
end

--- Gives the complete files of a sharded writer their names, then removes those of an earlier run.
local function name_shards(self)
  local folder, kept = self.path:match "^(.*/)[^/]*$" or "", {}
  for number = 1, self.shards do
    local name = naming.shard(self.name, number, self.shards)
    rename(naming.shard(self.name, number) .. ".partial", name)
    kept[name] = true
  end
  for _, file in ipairs(sys.list(folder == "" and "." or folder) or {}) do
    if naming.is_shard(self.name, file) and not kept[folder .. file] then
      local well, problem = sys.remove(folder .. file)
      if not well then raise(folder .. file, problem) end
    end
  end
end

--- What gives the closed files their names; nil where they have them.
local function naming_of(self)
  if writer.dry then return nil end
  if self.sharded then return function() name_shards(self) end end
  return self.held and function() rename(self.path .. ".partial", self.path) end
end

--- Completes the file: all of it is on the disk, under its own name.
--- Example:
---     local out = fellowship.writer "answers.jsonl"
---     out:write { id = 1 }
---     out:close()
function Writer:close()
  check.method(self, Writer, "out:close")
  if not self.file then return end
  if self.columns and not self.ordered and self.rows_here == 0 then begin(self) end
  close_file(self)
  self.files = {}
  for number = 1, self.sharded and self.shards or 1 do
    local path = self.sharded and naming.shard(self.name, number, self.shards) or self.path
    self.files[number] = path:match "[^/]+$"
  end
  local name = naming_of(self)
  if not self.held then return name and name() end
  if self.held[self.path] then return end -- written before in this run: one naming is enough, and there is one file
  self.held[self.path], self.held[#self.held + 1] = true, name
end

--- Leaves the file as .partial.
--- Example:
---     local out = fellowship.writer "answers.jsonl"
---     out:abandon()
function Writer:abandon()
  local file = self.file
  self.file = nil
  if file then file:close() end
end

function Writer:__close(problem)
  if problem ~= nil or task.cancelling() then self:abandon() else self:close() end
end

return writer
