#!/usr/bin/env fellowship
-- Claims, ledgers and schedulers' numbers, without processes: what one sees, and what many do at once.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local child = require "child"
local tap = require "tap"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local beat = require "fellowship.cluster.beat"
local claims = require "fellowship.cluster.claims"
local job = require "fellowship.cluster.job"
local ledger = require "fellowship.cluster.ledger"
local scheduler = require "fellowship.cluster.scheduler"
local slurm = require "fellowship.cluster.slurm"

local ok, is, like, raises = tap.ok, tap.is, tap.like, tap.raises

local count = 0
local function submission(more)
  count = count + 1
  local given = { arguments = { "run", "judge" }, folder = ("%s/all-%d/submit"):format(child.folder, count),
    out = ("%s/all-%d"):format(child.folder, count), cwd = child.folder, shards = 4, tasks = 2, round = 1, lease = 1,
    grace = 120 }
  for key, value in pairs(more or {}) do given[key] = value end
  return job.write(given)
end

local function never() return false end
local function always() return true end

-- schedulers ---------------------------------------------------------------------------------------

local function shard(environment, n)
  local value, problem = scheduler.shard(function(name) return environment[name] end, n)
  return value and ("%d/%d"):format(value[1], value[2]) or problem
end

is(shard { SLURM_ARRAY_TASK_ID = "3", SLURM_ARRAY_TASK_MIN = "0", SLURM_ARRAY_TASK_MAX = "7" }, "4/8", "Slurm from 0")
is(shard { SLURM_ARRAY_TASK_ID = "8", SLURM_ARRAY_TASK_MIN = "1", SLURM_ARRAY_TASK_MAX = "8" }, "8/8", "Slurm from 1")
is(shard { SLURM_ARRAY_TASK_ID = "5", SLURM_ARRAY_TASK_MIN = "1", SLURM_ARRAY_TASK_MAX = "9",
  SLURM_ARRAY_TASK_STEP = "2" }, "3/5", "Slurm in steps")
is(shard({ JOB_COMPLETION_INDEX = "0" }, 8), "1/8", "Kubernetes counts from 0")
is(shard({ JOB_COMPLETION_INDEX = "7" }, 8), "8/8", "to one less")
like(shard { JOB_COMPLETION_INDEX = "7" }, "auto/N", "and tells no number of tasks")
is(shard({ PBS_ARRAY_INDEX = "8" }, 8), "8/8", "PBS from 1")
like(shard({ PBS_ARRAY_INDEX = "0" }, 8), "task 0 of 8", "not from 0")
is(shard { SGE_TASK_ID = "9", SGE_TASK_FIRST = "1", SGE_TASK_LAST = "9", SGE_TASK_STEPSIZE = "4" }, "3/3", "Grid Engine")
like(shard { SGE_TASK_ID = "undefined" }, "wants a scheduler's array", "whose other jobs are none")
like(shard({ SLURM_ARRAY_TASK_ID = "9", SLURM_ARRAY_TASK_MIN = "1", SLURM_ARRAY_TASK_MAX = "9" }, 8), "task 9 of 8",
  "a number past the given count")
like(shard { SLURM_ARRAY_TASK_ID = "1", SLURM_ARRAY_TASK_MAX = "x" }, "auto/N", "what is no number is none")

-- claims -------------------------------------------------------------------------------------------

