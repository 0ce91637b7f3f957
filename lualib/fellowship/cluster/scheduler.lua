-- Which task of how many a scheduler says that this is. Pure but for what is given.

local scheduler = {}

-- Slurm: https://slurm.schedmd.com/job_array.html; Kubernetes' Indexed Jobs count from 0 and tell no number of
-- completions: https://kubernetes.io/docs/concepts/workloads/controllers/job/; PBS Professional tells none either
-- (User's Guide, 9.3, which the arrays here begin at 1 for); Grid Engine: submit(1), whose jobs that are no array have "undefined".
local KNOWN = {
  { index = "SLURM_ARRAY_TASK_ID", first = "SLURM_ARRAY_TASK_MIN", last = "SLURM_ARRAY_TASK_MAX",
    step = "SLURM_ARRAY_TASK_STEP" },
  { index = "JOB_COMPLETION_INDEX", from = 0 },
  { index = "PBS_ARRAY_INDEX", from = 1 },
  { index = "SGE_TASK_ID", first = "SGE_TASK_FIRST", last = "SGE_TASK_LAST", step = "SGE_TASK_STEPSIZE" },
}

local function whole(text)
  return math.tointeger(tonumber(text))
end

--- The task's number, from 1, and how many there are.
---@param getenv fun(name: string): string?
---@return integer? number nil when no scheduler says so
---@return integer? count nil when it does not tell
---@return string? variable that tells the number
function scheduler.task(getenv)
  for _, known in ipairs(KNOWN) do
    local index = whole(getenv(known.index))
    if index then
      local first = whole(known.first and getenv(known.first)) or known.from or 1
      local last, step = whole(known.last and getenv(known.last)), whole(known.step and getenv(known.step)) or 1
      if step < 1 then step = 1 end
      return (index - first) // step + 1, last and (last - first) // step + 1, known.index
    end
  end
end

--- The shard that a task works on when there are as many shards as tasks.
---@param getenv fun(name: string): string?
---@param count? integer how many there are, where the scheduler does not tell; a shard for each of them
---@return integer[]? shard { I, N }
---@return string? problem
function scheduler.shard(getenv, count)
  local number, told, variable = scheduler.task(getenv)
  if not number then
    return nil, "auto wants a scheduler's array: none of SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, PBS_ARRAY_INDEX "
      .. "and SGE_TASK_ID is set"
  end
  local n = count or told
  if not n then return nil, ("auto needs auto/N here, as %s comes without a number of tasks"):format(variable) end
  if number < 1 or number > n then
    return nil, ("auto cannot be: by %s this is task %d of %d"):format(variable, number, n)
  end
  return { number, n }
end

return scheduler
