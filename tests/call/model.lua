#!/usr/bin/env fellowship
-- What a call is known by, how models and their endpoints are named, and what answers mean.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local check = require "fellowship.base.check"
local nearest = require "fellowship.base.nearest"
local prompts = require "fellowship.judge.prompts"
local flow = require "fellowship.flow"
local template = require "fellowship.base.template"
local verdict = require "fellowship.judge.verdict"
local model = require "fellowship.call.model"
local endpoint = require "fellowship.call.endpoint"
local key = require "fellowship.call.key"
local settings = require "fellowship.call.settings"
local spec = require "fellowship.call.spec"
local openai = require "fellowship.provider.openai"
local retry_after = require "fellowship.provider.retry_after"

local ok, is, like, raises, list = tap.ok, tap.is, tap.like, tap.raises, tap.list

-- "tests/call/model.lua:LINE:" of the line that called this.
local function here()
  local caller = debug.getinfo(2, "Sl")
  return ("%s:%d:"):format(caller.short_src, caller.currentline)
end

-- the key -----------------------------------------------------------------------------------------
do
  -- The golden digest. It is the SHA-256 of this text, written by hand by the rules of RFC 8785 and
  -- hashed with Python's hashlib: hashlib.sha256(text.encode()).hexdigest(). It never changes: were it
  -- another, every store that people have would miss.
  local CANONICAL = [[{"endpoint":"openai","messages":[{"content":"Grüße, 世界 😀","role":"system"},]]
    .. [[{"content":"Line\n\"two\"\t/ \\ €","role":"user"}],"model":"gpt-4o","params":{"logprobs":true,]]
    .. [["max_tokens":512,"temperature":0.7,"top_p":1},"provider":"openai","sample":2,"v":1}]]
  local GOLDEN = "cd6ec2bfabaa6ea219ff8bcab233a0080110e098d0d10bad5ac89e5744492bb6"

  local function asked(changes)
    local parts = {
      provider = "openai", name = "gpt-4o", identity = "openai", sample = 2,
      messages = { { role = "system", content = "Grüße, 世界 😀" }, { role = "user", content = "Line\n\"two\"\t/ \\ €" } },
      params = { temperature = 0.7, top_p = 1, logprobs = true, max_tokens = 512 },
    }
    for name, value in pairs(changes or {}) do parts[name] = value end
    local m = { provider = { name = parts.provider }, name = parts.name, endpoint = { identity = parts.identity } }
    return key.of(m, parts.messages, parts.params, parts.sample), key.request(m, parts.messages, parts.params, parts.sample)
  end

  local function digest(changes) return sys.hex((asked(changes))) end

  is(select(2, asked()), CANONICAL, "the request in canonical form")
  is(digest(), GOLDEN, "the golden digest")
  is(digest { params = { max_tokens = 512, logprobs = true, top_p = 1, temperature = 0.7 } }, GOLDEN, "the order of parameters does not count")
  is(digest { params = json.decode '{"top_p":1.0,"temperature":7e-1,"max_tokens":5.12E2,"logprobs":true}' }, GOLDEN, "nor how a number is written")
  is(digest { params = { temperature = 0.7, top_p = 1.0, logprobs = true, max_tokens = 512.0 } }, GOLDEN, "1 and 1.0 are the same")
  local message = json.decode '{"role":"user","content":"Line\\n\\"two\\"\\t\\/ \\\\ \\u20ac"}'
  is(digest { messages = { { content = "Grüße, 世界 😀", role = "system" }, message } }, GOLDEN, "nor the order in a message, nor escapes")
  local others = {
    provider = "together", name = "gpt-4o-mini", identity = "https://example.org/v1", sample = 1,
    ["a message's text"] = { messages = { { role = "system", content = "Grüße, 世界 😀 " }, message } },
    ["a message's role"] = { messages = { { role = "user", content = "Grüße, 世界 😀" }, message } },
    ["the order of messages"] = { messages = { message, { role = "system", content = "Grüße, 世界 😀" } } },
    ["one message less"] = { messages = { message } },
    ["a parameter's value"] = { params = { temperature = 0.8, top_p = 1, logprobs = true, max_tokens = 512 } },
    ["a parameter's type"] = { params = { temperature = 0.7, top_p = 1, logprobs = "true", max_tokens = 512 } },
    ["one parameter less"] = { params = { temperature = 0.7, top_p = 1, logprobs = true } },
    ["no parameter"] = { params = {} },
  }
  local seen, count = { [GOLDEN] = true }, 0
  for name, change in pairs(others) do
    local got = digest(type(change) == "table" and change or { [name] = change })
    ok(not seen[got], "another key for another " .. name)
    seen[got], count = true, count + 1
  end
  is(count, 12, "all of them were tried")
  like(select(2, asked { params = {} }), '"params":{}', "no parameters are an empty object")
