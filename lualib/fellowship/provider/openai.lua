-- OpenAI's chat completions, and whatever speaks them. Pure: builds a request, reads an answer.
-- Format: https://platform.openai.com/docs/api-reference/chat

local json = require "fellowship.core.json"
local answer = require "fellowship.provider.answer"
local failure = require "fellowship.provider.failure"
local quirks = require "fellowship.provider.quirks"
local thinking = require "fellowship.provider.thinking"

local openai = { events = "sse" }

local count, text_of = answer.count, answer.text

--- The request for a completion: path under the base URL, and the body. See fellowship.provider.
---@param name string the model's name at its provider
---@param messages { role: string, content: string }[]
---@param params table<string, any> sent as they are
---@param how? fellowship.How
---@return string path
---@return table body
function openai.build(name, messages, params, how)
  local body = { model = name, messages = messages }
  for key, value in pairs(params) do body[key] = value end -- the encoder sorts the keys
  local q, schema = how and how.quirks or {}, how and how.schema
  if schema and (q.schema == "object" or q.schema == "instruct") then
    body.messages = quirks.instruct(messages, schema)
    if q.schema == "object" then body.response_format = { type = "json_object" } end
  elseif schema and q.schema == "grammar" then
    body.response_format = { type = "json_object", schema = schema }
  elseif schema then
    body.response_format = { type = "json_schema",
      json_schema = { name = "answer", schema = schema, strict = answer.is_strict(schema) } }
  end
  if how and how.stream then
    body.stream = true
    if q.stream_usage ~= false then body.stream_options = { include_usage = true } end
  end
  return "/chat/completions", body
end

local function usage_of(value)
  local usage = type(value.usage) == "table" and value.usage or {}
  local prompt = type(usage.prompt_tokens_details) == "table" and usage.prompt_tokens_details or {}
  local completion = type(usage.completion_tokens_details) == "table" and usage.completion_tokens_details or {}
  return { prompt_tokens = count(usage.prompt_tokens), completion_tokens = count(usage.completion_tokens),
    cached_tokens = count(prompt.cached_tokens) or count(usage.prompt_cache_hit_tokens), -- the latter: DeepSeek
    reasoning_tokens = count(completion.reasoning_tokens) }
end

local function logprobs_of(choice)
  local given = type(choice.logprobs) == "table" and choice.logprobs.content
  return type(given) == "table" and answer.logprobs(given, "token", "logprob", "top_logprobs") or nil
end

--- The completion of a choice, or what is wrong with it.
local function completion_of(value, how)
  local choice = type(value.choices) == "table" and value.choices[1]
  if type(choice) ~= "table" then return failure.broken "the answer has no choices" end
  if choice.finish_reason == "error" then return failure.broken "the answer's choice is an error" end
  local message = type(choice.message) == "table" and choice.message or {}
  local refusal = text_of(message.refusal)
  if choice.finish_reason == "content_filter" then
    return failure.refused("content_filter", "the provider's content filter stopped the answer")
  end
  local text = text_of(message.content)
  local reasoning = text_of(message.reasoning_content) or text_of(message.reasoning)
  if not text and refusal then return failure.refused("refusal", "the model refused: " .. refusal) end
  -- A budget that thinking used up leaves no answer; that is visible as finish_reason, not broken.
  if not text and reasoning and choice.finish_reason == "length" then text = "" end
  if not text then return failure.broken "the answer's message has no content" end
  local said, thought = thinking.whole(text, how and how.quirks.thinking)
  -- The fields that the call adds stand here as well, so that the table need not grow.
  return { verdict = "done", status = nil, elapsed = nil, completion = { text = said, reasoning = reasoning or thought,
    finish_reason = answer.finish(choice.finish_reason), model = text_of(value.model), usage = usage_of(value),
    logprobs = logprobs_of(choice), attempts = nil, elapsed = nil, key = nil } }
end

