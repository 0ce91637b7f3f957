-- The providers: who serves models, where, and how they are spoken to. An adapter is a pure module (no I/O):
--
--   build(name, messages, params, how) -> path, body          the request; body a table for JSON
--   classify(status, header, body, how) -> outcome            what an answer means
--
-- `header(name)` gives a header's value, `body` is the answer's text, `how` a fellowship.How. An outcome is one of
--
--   { verdict = "done", completion = { text =, reasoning =, finish_reason =, model =, usage =, logprobs = } }
--   { verdict = "final", kind =, message =, stored = true|nil, fatal = true|nil }
--   { verdict = "retry", kind =, message =, hint = seconds|nil, pause = true|nil }
--
-- An answer that is no completion has `usage` where it tells what it cost. `stored` failures belong to the request for
-- good (a content filter) and are kept like completions; `fatal` ones end the run, and `doubtful` ones do where the
-- server has given no good answer yet; `pause` holds the whole endpoint back for the hint; `tries` is how often at most
-- it is asked. fellowship.provider.failure makes outcomes of errors. For streams an adapter also has
--
--   events = "sse" | "ndjson"
--   join(whole, event) -> text | nil, ended         takes an event ({ name =, data =, value = decoded data }) into `whole`,
--                                                   the decoded answer that a plain call would have given, and gives what
--                                                   is new of the text; sets whole.complete once nothing essential is
--                                                   missing, and whole.thinks where thoughts come in a field of their own
--   text_plan, join_text(whole, text, ...) -> text | nil
--                                                   where the adapter has them: the plan (json.plan) of an event that says
--                                                   no more than a text, and `join` for those that follow each other, by
--                                                   their text and the plan's three other values; nil, and nothing is
--                                                   taken, where they say more after all
--   meaning(status, header, whole, how) -> outcome  classify of a decoded body
--
-- `default_max_tokens` is the bound of an answer that is sent when none is given; `raw` says that the model completes a text,
-- `rates` that it says what a response is worth.
--
-- An adapter of a model that needs no network has generate(name, messages, params, sample, schema) -> completion instead.

local check = require "fellowship.base.check"
local nearest = require "fellowship.base.nearest"

local provider = {}

---@class fellowship.How how a request is sent, which is no part of its key
---@field quirks fellowship.Quirks
---@field schema? table the JSON schema that the answer shall fit
---@field stream? boolean
---@field params table<string, any> the parameters as they were asked

---@class fellowship.Provider
---@field name string
---@field adapter string|table module of the adapter, or the adapter
---@field url? string the usual base URL
---@field key_env? string environment variable of the key
---@field key_optional? boolean calls go without a key when that is not set
---@field url_env? string environment variable of another base URL
---@field url_of? fun(value: string): string the base URL that the variable's value means
---@field auth? { header: string, prefix: string } how the key is sent; by default Authorization: Bearer
---@field headers? table<string, string> sent with every call
---@field quirks_of? string the provider whose models these are
---@field simulated? boolean

---@type table<string, fellowship.Provider>
local known = {}

local function openai_like(name, url, more)
  local upper = name:upper()
  local made = { name = name, adapter = "fellowship.provider.openai", url = url, key_env = upper .. "_API_KEY",
    url_env = upper .. "_BASE_URL" }
  for key, value in pairs(more or {}) do made[key] = value end
  known[name] = made
end

openai_like("openai", "https://api.openai.com/v1")
-- The same models by the Responses API, and those that have nothing else.
openai_like("openai-responses", "https://api.openai.com/v1", { adapter = "fellowship.provider.responses",
  quirks_of = "openai", key_env = "OPENAI_API_KEY", url_env = "OPENAI_BASE_URL" })
openai_like("together", "https://api.together.xyz/v1")
openai_like("openrouter", "https://openrouter.ai/api/v1")
openai_like("groq", "https://api.groq.com/openai/v1")
openai_like("deepseek", "https://api.deepseek.com/v1")
openai_like("mistral", "https://api.mistral.ai/v1")
openai_like("fireworks", "https://api.fireworks.ai/inference/v1")
openai_like("xai", "https://api.x.ai/v1")
openai_like("cerebras", "https://api.cerebras.ai/v1")
-- Servers of one's own, at the ports that they take.
openai_like("vllm", "http://127.0.0.1:8000/v1", { key_optional = true })
openai_like("llamacpp", "http://127.0.0.1:8080/v1", { key_optional = true })
openai_like("lmstudio", "http://127.0.0.1:1234/v1", { key_optional = true })
-- Azure serves deployments: https://NAME.openai.azure.com speaks OpenAI's API below /openai/v1. A base URL of the
-- older form, .../openai/deployments/NAME?api-version=..., goes into --models.
openai_like("azure", nil, { key_env = "AZURE_OPENAI_API_KEY", url_env = "AZURE_OPENAI_ENDPOINT", quirks_of = "openai",
  auth = { header = "api-key", prefix = "" },
  url_of = function(value)
    return value:find("/openai", 1, true) and value or value:gsub("/+$", "") .. "/openai/v1"
  end })

