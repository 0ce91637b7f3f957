--- How the time of a function on the processor grows with what it is given. No bound here is one in seconds: a loaded
--- machine, or a sanitizer, makes everything slower, the small and the large alike.
local growth = {}

local NOTHING = 0.01 -- seconds too short to compare
local ENOUGH = 5     -- seconds for the small one, after which the large one is not waited for
local TRIES = 6      -- pairs, of which one that grows gently is enough: something else may have been in the way

--- Seconds on the processor, without the collector, which comes when it likes. Errors are for other tests.
---@param fn fun(given: any)
---@param given any
---@return number
local function seconds(fn, given)
  collectgarbage "stop"
  local since = os.clock()
  pcall(fn, given)
  local took = os.clock() - since
  collectgarbage "restart"
  if collectgarbage "count" > 100000 then collectgarbage() end
  return took
end

--- Nothing where the function grows more gently than by the power 1.5 (a square is the power 2); else what was seen.
---@param fn fun(given: any)
---@param small any what it is given first
---@param large any the same, `times` as large
---@param times number
---@return string|nil problem
---@return number longest seconds that the large one took, for the eye alone
function growth.problem(fn, small, large, times)
  local first, second, longest = nil, nil, 0
  for _ = 1, TRIES do
    first = seconds(fn, small)
    if first > ENOUGH then return ("%.1f s for the small one"):format(first), first end
    second = seconds(fn, large)
    longest = math.max(longest, second)
    if second < NOTHING or second <= times ^ 1.5 * first then return nil, longest end
  end
  return ("%.4f s, then %.4f s for %g times as much"):format(first, second, times), longest
end

--- The same of a text that goes on and on: the unit without end, in two lengths.
---@param fn fun(text: string)
---@param unit string
---@param small integer bytes
---@param large integer bytes
---@return string|nil problem
---@return number longest
function growth.of_text(fn, unit, small, large)
  return growth.problem(fn, unit:rep(small // #unit), unit:rep(large // #unit), large / small)
end

return growth
