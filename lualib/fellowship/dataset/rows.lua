-- Rows of a dataset, as a stream.

local core = require "fellowship.core.rows"
local check = require "fellowship.base.check"
local errors = require "fellowship.base.errors"

local rows = {}

---@class fellowship.Rows
---@field path string
local Rows = {}
Rows.__index = Rows
Rows.__name = "fellowship.Rows"

-- Where each row stands, for messages; forgotten with the row.
local origins = setmetatable({}, { __mode = "k" })

--- "file:line" of a row that came from a file, or "row N".
---@param row table
---@param number? integer
---@return string
function rows.origin(row, number)
  return origins[row] or ("row %d"):format(number or 0)
end

--- Opens a file of JSON Lines, plain or compressed (gzip, zstd, xz, bzip2); "-" is standard input.
--- Blank lines are skipped. The rows are plain tables that remember their keys' order.
--- Example: `for row in fellowship.rows "prompts.jsonl.gz" do print(row.prompt) end`
---@param path string
---@param options? { limit: integer?, shard: integer[]? } the first rows only; part I of N as {I, N}
---@return fellowship.Rows
function rows.open(path, options)
  check.type("rows' path", path, "string")
  options = options or {}
  check.options("rows", options, { limit = "integer?", shard = "table?" })
  local source, problem = core.open(path)
  if not source then errors.raise { kind = "file", message = problem.message } end
  return setmetatable({ path = path, source = source, number = -1, limit = options.limit or math.maxinteger,
    shard = options.shard or { 1, 1 } }, Rows)
end

--- The next row and its number in the dataset, from 0; nil at the end; nil and an error table for a
--- line that is no row (the next one may be).
--- Example:
---     local row, number = fellowship.rows("prompts.jsonl"):pull()
---     print(number, row.prompt)
---@return table? row
---@return integer|fellowship.Error|nil number
function Rows:pull()
  while self.source do
    if self.number + 1 >= self.limit then break end
    local row, line = self.source:next()
    if not row and not line then break end
    if not row and line.kind == "file" then
      self:close()
      line.fatal = true
      errors.raise(line)
    end
    self.number = self.number + 1
    if self.number % self.shard[2] == self.shard[1] - 1 then
      if row then
        origins[row] = ("%s:%d"):format(self.path, line)
        return row, self.number
      end
      line.number = self.number
      return nil, errors.new(line)
    end
  end
  self:close()
  return nil
end

--- Iterating raises at a line that is no row; fellowship.map reports it and goes on.
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
function Rows:close()
  if self.source then self.source:close() end
  self.source = nil
end

Rows.__close = Rows.close

return rows
