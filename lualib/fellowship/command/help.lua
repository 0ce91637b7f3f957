-- Help of commands: a screen with what one needs first, all of it on request, and the same as a manual page.

local sys = require "fellowship.core.sys"
local text = require "fellowship.base.text"
local about = require "fellowship.command.about"
local catalogue = require "fellowship.command.catalogue"
local options = require "fellowship.command.options"

local help = {}

-- Columns of help, whatever the terminal: what fits these fits everywhere.
local WIDTH = 80

-- Lines of a first screen before what is said of every command.
local MOST_LINES = 21

-- Characters of choices that are written behind an option; longer ones stand in what it is for.
local MOST_CHOICES = 22

-- Options of every command that a first screen names.
local FIRST = { "limit", "concurrency", "offline", "dry-run", "max-cost" }

-- The same of a verb.
local VERBS_FIRST = { "store", "models", "concurrency", "offline", "max-cost" }

--- How the value of an option is called: its choices where they are few, else its metavar; "" of a flag.
local function value_of(option)
  if option.type == "flag" then return "" end
  local choices = option.choices and table.concat(option.choices, "|")
  if choices and #choices <= MOST_CHOICES then return choices end
  return option.metavar or option.type:upper()
end

--- An option as it is written: --scale N.
---@param option fellowship.Option
---@return string
function help.usage(option)
  local value = value_of(option)
  if option.positional then return value end
  return "--" .. option[1] .. (value ~= "" and " " .. value or "")
end

