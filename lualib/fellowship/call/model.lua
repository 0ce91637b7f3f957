-- Models: provider + name + parameters, with the verbs `ask` and `stream`.

local json = require "fellowship.core.json"
local check = require "fellowship.base.check"
local errors = require "fellowship.base.errors"
local nearest = require "fellowship.base.nearest"
local schemas = require "fellowship.call.schema"
local tables = require "fellowship.base.table"
local chain = require "fellowship.call.chain"
local known = require "fellowship.provider.known"
local endpoint = require "fellowship.call.endpoint"
local fallback = require "fellowship.call.fallback"
local key = require "fellowship.call.key"
local rating = require "fellowship.call.rating"
local settings = require "fellowship.call.settings"
local spec = require "fellowship.call.spec"
local structured = require "fellowship.call.structured"

local model = {}

---@class fellowship.Model
---@field named string as it was named; so it appears in outputs
---@field provider fellowship.Provider
---@field name string its name at the provider
---@field params table<string, any> sent with every call
---@field system string? its system prompt
---@field entry table its entry of --models, or an empty table
---@field endpoint fellowship.Endpoint
---@field adapter table
---@field key_env string? environment variable of its key
---@field quirks fellowship.Quirks? once it was asked
---@field gate table? where its calls wait, once it was asked
---@field target table? where the last call was sent
---@field target_path string? under which path
---@field place fellowship.Place what is known of its base URL
---@field fallback fellowship.Model[]? who is asked when it fails
---@field counted_as string? the name under which its calls are counted, where that is not its own
---@field has_successor boolean? another one is asked when it fails
local Model = {}
Model.__index = Model
Model.__name = "fellowship.Model"

function Model:__tostring()
  return self.named
end

local function fail(message)
  error(message, 0)
end

local doubted = {}

--- Why parameters cannot be meant; nil when they can. What a script gives in a table of its own, and nobody knows, is
--- sent as it is, and told once where it looks like a misspelling.
local function problem_with(named, provider, where, entry, params, own)
  if not params or next(params) == nil then return nil end
  local problem, doubt = known.problem(provider, params, entry, where.identity ~= provider.name, own)
  if doubt and not doubted[doubt] then
    doubted[doubt] = true
    settings.say("%s: %s; it is sent as it is", named, doubt)
  end
  return problem and ("%s: %s"):format(named, problem)
end

local function check_params(...)
  local problem = problem_with(...)
  if problem then fail(problem) end
end

local with_fallback

