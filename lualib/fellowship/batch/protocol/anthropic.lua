-- Anthropic's Message Batches: the requests go with the one that makes the batch, and the results are one file. Pure:
-- builds requests, reads answers; see fellowship.batch.protocol.
-- Formats: https://docs.anthropic.com/en/api/creating-message-batches and its neighbours, and the types of Anthropic's
-- SDK for Python.

local answer = require "fellowship.provider.answer"
local retry_after = require "fellowship.provider.retry_after"

local anthropic = {}

-- The bounds are 100,000 requests and 256 MB. A body is built in memory.
anthropic.most_calls = 100000
anthropic.most_bytes = 100000000

--- An element of the list of requests.
---@param id string
---@param wire string
---@return string
function anthropic.line(id, wire)
  return ('{"custom_id":"%s","params":%s}'):format(id, wire)
end

--- The request that makes a batch.
---@return { path: string, head: string, between: string, tail: string }
function anthropic.create()
  return { path = "/messages/batches", head = '{"requests":[', between = ",", tail = "]}" }
end

function anthropic.status(id) return "/messages/batches/" .. id end

function anthropic.cancel(id) return "/messages/batches/" .. id .. "/cancel" end

--- Seconds since 1970 of a time in RFC 3339.
local function seconds(value)
  local at = answer.text(value)
  -- Those who read Retry-After know the form; they bound the future alone.
  return at and retry_after.epoch(at) or nil
end

local PHASES = { in_progress = "running", canceling = "running", ended = "ended" }

--- What an answer says of a batch; nil when it is none. See fellowship.batch.protocol.
---@param value any
---@return table? view
function anthropic.view(value)
  if type(value) ~= "table" or not answer.text(value.id) or not answer.text(value.processing_status) then return nil end
  local counts = type(value.request_counts) == "table" and value.request_counts or {}
  local total = answer.sum(counts.processing, counts.succeeded, counts.errored, counts.canceled, counts.expired)
  local url = answer.text(value.results_url)
  return { id = value.id, status = value.processing_status, phase = PHASES[value.processing_status] or "unknown",
    total = total, done = answer.count(counts.succeeded),
    failed = answer.sum(counts.errored, counts.canceled, counts.expired),
    created = seconds(value.created_at), results = { url },
    gone = answer.text(value.archived_at) and "its results were archived, which makes them unavailable" or nil }
end

--- Where the account's batches are listed, a page at a time.
---@param after? string
---@return string path
function anthropic.list(after)
  return "/messages/batches?limit=100" .. (after and "&after_id=" .. after or "")
end

--- The batches of such a page, and where the next one begins; nil when the answer is no list.
---@param value any
---@return table[]? views
---@return string? after
function anthropic.page(value)
  if type(value) ~= "table" or type(value.data) ~= "table" then return nil end
  local views = {}
  for _, one in ipairs(value.data) do views[#views + 1] = anthropic.view(one) end
  return views, value.has_more == true and (answer.text(value.last_id) or #views > 0 and views[#views].id) or nil
end

--- Whether a batch of the account may be ours: the API keeps nothing by which one is recognised, but for the ids of its
--- calls, which stand in its results.
---@param view table
---@param state table what the store knows of ours: calls
function anthropic.may_be_ours(view, state)
  return view.total == state.calls
end

local SAID = { expired = "the batch expired before this call was answered",
  canceled = "the batch was cancelled before this call was answered" }

--- What a line of the results says: see fellowship.batch.protocol.openai.
---@param value any the decoded line
---@return string? id
---@return integer? status
---@return any body or what is said in place of an answer
function anthropic.result(value)
  local id = type(value) == "table" and answer.text(value.custom_id)
  local result = id and value.result
  if type(result) ~= "table" then return nil end
  if result.type == "succeeded" then return id, 200, result.message end
  -- Its own type says what kind of error it is, as in a stream.
  if result.type == "errored" then return id, 200, result.error end
  return id, nil, SAID[result.type] or ('the result is of the unknown type "%s"'):format(tostring(result.type))
end

return anthropic
