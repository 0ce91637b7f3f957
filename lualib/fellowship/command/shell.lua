-- What a shell completes behind `fellowship`: commands, scripts, options, choices, models.

local sys = require "fellowship.core.sys"
local about = require "fellowship.command.about"
local catalogue = require "fellowship.command.catalogue"
local model_names = require "fellowship.command.model_names"
local options = require "fellowship.command.options"

local shell = {}

local BESIDE = { "run", "--version", "--help" } -- those that `about` does not tell of

-- What the shell itself adds: files, or files that end in .lua.
local FILES, SCRIPTS = "@files", "@lua"

local function names_of(declared)
  local names = { "--help" }
  for _, option in ipairs(declared) do
    if not option.positional then names[#names + 1] = "--" .. option[1] end
  end
  return names
end

local function find(declared, word)
  for _, option in ipairs(declared) do
    if "--" .. option[1] == word then return option end
  end
end

--- What an option may have as its value.
local function values_of(option, typed)
  if option.choices then
    local list = table.move(option.choices, 1, #option.choices, 1, {})
    if option.files then list[#list + 1] = SCRIPTS end
    return list
  end
  if option.type == "model" then return model_names.candidates(typed) end
  local names_a_file = option.type == "file" or option.type == "data" or option.type == "text" or option[1] == "out"
    or option[1] == "store"
  return names_a_file and { FILES } or {}
end

--- The options of a script; nil when there is none of that name.
local function declared_by(name)
  local path = name:find "[/.]" and name or catalogue.path(name)
  if sys.kind(path) ~= "file" then return nil end
  local well, script = pcall(function() return catalogue.load(path)() end)
  return well and type(script) == "table" and options.of_script(script, path) or nil
end

local function of_options(declared, words)
  local word, before = words[#words], words[#words - 1]
  if word:sub(1, 1) == "-" then return names_of(declared) end
  local option = find(declared, before)
  return option and option.type ~= "flag" and values_of(option, word) or { FILES }
end

local function store_verbs()
  local names = {}
  for i, part in ipairs(require "fellowship.command.store".parts()) do names[i] = part.name end
  return names
end

local function reference_names()
  local names = {}
  for i, entry in ipairs(require "fellowship.command.reference".entries()) do
    names[i] = entry.name:gsub("^fellowship%.", "")
  end
  return names
end

-- The others have their options.
local by_verb = {
  run = function(words)
    if #words == 2 then return table.move(catalogue.names(), 1, #catalogue.names(), 2, { SCRIPTS }) end
    local declared = declared_by(words[2])
    return declared and of_options(declared, words) or { FILES }
  end,
  store = function(words) return #words == 2 and store_verbs() or { "--store", FILES } end,
  help = reference_names,
  check = function() return { SCRIPTS } end,
  submit = function(words)
    for i = 2, #words - 1 do -- behind `--` stands another command
      if words[i] == "--" then return shell.candidates(table.move(words, i + 1, #words, 1, {})) end
    end
    return of_options(about.submit.options(), words)
  end,
}

--- Candidates for the last of the words behind the program's name.
---@param words string[]
---@return string[]
function shell.candidates(words)
  if #words == 1 then
    if words[1]:find "^%-" then return names_of(options.common) end
    local names = { SCRIPTS, table.unpack(BESIDE) }
    for name in pairs(about) do names[#names + 1] = name end
    return names
  end
  local own = by_verb[words[1]]
  if own then return own(words) end
  local verb = about[words[1]]
  if verb then return verb.options and of_options(verb.options(), words) or {} end
  for i = 1, #words - 1 do
    if words[i]:find "%.lua$" then
      local declared = declared_by(words[i])
      return declared and of_options(declared, words) or { FILES }
    end
  end
  return of_options(options.common, words)
end

return shell
