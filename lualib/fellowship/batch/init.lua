-- Calls through the providers' batch APIs: slower, and half the price. A call waits in the lane of its model; when no
-- task can run, the lanes are cut into batches; when a batch has ended, its calls go on. To the script it is a call as
-- any other, with the same key and the same completion.
--
-- calls     who waits where
-- cut       from lanes to batches
-- follow    from batches to completions; results reads them, search finds lost ones
-- ledger    what the store knows of batches

local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local text = require "fellowship.base.text"
local protocols = require "fellowship.batch.protocol"
local bounds = require "fellowship.batch.budget"
local calls = require "fellowship.batch.calls"
local cut = require "fellowship.batch.cut"
local chain = require "fellowship.call.chain"
local record = require "fellowship.call.record"
local follow = require "fellowship.batch.follow"
local ledger = require "fellowship.batch.ledger"
local settings = require "fellowship.call.settings"

local batch = { name = "batch" }

-- How long the run is held while batches are awaited, unless something happens before.
local LONG = 3600

local cutting = false
local hungry = false -- the budget had no room at the last cut: batches under way must end first

local function cut_now(lanes)
  cutting = true
  local starved = cut.run(lanes)
  cutting = false
  calls.stir() -- other lanes may wait for this
  return starved
end

--- Nothing is under way that could give the budget back what a call needs: this is the stop, unless it fits after all.
local function insist(flight)
  local well, problem = pcall(bounds.insist, flight)
  if well then return end
  for _, lane in ipairs(calls.lanes) do
    for _, other in ipairs(calls.take(lane)) do calls.deliver(other, { problem = errors.from(problem) }) end
  end
end

-- Whatever ends the waiting may have given the budget something back.
local Fed = setmetatable({}, { __close = function() hungry = false end })

--- Whether a batch is awaited, by calls or by the budget.
local function is_under_way()
  if calls.waiting > 0 or follow.collecting > 0 then return true end
  for _, b in ipairs(ledger.list) do
    if b.reservations and next(b.reservations) and b.follower then return true end
  end
  return false
end

--- No task can run: what waits is sent, or what is under way is awaited.
local function on_quiet()
  local ready, seconds = calls.ready()
  if #ready > 0 and not cutting and not hungry then
    local starved = cut_now(ready)
    hungry = starved ~= nil and is_under_way()
    if starved and not hungry then insist(starved) end
  elseif #ready > 0 or seconds or is_under_way() then
    local _ <close> = Fed
    calls.wait(math.max(seconds or LONG, 0.01))
  end
end

--- Cuts a lane whose first call has waited as long as --batch-after says, whatever else goes on.
local function cut_after(lane, seconds)
  task.sleep(seconds, true)
  lane.timer = nil
  while cutting or (lane.hold or 0) > task.now() do task.sleep(0.1, true) end
  if lane.count > 0 then cut_now { lane } end
end

local started = false

--- Begins with what earlier runs left.
local function start()
  started = true
  task.on_quiet(on_quiet)
  ledger.refresh()
  local open, under_way = 0, 0
  for _, b in ipairs { table.unpack(ledger.list) } do
    if b.state == "running" or b.state == "creating" then
      open, under_way, b.seen = open + 1, under_way + b.pending, true
      follow.start(b)
    end
  end
  if open > 0 then
    settings.say("under way since an earlier run: %s with %s; the results are collected",
      text.count(open, "batch", "batches"), text.count(under_way, "call"))
  end
end

local told = {}

--- Whether a model's calls can go in batches; says once when they go live instead.
local function has_batches(model)
  local provider = model.provider
  if protocols.of(provider) then return not cut.without[model.endpoint.url] end
  if not told[provider.name] then
    told[provider.name] = true
    settings.say("%s has no batch API that is known here (%s have): its calls are made live, at the full price",
      provider.name, protocols.names())
  end
  return false
end

--- Waits in its lane, and then in a batch, until it is told what became of it.
local function wait(flight)
  local _ <close>, lane = calls.enter(flight)
  local after = settings.batch.after
  if after and not lane.timer then lane.timer = task.aside(cut_after, lane, after) end
  while not flight.verdict do task.park() end
  return flight.verdict
end

--- Asks for a completion through a batch; passes the call on where that cannot be. See fellowship.call.chain.
---@param flight fellowship.Flight
---@return fellowship.Completion?
---@return fellowship.Error?
function batch.answer(flight)
  local model = flight.model
  if not has_batches(model) then return chain.pass end
  if not started then start() end
  flight.streaming = nil -- its text comes in one piece
  local most = model.entry.attempts or settings.attempts
  flight.tries = 1
  while true do
    local verdict = wait(flight)
    if verdict.completion then
      verdict.completion.key = flight.id
      return verdict.completion
    elseif verdict.text then
      flight.from_store = verdict.stored
      return record.read(verdict.text, flight.id, model)
    elseif verdict.problem then
      return nil, verdict.problem
    elseif verdict.live then
      return chain.pass
    end
    if not (verdict.learnt or verdict.free) then
      local outcome = verdict.again
      if flight.tries >= math.min(most, outcome.tries or most) then
        return nil, record.problem(flight, outcome, flight.tries)
      end
      flight.tries = flight.tries + 1
    end
  end
end

-- ---- for the command line ----

--- The batches that are under way, for people; `since` in milliseconds since 1970.
---@return { number: integer, total: integer, named: string, status: string, done: integer, calls: integer, since: integer }[]
function batch.overview()
  local list = {}
  for i, b in ipairs(ledger.list) do
    list[i] = { number = i, total = #ledger.list, named = b.named or "?",
      status = b.state == "running" and (b.status or "in_progress") or b.state,
      done = (b.done or 0) + (b.failed or 0), calls = b.total or b.calls or 0,
      since = b.creating or b.planned or 0 }
  end
  return list
end

--- What is under way, in a line; nil when nothing is.
---@param how string how they are collected
---@return string?
function batch.under_way(how)
  local under_way, ids = 0, {}
  for _, b in ipairs(ledger.list) do
    if (b.state == "running" or b.state == "creating") and not b.collecting then
      under_way = under_way + b.calls
      ids[#ids + 1] = b.id or b.uid
    end
  end
  if #ids == 0 then return nil end
  return ("under way: %s in %s (%s%s); %s"):format(text.count(under_way, "call"), text.count(#ids, "batch", "batches"),
    table.concat(ids, ", ", 1, math.min(#ids, 5)), #ids > 5 and ", ..." or "", how)
end

--- The main task has ended: nothing is awaited that nobody asks for.
function batch.close()
  follow.stop()
  if calls.waiting > 0 or not settings.warn then return end
  local said = batch.under_way("this run has no need of them; a later one with --batch collects them")
  if said then settings.warn(said) end
end

return batch
