-- `fellowship report DIR [DIR ...]`, and the report that every bundled script leaves in its folder.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local content = require "fellowship.base.content"
local file = require "fellowship.base.file"
local say = require "fellowship.base.say"
local text = require "fellowship.base.text"
local join = require "fellowship.dataset.join"
local reading = require "fellowship.dataset.reading"
local rows = require "fellowship.dataset.rows"
local catalogue = require "fellowship.command.catalogue"
local folder = require "fellowship.command.folder"
local options = require "fellowship.command.options"
local setup = require "fellowship.command.setup"
local report = require "fellowship.report"

local command = {}

local present = content.present

-- ---- the dataset, read again ----

local function reading_of(declared, values)
  local columns = {}
  for _, option in ipairs(declared) do
    if option.column then columns[option.column] = values[option[1]] end
  end
  return reading.new { columns = columns }
end

local function open(value, o)
  return rows.open(value, { format = o["data-format"], types = o.types, nan = o.nan, invalid_utf8 = o["invalid-utf8"],
    max_expansion = o["max-expansion"], shard = o.shard })
end

--- Whether datasets can be read a second time.
local function is_lasting(value)
  for _, path in ipairs(type(value) == "table" and value or { value }) do
    if path == "-" or sys.kind(path) ~= "file" then return false end
  end
  return true
end

--- Finds rows by their ids in a stream that has them in the same order; others are passed over.
local function follower(source, read)
  local current, number
  return function(id)
    local key = join.key(id)
    while true do
      if current and join.key(read:id(current, number)) == key then return current, number end
      current, number = source:pull()
      if not current and number == nil then return nil end
    end
  end
end

--- What was judged, of a script that reads one dataset of pairs.
local function pairs_of(declared, values)
  local read, find = reading_of(declared, values), nil
  return function(id)
    find = find or follower(open(values.data, values), read)
    local row, number = find(id)
    if not row then return nil end
    local well, pair, facts = pcall(read.pair, read, row, number)
    if not well then return nil end
    return { prompt = pair.prompt, a = pair.a or pair.conversation_a, b = pair.b or pair.conversation_b,
      human = facts.label }
  end
end

local function answer_of(read, row, number)
  local well, response = pcall(read.response, read, row, number)
  local has_prompt, prompt = pcall(read.prompt, read, row, number)
  return { response = well and response or nil, prompt = has_prompt and prompt or nil }
end

--- The answers of a whole file, by id, as winrate itself keeps them of who is played against.
local function answers_in(path, read, values)
  local all, source <close> = {}, open(path, values)
  while true do
    local row, number = source:pull()
    if row then all[join.key(read:id(row, number))] = answer_of(read, row, number)
    elseif number == nil then return all end
  end
end

--- What was judged, of winrate: rows of two files. One game comes after the other.
local function games_of(declared, values)
  local read, game, find, others, of_others = reading_of(declared, values), nil, nil, nil, nil
  return function(id, a, b)
    if not a or not b then return nil end
    if game ~= a .. "\0" .. b then
      game, find = a .. "\0" .. b, follower(open(a, values), read)
      if of_others ~= b then of_others, others = b, answers_in(b, read, values) end
    end
    local row, number = find(id)
    local own, other = row and answer_of(read, row, number) or {}, others[join.key(id)] or {}
    return { prompt = own.prompt or other.prompt, a = own.response, b = other.response }
  end
end

--- Finds what was judged; nil and why where it cannot be read again.
local function texts_of(declared, values)
  local both = { values.data, values.against }
  for _, value in pairs(both) do
    if not is_lasting(value) then
      local named = type(value) == "table" and table.concat(value, ", ") or tostring(value)
      return nil, ("%s cannot be read again from here, so that prompts and responses are left out."):format(named)
    end
  end
  if not values.data then return nil end
  return values.against and games_of(declared, values) or pairs_of(declared, values)
end

-- ---- what was asked ----

local function quoted(word)
  return word:find "[^%w%-%._/:=,@%%+]" and "'" .. word:gsub("'", "'\\''") .. "'" or word ~= "" and word or "''"
end

--- Without a password in an address.
local function harmless(word)
  return (word:gsub("://[^/@%s]*@", "://…@"))
end

