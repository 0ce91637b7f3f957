-- What the store's completions tell of those to come: how long answers are, how many bytes of a prompt make a token,
-- how often a judgement has to be asked for again.
--
-- Completions are sorted into kinds: those of the same model with the same parameters whose conversations have as many
-- messages and whose last message begins alike, as the questions of a judge or a reviewer do. Where few begin alike
-- (the bare prompts of a dataset do not), all such conversations are one kind. A request of a kind that the store does
-- not have is measured by what is nearest: the model's other judgements, or its other answers, with the same
-- parameters; the same with any; any model's judgements, or any answers.

local json = require "fellowship.core.json"
local store = require "fellowship.core.store"
local content = require "fellowship.base.content"
local form = require "fellowship.base.form"

local lengths = {
  sampled = 0, ---@type integer completions of the store that were looked at
  by_model = {}, ---@type table<string, integer> of them, by provider:model
}

-- So many completions tell enough, and are read in a moment from the largest store.
local SAMPLE = 4000

-- Messages that begin with the same bytes come from the same template, when there are so many.
local HEAD, ALIKE = 32, 3

-- Longer conversations are one kind.
local LONGEST = 9

---@class fellowship.Kind completions that are measured together
---@field bytes number[] of each one's text
---@field tokens number[] of each one
---@field ratios number[] bytes of the prompt for each of its tokens
---@field prompt_bytes number the sum
---@field prompt_tokens number the sum, of those that told it
---@field cached number[]? the part of each prompt that was cached, where that was told
---@field asked integer
---@field again integer how many of these had to be asked again, for what could not be read
---@field cut integer how many were cut off by a limit

local function new_kind()
  return { bytes = {}, tokens = {}, ratios = {}, prompt_bytes = 0, prompt_tokens = 0, asked = 0, again = 0, cut = 0 }
end

---@class fellowship.RequestShape
---@field count integer messages
---@field head string how the last one begins
---@field judging boolean whether it asks for a judgement, or for data

--- What a request has in common with others.
---@param messages { role: string, content: string }[]
---@param schema? any
---@return fellowship.RequestShape
function lengths.shape(messages, schema)
  local last = content.text(messages[#messages].content)
  return { count = math.min(#messages, LONGEST), head = last:sub(1, HEAD), judging = schema ~= nil
    or form.asked(last) ~= nil }
end

-- ---- reading the store ----

-- The texts of parameters, which nobody changes once they are asked with. Most calls of a model have the same table.
local texts = setmetatable({}, { __mode = "k" })

--- Parameters as a text that is the same for the same ones.
---@param params table<string, any> nobody changes it any more
---@return string
function lengths.params(params)
  local text = texts[params]
  if not text then
    text = json.canonical(json.object(params))
    texts[params] = text
  end
  return text
end

--- What the estimate needs of a record; nil when it is no completion of a conversation (a failure, or a note).
local function facts_of(record)
  local request = json.decode(record.request, { duplicates = "last" })
  local completion = json.decode(record.completion, { duplicates = "last" })
  if type(request) ~= "table" or type(completion) ~= "table" or type(completion.text) ~= "string" then return nil end
  local messages = request.messages
  if type(messages) ~= "table" or #messages == 0 then return nil end
  local bytes = 0
  for _, message in ipairs(messages) do bytes = bytes + #content.text(message.content) end
  local usage = type(completion.usage) == "table" and completion.usage or {}
  local earlier = #messages >= 3 and lengths.shape({ table.unpack(messages, 1, #messages - 2) }, request.schema)
  return { model = ("%s:%s"):format(request.provider, request.model),
    params = lengths.params(request.params or {}), shape = lengths.shape(messages, request.schema),
    earlier = earlier and earlier.judging and earlier, prompt_bytes = bytes, prompt_tokens = usage.prompt_tokens,
    cached = usage.cached_tokens, bytes = #completion.text,
    tokens = usage.completion_tokens or #completion.text / 4, cut = completion.finish_reason == "length" }
end

local function add(kind, facts)
  kind.asked = kind.asked + 1
  kind.bytes[kind.asked], kind.tokens[kind.asked] = facts.bytes, facts.tokens
  if facts.cut then kind.cut = kind.cut + 1 end
  local tokens = facts.prompt_tokens
  if not tokens or tokens == 0 or facts.prompt_bytes == 0 then return end
  kind.ratios[#kind.ratios + 1] = facts.prompt_bytes / tokens
  kind.prompt_bytes, kind.prompt_tokens = kind.prompt_bytes + facts.prompt_bytes, kind.prompt_tokens + tokens
  if facts.cached then
    kind.cached = kind.cached or {}
    kind.cached[#kind.cached + 1] = facts.cached / tokens
  end
end

local function name_of(...)
  return table.concat({ ... }, "\0")
end

local kinds, templates

local function kind_named(...)
  local name = name_of(...)
  kinds[name] = kinds[name] or new_kind()
  return kinds[name]
end

--- The kind of its own that a request has, by name.
local function own_name(model, params, shape)
  if (templates[name_of(model, params, shape.count, shape.head)] or 0) >= ALIKE then
    return name_of("own", model, params, shape.count, shape.head)
  end
  return name_of("own", model, params, shape.count, tostring(shape.judging))
end

--- The kinds that a request may be measured by, the nearest first: its own, and then the others.
local function names_of(model, params, shape)
  local judging = tostring(shape.judging)
  return { own_name(model, params, shape), name_of("params", model, params, judging),
    name_of("params", model, params), name_of("model", model, judging), name_of("model", model),
    name_of("any", judging), name_of "any" }
end

local function sort_into_kinds(list)
  for _, facts in ipairs(list) do
    local name = name_of(facts.model, facts.params, facts.shape.count, facts.shape.head)
    templates[name] = (templates[name] or 0) + 1
  end
  for _, facts in ipairs(list) do
    for _, name in ipairs(names_of(facts.model, facts.params, facts.shape)) do add(kind_named(name), facts) end
    lengths.by_model[facts.model] = (lengths.by_model[facts.model] or 0) + 1
  end
  for _, facts in ipairs(list) do
    local before = facts.earlier and kinds[own_name(facts.model, facts.params, facts.earlier)]
    if before then before.again = before.again + 1 end
  end
end

--- Reads a sample of a store; where there is none, nothing.
---@param path? string nil where there is none
---@return fellowship.store.problem? problem
function lengths.read(path)
  kinds, templates = {}, {}
  lengths.sampled, lengths.by_model = 0, {}
  if not path then return nil end
  local list = {}
  local well, problem = store.sample(path, SAMPLE, function(record) list[#list + 1] = facts_of(record) end)
  if not well then return problem end
  lengths.sampled = #list
  sort_into_kinds(list)
end

--- Whether the store told nothing: then the shape of a request makes no difference.
---@return boolean
function lengths.are_unknown()
  return next(kinds) == nil
end

--- What a request is measured by, and whether that is its own kind; nil when the store has nothing.
---@param model string provider:model
---@param params string as of `params`
---@param shape fellowship.RequestShape
---@return fellowship.Kind?
---@return boolean own
function lengths.kind(model, params, shape)
  if lengths.are_unknown() then return nil, false end
  for i, name in ipairs(names_of(model, params, shape)) do
    if kinds[name] then return kinds[name], i == 1 end
  end
  return nil, false
end

return lengths
