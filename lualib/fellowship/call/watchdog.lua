-- Names the call that holds a run up: the oldest one when no call has ended for a while, and one that has used half
-- of the time it may take. And says so when the script itself holds all others up.

local http = require "fellowship.core.http"
local limits = require "fellowship.core.limits"
local task = require "fellowship.core.task"
local chain = require "fellowship.call.chain"
local settings = require "fellowship.call.settings"

local watchdog = {}

-- How often it looks, in parts of the patience.
local LOOKS = 12

--- What a call waits for, in words.
local function waits_for(flight)
  local stage = flight.stage
  if stage == "turn" then
    local pause = flight.model.gate and flight.model.gate:paused() or 0
    if pause > 0 then return ("its endpoint is paused for another %.0f s"):format(pause) end
    return ("it waits for its turn; %d calls are on the wire"):format((limits.in_use()))
  elseif stage == "held" then return flight.why
  elseif stage == "retry" then
    return ("it waits another %.0f s before the next attempt"):format(math.max(0, flight.retry_at - task.now()))
  elseif stage == "store" then return "it is being stored"
  elseif stage == "stream" then return "its stream has begun and not ended"
  end
  local phase, bytes = http.phase(flight.task)
  if phase == "connect" then return "it is connecting" end
  if phase == "body" then return ("%d bytes of its answer have come"):format(bytes) end
  return "no byte of its answer has come"
end

local function describe(flight, age)
  local model = flight.model
  local row = flight.task:row()
  local facts = { row and ("row %d"):format(row) or nil }
  facts[#facts + 1] = "call " .. flight.id:sub(1, 12)
  if flight.sent then facts[#facts + 1] = ("attempt %d"):format(flight.sent) end
  return ("held up by %s at %s (%s): %s%s"):format(model.named, model.endpoint.shown, table.concat(facts, ", "),
    age and ("sent %.0f s ago, "):format(age) or "", waits_for(flight))
end

-- Seconds of computing in one turn of the loop above which that is told: calls wait meanwhile, and Ctrl+C too.
local LONG_TURN = 0.05

--- Tells of a turn that took long, and again of one that took twice as long.
local function look_at_turns(told)
  local longest = task.longest_turn()
  if longest < math.max(LONG_TURN, 2 * told) then return told end
  settings.warn(("the script computed for %.2f s without waiting: no answer was taken meanwhile, and no Ctrl+C "
    .. "heard; fellowship.sleep(0) within long work lets both in"):format(longest))
  return longest
end

--- Looks until its task is cancelled.
---@param patience number seconds without the end of any call; a call of its own is given as much, and half of its
---  total timeout
function watchdog.watch(patience)
  local weak = { __mode = "k" }
  local since = setmetatable({}, weak) -- when calls were first seen on the wire
  local due = setmetatable({}, weak) -- the age at which those that were told of are told of again
  local ended, ended_at, quiet, turn = -1, task.now(), patience, 0
  while true do
    task.sleep(patience / LOOKS, true)
    turn = look_at_turns(turn)
    local now, oldest, waiting = task.now(), nil, nil
    if chain.ended ~= ended then ended, ended_at, quiet = chain.ended, now, patience end
    for _, flight in pairs(chain.flights) do
      if flight.sent and flight.stage then
        since[flight] = since[flight] or now
        if not oldest or since[flight] < since[oldest] then oldest = flight end
      elseif flight.stage and not flight.patient then
        waiting = waiting or flight
      end
    end
    local age = oldest and now - since[oldest]
    local limit = oldest and (due[oldest] or math.max(patience, oldest.model.times.total / 2))
    if not (oldest or waiting) then
      ended_at, quiet = now, patience -- the script itself is at work
    elseif now - ended_at >= quiet then
      quiet = 2 * quiet
      if oldest then due[oldest] = 2 * age end
      settings.warn(("no call has ended for %.0f s; %s"):format(now - ended_at, describe(oldest or waiting, age)))
    elseif oldest and age >= limit then
      due[oldest] = 2 * age
      settings.warn(describe(oldest, age))
    end
  end
end

return watchdog
