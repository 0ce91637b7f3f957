-- What a model wrote on the way to a verdict, as it is kept, and what it took.

local evidence = {}

--- One piece of evidence.
---@param model fellowship.Model
---@param completion fellowship.Completion
---@return table
function evidence.of(model, completion)
  local usage = completion.usage or {}
  return { model = model.named, text = completion.text, finish_reason = completion.finish_reason,
    prompt_tokens = usage.prompt_tokens, completion_tokens = usage.completion_tokens }
end

--- The evidence of several verdicts as one list, in their order.
---@param verdicts { evidence: table[]? }[]
---@return table[]
function evidence.join(verdicts)
  local all = {}
  for _, v in ipairs(verdicts) do
    for _, e in ipairs(v.evidence or {}) do all[#all + 1] = e end
  end
  return all
end

--- Calls and tokens of evidence; a sum of tokens is nil where a provider did not tell them.
---@param list table[]
---@param sums? table earlier sums to add to
---@return { calls: integer, prompt: integer?, completion: integer? }
function evidence.sum(list, sums)
  sums = sums or { calls = 0, prompt = 0, completion = 0 }
  for _, e in ipairs(list) do
    sums.calls = sums.calls + 1
    sums.prompt = sums.prompt and e.prompt_tokens and sums.prompt + e.prompt_tokens
    sums.completion = sums.completion and e.completion_tokens and sums.completion + e.completion_tokens
  end
  return sums
end

return evidence
