-- The calls that wait: in the lane of their model until a batch is cut, then in that batch until it has ended.

local task = require "fellowship.core.task"
local record = require "fellowship.call.record"
local settings = require "fellowship.call.settings"

local calls = {
  lanes = {}, ---@type table[] { model =, flights = {...}, count =, since = seconds, most = calls of a batch? }
  waiting = 0, -- flights in batches
}

local by_place = {}

local stirred = nil ---@type fellowship.task? who waits until something happens

--- Waits in the foreground, so that the run goes on, until something happens that may call for a batch.
---@param seconds number at most
function calls.wait(seconds)
  stirred = task.self()
  task.sleep(seconds)
  stirred = nil
end

--- Wakes who waits: something has happened.
function calls.stir()
  local waiter = stirred
  stirred = nil
  if waiter then waiter:cancel() end
end

--- The lane of a model where it is served: what can be in one batch.
---@param model fellowship.Model
local function lane_of(model)
  local id = table.concat({ model.endpoint.url, model.key_env or "", model.name, model.entry_name or "" }, "\0")
  local lane = by_place[id]
  if not lane then
    lane = { model = model, flights = {}, count = 0 }
    by_place[id] = lane
    calls.lanes[#calls.lanes + 1] = lane
  end
  return lane
end

calls.lane = lane_of

--- The calls in a batch.
---@param b table
---@return table[] flights
function calls.of(b)
  local list = {}
  for flight in pairs(b.waiting) do list[#list + 1] = flight end
  table.sort(list, function(x, y) return x.order < y.order end)
  return list
end

--- The lanes with calls that wait for a batch and may be cut now, and the seconds until another one may.
---@return table[] lanes
---@return number? seconds
function calls.ready()
  local ready, soonest, now = {}, nil, task.now()
  for _, lane in ipairs(calls.lanes) do
    local wait = (lane.hold or 0) - now
    if lane.count > 0 and wait <= 0 then
      ready[#ready + 1] = lane
    elseif lane.count > 0 then
      soonest = math.min(soonest or wait, wait)
    end
  end
  return ready, soonest
end

local function leave(flight)
  local lane, b = flight.lane, flight.batch
  flight.lane, flight.batch, flight.stage, flight.patient = nil, nil, nil, nil
  if lane then
    lane.flights[flight] = nil
    lane.count = lane.count - 1
    if lane.count == 0 and lane.timer then
      lane.timer:cancel()
      lane.timer = nil
    end
  elseif b then
    b.waiting[flight] = nil
    b.count = b.count - 1
    calls.waiting = calls.waiting - 1
  end
end

local Place = { __close = function(self) leave(self.flight) end }

local order = 0

--- Puts a call into its lane. The variable that takes what is returned is to be closed: a call that nobody waits for
--- any more leaves its place.
---@param flight table of fellowship.call.chain
---@return table place
---@return table lane
function calls.enter(flight)
  local lane = lane_of(flight.model)
  order = order + 1
  flight.lane, flight.verdict, flight.stage, flight.order = lane, nil, "held", order
  flight.patient, flight.why = true, "it waits for a batch"
  if lane.count == 0 then lane.since = task.now() end
  lane.flights[flight] = true
  lane.count = lane.count + 1
  calls.stir()
  return setmetatable({ flight = flight }, Place), lane
end

--- Takes the calls out of a lane, in the order of their rows.
---@param lane table
---@return table[] flights
function calls.take(lane)
  local list = {}
  for flight in pairs(lane.flights) do list[#list + 1] = flight end
  local rank = {}
  for _, flight in ipairs(list) do rank[flight] = flight.task:row() or -1 end
  table.sort(list, function(x, y)
    if rank[x] ~= rank[y] then return rank[x] < rank[y] end
    return x.order < y.order
  end)
  return list
end

--- Puts a call into a batch.
---@param flight table
---@param b table of fellowship.batch.ledger
function calls.board(flight, b)
  leave(flight)
  flight.batch, flight.stage, flight.patient, flight.why = b, "held", true, "it is in a batch"
  b.waiting[flight] = true
  b.count = b.count + 1
  calls.waiting = calls.waiting + 1
end

--- Tells a call what became of it: { text = what the store held } | { completion = } | { problem = } |
--- { again = outcome, learnt = boolean?, free = boolean? } | { live = true }.
---@param flight table
---@param verdict table
function calls.deliver(flight, verdict)
  if flight.verdict or not (flight.lane or flight.batch) then return end -- nobody waits for it any more
  leave(flight)
  flight.verdict = verdict
  task.wake(flight.task)
  calls.stir()
end

--- Tells a call that it goes into another batch for no fault of its own, which is no attempt of it; or live, as
--- --batch-failed has it.
---@param flight table
---@param outcome table of fellowship.provider
function calls.give_back(flight, outcome)
  if settings.batch and settings.batch.failed == "live" then return calls.deliver(flight, { live = true }) end
  calls.deliver(flight, { again = outcome, free = true })
end

--- Tells a call of an outcome that brought no completion: again, live or failed, as --batch-failed has it.
---@param flight table
---@param outcome table of fellowship.provider
---@param learnt? boolean it is worth sending in another form
function calls.deliver_failure(flight, outcome, learnt)
  if outcome.verdict ~= "retry" and not learnt then
    calls.deliver(flight, { problem = record.problem(flight, outcome, flight.tries or 1) })
  elseif settings.batch and settings.batch.failed == "live" then
    calls.deliver(flight, { live = true })
  else
    calls.deliver(flight, { again = outcome, learnt = learnt })
  end
end

return calls
