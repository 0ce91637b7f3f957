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

---@class fellowship.endpoint: userdata
local endpoint = {}

---Waits for the right to send one call.
---@return fellowship.slot
function endpoint:acquire() end

---Nothing of this endpoint is sent before then; a pause is only ever lengthened.
---@param seconds number
function endpoint:pause(seconds) end

---A new endpoint. It lives as long as the process.
---@param slots? integer calls at a time; 0, the default, for no bound of its own
---@return fellowship.endpoint
function limits.endpoint(slots) end

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
