#!/usr/bin/env fellowship
-- Parameters as each provider takes them: names that mean the same, and reasoning_effort with room for it in the bound.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local json = require "fellowship.core.json"
local names = require "fellowship.provider.names"
local provider = require "fellowship.provider"
local quirks = require "fellowship.provider.quirks"
local learn = require "fellowship.provider.learn"
local spec = require "fellowship.call.spec"

local ok, is = tap.ok, tap.is

local TALK = { { role = "user", content = "Hi" } }

--- The body that is sent to a model, without its name and messages, in canonical JSON.
local function sent(named, params, teach)
  local parsed = assert(spec.parse(named))
  local q = quirks.of(parsed.provider, parsed.name)
  if teach then teach(q) end
  local adapter = require(parsed.provider.adapter)
  local how = { quirks = q, params = params }
  local path, body = adapter.build(parsed.name, quirks.messages(q, TALK), quirks.params(q, params), how)
  body.model, body.messages, body.contents, body.input, body.stream, body.truncate, body.store = nil, nil, nil, nil, nil, nil, nil
  return json.canonical(body), path
end

-- names ---------------------------------------------------------------------------------------------------
is(json.canonical(names.canonical { maxOutputTokens = 256, max_tokens = 1024 }), '{"max_tokens":1024}', "two names of one: OpenAI's counts")
is(json.canonical(names.canonical { num_predict = 5, maxOutputTokens = 6 }), '{"max_tokens":6}', "else the first of the alphabet")
do
  local given = { temperature = 0, max_tokens = 5, min_p = 0.1 }
  ok(names.canonical(given) == given, "most parameters are called so already")
