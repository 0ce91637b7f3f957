-- Counts of a run's model calls, for run.json, the summary and the progress line.

local json = require "fellowship.core.json"
local billing = require "fellowship.money.usage"
local prices = require "fellowship.money.prices"

---@class fellowship.Sums tokens and cost (USD); what a call did not tell is not in the sums, and `unknown` counts those calls
---@field count integer calls, or attempts
---@field prompt integer
---@field cached integer of those of the prompt
---@field completion integer
---@field reasoning integer of those of the completion
---@field cost number
---@field unknown { prompt: integer, completion: integer, cost: integer }

---@class fellowship.Spent: fellowship.Sums what a model's calls took; the parts are nil until there is something in them
---@field batch? fellowship.Sums of these, the calls that a batch brought
---@field retried? fellowship.Sums of these, attempts that were repeated
---@field stored? fellowship.Sums beside these, calls that the store answered, and what they would have cost
---@field untold integer attempts without an answer of which nobody told whether they were billed

local floor = math.floor

local stats = {
  made = 0, -- calls answered by a provider (or sim) in this run
  stored = 0, -- calls answered by the store
  attempts = 0, -- HTTP exchanges
  retries = 0, -- attempts that were repeated
  rate_limited = 0, -- of these: the provider said that there were too many
  failed = 0, -- calls that failed for good
  in_flight = 0, -- calls on the wire now
  seconds = nil, ---@type number? that a call takes, of late
  models = {}, -- names of the models asked, in order of first use
  ways = {}, ---@type { model: fellowship.Model, params: table<string, any> }[] how they were asked first
  used = {}, ---@type table<string, fellowship.Used> what the answers took that scripts were given, by a model's name
  spent = {}, ---@type table<string, fellowship.Spent> by a model's name
  simulated = false,
}

-- How much the last call weighs in the mean of what calls take.
local RECENT = 0.1

-- Ways of asking one model that are remembered.
local MOST_WAYS = 8

local seen, objects, ways = {}, setmetatable({}, { __mode = "k" }), {}

--- The name under which a model is counted.
local function name_of(model)
  return model.counted_as or model.named
end

