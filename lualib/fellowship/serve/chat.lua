-- POST /v1/chat/completions: the call as a client describes it, asked along the call path of every script, and the
-- answer in OpenAI's form (https://platform.openai.com/docs/api-reference/chat).

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local tables = require "fellowship.base.table"
local flow = require "fellowship.flow"
local chain = require "fellowship.call.chain"
local key = require "fellowship.call.key"
local model = require "fellowship.call.model"
local outage = require "fellowship.call.outage"
local settings = require "fellowship.call.settings"
local prices = require "fellowship.money.prices"
local fail = require "fellowship.serve.fail"
local headers = require "fellowship.serve.headers"
local names = require "fellowship.serve.names"
local reply = require "fellowship.serve.reply"

local chat = {}

-- What of a request is not the model's.
local OURS = { model = true, messages = true, stream = true, stream_options = true, n = true }

-- Answers to one request at most.
local MOST_ANSWERS = 128

---@class fellowship.serve.Asked
---@field named string
---@field who fellowship.Model|function
---@field messages table[]
---@field params table<string, any>
---@field first integer the sample of the first answer
---@field count integer
---@field stream boolean
---@field usage boolean whether a stream ends with what it took
---@field how fellowship.Wants?

--- Reads a request's body.
---@param body table
---@param request? fellowship.server.request whose headers say more
---@return fellowship.serve.Asked
function chat.read(body, request)
  if type(body) ~= "table" or json.is_array(body) then fail.raise "the body must be a JSON object" end
  local messages = body.messages
  if not json.is_array(messages) or #messages == 0 then fail.raise '"messages" must be a list of messages' end
  local params = {}
  for name, value in next, body do
    if not OURS[name] and not json.is_null(value) then params[name] = value end
  end
  local count = json.is_null(body.n) and 1 or body.n or 1
  if math.type(count) ~= "integer" or count < 1 or count > MOST_ANSWERS then
    fail.raise(("n must be a whole number from 1 to %d"):format(MOST_ANSWERS))
  end
  local sample, shift = 1, 0
  if request then sample, shift = headers.sample_and_shift(request) end
  local options = type(body.stream_options) == "table" and body.stream_options or {}
  return { named = body.model, who = names.find(body.model), messages = messages, params = params, count = count,
    first = (sample - 1) * count + 1 + shift, how = request and headers.wants(request), stream = body.stream == true,
    usage = options.include_usage == true }
end

-- ---- asking ----

--- A function's answer as a completion.
local function as_completion(value)
  if type(value) == "string" then value = { text = value } end
  if type(value) ~= "table" or type(value.text) ~= "string" then
    errors.raise { kind = "script", message = "the function of the model must return a text, or a table with one" }
  end
  local copy = tables.copy(value)
  copy.usage = copy.usage or {}
  return copy
end

local function nothing() end

local function run_function(asked, sample, on_piece, on_thought)
  return as_completion(asked.who { model = asked.named, messages = asked.messages, params = asked.params,
    sample = sample, write = on_piece or nothing, progress = on_thought or nothing })
end

-- What a client has read cannot be taken back.
local STEADY, STEADY_UNKEPT = { steady = true }, { steady = true, unkept = true }

local function options_of(asked, sample, streams)
  local options, how = asked.params, asked.how
  if streams then how = how and STEADY_UNKEPT or STEADY
  elseif sample == 1 and not how and next(options) == nil then return nil end -- as most are
  options = tables.copy(options)
  options.sample, options.how = sample, how
  return options
end

--- Asks for one answer.
local function ask(asked, sample, on_piece, on_thought)
  local who = asked.who
  if not model.is(who) then return run_function(asked, sample, on_piece, on_thought) end
  outage.forget(who)
  local well, value
  if on_piece and not asked.params.tools then
    well, value = pcall(who.stream, who, asked.messages, on_piece, options_of(asked, sample, true))
  else
    well, value = pcall(who.ask, who, asked.messages, options_of(asked, sample))
  end
  if well then return value end
  if type(value) == "string" then fail.raise((value:gsub("^[^:]+:%d+: ", ""))) end -- a parameter that cannot be meant
  error(value, 0)
