#!/usr/bin/env fellowship
-- Errors of kinds that users of servers and gateways report, in words of our own: no list of texts holds them, so that
-- what is recognised must be what they say and not how they say it.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local json = require "fellowship.core.json"
local outcomes = require "outcomes"

local whole = outcomes.whole

local function E(message, more)
  local e = { message = message }
  for name, value in pairs(more or {}) do e[name] = value end
  return { error = e }
end

-- What is too long, what it is counted in, and that it is more; and what sounds like it.
for _, asked in ipairs { "Your prompt", "The input", "The list of messages" } do
  for _, more in ipairs { "has 9000 tokens, which exceeds the 8192 that we take", "is too long: 9000 tokens",
    "of 81920 characters is larger than this deployment allows", "has too many tokens (9000)" } do
    whole("openai", 400, E(asked .. " " .. more), "final context_length kept")
  end
end
for _, said in ipairs { "max_tokens: the input exceeds 8192 tokens of an answer", "The message's images are too large",
  "The prompt must not be empty", "Expected input of at most 4 stop sequences" } do
  whole("openai", 400, E(said), "final request")
end
whole("openai", 429, E "Your input tokens exceed the rate limit of 30000 per minute", "retry rate_limit")
whole("openai", 200, { error_code = 336103, error_msg = "the prompt's tokens are too long" }, "final context_length kept")

-- Money and quotas that are gone.
for _, said in ipairs { "You do not have any credits", "The credits of this workspace ran out of date: expired",
  "Your prepaid balance is negative", "The team's balance is insufficient", "Credits depleted" } do
  whole("openai", 429, E(said), "final quota fatal")
  whole("openai", 403, E(said), "final quota fatal")
end
whole("openai", 400, E "The credit union of my text has run out of money", "final request") -- a prompt that is told again
whole("openai", 429, E "Load balancer: the pool of connections is exhausted", "retry rate_limit")
whole("openai", 429, E "upstream load-balancing is out of slots", "retry rate_limit")
whole("openai", 403, E("x", { code = "insufficient_user_quota" }), "final quota fatal")
whole("openai", 400, E("x", { type = "budget_exceeded" }), "final quota fatal")
whole("openai", 429, E "Quota exceeded for metric: requests, limit: 0, model: big. Please retry in 2s.", "final quota fatal")
whole("openai", 429, E "今日调用次数上限", "final quota fatal")

-- What Google's errors say in their details, through whatever passes them on.
local function google(quota, delay)
  return { code = 429, message = "You exceeded your current quota", status = "RESOURCE_EXHAUSTED", details = {
    { violations = { { quotaId = quota } } }, { retryDelay = delay } } }
end
for _, adapter in ipairs { "openai", "gemini", "anthropic", "ollama" } do
  whole(adapter, 429, { error = google("RequestsPerDayPerProject", "9s") }, "final quota fatal")
  whole(adapter, 429, { error = google("TokensPerMinute", "9s") }, "retry rate_limit after 9 s")
  whole(adapter, 429, { error = google "TokensPerMinute" }, "retry rate_limit after 60 s")
end
whole("openai", 429, json.array { { error = google("TokensPerMinute", "9s") } }, "retry rate_limit after 9 s")
whole("openai", 400, { error = { message = "x", details = { { reason = "API_KEY_INVALID" } } } }, "final auth fatal")

-- The error of the server behind a gateway, in the words of the gateway's.
local function wrapped(inner, times)
  for _ = 1, times or 1 do inner = json.encode(E("upstream said: " .. inner .. " (id 7)")) end
  return inner
end
for times = 1, 2 do
  whole("openai", 400, wrapped(json.encode(E("no", { code = "context_length_exceeded" })), times), "final context_length kept")
  whole("openai", 500, wrapped(json.encode(E("no", { code = "insufficient_quota" })), times), "final quota fatal")
  whole("openai", 429, wrapped(json.encode { error = google("RequestsPerDay", "9s") }, times), "final quota fatal")
end
whole("openai", 400, E "a brace { that is none", "final request")
whole("openai", 400, E(("{"):rep(3000)), "final request")

-- Other statuses than those that are meant.
whole("openai", 400, E("slow down", { code = "429" }), "retry rate_limit")
whole("openai", 400, { message = "Rate exceeded" }, "retry rate_limit", { ["x-amzn-errortype"] = "ThrottlingException:http://x" })
whole("openai", 200, { status = "error", message = "Invalid API key" }, "final auth fatal")
whole("openai", 200, { status = "failed", message = "x" }, "retry server")
whole("openai", 200, { status = "ok", message = "x", choices = { { message = { content = "Hi" }, finish_reason = "stop" } } }, "Hi (stop, nil)")
whole("openai", 410, E "This model was retired", "final not_found")
whole("openai", 308, "", "final redirect", { location = "https://u:p@elsewhere.example/v1?key=x" })

