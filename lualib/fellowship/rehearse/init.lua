-- A dry run: what the store does not have is not asked but stood in for, and counted.
--
-- Calls that the run may turn out not to make are counted apart, for the low end of the estimate: those that a row
-- makes after a judgement was read in it, and those that would be the same as an earlier one if the answers which
-- both hold were the same.

local limits = require "fellowship.core.limits"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local content = require "fellowship.base.content"
local errors = require "fellowship.base.errors"
local breathe = require "fellowship.flow.breathe"
local start = require "fellowship.flow.start"
local chain = require "fellowship.call.chain"
local record = require "fellowship.call.record"
local cuts = require "fellowship.rehearse.cuts"
local forecast = require "fellowship.rehearse.forecast"
local lengths = require "fellowship.rehearse.lengths"
local settings = require "fellowship.call.settings"
local stand_in = require "fellowship.rehearse.stand_in"

local estimate = {
  name = "rehearse",
  in_place = true, -- nothing is waited for
  asked = 0, -- calls that the store does not have
  held = 0, -- calls that it has
  rows = 0, -- rows that were begun
}

local accounts = {} ---@type table<string, fellowship.Account> by the model's name, as it was named
local groups, by_name = {}, {} ---@type fellowship.CallGroup[], table<string, fellowship.CallGroup>

-- The group of calls that look alike, of a model as an object: found without putting its name together.
local of_model = {} ---@type table<fellowship.Model, table<string, fellowship.CallGroup>>

-- Calls and their outlines that were counted, each by 8 bytes of a digest: a run may have millions.
local seen, outlines = {}, {}

-- Tasks that a judgement was read in, or in one that they waited for; and those whose calls are read and asked again.
local judged, readers = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" })

---@class fellowship.Account
---@field model fellowship.Model
---@field held integer calls that the store has
---@field groups fellowship.CallGroup[]

---@class fellowship.CallSum
---@field calls integer
---@field messages integer
---@field bytes integer of the messages, without what stands in for models' texts
---@field embedded table<fellowship.CallGroup, number> how many stand-ins they hold, by who wrote them
---@field prompt integer tokens, where they are known
---@field completion integer the same

---@class fellowship.CallGroup calls of a model that are estimated together
---@field number integer
---@field kind fellowship.Kind? what the store tells of their answers
---@field own boolean whether that is of such calls, or of others
---@field read boolean their answers are read, and asked for again when they cannot be
---@field cap integer? their max_tokens
---@field exact boolean tokens are known
---@field longest integer bytes of the longest prompt
---@field all fellowship.CallSum
---@field sure fellowship.CallSum those that are made whatever models answer

-- Where calls wait that are stood in for: --concurrency and Ctrl+C hold for them, no server's limits do.
local gate

local Carrying = { __close = function(self) judged[self.parent] = judged[self.parent] or judged[self.child] end }

--- Runs what a row's task spawns: it begins with what was read in that one, which afterwards has read what it did.
local function carry(parent, before, fn, ...)
  local child = task.self()
  judged[child] = before
  local _ <close> = setmetatable({ parent = parent, child = child }, Carrying)
  return fn(...)
end

-- What a dry run has where there is no store yet.
local EMPTY = { get = function() return nil end, has_pending = function() return false end }

--- Begins a dry run.
function estimate.begin()
  gate = limits.endpoint()
  if not settings.present_store() then record.use(EMPTY) end
  start.on_row = function() estimate.rows = estimate.rows + 1 end
  start.around = function(fn, ...)
    local parent = task.self()
    if not (parent and parent:row()) then return fn, ... end
    return carry, parent, judged[parent], fn, ...
  end
end

local Reading = { __close = function(self) readers[self.task] = nil end }

--- Says that the calls of the current task are read, and asked for again when they cannot be: until the variable that
--- it is given to is closed.
---@return table closing
function estimate.reading()
  local self = task.self()
  readers[self] = true
  return setmetatable({ task = self }, Reading)
end

--- Says that the current task decides by a stand-in whether it asks any more: what it asks from now on may not be asked.
function estimate.doubt()
  judged[task.self()] = true
end

--- Whether the current task, or one that it waited for, read a judgement that is none, or said that it decides by one.
---@return boolean
function estimate.is_in_doubt()
  return judged[task.self()] == true
end

local function account_of(model)
  accounts[model.named] = accounts[model.named] or { model = model, held = 0, groups = {} }
  return accounts[model.named]
end

-- ---- which calls are alike ----

local read_store

local function new_sum()
  return { calls = 0, messages = 0, bytes = 0, embedded = {}, prompt = 0, completion = 0 }
end

--- What a call is measured by, and the name of its group.
local function measured(model, params, read, cap, shape)
  local kind, own
  if shape then
    kind, own = lengths.kind(("%s:%s"):format(model.provider.name, model.name), lengths.params(params), shape)
  end
  return kind, own or false, table.concat({ model.named, tostring(kind), tostring(own or false), tostring(read),
    cap or "" }, "\0")
end

local function new_group(model, params, read, shape)
  local cap = math.tointeger(params.max_tokens or params.max_completion_tokens)
  if model.adapter.rates and not model.adapter.answers then cap = 0 end -- it writes nothing
  local kind, own, name = measured(model, params, read, cap, shape)
  if by_name[name] then return by_name[name] end
  local group = { number = #groups + 1, kind = kind, own = own, read = read, cap = cap,
    longest = 0, exact = model.adapter.generate ~= nil, all = new_sum(), sure = new_sum() }
  groups[group.number], by_name[name] = group, group
  table.insert(account_of(model).groups, group)
  return group
end