end

-- ---- OpenAI's form ----

local USAGE = '{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,'
  .. '"prompt_tokens_details":{"cached_tokens":%d},"completion_tokens_details":{"reasoning_tokens":%d}}'
local integer = math.tointeger

--- What answers took; null where one of them did not tell.
local function usage_of(completions)
  local prompt, answer, cached, reasoning = 0, 0, 0, 0
  for i = 1, #completions do
    local usage = completions[i].usage
    local asked, given = integer(usage.prompt_tokens), integer(usage.completion_tokens)
    if not asked or not given then return "null" end
    prompt, answer, cached = prompt + asked, answer + given, cached + (integer(usage.cached_tokens) or 0)
    reasoning = reasoning + (integer(usage.reasoning_tokens) or 0)
  end
  return USAGE:format(prompt, answer, prompt + answer, cached, reasoning)
end

local function token_of(given)
  return { token = given.token, logprob = given.logprob, bytes = json.null }
end

local function logprobs_of(completion)
  local list = json.array {}
  for i, given in ipairs(completion.logprobs) do
    local top = json.array {}
    for k, other in ipairs(given.top or {}) do top[k] = token_of(other) end
    list[i] = token_of(given)
    list[i].top_logprobs = top
  end
  return { content = list }
end

local function reason_of(completion)
  return completion.tool_calls and "tool_calls" or completion.finish_reason or "stop"
end

local function message_of(completion)
  local calls = completion.tool_calls
  local content = calls and completion.text == "" and "null" or json.encode(completion.text)
  return '{"role":"assistant","content":' .. content .. ',"refusal":null'
    .. (completion.reasoning and ',"reasoning_content":' .. json.encode(completion.reasoning) or "")
    .. (calls and ',"tool_calls":' .. json.encode(calls) or "") .. "}"
end