--- What an option is for, with its choices, default and whether it is needed.
---@param option fellowship.Option
---@param brief? boolean without what an example shows
---@return string
function help.about(option, brief)
  local notes = {}
  local choices = option.choices and table.concat(option.choices, "|")
  if choices and value_of(option) ~= choices then notes[1] = choices:gsub("|", ", ") end
  local is_first = brief and choices and option.default == option.choices[1]
  if option.default ~= nil and not is_first then notes[#notes + 1] = "default " .. tostring(option.default) end
  if option.required and not brief then
    notes[#notes + 1] = "required" .. (option.unless and " unless --" .. option.unless or "")
  end
  if option.many or option.type == "data" and not brief then notes[#notes + 1] = "may be repeated" end
  return option.help .. (#notes > 0 and " (" .. table.concat(notes, "; ") .. ")" or "")
end

--- Options by group, in the order in which groups first appear; those without one come first, under "".
---@param declared fellowship.Option[]
---@return { name: string, [integer]: fellowship.Option }[]
function help.groups(declared)
  local list, by_name = { { name = "" } }, {}
  by_name[""] = list[1]
  for _, option in ipairs(declared) do
    local name = option.group or ""
    if not by_name[name] then
      by_name[name] = { name = name }
      list[#list + 1] = by_name[name]
    end
    table.insert(by_name[name], option)
  end
  return list
end

--- Lines of options: what is written, and beside it what it is for.
local function option_lines(lines, declared, brief)
  local wide = 0
  for _, option in ipairs(declared) do
    local columns = text.columns(help.usage(option))
    if columns <= 26 then wide = math.max(wide, columns) end
  end
  for _, option in ipairs(declared) do
    local usage = help.usage(option)
    local said = text.wrap(help.about(option, brief), WIDTH - wide - 5)
    if text.columns(usage) > wide then
      lines[#lines + 1] = "  " .. usage
      usage = ""
    end
    for i, part in ipairs(said) do
      local before = i == 1 and usage or ""
      lines[#lines + 1] = ("  %s%s  %s"):format(before, (" "):rep(wide - #before), part)
    end
  end
end

--- Options in a few words: the first column's in full, the others by what they hold.
local function brief_usages(declared)
  local list, columns = {}, {}
  for _, option in ipairs(declared) do
    if not option.column then list[#list + 1] = option.choices and "--" .. option[1] or help.usage(option)
    elseif #columns == 0 then columns[1] = help.usage(option)
    else columns[#columns + 1] = (option[1]:gsub("%-column$", "")) end
  end
  if columns[2] then columns[2] = "and so: " .. columns[2] end
  return table.move(columns, 1, #columns, #list + 1, list)
end

--- A group in a line, without what its options are for; "..." where it has more.
local function short_group(lines, name, declared, more)
  local line, usages = ("  %-10s"):format(name), brief_usages(declared)
  for i, usage in ipairs(usages) do
    local longer = line .. (i > 1 and ", " or "") .. usage
    if #longer + ((more or i < #usages) and #", ..." or 0) > WIDTH then
      more = true
      break
    end
    line = longer
  end
  lines[#lines + 1] = line .. (more and ", ..." or "")
end

local function named(declared, names)
  local list = {}
  for _, name in ipairs(names) do
    for _, option in ipairs(declared) do
      if option[1] == name then list[#list + 1] = option end
    end
  end
  return list
end

--- The script's own options, without those that every command has; the results' folder is the last of the first ones.
local function own(declared)
  local list, out = {}, nil
  for _, option in ipairs(declared) do
    if option[1] == "out" then
      out = {}
      for key, value in pairs(option) do out[key] = value end
      out.group = nil
    elseif not option.common then list[#list + 1] = option end
  end
  list[#list + 1] = out
  return list
end

local function example_lines(lines, script)
  for line in (script.example or ""):gmatch "[^\n]+" do lines[#lines + 1] = "  " .. line end
  if script.example then lines[#lines + 1] = "" end
end

--- The lines of a first screen.
local function screen_lines(name, script, groups)
  local lines = text.wrap(("fellowship run %s: %s"):format(name, script.summary or ""), WIDTH)
  lines[#lines + 1] = ""
  example_lines(lines, script)
  option_lines(lines, groups[1], true)
  if #groups > 1 then lines[#lines + 1] = "" end
  for i = 2, #groups do
    if groups[i].name ~= "reading" then short_group(lines, groups[i].name, groups[i]) end
  end
  return lines
end

--- Moves the last option that one can do without from those that are explained to those that are named; false when
--- there is none.
local function shorten(groups)
  for i = #groups[1], 1, -1 do
    local option = groups[1][i]
    if not (option.required or option.positional or option[1] == "out" or option[1] == "model") then
      table.remove(groups[1], i)
      local more = groups[2] and groups[2].name == "more" and groups[2] or { name = "more" }
      if more ~= groups[2] then table.insert(groups, 2, more) end
      table.insert(more, 1, option)
      return true
    end
  end
  return false
end

--- What a command does, an example, and its own options on one screen.
---@param name string
---@param script table as scripts declare themselves
---@param declared fellowship.Option[] all that it takes
---@return string
function help.short(name, script, declared)
  local groups = help.groups(own(declared))
  local lines = screen_lines(name, script, groups)
  while #lines > MOST_LINES and shorten(groups) do lines = screen_lines(name, script, groups) end
  if script.folder ~= false then
    short_group(lines, "and", named(declared, FIRST), true)
    lines[#lines + 1] = ("`fellowship run %s --help all` explains every option."):format(name)
  end
  return table.concat(lines, "\n") .. "\n"
end

local function add_group(lines, group)
  lines[#lines + 1] = group.name ~= "" and group.name .. ":" or "options:"
  option_lines(lines, group)
  lines[#lines + 1] = ""
end

--- All options of a command, each with what it is for.
---@param name string
---@param script table
---@param declared fellowship.Option[]
---@return string
function help.all(name, script, declared)
  local lines = { ("fellowship run %s: %s"):format(name, script.summary or ""), "" }
  example_lines(lines, script)
  for _, group in ipairs(help.groups(declared)) do
    if #group > 0 then add_group(lines, group) end
  end
  lines[#lines] = nil
  return table.concat(lines, "\n") .. "\n"
end

--- Verbs of a verb in a few lines: what each is for as far as its first clause says it, and what options it takes.
local function short_parts(lines, parts)
  local wide = 0
  for _, part in ipairs(parts) do wide = math.max(wide, #part.usage) end
  for _, part in ipairs(parts) do
    local said = text.wrap(part.summary:match "^[^;(:]+":gsub(" $", ""), WIDTH - wide - 4)
    if #part.options > 0 then said[#said + 1] = table.concat(brief_usages(part.options), ", ") end
    for i, line in ipairs(said) do
      lines[#lines + 1] = ("  %-" .. wide .. "s  %s"):format(i == 1 and part.usage or "", line)
    end
  end
  lines[#lines + 1] = ""
end

--- The same with all there is to say of them.
local function all_parts(lines, name, parts)
  for _, part in ipairs(parts) do
    for _, line in ipairs(text.wrap(("fellowship %s %s: %s"):format(name, part.usage, part.summary), WIDTH)) do
      lines[#lines + 1] = line
    end
    option_lines(lines, part.options)
    lines[#lines + 1] = ""
  end
end

--- Options of a verb: those of every command in a line.
local function short_options(lines, declared)
  local few, common = {}, {}
  for _, option in ipairs(declared) do
    local list = option.common and common or few
    list[#list + 1] = option
  end
  option_lines(lines, few, true)
  if #common == 0 then return end
  if #few > 0 then lines[#lines + 1] = "" end
  short_group(lines, "and", named(common, VERBS_FIRST), true)
end

--- What a verb is for, an example, and its options: of those that every command has a few, unless all are wanted.
---@param name string
---@param all? boolean
---@return string
function help.verb(name, all)
  local page = about[name]
  local declared = page.options and page.options() or {}
  local lines = text.wrap(("fellowship %s: %s"):format(page.usage, page.summary), WIDTH)
  lines[#lines + 1] = ""
  example_lines(lines, page)
  local parts = page.parts and page.parts()
  if all then
    if parts then all_parts(lines, name, parts) end
    for _, group in ipairs(help.groups(declared)) do
      if #group > 0 then add_group(lines, group) end
    end
  else
    if parts then short_parts(lines, parts) end
    short_options(lines, declared)
    if parts or #declared > 0 and declared[#declared].common then
      lines[#lines + 1] = ("`fellowship %s --help all` explains every option."):format(name)
    end
  end
  while lines[#lines] == "" do lines[#lines] = nil end
  return table.concat(lines, "\n") .. "\n"
end

--- The first screen of a bundled script; nil when there is none of that name.
---@param name string
---@return string?
function help.of_script(name)
  local path = catalogue.path(name)
  if not name:find "^[%w_-]+$" or sys.kind(path) ~= "file" then return nil end
  local script = catalogue.load(path)()
  return help.short(name, script, options.of_script(script, path))
end

--- Options before a plain script, and of every command, by group.
---@return string
function help.common()
  local lines = {}
  for _, group in ipairs(help.groups(options.common)) do
    if #group > 0 then add_group(lines, group) end
  end
  lines[#lines] = nil
  return table.concat(lines, "\n") .. "\n"
end

--- The most usual of them, in a few lines.
---@return string
function help.first()
  local lines = {}
  short_group(lines, "options", named(options.common, { "store", "out", table.unpack(FIRST) }), true)
  return table.concat(lines, "\n") .. "\n"
end

return help
