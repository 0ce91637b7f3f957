-- /v1/files: what clients of the batch API upload and fetch (https://platform.openai.com/docs/api-reference/files). They
-- lie in a folder beside the store, a pair for each: ID.jsonl, and ID.json, which describes it.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local read_file = require "fellowship.base.file".read
local settings = require "fellowship.call.settings"
local fail = require "fellowship.serve.fail"
local multipart = require "fellowship.serve.multipart"
local reply = require "fellowship.serve.reply"

local files = {}

local KEYS = { "id", "object", "bytes", "created_at", "filename", "purpose", "status" }

--- The folder of what a server keeps beside completions; made when it is first written into.
---@param make? boolean
---@return string
function files.folder(make)
  local folder = settings.store_path(settings.store) .. ".serve"
  if make and sys.kind(folder) ~= "folder" then
    local well, problem = sys.mkdir(folder)
    if not well then errors.raise { kind = "file", message = problem.message } end
  end
  return folder
end

--- The names of the files in it.
---@return string[]
function files.names()
  local folder = files.folder()
  return sys.kind(folder) == "folder" and sys.list(folder) or {}
end

local function path_of(id, ending)
  return files.folder() .. "/" .. id .. ending
end

--- Writes a file whole, or not at all.
---@param path string
---@param text string
function files.write(path, text)
  local file, problem = io.open(path .. ".partial", "wb")
  if not file then errors.raise { kind = "file", message = problem } end
  local well, why = file:write(text)
  local closed, late = file:close()
  if not (well and closed) then errors.raise { kind = "file", message = why or late } end
  well, problem = sys.rename(path .. ".partial", path)
  if not well then errors.raise { kind = "file", message = problem.message } end
end

local made = 0

--- A name that no other file has.
---@param prefix string
---@return string
function files.name(prefix)
  made = made + 1
  return prefix .. sys.hex(sys.sha256(("%d %d %d"):format(sys.time(), made, math.random(0)))):sub(1, 24)
end

--- Keeps a file.
---@param text string
---@param name string
---@param purpose string
---@return table its description
function files.keep(text, name, purpose)
  files.folder(true)
  local id = files.name "file-"
  local entry = json.object({ id = id, object = "file", bytes = #text, created_at = sys.time() // 1000, filename = name,
    purpose = purpose, status = "processed" }, KEYS)
  files.write(path_of(id, ".jsonl"), text)
  files.write(path_of(id, ".json"), json.encode(entry))
  return entry
end

local function missing(id)
  errors.raise { kind = "data", status = 404, message = ("no file %s"):format(id) }
end

local function entry_of(id)
  local text = read_file(path_of(id, ".json"))
  return text and json.decode(text) or missing(id)
end

--- What a file holds.
---@param id string
---@return string
function files.text(id)
  if type(id) ~= "string" or not id:find "^file%-%w+$" then fail.raise "the id of a file begins with file-" end
  return read_file(path_of(id, ".jsonl")) or missing(id)
end

function files.upload(request)
  local parts = multipart.read(request:header "Content-Type" or "", request:body())
  local file, purpose = parts.file, parts.purpose
  if not file then fail.raise 'the form has no part "file"' end
  reply.json(request, files.keep(file.text, file.filename or "upload", purpose and purpose.text or "batch"))
end

function files.list(request)
  local data = json.array {}
  for _, name in ipairs(files.names()) do
    local id = name:match "^(file%-%w+)%.json$"
    if id then data[#data + 1] = entry_of(id) end
  end
  reply.json(request, json.object({ object = "list", data = data, has_more = false }, { "object", "data", "has_more" }))
end

function files.show(request, id)
  reply.json(request, entry_of(id))
end

function files.content(request, id)
  request:answer(200, { ["Content-Type"] = "application/octet-stream" }, files.text(id))
end

function files.delete(request, id)
  entry_of(id)
  sys.remove(path_of(id, ".json"))
  sys.remove(path_of(id, ".jsonl"))
  reply.json(request, { id = id, object = "file", deleted = true })
end

return files
