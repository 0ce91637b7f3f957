-- Which task works on which shard. A claim is a file that is made once, by one task, and never changes:
--
--     claims/00017.0001            shard 17, its first claim: who took it
--     claims/00017.0001.drained    and that it was given back
--     claims/00017.0002            its second one
--     done/00017                   the shard came to its end
--
-- So a shard is free when it is not done, and its last claim was given back, or is that of a task that is dead; and of
-- any number who take it then, one makes the next file. Who was only thought to be dead finds that file, and stops.
-- How a claim was given back stands in the name, so that two listings tell all there is to know.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"
local job = require "fellowship.cluster.job"

local claims = {}

-- A shard that failed so often since the run was last submitted is left alone.
local TRIES = 3

---@class fellowship.ShardState
---@field claim integer the number of its last claim; 0 without one
---@field over? string how that was given back: drained, failed, budget
---@field failures integer since the run was last submitted
---@field done boolean

---@class fellowship.Claims
---@field job fellowship.Job
---@field states table<integer, fellowship.ShardState>
---@field package owners table<string, table> of claims, by the names of their files
local Claims = {}
Claims.__index = Claims

--- The claims of a submission.
---@param submission fellowship.Job
---@return fellowship.Claims
function claims.open(submission)
  return setmetatable({ job = submission, states = {}, owners = {} }, Claims)
end

local function path_of(self, shard, claim)
  return self.job:path("claims/%s.%04d", job.name(shard), claim)
end

local function listing(self, name)
  local names, problem = sys.list(self.job:path("%s", name))
  if not names then
    errors.raise { kind = "file", message = ("cannot look into %s: %s"):format(self.job:path("%s", name),
      problem.message) }
  end
  return names
end

--- Looks at all shards anew.
---@return fellowship.ShardState[]
function Claims:look()
  local states = {}
  for shard = 1, self.job.shards do states[shard] = { claim = 0, failures = 0, done = false } end
  for _, name in ipairs(listing(self, "claims")) do -- in order: what gives a claim back stands behind it
    local shard, claim, over, round = name:match "^(%d+)%.(%d+)%.?(%a*)%-?(%d*)$"
    local state = states[math.tointeger(tonumber(shard)) or 0]
    if state then
      claim = math.tointeger(tonumber(claim))
      if over == "failed" and tonumber(round) == self.job.round then state.failures = state.failures + 1 end
      if claim > state.claim then state.claim, state.over = claim, nil end
      if over ~= "" then state.over = over end
    end
  end
  for _, name in ipairs(listing(self, "done")) do
    local state = states[math.tointeger(tonumber(name)) or 0]
    if state then state.done = true end
  end
  self.states = states
  return states
end

--- Who made a claim.
---@param shard integer
---@param claim integer
---@return { task: string, instance: string, host: string }? nil when that cannot be read
function Claims:owner(shard, claim)
  local path = path_of(self, shard, claim)
  if not self.owners[path] then
    local text = file.read(path)
    local value = text and json.decode(text)
    self.owners[path] = type(value) == "table" and value or nil
  end
  return self.owners[path]
end

--- Whether a shard may be taken: nobody has it or, where that is looked at, who has it is dead.
local function is_free(self, shard, alive)
  local state = self.states[shard]
  if state.done or state.failures >= TRIES then return false end
  if state.claim == 0 or state.over then return true end
  return alive ~= nil and not alive(self:owner(shard, state.claim))
end

--- Takes a shard, if nobody was faster.
---@param shard integer
---@param owner table who takes it
---@return integer? claim its number
function Claims:take(shard, owner)
  local state = self.states[shard]
  local claim = state.claim + 1
  local made, problem = sys.create(path_of(self, shard, claim), json.encode(owner))
  if not made and not problem.held then
    errors.raise { kind = "file", message = ("cannot take shard %d: %s"):format(shard, problem.message) }
  end
  state.claim, state.over = claim, nil
  return made and claim or nil
end

--- The next one that is free, and is taken by this.
local function next_free(self, from, owner, alive)
  for i = 0, self.job.shards - 1 do
    local shard = (from - 1 + i) % self.job.shards + 1
    local claim = is_free(self, shard, alive) and self:take(shard, owner)
    if claim then return shard, claim end
  end
end

--- Takes the next free shard, from a place on that is each task's own; one of a dead task where there is no other.
---@param from integer
---@param owner table who takes it
---@param alive fun(owner: table?): boolean whether another one works still
---@return integer? shard
---@return integer? claim
function Claims:next(from, owner, alive)
  if #self.states > 0 then -- as it was when that was looked at: a listing is slow, and most of it still holds
    local shard, claim = next_free(self, from, owner)
    if shard then return shard, claim end
  end
  self:look()
  local shard, claim = next_free(self, from, owner)
  if not shard then shard, claim = next_free(self, from, owner, alive) end
  return shard, claim
end

--- Whether a claim is still the last one of its shard.
---@param shard integer
---@param claim integer
---@return boolean
function Claims:stands(shard, claim)
  return sys.kind(path_of(self, shard, claim + 1)) == nil
end

--- Gives a claim back.
---@param shard integer
---@param claim integer
---@param how "drained"|"failed"|"budget"
---@param facts table why, for people
function Claims:give_back(shard, claim, how, facts)
  local ending = how == "failed" and ("failed-%d"):format(self.job.round) or how
  sys.create(path_of(self, shard, claim) .. "." .. ending, json.encode(facts))
end

--- Notes that a shard came to its end.
---@param shard integer
---@param facts table what it came to: rows, failed, calls
function Claims:finish(shard, facts)
  local made, problem = sys.create(self.job:path("done/%s", job.name(shard)), json.encode(facts))
  if made or problem.held then return end
  errors.raise { kind = "file", message = ("cannot note that shard %d is done: %s"):format(shard, problem.message) }
end

--- What a shard that is done came to.
---@param shard integer
---@return table
function Claims:facts(shard)
  local text = file.read(self.job:path("done/%s", job.name(shard)))
  local value = text and json.decode(text)
  return type(value) == "table" and value or {}
end

--- How the shards stand.
---@return { done: integer, taken: integer, free: integer, failed: integer[], missing: integer[] }
function Claims:counts()
  local counts = { done = 0, taken = 0, free = 0, failed = {}, missing = {} }
  for shard, state in ipairs(self:look()) do
    if state.done then counts.done = counts.done + 1
    else
      counts.missing[#counts.missing + 1] = shard
      if state.failures >= TRIES then counts.failed[#counts.failed + 1] = shard
      elseif state.claim > 0 and not state.over then counts.taken = counts.taken + 1
      else counts.free = counts.free + 1 end
    end
  end
  return counts
end

return claims
