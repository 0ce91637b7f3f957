-- xAI's Batch API: a file of requests in OpenAI's form is uploaded, a batch is made of it, and its results are listed a
-- page at a time. A batch has counters and no status. Pure: builds requests, reads answers; see
-- fellowship.batch.protocol.
-- Formats: https://docs.x.ai/developers/advanced-api-usage/batch-api, its REST reference, and xAI's SDK for Python.

local json = require "fellowship.core.json"
local texts = require "fellowship.base.text"
local answer = require "fellowship.provider.answer"
local openai = require "fellowship.batch.protocol.openai"
local retry_after = require "fellowship.provider.retry_after"

local xai = { uploads = true, paged = true, line = openai.line, upload = openai.upload, uploaded = openai.uploaded }

-- A file has at most 50,000 requests and 200 MB. A body is built in memory.
xai.most_calls = 50000
xai.most_bytes = 100000000

local NAME = "fellowship-"

--- The request that makes a batch.
---@param b table
---@return { path: string, body: string }
function xai.create(b)
  return { path = "/batches", body = json.encode { name = NAME .. b.uid, input_file_id = b.file } }
end

function xai.status(id) return "/batches/" .. id end

function xai.cancel(id) return "/batches/" .. id .. ":cancel" end

local function text(value)
  local said = answer.text(value)
  return said ~= "" and said or nil
end

--- The phase of a batch: its counters tell it. The requests of its file come in one after the other, so that it may look
--- as if it had ended when some of them have; `unsure` says so.
local function phase_of(value, counts, calls)
  local all, waiting = answer.count(counts.num_requests) or 0, answer.count(counts.num_pending) or 0
  local cancelled = text(value.cancel_time)
  if cancelled and text(value.cancel_by_xai_message) and (answer.count(counts.num_success) or 0) == 0 then
    return "refused", "failed"
  elseif cancelled then
    return waiting > 0 and "running" or "ended", "cancelled"
  elseif all == 0 or waiting > 0 then
    return "running", all == 0 and "validating" or "in_progress"
  end
  return "ended", "completed", calls ~= nil and all < calls
end

--- What an answer says of a batch; nil when it is none. See fellowship.batch.protocol.
---@param value any
---@param state? table what the store knows of ours: calls
---@return table? view
function xai.view(value, state)
  if type(value) ~= "table" or not answer.text(value.batch_id) then return nil end
  local counts = type(value.state) == "table" and value.state or {}
  local phase, status, unsure = phase_of(value, counts, state and state.calls)
  local created = answer.text(value.create_time)
  return { id = value.batch_id, status = status, phase = phase, unsure = unsure,
    total = answer.count(counts.num_requests),
    done = answer.count(counts.num_success), failed = answer.sum(counts.num_error, counts.num_cancelled),
    created = created and retry_after.epoch(created) or nil, file = text(value.input_file_id),
    uid = (answer.text(value.name) or ""):match "^fellowship%-(.+)$",
    results = { ("/batches/%s/results"):format(value.batch_id) }, errors = text(value.cancel_by_xai_message) }
end

--- Where the account's batches are listed, a page at a time.
---@param after? string
---@return string path
function xai.list(after)
  return "/batches?limit=100" .. (after and "&pagination_token=" .. texts.url_part(after) or "")
end

--- A page of a list, and where the next one begins.
local function page_of(value, field, read)
  if type(value) ~= "table" or (value[field] ~= nil and type(value[field]) ~= "table") then return nil end
  local list = {}
  for _, one in ipairs(value[field] or {}) do list[#list + 1] = read(one) end
  return list, text(value.pagination_token)
end

--- The batches of such a page, and where the next one begins; nil when the answer is no list.
---@param value any
---@return table[]? views
---@return string? after
function xai.page(value)
  return page_of(value, "batches", xai.view)
end

--- Whether a batch of the account is ours.
---@param view table
---@param state table
function xai.is_ours(view, state)
  return view.uid == state.uid or view.file ~= nil and view.file == state.file
end

--- Where a page of the results is.
---@param place string
---@param after? string
---@return string path
function xai.results(place, after)
  return place .. "?limit=1000" .. (after and "&pagination_token=" .. texts.url_part(after) or "")
end

--- The results of such a page, and where the next one begins; nil when it is none.
---@param value any
---@return table[]? values
---@return string? after
function xai.results_page(value)
  return page_of(value, "results", function(one) return one end)
end

--- What a result says: see fellowship.batch.protocol.openai. The answer stands in a field that is named by its endpoint.
---@param value any
---@return string? id
---@return integer? status
---@return any body
function xai.result(value)
  local id = type(value) == "table" and answer.text(value.batch_request_id)
  if not id then return nil end
  local result = type(value.batch_result) == "table" and value.batch_result or value
  local response = type(result.response) == "table" and result.response or {}
  local body = response.chat_get_completion or select(2, next(response))
  if type(body) == "table" then return id, 200, body end
  local e = type(result.error) == "table" and result.error or {}
  local said = text(e.message) or text(result.error_message) or text(value.error_message) or "no answer came"
  local code = answer.count(e.code)
  if code and code >= 400 and code < 600 then return id, code, { error = { message = said, code = tostring(code) } } end
  return id, nil, said
end

return xai
