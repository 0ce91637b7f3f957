-- `fellowship submit`: one run on many machines, or on all cores of one.

local child = require "fellowship.core.child"
local host = require "fellowship.core.host"
local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local say = require "fellowship.base.say"
local text = require "fellowship.base.text"
local job = require "fellowship.cluster.job"
local served = require "fellowship.cluster.served"
local slurm = require "fellowship.cluster.slurm"
local tasks = require "fellowship.cluster.tasks"
local options = require "fellowship.command.options"
local setup = require "fellowship.command.setup"

local submit = {}

local DONE = 0

-- Shards for each task where only tasks are given: a straggler then costs a small part of its task's work.
local SHARDS_A_TASK = 8

--- The options of `fellowship submit`, before `--`.
---@return fellowship.Option[]
function submit.options()
  return {
    { "engine", type = "choice", choices = { "slurm", "local" }, default = "slurm",
      help = "who runs the tasks: Slurm, or processes here" },
    { "tasks", type = "integer", least = 1, most = 100000, metavar = "N",
      help = "tasks at a time (default: one for each shard)" },
    { "shards", type = "integer", least = 1, most = 99999, metavar = "N",
      help = "parts that the rows are cut into; a task takes the next free one (default: 8 for each task)" },
    { "serve", type = "string", metavar = "CMD",
      help = "a command by which each task starts its models' server, at $PORT; it is waited for" },
    { "serve-ready", type = "string", default = "/v1/models", metavar = "PATH",
      help = "where the server answers when it is ready" },
    { "serve-wait", type = "number", least = 1, most = 86400, default = 1800, metavar = "SECONDS",
      help = "how long that may take" },
    { "scratch", type = "string", metavar = "DIR",
      help = "a folder on each node's own disk for stores under way: where OUT is on a network file system" },
    { "sbatch", type = "string", metavar = "OPTIONS", help = "options of Slurm for the jobs" },
    { "grace", type = "integer", least = 1, most = 65535, default = 120, metavar = "SECONDS",
      help = "to end calls in, before the time limit" },
    { "lease", type = "number", least = 1, most = 86400, default = 120, metavar = "SECONDS",
      help = "a task that is silent for so long is dead: others take its shard" },
    { "write", type = "flag", help = "write the scripts and hand nothing in" },
  }
end

-- ---- the run that is submitted ----

-- Options of it that are not passed on as they are, and those that cannot be.
local TAKEN = { out = true, store = true, ["max-cost"] = true, ["max-calls"] = true }
local REFUSED = { shard = "submit cuts the rows itself, by --shards", ["dry-run"] = "give it to the run itself",
  batch = "a batch may take a day, and tasks come and go", ["batch-cancel"] = "give it to the run itself",
  force = "give another --out", offline = "there is nothing to ask the models" }

