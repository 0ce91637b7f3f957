-- Servers that are down: their calls are held, in one place, until somebody is there again, and fail with the run when
-- nobody is within the patience.
--
-- A server is down when a call has used up its attempts for want of anybody who answers it, and no other call was
-- answered there during the last of them. The calls that are held then try one after the other, with growing pauses.

local limits = require "fellowship.core.limits"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local text = require "fellowship.base.text"
local chain = require "fellowship.call.chain"
local settings = require "fellowship.call.settings"

local outage = {}

-- Seconds that a server is waited for which has answered before, and one which never has: most likely its address is
-- wrong, or it is just starting.
local KNOWN, UNKNOWN = 3600, 120

-- Pauses between attempts, in seconds.
local FIRST_PAUSE, LAST_PAUSE, GROWTH = 2, 30, 1.5

local WHY = "its server is down, and is waited for"

-- Nobody was reached, or a gateway had nobody behind it. A call that breaks its server may bring 502 upon itself alone.
local KINDS = { refused = true, connect = true }
local STATUSES = { [502] = true, [503] = true, [521] = true, [522] = true, [523] = true }
local OF_SEVERAL = { [502] = true }

local MOST_OF_SEVERAL = 5 -- outages that a call survives in which it may be the one that breaks it

---@class fellowship.Place what is known of a base URL, whichever models are asked there
---@field answered number? when somebody last answered
---@field served table<string, true> models that have answered, by their names there
---@field refused string? a model of which every call is refused
---@field down table? since when nobody answers, why, and who waits
---@field unanswered table? { flight =, at =, several = whether other calls too }: who had no answer since the last one

--- Whether an outcome says that nobody was there to answer.
---@param outcome table in the form of fellowship.provider
---@return boolean
function outage.is_nobody(outcome)
  return KINDS[outcome.kind] or STATUSES[outcome.status] or false
end
local is_nobody = outage.is_nobody

local function span(seconds)
  if seconds < 90 then return text.count(math.floor(seconds + 0.5), "second") end
  return text.count(math.floor(seconds / 60 + 0.5), "minute")
end

--- How long a model's server is waited for. Who bounds the attempts of a model, or names others to be asked in its
--- place, does not wait, unless --patience says so.
---@param model fellowship.Model
---@return number seconds
function outage.patience(model)
  if model.has_successor then return 0 end
  if settings.patience then return settings.patience end
  if model.entry.attempts then return 0 end
  return limits.backoff(1, model.place.answered and KNOWN or UNKNOWN)
end

-- How long those on the wire are waited for, and how often it is looked, in seconds.
local LONGEST_DOUBT, LOOK = 5, 0.02

local ON_THE_WIRE = { wire = true, stream = true }

--- Whether a call of the same model is on the wire since before then, whose end may show that the model is there. New
--- ones do not count: with thousands that wait there would always be one.
local function is_another_out(flight, from)
  local model = flight.model
  for _, other in pairs(chain.flights) do
    if other ~= flight and other.model.place == model.place and other.model.name == model.name
      and ON_THE_WIRE[other.stage] and other.sent_at <= from then
      return true
    end
  end
  return false
end

--- Whether a refusal (a 404, a 403) is meant for every call of the model: nothing of it was ever answered, nor is by the
--- calls on the wire.
---@param flight fellowship.Flight
---@return boolean
function outage.is_general(flight)
  local model, from = flight.model, task.now()
  local place, name = model.place, model.name
  while not place.served[name] do
    if place.refused == name or not is_another_out(flight, from) or task.now() - from > LONGEST_DOUBT then
      place.refused = name
      return true
    end
    task.sleep(LOOK)
  end
  return false
end

local function wake_all(down)
  for _, waiting in ipairs(down.queue) do task.wake(waiting) end
end

local patience_of = outage.patience

--- Notes that somebody answers where nobody did.
---@param model fellowship.Model
local function note_end(model)
  local place = model.place
  local down = place.down
  place.down = nil
  settings.say("%s answers again, after %s", model.endpoint.shown, span(task.now() - down.since))
  wake_all(down)
end

