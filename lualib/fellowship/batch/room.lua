-- How much waits at a provider: one that has enough already is sent smaller batches, and larger ones again later.

local limits = require "fellowship.core.limits"
local task = require "fellowship.core.task"
local protocols = require "fellowship.batch.protocol"
local calls = require "fellowship.batch.calls"
local ledger = require "fellowship.batch.ledger"
local settings = require "fellowship.call.settings"

local room = {}

--- Too much waits already: the calls of a batch that was not taken go in smaller ones, after a while. What is refused
--- alone has used up an attempt.
---@param b table of fellowship.batch.ledger
---@param said string by the provider
---@param flights table[] the batch's calls
function room.shrink(b, said, flights)
  local lane = calls.lane(b.resolved)
  lane.most = math.min(lane.most or b.calls, math.max(1, b.calls // 2))
  lane.hold = task.now() + limits.backoff(6)
  settings.say("%s was refused, since too much waits at the provider already (%s); its calls go in batches of %d",
    ledger.shown(b), said, lane.most)
  local outcome = { verdict = "retry", kind = "rate_limit", message = ("the batch was refused: %s"):format(said) }
  for _, flight in ipairs(flights) do
    if b.calls > 1 then calls.give_back(flight, outcome) else calls.deliver_failure(flight, outcome) end
  end
end

--- A batch has ended: where batches were made smaller, and this one was as large as they are, the next may be larger.
---@param b table
function room.grow(b)
  local lane = calls.lane(b.resolved)
  lane.blamed = nil
  if not lane.most or b.calls < lane.most then return end
  lane.most = lane.most * 2
  local protocol = protocols.of(b.resolved.provider)
  if lane.most >= protocol.most_calls then lane.most = nil end
end

return room