--- Parts the command behind `--`.
local function read_command(arguments)
  if arguments[1] ~= "run" or not arguments[2] then
    setup.usage("what is submitted stands behind --, and is a `run`: fellowship submit ... -- run preference ... "
      .. "--out DIR")
  end
  local rest, taken, i = {}, {}, 1
  while i <= #arguments do
    local name, value = arguments[i]:match "^%-%-([%l%-]+)=?(.*)$"
    if name and REFUSED[name] then setup.usage("--%s cannot be submitted: %s", name, REFUSED[name]) end
    if arguments[i] == "-" then setup.usage "standard input can be read once, and shards read it all: give a file" end
    if name and TAKEN[name] then
      if not arguments[i]:find("=", 1, true) then
        i = i + 1
        value = arguments[i]
      end
      if not value or value == "" then setup.usage("--%s needs a value", name) end
      taken[name] = value
    else
      rest[#rest + 1] = arguments[i]
    end
    i = i + 1
  end
  if not taken.out then setup.usage "--out DIR is missing behind `-- run ...`: the folder of the results" end
  return rest, taken
end

--- A bound, as the run reads it.
local function bound(taken, name)
  if not taken[name] then return nil end
  for _, option in ipairs(options.common) do
    if option[1] == name then
      local values, problem = options.read({ option }, { "--" .. name, taken[name] })
      if not values then setup.usage("%s", problem) end
      return values[name]
    end
  end
end

--- Whether the models' entries bound rates, which tasks must share.
local function is_limited(arguments)
  for i, argument in ipairs(arguments) do
    local path = argument:match "^%-%-models=(.+)$" or argument == "--models" and arguments[i + 1]
    for _, entry in pairs(path and setup.load_table("models", path) or {}) do
      if type(entry) == "table" and (entry.requests_per_minute or entry.tokens_per_minute) then return true end
    end
  end
  return false
end

--- Whether an option stands in a command line.
local function has(arguments, name)
  for _, argument in ipairs(arguments) do
    if argument:match "^%-%-([%l%-]+)" == name then return true end
  end
  return false
end

--- A run that cannot be is better known now than by each of a thousand tasks.
local function rehearse(given)
  local arguments = table.move(given.arguments, 1, #given.arguments, 2, { host.executable })
  arguments[#arguments + 1] = "--dry-run"
  if not has(given.arguments, "limit") then table.move({ "--limit", "1" }, 1, 2, #arguments + 1, arguments) end
  if not has(given.arguments, "quiet") then arguments[#arguments + 1] = "--quiet" end
  local program <close>, problem = child.start(arguments, { env = given.serve and served.environment(served.NOBODY) })
  if not program then setup.usage("%s", problem.message) end
  local status, complaint = program:wait()
  if status == 0 or status == 3 or status == 5 then return end
  setup.usage("the run cannot be: %s", (complaint:gsub("^%s*fellowship: ", ""):match "^(.-)%s*$"))
end

-- ---- the submission ----

local function absolute(path)
  return path:sub(1, 1) == "/" and path or sys.cwd() .. "/" .. path
end

--- What was submitted into the folder before must be the same.
local function compare(given, before)
  if not before then return end
  local same = json.canonical(before.arguments) == json.canonical(given.arguments)
  if not same then setup.usage("%s holds the submission of another run; give another --out", given.folder) end
  if before.shards ~= given.shards then
    setup.usage("%s was cut into %d shards: give --shards %d again, or another --out", given.folder, before.shards,
      before.shards)
  end
end

local function make_job(values, arguments, taken)
  local count = values.shards or values.tasks and values.tasks * SHARDS_A_TASK
  if not count then setup.usage "--tasks N or --shards N says how many there are" end
  local out = absolute(taken.out:gsub("/+$", ""))
  local given = { fellowship = host.version, engine = values.engine, arguments = arguments, out = out,
    folder = out .. "/" .. job.FOLDER, cwd = sys.cwd(), shards = math.tointeger(math.min(count, 99999)),
    tasks = math.min(values.tasks or count, count), round = 1, lease = values.lease, serve = values.serve,
    ready = values["serve-ready"], patience = values["serve-wait"], scratch = values.scratch, sbatch = values.sbatch,
    grace = values.grace, store = taken.store and absolute(taken.store), limited = is_limited(arguments),
    max_cost = bound(taken, "max-cost"), max_calls = bound(taken, "max-calls") }
  local before = job.find(given.folder)
  compare(given, before)
  given.round = before and before.round + 1 or 1
  given.id = before and before.id or sys.hex(sys.sha256(out .. " " .. sys.time())):sub(1, 12)
  rehearse(given)
  local submitted = job.write(given)
  for _, name in ipairs(sys.list(submitted:path "tasks") or {}) do -- all take part again
    if name:find "%.ended$" then sys.remove(submitted:path("tasks/%s", name)) end
  end
  return submitted
end

-- ---- engines ----

local engines = {}

function engines.slurm(submitted, values)
  local script, end_script = slurm.write(submitted)
  if values.write then
    say.out(("wrote %s\nwrote %s\nHand them in:\n  sbatch %s\n  sbatch --dependency=afterany:JOB %s\n")
      :format(script, end_script, slurm.quoted(script), slurm.quoted(end_script)))
    return DONE
  end
  local id, merging = slurm.submit(script, end_script)
  say.out(("submitted %s of %s as job %s, and the end as job %s\n"):format(text.count(submitted.tasks, "task"),
    text.count(submitted.shards, "shard"), id, merging))
  say.out(("  fellowship status %s      what they do\n  squeue -j %s,%s\n  %s      the logs\n  scancel %s      stops "
    .. "them; the same command goes on from there\n"):format(submitted.out, id, merging, submitted:path "logs", id))
  return DONE
end

engines["local"] = function(submitted, values)
  slurm.write(submitted)
  if values.write then return DONE end
  local tell = setup.teller(false)
  local status = tasks.run(submitted, tell)
  if status then return status end
  return require "fellowship.command.merge".run { submitted.folder }
end

--- Runs `fellowship submit ARGUMENTS`.
---@param arguments string[]
---@return integer status
function submit.run(arguments)
  local own, behind = {}, nil
  for i, argument in ipairs(arguments) do
    if argument == "--" then
      behind = table.move(arguments, i + 1, #arguments, 1, {})
      break
    end
    own[i] = argument
  end
  local values, problem = options.read(submit.options(), own)
  if not values then setup.usage("%s (fellowship submit --help shows the options)", problem) end
  local command, taken = read_command(behind or {})
  return engines[values.engine](make_job(values, command, taken), values)
end

return submit
