-- A call as it goes on the wire: bent to what is known of its model, which a refusal may teach.

local json = require "fellowship.core.json"
local endpoint = require "fellowship.call.endpoint"
local failure = require "fellowship.provider.failure"
local learn = require "fellowship.provider.learn"
local names = require "fellowship.provider.names"
local quirks = require "fellowship.provider.quirks"
local settings = require "fellowship.call.settings"

local request = {}

local known = {}

-- Names of parameters that mean another one.
local OTHERS = names.OTHERS

-- What a call wants that says nothing.
local NOTHING = {}

--- What is known of a model where it is served, for the rest of the run.
---@param model fellowship.Model
---@return fellowship.Quirks
function request.quirks(model)
  if model.quirks then return model.quirks end
  local id = table.concat({ model.provider.name, model.endpoint.url, model.name, model.entry_name or "" }, "\0")
  known[id] = known[id] or quirks.of(model.provider, model.name, model.entry.quirks)
  model.quirks = known[id]
  return known[id]
end

---@class fellowship.Request
---@field how fellowship.How
---@field version integer of the quirks by which it was made
---@field wire string the body
---@field target fellowship.http.target

--- Whether messages go as they are to a model of which that is known, without being looked at: a prompt is a message.
local function are_plain(q, messages)
  return messages[2] == nil and not q.system and not q.merge
end

--- Whether parameters do.
local function are_named_alike(q, params)
  local name = next(params)
  if name == nil then return true end
  if next(q.drop) or next(q.rename) then return false end
  while name ~= nil do
    if OTHERS[name] or name == "reasoning_effort" then return false end
    name = next(params, name)
  end
  return true
end

--- The request of a call, as far as its model's quirks are known.
---@param flight fellowship.Flight
---@return fellowship.Request
function request.of(flight)
  local model, params, schema = flight.model, flight.params, flight.schema
  local q = model.quirks or request.quirks(model)
  local adapter = model.adapter
  local wants, price = flight.how or NOTHING, model.entry.price
  local how = { quirks = q, params = params, may_cache = not price or price.cache_write ~= nil }
  if schema then how.schema = schema end
  if adapter.join and (q.stream == "always" or flight.streaming and q.stream ~= "never") then how.stream = true end
  if wants ~= NOTHING then how.goes_on, how.cuts = wants.goes_on, wants.cuts end
  local messages = flight.messages
  if not are_plain(q, messages) then messages = quirks.messages(q, messages) end
  local path, body = adapter.build(model.name, messages,
    are_named_alike(q, params) and params or quirks.params(q, params), how)
  return { how = how, version = q.version, wire = json.encode(body),
    target = model.target_path == path and model.target or endpoint.target(model, path) }
end

--- The status by which an answer is read: what brings a body is as good as 200 (201 of some gateways).
---@param status integer
---@param body any
---@return integer
function request.status(status, body)
  return status > 200 and status < 300 and body ~= nil and body ~= "" and 200 or status
end

local function redact_part(target, completion, part)
  local said = completion[part]
  local clean = type(said) == "string" and target:redact(said) or said
  if clean ~= said then completion[part], completion.logprobs = clean, nil end -- whose tokens are the text again
end

--- Leaves the secrets out of the texts of calls of tools.
local function redact_all(target, value)
  for name, part in pairs(value) do
    if type(part) == "string" then value[name] = target:redact(part)
    elseif type(part) == "table" then redact_all(target, part) end
  end
end

--- What an answer means, without the model's secrets in what it says: its text may have come in pieces that hold none.
local function redact(model, outcome)
  local completion = outcome.completion
  if not completion then return outcome end
  local target = model.target or model.guard
  if not target then
    model.guard = endpoint.beside(model, "")
    target = model.guard
  end
  redact_part(target, completion, "text")
  if completion.reasoning then redact_part(target, completion, "reasoning") end
  if completion.tool_calls then redact_all(target, completion.tool_calls) end
  return outcome
end

--- What an answer means. One that the adapter cannot read is garbage; the mistakes of an adapter of one's own show as
--- they are.
---@param model fellowship.Model
---@param read function the adapter's classify or meaning
---@param status integer
---@param header fun(name: string): string?
---@param body any
---@param how fellowship.How
---@return table outcome in the form of fellowship.provider
function request.meaning(model, read, status, header, body, how)
  if type(model.provider.adapter) ~= "string" then return redact(model, read(status, header, body, how)) end
  local well, outcome = pcall(read, request.status(status, body), header, body, how)
  if not well then return failure.broken("the answer makes no sense: " .. tostring(outcome)) end
  return redact(model, outcome)
end

--- Whether a refused request is worth sending in another form: something was learnt from it, or has been since it
--- was made.
---@param flight fellowship.Flight
---@param sent { how: fellowship.How, version: integer }
---@param outcome table in the form of fellowship.provider
---@return boolean
function request.learns(flight, sent, outcome)
  if not outcome.said then return false end
  local q = sent.how.quirks
  if outcome.kind == "request" and q.version ~= sent.version then return true end
  local model = flight.model
  local lesson = learn(q, outcome, { messages = flight.messages, params = flight.params, schema = flight.schema,
    stream = sent.how.stream, tool_schema = model.adapter.tool_schema })
  if not lesson then return false end
  settings.say("%s at %s: %s; from now on %s", model.named, model.endpoint.shown, outcome.message, lesson)
  return true
end

return request
