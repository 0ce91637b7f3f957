-- OpenAI's Responses API, for the models that have nothing else, and for summaries of what they reason. Pure: builds a
-- request, reads an answer. Format: https://developers.openai.com/api/reference/responses, and the types of OpenAI's SDK
-- for Python (3.57.0).

local json = require "fellowship.core.json"
local answer = require "fellowship.provider.answer"
local failure = require "fellowship.provider.failure"
local parts = require "fellowship.provider.parts"
local quirks = require "fellowship.provider.quirks"
local reading = require "fellowship.provider.reading"
local thinking = require "fellowship.provider.thinking"
local tools = require "fellowship.provider.tools"

local responses = { events = "sse" }

local count, text_of = answer.count, parts.text

-- Parameters by their names in chat completions; what the API does not know is left out.
local RENAMED = { max_tokens = "max_output_tokens", max_completion_tokens = "max_output_tokens" }
local UNKNOWN = { stop = true, seed = true, presence_penalty = true, frequency_penalty = true, logprobs = true }

-- Models that reason, of which a summary is asked for.
local REASONS = { "^o%d", "^gpt%-[5-9]", "codex" }

local function reasons(name)
  for _, pattern in ipairs(REASONS) do
    if name:lower():find(pattern) then return true end
  end
  return false
end

-- ---- asking ----

--- A part of a message as this API has it.
local function part_of(part, role)
  if type(part) == "string" then part = { type = "text", text = part } end
  if part.type == "text" then
    return { type = role == "assistant" and "output_text" or "input_text", text = part.text }
  end
  local image = part.type == "image_url" and answer.part(part, "image_url")
  return image and { type = "input_image", image_url = image.url, detail = image.detail } or part
end

local function input_of(messages)
  local list = json.array {}
  for i, message in ipairs(messages) do
    local content = message.content
    if type(content) == "table" then
      local all = json.array {}
      for j, part in ipairs(content) do all[j] = part_of(part, message.role) end
      content = all
    end
    list[i] = { role = message.role, content = content }
  end
  return list
end

--- The request for a completion. See fellowship.provider.
---@param name string
---@param messages { role: string, content: any }[]
---@param params table<string, any>
---@param how? fellowship.How
---@return string path
---@return table body
function responses.build(name, messages, params, how)
  local q, schema = how and how.quirks or {}, how and how.schema
  if schema and q.schema == "instruct" then messages = quirks.instruct(messages, schema) end
  -- Nothing is kept at the provider: what is kept is the store's.
  local body = { model = name, input = input_of(messages), store = false, stream = how and how.stream or nil }
  for key, value in pairs(params) do
    if not UNKNOWN[key] then body[RENAMED[key] or key] = value end
  end
  if params.logprobs then body.include = json.array { "message.output_text.logprobs" } end
  if reasons(name) and not q.no_summary then
    local config = { summary = "auto" }
    for key, value in pairs(type(body.reasoning) == "table" and body.reasoning or {}) do config[key] = value end
    body.reasoning = config
  end
  if schema and q.schema ~= "instruct" then
    local text = {}
    for key, value in pairs(type(body.text) == "table" and body.text or text) do text[key] = value end
    text.format = { type = "json_schema", name = "answer", schema = schema, strict = answer.is_strict(schema) }
    body.text = text
  end
  return "/responses", body
end

-- ---- reading ----

local function usage_of(value)
  local u = answer.part(value, "usage")
  local asked = answer.part(u, "input_tokens_details")
  return answer.usage { prompt_tokens = count(u.input_tokens), completion_tokens = count(u.output_tokens),
    cached_tokens = count(asked.cached_tokens), cache_write_tokens = count(asked.cache_write_tokens),
    cache_write_1h_tokens = count(answer.part(asked, "cache_write_tokens_details").ttl_12h_tokens),
    reasoning_tokens = count(answer.part(u, "output_tokens_details").reasoning_tokens) }
end

