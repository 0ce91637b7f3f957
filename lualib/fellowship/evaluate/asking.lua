-- A question whose answer holds a verdict: asked, read, and asked once more in the same conversation when it
-- cannot be read.

local evidence = require "fellowship.evaluate.evidence"
local verdict = require "fellowship.evaluate.verdict"

--- Example: `local found, said = asking(model, question, again, { strategy = "direct" })`
---@param model fellowship.Model
---@param question string
---@param again string the second question
---@param reading table how fellowship.verdict.parse reads the answer
---@param sample? integer
---@return fellowship.Verdict? found nil when neither answer could be read
---@return table[] said the evidence: one answer or two, the last one counts
---@return string? problem why it could not be read
return function(model, question, again, reading, sample)
  local messages, said = { { role = "user", content = question } }, {}
  for attempt = 1, 2 do
    local completion = model:ask(messages, { sample = sample })
    said[attempt] = evidence.of(model, completion)
    local found, problem = verdict.parse(completion.text, reading)
    if found or attempt == 2 then return found, said, problem end
    messages[2] = { role = "assistant", content = completion.text }
    messages[3] = { role = "user", content = again }
  end
end
