-- A run: one script over one dataset into one folder. What its script sees as `run`.

local host = require "fellowship.core.host"
local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local text = require "fellowship.base.text"
local flow = require "fellowship.flow"
local prices = require "fellowship.model.prices"
local stats = require "fellowship.model.stats"
local rows = require "fellowship.dataset.rows"
local writer = require "fellowship.dataset.writer"
local failures = require "fellowship.command.failures"
local progress = require "fellowship.command.progress"
local setup = require "fellowship.command.setup"

local run = {}

---@class fellowship.Run
---@field options table<string, any> the command's options, by name
---@field out string the folder of the results
---@field simulated boolean whether sim was asked
local Run = {}
Run.__index = Run

local function now()
  return os.date("!%Y-%m-%dT%H:%M:%SZ")
end

-- ---- identity ----

--- Files stand for what they hold, wherever they lie; standard input for itself.
local function contents_of(name, value)
  if type(value) == "table" then
    local list = {}
    for i, path in ipairs(value) do list[i] = contents_of(name, path) end
    return list
  end
  return value == "-" and value or "sha256:" .. setup.file_digest(name, value)
end

--- What makes two runs the same one: script, data, and the options that change results.
local function identity_of(script, values)
  local parts = { script = script.name }
  for _, option in ipairs(script.declared) do
    local name, value = option[1], values[option[1]]
    if name ~= "out" and option.result ~= false and value ~= nil then
      local is_file = option.type == "data" or option.type == "file" or (option.files and value:match "%.lua$")
      parts["--" .. name] = is_file and contents_of(name, value) or value
    end
  end
  return parts
end

