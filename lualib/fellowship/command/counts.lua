-- Numbers of a run for people: 1.2k, 0:42, what calls and tokens there were.

local lazy = require "fellowship.base.lazy"
local budget = lazy "fellowship.money.budget"
local stats = require "fellowship.money.count"

local counts = {}

--- 950, 12.3k, 4.56M
---@param n number
---@return string
function counts.short(n)
  if n < 10000 then return ("%d"):format(n) end
  if n < 1e6 then return ("%.1fk"):format(n / 1e3) end
  return ("%.2fM"):format(n / 1e6)
end

--- 8 s, 1:40, 2:03:10
---@param seconds number
---@return string
function counts.duration(seconds)
  local s = math.floor(seconds + 0.5)
  if s < 60 then return ("%d s"):format(s) end
  if s < 3600 then return ("%d:%02d"):format(s // 60, s % 60) end
  return ("%d:%02d:%02d"):format(s // 3600, s // 60 % 60, s % 60)
end

--- A count a second, with as many digits as it is worth.
---@param rate number
---@return string
function counts.rate(rate)
  return (rate < 10 and "%.1f" or "%.0f"):format(rate)
end

--- "3 retries, 2 rate-limited, 1 failed": what went wrong with calls; empty when nothing did.
---@return string[]
function counts.troubles()
  local parts = {}
  if stats.retries > 0 then parts[#parts + 1] = ("%d retries"):format(stats.retries) end
  if stats.rate_limited > 0 then parts[#parts + 1] = ("%d rate-limited"):format(stats.rate_limited) end
  if stats.failed > 0 then parts[#parts + 1] = ("%d failed"):format(stats.failed) end
  return parts
end

--- "1.2M tokens in (40% cached), 340k out": of the calls made now.
---@return string
function counts.tokens()
  local sent, unknown = stats.known "prompt"
  local got = stats.known "completion"
  local note = unknown > 0 and (" (unknown for %d calls)"):format(unknown) or ""
  local cached = stats.known "cached"
  local share = cached > 0 and sent > 0 and (" (%.0f%% cached)"):format(100 * cached / sent) or ""
  return ("%s tokens in%s, %s out%s"):format(counts.short(sent), share, counts.short(got), note)
end

--- "$1.23", or that it is unknown: no price is no zero.
---@return string
function counts.cost()
  if stats.simulated and #stats.models == 1 then return "cost none (sim)" end
  local cost, untold = stats.total "cost", stats.untold()
  if stats.made == 0 and untold == 0 and cost == 0 then return "cost none" end
  local note = untold > 0 and (" (and %d attempts without an answer that may have been billed)"):format(untold) or ""
  return (cost and ("cost $%.4f"):format(cost) or "cost unknown") .. note
end

--- "$0.1234 of --max-cost 1, 12 of --max-calls 100": with what is reserved.
---@return string
function counts.budget()
  local spent, attempts = budget.spent()
  local parts = {}
  if budget.max_cost then parts[1] = ("$%.4f of --max-cost %s"):format(spent, budget.max_cost) end
  if budget.max_calls then parts[#parts + 1] = ("%d of --max-calls %d"):format(attempts, budget.max_calls) end
  return table.concat(parts, ", ")
end

return counts
