-- Models: provider + name + parameters, with the one verb `ask`.

local check = require "fellowship.base.check"
local nearest = require "fellowship.base.nearest"
local dispatch = require "fellowship.model.dispatch"
local endpoint = require "fellowship.model.endpoint"
local settings = require "fellowship.model.settings"
local spec = require "fellowship.model.spec"

local model = {}

---@class fellowship.Model
---@field named string as it was named; so it appears in outputs
---@field provider fellowship.Provider
---@field name string its name at the provider
---@field params table<string, any> sent with every call
---@field entry table its entry of --models, or an empty table
---@field endpoint fellowship.Endpoint
---@field adapter table
---@field key_env string? environment variable of its key
local Model = {}
Model.__index = Model
Model.__name = "fellowship.Model"

function Model:__tostring()
  return self.named
end

local function fail(message)
  error(message, 0)
end

local function merged(...)
  local all = {}
  for i = 1, select("#", ...) do
    for key, value in pairs((select(i, ...)) or {}) do all[key] = value end
  end
  return all
end

local function make(named, params)
  local bare, query = named:match "^(.-)(%?.*)$"
  local entry = settings.models[named] or settings.models[bare or named]
  local written = entry and entry.model and entry.model .. (query or "") or named
  local parsed, problem = spec.parse(written)
  if not parsed then
    local aliases = {}
    for name in pairs(settings.models) do aliases[#aliases + 1] = name end
    fail(problem .. (named:find(":", 1, true) and "" or nearest.hint(named, aliases)))
  end
  entry = entry or {}
  local key_env = entry.key_env or parsed.provider.key_env
  return setmetatable({
    named = named,
    provider = parsed.provider,
    name = parsed.name,
    params = merged(entry.params, parsed.params, params),
    entry = entry,
    entry_name = next(entry) and named or nil,
    endpoint = endpoint.resolve(parsed.provider, entry),
    adapter = require(parsed.provider.adapter),
    key_env = key_env ~= "" and key_env or nil,
    times = endpoint.timeouts(entry),
  }, Model)
end

--- A model by its name: provider:model?parameter=value, or an alias of --models.
--- Example: `local gemma = fellowship.model("together:google/gemma-2-9b-it", { temperature = 0 })`
---@param named string|fellowship.Model a model is given back as it is
---@param params? table<string, any> parameters that go with every call
---@return fellowship.Model
function model.new(named, params)
  if getmetatable(named) == Model then return params and named:with(params) or named end
  check.type("the model's name", named, "string")
  check.type("the model's parameters", params, "table|nil")
  return make(named, params)
end

--- The same model with other parameters on top of its own.
--- Example: `print(llama:with({ temperature = 0.7 }):ask("Name a river.").text)`
---@param params table<string, any>
---@return fellowship.Model
function Model:with(params)
  local copy = merged(self)
  copy.params = merged(self.params, params)
  return setmetatable(copy, Model)
end

--- The same model with parameters for what it does not say itself.
--- Example: `print(llama:with_defaults({ temperature = 0 }).params.temperature) --> 0`
---@param params table<string, any>
---@return fellowship.Model
function Model:with_defaults(params)
  return self:with(merged(params, self.params))
end

local roles = { system = true, user = true, assistant = true }

--- A conversation of our own, that the caller's later changes do not reach.
local function messages_of(prompt)
  if type(prompt) == "string" then return { { role = "user", content = prompt } } end
  check.type("the prompt", prompt, "string|table", 3)
  if #prompt == 0 then error("the list of messages is empty", 3) end
  local messages = {}
  for i, message in ipairs(prompt) do
    if type(message) ~= "table" or not roles[message.role] or type(message.content) ~= "string" then
      error(("message %d must be { role = \"system\", \"user\" or \"assistant\", content = text }"):format(i), 3)
    end
    messages[i] = { role = message.role, content = message.content }
  end
  return messages
end

--- Asks the model; the task waits, others go on. The completion is in the store when this returns.
--- The same request with the same sample number is the same completion.
--- Example: `print(llama:ask("Name three rivers.", { temperature = 0 }).text)`
---@param prompt string|{ role: string, content: string }[] a prompt, or a conversation
---@param options? table parameters for this call, and `sample`: which of several completions (default 1)
---@return fellowship.Completion
function Model:ask(prompt, options)
  local messages = messages_of(prompt)
  check.type("ask's options", options, "table|nil")
  local params = merged(self.params, options)
  local sample = params.sample or 1
  params.sample = nil
  if math.type(sample) ~= "integer" or sample < 1 then error("sample must be a whole number from 1", 2) end
  return dispatch.ask(self, messages, params, sample)
end

--- Whether a value is a model.
---@param value any
---@return boolean
function model.is(value)
  return getmetatable(value) == Model
end

return model
