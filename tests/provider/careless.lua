#!/usr/bin/env fellowship
-- What careless servers say, collected from public reports: each answer is read for what it means.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local growth = require "growth"
local tap = require "tap"
local json = require "fellowship.core.json"
local quirks = require "fellowship.provider.quirks"
local repair = require "fellowship.provider.repair"
local answer = require "fellowship.provider.answer"
local streams = require "fellowship.provider.stream"

local is = tap.is

local adapters = {
  openai = require "fellowship.provider.openai", anthropic = require "fellowship.provider.anthropic",
  gemini = require "fellowship.provider.gemini", ollama = require "fellowship.provider.ollama",
}

local function outcome_of(name, status, body, headers)
  if type(body) ~= "string" then body = json.encode(body) end
  return adapters[name].classify(status, function(header) return headers and headers[header] end, body,
    { quirks = quirks.of(name == "openai" and "vllm" or name, "m"), params = {} })
end

--- An outcome in a few words: a text, its end and tokens; or what went wrong.
local function words(o)
  local c = o.completion
  if c then return ("%s (%s, %s)"):format(c.text, tostring(c.finish_reason), tostring(c.usage.completion_tokens)) end
  return o.verdict .. " " .. o.kind .. (o.fatal and " fatal" or "") .. (o.stored and " kept" or "")
    .. (o.hint and (" after %g s"):format(o.hint) or "") .. (o.tries and (" %d tries"):format(o.tries) or "")
end

-- OpenAI's form: a message and its end; or a body with other fields.
local function whole(content, finish, more)
  local value = { object = "chat.completion", model = "m", usage = { prompt_tokens = 10, completion_tokens = 5, total_tokens = 15 },
    choices = { { index = 0, message = { role = "assistant", content = content }, finish_reason = finish or "stop" } } }
  for name, field in pairs(more or {}) do value[name] = field end
  return value
end

local function raw(content, more)
  return '{"model":"m","choices":[{"message":{"content":' .. content .. '},"finish_reason":"stop"' .. (more or "") .. "}]}"
end

-- ends, and answers that are none -----------------------------------------------------------------------------------
for _, finish in ipairs { "insufficient_system_resource", "abort", "aborted", "cancelled", "error", "ERROR" } do
  is(words(outcome_of("openai", 200, whole("half an", finish))), "retry garbage", finish .. ": given up, and no whole answer")
end
for finish, meant in pairs { eos_token = "stop", COMPLETE = "stop", MAX_TOKENS = "length", max_length = "length" } do
  is(words(outcome_of("openai", 200, whole("all", finish))), "all (" .. meant .. ", 5)", finish)
end
for name, choices in pairs { ["no"] = json.array {}, ["null for"] = json.null } do
  is(words(outcome_of("openai", 200, whole("", "stop", { choices = choices }))), "retry empty 2 tries", name .. " choices")
end
is(words(outcome_of("gemini", 200, { usageMetadata = { promptTokenCount = 10 } })), "retry empty 2 tries", "Gemini without candidates")
is(words(outcome_of("openai", 400, { error = { message = "Could not finish the message because max_tokens or model output limit was reached. Try again with higher max_tokens.",
  type = "invalid_request_error" } })), " (length, nil)", "a refusal that is an end: thinking took all tokens")

-- usage ---------------------------------------------------------------------------------------------------------------
is(words(outcome_of("openai", 200, whole("t", "stop", { usage = { prompt_tokens = 10, completion_tokens = 5, total_tokens = 115 } }))), "t (stop, 105)",
  "a total with thoughts that nothing else tells of")
is(words(outcome_of("openai", 200, whole("t", "stop", { usage = { prompt_tokens = 10, completion_tokens = 5 } }))), "t (stop, 5)", "no total")

