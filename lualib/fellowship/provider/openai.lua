-- OpenAI's chat completions, and whatever speaks them. Pure: builds a request, reads an answer.
-- Format: https://platform.openai.com/docs/api-reference/chat

local json = require "fellowship.core.json"
local answer = require "fellowship.provider.answer"
local failure = require "fellowship.provider.failure"
local parts = require "fellowship.provider.parts"
local quirks = require "fellowship.provider.quirks"
local reading = require "fellowship.provider.reading"
local thinking = require "fellowship.provider.thinking"
local tools = require "fellowship.provider.tools"

local openai = { events = "sse" }

local count, text_of = answer.count, answer.text
local type, integer_or_float = type, math.type

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

--- The tokens of an answer. xAI counts those of reasoning beside the others, as Google's form of this API does without a
--- word of them: then the total says so.
local function counted(prompt, completion, reasoning, total)
  if prompt and not completion and total and total >= prompt then return total - prompt end
  if prompt and completion and total and not reasoning and total > prompt + completion then return total - prompt end
  if completion and reasoning and prompt
    and (reasoning > completion or total == prompt + completion + reasoning) and total ~= prompt + completion then
    return completion + reasoning
  end
  return completion
end

-- USD in the units of xAI's cost_in_usd_ticks.
local TICKS = 1e10

--- What the answer cost by the word of a provider that says it; the quirks name whose word counts.
local function cost_of(usage, how)
  local says = how and how.quirks.cost
  if says == "usd" and type(usage.cost) == "number" then
    local upstream = usage.is_byok == true and answer.part(usage, "cost_details").upstream_inference_cost
    return usage.cost + (type(upstream) == "number" and upstream or 0)
  end
  local ticks = says == "ticks" and usage.cost_in_usd_ticks
  return type(ticks) == "number" and ticks / TICKS or nil
end

local function usage_of(value, how)
  local usage = answer.part(value, "usage")
  local asked, given = answer.part(usage, "prompt_tokens_details"), answer.part(usage, "completion_tokens_details")
  -- The second names are those of Anthropic and of the Responses, which some gateways leave as they are.
  local prompt = count(usage.prompt_tokens) or count(usage.input_tokens)
  local completion = count(usage.completion_tokens) or count(usage.output_tokens)
  local reasoning = count(given.reasoning_tokens)
  return answer.usage { prompt_tokens = prompt, reasoning_tokens = reasoning,
    completion_tokens = counted(prompt, completion, reasoning, count(usage.total_tokens)),
    cached_tokens = count(asked.cached_tokens) or count(usage.prompt_cache_hit_tokens) -- DeepSeek's
      or count(usage.cached_tokens) or count(usage.cache_read_input_tokens), -- Moonshot's, Claude's
    cache_write_tokens = count(asked.cache_write_tokens) or count(usage.cache_creation_input_tokens),
    cost = cost_of(usage, how) }
end