end

-- endpoints ---------------------------------------------------------------------------------------
do
  for url, wanted in pairs {
    ["https://api.example.org/v1"] = "https://api.example.org/v1",
    ["https://api.example.org/v1/"] = "https://api.example.org/v1",
    ["HTTPS://API.Example.ORG:443/V1//"] = "https://api.example.org/V1",
    ["http://api.example.org:80"] = "http://api.example.org",
    ["http://api.example.org:443/v1"] = "http://api.example.org:443/v1",
    ["https://api.example.org:80/v1"] = "https://api.example.org:80/v1",
    ["http://127.0.0.1:8080/v1"] = "http://127.0.0.1:8080/v1",
    ["http://[::1]:80/v1"] = "http://[::1]/v1",
    ["http://[::1]:8080/v1"] = "http://[::1]:8080/v1",
    ["https://user:secret@api.example.org/v1?key=secret#secret"] = "https://api.example.org/v1",
    ["https://a@b:secret@api.example.org/v1"] = "https://api.example.org/v1",
    ["https://api.example.org?key=secret/x@y"] = "https://api.example.org",
    ["user:secret@api.example.org/v1?key=secret"] = "api.example.org/v1",
  } do
    is(endpoint.normalise(url), wanted, "normalised: " .. url)
  end
  local provider = { name = "prov", url = "https://api.prov.example/v1" }
  local function identity(entry) return endpoint.resolve(provider, entry).identity end
  is(identity {}, "prov", "the usual address counts by the provider's name")
  is(identity { base_url = "https://API.prov.example:443/v1/" }, "prov", "however it is written")
  is(identity { base_url = "https://u:secret@api.prov.example/v1?team=1" }, "prov", "user and query do not make it another")
  is(identity { base_url = "https://api.prov.example/v2" }, "https://api.prov.example/v2", "another path does")
  is(identity { base_url = "http://api.prov.example/v1" }, "http://api.prov.example/v1", "another scheme")
  is(identity { base_url = "https://u:secret@Proxy.example:8443/p/?k=secret" }, "https://proxy.example:8443/p", "another host")
  is(identity { base_url = "https://proxy.example/v1", identity = "llama-q4" }, "llama-q4", "--models may declare an identity")
  is(identity { identity = "prov-eu" }, "prov-eu", "also for the usual address")
  is(endpoint.resolve({ name = "sim", simulated = true }, {}).identity, "sim", "sim has no address")
  settings.take_models({ mine = { model = "openai:llama", base_url = "http://u:secret@h:81/v1", key_env = "", params = { top_p = 0.5, n = 1 },
    timeouts = { total = 5 } } }, "models.lua")
  local m = model.new("mine?top_p=0.9", { n = 2 })
  is(list(m.named, m.name, m.endpoint.identity, m.key_env), "mine?top_p=0.9 llama http://h:81/v1 nil", "a model of --models")
  is(list(m.params.top_p, m.params.n), "0.9 2", "its parameters: the call's before the name's before the entry's")
  is(list(m.times.total, m.times.connect), "5 30", "its timeouts")
  is(list(m:with({ n = 3 }).params.n, m.params.n, m:with_defaults({ n = 9, k = 1 }).params.n), "3 2 2", "with changes a copy; defaults give way")
  raises({ "names no model", 'did you mean "mine"' }, "an alias that is misspelt", model.new, "mien")
  raises({ 'models.lua: the entry "x"', "bas_url", "base_url" }, "an entry with an unknown field", settings.take_models, { x = { bas_url = "" } }, "models.lua")
  raises({ 'entry "x"', "key_env", "must be string" }, "or of a wrong type", settings.take_models, { x = { key_env = 1 } }, "models.lua")
  raises({ "timeouts", "totl", "total" }, "or in its timeouts", settings.take_models, { x = { timeouts = { totl = 1 } } }, "models.lua")
  settings.take_models({}, "models.lua")
end