-- Waits: in headers, fields and words.
for name, value in pairs { ["x-ms-retry-after-ms"] = "7000", ["x-retry-after"] = "7", ["x-ratelimit-retry-after"] = "7",
  ["ratelimitbysize-reset"] = "7", ["x-ratelimit-reset-after"] = "7", ["retry-after"] = '"7"' } do
  whole("openai", 429, "x", "retry rate_limit after 7 s", { [name] = value })
end
for _, body in ipairs { E("x", { retry_after = "7" }), E("x", { retryAfterSeconds = 7 }) } do
  whole("openai", 429, body, "retry rate_limit after 7 s")
end
for _, said in ipairs { "come again after 7 seconds", "please wait for 7 seconds", "wait at least 7s", "it resets in ~7s",
  "Retry-After: 7", '{"retry_after": 7}', "try again in about 7 seconds", "try again in 0 minutes and 7 seconds",
  "retry in 0m7s", "请在7秒后重试", "try again in 7000 milliseconds" } do
  whole("openai", 429, E(said), "retry rate_limit after 7 s")
end
whole("openai", 429, E "resets at: 2026-11-28 00:00:07 UTC", "retry rate_limit after 7 s", { date = "Sat, 28 Nov 2026 00:00:00 GMT" })
for _, value in ipairs { "90 s", "1m 30s", "1 minute, 30 seconds", "00:01:30", "90000 ms", "90;", "1970-01-01 00:01:30", "1970-01-01T00:01:30Z",
  "Thu, 01 Jan 1970 00:01:30 UTC", "Thu, 01 Jan 1970 00:01:30 +0000" } do
  whole("openai", 429, "x", "retry rate_limit after 90 s", { ["retry-after"] = value, date = "Thu, 01 Jan 1970 00:00:00 GMT" })
end
whole("openai", 429, "x", "final quota fatal", { ["retry-after"] = "1d" })
whole("openai", 429, E "retry your request after 7 seconds", "retry rate_limit after 7 s")
whole("openai", 429, E "wait until 1970-01-01T00:00:07Z", "retry rate_limit after 7 s", { date = "Thu, 01 Jan 1970 00:00:00 GMT" })
whole("openai", 429, E "wait for a seat", "retry rate_limit")
whole("openai", 429, E "try again in a minute", "retry rate_limit")

-- An answer that a gateway put something around.
local said = { choices = { { message = { content = "Hi" }, finish_reason = "stop" } }, usage = { prompt_tokens = 3, total_tokens = 8 } }
whole("openai", 200, { code = 0, data = said }, "Hi (stop, 5)")
whole("openai", 200, { success = true, result = said, errors = json.array {} }, "Hi (stop, 5)")
whole("openai", 200, { output = said, request_id = "r" }, "Hi (stop, 5)")
whole("openai", 200, { data = { choices = json.array {} }, error = { message = "died", code = 500 } }, "retry server")
whole("anthropic", 200, { data = { content = { { type = "text", text = "Hi" } }, stop_reason = "end_turn", usage = { output_tokens = 5 } } }, "Hi (stop, 5)")
whole("gemini", 200, { response = 1, result = { candidates = { { content = { parts = { { text = "Hi" } } }, finishReason = "STOP" } } } }, "Hi (stop, nil)")
whole("ollama", 200, { data = { message = { content = "Hi" }, done = true, done_reason = "stop", eval_count = 5 } }, "Hi (stop, 5)")
whole("responses", 200, { data = { status = "completed", output = { { type = "message", content = "Hi" } } } }, "Hi (stop, nil)")
-- Log-probabilities in the older form.
local older = { choices = { { message = { content = "Hi" }, finish_reason = "stop", logprobs = { tokens = { "H", "i" },
  token_logprobs = { -0.5, json.null }, top_logprobs = { { h = -2, H = -0.5 }, json.null } } } } }
local read = require("fellowship.provider.openai").classify(200, function() end, json.encode(older)).completion.logprobs
tap.is(json.encode { read[1].token, read[1].logprob, read[1].top[1].token, read[1].top[2].token, #read[2].top, read[2].logprob },
  '["H",-0.5,"H","h",0,-9999.0]', "tokens and their numbers side by side")
whole("openai", 400, E("accept the terms first", { code = "model_terms_required" }), "final auth fatal")

tap.done()