known.anthropic = { name = "anthropic", adapter = "fellowship.provider.anthropic", url = "https://api.anthropic.com/v1",
  key_env = "ANTHROPIC_API_KEY", url_env = "ANTHROPIC_BASE_URL", auth = { header = "x-api-key", prefix = "" },
  headers = { ["anthropic-version"] = "2023-06-01" },
  -- Anthropic's own libraries take it without the version, and so people have it.
  url_of = function(value) return value:find("/v1/*$") and value or value:gsub("/+$", "") .. "/v1" end }

known.gemini = { name = "gemini", adapter = "fellowship.provider.gemini", key_env = "GEMINI_API_KEY",
  url = "https://generativelanguage.googleapis.com/v1beta", url_env = "GEMINI_BASE_URL",
  auth = { header = "x-goog-api-key", prefix = "" } } -- never ?key=, which would stand in logs

known.ollama = { name = "ollama", adapter = "fellowship.provider.ollama", url = "http://127.0.0.1:11434",
  key_env = "OLLAMA_API_KEY", key_optional = true, url_env = "OLLAMA_HOST",
  -- OLLAMA_HOST is what its server listens at too: a host, with a port or without, and a scheme or without.
  url_of = function(value)
    if value:find("://", 1, true) then return value end
    local host = value:find("^%[.*%]$") and value or not value:find ":%d+" and value:match "^[^/]*"
    if host then value = (host == "" and "127.0.0.1" or host) .. ":11434" .. value:sub(#host + 1) end
    return "http://" .. (value:sub(1, 1) == ":" and "127.0.0.1" .. value or value)
  end }

-- Reward and guard models, which rate responses: vLLM's doors for them, and those of rerankers. They stand beside /v1.
known.reward = { name = "reward", adapter = "fellowship.provider.reward", url = "http://127.0.0.1:8000",
  key_env = "REWARD_API_KEY", key_optional = true, url_env = "REWARD_BASE_URL",
  url_of = function(value) return (value:gsub("/+$", ""):gsub("/v1$", "")) end }

-- Servers of one's own whose models complete a text, without their chat template.
openai_like("raw", "http://127.0.0.1:8000/v1", { adapter = "fellowship.provider.raw", key_optional = true })

known.sim = { name = "sim", adapter = "fellowship.provider.sim", simulated = true }

--- Names of all providers, sorted.
---@return string[]
function provider.names()
  local names = {}
  for name in pairs(known) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- Finds a provider; nil and a message when there is none of that name.
---@param name string
---@return fellowship.Provider?, string?
function provider.find(name)
  local found = known[name]
  if found then return found end
  return nil, ('unknown provider "%s"%s (known: %s)'):format(name, nearest.hint(name, provider.names()),
    table.concat(provider.names(), ", "))
end

local option_types = { name = "string", adapter = "table", url = "string?", key_env = "string?",
  key_optional = "boolean?", url_env = "string?", url_of = "function?", auth = "table?", headers = "table?" }

--- Adds a provider of one's own; its models are then named like all others. In a script of one's own, or in the
--- file of --models.
--- Example:
---     fellowship.provider { name = "mine", url = "https://models.example/v1", key_env = "MY_KEY", adapter = {
---       build = function(name, messages, params) return "/chat", { model = name, messages = messages } end,
---       classify = function(status, header, body) return { verdict = "done", completion = { text = body } } end } }
---     print(fellowship.model "mine:big")
---@param options fellowship.Provider name and adapter at least
function provider.add(options)
  check.options("provider", options, option_types)
  local name, adapter = options.name, options.adapter
  if not name:find "^[%w_%-]+$" then error("a provider's name has letters, digits, _ and - alone", 2) end
  if known[name] then error(('there is a provider "%s" already'):format(name), 2) end
  local wanted = adapter.generate and { "generate" } or { "build", "classify" }
  if adapter.join then wanted = { "build", "classify", "meaning", "events" } end
  for _, part in ipairs(wanted) do
    if not adapter[part] then error(("the adapter of provider %s lacks %s"):format(name, part), 2) end
  end
  known[name] = options
end

return provider
