-- What tests/call/kept.py asks: each kind of request once, its end as a line of JSON.
local fellowship = require "fellowship"
local json = fellowship.json

local KEYS = { "text", "reasoning", "finish_reason", "model", "usage", "attempts", "logprobs", "value", "answered_by",
  "kind", "message", "status", "key" }

local function say(name, ask)
  local well, got = pcall(ask)
  if well then got.elapsed, got.stored = nil, nil end
  print(json.encode { name = name, [well and "completion" or "error"] = json.object({ text = got.text,
    reasoning = got.reasoning, finish_reason = got.finish_reason, model = got.model, usage = got.usage,
    attempts = got.attempts, logprobs = got.logprobs, value = got.value, answered_by = got.answered_by, kind = got.kind,
    message = not well and tostring(got.message) or nil, status = got.status, key = got.key }, KEYS) })
end

local function asks(name, model, prompt, options)
  say(name, function() return fellowship.model(model):ask(prompt, options) end)
end

local schema = { type = "object", required = { "year" }, additionalProperties = false,
  properties = { year = { type = "integer" } } }
local talk = { { role = "system", content = "Answer briefly.\n" }, { role = "user", content = "Gr\u{fc}\u{df}e \u{1f600} \"quoted\" \\ \t/" },
  { role = "assistant", content = "" }, { role = "user", content = "And \u{2028} now?" } }

asks("a prompt", "openai:m", "Name a river.")
asks("another sample", "openai:m", "Name a river.", { sample = 2 })
asks("parameters in the name", "openai:m?temperature=0.7&max_tokens=512&stop=END", "Name a river.")
asks("parameters of the call", "openai:m", "Name a river.", { temperature = 1.0, top_p = 1e-7, seed = 9007199254740993,
  logit_bias = { ["50256"] = -100 }, stop = { "a", "b" }, nothing = {} })
asks("a conversation", "openai:m", talk)
asks("a schema", "openai:m", "When?", { schema = schema })
asks("thoughts in tags", "vllm:m", "Think.")
asks("log-probabilities", "openai:m", "How sure?", { logprobs = true, top_logprobs = 2 })
asks("anthropic", "anthropic:m?max_tokens=9", talk)
asks("gemini", "gemini:m", talk)
asks("ollama", "ollama:m", talk)
asks("an alias", "mine", "Name a lake.")
asks("with parameters", "mine?temperature=0.5", "Name a lake.")
asks("refused by a filter", "openai:m", "filtered")
asks("too long", "together:m", "too long")
say("a stream", function() return fellowship.model("openai:m"):stream("Name a sea.", function() end) end)
say("who stands in", function()
  return fellowship.model { "missing", fallback = { "openai:m" } }:ask "Name a town."
end)
local judge = fellowship.judge { model = "openai:judge", strategy = "combined" }
say("a judge", function() return { text = judge:compare { prompt = "Name one.", a = "Elbe", b = "Oder" }.winner } end)
