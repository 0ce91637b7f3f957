-- What models cannot do though their API can: known by name, told in --models, or learnt from a refusal for the rest
-- of the run. A request is bent to it on its way out; the key is that of the request as asked. Pure.

local json = require "fellowship.core.json"
local effort = require "fellowship.provider.effort"
local names = require "fellowship.provider.names"

local quirks = {}

---@class fellowship.Quirks
---@field system? "fold" no system role: it goes in front of the next user message
---@field merge? boolean roles must alternate: neighbours of the same role become one message
---@field rename? table<string, string> parameters that go by another name
---@field drop? table<string, boolean> parameters that are refused
---@field schema? "native"|"tool"|"grammar"|"object"|"instruct" how a JSON schema is asked for; "grammar" is OpenAI's JSON mode with a schema in it, an older form (llama-cpp-python, Fireworks), "object" JSON mode alone
---@field thinking? "tags"|"open"|"none" see fellowship.provider.thinking
---@field stream? "always"|"never" answers are streamed though nobody listens, or given as a whole though somebody does
---@field stream_usage? boolean false: stream_options is refused
---@field version integer counts what was learnt
---@field name? string the model's, in lower case
---@field effort? string how reasoning_effort is said: see fellowship.provider.effort
---@field efforts? table<string, true> the levels that are taken, once a refusal has named them
---@field thinks? "budget"|"effort" how Anthropic's model is asked to think, once a refusal has told
---@field bound? integer the tokens of an answer where none are asked for, since the API wants a bound
---@field no_summary? boolean summaries of what it reasons are refused
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
  { "anthropic", "", { effort = "anthropic", bound = 8192 } },
  { "gemini", "", { effort = "gemini" } },
  { "ollama", "", { effort = "ollama" } },
  { "openai-responses", "", { effort = "responses" } },
  { "openrouter", "", { effort = "openrouter", cost = "usd" } },
  { "deepseek", "", { effort = "deepseek" } },
  { "together", "", { effort = "together" } },
  { "groq", "", { effort = "groq" } },
  { "vllm", "", { effort = "template" } },
  { "llamacpp", "", { effort = "template" } },
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
---@param given? table
---@return fellowship.Quirks
function quirks.of(provider, name, given)
  local own_name = provider.name or provider
  local who, lower = provider.quirks_of or own_name, name:lower()
  local found = { version = 0, rename = {}, drop = {}, thinking = "tags", schema = "native", name = lower }
  for _, known in ipairs(KNOWN) do
    local of = known[1]
    if (of == "*" or of == who or of == own_name) and lower:find(known[2]) then take(found, known[3]) end
  end
  take(found, given or {})
  return found
end

-- ---- bending a request ----

--- A content, which is a text or a list of parts, with another one behind it.
local function joined(first, second)
  if type(first) == "string" and type(second) == "string" then return first .. "\n\n" .. second end
  local list = json.array {}
  for _, content in ipairs { first, second } do
    if type(content) == "string" then list[#list + 1] = { type = "text", text = content }
    else for _, part in ipairs(content) do list[#list + 1] = part end end
  end
  return list
end

local function fold(messages)
  local list, held = {}, nil
  for _, message in ipairs(messages) do
    if message.role == "system" then
      held = held and joined(held, message.content) or message.content
    elseif held and message.role == "user" then
      list[#list + 1], held = { role = "user", content = joined(held, message.content) }, nil
    else
      list[#list + 1] = message
    end
  end
  if held then list[#list + 1] = { role = "user", content = held } end
  return list
end

local function merge(messages)
  local list = {}
  for _, message in ipairs(messages) do
    local last = list[#list]
    if last and last.role == message.role and last.content and message.content then
      list[#list] = { role = last.role, content = joined(last.content, message.content) }
    else
      list[#list + 1] = message
    end
  end
  return list
end

--- Whether an assistant's turn says nothing, as after an empty answer: most APIs refuse it.
local function is_blank(message)
  return message.role == "assistant" and type(message.content) == "string" and message.tool_calls == nil
    and not message.content:find "%S"
end

--- The conversation without such turns. Two of the user's then stand side by side, which most APIs take, and `merge` is
--- learnt of the others.
local function without_blanks(messages)
  for i, message in ipairs(messages) do
    if is_blank(message) then
      local list = table.move(messages, 1, i - 1, 1, {})
      for j = i, #messages do
        if not is_blank(messages[j]) then list[#list + 1] = messages[j] end
      end
      return list
    end
  end
  return messages
end

--- The messages as the model takes them.
---@param q fellowship.Quirks
---@param messages { role: string, content: any }[]
---@return { role: string, content: any }[]
function quirks.messages(q, messages)
  if #messages > 1 then messages = without_blanks(messages) end
  if q.system == "fold" then messages = fold(messages) end
  return q.merge and merge(messages) or messages
end

--- The parameters as the model takes them.
---@param q fellowship.Quirks
---@param params table<string, any>
---@return table<string, any>
function quirks.params(q, params)
  params = names.canonical(params)
  if params.reasoning_effort ~= nil and not q.drop.reasoning_effort then params = effort.apply(params, q) end
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
  list[#list] = { role = last.role, content = joined(last.content,
    "Answer with one JSON value that fits this JSON Schema, and with nothing else:\n" .. json.encode(schema)) }
  return list
end

return quirks
