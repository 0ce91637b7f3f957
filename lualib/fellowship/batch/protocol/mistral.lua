-- Mistral's batch jobs: a file of requests is uploaded as OpenAI's are, a job is made of it for one model, and its
-- results are files again. Pure: builds requests, reads answers; see fellowship.batch.protocol.
-- Formats: https://docs.mistral.ai/api/endpoint/batch and .../files, and the models of Mistral's SDK for Python.

local json = require "fellowship.core.json"
local answer = require "fellowship.provider.answer"
local openai = require "fellowship.batch.protocol.openai"

local mistral = { uploads = true, upload = openai.upload, uploaded = openai.uploaded, result = openai.result,
  is_ours = openai.is_ours }

-- A file has at most 512 MB and a million requests. A body is built in memory.
mistral.most_calls = 50000
mistral.most_bytes = 100000000

local ENDPOINT, PAGE = "/v1/chat/completions", 100

--- A line of the file.
---@param id string
---@param wire string
---@return string
function mistral.line(id, wire)
  return ('{"custom_id":"%s","body":%s}\n'):format(id, wire)
end

--- The request that makes a batch.
---@param b table
---@param _ table
---@param model fellowship.Model
---@return { path: string, body: string }
function mistral.create(b, _, model)
  return { path = "/batch/jobs", body = json.encode { input_files = { b.file }, endpoint = ENDPOINT, model = model.name,
    timeout_hours = 24, metadata = { fellowship = b.uid } } }
end

function mistral.status(id) return "/batch/jobs/" .. id end

function mistral.cancel(id) return "/batch/jobs/" .. id .. "/cancel" end

local PHASES = { QUEUED = "running", RUNNING = "running", CANCELLATION_REQUESTED = "running", SUCCESS = "ended",
  TIMEOUT_EXCEEDED = "ended", CANCELLED = "ended", FAILED = "refused" }

--- What is wrong with a job that failed, in words.
local function errors_of(list)
  local said = {}
  for _, e in ipairs(type(list) == "table" and list or {}) do
    said[#said + 1] = type(e) == "table" and answer.text(e.message) or nil
    if #said == 3 then break end
  end
  return #said > 0 and table.concat(said, "; ") or nil
end

--- What an answer says of a batch; nil when it is none. See fellowship.batch.protocol.
---@param value any
---@return table? view
function mistral.view(value)
  if type(value) ~= "table" or not answer.text(value.id) or not answer.text(value.status) then return nil end
  local status = value.status:upper()
  local view = { id = value.id, status = status:lower(), phase = PHASES[status] or "unknown",
    total = answer.count(value.total_requests), done = answer.count(value.succeeded_requests),
    failed = answer.count(value.failed_requests), created = answer.count(value.created_at),
    file = type(value.input_files) == "table" and answer.text(value.input_files[1]) or nil,
    uid = type(value.metadata) == "table" and answer.text(value.metadata.fellowship) or nil, results = {},
    errors = errors_of(value.errors) }
  for _, field in ipairs { "output_file", "error_file" } do
    local file = answer.text(value[field])
    if file and file ~= "" then view.results[#view.results + 1] = ("/files/%s/content"):format(file) end
  end
  if view.phase == "refused" and #view.results > 0 then view.phase = "ended" end -- a part of it was answered
  return view
end

--- Where the account's jobs are listed, a page at a time, the newest first.
---@param after? string the number of the page
---@return string path
function mistral.list(after)
  return ("/batch/jobs?page_size=%d&page=%s"):format(PAGE, after or "0")
end

--- The jobs of such a page, and the number of the next one; nil when the answer is no list.
---@param value any
---@param after? string the number of this page
---@return table[]? views
---@return string? after
function mistral.page(value, after)
  if type(value) ~= "table" or (value.data ~= nil and type(value.data) ~= "table" and value.data ~= json.null) then
    return nil
  end
  local data, views = type(value.data) == "table" and value.data or {}, {}
  for _, one in ipairs(data) do views[#views + 1] = mistral.view(one) end
  return views, #data >= PAGE and tostring((tonumber(after) or 0) + 1) or nil
end

return mistral
