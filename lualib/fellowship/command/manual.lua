-- Manual pages, made of what commands declare.

local host = require "fellowship.core.host"
local text = require "fellowship.base.text"
local about = require "fellowship.command.about"
local catalogue = require "fellowship.command.catalogue"
local help = require "fellowship.command.help"
local options = require "fellowship.command.options"

local manual = {}

-- Of the pages, as in fellowship.1.
local DATE = "2026-11-28"

-- Columns of a source line.
local WIDTH = 78

--- A text with what roff would take for its own escaped.
local function escaped(said)
  return (said:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^([.'])", "\\&%1"):gsub("\n([.'])", "\n\\&%1"))
end

--- The same of a paragraph, in lines of a source.
local function filled(said)
  return escaped(table.concat(text.wrap(said, WIDTH), "\n"))
end

--- Options as a tagged list.
---@param declared fellowship.Option[]
---@return string
function manual.options(declared)
  local parts = {}
  for _, group in ipairs(help.groups(declared)) do
    if #group > 0 and group.name ~= "" then parts[#parts + 1] = (".SS %s\n"):format(escaped(group.name)) end
    for _, option in ipairs(group) do
      local name, value = help.usage(option):match "^(%S+) ?(.*)$"
      parts[#parts + 1] = ('.TP\n.BI "%s" "%s"\n%s\n'):format(escaped(name),
        value ~= "" and " " .. escaped(value) or "", filled(help.about(option)))
    end
  end
  return table.concat(parts)
end

local HEAD = [[
.TH FELLOWSHIP\-%s 1 "%s" "fellowship %s" "User commands"
.SH NAME
fellowship\-%s \- %s
.SH SYNOPSIS
.B fellowship %s
]]

local TAIL = [[
.SH SEE ALSO
.BR fellowship (1)
]]

--- The first lines of a page.
local function head(name, usage, summary)
  return HEAD:format(escaped(name:upper()), DATE, escaped(host.version), escaped(name), escaped(summary),
    escaped(usage))
end

local function section(name, body)
  return body and body ~= "" and (".SH %s\n%s"):format(name, body) or ""
end

local function example(lines)
  return section("EXAMPLE", lines and (".nf\n%s\n.fi\n"):format(escaped(lines)))
end

--- The manual page of a bundled script.
---@param name string
---@return string
function manual.page(name)
  local path = catalogue.path(name)
  local script = catalogue.load(path)()
  return head("run-" .. name, ("run %s [options]"):format(name), script.summary or "") .. example(script.example)
    .. section("OPTIONS", manual.options(options.of_script(script, path))) .. TAIL
end

--- The manual page of a verb, such as store.
---@param name string
---@return string
function manual.verb(name)
  local page = about[name]
  local commands = {}
  for i, part in ipairs(page.parts and page.parts() or {}) do
    commands[i] = (".SS %s\n%s\n%s"):format(escaped(part.usage), filled(part.summary), manual.options(part.options))
  end
  return head(name, page.usage, page.summary) .. section("DESCRIPTION", page.text and filled(page.text) .. "\n")
    .. example(page.example) .. section("COMMANDS", table.concat(commands))
    .. section("OPTIONS", page.options and manual.options(page.options())) .. TAIL
end

return manual
