-- Rows of a dataset, of one file or several, as a stream.

local core = require "fellowship.core.rows"
local sys = require "fellowship.core.sys"
local check = require "fellowship.base.check"
local errors = require "fellowship.base.errors"
local nearest = require "fellowship.base.nearest"
local folder = require "fellowship.dataset.folder"
local lazy = require "fellowship.base.lazy"
local naming = require "fellowship.dataset.naming"

local duckdb = lazy "fellowship.dataset.duckdb"

local rows = {}

--- The formats that `format` may name.
rows.formats = { "jsonl", "json", "csv", "tsv", "parquet" }

--- What NaN and the infinities of a JSON text are read as.
rows.nans = { "error", "null", "text" }

local TYPES = { "text", "number", "integer", "boolean", "json" }

---@class fellowship.Rows
---@field paths string[] the files
---@field notes string[] which files of folders these are
local Rows = {}
Rows.__index = Rows
Rows.__name = "fellowship.Rows"

-- Where each row stands, for messages: an index into `places` and the line, in one integer, which costs no memory
-- beside the table's; forgotten with the row.
local positions = setmetatable({}, { __mode = "k" })
local places = {}
local LINE_BITS = 40

--- "file:line" of a row that came from a file ("archive:member:line" from an archive), or "row N".
---@param row table
---@param number? integer
---@return string
function rows.origin(row, number)
  local position = positions[row]
  if not position then return ("row %d"):format(number or 0) end
  return ("%s:%d"):format(places[position >> LINE_BITS], position & (1 << LINE_BITS) - 1)
end

-- ---- what is asked for ----

local function fail(message, ...)
  errors.raise { kind = "file", fatal = true, message = message:format(...) }
end

