-- What a run may spend: --max-cost and --max-calls.
--
-- Before an attempt is sent, the most that it can cost is reserved; when it has ended, that becomes what the provider
-- says it cost. An attempt whose bill nobody tells, but which may have been billed, keeps its worst case as spent. So
-- what the provider counts never exceeds the bound, as long as its answers keep to the tokens that they were given.
-- Loaded when a bound is set; without one nothing of this runs.

local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local chain = require "fellowship.call.chain"
local billing = require "fellowship.money.usage"
local worst_case = require "fellowship.money.bound"
local settings = require "fellowship.call.settings"

local budget = {}

-- Sums are whole numbers of this unit, USD / 10^12, so that they are exact: a price for a million tokens with up to
-- six decimals is a whole number of units for one.
local UNIT = 1e12

local max_cost, max_calls -- units, attempts; nil where there is no bound
local spent, reserved = 0, 0 -- units
local untold = 0 -- attempts that keep their worst case
local calls = 0 -- attempts begun
local stopped -- what stopped the run: { by =, limit =, message = }

--- Sets the bounds; what was spent before counts.
---@param cost? number USD
---@param attempts? integer
function budget.set(cost, attempts)
  max_cost = cost and math.floor(cost * UNIT + 0.5) or nil
  max_calls = attempts
  settings.bounded = max_cost ~= nil or max_calls ~= nil
  budget.max_cost, budget.max_calls = cost, attempts
  chain.before_attempt = settings.bounded and budget.reserve or nil
end

--- What stopped the run, once something has.
---@return { by: string, limit: number, message: string }?
function budget.stopped()
  return stopped
end

--- What counts towards the bounds: USD, with the worst cases of attempts whose bill nobody told, and of those on
--- the wire; attempts; how many of them are untold.
---@return number cost
---@return integer attempts
---@return integer untold
function budget.spent()
  return (spent + reserved) / UNIT, calls, untold
end

-- ---- who waits ----

local queue, arrivals = {}, 0

local function before(x, y)
  if x.row ~= y.row then return x.row < y.row end
  return x.order < y.order
end

local function wake_first()
  if queue[1] then task.wake(queue[1].task) end
end

local Place = { __close = function(place)
  for i, other in ipairs(queue) do
    if other == place then
      table.remove(queue, i)
      break
    end
  end
  wake_first()
end }

--- A place in the queue: earlier rows first.
local function queue_up()
  local self = task.self()
  arrivals = arrivals + 1
  local place = setmetatable({ task = self, row = self:row() or -1, order = arrivals }, Place)
  local at = #queue + 1
  while at > 1 and before(place, queue[at - 1]) do at = at - 1 end
  table.insert(queue, at, place)
  return place
end

-- ---- the end ----

local function refusal(flight)
  return errors.new { kind = "budget", fatal = true, retryable = true, key = flight.id, model = flight.model.named,
    message = stopped.message }
end

local function refuse(flight)
  error(refusal(flight), 0)
end

-- How often, in seconds, it is looked what has ended: not every end wakes who watches.
local LOOK = 0.02

--- Stops the run: nothing is sent any more, and nobody waits for the end of a pause to learn that. What is on the wire
--- is paid for; it is finished and stored.
local function stop(by, limit, message)
  stopped = { by = by, limit = limit, message = message }
  for _, place in ipairs(queue) do task.wake(place.task) end
  task.aside(function()
    repeat
      chain.drop_unsent(refusal) -- what is under way in a batch too: a later run collects it
      task.sleep(LOOK)
    until not next(chain.flights)
  end)
end

--- After the stop: waits for the calls on the wire.
---@param say? fun(text: string) told that it waits
function budget.drain(say)
  if not stopped then return end
  chain.drop_unsent(refusal)
  local count = 0
  for _ in pairs(chain.flights) do count = count + 1 end
  if count > 0 and say then
    say(("stopped by %s; %d calls under way are finished and stored"):format(stopped.by, count))
  end
  while next(chain.flights) do task.sleep(LOOK) end
end

local function check_calls()
  if not max_calls or calls < max_calls then return end
  stop("--max-calls", max_calls, ("--max-calls %d is reached; the same command with a higher one goes on from here")
    :format(max_calls))
end

