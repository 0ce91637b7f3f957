-- Recordings: a store exported as JSON Lines, small enough for git, and imported into a store.

local json = require "fellowship.core.json"
local store = require "fellowship.core.store"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local flow = require "fellowship.flow"
local rows = require "fellowship.dataset.rows"
local writer = require "fellowship.dataset.writer"

local recording = {}

local KEYS = { "key", "request", "wire", "completion", "created" }

--- Writes every sound completion of a store, oldest first.
---@param path string the store
---@param to string the recording
---@return integer count
---@return integer damaged those that could not be read
function recording.export(path, to)
  local out <close> = writer.open(to, { format = "jsonl" })
  local done, damaged = store.each(path, function(r)
    out:write(json.object({ key = sys.hex(r.key), request = json.decode(r.request), wire = json.decode(r.wire),
      completion = json.decode(r.completion), created = r.created }, KEYS))
  end, true)
  if not done then errors.raise(damaged) end
  return out.rows, damaged
end

local function damaged(where, what)
  errors.raise { kind = "data", message = ("%s: %s; a recording is what `fellowship store export` writes")
    :format(where, what) }
end

--- A line of a recording as what the store holds; its key must be that of its request.
local function entry_of(row)
  local where = rows.origin(row)
  for _, name in ipairs { "request", "wire", "completion" } do
    if type(row[name]) ~= "table" then damaged(where, ('"%s" is missing'):format(name)) end
  end
  local request = json.canonical(row.request)
  local digest = sys.sha256(request)
  if sys.hex(digest) ~= row.key then damaged(where, "the key is not that of the request") end
  return digest, request, json.encode(row.wire), json.encode(row.completion), math.tointeger(row.created) or 0
end

--- Puts every completion of a recording into a store; those that it has stay.
---@param from string the recording, or "-"
---@param path string the store, made when it is not there
---@return integer added
---@return integer known those that the store had
function recording.import(from, path)
  local opened, problem = store.open { path = path }
  if not opened then errors.raise(problem) end
  local added, known = 0, 0
  local before = flow.on_failure
  flow.on_failure = function(failure) error(failure.error, 0) end
  for _, had in flow.map(rows.open(from), function(row)
    local digest, request, wire, completion, created = entry_of(row)
    local held, had_or_problem = opened:put(digest, request, wire, completion, created)
    if not held then errors.raise { kind = "store", fatal = true, message = had_or_problem.message } end
    return had_or_problem
  end, { window = 1024 }) do
    if had then known = known + 1 else added = added + 1 end
  end
  flow.on_failure = before
  opened:close()
  return added, known
end

return recording
