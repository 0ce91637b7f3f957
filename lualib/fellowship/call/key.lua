-- What a call is known by: the SHA-256 of the request as it was asked.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"

local key = {
  VERSION = 1,
  FRESH = 1000000, -- --fresh N shifts every sample number by N of these, past any that a library or script gives
}

-- Names of models, providers and endpoints as JSON texts: a run has few of them.
local quoted = setmetatable({}, { __index = function(texts, name)
  texts[name] = json.canonical(name)
  return texts[name]
end })

-- What of a request is the same for all calls of a model: before the messages, before the parameters, and behind them.
local parts = setmetatable({}, { __mode = "k", __index = function(known, model)
  known[model] = { '{"endpoint":' .. quoted[model.endpoint.identity] .. ',"messages":',
    ',"model":' .. quoted[model.name] .. ',"params":', ',"provider":' .. quoted[model.provider.name] .. ',"sample":' }
  return known[model]
end })

local REST = (',"v":%d}'):format(key.VERSION)

-- The messages of a prompt that is a text.
local ONE = { { role = "user", content = "" } }

--- The request as asked, in canonical JSON (RFC 8785), and its digest (32 bytes). How it is sent is
--- no part of it, so that it is the same when that changes.
---@param model fellowship.Model
---@param prompt string|{ role: string, content: string }[] a text, or messages with these two fields alone
---@param params? table<string, any>
---@param sample integer
---@param schema? table the JSON schema of the answer, where one was given
---@return string digest
---@return string request
function key.of(model, prompt, params, sample, schema)
  -- Its members in their order, each in canonical form: what stays the same from call to call is written once.
  local same = parts[model]
  local messages = prompt
  if type(prompt) == "string" then
    messages, ONE[1].content = ONE, prompt
  end
  local request = json.canonical(messages, same[1], same[2]
    .. ((params == nil or next(params) == nil) and "{}" or json.canonical(json.object(params))) .. same[3]
    .. (sample == 1 and "1" or json.canonical(sample))
    .. (schema and ',"schema":' .. json.canonical(schema) or "") .. REST)
  return sys.sha256(request), request
end

--- The key under which it stands who answered in a model's place: that of the request with the models to fall back
--- on. The completion itself stands under the key of the model that made it.
---@param chain fellowship.Model[] the first one and those after it
---@param prompt string|table[]
---@return string digest
---@return string request
function key.of_fallback(chain, prompt, params, sample, schema)
  local others = {}
  for i = 2, #chain do
    local m = chain[i]
    others[i - 1] = { provider = m.provider.name, model = m.name, endpoint = m.endpoint.identity, params = m.params }
  end
  local _, first = key.of(chain[1], prompt, params, sample, schema)
  local request = json.canonical { v = key.VERSION, asked = json.decode(first), fallback = others }
  return sys.sha256(request), request
end

return key
