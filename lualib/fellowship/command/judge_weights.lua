-- What each judge's vote weighs, as it is shown at the end of a run.

local json = require "fellowship.core.json"
local summary = require "fellowship.command.summary"
local tables = require "fellowship.report.table"

local judge_weights = {}

--- Shows the weights of a jury's members, or why there are none; nothing without a jury.
---@param run fellowship.Run
---@param weighted table? as fellowship.measure.judge_weighted's results have it
function judge_weights.tell(run, weighted)
  if not weighted then return end
  if weighted.problem then
    run.tell("no weights of judges: " .. weighted.problem)
    return
  end
  local rows = {}
  for i, judge in ipairs(weighted.judges) do
    local ends = judge.ci95 ~= json.null and ("%.3f to %.3f"):format(judge.ci95[1], judge.ci95[2])
    rows[i] = { judge.name, judge.weight, ends, judge.n }
  end
  run.tell("what each judge's vote weighs (1 is the mean, 0 a vote by lot)\n" .. tables.text({ "judge", "weight",
    "95% interval", "votes" }, rows, summary.width()))
end

return judge_weights
