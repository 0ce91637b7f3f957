-- Manual pages, made of what commands declare.

local host = require "fellowship.core.host"
local catalogue = require "fellowship.command.catalogue"
local help = require "fellowship.command.help"
local options = require "fellowship.command.options"

local manual = {}

--- A text with what roff would take for its own escaped.
local function escaped(said)
  return (said:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^([.'])", "\\&%1"):gsub("\n([.'])", "\n\\&%1"))
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
        value ~= "" and " " .. escaped(value) or "", escaped(help.about(option)))
    end
  end
  return table.concat(parts)
end

local PAGE = [[
.TH FELLOWSHIP\-RUN\-%s 1 "" "fellowship %s" "User commands"
.SH NAME
fellowship\-run\-%s \- %s
.SH SYNOPSIS
.B fellowship run %s
.RI [ options ]
.SH EXAMPLE
.nf
%s
.fi
.SH OPTIONS
%s.SH SEE ALSO
.BR fellowship (1)
]]

--- The manual page of a bundled script.
---@param name string
---@return string
function manual.page(name)
  local path = catalogue.path(name)
  local script = catalogue.load(path)()
  local shown = escaped(name)
  return PAGE:format(escaped(name:upper()), escaped(host.version), shown, escaped(script.summary or ""), shown,
    escaped(script.example or ""), manual.options(options.of_script(script, path)))
end

return manual
