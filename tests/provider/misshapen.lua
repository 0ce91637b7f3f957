#!/usr/bin/env fellowship
-- Streams and answers in which a value is of another type, or missing: a listener hears texts, and what comes of it is a
-- completion or a failure of that call. What must hold is in tests/fuzz/answers.lua, which tries any bytes.
local here = arg[0]:gsub("[^/]*$", "")
package.path = here .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local check = dofile(here .. "../fuzz/answers.lua")

local WRONG = { "null", "true", "5", "-1e300", '"x"', '""', "[]", "{}", "[null]", "[5]", '[{"x":1}]', '{"x":1}', "" }

-- By the number of the adapter: a plain answer, and streams.
local TEXTS = {
  [0] = {
    '{"model":"m","choices":[{"message":{"content":"Yes.","reasoning_content":"hm","refusal":null},"finish_reason":"stop","logprobs":'
      .. '{"content":[{"token":"Yes","bytes":[89],"logprob":-0.1,"top_logprobs":[{"token":"Yes","logprob":-0.1}]}]}}],"usage":{"prompt_tokens":3,'
      .. '"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1}}}',
    'data: {"model":"m","choices":[{"delta":{"role":"assistant","content":"<think>"},"finish_reason":null}]}\n\ndata: {"choices":[{"delta":'
      .. '{"content":"hm</think>Yes"}}]}\n\ndata: {"choices":[{"delta":{"reasoning":"hm"}}]}\n\ndata: {"choices":[{"delta":{},"finish_reason":"stop"}],'
      .. '"usage":{"prompt_tokens":3}}\n\ndata: [DONE]\n\n',
    '{"error":{"message":"no","type":"t","param":"p","code":"c"}}',
  },
  {
    '{"type":"message","model":"m","stop_reason":"end_turn","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Yes."}],'
      .. '"usage":{"input_tokens":3,"output_tokens":2}}',
    'data: {"type":"message_start","message":{"model":"m","content":[],"usage":{"input_tokens":3}}}\n\ndata: {"type":"content_block_start","index":0,'
      .. '"content_block":{"type":"text","text":""}}\n\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Yes."}}\n\n'
      .. 'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}\n\ndata: {"type":"message_stop"}\n\n',
  },
  {
    '{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"Yes."}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3}}',
    'data: {"candidates":[{"content":{"parts":[{"text":"Yes."}]}}]}\n\ndata: {"candidates":[{"content":{"parts":[{"text":"!"}]},"finishReason":"STOP"}]}\n\n',
  },
  {
    '{"model":"m","done":true,"done_reason":"stop","message":{"content":"Yes.","thinking":"hm"},"prompt_eval_count":3,"eval_count":2}',
    '{"model":"m","done":false,"message":{"content":"Yes"}}\n{"model":"m","done":true,"done_reason":"stop","message":{"content":"!"},"eval_count":2}\n',
  },
  {
    '{"status":"completed","model":"m","output":[{"type":"reasoning","summary":[{"text":"hm"}]},{"type":"message","content":[{"type":"output_text",'
      .. '"text":"Yes."}]}],"usage":{"input_tokens":3}}',
    'data: {"type":"response.output_text.delta","delta":"Yes."}\n\ndata: {"type":"response.completed","response":{"status":"completed","model":"m",'
      .. '"output":[{"type":"message","content":[{"type":"output_text","text":"Yes."}]}]}}\n\n',
  },
}

--- The text with the value behind a colon, or in a list, replaced.
local function replaced(text, at, value)
  local stop = text:find("[,}%]\n]", at + 1) or #text + 1
  return text:sub(1, at) .. value .. text:sub(stop)
end

local tried, wrong = 0, {}
for adapter = 0, #TEXTS do
  for _, text in ipairs(TEXTS[adapter]) do
    for at in text:gmatch "()[:%[{]" do
      for _, value in ipairs(WRONG) do
        for status = 0, 3, 3 do
          local input = string.char(adapter, status, at % 7) .. replaced(text, at, value)
          local well, problem = pcall(check, input)
          tried = tried + 1
          if not well then wrong[#wrong + 1] = ("%q: %s"):format(input, problem) end
        end
      end
    end
  end
end
tap.ok(tried > 3000, ("%d answers are read"):format(tried))
tap.ok(#wrong == 0, "each is a completion or a failure, the same whole and in pieces", table.unpack(wrong, 1, math.min(#wrong, 3)))
tap.done()
