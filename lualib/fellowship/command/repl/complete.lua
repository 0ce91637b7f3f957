-- What Tab completes in the REPL: globals, fields, methods, options of constructors, models, files.

local sys = require "fellowship.core.sys"
local stats = require "fellowship.money.count"
local model_names = require "fellowship.command.model_names"
local reference = require "fellowship.command.reference"

local complete = {}

local keywords = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
  "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while" }

--- Functions whose first argument is a model's name.
local takes_model = { ["fellowship.model"] = true, ["fellowship.judge"] = true, ["fellowship.debate"] = true }

-- Fields of options that name models.
local model_fields = { model = true, models = true, generator = true, reviewers = true, fallback = true }

local function index_of(value)
  local metatable = debug.getmetatable(value)
  local index = type(metatable) == "table" and rawget(metatable, "__index")
  return type(index) == "table" and index or nil
end

--- What value[name] is, without running any code of a script; the library's own parts are loaded.
local function look(value, name)
  if value == package.loaded.fellowship then
    return require "fellowship.parts"[name] and value[name] or rawget(value, name)
  end
  if type(value) == "table" and rawget(value, name) ~= nil then return rawget(value, name) end
  local index = index_of(value)
  return index and rawget(index, name)
end

local function resolve(path)
  local value, first = nil, true
  for name in path:gmatch "[%a_][%w_]*" do
    if first then value = rawget(_G, name) else value = look(value, name) end
    if value == nil then return nil end
    first = false
  end
  return value
end

local function add_names(found, from, only_functions)
  for name, value in next, from do
    if type(name) == "string" and name:match "^[%a_][%w_]*$" and name:sub(1, 2) ~= "__"
      and (not only_functions or type(value) == "function") then
      found[name] = true
    end
  end
end

local function members(value, only_functions)
  local found = {}
  if value == package.loaded.fellowship then add_names(found, require "fellowship.parts", false) end
  if type(value) == "table" then add_names(found, value, only_functions) end
  local index = index_of(value)
  if index then add_names(found, index, only_functions) end
  return found
end

local function files(typed)
  local folder, start = typed:match "^(.*/)([^/]*)$"
  folder, start = folder or "", start or typed
  local found = {}
  for _, name in ipairs(sys.list(folder == "" and "." or folder) or {}) do
    local path = folder .. name
    if name:sub(1, #start) == start then found[sys.kind(path) == "folder" and path .. "/" or path] = true end
  end
  return found
end

local function models(typed)
  local found = {}
  for _, name in ipairs(model_names.candidates(typed)) do found[name] = true end
  for _, name in ipairs(stats.models) do found[name] = true end
  return found
end

--- Names of the options that the table under the cursor may have.
local function option_names(before)
  local name = before:match "([%a_][%w_.:]*)%s*%(?%s*{[^{}]*$"
  local entry = name and reference.search(name)[1]
  local found
  for _, param in ipairs(entry and entry.params or {}) do
    for _, key in ipairs(reference.keys(param.type) or {}) do
      found = found or {}
      found[key] = true
    end
  end
  return found
end

--- The texts that the option before the cursor may be, where its type lists them; nil when it does not.
local function choices_of(ahead)
  local field = ahead:match "([%a_]+)%s*=%s*$"
  local name = field and ahead:match "([%a_][%w_.:]*)%s*%(?%s*{[^{}]*$"
  local entry, found = name and reference.search(name)[1], nil
  for _, param in ipairs(entry and entry.params or {}) do
    local kind = (" " .. param.type):match("[%s{,]" .. field .. "%??:%s*([^,}]*)")
    for choice in (kind or ""):gmatch '"([^"]+)"' do
      found = found or {}
      found[choice] = true
    end
  end
  return found
end

--- The text of the string that the cursor is in, and what stands before it; nil outside of strings.
local function open_string(before)
  local quote, start
  for at = 1, #before do
    local c = before:sub(at, at)
    if quote then
      if c == quote and before:sub(at - 1, at - 1) ~= "\\" then quote = nil end
    elseif c == '"' or c == "'" then
      quote, start = c, at
    end
  end
  if not quote then return nil end
  return before:sub(start + 1), before:sub(1, start - 1)
end

--- Candidates for a line up to the cursor, and the part that they replace.
---@param before string
---@param commands string[] names of the dot commands
---@return table<string, boolean> candidates
---@return string typed
function complete.candidates(before, commands)
  local command = before:match "^%.(%w*)$"
  if command then
    local found = {}
    for _, name in ipairs(commands) do found[name] = true end
    return found, command
  end
  local path = before:match "^%.load%s+(.*)$"
  if path then return files(path), path end
  local inside, ahead = open_string(before)
  if inside then
    local choices = choices_of(ahead)
    if choices then return choices, inside end
    local fn = ahead:match "([%a_][%w_.]*)%s*%(?%s*{?%s*$"
    local field = ahead:match "([%a_]+)%s*=%s*$" or ahead:match "([%a_]+)%s*=%s*{[^{}]*$"
    if takes_model[fn or ""] or ahead:find "fellowship%.jury%s*%(?%s*{[^{}]*$"
      or model_fields[field or ""] then
      return models(inside), inside
    end
    return files(inside), inside
  end
  local owner, separator, member = before:match "([%a_][%w_.]*)%s*([.:])([%w_]*)$"
  if owner then return members(resolve(owner), separator == ":"), member end
  local word = before:match "[%a_][%w_]*$" or ""
  local found = option_names(before)
  if found and before:find "[{,]%s*[%w_]*$" then return found, word end
  found = members(_G, false)
  for _, name in ipairs(keywords) do found[name] = true end
  return found, word
end

local function in_columns(names, width)
  local longest = 0
  for _, name in ipairs(names) do longest = math.max(longest, #name) end
  local per_row = math.max(1, width // (longest + 2))
  local lines = {}
  for i = 1, #names, per_row do
    local row = {}
    for j = i, math.min(i + per_row - 1, #names) do row[#row + 1] = names[j] .. (" "):rep(longest + 2 - #names[j]) end
    lines[#lines + 1] = table.concat(row):match "^.*%S" or ""
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Completes a line up to the cursor: what it goes on with, or else the names to choose from.
---@param before string
---@param commands string[]
---@param width integer
---@return string? insert
---@return string? list
function complete.line(before, commands, width)
  local found, typed = complete.candidates(before, commands)
  local names = {}
  for name in pairs(found) do
    if name:sub(1, #typed) == typed then names[#names + 1] = name end
  end
  table.sort(names)
  if #names == 0 then return nil end
  local common = names[1]
  for _, name in ipairs(names) do
    while name:sub(1, #common) ~= common do common = common:sub(1, -2) end
  end
  if #common > #typed then return common:sub(#typed + 1) end
  if #names == 1 then return nil end
  return nil, in_columns(names, width)
end

return complete
