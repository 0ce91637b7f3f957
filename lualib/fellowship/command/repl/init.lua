-- The REPL: reads lines, runs each as a task while the loop turns, and shows what it gave.

local editor = require "fellowship.core.editor"
local host = require "fellowship.core.host"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local say = require "fellowship.base.say"
local text = require "fellowship.base.text"
local flow = require "fellowship.flow"
local failures = require "fellowship.command.failures"
local fatal = require "fellowship.command.fatal"
local commands = require "fellowship.command.repl.commands"
local complete = require "fellowship.command.repl.complete"
local screen = require "fellowship.command.screen"
local show = require "fellowship.command.repl.show"
local strict = require "fellowship.command.strict"

local repl = {}

---@class fellowship.Session
---@field editor fellowship.editor
---@field edited boolean whether lines are edited, on a terminal
---@field running fellowship.task? the expression that runs
---@field failed boolean whether anything failed
local Session = {}
Session.__index = Session

local PROMPT, MORE = "> ", ">> "

-- Failures of spawned tasks are looked for this often, in seconds.
local WATCH = 0.2

-- ---- printing while a line is typed ----

--- A prompt begins a line.
local function end_line()
  if not screen.at_start() then screen.raw(io.stdout, "\n") end
  screen.set_start(true)
end

--- Puts the line back when those that print now have done so.
local function show_later(session)
  if session.showing then return end
  session.showing = true
  task.aside(function()
    task.shield()
    task.sleep(0)
    session.showing = false
    if session.reading then end_line() end
    say.flush()
    session.editor:show()
  end)
end

local function share_screen(session)
  screen.share(function() session.editor:hide() end, function(file)
    if session.reading then show_later(session) else file:flush() end
  end)
end

function Session:say(line)
  say.out(line, "\n")
end

--- Columns and rows that a value may take.
function Session:size()
  local columns, rows = sys.terminal(1)
  if not columns then return 100, 400 end
  return columns, math.max(rows - 3, 10)
end

-- ---- errors ----

