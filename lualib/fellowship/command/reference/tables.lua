-- Tables of the guide, as Markdown, made of what the code itself goes by.

local kinds = require "fellowship.base.kinds"
local provider = require "fellowship.provider"
local mapped = require "fellowship.provider.mapped"
local catalogue = require "fellowship.command.catalogue"
local help = require "fellowship.command.help"
local options = require "fellowship.command.options"
local fields = require "fellowship.command.reference.fields"

local tables = {}

local function cell(said)
  return (tostring(said):gsub("|", "\\|"):gsub("\n", " "))
end

--- A table of Markdown.
local function markdown(heads, rows)
  local lines = { "| " .. table.concat(heads, " | ") .. " |", "|" .. ("---|"):rep(#heads) }
  for i, row in ipairs(rows) do
    local cells = {}
    for c = 1, #heads do cells[c] = cell(row[c] or "") end
    lines[i + 2] = "| " .. table.concat(cells, " | ") .. " |"
  end
  return table.concat(lines, "\n") .. "\n"
end

local makers = {}

--- Options of every command, by group.
function makers.common_options()
  local rows = {}
  for _, group in ipairs(help.groups(options.common)) do
    for _, option in ipairs(group) do
      rows[#rows + 1] = { group.name, "`" .. help.usage(option) .. "`", help.about(option) }
    end
  end
  return markdown({ "", "option", "" }, rows)
end

--- Options that say how data is read.
function makers.data_options()
  local rows = {}
  for i, option in ipairs(options.data) do rows[i] = { "`" .. help.usage(option) .. "`", help.about(option) } end
  return markdown({ "option", "" }, rows)
end

--- The bundled scripts.
function makers.scripts()
  local rows = {}
  for i, name in ipairs(catalogue.names()) do
    rows[i] = { "`" .. name .. "`", catalogue.load(catalogue.path(name))().summary }
  end
  return markdown({ "command", "" }, rows)
end

local function options_of(name)
  local path = catalogue.path(name)
  local rows = {}
  for _, option in ipairs(options.of_script(catalogue.load(path)(), path)) do
    if not option.common and option.group ~= "reading" and option.group ~= "columns" then
      rows[#rows + 1] = { "`" .. help.usage(option) .. "`", help.about(option) }
    end
  end
  return markdown({ "option", "" }, rows)
end

for _, name in ipairs { "preference", "evaluate", "winrate", "bias", "judge-bench", "tournament",
  "feedback", "generate" } do
  makers["options_of_" .. name] = function() return options_of(name) end
end

--- Providers: where they are, and which variables they read.
function makers.providers()
  local rows = {}
  for _, name in ipairs(provider.names()) do
    local one = provider.find(name)
    local key = one.key_env and "`" .. one.key_env .. "`" .. (one.key_optional and ", or none" or "") or "none"
    rows[#rows + 1] = { "`" .. name .. "`", one.url or (one.simulated and "a stand-in, for tests" or ""), key,
      one.url_env and "`" .. one.url_env .. "`" or "" }
  end
  return markdown({ "provider", "usual address", "key", "another address" }, rows)
end

--- What each provider is sent for a parameter.
function makers.sent()
  return mapped.markdown()
end

--- Kinds of failures.
function makers.kinds()
  local rows = {}
  for i, kind in ipairs(kinds) do rows[i] = { "`" .. kind[1] .. "`", kind[2], kind[3] or "" } end
  return markdown({ "kind", "means", "what helps" }, rows)
end

--- Fields of the files of results.
function makers.fields()
  local parts = {}
  for i, file in ipairs(fields) do
    local rows = {}
    for r, field in ipairs(file) do rows[r] = { "`" .. field[1] .. "`", field[2], field[3] or "" } end
    parts[i] = ("### `%s`\n\n%s.\n\n%s"):format(file.file, file.of:gsub("^%l", string.upper),
      markdown({ "field", "holds", "when" }, rows))
  end
  return table.concat(parts, "\n")
end

local function mark(name)
  return ("<!-- made by `make guide-tables`: %s -->"):format(name)
end

local END = "<!-- end -->"

--- A page with its tables made anew: what stands between their marks is replaced. Raises when a mark names no table.
---@param page string
---@return string
function tables.fill(page)
  return (page:gsub("(<!%-%- made by `make guide%-tables`: ([%w_]+) %-%->\n)(.-)(<!%-%- end %-%->)", function(_, name)
    local maker = makers[name]
    if not maker then error(("the guide has no table %s"):format(name), 0) end
    return mark(name) .. "\n" .. maker() .. END
  end))
end

--- Names of all tables.
---@return string[]
function tables.names()
  return require "fellowship.base.nearest".names(makers)
end

return tables
