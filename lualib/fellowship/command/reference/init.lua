-- The reference: what scripts can use, read from the doc comments and annotations in the library's own
-- sources. help() in the REPL, `fellowship help`, `fellowship check` and build/reference.md are made of it.

local host = require "fellowship.core.host"
local nearest = require "fellowship.base.nearest"
local shapes = require "fellowship.command.reference.shapes"

local reference = {}

---@class fellowship.Entry
---@field name string as scripts write it: fellowship.judge, model:ask
---@field signature string
---@field text string[] paragraphs
---@field examples string[] code
---@field params { name: string, type: string, text: string }[]
---@field returns { type: string, text: string }[]
---@field fields { name: string, type: string, text: string }[]
---@field source string file, below lualib
---@field line integer

--- Classes whose objects scripts hold: how the reference calls such an object, its file, and what it is.
local objects = {
  { "fellowship.Model", "model", "fellowship/call/model.lua", "A model: what fellowship.model gives." },
  { "fellowship.Completion", "completion", "fellowship/call/chain.lua", "A model's answer: what model:ask gives." },
  { "fellowship.Judge", "judge", "fellowship/judge/judge.lua", "An evaluator: one model compares two responses." },
  { "fellowship.Jury", "jury", "fellowship/judge/jury.lua", "An evaluator: several judges that vote." },
  { "fellowship.Debate", "debate", "fellowship/judge/debate.lua", "An evaluator: referees discuss, then score." },
  { "fellowship.Verdict", "verdict", "fellowship/judge/verdict.lua", "What an evaluator's compare gives." },
  { "fellowship.Loop", "loop", "fellowship/generate/feedback.lua", "A feedback loop: what fellowship.feedback gives." },
  { "fellowship.Rubric", "rubric", "fellowship/judge/rubric.lua",
    "Criteria with weights: what fellowship.rubric gives." },
  { "fellowship.Candidates", "candidates", "fellowship/generate/candidates.lua",
    "Several generators as one: what fellowship.candidates gives." },
  { "fellowship.ByScores", "ranking", "fellowship/preference/ranking.lua",
    "A ranking by a score of each response; those by comparisons have the same method." },
  { "fellowship.Evolver", "evolver", "fellowship/generate/evolve.lua",
    "Moves that make prompts of prompts: what fellowship.evolve gives." },
  { "fellowship.Magpie", "magpie", "fellowship/generate/magpie.lua",
    "Prompts of a model's own chat template: what fellowship.magpie gives." },
  { "fellowship.PreferenceSet", "set", "fellowship/preference/set.lua",
    "One preference set in the making: what fellowship.preference.set gives." },
  { "fellowship.Rows", "rows", "fellowship/dataset/rows.lua", "Rows of a dataset: what fellowship.rows gives." },
  { "fellowship.Writer", "out", "fellowship/dataset/writer.lua", "A file of rows: what fellowship.writer gives." },
  { "fellowship.Reading", "reading", "fellowship/dataset/reading.lua", "What the columns of rows hold." },
  { "fellowship.Join", "join", "fellowship/dataset/join.lua", "Rows of two files, joined by their ids." },
  { "fellowship.Games", "games", "fellowship/measure/contest.lua",
    "The results of one tournament: what fellowship.contest.games gives." },
  { "fellowship.Semaphore", "semaphore", "fellowship/flow/lock.lua",
    "Places that tasks take turns in: what fellowship.semaphore and fellowship.lock give." },
  { "fellowship.task", "task", "meta/task.lua", "A task: what fellowship.spawn gives." },
  { "fellowship.Run", "run", "fellowship/command/run.lua",
    "A run of a script that declares its options: what its function `run` is given." },
  { "fellowship.Outcome", "outcome", "fellowship/command/outcome.lua",
    "What came out of a run: run.outcome of a script that declares its options." },
  { "fellowship.Option", "option", "fellowship/command/options.lua", "An option that a script declares." },
  { "fellowship.Error", "error", "fellowship/base/errors.lua",
    "What a call that fails for good raises. Branch on its kind, never on its text." },
}

-- ---- reading a source ----

--- Type and the rest of an annotation; a type goes on over spaces inside brackets and behind | or :.
local function split_type(text)
  local depth, at = 0, 1
  while at <= #text do
    local c = text:sub(at, at)
    if c:find "[{(<%[]" then depth = depth + 1
    elseif c:find "[})>%]]" then depth = depth - 1
    elseif c == " " and depth == 0 and not text:sub(1, at - 1):find "[|:,]%s*$" then break end
    at = at + 1
  end
  return text:sub(1, at - 1), (text:sub(at):gsub("^%s*#?%s*", ""))
