-- What a run says at its end: how many rows, what failed and why, where the results are, what to do next.

local text = require "fellowship.base.text"
local stats = require "fellowship.money.count"
local counts = require "fellowship.command.counts"
local lazy = require "fellowship.base.lazy"
local spent_table = require "fellowship.command.spent_table"
local budget = lazy "fellowship.money.budget"
local settings = require "fellowship.call.settings"

local summary = {}

--- What helps against a kind of failure.
local advice = {
  auth = "check the key that the message names",
  not_found = "check the model's name and the base URL",
  quota = "the account has no credit left: add some, then run the same command again",
  rate_limited = "lower --concurrency, or give the model a limit in --models, and run the same command again",
  timeout = "raise the model's timeouts in --models, and run the same command again",
  refused = "check that the server runs, and the base URL",
  offline = "run without --offline once, to ask what the store does not have",
  data = "mend the rows that errors.jsonl names (file and line), and run the same command again",
  script = "errors.jsonl has the line of the script for each",
  context_length = "these prompts are too long for the model: shorten them, or take another model",
}

--- Lines of advice, by how many rows each would help.
local function next_steps(failures)
  local kinds = {}
  for kind in pairs(failures.kinds) do kinds[#kinds + 1] = kind end
  table.sort(kinds, function(x, y)
    if failures.kinds[x] ~= failures.kinds[y] then return failures.kinds[x] > failures.kinds[y] end
    return x < y
  end)
  local lines = {}
  for _, kind in ipairs(kinds) do
    if advice[kind] then lines[#lines + 1] = ("%s: %s"):format(kind, advice[kind]) end
  end
  return lines
end

--- The lines, without the program's name.
---@param run fellowship.Run
---@param seconds number
---@param data string the datasets, as the command line names them
---@return string[]
function summary.lines(run, seconds, data)
  local failures = run.failures
  local calls = { ("%d made"):format(stats.made), ("%d from the store"):format(stats.stored) }
  local troubles = counts.troubles()
  table.move(troubles, 1, #troubles, #calls + 1, calls)
  local lines = {
    ("%s done%s in %s"):format(text.count(run.done, "row"),
      failures.count > 0 and (", %d failed (%s)"):format(failures.count, failures:by_kind()) or "",
      seconds < 60 and ("%.1f s"):format(seconds) or counts.duration(seconds)),
    ("  calls    %s; %s; %s"):format(table.concat(calls, ", "), counts.tokens(), counts.cost()),
  }
  for i, line in ipairs(spent_table()) do lines[#lines + 1] = (i == 1 and "  spent    " or "           ") .. line end
  lines[#lines + 1] = ("  results  %s"):format(run.out)
  local stopped = settings.bounded and budget.stopped()
  if stopped then
    lines[#lines + 1] = "  stopped  " .. stopped.message
    lines[#lines + 1] = "           what is not complete ends in .partial; every answer is in the store"
  end
  if stopped and failures.count == 0 then return lines end
  if run.done + failures.count == 0 then
    lines[#lines + 1] = ("  there was no row to work on; is the dataset (%s) empty?"):format(data)
  end
  if failures.count > 0 then
    lines[#lines + 1] = ("  failed   %s; the same command again tries just those"):format(failures.path)
    for i, step in ipairs(next_steps(failures)) do
      lines[#lines + 1] = (i == 1 and "  next     " or "           ") .. step
    end
  elseif stats.simulated then
    lines[#lines + 1] = "  next     these answers are sim's; name real models for real ones"
  end
  return lines
end

return summary
