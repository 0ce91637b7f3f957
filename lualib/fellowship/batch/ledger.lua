-- The batches of a store, as this process knows them. What the store has of a batch is its row: written before and
-- after each step, so that whoever has the store finds the batch, whatever happened.
--
-- state     planned    its calls are claimed; nothing was sent
--           uploaded   its file is at the provider, which costs nothing
--           creating   the request that makes it may have been sent: never repeated before it was looked for
--           running    it has an id; collecting its results may be begun anew at any time, and needs no state
--           done       history

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local lazy = require "fellowship.base.lazy"
local record = require "fellowship.call.record"
local models = lazy "fellowship.call.model"

local ledger = {
  batches = {}, ---@type table<string, table> those that this process has to do with, by uid
  list = {}, ---@type table[] the same, in the order in which it came to know them
}

-- What the row holds. Times are milliseconds since 1970.
local KEYS = { "state", "provider", "model", "named", "endpoint", "calls", "planned", "file", "asked", "creating", "id",
  "unsure", "excluded", "status", "total", "done", "failed", "ended", "answered", "unanswered", "note" }

local function fail(problem)
  errors.raise { kind = "store", fatal = true, message = problem.message }
end

--- Writes the row. A batch that is done lets go of its calls. To be called at once after a change: what is not noted
--- gives way to the row when that is read again.
---@param b table
function ledger.note(b)
  b.version = b.version + 1
  local row = {}
  for _, key in ipairs(KEYS) do row[key] = b[key] end
  local well, problem = record.store():set_batch(b.uid, json.encode(json.object(row, KEYS)), b.state == "done")
  if not well then fail(problem) end
end

--- Forgets a batch and frees its calls.
---@param b table
function ledger.forget(b)
  b.version = b.version + 1
  local well, problem = record.store():set_batch(b.uid)
  if not well then fail(problem) end
  ledger.drop(b)
end

--- Takes a batch out of those that this process has to do with.
---@param b table
function ledger.drop(b)
  ledger.batches[b.uid] = nil
  for i, other in ipairs(ledger.list) do
    if other == b then return table.remove(ledger.list, i) end
  end
end

--- The rows of a store: { uid =, pending =, and the fields of the row }. A row that this program cannot read is told
--- of in its `note`.
---@param store fellowship.store
---@return table[]
function ledger.rows(store)
  local rows, problem = store:batches()
  if not rows then fail(problem) end
  for i, row in ipairs(rows) do
    local b = json.decode(row.state)
    if type(b) ~= "table" or type(b.state) ~= "string" then
      b = { state = "unreadable", note = "its row is unreadable" }
    end
    b.uid, b.pending = row.uid, row.pending
    rows[i] = b
  end
  return rows
end

local function take_in(b)
  b.waiting, b.count, b.version = {}, 0, 0 -- flights; what was written here
  ledger.batches[b.uid] = b
  ledger.list[#ledger.list + 1] = b
  return b
end

local made = 0

--- A new batch, not yet noted.
---@param model fellowship.Model
---@param first string the digest of a call in it
---@return table
function ledger.new(model, first)
  made = made + 1
  local now = sys.time()
  local uid = sys.hex(sys.sha256(("%d %d %s"):format(now, made, first))):sub(1, 16)
  return take_in { uid = uid, state = "planned", provider = model.provider.name, model = model.name,
    named = model.named, endpoint = model.endpoint.identity, calls = 0, planned = now, resolved = model }
end

--- Whether a model is the one that a batch asks.
local function is_model_of(b, model)
  return model.provider.name == b.provider and model.name == b.model and model.endpoint.identity == b.endpoint
end

--- The model of a batch: by its name, where this run names the same one so. nil and why not.
---@param b table
---@return fellowship.Model?
---@return string? problem
function ledger.model_of(b)
  if b.resolved then return b.resolved end
  local well, model = pcall(models.new, b.named)
  if not well then return nil, tostring(model) end
  if not is_model_of(b, model) then
    return nil, ("%s is served at %s now, and was at %s then"):format(b.named, model.endpoint.identity, b.endpoint)
  end
  b.resolved = model
  return model
end

--- Reads the store again. What other processes have done is taken over.
function ledger.refresh()
  local there, versions = {}, {}
  for uid, b in pairs(ledger.batches) do versions[uid] = b.version end
  for _, row in ipairs(ledger.rows(record.store())) do
    there[row.uid] = true
    local b = ledger.batches[row.uid]
    if b and b.version == versions[b.uid] then -- else the row is older than what is known here
      for _, key in ipairs(KEYS) do b[key] = row[key] end
    elseif not b and row.state ~= "done" then
      take_in(row)
    end
  end
  for _, b in ipairs { table.unpack(ledger.list) } do
    if not there[b.uid] and b.version == versions[b.uid] then
      b.state = "forgotten"
      ledger.drop(b)
    end
  end
end

--- A batch in words.
---@param b table
---@return string
function ledger.shown(b)
  return ("batch %s of %s%s"):format(b.uid, b.named or "?", b.id and (" (%s)"):format(b.id) or "")
end

return ledger