--- The beginning of an answer or of a part of one, up to its choices.
local function head(asked, kind, id)
  return ('{"id":%s,"object":"%s","created":%d,"model":%s,"choices":['):format(json.encode(id), kind,
    sys.time() // 1000, json.encode(asked.named))
end

--- The id of an answer: that of its call, so that the same one has the same.
local function id_of(completion)
  return "chatcmpl-" .. (completion.key or "workflow"):sub(1, 32)
end

--- The answer as a whole, as JSON.
---@param asked fellowship.serve.Asked
---@param completions fellowship.Completion[]
---@return string
function chat.form(asked, completions)
  local choices = {}
  for i, completion in ipairs(completions) do
    choices[i] = ('{"index":%d,"message":%s,"logprobs":%s,"finish_reason":%s}'):format(i - 1, message_of(completion),
      completion.logprobs and json.encode(logprobs_of(completion)) or "null", json.encode(reason_of(completion)))
  end
  return head(asked, "chat.completion", id_of(completions[1])) .. table.concat(choices, ",") .. '],"usage":'
    .. usage_of(completions) .. "}\n"
end

local price_of = setmetatable({}, { __mode = "k", __index = function(known, who)
  known[who] = prices.of(who) or false
  return known[who]
end })

--- What was paid now for answers, in USD; nil where it is not known.
local function cost_of(asked, completions)
  local price, sum = price_of[asked.who] or nil, 0
  for _, completion in ipairs(completions) do
    if not completion.stored then
      local cost = price and prices.cost(price, completion.usage) or completion.usage.cost
      if not cost then return asked.who.provider.simulated and 0 or nil end
      sum = sum + cost
    end
  end
  return sum
end

--- Headers that tell of the store.
---@return table<string, string>
function chat.headers(asked, completions)
  if not model.is(asked.who) then return {} end
  local hit = true
  for i = 1, #completions do hit = hit and completions[i].stored end
  local cost = hit and 0 or cost_of(asked, completions)
  return { ["x-fellowship-store"] = hit and "hit" or "miss", ["x-fellowship-key"] = completions[1].key,
    ["x-fellowship-cost"] = cost == 0 and "0" or cost and ("%.9f"):format(cost):gsub("%.?0+$", "") or "unknown" }
end

-- ---- whole, and as it comes ----

--- What `fn` gives of each sample that is asked for, side by side.
local function answers_to(asked, fn)
  if asked.count == 1 then return { fn(asked.first) } end
  local samples = {}
  for i = 1, asked.count do samples[i] = asked.first + i - 1 end
  return flow.gather(samples, fn)
end

--- Asks for all answers.
---@param asked fellowship.serve.Asked
---@return fellowship.Completion[]
function chat.ask(asked)
  return answers_to(asked, function(sample) return ask(asked, sample) end)
end

local DELTA = { "role", "content", "reasoning_content", "tool_calls" }

--- Sends parts of an answer as they come: chunks that differ in what is new alone.
local function sender(asked, events, index, id)
  local before = ('%s{"index":%d,"delta":'):format(head(asked, "chat.completion.chunk", id), index)
  return function(delta, reason, logprobs)
    local behind = logprobs and ',"logprobs":' .. json.encode(logprobs) or ""
    events:send(before .. json.encode(json.object(delta, DELTA)) .. behind .. ',"finish_reason":'
      .. json.encode(reason or json.null) .. "}]}")
  end
end

--- The id of an answer before it is there, and whether the store has it.
local function foresee(asked, sample)
  if not model.is(asked.who) then return "chatcmpl-workflow" end
  local params = next(asked.who.params) and tables.merged(asked.who.params, asked.params) or asked.params
  local digest = key.of(asked.who, asked.messages, params, sample + settings.fresh * key.FRESH)
  return "chatcmpl-" .. sys.hex(digest):sub(1, 32), digest
end

local function stream_one(asked, events, sample)
  local index = sample - asked.first
  local id, digest = foresee(asked, sample)
  local send, shown = sender(asked, events, index, id), false
  local told = model.is(asked.who) and not asked.who.fallback -- another model's call may be the one that is under way
  local function show(delta)
    if not events.begun and digest then
      -- An answer that the store has comes at once; of others the call is under way now.
      if told then events.headers["x-fellowship-store"] = (asked.how or chain.flights[digest]) and "miss" or "hit" end
      events.headers["x-fellowship-key"] = sys.hex(digest)
    end
    if not shown then delta.role = "assistant" end
    shown = true
    send(delta)
  end
  local has_text = false
  local completion = ask(asked, sample, function(piece)
    has_text = has_text or piece ~= ""
    show { content = piece }
  end, function(thought) show { reasoning_content = thought } end)
  if not has_text and completion.text ~= "" then show { content = completion.text } end
  if completion.tool_calls then
    local calls = json.array {}
    for i, call in ipairs(completion.tool_calls) do
      calls[i] = tables.copy(call)
      calls[i].index = i - 1
    end
    show { tool_calls = calls }
  end
  if not shown then show { content = "" } end
  send(json.object {}, reason_of(completion), completion.logprobs and logprobs_of(completion))
  return completion
end

local function stream(asked, events)
  local completions = answers_to(asked, function(sample) return stream_one(asked, events, sample) end)
  if asked.usage then
    events:send(head(asked, "chat.completion.chunk", id_of(completions[1])) .. '],"usage":' .. usage_of(completions)
      .. "}")
  end
  events:finish "[DONE]"
end

--- Answers a request.
---@param request fellowship.server.request
---@param body table
function chat.answer(request, body)
  local asked = chat.read(body, request)
  if not asked.stream then
    local completions = chat.ask(asked)
    return reply.json(request, chat.form(asked, completions), chat.headers(asked, completions))
  end
  local events = reply.events(request)
  local well, problem = pcall(stream, asked, events)
  return not well and reply.failure(request, events, problem) or nil
end

return chat
