---@meta fellowship.core.limits
-- luacheck: ignore 212

---Which call may go on the wire next. There are slots for the whole process, and each endpoint has its
---own and a pause that its calls share. Calls of earlier rows go first.
---
---    local gate = limits.endpoint(4)
---    do
---      local slot <close> = gate:acquire()
---      -- the call
---    end
---@class fellowship.core.limits
local limits = {}

---The right to have one call on the wire; given back by `release`, or as a to-be-closed variable.
---@class fellowship.slot: userdata
local slot = {}

---Gives the slot back. Does nothing the second time.
function slot:release() end

---Tells the endpoint how the call ended, while the slot is held: by this the number of calls at a time
---and the rate adapt, and others wait where they would be refused too. Not told of, a call changes nothing.
---@param outcome "good"|"refused"|"overloaded"
---@param hint? number seconds that the server asked to be left alone
---@param tokens? integer used by the call
function slot:report(outcome, hint, tokens) end

---@class fellowship.endpoint: userdata
local endpoint = {}

---Waits for the right to send one call.
---@return fellowship.slot
function endpoint:acquire() end

---Nothing of this endpoint is sent before then; a pause is only ever lengthened.
---@param seconds number
function endpoint:pause(seconds) end

---Bounds the endpoint from now on, by what it tells of itself; 0 leaves one as it is, and so does what
---cannot be a limit.
---@param requests number a minute
---@param tokens number a minute
---@return boolean well false when something cannot be one
function endpoint:bound(requests, tokens) end

---How long the endpoint is paused still.
---@return number seconds 0 when it is not
function endpoint:paused() end

---What the endpoint allows now.
---@return number calls at a time; 0 when it does not adapt
---@return number requests a minute; 0 when they are not bounded
---@return number share of calls that are refused whatever the pace
function endpoint:pace() end

---A new endpoint. It lives as long as the process. `start` lets it adapt, from so many calls at a time;
---`requests` and `tokens` bound a minute.
---@param slots? integer calls at a time; 0, the default, for no bound of its own
---@param pace? { start: integer?, requests: integer?, tokens: integer? }
---@return fellowship.endpoint
function limits.endpoint(slots, pace) end

---Sets how many calls may be on the wire, for the whole process.
---@param n integer 1 or more
function limits.slots(n) end

---Seconds to wait after a failed attempt: doubling, with jitter; a hint (what the server asked for) is
---waited in full, and a little more.
---@param attempt integer from 1
---@param hint? number seconds
---@return number
function limits.backoff(attempt, hint) end

---Waits while the calls that are on their way to a slot would fill all that are free, and some more.
---Who opens new work asks first, so that what waits in memory follows the slots.
function limits.room() end

---@return integer in_use slots in use
---@return integer waiting tasks that wait for one
function limits.in_use() end

return limits
