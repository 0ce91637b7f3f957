-- The one place that every model call goes through. It chooses: an identical call in flight, the
-- store, an offline miss, a live call, or sim. A completion is committed to the store before any task
-- sees it.

local http = require "fellowship.core.http"
local json = require "fellowship.core.json"
local limits = require "fellowship.core.limits"
local store = require "fellowship.core.store"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local text = require "fellowship.base.text"
local endpoint = require "fellowship.model.endpoint"
local key = require "fellowship.model.key"
local settings = require "fellowship.model.settings"
local stats = require "fellowship.model.stats"

local dispatch = {}

local DEFAULT_STORE = ".fellowship/store.db"

-- Nothing listens there, most likely because of a wrong port: a minute of backoff helps nobody.
local REFUSED_ATTEMPTS = 4

-- --fresh N shifts every sample number by N of these, past any number that a library or script gives.
local FRESH = 1000000

-- Failures of the exchange itself that the next attempt will not mend.
local FINAL_FAILURES = { tls = true, too_large = true }

---@class fellowship.Completion
---@field text string
---@field finish_reason? string as the provider said it: stop, length, ...
---@field model? string the model that answered, by the provider's word
---@field usage { prompt_tokens: integer?, completion_tokens: integer? }
---@field attempts integer HTTP exchanges it took
---@field elapsed number seconds of the exchange that succeeded
---@field key string hexadecimal
---@field stored boolean whether the store had it

-- ---- the store ----

local opened

--- The store of this run, opened by the first call. Raises when it cannot be opened.
function dispatch.store()
  if opened then return opened end
  local path = settings.store or os.getenv "FELLOWSHIP_STORE"
  if not path or path == "" then path = DEFAULT_STORE end
  local problem
  opened, problem = store.open { path = path, read_only = settings.offline, durable = settings.durable }
  if not opened then errors.raise { kind = "store", fatal = true, message = problem.message } end
  return opened
end

-- What the store holds of a call: a completion, or a failure that is final for the request.
local COMPLETION_KEYS = { "text", "finish_reason", "model", "usage", "attempts", "elapsed" }
local FAILURE_KEYS = { "kind", "message", "status", "attempts" }

local function encode_completion(completion)
  return json.encode(json.object(completion, COMPLETION_KEYS))
end

local function encode_failure(failure)
  return json.encode { error = json.object({ kind = failure.kind, message = failure.message,
    status = failure.status, attempts = failure.attempts }, FAILURE_KEYS) }
end

--- What a stored text means: a completion, or nil and an error table.
local function decode_stored(stored, id, model)
  local value, problem = json.decode(stored, { duplicates = "last" })
  if type(value) ~= "table" then
    return nil, errors.new { kind = "store", fatal = true, key = id, model = model.named,
      message = ("the store's completion %s is damaged: %s"):format(id, problem and problem.message or "no object") }
  end
  if value.error then
    local e = value.error
    return nil, errors.new { kind = e.kind, message = e.message, status = e.status, attempts = e.attempts,
      retryable = false, key = id, model = model.named }
  end
  value.key = id
  return value
end

--- Commits, and gives back what the store holds then: `fresh`, unless another process was first.
local function commit(flight, encoded, wire, fresh)
  local held, known = dispatch.store():put(flight.digest, flight.request, wire, encoded, sys.time())
  if held and not known and fresh then
    fresh.key = flight.id
    return fresh
  end
  if held then return decode_stored(held, flight.id, flight.model) end
  local problem = known
  errors.raise { kind = "store", fatal = true, key = flight.id, model = flight.model.named,
    message = problem.message .. " (the completion just paid for could not be kept; the run stops)" }
end

-- ---- live calls ----

--- The meaning of one exchange: an outcome as adapters give it.
local function attempt(flight, target, wire)
  local model = flight.model
  flight.sent = true
  stats.attempts = stats.attempts + 1
  stats.in_flight = stats.in_flight + 1
  local answer, problem = target:send(wire, model.times)
  stats.in_flight = stats.in_flight - 1
  if not answer then
    return { verdict = FINAL_FAILURES[problem.kind] and "final" or "retry", kind = problem.kind,
      message = problem.message, status = problem.status ~= 0 and problem.status or nil }
  end
  local outcome = model.adapter.classify(answer.status,
    function(name) return http.header(answer.head, name) end, answer.body)
  outcome.status, outcome.elapsed = answer.status, answer.elapsed
  return outcome
end

local warned = {}

--- Tells once for each endpoint that calls are repeated, so that a wrong address is seen at once.
local function warn(model, outcome)
  local id = model.endpoint.shown .. outcome.kind
  if warned[id] or not dispatch.warn then return end
  warned[id] = true
  dispatch.warn(("%s at %s: %s; trying again"):format(model.named, model.endpoint.shown, outcome.message))
end

local function failure_of(flight, outcome, attempts)
  local model = flight.model
  local given_up = outcome.verdict == "retry"
  local note = given_up and (" (gave up after %d attempts)"):format(attempts)
    or outcome.kind == "auth" and model.key_env and (" (the key is taken from %s)"):format(model.key_env) or ""
  return errors.new { kind = outcome.kind, status = outcome.status, attempts = attempts, key = flight.id,
    model = model.named, retryable = given_up, fatal = outcome.fatal,
    message = ("%s at %s: %s%s"):format(model.named, model.endpoint.shown, outcome.message, note) }
end

--- Commits what must be kept of an outcome that needs no further attempt.
local function conclude(flight, outcome, attempts, wire)
  if outcome.verdict == "done" then
    local completion = outcome.completion
    completion.attempts, completion.elapsed = attempts, outcome.elapsed
    stats.completed(completion)
    return commit(flight, encode_completion(completion), wire, completion)
  end
  local failure = failure_of(flight, outcome, attempts)
  if not outcome.stored then return nil, failure end
  stats.made = stats.made + 1
  return commit(flight, encode_failure(failure), wire)
