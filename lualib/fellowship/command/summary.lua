-- What a run says at its end: how many rows, what failed and why, where the results are, what to do next.

local sys = require "fellowship.core.sys"
local text = require "fellowship.base.text"
local stats = require "fellowship.money.count"
local counts = require "fellowship.command.counts"
local failures = require "fellowship.command.failures"
local lazy = require "fellowship.base.lazy"
local record = lazy "fellowship.command.record"
local spent_table = require "fellowship.command.spent_table"
local budget = lazy "fellowship.money.budget"
local settings = require "fellowship.call.settings"

local summary = {}

-- Columns of a table in a pipe, and the most that a summary takes of a terminal.
local WIDTH, WIDEST = 80, 100

-- Columns before what a part of it says.
local MARGIN = 11

-- Messages of failures that are shown, and characters of each.
local MESSAGES, MESSAGE = 5, 200

--- Lines of advice, by how many rows each would help.
local function next_steps(counted)
  local found = {}
  for kind in pairs(counted.kinds) do found[#found + 1] = kind end
  table.sort(found, function(x, y)
    if counted.kinds[x] ~= counted.kinds[y] then return counted.kinds[x] > counted.kinds[y] end
    return x < y
  end)
  local lines = {}
  for _, kind in ipairs(found) do
    local advice = failures.advice(kind)
    if advice then lines[#lines + 1] = ("%s: %s"):format(kind, advice) end
  end
  return lines
end

--- Adds a part of the summary: its title before the first line, the others below it, folded to the width.
local function add(lines, title, said, width)
  for i, one in ipairs(said) do
    local indent, rest = one:match "^( *)(.*)$"
    for n, line in ipairs(text.wrap(rest, math.tointeger(width - MARGIN - #indent - 2) or math.maxinteger)) do
      local head = i == 1 and n == 1 and title or ""
      lines[#lines + 1] = ("  %-8s %s%s%s"):format(head, indent, n > 1 and "  " or "", line)
    end
  end
end

--- What failed: where it is kept, and the messages that came more than once.
local function failed_lines(failed)
  local lines = { failed.path and ("%s; the same command again tries just those"):format(failed.path)
    or text.count(failed.count, "row") }
  local repeated = failed:repeated()
  for i = 1, math.min(#repeated, MESSAGES) do
    local found = repeated[i]
    lines[#lines + 1] = ("%d rows alike, the first %s: %s"):format(found.count, tostring(found.id),
      text.cut((found.message:gsub("%s+", " ")), MESSAGE))
  end
  if #repeated > MESSAGES then lines[#lines + 1] = ("and %d more messages"):format(#repeated - MESSAGES) end
  return lines
end

local function calls_line(run)
  local calls = { ("%d made"):format(stats.made), ("%d from the store"):format(stats.stored) }
  local troubles = counts.troubles()
  table.move(troubles, 1, #troubles, #calls + 1, calls)
  local said = ("%s; %s; %s"):format(table.concat(calls, ", "), counts.tokens(), counts.cost())
  local all = run.before and record.all_runs(run)
  if not all or type(all.cost) ~= "number" or all.cost == 0 then return said end
  return ("%s ($%.4f in all %d runs)"):format(said, all.cost, all.runs)
end

--- What became of results that an earlier run left, and of this one's.
local function kept_line(run)
  return ("%s, as it was: its %s stay, since this run did %d, whose files end in .partial (--force puts them there)")
    :format(run.out, text.count(run.finished.done, "row"), run.done)
end

local function add_stop(lines, stopped, width)
  add(lines, "stopped", { stopped.message,
    "what is not complete ends in .partial; every answer is in the store" }, width)
end

--- Why a run had no row: it asked for none of them, its part has none, or there are none.
local function why_none(values, data)
  if values.limit == 0 then return "--limit 0 takes none" end
  data = data == "-" and "standard input" or data
  if values.shard then return ("there are none in this part (--shard) of %s"):format(data) end
  return ("is the dataset (%s) empty?"):format(data)
end

--- Columns that a table may take.
---@return integer
function summary.width()
  return math.min(sys.terminal(2) or WIDTH, WIDEST)
end

--- The lines, without the program's name.
---@param run fellowship.Run
---@param seconds number
---@param data string the datasets, as the command line names them
---@return string[]
function summary.lines(run, seconds, data)
  local failed, width = run.failures, sys.terminal(2) and summary.width() or math.huge -- a log's lines are found by grep
  local worked = run.done + failed.count > 0 or run.out
  local lines = { ("%s%s in %s"):format(worked and text.count(run.done, "row") .. " done" or run.name,
    failed.count > 0 and (", %d failed (%s)"):format(failed.count, failed:by_kind()) or "",
    seconds < 60 and ("%.1f s"):format(seconds) or counts.duration(seconds)) }
  local came_out, warnings = run.outcome:lines(run.done)
  add(lines, "outcome", { #came_out > 0 and table.concat(came_out, "; ") or nil }, width)
  add(lines, "warning", warnings, width)
  if #stats.models > 0 then add(lines, "calls", { calls_line(run) }, width) end
  add(lines, "spent", spent_table(summary.width() - MARGIN), math.huge)
  if run.out then add(lines, "results", { run.kept and kept_line(run) or run.out }, run.kept and width or math.huge) end
  local stopped = settings.bounded and budget.stopped()
  if stopped then add_stop(lines, stopped, width) end
  if stopped and failed.count == 0 then return lines end
  if run.done + failed.count == 0 and data ~= "" then
    lines[#lines + 1] = "  there was no row to work on; " .. why_none(run.options, data)
  end
  if failed.count > 0 then
    add(lines, "failed", failed_lines(failed), width)
    add(lines, "next", next_steps(failed), width)
  elseif stats.simulated then
    add(lines, "next", { "these answers are sim's; name real models for real ones" }, width)
  end
  return lines
end

return summary
