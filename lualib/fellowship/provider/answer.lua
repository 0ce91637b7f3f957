-- What adapters share in reading answers.

local json = require "fellowship.core.json"
local parts = require "fellowship.provider.parts"
local repair = require "fellowship.provider.repair"

local type, integer_or_float = type, math.type -- called some ten times for each answer

local answer = {}

local LENIENT = { duplicates = "last" }

--- A decoded text of JSON, or of what is nearly JSON; nil when it is neither. White space before it, as in keep-alive
--- lines, is JSON's own.
---@param body string
---@return any
function answer.decode(body)
  local value, problem = json.decode(body, LENIENT)
  if value ~= nil or not problem then return value end
  local mended = repair.json(body)
  return mended and (json.decode(mended, LENIENT)) or nil
end

-- More tokens than any call has: what a server tells beyond that is no count, and sums of counts stay exact.
answer.MOST_TOKENS = 1e9
local MOST_TOKENS = answer.MOST_TOKENS

--- A count of tokens, or nil when it is none. Some servers write 10.0, some "10".
---@param value any
---@return integer?
function answer.count(value)
  if type(value) == "string" and value:find "^%d+$" then value = tonumber(value) end -- of servers that quote all
  local n = integer_or_float(value) == "integer" and value or integer_or_float(value) and math.tointeger(value)
  return n and n >= 0 and n <= MOST_TOKENS and n or nil
end

answer.text = parts.text

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

--- A table's field where that is a table, else an empty one.
---@param value any
---@param name string
---@return table
function answer.part(value, name)
  local part = type(value) == "table" and value[name]
  return type(part) == "table" and part or {}
end

---@class fellowship.Usage tokens of an answer; what is not told is nil
---@field prompt_tokens? integer
---@field completion_tokens? integer with those of reasoning
---@field cached_tokens? integer of the prompt's, those that were read from a cache
---@field cache_write_tokens? integer of the prompt's, those that were written to a cache at a price of their own
---@field cache_write_1h_tokens? integer of these, those that are kept for an hour or longer
---@field reasoning_tokens? integer of the completion's
---@field cost? number USD, by the server's word

-- What a single call cannot cost.
local MOST_COST = 1e6

--- Usage whose parts are no more than the whole: a cost by it is never below nothing. More cached tokens than there are
--- is a mistake, and nothing is taken off for it.
---@param u fellowship.Usage
---@return fellowship.Usage
function answer.usage(u)
  local prompt, completion = u.prompt_tokens, u.completion_tokens
  if prompt then
    if u.cached_tokens and u.cached_tokens > prompt then u.cached_tokens = nil end
    local rest = prompt - (u.cached_tokens or 0)
    if u.cache_write_tokens then u.cache_write_tokens = math.min(u.cache_write_tokens, rest) end
    if u.cache_write_1h_tokens then
      u.cache_write_1h_tokens = math.min(u.cache_write_1h_tokens, u.cache_write_tokens or 0)
    end
  end
  if completion and u.reasoning_tokens then u.reasoning_tokens = math.min(u.reasoning_tokens, completion) end
  local cost = u.cost
  if not (type(cost) == "number" and cost >= 0 and cost <= MOST_COST) then u.cost = nil end
  return u
end

-- Why an answer ended, in OpenAI's words, by those of others in lower case; what is not here is given as it was said.
local FINISHES = {
  stop = "stop", length = "length", content_filter = "content_filter", tool_calls = "tool_calls",
  eos = "stop", eos_token = "stop", end_turn = "stop", stop_sequence = "stop", complete = "stop", completed = "stop",
  max_length = "length", max_tokens = "length", max_new_tokens = "length", max_output_tokens = "length",
  model_context_window_exceeded = "length", model_length = "length", token_limit = "length", continuation = "length",
  -- Zhipu's, Google's through gateways, Cohere's
  content_filtered = "content_filter", sensitive = "content_filter", safety = "content_filter",
  prohibited_content = "content_filter", error_toxic = "content_filter",
}

-- Ends that are none: the server gave the answer up while it was written (DeepSeek; vLLM, SGLang; Cohere; Zhipu).
local BROKEN_OFF = { error = true, abort = true, aborted = true, cancelled = true, canceled = true, timeout = true,
  insufficient_system_resource = true, network_error = true, server_error = true, engine_error = true }

--- A reason in lower case, without what some converters leave before it; nil where none is said.
local function plain_reason(reason)
  local said = answer.text(reason)
  if not said or said == "" then return nil end
  local plain = said:lower():gsub("^finish_reason_", "")
  return plain ~= "null" and plain ~= "none" and plain or nil
end

--- Why an answer ended: "stop", "length" (cut off by a limit of tokens), "content_filter", or as the provider said it;
--- nil when it did not say, as servers do with null and with "".
---@param reason any
---@return string?
function answer.finish(reason)
  local plain = plain_reason(reason)
  return plain and (FINISHES[plain] or answer.text(reason))
end

--- Whether a reason says that the server gave the answer up.
---@param reason any
---@return boolean
function answer.is_given_up(reason)
  return BROKEN_OFF[plain_reason(reason) or ""] or false
end

-- A probability of nothing: servers that have no other way to write it say null.
local NEVER = -9999.0

--- Log-probabilities of the answer's tokens in one form; nil when they make no sense.
---@param list table[]
---@param token string the field of a token's text
---@param logprob string the field of its log-probability
---@param top string the field of the alternatives
---@return { token: string, length: integer, logprob: number, top: { token: string, logprob: number }[] }[]?
function answer.logprobs(list, token, logprob, top)
  local all = {}
  for i, t in ipairs(list) do
    if type(t) ~= "table" or type(t[token]) ~= "string" then return nil end
    local others = {}
    for _, other in ipairs(type(t[top]) == "table" and t[top] or others) do
      if type(other) == "table" and type(other[token]) == "string" and type(other[logprob]) == "number" then
        others[#others + 1] = { token = other[token], logprob = other[logprob] }
      end
    end
    -- A token may be part of a character; its text is then no more than a rendering of its bytes.
    local bytes = type(t.bytes) == "table" and #t.bytes
    local p = type(t[logprob]) == "number" and t[logprob] or NEVER
    all[i] = { token = t[token], length = bytes or #t[token], logprob = p, top = json.array(others) }
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

return answer