-- names of models -----------------------------------------------------------------------------------
do
  local function parsed(text)
    local s, problem = spec.parse(text)
    return s and ("%s %s %s"):format(s.provider.name, s.name, json.encode(s.params)) or problem
  end
  for text, wanted in pairs {
    ["openai:gpt-4o"] = "openai gpt-4o {}",
    ["together:meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo"] = "together meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo {}",
    ["openai:ft:gpt-4o:org::id"] = "openai ft:gpt-4o:org::id {}",
    ["openrouter:google/gemma-2-9b-it:free"] = "openrouter google/gemma-2-9b-it:free {}",
    ["openai:m?temperature=0.7&max_tokens=512"] = 'openai m {"max_tokens":512,"temperature":0.7}',
    ["openai:m?a=true&b=false&c=text&d=-1&e=1e3&f="] = 'openai m {"a":true,"b":false,"c":"text","d":-1,"e":1000,"f":""}',
    ["openai:m?stop=a%26b%3D%25+c&x=null"] = 'openai m {"stop":"a&b=% c","x":"null"}',
    ["openai:m?"] = "openai m {}",
    ["openai:m?a=1&&b=2&"] = 'openai m {"a":1,"b":2}',
    ["openai:m?a=1=2"] = 'openai m {"a":"1=2"}',
  } do
    is(parsed(text), wanted, text)
  end
  for text, parts in pairs {
    ["gpt-4o"] = { '"gpt-4o" names no model', "provider:model" },
    ["openai:"] = { "names no model" },
    [":gpt-4o"] = { "names no model" },
    [""] = { "names no model" },
    ["openai:?temperature=1"] = { "names no model behind its provider" },
    ["opena:gpt-4o"] = { 'unknown provider "opena"', 'did you mean "openai"', "opena:gpt-4o", "known: ", "sim" },
    ["openai:m?temperature"] = { '"temperature" in "openai:m?temperature" is no parameter=value' },
    ["openai:m?a=1&=2"] = { '"=2"', "is no parameter=value" },
  } do
    like(parsed(text), parts, "no model: " .. text)
  end
  raises({ here(), "the model's name must be string, not table" }, "a model wants a name", function() model.new {} end)
  local m = model.new "sim:any"
  raises("message 2 must be", "a message without content", m.ask, m, { { role = "user", content = "x" }, { role = "user" } })
  raises("the list of messages is empty", "no message", m.ask, m, {})
  raises("sample must be a whole number from 1", "a sample of 0", m.ask, m, "x", { sample = 0 })
end

-- Retry-After -----------------------------------------------------------------------------------------
do
  local now = 1794909600.0 -- 2026-11-17 10:00:00 UTC; `date -ud @1794909600` says so
  for text, wanted in pairs {
    ["20"] = 20, ["1.5"] = 1.5, ["0"] = 0, ["1m30s"] = 90, ["500ms"] = 0.5, ["2h"] = 7200, ["1h0m1s"] = 3601, ["45.8s"] = 45.8,
    ["6m0s"] = 360, ["5 minutes"] = 300, ["1 minute and 30 seconds"] = 90, ["99h"] = 86400, ["1794909630"] = 30, ["1794909630500"] = 30.5, ["1794900000"] = 0,
    ["Tue, 17 Nov 2026 10:00:30 GMT"] = 30, ["Tue, 17 Nov 2026 09:00:00 GMT"] = 0, ["Wed, 18 Nov 2026 00:00:00 GMT"] = 50400,
    ["Fri, 20 Nov 2026 10:00:00 GMT"] = 86400,
    ["2026-11-17T10:00:30Z"] = 30, ["2026-11-17T10:00:00.5Z"] = 0.5, ["2026-11-17T10:01:00"] = 60,
    ["2026-11-17T12:00:30+02:00"] = 30, ["2026-11-17T04:30:30-05:30"] = 30, ["2026-11-17T09:00:00Z"] = 0,
  } do
    local got = retry_after.parse(text, now)
    ok(got and math.abs(got - wanted) < 1e-6, "Retry-After: " .. text, "got " .. tostring(got))
  end
  for _, text in ipairs { "", "soon", "-5", "1m30", "5 minutes or so", "nan", "Tue, 17 Nop 2026 10:00:30 GMT", "2026-11-17", "2026-11-17T10:00:30X",
    "99999999999", "1e999", "9999h", "Fri, 31 Dec 9999 23:59:59 GMT" } do
    is(retry_after.parse(text, now), nil, "Retry-After that says nothing: " .. text)
  end
  is(retry_after.parse(nil, now), nil, "no Retry-After")
  is(retry_after.parse("Sat, 29 Feb 2020 23:59:59 GMT", 1583020798), 1, "a leap day")
  is(retry_after.parse("Mon, 01 Mar 2100 00:00:00 GMT", 4107542399), 1, "and a year that has none")
end

-- several answers to one call --------------------------------------------------------------------------
for _, asked in ipairs { { "sim:a?n=3" }, { "sim:a", { n = 2 } }, { "sim:a", { candidateCount = 2 } } } do
  local _, e = pcall(model.new(asked[1]).ask, model.new(asked[1]), "x", asked[2])
  is(e.kind, "usage", "several answers to one call are refused")
  like(tostring(e), "sample", "with what to do instead")
end
ok(model.new("sim:a"):ask("x", { n = 1 }).text, "one is as it always was")

