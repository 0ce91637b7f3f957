-- Requests that are no conversation (embeddings, completions of a text, OpenAI's responses): passed on as they are, along
-- the same path, so that store, limits, retries and budgets hold for them too. What is kept is the answer's JSON.

local json = require "fellowship.core.json"
local errors = require "fellowship.base.errors"
local tables = require "fellowship.base.table"
local chain = require "fellowship.call.chain"
local key = require "fellowship.call.key"
local model = require "fellowship.call.model"
local outage = require "fellowship.call.outage"
local settings = require "fellowship.call.settings"
local fail = require "fellowship.serve.fail"
local names = require "fellowship.serve.names"
local reply = require "fellowship.serve.reply"

local pass = {}

-- Providers of OpenAI's form have these under their base URL.
local ADAPTERS = { ["fellowship.provider.openai"] = true, ["fellowship.provider.responses"] = true }

local function usage_of(value)
  local usage = type(value.usage) == "table" and value.usage or {}
  local input, output = usage.prompt_tokens or usage.input_tokens, usage.completion_tokens or usage.output_tokens
  return { prompt_tokens = math.tointeger(input), completion_tokens = math.tointeger(output) or input and 0 or nil }
end

--- An adapter that sends parameters as they are, and takes an answer as it is. Failures mean what they do elsewhere.
local function adapter_of(base, path)
  local own = {}
  function own.build(name, _, params)
    local body = tables.merged(params)
    body.model = name
    return path, body
  end
  function own.classify(status, header, body, how)
    local value = status == 200 and json.decode(body)
    if type(value) ~= "table" or value.error and not json.is_null(value.error) then
      return base.classify(status, header, body, how)
    end
    return { verdict = "done", completion = { text = body, finish_reason = "stop", usage = usage_of(value),
      model = type(value.model) == "string" and value.model or nil } }
  end
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
  copy.adapter, copy.target, copy.target_path = adapter_of(m.adapter, path), nil, nil
  made[m][path] = setmetatable(copy, getmetatable(m))
  return copy
end

--- Answers a request by what a provider has at a path under its base URL.
---@param path string "/embeddings"
---@return fun(request: fellowship.server.request, body: table)
function pass.to(path)
  return function(request, body)
    if type(body) ~= "table" or json.is_array(body) then fail.raise "the body must be a JSON object" end
    local m = names.find(body.model)
    if not model.is(m) then
      errors.raise { kind = "unsupported", message = ("%s has no %s"):format(body.model, path) }
    end
    outage.forget(m)
    local params = tables.merged(m.params)
    for name, value in next, body do
      if name ~= "model" and name ~= "stream" and name ~= "stream_options" then params[name] = value end
    end
    local sample = math.tointeger(tonumber(request:header "x-fellowship-sample" or "1")) or 1
    local completion = chain.ask(at(m, path), { { role = "request", content = path } }, params,
      sample + settings.fresh * key.FRESH)
    local headers = { ["x-fellowship-store"] = completion.stored and "hit" or "miss",
      ["x-fellowship-key"] = completion.key }
    if body.stream ~= true then return reply.json(request, completion.text, headers) end
    local events = reply.events(request)
    events.headers = headers
    if path == "/responses" then
      local whole = json.decode(completion.text)
      events:send({ type = "response.created", sequence_number = 0, response = whole }, "response.created")
      events:send({ type = "response.completed", sequence_number = 1, response = whole }, "response.completed")
      return events:finish()
    end
    events:send(json.decode(completion.text))
    events:finish "[DONE]"
  end
end

return pass
