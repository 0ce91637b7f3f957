-- The record: what the store has of a call, and how it comes to have it. The first to answer; a completion is
-- committed here before any task sees it.

local json = require "fellowship.core.json"
local store = require "fellowship.core.store"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"
local chain = require "fellowship.call.chain"
local settings = require "fellowship.call.settings"

local integer_or_float = math.type

local record = {
  name = "record",
  at_once = true, -- it is asked in the task that asks: a stored answer needs no other one
  pending = nil, ---@type { open: fun(store: fellowship.store), of: fun(store: fellowship.store, digest: string): string? }? who knows of calls that are under way elsewhere
}

local opened

--- Has calls looked up in another store than the run's.
---@param other table with `get`
function record.use(other)
  opened = other
end

--- The store of this run, opened by the first call. Raises when it cannot be opened.
---@return fellowship.store
function record.store()
  if opened then return opened end
  local problem
  opened, problem = store.open { path = settings.store_path(settings.store),
    read_only = settings.offline or settings.dry_run, durable = settings.durable,
    prompt = settings.prompt, say = settings.warn }
  if not opened then errors.raise { kind = "store", fatal = true, message = problem.message } end
  if record.pending and opened:has_pending() then record.pending.open(opened) end
  return opened
end

--- Where a call is under way, as part of a sentence; nil when it is not known to be.
---@param digest string
---@return string?
function record.whereabouts(digest)
  return record.pending and record.store():has_pending() and record.pending.of(record.store(), digest) or nil
end

-- ---- what it keeps ----

-- A completion, or a failure that is final for the request.
local COMPLETION_KEYS = { "text", "reasoning", "tool_calls", "finish_reason", "model", "usage", "attempts", "elapsed",
  "logprobs" }
local FAILURE_KEYS = { "kind", "message", "status", "attempts" }

--- The text that is kept of a completion.
---@param completion table
---@return string
function record.completion(completion)
  return json.encode(json.object(completion, COMPLETION_KEYS))
end

--- The text that is kept of a failure.
---@param problem fellowship.Error
---@return string
function record.failure(problem)
  return json.encode { error = json.object({ kind = problem.kind, message = problem.message, status = problem.status,
    attempts = problem.attempts }, FAILURE_KEYS) }
end

local LENIENT = { duplicates = "last" }

local COUNTS = { prompt_tokens = true, completion_tokens = true, cached_tokens = true, reasoning_tokens = true,
  cache_write_tokens = true, cache_write_1h_tokens = true }

--- What a record tells of tokens, which may be of others' making: none of it where a part makes no sense.
local function sound(usage)
  if type(usage) ~= "table" then return {} end
  for name, count in next, usage do
    if COUNTS[name] and integer_or_float(count) ~= "integer" then return {} end
  end
  if usage.cost ~= nil and type(usage.cost) ~= "number" then return {} end
  return usage
end

--- What a kept text means: a completion, or nil and an error table.
---@param text string
---@param id string the key in hexadecimal
---@param model fellowship.Model
---@return fellowship.Completion?
---@return fellowship.Error?
function record.read(text, id, model)
  local value, problem = json.decode(text, LENIENT)
  if type(value) ~= "table" then
    return nil, errors.new { kind = "store", fatal = true, key = id, model = model.named,
      message = ("the store's completion %s is damaged: %s"):format(id, problem and problem.message or "no object") }
  end
  if value.error then
    local e = value.error
    return nil, errors.new { kind = e.kind, message = e.message, status = e.status, attempts = e.attempts,
      retryable = false, key = id, model = model.named }
  end
  value.key, value.usage = id, sound(value.usage)
  return value
end

--- Whether who asked wants the answer kept nowhere.
local function is_unkept(flight)
  return flight.how and flight.how.unkept
end

--- What the store has of a call; see fellowship.call.chain.
---@param flight fellowship.Flight
function record.answer(flight)
  if is_unkept(flight) then return chain.pass end
  local held, problem, seen = record.store():get(flight.digest)
  flight.seen = seen
  if held then
    flight.from_store = true
    flight.model.place.served[flight.model.name] = true -- it has been there
    return record.read(held, sys.hex(flight.digest), flight.model)
  elseif problem then
    errors.raise { kind = "store", fatal = true, key = sys.hex(flight.digest), message = problem.message }
  end
  return chain.pass
end

-- ---- what comes into it ----

--- The error of a call that an outcome ends without a completion.
---@param flight { model: fellowship.Model, id: string }
---@param outcome table in the form of fellowship.provider
---@param attempts integer
---@return fellowship.Error
function record.problem(flight, outcome, attempts)
  local model = flight.model
  local given_up = outcome.verdict == "retry"
  local note = given_up and (" (gave up after %d attempts)"):format(attempts)
    or outcome.kind == "auth" and model.key_env and (" (the key is taken from %s)"):format(model.key_env) or ""
  return errors.new { kind = outcome.kind, status = outcome.status, attempts = attempts, key = flight.id,
    model = model.named, retryable = given_up, fatal = outcome.fatal,
    message = ("%s at %s: %s%s"):format(model.named, model.endpoint.shown, outcome.message, note) }
end

--- Commits, and gives back what the store holds then: `fresh`, unless another process was first.
local function commit(flight, text, wire, fresh)
  if is_unkept(flight) then
    if not fresh then return record.read(text, flight.id, flight.model) end
    fresh.key = flight.id
    return fresh
  end
  local held, known = record.store():put(flight.digest, flight.request, wire, text, sys.time())
  if held and not known and fresh then
    fresh.key = flight.id
    return fresh
  end
  if held then return record.read(held, flight.id, flight.model) end
  errors.raise { kind = "store", fatal = true, key = flight.id, model = flight.model.named,
    message = known.message .. " (the completion just paid for could not be kept; the run stops)" }
end

--- Commits what must be kept of an outcome that needs no further attempt, and gives the call's end.
---@param flight fellowship.Flight
---@param outcome table in the form of fellowship.provider
---@param attempts integer
---@param wire string the request as it was sent
---@return fellowship.Completion?
---@return fellowship.Error?
function record.conclude(flight, outcome, attempts, wire)
  if outcome.verdict == "done" then
    local completion = outcome.completion
    completion.attempts, completion.elapsed = attempts, outcome.elapsed
    chain.counts.completed(flight.model, completion)
    return commit(flight, record.completion(completion), wire, completion)
  end
  local problem = record.problem(flight, outcome, attempts)
  chain.counts.ended(flight.model, outcome, outcome.stored)
  if not outcome.stored then return nil, problem end
  return commit(flight, record.failure(problem), wire)
end

-- ---- notes ----

--- A note in the store under a key of its own, such as who answered in another model's place; nil when there is none.
---@param digest string
---@return table?
function record.note(digest)
  local held, problem = record.store():get(digest)
  if not held and problem then errors.raise { kind = "store", fatal = true, message = problem.message } end
  return held and json.decode(held) or nil
end

--- Commits a note, unless there is one.
---@param digest string
---@param request string canonical JSON that it is the digest of
---@param note table
function record.keep(digest, request, note)
  if settings.dry_run then return end
  local held, problem = record.store():put(digest, request, "{}", json.encode(note), sys.time())
  if not held then errors.raise { kind = "store", fatal = true, message = problem.message } end
end

return record
