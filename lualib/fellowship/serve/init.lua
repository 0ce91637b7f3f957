-- fellowship serve: the call path and workflows behind an OpenAI endpoint. A task for each request; what it asks goes
-- through store, limits and budget as in a script.

local server = require "fellowship.core.server"
local task = require "fellowship.core.task"
local json = require "fellowship.core.json"
local errors = require "fellowship.base.errors"
local lazy = require "fellowship.base.lazy"
local settings = require "fellowship.call.settings"
local batches = lazy "fellowship.serve.batches"
local chat = require "fellowship.serve.chat"
local files = lazy "fellowship.serve.files"
local guard = require "fellowship.serve.guard"
local metrics = require "fellowship.serve.metrics"
local names = require "fellowship.serve.names"
local pass = require "fellowship.serve.pass"
local reply = require "fellowship.serve.reply"

local serve = {}

-- ---- what is served ----

local function json_body(fn)
  return function(request)
    local value, problem = json.decode(request:body(), { duplicates = "last" })
    if value == nil then
      errors.raise { kind = "request", message = "the body is no JSON: " .. problem.message }
    end
    return fn(request, value)
  end
end

local function model_entry(named)
  return json.object({ id = named, object = "model", created = 0, owned_by = "fellowship" },
    { "id", "object", "created", "owned_by" })
end

local function list_models(request)
  local data = json.array {}
  for i, named in ipairs(names.list()) do data[i] = model_entry(named) end
  return reply.json(request, { object = "list", data = data })
end

local function show_model(request, named)
  names.find(named)
  return reply.json(request, model_entry(named))
end

local function health(request)
  return reply.json(request, { status = "ok" })
end

local function show_metrics(request)
  return reply.text(request, metrics.text(), "text/plain; version=0.0.4; charset=utf-8")
end

--- Fixed paths first; then patterns, of which the captures follow the request. `open` asks for no token.
local ROUTES = {
  ["GET /health"] = { health, open = true },
  ["GET /metrics"] = { show_metrics },
  ["GET /v1/models"] = { list_models },
  ["POST /v1/chat/completions"] = { json_body(chat.answer) },
  ["POST /v1/completions"] = { json_body(pass.to "/completions") },
  ["POST /v1/embeddings"] = { json_body(pass.to "/embeddings") },
  ["POST /v1/responses"] = { json_body(pass.to "/responses") },
  ["POST /v1/files"] = { function(request) return files.upload(request) end },
  ["GET /v1/files"] = { function(request) return files.list(request) end },
  ["POST /v1/batches"] = { json_body(function(request, body) return batches.create(request, body) end) },
  ["GET /v1/batches"] = { function(request) return batches.list(request) end },
}

local PATTERNS = {
  { "GET", "^/v1/models/(.+)$", show_model, "/v1/models/{id}" },
  { "GET", "^/v1/files/(file%-%w+)$", function(...) return files.show(...) end, "/v1/files/{id}" },
  { "DELETE", "^/v1/files/(file%-%w+)$", function(...) return files.delete(...) end, "/v1/files/{id}" },
  { "GET", "^/v1/files/(file%-%w+)/content$", function(...) return files.content(...) end, "/v1/files/{id}/content" },
  { "GET", "^/v1/batches/(batch_%w+)$", function(...) return batches.show(...) end, "/v1/batches/{id}" },
  { "POST", "^/v1/batches/(batch_%w+)/cancel$", function(...) return batches.cancel(...) end,
    "/v1/batches/{id}/cancel" },
}

--- What serves a request: a function, its first captures, and what metrics call it.
local function route(method, path)
  if path ~= "/" then path = path:gsub("/$", "") end
  local fixed = ROUTES[method .. " " .. path]
  if fixed then return fixed[1], nil, path, fixed.open end
  for _, row in ipairs(PATTERNS) do
    local found = row[1] == method and path:match(row[2])
    if found then return row[3], found, row[4] end
  end
  for _, other in ipairs { "GET", "POST" } do
    if ROUTES[other .. " " .. path] then
      errors.raise { kind = "method", message = ("%s takes %s, not %s"):format(path, other, method) }
    end
  end
  errors.raise { kind = "not_found", status = 404,
    message = "there is nothing here; the API begins with /v1 (/v1/chat/completions, /v1/models, ...)" }
end

-- ---- requests ----

local function work(request, policy)
  local known = "other"
  local well, problem = pcall(function()
    local fn, capture, shown, open = route(request:method(), request:path())
    known = shown
    if not open then guard.check(request, policy) end
    return fn(request, capture)
  end)
  local status = well and 200 or reply.failure(request, nil, problem)
  metrics.note(known, status)
end

--- Answers one request. When its client goes away, what nobody else waits for is cancelled; a call that was sent is kept.
local function handle(request, policy)
  local worker = task.aside(work, request, policy)
  if request:gone() then worker:cancel() end
  request:close()
end

---@class fellowship.serve.Options
---@field address string
---@field port integer
---@field token string?
---@field connections integer
---@field idle number seconds
---@field body integer bytes of a request at most
---@field models table<string, function>? functions that answer in the place of models

--- Serves until the run ends; requests that are under way then go on. `ready` is told the port.
---@param options fellowship.serve.Options
---@param ready fun(port: integer)
function serve.run(options, ready)
  if not guard.is_local(options.address) and not options.token then
    errors.raise { kind = "usage", message = ("at %s others than this machine may ask, with your keys: set a token in "
      .. "FELLOWSHIP_SERVE_TOKEN, which clients give as their API key"):format(options.address) }
  end
  names.functions, settings.prompt = options.models or {}, true
  local listener, problem = server.listen { address = options.address, port = options.port, token = options.token,
    connections = options.connections, idle = options.idle, body = options.body, bodies = 4 * options.body }
  if not listener then errors.raise { kind = "file", fatal = true, message = problem.message } end
  local policy = { address = options.address }
  batches.resume()
  ready(listener:port())
  serve.listener = listener -- requests that are under way at the end need it still
  while true do
    local request = listener:accept()
    if not request then return end
    task.aside(handle, request, policy)
  end
end

return serve