local function group_of(flight)
  if not read_store then
    read_store = true
    local problem = lengths.read(settings.present_store())
    if problem then errors.raise { kind = "store", fatal = true, message = problem.message } end
  end
  local model, params, read = flight.model, flight.params, flight.read
  local shape = not lengths.are_unknown() and lengths.shape(flight.messages, flight.schema) or nil
  local known = of_model[model]
  if not known then
    known = {}
    of_model[model] = known
  end
  local look = lengths.params(params) .. (read and "\0read" or "\0")
  if shape then look = ("%s\0%d\0%s\0%s"):format(look, shape.count, shape.judging, shape.head) end
  known[look] = known[look] or new_group(model, params, read, shape)
  return known[look]
end

-- ---- counting ----

--- Eight bytes of a digest: enough to tell calls apart.
local function short(digest)
  return (string.unpack("<i8", digest))
end

--- Whether a call was counted already; it is from now on.
local function is_known(digest)
  local id = short(digest)
  if seen[id] then return true end
  seen[id] = true
  return false
end

--- The bytes of a request that stand for themselves, how many stand-ins it holds by who wrote them, all its bytes, and
--- whether an earlier request was the same but for the stand-ins.
local function weigh(flight)
  local bytes, embedded, rest = 0, {}, { flight.model.named, flight.sample, lengths.params(flight.params) }
  local longest = 0
  local function take(number, size, part)
    local group = groups[number]
    if not group then return end -- a text that looks like one of ours
    embedded[group] = (embedded[group] or 0) + part
    bytes, longest = bytes - size, longest + size
  end
  for _, message in ipairs(flight.messages) do
    local words = content.text(message.content)
    bytes = bytes + #words
    rest[#rest + 1] = message.role
    rest[#rest + 1] = stand_in.part(words, take)
  end
  longest = longest + bytes
  if next(embedded) == nil then return bytes, embedded, longest, false end
  local outline = short(sys.sha256(table.concat(rest, "\0")))
  local alike = outlines[outline] or false
  outlines[outline] = true
  return bytes, embedded, longest, alike
end

local function add(sum, messages, bytes, embedded, usage)
  sum.calls, sum.messages, sum.bytes = sum.calls + 1, sum.messages + messages, sum.bytes + bytes
  for writer, parts in pairs(embedded) do sum.embedded[writer] = (sum.embedded[writer] or 0) + parts end
  sum.prompt = sum.prompt + (usage.prompt_tokens or 0)
  sum.completion = sum.completion + (usage.completion_tokens or 0)
end

--- Counts a call. Gives whether it was counted now, and whether it is made whatever models answer.
local function count(flight, group, usage)
  if is_known(flight.digest) then return false end
  estimate.asked = estimate.asked + 1
  local bytes, embedded, longest, alike = weigh(flight)
  group.longest = math.max(group.longest, longest)
  add(group.all, #flight.messages, bytes, embedded, usage)
  local sure = not (alike or flight.follows)
  if sure then add(group.sure, #flight.messages, bytes, embedded, usage) end
  return true, sure
end

--- Notes of a call, as it is made, whether its answer is read, and whether another one was before in its task.
---@param flight fellowship.Flight
local function note(flight)
  local asker = flight.asker
  flight.read = readers[asker] or flight.schema ~= nil
  flight.follows = asker and asker:row() ~= nil and judged[asker] or nil
end

--- Counts a call that the store has.
---@param flight fellowship.Flight
local function hold(flight)
  if is_known(flight.digest) then return end
  estimate.held = estimate.held + 1
  local account = account_of(flight.model)
  account.held = account.held + 1
end

--- What a call is answered where the store has nothing, for the workflow to go on; counted once. See
--- fellowship.call.chain.
---@param flight fellowship.Flight
---@return table? completion
---@return fellowship.Error?
function estimate.answer(flight)
  breathe() -- nothing else may make the task wait
  note(flight)
  local held, problem = record.answer(flight)
  if held ~= chain.pass then
    if held or problem.kind ~= "store" then hold(flight) end
    return held, problem
  end
  local model = flight.model
  local in_batch = cuts.has(model)
  local _ <close> = not in_batch and gate:acquire() or nil
  local group = group_of(flight)
  local completion
  if group.exact then
    completion = model.adapter.generate(model.name, flight.messages, flight.params, flight.sample)
  else
    local bytes, tokens = forecast.draw(group, flight.digest)
    local text, logprobs = stand_in.write(flight, group.number, bytes)
    completion = { text = text, finish_reason = "stop", model = model.name, logprobs = logprobs,
      usage = { completion_tokens = tokens } }
  end
  local counted, sure = count(flight, group, completion.usage or {})
  if counted and in_batch then cuts.wait(flight, sure, group.read) end
  if group.read or stand_in.decides(flight.messages) then
    judged[flight.asker] = true
  end
  completion.attempts, completion.elapsed, completion.key = 1, 0, flight.id
  return completion
end

-- ---- the end ----

---@class fellowship.ModelEstimate
---@field model fellowship.Model
---@field held integer calls that the store has
---@field sampled integer completions of the model in the sample of the store
---@field own boolean whether all kinds of calls were found in the store
---@field guessed boolean whether some were measured by nothing but defaults
---@field calls fellowship.Range
---@field batches fellowship.Range? that they go in; nil when they go live
---@field prompt fellowship.Range tokens
---@field completion fellowship.Range tokens
---@field cost fellowship.Range? USD; nil when it is not known
---@field too_long boolean whether it is not known since prompts may be longer than the known price is for

--- The estimate of each model that was asked, by name.
---@return { named: string, estimate: fellowship.ModelEstimate }[]
function estimate.models()
  local list = {}
  for named, account in pairs(accounts) do
    list[#list + 1] = { named = named, estimate = forecast.account(account) }
  end
  table.sort(list, function(x, y) return x.named < y.named end)
  return list
end

return estimate
