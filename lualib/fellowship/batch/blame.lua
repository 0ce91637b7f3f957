-- A batch that was refused at validation may be so for a few of its lines: those calls are sent alone, where a refusal is
-- theirs, and the others again.

local failure = require "fellowship.provider.failure"
local calls = require "fellowship.batch.calls"
local requests = require "fellowship.call.request"

local blame = {}

local function no_header() end

-- When so many lines from the first one on are refused, or half of all, the fault is not theirs; nor when lines are
-- refused so many times without a batch that is taken.
local PREFIX, TIMES = 20, 4

--- Whether the refusals of lines are of some of them, and not of what they have in common.
local function is_of_some(b, lines)
  local count, prefix = 0, 0
  for _ in pairs(lines) do count = count + 1 end
  while lines[prefix + 1] do prefix = prefix + 1 end
  return count * 2 <= b.calls and prefix < PREFIX
end

--- Tells the calls of a refused batch which of them it is about. False when that is not known: then it is about all.
---@param b table of fellowship.batch.ledger, with `numbers`: lines by digests
---@param lines? table<integer, string> what was said of which lines, from 1
---@param said string what was said of the batch
---@return boolean
function blame.some(b, lines, said)
  if not (lines and b.numbers) or b.calls < 2 or not is_of_some(b, lines) then return false end
  local flights, named = calls.of(b), false
  for _, flight in ipairs(flights) do named = named or lines[b.numbers[flight.digest]] ~= nil end
  local lane = calls.lane(b.resolved)
  lane.blamed = (lane.blamed or 0) + 1
  if not named or lane.blamed > TIMES then return false end
  local others = { verdict = "retry", kind = "batch",
    message = ("the batch was refused for other calls: %s"):format(said) }
  for _, flight in ipairs(flights) do
    local words = lines[b.numbers[flight.digest]]
    local outcome = words and failure.outcome(400, no_header, { message = words })
    if outcome and flight.prepared and requests.learns(flight, flight.prepared, outcome) then
      calls.deliver_failure(flight, outcome, true)
    elseif outcome then
      flight.alone = true
      calls.give_back(flight, outcome)
    else
      calls.give_back(flight, others)
    end
  end
  return true
end

return blame
