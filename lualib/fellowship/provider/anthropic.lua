-- Anthropic's Messages API. Pure: builds a request, reads an answer.
-- Format: https://docs.anthropic.com/en/api/messages, and the types of Anthropic's SDK for Python (2.12.0).

local json = require "fellowship.core.json"
local answer = require "fellowship.provider.answer"
local caching = require "fellowship.provider.caching"
local failure = require "fellowship.provider.failure"
local parts = require "fellowship.provider.parts"
local quirks = require "fellowship.provider.quirks"
local reading = require "fellowship.provider.reading"
local thinking = require "fellowship.provider.thinking"
local tools = require "fellowship.provider.tools"

local text_of = parts.text

-- The API wants a bound; scripts that give none mean the model's own.
local MAX_TOKENS = 8192

local anthropic = { events = "sse", tool_schema = true, default_max_tokens = MAX_TOKENS,
  refuses = { logprobs = "Anthropic's API gives no log-probabilities" } }

local RENAMED = { stop = "stop_sequences", max_completion_tokens = "max_tokens" }

-- What a model that thinks does not take.
local FIXED = { "temperature", "top_p", "top_k" }

--- A part of a message in Anthropic's form: of OpenAI's images, those by address and those within.
local function block_of(part)
  if type(part) == "string" then return { type = "text", text = part } end
  local url = part.type == "image_url" and answer.part(part, "image_url").url
  if type(url) ~= "string" then return part end
  local kind, data = url:match "^data:([^;,]+);base64,(.*)$"
  if not kind then return { type = "image", source = { type = "url", url = url } } end
  return { type = "image", source = { type = "base64", media_type = kind, data = data } }
end

local function content_of(message)
  if type(message.content) ~= "table" then return message.content end
  local blocks = json.array {}
  for i, part in ipairs(message.content) do blocks[i] = block_of(part) end
  return blocks
end

