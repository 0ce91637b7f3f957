-- The failed rows of a run: counted, told, and kept in a file that a rerun makes anew.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local kinds = require "fellowship.base.kinds"
local lazy = require "fellowship.base.lazy"
local text = require "fellowship.base.text"
local catalogue = require "fellowship.command.catalogue"
local writer = lazy "fellowship.dataset.writer"

local failures = {}

-- After so many rows that all failed alike, and none that was done, the others would fail too.
local HOPELESS = 20

-- Kinds that tell of one prompt, whatever becomes of others: a dataset may begin with those that a provider refuses.
local OF_A_PROMPT = { content_filter = true, refusal = true, context_length = true }

-- So many different messages are told apart.
local MOST_ALIKE = 1000

---@class fellowship.Alike rows that failed with the same message
---@field count integer
---@field id any the first one's id
---@field message string the first one's
---@field kind string

---@class fellowship.Failures
---@field count integer
---@field kinds table<string, integer>
---@field numbers table<integer, boolean> of the rows, in their dataset
---@field alike fellowship.Alike[] in the order in which they came up
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
---@param done? fun(): integer rows that are done; nil: a run is never given up as hopeless
---@return fellowship.Failures
function failures.new(path, tell, stop, done)
  return setmetatable({ path = path, tell = tell, stop = stop, done = done, count = 0, kinds = {}, numbers = {},
    alike = {}, by_message = {}, told = 0 }, Failures)
end

--- What a failure says whichever row it is of: where the row stands, and numbers in the text, do not count. A miss of
--- the store shows what was asked, so there it is the model that counts.
local function alike_of(e)
  if e.kind == "offline" then return e.kind .. "\0" .. tostring(e.model) end
  local message = e.kind == "data" and e.message:gsub("^[^\n]-:%d+: ", "") or e.message
  return e.kind .. "\0" .. message:gsub("%d+", "0")
end

--- Whether a place in a traceback is of a bundled script. Lua shortens long paths to "...END".
local function is_bundled(where)
  local path = where:match "^(.*):%d+$"
  local name = path:match "([%w_%-]+)%.lua$"
  if not name then return false end
  local bundled = catalogue.path(name)
  if path:sub(1, 3) == "..." then return bundled:sub(3 - #path) == path:sub(4) end
  return bundled == path
end

--- "script.lua:12" of the innermost line in a traceback that is the user's own; nil when there is none.
---@param traceback string?
---@return string?
function failures.line(traceback)
  for frame in (traceback or ""):gmatch "\n%s+([^\n]+)" do
    local where = frame:match "^(.-:%d+): in "
    if where and not where:find("lualib/fellowship/", 1, true) and not is_bundled(where) then return where end
  end
end

--- Where a failure happened: the script's line and the call's key, as far as they are known.
---@param e fellowship.Error
---@param traceback string?
---@return string
function failures.facts(e, traceback)
  local parts = { e.kind ~= "data" and failures.line(traceback) or nil } -- a row at fault is named by the message
  if e.model and not tostring(e.message):find(e.model, 1, true) then parts[#parts + 1] = "model " .. e.model end
  if e.key then parts[#parts + 1] = "call " .. e.key:sub(1, 12) end
  return table.concat(parts, ", ")
end

local advice = {}
for _, kind in ipairs(kinds) do advice[kind[1]] = kind[3] end

--- What helps against a kind of failure; nil when nothing is known to.
---@param kind string
---@return string?
function failures.advice(kind)
  return advice[kind]
end

--- Counts a failure among those that are alike; nil when there are too many kinds of them.
local function group(self, e, id)
  local key = alike_of(e)
  local found = self.by_message[key]
  if not found and #self.alike < MOST_ALIKE then
    found = { count = 0, id = id, message = e.message, kind = e.kind }
    self.alike[#self.alike + 1], self.by_message[key] = found, found
  end
  if found then found.count = found.count + 1 end
  return found
end

--- Says a failure, unless an equal one was said before.
local function say(self, failure, id, found)
  if not found or found.count > 1 or self.told > SHOWN then return end
  self.told = self.told + 1
  if self.told > SHOWN then
    return self.tell(self.path and "more rows failed; see " .. self.path .. " at the end" or "more rows failed")
  end
  local facts = failures.facts(failure.error, failure.traceback)
  self.tell(("row %s failed: %s%s"):format(tostring(id), failure.error.message,
    facts ~= "" and " [" .. facts .. "]" or ""))
end

--- Gives a run up in which all rows failed alike from the first one on, and yet another does. What the store lacks is
--- asked of it at no cost, and all of it is worth knowing.
local function give_up(self, e)
  if e.kind == "unsupported" and self.done and self.done() == 0 then -- no row could do with what was asked for
    errors.raise { kind = e.kind, fatal = true, model = e.model, message = "stopped at the first row: " .. e.message }
  end
  if OF_A_PROMPT[e.kind] then return end
  local others = self.count < HOPELESS or #self.alike > 1 or not self.by_message[alike_of(e)]
  if others or not self.done or self.done() > 0 or e.kind == "offline" then return end
  errors.raise { kind = e.kind, fatal = true, model = e.model,
    message = ("stopped: the first %d rows all failed alike, and none succeeded: %s"):format(self.count,
      self.alike[1].message) }
end

--- Takes one: what fellowship.flow reports.
---@param failure { id: any, row: table?, number: integer, error: fellowship.Error, traceback: string }
function Failures:take(failure)
  local e = failure.error
  if e.kind == "budget" then error(e, 0) end -- the row was not done; that is no failure of it
  give_up(self, e)
  self.count = self.count + 1
  self.kinds[e.kind] = (self.kinds[e.kind] or 0) + 1
  self.numbers[failure.number or -1] = true
  local id = failure.id
  if id == nil and type(failure.row) == "table" then id = failure.row.id end
  if id == nil then id = failure.number end
  if self.path then self:keep(failure, id) end
  say(self, failure, id, group(self, e, id))
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

--- Groups of more than one row that failed alike, the largest first.
---@return fellowship.Alike[]
function Failures:repeated()
  local list = {}
  for _, found in ipairs(self.alike) do
    if found.count > 1 then list[#list + 1] = found end
  end
  table.sort(list, function(x, y)
    if x.count ~= y.count then return x.count > y.count end
    return x.message < y.message
  end)
  return list
end

--- Completes the file; without failures an earlier run's file goes.
---@param whole? boolean without failures there shall be an empty one: of all rows none has failed
function Failures:finish(whole)
  if self.path and whole then self.out = self.out or writer.open(self.path) end
  if self.out then self.out:close()
  elseif self.path then sys.remove(self.path) end
end

return failures
