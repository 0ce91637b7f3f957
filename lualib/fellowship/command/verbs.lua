-- The verbs beside `run`: each gets the arguments behind it and returns the exit status.

local host = require "fellowship.core.host"
local sys = require "fellowship.core.sys"
local lazy = require "fellowship.base.lazy"
local say = require "fellowship.base.say"
local about = require "fellowship.command.about"
local catalogue = require "fellowship.command.catalogue"
local options = require "fellowship.command.options"
local setup = require "fellowship.command.setup"
local help = lazy "fellowship.command.help"
local reference = lazy "fellowship.command.reference"
local render = lazy "fellowship.command.reference.text"

local DONE, FAILED = 0, 1

local verbs = {}

for name, verb in pairs(about) do
  local module = verb.module
  verbs[name] = module and function(arguments) return module.run(arguments) end
end

function verbs.repl(arguments)
  local values, problem = options.read(options.common, arguments)
  if not values then setup.usage("%s", problem) end
  if values.batch or values["batch-cancel"] then
    setup.usage "the REPL asks live: a batch would hold the prompt for hours; --batch is for scripts"
  end
  if values["dry-run"] then
    setup.usage "--dry-run estimates a script, at its end; at the prompt, ask a sim: model to try things without cost"
  end
  setup.apply(values)
  return require "fellowship.command.repl".run()
end

function verbs.new(arguments)
  local values, problem = options.read(about.new.options(), arguments)
  if not values then
    setup.usage("%s (fellowship new my-experiment [--kind command|script|judge|provider])", problem)
  end
  local made = require "fellowship.command.new".write(values.name, values.kind)
  for _, path in ipairs(made.files) do say.out("wrote ", path, "\n") end
  say.out(("\nRun it as it stands, without a key:\n  %s %s\nthen edit %s. `%s check %s` finds mistakes.\n")
    :format(host.program, made.arguments, made.script, host.program, made.script))
  return DONE
end

--- Finds mistakes in scripts without running them.
function verbs.check(arguments)
  if not arguments[1] then setup.usage "check needs a script: fellowship check SCRIPT.lua" end
  local check, count = require "fellowship.command.check", 0
  for _, path in ipairs(arguments) do
    local file, problem = io.open(path, "rb")
    local source = file and sys.kind(path) == "file" and file:read "a"
    if file then file:close() end
    if not source then setup.usage("cannot read %s: %s", path, problem or "it is no file") end
    for _, found in ipairs(check.text(source, path)) do
      count = count + 1
      say.out(path, found.line and ":" .. found.line or "", ": ", found.message, "\n")
    end
  end
  if count > 0 then return FAILED end
  say.out(#arguments == 1 and arguments[1] or #arguments .. " files", ": nothing found\n")
  return DONE
end

--- What the reference says of a name, or the whole of it as Markdown.
function verbs.reference(arguments)
  if arguments[1] == "--man-options" then
    say.data(require "fellowship.command.manual".options(options.common))
    return DONE
  elseif arguments[1] == "--fill" then -- pages of the guide, whose tables are made anew in place
    for i = 2, #arguments do
      local page = assert(require "fellowship.base.file".read(arguments[i]))
      local file <close> = assert(io.open(arguments[i], "w"))
      file:write(require "fellowship.command.reference.tables".fill(page))
    end
    return DONE
  elseif arguments[1] == "--man" and arguments[2] then
    local manual = require "fellowship.command.manual"
    say.data((about[arguments[2]] and manual.verb or manual.page)(arguments[2]))
    return DONE
  end
  if arguments[1] then setup.usage "reference takes no arguments; `fellowship help NAME` shows one entry" end
  say.data(render.markdown(host.version))
  return DONE
end

function verbs.list()
  for _, name in ipairs(catalogue.names()) do
    local script = catalogue.load(catalogue.path(name))()
    say.out(("%-12s %s\n"):format(name, script.summary or ""))
  end
  return DONE
end

--- What the reference says of a name.
function verbs.help(arguments)
  local verb = about[arguments[1]]
  if verb then
    say.out(help.verb(arguments[1], true))
    return DONE
  end
  local found, hint = reference.search(arguments[1])
  local script = help.of_script(arguments[1])
  if script then
    say.out(script, #found > 0 and "\n" or "")
    if #found == 0 then return DONE end
  end
  if #found == 0 then
    setup.usage('the reference has no "%s"%s (`fellowship reference` has it all)', arguments[1], hint)
  end
  say.out(render.entries(found, math.min(sys.terminal(1) or 80, 100)), "\n")
  return DONE
end

return verbs