--- Names of the parts in which two identities differ.
local function differences(ours, theirs)
  local names, seen = {}, {}
  for _, side in ipairs { ours, theirs } do
    for name in pairs(side) do
      if not seen[name] and json.canonical { ours[name] } ~= json.canonical { theirs[name] } then
        names[#names + 1] = name
      end
      seen[name] = true
    end
  end
  table.sort(names)
  return table.concat(names, ", ")
end

local function read_file(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local content = file:read "a"
  file:close()
  return content
end

--- Refuses a folder that holds another run, unless --force.
local function check_folder(self)
  local written = read_file(self.out .. "/run.json")
  local before = written and json.decode(written)
  if not before or type(before.identity) ~= "table" or self.options.force then return end
  local differing = differences(self.identity, before.identity)
  if differing == "" then return end
  setup.usage("%s holds the results of another run (%s); it differs in: %s. Give another --out, or --force "
    .. "to write over it", self.out, tostring(before.identity.script), differing)
end

--- Holds the folder for this process.
local function lock_folder(self)
  local problem
  self.lock, problem = sys.lock(self.out)
  if self.lock then return end
  if problem.held then
    setup.usage("another fellowship is writing into %s; wait for it, or give another --out", self.out)
  end
  errors.raise { kind = "file", message = ("cannot use the folder %s: %s"):format(self.out, problem.message) }
end

-- ---- run.json ----

local RECORD_KEYS = { "fellowship", "status", "command", "script", "script_sha256", "identity", "models",
  "simulated", "seed", "started", "ended", "rows", "calls", "attempts", "tokens", "cost", "spent",
  "prices", "error" }

local TOKEN_KEYS = { "prompt", "cached", "completion", "reasoning" }

--- Tokens of the calls made now; null where a provider did not tell.
local function tokens()
  local counts = {}
  for _, name in ipairs(TOKEN_KEYS) do counts[name] = stats.total(name) or json.null end
  return json.object(counts, TOKEN_KEYS)
end

--- USD of the calls made now; null where a price or a count of tokens is not known.
local function cost()
  return stats.total "cost" or json.null
end

local SPENT_KEYS = { "model", "calls", "tokens", "cost" }

--- What each model took: { model, calls, tokens, cost } of the calls made now.
local function spent()
  local list = {}
  for _, named in ipairs(stats.models) do
    local sums = stats.spent[named]
    if sums then
      local counts = {}
      for _, name in ipairs(TOKEN_KEYS) do
        counts[name] = (sums.unknown[name] or 0) == 0 and sums[name] or json.null
      end
      list[#list + 1] = json.object({ model = named, calls = sums.calls, tokens = json.object(counts, TOKEN_KEYS),
        cost = sums.unknown.cost == 0 and sums.cost or json.null }, SPENT_KEYS)
    end
  end
  return json.array(list)
end

local function calls()
  return json.object({ made = stats.made, stored = stats.stored, failed = stats.failed },
    { "made", "stored", "failed" })
end

local function record(self, status, problem)
  self:save("run.json", json.object({
    fellowship = host.version, status = status, command = json.array(self.command),
    script = self.script.name, script_sha256 = self.script.digest, identity = self.identity,
    models = json.array(stats.models), simulated = stats.simulated, seed = self.options.seed,
    started = self.started, ended = status ~= "running" and now() or nil,
    rows = json.object({ done = self.done, failed = self.failures.count }, { "done", "failed" }),
    calls = calls(), attempts = stats.attempts, tokens = tokens(), cost = cost(),
    spent = spent(), prices = prices.date, error = problem }, RECORD_KEYS))
end

-- ---- beginning and end ----

--- Opens a run: checks the folder, notes what is run, and begins to show progress.
---@param script { name: string, digest: string, declared: fellowship.Option[] }
---@param values table<string, any>
---@param command string[] the command line
---@return fellowship.Run
function run.open(script, values, command)
  for i, word in ipairs(command) do command[i] = text.valid(word) end -- names of files may be any bytes
  local self = setmetatable({ script = script, options = values, command = command, out = values.out:gsub("/+$", ""),
    done = 0, started = now(), clock = sys.time() }, Run)
  if self.out == "" then self.out = "/" end
  self.tell = setup.teller(values.quiet)
  self.identity = identity_of(script, values)
  local made, problem = sys.mkdir(self.out)
  if not made then
    errors.raise { kind = "file", message = ("cannot make the folder %s: %s"):format(self.out, problem.message) }
  end
  lock_folder(self)
  check_folder(self)
  self.failures = failures.new(self.out .. "/errors.jsonl", self.tell, values["on-error"] == "stop")
  flow.on_failure = function(failure) self.failures:take(failure) end
  record(self, "running")
  host.on_interrupt(function()
    record(self, "interrupted")
    self.tell(("interrupted after %d rows; the same command resumes, and asks for nothing twice"):format(self.done))
  end)
  return self
end

--- How long the run took, for people.
local function took(self)
  local seconds = (sys.time() - self.clock) / 1000
  return seconds < 120 and ("%.1f s"):format(seconds) or ("%.1f min"):format(seconds / 60)
end

local SUMMARY_KEYS = { "script", "status", "out", "rows", "failed", "calls", "stored", "tokens", "cost", "seconds" }

local function summarise(self, status)
  self.tell(("%d rows done%s in %s; %d calls made, %d from the store; results in %s"):format(self.done,
    self.failures.count > 0 and (", %d failed (%s)"):format(self.failures.count, self.failures:by_kind()) or "",
    took(self), stats.made, stats.stored, self.out))
  if self.done + self.failures.count == 0 then self.tell "there was no row to work on; is the dataset empty?" end
  if self.failures.count > 0 then
    self.tell(("failed rows are in %s; the same command again tries just those"):format(self.failures.path))
  end
  io.stdout:write(json.encode(json.object({ script = self.script.name, status = status, out = text.valid(self.out),
    rows = self.done, failed = self.failures.count, calls = stats.made, stored = stats.stored, tokens = tokens(),
    cost = cost(), seconds = (sys.time() - self.clock) / 1000 }, SUMMARY_KEYS)), "\n")
end

--- Runs the script and concludes. Returns the exit status; raises what the script raised.
---@param main fun(run: fellowship.Run)
---@return integer
function Run:execute(main)
  local well, problem
  do
    local _ <close> = progress.start(self)
    well, problem = xpcall(main, function(e)
      return { value = e, traceback = debug.traceback(nil, 2) }
    end, self)
  end
  self.failures:finish()
  if not well then
    record(self, "failed", text.valid(tostring(problem.value)))
    error(problem, 0)
  end
  local status = self.failures.count > 0 and "rows failed" or "done"
  record(self, status)
  summarise(self, status)
  return self.failures.count > 0 and 3 or 0
end

-- ---- what scripts use ----

--- Opens the dataset that an option names, with --limit and --shard.
---@param option string
---@param which? integer of an option that may be repeated
---@return fellowship.Rows
function Run:rows(option, which)
  local path = self.options[option]
  return rows.open(which and path[which] or path, { limit = self.options.limit, shard = self.options.shard })
end

--- As fellowship.map; counts the rows for progress and run.json.
---@param source any
---@param fn fun(row: table, number: integer): ...
function Run:map(source, fn)
  local step, state, control, closing = flow.map(source, fn)
  return function(...)
    local results = table.pack(step(...))
    if results[1] ~= nil then self.done = self.done + 1 end
    return table.unpack(results, 1, results.n)
  end, state, control, closing
end

--- A row's id: its own, or its number in the dataset.
---@param row table
---@param number integer
---@return any
function Run:id(row, number)
  if row.id ~= nil then return row.id end
  return number
end

--- A text field of a row; raises an error that fails the row, saying where it stands and what it has.
---@param row table
---@param number integer
---@param name string
---@return string
function Run:text(row, number, name)
  local value = row[name]
  if type(value) == "string" then return value end
  local found = value == nil and "is missing" or ("is %s"):format(value == json.null and "null" or "a " .. type(value))
  errors.raise { kind = "data", message = ('%s: the field "%s" must be a text; it %s (the row has: %s)')
    :format(rows.origin(row, number), name, found, table.concat(json.keys(row), ", ")) }
end

--- Reports that a part of a row failed (it goes to errors.jsonl); the script goes on with the rest of it.
---@param row table
---@param number integer
---@param problem fellowship.Error
function Run:fail(row, number, problem)
  self.failures:take { row = row, number = number, error = problem, traceback = "" }
end

--- Ends the run with a message about how it was called (exit status 2).
---@param message string
function Run:usage(message)
  setup.usage("%s", message)
end

--- Opens a file of rows in the run's folder; use it with <close>.
---@param name string
---@return fellowship.Writer
function Run:writer(name)
  local folder = name:match "^(.*)/[^/]*$"
  if folder then sys.mkdir(self.out .. "/" .. folder) end
  return writer.open(self.out .. "/" .. name)
end

--- Writes a whole file in the run's folder: text as it is, anything else as JSON.
---@param name string
---@param content string|table
function Run:save(name, content)
  if type(content) ~= "string" then content = json.encode(content, { pretty = true }) .. "\n" end
  local out <close> = self:writer(name)
  out:write_text(content)
end

--- Whether sim was asked, so that what is written can say so.
---@return boolean
function Run:is_simulated()
  return stats.simulated
end

return run
