-- A shard's run: the same command as the whole one has, as a program of its own, with a store of its own.

local child = require "fellowship.core.child"
local host = require "fellowship.core.host"
local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"
local beat = require "fellowship.cluster.beat"
local job = require "fellowship.cluster.job"
local served = require "fellowship.cluster.served"

local shard = {}

local function append(list, more)
  return table.move(more, 1, #more, #list + 1, list)
end

--- Runs `fellowship` with arguments and waits for its end.
---@param arguments string[]
---@param options fellowship.child_options
---@param look? fun(program: fellowship.child) called with it when it has begun
---@return integer? status nil when a signal ended it
---@return string why
function shard.call(arguments, options, look)
  options.drains = true
  local program <close>, problem = child.start(append({ host.executable }, arguments), options)
  if not program then errors.raise { kind = "file", message = problem.message } end
  if look then look(program) end
  return program:wait()
end

---@class fellowship.Shard
---@field job fellowship.Job
---@field number integer
---@field claim integer
---@field store string
---@field out string
local Shard = {}
Shard.__index = Shard

--- A shard that was taken.
---@param submission fellowship.Job
---@param number integer
---@param claim integer
---@param log string where the run says what it says
---@return fellowship.Shard
function shard.of(submission, number, claim, log)
  local name = job.name(number)
  local self = setmetatable({ job = submission, number = number, claim = claim, log = log,
    store = submission:store_of(number), out = submission:path("shards/%s.%04d", name, claim) }, Shard)
  if submission.scratch then
    self.store = ("%s/%s-%s.db"):format(submission.scratch, submission.id, name)
    sys.mkdir(submission.scratch)
  end
  return self
end

--- Before it begins on a node's own disk: takes what other claims have kept of it.
function Shard:fetch()
  if not self.job.scratch then return end
  local kept = self.job:recordings_of(self.number)
  if #kept == 0 then return end
  shard.call(append({ "store", "import" }, append(kept, { "--store", self.store })), { log = self.log, whole = true })
end

--- Keeps what is done of a store on a node's own disk, where all see it: a recording of the whole, each time anew. Each
--- claim has its own, so that nobody writes over what somebody else keeps. Raises when that cannot be.
function Shard:keep()
  if not self.job.scratch or not sys.kind(self.store) then return end
  local path = self.job:recording_of(self.number, self.claim)
  local status, why = shard.call({ "store", "export", path, "--store", self.store }, { log = self.log, whole = true })
  if status == 0 then return end
  errors.raise { kind = "file", message = ("cannot keep the store of shard %d in %s: %s"):format(self.number, path,
    status and "its log says why" or why) }
end

--- Frees the node's own disk once all is kept elsewhere.
function Shard:clean()
  if not self.job.scratch then return end
  for _, ending in ipairs { "", "-wal", "-shm", "-calls" } do sys.remove(self.store .. ending) end
end

local function has(arguments, flag)
  for _, argument in ipairs(arguments) do
    if argument == flag then return true end
  end
  return false
end

--- Runs it.
---@param more string[] options of this run
---@param env string[] variables of its environment
---@param look fun(program: fellowship.child)
---@return integer? status
---@return string why
function Shard:run(more, env, look)
  local arguments = append({}, self.job.arguments)
  append(arguments, { "--shard", ("%d/%d"):format(self.number, self.job.shards), "--store", self.store, "--out",
    self.out })
  for _, flag in ipairs { "--no-report", "--quiet" } do
    if not has(arguments, flag) then arguments[#arguments + 1] = flag end
  end
  env = append({ "FELLOWSHIP_TASK_PID=" .. beat.pid() }, env)
  return shard.call(append(arguments, more), { log = self.log, env = env, folder = self.job.cwd }, look)
end

--- What its run came to: run.json of its folder.
---@return table
function Shard:record()
  local text = file.read(self.out .. "/run.json")
  local value = text and json.decode(text)
  return type(value) == "table" and value or {}
end

--- The environment of runs that need the server's name in keys, and no server.
---@param submission fellowship.Job
---@return string[]?
function shard.without_server(submission)
  return submission.serve and served.environment(served.NOBODY) or nil
end

return shard
