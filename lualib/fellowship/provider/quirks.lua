-- What models cannot do though their API can: known by name, told in --models, or learnt from a refusal for the rest
-- of the run. A request is bent to it on its way out; the key is that of the request as asked. Pure.

local json = require "fellowship.core.json"

local quirks = {}

---@class fellowship.Quirks
---@field system? "fold" no system role: it goes in front of the next user message
---@field merge? boolean roles must alternate: neighbours of the same role become one message
---@field rename? table<string, string> parameters that go by another name
---@field drop? table<string, boolean> parameters that are refused
---@field schema? "native"|"tool"|"grammar"|"object"|"instruct" how a JSON schema is asked for; "grammar" is OpenAI's JSON mode with a schema in it, an older form (llama-cpp-python, Fireworks), "object" JSON mode alone
---@field thinking? "tags"|"open"|"none" see fellowship.provider.thinking
---@field stream_usage? boolean false: stream_options is refused
---@field version integer counts what was learnt
---@field has_answered? boolean it has given a good answer in this run
---@field cost? "usd"|"ticks" the server tells what an answer cost, and is believed

local COMPLETION_TOKENS = { max_tokens = "max_completion_tokens" }
local FIXED = { temperature = true, top_p = true, stop = true, presence_penalty = true, frequency_penalty = true }
local SAMPLING = { temperature = true, top_p = true, top_k = true }

-- Known ones: a provider (or "*"), a pattern of the model's name in lower case, and what it has. Sources: OpenAI's
-- reasoning guide, Anthropic's model pages and SDK, the chat templates of Gemma and the Qwen and DeepSeek
-- reasoning models. Whatever is missing here is learnt at the cost of one refused request.
local KNOWN = {
  { "openai", "^o%d", { rename = COMPLETION_TOKENS, drop = FIXED } },
  { "openai", "^gpt%-5$", { rename = COMPLETION_TOKENS, drop = FIXED } },
  { "openai", "^gpt%-5%-%d", { rename = COMPLETION_TOKENS, drop = FIXED } },
  { "openai", "^gpt%-5%-mini", { rename = COMPLETION_TOKENS, drop = FIXED } },
  { "openai", "^gpt%-5%-nano", { rename = COMPLETION_TOKENS, drop = FIXED } },
  { "openai", "^gpt%-[5-9]", { rename = COMPLETION_TOKENS } },
  { "anthropic", "^claude%-opus%-4%-[7-9]", { drop = SAMPLING } },
  { "anthropic", "^claude%-%a+%-[5-9]", { drop = SAMPLING } },
  { "anthropic", "^claude%-mythos", { drop = SAMPLING } },
  { "anthropic", "^claude%-3", { schema = "tool" } },
  { "anthropic", "^claude%-%a+%-4%-0", { schema = "tool" } },
  { "anthropic", "^claude%-%a+%-4%-20", { schema = "tool" } },
  { "gemini", "^gemma", { system = "fold", schema = "instruct" } },
  { "deepseek", "", { schema = "object" } },
  { "mistral", "", { rename = { seed = "random_seed" } } },
  { "openrouter", "", { cost = "usd" } },
  { "xai", "", { cost = "ticks" } },
  { "*", "gemma%-2", { system = "fold", merge = true } },
  { "*", "qwq", { thinking = "open" } },
  { "*", "qwen3.*thinking", { thinking = "open" } },
  { "*", "deepseek%-r1", { thinking = "open" } },
}

local function take(into, from)
  for name, value in pairs(from) do
    if type(value) == "table" then
      into[name] = into[name] or {}
      for k, v in pairs(value) do into[name][k] = v end
    else
      into[name] = value
    end
  end
end

--- The quirks of a model: what is known, and on top what its entry of --models says. The table is the caller's,
--- for `learn` to change.
---@param provider string|fellowship.Provider the provider; azure has OpenAI's models
---@param name string
---@param own? table
---@return fellowship.Quirks
function quirks.of(provider, name, own)
  local who = provider.quirks_of or provider.name or provider
  local found, lower = { version = 0, rename = {}, drop = {}, thinking = "tags", schema = "native" }, name:lower()
  for _, known in ipairs(KNOWN) do
    if (known[1] == "*" or known[1] == who) and lower:find(known[2]) then take(found, known[3]) end
  end
  take(found, own or {})
  return found
end

-- ---- bending a request ----

