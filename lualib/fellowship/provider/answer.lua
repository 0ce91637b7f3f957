-- What adapters share in reading answers.

local json = require "fellowship.core.json"

local type, integer_or_float = type, math.type -- called some ten times for each answer

local answer = {}

local LENIENT = { duplicates = "last" }

--- A decoded text of JSON, or nil. White space before it, as in keep-alive lines, is JSON's own.
---@param body string
---@return any
function answer.decode(body)
  return (json.decode(body, LENIENT))
end

--- A count of tokens, or nil when it is none.
---@param value any
---@return integer?
function answer.count(value)
  return integer_or_float(value) == "integer" and value >= 0 and value or nil
end

--- A text, or nil when it is none.
---@param value any
---@return string?
function answer.text(value)
  return type(value) == "string" and value or nil
end

--- The sum of counts; those that are not told count nothing, and it is nil when none is told.
---@return integer?
function answer.sum(...)
  local sum
  for i = 1, select("#", ...) do
    local n = answer.count((select(i, ...)))
    if n then sum = (sum or 0) + n end
  end
  return sum
end

-- Why an answer ended, in OpenAI's words; others are given as they were said.
local REASONS = {
  eos = "stop", end_turn = "stop", stop_sequence = "stop", STOP = "stop", complete = "stop",
  max_tokens = "length", MAX_TOKENS = "length", model_context_window_exceeded = "length", model_length = "length",
}

--- Why an answer ended: "stop", "length" (cut off by a limit of tokens), or as the provider said it.
---@param reason any
---@return string?
function answer.finish(reason)
  return REASONS[reason] or answer.text(reason)
end

--- Log-probabilities of the answer's tokens in one form.
---@param list table[]
---@param token string the field of a token's text
---@param logprob string the field of its log-probability
---@param top string the field of the alternatives
---@return { token: string, length: integer, logprob: number, top: { token: string, logprob: number }[] }[]
function answer.logprobs(list, token, logprob, top)
  local all = {}
  for i, t in ipairs(list) do
    local others = {}
    for j, other in ipairs(type(t[top]) == "table" and t[top] or {}) do
      others[j] = { token = other[token], logprob = other[logprob] }
    end
    -- A token may be part of a character; its text is then no more than a rendering of its bytes.
    local bytes = type(t.bytes) == "table" and #t.bytes
    all[i] = { token = t[token], length = bytes or #t[token], logprob = t[logprob], top = json.array(others) }
  end
  return all
end

--- Whether OpenAI's strict mode takes a schema: every object closed, every property required.
---@param schema table
---@return boolean
function answer.is_strict(schema)
  if type(schema) ~= "table" then return true end
  if schema.properties then
    if schema.additionalProperties ~= false then return false end
    local required = {}
    for _, name in ipairs(schema.required or {}) do required[name] = true end
    for name, property in pairs(schema.properties) do
      if not required[name] or not answer.is_strict(property) then return false end
    end
  elseif schema.type == "object" then
    return false
  end
  for _, option in ipairs(schema.anyOf or {}) do
    if not answer.is_strict(option) then return false end
  end
  return answer.is_strict(schema.items)
end

--- An adapter's classify, made of its meaning: the body is decoded, what is not JSON is nil.
---@param meaning fun(status: integer, header: function, value: any, how: fellowship.How?): table
---@return fun(status: integer, header: function, body: string, how: fellowship.How?): table
function answer.classifier(meaning)
  return function(status, header, body, how)
    return meaning(status, header, answer.decode(body), how)
  end
end

return answer
