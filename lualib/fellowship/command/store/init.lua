-- `fellowship store ...`: looks into a store of completions, and looks after it.

local json = require "fellowship.core.json"
local core = require "fellowship.core.store"
local sys = require "fellowship.core.sys"
local calendar = require "fellowship.base.calendar"
local content = require "fellowship.base.content"
local errors = require "fellowship.base.errors"
local read_file = require "fellowship.base.file".read
local lazy = require "fellowship.base.lazy"
local nearest = require "fellowship.base.nearest"
local say = require "fellowship.base.say"
local text = require "fellowship.base.text"
local settings = require "fellowship.call.settings"
local batches = lazy "fellowship.command.batches"
local options = require "fellowship.command.options"
local recording = require "fellowship.command.store.recording"
local setup = require "fellowship.command.setup"

local store = {}

local STORE = { "store", type = "string", metavar = "FILE",
  help = "the store (default: $FELLOWSHIP_STORE, else .fellowship/store.db)" }

--- The option that all verbs of `fellowship store` have.
---@return fellowship.Option[]
function store.options() return { STORE } end

local function tell(...)
  say.note((...):format(select(2, ...)))
end

--- Tells of damage. Returns whether there was any.
local function say_damage(lost, damaged)
  if damaged and lost > 0 then
    tell("the store is damaged: %d completions that it had could not be read, and are left out", lost)
  elseif damaged then
    tell "the store is damaged: what could be read of it is there; how much is missing, if anything, cannot be told"
  end
  return damaged
end

--- Calls fn(record) for every completion that can be read, until it returns false. Raises when nothing can be.
local function each(path, how, fn)
  how.salvage = true
  local done, lost, damaged = core.each(path, fn, how)
  if not done then errors.raise(lost) end
  return say_damage(lost, damaged)
end

