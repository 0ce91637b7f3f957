-- What each verb is for: `fellowship VERB --help` and the manual pages say it.

local options = require "fellowship.command.options"

---@class fellowship.About
---@field usage string what is written behind `fellowship`
---@field summary string
---@field text? string more of it, for the manual
---@field example? string
---@field options? fun(): fellowship.Option[]
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
  usage = "report DIR [DIR ...] [options]",
  summary = "a page to read a run by, or several side by side",
  text = "Every bundled command leaves report.html in its folder; this draws it anew, with what the run took.",
  example = [[
fellowship report verdicts
fellowship report first second --out both.html]],
  options = function() return require "fellowship.command.report".options end,
}

about.serve = {
  usage = "serve [SCRIPT.lua] [options]",
  summary = "an OpenAI endpoint before models and workflows, with a store",
  text = "Clients name models as everywhere else, and each answer is kept. Functions that a script gives are "
    .. "models too.",
  example = [[
fellowship serve --models models.lua --port 8080
curl localhost:8080/v1/chat/completions \
  -d '{"model": "sim:demo", "messages": [{"role": "user", "content": "Hi"}]}']],
  options = function() return require "fellowship.command.serve".options() end,
}

about.store = {
  usage = "store VERB [options]",
  summary = "look into the store of completions, export it, import others",
  text = "The store holds every completion that was paid for; see --store.",
  example = [[
fellowship store export recording.jsonl
fellowship store import recording.jsonl --store theirs.db]],
  parts = function() return require "fellowship.command.store".parts() end,
  options = function() return { require "fellowship.command.store".STORE } end,
}

about.list = { usage = "list", summary = "the bundled scripts, a line each" }
about.help = { usage = "help [NAME]", summary = "what the reference says of a name: help judge, help model:ask" }
about.reference = { usage = "reference", summary = "the whole reference, as Markdown" }

return about
