-- Slurm: the scripts of a submission's tasks and of its end, and how they are handed in.

local child = require "fellowship.core.child"
local core = require "fellowship.core.rows"
local host = require "fellowship.core.host"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"

local slurm = {}

-- A task that ends by a signal nobody sent it on purpose is put back so often.
local RESTARTS = 20

--- A word for a shell.
---@param word string
---@return string
function slurm.quoted(word)
  if word:find "^[%w_%-./:=,@%%+]+$" then return word end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function line_of(words)
  local list = {}
  for i, word in ipairs(words) do list[i] = slurm.quoted(word) end
  return table.concat(list, " ")
end

--- Options of sbatch, a line each: "--gres=gpu:1 --time 4:00:00".
local function directives(text)
  local lines = {}
  for option in (" " .. (text or "")):gsub("%s+%-", "\n-"):gmatch "[^\n]+" do
    local trimmed = option:match "^%s*(.-)%s*$"
    if trimmed ~= "" then lines[#lines + 1] = "#SBATCH " .. trimmed .. "\n" end
  end
  return table.concat(lines)
end

local TASK = [[
#!/bin/bash
#SBATCH --job-name=NAME
#SBATCH --array=1-TASKS
#SBATCH --output=LOGS/task-%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@GRACE
DIRECTIVES
# One of TASKS tasks that share this run, in SHARDS shards:
#   COMMAND
# `STATUS` shows what they do. What stands here may be changed; `fellowship submit` keeps it.

cd CWD || exit 1
WORK --task "$SLURM_ARRAY_TASK_ID" &
worker=$!
asked=
# Near the time limit: what is under way is finished and stored, and the task asked for again.
trap 'asked=limit; kill -INT "$worker" 2>/dev/null' USR1
# scancel, or preemption (where Slurm itself asks for the task again).
trap 'asked=end; kill -TERM "$worker" 2>/dev/null' TERM
while :; do
  wait "$worker"
  status=$?
  kill -0 "$worker" 2>/dev/null || break
done
echo "task $SLURM_ARRAY_TASK_ID ended with status $status${asked:+ ($asked)}"
# 130: it was drained; 137 and such: it was killed. What it did is stored, and it goes on from there.
if [ "$asked" = limit ] || { [ -z "$asked" ] && [ "$status" -gt 128 ]; }; then
  if [ "${SLURM_RESTART_COUNT:-0}" -lt RESTARTS ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" && sleep 60
  fi
fi
exit "$status"
]]

local MERGE = [[
#!/bin/bash
#SBATCH --job-name=NAME-merge
#SBATCH --output=LOGS/merge.log
#SBATCH --open-mode=append
DIRECTIVES
# Puts the shards together, once all tasks have ended.

cd CWD || exit 1
exec MERGE
]]

local function filled(template, values)
  return (template:gsub("%u%u%u+", function(name) return values[name] end))
end

--- Writes the scripts, unless they are there: they may have been edited.
---@param job fellowship.Job
---@return string task path
---@return string merge path
function slurm.write(job)
  local folder = job.folder
  local arguments = table.move(job.arguments, 1, #job.arguments, 2, { "fellowship" })
  local values = { NAME = ("fellowship-" .. (job.out:match "([^/]+)$" or "run")):gsub("[^%w_.-]", "_"),
    TASKS = tostring(job.tasks), SHARDS = tostring(job.shards), LOGS = (job:path "logs":gsub("%%", "%%%%")),
    GRACE = tostring(job.grace), CWD = slurm.quoted(job.cwd), COMMAND = line_of(arguments):gsub("\n", " "),
    DIRECTIVES = directives(job.sbatch), RESTARTS = tostring(RESTARTS), STATUS = "fellowship status "
      .. slurm.quoted(job.out), WORK = line_of { host.executable, "work", folder },
    MERGE = line_of { host.executable, "merge", folder } }
  local paths = { job:path "job.sh", job:path "merge.sh" }
  for i, template in ipairs { TASK, MERGE } do
    if not file.read(paths[i]) then assert(file.replace(paths[i], filled(template, values))) end
  end
  return paths[1], paths[2]
end

--- What sbatch answers; raises what it complains of.
local function sbatch(arguments)
  local program <close>, problem = child.start({ "sbatch", "--parsable", table.unpack(arguments) }, { output = true })
  if not program then
    errors.raise { kind = "usage", message = problem.message
      .. ": Slurm's programs are where jobs are submitted; --engine local runs the tasks as processes" }
  end
  local source <close> = assert(core.open(program:output(), { format = "jsonl", name = "sbatch" }))
  local said = source:lines() or ""
  local status, complaint = program:wait()
  local id = said:match "^(%d+)"
  if status ~= 0 or not id then
    errors.raise { kind = "server", message = "sbatch says: " .. (complaint:match "%S.*%S" or said) }
  end
  return id
end

--- Hands the scripts in.
---@param task string path
---@param merge string path
---@return string tasks the job's number
---@return string merge
function slurm.submit(task, merge)
  local id = sbatch { task }
  return id, sbatch { "--dependency=afterany:" .. id, merge }
end

return slurm
