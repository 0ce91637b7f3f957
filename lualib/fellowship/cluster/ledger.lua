-- What all tasks may spend together. Each takes a part before it spends it, and gives back what is left:
--
--     ledger/0000001    {"task":"3","calls":500}     granted
--     ledger/0000002    {"task":"3","calls":-120}    what was left of that
--
-- An entry is a file that is made once, with the next number: who makes it has read all before it, or is refused, and
-- reads on. So the sum of what is granted never exceeds the bound. A task that dies takes what it was granted with it:
-- nobody knows how much of that it spent.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"

local ledger = {}

-- Sums of money are whole numbers of this unit, USD / 10^12, as those of fellowship.money.budget.
local UNIT = 1e12

-- A task is granted a part of what is left so large that so many more could be: several tasks end at about the same
-- time, and the last of it goes in small parts.
local PARTS = 2

-- No part is smaller than this one of all, by tasks: else the last calls would each need one of their own.
local LEAST = 32

---@class fellowship.Grant
---@field cost? integer units
---@field calls? integer

---@class fellowship.Ledger
---@field job fellowship.Job
---@field known integer entries that were read
---@field package cost integer granted, units
---@field package calls integer
local Ledger = {}
Ledger.__index = Ledger

--- The ledger of a submission; nil when nothing is bounded.
---@param job fellowship.Job
---@param task string who takes and gives
---@return fellowship.Ledger?
function ledger.open(job, task)
  if not (job.max_cost or job.max_calls) then return nil end
  return setmetatable({ job = job, task = task, known = 0, cost = 0, calls = 0,
    max_cost = job.max_cost and math.floor(job.max_cost * UNIT + 0.5), max_calls = job.max_calls }, Ledger)
end

local function path_of(self, number)
  return self.job:path("ledger/%07d", number)
end

--- Reads what others have entered.
local function catch_up(self)
  while true do
    local text = file.read(path_of(self, self.known + 1))
    if not text then return end
    local entry = json.decode(text)
    if type(entry) ~= "table" then
      errors.raise { kind = "file", message = ("%s cannot be read: what may be spent is not known")
        :format(path_of(self, self.known + 1)) }
    end
    self.known = self.known + 1
    self.cost = self.cost + (math.tointeger(entry.cost) or 0)
    self.calls = self.calls + (math.tointeger(entry.calls) or 0)
  end
end

--- Makes the next entry; false when somebody else has.
local function enter(self, cost, calls)
  local made, problem = sys.create(path_of(self, self.known + 1), json.encode(json.object({ task = self.task,
    cost = cost, calls = calls }, { "task", "cost", "calls" })))
  if made or problem.held then return made or false end
  errors.raise { kind = "file", message = ("cannot enter what is spent: %s"):format(problem.message) }
end

--- What is left of a bound, and what of that a task may take.
local function part_of(most, granted, active, least)
  local left = most - granted
  if active == 1 then return left end
  return math.min(left, math.max((left + PARTS * active - 1) // (PARTS * active), most // (LEAST * active), least, 1))
end

--- Takes a part of what is left.
---@param active integer tasks that may want some
---@param least? fellowship.Grant at least so much, if it is there: a call may cost more than a usual part
---@return fellowship.Grant? nil when nothing is left
function Ledger:take(active, least)
  least = least or {}
  while true do
    catch_up(self)
    local cost = self.max_cost and part_of(self.max_cost, self.cost, active, least.cost or 0)
    local calls = self.max_calls and part_of(self.max_calls, self.calls, active, least.calls or 0)
    if (cost and cost <= 0) or (calls and calls <= 0) then return nil end
    if enter(self, cost, calls) then return { cost = cost or nil, calls = calls or nil } end
  end
end

--- Gives back what is left of a part.
---@param grant fellowship.Grant
---@param spent { cost: number?, calls: integer? } USD and calls
function Ledger:give_back(grant, spent)
  local cost = grant.cost and math.max(0, grant.cost - math.ceil((spent.cost or 0) * UNIT - 0.5))
  local calls = grant.calls and math.max(0, grant.calls - (spent.calls or 0))
  if (cost or 0) == 0 and (calls or 0) == 0 then return end
  repeat catch_up(self) until enter(self, cost and -cost, calls and -calls)
end

--- What is granted and was not given back: spent, or about to be.
---@return number cost USD
---@return integer calls
function Ledger:granted()
  catch_up(self)
  return self.cost / UNIT, self.calls
end

--- A part as options of the command line.
---@param grant fellowship.Grant
---@return string[]
function ledger.options(grant)
  local list = {}
  if grant.cost then table.move({ "--max-cost", ("%.12f"):format(grant.cost / UNIT) }, 1, 2, 1, list) end
  if grant.calls then table.move({ "--max-calls", tostring(grant.calls) }, 1, 2, #list + 1, list) end
  return list
end

return ledger