--- The older form of log-probabilities, which Together keeps, in the newer one: lists of tokens and of their numbers,
--- and for each token its alternatives by their texts.
local function in_entries(given)
  local numbers, top, list = answer.part(given, "token_logprobs"), answer.part(given, "top_logprobs"), {}
  for i, token in ipairs(given.tokens) do
    local others = {}
    for other, logprob in pairs(type(top[i]) == "table" and top[i] or {}) do
      others[#others + 1] = { token = other, logprob = logprob }
    end
    table.sort(others, function(x, y)
      local p, q = tonumber(x.logprob) or -math.huge, tonumber(y.logprob) or -math.huge
      return p > q or p == q and tostring(x.token) < tostring(y.token)
    end)
    list[i] = { token = token, logprob = numbers[i], top_logprobs = others }
  end
  return list
end

local function logprobs_of(choice)
  local given = answer.part(choice, "logprobs")
  local list = type(given.content) == "table" and given.content
    or type(given.tokens) == "table" and in_entries(given)
  return list and answer.logprobs(list, "token", "logprob", "top_logprobs") or nil
end

-- Fields with what the model thought: DeepSeek's and vLLM's, OpenRouter's, and of some gateways.
local THOUGHTS = { "reasoning_content", "reasoning", "thinking" }

--- What stands in OpenRouter's and MiniMax's list of thoughts.
local function detailed(message)
  if type(message.reasoning_details) ~= "table" then return nil end
  local well, _, thought = pcall(parts.read, message.reasoning_details)
  return well and thought or nil
end

--- The message of a choice. Some servers give the text alone, or call it a delta as in streams.
local function message_of(choice)
  local message = choice.message
  if type(message) == "table" then return message end
  if text_of(message) then return { content = message } end
  return answer.part(choice, "delta")
end

--- What the message of a choice says: text, thoughts, refusal.
local function said_by(message, choice)
  local text, thought, refusal = parts.read(message.content)
  for i = 1, #THOUGHTS do thought = text_of(message[THOUGHTS[i]]) or thought end
  return text or text_of(choice.text), thought or detailed(message), refusal or text_of(message.refusal)
end

local function is_empty(list)
  return list == json.null or type(list) == "table" and next(list) == nil
end

--- The completion of a choice, or what is wrong with it.
local function completion_of(value, how, header)
  local choice = type(value.choices) == "table" and value.choices[1]
  if type(choice) ~= "table" then
    local e = failure.told(value)
    local empty = is_empty(value.choices) and type(value.usage) == "table"
    if empty then return failure.empty "the answer has no choices" end
    return failure.broken("the answer has no choices" .. (e.message and ": " .. e.message or ""))
  end
  local e = choice.failed or failure.of(choice)
  if e then return failure.inside(e, header) end
  if answer.is_given_up(choice.finish_reason) then
    return failure.broken("the server gave the answer up: " .. choice.finish_reason)
  end
  local finish = answer.finish(choice.finish_reason)
  if finish == "content_filter" then
    return failure.refused("content_filter", "the provider's content filter stopped the answer")
  end
  local message = message_of(choice)
  local text, reasoning, refusal = said_by(message, choice)
  if reasoning == "" then reasoning = nil end
  local thought
  if text then text, thought = thinking.whole(text, how and how.quirks.thinking, reasoning ~= nil) end
  local calls, asked = tools.of_message(message), tools.were_given(how)
  if not (text and text:find "%S") and not (asked and calls[1]) then
    if refusal and refusal ~= "" then return failure.refused("refusal", "the model refused: " .. refusal) end
    -- A budget that thinking used up leaves no answer; that is visible as finish_reason, not broken.
    if finish ~= "length" then return failure.empty(tools.in_place_of_text(calls, reasoning or thought)) end
  end
  -- The fields that the call adds stand here as well, so that the table need not grow.
  local completion = { text = text or "", reasoning = reasoning or thought, finish_reason = finish,
    model = text_of(value.model), usage = usage_of(value, how), logprobs = logprobs_of(choice), attempts = nil,
    elapsed = nil, key = nil }
  return { verdict = "done", status = nil, elapsed = nil, completion = asked and tools.add(completion, calls)
    or completion }
end

--- Whether a refusal says that thinking took all tokens of the answer: OpenAI's word for what others tell as an end.
local function is_used_up(e)
  return (e.message or ""):find("model output limit was reached", 1, true) ~= nil
end

local function no_room()
  return { verdict = "done", completion = { text = "", finish_reason = "length", usage = {} } }
end

--- What a decoded answer means: see fellowship.provider.
---@param status integer
---@param header fun(name: string): string?
---@param value any nil when the body is not JSON
---@param how? fellowship.How
---@param body? string
---@return table outcome
function openai.meaning(status, header, value, how, body)
  if status ~= 200 then
    local e = failure.told(value, body)
    return status == 400 and is_used_up(e) and no_room() or failure.outcome(status, header, e)
  end
  local e = type(value) == "table" and value.failed or failure.of(value)
  -- OpenRouter and others report failures of the model behind them with status 200.
  if e then return failure.inside(e, header) end
  return failure.of_answer(value, body, completion_of, usage_of, how, header)
end

-- What is read of a whole answer; `usage.prompt_cache_hit_tokens` is DeepSeek's.
local PLAN = json.plan { "error", "choices.1.message.content", "choices.1.message.refusal",
  "choices.1.message.reasoning_content", "choices.1.message.reasoning", "choices.1.logprobs",
  "choices.1.finish_reason", "model", "usage.prompt_tokens", "usage.completion_tokens", "usage.total_tokens",
  "usage.prompt_tokens_details.cached_tokens", "usage.prompt_cache_hit_tokens", "usage.cached_tokens",
  "usage.prompt_tokens_details.cache_write_tokens", "usage.completion_tokens_details.reasoning_tokens",
  "choices.1.error", "usage.cache_creation_input_tokens", "choices.1.message.thinking",
  "choices.1.message.reasoning_details" }

--- Whether counts of tokens are what they seem, so that they can be taken as they are.
local function are_ordinary(prompt, completion, reasoning, total, cached)
  if integer_or_float(prompt) ~= "integer" or integer_or_float(completion) ~= "integer" or prompt < 0 or completion < 0
    or prompt > answer.MOST_TOKENS or completion > answer.MOST_TOKENS then
    return false
  end
  if cached ~= nil and (integer_or_float(cached) ~= "integer" or cached < 0 or cached > prompt) then return false end
  if reasoning ~= nil and (integer_or_float(reasoning) ~= "integer" or reasoning < 0 or reasoning > completion) then
    return false
  end
  return total == prompt + completion or total == nil and reasoning == nil
end

--- What an ordinary answer means, as `meaning` would have it, in less than half of the time; nil for all others.
local function read_ordinary(body, how)
  if how and (how.quirks.cost or how.params and how.params.tools) then return nil end
  local well, e, text, refusal, thought, thoughts, logprobs, finish, model, prompt, completion, total, cached, hits,
    held, written, reasoning, wrong, made, thinks, details = json.pluck(body, PLAN)
  if not well or e ~= nil or refusal ~= nil or thought ~= nil or thoughts ~= nil or logprobs ~= nil or wrong ~= nil
    or thinks ~= nil or details ~= nil
    or type(text) ~= "string" or finish ~= "stop" and finish ~= "length" then
    return nil
  end
  if not text:find "%S" or not thinking.is_plain(text) or (how and how.quirks.thinking ~= "tags")
    or type(model) ~= "string" or written ~= nil or made ~= nil
    or not are_ordinary(prompt, completion, reasoning, total, cached or hits or held) then
    return nil
  end
  -- The fields that the call adds stand here as well, so that the tables need not grow.
  return { verdict = "done", elapsed = nil, head = nil, completion = { text = text, reasoning = nil,
    finish_reason = finish, model = model, usage = { prompt_tokens = prompt,
      completion_tokens = completion, cached_tokens = cached or hits or held, reasoning_tokens = reasoning },
    logprobs = nil, attempts = nil, elapsed = nil, key = nil } }
end

local read_any = reading.classifier(openai)

--- What an answer means: see fellowship.provider.
---@param status integer
---@param header fun(name: string): string?
---@param body string
---@param how? fellowship.How
---@return table outcome
function openai.classify(status, header, body, how)
  return status == 200 and read_ordinary(body, how) or read_any(status, header, body, how)
end

-- ---- streams ----

--- Takes what is new of a message. Gives the new text, and whether there was anything.
local function take_delta(whole, message, delta)
  local text, thought, refusal = parts.read(delta.content)
  parts.add(message, "content", text)
  parts.add(message, "refusal", refusal or delta.refusal)
  parts.add(message, "reasoning_content", thought)
  for _, name in ipairs(THOUGHTS) do
    parts.add(message, name, delta[name])
    thought = thought or text_of(delta[name])
  end
  if not thought then
    thought = detailed(delta)
    parts.add(message, "reasoning_content", thought)
  end
  if thought and thought ~= "" then whole.thinks = true end
  tools.take(message, delta.tool_calls)
  return text, text and text ~= "" or thought and thought ~= ""
end

--- Whether a message has come already, in pieces.
local function has_come(message, again)
  local text, told = text_of(message.content), text_of(again.content)
  return text ~= nil and text ~= "" and text == told
end

--- Notes an end that a chunk tells. Some servers tell it in every chunk: then it is none, and only [DONE] ends.
local function note_end(whole, choice, finish, has_more)
  if has_more and (choice.finish_reason or finish and not whole.flows) then whole.ends_always = true end
  if has_more and not finish then whole.flows = true end
  choice.finish_reason = finish or choice.finish_reason
  whole.complete = choice.finish_reason ~= nil and not whole.ends_always
end

--- What a chunk complains of.
local function complaint_of(chunk)
  return failure.of(chunk) or chunk.choices == nil and chunk.usage == nil
    and (text_of(chunk.detail) or text_of(chunk.message)) and failure.told(chunk) or nil
end

--- The choice of a chunk that goes on with the answer: others are parts of further answers, which nobody asked for.
local function choice_in(whole, chunk)
  for _, given in ipairs(type(chunk.choices) == "table" and chunk.choices or {}) do
    if type(given) == "table" then
      local number = type(given.index) == "number" and given.index or whole.number
      whole.number = whole.number or number
      if number == whole.number then return given end
    end
  end
end

--- The usage that a chunk tells, in its own place, Groq's or Moonshot's; nil when it tells none.
local function usage_in(chunk, choice)
  local groq = answer.part(chunk, "x_groq").usage
  for _, usage in ipairs { chunk.usage or false, groq or false, choice and choice.usage } do
    if type(usage) == "table" then return usage end
  end
end

--- Takes a streamed chunk into the answer that a plain call would have given.
---@param whole table the answer so far
---@param event { name: string?, data: string, value: any }
---@return string? text what is new of the message, with its thinking
---@return boolean? ended
function openai.join(whole, event)
  if event.data == "[DONE]" then
    whole.complete = true
    return nil, true
  end
  local chunk = event.value
  whole.failed = complaint_of(chunk)
  whole.complete = whole.complete or whole.failed ~= nil
  if whole.failed then return nil, true end
  local given, choice = choice_in(whole, chunk), (whole.choices or {})[1]
  local usage = usage_in(chunk, given)
  if usage then whole.usage = usage end
  if text_of(chunk.model) and chunk.model ~= "" then whole.model = chunk.model end
  whole.choices = whole.choices or {}
  if not given then
    -- The last chunk, with usage alone, says that nothing more comes.
    if usage and choice and choice.finish_reason then whole.complete = true end
    return nil
  end
  choice = choice or { message = {} }
  whole.choices[1] = choice
  choice.failed = failure.of(given) or choice.failed
  local new, has_more = take_delta(whole, choice.message, given.delta == nil and text_of(given.text)
    and { content = given.text } or answer.part(given, "delta"))
  local logprobs = answer.part(given, "logprobs").content
  if type(logprobs) == "table" then
    choice.logprobs = choice.logprobs or { content = {} }
    local all = choice.logprobs.content
    table.move(logprobs, 1, #logprobs, #all + 1, all)
  end
  -- An answer as a plain call has it, in one event; also behind the pieces of it (MiniMax).
  if type(given.message) == "table" and given.delta == nil and not has_come(choice.message, given.message) then
    new, has_more = take_delta(whole, choice.message, given.message)
  end
  note_end(whole, choice, answer.finish(given.finish_reason), has_more)
  return new
end

-- A chunk that says no more than a text, with what `join` does not look at: with anything else it is none.
openai.text_plan = json.plan({ "choices.1.delta.content", "choices.1.index", "model", "object" },
  { "id", "created", "system_fingerprint", "service_tier", "provider", "obfuscation", "choices.1.delta.role" })

--- Takes chunks that say no more than a text, as most do, as `join` would.
---@param whole table the answer so far
---@param text string
---@param index any the other values of the plan
---@param model any
---@param object any
---@return string? text nil where they say more after all, of which nothing is taken
function openai.join_text(whole, text, index, model, object)
  if index ~= nil and integer_or_float(index) ~= "integer" or index ~= whole.number and whole.number ~= nil
    or model ~= nil and type(model) ~= "string" or object == "error" then
    return nil
  end
  if model and model ~= "" then whole.model = model end
  whole.number = index
  whole.choices = whole.choices or {}
  local choice = whole.choices[1] or { message = {} }
  whole.choices[1] = choice
  parts.add(choice.message, "content", text)
  note_end(whole, choice, nil, true)
  return text
end

return openai
