-- Follows a batch from its making to its end: asks for its state with growing pauses, takes its results, and tells the
-- calls in it what became of them.

local limits = require "fellowship.core.limits"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local failure = require "fellowship.provider.failure"
local protocols = require "fellowship.batch.protocol"
local blame = require "fellowship.batch.blame"
local bounds = require "fellowship.batch.budget"
local calls = require "fellowship.batch.calls"
local record = require "fellowship.call.record"
local ledger = require "fellowship.batch.ledger"
local requests = require "fellowship.call.request"
local results = require "fellowship.batch.results"
local room = require "fellowship.batch.room"
local search = require "fellowship.batch.search"
local settings = require "fellowship.call.settings"
local stats = require "fellowship.money.count"
local wire = require "fellowship.batch.wire"

local follow = {
  closing = false, -- the main task has ended
  collecting = 0, -- batches whose results are being taken: that is ended whatever else ends
}

-- Pauses between looks, in seconds.
local FIRST_PAUSE, LAST_PAUSE, GROWTH = 2, 300, 1.5

-- Attempts in a row that fail before one gives up, some six hours with the pauses between them.
local PATIENCE = 80

-- How often results that cannot be all are read.
local SHORT = 8

-- A batch that has ended may show where its results are a little later, and all of its lines only then.
local LATE, LATE_LINES = 5, 12

-- ---- telling the calls ----

--- Tells all calls of a batch the same; they are in no batch then.
local function tell_all(b, outcome)
  for _, flight in ipairs(calls.of(b)) do calls.deliver_failure(flight, outcome) end
end

--- The batch cannot be followed now. It stays in the store, so that its calls are not paid for twice.
local function give_up(b, outcome)
  outcome.message = ("%s: %s (what it has is kept for a later run; to have its calls made anew instead: fellowship "
    .. "store batches --forget %s)"):format(ledger.shown(b), outcome.message, b.uid)
  if b.count == 0 then settings.say("%s", outcome.message) end
  for _, flight in ipairs(calls.of(b)) do
    calls.deliver(flight, { problem = record.problem(flight, outcome, flight.tries or 1) })
  end
end

--- The batch is history. Its calls without an answer are free before they are told.
local function close(b, why)
  b.state, b.ended, b.note = "done", sys.time(), why
  ledger.note(b)
end

-- ---- the end ----

--- Tells the calls that got no completion.
local function tell_rest(b, reading)
  local again, failed = 0, 0
  for _, flight in ipairs(calls.of(b)) do
    local outcome = reading.outcomes[flight.digest] or { verdict = "retry", kind = "batch",
      message = ("%s ended (%s) without a result for this call"):format(ledger.shown(b), b.status) }
    if outcome.kind ~= "batch" then bounds.account(b, flight.digest, outcome) end -- else there is no bill
    local learnt = outcome.verdict == "final" and flight.prepared and requests.learns(flight, flight.prepared, outcome)
    if outcome.verdict == "retry" or learnt then
      again = again + 1
    else
      failed = failed + 1
      stats.ended(b.resolved, outcome, nil, "batch")
    end
    calls.deliver_failure(flight, outcome, learnt or nil)
  end
  bounds.close(b, "cancel") -- calls without an answer for which nobody waits
  return again, failed
end