do
  local one = submission()
  local a, b = claims.open(one), claims.open(one)
  is(a:next(1, { task = "1" }, always), 1, "the first of them takes shard 1")
  local number, claim = b:next(1, { task = "2" }, always)
  is(number, 2, "the second the next")
  b:give_back(number, claim, "drained", {})
  a:look()
  is(table.concat({ a:next(1, { task = "1" }, always) }, " "), "2 2", "what is given back is taken a second time")
  is(a:next(1, { task = "1" }, always), 3, "then the third")
  is(a:next(1, { task = "1" }, always), 4, "and the fourth")
  is(b:next(1, { task = "2" }, always), nil, "and none is left while their tasks live")
  is(table.concat({ b:next(1, { task = "2" }, never) }, " "), "1 2", "that of a dead task is taken")
  ok(not a:stands(1, 1) and b:stands(1, 2), "who was thought dead finds so")
  a:finish(2, { rows = 3 })
  a:finish(2, { rows = 4 })
  is(b:facts(2).rows, 3, "a shard is done once")
  for i = 1, 3 do
    number, claim = b:next(3, { task = "2" }, never)
    is(number, 3, ("shard 3 is tried for the %d. time"):format(i))
    b:give_back(number, claim, "failed", {})
  end
  ok(b:next(3, { task = "2" }, never) ~= 3, "and then left alone")
  is(#a:counts().failed, 1, "which is told")
  one.round = 2
  is(claims.open(one):next(3, { task = "2" }, never), 3, "until the run is submitted again")
end

-- Many who take at once, in any order: each claim has one maker.
do
  local one = submission { shards = 50 }
  local takers, taken = {}, {}
  for i = 1, 8 do takers[i] = claims.open(one) end
  for _, taker in ipairs(takers) do taker:look() end
  for number = 1, 50 do
    for i, taker in ipairs(takers) do
      local claim = taker:take(number, { task = tostring(i) })
      if claim == 1 then taken[number] = (taken[number] or 0) + 1 end
    end
  end
  local once = true
  for number = 1, 50 do once = once and taken[number] == 1 end
  ok(once, "of eight who saw a shard free, one takes it")
end

-- life ---------------------------------------------------------------------------------------------

do
  local one = submission { lease = 0.2 }
  local first, second = beat.open(one, "1"), beat.open(one, "2")
  local watch = beat.watch(one, second)
  ok(watch:alive(first:owner()), "who is first seen is thought to live")
  for _ = 1, 4 do
    task.sleep(0.1)
    first:write()
    if not watch:alive(first:owner()) then ok(false, "who says something lives") end
  end
  task.sleep(0.25)
  ok(not watch:alive(first:owner()), "who is silent for a lease is dead")
  local again = beat.open(one, "1")
  ok(not watch:alive(first:owner()), "who was begun again is dead at once")
  ok(watch:alive(again:owner()) and not first:stands() and again:stands(), "and who came in its place lives")
  ok(not beat.watch(one, again):alive(first:owner()), "which knows so itself")
  is(watch:active(), 2, "two tasks share the rates")
  again:finish()
  is(watch:active(), 1, "one, when the other has ended")
  ok(not watch:alive(again:owner()), "who has ended has no claim")
  ok(beat.open(one, "1").again, "who comes back knows that others thought it had ended")
  is(watch:active(), 2, "and shares again")
end

-- budgets ------------------------------------------------------------------------------------------

do
  local one = submission { max_calls = 1000, max_cost = 2.5 }
  math.randomseed(20)
  local books, held, spent, spent_cost = {}, {}, 0, 0
  for i = 1, 5 do books[i] = ledger.open(one, tostring(i)) end
  local well, ended = true, 0
  for _ = 1, 400 do
    local i = math.random(5)
    if held[i] then
      local calls = math.random(0, held[i].calls)
      local cost = math.random() * held[i].cost / 1e12
      spent, spent_cost = spent + calls, spent_cost + cost
      books[i]:give_back(held[i], { calls = calls, cost = cost })
      held[i] = nil
    else
      held[i] = books[i]:take(5)
      if not held[i] then ended = ended + 1 end
    end
    local cost, calls = books[math.random(5)]:granted()
    well = well and calls <= 1000 and cost <= 2.5 and spent <= calls and spent_cost <= cost + 1e-9
  end
  ok(well, "never is more granted, or spent, than there is")
  ok(ended > 0, "and at last nothing is left")
  one.max_calls, one.max_cost = 2000, 5
  ok(ledger.open(one, "6"):take(5), "until the bound is higher")
  one = submission { max_calls = 7 }
  is(ledger.open(one, "1"):take(1).calls, 7, "the last task gets all")
  is(ledger.open(one, "2"):take(1), nil, "once")
  is(table.concat(ledger.options { cost = 1500000000000, calls = 7 }, " "), "--max-cost 1.500000000000 --max-calls 7",
    "a part as options")
  assert(sys.create(one:path "ledger/0000002", "no json"))
  raises("cannot be read", "a ledger that cannot be read grants nothing", function() ledger.open(one, "3"):take(1) end)
end

-- scripts ------------------------------------------------------------------------------------------

do
  local one = submission { sbatch = "--gres=gpu:1 --time 4:00:00 -p gpu", cwd = "/home/a b",
    arguments = { "run", "judge", "--model", "it's" } }
  local path, merging = slurm.write(one)
  local file <close> = assert(io.open(path))
  local text = file:read "a"
  for _, part in ipairs { "#!/bin/bash\n#SBATCH --job-name=fellowship-all", "#SBATCH --array=1-2\n",
    "\n#SBATCH --gres=gpu:1\n#SBATCH --time 4:00:00\n#SBATCH -p gpu\n", "\ncd '/home/a b' || exit 1\n",
    "--model 'it'\\''s'", "#SBATCH --signal=B:USR1@120\n", "SLURM_ARRAY_TASK_ID" } do
    ok(text:find(part, 1, true), "the script has " .. part:gsub("\n", " "), text)
  end
  ok(sys.kind(merging) == "file", "and there is one for the end")
end
tap.done()
