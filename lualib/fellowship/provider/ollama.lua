-- Ollama's own /api/chat. (Its /v1 ignores num_ctx and think.) Pure: builds a request, reads an answer.
-- Format: https://github.com/ollama/ollama/blob/main/docs/api.md, and the types of Ollama's library for Python (0.6.3).

local answer = require "fellowship.provider.answer"
local failure = require "fellowship.provider.failure"
local parts = require "fellowship.provider.parts"
local quirks = require "fellowship.provider.quirks"
local reading = require "fellowship.provider.reading"
local thinking = require "fellowship.provider.thinking"
local tools = require "fellowship.provider.tools"

local ollama = { events = "ndjson" }

-- Parameters that stand beside options; all others go into them.
local OUTSIDE = { think = true, keep_alive = true, format = true, logprobs = true, top_logprobs = true, tools = true,
  truncate = true, shift = true }

local RENAMED = { max_tokens = "num_predict", max_completion_tokens = "num_predict" }

--- A message in Ollama's form, which has a text, and images beside it.
local function message_of(message)
  if type(message.content) ~= "table" then return message end
  local made, texts, images = {}, {}, {}
  for name, value in pairs(message) do made[name] = value end
  for _, part in ipairs(message.content) do
    local url = answer.part(type(part) == "table" and part or {}, "image_url").url
    if type(url) == "string" then images[#images + 1] = url:match "^data:[^,]*;base64,(.*)$" or url
    else texts[#texts + 1] = type(part) == "string" and part or answer.text(part.text) end
  end
  made.content, made.images = table.concat(texts, "\n"), #images > 0 and images or nil
  return made
end

local function messages_of(messages)
  for _, message in ipairs(messages) do
    if type(message.content) == "table" then
      local list = {}
      for i, each in ipairs(messages) do list[i] = message_of(each) end
      return list
    end
  end
  return messages
end

--- The request for a completion. See fellowship.provider.
---@param name string
---@param messages { role: string, content: string }[]
---@param params table<string, any>
---@param how? fellowship.How
---@return string path
---@return table body
function ollama.build(name, messages, params, how)
  local q, schema = how and how.quirks or {}, how and how.schema
  -- Without truncate = false (api/types.go) a conversation that is too long loses its beginning, and nobody is told.
  local body = { model = name, messages = messages_of(messages), truncate = false,
    stream = how and how.stream or false }
  local options = {}
  for key, value in pairs(params) do
    if key == "stop" and type(value) == "string" then value = { value } end
    if OUTSIDE[key] then body[key] = value else options[RENAMED[key] or key] = value end
  end
  if next(options) then body.options = options end
  if schema and q.schema == "instruct" then body.messages = quirks.instruct(messages, schema)
  elseif schema then body.format = schema end
  return "/api/chat", body
end

local function usage_of(value)
  return answer.usage { prompt_tokens = answer.count(value.prompt_eval_count),
    completion_tokens = answer.count(value.eval_count) }
end

--- The completion of an answer, or what is wrong with it.
local function completion_of(value, how)
  local message = answer.part(value, "message")
  if value.done ~= true then return failure.broken "the answer has no whole message" end
  if value.done_reason == "load" or value.done_reason == "unload" then
    return failure.broken(("the model was only %sed"):format(value.done_reason))
  end
  -- Servers that do not know truncate cut a prompt to the window.
  local window = how and how.params and math.tointeger(how.params.num_ctx)
  if window and (answer.count(value.prompt_eval_count) or 0) >= window then
    return { verdict = "final", kind = "context_length", stored = true,
      message = ("the prompt was cut to the context's %d tokens (num_ctx)"):format(window) }
  end
  local finish, reasoning = answer.finish(value.done_reason), parts.text(message.thinking)
  local text = parts.read(message.content)
  if reasoning == "" then reasoning = nil end
  local thought
  if text then text, thought = thinking.whole(text, how and how.quirks.thinking, reasoning ~= nil) end
  reasoning = reasoning or thought
  local calls, asked = tools.of_message(message), tools.were_given(how)
  if not (text and text:find "%S") and finish ~= "length" and not (asked and calls[1]) then
    return failure.empty(tools.in_place_of_text(calls, reasoning))
  end
  local completion = { text = text or "", reasoning = reasoning, finish_reason = finish,
    model = answer.text(value.model), usage = usage_of(value), logprobs = type(value.logprobs) == "table"
      and answer.logprobs(value.logprobs, "token", "logprob", "top_logprobs") or nil }
  return { verdict = "done", completion = asked and tools.add(completion, calls) or completion }
end

--- What a decoded answer means: see fellowship.provider.
---@param status integer
---@param header fun(name: string): string?
---@param value any
---@param how? fellowship.How
---@param body? string
---@return table outcome
function ollama.meaning(status, header, value, how, body)
  if status ~= 200 then return failure.outcome(status, header, failure.told(value, body)) end
  local e = type(value) == "table" and value.failed or failure.of(value)
  if e then return failure.inside(e, header) end
  return failure.of_answer(value, body, completion_of, usage_of, how, header)
end

--- Takes a streamed line, which holds what is new, into the answer that a plain call would have given.
---@param whole table
---@param event { data: string, value: any }
---@return string? text what is new
---@return boolean? ended
function ollama.join(whole, event)
  local more = event.value
  whole.failed = failure.of(more)
  if whole.failed then
    whole.complete = true
    return nil, true
  end
  local message, delta = whole.message or {}, answer.part(more, "message")
  whole.message = message
  local text = parts.read(delta.content)
  parts.add(message, "content", text)
  parts.add(message, "thinking", delta.thinking)
  if type(delta.tool_calls) == "table" then -- each comes whole
    message.tool_calls = message.tool_calls or {}
    table.move(delta.tool_calls, 1, #delta.tool_calls, #message.tool_calls + 1, message.tool_calls)
  end
  if answer.text(delta.thinking) and delta.thinking ~= "" then whole.thinks = true end
  if type(more.logprobs) == "table" then
    whole.logprobs = whole.logprobs or {}
    table.move(more.logprobs, 1, #more.logprobs, #whole.logprobs + 1, whole.logprobs)
  end
  for name, value in pairs(more) do
    if name ~= "message" and name ~= "logprobs" then whole[name] = value end
  end
  whole.complete = more.done == true
  return text, whole.complete
end

ollama.classify = reading.classifier(ollama)

return ollama