end

local function returned(rest)
  local kind, text = split_type(rest)
  return { type = kind, text = text }
end

local readers = {}

function readers.param(entry, rest)
  local name, more = rest:match "^([%w_.]+%??)%s+(.*)$"
  local kind, text = split_type(more or "any")
  entry.params[#entry.params + 1] = { name = name or rest, type = kind, text = text }
end

function readers.field(entry, rest)
  local name, more = rest:match "^(%[?[%w_]+%]?%??)%s+(.*)$"
  if not name then return end
  local kind, text = split_type(more)
  entry.fields[#entry.fields + 1] = { name = name, type = kind, text = text }
end

readers["return"] = function(entry, rest)
  entry.returns[#entry.returns + 1] = returned(rest)
end

function readers.class(entry, rest)
  local name, said = rest:match "^([%w_.]+):?%s*(.*)$"
  entry.class = name
  if said ~= "" and not said:find "^fellowship%." and said ~= "userdata" then entry.text[#entry.text + 1] = said end
end

readers["meta"] = function(entry)
  entry.meta = true
end

--- Of the library alone.
readers["package"] = function(entry)
  entry.meta, entry.internal = true, true
end

--- A line that is no annotation: text, or code when it is indented.
local function take_line(entry, raw)
  local line = raw:gsub("^ ", "")
  local code = raw:match(entry.source:find "^meta/" and "^    (.*)$" or "^     (.*)$")
  local inline = line:match "^Example: `(.*)`$"
  if code then
    local last = #entry.examples
    if entry.in_code then entry.examples[last] = entry.examples[last] .. "\n" .. code
    else entry.examples[last + 1] = code end
    entry.in_code = true
    return
  end
  if line == "" and entry.in_code then return end
  entry.in_code = false
  if inline then
    entry.examples[#entry.examples + 1] = inline
  elseif line == "" then
    entry.open = false
  elseif line ~= "Example:" then
    if entry.open then entry.text[#entry.text] = entry.text[#entry.text] .. " " .. line
    else entry.text[#entry.text + 1] = line end
    entry.open = true
  end
end

local function new_entry(source)
  return { text = {}, examples = {}, params = {}, returns = {}, fields = {}, source = source or "" }
end

local sources, internal = {}, {}

--- Every documented function and class of a file, with the line of the code that the comment stands above.
---@param path string below lualib
---@return fellowship.Entry[]
local function entries_of(path)
  if sources[path] then return sources[path] end
  local list, entry, number = {}, nil, 0
  for line in io.lines(host.home .. "/lualib/" .. path) do
    number = number + 1
    local doc = line:match "^%-%-%-(.*)$"
    if doc then
      entry = entry or new_entry(path)
      local tag, rest = doc:match "^ ?@(%w+)%s*(.*)$"
      if tag then
        entry.in_code, entry.open = false, false
        if readers[tag] then readers[tag](entry, rest) end
      else
        take_line(entry, doc)
      end
    elseif entry then
      entry.line = number
      entry.owner, entry.separator, entry.member = line:match "^function ([%w_]+)([.:])([%w_]+)"
      entry.arguments = line:match "%((.-)%)"
      if not entry.meta then list[#list + 1] = entry end
      if entry.internal then internal[path .. ":" .. number] = true end
      entry = nil
    end
  end
  sources[path] = list
  return list
end

-- ---- finding ----

local function signature_of(name, entry)
  local names = {}
  for i, param in ipairs(entry.params) do names[i] = param.name end
  if #names == 0 and entry.arguments and entry.arguments ~= "" then return ("%s(%s)"):format(name, entry.arguments) end
  return ("%s(%s)"):format(name, table.concat(names, ", "))
end

local function named(entry, name)
  local copy = {}
  for key, value in pairs(entry) do copy[key] = value end
  copy.name = name
  copy.text = table.move(entry.text, 1, #entry.text, 1, {})
  copy.signature = entry.class and name or signature_of(name, entry)
  return copy
end

--- What a function's source says of it; nil without a doc comment.
local function of_function(fn, name)
  local info = debug.getinfo(fn, "S")
  local path = info.source:match "^@.*/lualib/(fellowship/.*)$"
  for _, entry in ipairs(path and entries_of(path) or {}) do
    if entry.line == info.linedefined then return named(entry, name) end
  end
end

--- The same of a primitive in C: its stub in lualib/meta.
local function of_stub(file, member, name)
  for _, entry in ipairs(entries_of(file)) do
    if entry.member == member then return named(entry, name) end
  end
end

--- The class of an object, then its methods, in the order of their source.
local function of_class(class, called, path, what)
  local list, owner = {}, nil
  for _, entry in ipairs(entries_of(path)) do
    if entry.class == class then
      list[1] = named(entry, called)
      table.insert(list[1].text, 1, what)
    end
  end
  -- Methods are those of the local that the class comment stands above.
  for line in io.lines(host.home .. "/lualib/" .. path) do
    if line:find("---@class " .. class, 1, true) and not line:find("---@class " .. class .. "[%w_.]") then owner = true
    elseif owner == true then owner = line:match "^local ([%w_]+)" or owner end
  end
  for _, entry in ipairs(entries_of(path)) do
    if entry.owner and entry.owner == owner and not entry.member:find "^__[^c]" then
      local iterates = entry.member == "__call"
      local separator = (entry.arguments or ""):find "^_" and ":" or entry.separator -- a method that needs no self
      list[#list + 1] = named(entry, iterates and called or called .. separator .. entry.member)
    end
  end
  return list
end

local order = { "model", "spawn", "all", "gather", "map", "each", "sleep", "rows", "writer", "judge", "jury", "debate",
  "feedback", "preference", "measure", "contest", "statistics", "verdict", "errors", "json", "version" }

--- Names of `fellowship`'s own, the usual ones first.
local function part_names()
  local names, seen = {}, {}
  for _, name in ipairs(order) do names[#names + 1], seen[name] = name, true end
  local others = {}
  for name in pairs(require "fellowship.parts") do
    if not seen[name] then others[#others + 1] = name end
  end
  table.sort(others)
  return table.move(others, 1, #others, #names + 1, names)
end

local function member_names(module)
  local names = {}
  for name in pairs(module) do
    if type(name) == "string" and name:sub(1, 2) ~= "__" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- What the comment at the head of a module's file says.
local function head_comment(part)
  local path = package.searchpath(part, package.path)
  local words = {}
  for line in path and io.lines(path) or function() end do
    local comment = line:match "^%-%- (.*)$"
    if not comment then break end
    words[#words + 1] = comment
  end
  return #words > 0 and table.concat(words, " ") or nil
end

--- An entry for each function of a table of functions, by its dotted name.
local function of_group(full, group, list)
  for _, member in ipairs(member_names(group)) do
    local name = full .. "." .. member
    if type(group[member]) == "function" then
      list[#list + 1] = of_function(group[member], name) or named(new_entry(), name)
    end
  end
end

--- Whether a value is a table of functions: a part of a module, and no list of names.
local function is_group(value)
  return type(value) == "table" and type(value[next(value)]) ~= "nil" and #value == 0
end

--- A whole module: an entry for itself and one for each of its functions.
local function of_module(name, module, list)
  local part = require "fellowship.parts"[name]
  local stub = part[1]:match "^fellowship%.core%.(%w+)$"
  local file = stub and ("meta/%s.lua"):format(stub)
  local head = new_entry()
  head.class = ""
  head = named(head, "fellowship." .. name)
  for _, entry in ipairs(file and entries_of(file) or {}) do
    if entry.class == "fellowship." .. name then head = named(entry, "fellowship." .. name) end
  end
  if #head.text == 0 then head.text[1] = head_comment(part[1]) end
  list[#list + 1] = head
  for _, member in ipairs(member_names(module)) do
    local full, value = ("fellowship.%s.%s"):format(name, member), module[member]
    if type(value) == "function" then
      local entry = file and of_stub(file, member, full) or of_function(value, full)
      list[#list + 1] = entry or named(new_entry(), full)
    elseif is_group(value) and not file then
      of_group(full, value, list)
    else
      head.fields[#head.fields + 1] = { name = member, type = type(value), text = "" }
    end
  end
end

--- The entry of a class or alias that has no methods.
local function of_shape(path, class)
  for _, entry in ipairs(entries_of(path)) do
    if entry.class == class then return named(entry, class) end
  end
end

--- Adds what the entries speak of and nothing tells yet.
local function add_shapes(list)
  for _, shape in ipairs(shapes.of(list, reference.objects(), of_shape)) do
    if shape.alias then
      local entry = new_entry(shape.source)
      entry.class = shape.class
      entry = named(entry, shape.name)
      entry.text[1] = "The same as " .. shape.alias
      shape = entry
    end
    list[#list + 1] = shape
  end
end

local all

--- Everything that scripts can use, in the order of the reference.
---@return fellowship.Entry[]
function reference.entries()
  if all then return all end
  all = {}
  local fellowship = require "fellowship"
  for _, name in ipairs(part_names()) do
    local value, full = fellowship[name], "fellowship." .. name
    if type(value) == "function" then
      all[#all + 1] = of_function(value, full) or named(new_entry(), full)
    elseif type(value) == "table" then
      of_module(name, value, all)
    else
      all[#all + 1] = { name = full, signature = full, text = { "The version of the program." }, class = "",
        examples = { "print(" .. full .. ")" }, params = {}, returns = {}, fields = {}, source = "" }
    end
  end
  for _, object in ipairs(objects) do
    local list = of_class(table.unpack(object))
    table.move(list, 1, #list, #all + 1, all)
  end
  add_shapes(all)
  return all
end

--- Whether a function is for the library alone: its comment says @package.
---@param fn function
---@return boolean
function reference.is_internal(fn)
  local info = debug.getinfo(fn, "S")
  local path = info.source:match "^@.*/lualib/(fellowship/.*)$"
  if path then entries_of(path) end
  return path and internal[path .. ":" .. info.linedefined] or false
end

--- Names of objects by class, as the reference calls them.
---@return table<string, string>
function reference.objects()
  local names = {}
  for _, object in ipairs(objects) do names[object[1]] = object[2] end
  return names
end

--- The entries of that name (`fellowship.` may be left out, so there may be two: a constructor and its objects);
--- none, and the nearest name.
---@param name string
---@return fellowship.Entry[] found
---@return string? hint
function reference.search(name)
  local names, found = {}, {}
  for _, entry in ipairs(reference.entries()) do
    if entry.name == name or entry.name == "fellowship." .. name then found[#found + 1] = entry end
    names[#names + 1] = entry.name
  end
  return found, #found == 0 and nearest.hint(name, names) or nil
end

--- The entry of exactly that name.
---@param name string
---@return fellowship.Entry?
function reference.find(name)
  for _, entry in ipairs(reference.entries()) do
    if entry.name == name then return entry end
  end
end

--- The entry of a value: a function of the library, a module, or an object.
---@param value any
---@return fellowship.Entry?
function reference.of(value)
  local fellowship = require "fellowship"
  if value == fellowship then return nil end
  for _, name in ipairs(part_names()) do
    local part = fellowship[name]
    if part == value then return reference.find("fellowship." .. name) end
    for member, inner in pairs(type(part) == "table" and part or {}) do
      if inner == value and type(inner) == "function" then
        return reference.find(("fellowship.%s.%s"):format(name, member))
      end
    end
  end
  local metatable = type(value) == "table" and getmetatable(value)
  local called = type(metatable) == "table" and reference.objects()[metatable.__name]
  if called then return reference.find(called) end
  if type(value) == "function" then
    for _, entry in ipairs(reference.entries()) do
      local info = debug.getinfo(value, "S")
      if entry.line == info.linedefined and entry.source ~= "" and info.source:find(entry.source, 1, true) then
        return entry
      end
    end
  end
end

-- ---- options of a constructor ----

--- The keys of a table type, as in "string|{ model: string, scale: integer? }"; nil when it names none.
---@param kind string
---@return string[]?
function reference.keys(kind)
  local body = kind:match "%b{}"
  if not body then return nil end
  local keys, depth = {}, 0
  body = body:sub(2, -2)
  local at = 1
  while at <= #body do
    local c = body:sub(at, at)
    if c:find "[{(<%[]" then depth = depth + 1
    elseif c:find "[})>%]]" then depth = depth - 1
    elseif depth == 0 then
      local key, stop = body:match("^([%w_]+)%??%s*:()", at)
      if key and (at == 1 or body:sub(at - 1, at - 1):find "[%s,]") then
        keys[#keys + 1] = key
        at = stop - 1
      end
    end
    at = at + 1
  end
  return #keys > 0 and keys or nil
end

return reference
