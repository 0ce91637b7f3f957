-- /v1/batches: the lines of an uploaded file, each asked along the call path
-- (https://platform.openai.com/docs/api-reference/batch). A batch is a file beside the store; what was under way when the
-- server ended goes on with the next one, and what the store has is not asked again.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local read_file = require "fellowship.base.file".read
local flow = require "fellowship.flow"
local chat = require "fellowship.serve.chat"
local fail = require "fellowship.serve.fail"
local files = require "fellowship.serve.files"
local reply = require "fellowship.serve.reply"

local batches = {}

-- Lines of a batch under way at a time: the limits of models hold besides.
local WINDOW = 4096

local KEYS = { "id", "object", "endpoint", "errors", "input_file_id", "completion_window", "status", "output_file_id",
  "error_file_id", "created_at", "in_progress_at", "completed_at", "failed_at", "cancelled_at", "request_counts",
  "metadata" }

---@type table<string, table> those of this process, by id
local known, running = {}, {}

local function now()
  return sys.time() // 1000
end

local function path_of(id)
  return files.folder() .. "/" .. id .. ".json"
end

local function write(batch)
  files.write(path_of(batch.id), json.encode(json.object(batch, KEYS)))
end

local function find(id)
  if known[id] then return known[id] end
  local text = read_file(path_of(id))
  if not text then errors.raise { kind = "data", status = 404, message = ("no batch %s"):format(id) } end
  known[id] = json.decode(text)
  return known[id]
end

-- ---- the work ----

--- The answer to a line's request: a status and a body of JSON.
local function answer(line)
  local well, value = pcall(function()
    if line.method ~= nil and line.method ~= "POST" or line.url ~= "/v1/chat/completions" then
      fail.raise "lines are of POST /v1/chat/completions"
    end
    local asked = chat.read(line.body)
    return chat.form(asked, chat.ask(asked)):sub(1, -2)
  end)
  if well then return 200, value end
  local status, body = fail.meaning(value)
  return status, json.encode(body)
end

local function result_of(batch, number, line)
  local status, body = answer(line)
  local id = ("batch_req_%s_%d"):format(batch.id:sub(7, 18), number)
  local counts = batch.request_counts
  if status == 200 then counts.completed = counts.completed + 1 else counts.failed = counts.failed + 1 end
  return status == 200, ('{"id":"%s","custom_id":%s,"response":{"status_code":%d,"request_id":"%s","body":%s},'
    .. '"error":null}\n'):format(id, json.encode(line.custom_id), status, id, body)
end

--- The lines of a file, decoded; raises at the first that is none.
local function lines_of(text)
  local lines, seen = {}, {}
  local number = 0
  for raw in (text .. "\n"):gmatch "(.-)\r?\n" do
    number = number + 1
    if raw:find "%S" then
      local line = json.decode(raw, { duplicates = "last" })
      if type(line) ~= "table" or type(line.custom_id) ~= "string" or type(line.body) ~= "table" then
        fail.raise(("line %d of the file is no request with custom_id and body"):format(number))
      end
      if seen[line.custom_id] then
        fail.raise(('line %d of the file has the custom_id "%s" of another line'):format(number, line.custom_id))
      end
      seen[line.custom_id], lines[#lines + 1] = true, line
    end
  end
  if #lines == 0 then fail.raise "the file has no line" end
  return lines
end

local function conclude(batch, good, bad)
  local function keep(lines, what)
    if #lines == 0 then return json.null end
    return files.keep(table.concat(lines), ("%s_%s.jsonl"):format(batch.id, what), "batch_output").id
  end
  batch.output_file_id, batch.error_file_id = keep(good, "output"), keep(bad, "error")
end

local function run(batch)
  local well, problem = pcall(function()
    local lines = lines_of(files.text(batch.input_file_id))
    batch.status, batch.in_progress_at = "in_progress", now()
    batch.request_counts = { total = #lines, completed = 0, failed = 0 }
    write(batch)
    local good, bad = {}, {}
    local number = 0
    local function next_line()
      number = number + 1
      return lines[number]
    end
    local function ask(line, n) return result_of(batch, n, line) end
    for _, is_good, text in flow.map(next_line, ask, { window = WINDOW }) do
      local list = is_good and good or bad
      list[#list + 1] = text
    end
    conclude(batch, good, bad)
    batch.status, batch.completed_at = "completed", now()
  end)
  if not well then
    batch.status, batch.failed_at = "failed", now()
    local _, body = fail.meaning(problem)
    batch.errors = { object = "list", data = json.array { { code = body.error.code, message = body.error.message,
      line = json.null, param = json.null } } }
  end
  running[batch.id] = nil
  write(batch)
end

local function start(batch)
  known[batch.id] = batch
  running[batch.id] = task.aside(run, batch)
end

--- Goes on with what was under way when the server before this one ended.
function batches.resume()
  for _, name in ipairs(files.names()) do
    local id = name:match "^(batch_%w+)%.json$"
    local batch = id and find(id)
    if batch and (batch.status == "validating" or batch.status == "in_progress") then start(batch) end
  end
end

-- ---- what clients ask ----

function batches.create(request, body)
  if type(body) ~= "table" then fail.raise "the body must be a JSON object" end
  if body.endpoint ~= "/v1/chat/completions" then fail.raise "batches are of /v1/chat/completions" end
  files.text(body.input_file_id) -- it is there
  files.folder(true)
  local batch = { id = files.name "batch_", object = "batch", endpoint = body.endpoint, errors = json.null,
    input_file_id = body.input_file_id, completion_window = body.completion_window or "24h", status = "validating",
    output_file_id = json.null, error_file_id = json.null, created_at = now(), in_progress_at = json.null,
    completed_at = json.null, failed_at = json.null, cancelled_at = json.null,
    request_counts = { total = 0, completed = 0, failed = 0 }, metadata = body.metadata or json.null }
  write(batch)
  start(batch)
  reply.json(request, json.object(batch, KEYS))
end

function batches.show(request, id)
  reply.json(request, json.object(find(id), KEYS))
end

function batches.list(request)
  local data = json.array {}
  for _, name in ipairs(files.names()) do
    local id = name:match "^(batch_%w+)%.json$"
    if id then data[#data + 1] = json.object(find(id), KEYS) end
  end
  table.sort(data, function(x, y) return x.created_at > y.created_at end)
  reply.json(request, json.object({ object = "list", data = data, has_more = false }, { "object", "data", "has_more" }))
end

function batches.cancel(request, id)
  local batch = find(id)
  if running[id] then
    running[id]:cancel()
    running[id] = nil
    batch.status, batch.cancelled_at = "cancelled", now()
    write(batch)
  end
  reply.json(request, json.object(batch, KEYS))
end

return batches
