-- Options of the command line: declared in tables, read, checked, and shown as help.

local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"
local nearest = require "fellowship.base.nearest"
local scheduler = require "fellowship.cluster.scheduler"
local rows = require "fellowship.dataset.rows"

local options = {}

---@class fellowship.Option
---@field [1] string its name, without dashes
---@field type "string"|"integer"|"number"|"flag"|"choice"|"shard"|"types"|"file"|"text"|"data"|"model"
---@field help string
---@field default? any
---@field required? boolean
---@field unless? string the flag with which it is not required
---@field many? boolean may be given several times: a list
---@field alone? boolean of these: a single one stands for itself in what tells runs apart
---@field elsewhere? string of a number: the option that is meant where the value is none
---@field choices? string[]
---@field files? boolean a choice that may also be the path of a Lua file
---@field least? number
---@field above? number
---@field most? number
---@field list? boolean several values, separated by commas
---@field positional? boolean given by its place, without its name
---@field metavar? string how help names the value
---@field column? string the field of rows whose name it gives
---@field result? boolean false when it does not change results
---@field group? string under which help shows it
---@field common? boolean of those that every command has

--- What every command has, by group.
local groups = {
  { "this run",
    { "out", type = "string", metavar = "DIR", help = "folder for the results" },
    { "limit", type = "integer", least = 0, metavar = "N", help = "only the first N rows", result = false },
    { "shard", type = "shard", metavar = "I/N|auto",
      help = "only part I of N, from 1/N to N/N; auto: as the scheduler numbers it, auto/N where it does not count" },
    { "on-error", type = "choice", choices = { "collect", "stop" }, default = "collect", result = false,
      help = "after a row failed: go on, or stop" },
    { "patience", type = "number", least = 0, most = 31536000, metavar = "SECONDS", result = false,
      help = "how long a server that is down is waited for (default: 3600, or 120 when it never answered)" },
    { "force", type = "flag", help = "write over the results of another run, or over more rows", result = false },
    { "no-report", type = "flag", result = false, help = "no report.html in the folder at the end" },
    { "quiet", type = "flag", help = "no progress and no summary on stderr", result = false } },
  { "the store",
    { "store", type = "string", metavar = "FILE", result = false,
      help = "store of completions (default: $FELLOWSHIP_STORE, else .fellowship/store.db)" },
    { "offline", type = "flag", help = "never touch the network: every call must be in the store", result = false },
    { "fresh", type = "integer", default = 0, least = 0, metavar = "N",
      help = "ask anew: another N is another sample of every completion" },
    { "seed", type = "integer", default = 0, metavar = "N",
      help = "seed of math.random, for each row with its number" },
    { "durable", type = "flag", help = "sync each commit to the disk at once", result = false } },
  { "speed",
    { "concurrency", type = "integer", default = 16, least = 1, metavar = "N",
      help = "model calls on the wire at a time", result = false },
    { "window", type = "integer", least = 1, metavar = "N",
      help = "rows opened beyond the oldest unfinished (default: 4 x concurrency, 1024 at least; with --batch 10000)",
      result = false } },
  { "budget",
    { "dry-run", type = "flag", result = false,
      help = "ask nothing, write nothing: estimate calls, tokens and cost, from the store where it has such calls" },
    { "max-cost", type = "number", above = 0, most = 1000000, metavar = "USD", result = false,
      help = "stop before the calls of this run may cost more" },
    { "max-calls", type = "integer", least = 1, metavar = "N", result = false,
      help = "stop after so many calls to models, attempts included" } },
  { "batches",
    { "batch", type = "flag", result = false,
      help = "send calls in batches at half the price, where the provider takes them; may take a day each" },
    { "batch-after", type = "number", least = 0, metavar = "SECONDS", result = false,
      help = "send a batch too when its first call has waited so long, though live calls go on" },
    { "batch-failed", type = "choice", choices = { "batch", "live" }, result = false,
      help = "calls that a batch failed, or left out, go into the next one (default) or live" },
    { "batch-cancel", type = "flag", result = false,
      help = "cancel the store's batches, keep what they have answered, and end without running the script" } },
  { "files",
    { "models", type = "file", metavar = "FILE.lua", help = "aliases, base URLs, key variables, limits, prices" },
    { "prompts", type = "file", metavar = "FILE.lua", help = "own prompt templates" } },
}

---@type fellowship.Option[]
options.common = {}

