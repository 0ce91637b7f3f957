-- What progress says of batches. They are asked for only when a run has any.

local sys = require "fellowship.core.sys"
local counts = require "fellowship.command.counts"

local batch_progress = {}

-- More lines than these would fill the screen.
local SHOWN = 4

local function each()
  local batch = package.loaded["fellowship.batch"]
  return batch and batch.overview() or {}
end

local function age_of(b)
  local seconds = math.max(0, sys.time() - b.since) / 1000
  return seconds < 60 and "under a minute" or seconds < 7200 and ("%d min"):format(seconds // 60)
    or ("%.1f h"):format(seconds / 3600)
end

--- A line for each batch under way: "batch 2/3 openai:gpt-4o: in_progress, 340/500 done, 12 min".
---@return string[]
function batch_progress.lines()
  local lines = {}
  for i, b in ipairs(each()) do
    if i > SHOWN then
      lines[i] = ("and %d more batches"):format(#each() - SHOWN)
      break
    end
    lines[i] = ("batch %d/%d %s: %s, %s/%s done, %s"):format(b.number, b.total, b.named, b.status, counts.short(b.done),
      counts.short(b.calls), age_of(b))
  end
  return lines
end

--- The same in brief, for a line of facts; nil when there is no batch.
---@return string?
function batch_progress.brief()
  local all, done, total = each(), 0, 0
  if #all == 0 then return nil end
  for _, b in ipairs(all) do done, total = done + b.done, total + b.calls end
  local status = all[1].status
  for _, b in ipairs(all) do
    if b.status ~= status then status = "under way" end
  end
  return ("%d %s %s, %s/%s done"):format(#all, #all == 1 and "batch" or "batches", status, counts.short(done),
    counts.short(total))
end

return batch_progress
