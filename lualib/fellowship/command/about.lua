-- What each verb is for: `fellowship VERB --help`, the manual pages and the shell's completion say it.

local lazy = require "fellowship.base.lazy"
local options = require "fellowship.command.options"

---@class fellowship.About
---@field usage string what is written behind `fellowship`
---@field summary string
---@field text? string more of it, for the manual
---@field example? string
---@field module? table what does it: `run(arguments)` gives the exit status, `options()` its options
---@field options? fun(): fellowship.Option[] the module's, where there is one
---@field parts? fun(): { usage: string, summary: string, options: fellowship.Option[] }[] verbs of the verb
---@type table<string, fellowship.About>
local about = {}

about.repl = {
  usage = "repl [options]",
  summary = "a prompt at which model calls just work",
  text = "Tab completes, Ctrl+C cancels the expression that runs, Ctrl+D or exit ends. help tells what there "
    .. "is, .load FILE runs a file, .cost and .store tell what was asked. What a spawned task prints or "
    .. "fails with appears above the line that is typed. Works in a pipe.",
  example = [[
fellowship repl
> fellowship.model "sim:demo":ask "Name a river."]],
  options = function() return options.common end,
}

about.new = {
  usage = "new NAME [--kind KIND]",
  summary = "a script to begin with",
  text = "Writes NAME.lua, commented, which runs as it stands, and beside it prompts.jsonl and .luarc.json "
    .. "(for the Lua language server), unless they are there.",
  example = [[
fellowship new my-experiment
fellowship my-experiment.lua --data prompts.jsonl --model sim:demo --out out]],
  options = function()
    return {
      { "name", type = "string", required = true, positional = true, metavar = "NAME", help = "of the script" },
      { "kind", type = "choice", choices = require "fellowship.command.templates".kinds, default = "command",
        help = "what it is: a command with options, a plain script, an evaluator, or a provider of models" },
    }
  end,
}

about.check = {
  usage = "check SCRIPT.lua ...",
  summary = "find mistakes in scripts without running them",
  text = "Syntax, undefined globals, fields, methods and options that the library does not have, methods "
    .. "called with a dot, options that the script does not declare, places in a table that are chosen "
    .. "before a call waits. Exit status 1 when something is found.",
  example = "fellowship check my-experiment.lua",
}

about.report = {
  module = lazy "fellowship.command.report",
  usage = "report DIR [DIR ...] [options]",
  summary = "a page to read a run by, or several side by side",
  text = "Every bundled command leaves report.html in its folder; this draws it anew, with what the run took.",
  example = [[
fellowship report verdicts
fellowship report first second --out both.html]],
}

about.serve = {
  module = lazy "fellowship.command.serve",
  usage = "serve [SCRIPT.lua] [options]",
  summary = "an OpenAI endpoint before models and workflows, with a store",
  text = "Clients name models as everywhere else, and each answer is kept. Functions that a script gives are "
    .. "models too.",
  example = [[
fellowship serve --models models.lua --port 8080
curl localhost:8080/v1/chat/completions \
  -d '{"model": "sim:demo", "messages": [{"role": "user", "content": "Hi"}]}']],
}

about.submit = {
  module = lazy "fellowship.command.submit",
  usage = "submit [options] -- run NAME ...",
  summary = "one run on many machines: its rows in shards, its tasks handed to a scheduler",
  text = "Writes the scripts of a task and of the end into OUT/submit, where they may be edited, and hands them in. "
    .. "The same command goes on from what is done. With --engine local the tasks are processes of this machine.",
  example = [[
fellowship submit --engine local --tasks 2 --shards 8 \
  -- run judge --data rows.jsonl --model sim:demo --out all]],
}

about.status = {
  module = lazy "fellowship.command.status",
  usage = "status DIR",
  summary = "what the tasks of a submitted run do now",
  example = "fellowship status all",
}

about.merge = {
  module = lazy "fellowship.command.merge",
  usage = "merge DIR [DIR ...]",
  summary = "put the shards of a submitted run together: the results of one machine",
  text = "Their stores become one, and the whole run is done once more from that; rows that failed are tried again.",
  example = "fellowship merge all",
}

about.work = {
  module = lazy "fellowship.command.work",
  usage = "work DIR",
  summary = "one task of a submitted run: takes shards until none is left",
  text = "What the scripts of submit run, and what other schedulers may.",
  example = "fellowship work all --task auto",
}

about.store = {
  module = lazy "fellowship.command.store",
  usage = "store VERB [options]",
  summary = "look into the store of completions, export it, import others",
  text = "The store holds every completion that was paid for; see --store.",
  example = [[
fellowship store export recording.jsonl
fellowship store import recording.jsonl --store theirs.db]],
  parts = function() return require "fellowship.command.store".parts() end,
}

about.list = { usage = "list", summary = "the bundled scripts, a line each" }
about.help = { usage = "help [NAME]", summary = "what the reference says of a name: help judge, help model:ask" }
about.reference = { usage = "reference", summary = "the whole reference, as Markdown" }

for _, verb in pairs(about) do
  local module = verb.module
  verb.options = verb.options or module and function() return module.options() end
end

return about
