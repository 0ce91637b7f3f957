-- Failures that end a run, or of tasks that nobody awaited: how they are told, and the exit status that they mean.

local errors = require "fellowship.base.errors"
local lazy = require "fellowship.base.lazy"
local say = require "fellowship.base.say"
local text = require "fellowship.base.text"
local failures = lazy "fellowship.command.failures"

local fatal = {}

local FAILED = 1
local STATUSES = { usage = 2, budget = 4, nothing = 5 }

-- So many different failures of tasks are told whole; more of them say nothing new.
local SHOWN = 10

--- The exit status that a failure means.
---@param value any what was raised
---@return integer
function fatal.status(value)
  return errors.is(value) and STATUSES[value.kind] or FAILED
end

--- Failures that the message explains whole; others are a script's mistakes and show where.
local function is_plain(e)
  return errors.is(e) and (e.kind ~= "script" or e.fatal)
end

--- Leaves out how the library came to call a script, which says nothing of the script.
local function of_the_script(traceback)
  local last
  for from, frame in traceback:gmatch "\n()%s+([^\n]+)" do
    local is_ours = frame:find("lualib/fellowship/", 1, true) or frame:find "^%[C%]" or frame:find "^%("
    if not is_ours then last = from + #frame end
  end
  local cut = last and traceback:find("\n", last, true)
  return cut and traceback:sub(1, cut - 1) or traceback
end

--- Whether a disk, or one's part of it, is full.
local function is_full(e)
  local said = tostring(e.message)
  return said:find "No space left" or said:find "[Qq]uota exceeded" or said:find "disk full"
end

--- Says below the message of a failure where it happened and what helps. The command line that is wrong is no place in a
--- script, and a budget is reached wherever a script is.
local function tell_facts(e, traceback)
  if STATUSES[e.kind] then return end
  local facts = failures.facts(e, traceback)
  if facts ~= "" then say.err("  ", facts, "\n") end
  local advice = e.model and e.attempts and failures.advice(e.kind)
    or is_full(e) and "make room, and run the same command again: it asks for nothing that the store has"
  if advice then say.err("  ", advice, "\n") end
end

--- Says a failure: its message, and where it happened and what helps, or the script's lines.
---@param value any what was raised
---@param traceback string
function fatal.tell(value, traceback)
  say.note(errors.text(value))
  if is_plain(value) then tell_facts(value, traceback)
  elseif traceback ~= "" then say.err(of_the_script(traceback), "\n") end
end

--- Failures of tasks by what they say, the numbers in it apart, ordered by that: tasks have no order of their own.
---@param failed { [1]: any, [2]: string }[] what was raised and its traceback, as task.unobserved gives them
---@return { value: any, traceback: string, said: string, count: integer }[]
function fatal.alike(failed)
  local groups, by_text = {}, {}
  for _, one in ipairs(failed) do
    local said = errors.text(one[1])
    local key = errors.is(one[1], "budget") and "" or said:gsub("%d+", "0")
    local group = by_text[key]
    if not group then
      group = { value = one[1], traceback = one[2] or "", said = said, count = 0 }
      groups[#groups + 1], by_text[key] = group, group
    end
    group.count = group.count + 1
    if said < group.said then group.value, group.traceback, group.said = one[1], one[2] or "", said end
  end
  table.sort(groups, function(x, y) return x.said < y.said end)
  return groups
end

--- Tells the failures of tasks that nobody awaited, equal ones once. Called by the host when a run has ended.
---@param failed { [1]: any, [2]: string }[]
---@return integer status 0 where there are none
function fatal.unawaited(failed)
  local groups, status = fatal.alike(failed), 0
  for i, group in ipairs(groups) do
    local means = fatal.status(group.value)
    if status == 0 or means == STATUSES.budget then status = means end
    if i <= SHOWN then
      fatal.tell(group.value, group.traceback)
      if group.count > 1 and means ~= STATUSES.budget then say.note(("%d tasks failed so"):format(group.count)) end
    end
  end
  if #groups > SHOWN then say.note(("tasks failed in %s more"):format(text.count(#groups - SHOWN, "way"))) end
  return status
end

return fatal
