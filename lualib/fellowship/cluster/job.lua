-- A submission: one run that several tasks share, and the folder in which they meet.
--
--     OUT/submit/job.json     what is run, in how many shards, by how many tasks
--                job.sh       the script of a task, and merge.sh that of the end: for a scheduler
--                claims/      who takes which shard: see fellowship.cluster.claims
--                done/        a file for each shard that came to its end
--                tasks/       what each task does: see fellowship.cluster.beat
--                ledger/      who may spend what: see fellowship.cluster.ledger
--                stores/      the shards' stores
--                shards/      the shards' own folders of results, with their run.json and errors.jsonl
--                logs/        what tasks, runs and servers say
--
-- Any number of machines read and write it, and none of them locks anything: a file is either made by one who was the
-- first (fellowship.core.sys.create), or has one writer, who replaces it at once.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"

local job = {}

job.FOLDER = "submit"

local FOLDERS = { "claims", "done", "tasks", "ledger", "stores", "shards", "logs" }

---@class fellowship.Job
---@field folder string where the tasks meet: OUT/submit
---@field id string which tells it from others, on a node's own disk
---@field out string the folder of the results
---@field cwd string where the run was submitted: its paths are relative to it
---@field arguments string[] of `fellowship`, without what each shard has of its own: "run", NAME, ...
---@field shards integer
---@field tasks integer
---@field round integer how often it was submitted
---@field lease number seconds for which a task may be silent
---@field serve? string a command that starts the models' server, one for each task
---@field ready string the path at which that answers when it is ready
---@field patience number seconds that this may take
---@field scratch? string a folder on each node's own disk, for the stores of shards under way
---@field store? string the store that all are merged into
---@field max_cost? number USD, of all tasks together
---@field max_calls? integer
---@field limited boolean whether the models' rates are shared out
local Job = {}
Job.__index = Job

local KEYS = { "fellowship", "id", "engine", "arguments", "out", "cwd", "shards", "tasks", "round", "lease", "serve",
  "ready", "patience", "scratch", "store", "max_cost", "max_calls", "limited", "sbatch", "grace" }

--- A path inside the folder.
---@param form string as of string.format, with what follows
---@return string
function Job:path(form, ...)
  return self.folder .. "/" .. form:format(...)
end

--- How a shard is called in names of files.
---@param shard integer from 1
---@return string
function job.name(shard)
  return ("%05d"):format(shard)
end

--- The store of a shard, where all tasks see it.
---@param shard integer
---@return string
function Job:store_of(shard)
  return self:path("stores/%s.db", job.name(shard))
end

--- What a claim keeps of a shard's store, whose task works on its node's own disk.
---@param shard integer
---@param claim integer
---@return string
function Job:recording_of(shard, claim)
  return self:path("stores/%s.%04d.jsonl.zst", job.name(shard), claim)
end

--- What all claims have kept of it.
---@param shard integer
---@return string[]
function Job:recordings_of(shard)
  local paths = {}
  for _, name in ipairs(sys.list(self:path "stores") or {}) do
    local is_one = name:find("^" .. job.name(shard) .. "%.%d+%.jsonl%.zst$")
    if is_one then paths[#paths + 1] = self:path("stores/%s", name) end
  end
  return paths
end

local function fail(message, ...)
  errors.raise { kind = "file", message = message:format(...) }
end

--- Writes job.json, and makes the folders.
---@param given table the fields of a fellowship.Job
---@return fellowship.Job
function job.write(given)
  local self = setmetatable(given, Job)
  for _, name in ipairs(FOLDERS) do
    local made, problem = sys.mkdir(self:path("%s", name))
    if not made then fail("cannot make %s: %s", self:path("%s", name), problem.message) end
  end
  local kept = {}
  for _, key in ipairs(KEYS) do kept[key] = given[key] end
  kept.arguments = json.array(given.arguments)
  local written, problem = file.replace(self:path "job.json", json.encode(json.object(kept, KEYS), { pretty = true })
    .. "\n")
  if not written then fail("cannot write %s: %s", self:path "job.json", problem) end
  return self
end

--- The submission in a folder; nil when there is none.
---@param folder string OUT, or OUT/submit
---@return fellowship.Job?
function job.find(folder)
  folder = folder:gsub("/+$", "")
  for _, place in ipairs { folder .. "/" .. job.FOLDER, folder } do
    local text = file.read(place .. "/job.json")
    local value, problem = nil, nil
    if text then value, problem = json.decode(text) end
    local is_one = type(value) == "table" and type(value.arguments) == "table" and math.type(value.shards) == "integer"
    if text and not is_one then
      fail("%s/job.json cannot be read%s; `fellowship submit` writes it", place, problem and ": " .. problem.message
        or "")
    end
    if value then
      value.folder = place
      return setmetatable(value, Job)
    end
  end
end

--- The same; raises where there is none.
---@param folder string
---@return fellowship.Job
function job.read(folder)
  local found = job.find(folder)
  if not found then
    errors.raise { kind = "usage", message = ("%s holds no submission: `fellowship submit ... --out %s` makes one")
      :format(folder, folder) }
  end
  return found
end

return job