local function stop_by_cost(flight, worst)
  local note = untold > 0 and (" (of it the most that %d attempts can have cost whose bill nobody told)"):format(untold)
    or ""
  stop("--max-cost", budget.max_cost, ("--max-cost %s is reached: $%.6f are spent%s, and the next call of %s may cost "
    .. "$%.6f; the same command with a higher --max-cost goes on from here"):format(budget.max_cost, spent / UNIT, note,
    flight.model.named, worst / UNIT))
end

-- ---- reservations ----

---@class fellowship.Reservation
---@field worst integer
---@field price table? nil where no cost is bounded
---@field model fellowship.Model
---@field settled boolean?
local Reservation = {}
Reservation.__index = Reservation

local function take(flight, worst, price)
  reserved = reserved + worst
  calls = calls + 1
  return setmetatable({ worst = worst, price = price, model = flight.model }, Reservation)
end

local function give_back(self)
  if self.settled then return false end
  self.settled = true
  reserved = reserved - self.worst
  return true
end

local told = {}

--- Tells once of a model that it was billed for more than it could be.
local function tell_excess(self, cost)
  local named = self.model.named
  if told[named] or not settings.warn then return end
  told[named] = true
  settings.warn(("%s was billed for more tokens than its bound allows: $%.6f for a call that could cost $%.6f at most; "
    .. "--max-cost may be exceeded by as much"):format(named, cost / UNIT, self.worst / UNIT))
end

--- Ends the reservation by what the attempt cost. Without usage its worst case stays spent.
---@param usage? table as a completion's
function Reservation:settle(usage)
  if not give_back(self) then return end
  if self.price then
    local cost = usage and worst_case.cost(self.price, usage)
    if cost and cost > self.worst then tell_excess(self, cost) end
    if not cost and self.worst > 0 then untold = untold + 1 end
    spent = spent + (cost or self.worst)
  end
  wake_first()
end

--- Ends the reservation of an attempt that was not billed. It counts as a call.
function Reservation:cancel()
  if give_back(self) then wake_first() end
end

--- Ends the reservation of an attempt that was never sent: it is no call.
function Reservation:release()
  if not give_back(self) then return end
  calls = calls - 1
  wake_first()
end

-- The task was cancelled while the call was on the wire: a bill may come.
Reservation.__close = function(self) self:settle() end

--- Ends the reservation by what became of the attempt.
---@param outcome table in the form of fellowship.provider
function Reservation:account(outcome)
  if outcome.completion then return self:settle(outcome.completion.usage) end
  local usage, may = billing.of(outcome)
  if may then self:settle(usage) else self:cancel() end
end

-- ---- reserving ----

local function worst_of(flight, batch)
  if not max_cost then return 0 end
  return worst_case.worst(flight, batch)
end

--- Reserves the most that one attempt of a call can cost. Waits while calls under way may give back enough; raises an
--- error of kind "budget" when it cannot fit any more. nil when nothing is bounded.
---@param flight fellowship.Flight: model, messages, params, schema, id
---@param batch? boolean at the batch's price
---@return fellowship.Reservation?
function budget.reserve(flight, batch)
  if not settings.bounded then return nil end
  local worst, price = worst_of(flight, batch)
  if not stopped then check_calls() end
  if stopped then refuse(flight) end
  if not max_cost or (#queue == 0 and spent + reserved + worst <= max_cost) then return take(flight, worst, price) end
  local place <close> = queue_up()
  flight.stage, flight.why = "held", "it waits for calls under way to leave some of --max-cost"
  while true do
    if stopped then refuse(flight) end
    if queue[1] == place then
      if spent + worst > max_cost then stop_by_cost(flight, worst)
      elseif spent + reserved + worst <= max_cost then
        check_calls()
        if not stopped then return take(flight, worst, price) end
      end
    end
    if not stopped then task.park() end
  end
end

--- The same without waiting and without an error: nil when it does not fit now, or when nothing is bounded.
---@param flight table
---@param batch? boolean
---@return fellowship.Reservation?
function budget.try(flight, batch)
  if not settings.bounded or stopped or #queue > 0 or (max_calls and calls >= max_calls) then return nil end
  local worst, price = worst_of(flight, batch)
  if max_cost and spent + reserved + worst > max_cost then return nil end
  return take(flight, worst, price)
end

return budget
