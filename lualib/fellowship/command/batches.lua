-- The batches of a store, for people: `store batches` lists them, --batch-cancel ends them.

local json = require "fellowship.core.json"
local core = require "fellowship.core.store"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local lazy = require "fellowship.base.lazy"
local say = require "fellowship.base.say"
local settings = require "fellowship.call.settings"
local tables = require "fellowship.report.table"
local counts = require "fellowship.command.counts"
local cancel = lazy "fellowship.batch.cancel"
local ledger = lazy "fellowship.batch.ledger"

local batches = {}

--- Opening a store to write would make one where there is none.
local function need_store(path)
  if sys.kind(path) == nil then errors.raise { kind = "store", message = ("there is no store at %s"):format(path) } end
end

--- Cancels the batches of the run's store, and says what came of it.
---@return integer status
function batches.cancel()
  need_store(settings.store_path(settings.store))
  local sums = cancel.run()
  say.result(("%d batches cancelled; %d calls had an answer, %d are free to be asked again; %d batches failed to stop")
    :format(sums.cancelled, sums.answered, sums.freed, sums.failed),
    json.encode(json.object(sums, { "cancelled", "answered", "freed", "failed" })))
  return sums.failed > 0 and 1 or 0
end

local HEAD = { "batch", "model", "state", "calls", "answered", "age", "id" }

local function state_of(b)
  if b.state ~= "running" then return b.state == "done" and b.status and "done, " .. b.status or b.state end
  return b.status or b.state
end

local function line_of(b)
  local answered = b.state == "done" and ("%d"):format(b.answered or 0)
    or ("%d/%d"):format((b.done or 0) + (b.failed or 0), b.total or b.calls or b.pending)
  local age = b.planned and counts.duration(math.max(0, sys.time() - b.planned) / 1000) or "?"
  return { b.uid, b.named or "?", state_of(b), ("%d"):format(b.calls or b.pending), answered, age,
    b.id or b.note or "" }
end

local function open(path, read_only)
  local store, problem = core.open { path = path, read_only = read_only }
  if not store then errors.raise(problem) end
  return store
end

--- Lists the batches that the store knows, oldest first.
---@param path string
---@param all boolean those that are done too
function batches.list(path, all)
  local store = open(path, true)
  local lines, done = {}, 0
  for _, b in ipairs(ledger.rows(store)) do
    if b.state == "done" then done = done + 1 end
    if all or b.state ~= "done" then lines[#lines + 1] = line_of(b) end
  end
  store:close()
  if #lines > 0 then say.out(tables.text(HEAD, lines))
  else say.out(done > 0 and "no batch is under way" or "the store knows no batches", "\n") end
  if not all and done > 0 then
    say.out(("%d %s done; --all lists them too\n"):format(done, done == 1 and "is" or "are"))
  end
end

--- Forgets a batch, so that its calls are made anew.
---@param path string
---@param uid string
function batches.forget(path, uid)
  need_store(path)
  local store = open(path, false)
  local found
  for _, b in ipairs(ledger.rows(store)) do
    if b.uid == uid then found = b end
  end
  if not found then
    store:close()
    errors.raise { kind = "data", message = ("%s has no batch %s; fellowship store batches --all lists them")
      :format(path, uid) }
  end
  local well, problem = store:set_batch(uid)
  store:close()
  if not well then errors.raise(problem) end
  say.result(("batch %s forgotten; %d calls are free to be asked again"):format(uid, found.pending),
    json.encode(json.object({ forgotten = uid, freed = found.pending }, { "forgotten", "freed" })))
end

return batches
