-- `fellowship work`: one task of a submitted run.

local job = require "fellowship.cluster.job"
local scheduler = require "fellowship.cluster.scheduler"
local worker = require "fellowship.cluster.worker"
local beat = require "fellowship.cluster.beat"
local options = require "fellowship.command.options"
local setup = require "fellowship.command.setup"

local work = {}

--- The options of `fellowship work`.
---@return fellowship.Option[]
function work.options()
  return {
    { "dir", type = "string", required = true, positional = true, metavar = "DIR",
      help = "the submission: OUT/submit" },
    { "task", type = "string", default = "auto", metavar = "N|auto",
      help = "which task this is: no two at a time; auto: as the scheduler numbers it, or one of its own" },
  }
end

--- The name of a task.
local function name_of(given)
  if given ~= "auto" then
    if not given:find "^[%w_-]+$" then setup.usage('--task must be a number or a name, not "%s"', given) end
    return given
  end
  local number = scheduler.task(os.getenv)
  if number then return tostring(number) end
  return ("%s-%d"):format(beat.host():gsub("[^%w_-]", "_"), beat.pid())
end

--- Runs `fellowship work ARGUMENTS`.
---@param arguments string[]
---@return integer status
function work.run(arguments)
  local values, problem = options.read(work.options(), arguments)
  if not values then setup.usage("%s (fellowship work --help shows the options)", problem) end
  local name = name_of(values.task)
  return worker.run(job.read(values.dir), name, setup.teller(false))
end

return work