local function fold(messages)
  local list, held = {}, {}
  for _, message in ipairs(messages) do
    if message.role == "system" then
      held[#held + 1] = message.content
    elseif #held > 0 and message.role == "user" then
      held[#held + 1] = message.content
      list[#list + 1], held = { role = "user", content = table.concat(held, "\n\n") }, {}
    else
      list[#list + 1] = message
    end
  end
  if #held > 0 then list[#list + 1] = { role = "user", content = table.concat(held, "\n\n") } end
  return list
end

local function merge(messages)
  local list = {}
  for _, message in ipairs(messages) do
    local last = list[#list]
    if last and last.role == message.role then
      list[#list] = { role = last.role, content = last.content .. "\n\n" .. message.content }
    else
      list[#list + 1] = message
    end
  end
  return list
end

--- The messages as the model takes them.
---@param q fellowship.Quirks
---@param messages { role: string, content: string }[]
---@return { role: string, content: string }[]
function quirks.messages(q, messages)
  if q.system == "fold" then messages = fold(messages) end
  return q.merge and merge(messages) or messages
end

--- The parameters as the model takes them.
---@param q fellowship.Quirks
---@param params table<string, any>
---@return table<string, any>
function quirks.params(q, params)
  if not next(q.drop) and not next(q.rename) then return params end
  local list = {}
  for name, value in pairs(params) do
    if not q.drop[name] then list[q.rename[name] or name] = value end
  end
  return list
end

--- The messages with a schema put into words, for a model that knows no other way.
---@param messages { role: string, content: string }[]
---@param schema table
---@return { role: string, content: string }[]
function quirks.instruct(messages, schema)
  local list = table.move(messages, 1, #messages, 1, {})
  local last = list[#list]
  list[#list] = { role = last.role, content = last.content ..
    "\n\nAnswer with one JSON value that fits this JSON Schema, and with nothing else:\n" .. json.encode(schema) }
  return list
end

-- ---- learning from a refusal ----

-- Parameters without which an answer is still one that was asked for; the first that is named goes. top_p stands
-- before temperature: where the two exclude each other, temperature is what scripts set.
local DISPENSABLE = { "top_p", "top_k", "temperature", "stop", "seed", "presence_penalty", "frequency_penalty" }

-- By what names they are refused where the API calls them otherwise.
local ALSO = { stop = { "stop_sequences" }, top_p = { "topp" }, top_k = { "topk" }, seed = { "random_seed" } }

local REFUSING = { "not support", "unsupported", "n't support", "deprecated", "not permitted", "not allowed",
  "unrecognized", "unknown", "cannot both", "may only be set", "not enabled", "not available",
  "input should be" }

local SCHEMA_WORDS = { "response_format", "json_schema", "output_config", "output_format", "structured output",
  "responsejsonschema", "response_json_schema", "responsemimetype", "json mode", "tool_choice" }

local function any(text, words)
  for _, word in ipairs(words) do
    if text:find(word, 1, true) then return true end
  end
  return false
end

local function names(outcome, said, name)
  if outcome.param then return outcome.param == name end
  return said:find("%f[%w_]" .. name .. "%f[^%w_]") ~= nil
end

local function has_system(messages)
  for _, message in ipairs(messages) do
    if message.role == "system" then return true end
  end
  return false
end

--- The next way to ask for a schema.
local function next_way(q, said, asked)
  if q.schema ~= "native" then return "instruct" end
  return asked.tool_schema and "tool" or said:find("json_object", 1, true) and "grammar" or "instruct"
end

local WAYS = { tool = "by a tool", grammar = "through JSON mode", instruct = "in words" }

local lessons = {}

function lessons.system(q, _, said, asked)
  if q.system == "fold" or not has_system(asked.messages) then return end
  local about = any(said, { "system role", "role: system", "'system'", '"system"', "developer instruction",
    "system instruction", "system message" })
  if about and any(said, REFUSING) or (q.merge and said:find("alternate", 1, true)) then
    q.system = "fold"
    return "the system message goes into the user's"
  end
end

function lessons.alternate(q, _, said)
  if not q.merge and said:find("alternate", 1, true) then
    q.merge = true
    return "neighbouring messages of one role become one"
  end
end

function lessons.schema(q, outcome, said, asked)
  if not asked.schema or q.schema == "instruct" or said:find("invalid schema", 1, true) then return end
  if any(outcome.param or "", SCHEMA_WORDS) or any(said, SCHEMA_WORDS) and any(said, REFUSING) then
    q.schema = next_way(q, said, asked)
    return "the JSON schema is asked for " .. WAYS[q.schema]
  end
end

function lessons.stream_usage(q, outcome, said, asked)
  if asked.stream and q.stream_usage ~= false and names(outcome, said, "stream_options") then
    q.stream_usage = false
    return "streams go without stream_options"
  end
end

function lessons.max_tokens(q, outcome, said, asked)
  if not asked.params.max_tokens then return end
  if not q.rename.max_tokens and (said:find("max_completion_tokens", 1, true) or
    names(outcome, said, "max_tokens") and any(said, REFUSING)) then
    q.rename.max_tokens = "max_completion_tokens"
    return "max_tokens goes as max_completion_tokens"
  end
  if q.rename.max_tokens and not q.renamed_back and names(outcome, said, "max_completion_tokens")
    and any(said, REFUSING) then
    q.rename.max_tokens, q.renamed_back = nil, true
    return "max_tokens goes as it is"
  end
end

function lessons.parameter(q, outcome, said, asked)
  if not any(said, REFUSING) then return end
  for _, name in ipairs(DISPENSABLE) do
    local named = names(outcome, said, name)
    for _, other in ipairs(ALSO[name] or {}) do named = named or names(outcome, said, other) end
    if named and asked.params[name] ~= nil and not q.drop[name] then
      q.drop[name] = true
      return name .. " is left out"
    end
  end
end

local ORDER = { "system", "alternate", "schema", "stream_usage", "max_tokens", "parameter" }

--- Learns from a request that was refused; changes q.
---@param q fellowship.Quirks
---@param outcome table of fellowship.provider.failure, of kind "request"
---@param asked { messages: table[], params: table, schema: table?, stream: boolean?, tool_schema: boolean? }
---@return string? lesson what was learnt, for people; nil when nothing was
function quirks.learn(q, outcome, asked)
  local said = (outcome.said or ""):lower()
  for _, name in ipairs(ORDER) do
    local lesson = lessons[name](q, outcome, said, asked)
    if lesson then
      q.version = q.version + 1
      return lesson
    end
  end
end

return quirks