--- Remembers how a model is asked: where, and with which parameters.
local function remember(model, params)
  objects[model] = true
  local name = name_of(model)
  local list = ways[name] or {}
  if #list >= MOST_WAYS then return end
  local key = json.canonical { model.named, model.endpoint.shown, params and next(params) and params or json.object {} }
  if list[key] then return end
  list[key], list[#list + 1], ways[name] = true, true, list
  stats.ways[#stats.ways + 1] = { model = model, params = params or {} }
end

--- Notes that a model is asked.
---@param model fellowship.Model
---@param params? table<string, any> all that go with the call
function stats.asked(model, params)
  if objects[model] == nil then remember(model, params) end
  local name = name_of(model)
  if seen[name] then return end
  seen[name] = true
  stats.models[#stats.models + 1] = name
  if model.provider.simulated then stats.simulated = true end
end

--- Notes that an attempt goes on the wire, and that it has come back.
function stats.sent()
  stats.attempts = stats.attempts + 1
  stats.in_flight = stats.in_flight + 1
end

function stats.back()
  stats.in_flight = stats.in_flight - 1
end

--- Notes a call that failed for good, for one of those who asked.
function stats.gave_up()
  stats.failed = stats.failed + 1
end

local function zeros()
  return { count = 0, prompt = 0, cached = 0, completion = 0, reasoning = 0, cost = 0,
    unknown = { prompt = 0, completion = 0, cost = 0 } }
end

local function account(model)
  local name = name_of(model)
  local sums = stats.spent[name]
  if not sums then
    sums = zeros()
    sums.untold, sums.price = 0, prices.of(model) or false
    stats.spent[name] = sums
  end
  if model.counted_as then sums.price = prices.of(model) or false end -- of one among several
  return sums
end

--- What usage costs, where the price is known or the server says it.
local function cost_of(price, usage)
  if not price then return usage.cost end
  return prices.cost(price, usage)
end

local function part(sums, name)
  sums[name] = sums[name] or zeros()
  return sums[name]
end

local UNTOLD = {}
--- Adds what is known; counts what is not.
local function add(sums, usage, cost)
  local unknown, prompt, completion = sums.unknown, usage.prompt_tokens, usage.completion_tokens
  if prompt then sums.prompt = sums.prompt + prompt else unknown.prompt = unknown.prompt + 1 end
  if completion then sums.completion = sums.completion + completion else unknown.completion = unknown.completion + 1 end
  if cost then sums.cost = sums.cost + cost else unknown.cost = unknown.cost + 1 end
  local cached, reasoning = usage.cached_tokens, usage.reasoning_tokens
  if cached then sums.cached = sums.cached + cached end
  if reasoning then sums.reasoning = sums.reasoning + reasoning end
end

--- Notes a completion that was paid for now.
---@param model fellowship.Model
---@param completion fellowship.Completion
---@param how? "batch" brought by one, at its price
function stats.completed(model, completion, how)
  local usage, sums = completion.usage or UNTOLD, account(model)
  local price = sums.price
  if how then price = prices.of(model, true) end
  local cost = cost_of(price, usage)
  stats.made = stats.made + 1
  sums.count = sums.count + 1
  add(sums, usage, cost)
  local took = not how and completion.elapsed
  if took then stats.seconds = stats.seconds and (1 - RECENT) * stats.seconds + RECENT * took or took end
  if how then
    local batch = part(sums, how)
    batch.count = batch.count + 1
    add(batch, usage, cost)
  end
end

--- Notes a call that ended without a completion for good, such as a refusal; it may have been paid for.
---@param model fellowship.Model
---@param outcome table in the form of fellowship.provider
---@param kept? boolean the store keeps it as an answer
---@param how? "batch" brought by one, at its price
function stats.ended(model, outcome, kept, how)
  local usage, may = billing.of(outcome)
  local sums = (usage or may or kept) and account(model)
  if kept then
    stats.made = stats.made + 1
    sums.count = sums.count + 1
  end
  if usage then add(sums, usage, cost_of(how and prices.of(model, true) or sums.price, usage))
  elseif may and kept then add(sums, UNTOLD)
  elseif may then sums.untold = sums.untold + 1
  end
end

--- Notes an attempt that will be repeated.
---@param model fellowship.Model
---@param outcome table in the form of fellowship.provider
function stats.repeated(model, outcome)
  local usage, may = billing.of(outcome)
  local sums = account(model)
  local retried = part(sums, "retried")
  stats.retries = stats.retries + 1
  if outcome.status == 429 then stats.rate_limited = stats.rate_limited + 1 end
  retried.count = retried.count + 1
  if usage then
    local cost = cost_of(sums.price, usage)
    add(sums, usage, cost)
    add(retried, usage, cost)
  elseif may then
    sums.untold = sums.untold + 1
    add(retried, UNTOLD)
  end
end

--- Notes a call that the store answered.
local function serve(sums, usage, cost)
  local stored = sums.stored or part(sums, "stored")
  stats.stored = stats.stored + 1
  stored.count = stored.count + 1
  add(stored, usage, cost)
end

-- USD are summed in units of a thousand millionth, so that the sum is the same in whichever order answers come.
local UNITS = 1e9

---@class fellowship.Used answers that scripts were given, and what they took when they were made; the same in every rerun
---@field answers integer
---@field prompt integer
---@field completion integer
---@field units integer a thousand million for a USD
---@field unknown { tokens: integer, cost: integer } answers that did not tell

local function used_of(model)
  local used = { answers = 0, prompt = 0, completion = 0, units = 0, unknown = { tokens = 0, cost = 0 } }
  stats.used[name_of(model)] = used
  return used
end

--- Notes an answer that a script is given, whether it was made now or came from the store.
---@param model fellowship.Model
---@param usage? table
---@param from_store? boolean
function stats.given(model, usage, from_store)
  local name, together = model.counted_as or model.named, model.counted_as
  local used, sums = stats.used[name] or used_of(model), not together and stats.spent[name] or account(model)
  usage = usage or UNTOLD
  local cost, prompt, completion = cost_of(sums.price, usage), usage.prompt_tokens, usage.completion_tokens
  if from_store then serve(sums, usage, cost) end
  used.answers = used.answers + 1
  if prompt and completion then
    used.prompt, used.completion = used.prompt + prompt, used.completion + completion
  else
    used.unknown.tokens = used.unknown.tokens + 1
  end
  if cost then used.units = used.units + floor(cost * UNITS + 0.5)
  else used.unknown.cost = used.unknown.cost + 1 end
end

--- The sums over all models of what was given.
---@return { answers: integer, prompt: integer?, completion: integer?, cost: number? } nil where an answer did not tell
function stats.given_in_all()
  local all = { answers = 0, prompt = 0, completion = 0, cost = 0 }
  local units = 0
  for _, used in pairs(stats.used) do
    all.answers = all.answers + used.answers
    all.prompt = all.prompt and used.unknown.tokens == 0 and all.prompt + used.prompt or nil
    all.completion = all.completion and used.unknown.tokens == 0 and all.completion + used.completion or nil
    all.cost = all.cost and used.unknown.cost == 0 and all.cost or nil
    units = units + used.units
  end
  if all.cost then all.cost = units / UNITS end
  return all
end

--- Notes a stream that a script ended early: it is paid for, and nobody tells how much.
---@param model fellowship.Model
function stats.stopped(model)
  add(account(model), UNTOLD)
end

--- The sums over all models, of the calls made or of a part of them.
---@param which? "batch"|"retried"|"stored"
---@return fellowship.Sums
function stats.sums(which)
  local all = zeros()
  for _, named in ipairs(stats.models) do
    local sums = stats.spent[named]
    if which then sums = sums and sums[which] end
    if sums then
      for name, value in pairs(all) do
        if name ~= "unknown" then all[name] = value + sums[name] end
      end
      for name, value in pairs(all.unknown) do all.unknown[name] = value + sums.unknown[name] end
    end
  end
  return all
end

--- The sum over all models of one of the counts, of the calls that told it; and how many did not.
---@param name "prompt"|"completion"|"cached"|"reasoning"|"cost"
---@return number sum
---@return integer unknown
function stats.known(name)
  local all = stats.sums()
  return all[name], all.unknown[name] or 0
end

--- The same, or nil when a call did not tell it.
---@param name "prompt"|"completion"|"cached"|"reasoning"|"cost"
---@return number?
function stats.total(name)
  local sum, unknown = stats.known(name)
  return unknown == 0 and sum or nil
end

--- Attempts without an answer of which nobody told whether they were billed.
---@return integer
function stats.untold()
  local count = 0
  for _, sums in pairs(stats.spent) do count = count + sums.untold end
  return count
end

return stats
