-- OpenAI's chat completions, and whatever speaks them. Pure: builds a request, reads an answer.
-- Format: https://platform.openai.com/docs/api-reference/chat

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local retry_after = require "fellowship.provider.retry_after"

local openai = {}

local LENIENT = { duplicates = "last" }

--- The request for a completion: path under the base URL, and the body.
---@param name string the model's name at its provider
---@param messages { role: string, content: string }[]
---@param params table<string, any> sent as they are
---@return string path
---@return table body
function openai.build(name, messages, params)
  local body = { model = name, messages = messages }
  for key, value in pairs(params) do body[key] = value end -- the encoder sorts the keys
  return "/chat/completions", body
end

--- The error object of a body, in its nested form or vLLM's older flat one.
local function error_of(value)
  if type(value) ~= "table" then return nil end
  local e = value.error
  if type(e) == "string" then return { message = e } end
  if type(e) == "table" then return e end
  if value.object == "error" then return value end
  return nil
end

local function text_of(value)
  return type(value) == "string" and value or nil
end

--- Failures that no repetition mends, by what the error says of itself.
local function terminal(status, e)
  local code = text_of(e.code) or ""
  local message = (text_of(e.message) or ""):lower()
  local kind = text_of(e.type) or ""
  if code == "insufficient_quota" or kind == "insufficient_quota"
    or message:find("exceeded your current quota", 1, true) then
    return { kind = "quota", fatal = true }
  end
  if code == "content_filter" or code == "content_policy_violation" then
    return { kind = "content_filter", stored = true }
  end
  if code == "context_length_exceeded" or kind == "exceed_context_size_error"
    or message:find("maximum context length", 1, true) then
    return { kind = "context_length", stored = true }
  end
  if status == 402 then return { kind = "quota", fatal = true } end -- OpenRouter, DeepSeek: out of credits
  if status == 401 or status == 403 then return { kind = "auth", fatal = true } end
  if status == 404 then return { kind = "not_found" } end
  return nil
end

local function retryable(status)
  return status == 408 or status == 409 or status == 429 or status >= 500
end

local kinds = { [408] = "timeout", [429] = "rate_limit", [503] = "overloaded", [529] = "overloaded" }

--- How long the server asks to be left alone: Retry-After, else when its limits are fresh again.
local function hint_of(status, header)
  local now = sys.time() / 1000
  local hint = retry_after.parse(header "retry-after", now)
  if hint or status ~= 429 then return hint end
  local requests = retry_after.parse(header "x-ratelimit-reset-requests", now)
  local tokens = retry_after.parse(header "x-ratelimit-reset-tokens", now)
  return requests and tokens and math.max(requests, tokens) or requests or tokens
end

--- What an error answer means.
local function failure(status, header, e)
  local message = e and text_of(e.message) or ""
  local said = ("HTTP %d%s"):format(status, message ~= "" and ": " .. message or "")
  local final = e and terminal(status, e) or (status == 401 or status == 403) and { kind = "auth", fatal = true }
  if final then
    final.verdict, final.message = "final", said
    return final
  end
  if retryable(status) then
    local hint = hint_of(status, header)
    return { verdict = "retry", kind = kinds[status] or "server", message = said, hint = hint,
      pause = status == 429 or hint ~= nil }
  end
  if status >= 300 and status < 400 then
    return { verdict = "final", kind = "redirect",
      message = said .. " (redirects are not followed; give the final base URL)" }
  end
  return { verdict = "final", kind = status == 404 and "not_found" or "request", message = said }
end

local function broken(what)
  return { verdict = "retry", kind = "garbage", message = what }
end

local function usage_of(value)
  local usage = type(value.usage) == "table" and value.usage or {}
  local function count(n) return math.type(n) == "integer" and n or nil end
  return { prompt_tokens = count(usage.prompt_tokens), completion_tokens = count(usage.completion_tokens) }
end

--- The completion of a choice, or what is wrong with it.
local function completion_of(value)
  local choice = type(value.choices) == "table" and value.choices[1]
  if type(choice) ~= "table" then return broken "the answer has no choices" end
  if choice.finish_reason == "error" then return broken "the answer's choice is an error" end
  local message = type(choice.message) == "table" and choice.message or {}
  local refusal = text_of(message.refusal)
  if choice.finish_reason == "content_filter" then
    return { verdict = "final", kind = "content_filter", stored = true,
      message = "the provider's content filter stopped the answer" }
  end
  local text = text_of(message.content)
  if not text and refusal then
    return { verdict = "final", kind = "refusal", stored = true, message = "the model refused: " .. refusal }
  end
  if not text then return broken "the answer's message has no content" end
  return { verdict = "done", completion = { text = text, finish_reason = text_of(choice.finish_reason),
    model = text_of(value.model), usage = usage_of(value) } }
end

--- What an answer means: see fellowship.provider.
---@param status integer
---@param header fun(name: string): string?
---@param body string
---@return table outcome
function openai.classify(status, header, body)
  local value = json.decode(body, LENIENT) -- white space before it, as in keep-alive lines, is JSON's own
  local e = error_of(value)
  if status ~= 200 then return failure(status, header, e) end
  if e then
    -- OpenRouter and others report failures of the model behind them with status 200.
    local code = math.tointeger(tonumber(e.code)) or 500
    return failure(code >= 400 and code or 500, header, e)
  end
  if type(value) ~= "table" then return broken "the answer is not JSON" end
  return completion_of(value)
end

return openai
