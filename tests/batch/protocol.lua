#!/usr/bin/env fellowship
-- The batch protocols are pure: what they build, and what they make of answers, sound and strange. And how progress shows batches.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local openai = require "fellowship.batch.protocol.openai"
local anthropic = require "fellowship.batch.protocol.anthropic"
local gemini = require "fellowship.batch.protocol.gemini"
local mistral = require "fellowship.batch.protocol.mistral"
local xai = require "fellowship.batch.protocol.xai"
local protocols = require "fellowship.batch.protocol"

local google = { name = "models/m", endpoint = { url = "https://x.example/v1beta" } }

local function shown(...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = type(parts[i]) == "table" and json.canonical(parts[i]) or tostring(parts[i]) end
  return table.concat(parts, " ")
end

-- ---- what is built ----

local line = openai.line("id1", '{"model":"m"}', {})
tap.is(line, '{"custom_id":"id1","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}\n', "a line of OpenAI's file")
local function whole(request, ...) return request.head .. table.concat({ ... }, request.between) .. request.tail end

local upload = openai.upload({ uid = "abc" }, {})
tap.is(upload.path .. " " .. upload.headers[1][2], "/files multipart/form-data; boundary=fellowship-abc", "the upload")
tap.like(whole(upload, line, line), { 'name="purpose"\r\n\r\nbatch\r\n', 'filename="fellowship-abc.jsonl"', line .. line .. "\r\n--fellowship-abc--\r\n" }, "its parts")
local _, together = protocols.of { name = "together" }
upload = openai.upload({ uid = "abc" }, together)
tap.is(upload.path, "/files/upload", "Together's goes elsewhere")
tap.like(whole(upload, line), { 'name="purpose"\r\n\r\nbatch-api\r\n', 'name="file_name"\r\n\r\nfellowship-abc.jsonl' }, "with another purpose and a name")
tap.is(shown(json.decode(openai.create({ uid = "abc", file = "file-1" }, {}).body)),
  '{"completion_window":"24h","endpoint":"/v1/chat/completions","input_file_id":"file-1","metadata":{"fellowship":"abc"}}', "what makes a batch")
local lines = { anthropic.line("a", '{"x":1}'), anthropic.line("b", '{"x":2}') }
tap.is(whole(anthropic.create(), table.unpack(lines)), '{"requests":[{"custom_id":"a","params":{"x":1}},{"custom_id":"b","params":{"x":2}}]}', "Anthropic's")
tap.is(whole(anthropic.create(), lines[1]), '{"requests":[{"custom_id":"a","params":{"x":1}}]}', "and of one call")

for _, protocol in ipairs { openai, anthropic } do
  tap.like(protocol.status "b_1", "/batches/b_1", "where one looks")
  tap.like(protocol.cancel "b_1", "/batches/b_1/cancel", "and cancels")
end
tap.is(openai.list "b_1" .. " " .. anthropic.list "b_1", "/batches?limit=100&after=b_1 /messages/batches?limit=100&after_id=b_1", "pages")

-- ---- what answers mean ----

local object = { id = "batch_1", object = "batch", status = "completed", input_file_id = "file-1", output_file_id = "file-2", error_file_id = "",
  created_at = 1711471533, request_counts = { total = 100, completed = 95, failed = 5 }, metadata = { fellowship = "abc" } }
local view = openai.view(object)
tap.is(shown(view.id, view.phase, view.total, view.done, view.failed, view.created, view.uid, view.file, view.results),
  'batch_1 ended 100 95 5 1711471533 abc file-1 ["/files/file-2/content"]', "OpenAI's batch; an error file of \"\" is none")
for status, phase in pairs { validating = "running", in_progress = "running", finalizing = "running", cancelling = "running", expired = "ended",
  cancelled = "ended", failed = "refused", COMPLETED = "ended", CANCELING = "running", pondering = "unknown" } do
  tap.is(openai.view({ id = "x", status = status }).phase, phase, status .. " is " .. phase)
end
tap.is(openai.view({ job = { id = "x", status = "VALIDATING" } }).id, "x", "Together's answer to a create")
view = openai.view { id = "x", status = "failed", errors = { object = "list", data = { { code = "token_limit_exceeded", message = "too much", line = json.null },
  { message = "bad", line = 7 } } } }
tap.is(shown(view.errors, view.code, protocols.is_full(view.code), view.lines[7]), "too much; bad (line 7) token_limit_exceeded true bad", "errors in words")
tap.is(openai.view({ id = "x", status = "FAILED", error = "no such model" }).errors, "no such model", "and Together's")

object = { id = "msgbatch_1", processing_status = "in_progress", created_at = "2024-08-20T18:37:24.100435Z", results_url = json.null,
  request_counts = { processing = 100, succeeded = 50, errored = 30, canceled = 10, expired = 10 } }
view = anthropic.view(object)
tap.is(shown(view.phase, view.total, view.done, view.failed, math.floor(view.created), #view.results), "running 200 50 50 1724179044 0", "Anthropic's batch")
tap.ok(anthropic.may_be_ours(view, { calls = 200 }), "as large: it may be ours")
tap.ok(not anthropic.may_be_ours(view, { calls = 199 }), "of another size: it is not")

local views, after = openai.page { data = { { id = "a", status = "completed" }, { id = "b", status = "failed" }, "x" }, has_more = true }
tap.is(shown(#views, after), "2 b", "a page, and where the next begins")
tap.is(shown(#openai.page { data = {}, has_more = false }, #openai.page {}, #openai.page { { id = "a", status = "COMPLETED" } }), "0 0 1", "no page, and Together's list")
views, after = anthropic.page { data = { object }, has_more = true, last_id = "msgbatch_9" }
tap.is(shown(#views, after, select(2, anthropic.page { data = { object }, has_more = false })), "1 msgbatch_9 nil", "Anthropic's pages")

tap.is(shown(openai.result { custom_id = "a", response = { status_code = 200, body = { x = 1 } }, error = json.null }), 'a 200 {"x":1}', "a result")
tap.is(shown(openai.result { custom_id = "a", response = { status_code = 400, body = { error = { message = "no" } } } }), 'a 400 {"error":{"message":"no"}}', "a refused line")
tap.is(shown(openai.result { custom_id = "a", response = json.null, error = { code = "batch_expired", message = "too late" } }), "a nil too late", "an expired one")
tap.is(shown(openai.result { custom_id = "a", response = {}, error = json.null }), "a nil no answer came", "one without anything")
tap.is(shown(openai.result { custom_id = "a", response = { choices = { 1 } } }), 'a 200 {"choices":[1]}', "an answer where its wrapping should be")
tap.is(shown(openai.result { custom_id = "a", error = "too late" }), "a nil too late", "an error that is a text")
tap.is(shown(openai.result { custom_id = "a", error = { code = 429, message = "slow" } }), 'a 429 {"error":{"code":429,"message":"slow"}}', "an error with a status")
tap.is(shown(anthropic.result { custom_id = "a", result = { type = "succeeded", message = { x = 1 } } }), 'a 200 {"x":1}', "Anthropic's result")
tap.like(shown(anthropic.result { custom_id = "a", result = { type = "expired" } }), "a nil the batch expired", "an expired one")
tap.like(shown(anthropic.result { custom_id = "a", result = { type = "odd" } }), 'a nil the result is of the unknown type "odd"', "and an unknown one")

-- ---- Gemini, Mistral and xAI ----

local b = { uid = "abc", file = "files/1", calls = 4 }
tap.is(gemini.line("id1", '{"contents":[]}'), '{"key":"id1","request":{"contents":[]}}\n', "a line of Gemini's file")
upload = gemini.upload(b, {}, google)
local session = upload.session(42)
tap.is(session.path, "https://x.example/upload/v1beta/files", "where the session of an upload begins")
tap.is(shown(json.decode(session.body), #session.headers, session.headers[3][2]), '{"file":{"display_name":"fellowship-abc"}} 4 42', "with the name and size of the file")
tap.is(upload.place(function(name) return name == "x-goog-upload-url" and "https://x.example/u" or nil end), "https://x.example/u", "where it goes then")
tap.is(gemini.uploaded { file = { name = "files/1" } }, "files/1", "what it is called")
local made = gemini.create(b, {}, google)
tap.is(made.path .. " " .. shown(json.decode(made.body)), '/models/m:batchGenerateContent {"batch":{"display_name":"fellowship-abc","input_config":{"file_name":"files/1"}}}', "what makes a batch of it")
object = { name = "batches/1", metadata = { state = "BATCH_STATE_RUNNING", displayName = "fellowship-abc", createTime = "2025-07-01T00:00:00.5Z",
  inputConfig = { fileName = "files/1" }, batchStats = { requestCount = "4", successfulRequestCount = "3" } } }
view = gemini.view(object, b, google)
tap.is(shown(view.id, view.phase, view.total, view.done, view.uid, view.file, #view.results), "batches/1 running 4 3 abc files/1 0", "Gemini's batch")
for state, phase in pairs { BATCH_STATE_PENDING = "running", JOB_STATE_SUCCEEDED = "ended", BATCH_STATE_CANCELLED = "ended", BATCH_STATE_EXPIRED = "ended",
  BATCH_STATE_FAILED = "refused", BATCH_STATE_DREAMING = "unknown" } do
  tap.is(gemini.view({ name = "x", metadata = { state = state } }, b, google).phase, phase, state .. " is " .. phase)
end
object = { name = "batches/1", done = true, metadata = { state = "BATCH_STATE_SUCCEEDED" }, response = { responsesFile = "files/out" } }
tap.is(gemini.view(object, b, google).results[1], "https://x.example/download/v1beta/files/out:download?alt=media", "where its results are")
tap.is(shown(gemini.result { key = "a", response = { x = 1 } }), 'a 200 {"x":1}', "a result")
tap.is(shown(gemini.result { key = "a", error = { code = 8, message = "slow" } }), 'a 429 {"error":{"code":429,"message":"slow"}}', "an error has HTTP's status")
tap.is(shown(select(2, gemini.page { operations = { object }, nextPageToken = "a/b=" }), gemini.list "a/b="), "a/b= /batches?pageSize=100&pageToken=a%2Fb%3D", "pages")

tap.is(mistral.line("id1", '{"model":"m"}'), '{"custom_id":"id1","body":{"model":"m"}}\n', "a line of Mistral's file")
made = mistral.create(b, {}, { name = "small" })
tap.is(made.path .. " " .. shown(json.decode(made.body)), '/batch/jobs {"endpoint":"/v1/chat/completions","input_files":["files/1"],"metadata":{"fellowship":"abc"},"model":"small","timeout_hours":24}', "what makes a job of it")
view = mistral.view { id = "j", status = "TIMEOUT_EXCEEDED", total_requests = 4, succeeded_requests = 3, failed_requests = 0, output_file = "o",
  error_file = json.null, input_files = { "files/1" }, metadata = json.null, created_at = 7 }
tap.is(shown(view.phase, view.total, view.done, view.created, view.file, view.results), 'ended 4 3 7 files/1 ["/files/o/content"]', "Mistral's job; what it answered in time is there")
view = mistral.view { id = "j", status = "FAILED", errors = { { message = "bad file", count = 2 } } }
tap.is(shown(view.phase, view.errors), "refused bad file", "and one that failed")
local hundred = {}
for i = 1, 100 do hundred[i] = { id = "j" .. i, status = "SUCCESS" } end
tap.is(shown(select(2, mistral.page({ data = hundred }, "3")), select(2, mistral.page { data = { hundred[1] } }), mistral.list "4"), "4 nil /batch/jobs?page_size=100&page=4", "its pages have numbers")

made = xai.create(b)
tap.is(made.path .. " " .. shown(json.decode(made.body)), '/batches {"input_file_id":"files/1","name":"fellowship-abc"}', "what makes a batch at xAI")
local function counted(all, pending, success, more)
  local value = { batch_id = "b", state = { num_requests = all, num_pending = pending, num_success = success } }
  for name, one in pairs(more or {}) do value[name] = one end
  view = xai.view(value, b)
  return shown(view.phase, view.status, view.unsure or false)
end
tap.is(counted(0, 0, 0), "running validating false", "no request yet")
tap.is(counted(4, 1, 3), "running in_progress false", "some are pending")
tap.is(counted(2, 0, 2), "ended completed true", "not all have come in")
tap.is(counted(4, 0, 4), "ended completed false", "all have, and none is pending")
tap.is(counted(4, 0, 1, { cancel_time = "2026-01-01" }), "ended cancelled false", "cancelled")
tap.is(counted(0, 0, 0, { cancel_time = "2026-01-01", cancel_by_xai_message = "bad file" }), "refused failed false", "by xAI")
tap.is(shown(xai.result { batch_request_id = "a", batch_result = { response = { chat_get_completion = { x = 1 } }, error = json.null } }), 'a 200 {"x":1}', "a result")
tap.is(shown(xai.result { batch_request_id = "a", batch_result = { error = { code = json.null, message = "late" } } }), "a nil late", "an error")
tap.is(shown(xai.results("/r", "a b"), select(2, xai.results_page { results = { 1 }, pagination_token = "t" })), "/r?limit=1000&pagination_token=a%20b t", "pages of results")

for said, full in pairs { ["Enqueued token limit reached for gpt-4o in organization org-1"] = true, token_limit_exceeded = true,
  ["Resource exhausted: BatchEnqueuedTokensPerProject"] = true, ["Too many batch requests in the processing queue"] = true,
  ["Rate limit reached for requests"] = false, ["The context has too many tokens"] = false } do
  tap.is(protocols.is_full(said), full, said)
end

-- Nothing that a server may say is an error here.
local strange = { json.null, 5, "text", {}, { 1, 2 }, { id = 5, status = {} }, { id = "x" }, { status = "completed" }, { data = 5 }, { data = { 5, {} } },
  { custom_id = 5 }, { custom_id = "a", result = 5 }, { custom_id = "a", response = 5, error = 5 }, { id = "x", processing_status = 5 },
  { id = "x", status = "completed", request_counts = 5, errors = 5, metadata = 5, output_file_id = 5, error_file_id = {}, created_at = "x" },
  { id = "x", processing_status = "ended", request_counts = { processing = "x" }, results_url = 5, created_at = "yesterday" },
  { id = "x", status = "failed", errors = { data = { 5, { message = 5, code = 6, line = "x" } } } },
  { name = 5 }, { name = "batches/1", metadata = 5, done = 5 }, { name = "batches/1", metadata = { state = 5, batchStats = 5, inputConfig = 5, output = 5 }, response = 5, error = 5 },
  { name = "b", done = true, metadata = { state = "X", batchStats = { requestCount = {} } }, response = { responsesFile = 5 } }, { operations = 5 }, { operations = { 5 }, nextPageToken = 5 },
  { key = 5 }, { key = "a", error = 5 }, { key = "a", error = { code = "x", details = 5 } }, { id = "x", status = "SUCCESS", metadata = 5, input_files = 5, errors = { 5 } },
  { batch_id = 5 }, { batch_id = "b", state = 5, name = 5 }, { batch_id = "b", state = { num_requests = "x" } }, { batches = 5 }, { batches = { 5 } }, { results = 5 },
  { batch_request_id = "a", batch_result = 5 }, { batch_request_id = "a", batch_result = { response = 5, error = 5 } }, { batch_request_id = "a", batch_result = { response = { x = 5 } } } }
for i, value in ipairs(strange) do
  local text = type(value) == "userdata" and "null" or shown(value)
  for name, protocol in pairs { openai = openai, anthropic = anthropic, gemini = gemini, mistral = mistral, xai = xai } do
    local well, problem = pcall(function()
      protocol.view(value, { calls = 1 }, google)
      protocol.page(value)
      protocol.result(value)
      if protocol.paged then protocol.results_page(value) end
    end)
    tap.ok(well, ("%s takes strange answer %d"):format(name, i), text, problem)
  end
end

tap.is((protocols.of { name = "vllm" }), nil, "a provider without batches")
tap.is(protocols.names(), "anthropic, gemini, groq, mistral, openai, openai-responses, together, xai", "those that have them")

-- ---- how progress shows them ----

local list = {}
package.loaded["fellowship.batch"] = { overview = function() return list end }
local progress = require "fellowship.command.batch_progress"
tap.is(shown(#progress.lines(), progress.brief()), "0 nil", "no batch: nothing")
for i = 1, 6 do
  list[i] = { number = i, total = 6, named = "openai:gpt-4o", status = i < 6 and "in_progress" or "validating", done = 340, calls = 500,
    since = sys.time() - (i == 1 and 12 * 60000 or i == 2 and 5 * 3600000 or 10000) }
end
tap.is(progress.lines()[1], "batch 1/6 openai:gpt-4o: in_progress, 340/500 done, 12 min", "a line for a batch")
tap.like(progress.lines()[2], "5.0 h", "hours")
tap.like(progress.lines()[3], "under a minute", "or hardly any time")
tap.is(progress.lines()[5], "and 2 more batches", "four of them are shown")
tap.is(progress.brief(), "6 batches under way, 2040/3000 done", "in brief")
list = { list[1] }
tap.is(progress.brief(), "1 batch in_progress, 340/500 done", "and of one")
package.loaded["fellowship.batch"] = nil

tap.done()