end
for named, wanted in pairs { ["gemini:gemini-2.5-flash"] = '{"generationConfig":{"maxOutputTokens":1024}}', ["openai:gpt-4o"] = '{"max_tokens":1024}',
  ["openai:o3"] = '{"max_completion_tokens":1024}', ["anthropic:claude-haiku-4-5"] = '{"max_tokens":1024}', ["ollama:m"] = '{"options":{"num_predict":1024}}' } do
  local all, order = {}, { "maxOutputTokens", "num_predict", "max_completion_tokens", "max_tokens" }
  for round = 1, 40 do -- in whatever order the table has them
    local params = {}
    for i = 1, #order do
      local name = order[(i + round) % #order + 1]
      params[name] = name == "max_tokens" and 1024 or 256
    end
    all[(sent(named, params))] = true
  end
  is(next(all), wanted, named .. ": one bound")
  is(next(all, next(all)), nil, named .. ": always the same one")
end
is(sent("gemini:gemini-2.5-flash", { logprobs = true, top_logprobs = 5 }), '{"generationConfig":{"logprobs":5,"responseLogprobs":true}}', "Gemini: OpenAI's names of log-probabilities")
is(sent("gemini:gemini-2.5-flash", { responseLogprobs = true, logprobs = 5 }), '{"generationConfig":{"logprobs":5,"responseLogprobs":true}}', "and its own")

-- effort ------------------------------------------------------------------------------------------------------
for _, case in ipairs {
  { "openai:gpt-5.2", { reasoning_effort = "low", max_tokens = 100 }, '{"max_completion_tokens":1124,"reasoning_effort":"low"}' },
  { "openai:gpt-5.2", { reasoning_effort = "none", max_tokens = 100 }, '{"max_completion_tokens":100,"reasoning_effort":"none"}' },
  { "openai:gpt-5.2", { reasoning_effort = 8192, max_tokens = 100 }, '{"max_completion_tokens":8292,"reasoning_effort":"medium"}' },
  { "openai:gpt-4o", { reasoning_effort = "odd", max_tokens = 100 }, '{"max_tokens":100,"reasoning_effort":"odd"}' },
  { "openai:gpt-4o", { max_tokens = 100 }, '{"max_tokens":100}' },
  { "xai:grok-4.5", { reasoning_effort = "high" }, '{"reasoning_effort":"high"}' },
  { "anthropic:claude-haiku-4-5", { reasoning_effort = "medium", max_tokens = 100, temperature = 0, top_k = 3 },
    '{"max_tokens":8292,"thinking":{"budget_tokens":8192,"type":"enabled"}}' },
  { "anthropic:claude-haiku-4-5", { reasoning_effort = 2000, max_tokens = 100 }, '{"max_tokens":2100,"thinking":{"budget_tokens":2000,"type":"enabled"}}' },
  { "anthropic:claude-haiku-4-5", { reasoning_effort = "minimal", max_tokens = 2000 }, '{"max_tokens":2512,"thinking":{"budget_tokens":1024,"type":"enabled"}}' },
  { "anthropic:claude-haiku-4-5", { reasoning_effort = "none", temperature = 0 }, '{"max_tokens":8192,"temperature":0,"thinking":{"type":"disabled"}}' },
  { "anthropic:claude-opus-4-6", { reasoning_effort = "high" }, '{"max_tokens":32768,"output_config":{"effort":"high"},"thinking":{"type":"adaptive"}}' },
  { "anthropic:claude-sonnet-5-5", { reasoning_effort = "minimal", max_tokens = 100 },
    '{"max_tokens":612,"output_config":{"effort":"low"},"thinking":{"type":"adaptive"}}' },
  { "gemini:gemini-2.5-flash", { reasoning_effort = "low", max_tokens = 100 },
    '{"generationConfig":{"maxOutputTokens":1124,"thinkingConfig":{"includeThoughts":true,"thinkingBudget":1024}}}' },
  { "gemini:gemini-2.5-flash", { reasoning_effort = "none" }, '{"generationConfig":{"thinkingConfig":{"thinkingBudget":0}}}' },
  { "gemini:gemini-2.5-pro", { reasoning_effort = "none" }, '{"generationConfig":{"thinkingConfig":{"thinkingBudget":128}}}' },
  { "gemini:gemini-3.1-pro-preview", { reasoning_effort = "high" }, '{"generationConfig":{"thinkingConfig":{"includeThoughts":true,"thinkingLevel":"high"}}}' },
  { "gemini:gemini-3-flash-preview", { reasoning_effort = 512 }, '{"generationConfig":{"thinkingConfig":{"includeThoughts":true,"thinkingBudget":512}}}' },
  { "ollama:qwen3", { reasoning_effort = "high", max_tokens = 100 }, '{"options":{"num_predict":24676},"think":true}' },
  { "ollama:qwen3", { reasoning_effort = "none" }, '{"think":false}' },
  { "ollama:gpt-oss:20b", { reasoning_effort = "xhigh" }, '{"think":"high"}' },
  { "openrouter:a/b", { reasoning_effort = "xhigh", max_tokens = 100 }, '{"max_tokens":49252,"reasoning":{"effort":"xhigh"}}' },
  { "openrouter:a/b", { reasoning_effort = 2000 }, '{"reasoning":{"max_tokens":2000}}' },
  { "deepseek:deepseek-flash", { reasoning_effort = "medium" }, '{"reasoning_effort":"high","thinking":{"type":"enabled"}}' },
  { "deepseek:deepseek-flash", { reasoning_effort = "none" }, '{"thinking":{"type":"disabled"}}' },
  { "together:a/b", { reasoning_effort = "none" }, '{"reasoning":{"enabled":false}}' },
  { "groq:qwen/qwen3-32b", { reasoning_effort = "high" }, '{"reasoning_effort":"default"}' },
  { "groq:openai/gpt-oss-20b", { reasoning_effort = "max" }, '{"reasoning_effort":"high"}' },
  { "vllm:m", { reasoning_effort = "none" }, '{"chat_template_kwargs":{"enable_thinking":false,"thinking":false}}' },
  { "vllm:m", { reasoning_effort = "max", max_tokens = 2 },
    '{"chat_template_kwargs":{"enable_thinking":true,"thinking":true},"max_tokens":98306,"reasoning_effort":"high"}' },
  { "llamacpp:m", { reasoning_effort = 300, chat_template_kwargs = { enable_thinking = true, other = 1 } },
    '{"chat_template_kwargs":{"enable_thinking":true,"other":1,"thinking":true},"reasoning_effort":"low","thinking_budget_tokens":300,"thinking_token_budget":300}' },
  -- A provider's own names pass as they are.
  { "anthropic:claude-haiku-4-5", { thinking = { type = "enabled", budget_tokens = 1500 }, max_tokens = 2000, temperature = 0 },
    '{"max_tokens":2000,"thinking":{"budget_tokens":1500,"type":"enabled"}}' },
} do
  is(sent(case[1], case[2]), case[3], case[1] .. " " .. json.canonical(case[2]))
end

-- what refusals teach ---------------------------------------------------------------------------------------------
local function taught(named, params, said, param)
  local lesson
  local body = sent(named, params, function(q)
    lesson = learn(q, { kind = "request", said = said, param = param }, { messages = TALK, params = params })
  end)
  return body, lesson
end
is(taught("openai:o3", { reasoning_effort = "none" }, "Unsupported value: 'reasoning_effort' does not support 'none' with this model. "
  .. "Supported values are: 'low', 'medium', and 'high'.", "reasoning_effort"), '{"reasoning_effort":"low"}', "the nearest of the levels that a refusal names")
is(taught("openai:gpt-4o", { reasoning_effort = "low", max_tokens = 5 }, "Unrecognized request argument supplied: reasoning_effort"), '{"max_tokens":5}', "none where it is not known, and no room for it")
is(taught("anthropic:claude-x-6", { reasoning_effort = "low" }, "adaptive thinking is not supported on this model"),
  '{"max_tokens":9216,"thinking":{"budget_tokens":1024,"type":"enabled"}}', "Anthropic: by budget where effort is refused")
is(taught("anthropic:claude-haiku-4-5", { reasoning_effort = "low" }, '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'),
  '{"max_tokens":9216,"output_config":{"effort":"low"},"thinking":{"type":"adaptive"}}', "and by effort where budgets are")
is(taught("openai:m", { temperature = 0, reasoning_effort = "low" }, "temperature is not supported with reasoning", "temperature"), '{"reasoning_effort":"low"}', "a refusal of another parameter")

-- nested parameters -------------------------------------------------------------------------------------------------
is(json.canonical(spec.parse("openai:m?thinking.type=enabled&thinking.budget_tokens=5&a=1").params), '{"a":1,"thinking":{"budget_tokens":5,"type":"enabled"}}', "parameters within others, in a name")
ok(provider.find "openrouter", "providers are known")

-- turns that say nothing --------------------------------------------------------------------------------------------
do
  local q = quirks.of("anthropic", "m")
  local talk = { { role = "user", content = "a" }, { role = "assistant", content = " \n" }, { role = "user", content = "b" } }
  is(json.encode(quirks.messages(q, talk)), '[{"content":"a","role":"user"},{"content":"b","role":"user"}]', "an empty answer is not sent back")
  local image = { { type = "image_url", image_url = { url = "data:image/png;base64,AA==" } } }
  q.system = "fold"
  is(json.canonical(quirks.messages(q, { { role = "system", content = "s" }, { role = "user", content = image } })),
    '[{"content":[{"text":"s","type":"text"},{"image_url":{"url":"data:image/png;base64,AA=="},"type":"image_url"}],"role":"user"}]', "a system message in front of parts")
end

tap.done()
