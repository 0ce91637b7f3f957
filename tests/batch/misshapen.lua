#!/usr/bin/env fellowship
-- What servers say about batches in which a value is of another type, or missing: a view, a page, a result, or none.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path
local tap = require "tap"
local json = require "fellowship.core.json"

local names = { "openai", "anthropic", "gemini", "mistral", "xai" }
local P = {}
for _, name in ipairs(names) do P[name] = require("fellowship.batch.protocol." .. name) end

local VIEWS = {
  openai = '{"id":"batch_1","status":"completed","request_counts":{"total":3,"completed":2,"failed":1},"created_at":1700000000,"input_file_id":"f","output_file_id":"o","error_file_id":"e","metadata":{"fellowship":"u"},"errors":{"data":[{"line":2,"message":"no","code":"c"}]}}',
  anthropic = '{"id":"b","processing_status":"ended","request_counts":{"processing":0,"succeeded":2,"errored":1,"canceled":0,"expired":0},"created_at":"2026-11-28T00:00:00Z","results_url":"https://api.anthropic.com/v1/messages/batches/b/results","archived_at":null}',
  gemini = '{"name":"batches/1","done":true,"metadata":{"state":"BATCH_STATE_SUCCEEDED","batchStats":{"requestCount":"3","successfulRequestCount":"2","failedRequestCount":"1"},"createTime":"2026-11-28T00:00:00Z","displayName":"fellowship-u","inputConfig":{"fileName":"files/1"},"output":{"responsesFile":"files/2"}},"response":{"responsesFile":"files/2"},"error":{"code":3,"message":"no"}}',
  mistral = '{"id":"b","status":"SUCCESS","total_requests":3,"succeeded_requests":2,"failed_requests":1,"created_at":1700000000,"input_files":["f"],"output_file":"o","error_file":"e","metadata":{"fellowship":"u"},"errors":[{"message":"no","count":1}]}',
  xai = '{"batch_id":"b","name":"fellowship-u","create_time":"2026-11-28T00:00:00Z","state":{"num_requests":3,"num_pending":0,"num_success":2,"num_error":1,"num_cancelled":0},"input_file_id":"f","cancel_by_xai_message":"no"}',
}
local PAGES = {
  openai = '{"data":[%s],"has_more":true}', anthropic = '{"data":[%s],"has_more":true,"last_id":"b"}',
  gemini = '{"operations":[%s],"nextPageToken":"t"}', mistral = '{"data":[%s],"total":1}', xai = '{"batches":[%s],"pagination_token":"t"}',
}
local RESULTS = {
  openai = { '{"custom_id":"i","response":{"status_code":200,"body":{"choices":[{"message":{"content":"x"}}]}},"error":null}', '{"custom_id":"i","response":null,"error":{"code":"c","message":"m"}}' },
  anthropic = { '{"custom_id":"i","result":{"type":"succeeded","message":{"content":[{"type":"text","text":"x"}]}}}', '{"custom_id":"i","result":{"type":"errored","error":{"type":"error","error":{"type":"t","message":"m"}}}}' },
  gemini = { '{"key":"i","response":{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}}', '{"key":"i","error":{"code":3,"message":"m","status":"s","details":[{}]}}' },
  mistral = { '{"custom_id":"i","response":{"status_code":200,"body":{"choices":[]}},"error":null}' },
  xai = { '{"batch_request_id":"i","batch_result":{"response":{"chat_get_completion":{"choices":[]}}}}', '{"batch_request_id":"i","batch_result":{"error":{"code":400,"message":"m"}},"error_message":"m"}' },
}
local UPLOADS = { openai = '{"id":"f","status":"processed"}', gemini = '{"file":{"name":"files/1"}}', mistral = '{"id":"f"}', xai = '{"id":"f"}' }

local WRONG = { "null", "true", "5", "-1", "1e300", '"x"', '""', "[]", "{}", "[null]", "[5]", "[[]]", '[{"x":1}]', '{"x":1}' }
local model = { named = "m", name = "m", endpoint = { url = "https://x/v1beta", shown = "x" } }

local tried, wrong = 0, {}
local function check(what, fn, text, ...)
  local value = json.decode(text)
  if value == nil then return end
  tried = tried + 1
  local well, problem = pcall(fn, value, ...)
  if not well then wrong[#wrong + 1] = what .. ": " .. text .. ": " .. tostring(problem) end
end
local function each(text, fn)
  fn(text)
  for _, value in ipairs(WRONG) do fn(value) end
  for at in text:gmatch "()[:%[{,]" do
    local stop = text:find("[,}%]]", at + 1) or #text + 1
    local list_stop = select(2, text:find("^%b{}", at + 1)) or select(2, text:find("^%b[]", at + 1))
    for _, value in ipairs(WRONG) do
      fn(text:sub(1, at) .. value .. text:sub(stop))
      if list_stop then fn(text:sub(1, at) .. value .. text:sub(list_stop + 1)) end
    end
  end
end
for _, name in ipairs(names) do
  local p = P[name]
  each(VIEWS[name], function(text)
    check(name .. " view", function(value)
      local view = p.view(value, { uid = "u", calls = 3 }, model)
      if view then
        assert(type(view.id) == "string" and type(view.phase) == "string" and type(view.status) == "string" and type(view.results) == "table", "a view without its parts")
        for _, field in ipairs { "total", "done", "failed" } do assert(view[field] == nil or math.type(view[field]) == "integer", field) end
        assert(view.created == nil or type(view.created) == "number", "created")
        assert(view.errors == nil or type(view.errors) == "string", "errors")
        for _, place in ipairs(view.results) do assert(type(place) == "string", "a place") end
        local ours = p.is_ours or p.may_be_ours
        ours(view, { uid = "u", file = "f", calls = 3 })
      end
    end, text)
  end)
  each(PAGES[name]:format(VIEWS[name]), function(text)
    check(name .. " page", function(value)
      local views, after = p.page(value)
      assert(views == nil or type(views) == "table", "views")
      assert(after == nil or type(after) == "string" and #p.list(after) > 0, "after")
    end, text)
  end)
  for _, result in ipairs(RESULTS[name]) do
    each(result, function(text)
      check(name .. " result", function(value)
        local id, status = (p.result or P.openai.result)(value)
        assert(id == nil or type(id) == "string", "id")
        assert(status == nil or math.type(status) == "integer", "status")
      end, text)
    end)
  end
  if UPLOADS[name] then each(UPLOADS[name], function(text) check(name .. " upload", function(value) local f = p.uploaded(value) assert(f == nil or type(f) == "string", "file") end, text) end) end
end
tap.ok(tried > 1000, tried .. " answers about batches are read")
tap.ok(#wrong == 0, "each is a view, a page, a result, or none", table.unpack(wrong, 1, math.min(#wrong, 12)))
tap.done()
