-- The reference as text for a terminal and as Markdown.

local reference = require "fellowship.command.reference"
local mapped = require "fellowship.provider.mapped"
local text = require "fellowship.base.text"

local render = {}

local function add_list(lines, title, list, width)
  if #list == 0 then return end
  lines[#lines + 1] = title
  for _, item in ipairs(list) do
    local said = (item.name and item.name .. ": " or "") .. item.type .. (item.text ~= "" and " - " .. item.text or "")
    for i, line in ipairs(text.wrap(said, width - 4)) do lines[#lines + 1] = (i == 1 and "  " or "    ") .. line end
  end
end

--- Names of what belongs to an entry: a module's functions, an object's methods.
local function below(entry)
  local list = {}
  for _, other in ipairs(reference.entries()) do
    local rest = other.name:sub(1, #entry.name) == entry.name and other.name:sub(#entry.name + 1)
    if rest and rest:find "^[.:]" then list[#list + 1] = other.signature end
  end
  return list
end

local function entry_text(entry, width)
  local lines = text.wrap(entry.signature, width)
  for _, paragraph in ipairs(entry.text) do
    for _, line in ipairs(text.wrap(paragraph, width)) do lines[#lines + 1] = line end
  end
  add_list(lines, "arguments", entry.params, width)
  add_list(lines, "returns", entry.returns, width)
  add_list(lines, "fields", entry.fields, width)
  local has = entry.class and below(entry) or {}
  if #has > 0 then
    lines[#lines + 1] = "has"
    for _, signature in ipairs(has) do lines[#lines + 1] = "  " .. signature end
  end
  for _, example in ipairs(entry.examples) do
    lines[#lines + 1] = "example"
    for line in (example .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = "  " .. line end
  end
  return table.concat(lines, "\n")
end

--- Entries for a terminal.
---@param found fellowship.Entry[]
---@param width integer
---@return string
function render.entries(found, width)
  local texts = {}
  for i, entry in ipairs(found) do texts[i] = entry_text(entry, width) end
  return table.concat(texts, "\n\n")
end

--- Whether an entry belongs to another one: a function of a module, a method of an object.
local function is_nested(name)
  return name:match "^fellowship%.%w+%." or not name:match "^fellowship%." and name:match "^%w+[:.]"
end

--- What there is, a line each.
---@param width integer
---@return string
function render.overview(width)
  local lines = { "`help judge` tells more, of a bundled script too: `help winrate`", "" }
  for _, entry in ipairs(reference.entries()) do
    local nested = is_nested(entry.name)
    if not nested and not entry.name:match "^fellowship%.%u" then
      local first = (entry.text[1] or ""):match "^(.-%.)%s" or entry.text[1] or ""
      lines[#lines + 1] = text.fit(("%-26s %s"):format(entry.name, first), width)
    end
  end
  return table.concat(lines, "\n")
end

-- ---- Markdown ----

local function cell(s)
  return (s:gsub("|", "\\|"))
end

local function add_table(out, title, list)
  if #list == 0 then return end
  out[#out + 1] = ("**%s**\n"):format(title)
  for _, item in ipairs(list) do
    out[#out + 1] = ("- %s`%s`%s"):format(item.name and ("`%s` "):format(item.name) or "", item.type,
      item.text ~= "" and ": " .. cell(item.text) or "")
  end
  out[#out + 1] = ""
end

local HEAD = [[
# fellowship %s: reference

What scripts can use, made from the comments in the library's sources (`make reference`). The examples are run by the
tests; in them `fellowship` is `require "fellowship"`, `llama` a model, `judge` a judge, `loop` a feedback loop, `pair`
a pair of responses, and `prompts.jsonl` a file whose rows have a prompt.
]]

--- The whole reference.
---@param version string
---@return string
function render.markdown(version)
  local out = { HEAD:format(version) }
  for _, entry in ipairs(reference.entries()) do
    local nested = is_nested(entry.name)
    out[#out + 1] = ("%s %s\n"):format(nested and "###" or "##", ("`%s`"):format(entry.signature))
    for _, paragraph in ipairs(entry.text) do out[#out + 1] = paragraph .. "\n" end
    add_table(out, "Arguments", entry.params)
    add_table(out, "Returns", entry.returns)
    add_table(out, "Fields", entry.fields)
    for _, example in ipairs(entry.examples) do out[#out + 1] = ("```lua\n%s\n```\n"):format(example) end
  end
  out[#out + 1] = mapped.markdown()
  return table.concat(out, "\n")
end

return render
