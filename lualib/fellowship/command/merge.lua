-- `fellowship merge`: puts the shards of a submitted run together. Their stores become one, and the whole run is done
-- once more from that: so its results are those of one machine.

local json = require "fellowship.core.json"
local host = require "fellowship.core.host"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local text = require "fellowship.base.text"
local claims = require "fellowship.cluster.claims"
local job = require "fellowship.cluster.job"
local ledger = require "fellowship.cluster.ledger"
local served = require "fellowship.cluster.served"
local shard = require "fellowship.cluster.shard"
local options = require "fellowship.command.options"
local recording = require "fellowship.command.store.recording"
local setup = require "fellowship.command.setup"

local merge = {}

local FAILED, ROWS_FAILED, INTERRUPTED = 1, 3, 130

-- So many missing shards are named.
local NAMED = 20

--- The options of `fellowship merge`.
---@return fellowship.Option[]
function merge.options()
  return {
    { "dir", type = "string", required = true, positional = true, metavar = "DIR",
      help = "the folder of the results, or OUT/submit" },
    { "more", type = "string", many = true, positional = true, metavar = "DIR",
      help = "the same, where parts of the run were worked on apart from each other" },
    { "offline", type = "flag", help = "ask nothing, also not for rows that failed" },
    { "partial", type = "flag", help = "though shards are missing: their rows are asked for here" },
  }
end

-- ---- what there is ----

--- The submissions: parts of one and the same run.
local function read_all(values)
  local list = { job.read(values.dir) }
  for i, folder in ipairs(values.more or {}) do
    local other = job.read(folder)
    if json.canonical(other.arguments) ~= json.canonical(list[1].arguments) or other.shards ~= list[1].shards then
      setup.usage("%s holds another run, or other shards of it, than %s", folder, values.dir)
    end
    list[i + 1] = other
  end
  return list
end

--- Shards that are done nowhere, and how many rows failed in those that are.
local function look(jobs)
  local done, failed, missing = {}, 0, {}
  for _, one in ipairs(jobs) do
    local claimed = claims.open(one)
    for number, state in ipairs(claimed:look()) do
      if state.done and not done[number] then
        done[number] = true
        failed = failed + (math.tointeger(claimed:facts(number).failed) or 0)
      end
    end
  end
  for number = 1, jobs[1].shards do
    if not done[number] then missing[#missing + 1] = number end
  end
  return missing, failed
end

local function refuse(jobs, missing)
  local named = table.concat(missing, ", ", 1, math.min(NAMED, #missing))
  if #missing > NAMED then named = ("%s and %d more"):format(named, #missing - NAMED) end
  errors.raise { kind = "data", message = ("%s of %d not done: %s. `%s work %s` does them here, `fellowship submit` as "
    .. "before; `merge --partial` asks for their rows now"):format(text.count(#missing, "shard is", "shards are"),
    jobs[1].shards, named, host.program, jobs[1].folder) }
end

-- ---- the stores ----

--- Takes what can be read of a store that is damaged.
local function salvage(path, into, tell)
  local kept = into .. ".salvaged.jsonl"
  local well, count = pcall(recording.export, path, kept)
  if not well then
    sys.remove(kept)
    return 0, errors.text(errors.from(count))
  end
  local added = recording.import({ kept }, into)
  sys.remove(kept)
  tell(("%s is damaged: %s could be read"):format(path, text.count(count, "completion")))
  return added
end

--- Puts a shard's store into the one of all; what cannot be read is told, and its calls are asked anew.
local function take_store(path, into, tell)
  local well, added, known = pcall(recording.import, { path }, into)
  if well then return added, known, true end
  local problem
  added, problem = salvage(path, into, tell)
  if problem then tell(("%s cannot be read: %s"):format(path, problem)) end
  return added, 0, false
end

--- Puts all stores into one, in the order of the shards.
local function take_stores(jobs, into, tell)
  local added, known, sound = 0, 0, true
  for _, one in ipairs(jobs) do
    for _, name in ipairs(sys.list(one:path "stores") or {}) do
      if name:find "%.db$" or name:find "%.jsonl%.zst$" then
        local more, again, well = take_store(one:path("stores/%s", name), into, tell)
        added, known, sound = added + more, known + again, sound and well
      end
    end
  end
  tell(("%s from %s; %d were there"):format(text.count(added, "completion"), text.count(jobs[1].shards, "shard"),
    known))
  return sound
end

-- ---- the run ----

local function call(main, store, more, env)
  local arguments = table.move(main.arguments, 1, #main.arguments, 1, {})
  table.move({ "--out", main.out, "--store", store, table.unpack(more) }, 1, 4 + #more, #arguments + 1, arguments)
  local status, why = shard.call(arguments, { shared = true, folder = main.cwd, env = env })
  if not status then errors.raise { kind = "script", message = "the run was ended: " .. why } end
  return status
end

--- With the models: rows that failed are tried again.
local function call_live(main, store)
  local spending = ledger.open(main, "merge")
  local grant = spending and spending:take(1)
  if spending and not grant then return nil end
  local server <close> = served.start(main, "merge")
  local status = call(main, store, grant and ledger.options(grant) or {}, server and served.environment(server.url))
  if grant then
    local record = json.decode(require "fellowship.base.file".read(main.out .. "/run.json") or "")
    local budget = type(record) == "table" and type(record.budget) == "table" and record.budget or nil
    if budget then spending:give_back(grant, { cost = tonumber(budget.cost), calls = math.tointeger(budget.calls) }) end
  end
  return status
end

--- Makes the results: from the store alone where all is there, else with the models.
local function make_results(main, store, values, complete, tell)
  if complete or values.offline then
    local status = call(main, store, { "--offline" }, shard.without_server(main))
    if status ~= ROWS_FAILED or values.offline or host.interrupt_told() then return status end
  end
  tell "rows that failed, or lack calls, are tried again"
  local status = call_live(main, store)
  if status then return status end
  tell "nothing is left of the budget: they stay failed"
  return call(main, store, { "--offline" }, shard.without_server(main))
end

--- Runs `fellowship merge ARGUMENTS`.
---@param arguments string[]
---@return integer status
function merge.run(arguments)
  local values, problem = options.read(merge.options(), arguments)
  if not values then setup.usage("%s (fellowship merge --help shows the options)", problem) end
  local tell = setup.teller(false)
  local jobs = read_all(values)
  local main = jobs[1]
  local missing, failed = look(jobs)
  if #missing > 0 and not values.partial then refuse(jobs, missing) end
  local store = main.store or main:path "store.db"
  local sound = take_stores(jobs, store, tell)
  if host.interrupt_told() then return INTERRUPTED end
  local status = make_results(main, store, values, sound and failed == 0 and #missing == 0, tell)
  return status or FAILED
end

return merge
