-- One process at a time asks for a call: another one that has the store open waits for what that commits.

local chain = require "fellowship.call.chain"
local record = require "fellowship.call.record"
local settings = require "fellowship.call.settings"

local lease = {}

---@class fellowship.Lease to be closed when the call has ended
---@field package flight fellowship.Flight
---@field package held fellowship.store.lease?
---@field package alone boolean? others have had their time
local Lease = {}
Lease.__index = Lease

--- The lease of a call, not taken yet. Example:
---     local mine <close> = lease.of(flight)
---     local taken, completion, problem = mine:take()
---@param flight fellowship.Flight
---@return fellowship.Lease
function lease.of(flight)
  return setmetatable({ flight = flight }, Lease)
end

function Lease:__close()
  if self.held then self.held:close() end
  self.held = nil
end

--- Takes it: true when the call is to be asked for now, false when another process does; nil, and what came of it, when
--- one has done so since the store was looked into.
---@return boolean?
---@return fellowship.Completion?
---@return fellowship.Error?
function Lease:take()
  if self.held or self.alone then return true end
  local flight = self.flight
  local held, changed = record.store():lease(flight.digest, flight.seen or -1)
  if not held then return false end
  self.held = held
  if not changed then return true end
  local completion, problem = record.answer(flight)
  if completion == chain.pass then return true end
  return nil, completion, problem
end

--- Waits until the other process has ended the call, however that ends; not for ever. Gives what came of it, or
--- `chain.pass`.
---@return fellowship.Completion?
---@return fellowship.Error?
function Lease:wait()
  local flight = self.flight
  flight.stage, flight.why = "held", "another process asks for it now, on the same store"
  self.alone = not record.store():await(flight.digest, settings.patience_with_others)
  return record.answer(flight)
end

return lease