--- What a decoded answer means: see fellowship.provider.
---@param status integer
---@param header fun(name: string): string?
---@param value any nil when the body is not JSON
---@param how? fellowship.How
---@return table outcome
function openai.meaning(status, header, value, how)
  local e = failure.of(value)
  if status ~= 200 then return failure.outcome(status, header, e) end
  if e then
    -- OpenRouter and others report failures of the model behind them with status 200.
    local code = math.tointeger(tonumber(e.code)) or 500
    return failure.outcome(code >= 400 and code or 500, header, e)
  end
  if type(value) ~= "table" then return failure.broken "the answer is not JSON" end
  local outcome = completion_of(value, how)
  if not outcome.completion then outcome.usage = usage_of(value) end
  return outcome
end

-- What is read of a whole answer; `usage.prompt_cache_hit_tokens` is DeepSeek's.
local PLAN = json.plan { "error", "choices.1.message.content", "choices.1.message.refusal",
  "choices.1.message.reasoning_content", "choices.1.message.reasoning", "choices.1.logprobs",
  "choices.1.finish_reason", "model", "usage.prompt_tokens", "usage.completion_tokens",
  "usage.prompt_tokens_details.cached_tokens", "usage.prompt_cache_hit_tokens",
  "usage.completion_tokens_details.reasoning_tokens" }

--- What an ordinary answer means, as `meaning` would have it, in less than half of the time; nil for all others.
local function read_ordinary(body, how)
  local well, e, text, refusal, thought, thoughts, logprobs, finish, model, prompt, completion, cached, hits,
    reasoning = json.pluck(body, PLAN)
  if not well or e ~= nil or refusal ~= nil or thought ~= nil or thoughts ~= nil or logprobs ~= nil
    or type(text) ~= "string" or type(finish) ~= "string" or finish == "content_filter" or finish == "error" then
    return nil
  end
  local said, reasons = thinking.whole(text, how and how.quirks.thinking)
  return { verdict = "done", status = nil, elapsed = nil, header = nil, completion = { text = said, reasoning = reasons,
    finish_reason = answer.finish(finish), model = text_of(model), usage = { prompt_tokens = count(prompt),
      completion_tokens = count(completion), cached_tokens = count(cached) or count(hits),
      reasoning_tokens = count(reasoning) }, logprobs = nil, attempts = nil, elapsed = nil, key = nil } }
end

local read_any = answer.classifier(openai.meaning)

--- What an answer means: see fellowship.provider.
---@param status integer
---@param header fun(name: string): string?
---@param body string
---@param how? fellowship.How
---@return table outcome
function openai.classify(status, header, body, how)
  return status == 200 and read_ordinary(body, how) or read_any(status, header, body, how)
end

local TEXTS = { "content", "reasoning_content", "reasoning", "refusal" }

local function append(message, name, more)
  if type(more) == "string" then message[name] = (message[name] or "") .. more end
end

--- Takes a streamed chunk into the answer that a plain call would have given.
---@param whole table the answer so far
---@param event { name: string?, data: string, value: any }
---@return string? text all of the message so far, with its thinking
---@return boolean? ended
function openai.join(whole, event)
  if event.data == "[DONE]" then return nil, true end
  local chunk = event.value
  if failure.of(chunk) then
    whole.error = failure.of(chunk)
    return nil, true
  end
  if chunk.usage and chunk.usage ~= json.null then whole.usage = chunk.usage end
  if text_of(chunk.model) and chunk.model ~= "" then whole.model = chunk.model end
  whole.choices = whole.choices or {}
  local given = type(chunk.choices) == "table" and chunk.choices[1]
  if type(given) ~= "table" then return nil end
  local choice = whole.choices[1] or { message = {} }
  whole.choices[1] = choice
  local delta, message = type(given.delta) == "table" and given.delta or {}, choice.message
  for _, name in ipairs(TEXTS) do append(message, name, delta[name]) end
  if type(given.logprobs) == "table" and type(given.logprobs.content) == "table" then
    choice.logprobs = choice.logprobs or { content = {} }
    local all = choice.logprobs.content
    table.move(given.logprobs.content, 1, #given.logprobs.content, #all + 1, all)
  end
  if text_of(given.finish_reason) then choice.finish_reason = given.finish_reason end
  whole.complete = choice.finish_reason ~= nil
  return message.content
end

return openai
