-- Live calls: one exchange after the other, whole or streamed, until the provider's answer is done or final.

local http = require "fellowship.core.http"
local limits = require "fellowship.core.limits"
local task = require "fellowship.core.task"
local sys = require "fellowship.core.sys"
local failure = require "fellowship.provider.failure"
local retry_after = require "fellowship.provider.retry_after"
local chain = require "fellowship.call.chain"
local endpoint = require "fellowship.call.endpoint"
local lease = require "fellowship.call.lease"
local outage = require "fellowship.call.outage"
local pace = require "fellowship.call.pace"
local record = require "fellowship.call.record"
local requests = require "fellowship.call.request"
local settings = require "fellowship.call.settings"
local streamed = require "fellowship.call.streamed"

local live = { name = "live" }

-- Nothing listens there, most likely because of a wrong port: a minute of backoff helps nobody.
local REFUSED_ATTEMPTS = 4

-- Failures of the exchange itself that the next attempt will not mend.
local FINAL_FAILURES = { tls = true, too_large = true }

local function broke_off(problem)
  return { verdict = FINAL_FAILURES[problem.kind] and "final" or "retry", kind = problem.kind,
    message = problem.message, status = problem.status ~= 0 and problem.status or nil }
end

-- ---- one exchange ----

local head -- of the answer that is read right now
local function header(name) return http.header(head, name) end

local function whole_answer(flight, request)
  local model = flight.model
  local got, problem = request.target:send(request.wire, model.times)
  if not got then return broke_off(problem) end
  head = got.head
  local outcome = requests.meaning(model, model.adapter.classify, got.status, header, got.body, request.how)
  if outcome.verdict ~= "done" then outcome.status = got.status end
  outcome.elapsed, outcome.head = got.elapsed, got.head
  return outcome
end

local Flying = setmetatable({}, { __close = function() chain.counts.back() end })

local function exchange(flight, request, n)
  flight.sent, flight.sent_at, flight.stage = n, task.now(), "wire"
  chain.counts.sent()
  local _ <close> = Flying
  if not request.how.stream then return whole_answer(flight, request) end
  local outcome, problem = streamed(flight, request)
  return outcome or broke_off(problem)
end

--- One exchange, within the bounds that others set. It waits for them with its slot: those that it waits for are on
--- the wire and need none. Nothing is sent, and the call ends with an error, when it cannot fit.
local function attempt(flight, request, n)
  if not chain.before_attempt then return exchange(flight, request, n) end
  local reservation <close> = chain.before_attempt(flight)
  local outcome = exchange(flight, request, n)
  reservation:account(outcome)
  return outcome
end

local warned = {}

--- Tells once for each endpoint that calls are repeated, so that a wrong address is seen at once.
local function warn(model, outcome)
  local id = model.endpoint.shown .. outcome.kind
  if warned[id] then return end
  warned[id] = true
  settings.say("%s at %s: %s; trying again", model.named, model.endpoint.shown, outcome.message)
end

--- What an outcome is for the endpoint; nil where it tells nothing of what the server takes.
local function told(outcome)
  if outcome.verdict == "done" then return "good" end
  if outcome.verdict ~= "retry" then return nil end
  if outcome.kind == "rate_limit" then return "refused" end
  return (outcome.kind == "overloaded" or outcome.pause) and "overloaded" or nil
end

-- Good answers of an endpoint, by its gate. The first ones are looked at for what they tell of limits, then one now and
-- then, since limits change.
local good = setmetatable({}, { __mode = "k" })
local FIRST, EVERY = 64, 128

local function is_due(gate)
  local count = (good[gate] or 0) + 1
  good[gate] = count
  return count <= FIRST or count % EVERY == 0
end

--- Tells the endpoint how an exchange went, so that it adapts to what the server takes, and lets the other calls wait
--- where they would be refused too.
local function report(flight, slot, outcome)
  local how = told(outcome)
  if not how then return end
  local usage = outcome.completion and outcome.completion.usage
  slot:report(how, outcome.hint, usage and (usage.prompt_tokens or 0) + (usage.completion_tokens or 0))
  local model = flight.model
  if how == "good" and is_due(model.gate) then
    pace.look(model.gate, model.endpoint.shown, model.entry, endpoint.header(outcome.head))
  end
end

--- Ends the calls that wait to be sent to a model of which every call is refused. A script that asks for it again learns
--- what the server says then.
local function drop_refused(model, outcome)
  chain.drop_unsent(function(flight)
    local other = flight.model
    return other.place == model.place and other.name == model.name and record.problem(flight, outcome, flight.sent or 0)
      or nil
  end)
end

