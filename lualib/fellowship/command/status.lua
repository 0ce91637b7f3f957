-- `fellowship status`: what the tasks of a submitted run do now.

local json = require "fellowship.core.json"
local say = require "fellowship.base.say"
local text = require "fellowship.base.text"
local job = require "fellowship.cluster.job"
local standing = require "fellowship.cluster.standing"
local counts = require "fellowship.command.counts"
local options = require "fellowship.command.options"
local setup = require "fellowship.command.setup"

local status = {}

--- The options of `fellowship status`.
---@return fellowship.Option[]
function status.options()
  return {
    { "dir", type = "string", required = true, positional = true, metavar = "DIR",
      help = "the folder of the results, or OUT/submit" },
    { "json", type = "flag", help = "as JSON, for programs" },
  }
end

local function usd(cost)
  return type(cost) == "number" and ("$%.4f"):format(cost) or "-"
end

local function shown(value)
  return value == nil and "-" or tostring(value)
end

local FORM = "%-10s %-8s %6s %6s %8s %7s %8s %9s %10s  %s\n"

local function task_lines(tasks)
  if #tasks == 0 then return say.out "no task has begun yet\n" end
  say.out((FORM:format("task", "state", "shard", "done", "rows", "failed", "calls", "in flight", "cost", "host"):gsub(
    "%s+$", "\n")))
  for _, one in ipairs(tasks) do
    say.out((FORM:format(one.task, one.state, shown(one.shard), shown(one.done), shown(one.rows), shown(one.failed),
      shown(one.calls), shown(one.in_flight), usd(one.cost), shown(one.host))))
  end
end

local function budget_line(budget)
  local parts = {}
  if budget.max_cost then parts[1] = ("%s of %s"):format(usd(budget.granted_cost), usd(budget.max_cost)) end
  if budget.max_calls then parts[#parts + 1] = ("%d of %d calls"):format(budget.granted_calls, budget.max_calls) end
  say.out("budget: ", table.concat(parts, ", "), " granted\n")
end

local function write(s)
  local left = s.left and s.left > 0 and (", about %s left"):format(counts.duration(s.left)) or ""
  say.out(("%s: %d of %s done, %d under way, %d free%s\n"):format(s.out, s.done, text.count(s.shards, "shard"), s.taken,
    s.free, left))
  say.out(("%s, %d failed; %s, %d in flight; cost %s\n"):format(text.count(s.rows, "row"), s.failed_rows,
    text.count(s.calls, "call"), s.in_flight, usd(s.cost)))
  if s.budget then budget_line(s.budget) end
  if #s.failed_shards > 0 then
    say.out("failed again and again: shard ", table.concat(s.failed_shards, ", "),
      "; their logs say why, and `fellowship submit` tries them anew\n")
  end
  task_lines(s.tasks)
end

--- Runs `fellowship status ARGUMENTS`.
---@param arguments string[]
---@return integer status
function status.run(arguments)
  local values, problem = options.read(status.options(), arguments)
  if not values then setup.usage("%s (fellowship status --help shows the options)", problem) end
  local s = standing.of(job.read(values.dir))
  if values.json then say.data(json.encode(s, { pretty = true }), "\n") else write(s) end
  return 0
end

return status