local function report(b, reading, again, failed)
  local parts = { ("%d of %d calls answered"):format(b.answered, b.calls) }
  if failed > 0 then parts[#parts + 1] = ("%d failed"):format(failed) end
  if again > 0 then
    parts[#parts + 1] = ("%d %s"):format(again,
      settings.batch and settings.batch.failed == "live" and "are made live" or "go into the next batch")
  end
  if reading.unknown > 0 then
    parts[#parts + 1] = ("%d results of calls that are not in it are left out"):format(reading.unknown)
  end
  if reading.malformed > 0 then
    parts[#parts + 1] = ("%d lines of the results make no sense"):format(reading.malformed)
  end
  settings.say("%s: %s; %s", ledger.shown(b), b.status, table.concat(parts, "; "))
end

local Collecting = { __close = function(self)
  self.b.collecting = nil
  follow.collecting = follow.collecting - 1
  calls.stir()
end }

--- Reads what a batch has brought until that goes well. What stays short of what the provider says is taken as it is, but
--- for nothing at all: to ask for all of it again would be to pay for it again.
local function patiently(b, model, read, places)
  local spreading = wire.spreading()
  for n = 1, math.huge do
    local got, outcome = read(model, places, b)
    if got and outcome and n >= SHORT then
      if outcome.nothing then return nil, { verdict = "final", kind = "batch", message = outcome.message } end
      outcome = nil
    end
    local passes = outcome and (spreading(outcome) or outcome.verdict == "retry" and n < PATIENCE)
    if not passes or (follow.closing and b.count == 0) then return got, outcome end
    wire.pause(model, n, outcome, true)
  end
end

--- Takes the results, and gives whether that is done; nil and an outcome when they cannot be had.
local function collect(b, model, view)
  if view.gone and #view.results == 0 then return nil, { verdict = "final", kind = "batch", message = view.gone } end
  b.collecting, follow.collecting = true, follow.collecting + 1
  local _ <close> = setmetatable({ b = b }, Collecting)
  if b.unsure then
    local id, outcome = patiently(b, model, results.first_id, view.results)
    if outcome then return nil, outcome end
    local key = #id == 64 and sys.unhex(id)
    if not (key and record.store():holder(key) == b.uid) then
      search.exclude(b)
      return false
    end
    b.unsure = nil
    ledger.note(b) -- before its calls are settled, by which they are recognised
  end
  local reading, outcome = patiently(b, model, results.read, view.results)
  if not reading then return nil, outcome end
  b.answered = reading.answered
  b.unanswered = math.max(0, b.calls - reading.answered)
  close(b)
  room.grow(b)
  report(b, reading, tell_rest(b, reading))
  return true
end

--- The provider did not take the batch: nothing of it is paid.
local function refused(b, view)
  local said = view.errors or "the provider does not say why"
  local outcome = failure.outcome(400, function() end, { message = said, code = view.code })
  outcome.stored = nil
  local flights = calls.of(b)
  if protocols.is_full(view.code) or protocols.is_full(view.errors) then
    bounds.close(b, "cancel")
    close(b, said)
    return room.shrink(b, said, flights)
  end
  settings.say("%s was refused: %s", ledger.shown(b), said)
  outcome.message = ("the batch was refused: %s"):format(said)
  bounds.close(b, "cancel")
  close(b, said)
  if blame.some(b, view.lines, said) then return end
  if outcome.verdict == "final" and not outcome.fatal and settings.batch and settings.batch.failed == "live" then
    outcome.verdict = "retry"
  end
  tell_all(b, outcome)
end

-- ---- looking ----

--- Takes over what the provider says, and notes it where it has changed.
local function take_over(b, view)
  local changed = false
  for _, name in ipairs { "status", "total", "done", "failed" } do
    if view[name] ~= nil and b[name] ~= view[name] then
      b[name], changed = view[name], true
    end
  end
  if changed then ledger.note(b) end
end

local warned = {}

--- Looks until the batch has ended; nil and an outcome when one cannot look.
local function watch(b, model, protocol)
  local pause, failures, late, soon = FIRST_PAUSE, 0, 0, b.seen
  local spreading = wire.spreading()
  while true do
    if not soon then
      local wait = limits.backoff(1, pause)
      b.next_look = task.now() + wait
      task.sleep(wait, true)
      pause = math.min(GROWTH * pause, LAST_PAUSE)
      ledger.refresh() -- another process may have collected it
      if b.state ~= "running" then return true end
    end
    soon = false
    local value, outcome = wire.once(model, { path = protocol.status(b.id) })
    local view = protocol.view(value, b, model)
    if not view then
      outcome = outcome or failure.broken "the answer is no batch"
      failures = failures + 1
      local passes = spreading(outcome) or outcome.verdict == "retry" and failures < PATIENCE
      if not passes then return nil, outcome end
      wire.tell(model, outcome)
    else
      failures = 0
      spreading()
      take_over(b, view)
      if view.phase == "unknown" and not warned[view.status] then
        warned[view.status] = true
        settings.say("%s has the status %s, which is not known here; it is looked at further", ledger.shown(b),
          view.status)
      end
      local unsure = view.unsure or #view.results == 0 and not view.gone
      if view.phase == "ended" and unsure and late < (view.unsure and LATE_LINES or LATE) then
        late = late + 1
      elseif view.phase ~= "running" and view.phase ~= "unknown" then
        return view
      end
    end
  end
end

--- One round: until the batch is done, or turns out to be another one. Gives whether that is all.
local function round(b, model, protocol)
  if b.state == "creating" then
    local well, outcome = search.find(b, model)
    if not well then return nil, outcome end
    b.seen = true
  end
  if b.state == "running" then
    local view, outcome = watch(b, model, protocol)
    b.seen = true
    if not view then return nil, outcome end
    if view ~= true and view.phase == "refused" then
      refused(b, view)
    elseif view ~= true then
      return collect(b, model, view)
    end
  end
  return b.state == "done" or b.state == "forgotten" or nil
end

--- What the calls of a batch that another process has collected find in the store; those that it has nothing for go
--- on as others that got no result.
local function look_up(b)
  if b.state == "forgotten" then bounds.close(b, "release") end
  for _, flight in ipairs(calls.of(b)) do
    local held, problem = record.store():get(flight.digest)
    if held then
      bounds.account(b, flight.digest, { completion = record.read(held, flight.id, flight.model) })
      calls.deliver(flight, { text = held, stored = true })
    elseif problem then
      errors.raise { kind = "store", fatal = true, message = problem.message }
    else
      local message = b.state == "forgotten" and "the batch was never made"
        or "the batch brought no result for this call"
      calls.deliver(flight, { again = { verdict = "retry", kind = "batch", message = message } })
    end
  end
end

local function run(b)
  if b.state ~= "running" and b.state ~= "creating" then -- of another version, or damaged
    errors.raise { kind = "batch", message = ("%s cannot be followed: %s (to have its calls made anew: fellowship "
      .. "store batches --forget %s)"):format(ledger.shown(b), b.note or "its state is " .. b.state, b.uid) }
  end
  local model, problem = ledger.model_of(b)
  if not model then
    errors.raise { kind = "batch", message = ("%s cannot be followed: %s"):format(ledger.shown(b), problem) }
  end
  local protocol = protocols.of(model.provider)
  if not protocol then
    errors.raise { kind = "batch", message = ("%s cannot be followed: %s has no batch API that is known here")
      :format(ledger.shown(b), b.provider) }
  end
  while true do
    local done, outcome = round(b, model, protocol)
    if outcome then
      b.problem = outcome
      give_up(b, outcome)
      break
    elseif done then
      look_up(b)
      break
    end
    if follow.closing and b.count == 0 then break end
  end
  if b.state == "done" or b.state == "forgotten" then ledger.drop(b) end
end

--- Follows a batch in a task of its own, unless that is done already.
---@param b table of fellowship.batch.ledger
function follow.start(b)
  if b.follower then return end
  b.follower = task.aside(function()
    local well, problem = pcall(run, b)
    b.follower = nil
    bounds.close(b, "settle") -- of what became of it nothing is known
    calls.stir()
    if well then return end
    local e = errors.from(problem)
    if b.count == 0 then settings.say("%s", e.message) end
    b.problem = e
    for _, flight in ipairs(calls.of(b)) do calls.deliver(flight, { problem = e }) end
  end)
end

--- Ends the following of batches for whose calls nobody waits, but for those whose results are coming.
function follow.stop()
  follow.closing = true
  for _, b in ipairs { table.unpack(ledger.list) } do
    if b.count == 0 and b.follower and not b.collecting then
      b.follower:cancel()
      b.follower = nil
    end
  end
end

return follow
