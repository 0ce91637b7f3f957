-- The one place that every model call goes through. It chooses: an identical call in flight, the
-- store, an offline miss, a live call, or sim. A completion is committed to the store before any task
-- sees it.

local json = require "fellowship.core.json"
local store = require "fellowship.core.store"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local lazy = require "fellowship.base.lazy"
local text = require "fellowship.base.text"
local batch = lazy "fellowship.batch"
local batch_notice = lazy "fellowship.batch.notice"
local budget = lazy "fellowship.money.budget"
local endpoint = require "fellowship.call.endpoint"
local estimate = lazy "fellowship.rehearse"
local key = require "fellowship.call.key"
local live = require "fellowship.call.live"
local settings = require "fellowship.call.settings"
local stats = require "fellowship.money.count"

local dispatch = {}

-- --fresh N shifts every sample number by N of these, past any number that a library or script gives.
dispatch.FRESH = 1000000

---@class fellowship.Completion
---@field text string the answer, without the model's thinking
---@field reasoning? string what the model thought before it, where the provider shows that
---@field finish_reason? string "stop", "length" (cut off by a limit of tokens), or as the provider said it
---@field model? string the model that answered, by the provider's word
---@field usage { prompt_tokens: integer?, completion_tokens: integer?, cached_tokens: integer?, reasoning_tokens: integer? } cached ones are among those of the prompt, reasoning among those of the completion
---@field logprobs? { token: string, length: integer, logprob: number, top: { token: string, logprob: number }[] }[] where they were asked for
---@field value? any what the answer holds, where a schema was given
---@field answered_by string the model that answered, as it was named: another one after a fallback
---@field attempts integer HTTP exchanges it took
---@field elapsed number? seconds of the exchange that succeeded; nil when it came in a batch
---@field key string hexadecimal
---@field stored boolean whether the store had it

-- ---- the store ----

local opened

-- What a dry run has where there is no store yet.
local EMPTY = { get = function() return nil end }

--- The store of this run, opened by the first call. Raises when it cannot be opened.
function dispatch.store()
  if opened then return opened end
  local path = settings.store_path(settings.store)
  local problem
  if settings.dry_run and not settings.present_store() then
    opened = EMPTY
    return opened
  end
  opened, problem = store.open { path = path, read_only = settings.offline or settings.dry_run,
    durable = settings.durable, say = settings.warn }
  if not opened then errors.raise { kind = "store", fatal = true, message = problem.message } end
  if not (settings.batch or settings.dry_run) and opened:has_pending() then batch_notice.open(opened) end
  return opened
end

-- What the store holds of a call: a completion, or a failure that is final for the request.
local COMPLETION_KEYS = { "text", "reasoning", "finish_reason", "model", "usage", "attempts", "elapsed", "logprobs" }
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
  if type(value.usage) ~= "table" then value.usage = {} end -- of a recording that others wrote
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

-- ---- calls ----

local function failure_of(flight, outcome, attempts)
  local model = flight.model
  local given_up = outcome.verdict == "retry"
  local note = given_up and (" (gave up after %d attempts)"):format(attempts)
    or outcome.kind == "auth" and model.key_env and (" (the key is taken from %s)"):format(model.key_env) or ""
  return errors.new { kind = outcome.kind, status = outcome.status, attempts = attempts, key = flight.id,
    model = model.named, retryable = given_up, fatal = outcome.fatal,
    message = ("%s at %s: %s%s"):format(model.named, model.endpoint.shown, outcome.message, note) }
end

--- For fellowship.batch: what is kept of an outcome, how that is read, and what becomes of one that failed.
dispatch.forms = { completion = encode_completion, failure = encode_failure, read = decode_stored,
  problem = failure_of }

--- Commits what must be kept of an outcome that needs no further attempt.
local function conclude(flight, outcome, attempts, wire)
  if outcome.verdict == "done" then
    local completion = outcome.completion
    completion.attempts, completion.elapsed = attempts, outcome.elapsed
    stats.completed(flight.model, completion)
    return commit(flight, encode_completion(completion), wire, completion)
  end
  local failure = failure_of(flight, outcome, attempts)
  stats.ended(flight.model, outcome, outcome.stored)
  if not outcome.stored then return nil, failure end
  return commit(flight, encode_failure(failure), wire)
end

--- Makes a completion without a network, through the same gate and store.
local function simulate(flight)
  local completion
  do
    local _ <close> = flight.gate:acquire()
    local _ <close> = settings.bounded and budget.reserve(flight) or nil
    flight.sent = true
    local latency = tonumber(flight.params.latency)
    if latency then task.sleep(latency) end
    completion = flight.model.adapter.generate(flight.model.name, flight.messages, flight.params, flight.sample)
  end
  completion.attempts, completion.elapsed = 1, 0
  stats.completed(flight.model, completion)
  local encoded = encode_completion(completion)
  if settings.offline then return decode_stored(encoded, flight.id, flight.model) end -- the store is read-only
  return commit(flight, encoded, "{}", completion)
end