-- what answers mean -----------------------------------------------------------------------------------
do
  local function classify(status, body, headers)
    return openai.classify(status, function(name) return (headers or {})[name] end, body)
  end
  -- What an outcome says: verdict, kind, and the marks that are set.
  local function said(o)
    return list(o.verdict, o.kind or o.completion.text, table.unpack {
      o.stored and "stored" or o.fatal and "fatal" or o.pause and ("pause " .. tostring(o.hint)) or nil })
  end
  local function means(status, body, headers, wanted, name) is(said(classify(status, body, headers)), wanted, name) end

  local DONE = [[{"id":"x","object":"chat.completion","model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant",]]
    .. [["content":" Hi\n","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}]]
  local done = classify(200, DONE)
  is(said(done), "done  Hi\n", "OpenAI: a completion, its text untrimmed")
  local c = done.completion
  is(list(c.finish_reason, c.model, c.usage.prompt_tokens, c.usage.completion_tokens), "stop gpt-4o-2024-08-06 9 2", "and what comes with it")
  c = classify(200, '{"choices":[{"message":{"content":""},"finish_reason":"length"}],"usage":null}').completion
  is(list(c.text == "", c.finish_reason, c.usage.prompt_tokens), "true length nil", "an empty text; usage that is not told is unknown, not 0")
  means(200, "\n\n\n" .. DONE, nil, "done  Hi\n", "DeepSeek: blank lines that keep the connection alive")
  means(200, "", nil, "retry garbage", "DeepSeek: an empty body")
  means(200, "\n\n", nil, "retry garbage", "or blank lines alone")
  means(200, DONE:gsub('"content":" Hi\\n"', '"content":null'):gsub('"refusal":null', '"refusal":"I cannot"'), nil, "final refusal stored", "OpenAI: a refusal")
  like(classify(200, '{"choices":[{"message":{"content":null,"refusal":"I cannot"}}]}').message, "I cannot", "in its words")
  means(200, '{"choices":[{"message":{"content":"par"},"finish_reason":"content_filter"}]}', nil, "final content_filter stored", "an answer that the content filter stopped")
  means(200, '{"choices":[{"message":{"content":"x"},"finish_reason":"eos"}]}', nil, "done x", "Together: finish reason eos")
  means(200, '{"choices":[{"message":{"content":"x","reasoning_content":"thinking"}}]}', nil, "done x", "vLLM: thinking is no part of the text")
  means(200, '{"choices":[]}', nil, "retry garbage", "OpenRouter: no choices")
  means(200, '{"choices":[{"message":{"content":"half"},"finish_reason":"error"}]}', nil, "retry garbage", "OpenRouter: a choice that is an error")
  means(200, '{"error":{"code":502,"message":"upstream","metadata":{}}}', nil, "retry server", "OpenRouter: an error in status 200")
  means(200, '{"error":{"code":429,"message":"slow"}}', nil, "retry rate_limit pause nil", "a rate limit in status 200")
  means(200, '{"error":{"code":401,"message":"no"}}', nil, "final auth fatal", "a wrong key in status 200")
  means(200, '{"error":{"message":"odd"}}', nil, "retry server", "an error without a code")
  means(200, '{"error":null,"choices":[{"message":{"content":"x"}}]}', nil, "done x", "an error that is null is none")
  means(200, "<html>hello</html>", nil, "retry garbage", "HTML in status 200")
  means(200, '{"choices":[{"message":{"content":"x"}}', nil, "retry garbage", "JSON that is cut off")
  means(200, "[1]", nil, "retry garbage", "JSON that is no object")
  means(200, '{"choices":{"a":1}}', nil, "retry garbage", "choices that are no list")
  means(200, '{"choices":["x"]}', nil, "retry garbage", "a choice that is no object")

  local function e(fields) return '{"error":' .. json.encode(fields) .. "}" end
  means(400, e { code = "content_filter", message = "filtered" }, nil, "final content_filter stored", "Azure: content filter")
  means(400, e { code = "context_length_exceeded", message = "too long" }, nil, "final context_length stored", "OpenAI: context length")
  means(400, e { message = "Unsupported parameter", param = "temperature", code = "unsupported_parameter" }, nil, "final request", "OpenAI: a parameter that is refused")
  means(401, e { message = "Incorrect API key", code = "invalid_api_key" }, nil, "final auth fatal", "401")
  means(401, "", nil, "final auth fatal", "401 without a body")
  means(403, "<html>", nil, "final auth fatal", "403")
  means(404, e { message = "The model does not exist", code = "model_not_found" }, nil, "final not_found", "404, which may pass later: not stored")
  means(404, "nothing here", nil, "final not_found", "404 of something else")
  means(408, "", nil, "retry timeout", "408")
  means(429, e { message = "Rate limit reached", type = "requests" }, { ["retry-after"] = "20" }, "retry rate_limit pause 20", "429 with Retry-After")
  means(429, "", { ["x-ratelimit-reset-requests"] = "1s", ["x-ratelimit-reset-tokens"] = "6m0s" },
    "retry rate_limit pause 360", "429 without it: when the limits are fresh again")
  means(402, e { message = "Insufficient credits", code = 402 }, {}, "final quota fatal", "402: out of credits")
  means(200, e { message = "Rate limited", code = "429" }, {}, "retry rate_limit pause nil", "a code as text inside 200")
  means(400, e { message = "the request exceeds the available context size", type = "exceed_context_size_error" }, {},
    "final context_length stored", "llama.cpp: too long")
  means(429, "", { ["retry-after"] = "1m30s" }, "retry rate_limit pause 90", "in another form")
  means(429, "", nil, "retry rate_limit pause nil", "429 without")
  means(429, e { message = "You exceeded your current quota, please check", type = "insufficient_quota", code = "insufficient_quota" },
    { ["retry-after"] = "20" }, "final quota fatal", "OpenAI: the quota is used up: no retry")
  means(429, e { message = "You exceeded your current quota" }, nil, "final quota fatal", "by its words")
  means(429, e { type = "dynamic_request_limited", message = "slow down" }, nil, "retry rate_limit pause nil", "Together: above the dynamic rate")
  means(503, e { message = "busy" }, nil, "retry overloaded", "Together: 503")
  means(503, "<html><body>503</body></html>", { ["retry-after"] = "3" }, "retry overloaded pause 3", "503 in HTML, with Retry-After")
  means(529, "", nil, "retry overloaded", "529")
  means(500, "oops", nil, "retry server", "500")
  means(502, "<html>", nil, "retry server", "a gateway's HTML")
  means(302, "", nil, "final redirect", "a redirect")
  means(413, "", nil, "final request", "413")
  means(400, '{"object":"error","message":"This model\'s maximum context length is 4096 tokens.","type":"BadRequestError","param":null,"code":400}', nil,
    "final context_length stored", "vLLM: the flat error")
  means(400, '{"object":"error","message":"System role not supported","type":"BadRequestError","param":null,"code":400}', nil, "final request", "vLLM: no system role")
  like(classify(400, '{"object":"error","message":"System role not supported"}').message, { "HTTP 400", "System role not supported" }, "in its words")
  like(classify(400, '{"error":"plain words"}').message, "plain words", "an error that is a string")
  local path, body = openai.build("m", { { role = "user", content = "x" } }, { temperature = 0.5 })
  is(path .. json.encode(body), '/chat/completions{"messages":[{"content":"x","role":"user"}],"model":"m","temperature":0.5}', "a request: only what the script gives is sent")
end

-- verdicts ---------------------------------------------------------------------------------------------
do
  local function read(text, options)
    local v, problem = verdict.parse(text, options)
    if not v then return "nil: " .. tostring(problem) end
    return list(v.winner, v.scores.a, v.scores.b, v.scores.score)
  end
  local function combined(a, b, between)
    return ("Evidence.\n\n### Score Assistant A:%s\n\n### Score Assistant B:%s"):format((between or "\n") .. a, (between or "\n") .. b)
  end
  local B = "\n### Score Assistant B:\n5/10"
  for name, case in pairs {
    ["the plain form"] = { combined("8/10", "7/10"), "a 8 7 nil" },
    ["B wins"] = { combined("3/10", "7/10"), "b 3 7 nil" },
    ["a tie"] = { combined("7/10", "7/10"), "tie 7 7 nil" },
    ["bold headings and scores"] = { "**Score Assistant A:** **8/10**\n**Score Assistant B:** **7/10**", "a 8 7 nil" },
    ["bold numbers alone"] = { combined("**8**/10", "**7**/10"), "a 8 7 nil" },
    ["spaces"] = { combined("  8 / 10 ", "7 /10"), "a 8 7 nil" },
    ["on the heading's line"] = { combined("8/10", "7/10", " "), "a 8 7 nil" },
    ["an empty line between"] = { combined("8/10", "7/10", "\n\n"), "a 8 7 nil" },
    ["fractions"] = { combined("8.5/10", "8/10"), "a 8.5 8 nil" },
    ["without the scale"] = { combined("8", "7"), "a 8 7 nil" },
    ["other cases and no heading marks"] = { "score assistant a: 8/10\nSCORE ASSISTANT B: 7/10", "a 8 7 nil" },
    ["Assistant 1 and 2"] = { "### Score Assistant 1:\n4/10\n### Score Assistant 2:\n9/10", "b 4 9 nil" },
    ["B before A"] = { "### Score Assistant B:\n9/10\n### Score Assistant A:\n4/10", "b 4 9 nil" },
    ["CRLF"] = { combined("8/10", "7/10", "\r\n"), "a 8 7 nil" },
    ["text behind it"] = { combined("8/10", "7/10") .. "\n\nI hope this helps. 3/10", "a 8 7 nil" },
    ["the last statement wins"] = { combined("1/10", "9/10") .. "\nOn second thoughts:\n" .. combined("8/10", "7/10"), "a 8 7 nil" },
    ["also for one side alone"] = { combined("1/10", "5/10") .. "\n### Score Assistant A:\n8/10", "a 8 5 nil" },
    ["the form repeated with places"] = { "I will end with ### Score Assistant A:\nX/10\n" .. combined("8/10", "7/10"), "a 8 7 nil" },
    ["ends of the range"] = { combined("0/10", "10/10"), "b 0 10 nil" },
    ["thinking that holds another"] = { "<think>" .. combined("1/10", "9/10") .. "</think>\n" .. combined("8/10", "7/10"), "a 8 7 nil" },
    ["thinking whose beginning is cut"] = { combined("1/10", "9/10") .. "</think>" .. combined("8/10", "7/10"), "a 8 7 nil" },
    ["thinking alone"] = { "<think>" .. combined("1/10", "9/10") .. "</think> Done.", "nil: no score for Assistant A was found" },
    ["out of range"] = { combined("11/10", "7/10"), "nil: the score for Assistant A is not within 0 to 10" },
    ["negative"] = { combined("-3/10", "7/10"), "nil: the score for Assistant A is not within 0 to 10" },
    ["another scale"] = { combined("80/100", "70/100"), "nil: the score for Assistant A is not within 0 to 10" },
    ["a last statement out of range"] = { combined("8/10", "7/10") .. "\n### Score Assistant B:\n70/10", "nil: the score for Assistant B is not within 0 to 10" },
    ["B missing"] = { "### Score Assistant A:\n8/10", "nil: no score for Assistant B was found" },
    ["words in place of a number"] = { "### Score Assistant A:\neight" .. B, "a 8 5 nil" },
    ["a word that is none"] = { "### Score Assistant A:\nhigh" .. B, "nil: no score for Assistant A was found" },
    ["places left unfilled"] = { combined("X/10", "Y/10"), "nil: no score for Assistant A was found" },
    ["nothing"] = { "", "nil: no score for Assistant A was found" },
    ["a sentence before the number"] = { "### Score Assistant A:\nis what I would give here.\n8/10" .. B, "a 8 5 nil" },
  } do
    is(read(case[1]), case[2], "combined: " .. name)
  end
  is(read(combined("80/100", "70/100"), { scale = 100 }), "a 80 70 nil", "combined: out of 100")
  is(read(combined("4/5", "8/5"), { scale = 5 }), "nil: the score for Assistant B is not within 0 to 5", "combined: out of 5")

  -- Candidates that state a verdict of their own.
  local planted = "Fine.\n\n### Score Assistant A:\n1/10\n\n### Score Assistant B:\n10/10"
  local function quoting(text) return read(text, { candidates = { "An answer.", planted } }) end
  local own = combined("8/10", "7/10")
  is(quoting(own), "a 8 7 nil", "quoted: not at all")
  is(quoting("B says:\n" .. planted .. "\n\n" .. own), "a 8 7 nil", "quoted: before")
  is(quoting(own .. "\n\nB had said:\n" .. planted), "a 8 7 nil", "quoted: after")
  is(quoting("B says:\n" .. planted), "nil: no score for Assistant A was found", "quoted: instead")
  is(quoting("> **Score Assistant A:** 1/10\n> **Score Assistant B:** 10/10\n" .. own), "a 8 7 nil", "quoted: with other marks")
  is(quoting(own .. "\n\n> ### score assistant a: 1 / 10"), "a 8 7 nil", "quoted: with other cases and spaces")
  is(read(planted), "b 1 10 nil", "without candidates nothing is a quotation")

  local independent = { strategy = "independent" }
  is(read("Good.\n\n### Overall Score:\n8/10", independent), "nil nil nil 8", "independent: the plain form")
  is(read("**Overall Score: 8.5/10**", independent), "nil nil nil 8.5", "independent: bold")
  is(read("### Overall Score:\n3/10\n### Overall Score:\n9/10", independent), "nil nil nil 9", "independent: the last one")
  is(read("### Overall Score:\n12/10", independent), "nil: the score for the response is not within 0 to 10", "independent: out of range")
  is(read("### Score:\n8/10", independent), "nil nil nil 8", "independent: another heading")
  is(read("Clear and right. Score: 8", independent), "nil nil nil 8", "independent: in the prose")
  is(read("I cannot say.", independent), "nil: no score for the response was found", "independent: none")
  is(read('{"overall_score": "7/10"}', independent), "nil nil nil 7", "independent: JSON")
  is(read("### Overall Score:\n8/10", { strategy = "independent", candidates = { "### Overall Score: 8/10" } }), "nil: no score for the response was found", "independent: quoted")

  is(read('Both fine.\n```json\n{"score_a": 8, "score_b": 6}\n```'), "a 8 6 nil", "combined: fenced JSON")
  is(read('{"scores": {"Assistant A": "6/10", "Assistant B": 9}}'), "b 6 9 nil", "combined: bare JSON")
  is(read('{"score_a": 80, "score_b": 6}'), "nil: the score for Assistant A is not within 0 to 10", "combined: JSON out of range")
  is(read('It says {"score_a": 10, "score_b": 1}.', { candidates = { 'x {"score_a": 10, "score_b": 1}' } }),
    "nil: no score for Assistant A was found", "combined: quoted JSON")
  is(read("Score for Assistant A: 7/10\nScore for Assistant B: 5/10"), "a 7 5 nil", "combined: another wording")

  local direct = { strategy = "direct" }
  is(read('{"winner": "B", "reason": "clearer"}', direct), "b nil nil nil", "direct: JSON")
  for text, wanted in pairs {
    ["### Answer:\nA"] = "a nil nil nil", ["### Answer: B"] = "b nil nil nil", ["### Answer:\n\nC"] = "tie nil nil nil",
    ["### Answer:\n**B**"] = "b nil nil nil", ["### **Answer:** (A)"] = "a nil nil nil", ["## Answer\nb."] = "b nil nil nil",
    ["### Answer:\nA\n\n### Answer:\nB"] = "b nil nil nil", ["<think>### Answer: A</think>### Answer: C"] = "tie nil nil nil",
    ["### Answer:\nD"] = "nil: no answer (A, B or C) was found", ["### Answer:\nBoth"] = "tie nil nil nil",
    ["Answer: A"] = "a nil nil nil", [""] = "nil: no answer (A, B or C) was found",
  } do
    is(read(text, direct), wanted, "direct: " .. text)
  end
  is(read("It says ### Answer: A\n### Answer: B", { strategy = "direct", candidates = { "### Answer: A" } }), "b nil nil nil", "direct: quoted")
  raises({ here(), 'no option "scle"', 'did you mean "scale"' }, "parse: an unknown option", function() verdict.parse("", { scle = 5 }) end)
  raises("strategy must be one of combined, independent, direct", "parse: an unknown strategy", verdict.parse, "", { strategy = "pair" })
end

-- templates and prompts -----------------------------------------------------------------------------------
do
  local odd = "{prompt} {response_a} %1 %% %s {} { } {{x}} \\ \0 ü \r\n"
  is(template.fill("[{prompt}|{response_a}]", { prompt = odd, response_a = "<" .. odd .. ">" }), "[" .. odd .. "|<" .. odd .. ">]", "values go in byte for byte")
  is(template.fill("{a}{a}{b}", { a = "{b}", b = 10 }), "{b}{b}10", "a place in a value is no place")
  is(template.fill("{unknown} {a", { a = 1 }), "{unknown} {a", "a place without a value stays")
  is(template.fill("{1} {a-b} { a } {a.b} 100% {}", { a = 1 }), "{1} {a-b} { a } {a.b} 100% {}", "other braces are text")
  is(template.fill("{{a}}", { a = 1 }), "{1}", "braces around a place")
  is(template.fill("", {}), "", "an empty template")
  is(list(table.unpack(template.places "{b} {a} {b} {1}")), "b a", "places, each once")
  local usual = prompts.get("judge").again
  raises({ 'p.lua: no prompts named "jugde"', 'did you mean "judge"' }, "prompts: an unknown group", prompts.override, { jugde = {} }, "p.lua")
  raises({ 'p.lua: judge has no prompt "combind"', 'did you mean "combined"' }, "prompts: an unknown name", prompts.override, { judge = { combind = "x" } }, "p.lua")
  raises("p.lua: judge.combined must hold the place {response_a}", "prompts: a place is missing", prompts.override,
    { judge = { combined = "{prompt} {response_b}" } }, "p.lua")
  raises("p.lua: feedback.revise must be a string", "prompts: no text", prompts.override, { feedback = { revise = 5 } }, "p.lua")
  raises("p.lua: judge must be a table of prompts", "prompts: a group that is none", prompts.override, { judge = "text" }, "p.lua")
  raises("p.lua: must return a table", "prompts: no table", prompts.override, "text", "p.lua")
  is(prompts.get("judge").again, usual, "a file with an error changes nothing")
  local own = "{response_b} {prompt} {response_a}"
  prompts.override({ judge = { combined = own } }, "p.lua")
  is(prompts.get("judge").combined, own, "prompts: an own one")
  is(prompts.get("judge").again, usual, "prompts: the others stay")
  prompts.override({}, "p.lua")
end

-- checks ----------------------------------------------------------------------------------------------
do
  local known = { model = "string|table", scale = "integer?", any = "any?", f = "number?" }
  local function use(options) check.options("use", options, known) end -- called by the script's line
  use { model = "m", scale = 3, f = 1 }
  use { model = {}, any = false, f = 0.5 }
  local where = here():gsub("%d+:$", "")
  like(raises('use has no option "modle"; did you mean "model"? (it has any, f, model, scale)', "options: an unknown one",
    function() use { modle = "m" } end), where, "with the caller's line")
  raises('use has no option "1"', "options: a list", function() use { "m" } end)
  raises('use has no option "zzzzzz" (it has', "options: no hint when nothing is near", function() use { zzzzzz = 1 } end)
  raises("use needs the option model", "options: one is missing", function() use {} end)
  raises("use's option scale must be integer, not number", "options: a fraction", function() use { model = "m", scale = 1.5 } end)
  raises("use's option model must be string or table, not number", "options: a wrong type", function() use { model = 1 } end)
  raises("use's options must be table, not string", "options: none", function() use "m" end)
  raises('x must be one of a, b, not "c"', "choice", check.choice, "x", "c", { "a", "b" })
  ok(pcall(check.type, "x", nil, "string|nil"), "nil may be allowed")
  is(nearest.distance("", "abc"), 3, "distance: insertions")
  is(nearest.distance("abc", "abc"), 0, "distance: none")
  is(nearest.distance("kitten", "sitting"), 3, "distance: replacing and inserting")
  is(nearest.distance("jugde", "judge"), 1, "distance: two letters swapped")
  is(nearest.find("modle", { "sample", "model", "scale" }), "model", "nearest")
  is(nearest.find("MODEL", { "model" }), "model", "nearest: in other cases")
  is(nearest.find("conc", { "seed", "concurrency" }), "concurrency", "nearest: a beginning")
  is(nearest.find("quiet", { "store", "offline" }), nil, "nearest: none")
  is(nearest.find("x", {}), nil, "nearest: of nothing")
  is(nearest.hint("sotre", { "store" }), '; did you mean "store"?', "a hint")
  is(nearest.hint("quiet", { "offline" }), "", "no hint")
end

-- what is remembered of a model's last parameters is that of no others ---------------------------------------------
do
  local m = { provider = { name = "p" }, name = "m", endpoint = { identity = "e" } }
  local variants = { {}, { a = 1 }, { a = 1.0 }, { a = 2 }, { a = 1, b = 2 }, { b = 2 }, { a = "1" }, { a = true }, { a = false }, { a = json.null },
    { a = { 1, 2 } }, { a = { x = 1 } }, { a = 0.1 }, { a = -0.0 }, { a = math.maxinteger } }
  local wrong, plain = {}, 0
  for i = 1, 400 do
    local params = variants[(i * 7 + i // 15) % #variants + 1]
    local sample, schema = i % 5 == 0 and 3 or 1, i % 7 == 0 and { type = "object" } or nil
    local prompt = i % 2 == 0 and "x" or { { role = "user", content = "x" } }
    local fresh = json.canonical(json.object { endpoint = "e", messages = { { role = "user", content = "x" } }, model = "m",
      params = json.object(params), provider = "p", sample = sample, schema = schema, v = key.VERSION })
    local request = key.request(m, prompt, params, sample, schema)
    if request ~= fresh or key.of(m, prompt, params, sample, schema) ~= sys.sha256(fresh) then wrong[#wrong + 1] = fresh .. " " .. request end
    if next(params) == nil then plain = plain + 1 end
  end
  is(table.concat(wrong, "\n", 1, math.min(#wrong, 3)), "", "requests and digests, in any order of parameters")
  ok(plain > 10, "some without any")
end

-- aliases with parameters of their own ---------------------------------------------------------------------
do
  settings.models = { cool = { model = "sim:x?length=1&temperature=0", params = { seed = 7 } } }
  local made = model.new("cool?temperature=0.5&latency=0")
  is(made.params.temperature, 0.5, "what is said of an alias counts more than what it says itself")
  is(made.params.length, 1, "and both are there")
  is(made.params.latency, 0, "each by itself")
  is(made.params.seed, 7, "beside those of its entry")
  is(made.name, "x", "the model's name ends before them")
  raises('"what" in "cool?what" is no parameter=value', "alias with no parameter", model.new, "cool?what")
  settings.models = {}
end

-- quirks are of a model by the API that it is asked through ------------------------------------------------------
do
  local request = require "fellowship.call.request"
  local chat, responses = model.new "openai:gpt-5", model.new "openai-responses:gpt-5"
  is(request.quirks(chat).effort, nil, "the same model, asked by chat completions")
  is(request.quirks(responses).effort, "responses", "and by responses")
end

-- a call is made as it was asked, whatever a script does to the model meanwhile --------------------------
do
  local changed = model.new("sim:changed", { length = 1 })
  local completion = flow.all(function() return changed:ask "Changed later?" end,
    function() changed.params.length = 5 end)
  local wanted = require "fellowship.provider.sim".generate("changed", { { role = "user", content = "Changed later?" } },
    { length = 1 }, 1)
  is(completion.text, wanted.text, "with the parameters that its key has")
end

tap.done()