--- What the items of an answer say: text, reasoning, refusal, the tools that are called, log-probabilities.
local function read_items(items)
  local texts, thoughts, found = {}, {}, { logprobs = {}, calls = {} }
  for _, item in ipairs(items) do
    if type(item) ~= "table" then error("an item of the answer is no object", 0) end
    if item.type == "message" then
      local text, thought, refusal = parts.read(item.content)
      texts[#texts + 1], thoughts[#thoughts + 1], found.refusal = text, thought, refusal or found.refusal
      for _, part in ipairs(type(item.content) == "table" and item.content or {}) do
        local given = answer.part(part, "logprobs")
        table.move(given, 1, #given, #found.logprobs + 1, found.logprobs)
      end
    elseif item.type == "reasoning" then
      local summary = answer.part(item, "summary")
      local _, thought = parts.read(#summary > 0 and summary or answer.part(item, "content"))
      if thought and thought ~= "" then thoughts[#thoughts + 1] = thought end
    elseif type(item.type) == "string" and item.type:find("_call", 1, true) then
      local name = text_of(item.name) or item.type
      found.calls[#found.calls + 1] = tools.call(item.call_id, name, item.arguments)
    end
  end
  return table.concat(texts), #thoughts > 0 and table.concat(thoughts, "\n\n") or nil, found
end

--- The completion of an answer, or what is wrong with it.
local function completion_of(value, how)
  local why = answer.part(value, "incomplete_details").reason
  if why == "content_filter" then
    return failure.refused("content_filter", "the provider's content filter stopped the answer")
  end
  if type(value.output) ~= "table" then
    local e = failure.told(value)
    return failure.broken("the answer has no output" .. (e.message and ": " .. e.message or ""))
  end
  if answer.is_given_up(value.status) then return failure.broken("the answer was given up: " .. value.status) end
  if value.status == "in_progress" or value.status == "queued" then
    return failure.broken("the answer is " .. value.status)
  end
  local text, reasoning, found = read_items(value.output)
  local finish = answer.finish(why or value.status)
  if text == "" then text = text_of(value.said) or text_of(value.output_text) or "" end -- gateways leave the items out
  local thought
  text, thought = thinking.whole(text, how and how.quirks.thinking, reasoning ~= nil)
  reasoning = reasoning or thought
  local asked = tools.were_given(how)
  if not text:find "%S" and not (asked and found.calls[1]) then
    if found.refusal then return failure.refused("refusal", "the model refused: " .. found.refusal) end
    if finish ~= "length" then return failure.empty(tools.in_place_of_text(found.calls, reasoning)) end
  end
  local completion = { text = text, reasoning = reasoning, finish_reason = finish, model = text_of(value.model),
    usage = usage_of(value), logprobs = #found.logprobs > 0
      and answer.logprobs(found.logprobs, "token", "logprob", "top_logprobs") or nil }
  return { verdict = "done", completion = asked and tools.add(completion, found.calls) or completion }
end

--- What a decoded answer means: see fellowship.provider.
---@param status integer
---@param header fun(name: string): string?
---@param value any
---@param how? fellowship.How
---@param body? string
---@return table outcome
function responses.meaning(status, header, value, how, body)
  if status ~= 200 then return failure.outcome(status, header, failure.told(value, body)) end
  local e = type(value) == "table" and value.failed or failure.of(value)
  if e then return failure.inside(e, header) end
  return failure.of_answer(value, body, completion_of, usage_of, how, header)
end

-- ---- streams ----

local events = {}

events["response.output_text.delta"] = function(whole, e)
  parts.add(whole, "said", e.delta)
  return text_of(e.delta)
end

events["response.reasoning_summary_text.delta"] = function(whole) whole.thinks = true end

--- The last event holds the whole answer.
local function take_whole(whole, e)
  for name, value in pairs(e.response) do whole[name] = value end
  whole.failed, whole.complete = failure.of(e.response), true
  return nil, true
end

events["response.completed"], events["response.incomplete"] = take_whole, take_whole
events["response.failed"] = take_whole

events.error = function(whole, e)
  whole.failed, whole.complete = failure.told(e), true
  return nil, true
end

--- Takes a streamed event into the answer that a plain call would have given.
---@param whole table
---@param event { name: string?, data: string, value: any }
---@return string? text what is new
---@return boolean? ended
function responses.join(whole, event)
  if event.data == "[DONE]" then return nil, true end
  local take = events[event.value.type]
  if take then return take(whole, event.value) end
  whole.failed = failure.of(event.value)
  whole.complete = whole.complete or whole.failed ~= nil
  return nil, whole.failed ~= nil
end

responses.classify = reading.classifier(responses)

return responses
