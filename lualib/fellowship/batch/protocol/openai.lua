-- OpenAI's Batch API, and what speaks it: a file of requests is uploaded, a batch is made of it, and its results are
-- files again. Pure: builds requests, reads answers; see fellowship.batch.protocol.
-- Formats: https://platform.openai.com/docs/api-reference/batch and .../files, and the types of OpenAI's SDK for Python;
-- Groq's SDK has the same ones; Together's differences are from https://docs.together.ai/reference/batch-create,
-- .../upload-file and its SDK.

local json = require "fellowship.core.json"
local answer = require "fellowship.provider.answer"
local complaints = require "fellowship.provider.complaints"
local failure = require "fellowship.provider.failure"

local openai = { uploads = true }

-- 50,000 requests and 200 MB are the bounds of OpenAI, 50,000 and 100 MB those of Groq and Together. A body is built
-- in memory, so one bound serves all.
openai.most_calls = 50000
openai.most_bytes = 100000000

local ENDPOINT = "/v1/chat/completions" -- of the calls, unless the dialect has another

--- The name under which a batch can be found again among those of the account.
local METADATA = "fellowship"

--- A line of the file: the call's id, and its body as JSON.
---@param id string
---@param wire string
---@param dialect table
---@return string
function openai.line(id, wire, dialect)
  return ('{"custom_id":"%s","method":"POST","url":"%s","body":%s}\n'):format(id, dialect.endpoint or ENDPOINT, wire)
end

--- The upload of lines: multipart/form-data (RFC 7578).
---@param b table the batch's row
---@param dialect table the provider's differences
---@return { path: string, headers: string[][], head: string, between: string, tail: string }
function openai.upload(b, dialect)
  local uid = b.uid
  local boundary, name = "fellowship-" .. uid, "fellowship-" .. uid .. ".jsonl"
  local fields = { { "purpose", dialect.purpose or "batch" } }
  if dialect.file_name then fields[2] = { "file_name", name } end
  local parts = {}
  for _, field in ipairs(fields) do
    parts[#parts + 1] = ('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'):format(boundary, field[1],
      field[2])
  end
  parts[#parts + 1] = ('--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n'
    .. 'Content-Type: application/jsonl\r\n\r\n'):format(boundary, name)
  return { path = dialect.upload or "/files", head = table.concat(parts), between = "",
    tail = ("\r\n--%s--\r\n"):format(boundary),
    headers = { { "Content-Type", "multipart/form-data; boundary=" .. boundary } } }
end

--- The id of the uploaded file; nil when the answer has none.
---@param value any
---@return string?
function openai.uploaded(value)
  return type(value) == "table" and answer.text(value.id) or nil
end

--- The request that makes a batch.
---@param b table the batch's row: uid, and the uploaded file
---@param dialect table
---@return { path: string, body: string }
function openai.create(b, dialect)
  return { path = "/batches", body = json.encode { input_file_id = b.file, endpoint = dialect.endpoint or ENDPOINT,
    completion_window = "24h", metadata = { [METADATA] = b.uid } } }
end

function openai.status(id) return "/batches/" .. id end

function openai.cancel(id) return "/batches/" .. id .. "/cancel" end

local RUNNING = { validating = true, in_progress = true, finalizing = true, cancelling = true, canceling = true }
local ENDED = { completed = true, expired = true, cancelled = true, canceled = true }

-- So many errors of a batch are told.
local TOLD = 3

--- What is wrong with a batch that was not taken: its errors in words, the first one's code, and what is said of which
--- lines of the file, from 1.
local function errors_of(value)
  if type(value.error) == "string" and value.error ~= "" then return value.error end
  local data = type(value.errors) == "table" and value.errors.data
  local said, code, lines = {}, nil, {}
  for _, e in ipairs(type(data) == "table" and data or {}) do
    if type(e) == "table" then
      local line = answer.count(e.line)
      local words = answer.text(e.message) or answer.text(e.code) or "an error without words"
      if line then lines[line] = lines[line] or words end
      if #said < TOLD then said[#said + 1] = words .. (line and (" (line %d)"):format(line) or "") end
      code = code or answer.text(e.code)
    end
  end
  return #said > 0 and table.concat(said, "; ") or nil, code, next(lines) and lines or nil
end

--- A time as seconds since 1970, where it is told so; nil for other forms.
local function seconds(value)
  return math.type(value) and value or nil
end

--- What an answer says of a batch; nil when it is none. See fellowship.batch.protocol.
---@param value any
---@return table? view
function openai.view(value)
  if type(value) == "table" and type(value.job) == "table" then value = value.job end -- Together's answer to a create
  if type(value) ~= "table" or not answer.text(value.id) or not answer.text(value.status) then return nil end
  local status = value.status:lower()
  local counts = type(value.request_counts) == "table" and value.request_counts or {}
  local view = { id = value.id, status = status, total = answer.count(counts.total),
    done = answer.count(counts.completed), failed = answer.count(counts.failed), created = seconds(value.created_at),
    file = answer.text(value.input_file_id), results = {} }
  view.uid = type(value.metadata) == "table" and answer.text(value.metadata[METADATA]) or nil
  view.phase = RUNNING[status] and "running" or ENDED[status] and "ended" or status == "failed" and "refused"
    or "unknown"
  view.errors, view.code, view.lines = errors_of(value)
  for _, field in ipairs { "output_file_id", "error_file_id" } do -- "" stands for none, too
    local file = answer.text(value[field])
    if file and file ~= "" then view.results[#view.results + 1] = ("/files/%s/content"):format(file) end
  end
  return view
end

--- Where the account's batches are listed, a page at a time.
---@param after? string the id that the page before ended with
---@return string path
function openai.list(after)
  return "/batches?limit=100" .. (after and "&after=" .. after or "")
end

--- The batches of such a page, and where the next one begins; nil when the answer is no list.
---@param value any
---@return table[]? views
---@return string? after
function openai.page(value)
  local data = type(value) == "table" and (type(value.data) == "table" and value.data or value[1] and value)
  if not data then return type(value) == "table" and next(value) == nil and {} or nil end
  local views = {}
  for _, one in ipairs(data) do views[#views + 1] = openai.view(one) end
  return views, value.has_more == true and #views > 0 and views[#views].id or nil
end

--- Whether a batch of the account is ours.
---@param view table
---@param state table what the store knows of ours: uid, file
function openai.is_ours(view, state)
  return view.uid == state.uid or view.file ~= nil and view.file == state.file
end

--- What a line of the results says: the call's id, and the HTTP status and decoded body of its answer, or else why there
--- is none. nil when it is no such line.
---@param value any the decoded line
---@return string? id
---@return integer? status
---@return any body or what is said in place of an answer
function openai.result(value)
  local id = type(value) == "table" and answer.text(value.custom_id)
  if not id then return nil end
  local response = value.response
  if type(response) == "table" and response.body ~= nil and response.body ~= json.null then
    return id, answer.count(response.status_code) or 200, response.body
  end
  -- Some put the answer where its wrapping should be.
  if type(response) == "table" and (response.choices or response.output) then return id, 200, response end
  local e = type(value.error) == "table" and value.error or { message = value.error }
  local code = answer.count(e.code)
  if code and code >= 400 and code < 600 then return id, code, { error = e } end
  local named = failure.of { error = value.error }
  if named and complaints.kind(400, named) then return id, 400, { error = e } end
  return id, nil, answer.text(e.message) or answer.text(e.code) or "no answer came"
end

return openai
