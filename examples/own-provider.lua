#!/usr/bin/env fellowship
-- A provider of one's own: Cohere's chat API, which no bundled adapter speaks. An adapter builds a request and reads
-- an answer; keys, retries, limits and the store are the runtime's. Set COHERE_API_KEY to ask it; without, the
-- adapter, which is pure, is shown at work on an answer from Cohere's documentation.
local fellowship = require "fellowship"
local failure = require "fellowship.provider.failure"
local json = fellowship.json

local REASONS = { COMPLETE = "stop", STOP_SEQUENCE = "stop", MAX_TOKENS = "length" }
local cohere = {}

function cohere.build(name, messages, params)
  local body = { model = name, messages = messages, stream = false }
  for key, value in pairs(params) do body[key] = value end
  return "/chat", body
end

function cohere.classify(status, header, text)
  local value = json.decode(text)
  if status ~= 200 then return failure.outcome(status, header, value) end
  if type(value) ~= "table" or not value.message then return failure.broken "no message in the answer" end
  local tokens = value.usage and value.usage.tokens or {}
  return { verdict = "done", completion = {
    text = value.message.content[1].text, finish_reason = REASONS[value.finish_reason],
    usage = { prompt_tokens = tokens.input_tokens, completion_tokens = tokens.output_tokens } } }
end

fellowship.provider { name = "cohere", adapter = cohere, url = "https://api.cohere.com/v2",
  key_env = "COHERE_API_KEY", url_env = "COHERE_BASE_URL" }

local answer
if os.getenv "COHERE_API_KEY" then
  answer = fellowship.model("cohere:command-r", { max_tokens = 40 }):ask "Name three rivers."
else
  answer = cohere.classify(200, function() end, [[{"finish_reason":"COMPLETE","message":{"role":"assistant",
    "content":[{"type":"text","text":"Rhine, Nile, Amur."}]},"usage":{"tokens":{"output_tokens":8}}}]]).completion
end
print(answer.text, answer.finish_reason, answer.usage.completion_tokens)
