-- Answers that are data: a JSON schema given with the question, a validated value with the answer.

local json = require "fellowship.core.json"
local errors = require "fellowship.base.errors"
local schemas = require "fellowship.call.schema"
local repair = require "fellowship.provider.repair"

local structured = {}

local LENIENT = { duplicates = "last" }
local FENCE = "```"

--- The value of a text of JSON, or of what is nearly so.
local function decode(text)
  local value, problem = json.decode(text, LENIENT)
  if value ~= nil or not problem then return value end
  local mended = repair.json(text)
  if mended then value = json.decode(mended, LENIENT) end
  return value, problem
end

--- The last JSON value within fences; each part of the text is looked at once. Where a fence too many stands before it,
--- the value is between two others.
local function fenced(text)
  local found, from, n = {}, 1, 0
  repeat
    local at = text:find(FENCE, from, true)
    local value
    if n > 0 then value = decode((text:sub(from, (at or 0) - 1):gsub("^%a+", ""))) end -- the language
    if value ~= nil then found[n % 2] = value end
    from, n = at and at + #FENCE, n + 1
  until not at
  if found[1] ~= nil then return found[1] end
  return type(found[0]) == "table" and found[0] or nil
end

local OPENS, CLOSES, QUOTE, ESCAPE = { [123] = 1, [91] = 1 }, { [125] = 1, [93] = 1 }, 34, 92

--- The last of the outermost pairs of brackets in a text that hold JSON; quotation marks count within them. One pass.
local function bracketed(text)
  local value, depth, first, at, quoted = nil, 0, 0, 0, false
  while true do
    at = text:find(depth == 0 and "[{%[]" or quoted and '["\\]' or '[{}%[%]"]', at + 1)
    if not at then return value end
    local c = text:byte(at)
    if quoted then
      if c == ESCAPE then at = at + 1 else quoted = false end
    elseif c == QUOTE then
      quoted = true
    elseif OPENS[c] then
      if depth == 0 then first = at end
      depth = depth + 1
    elseif CLOSES[c] then
      depth = depth - 1
      local held = depth == 0 and decode(text:sub(first, at)) or nil
      if held ~= nil then value = held end
    end
  end
end

--- The JSON value in an answer: bare, in the last fence of a text, the last one in brackets, or what stands between the
--- first bracket and the last one.
local function value_in(text)
  local value, problem = decode(text)
  if value ~= nil then return value end
  value = fenced(text)
  if value ~= nil then return value end
  value = bracketed(text)
  if value ~= nil then return value end
  local first, last = text:find("[{%[]"), text:match "^.*()[}%]]"
  if first and last and last > first then value = decode(text:sub(first, last)) end
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