for _, group in ipairs(groups) do
  for i = 2, #group do
    local option = group[i]
    option.group, option.common = group[1], true
    options.common[#options.common + 1] = option
  end
end

--- What commands that read data have besides: how it is read.
---@type fellowship.Option[]
options.data = {
  { "data-format", group = "reading", type = "choice", choices = rows.formats, metavar = "F",
    help = "the data's format, where the name's ending does not tell it" },
  { "types", group = "reading", type = "types", metavar = "COLUMN=TYPE,...",
    help = "types of CSV columns: text, number, integer, boolean, json" },
  { "invalid-utf8", group = "reading", type = "choice", choices = { "error", "replace" }, default = "error",
    help = "rows that are no UTF-8 fail, or get U+FFFD" },
  { "nan", group = "reading", type = "choice", choices = rows.nans,
    help = "rows of JSON with NaN or Infinity fail (default), or have null or a text in their place" },
  { "max-expansion", group = "reading", type = "integer", least = 0, metavar = "N",
    help = "how many times compressed data may expand once it is over 1 GiB (default 200; 0: any)" },
}

-- Where it is not simply the field of the same name.
local COLUMN_HELP = {
  prompt = "the field that holds the prompt (default prompt, or instruction, question, messages, conversations, ...)",
  input = "the field that goes below the prompt (default Alpaca's input below an instruction; \"\" for none)",
  system = "the field that holds a system message",
  id = "the field that holds the id (default id, or key, uid, uuid, prompt_id; else the row's number)",
  response = "the field that holds the response (default response, or output, completion, answer, ...)",
  chosen = "the field that holds the preferred answer, of rows without response_a and response_b (default chosen)",
  rejected = "the field that holds the other one (default rejected)",
}

--- The options that tell which field of the rows holds what a script reads.
---@param names string[] the fields; with prompt come those that make it up
---@return fellowship.Option[]
function options.columns(names)
  local list = {}
  local function add(name)
    list[#list + 1] = { name:gsub("_", "-") .. "-column", group = "columns", type = "string", metavar = "NAME",
      column = name,
      help = COLUMN_HELP[name] or ("the field of the rows that holds the %s (default %s)"):format(name:gsub("_", " "),
        name) }
    if name == "prompt" then
      add "input"
      add "system"
    end
  end
  for _, name in ipairs(names) do add(name) end
  return list
end

local readers = {}

function readers.string(text) return text end

--- Such files are read more than once, and what they hold tells runs apart.
function readers.file(text)
  if sys.kind(text) == "other" then return nil, "must be an ordinary file, not a pipe or a device" end
  return text
end

readers.data = readers.string
readers.types = rows.types
readers.model = readers.string

--- A text, or the content of the file that it names.
function readers.text(given)
  if sys.kind(given) == "file" then
    local content, problem = file.read(given)
    if not content then return nil, "cannot be read: " .. problem end
    return content
  end
  if not given:find "%s" and (given:find("/", 1, true) or given:find "%.[%a]+$") then
    return nil, "is no file that is there, and no text (a path or a name of a file is none)"
  end
  return given
end

function readers.integer(text, option)
  local n = math.tointeger(tonumber(text))
  if not n then return nil, "must be a whole number" end
  if option.least and n < option.least then return nil, ("must be %d or more"):format(option.least) end
  if option.most and n > option.most then return nil, ("must be %d or less"):format(option.most) end
  return n
end

function readers.number(text, option)
  local n = tonumber(text)
  if not n or n ~= n then return nil, "must be a number" end
  if option.least and n < option.least then return nil, ("must be %s or more"):format(option.least) end
  if option.above and n <= option.above then return nil, ("must be more than %s"):format(option.above) end
  if option.most and n > option.most then return nil, ("must be %s or less"):format(option.most) end
  return n
end

function readers.choice(text, option)
  for _, choice in ipairs(option.choices) do
    if text == choice then return text end
  end
  if option.files and text:match "%.lua$" then return text end
  return nil, "must be one of " .. table.concat(option.choices, ", ") .. nearest.hint(text, option.choices)
end

function readers.shard(text)
  local automatic, given = text:match "^(auto)/?(%d*)$"
  if automatic then return scheduler.shard(os.getenv, math.tointeger(tonumber(given))) end
  local i, n = text:match "^(%d+)/(%d+)$"
  i, n = math.tointeger(tonumber(i)), math.tointeger(tonumber(n))
  if not i or i < 1 or i > n then return nil, "must be I/N with I from 1 to N, as in 2/4, or auto" end
  return { i, n }
end

local function names_of(declared)
  local names = {}
  for i, option in ipairs(declared) do names[i] = "--" .. option[1] end
  return names
end

local function find(declared, name)
  for _, option in ipairs(declared) do
    if option[1] == name then return option end
  end
end

--- The first option that is given by its place and has no value yet.
local function next_positional(declared, values)
  for _, option in ipairs(declared) do
    if option.positional and (option.many or values[option[1]] == nil) then return option end
  end
end

local function take(values, option, text)
  local value, problem = readers[option.type](text, option)
  if value == nil then return ('--%s %s (it is "%s")'):format(option[1], problem, text) end
  if option.many then
    values[option[1]] = values[option[1]] or {}
    table.insert(values[option[1]], value)
  elseif option.type == "data" and values[option[1]] ~= nil then -- several files of one dataset
    local before = values[option[1]]
    values[option[1]] = type(before) == "table" and before or { before }
    table.insert(values[option[1]], value)
  elseif values[option[1]] ~= nil then
    return ("--%s is given twice"):format(option[1])
  else
    values[option[1]] = value
  end
end

--- Fills in defaults; what is missing, all of it, where something is.
local function check_required(declared, values)
  local missing = {}
  for _, option in ipairs(declared) do
    local name = option[1]
    if values[name] == nil then
      if option.required and not (option.unless and values[option.unless]) then
        local usage = option.positional and (option.metavar or name)
          or ("--%s %s"):format(name, option.metavar or option.choices and table.concat(option.choices, "|") or "VALUE")
        missing[#missing + 1] = ("%s is missing: %s"):format(usage, option.help)
      end
      values[name] = option.default
    end
  end
  return #missing > 0 and table.concat(missing, "\n  ") or nil
end

--- What somebody may have meant by an option that there is not. --model is not what names models in every command.
local function hint_of(name, declared)
  local models = {}
  for _, option in ipairs(declared) do
    if option.type == "model" then models[#models + 1] = "--" .. option[1] end
  end
  if name == "model" and #models > 0 then return "; its models are named by " .. table.concat(models, ", ") end
  return nearest.hint("--" .. name, names_of(declared))
end

--- Whether the value of an option that takes a number names a file, which another option takes.
local function is_path(text)
  return text ~= nil and not tonumber(text) and (text:find("[/.]") or sys.kind(text) or text == "-") and true or false
end

--- Reads arguments. With `stop_at_word`, the first argument that is no option ends them.
---@param declared fellowship.Option[]
---@param arguments string[]
---@param stop_at_word? boolean
---@return table<string, any>? values by name; nil when something is wrong
---@return string|integer problem, or the index of the first argument that was not read
function options.read(declared, arguments, stop_at_word)
  local values, i = {}, 1
  while i <= #arguments do
    local argument = arguments[i]
    local name, inline = argument:match "^%-%-([%w%-]+)=(.*)$"
    name = name or argument:match "^%-%-([%w%-]+)$"
    local option
    if not name then
      if stop_at_word then break end
      option = next_positional(declared, values)
      if not option then return nil, ('"%s" is not understood; options begin with --'):format(argument) end
      inline = argument
    else
      option = find(declared, name)
    end
    if option and option.elsewhere and is_path(inline or arguments[i + 1]) then
      option = find(declared, option.elsewhere)
    end
    if not option then
      return nil, ("unknown option --%s%s"):format(name, hint_of(name, declared))
    end
    local problem
    if option.type == "flag" then
      if inline then problem = ("--%s takes no value"):format(name) end
      values[name] = true
    else
      local text = inline
      if not text then
        i = i + 1
        text = arguments[i]
      end
      problem = not text and ("--%s needs a value"):format(name) or take(values, option, text)
    end
    if problem then return nil, problem end
    i = i + 1
  end
  local missing = check_required(declared, values)
  if missing then return nil, missing end
  return values, i
end

--- A mistake in what a script declares, which says it all: no traceback helps.
local function wrong(message)
  errors.raise { kind = "usage", message = message }
end

--- Checks what a script declares; raises when it is no option.
---@param declared fellowship.Option[]
---@param where string
function options.check_declared(declared, where)
  for i, option in ipairs(declared) do
    local name = option[1]
    local what = ("%s: option %d"):format(where, i)
    if type(name) ~= "string" or not name:match "^[%l%d%-]+$" then
      wrong(what .. " has no name: its first element, lower-case letters and dashes")
    end
    what = ("%s: option %s"):format(where, name)
    if not readers[option.type] and option.type ~= "flag" then
      wrong(('%s has the unknown type "%s"%s'):format(what, tostring(option.type),
        nearest.hint(tostring(option.type), nearest.names(readers))))
    end
    if type(option.help) ~= "string" then wrong(what .. ' has no help: what --help says of it, help = "..."') end
    if find(options.common, name) then wrong(what .. " is one that every command has") end
    if find(options.data, name) then wrong(what .. " is one that every command with data has") end
  end
end

local function append(list, more)
  table.move(more, 1, #more, #list + 1, list)
end

--- All options of a script that declares them, its own first; raises when what it declares is none.
---@param script table
---@param path string for messages
---@return fellowship.Option[]
function options.of_script(script, path)
  local all, reads = {}, false
  append(all, script.options or {})
  append(all, options.columns(script.columns or {}))
  options.check_declared(all, path)
  for _, option in ipairs(all) do reads = reads or option.type == "data" end
  if reads then append(all, options.data) end
  for _, option in ipairs(script.folder == false and {} or options.common) do
    if option[1] == "out" then
      local required = {}
      for k, v in pairs(option) do required[k] = v end
      required.required, required.unless = true, "dry-run"
      option = required
    end
    all[#all + 1] = option
  end
  return all
end

return options
