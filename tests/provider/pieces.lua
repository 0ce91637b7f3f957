#!/usr/bin/env fellowship
-- Streams in the forms that servers and gateways give them, however the network cuts them: what each says.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local json = require "fellowship.core.json"
local outcomes = require "outcomes"

local stream = outcomes.stream

local function ch(delta, finish, more) local v = { choices = { { index = 0, delta = delta, finish_reason = finish or json.null } } } for k, x in pairs(more or {}) do v[k] = x end return "data: " .. json.encode(v) .. "\n\n" end
local D = "data: [DONE]\n\n"
local H = ch { content = "Hel" } .. ch { content = "lo" }
local O = json.object {}
stream("openai", H .. ch(O, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", H .. ch(O, "stop"), "Hello (stop, nil)", "Hello")
stream("openai", H .. D, "Hello (nil, nil)", "Hello")
stream("openai", H, "retry garbage", "Hello")
stream("openai", (H .. ch(O, "stop") .. D):gsub("\n", "\r\n"), "Hello (stop, nil)", "Hello")
stream("openai", (H .. ch(O, "stop") .. D):gsub("\n", "\r"), "Hello (stop, nil)", "Hello")
stream("openai", (H .. ch(O, "stop") .. D):gsub("data: ", "data:"), "Hello (stop, nil)", "Hello")
stream("openai", (H .. ch(O, "stop") .. D):gsub("data: ", "data:  "), "Hello (stop, nil)", "Hello")
stream("openai", (H .. ch(O, "stop") .. D):gsub("\n\n", "\n"), "Hello (stop, nil)", "Hello") -- one LF between events
stream("openai", (H .. ch(O, "stop") .. D):gsub("data: ", "data: data: "), "Hello (stop, nil)", "Hello") -- doubled by a proxy
stream("openai", (H .. ch(O, "stop") .. D):gsub("data: ", ""), "Hello (stop, nil)") -- JSON Lines for a stream
stream("openai", H .. ch(O, "stop") .. "data: [DONE]", "Hello (stop, nil)", "Hello")
stream("openai", H .. ch(O, "stop") .. "data: [done]\n\n", "Hello (stop, nil)", "Hello")
stream("openai", H .. ch(O, "stop") .. "[DONE]\n\n", "Hello (stop, nil)", "Hello")
stream("openai", H .. "data: \"[DONE]\"\n\n", "Hello (nil, nil)", "Hello")
stream("openai", H .. ch(O, "stop") .. "data:\n\n" .. D, "Hello (stop, nil)", "Hello")
stream("openai", H .. "data: \n\n" .. ch(O, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", "event: ping\ndata: {}\n\n" .. H .. ch(O, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", ": keep-alive\n\n" .. H .. ": keep-alive\n\n" .. ch(O, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", "retry: 3000\nid: 1\n\n" .. H .. ch(O, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", "data: null\n\n" .. H .. ch(O, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", H .. "data: 5\n\n" .. ch(O, "stop") .. D, "retry garbage")
stream("openai", 'data: {"choices":[],"prompt_filter_results":[{"prompt_index":0}]}\n\n' .. H .. ch(O, "stop") .. D, "Hello (stop, nil)", "Hello") -- Azure
stream("openai", H .. ch(O, "stop") .. 'data: {"choices":[{"index":0,"content_filter_offsets":{},"finish_reason":null}],"content_filter_results":{}}\n\n' .. D, "Hello (stop, nil)", "Hello") -- Azure async filter
stream("openai", H .. 'data: {"error":{"message":"upstream","code":502}}\n\n', "retry server", "Hello")
stream("openai", H .. 'event: error\ndata: {"message":"boom"}\n\n', "retry server")
stream("openai", H .. 'data: {"object":"error","message":"boom","code":500}\n\n', "retry server")
stream("openai", H .. 'data: {"error":"boom"}\n\n' .. D, "retry server")
stream("openai", 'data: {"error":{"message":"Rate limit","code":429}}\n\n' .. D, "retry rate_limit")
stream("openai", 'data: {"detail":"Rate limit exceeded"}\n\n', "retry server")
stream("openai", 'event: error\ndata: {"detail":"too long"}\n\n', "retry server")
stream("openai", H .. ch(O, "error"), "retry garbage")
stream("openai", H .. ch(O, "content_filter") .. D, "final content_filter kept")
stream("openai", H .. ch({ content = "" }, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", ch({ content = "Hel" }, "stop") .. ch({ content = "lo" }, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", ch({ content = "Hel" }, "") .. ch({ content = "lo" }, "") .. ch({}, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", ch { content = json.null } .. H .. ch({ content = json.null }, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", ch { role = "assistant", content = "" } .. ch { role = "assistant", content = "Hel" } .. ch { role = "assistant", content = "lo" } .. ch({}, "length") .. D, "Hello (length, nil)", "Hello")
stream("openai", 'data: {"choices":[{"index":0,"delta":null,"finish_reason":null}]}\n\n' .. H .. ch(O, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", 'data: {"choices":null}\n\n' .. H .. ch(O, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", 'data: {"choices":[{"index":0,"text":"Hel"}]}\n\n' .. 'data: {"choices":[{"index":0,"text":"lo","finish_reason":"stop"}]}\n\n' .. D, "Hello (stop, nil)", "Hello")
stream("openai", H .. ch(O, "stop", { usage = { prompt_tokens = 3, completion_tokens = 5 } }) .. D, "Hello (stop, 5)", "Hello")
stream("openai", ch({ content = "Hel" }, nil, { usage = { prompt_tokens = 3, completion_tokens = 1 } }) .. ch({ content = "lo" }, "stop", { usage = { prompt_tokens = 3, completion_tokens = 2 } }) .. D, "Hello (stop, 2)", "Hello")
stream("openai", H .. ch(O, "stop") .. 'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}\n\n', "Hello (stop, 5)", "Hello")
stream("openai", H .. ch(O, "stop") .. 'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}\n\n' .. 'data: {"choices":[],"usage":null}\n\n' .. D, "Hello (stop, 5)", "Hello")
stream("openai", H .. 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":3,"completion_tokens":5}}]}\n\n' .. D, "Hello (stop, 5)", "Hello") -- Moonshot
stream("openai", H .. ch(O, "stop") .. 'data: {"usage":{"prompt_tokens":3,"completion_tokens":5}}\n\n' .. D, "Hello (stop, 5)", "Hello")
stream("openai", H .. ch(O, "stop") .. 'data: {"choices":[{"index":0,"delta":{}}],"x_groq":{"usage":{"prompt_tokens":3,"completion_tokens":5}}}\n\n' .. D, "Hello (stop, 5)", "Hello")
stream("openai", ch { reasoning_content = "hm" } .. H .. ch(O, "stop") .. D, "Hello (stop, nil) thought hm", "Hello")
stream("openai", ch { reasoning = "hm" } .. H .. ch(O, "stop") .. D, "Hello (stop, nil) thought hm", "Hello")
stream("openai", ch { content = "", reasoning = "hm", reasoning_details = { { type = "reasoning.text", text = "hm" } } } .. H .. ch(O, "stop") .. D, "Hello (stop, nil) thought hm", "Hello")
stream("openai", ch { content = "<thi" } .. ch { content = "nk>hm</th" } .. ch { content = "ink>\n\n" } .. H .. ch(O, "stop") .. D, "Hello (stop, nil) thought hm", "Hello")
stream("openai", ch { content = { { type = "thinking", thinking = { { type = "text", text = "hm" } } } } } .. ch { content = { { type = "text", text = "Hel" } } } .. ch({ content = "lo" }, "stop") .. D, "Hello (stop, nil) thought hm", "Hello")
stream("openai", 'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\ndata: {"choices":[{"delta":{"content":"\\ude00"},"finish_reason":"stop"}]}\n\n' .. D, "a😀 (stop, nil)", "a😀")
stream("openai", 'data: {"choices":[{"index":0,"delta":{"content":"Hel"}},{"index":1,"delta":{"content":"XX"}}]}\n\n' .. ch({ content = "lo" }, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", ch { content = "Hel" } .. 'data: {"choices":[{"index":1,"delta":{"content":"XX"}}]}\n\n' .. ch({ content = "lo" }, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", ch { content = "Hel" } .. ch { content = "lo" } .. ch(O, "stop") .. D .. ch { content = "more" }, "Hello (stop, nil)", "Hello")
stream("openai", '\239\187\191' .. H .. ch(O, "stop") .. D, "Hello (stop, nil)", "Hello")
stream("openai", "<html><title>502 Bad Gateway</title></html>", "retry garbage")
stream("openai", "", "retry garbage")
stream("openai", D, "retry garbage")
stream("openai", ch(O, "stop") .. D, "retry empty 2 tries")
stream("openai", ch { role = "assistant" } .. D, "retry empty 2 tries")
stream("openai", json.encode { choices = { { message = { content = "Hello" }, finish_reason = "stop" } } } .. "\n", "Hello (stop, nil)")
stream("openai", "data: " .. json.encode { choices = { { message = { content = "Hello" }, finish_reason = "stop" } } } .. "\n\n" .. D, "Hello (stop, nil)", "Hello")
stream("openai", "data: " .. json.encode({ choices = { { delta = { content = "Hello" }, finish_reason = "stop" } } }):gsub(",", ",\ndata: ") .. "\n\n" .. D, "Hello (stop, nil)", "Hello") -- several data lines
-- Anthropic
local function ev(v) return "event: " .. v.type .. "\ndata: " .. json.encode(v) .. "\n\n" end
local MS = ev { type = "message_start", message = { type = "message", model = "m", content = json.array {}, usage = { input_tokens = 3, output_tokens = 1 } } }
local function bs(i, b) return ev { type = "content_block_start", index = i, content_block = b } end
local function bd(i, t) return ev { type = "content_block_delta", index = i, delta = { type = "text_delta", text = t } } end
local function be(i) return ev { type = "content_block_stop", index = i } end
local MD = ev { type = "message_delta", delta = { stop_reason = "end_turn" }, usage = { output_tokens = 5 } }
local ME = ev { type = "message_stop" }
local T = { type = "text", text = "" }
local ALL = MS .. bs(0, T) .. bd(0, "Hel") .. bd(0, "lo") .. be(0)
stream("anthropic", ALL .. MD .. ME, "Hello (stop, 5)", "Hello")
stream("anthropic", ALL .. MD, "Hello (stop, 5)", "Hello") -- no message_stop, but an end that is told
stream("anthropic", ALL, "retry garbage", "Hello")
stream("anthropic", MS .. bd(0, "Hel") .. bd(0, "lo") .. MD .. ME, "Hello (stop, 5)", "Hello") -- no block start
stream("anthropic", bs(0, T) .. bd(0, "Hel") .. bd(0, "lo") .. be(0) .. MD .. ME, "Hello (stop, 5)", "Hello") -- no message start
stream("anthropic", (ALL .. MD .. ME):gsub("event: [^\n]*\n", ""), "Hello (stop, 5)", "Hello")
stream("anthropic", ALL .. ev { type = "ping" } .. MD .. ME, "Hello (stop, 5)", "Hello")
stream("anthropic", ALL .. ev { type = "error", error = { type = "overloaded_error", message = "Overloaded" } }, "retry overloaded", "Hello")
stream("anthropic", ALL .. 'event: error\ndata: {"error":{"type":"overloaded_error","message":"Overloaded"}}\n\n', "retry overloaded")
stream("anthropic", 'event: error\ndata: {"message":"boom"}\n\n', "retry server")
stream("anthropic", ALL .. MD .. ME .. D, "Hello (stop, 5)", "Hello")
stream("anthropic", ALL .. MD .. D, "Hello (stop, 5)", "Hello")
stream("anthropic", MS .. bs(0, { type = "thinking", thinking = "" }) .. ev { type = "content_block_delta", index = 0, delta = { type = "thinking_delta", thinking = "hm" } } .. ev { type = "content_block_delta", index = 0, delta = { type = "signature_delta", signature = "x" } } .. be(0) .. bs(1, T) .. bd(1, "Hello") .. be(1) .. MD .. ME, "Hello (stop, 5) thought hm", "Hello")
stream("anthropic", MS .. bs(0, { type = "redacted_thinking", data = "x" }) .. be(0) .. bs(1, T) .. bd(1, "Hello") .. be(1) .. MD .. ME, "Hello (stop, 5)", "Hello")
stream("anthropic", MS .. bs(0, T) .. bd(0, "Hello") .. ev { type = "future_event", x = 1 } .. ev { type = "content_block_delta", index = 0, delta = { type = "citations_delta", citation = {} } } .. be(0) .. MD .. ME, "Hello (stop, 5)", "Hello")
stream("anthropic", MS .. bs(1, T) .. bd(1, "Hello") .. be(1) .. MD .. ME, "Hello (stop, 5)", "Hello") -- blocks from 1
stream("anthropic", ALL .. ev { type = "message_delta", delta = { stop_reason = "refusal" }, usage = {} } .. ME, "final refusal kept")
stream("anthropic", MS .. bs(0, T) .. be(0) .. ev { type = "message_delta", delta = { stop_reason = "max_tokens" }, usage = { output_tokens = 5 } } .. ME, " (length, 5)")
-- Gemini
local function g(parts, finish) return "data: " .. json.encode { candidates = { { content = { role = "model", parts = parts }, finishReason = finish } }, usageMetadata = { promptTokenCount = 3, candidatesTokenCount = 5 } } .. "\n\n" end
stream("gemini", g { { text = "Hel" } } .. g({ { text = "lo" } }, "STOP"), "Hello (stop, 5)", "Hello")
stream("gemini", g { { text = "Hel" } } .. g { { text = "lo" } }, "retry garbage", "Hello")
stream("gemini", g { { text = "Hel" } } .. g { { text = "lo" } } .. D, "Hello (nil, 5)", "Hello")
stream("gemini", g({ { text = "Hel" } }, "STOP") .. g({ { text = "lo" } }, "STOP"), "Hello (stop, 5)", "Hello")
stream("gemini", g { { text = "hm", thought = true } } .. g { { text = "Hel" } } .. g({ { text = "lo" } }, "STOP"), "Hello (stop, 5) thought hm", "Hello")
stream("gemini", g { { text = "Hel" } } .. g({ { text = "lo" } }, "SAFETY"), "final content_filter kept")
stream("gemini", 'data: {"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{}}\n\n', "final content_filter kept")
stream("gemini", g { { text = "Hel" } } .. 'data: {"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}\n\n', "retry overloaded")
stream("gemini", g { { text = "Hello" } } .. 'data: {"candidates":[{"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":5}}\n\n', "Hello (stop, 5)", "Hello")
stream("gemini", g { { text = "Hello" } } .. 'data: {"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":5}}\n\n' .. g({ { text = "" } }, "STOP"), "Hello (stop, 5)", "Hello")
stream("gemini", '[' .. g({ { text = "Hel" } }):gsub("data: ", ""):gsub("\n", "") .. "\n,\r\n" .. g({ { text = "lo" } }, "STOP"):gsub("data: ", ""):gsub("\n", "") .. "]", "Hello (stop, 5)") -- a JSON array
-- Ollama
local function o(c, done, more) local v = { model = "m", message = { role = "assistant", content = c }, done = done or false } for k, x in pairs(more or {}) do v[k] = x end return json.encode(v) .. "\n" end
stream("ollama", o "Hel" .. o "lo" .. o("", true, { done_reason = "stop", eval_count = 5 }), "Hello (stop, 5)", "Hello")
stream("ollama", o "Hel" .. o "lo", "retry garbage", "Hello")
stream("ollama", o "Hel" .. o "lo" .. '{"error":"an error was encountered while running the model: unexpected EOF"}\n', "retry server", "Hello")
stream("ollama", (o "Hel" .. o "lo" .. o("", true, { done_reason = "stop", eval_count = 5 })):gsub("([^\n]+)\n", "data: %1\n\n"), "Hello (stop, 5)", "Hello") -- as events
-- Responses
local function r(v) return "event: " .. v.type .. "\ndata: " .. json.encode(v) .. "\n\n" end
local RD = r { type = "response.output_text.delta", delta = "Hel" } .. r { type = "response.output_text.delta", delta = "lo" }
local function RC(s, more) local v = { status = s, model = "m", output = { { type = "message", content = { { type = "output_text", text = "Hello" } } } }, usage = { output_tokens = 5 } } for k, x in pairs(more or {}) do v[k] = x end return r { type = "response." .. s, response = v } end
stream("responses", RD .. RC "completed", "Hello (stop, 5)", "Hello")
stream("responses", RD .. RC("incomplete", { incomplete_details = { reason = "max_output_tokens" } }), "Hello (length, 5)", "Hello")
stream("responses", RD, "retry garbage", "Hello")
stream("responses", RD .. RC("failed", { error = { code = "server_error", message = "x" } }), "retry server")
stream("responses", RD .. r { type = "error", code = "rate_limit_exceeded", message = "x" }, "retry rate_limit")
stream("responses", RD .. 'data: {"error":{"message":"x","code":429}}\n\n', "retry rate_limit")
stream("responses", RD .. RC "completed" .. D, "Hello (stop, 5)", "Hello")
stream("responses", RD .. RC("completed", { output = json.array {} }), "Hello (stop, 5)", "Hello") -- some gateways leave the output out

tap.done()