--- Lines of a traceback that are the user's own.
local function own_frames(traceback)
  local frames = {}
  for line in (traceback or ""):gmatch "\n%s+([^\n]+)" do
    local is_ours = line:find("lualib/fellowship/", 1, true) or line:find "^%[C%]" or line:find "^%(%.%.%."
    if not is_ours then frames[#frames + 1] = "  in " .. line end
  end
  return frames
end

--- What may help: what the message alone does not say.
local function hint_for(session, message)
  local name = message:match 'undefined global "([%a_][%w_]*)"'
  if name and session.locals[name] then
    return ('a `local` lives only as long as what it was typed in; without `local`, %s stays'):format(name)
  end
  if name == "judge" or name == "jury" or name == "debate" or name == "model" or name == "feedback" then
    return ("it is fellowship.%s; help(fellowship.%s) tells more"):format(name, name)
  end
  if message:find "attempt to call a table value" then
    return "a method is called with a colon: judge:compare { ... }"
  end
  return nil
end

function Session:report(problem, traceback)
  self.failed = true
  if errors.from(problem).kind == "cancelled" then
    return self:say "interrupted"
  end
  local message = text.printable(errors.text(problem))
  self:say("error: " .. message)
  if errors.is(problem) then
    local facts = {}
    for _, name in ipairs { "kind", "status", "attempts", "model" } do
      if problem[name] ~= nil then facts[#facts + 1] = ("%s %s"):format(name, tostring(problem[name])) end
    end
    if problem.key then facts[#facts + 1] = "call " .. problem.key:sub(1, 12) end
    self:say("  " .. table.concat(facts, ", "))
  end
  for _, line in ipairs(own_frames(traceback)) do self:say(line) end
  local hint = hint_for(self, message)
  if hint then self:say("hint: " .. hint) end
end

-- ---- running ----

--- Prints a spawned task's results when they come.
local function follow(session, spawned)
  task.aside(function()
    task.shield()
    local outcome = table.pack(spawned:join())
    if not outcome[1] then return session:report(outcome[2], outcome[3]) end
    local columns, rows = session:size()
    for i = 2, outcome.n do
      local lines = show.lines(outcome[i], columns - #"task: ", rows)
      lines[1] = "task: " .. lines[1]
      for _, line in ipairs(lines) do session:say(line) end
    end
  end)
end

--- Whether a value is a task that goes on.
local function is_under_way(value)
  if type(value) ~= "userdata" then return false end
  local well, status = pcall(function() return value:status() end)
  return well and (status == "ready" or status == "suspended")
end

function Session:show_values(values)
  local columns, rows = self:size()
  for i = 2, values.n do
    for _, line in ipairs(show.lines(values[i], columns, rows)) do self:say(line) end
    if is_under_way(values[i]) then follow(self, values[i]) end
  end
  if values.n > 1 then rawset(_G, "_", values[2]) end
end

--- Tells of rows that fail, of those that fail alike only the first; returns what tells at the end how many they were.
local function watch_rows(session)
  local kept = failures.new(nil, function(said) session:say(said) end, false)
  flow.on_failure = function(failure) kept:take(failure) end
  return function()
    for _, found in ipairs(kept:repeated()) do
      session:say(("%d rows failed alike: %s"):format(found.count, text.printable(found.message)))
    end
  end
end

--- Runs a chunk as a task of its own, that Ctrl+C ends.
function Session:run(chunk, ...)
  local conclude = watch_rows(self)
  local running = task.spawn(chunk, ...)
  self.running = running
  task.foreground(running)
  local outcome = table.pack(running:join())
  self.running = nil
  task.foreground(nil)
  conclude()
  if outcome[1] then self:show_values(outcome)
  else self:report(outcome[2], outcome[3]) end
end

--- An expression or statements; nil when they are wrong; `more` when they are not whole yet.
local function compile(source)
  local chunk = load("return " .. source, "=input", "t")
  if chunk then return chunk end
  local problem
  chunk, problem = load(source, "=input", "t")
  if chunk then return chunk end
  return nil, problem, problem:sub(-5) == "<eof>"
end

-- ---- reading ----

function Session:read(prompt)
  end_line()
  say.flush()
  self.reading = true
  local line, why = self.editor:read(prompt)
  self.reading = false
  return line, why
end

--- Whether a line is help, exit or quit in place of Lua; a global that is called so goes before.
local function is_word(source)
  local word = source:match "^%s*(%a+)"
  if word == "help" then return source:match "^%s*help%s*$" or source:match "^%s*help%s+[%w_.:-]+%s*$" end
  if word ~= "exit" and word ~= "quit" or rawget(_G, word) ~= nil then return false end
  return source:match "^%s*%a+%s*$" or source:match "^%s*%a+%s*%(%s*%)%s*$"
end

--- What was typed, over as many lines as it takes; nil and why when there is none.
function Session:read_chunk()
  local source, problem, more
  local line, why = self:read(PROMPT)
  source = line
  while line do
    if source:match "^%s*%.%a" then return source end
    if source == line and is_word(source) then return source end
    local chunk
    chunk, problem, more = compile(source)
    if chunk then return source, chunk end
    if not more then return source, nil, problem end
    line, why = self:read(MORE)
    if line then source = source .. "\n" .. line end
  end
  if why == "end" and source then return source, nil, problem end
  return nil, why
end

function Session:note_locals(source)
  for names in source:gmatch "local%s+([%a_][%w_%s,]*)" do
    for name in names:gmatch "[%a_][%w_]*" do self.locals[name] = true end
  end
end

--- One turn: false at the end of input.
function Session:turn()
  local source, chunk, problem = self:read_chunk()
  if not source then
    if chunk == "end" then return false end
    return true
  end
  if source:match "%S" then self.editor:remember(source) end
  if source:match "^%s*%.%a" then return commands.run(self, source) end
  if is_word(source) then return commands.word(self, source) end
  if not chunk then
    self:report(problem)
    return true
  end
  self:note_locals(source)
  self:run(chunk)
  return true
end

-- ---- beginning and end ----

local function history_file()
  local named = os.getenv "FELLOWSHIP_HISTORY"
  if named then return named ~= "" and named or nil end
  local home = os.getenv "HOME"
  local state = os.getenv "XDG_STATE_HOME"
  if not state or state == "" then state = home and home .. "/.local/state" end
  if not state or not sys.mkdir(state .. "/fellowship") then return nil end
  return state .. "/fellowship/history"
end

local function watch_interrupts(session)
  return task.spawn(function()
    task.shield()
    while true do
      task.interrupted()
      if session.running then session.running:cancel()
      elseif session.editor:drop_line() then screen.raw(io.stdout, "^C\n") end
    end
  end)
end

local function watch_failures(session)
  return task.spawn(function()
    task.shield()
    while true do
      task.sleep(WATCH, true)
      for _, group in ipairs(fatal.alike(task.unobserved(true))) do
        say.out "a spawned task failed\n"
        session:report(group.value, group.traceback)
        local said = text.printable(group.said)
        if group.count > 1 then session:say(("%d tasks failed so: %s"):format(group.count, said)) end
      end
    end
  end)
end

local function install_globals(session)
  strict.enforce()
  rawset(_G, "fellowship", require "fellowship")
  rawset(_G, "help", function(...) commands.help(session, ...) end)
end

--- Runs a session on standard input until it ends.
---@return integer status 1 when input came from a pipe or a file and something in it failed
function repl.run()
  local session = setmetatable({ locals = {}, failed = false }, Session)
  task.shield()
  session.editor = editor.open(function(before)
    return complete.line(before, commands.names(), sys.terminal(1) or 80)
  end, history_file())
  session.edited = session.editor:is_terminal()
  if session.edited then share_screen(session) end
  install_globals(session)
  task.interactive(session.edited)
  local watchers = { watch_failures(session), session.edited and watch_interrupts(session) or nil }
  if session.edited then
    session:say(("fellowship %s: help() tells what there is, Tab completes, Ctrl+C interrupts, Ctrl+D ends")
      :format(host.version))
  end
  local goes_on = true
  while goes_on do
    -- What fails here is a mistake of the library, or of a script's __tostring: the session stays.
    local well, result = xpcall(session.turn, function(e) return { e, debug.traceback(nil, 2) } end, session)
    if well then goes_on = result else session:report(result[1], result[2]) end
  end
  for _, watcher in ipairs(watchers) do watcher:cancel() end
  if session.edited and session.reading == false then screen.raw(io.stdout, "\n") end
  task.interactive(false)
  session.editor:close()
  return not session.edited and session.failed and 1 or 0
end

return repl
