-- Requests that are no conversation (embeddings, completions of a text, OpenAI's responses): passed on as they are, along
-- the same path, so that store, limits, retries and budgets hold for them too. What is kept is the answer's JSON.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local tables = require "fellowship.base.table"
local failure = require "fellowship.provider.failure"
local reading = require "fellowship.provider.reading"
local chain = require "fellowship.call.chain"
local key = require "fellowship.call.key"
local model = require "fellowship.call.model"
local outage = require "fellowship.call.outage"
local requests = require "fellowship.call.request"
local settings = require "fellowship.call.settings"
local fail = require "fellowship.serve.fail"
local headers = require "fellowship.serve.headers"
local names = require "fellowship.serve.names"
local pieces = require "fellowship.serve.pieces"
local reply = require "fellowship.serve.reply"

local pass = {}

-- What of a request is not the provider's.
local OURS = { model = true, stream = true, stream_options = true }

-- What stands in the place of messages in the key of a call, by its path.
local MESSAGES = setmetatable({}, { __index = function(self, path)
  self[path] = { { role = "request", content = path } }
  return self[path]
end })

-- Providers of OpenAI's form have these under their base URL.
local ADAPTERS = { ["fellowship.provider.openai"] = true, ["fellowship.provider.responses"] = true }

local function usage_of(value)
  local usage = type(value.usage) == "table" and value.usage or {}
  local input, output = usage.prompt_tokens or usage.input_tokens, usage.completion_tokens or usage.output_tokens
  return { prompt_tokens = math.tointeger(input), completion_tokens = math.tointeger(output) or input and 0 or nil }
end

--- What a decoded answer means. Failures mean what they do elsewhere.
local function meaning_of(base)
  return function(status, header, value, how, body)
    local answer = type(value) == "table" and (value.answer or value)
    if status ~= 200 or not answer or value.failed or failure.of(answer) then
      return base.meaning(status, header, value, how, body)
    end
    return { verdict = "done", completion = { text = body or json.encode(answer), finish_reason = "stop",
      usage = usage_of(answer), model = type(answer.model) == "string" and answer.model or nil } }
  end
end

--- An adapter that sends parameters as they are, and takes an answer as it is.
local function adapter_of(base, path)
  local own, form = { meaning = meaning_of(base) }, pieces[path]
  function own.build(name, _, params, how)
    local body = tables.merged(params)
    body.model = name
    if how and how.stream then
      body.stream = true
      body.stream_options = how.quirks.stream_usage ~= false and form.options or nil
    end
    return path, body
  end
  if form then own.events, own.join = "sse", pieces.join(form) end
  own.classify = reading.classifier(own)
  return own
end

local made = setmetatable({}, { __mode = "k" })

--- The model as it is asked at another path.
local function at(m, path)
  made[m] = made[m] or {}
  local known = made[m][path]
  if known then return known end
  if not ADAPTERS[m.provider.adapter] then
    errors.raise { kind = "unsupported", message = ("%s has no %s"):format(m.named, path) }
  end
  local copy = tables.copy(m)
  copy.adapter, copy.target, copy.target_path, copy.path = adapter_of(m.adapter, path), nil, nil, path
  copy.quirks = tables.copy(requests.quirks(m))
  copy.quirks.thinking = nil -- events are no text in which it would be looked for
  made[m][path] = setmetatable(copy, getmetatable(m))
  return copy
end

--- Sends the answer to a call as it comes; what the store has, as if it came.
local function stream(request, form, m, params, sample, how)
  local events = reply.events(request)
  local digest = key.of(m, MESSAGES[m.path], params, sample)
  local number = 0
  local function send(event)
    if not events.begun then
      events.headers["x-fellowship-store"] = (how or chain.flights[digest]) and "miss" or "hit"
      events.headers["x-fellowship-key"] = sys.hex(digest)
    end
    if event.type then event.sequence_number, number = number, number + 1 end
    events:send(event, event.type)
  end
  local well, problem = pcall(function()
    local listener, has_come = pieces.listener(send)
    local completion = chain.ask(m, MESSAGES[m.path], params, sample, nil, listener, how)
    local whole = json.decode(completion.text)
    if not has_come() then form.show(send, whole) end
    form.finish(send, whole)
    events:finish(form.last)
  end)
  return not well and reply.failure(request, events, problem) or nil
end

--- Answers a request by what a provider has at a path under its base URL.
---@param path string "/embeddings"
---@return fun(request: fellowship.server.request, body: table): integer? status
function pass.to(path)
  return function(request, body)
    if type(body) ~= "table" or json.is_array(body) then fail.raise "the body must be a JSON object" end
    local m = names.find(body.model)
    if not model.is(m) then
      errors.raise { kind = "unsupported", message = ("%s has no %s"):format(body.model, path) }
    end
    outage.forget(m)
    m = at(m, path)
    local params = tables.merged(m.params)
    for name, value in next, body do
      if not OURS[name] then params[name] = value end
    end
    local sample = headers.sample(request) + settings.fresh * key.FRESH
    local how = headers.wants(request)
    if body.stream == true and pieces[path] then return stream(request, pieces[path], m, params, sample, how) end
    local completion = chain.ask(m, MESSAGES[path], params, sample, nil, nil, how)
    reply.json(request, completion.text, { ["x-fellowship-store"] = completion.stored and "hit" or "miss",
      ["x-fellowship-key"] = completion.key })
  end
end

return pass
