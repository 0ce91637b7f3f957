-- The command line: which verb, which script, and what its end means as an exit status.

local host = require "fellowship.core.host"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local lazy = require "fellowship.base.lazy"
local nearest = require "fellowship.base.nearest"
local say = require "fellowship.base.say"
local budget = lazy "fellowship.money.budget"
local worst_case = lazy "fellowship.money.bound"
local model = lazy "fellowship.call.model"
local about = require "fellowship.command.about"
local batches = lazy "fellowship.command.batches"
local fatal = lazy "fellowship.command.fatal"
local fit = require "fellowship.command.fit"
local catalogue = require "fellowship.command.catalogue"
local help = lazy "fellowship.command.help"
local options = require "fellowship.command.options"
local plain = lazy "fellowship.command.plain"
local run = lazy "fellowship.command.run"
local setup = require "fellowship.command.setup"

local cli = {}

local DONE, USAGE = 0, 2

local HELP = [[
fellowship: workflows of language models as Lua scripts, each answer kept

  fellowship run NAME [options]        a bundled script, or one that declares
                                       options; --help shows them
  fellowship list                      the bundled scripts
  fellowship SCRIPT.lua [args]         your own; options of fellowship before it
  fellowship new NAME                  write NAME.lua, a script to begin with
  fellowship check SCRIPT.lua          find mistakes without running
  fellowship repl                      ask models at a prompt
  fellowship serve                     the same models for any OpenAI client
  fellowship help NAME                 what the reference says: help judge
  fellowship report DIR [DIR ...]      a page to read a run by, or several
  fellowship submit ... -- run ...     the same run on many machines; status,
                                       merge
  fellowship store ...                 look into the store, export, import
  fellowship --version, --help [all]

A first try, without a key:

  fellowship repl
  > fellowship.model "sim:demo":ask "Name a river."

]]

-- ---- scripts ----

local function is_command(value)
  return type(value) == "table" and type(value.run) == "function"
end