do
  local usage = outcome_of("openai", 200, whole("t", "stop", { usage = { input_tokens = 10, output_tokens = 5 } })).completion.usage
  is(json.canonical(usage), '{"completion_tokens":5,"prompt_tokens":10}', "the names of others")
  usage = outcome_of("openai", 200, whole("t", "stop", { usage = { prompt_tokens = 10, completion_tokens = 5, total_tokens = 15,
    cache_read_input_tokens = 3, cache_creation_input_tokens = 4 } })).completion.usage
  is(json.canonical(usage), '{"cache_write_tokens":4,"cached_tokens":3,"completion_tokens":5,"prompt_tokens":10}', "what a gateway tells of Claude's cache")
end

-- JSON that is nearly so --------------------------------------------------------------------------------------------
is(words(outcome_of("openai", 200, "\xef\xbb\xbf" .. json.encode(whole "t"))), "t (stop, 5)", "a byte order mark")
is(words(outcome_of("openai", 200, raw('"NaN -Infinity"', ',"logprobs":{"content":[{"token":"t","logprob":-Infinity,"top_logprobs":[{"token":"t","logprob":NaN}]}]}'))),
  "NaN -Infinity (stop, nil)", "numbers that are none, outside of texts")
is(words(outcome_of("openai", 200, raw '"a\nb\tc"')), "a\nb\tc (stop, nil)", "bare control characters")
is(words(outcome_of("openai", 200, raw '"a\xff\xe2\x82b"')), "retry garbage", "bytes that are no UTF-8 are lost, and asked for again")
is(outcome_of("openai", 200, "<html><title>Login</title></html>").message, "the answer is not JSON: Login", "a page is told")