--- The files that paths, folders and patterns (* ? [...], in order of names) stand for; raises when there are none.
--- A path that is there is no pattern; "-" is standard input; SQL and addresses elsewhere stay as they are.
---@param given string|string[]
---@return string[] files
---@return string[] notes which files of folders these are, for people
function rows.expand(given)
  local list, notes = {}, {}
  for _, path in ipairs(type(given) == "table" and given or { given }) do
    check.type("a dataset's path", path, "string", 3)
    local kind = path ~= "-" and not naming.is_elsewhere(path) and sys.kind(path)
    if kind == "folder" then
      local found, said = folder.files(path)
      notes[#notes + 1] = said
      table.move(found, 1, #found, #list + 1, list)
    elseif path == "-" or naming.is_elsewhere(path) or kind or not path:find "[*?%[]" then
      list[#list + 1] = path
    else
      local found, problem = sys.glob(path)
      if not found then fail("%s: %s", path, problem.message) end
      if #found == 0 then fail('no file matches "%s"', path) end
      table.move(found, 1, #found, #list + 1, list)
    end
  end
  return list, notes
end

--- Types of columns from their text, "score=number,label=boolean"; nil and what is wrong with it.
---@param text string
---@return table<string, string>? types
---@return string? problem
function rows.types(text)
  local types = {}
  for part in (text .. ","):gmatch "([^,]*)," do
    local column, type = part:match "^(.+)=([^=]*)$"
    if not column then return nil, "must be COLUMN=TYPE,COLUMN=TYPE,..." end
    local known = false
    for _, name in ipairs(TYPES) do known = known or name == type end
    if not known then
      return nil, ('has the unknown type "%s"%s; the types are %s'):format(type, nearest.hint(type, TYPES),
        table.concat(TYPES, ", "))
    end
    types[column] = type
  end
  return types
end

--- A source of one file's rows: of this program, or of DuckDB's.
local function open_source(path, o)
  if o.format == "parquet" or not o.format and naming.is_duckdbs(path) then return duckdb.open(path, o.nan) end
  return core.open(path, o)
end

local KNOWN = { limit = "integer?", shard = "table?", format = "string?", types = "table|string?", columns = "table?",
  nan = "string?",
  invalid_utf8 = "string?", max_expansion = "integer?", member = "string?" }

--- What core.open is to be told.
local function reading(options)
  local types, problem = options.types, nil
  if type(types) == "string" then types, problem = rows.types(types) end
  if problem then error("rows' option types " .. problem, 4) end
  if options.format then check.choice("rows' option format", options.format, rows.formats, 4) end
  if options.invalid_utf8 then
    check.choice("rows' option invalid_utf8", options.invalid_utf8, { "error", "replace" }, 4)
  end
  if options.nan then check.choice("rows' option nan", options.nan, rows.nans, 4) end
  return { format = options.format, types = types, invalid_utf8 = options.invalid_utf8, nan = options.nan,
    max_expansion = options.max_expansion, member = options.member }
end

-- ---- reading ----

--- Opens the next file; false when there is none.
local function open_next(self)
  self.file = self.file + 1
  local path = self.paths[self.file]
  if not path then return false end
  local source, problem = open_source(path, self.reading)
  if not source then fail("%s", problem.message) end
  self.source = source
  return true
end

---@class fellowship.RowsOptions
---@field limit? integer the first rows only
---@field shard? integer[] part I of N, as {I, N}
---@field format? "jsonl"|"json"|"csv"|"tsv"|"parquet" in place of what name and content tell
---@field types? table<string, string>|string types of CSV's columns: text (the default), number, integer, boolean, json
---@field columns? table<string, string> names for fields: {prompt = "instruction"} hands out the field instruction as prompt
---@field invalid_utf8? "error"|"replace" what becomes of invalid UTF-8: the row's error (the default), or U+FFFD
---@field nan? "error"|"null"|"text" what NaN and infinities in JSON are: the row's error (the default), null, or texts
---@field max_expansion? integer how many times as long as a compressed file its content may be, once it is over 1 GiB; 0: any
---@field member? string of archives, only members that match this pattern

--- Opens a dataset: JSON Lines, a JSON array of objects, CSV or TSV with a header, plain, compressed (gzip, zstd, xz,
--- bzip2) or as members of zip and tar archives; "-" is standard input; a folder stands for the data files that its
--- card names, or that are in it. Several files and patterns make one dataset, numbered across them. The format is told
--- by the name's ending, else by the content. Rows are plain tables that remember their keys' order; of CSV, all values
--- are texts unless `types` says more (there, an empty cell is null).
---
--- Parquet, "sql:SELECT ...", and addresses (hf://, s3://, https://, ...) are read through DuckDB's program, where it is
--- installed: decimals and times come as text, binary data in base 64, and numbers that JSON has no form for as text.
--- Example: `for row in fellowship.rows "prompts.jsonl.gz" do print(row.prompt) end`
---@param path string|string[]
---@param options? fellowship.RowsOptions
---@return fellowship.Rows
function rows.open(path, options)
  check.type("rows' path", path, "string|table")
  options = options or {}
  check.options("rows", options, KNOWN)
  local paths, notes = rows.expand(path)
  local self = setmetatable({ paths = paths, notes = notes, file = 0, reading = reading(options), number = -1,
    limit = options.limit or math.maxinteger, shard = options.shard or { 1, 1 }, columns = options.columns }, Rows)
  for _, each in ipairs(self.paths) do -- better now than after hours
    if each ~= "-" and not naming.is_elsewhere(each) and not sys.kind(each) then
      fail("cannot open %s: No such file or directory", each)
    end
  end
  open_next(self)
  return self
end

--- Notes where a row stands.
local function locate(self, row, line, place)
  if place ~= self.place then
    self.place = place
    places[#places + 1] = place
    self.base = #places << LINE_BITS
  end
  positions[row] = self.base | line
end

--- Gives the fields of a row the names that `columns` asks for.
local function rename(self, row)
  for name, column in pairs(self.columns) do
    if name ~= column and row[column] ~= nil then
      if row[name] ~= nil then
        return errors.new { kind = "data", number = self.number,
          message = ('%s: the field "%s" cannot be called "%s", as there is such a field'):format(rows.origin(row),
            column, name) }
      end
      row[name], row[column] = row[column], nil
    end
  end
end

local function close_file(self)
  local source = self.source
  self.source = nil
  if source then source:close() end
end

--- Bytes of all files, and about how many of them stand for the rows that were given out; nil where a file is no
--- ordinary one.
local function bytes_of(self)
  local all, done = 0, 0
  for i, path in ipairs(self.paths) do
    local size = path ~= "-" and sys.kind(path) == "file" and sys.stamp(path)
    local source = i == self.file and self.source or nil
    if not size or source and not source.position then return nil end
    all = all + size
    done = done + (i < self.file and size or source and source:position() or 0)
  end
  return all, done
end

--- How many rows there are to work on, by how far the files have been read; nil when nobody can tell yet.
--- Example:
---     local rows = fellowship.rows "prompts.jsonl"
---     while rows:pull() do end
---     print(rows:estimate()) --> 3 true
---@return integer? rows
---@return boolean? exact whether all have been read
function Rows:estimate()
  local total
  if not self.source then
    total = self.number + 1
  else
    local all, done = bytes_of(self)
    if not all or done == 0 or self.number < 0 then return nil end
    total = math.floor((self.number + 1) * all / done + 0.5)
  end
  total = math.min(total, self.limit)
  return (total - self.shard[1]) // self.shard[2] + 1, not self.source
end

--- The next row and its number in the dataset, from 0; nil at the end; nil and an error table for
--- what is no row (the next one may be).
--- Example:
---     local row, number = fellowship.rows("prompts.jsonl"):pull()
---     print(number, row.prompt)
---@return table? row
---@return integer|fellowship.Error|nil number
function Rows:pull()
  check.method(self, Rows, "rows:pull")
  while self.source and self.number + 1 < self.limit do
    local row, line, place = self.source:next()
    if not row and not line then
      close_file(self)
      if not open_next(self) then break end
    elseif not row and line.kind == "file" then
      close_file(self)
      line.fatal = true
      errors.raise(line)
    else
      self.number = self.number + 1
      if self.number % self.shard[2] == self.shard[1] - 1 then
        if not row then
          line.number = self.number
          return nil, errors.new(line)
        end
        locate(self, row, line, place)
        local problem = self.columns and rename(self, row)
        if problem then return nil, problem end
        return row, self.number
      end
    end
  end
  close_file(self)
  return nil
end

--- Iterating raises at what is no row; fellowship.map reports it and goes on.
--- Example: `for row in fellowship.rows "prompts.jsonl" do print(row.prompt) end`
function Rows:__call()
  local row, number = self:pull()
  if row == nil and number ~= nil then error(number, 0) end
  return row, number
end

--- Closes the file.
--- Example:
---     local rows = fellowship.rows "prompts.jsonl"
---     print(rows:pull().prompt)
---     rows:close()
function Rows:close() close_file(self) end

Rows.__close = Rows.close

return rows
