-- help() and the dot commands of the REPL.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local nearest = require "fellowship.base.nearest"
local text = require "fellowship.base.text"
local settings = require "fellowship.call.settings"
local stats = require "fellowship.money.count"
local counts = require "fellowship.command.counts"
local spent_table = require "fellowship.command.spent_table"
local help = require "fellowship.command.help"
local reference = require "fellowship.command.reference"
local render = require "fellowship.command.reference.text"

local commands = {}

--- Shows what the reference says of a value or a name; without one, what there is.
---@param session fellowship.Session
---@param ... any
function commands.help(session, ...)
  local value, width = ..., math.min((session:size()), 100)
  if select("#", ...) == 0 or value == package.loaded.fellowship then
    session:say(render.overview(width))
    return session:say("\n" .. commands.summary())
  end
  local found, hint
  if type(value) == "string" then found, hint = reference.search(value) else found = { reference.of(value) } end
  local script = type(value) == "string" and help.of_script(value)
  if script then
    session:say(script)
    if #found == 0 then return end
  end
  if #found > 0 then return session:say(render.entries(found, width)) end
  session:say(("no help for %s%s; help() tells what there is"):format(
    type(value) == "string" and ('"%s"'):format(text.printable(value)) or "a " .. type(value), hint or ""))
end

-- ---- dot commands: { name, arguments, what it does, function } ----

local function load_file(session, path)
  if path == "" then return session:say "error: .load needs a file" end
  local chunk, problem = loadfile(path, "t")
  if not chunk then return session:report(problem) end
  session:run(chunk)
end

local function cost(session)
  session:say(("%d calls made, %d from the store, %d failed, %d retries"):format(stats.made, stats.stored, stats.failed,
    stats.retries))
  session:say(("%s; %s"):format(counts.tokens(), counts.cost()))
  for _, line in ipairs(spent_table()) do session:say("  " .. line) end
  if settings.bounded then session:say(counts.budget()) end
end

local function store(session)
  local path = settings.store_path(settings.store)
  if sys.kind(path) ~= "file" then return session:say(("%s: no store yet; the first call makes it"):format(path)) end
  local count, models = 0, {}
  local done, problem = require "fellowship.core.store".each(path, function(record)
    count = count + 1
    local request = json.decode(record.request)
    local name = type(request) == "table" and tostring(request.model) or "?"
    models[name] = (models[name] or 0) + 1
  end)
  if not done then return session:say("error: " .. problem.message) end
  session:say(("%s: %d completions"):format(path, count))
  local names = {}
  for name in pairs(models) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do session:say(("  %6d  %s"):format(models[name], text.printable(name))) end
  if settings.offline then session:say "  offline: only these can be had" end
end

local list = {
  { "help", "", "what there is", function(session) commands.help(session) end },
  { "load", "FILE", "run a file here; the globals that it makes stay", load_file },
  { "cost", "", "calls, tokens and cost of this session", cost },
  { "store", "", "where completions are kept, and how many there are", store },
  { "quit", "", "end the session (as Ctrl+D)", function() return false end },
}

--- Names of the dot commands.
---@return string[]
function commands.names()
  local names = {}
  for i, command in ipairs(list) do names[i] = command[1] end
  return names
end

--- A line for each.
---@return string
function commands.summary()
  local lines = {}
  for i, command in ipairs(list) do
    lines[i] = ("  %-14s %s"):format("." .. command[1] .. " " .. command[2], command[3])
  end
  return table.concat(lines, "\n")
end

--- Does what a line says that is a word and no Lua: help, help NAME, exit, quit. false ends the session.
---@param session fellowship.Session
---@param line string
---@return boolean
function commands.word(session, line)
  local word, name = line:match "^%s*(%a+)%s*([%w_.:-]*)"
  if word ~= "help" then return false end
  if name == "" then commands.help(session) else commands.help(session, name) end
  return true
end

--- Runs a line that begins with a dot. false ends the session.
---@param session fellowship.Session
---@param line string
---@return boolean
function commands.run(session, line)
  local name, rest = line:match "^%s*%.(%a+)%s*(.-)%s*$"
  for _, command in ipairs(list) do
    if command[1] == name then return command[4](session, rest) ~= false end
  end
  session:say(("error: there is no .%s%s"):format(name, nearest.hint(name, commands.names())))
  session.failed = true
  return true
end

return commands
