-- Counts of a run's model calls, for run.json, the summary and the progress line.

local stats = {
  made = 0, -- calls answered by a provider (or sim) in this run
  stored = 0, -- calls answered by the store
  attempts = 0, -- HTTP exchanges
  retries = 0, -- attempts that were repeated
  rate_limited = 0, -- of these: the provider said that there were too many
  failed = 0, -- calls that failed for good
  in_flight = 0, -- calls on the wire now
  prompt_tokens = 0,
  completion_tokens = 0,
  unknown_tokens = 0, -- calls made whose usage the provider did not tell
  models = {}, -- names of the models asked, in order of first use
  simulated = false,
}

local seen = {}

--- Notes that a model was asked.
---@param model fellowship.Model
function stats.asked(model)
  if seen[model.named] then return end
  seen[model.named] = true
  stats.models[#stats.models + 1] = model.named
  if model.provider.simulated then stats.simulated = true end
end

--- Notes a completion that was paid for now.
---@param completion fellowship.Completion
function stats.completed(completion)
  local usage = completion.usage or {}
  stats.made = stats.made + 1
  if usage.prompt_tokens and usage.completion_tokens then
    stats.prompt_tokens = stats.prompt_tokens + usage.prompt_tokens
    stats.completion_tokens = stats.completion_tokens + usage.completion_tokens
  else
    stats.unknown_tokens = stats.unknown_tokens + 1
  end
end

return stats