--- Notes who answered, and looks at a failure as one of the place where the model is served.
local function note(flight, outcome)
  local model = flight.model
  local place = model.place
  if outcome.verdict ~= "done" or place.down then outage.note(flight, outcome) end
  if outcome.verdict == "done" then
    place.answered = task.now()
    place.served[model.name] = true
  elseif outcome.verdict == "final" then
    local general = outcome.doubtful and outage.is_general(flight)
    failure.placed(outcome, endpoint.is_own(model), not general)
    if general and outcome.fatal then drop_refused(model, outcome) end
  end
end

local Asking = { __close = function(asking)
  if asking.held then asking.held:close() end
  asking.held = nil
end }

--- Takes a call for this process: true when it is to be asked for now, false when another one does; nil, and what came of
--- it, when one has done so since the store was looked into.
local function take(flight, asking)
  if asking.held or asking.alone then return true end
  local held, changed = record.store():lease(flight.digest, flight.seen or -1)
  if not held then return false end
  asking.held = held
  if changed then return lease.look_again(flight) end
  return true
end

--- Makes one attempt, with a slot, and looks at what it gave. Returns true and the call's end, committed; else false and
--- what to wait after: an outcome that the next attempt may better, or nil when the next one is sent otherwise, or when
--- the server is back.
local function try(flight, asking, slot)
  local model = flight.model
  local request = asking.request or requests.of(flight) -- not before it has a slot: there may be thousands
  asking.request, asking.n = request, asking.n + 1
  asking.before, asking.begun = asking.begun, task.now()
  if flight.pieces then flight:tell("", true) end -- a stream that broke begins anew
  local outcome = attempt(flight, request, asking.n)
  flight.stage = "store"
  report(flight, slot, outcome)
  note(flight, outcome)
  local learnt = outcome.verdict ~= "done" and requests.learns(flight, request, outcome)
  local most = outcome.tries or asking.most
  if outcome.kind == "refused" and not model.place.answered then most = REFUSED_ATTEMPTS end
  local last = asking.tries >= math.min(asking.most, most)
  if learnt then
    asking.request = nil
    return false
  end
  if (last or model.place.down) and outage.is_down(flight, outcome, asking.before) then
    chain.counts.repeated(model, outcome)
    asking.tries = asking.reached + 1 -- those that reached nobody do not count when the server is back
    return false
  end
  asking.reached = asking.reached + 1
  if outcome.verdict == "retry" and not last then return false, outcome end
  if outcome.kind == "empty" and flight.how and flight.how.empty then outcome = failure.as_answer(outcome) end
  return true, record.conclude(flight, outcome, asking.n, request.wire)
end

-- A wait that is longer, in seconds, is told of with its end.
local LONG = 60

local longest = setmetatable({}, { __mode = "k" }) -- when the wait ends of which was told, by gate

--- Tells once of a wait that takes long: whether other calls wait too shows when they are sent.
local function tell_wait(model, gate, wait)
  local now = task.now()
  if wait <= LONG or (longest[gate] or 0) >= now + wait - LONG then return end
  longest[gate] = now + wait
  settings.say("%s at %s asks to be left alone: calls that it refuses wait for %s", model.named, model.endpoint.shown,
    retry_after.until_words(wait, sys.time() / 1000))
end

--- Waits before the next attempt.
local function back_off(flight, gate, asking, outcome)
  asking.tries = asking.tries + 1
  chain.counts.repeated(flight.model, outcome)
  warn(flight.model, outcome)
  local wait = limits.backoff(asking.tries - 1, outcome.hint)
  if outcome.pause then tell_wait(flight.model, gate, wait) end
  flight.stage, flight.retry_at = "retry", task.now() + wait
  task.sleep(wait)
end

--- Asks the provider until it is done or final, and commits the end while the call still has its slot, so that no more
--- than --concurrency calls can ever be paid for and lost. See fellowship.call.chain.
---@param flight fellowship.Flight
---@return fellowship.Completion?
---@return fellowship.Error?
function live.answer(flight)
  local model = flight.model
  local gate = model.gate or endpoint.gate(model)
  local asking <close> = setmetatable({ n = 0, tries = 1, reached = 0, most = model.entry.attempts or settings.attempts,
    request = nil, before = nil, begun = nil, held = nil }, Asking)
  while true do
    local taken, ended, outcome, problem
    if model.place.down then outage.wait(flight) end
    do
      flight.stage = "turn"
      local slot <close> = gate:acquire()
      taken, outcome, problem = take(flight, asking)
      if taken == nil then return outcome, problem end
      if taken then ended, outcome, problem = try(flight, asking, slot) end
      if ended then return outcome, problem end
    end
    if not taken then
      outcome, problem = lease.wait(flight, asking)
      if outcome ~= chain.pass then return outcome, problem end
    elseif outcome then
      back_off(flight, gate, asking, outcome)
    end
  end
end

return live