--- Notes that a call had no answer, and whether other calls had none either since the last one that came.
local function note_unanswered(place, flight)
  local last = place.unanswered
  if not last or (place.answered and place.answered >= last.at) then
    last = { flight = flight, at = task.now(), several = false }
    place.unanswered = last
  end
  last.several = last.several or last.flight ~= flight
end

--- Notes how an exchange went that brought no completion, or any one while the server is down.
---@param flight fellowship.Flight
---@param outcome table in the form of fellowship.provider
function outage.note(flight, outcome)
  local model = flight.model
  if is_nobody(outcome) then return note_unanswered(model.place, flight) end
  model.place.answered = task.now()
  if model.place.down then note_end(model) end
end

--- Whether a call is to be held rather than to fail: it has used up its attempts, or its server is known to be down.
---@param flight fellowship.Flight
---@param outcome table of its last attempt
---@param since number? when the attempt before that began
---@return boolean
function outage.is_down(flight, outcome, since)
  local model = flight.model
  local place, patience = model.place, patience_of(model)
  if not is_nobody(outcome) or patience <= 0 then return false end
  if place.answered and since and place.answered >= since then return false end
  if OF_SEVERAL[outcome.status] then
    if flight.outage ~= place.down or not place.down then flight.outages = (flight.outages or 0) + 1 end
    if not place.unanswered.several or flight.outages > MOST_OF_SEVERAL then return false end
  end
  if not place.down then
    place.down = { since = task.now(), queue = {}, pause = FIRST_PAUSE, kind = outcome.kind, message = outcome.message }
    settings.say("%s does not answer (%s); it is waited for, %s at most (--patience)", model.endpoint.shown,
      outcome.message, span(patience))
  end
  flight.outage = place.down
  return true
end

--- The end of patience is the end of the run, so that it fails no rows; but where others can be asked.
local function give_up(model, down)
  local ends = not model.has_successor
  if ends then wake_all(down) end -- the others find the same
  errors.raise { kind = down.kind, fatal = ends, retryable = true, model = model.named,
    message = ("%s at %s: %s; nobody has answered there for %s%s"):format(model.named, model.endpoint.shown,
      down.message, span(task.now() - down.since), ends and ", and the run stops; the same command goes on from here "
      .. "(--patience SECONDS waits longer)" or "") }
end

--- Lets a model be asked again that was given up: who serves others lives longer than an outage, or than what every call
--- was refused for.
---@param model fellowship.Model
function outage.forget(model)
  for _, other in ipairs(model.fallback or {}) do outage.forget(other) end
  local place = model.place
  local down = place.down
  place.refused = nil
  if down and down.since + patience_of(model) <= task.now() then
    place.down = nil
    wake_all(down)
  end
end

local Line = { __close = function(self)
  local queue = self.down.queue
  for i, waiting in ipairs(queue) do
    if waiting == self.task then
      table.remove(queue, i)
      break
    end
  end
end }

local function stand_in_line(down)
  local _ <close> = setmetatable({ down = down, task = task.self() }, Line)
  down.queue[#down.queue + 1] = task.self()
  task.park()
end

-- Who is about to try. Then it is another one's turn: a call may be what brings the server down.
local Trying = { __close = function(self)
  self.down.trying = false
  if self.down.queue[1] then task.wake(self.down.queue[1]) end
end }

--- Waits while a call's server is down: returns when the call is to be sent. Raises an error when the patience is at its
--- end.
---@param flight fellowship.Flight
function outage.wait(flight)
  local model = flight.model
  local down = model.place.down
  local patience = patience_of(model)
  if patience <= 0 and not model.has_successor then return end
  while model.place.down == down do
    local left = down.since + patience - task.now()
    if left <= 0 then give_up(model, down) end
    flight.stage, flight.why = "held", WHY
    if down.trying or (down.tried == flight and down.queue[1]) then
      stand_in_line(down)
    else
      local _ <close> = setmetatable({ down = down }, Trying)
      down.trying, down.tried = true, flight
      task.sleep(math.min(limits.backoff(1, down.pause), left))
      down.pause = math.min(GROWTH * down.pause, LAST_PAUSE)
      return
    end
  end
end

return outage
