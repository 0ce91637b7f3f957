-- Answers that are data: a JSON schema given with the question, a validated value with the answer.

local json = require "fellowship.core.json"
local errors = require "fellowship.base.errors"
local schemas = require "fellowship.call.schema"

local structured = {}

--- The JSON value in an answer: bare, or in the last fence of a text.
local function value_in(text)
  local value, problem = json.decode(text, { duplicates = "last" })
  if value ~= nil then return value end
  for fenced in text:gmatch "```%a*%s*\n(.-)\n%s*```" do
    local found = json.decode(fenced, { duplicates = "last" })
    if found ~= nil then value = found end
  end
  if value == nil then return nil, "it is no JSON: " .. tostring(problem) end
  return value
end

--- The value that an answer holds; nil and what is wrong with it when it does not fit.
---@param schema table
---@param text string
---@return any value
---@return string? problem
function structured.read(schema, text)
  local value, problem = value_in(text)
  problem = problem or schemas.validate(schema, value)
  if problem then return nil, problem end
  return value
end

local REPAIR = "That answer cannot be used: %s. Answer again with one JSON value that fits this JSON Schema, and with "
  .. "nothing else:\n%s"

--- Asks until the answer fits: once, and once more in the same conversation when it does not. Raises an error of kind
--- "schema", with the last completion in it, when neither does. The second question is a call of its own in the store.
---@param ask fun(messages: table[]): fellowship.Completion
---@param messages { role: string, content: string }[]
---@param schema table
---@return fellowship.Completion completion with `value`
function structured.ask(ask, messages, schema)
  local completion = ask(messages)
  local value, problem = structured.read(schema, completion.text)
  if problem and completion.finish_reason ~= "length" then
    local talk = table.move(messages, 1, #messages, 1, {})
    talk[#talk + 1] = { role = "assistant", content = completion.text }
    talk[#talk + 1] = { role = "user", content = REPAIR:format(problem, json.encode(schema)) }
    completion = ask(talk)
    value, problem = structured.read(schema, completion.text)
  end
  if problem then
    errors.raise { kind = "schema", key = completion.key, completion = completion, retryable = false,
      message = "the answer does not fit the schema: " .. problem
        .. (completion.finish_reason == "length" and " (it was cut off by the limit of tokens)" or "") }
  end
  completion.value = value
  return completion
end

return structured
