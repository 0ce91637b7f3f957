-- Looks for a batch whose making was not answered: the process was killed meanwhile, or the connection broke. It is
-- never made again before it was looked for among those of the account, twice, a minute apart at least.

local limits = require "fellowship.core.limits"
local task = require "fellowship.core.task"
local protocols = require "fellowship.batch.protocol"
local record = require "fellowship.call.record"
local ledger = require "fellowship.batch.ledger"
local lock = require "fellowship.batch.lock"
local settings = require "fellowship.call.settings"
local wire = require "fellowship.batch.wire"

local search = {}

-- A batch shows in the list of its account by then, if it was made.
local MINUTE = 60

-- Between looks, in seconds.
local FIRST_LOOK, LAST_LOOK = 2, 30

-- Looks in a row that fail before one gives up.
local PATIENCE = 200

-- A list that makes no sense must not be read for ever.
local MOST_PAGES = 1000

-- The list begins with the newest. The clocks of a provider's servers may differ by so many seconds; ours is never
-- compared with them.
local CLOCKS = 600

--- The batches of other rows of the store: none of them is the one that is looked for.
local function known_ids()
  local ids = {}
  for _, row in ipairs(ledger.rows(record.store())) do
    if row.id then ids[row.id] = true end
  end
  return ids
end

--- Whether a batch was made before ours was begun, by what the provider said then of the time.
local function is_older(view, b)
  return view.created ~= nil and b.asked ~= nil and view.created < b.asked - CLOCKS
end

--- Whether a page has come to batches that were made before.
local function is_past(views, b)
  for _, view in ipairs(views) do
    if not is_older(view, b) then return false end
  end
  return #views > 0
end

--- Looks once: the view of the batch, whether that is only likely, or nil; and an outcome when it could not be looked.
local function look(b, model, protocol)
  local ids = known_ids()
  for _, id in ipairs(b.excluded or {}) do ids[id] = true end
  local after
  for _ = 1, MOST_PAGES do
    local value, outcome = wire.once(model, { path = protocol.list(after) })
    if not value then return nil, nil, outcome end
    local views, next_page = protocol.page(value, after)
    if not views then
      return nil, nil, { verdict = "final", kind = "garbage", message = "the list of batches is no list" }
    end
    for _, view in ipairs(views) do
      if not ids[view.id] then
        if protocol.is_ours and protocol.is_ours(view, b) then return view, false end
        if protocol.may_be_ours and protocol.may_be_ours(view, b) and not is_older(view, b) then return view, true end
      end
    end
    if not next_page or next_page == after or is_past(views, b) then return nil end
    after = next_page
  end
  return nil
end

local function adopt(b, view, likely)
  b.state, b.id, b.status, b.unsure = "running", view.id, view.status, likely or nil
  ledger.note(b)
  if settings.warn then
    settings.warn(("%s was made, as far as the provider's list tells; its results are awaited"):format(ledger.shown(b)))
  end
end

--- Looks until the batch is found (its state is then "running"), or it is sure that it was never made (it is then
--- forgotten, and its calls are free).
---@param b table
---@param model fellowship.Model
---@return boolean? well
---@return table? outcome why it could not be looked for
function search.find(b, model)
  local protocol = protocols.of(model.provider)
  local minute, begun = limits.backoff(1, MINUTE), task.now()
  local pause, failures = FIRST_LOOK, 0
  while true do
    do
      local _ <close> = lock.take(true) -- whoever is making it right now holds it
      ledger.refresh()
      if b.state ~= "creating" then return true end
      -- The age is told before: what shows in the list later must not have been looked for too early. It counts from
      -- here: between two runs clocks may have been set.
      local age = task.now() - begun
      local view, likely, outcome = look(b, model, protocol)
      failures = outcome and failures + 1 or 0
      if outcome then
        if outcome.verdict ~= "retry" or failures >= PATIENCE then return nil, outcome end
        wire.tell(model, outcome)
      elseif view then
        adopt(b, view, likely)
        return true
      elseif age >= minute then
        ledger.forget(b)
        b.state = "forgotten"
        return true
      end
    end
    local wait = limits.backoff(1, pause)
    b.next_look = task.now() + wait
    task.sleep(wait, true)
    pause = math.min(2 * pause, LAST_LOOK)
  end
end

--- A batch that was taken for ours, and is not: it is looked for again.
---@param b table
function search.exclude(b)
  b.excluded = b.excluded or {}
  b.excluded[#b.excluded + 1] = b.id
  b.state, b.id, b.unsure, b.status = "creating", nil, nil, nil
  ledger.note(b)
end

return search
