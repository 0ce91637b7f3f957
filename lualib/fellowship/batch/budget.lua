-- What batches take of --max-cost and --max-calls: a call is reserved when its batch is cut, and settled by its result.
-- What does not fit waits for the next cut, when batches under way have given back what they did not need.

local lazy = require "fellowship.base.lazy"
local budget = lazy "fellowship.money.budget"
local settings = require "fellowship.call.settings"

local batch_budget = {}

--- Whether a call fits now, and its reservation where something is bounded. Raises when nobody can say what it costs.
---@param flight table of fellowship.call.chain
---@return boolean fits
---@return fellowship.Reservation?
function batch_budget.try(flight)
  if not settings.bounded then return true end
  local reservation = budget.try(flight, true)
  return reservation ~= nil, reservation
end

--- Keeps the reservation of a call until its batch has ended, whether somebody waits for the call or not.
---@param b table of fellowship.batch.ledger
---@param digest string
---@param reservation fellowship.Reservation?
function batch_budget.keep(b, digest, reservation)
  if not reservation then return end
  b.reservations = b.reservations or {}
  b.reservations[digest] = reservation
end

--- Ends the reservation of a call by its result.
---@param b table
---@param digest string
---@param outcome table in the form of fellowship.provider
function batch_budget.account(b, digest, outcome)
  local reservation = b.reservations and b.reservations[digest]
  if not reservation then return end
  b.reservations[digest] = nil
  reservation:account(outcome)
end

--- Ends what is left of a batch's reservations.
---@param b table
---@param how "release"|"cancel"|"settle" its calls were never made; not billed; billed nobody knows how
function batch_budget.close(b, how)
  local left = b.reservations or {}
  b.reservations = nil
  for _, reservation in pairs(left) do reservation[how](reservation) end
end

--- Asks for the budget of a call when nothing is under way: raises the stop when it can never fit.
---@param flight table
function batch_budget.insist(flight)
  local reservation = budget.reserve(flight, true)
  if reservation then reservation:release() end
end

return batch_budget
