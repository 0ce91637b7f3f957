-- Text completions: what is asked is all that the model sees, with no chat template around it. vLLM, llama.cpp, SGLang and
-- others have the door beside that of chats. Pure: builds a request; answers are read as OpenAI's.
-- Format: https://platform.openai.com/docs/api-reference/completions

local content = require "fellowship.base.content"
local openai = require "fellowship.provider.openai"

-- Without a bound vLLM and others give 16 tokens.
local MAX_TOKENS = 2048

local raw = { raw = true, default_max_tokens = MAX_TOKENS, meaning = openai.meaning, classify = openai.classify,
  refuses = { tools = "a raw completion has no tools",
    logprobs = "log-probabilities of raw completions are not read" } }

local function wrong(problem)
  error(problem, 0)
end

--- The request for a completion of a text. See fellowship.provider.
---@param name string
---@param messages { role: string, content: string }[] one of the user's: the text, byte for byte
---@param params table<string, any>
---@param how? fellowship.How
---@return string path
---@return table body
function raw.build(name, messages, params, how)
  if #messages ~= 1 or messages[1].role ~= "user" then
    wrong "a raw completion goes on from one text: no conversation and no system prompt, which need a chat template"
  end
  if how and how.schema then wrong "a raw completion has no schema" end
  local body = { model = name, prompt = content.text(messages[1].content), max_tokens = MAX_TOKENS }
  for key, value in pairs(params) do body[key] = value end
  return "/completions", body
end

return raw
