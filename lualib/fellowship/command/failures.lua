-- The failed rows of a run: counted, told, and kept in a file that a rerun makes anew.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local lazy = require "fellowship.base.lazy"
local text = require "fellowship.base.text"
local writer = lazy "fellowship.dataset.writer"

local failures = {}

---@class fellowship.Failures
---@field count integer
---@field kinds table<string, integer>
local Failures = {}
Failures.__index = Failures

local KEYS = { "id", "row", "kind", "message", "status", "attempts", "retryable", "model", "key", "request", "line",
  "traceback" }

-- More than these on the screen say nothing new; the file has them all.
local SHOWN = 10

--- Keeps failed rows in `path`.
---@param path? string nil: they are told and counted
---@param tell fun(said: string)
---@param stop boolean raise at the first one
---@return fellowship.Failures
function failures.new(path, tell, stop)
  return setmetatable({ path = path, tell = tell, stop = stop, count = 0, kinds = {} }, Failures)
end

--- "script.lua:12" of the innermost line in a traceback that is the script's own; nil when there is none.
---@param traceback string?
---@return string?
function failures.line(traceback)
  for frame in (traceback or ""):gmatch "\n%s+([^\n]+)" do
    local where = frame:match "^(.-:%d+): in "
    if where and not where:find("lualib/fellowship/", 1, true) then return where end
  end
end

--- Where a failure happened: the script's line and the call's key, as far as they are known.
---@param e fellowship.Error
---@param traceback string?
---@return string
function failures.facts(e, traceback)
  local parts = { failures.line(traceback) }
  if e.model and not tostring(e.message):find(e.model, 1, true) then parts[#parts + 1] = "model " .. e.model end
  if e.key then parts[#parts + 1] = "call " .. e.key:sub(1, 12) end
  return table.concat(parts, ", ")
end

--- Takes one: what fellowship.flow reports.
---@param failure { id: any, row: table?, number: integer, error: fellowship.Error, traceback: string }
function Failures:take(failure)
  local e = failure.error
  if e.kind == "budget" then error(e, 0) end -- the row was not done; that is no failure of it
  self.count = self.count + 1
  self.kinds[e.kind] = (self.kinds[e.kind] or 0) + 1
  local id = failure.id
  if id == nil and type(failure.row) == "table" then id = failure.row.id end
  if id == nil then id = failure.number end
  if self.path then self:keep(failure, id) end
  if self.count <= SHOWN then
    local facts = failures.facts(e, failure.traceback)
    self.tell(("row %s failed: %s%s"):format(tostring(id), e.message, facts ~= "" and " [" .. facts .. "]" or ""))
  end
  if self.count == SHOWN + 1 then
    self.tell(self.path and "more rows failed; see " .. self.path .. " at the end" or "more rows failed")
  end
  if self.stop then error(e, 0) end
end

--- Writes one into the file.
---@package
function Failures:keep(failure, id)
  local e = failure.error
  self.out = self.out or writer.open(self.path)
  self.out:write(json.object({ id = id, row = failure.number, kind = e.kind, message = text.valid(e.message),
    status = e.status, attempts = e.attempts, retryable = e.retryable, model = e.model, key = e.key,
    line = failures.line(failure.traceback),
    request = e.request and json.decode(e.request), -- of an offline miss, for `store why`
    traceback = e.kind == "script" and text.valid(failure.traceback) or nil }, KEYS))
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
---@param whole? boolean without failures there shall be an empty one: of all rows none has failed
function Failures:finish(whole)
  if self.path and whole then self.out = self.out or writer.open(self.path) end
  if self.out then self.out:close()
  elseif self.path then sys.remove(self.path) end
end

return failures
