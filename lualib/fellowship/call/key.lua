-- What a call is known by: the SHA-256 of the request as it was asked.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local tables = require "fellowship.base.table"

local key = {
  VERSION = 1,
  FRESH = 1000000, -- --fresh N shifts every sample number by N of these, past any that a library or script gives
}

-- Names of models, providers and endpoints as JSON texts: a run has few of them.
local quoted = setmetatable({}, { __index = function(texts, name)
  texts[name] = json.canonical(name)
  return texts[name]
end })

local REST = (',"v":%d}'):format(key.VERSION)

-- What of a request is the same for all calls of a model: before the messages, before the parameters, and behind them;
-- and all that is behind the messages of one without parameters. `rest` is that of the last parameters, which `text` has.
local parts = setmetatable({}, { __mode = "k", __index = function(known, model)
  local before, behind = ',"model":' .. quoted[model.name] .. ',"params":',
    ',"provider":' .. quoted[model.provider.name] .. ',"sample":'
  known[model] = { '{"endpoint":' .. quoted[model.endpoint.identity] .. ',"messages":', before, behind,
    before .. "{}" .. behind .. "1" .. REST }
  return known[model]
end })

-- The messages of a prompt that is a text.
local ONE = { { role = "user", content = "" } }

local function messages_of(prompt)
  if type(prompt) ~= "string" then return prompt end
  ONE[1].content = prompt
  return ONE
end

--- The parameters in canonical form. Most calls of a model have the same ones.
local function text_of(same, params)
  if same.params ~= params then -- a copy that nobody changes
    if not (same.params and tables.are_same(same.params, params)) then
      same.params_text = json.canonical(params)
    end
    same.params = params
  end
  return same.params_text
end

--- What stands behind the messages of a request.
local function rest_of(same, params, sample, schema)
  local is_plain = sample == 1 and not schema
  if is_plain and (params == nil or next(params) == nil) then return same[4] end
  local text = params and next(params) ~= nil and text_of(same, params) or "{}"
  if is_plain and same.text == text then return same.rest end
  local rest = same[2] .. text .. same[3] .. (sample == 1 and "1" or json.canonical(sample))
    .. (schema and ',"schema":' .. json.canonical(schema) or "") .. REST
  if is_plain then same.text, same.rest = text, rest end
  return rest
end

--- The request as asked, in canonical JSON (RFC 8785). How it is sent is no part of it, so that it is the same when that
--- changes.
---@param model fellowship.Model
---@param prompt string|{ role: string, content: string }[] a text, or messages
---@param params? table<string, any>
---@param sample integer
---@param schema? table the JSON schema of the answer, where one was given
---@return string
function key.request(model, prompt, params, sample, schema)
  -- Its members in their order, each in canonical form: what stays the same from call to call is written once.
  local same = parts[model]
  return json.canonical(messages_of(prompt), same[1], rest_of(same, params, sample, schema))
end

--- The digest of the request (32 bytes), by which it is known.
---@param model fellowship.Model
---@param prompt string|{ role: string, content: string }[]
---@param params? table<string, any>
---@param sample integer
---@param schema? table
---@return string digest
function key.of(model, prompt, params, sample, schema)
  local same = parts[model]
  return json.digest(messages_of(prompt), same[1], rest_of(same, params, sample, schema))
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
  local first = key.request(chain[1], prompt, params, sample, schema)
  local request = json.canonical { v = key.VERSION, asked = json.decode(first), fallback = others }
  return sys.sha256(request), request
end

return key
