-- A run: one script over one dataset into one folder. What its script sees as `run`.

local host = require "fellowship.core.host"
local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local check = require "fellowship.base.check"
local errors = require "fellowship.base.errors"
local text = require "fellowship.base.text"
local lazy = require "fellowship.base.lazy"
local say = require "fellowship.base.say"
local flow = require "fellowship.flow"
local budget = lazy "fellowship.money.budget"
local settings = require "fellowship.call.settings"
local stats = require "fellowship.money.count"
local reading = require "fellowship.dataset.reading"
local rows = require "fellowship.dataset.rows"
local writer = require "fellowship.dataset.writer"
local estimate = lazy "fellowship.command.estimate"
local failures = require "fellowship.command.failures"
local folder = require "fellowship.command.folder"
local outcome = require "fellowship.command.outcome"
local progress = require "fellowship.command.progress"
local pulse = require "fellowship.command.pulse"
local record = require "fellowship.command.record"
local report = lazy "fellowship.command.report"
local setup = require "fellowship.command.setup"
local spending = require "fellowship.command.spending"
local summary = require "fellowship.command.summary"

local run = {}

-- Exit statuses.
local DONE, ROWS_FAILED, STOPPED, NOTHING = 0, 3, 4, 5

---@class fellowship.Run
---@field options table<string, any> the command's options, by name
---@field out string the folder of the results; in a dry run it need not be there
---@field tell fun(text: string) says a line on stderr, unless --quiet or in a dry run
---@field package say fun(text: string) the same, in a dry run too
---@field done integer rows that are done
---@field failures { count: integer } rows that failed
---@field reading fellowship.Reading what the columns of rows hold
---@field outcome fellowship.Outcome what came out: counts that progress, summary and the last line show
---@field simulated boolean whether sim was asked
---@field package finished? { rows: integer, done: integer } what the last run that came to its end left in the folder
---@field package held? (fun())[] over such results: what gives this run's files their names, when it comes to its end
---@field package kept? boolean whether those results stay, since this run did fewer rows
local Run = {}
Run.__index = Run

-- ---- beginning and end ----

--- How the options say that rows are read.
local function reading_of(script, values, tell)
  local columns, named_by = {}, {}
  for _, option in ipairs(script.declared) do
    if option.column then
      columns[option.column] = values[option[1]]
      named_by[option.column] = option[1]
    end
  end
  return reading.new { columns = columns, options = named_by, tell = tell }
end