do -- what is mended is what was meant, and what is JSON is left alone
  local function value_of(depth)
    local kind = math.random(depth > 0 and 7 or 5)
    if kind == 1 then return '"' .. ("NaN \\\" Infinity \\\\"):sub(1, math.random(3)) .. '"', nil end
    if kind == 2 then return "NaN", "null" elseif kind == 3 then return "-Infinity", "null" elseif kind == 4 then return "-1.5e-3" end
    if kind == 5 then return '"x\1\n"', '"x\\u0001\\u000a"' end
    local bad, good = {}, {}
    for i = 1, math.random(0, 3) do
      local b, g = value_of(depth - 1)
      local name = kind == 7 and ('"k%d":'):format(i) or ""
      bad[i], good[i] = name .. b, name .. (g or b)
    end
    local open, close = kind == 7 and "{" or "[", kind == 7 and "}" or "]"
    return open .. table.concat(bad, ",") .. close, open .. table.concat(good, ",") .. close
  end
  local wrong = {}
  for _ = 1, 2000 do
    local bad, good = value_of(4)
    if bad:find "^[%[{]" then
      local read, meant = answer.decode(bad), json.decode(good)
      if json.canonical(read) ~= json.canonical(meant) then wrong[#wrong + 1] = bad end
      if repair.json(good) then wrong[#wrong + 1] = "changed: " .. good end
    end
  end
  is(table.concat(wrong, "\n", 1, math.min(#wrong, 3)), "", "2,000 random values")
  for name, text in pairs { quotes = '[' .. ('"'):rep(1e6), bytes = '["' .. ("\xff"):rep(1e6), slashes = '["' .. ("\\"):rep(1e6), words = "[" .. ("-"):rep(1e6) } do
    is(growth.problem(repair.json, text:sub(1, 1e5), text, 10), nil, "1 MB of " .. name)
  end
end

-- streams that nobody asked for, and none where one was -------------------------------------------------------------
is(words(outcome_of("openai", 200, ': comment\n\ndata: {"choices":[{"delta":{"content":"Hello"}}]}\n\ndata: {"choices":[{"delta":{"content":" you"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')),
  "Hello you (stop, nil)", "a stream for a plain call")
is(words(outcome_of("openai", 200, 'data: {"choices":[{"delta":{"content":"Hello"}}]}\n\n')), "retry garbage", "one that was cut off")
is(words(outcome_of("ollama", 200, '{"message":{"content":"Hel"},"done":false}\n{"message":{"content":"lo"},"done":true,"done_reason":"stop"}\n')),
  "Hello (stop, nil)", "JSON Lines for a plain call")

local function streamed(body)
  local adapter = adapters.openai
  local reader = streams.reader(adapter, { quirks = quirks.of("vllm", "m") })
  local new = ""
  for i = 1, #body, 7 do new = new .. reader:take(body:sub(i, i + 6)) end
  new = new .. reader:take("", true)
  return words(reader:outcome(function(value) return adapter.meaning(200, function() end, value, { quirks = quirks.of("vllm", "m"), params = {} }) end)) .. ": " .. new
end
is(streamed(json.encode { error = { message = "busy", code = 503 } }), "retry overloaded: ", "an error that says it is a stream")
is(streamed(json.encode(whole "all")), "all (stop, 5): ", "a whole answer that says so")
is(streamed('data: {"choices":[{"delta":{"content":"One "}}]}\n\ndata: {"choices":[{"delta":{"content":"two"}}]}\n\n'
  .. 'data: {"object":"chat.completion","choices":[{"message":{"content":"One two"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'),
  "One two (stop, nil): One two", "pieces, and then the whole once more")

-- errors ----------------------------------------------------------------------------------------------------------
for _, case in ipairs {
  { 498, { error = { message = "Flex tier capacity exceeded" } }, "retry overloaded" },
  { 499, "client closed request", "retry server" },
  { 405, { detail = "Method Not Allowed" }, "final not_found" },
  { 200, { error = "Unexpected endpoint or method. (POST /chat/completions)" }, "final not_found" },
  { 400, { __type = "ThrottlingException", message = "Too many requests, please wait before trying again." }, "retry rate_limit" },
  { 429, { error = { code = "1113", message = "余额不足或无可用资源包,请充值。" } }, "final quota fatal" },
  { 429, { error = { code = "1302", message = "您的账户已达到速率限制" } }, "retry rate_limit" },
  { 400, { error = { code = "1301", message = "系统检测到输入或生成内容可能包含不安全或敏感内容" } }, "final content_filter kept" },
  { 429, { error = { type = "exceeded_current_quota_error", message = "You exceeded your current token quota, please check your account balance" } }, "final quota fatal" },
  { 200, { base_resp = { status_code = 1026, status_msg = "input new_sensitive" } }, "final content_filter kept" },
  { 200, { base_resp = { status_code = 1002, status_msg = "rate limit" } }, "retry rate_limit" },
  { 200, { base_resp = { status_code = 1008, status_msg = "insufficient balance" } }, "final quota fatal" },
  { 403, { code = 30001, message = "Sorry, your account balance is insufficient" }, "final quota fatal" },
  { 403, { code = 403, reason = "NOT_ENOUGH_BALANCE", message = "not enough balance" }, "final quota fatal" },
  { 412, { error = { message = "Account x is suspended, possibly due to reaching the monthly spending limit" } }, "final quota fatal" },
  { 413, { error = { code = "tokens_limit_reached", message = "Request body too large for gpt-4o model. Max size: 8000 tokens." } }, "final context_length kept" },
  { 429, { error = { code = "rate_limit_exceeded", message = "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 43000." } }, "final request" },
  { 200, { success = false, errors = { { code = 3040, message = "Capacity temporarily exceeded, please try again." } } }, "retry server" },
  { 429, { error = { message = "slow down", retry_after = 12 } }, "retry rate_limit after 12 s" },
  { 429, { detail = "slow down", retry_after_seconds = 9 }, "retry rate_limit after 9 s" },
  { 429, { error = "slow" }, "retry rate_limit after 12 s", { ratelimit = "limit=100, remaining=0, reset=12" } },
  { 429, { error = "slow" }, "retry rate_limit after 7 s", { ratelimit = '"default";r=0;t=7' } },
  { 429, { error = "slow" }, "retry rate_limit", { ratelimit = '"default";r=5;t=7' } },
} do
  local status, body, want, headers = table.unpack(case, 1, 4)
  is(words(outcome_of("openai", status, body, headers)), want, ("%d %s"):format(status, type(body) == "string" and body or json.encode(body):sub(1, 60)))
end
is(words(outcome_of("anthropic", 400, { type = "error", error = { type = "invalid_request_error", message = "This organization has been disabled." } })),
  "final auth fatal", "Anthropic: a disabled organization")

tap.done()
