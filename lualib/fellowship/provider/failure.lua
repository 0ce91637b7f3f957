-- What an error answer means: which failures are final, which pass, and how long the server asks to be
-- left alone. Shared by the adapters, which bring the error in one form.

local sys = require "fellowship.core.sys"
local retry_after = require "fellowship.provider.retry_after"

local failure = {}

---@class fellowship.ErrorBody an error as servers tell it; every field may be missing or of another type
---@field message? string
---@field type? string
---@field code? string|integer
---@field param? string the parameter that is refused

local function text_of(value)
  return type(value) == "string" and value or nil
end

--- The error of a decoded body: nested, as a text, in a list (Gemini's), or vLLM's older flat one; else nil.
---@param value any
---@return fellowship.ErrorBody?
function failure.of(value)
  if type(value) ~= "table" then return nil end
  if value.error == nil and type(value[1]) == "table" then value = value[1] end
  local e = value.error
  if type(e) == "string" then return { message = e } end
  if type(e) == "table" then return e end
  if value.object == "error" then return value end
  return nil
end

-- Words by which servers say that something is final: kind, and what follows from it.
local WORDS = {
  { "exceeded your current quota", "quota" }, { "credit balance is too low", "quota" },
  { "insufficient credits", "quota" }, { "insufficient balance", "quota" },
  { "maximum context length", "context_length" }, { "prompt is too long", "context_length" },
  { "exceeds the available context size", "context_length" }, { "exceeded max context length", "context_length" },
  { "input length exceeds", "context_length" },
  { "exceeds the maximum number of tokens", "context_length" },
  { "api key not valid", "auth" },
}

-- The same by code or type.
local CODES = {
  insufficient_quota = "quota", billing_error = "quota", billing_hard_limit_reached = "quota",
  content_filter = "content_filter", content_policy_violation = "content_filter",
  context_length_exceeded = "context_length", exceed_context_size_error = "context_length",
  request_too_large = "context_length", string_above_max_length = "context_length",
}

-- Statuses that mean the same for every server; 402 is out of credits (OpenRouter, DeepSeek, Anthropic).
local STATUSES = { [401] = "auth", [402] = "quota", [403] = "auth", [404] = "not_found" }

-- What is true of each kind: fatal ones fail every call of the run alike, stored ones belong to the request for good.
local FATAL = { quota = true, auth = true }
local STORED = { content_filter = true, context_length = true }

--- Failures that no repetition mends, by what the error says of itself.
local function terminal(status, e)
  local message = (text_of(e.message) or ""):lower()
  local kind = CODES[text_of(e.code) or ""] or CODES[text_of(e.type) or ""]
  if type(e.metadata) == "table" and e.metadata.flagged_input ~= nil then kind = "content_filter" end -- OpenRouter
  for _, words in ipairs(WORDS) do
    if not kind and message:find(words[1], 1, true) then kind = words[2] end
  end
  return kind or STATUSES[status]
end

local KINDS = { [408] = "timeout", [429] = "rate_limit", [503] = "overloaded", [529] = "overloaded" }

local RESETS = {
  "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens",
  "anthropic-ratelimit-requests-reset", "anthropic-ratelimit-tokens-reset",
  "anthropic-ratelimit-input-tokens-reset", "anthropic-ratelimit-output-tokens-reset",
}

--- How long the server asks to be left alone: Retry-After, else when its limits are fresh again.
local function hint_of(status, header)
  local now = sys.time() / 1000
  local ms = tonumber(header "retry-after-ms" or "")
  local hint = ms and ms >= 0 and retry_after.parse(tostring(ms / 1000), now)
    or retry_after.parse(header "retry-after", now)
  if hint or status ~= 429 then return hint end
  for _, name in ipairs(RESETS) do
    local reset = retry_after.parse(header(name), now)
    if reset then hint = math.max(hint or 0, reset) end
  end
  return hint
end

local function is_retried(status, header)
  local told = header "x-should-retry" -- OpenAI's and Anthropic's servers know better; their SDKs obey it too
  if told == "true" or told == "false" then return told == "true" end
  return status == 408 or status == 409 or status == 429 or status >= 500
end

--- The outcome of an error answer, in the form of fellowship.provider. An outcome of kind "request" carries
--- what the server says of the parameter it refuses (`param`, `said`), for fellowship.provider.quirks.
---@param status integer 400 or more; or a redirect
---@param header fun(name: string): string?
---@param e? fellowship.ErrorBody
---@param hint? number seconds, where the body itself says how long to wait
---@return table outcome
function failure.outcome(status, header, e, hint)
  local message = e and text_of(e.message) or ""
  local said = ("HTTP %d%s"):format(status, message ~= "" and ": " .. message or "")
  -- llama-cpp-python's server says 500 to what it does not take.
  if status == 500 and message:find("validation error", 1, true) then status = 400 end
  local kind = e and terminal(status, e) or STATUSES[status]
  if kind then
    return { verdict = "final", kind = kind, message = said, fatal = FATAL[kind], stored = STORED[kind] }
  end
  if is_retried(status, header) then
    hint = hint or hint_of(status, header)
    return { verdict = "retry", kind = KINDS[status] or "server", message = said, hint = hint,
      pause = status == 429 or hint ~= nil }
  end
  if status >= 300 and status < 400 then
    return { verdict = "final", kind = "redirect",
      message = said .. " (redirects are not followed; give the final base URL)" }
  end
  return { verdict = "final", kind = "request", message = said, said = message, param = e and text_of(e.param) }
end

--- An answer that cannot be what the server meant: tried again.
---@param what string
---@return table outcome
function failure.broken(what)
  return { verdict = "retry", kind = "garbage", message = what }
end

--- A refusal, or an answer that a filter stopped: final for the request, and kept.
---@param kind "refusal"|"content_filter"
---@param message string
---@return table outcome
function failure.refused(kind, message)
  return { verdict = "final", kind = kind, stored = true, message = message }
end

return failure