--- Opens a run: checks the folder, notes what is run, and begins to show progress.
---@param script { name: string, digest: string, declared: fellowship.Option[] }
---@param values table<string, any>
---@param command string[] the command line
---@return fellowship.Run
function run.open(script, values, command)
  for i, word in ipairs(command) do command[i] = text.valid(word) end -- names of files may be any bytes
  local self = setmetatable({ script = script, options = values, command = command,
    out = (values.out or script.name):gsub("/+$", ""), -- without one, in a dry run, it is just a name
    done = 0, started = record.now(), clock = task.now(), sources = {} }, Run)
  if values.out == "" then setup.usage "--out must name a folder" end
  if self.out == "" then self.out = "/" end
  -- What scripts tell is of their results, and those of a dry run mean nothing.
  self.say = setup.teller(values.quiet)
  self.tell = settings.dry_run and function() end or self.say
  self.reading = reading_of(script, values, self.say)
  self.outcome = outcome.new(self.tell)
  self.identity = folder.identity(script, values)
  if not settings.dry_run then folder.take(self) end
  self.failures = failures.new(not settings.dry_run and self.out .. "/errors.jsonl" or nil, self.say,
    values["on-error"] == "stop", function() return self.done end)
  flow.on_map = function(source) self.sources[#self.sources + 1] = source end
  flow.on_row = function()
    self.outcome:look(self.done) -- the script has taken in the rows before
    self.done = self.done + 1
  end
  flow.on_failure = function(failure)
    failure.id = failure.row and self:id(failure.row, failure.number)
    self.failures:take(failure)
  end
  record.write(self, "running")
  host.on_interrupt(function()
    record.write(self, "interrupted")
    if settings.dry_run then return self.say "interrupted: no estimate; nothing was asked" end
    setup.interrupted()
    self.tell(("interrupted after %d rows; the same command resumes, and asks for nothing twice"):format(self.done))
  end)
  return self
end

local SUMMARY_KEYS = { "script", "status", "out", "rows", "failed", "outcome", "calls", "stored", "tokens", "cost",
  "split", "seconds" }

--- The datasets as the command line names them.
local function data_of(self)
  local names = {}
  for _, option in ipairs(self.script.declared) do
    local given = option.type == "data" and self.options[option[1]] or {}
    for _, name in ipairs(type(given) == "table" and given or { given }) do names[#names + 1] = name end
  end
  return table.concat(names, ", ")
end

local function summarise(self, status)
  local seconds = math.floor((task.now() - self.clock) * 1000 + 0.5) / 1000
  self.tell(table.concat(summary.lines(self, seconds, data_of(self)), "\n"))
  if sys.terminal(1) then return end -- the line is for programs
  say.data(json.encode(json.object({ script = self.script.name, status = status, out = text.valid(self.out),
    rows = self.done, failed = self.failures.count, outcome = self.outcome:as_json(),
    calls = stats.made, stored = stats.stored,
    tokens = spending.tokens(), cost = spending.cost(), split = spending.split(), seconds = seconds },
    SUMMARY_KEYS)), "\n")
end

--- Whether there was no row to map over. A shard may be without any, and --limit 0 asks for none; rows that a script reads
--- in a way of its own are not counted.
local function had_no_rows(self)
  local o = self.options
  return self.done == 0 and #self.sources > 0 and not o.shard and o.limit ~= 0
end

--- How a run that came to its end is called, and its exit status.
local function how_it_ended(self, stopped)
  if stopped then return "stopped by " .. stopped.by, STOPPED end
  if self.failures.count > 0 then return "rows failed", ROWS_FAILED end
  if not settings.dry_run and (had_no_rows(self) or self.done > 0 and self.outcome:is_nothing()) then
    return "nothing to show", NOTHING
  end
  return "done", DONE
end

--- Leaves a page to read the run by, of bundled scripts. The results are complete without it: what is wrong with it is
--- told, and takes nothing from them.
local function leave_report(self)
  if not self.script.bundled or self.options["no-report"] or self.done == 0 then return end
  local written, why = pcall(report.of_run, self, stats.models)
  if written then return end
  self.say(("the results are complete, but without report.html: %s; `fellowship report %s` tries it again")
    :format(errors.text(errors.from(why)), self.out))
end

--- Ends a run that failed.
local function fail(self, problem)
  local nothing = errors.is(problem.value, "nothing")
  record.write(self, nothing and "nothing to show" or "failed", text.valid(errors.text(problem.value)))
  error(problem, 0)
end

--- Runs the script and concludes. Returns the exit status; raises what the script raised.
---@package
---@param main fun(run: fellowship.Run)
---@return integer
function Run:execute(main)
  local well, problem
  do
    local _ <close> = progress.start(self)
    local _ <close> = setup.watch()
    local _ <close> = pulse.start(self)
    well, problem = xpcall(main, setup.traced, self)
  end
  local stopped = settings.bounded and budget.stopped()
  if stopped then budget.drain(self.tell) end
  self.failures:finish(well and not stopped)
  if not well and not (stopped and errors.is(problem.value, "budget")) then fail(self, problem) end
  local status, code = how_it_ended(self, stopped)
  if not stopped and not settings.dry_run then
    local put, why = xpcall(folder.finish, setup.traced, self)
    if not put then fail(self, why) end
    if not self.kept then leave_report(self) end
  end
  record.write(self, status)
  if settings.dry_run then estimate.of_run(self) else summarise(self, status) end
  return code
end

-- ---- what scripts use ----

--- Opens the dataset that an option names, read as the options say, with --limit and --shard.
--- Example: `for row in run:rows "data" do print(row.prompt) end`
---@param option string
---@param which? integer of an option that takes several datasets
---@param whole? boolean without --limit and --shard
---@return fellowship.Rows
function Run:rows(option, which, whole)
  check.method(self, Run, "run:rows")
  local o = self.options
  local opened = rows.open(which and o[option][which] or o[option], { limit = not whole and o.limit or nil,
    shard = not whole and o.shard or nil, format = o["data-format"], types = o.types, nan = o.nan,
    invalid_utf8 = o["invalid-utf8"], max_expansion = o["max-expansion"] })
  for _, note in ipairs(opened.notes) do self.say(note) end
  return opened
end

--- As fellowship.map.
--- Example:
---     for row, text in run:map(run:rows "data", function(row) return llama:ask(row.prompt).text end) do print(text) end
---@param source any
---@param fn fun(row: table, number: integer): ...
function Run:map(source, fn)
  check.method(self, Run, "run:map")
  return flow.map(source, fn)
end

--- A field of a row, where --NAME-column says it is: nil when the row has none, or null.
--- Example: `print(run:field({ prompt = "Name a river." }, "prompt")) --> Name a river.`
---@param row table
---@param name string
---@return any
function Run:field(row, name)
  check.method(self, Run, "run:field")
  return self.reading:field(row, name)
end

--- Where a row stands, for messages: "file:line".
--- Example: `print(run:origin({ prompt = "Name a river." }, 3)) --> row 3`
---@param row table
---@param number integer
---@return string
function Run.origin(_, row, number)
  return rows.origin(row, number)
end

--- A row's id: its own, or its number in the dataset.
--- Example: `print(run:id({ id = "sea" }, 0)) --> sea`
---@param row table
---@param number integer
---@return any
function Run:id(row, number)
  check.method(self, Run, "run:id")
  return self.reading:id(row, number)
end

--- A text field of a row; raises an error that fails the row, saying where it stands and what it has.
--- Example: `print(run:text({ prompt = "Name a river." }, 0, "prompt")) --> Name a river.`
---@param row table
---@param number integer
---@param name string
---@return string
function Run:text(row, number, name)
  check.method(self, Run, "run:text")
  return self.reading:text(row, number, name)
end

--- The prompt of a row, wherever it stands: see fellowship.reading. Raises an error that fails the row.
--- Example: `print(run:prompt({ prompt = "Name a river." }, 0)) --> Name a river.`
---@param row table
---@param number integer
---@return string|fellowship.Message[]
function Run:prompt(row, number)
  check.method(self, Run, "run:prompt")
  return self.reading:prompt(row, number)
end

--- A row's own response. Raises an error that fails the row.
--- Example: `print(run:response({ output = "The Rhine." }, 0)) --> The Rhine.`
---@param row table
---@param number integer
---@return string
function Run:response(row, number)
  return self.reading:response(row, number)
end

--- What a row compares, and what its set says of it: see fellowship.reading. Raises an error that fails the row.
--- Example: `print(run:pair({ prompt = "Why?", response_a = "So.", response_b = "Thus." }, 0).a) --> So.`
---@param row table
---@param number integer
---@return table pair
---@return table facts
function Run:pair(row, number)
  return self.reading:pair(row, number)
end

--- A row of results: the values, in the order of the keys, and behind them the columns of the row that it comes from, but
--- for those that were read; one whose name is taken is called row_NAME.
--- Example:
---     local row = fellowship.json.decode '{"topic":"rivers","winner":"nobody"}'
---     print(fellowship.json.encode(run:output(row, { winner = "a" }))) --> {"winner":"a","topic":"rivers","row_winner":"nobody"}
---@param row table
---@param values table<string, any>
---@param keys? string[] by default those of the values, in their order
---@return table
function Run:output(row, values, keys)
  check.method(self, Run, "run:output")
  local order, own = {}, {}
  for i, key in ipairs(keys or json.keys(values)) do order[i], own[key] = key, true end
  for _, column in ipairs(json.keys(row)) do
    if not self.reading.taken[column] then
      local name = own[column] and "row_" .. column or column
      if values[name] == nil and not own[name] then
        order[#order + 1] = name
        values[name] = row[column]
      end
    end
  end
  return json.object(values, order)
end

--- Reports that a part of a row failed (it goes to errors.jsonl); the script goes on with the rest of it.
--- Example:
---     local ok, err = pcall(judge.compare, judge, pair)
---     if not ok then run:fail({ id = "sea" }, 0, err) end
---@param row table
---@param number integer
---@param problem fellowship.Error
function Run:fail(row, number, problem)
  check.method(self, Run, "run:fail")
  self.failures:take { row = row, id = self:id(row, number), number = number, error = problem, traceback = "" }
end

--- Ends the run with a message about how it was called (exit status 2).
--- Example: `if #run.options.data == 0 then run:usage "--data must name a file" end`
---@param message string
function Run:usage(message)
  setup.usage("%s", message)
end

--- Ends the run before it is paid for, since it can have nothing to show (exit status 5).
--- Example: `if #run.options.data == 0 then run:nothing "the dataset is empty" end`
---@param message string
function Run:nothing(message)
  errors.raise { kind = "nothing", message = message }
end

--- Opens a file of rows in the run's folder; use it with <close>.
--- Example:
---     local out <close> = run:writer "answers.jsonl"
---     out:write { id = 1, text = "yes" }
---@param name string
---@param options? fellowship.WriterOptions
---@return fellowship.Writer
function Run:writer(name, options)
  check.method(self, Run, "run:writer")
  local below = name:match "^(.*)/[^/]*$"
  if below and not settings.dry_run then sys.mkdir(self.out .. "/" .. below) end
  local opened = writer.open(self.out .. "/" .. name, options)
  if name ~= record.NAME then opened.held = self.held end
  return opened
end

--- Writes a whole file in the run's folder: text as it is, anything else as JSON.
--- Example: `run:save("results.json", { rows = run.done })`
---@param name string
---@param content string|table
function Run:save(name, content)
  check.method(self, Run, "run:save")
  if type(content) ~= "string" then content = json.encode(content, { pretty = true }) .. "\n" end
  local out <close> = self:writer(name)
  out:write_text(content)
end

--- Removes files of the run's folder that an earlier run left there (see --force).
--- Example: `run:remove("", "^old%-.*%.jsonl$")`
---@param below string a folder inside the run's; "" for itself
---@param pattern string of the names
---@param kept? table<string, boolean> paths inside the run's folder that stay
function Run:remove(below, pattern, kept)
  if settings.dry_run then return end
  if self.held then
    self.held[#self.held + 1] = function() self:remove(below, pattern, kept) end
    return
  end
  for _, name in ipairs(sys.list(self.out .. "/" .. below) or {}) do
    local path = (below ~= "" and below .. "/" or "") .. name
    if name:find(pattern) and not (kept and kept[path]) then
      local well, problem = sys.remove(self.out .. "/" .. path)
      if not well then
        errors.raise { kind = "file", message = ("cannot remove %s/%s: %s"):format(self.out, path, problem.message) }
      end
    end
  end
end

--- Whether sim was asked, so that what is written can say so.
--- Example: `if run:is_simulated() then run.tell "these answers are sim's" end`
---@return boolean
function Run:is_simulated()
  return stats.simulated
end

return run
