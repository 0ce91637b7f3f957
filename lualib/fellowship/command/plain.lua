-- A plain script: a Lua file that is run as it is. Its rows are counted as map gives them out; failed ones go beside
-- it, and it gets the progress and the summary of a command once it works on rows or asks models.

local task = require "fellowship.core.task"
local lazy = require "fellowship.base.lazy"
local flow = lazy "fellowship.flow"
local budget = lazy "fellowship.money.budget"
local settings = require "fellowship.call.settings"
local estimate = lazy "fellowship.command.estimate"
local failures = require "fellowship.command.failures"
local outcome = lazy "fellowship.command.outcome"
local progress = lazy "fellowship.command.progress"
local setup = require "fellowship.command.setup"
local summary = lazy "fellowship.command.summary"

local plain = {}

local DONE, ROWS_FAILED, STOPPED = 0, 3, 4

-- A script that ends sooner shows no progress.
local SOON = 0.3

---@class fellowship.Plain what progress and summary show of a script that is no command
---@field name string
---@field options table<string, any>
---@field failures fellowship.Failures
---@field done integer rows that map gave out
---@field sources table[] what was mapped

--- A script that is about to run.
local function new(path, values)
  local name, tell = path:match "([^/]+)$":gsub("%.lua$", ""), setup.teller(values.quiet)
  local self = { name = name, options = values, tell = tell, done = 0, sources = {}, clock = task.now() }
  self.failures = failures.new(not values["dry-run"] and name .. ".errors.jsonl" or nil, tell,
    values["on-error"] == "stop", function() return self.done end)
  flow.on_failure = function(failure) self.failures:take(failure) end
  flow.on_map = function(source) self.sources[#self.sources + 1] = source end
  flow.on_row = function() self.done = self.done + 1 end
  return self
end

--- Whether there is anything to tell of.
local function has_worked(self)
  local stats = package.loaded["fellowship.money.count"]
  return self.done + self.failures.count > 0 or (stats and #stats.models > 0) or false
end

--- Shows progress while the variable that it is given to is open.
local function show(self)
  local shown
  local waiting = not self.options.quiet and task.aside(function()
    repeat task.sleep(SOON, true) until has_worked(self)
    self.outcome = outcome.new(self.tell)
    shown = progress.start(self)
  end)
  return setmetatable({}, { __close = function()
    if waiting then waiting:cancel() end
    if shown then getmetatable(shown).__close() end
  end })
end

--- What the script did, for people.
local function summarise(self)
  if self.options.quiet or not has_worked(self) then return end
  self.outcome = self.outcome or outcome.new(self.tell)
  self.tell(table.concat(summary.lines(self, task.now() - self.clock, ""), "\n"))
end

--- Runs a script in the task that calls. Returns what it returned, and the exit status. A file that turns out to be a
--- command leaves no trace of this.
---@param path string
---@param chunk function
---@param values table<string, any> the options before its name
---@param arguments string[]
---@param is_command fun(value: any): boolean
---@return any result
---@return integer status
function plain.run(path, chunk, values, arguments, is_command)
  local self, result = new(path, values), nil
  rawset(_G, "arg", table.move(arguments, 1, #arguments, 1, { [0] = path }))
  do
    local _ <close> = setmetatable({}, { __close = function() -- after an error too
      if not is_command(result) then self.failures:finish() end
    end })
    local _ <close> = show(self)
    local _ <close> = setup.watch()
    result = chunk(table.unpack(arguments))
  end
  flow.on_map, flow.on_row = nil, nil
  if is_command(result) then return result, DONE end
  if values["dry-run"] then estimate.of_script(self.name, self.failures, self.tell) else summarise(self) end
  local was_stopped = settings.bounded and budget.stopped() -- and the script went on without what it asked for
  return result, was_stopped and STOPPED or self.failures.count > 0 and ROWS_FAILED or DONE
end

return plain