local function make(named, params)
  local bare, query = named:match "^(.-)(%?.*)$"
  local entry = settings.models[named] or settings.models[bare or named]
  local aliased = entry and entry.model
  local parsed, problem = spec.parse(aliased or named)
  if not parsed then
    if aliased then
      local chained = settings.models[aliased] and "which is an entry too; it must be provider:model" or problem
      fail(('the entry "%s" of --models stands for "%s": %s'):format(bare or named, aliased, chained))
    end
    local aliases = {}
    for name in pairs(settings.models) do aliases[#aliases + 1] = name end
    fail(problem .. (named:find(":", 1, true) and "" or nearest.hint(named, aliases)))
  end
  local own
  if aliased and query then own, problem = spec.params(query, named) end
  if problem then fail(problem) end
  entry = entry or {}
  local where = endpoint.resolve(parsed.provider, entry)
  check_params(named, parsed.provider, where, entry, tables.merged(parsed.params, own))
  check_params(named, parsed.provider, where, entry, params, true)
  local key_env, adapter = entry.key_env or parsed.provider.key_env, parsed.provider.adapter
  local made = setmetatable({
    named = named,
    provider = parsed.provider,
    name = parsed.name,
    params = tables.merged(entry.params, tables.merged(parsed.params, own), params),
    entry = entry,
    entry_name = next(entry) and named or nil,
    endpoint = where,
    place = endpoint.place(where.url),
    adapter = type(adapter) == "string" and require(adapter) or adapter,
    key_env = key_env ~= "" and key_env or nil,
    times = endpoint.timeouts(entry),
  }, Model)
  return entry.fallback and with_fallback(made, entry.fallback, params) or made
end

--- The same model with others to ask when it fails, which get the same parameters on top of their own.
function with_fallback(first, others, params)
  local copy = tables.copy(first)
  copy.fallback, copy.has_successor = {}, true
  for i, named in ipairs(others) do
    local other = model.new(named, params)
    if other.fallback then fail(("%s: a fallback has no fallback of its own (%s)"):format(first.named, other.named)) end
    other.has_successor = i < #others
    copy.fallback[i] = other
  end
  if #copy.fallback == 0 then fail(first.named .. ": the list of fallbacks is empty") end
  return setmetatable(copy, Model)
end

--- A model by its name: provider:model?parameter=value, or an alias of --models.
--- Example: `local gemma = fellowship.model("together:google/gemma-2-9b-it", { temperature = 0 })`
--- Example: `fellowship.model { "openai:gpt-4o", fallback = { "together:google/gemma-2-9b-it" } }`
---@param named string|fellowship.Model|{ [1]: string, fallback: string[] } a model is given back as it is
---@param params? table<string, any> parameters that go with every call
---@return fellowship.Model
function model.new(named, params)
  if getmetatable(named) == Model then return params and named:with(params) or named end
  check.type("the model's parameters", params, "table|nil")
  if type(named) == "table" and named[1] ~= nil then
    check.type("the model's name", named[1], "string")
    check.type("the model's fallback", named.fallback, "table|nil")
    local first = make(named[1], params)
    return named.fallback and with_fallback(first, named.fallback, params) or first
  end
  check.type("the model's name", named, "string")
  return make(named, params)
end

--- The same model with other parameters on top of its own.
--- Example: `print(llama:with({ temperature = 0.7 }):ask("Name a river.").text)`
---@param params table<string, any>
---@return fellowship.Model
function Model:with(params)
  check.method(self, Model, "m:with")
  check_params(self.named, self.provider, self.endpoint, self.entry, params, true)
  local copy = tables.copy(self)
  copy.params = tables.merged(self.params, params)
  for i, other in ipairs(self.fallback or {}) do
    if i == 1 then copy.fallback = {} end
    copy.fallback[i] = other:with(params)
  end
  return setmetatable(copy, Model)
end

--- The same model with a system prompt before what it is asked; a conversation that begins with one keeps its own.
--- Example: `print(llama:with_system("Answer in one word."):ask("Name a river.").text)`
---@param system string
---@return fellowship.Model
function Model:with_system(system)
  check.method(self, Model, "m:with_system")
  check.type("the system prompt", system, "string")
  local copy = tables.copy(self)
  copy.system = system
  for i, other in ipairs(self.fallback or {}) do
    if i == 1 then copy.fallback = {} end
    copy.fallback[i] = other:with_system(system)
  end
  return setmetatable(copy, Model)
end

--- The same model with parameters for what it does not say itself.
--- Example: `print(llama:with_defaults({ temperature = 0 }).params.temperature) --> 0`
---@param params table<string, any>
---@return fellowship.Model
function Model:with_defaults(params)
  check.method(self, Model, "m:with_defaults")
  check_params(self.named, self.provider, self.endpoint, self.entry, params, true)
  local copy = tables.copy(self)
  copy.params = tables.merged(params, self.params)
  for i, other in ipairs(self.fallback or {}) do
    if i == 1 then copy.fallback = {} end
    copy.fallback[i] = other:with_defaults(params)
  end
  return setmetatable(copy, Model)
end

local roles = { system = true, user = true, assistant = true, tool = true, developer = true }

--- A message with more than a text, such as the parts of its content, a name or calls of tools: as JSON has it.
local function whole(message, i)
  local content, calls = message.content, message.tool_calls
  if type(content) ~= "string" and type(content) ~= "table" and not calls then
    error(("the content of message %d must be a text or a list of parts"):format(i), 5)
  end
  local well, text = pcall(json.canonical, message)
  if not well then error(("message %d is no JSON: %s"):format(i, tostring(text)), 5) end
  return (json.decode(text))
end

--- A conversation of our own, that the caller's later changes do not reach.
local function messages_of(prompt)
  if #prompt == 0 then error("the list of messages is empty", 4) end
  local messages = table.move(prompt, 1, #prompt, 1, {})
  for i = 1, #messages do
    local message = messages[i]
    local role, content = nil, nil
    if type(message) == "table" then role, content = message.role, message.content end
    if not roles[role] then
      error(("message %d must be { role = \"system\", \"user\" or \"assistant\", content = text }"):format(i), 4)
    end
    -- Most are a role and a text, and nothing else.
    if type(content) == "string" and next(message, next(message, next(message))) == nil then
      messages[i] = { role = role, content = content }
    else
      messages[i] = whole(message, i)
    end
  end
  return messages
end

--- What is asked: with the model's system prompt before it, unless the conversation has one of its own.
local function prompt_of(self, prompt)
  if type(prompt) ~= "string" then
    if type(prompt) ~= "table" then check.type("the prompt", prompt, "string|table", 3) end
    prompt = messages_of(prompt)
  end
  if not self.system then return prompt end
  if type(prompt) == "string" then prompt = { { role = "user", content = prompt } } end
  if prompt[1].role ~= "system" and prompt[1].role ~= "developer" then
    table.insert(prompt, 1, { role = "system", content = self.system })
  end
  return prompt
end

local wants = { empty = "boolean?", goes_on = "boolean?", cuts = "table?", unkept = "boolean?",
  steady = "boolean?" }

-- What an ask's options have beside parameters.
local NO_PARAMETERS = { sample = true, schema = true, how = true }

--- What an ask's options say: parameters for the call, the sample, and how it is asked.
local function options_of(self, options)
  if options == nil then return nil, 1 end
  if type(options) ~= "table" then check.type("ask's options", options, "table|nil", 3) end
  local sample, schema, how = options.sample or 1, options.schema, options.how
  if math.type(sample) ~= "integer" or sample < 1 then error("sample must be a whole number from 1", 3) end
  if schema ~= nil then
    local well, problem = pcall(schemas.check, schema)
    if not well then error(problem, 3) end
  end
  if how ~= nil then check.options("how", how, wants, 3) end
  local params
  for name, value in next, options do
    if not NO_PARAMETERS[name] then
      params = params or {}
      params[name] = value
    end
  end
  if not params then return nil, sample, schema, how end -- as most are
  local problem = problem_with(self.named, self.provider, self.endpoint, self.entry, params, true)
  if problem then error(problem, 3) end
  return params, sample, schema, how
end

-- Parameters that ask for several answers to one call, of which one would be read and all be paid.
local SEVERAL = { "n", "candidateCount", "num_return_sequences" }

local function check_several(self, params)
  if params.n == nil and params.candidateCount == nil and params.num_return_sequences == nil then return end
  for _, name in ipairs(SEVERAL) do
    local value = params[name]
    if value ~= nil and value ~= 1 then
      errors.raise { kind = "usage", fatal = true, model = self.named,
        message = ("%s: %s = %s asks for several answers to one call, of which one would be read; ask with "
          .. "sample = 1, 2, ... instead (--samples in commands)"):format(self.named, name, tostring(value)) }
    end
  end
end

--- What the model cannot give is an error before anything is sent.
local function check_asked(self, params)
  if self.adapter.rates and not self.adapter.answers then
    errors.raise { kind = "usage", fatal = true, model = self.named,
      message = self.named .. " rates responses and writes none: --rank reward --judge, or reward in Lua" }
  end
  if params then check_several(self, params) end
  if next(self.params) then check_several(self, self.params) end
  if not self.adapter.refuses then return end
  for name, why in pairs(self.adapter.refuses) do
    if params and params[name] or self.params[name] then
      errors.raise { kind = "unsupported", fatal = true, model = self.named,
        message = ("%s: %s"):format(self.named, why) }
    end
  end
end

-- The parameters of models as they were asked last: a copy, since scripts may change theirs.
local asked_with = setmetatable({}, { __mode = "k" })

local function params_of(self)
  local params, held = self.params, asked_with[self]
  if next(params) == nil then return nil end
  if not held or not tables.are_same(held, params) then
    held = tables.copy(params)
    asked_with[self] = held
  end
  return held
end

--- One call, of this model or of those it falls back on.
local function call(self, prompt, params, sample, schema, on_delta, how)
  check_asked(self, params)
  sample = sample + settings.fresh * key.FRESH
  if self.fallback then
    local models = { self, table.unpack(self.fallback) }
    for i = 2, #models do
      check_asked(models[i], params)
    end
    return fallback.ask(models, prompt, params, sample, schema, on_delta, how)
  end
  if params == nil then params = params_of(self)
  elseif next(self.params) then params = tables.merged(self.params, params) end
  return chain.ask(self, prompt, params, sample, schema, on_delta, how)
end

--- Asks the model; the task waits, others go on. The completion is in the store when this returns.
--- The same request with the same sample number is the same completion.
--- Example: `print(llama:ask("Name three rivers.", { temperature = 0 }).text)`
---
--- A message may hold what else the model's provider takes in one (`name`, `tool_calls`, a list of parts with images as
--- its content): it is sent as it is, and belongs to the key.
---
--- With `tools` among the parameters, `tool_calls` of the completion has the calls of them that the model asks for, in
--- OpenAI's form whatever the provider; the text may then be "".
---
--- With `schema`, a JSON schema, the answer is asked for in its form by the provider's own means, or else in words;
--- the completion's `value` is the decoded answer. One that does not fit is asked for once more, and is then an
--- error of kind "schema".
---@param prompt string|{ role: string, content: string }[] a prompt, or a conversation
---@param options? table parameters for this call; `sample`: which of several completions (default 1); `schema`; `how`: a fellowship.Wants, which is no part of the key
---@return fellowship.Completion
function Model:ask(prompt, options, ...)
  if getmetatable(self) ~= Model or ... ~= nil then
    check.method(self, Model, "m:ask")
    check.no_more("ask", "a prompt and a table of options", ...)
  end
  local messages = prompt_of(self, prompt)
  local params, sample, schema, how = options_of(self, options)
  if not schema then return call(self, messages, params, sample, nil, nil, how) end
  if messages == prompt then messages = { { role = "user", content = prompt } } end
  return structured.ask(function(talk) return call(self, talk, params, sample, schema, nil, how) end, messages, schema)
end

local to_rate = { prompt = "string|table", response = "string", sample = "integer?" }

--- What a reward or guard model says of a response to a prompt: its `score`, higher being better; of a model that tells
--- classes apart the `label`, all `probabilities`, and as score that of the parameter `class`. It is stored, shared and
--- counted as every call is.
--- Example: `print(fellowship.model("sim:rewards"):reward({ prompt = "Name a river.", response = "The Rhine." }).score)`
---@param given { prompt: string|fellowship.Message[], response: string, sample: integer? }
---@return { score: number?, label: string?, labels: string[]?, probabilities: number[]?, key: string, stored: boolean }
function Model:reward(given, ...)
  check.method(self, Model, "m:reward")
  check.no_more("reward", "a table with prompt and response", ...)
  check.options("reward", given, to_rate)
  if not self.adapter.rates then
    errors.raise { kind = "usage", fatal = true, model = self.named,
      message = self.named .. " is no reward model: name one as reward:NAME" }
  end
  return rating.ask(self, prompt_of(self, given.prompt), given.response, given.sample or 1)
end

--- Answers a prompt in the form in which a feedback loop does, so that scripts take either: `text`, and with it
--- `responses` (this one), `cut` (whether a limit of tokens cut it off), and no `feedback` and no `rounds`.
--- Example: `print(#llama:respond("Name a river.").responses) --> 1`
---@param prompt string|{ role: string, content: string }[]
---@param options? table as of ask, without `schema`
---@return { text: string, responses: string[], cut: table<integer, boolean>, feedback: string[][], rounds: table[] }
function Model:respond(prompt, options, ...)
  check.method(self, Model, "m:respond")
  check.no_more("respond", "a prompt and a table of options", ...)
  local completion = self:ask(prompt, options)
  local cut = completion.finish_reason == "length" or nil
  return { text = completion.text, responses = { completion.text }, cut = { cut }, feedback = {}, rounds = {} }
end

--- Asks the model and gives the answer as it comes. What is stored, and its key, are those of `ask`; an answer that
--- the store has comes in one piece. A stream that breaks is asked for anew as a whole, and only what is new is given;
--- when the new answer differs from what was given, it comes from its beginning, and `piece` is then equal to `text`.
---
--- When on_delta returns false, the connection is closed, and a completion with the text so far comes back whose
--- finish_reason is "stopped". It is not stored: it is not what the model would have answered. (At the answer's
--- end, or when the store had it, there is nothing to stop.)
--- Example: `llama:stream("Tell me a story.", function(piece) io.write(piece) end)`
---@param prompt string|{ role: string, content: string }[]
---@param on_delta fun(piece: string, text: string): boolean? what is new, and all of it so far (put together for functions that take it); thinking is left out
---@param options? table as of ask, without `schema`
---@return fellowship.Completion
function Model:stream(prompt, on_delta, options, ...)
  check.method(self, Model, "m:stream")
  check.no_more("stream", "a prompt, a function and a table of options", ...)
  local messages = prompt_of(self, prompt)
  check.type("stream's on_delta", on_delta, "function")
  local params, sample, schema, how = options_of(self, options)
  if schema then error("an answer with a schema is not streamed: ask for it", 2) end
  return call(self, messages, params, sample, nil, on_delta, how)
end

--- Whether a value is a model.
---@param value any
---@return boolean
function model.is(value)
  return getmetatable(value) == Model
end

return model
