-- Models that need no network (sim, and providers of one's own with `generate`): through the same gate and record.

local task = require "fellowship.core.task"
local chain = require "fellowship.call.chain"
local endpoint = require "fellowship.call.endpoint"
local record = require "fellowship.call.record"
local settings = require "fellowship.call.settings"

local simulated = { name = "sim", wants = "generate" }

---@param flight fellowship.Flight
function simulated.answer(flight)
  local model = flight.model
  local completion
  do
    local _ <close> = (model.gate or endpoint.gate(model)):acquire()
    local _ <close> = chain.before_attempt and chain.before_attempt(flight) or nil
    flight.sent = 1
    local latency = tonumber(flight.params.latency)
    if latency then task.sleep(latency) end
    completion = model.adapter.generate(model.name, flight.messages, flight.params, flight.sample, flight.schema)
  end
  local outcome = { verdict = "done", completion = completion, elapsed = 0 }
  if not settings.offline then return record.conclude(flight, outcome, 1, "{}") end
  completion.attempts, completion.elapsed = 1, 0 -- the store is read-only
  chain.counts.completed(model, completion)
  return record.read(record.completion(completion), flight.id, model)
end

return simulated
