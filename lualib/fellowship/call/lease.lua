-- One process at a time asks for a call: another one that has the store open waits for what that commits.

local chain = require "fellowship.call.chain"
local record = require "fellowship.call.record"
local settings = require "fellowship.call.settings"

local lease = {}

---@class fellowship.Asking what is under way of a call's attempts, to be closed when it has ended
---@field held fellowship.store.lease? this process asks for it
---@field alone boolean? others have had their time
---@field most integer attempts
---@field n integer attempts made
---@field tries integer of these, those that count
---@field reached integer of these, those that somebody answered
---@field begun number? when the last one began
---@field before number? and the one before
---@field request fellowship.Request?

--- Looks up a call again that others may have committed since the store was looked into: true when it is to be asked for
--- now; nil, and what came of it, when it is there.
---@param flight fellowship.Flight
---@return boolean?
---@return fellowship.Completion?
---@return fellowship.Error?
function lease.look_again(flight)
  local completion, problem = record.answer(flight)
  if completion == chain.pass then return true end
  return nil, completion, problem
end

--- Waits until the other process has ended the call, however that ends; not for ever. Gives what came of it, or
--- `chain.pass`.
---@param flight fellowship.Flight
---@param asking fellowship.Asking
---@return fellowship.Completion?
---@return fellowship.Error?
function lease.wait(flight, asking)
  flight.stage, flight.why = "held", "another process asks for it now, on the same store"
  asking.alone = not record.store():await(flight.digest, settings.patience_with_others)
  return record.answer(flight)
end

return lease
