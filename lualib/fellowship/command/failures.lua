-- The failed rows of a run: counted, told, and kept in a file that a rerun makes anew.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local text = require "fellowship.base.text"
local writer = require "fellowship.dataset.writer"

local failures = {}

---@class fellowship.Failures
---@field count integer
---@field kinds table<string, integer>
local Failures = {}
Failures.__index = Failures

local KEYS = { "id", "row", "kind", "message", "status", "attempts", "retryable", "model", "key", "request",
  "traceback" }

-- More than these on the screen say nothing new; the file has them all.
local SHOWN = 10

--- Keeps failed rows in `path`, which is only made when there is one.
---@param path string
---@param tell fun(said: string)
---@param stop boolean raise at the first one
---@return fellowship.Failures
function failures.new(path, tell, stop)
  return setmetatable({ path = path, tell = tell, stop = stop, count = 0, kinds = {} }, Failures)
end

--- Takes one: what fellowship.flow reports.
---@param failure { row: table?, number: integer, error: fellowship.Error, traceback: string }
function Failures:take(failure)
  local e = failure.error
  self.count = self.count + 1
  self.kinds[e.kind] = (self.kinds[e.kind] or 0) + 1
  self.out = self.out or writer.open(self.path)
  local id = failure.row and failure.row.id
  if id == nil then id = failure.number end
  self.out:write(json.object({ id = id, row = failure.number, kind = e.kind, message = text.valid(e.message),
    status = e.status, attempts = e.attempts, retryable = e.retryable, model = e.model, key = e.key,
    request = e.request and json.decode(e.request), -- of an offline miss, for `store why`
    traceback = e.kind == "script" and text.valid(failure.traceback) or nil }, KEYS))
  if self.count <= SHOWN then self.tell(("row %s failed: %s"):format(tostring(id), e.message)) end
  if self.count == SHOWN + 1 then self.tell("more rows failed; see " .. self.path .. " at the end") end
  if self.stop then error(e, 0) end
end

--- "2 not_found, 1 timeout"
---@return string
function Failures:by_kind()
  local list = {}
  for kind, count in pairs(self.kinds) do list[#list + 1] = ("%d %s"):format(count, kind) end
  table.sort(list)
  return table.concat(list, ", ")
end

--- Completes the file; without failures an earlier run's file goes.
function Failures:finish()
  if self.out then self.out:close()
  else sys.remove(self.path) end
end

return failures