local function offline_miss(flight)
  local last = flight.messages[#flight.messages].content
  local under_way = dispatch.store():has_pending() and batch_notice.of(dispatch.store(), flight.digest)
  return errors.new { kind = "offline", retryable = true, key = flight.id, request = flight.request,
    model = flight.model.named,
    message = ('%s %s (call %s), and --offline forbids to ask now: "%s"')
    :format(flight.model.named, under_way or "was never asked this", flight.id:sub(1, 12),
      (text.cut(last, 60):gsub("%s+", " "))) }
end

-- ---- flights: identical calls are one ----

local flights = {}

--- Calls under way, by digest, for who watches them: `sent` is the attempt, `stage` what a live one waits for ("turn",
--- "wire", "stream", "retry", "store"), "lane" and "batch" where one of a batch waits.
dispatch.flights = flights

local function fly(flight)
  local model = flight.model
  local held, problem = dispatch.store():get(flight.digest)
  if not held and problem then
    errors.raise { kind = "store", fatal = true, key = flight.id, message = problem.message }
  end
  if held then
    flight.from_store = true
    if settings.dry_run then estimate.hold(flight) end
    return decode_stored(held, flight.id, model)
  end
  if settings.dry_run then return estimate.answer(flight) end
  if model.adapter.generate then return simulate(flight) end
  if settings.offline then return nil, offline_miss(flight) end
  if settings.batch then return batch.call(flight, conclude) end
  return live.call(flight, conclude)
end

local function land(flight, completion, problem)
  flight.landed = true
  flight.completion, flight.problem = completion, problem
  flights[flight.digest] = nil
  for waiter in pairs(flight.waiters) do task.wake(waiter) end
end

local Flight = {}
Flight.__index = Flight

--- Tells those who listen the text so far.
function Flight:tell(so_far)
  if so_far == self.text then return end
  self.text = so_far
  for waiter in pairs(self.waiters) do task.wake(waiter) end
end

local function run(flight)
  local ok, completion, problem = pcall(fly, flight)
  if ok then land(flight, completion, problem)
  else land(flight, nil, errors.from(completion)) end
end

local function take_off(model, messages, params, sample, how, digest, request)
  local flight = setmetatable({ model = model, messages = messages, params = params, sample = sample,
    schema = how.schema, streaming = how.on_delta ~= nil or nil, digest = digest, request = request,
    id = sys.hex(digest), gate = endpoint.gate(model), waiters = { [task.self()] = true }, count = 0,
    text = "" }, Flight)
  flights[digest] = flight
  if settings.dry_run then estimate.note(flight) end
  flight.task = task.aside(run, flight)
  return flight
end

--- Leaves a flight when its waiter is cancelled: a call that nobody waits for and that was not sent is dropped; one
--- that was sent is finished and stored, unless it was a stream that the script has read enough of.
local Waiting = {
  __close = function(self)
    local flight = self.flight
    flight.waiters[self.task] = nil
    flight.count = flight.count - 1
    if flight.count > 0 or flight.landed or (flight.sent and not self.enough) then return end
    flights[flight.digest] = nil
    if flight.sent then stats.stopped(flight.model) end
    flight.task:cancel()
  end,
}

local function wait_at(flight)
  local waiting = setmetatable({ flight = flight, task = task.self() }, Waiting)
  flight.waiters[waiting.task] = true
  flight.count = flight.count + 1
  return waiting
end

local function wait_for(flight)
  local _ <close> = wait_at(flight)
  while not flight.landed do task.park() end
end

--- Gives on_delta what is new as it comes. Returns the text so far when it has read enough.
local function listen(flight, on_delta)
  local waiting <close> = wait_at(flight)
  local shown = ""
  while true do
    local landed = flight.landed
    local said = flight.completion and flight.completion.text or flight.text
    if said:sub(1, #shown) ~= shown and (landed or shown:sub(1, #said) ~= text) then shown = "" end -- it began anew
    if #said > #shown then
      local piece = said:sub(#shown + 1)
      shown = said
      if on_delta(piece, said) == false and not landed then
        waiting.enough = true
        return said
      end
    end
    if landed then return nil end
    if flight.text == said and not flight.landed then task.park() end
  end
end

--- The completion of a flight for one of its askers: its own where others have the same one.
local function finish(flight)
  if flight.problem then
    if flight.problem.kind ~= "budget" then stats.failed = stats.failed + 1 end
    error(flight.problem, 0)
  end
  if flight.from_store then stats.served(flight.model, flight.completion.usage) end
  local completion = flight.completion
  if flight.shared then
    completion = {}
    for name, value in next, flight.completion do completion[name] = value end
  else
    setmetatable(completion, nil) -- which said how the store writes it
  end
  completion.stored, completion.answered_by = flight.from_store or false, flight.model.named
  return completion
end

--- Asks for a completion. Raises an error table when the call fails for good.
---@param model fellowship.Model
---@param messages { role: string, content: string }[]
---@param params table<string, any>
---@param sample integer
---@param how? { schema: table?, on_delta: fun(piece: string, text: string)? }
---@return fellowship.Completion
function dispatch.ask(model, messages, params, sample, how)
  stats.asked(model)
  how = how or {}
  sample = sample + settings.fresh * dispatch.FRESH
  local digest, request = key.of(model, messages, params, sample, how.schema)
  local flight = flights[digest]
  if flight then flight.shared = true
  else flight = take_off(model, messages, params, sample, how, digest, request) end
  if not how.on_delta then
    wait_for(flight)
    return finish(flight)
  end
  local read = listen(flight, how.on_delta)
  if not read then return finish(flight) end
  return { text = read, finish_reason = "stopped", usage = {}, stored = false, answered_by = model.named }
end

--- A note in the store under a key of its own, such as who answered in another model's place; nil when there is none.
---@param digest string
---@return table?
function dispatch.note(digest)
  local held, problem = dispatch.store():get(digest)
  if not held and problem then errors.raise { kind = "store", fatal = true, message = problem.message } end
  return held and json.decode(held) or nil
end

--- Commits a note, unless there is one.
---@param digest string
---@param request string canonical JSON that it is the digest of
---@param note table
function dispatch.keep(digest, request, note)
  if settings.dry_run then return end
  local held, problem = dispatch.store():put(digest, request, "{}", json.encode(note), sys.time())
  if not held then errors.raise { kind = "store", fatal = true, message = problem.message } end
end

return dispatch
