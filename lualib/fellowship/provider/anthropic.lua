-- Anthropic's Messages API. Pure: builds a request, reads an answer.
-- Format: https://docs.anthropic.com/en/api/messages, and the types of Anthropic's SDK for Python (2.12.0).

local json = require "fellowship.core.json"
local answer = require "fellowship.provider.answer"
local failure = require "fellowship.provider.failure"
local quirks = require "fellowship.provider.quirks"

-- The API wants a bound; scripts that give none mean the model's own.
local MAX_TOKENS = 8192

local anthropic = { events = "sse", tool_schema = true, default_max_tokens = MAX_TOKENS,
  refuses = { logprobs = "Anthropic's API gives no log-probabilities" } }

local RENAMED = { stop = "stop_sequences", max_completion_tokens = "max_tokens" }

--- The request for a completion. See fellowship.provider.
---@param name string
---@param messages { role: string, content: string }[]
---@param params table<string, any>
---@param how? fellowship.How
---@return string path
---@return table body
function anthropic.build(name, messages, params, how)
  local q, schema = how and how.quirks or {}, how and how.schema
  if schema and q.schema == "instruct" then messages = quirks.instruct(messages, schema) end
  local body = { model = name, max_tokens = MAX_TOKENS, messages = json.array {}, stream = how and how.stream or nil }
  local system = {}
  for _, message in ipairs(messages) do
    local to = message.role == "system" and system or body.messages
    to[#to + 1] = message.role == "system" and message.content or message
  end
  if #system > 0 then body.system = table.concat(system, "\n\n") end
  for key, value in pairs(params) do
    if key == "stop" and type(value) == "string" then value = { value } end
    body[RENAMED[key] or key] = value
  end
  if schema and q.schema == "tool" then
    body.tools = { { name = "answer", description = "Gives the answer.", input_schema = schema } }
    body.tool_choice = { type = "tool", name = "answer" }
  elseif schema and q.schema ~= "instruct" then
    body.output_config = body.output_config or {}
    body.output_config.format = { type = "json_schema", schema = schema }
  end
  return "/messages", body
end

-- The status that goes with an error's type, for errors inside a stream, where the status was 200.
local STATUS = { invalid_request_error = 400, authentication_error = 401, billing_error = 402, permission_error = 403,
  not_found_error = 404, request_too_large = 413, rate_limit_error = 429, api_error = 500, timeout_error = 504,
  overloaded_error = 529 }

local function usage_of(value)
  local u = type(value.usage) == "table" and value.usage or {}
  local details = type(u.output_tokens_details) == "table" and u.output_tokens_details or {}
  return {
    -- input_tokens leaves out what was written to and read from the cache.
    prompt_tokens = answer.count(u.input_tokens)
      and answer.sum(u.input_tokens, u.cache_creation_input_tokens, u.cache_read_input_tokens),
    completion_tokens = answer.count(u.output_tokens), cached_tokens = answer.count(u.cache_read_input_tokens),
    reasoning_tokens = answer.count(details.thinking_tokens) }
end

local function refusal_of(value)
  local details = type(value.stop_details) == "table" and value.stop_details or {}
  return failure.refused("refusal", "the model refused" ..
    (answer.text(details.explanation) and ": " .. details.explanation or ""))
end

--- The completion of a message, or what is wrong with it.
local function completion_of(value)
  if value.stop_reason == "refusal" then return refusal_of(value) end
  local texts, thoughts = {}, {}
  for _, block in ipairs(value.content) do
    if block.type == "text" then texts[#texts + 1] = answer.text(block.text) end
    if block.type == "thinking" then thoughts[#thoughts + 1] = answer.text(block.thinking) end
    if block.type == "tool_use" then texts[#texts + 1] = json.encode(block.input) end
  end
  local reason = value.stop_reason == "tool_use" and "stop" or answer.finish(value.stop_reason)
  if #texts == 0 and reason ~= "length" and reason ~= "stop" then
    return failure.broken "the answer's message has no text"
  end
  return { verdict = "done", completion = { text = table.concat(texts),
    reasoning = #thoughts > 0 and table.concat(thoughts, "\n\n") or nil, finish_reason = reason,
    model = answer.text(value.model), usage = usage_of(value) } }
end

--- What a decoded answer means: see fellowship.provider.
---@param status integer
---@param header fun(name: string): string?
---@param value any
---@return table outcome
function anthropic.meaning(status, header, value)
  local e = failure.of(value)
  if status ~= 200 or e then
    local told = e and STATUS[e.type]
    -- An overloaded server does not always say so in the status.
    if status < 400 or told == 529 then status = told or (status ~= 200 and status) or 500 end
    return failure.outcome(status, header, e)
  end
  if type(value) ~= "table" or type(value.content) ~= "table" then
    return failure.broken "the answer is no message"
  end
  local outcome = completion_of(value)
  if not outcome.completion then outcome.usage = usage_of(value) end
  return outcome
end

anthropic.classify = answer.classifier(anthropic.meaning)

local function take_delta(block, delta)
  if delta.type == "text_delta" then block.text = (block.text or "") .. delta.text end
  if delta.type == "thinking_delta" then block.thinking = (block.thinking or "") .. delta.thinking end
  if delta.type == "input_json_delta" then block.json = (block.json or "") .. delta.partial_json end
end

--- Takes a streamed event into the message that a plain call would have given.
---@param whole table the message so far
---@param event { name: string?, data: string, value: any }
---@return string? text
---@return boolean? ended
function anthropic.join(whole, event)
  local e = event.value
  local kind = e.type
  if kind == "error" then
    whole.error = failure.of(e) or {}
    return nil, true
  elseif kind == "message_start" then
    for name, value in pairs(e.message) do whole[name] = value end
    whole.content = {}
  elseif kind == "content_block_start" then
    whole.content[e.index + 1] = e.content_block
  elseif kind == "content_block_delta" then
    take_delta(whole.content[e.index + 1], e.delta)
    local texts = {}
    for _, block in ipairs(whole.content) do texts[#texts + 1] = block.type == "text" and block.text or block.json end
    return table.concat(texts)
  elseif kind == "content_block_stop" then
    local block = whole.content[e.index + 1]
    if block.json and block.json ~= "" then block.input, block.json = answer.decode(block.json), nil end
  elseif kind == "message_delta" then
    for name, value in pairs(e.delta) do whole[name] = value end
    for name, value in pairs(type(e.usage) == "table" and e.usage or {}) do -- cumulative, and not all are told again
      if value ~= json.null then whole.usage[name] = value end
    end
  elseif kind == "message_stop" then
    whole.complete = true
    return nil, true
  end
end

return anthropic
