-- Cancels the batches of a store: asks the providers to, waits until they have ended, and keeps what was answered.

local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local protocols = require "fellowship.batch.protocol"
local record = require "fellowship.call.record"
local follow = require "fellowship.batch.follow"
local ledger = require "fellowship.batch.ledger"
local lock = require "fellowship.batch.lock"
local search = require "fellowship.batch.search"
local settings = require "fellowship.call.settings"
local wire = require "fellowship.batch.wire"

local cancel = {}

-- A batch that ends just then refuses; other refusals pass, or do not, within so many attempts.
local ATTEMPTS = 4

--- Asks the provider to cancel a batch. One that has ended already refuses, which is as well.
local function ask(b)
  local model, problem = ledger.model_of(b)
  if not model then errors.raise { kind = "batch", message = problem } end
  if b.state == "creating" then
    local well, outcome = search.find(b, model)
    if not well then errors.raise { kind = outcome.kind, message = outcome.message } end
    if b.state ~= "running" then return end
  end
  local protocol = protocols.of(model.provider)
  local value, outcome = wire.ask(model, { path = protocol.cancel(b.id), body = "", bare = true }, ATTEMPTS)
  if value then
    settings.say("%s: cancelled; waiting until it has ended", ledger.shown(b))
    return
  end
  local view = protocol.view((wire.ask(model, { path = protocol.status(b.id) }, ATTEMPTS)), b, model)
  if not view or view.phase == "running" or view.phase == "unknown" then
    errors.raise { kind = outcome.kind, message = outcome.message }
  end
end

--- Waits in the foreground for what is followed in the background.
local function await(b)
  b.seen = true
  follow.start(b)
  local follower = b.follower
  local sleeper = task.aside(function() task.sleep(1e6) end)
  local _ <close> = setmetatable({}, { __close = function() sleeper:cancel() end })
  follower:join()
end

--- Takes back what was planned and never sent, and gives the batches that are to be cancelled.
local function open_batches()
  local _ <close> = lock.take()
  ledger.refresh()
  local list, freed = {}, 0
  for _, b in ipairs { table.unpack(ledger.list) } do
    if b.state == "planned" or b.state == "uploaded" then
      freed = freed + b.pending
      ledger.forget(b)
    else
      list[#list + 1] = b
    end
  end
  return list, freed
end

--- Cancels all open batches of the store.
---@return { cancelled: integer, answered: integer, freed: integer, failed: integer } sums batches that were cancelled, calls that were answered all the same, calls that are free again, batches that could not be cancelled
function cancel.run()
  settings.batch = settings.batch or { failed = "batch" }
  record.store()
  local list, freed = open_batches()
  local sums = { cancelled = 0, answered = 0, freed = freed, failed = 0 }
  if #list == 0 then settings.say "no batch is under way" end
  for _, b in ipairs(list) do
    local well, problem = pcall(ask, b)
    if not well then
      b.problem = errors.from(problem)
      settings.say("%s could not be cancelled: %s", ledger.shown(b), b.problem.message)
    end
  end
  for _, b in ipairs(list) do
    if not b.problem and b.state == "running" then await(b) end
    if b.problem then
      sums.failed = sums.failed + 1
    else
      sums.cancelled = sums.cancelled + 1
      sums.answered = sums.answered + (b.answered or 0)
      sums.freed = sums.freed + (b.unanswered or b.calls - (b.answered or 0))
    end
  end
  return sums
end

return cancel
