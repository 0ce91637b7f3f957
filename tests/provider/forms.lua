#!/usr/bin/env fellowship
-- Answers in the forms that servers and gateways give them: what each says.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local json = require "fellowship.core.json"
local outcomes = require "outcomes"

local whole = outcomes.whole

local N = json.null
local function O(message, finish, more)
  local v = { object = "chat.completion", model = "m", choices = { { index = 0, message = message, finish_reason = finish or "stop" } }, usage = { prompt_tokens = 3, completion_tokens = 5 } }
  for k, x in pairs(more or {}) do v[k] = x end
  return v
end
whole("openai", 200, O({ content = "Hi" }, N), "Hi (nil, 5)")
whole("openai", 200, O({ content = { { type = "text", text = "Hi" } } }), "Hi (stop, 5)")
whole("openai", 200, O({ content = { { type = "text", text = { value = "Hi" } } } }), "Hi (stop, 5)")
whole("openai", 200, O({ content = { { type = "reasoning", reasoning = "hm" }, { type = "text", text = "Hi" } } }), "Hi (stop, 5) thought hm")
whole("openai", 200, O({ content = { { type = "output_text", text = "Hi" } } }), "Hi (stop, 5)")
whole("openai", 200, O({ content = { text = "Hi", type = "text" } }), "Hi (stop, 5)")
whole("openai", 200, O({ content = N, reasoning_content = "hm" }, "length"), " (length, 5) thought hm")
whole("openai", 200, O({ content = "Hi", reasoning = "hm", reasoning_details = { { type = "reasoning.text", text = "hm" } } }), "Hi (stop, 5) thought hm")
whole("openai", 200, O({ content = "Hi", reasoning_details = { { type = "reasoning.text", text = "hm" } } }), "Hi (stop, 5) thought hm")
whole("openai", 200, O({ content = "Hi", thinking = "hm" }), "Hi (stop, 5) thought hm")
whole("openai", 200, O({ content = "Hi", reasoning = { content = "hm" } }), "Hi (stop, 5)")
whole("openai", 200, O({ content = "Hi", refusal = "" }), "Hi (stop, 5)")
whole("openai", 200, O({ content = N, refusal = "I cannot" }), "final refusal kept")
whole("openai", 200, O({ content = "", refusal = "I cannot" }), "final refusal kept")
whole("openai", 200, O({ content = "Sorry, no." }, "content_filter"), "final content_filter kept")
whole("openai", 200, O({ content = "half" }, "sensitive"), "final content_filter kept") -- Zhipu
whole("openai", 200, O({ content = "half" }, "network_error"), "retry garbage") -- Zhipu
whole("openai", 200, O({ content = "" }, "SAFETY"), "final content_filter kept")
whole("openai", 200, O({ content = "" }, "safety"), "final content_filter kept")
whole("openai", 200, O({ content = "x" }, "model_length"), "x (length, 5)")
whole("openai", 200, O({ content = "x" }, "MAX_TOKENS"), "x (length, 5)")
whole("openai", 200, O({ content = "x" }, "end_turn"), "x (stop, 5)")
whole("openai", 200, O({ content = "x" }, "STOP"), "x (stop, 5)")
whole("openai", 200, O({ content = "x" }, "FINISH_REASON_STOP"), "x (stop, 5)")
whole("openai", 200, O({ content = "x" }, "stop_sequence"), "x (stop, 5)")
whole("openai", 200, O({ content = "x" }, "Stop"), "x (stop, 5)")
whole("openai", 200, O({ content = "x" }, "LENGTH"), "x (length, 5)")
whole("openai", 200, O({ content = "x" }, "max_new_tokens"), "x (length, 5)")
whole("openai", 200, O({ content = "x" }, "token_limit"), "x (length, 5)")
whole("openai", 200, O({ content = "x" }, "max_output_tokens"), "x (length, 5)")
whole("openai", 200, O({ content = "x" }, { type = "length" }), "x (nil, 5)")
whole("openai", 200, O({ content = "half" }, "timeout"), "retry garbage")
whole("openai", 200, O({ content = "half" }, "server_error"), "retry garbage")
whole("openai", 200, O({ content = "half" }, "unknown"), "half (unknown, 5)")
whole("openai", 200, O({ content = "half" }, "null"), "half (nil, 5)")
whole("openai", 200, { choices = { { text = "Hi", finish_reason = "stop" } } }, "Hi (stop, nil)")
whole("openai", 200, { choices = { { delta = { content = "Hi" }, finish_reason = "stop" } } }, "Hi (stop, nil)")
whole("openai", 200, { choices = { { message = "Hi", finish_reason = "stop" } } }, "Hi (stop, nil)")
whole("openai", 200, { choices = { { messages = { { role = "assistant", content = "Hi" } }, finish_reason = "stop" } } }, "retry empty 2 tries")
whole("openai", 200, { data = O({ content = "Hi" }) }, "Hi (stop, 5)")
whole("openai", 200, { O({ content = "Hi" }) }, "Hi (stop, 5)")
whole("openai", 200, json.encode(O({ content = "Hi" })) .. "\n" , "Hi (stop, 5)")
whole("openai", 200, json.encode(json.encode(O({ content = "Hi" }))), "Hi (stop, 5)") -- JSON within JSON
whole("openai", 200, "", "retry garbage")
whole("openai", 200, "null", "retry garbage")
whole("openai", 200, "Hi", "retry garbage")
whole("openai", 200, '"Hi"', "retry garbage")
whole("openai", 200, O({ content = "\239\187\191Hi" }), "\239\187\191Hi (stop, 5)")
whole("openai", 200, '{"choices":[{"message":{"content":"a\\ud83d\\ude00"},"finish_reason":"stop"}]}', "a😀 (stop, nil)")
whole("openai", 200, '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":5},}', "Hi (stop, 5)")
whole("openai", 200, '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":null}', "Hi (stop, nil)")
whole("openai", 200, '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":"3","completion_tokens":"5"}}', "Hi (stop, 5)")
whole("openai", 200, '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3.0,"completion_tokens":5.0,"total_tokens":8.0}}', "Hi (stop, 5)")
whole("openai", 200, '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":-1,"completion_tokens":-1}}', "Hi (stop, nil)")
whole("openai", 200, '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"error":null}', "Hi (stop, nil)")
whole("openai", 200, '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"error":{}}', "Hi (stop, nil)")
whole("openai", 200, '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"error":""}', "Hi (stop, nil)")
whole("openai", 200, '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"error":{"message":"","code":""}}', "Hi (stop, nil)")
whole("openai", 200, '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"error":false}', "Hi (stop, nil)")
whole("openai", 200, '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"error":{"code":0,"message":"success"}}', "Hi (stop, nil)")
whole("openai", 200, '{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"code":0,"msg":"ok"}', "Hi (stop, nil)")
whole("openai", 200, '{"code":400,"msg":"bad model","data":null}', "retry garbage")
whole("openai", 200, O({ role = "assistant" }), "retry empty 2 tries")
whole("openai", 200, O({ content = "<|im_end|>" }), "<|im_end|> (stop, 5)")
whole("openai", 200, O({ content = "<think>\n\n</think>\n\nHi" }), "Hi (stop, 5)")
whole("openai", 200, O({ content = "<think>never closed" }, "length"), " (length, 5) thought never closed")
whole("openai", 200, O({ content = "<reasoning>hm</reasoning>Hi" }), "Hi (stop, 5) thought hm")
whole("openai", 200, O({ content = "<thinking>hm</thinking>\nHi" }), "Hi (stop, 5) thought hm")
whole("openai", 200, O({ content = "◁think▷hm◁/think▷Hi" }), "Hi (stop, 5) thought hm")
whole("openai", 200, O({ content = "<seed:think>hm</seed:think>Hi" }), "Hi (stop, 5) thought hm")
whole("openai", 200, O({ content = "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Hi<|return|>" }), "Hi (stop, 5) thought hm")
whole("openai", 200, O({ content = "<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>Hi<|END_RESPONSE|>" }), "Hi (stop, 5) thought hm")
whole("openai", 200, O({ content = "<|begin_of_thought|>hm<|end_of_thought|>\n<|begin_of_solution|>Hi<|end_of_solution|>" }), "Hi (stop, 5) thought hm")
whole("openai", 200, O({ content = "<unused94>thought\nhm<unused95>Hi" }), "Hi (stop, 5) thought hm")
whole("openai", 200, O({ content = "Hi <think> is a tag" }), "Hi <think> is a tag (stop, 5)")
-- Anthropic
local function A(content, stop, more) local v = { type = "message", role = "assistant", model = "m", content = content, stop_reason = stop or "end_turn", usage = { input_tokens = 3, output_tokens = 5 } } for k, x in pairs(more or {}) do v[k] = x end return v end
whole("anthropic", 200, A({ { type = "text", text = "Hi" } }, "stop_sequence"), "Hi (stop, 5)")
whole("anthropic", 200, A({ { type = "text", text = "Hi" } }, "max_tokens"), "Hi (length, 5)")
whole("anthropic", 200, A({ { type = "text", text = "Hi" } }, "model_context_window_exceeded"), "Hi (length, 5)")
whole("anthropic", 200, A({ { type = "text", text = "Hi" } }, "pause_turn"), "Hi (pause_turn, 5)")
whole("anthropic", 200, A({ { type = "text", text = "I can't" } }, "refusal"), "final refusal kept")
whole("anthropic", 200, A({ { type = "redacted_thinking", data = "xx" }, { type = "text", text = "Hi" } }), "Hi (stop, 5)")
whole("anthropic", 200, A(json.array {}), "retry empty 2 tries")
whole("anthropic", 200, A("Hi"), "Hi (stop, 5)")
whole("anthropic", 200, A({ { type = "text", text = N } }), "retry empty 2 tries")
whole("anthropic", 200, A({ { type = "text", text = "" } }, "max_tokens"), " (length, 5)")
whole("anthropic", 200, A({ { type = "thinking", thinking = "hm", signature = "" } }, "max_tokens"), " (length, 5) thought hm")
whole("anthropic", 200, A({ { type = "server_tool_use" }, { type = "text", text = "Hi" } }), "Hi (stop, 5)")
whole("anthropic", 200, A({ { type = "text", text = "<thinking>hm</thinking>Hi" } }), "Hi (stop, 5) thought hm")
whole("anthropic", 200, O({ content = "Hi" }), "retry garbage") -- OpenAI's form at Anthropic's address
whole("openai", 200, A({ { type = "text", text = "Hi" } }), "retry garbage") -- and the other way
whole("ollama", 200, O({ content = "Hi" }), "retry garbage")
whole("openai", 200, { model = "m", message = { role = "assistant", content = "Hi" }, done = true, done_reason = "stop" }, "retry garbage")
whole("ollama", 200, { model = "m", message = { role = "assistant", content = "Hi" } }, "retry garbage")
whole("responses", 200, { status = "completed", output = { { type = "reasoning", summary = { { type = "summary_text", text = "hm" } } }, { type = "message", content = { { type = "output_text", text = "Hi" } } } }, usage = { input_tokens = 3, output_tokens = 5 } }, "Hi (stop, 5) thought hm")
whole("responses", 200, { output = { { type = "message", content = { { type = "output_text", text = "Hi" } } } } }, "Hi (nil, nil)")
whole("responses", 200, O({ content = "Hi" }), "retry garbage")
whole("responses", 200, { status = "completed", output_text = "Hi", output = json.array {} }, "Hi (stop, nil)")

tap.done()