end

local REPORTED = { rate_limit = "refused", overloaded = "overloaded" }

--- Tells the endpoint how an exchange went, so that it adapts to what the server takes.
local function report(slot, outcome)
  local how = outcome.verdict == "done" and "good" or outcome.verdict == "retry" and REPORTED[outcome.kind]
  if not how then return end
  local usage = outcome.completion and outcome.completion.usage
  slot:report(how, outcome.hint, usage and (usage.prompt_tokens or 0) + (usage.completion_tokens or 0))
end

--- The body as it is sent, and where.
local function prepare(flight)
  local path, body = flight.model.adapter.build(flight.model.name, flight.messages, flight.params)
  return json.encode(body), endpoint.target(flight.model, path)
end

--- Asks the provider until it is done or final. A call keeps its slot until it is committed, so that
--- no more than --concurrency calls can ever be paid for and lost.
local function live(flight)
  local model = flight.model
  local most = model.entry.attempts or settings.attempts
  local wire, target
  for n = 1, math.huge do
    local outcome
    do
      local slot <close> = flight.gate:acquire()
      if not wire then wire, target = prepare(flight) end -- not while it waits: there may be thousands
      outcome = attempt(flight, target, wire)
      report(slot, outcome)
      local last = n >= most or (outcome.kind == "refused" and n >= REFUSED_ATTEMPTS)
      if outcome.verdict ~= "retry" or last then return conclude(flight, outcome, n, wire) end
    end
    stats.retries = stats.retries + 1
    warn(model, outcome)
    local wait = limits.backoff(n, outcome.hint)
    if outcome.pause then flight.gate:pause(outcome.hint or wait) end
    task.sleep(wait)
  end
end

--- Makes a completion without a network, through the same gate and store.
local function simulate(flight)
  local completion
  do
    local _ <close> = flight.gate:acquire()
    flight.sent = true
    local latency = tonumber(flight.params.latency)
    if latency then task.sleep(latency) end
    completion = flight.model.adapter.generate(flight.model.name, flight.messages, flight.params, flight.sample)
  end
  completion.attempts, completion.elapsed = 1, 0
  stats.completed(completion)
  local encoded = encode_completion(completion)
  if settings.offline then return decode_stored(encoded, flight.id, flight.model) end -- the store is read-only
  return commit(flight, encoded, "{}", completion)
end

local function offline_miss(flight)
  local last = flight.messages[#flight.messages].content
  return errors.new { kind = "offline", retryable = true, key = flight.id, request = flight.request,
    model = flight.model.named,
    message = ('%s was never asked this (call %s), and --offline forbids to ask now: "%s"')
    :format(flight.model.named, flight.id:sub(1, 12), (text.cut(last, 60):gsub("%s+", " "))) }
end

-- ---- flights: identical calls are one ----

local flights = {}

local function fly(flight)
  local model = flight.model
  local held, problem = dispatch.store():get(flight.digest)
  if not held and problem then
    errors.raise { kind = "store", fatal = true, key = flight.id, message = problem.message }
  end
  if held then
    flight.from_store = true
    return decode_stored(held, flight.id, model)
  end
  if model.adapter.generate then return simulate(flight) end
  if settings.offline then return nil, offline_miss(flight) end
  return live(flight)
end

local function land(flight, completion, problem)
  flight.landed = true
  flight.completion, flight.problem = completion, problem
  flights[flight.digest] = nil
  for waiter in pairs(flight.waiters) do task.wake(waiter) end
end

local function take_off(model, messages, params, sample, digest, request)
  local flight = { model = model, messages = messages, params = params, sample = sample, digest = digest,
    request = request, id = sys.hex(digest), gate = endpoint.gate(model), waiters = {}, count = 0 }
  flights[digest] = flight
  flight.task = task.aside(function()
    local ok, completion, problem = pcall(fly, flight)
    if ok then land(flight, completion, problem)
    else land(flight, nil, errors.from(completion)) end
  end)
  return flight
end

--- Leaves a flight when its waiter is cancelled: a call that nobody waits for and that was not sent
--- is dropped; one that was sent is finished and stored.
local Waiting = {
  __close = function(self)
    local flight = self.flight
    flight.waiters[self.task] = nil
    flight.count = flight.count - 1
    if flight.count == 0 and not flight.landed and not flight.sent then
      flights[flight.digest] = nil
      flight.task:cancel()
    end
  end,
}

local function wait_for(flight)
  local waiting <close> = setmetatable({ flight = flight, task = task.self() }, Waiting)
  flight.waiters[waiting.task] = true
  flight.count = flight.count + 1
  while not flight.landed do task.park() end
end

--- Asks for a completion. Raises an error table when the call fails for good.
---@param model fellowship.Model
---@param messages { role: string, content: string }[]
---@param params table<string, any>
---@param sample integer
---@return fellowship.Completion
function dispatch.ask(model, messages, params, sample)
  stats.asked(model)
  sample = sample + settings.fresh * FRESH
  local digest, request = key.of(model, messages, params, sample)
  local flight = flights[digest] or take_off(model, messages, params, sample, digest, request)
  wait_for(flight)
  if flight.problem then
    stats.failed = stats.failed + 1
    error(flight.problem, 0)
  end
  if flight.from_store then stats.stored = stats.stored + 1 end
  local completion = flight.completion
  local copy = { text = completion.text, finish_reason = completion.finish_reason, model = completion.model,
    usage = completion.usage, attempts = completion.attempts, elapsed = completion.elapsed,
    key = completion.key, stored = flight.from_store or false }
  return copy
end

return dispatch
