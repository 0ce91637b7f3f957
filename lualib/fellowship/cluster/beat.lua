-- What each task says of itself, and how others see by it that the task is alive: tasks/NAME.json, which one process
-- writes, again and again. A task is dead when that file has not changed for a lease, by the clock of whoever looks:
-- no clock is compared with that of another machine.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"

local beat = {}

local KEYS = { "task", "instance", "host", "pid", "beat", "state", "shard", "claim", "done", "ledger", "at" }

--- The machine's name.
---@return string
function beat.host()
  return (file.read "/proc/sys/kernel/hostname" or "?"):match "%S+" or "?"
end

--- This process.
---@return integer
function beat.pid()
  return math.tointeger(tonumber((file.read "/proc/self/stat" or ""):match "^%d+")) or 0
end

--- The process that started this one.
---@return integer
function beat.parent()
  return math.tointeger(tonumber((file.read "/proc/self/stat" or ""):match "^.*%) %S (%d+)")) or 0
end

-- ---- of one's own ----

---@class fellowship.Beat
---@field task string
---@field instance string of this process alone
---@field state string works, waits, ended
---@field again boolean whether the task had ended before: others think that it has
local Beat = {}
Beat.__index = Beat

local function path_of(job, name)
  return job:path("tasks/%s.json", name)
end

local function read(path)
  local text = file.read(path)
  local value = text and json.decode(text)
  return type(value) == "table" and value or nil
end

--- Begins to speak for a task.
---@param job fellowship.Job
---@param name string the task's; what was written by an earlier process of it is replaced
---@return fellowship.Beat
function beat.open(job, name)
  local host, pid = beat.host(), beat.pid()
  local self = setmetatable({ job = job, task = name, host = host, pid = pid, beat = 0, done = 0, state = "works",
    instance = sys.hex(sys.sha256(("%s %d %d"):format(host, pid, sys.time()))):sub(1, 16) }, Beat)
  self:write()
  self.again = sys.kind(job:path("tasks/%s.ended", name)) ~= nil
  sys.remove(job:path("tasks/%s.ended", name))
  return self
end

--- Who it is, as a claim says.
---@return table
function Beat:owner()
  return json.object({ task = self.task, instance = self.instance, host = self.host, pid = self.pid },
    { "task", "instance", "host", "pid" })
end

--- Whether this process still speaks for the task: another one may have been started in its place.
---@return boolean
function Beat:stands()
  local written = read(path_of(self.job, self.task))
  return not written or written.instance == self.instance
end

--- Says what the task does now. What cannot be written now may be later: then others think it dead, and it finds so.
function Beat:write()
  self.beat = self.beat + 1
  self.at = os.date "!%Y-%m-%dT%H:%M:%SZ"
  local written, problem = file.replace(path_of(self.job, self.task), json.encode(json.object({ task = self.task,
    instance = self.instance, host = self.host, pid = self.pid, beat = self.beat, state = self.state,
    shard = self.shard, claim = self.claim, done = self.done, at = self.at }, KEYS)))
  if not written and self.beat == 1 then
    errors.raise { kind = "file", message = ("cannot write into %s: %s"):format(self.job.folder, problem) }
  end
end

--- Says that the task has ended: what it had of rates and budgets is for others.
function Beat:finish()
  self.state, self.shard, self.claim = "ended", nil, nil
  self:write()
  sys.create(self.job:path("tasks/%s.ended", self.task), "")
end

-- ---- of others ----

---@class fellowship.Watch
local Watch = {}
Watch.__index = Watch

--- Looks at the tasks of a submission.
---@param job fellowship.Job
---@param own? fellowship.Beat
---@return fellowship.Watch
function beat.watch(job, own)
  return setmetatable({ job = job, own = own, seen = {} }, Watch)
end

--- What all tasks have said last, by name.
---@return table[]
function Watch:all()
  local list = {}
  for _, name in ipairs(sys.list(self.job:path "tasks") or {}) do
    local value = name:match "%.json$" and read(self.job:path("tasks/%s", name))
    if value then list[#list + 1] = value end
  end
  return list
end

--- Whether who made a claim works still. Where that is not known, it must be looked for as long as a lease.
---@param owner? { task: string, instance: string } nil when the claim cannot be read
---@return boolean
function Watch:alive(owner)
  local name = owner and owner.task or "?"
  local instance = owner and owner.instance or "?"
  if self.own and name == self.own.task then return instance == self.own.instance end
  local written = owner and read(path_of(self.job, name))
  if written and (written.instance ~= instance or written.state == "ended") then return false end
  local id, mark = name .. " " .. instance, written and written.beat or 0
  local seen = self.seen[id]
  if not seen or seen.mark ~= mark then
    self.seen[id] = { mark = mark, since = task.now(), moved = seen ~= nil }
    return true
  end
  return task.now() - seen.since <= self.job.lease
end

--- How many tasks have not said that they ended: those that have not begun count too.
---@return integer
function Watch:active()
  local ended = 0
  for _, name in ipairs(sys.list(self.job:path "tasks") or {}) do
    if name:find "%.ended$" then ended = ended + 1 end
  end
  return math.max(1, self.job.tasks - ended)
end

return beat