local function shown_request(request)
  if request.asked then return shown_request(request.asked) .. " (who answered in its place)" end -- a fallback's note
  local last = request.messages[#request.messages]
  return ("%s:%s  %s"):format(request.provider, request.model,
    (text.cut(content.text(last.content), 60):gsub("%s+", " ")))
end

local function date_of(created)
  return os.date("!%Y-%m-%d %H:%M:%S", created // 1000)
end

-- ---- the verbs ----

local verbs = {}

verbs.ls = {
  summary = "the completions as they were written: key, date, model, and how the last message begins",
  options = {
    { "model", type = "string", metavar = "TEXT", help = "only of models whose name holds this" },
    { "limit", type = "integer", least = 1, metavar = "N", help = "only the last N" },
  },
}

local REQUEST = json.plan { "provider", "model", "asked.provider", "asked.model" }

--- Whether a request is of a model whose name holds a text; a fallback's note, the model that was asked first.
local function is_of(request, model)
  local _, provider, name, first_provider, first_name = json.pluck(request, REQUEST)
  if not provider then provider, name = first_provider, first_name end
  return (tostring(provider) .. ":" .. tostring(name)):find(model, 1, true) ~= nil
end

local function listed(r)
  local completion = json.decode(r.completion)
  local failure = type(completion.error) == "table" and ("  (%s)"):format(completion.error.kind) or ""
  local line = ("%s  %s  %s%s"):format(sys.hex(r.key):sub(1, 12), date_of(r.created),
    shown_request(json.decode(r.request)), failure)
  local width = sys.terminal(1)
  return (width and text.wrap(text.printable(line), width)[1] or line) .. "\n"
end

function verbs.ls.run(path, values)
  local lines = {}
  each(path, { wire = false, order = values.limit and "last" or "written" }, function(r)
    if values.model and not is_of(r.request, values.model) then return end
    if not values.limit then
      say.out(listed(r))
      return
    end
    lines[#lines + 1] = listed(r)
    return #lines < values.limit
  end)
  for i = #lines, 1, -1 do say.out(lines[i]) end
end

verbs.show = { argument = "KEY", summary = "all of one completion, by its key or how that begins", options = {} }

-- So many completions are counted where a key's beginning fits several.
local MOST_COUNTED = 1000

--- How many completions have keys that begin so, and one of them; by the index, or where that is damaged one by one.
local function find(path, prefix)
  local found
  local function take(r) found = r end
  local low, high = sys.unhex((prefix .. ("0"):rep(64)):sub(1, 64)), sys.unhex((prefix .. ("f"):rep(64)):sub(1, 64))
  local count = core.find(path, low, high, MOST_COUNTED, take)
  if count then return count, found end
  count = 0
  each(path, {}, function(r)
    if r.key < low or r.key > high then return end
    count, found = count + 1, r
  end)
  return count, found
end

function verbs.show.run(path, _, prefix)
  prefix = prefix:lower()
  if not prefix:find "^%x+$" or #prefix > 64 then
    setup.usage('a key is 64 hexadecimal digits, or the first of them, not "%s"', prefix)
  end
  local count, r = find(path, prefix)
  if count == 0 then errors.raise { kind = "data", message = ("%s has no completion %s"):format(path, prefix) } end
  if count > 1 then
    local many = count > MOST_COUNTED and ("over %d"):format(MOST_COUNTED) or count
    errors.raise { kind = "usage", message = ("%s completions begin with %s; give more digits"):format(many, prefix) }
  end
  say.data(json.encode(json.object({ key = sys.hex(r.key), created = r.created, request = json.decode(r.request),
    wire = json.decode(r.wire), completion = json.decode(r.completion) },
    { "key", "created", "request", "wire", "completion" }), { pretty = true }), "\n")
end

verbs.export = { argument = "FILE", summary = "write the completions as JSON Lines (- writes them to standard output); "
  .. "of a damaged store, what can be read", options = {} }

function verbs.export.run(path, _, file)
  local exported, lost, damaged = recording.export(path, file)
  say_damage(lost, damaged)
  local line = json.encode(json.object({ exported = exported, damaged = damaged and lost or nil },
    { "exported", "damaged" }))
  if file == "-" then say.err(line, "\n")
  else say.result(("%s written to %s"):format(text.count(exported, "completion"), file), line) end
  if damaged then return 1 end
end

verbs.import = { argument = "FILE", many = true, options = {},
  summary = "take the completions of such files, or of other stores, into the store" }

function verbs.import.run(path, _, files)
  for _, file in ipairs(files) do
    if sys.same(file, path) then setup.usage("%s is the store itself: there is nothing to import", file) end
  end
  local added, known = recording.import(files, path)
  say.result(("%s added, %d known already"):format(text.count(added, "completion"), known),
    json.encode { added = added, known = known })
end

-- ---- why a call missed ----

--- What differs between two values, as lines "place: this, not that"; `at` names the place.
local function differences(a, b, at, lines)
  if type(a) == "table" and type(b) == "table" then
    local names, seen = {}, {}
    for _, value in ipairs { a, b } do
      for name in pairs(value) do
        if not seen[name] then
          seen[name] = true
          names[#names + 1] = name
        end
      end
    end
    table.sort(names, function(x, y) return tostring(x) < tostring(y) end)
    for _, name in ipairs(names) do
      local place = at == "" and name or at .. "." .. name
      if math.type(name) == "integer" then place = ("%s[%d]"):format(at, name) end
      differences(a[name], b[name], place, lines)
    end
  elseif type(a) == "string" and type(b) == "string" and a ~= b then
    local from = 1
    while a:byte(from) == b:byte(from) do from = from + 1 end
    lines[#lines + 1] = ("%s differs from byte %d on: %s, stored is %s"):format(at, from,
      json.encode(text.cut(a:sub(math.max(1, utf8.offset(a, 0, math.min(from, #a)) or 1)), 50)),
      json.encode(text.cut(b:sub(math.max(1, utf8.offset(b, 0, math.min(from, #b)) or 1)), 50)))
  elseif a ~= b then
    lines[#lines + 1] = ("%s is %s, stored is %s"):format(at, a == nil and "absent" or json.encode(a),
      b == nil and "absent" or json.encode(b))
  end
  return lines
end

-- How alike two requests are: fields that agree, and how far the messages do, which count for so many.
local MESSAGES = 8

verbs.why = { argument = "REQUEST",
  summary = "why a call missed: the nearest stored one, and what differs; of a file: errors.jsonl",
  options = {} }

--- Requests as asked: in the argument, in a file of one, or in the lines of an errors.jsonl.
local function read_requests(argument)
  local source, list = argument, {}
  if argument:sub(1, 1) ~= "{" then
    local problem
    source, problem = read_file(argument)
    if not source then setup.usage("store why needs a request as JSON, or a file (errors.jsonl): %s", problem) end
  end
  local whole = json.decode(source)
  for _, value in ipairs(whole and { whole } or {}) do list[#list + 1] = value.request or value end
  if not whole then
    for line in source:gmatch "[^\n]+" do
      local value = json.decode(line)
      if type(value) == "table" then list[#list + 1] = value.request end
    end
  end
  for _, request in ipairs(list) do
    if type(request.messages) ~= "table" or #request.messages == 0 then list = {} end
  end
  if #list == 0 then
    errors.raise { kind = "data", message = "no request with messages there; errors.jsonl has those of calls that "
      .. "--offline missed" }
  end
  return list
end

local function explain(request, canonical, found, count)
  say.out(("call %s: %s\n"):format(sys.hex(sys.sha256(canonical)):sub(1, 12), shown_request(request)))
  if found.known then
    say.out "  the store has it\n"
  elseif not found.key then
    say.out "  the store is empty\n"
  else
    say.out(("  not among %d completions; nearest is %s of %s:\n"):format(count,
      sys.hex(found.key):sub(1, 12), date_of(found.created)))
    for _, line in ipairs(differences(request, json.decode(found.request), "", {})) do say.out("    ", line, "\n") end
  end
end

local MOST_EXPLAINED = 20

function verbs.why.run(path, _, argument)
  local misses = read_requests(argument)
  local asked = {}
  for i = 1, math.min(#misses, MOST_EXPLAINED) do asked[i] = json.canonical(misses[i]) end
  local nearest_of, count, lost, damaged = core.nearest(path, asked, "messages", MESSAGES)
  if not nearest_of then errors.raise(count) end
  say_damage(lost, damaged)
  for i, found in ipairs(nearest_of) do explain(misses[i], asked[i], found, count) end
end

verbs.prune = { summary = "take completions out for good, and make the file smaller",
  options = {
    { "model", type = "string", metavar = "TEXT", help = "of models whose name holds this" },
    { "before", type = "string", metavar = "YYYY-MM-DD", help = "older than this day (UTC)" },
    { "failures", type = "flag", help = "only stored failures, such as content filters" },
    { "yes", type = "flag", help = "do it; without, it is only counted" },
  },
}

--- Milliseconds since 1970 of a day's beginning, UTC.
local function day_of(day)
  local y, m, d = day:match "^(%d%d%d%d)-(%d%d)-(%d%d)$"
  if not y then setup.usage('--before must be a day as 2026-01-31, not "%s"', day) end
  y, m, d = math.tointeger(y), math.tointeger(m), math.tointeger(d)
  if m < 1 or m > 12 or d < 1 or d > 31 then setup.usage('--before: there is no day "%s"', day) end
  return calendar.epoch(y, m, d) * 1000
end

function verbs.prune.run(path, values)
  if not (values.model or values.before or values.failures) then
    setup.usage "store prune needs --model, --before or --failures: it says what goes"
  end
  local keys, problem = core.select(path, { model = values.model, failures = values.failures,
    before = values.before and day_of(values.before) })
  if not keys then errors.raise(problem) end
  if not values.yes then
    local count = #keys // 32
    say.result(("would remove %s; --yes removes"):format(text.count(count, "completion")),
      json.encode { would_prune = count })
    return
  end
  local pruned
  pruned, problem = core.prune(path, keys)
  if not pruned then errors.raise(problem) end
  if problem then tell("%d completions are gone, but the file could not be made smaller: %s", pruned, problem) end
  say.result(("%s removed"):format(text.count(pruned, "completion")), json.encode { pruned = pruned })
end

verbs.batches = { summary = "the batches of calls that are under way: fellowship run ... --batch",
  options = {
    { "all", type = "flag", help = "those that are done, too" },
    { "forget", type = "string", metavar = "BATCH", help = "forget one: its calls are made anew, and paid again" },
  },
}

function verbs.batches.run(path, values)
  if values.forget then return batches.forget(path, values.forget) end
  batches.list(path, values.all)
end

-- ---- the command ----

--- Its verbs, for help and the manual.
---@return { name: string, usage: string, summary: string, options: fellowship.Option[] }[]
function store.parts()
  local list = {}
  for i, name in ipairs(nearest.names(verbs)) do
    local verb = verbs[name]
    list[i] = { name = name, summary = verb.summary, options = verb.options,
      usage = name .. (verb.argument and " " .. verb.argument or "") .. (verb.many and " ..." or "") }
  end
  return list
end

--- Runs `fellowship store ARGUMENTS`.
---@param arguments string[]
---@return integer status
function store.run(arguments)
  local name = arguments[1]
  local verb = verbs[name]
  if not verb then
    local known = nearest.names(verbs)
    setup.usage("store needs one of: %s%s", table.concat(known, ", "), name and nearest.hint(name, known) or "")
  end
  local rest, argument = table.move(arguments, 2, #arguments, 1, {}), nil
  if verb.argument then
    argument = table.remove(rest, 1)
    if not argument or argument:sub(1, 2) == "--" then
      setup.usage("store %s needs a %s", name, verb.argument == "FILE" and "file" or verb.argument)
    end
  end
  if verb.many then
    argument = { argument }
    while rest[1] and rest[1]:sub(1, 2) ~= "--" do argument[#argument + 1] = table.remove(rest, 1) end
  end
  local values, problem = options.read({ STORE, table.unpack(verb.options) }, rest)
  if not values then setup.usage("%s (fellowship store --help shows the options)", problem) end
  return verb.run(settings.store_path(values.store), values, argument) or 0
end

return store
