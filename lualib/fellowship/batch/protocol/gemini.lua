-- Google's Batch API of the Gemini models: a file of requests is uploaded, a batch is made of it, and its results are a
-- file again. Pure: builds requests, reads answers; see fellowship.batch.protocol.
-- Formats: https://ai.google.dev/api/batch-api, https://ai.google.dev/gemini-api/docs/batch-api and .../files, and the
-- converters of Google's SDK for Python.

local json = require "fellowship.core.json"
local text = require "fellowship.base.text"
local answer = require "fellowship.provider.answer"
local retry_after = require "fellowship.provider.retry_after"

local gemini = { uploads = true }

-- A file has at most 2 GB. A body is built in memory; the number of calls is bounded so that a batch's loss is.
gemini.most_calls = 50000
gemini.most_bytes = 100000000

local TYPE = "application/jsonl"

-- What a batch and its file are called: by this they are found again.
local NAME = "fellowship-"

--- A line of the file.
---@param id string
---@param wire string
---@return string
function gemini.line(id, wire)
  return ('{"key":"%s","request":%s}\n'):format(id, wire)
end

--- A place beside the base URL, under /upload or /download in front of the version.
local function beside(model, root, path)
  local base = model.endpoint.url:match "^[^?]*"
  local made, count = base:gsub("/(v%d[%w]*)$", "/" .. root .. "/%1")
  return (count > 0 and made or base .. "/" .. root) .. path
end

--- The upload of lines: a session is begun, whose URL comes in a header, and the file is sent there.
---@param b table the batch's row
---@param _ table
---@param model fellowship.Model
---@return table request
function gemini.upload(b, _, model)
  return { head = "", between = "", tail = "",
    headers = { { "Content-Type", TYPE }, { "X-Goog-Upload-Offset", "0" },
      { "X-Goog-Upload-Command", "upload, finalize" } },
    session = function(bytes)
      return { path = beside(model, "upload", "/files"), body = json.encode { file = { display_name = NAME .. b.uid } },
        headers = { { "X-Goog-Upload-Protocol", "resumable" }, { "X-Goog-Upload-Command", "start" },
          { "X-Goog-Upload-Header-Content-Length", tostring(bytes) }, { "X-Goog-Upload-Header-Content-Type", TYPE } } }
    end,
    place = function(header) return header "x-goog-upload-url" end }
end

--- The name of the uploaded file; nil when the answer has none.
---@param value any
---@return string?
function gemini.uploaded(value)
  return type(value) == "table" and type(value.file) == "table" and answer.text(value.file.name) or nil
end

--- The request that makes a batch.
---@param b table
---@param _ table
---@param model fellowship.Model
---@return { path: string, body: string }
function gemini.create(b, _, model)
  return { path = "/models/" .. model.name:gsub("^models/", "") .. ":batchGenerateContent",
    body = json.encode { batch = { display_name = NAME .. b.uid, input_config = { file_name = b.file } } } }
end

function gemini.status(id) return "/" .. id end

function gemini.cancel(id) return "/" .. id .. ":cancel" end

local PHASES = { PENDING = "running", QUEUED = "running", RUNNING = "running", PAUSED = "running",
  CANCELLING = "running", UNSPECIFIED = "running", SUCCEEDED = "ended", PARTIALLY_SUCCEEDED = "ended",
  CANCELLED = "ended", EXPIRED = "ended", FAILED = "refused" }

--- A count, which JSON of Google's has as a text, since it may have 64 bits.
local function count(value)
  return answer.count(type(value) == "string" and math.tointeger(tonumber(value)) or value)
end

local function table_of(value)
  return type(value) == "table" and value or {}
end

--- What an answer says of a batch, an operation; nil when it is none. See fellowship.batch.protocol.
---@param value any
---@param model? fellowship.Model
---@return table? view
function gemini.view(value, _, model)
  if type(value) ~= "table" or not answer.text(value.name) then return nil end
  local facts = type(value.metadata) == "table" and value.metadata or value
  local state = answer.text(facts.state)
  if not (state or value.done ~= nil) then return nil end
  local status = state and state:gsub("^%u+_STATE_", "") or value.done == true and "SUCCEEDED" or "PENDING"
  local stats, e = table_of(facts.batchStats), table_of(value.error)
  local created, name = answer.text(facts.createTime), answer.text(facts.displayName) or ""
  local view = { id = value.name, status = status:lower(), phase = PHASES[status] or "unknown",
    total = count(stats.requestCount), done = count(stats.successfulRequestCount),
    failed = count(stats.failedRequestCount), created = created and retry_after.epoch(created) or nil,
    uid = name:match("^" .. NAME:gsub("%-", "%%-") .. "(.+)$"),
    file = answer.text(table_of(facts.inputConfig).fileName), results = {}, errors = answer.text(e.message) }
  local results = answer.text(table_of(value.response).responsesFile)
    or answer.text(table_of(facts.output).responsesFile)
  if results and model then
    view.results[1] = beside(model, "download", "/" .. results .. ":download?alt=media")
    if view.phase == "refused" then view.phase = "ended" end -- what was answered before it failed is paid for
  end
  return view
end

--- Where the account's batches are listed, a page at a time.
---@param after? string
---@return string path
function gemini.list(after)
  return "/batches?pageSize=100" .. (after and "&pageToken=" .. text.url_part(after) or "")
end

--- The batches of such a page, and where the next one begins; nil when the answer is no list.
---@param value any
---@return table[]? views
---@return string? after
function gemini.page(value)
  if type(value) ~= "table" or value[1] ~= nil then return nil end
  local views = {}
  for _, one in ipairs(table_of(value.operations)) do views[#views + 1] = gemini.view(one) end
  local after = answer.text(value.nextPageToken)
  return views, after ~= "" and after or nil
end

--- Whether a batch of the account is ours.
---@param view table
---@param state table what the store knows of ours: uid, file
function gemini.is_ours(view, state)
  return view.uid == state.uid or view.file ~= nil and view.file == state.file
end

-- HTTP's statuses for the codes of google.rpc.Status (google/rpc/code.proto).
local STATUSES = { [1] = 499, [2] = 500, [3] = 400, [4] = 504, [5] = 404, [6] = 409, [7] = 403, [8] = 429, [9] = 400,
  [10] = 409, [11] = 400, [12] = 501, [13] = 500, [14] = 503, [15] = 500, [16] = 401 }

--- What a line of the results says: see fellowship.batch.protocol.openai.
---@param value any the decoded line
---@return string? id
---@return integer? status
---@return any body
function gemini.result(value)
  local id = type(value) == "table" and answer.text(value.key)
  if not id then return nil end
  if type(value.response) == "table" then return id, 200, value.response end
  local e = type(value.error) == "table" and value.error or type(value.status) == "table" and value.status
  if not e then return id, nil, "no answer came" end
  local code = answer.count(e.code) or 2
  local status = STATUSES[code] or code >= 400 and code < 600 and code or 500
  return id, status, { error = { code = status, message = answer.text(e.message), status = answer.text(e.status),
    details = type(e.details) == "table" and e.details or nil } }
end

return gemini
