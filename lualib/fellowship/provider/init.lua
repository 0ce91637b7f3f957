-- The providers: who serves models, where, and how they are spoken to. An adapter is a pure module
-- (no I/O):
--
--   build(model_name, messages, params) -> path, body        the request; body a table for JSON
--   classify(status, header, body) -> outcome                what an answer means
--
-- `header(name)` gives a header's value, `body` is the answer's text. An outcome is one of
--
--   { verdict = "done", completion = {...} }
--   { verdict = "final", kind =, message =, stored = true|nil, fatal = true|nil }
--   { verdict = "retry", kind =, message =, hint = seconds|nil, pause = true|nil }
--
-- `stored` failures belong to the request for good (a content filter) and are kept like completions;
-- `pause` holds the whole endpoint back for the hint. An adapter of a model that needs no network has
-- generate(model_name, messages, params, sample) -> completion in place of both.

local nearest = require "fellowship.base.nearest"

local provider = {}

---@class fellowship.Provider
---@field name string
---@field adapter string module of the adapter
---@field url? string the usual base URL
---@field key_env? string environment variable of the key
---@field url_env? string environment variable of another base URL
---@field simulated? boolean

local function openai_like(name, url)
  local upper = name:upper()
  return { name = name, adapter = "fellowship.provider.openai", url = url,
    key_env = upper .. "_API_KEY", url_env = upper .. "_BASE_URL" }
end

---@type table<string, fellowship.Provider>
local known = {
  openai = openai_like("openai", "https://api.openai.com/v1"),
  together = openai_like("together", "https://api.together.xyz/v1"),
  openrouter = openai_like("openrouter", "https://openrouter.ai/api/v1"),
  groq = openai_like("groq", "https://api.groq.com/openai/v1"),
  deepseek = openai_like("deepseek", "https://api.deepseek.com/v1"),
  mistral = openai_like("mistral", "https://api.mistral.ai/v1"),
  fireworks = openai_like("fireworks", "https://api.fireworks.ai/inference/v1"),
  sim = { name = "sim", adapter = "fellowship.provider.sim", simulated = true },
}

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

return provider
