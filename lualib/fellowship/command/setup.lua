-- Takes the options that every command has into force: store, limits, models, prompts, seed, failures.

local host = require "fellowship.core.host"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local lazy = require "fellowship.base.lazy"
local say = require "fellowship.base.say"
local confined = lazy "fellowship.command.confined"
local prompts = lazy "fellowship.judge.prompts"
local flow = lazy "fellowship.flow"
local batch = lazy "fellowship.batch"
local chain = lazy "fellowship.call.chain"
local count = lazy "fellowship.money.count"
local live = lazy "fellowship.call.live"
local notice = lazy "fellowship.batch.notice"
local offline = lazy "fellowship.call.offline"
local record = lazy "fellowship.call.record"
local simulated = lazy "fellowship.call.simulated"
local budget = lazy "fellowship.money.budget"
local duckdb, parquet = lazy "fellowship.dataset.duckdb", lazy "fellowship.dataset.parquet"
local writer = lazy "fellowship.dataset.writer"
local estimate = lazy "fellowship.rehearse"
local settings = require "fellowship.call.settings"
local watchdog = lazy "fellowship.call.watchdog"

local setup = {}

--- Raises a usage error: exit status 2, and no traceback.
---@param message string
function setup.usage(message, ...)
  errors.raise { kind = "usage", message = select("#", ...) > 0 and message:format(...) or message }
end

local Traced = {}

--- For xpcall: a raised value, whatever it is, and where that was; one that has been traced already stays as it is.
---@param value any
---@return { value: any, traceback: string }
function setup.traced(value)
  if debug.getmetatable(value) == Traced then return value end
  return setmetatable({ value = value, traceback = debug.traceback(nil, 2) }, Traced)
end

--- Runs a file of settings, which returns a table and reaches little.
---@param option string the option that named it
---@param path string
---@return table
function setup.load_table(option, path)
  local well, value = pcall(confined.run, path)
  if not well then setup.usage("--%s: %s", option, value) end
  if type(value) ~= "table" then setup.usage("--%s: %s must return a table", option, path) end
  return value
end

local function as_usage(fn, ...)
  local well, problem = pcall(fn, ...)
  if not well then setup.usage("%s", errors.text(problem)) end
end

--- A line for people, on stderr, unless --quiet.
---@param quiet boolean?
---@return fun(text: string)
function setup.teller(quiet)
  return function(text)
    if not quiet then say.note(text) end
  end
end

-- Rows opened with --batch: with few of them batches would be small, and many.
local BATCH_WINDOW = 10000

-- Rows beyond the oldest unfinished one are few at a small concurrency, and a call that must wait is as slow there.
local LEAST_WINDOW = 1024

--- The options of batches.
local function take_batch(values)
  for _, name in ipairs { "batch-after", "batch-failed" } do
    if values[name] and not values.batch then setup.usage("--%s says how --batch goes; give --batch too", name) end
  end
  if values["batch-cancel"] and values.offline then
    setup.usage "--batch-cancel asks the providers, and --offline forbids that"
  end
  settings.batch = values.batch and { after = values["batch-after"], failed = values["batch-failed"] or "batch" } or nil
  if values.batch then host.on_interrupt(setup.interrupted) end
end

--- Tells, after Ctrl+C, what is under way in batches.
function setup.interrupted()
  local said = package.loaded["fellowship.batch"] and batch.under_way "the same command collects them"
  if said then settings.say("%s", said) end
end

--- A dry run: models are stood in for, and files are written nowhere.
local function apply_dry_run(values)
  if values.offline then
    setup.usage "--dry-run asks nothing anyway, and --offline would make what the store lacks an error: leave one out"
  end
  if settings.dry_run then return end -- a file that turned out to be a command
  settings.dry_run, writer.dry = true, true
  estimate.begin()
end

--- Puts together who answers calls, in order.
local function put_together(values)
  chain.counts = count
  if settings.dry_run then return chain.set { estimate } end
  local answerers = { record, simulated }
  if values.offline then answerers[3] = offline
  elseif values.batch then answerers[3], answerers[4] = batch, live
  else answerers[3] = live end
  if not values.batch then record.pending = notice end
  chain.set(answerers)
end

--- Puts the common options into force.
---@param values table<string, any>
function setup.apply(values)
  settings.store = values.store
  if values["dry-run"] then apply_dry_run(values) end
  settings.offline = values.offline or false
  settings.durable = values.durable or false
  settings.fresh = values.fresh
  settings.patience = values.patience
  settings.set_concurrency(values.concurrency)
  take_batch(values)
  flow.window = values.window or (values.batch and BATCH_WINDOW or math.max(LEAST_WINDOW, 4 * values.concurrency))
  task.base_seed(values.seed)
  if values.models then
    as_usage(settings.take_models, setup.load_table("models", values.models), values.models)
    for _, entry in pairs(settings.models) do duckdb.hide(entry.key_env) end
  end
  if values.prompts then
    as_usage(prompts.override, setup.load_table("prompts", values.prompts), values.prompts)
  end
  settings.warn = setup.teller(values.quiet)
  if values.quiet then parquet.warn = settings.warn end
  put_together(values)
  local cost, calls = values["max-cost"], values["max-calls"]
  if cost or calls or settings.bounded then budget.set(cost, calls) end
end

--- Tells on stderr which call holds the run up, until the variable that it is given to is closed; batches that nobody
--- waits for then are followed no further.
--- $FELLOWSHIP_WATCHDOG is after how many seconds; 0 for never.
---@return table closing
function setup.watch()
  local patience = tonumber(os.getenv "FELLOWSHIP_WATCHDOG" or "") or settings.watchdog
  local watcher = patience > 0 and task.aside(function()
    task.sleep(patience / 2, true) -- a short run does without the module
    watchdog.watch(patience)
  end)
  return setmetatable({}, { __close = function()
    if watcher then watcher:cancel() end
    if package.loaded["fellowship.batch"] then batch.close() end
  end })
end

--- The SHA-256 of a file in hexadecimal; a usage error when it cannot be read.
---@param option string
---@param path string
---@return string
function setup.file_digest(option, path)
  if sys.kind(path) == "folder" then setup.usage("--%s: %s is a folder", option, path) end
  local digest, problem = sys.sha256_file(path)
  if not digest then setup.usage("--%s: cannot read %s: %s", option, path, problem.message) end
  return sys.hex(digest)
end

return setup