--- The options that change results and were not left as they are, and the command that gives them.
local function asked(declared, values, name)
  local list, words = {}, { "fellowship", "run", quoted(name) }
  for _, option in ipairs(declared) do
    local value = values[option[1]]
    if option[1] ~= "out" and option.result ~= false and value ~= nil and value ~= option.default then
      local given = type(value) == "table" and option.type ~= "types" and value or { value }
      if option.type == "shard" then given = { ("%d/%d"):format(value[1], value[2]) } end
      if option.type == "types" then given = { json.canonical(value) } end
      local said = {}
      for i, one in ipairs(given) do
        local word = harmless(text.valid(tostring(one)))
        said[i] = option.type == "flag" and "yes" or word
        words[#words + 1] = "--" .. option[1]
        if option.type ~= "flag" then words[#words + 1] = quoted(word) end
      end
      list[#list + 1] = { option[1], table.concat(said, ", ") }
    end
  end
  return list, table.concat(words, " ") .. " --out DIR"
end

--- A run as a report's source.
---@param out string its folder
---@param script { name: string, declared: fellowship.Option[] }
---@param values table<string, any>
---@param models string[]
---@return fellowship.report.Source
local function source_of(out, script, values, models)
  local list, said = asked(script.declared, values, script.name)
  local verdicts_alone = sys.kind(out .. "/responses.jsonl") == nil and sys.kind(out .. "/verdicts.jsonl") ~= nil
  local find, problem
  if verdicts_alone then find, problem = texts_of(script.declared, values) end
  local data = type(values.data) == "table" and values.data[1] or values.data
  local name = data and ("%s of %s"):format(script.name, harmless(text.valid(data:match "([^/]+)/*$" or data)))
  return { folder = out, name = name or script.name, script = script.name, models = models, options = list,
    command = said, texts = find, notes = { problem } }
end

--- Writes the report of a run that came to its end, into its folder, unless it would come out as it is there.
---@param run fellowship.Run
---@param models string[]
function command.of_run(run, models)
  local source = source_of(run.out, run.script, run.options, models)
  source.identity = run.identity
  report.renew(source, run.out .. "/report.html")
end

-- ---- the verb ----

--- What failed, by kind.
local function errors_of(out)
  if sys.kind(out .. "/errors.jsonl") ~= "file" then return nil end
  local list, by, source <close> = {}, {}, rows.open(out .. "/errors.jsonl")
  while true do
    local row, number = source:pull()
    if not row and number == nil then break end
    if row then
      local kind = tostring(row.kind)
      if not by[kind] then
        by[kind] = { kind, 0, text.fit(tostring(present(row.message) or ""), 200) }
        list[#list + 1] = by[kind]
      end
      by[kind][2] = by[kind][2] + 1
    end
  end
  return list
end

--- The script of an earlier run and the values of its options; nil where it cannot be told any more.
local function script_of(record)
  local words = {}
  for i, word in ipairs(present(record.command) or {}) do words[i] = tostring(word) end
  local name, first = words[3], 4
  if words[2] ~= "run" or not name then return nil end
  local path = name:find "[/.]" and name or catalogue.path(name)
  if sys.kind(path) ~= "file" then return nil end
  local well, script = pcall(function() return catalogue.load(path)() end)
  if not well or type(script) ~= "table" or type(script.run) ~= "function" then return nil end
  local declared = options.of_script(script, path)
  local values = options.read(declared, table.move(words, first, #words, 1, {}))
  if not values then return nil end
  return { name = tostring(record.script), declared = declared }, values
end

--- Whether the dataset is still the one that the run read.
local function is_same_data(record, script, values)
  local well, identity = pcall(folder.identity, script, values)
  if not well then return false end
  for _, name in ipairs { "--data", "--against" } do
    local before = present((record.identity or {})[name])
    if json.canonical { identity[name] } ~= json.canonical { before } then return false end
  end
  return true
end

--- A folder as a report's source.
local function source_at(out, with_record)
  if sys.kind(out) ~= "folder" then setup.usage("%s is no folder of a run", out) end
  local written = file.read(out .. "/run.json")
  local record = written and json.decode(written)
  if type(record) ~= "table" then setup.usage("%s/run.json cannot be read: %s is no folder of a run", out, out) end
  local script, values = script_of(record)
  local source
  if script and values then
    source = source_of(out, script, values, present(record.models) or {})
    if source.texts and not is_same_data(record, script, values) then
      source.texts = nil
      source.notes = { "The dataset is not what the run read, so that prompts and responses are left out." }
    end
    source.identity = present(record.identity)
  else
    source = { folder = out, name = tostring(record.script or out), script = tostring(record.script or "?"),
      models = present(record.models) or {}, notes = { "The script's options cannot be read any more." } }
  end
  if with_record then
    local words = {}
    for i, word in ipairs(present(record.command) or {}) do words[i] = quoted(harmless(tostring(word))) end
    source.record, source.errors = record, errors_of(out)
    source.command = #words > 0 and table.concat(words, " ") or source.command
  end
  return source
end

--- The options of `fellowship report`.
---@return fellowship.Option[]
function command.options()
  return {
    { "text", type = "flag", help = "print tables and figures on the terminal, write nothing" },
    { "out", type = "string", metavar = "FILE",
      help = "the page (default: report.html in the run's folder; of several runs, here)" },
    { "no-record", type = "flag", help = "leave out what differs from run to run: times, retries, what was paid" },
  }
end

--- Names of several runs, which must differ.
local function name_apart(sources, folders)
  for i, source in ipairs(sources) do source.name = text.valid((folders[i]:gsub("/+$", ""))) end
end

--- Runs the verb.
---@param arguments string[]
---@return integer status
function command.run(arguments)
  local folders, others, i = {}, {}, 1
  while i <= #arguments do
    local word = arguments[i]
    if word:sub(1, 1) ~= "-" then folders[#folders + 1] = word
    else
      others[#others + 1] = word
      if word == "--out" and arguments[i + 1] then
        i = i + 1
        others[#others + 1] = arguments[i]
      end
    end
    i = i + 1
  end
  local values, problem = options.read(command.options(), others)
  if not values then setup.usage("%s (fellowship report DIR [DIR ...] [--text] [--out FILE])", problem) end
  if #folders == 0 then setup.usage "report needs the folder of a run: fellowship report DIR [DIR ...]" end
  local sources = {}
  for n, out in ipairs(folders) do sources[n] = source_at(out:gsub("(.)/+$", "%1"), not values["no-record"]) end
  if #sources > 1 then name_apart(sources, folders) end
  if values.text then
    say.data(report.text(sources, sys.terminal(1) or 100))
    return 0
  end
  local path = values.out or (#folders == 1 and sources[1].folder .. "/report.html" or "report.html")
  report.write(sources, path)
  say.out("wrote ", path, "\n")
  return 0
end

return command