--- The names that an option gives: several where it may be repeated, or is a list.
local function names_in(option, value)
  if type(value) == "table" then return value end
  if not option.list then return { value } end
  local names = {}
  for name in value:gmatch "[^,]+" do names[#names + 1] = name end
  return names
end

--- Models that cannot be are a matter of the command line, not of the run; so are those whose cost has no bound.
local function check_models(declared, values)
  for _, option in ipairs(declared) do
    local given = option.type == "model" and values[option[1]]
    for _, name in ipairs(given and names_in(option, given) or {}) do
      local well, made = pcall(model.new, name)
      if not well then setup.usage("--%s: %s", option[1], tostring(made)) end
      local bounded = values["max-cost"] and not values.offline
      for _, one in ipairs(bounded and { made, table.unpack(made.fallback or {}) } or {}) do
        local missing = worst_case.missing(one, one.params)
        if missing then setup.usage("--%s: %s", option[1], missing) end
      end
    end
  end
end

--- Runs a script that declares its options. One with `folder = false` asks no model and keeps no run folder: it has
--- its own options alone, and its `run` returns the exit status.
local function run_command(name, path, script, arguments, command_line)
  local declared = options.of_script(script, path)
  for i, argument in ipairs(arguments) do
    if argument == "--help" or argument == "-h" then
      local all = arguments[i + 1] == "all"
      say.out((all and help.all or help.short)(name, script, declared))
      return DONE
    end
  end
  local values, problem = options.read(declared, arguments)
  if not values then setup.usage("%s (fellowship run %s --help shows the options)", problem, name) end
  if script.folder == false then return script.run { options = values } end
  setup.apply(values)
  check_models(declared, values)
  if values["batch-cancel"] then return batches.cancel() end
  local digest = sys.hex((sys.sha256_file(path)))
  local opened = run.open({ name = name, digest = digest, declared = declared,
    bundled = path == catalogue.path(name) }, values, command_line)
  return opened:execute(script.run)
end

--- `fellowship SCRIPT.lua`: a command when the file returns one, else a plain script.
local function run_file(path, values, host_arguments, arguments, command_line)
  local chunk = catalogue.load(path)
  setup.apply(values)
  if values["batch-cancel"] then return batches.cancel() end
  local result, status = plain.run(path, chunk, values, arguments, is_command)
  if is_command(result) then
    local all = table.move(arguments, 1, #arguments, #host_arguments + 1, host_arguments)
    return run_command(path:match "([^/]+)$":gsub("%.lua$", ""), path, result, all, command_line)
  end
  return status
end

-- ---- verbs ----

-- The others are loaded when one of them is called.
local verbs = setmetatable({}, { __index = function(_, name)
  return name:find "^%l+$" and require "fellowship.command.verbs"[name] or nil
end })

function verbs.run(arguments, command_line)
  local name = arguments[1]
  if not name or name:sub(1, 1) == "-" then setup.usage "run needs a script's name; `fellowship list` shows them" end
  local path = name
  if not name:find "[/.]" then path = catalogue.path(name) end
  if sys.kind(path) ~= "file" then
    setup.usage('no script "%s"%s (fellowship list shows the bundled ones)', name,
      nearest.hint(name, catalogue.names()))
  end
  local script = catalogue.load(path)()
  if not is_command(script) then
    setup.usage("%s declares no options: it returns no table with `run`; run it as `fellowship %s`", path, path)
  end
  name = path:match "([^/]+)$":gsub("%.lua$", "")
  return run_command(name, path, script, table.move(arguments, 2, #arguments, 1, {}), command_line)
end

verbs["--complete"] = function(arguments)
  for _, candidate in ipairs(require "fellowship.command.shell".candidates(arguments)) do
    say.data(candidate, "\n")
  end
  return DONE
end

verbs["--precompile"] = function(arguments)
  require "fellowship.command.precompile".write(table.unpack(arguments, 1, 3))
  return DONE
end

verbs["--version"] = function()
  say.out("fellowship ", host.version, "\n")
  return DONE
end

--- Shows what commands there are.
---@param arguments? string[] "all": every option too
---@return integer status
function cli.help(arguments)
  local all = arguments and arguments[1] == "all"
  say.out(HELP, all and "Before a plain script, and of every command:\n\n" .. help.common() or help.first())
  return DONE
end
verbs["--help"], verbs["-h"] = cli.help, cli.help

function verbs.help(arguments)
  if not arguments[1] then return cli.help() end
  return require "fellowship.command.verbs".help(arguments)
end

local function verb_names()
  local names = {}
  for name in pairs(verbs) do names[#names + 1] = name end
  for name in pairs(require "fellowship.command.verbs") do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function dispatch(arguments, command_line)
  local first = arguments[1]
  if first ~= "--version" then fit.check() end
  if not first then
    cli.help()
    return USAGE
  end
  if about[first] and (arguments[2] == "--help" or arguments[2] == "-h") then
    say.out(help.verb(first, arguments[3] == "all"))
    return DONE
  end
  if verbs[first] then return verbs[first](table.move(arguments, 2, #arguments, 1, {}), command_line) end
  local values, at = options.read(options.common, arguments, true)
  if not values then setup.usage("%s", at) end
  local path = arguments[at]
  if not path then setup.usage "a script's name is missing: fellowship [options] SCRIPT.lua [args]" end
  if verbs[path] then setup.usage("options go behind the command: fellowship %s ...", path) end
  if sys.kind(path) ~= "file" then
    if sys.kind(catalogue.path(path)) == "file" then
      setup.usage("%s is a bundled script: fellowship run %s ...", path, path)
    end
    setup.usage('there is no file and no command "%s"%s', path, nearest.hint(path, verb_names()))
  end
  return run_file(path, values, table.move(arguments, 1, at - 1, 1, {}),
    table.move(arguments, at + 1, #arguments, 1, {}), command_line)
end

--- Runs the command line. Called as the first task.
---@param argv string[] from 0
---@return integer status
function cli.main(argv)
  if sys.terminal(1) then rawset(_G, "print", say.print) end
  local arguments = table.move(argv, 1, #argv, 1, {})
  local command_line = { "fellowship", table.unpack(arguments) }
  local well, status = xpcall(dispatch, setup.traced, arguments, command_line)
  if well then return status end
  status = setup.traced(status) -- nobody has, where memory ran out
  local value = status.value
  if errors.is(value, "budget") then budget.drain() end
  host.stop()
  fatal.tell(value, status.traceback)
  return fatal.status(value)
end

return cli
