-- A call for what a response is worth: the conversation with the response at its end goes to a model that rates.

local json = require "fellowship.core.json"
local errors = require "fellowship.base.errors"
local chain = require "fellowship.call.chain"
local key = require "fellowship.call.key"
local settings = require "fellowship.call.settings"

local rating = {}

--- What the completion's text says.
local function read(completion, model)
  local found = json.decode(completion.text)
  if type(found) == "table" then return found end
  if settings.dry_run then return { score = 0 } end
  errors.raise { kind = "score", model = model.named, key = completion.key,
    message = ("%s: the rating is no JSON: %s"):format(model.named, completion.text:sub(1, 80)) }
end

--- Asks. Raises an error table when the call fails for good, or its answer holds no rating.
---@param model fellowship.Model
---@param prompt string|{ role: string, content: string }[]
---@param response string
---@param sample integer
---@return table
function rating.ask(model, prompt, response, sample)
  local messages = type(prompt) == "string" and { { role = "user", content = prompt } }
    or table.move(prompt, 1, #prompt, 1, {})
  messages[#messages + 1] = { role = "assistant", content = response }
  local params = next(model.params) and model.params or nil
  local completion = chain.ask(model, messages, params, sample + settings.fresh * key.FRESH)
  local found = read(completion, model)
  found.key, found.stored = completion.key, completion.stored
  return found
end

return rating
