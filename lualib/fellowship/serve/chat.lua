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
  local options, how = tables.copy(asked.params), asked.how
  if streams then how = how and STEADY_UNKEPT or STEADY end
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

local CHOICE = { "index", "message", "delta", "logprobs", "finish_reason" }
local MESSAGE = { "role", "content", "refusal", "reasoning_content", "tool_calls" }
local USAGE = { "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details",
  "completion_tokens_details" }

--- What several answers took; null where one of them did not tell.
local function usage_of(completions)
  local sums = { prompt_tokens = 0, completion_tokens = 0, cached_tokens = 0, reasoning_tokens = 0 }
  for _, completion in ipairs(completions) do
    local usage = completion.usage
    if not usage.prompt_tokens or not usage.completion_tokens then return json.null end
    for name, sum in pairs(sums) do sums[name] = sum + (usage[name] or 0) end
  end
  return json.object({ prompt_tokens = sums.prompt_tokens, completion_tokens = sums.completion_tokens,
    total_tokens = sums.prompt_tokens + sums.completion_tokens,
    prompt_tokens_details = { cached_tokens = sums.cached_tokens },
    completion_tokens_details = { reasoning_tokens = sums.reasoning_tokens } }, USAGE)
end

local function token_of(given)
  return { token = given.token, logprob = given.logprob, bytes = json.null }
end

local function logprobs_of(completion)
  if not completion.logprobs then return json.null end
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
  return json.object({ role = "assistant", content = calls and completion.text == "" and json.null or completion.text,
    refusal = json.null, reasoning_content = completion.reasoning, tool_calls = calls }, MESSAGE)
end

local function head(asked, kind, id)
  return { id = id, object = kind, created = sys.time() // 1000, model = asked.named }
end

local HEAD = { "id", "object", "created", "model", "choices", "usage" }

--- The id of an answer: that of its call, so that the same one has the same.
local function id_of(completion)
  return "chatcmpl-" .. (completion.key or "workflow"):sub(1, 32)
end

--- The answer as a whole.
---@param asked fellowship.serve.Asked
---@param completions fellowship.Completion[]
function chat.form(asked, completions)
  local body = head(asked, "chat.completion", id_of(completions[1]))
  body.choices, body.usage = json.array {}, usage_of(completions)
  for i, completion in ipairs(completions) do
    body.choices[i] = json.object({ index = i - 1, message = message_of(completion), logprobs = logprobs_of(completion),
      finish_reason = reason_of(completion) }, CHOICE)
  end
  return json.object(body, HEAD)
end

--- What was paid now for answers, in USD; nil where it is not known.
local function cost_of(asked, completions)
  local price, sum = prices.of(asked.who), 0
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
  for _, completion in ipairs(completions) do hit = hit and completion.stored end
  local cost = cost_of(asked, completions)
  return { ["x-fellowship-store"] = hit and "hit" or "miss", ["x-fellowship-key"] = completions[1].key,
    ["x-fellowship-cost"] = cost and ("%.9f"):format(cost):gsub("%.?0+$", "") or "unknown" }
end

-- ---- whole, and as it comes ----

--- Asks for all answers, side by side.
---@param asked fellowship.serve.Asked
---@return fellowship.Completion[]
function chat.ask(asked)
  local samples = {}
  for i = 1, asked.count do samples[i] = asked.first + i - 1 end
  return flow.gather(samples, function(sample) return ask(asked, sample) end)
end

local DELTA = { "role", "content", "reasoning_content", "tool_calls" }

--- Sends parts of an answer as they come: chunks that differ in what is new alone.
local function sender(asked, events, index, id)
  local before = json.encode(json.object(head(asked, "chat.completion.chunk", id), HEAD)):sub(1, -2)
    .. (',"choices":[{"index":%d,"delta":'):format(index)
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

local function stream_one(asked, events, index)
  local sample = asked.first + index
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
  local indices = {}
  for i = 1, asked.count do indices[i] = i - 1 end
  local completions = flow.gather(indices, function(index) return stream_one(asked, events, index) end)
  if asked.usage then
    local body = head(asked, "chat.completion.chunk", id_of(completions[1]))
    body.choices, body.usage = json.array {}, usage_of(completions)
    events:send(json.object(body, HEAD))
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