--- System messages stand apart, as one text or as blocks.
local function split_system(messages)
  local texts, blocks, others, mixed = {}, json.array {}, json.array {}, false
  for _, message in ipairs(messages) do
    local content = content_of(message)
    if message.role ~= "system" and message.role ~= "developer" then
      others[#others + 1] = content == message.content and message or { role = message.role, content = content }
    elseif type(content) == "string" then
      texts[#texts + 1], blocks[#blocks + 1] = content, { type = "text", text = content }
    else
      mixed = true
      for _, block in ipairs(content) do blocks[#blocks + 1] = block end
    end
  end
  if #blocks == 0 then return nil, others end
  return mixed and blocks or table.concat(texts, "\n\n"), others
end

--- The request for a completion. See fellowship.provider.
---@param name string
---@param messages { role: string, content: any }[]
---@param params table<string, any>
---@param how? fellowship.How
---@return string path
---@return table body
function anthropic.build(name, messages, params, how)
  local q, schema = how and how.quirks or {}, how and how.schema
  local body = { model = name, max_tokens = MAX_TOKENS, stream = how and how.stream or nil }
  for key, value in pairs(params) do
    if key == "stop" and type(value) == "string" then value = { value } end
    body[RENAMED[key] or key] = value
  end
  local thinks = type(body.thinking) == "table" and body.thinking.type ~= "disabled"
  if thinks then for _, key in ipairs(FIXED) do body[key] = nil end end
  -- A tool that must be called and thinking exclude each other.
  local way = schema and (q.schema == "tool" and thinks and "instruct" or q.schema or "native")
  if way == "instruct" then messages = quirks.instruct(messages, schema) end
  body.system, body.messages = split_system(messages)
  if how then caching.mark(body, how) end
  if way == "tool" then
    body.tools = { { name = "answer", description = "Gives the answer.", input_schema = schema } }
    body.tool_choice = { type = "tool", name = "answer" }
  elseif way == "native" then
    local config = {}
    for key, value in pairs(body.output_config or config) do config[key] = value end
    config.format = { type = "json_schema", schema = schema }
    body.output_config = config
  end
  return "/messages", body
end

local function usage_of(value)
  local u = answer.part(value, "usage")
  local written, kept = answer.count(u.cache_creation_input_tokens), answer.part(u, "cache_creation")
  return answer.usage {
    -- input_tokens leaves out what was written to and read from the cache.
    prompt_tokens = answer.count(u.input_tokens) and answer.sum(u.input_tokens, written, u.cache_read_input_tokens),
    completion_tokens = answer.count(u.output_tokens), cached_tokens = answer.count(u.cache_read_input_tokens),
    cache_write_tokens = written, cache_write_1h_tokens = answer.count(kept.ephemeral_1h_input_tokens),
    reasoning_tokens = answer.count(answer.part(u, "output_tokens_details").thinking_tokens) }
end

local function refusal_of(value)
  local explanation = text_of(answer.part(value, "stop_details").explanation)
  return failure.refused("refusal", "the model refused" .. (explanation and ": " .. explanation or ""))
end

--- What the blocks of a message say: texts, thoughts, and the input of the tool by which a schema was asked for, or
--- which others are called.
local function read_blocks(blocks, by_tool)
  local texts, thoughts, calls = {}, {}, {}
  for _, block in ipairs(blocks) do
    if type(block) ~= "table" then error("a block is no object", 0) end
    if block.type == "tool_use" then
      if by_tool then texts[#texts + 1] = json.encode(block.input)
      else calls[#calls + 1] = tools.call(block.id, block.name, block.input) end
    else
      local text, thought = parts.read(block)
      texts[#texts + 1] = text
      if thought and thought ~= "" then thoughts[#thoughts + 1] = thought end
    end
  end
  return table.concat(texts), #thoughts > 0 and table.concat(thoughts, "\n\n") or nil, calls
end

--- The completion of a message, or what is wrong with it.
local function completion_of(value, how)
  if value.stop_reason == "refusal" then return refusal_of(value) end
  local by_tool = how and how.schema and how.quirks.schema == "tool"
  local text, reasoning, calls = read_blocks(value.content, by_tool)
  local finish = by_tool and value.stop_reason == "tool_use" and "stop" or answer.finish(value.stop_reason)
  local thought
  text, thought = thinking.whole(text, how and how.quirks.thinking, reasoning ~= nil)
  reasoning = reasoning or thought
  local asked = tools.were_given(how)
  if not text:find "%S" and finish ~= "length" and not (asked and calls[1]) then
    return failure.empty(tools.in_place_of_text(calls, reasoning))
  end
  local completion = { text = text, reasoning = reasoning, finish_reason = finish, model = text_of(value.model),
    usage = usage_of(value) }
  return { verdict = "done", completion = asked and tools.add(completion, calls) or completion }
end

--- What a decoded answer means: see fellowship.provider.
---@param status integer
---@param header fun(name: string): string?
---@param value any
---@param how? fellowship.How
---@param body? string
---@return table outcome
function anthropic.meaning(status, header, value, how, body)
  local e = type(value) == "table" and value.failed or failure.of(value)
  if status ~= 200 then
    e = e or failure.told(value, body)
    -- An overloaded server does not always say so in the status.
    return failure.outcome(e.type == "overloaded_error" and 529 or status, header, e)
  end
  if e then return failure.inside(e, header) end
  local said = type(value) == "table" and text_of(value.content)
  if said then value.content = { { type = "text", text = said } } end
  if type(value) ~= "table" or type(value.content) ~= "table" then
    e = failure.told(value, body)
    return failure.broken("the answer is no message" .. (e.message and ": " .. e.message or ""))
  end
  return failure.of_answer(value, body, completion_of, usage_of, how, header)
end

-- The field that each kind of delta continues.
local DELTAS = { text_delta = "text", thinking_delta = "thinking", input_json_delta = "partial_json" }

local events = {}

function events.error(whole, e)
  whole.failed, whole.complete = failure.of(e), true
  return nil, true
end

function events.message_start(whole, e)
  for name, value in pairs(e.message) do whole[name] = value end
  whole.content, whole.blocks = {}, {}
end

--- The block of an event's number, begun where a gateway left out what begins it, or the message.
local function numbered(whole, e, begun)
  whole.content, whole.blocks = whole.content or {}, whole.blocks or {}
  local block = not begun and whole.blocks[e.index]
  if not block then
    block = begun or { type = answer.part(e, "delta").type == "thinking_delta" and "thinking" or "text" }
    whole.blocks[e.index], whole.content[#whole.content + 1] = block, block
  end
  return block
end

function events.content_block_start(whole, e)
  local block = numbered(whole, e, e.content_block)
  return block.type == "text" and block.text or nil
end

function events.content_block_delta(whole, e)
  local name = DELTAS[e.delta.type]
  if not name then return nil end
  local block, new = numbered(whole, e), e.delta[name]
  parts.add(block, name == "partial_json" and "json" or name, new)
  if name == "thinking" and new ~= "" then whole.thinks = true end
  return name ~= "thinking" and new or nil
end

function events.content_block_stop(whole, e)
  local block = numbered(whole, e)
  local input = text_of(block.json)
  if input and input ~= "" then block.input = answer.decode(input) end
  block.json = nil
end

function events.message_delta(whole, e)
  for name, value in pairs(e.delta) do whole[name] = value end
  whole.usage = type(whole.usage) == "table" and whole.usage or {}
  for name, value in pairs(answer.part(e, "usage")) do -- cumulative, and not all are told again
    if value ~= json.null then whole.usage[name] = value end
  end
  whole.complete = answer.finish(whole.stop_reason) ~= nil -- gateways leave out what follows
end

function events.message_stop(whole)
  whole.complete = true
  return nil, true
end

--- Takes a streamed event into the message that a plain call would have given.
---@param whole table the message so far
---@param event { name: string?, data: string, value: any }
---@return string? text what is new
---@return boolean? ended
function anthropic.join(whole, event)
  if event.data == "[DONE]" then return nil, true end -- of gateways
  local take = events[event.value.type]
  if take then return take(whole, event.value) end
end

anthropic.classify = reading.classifier(anthropic)

return anthropic
