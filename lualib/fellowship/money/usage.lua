-- What an attempt that brought no completion can have cost. Pure.

local billing = {}

-- Kinds of failures by which nothing was sent.
billing.UNSENT = { refused = true, connect = true, tls = true }

-- A gateway that gave up may stand before a model that did not.
local GAVE_UP = { [408] = true, [502] = true, [504] = true, [520] = true, [524] = true }

--- What is known of the bill: the usage where the provider told it, else whether there may be one. Refused calls cost
--- nothing, nor do those that never left; an answer that was cut off, or a timeout, may.
---@param outcome table in the form of fellowship.provider, with `status` where one came
---@return table? usage
---@return boolean may_be_billed
function billing.of(outcome)
  local usage, status = outcome.usage, outcome.status
  if usage and usage.prompt_tokens and usage.completion_tokens then return usage, true end
  if status and status ~= 0 then return nil, status < 300 or GAVE_UP[status] == true end
  return nil, not billing.UNSENT[outcome.kind]
end

return billing
