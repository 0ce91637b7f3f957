-- Live calls: one exchange after the other, whole or streamed, until the provider's answer is done or final.

local http = require "fellowship.core.http"
local json = require "fellowship.core.json"
local limits = require "fellowship.core.limits"
local task = require "fellowship.core.task"
local answer = require "fellowship.provider.answer"
local events = require "fellowship.provider.events"
local failure = require "fellowship.provider.failure"
local quirks = require "fellowship.provider.quirks"
local thinking = require "fellowship.provider.thinking"
local lazy = require "fellowship.base.lazy"
local allowance = require "fellowship.call.pace"
local budget = lazy "fellowship.money.budget"
local endpoint = require "fellowship.call.endpoint"
local settings = require "fellowship.call.settings"
local stats = require "fellowship.money.count"

local live = {}

-- Nothing listens there, most likely because of a wrong port: a minute of backoff helps nobody.
local REFUSED_ATTEMPTS = 4

-- Failures of the exchange itself that the next attempt will not mend.
local FINAL_FAILURES = { tls = true, too_large = true }

local function broke_off(problem)
  return { verdict = FINAL_FAILURES[problem.kind] and "final" or "retry", kind = problem.kind,
    message = problem.message, status = problem.status ~= 0 and problem.status or nil }
end

-- ---- quirks ----

local known = {}

--- What is known of a model where it is served, for the rest of the run.
local function quirks_of(model)
  if model.quirks then return model.quirks end
  local id = table.concat({ model.endpoint.url, model.name, model.entry_name or "" }, "\0")
  known[id] = known[id] or quirks.of(model.provider, model.name, model.entry.quirks)
  model.quirks = known[id]
  return known[id]
end

local function say(text)
  if settings.warn then settings.warn(text) end
end

--- Whether a refused request is worth sending in another form: something was learnt from it, or has been since it
--- was made.
local function learns(flight, request, outcome)
  if outcome.kind ~= "request" or not outcome.said then return false end
  local q = request.how.quirks
  if q.version ~= request.version then return true end
  local lesson = quirks.learn(q, outcome, { messages = flight.messages, params = flight.params,
    schema = flight.schema, stream = flight.streaming, tool_schema = flight.model.adapter.tool_schema })
  if not lesson then return false end
  say(("%s at %s: %s; from now on %s"):format(flight.model.named, flight.model.endpoint.shown, outcome.message, lesson))
  return true
end

--- The request as it goes on the wire, as far as the model's quirks are known.
local function request_of(flight)
  local model, q = flight.model, quirks_of(flight.model)
  local how = { quirks = q, schema = flight.schema, params = flight.params,
    stream = flight.streaming and model.adapter.join ~= nil or nil }
  local path, body = model.adapter.build(model.name, quirks.messages(q, flight.messages),
    quirks.params(q, flight.params), how)
  return { how = how, version = q.version, wire = json.encode(body), target = endpoint.target(model, path) }
end

-- ---- one exchange ----

local function header_of(head)
  return function(name) return http.header(head, name) end
end

local function whole_answer(flight, request)
  local model = flight.model
  local got, problem = request.target:send(request.wire, model.times)
  if not got then return broke_off(problem) end
  local header = header_of(got.head)
  local outcome = model.adapter.classify(got.status, header, got.body, request.how)
  outcome.status, outcome.elapsed, outcome.header = got.status, got.elapsed, header
  return outcome
end

--- Takes events into the answer. Gives a text that says what is wrong with them, if something is.
local function take(flight, list, state)
  for _, event in ipairs(list) do
    event.value = answer.decode(event.data)
    if state.ended then return nil end -- what follows the end is nobody's
    if type(event.value) ~= "table" and event.data ~= "[DONE]" then return "an event of the stream is no JSON" end
    local well, text, ended = pcall(flight.model.adapter.join, state.whole, event)
    if not well then return "the stream makes no sense: " .. tostring(text) end
    state.ended = ended
    if text then
      local new, anew = state.thinking:read(text:sub(state.read + 1))
      state.read, state.said = #text, (anew and "" or state.said) .. new
      flight:tell(state.said)
    end
  end
end

--- Reads a stream to its end. The answer is put together as a plain call would have given it, and read as one.
local function streamed_answer(flight, request)
  local adapter = flight.model.adapter
  local stream <close>, problem = request.target:stream(request.wire, flight.model.times)
  if not stream then return broke_off(problem) end
  local cut, state, plain = events[adapter.events](), { whole = {}, read = 0, said = "" }, {}
  state.thinking = thinking.reader(request.how.quirks.thinking)
  local status, head, elapsed, wrong
  repeat
    local bytes
    bytes, problem = stream:read()
    if problem then return broke_off(problem) end
    flight.stage = "stream"
    status, head, elapsed = stream:head()
    -- An error, or a server that does not stream, answers as it would have without.
    local kind = (http.header(head, "content-type") or ""):lower()
    if status ~= 200 or (adapter.events == "sse" and kind:find("application/json", 1, true)) then
      plain[#plain + 1] = bytes
    else
      wrong = take(flight, cut(bytes or "", bytes == nil), state)
    end
  until not bytes or wrong
  local outcome
  if wrong then outcome = failure.broken(wrong)
  elseif #plain > 0 or status ~= 200 then
    outcome = adapter.classify(status, header_of(head), table.concat(plain), request.how)
  elseif not (state.whole.complete or state.whole.error) then
    outcome = failure.broken "the stream ended before the answer did"
  else
    outcome = adapter.meaning(200, header_of(head), state.whole, request.how)
  end
  outcome.status, outcome.elapsed, outcome.header = status, elapsed, header_of(head)
  return outcome
end

local flying = setmetatable({}, { __close = function() stats.in_flight = stats.in_flight - 1 end })

local function exchange(flight, request, n)
  flight.sent, flight.stage = n, "wire"
  stats.attempts = stats.attempts + 1
  stats.in_flight = stats.in_flight + 1
  local _ <close> = flying
  if request.how.stream then return streamed_answer(flight, request) end
  return whole_answer(flight, request)
end

--- One exchange within the bounds of --max-cost and --max-calls. It waits for its budget with its slot: those that it
--- waits for are on the wire and need none. Nothing is sent, and the call ends with an error, when it cannot fit.
local function bounded_exchange(flight, request, n)
  flight.stage = "budget"
  local reservation <close> = budget.reserve(flight)
  local outcome = exchange(flight, request, n)
  reservation:account(outcome)
  return outcome
end

local function attempt(flight, request, n)
  if settings.bounded then return bounded_exchange(flight, request, n) end
  return exchange(flight, request, n)
end

local warned = {}

--- Tells once for each endpoint that calls are repeated, so that a wrong address is seen at once.
local function warn(model, outcome)
  local id = model.endpoint.shown .. outcome.kind
  if warned[id] then return end
  warned[id] = true
  say(("%s at %s: %s; trying again"):format(model.named, model.endpoint.shown, outcome.message))
end

local REPORTED = { rate_limit = "refused", overloaded = "overloaded" }

--- Tells the endpoint how an exchange went, so that it adapts to what the server takes.
local function report(flight, slot, outcome)
  local how = outcome.verdict == "done" and "good" or outcome.verdict == "retry" and REPORTED[outcome.kind]
  if not how then return end
  local usage = outcome.completion and outcome.completion.usage
  slot:report(how, outcome.hint, usage and (usage.prompt_tokens or 0) + (usage.completion_tokens or 0))
  if how == "good" then allowance.look(flight.gate, flight.model.entry, outcome.header) end
end

--- Asks the provider until it is done or final, and gives the end to `conclude` while the call still has its slot,
--- so that no more than --concurrency calls can ever be paid for and lost.
---@param flight table of fellowship.call.dispatch
---@param conclude fun(flight: table, outcome: table, attempts: integer, wire: string): ...
---@return ... what conclude gives
function live.call(flight, conclude)
  local model = flight.model
  local request
  local most, tries = model.entry.attempts or settings.attempts, 1
  for n = 1, math.huge do
    local outcome
    do
      flight.stage = "turn"
      local slot <close> = flight.gate:acquire()
      request = request or request_of(flight) -- not while it waits: there may be thousands
      flight:tell "" -- a stream that broke begins anew
      outcome = attempt(flight, request, n)
      report(flight, slot, outcome)
      local learnt = learns(flight, request, outcome)
      local last = tries >= most or (outcome.kind == "refused" and tries >= REFUSED_ATTEMPTS)
      flight.stage = "store"
      if not learnt and (outcome.verdict ~= "retry" or last) then return conclude(flight, outcome, n, request.wire) end
      if learnt then outcome = nil end
    end
    if outcome then
      tries = tries + 1
      stats.repeated(model, outcome)
      warn(model, outcome)
      local wait = limits.backoff(tries - 1, outcome.hint)
      if outcome.pause then flight.gate:pause(outcome.hint or wait) end
      flight.stage = "retry"
      task.sleep(wait)
    else
      request = nil
    end
  end
end

--- For fellowship.batch: the request as it goes on the wire, whether a refused one is worth sending in another
--- form, and what is known of a model.
live.request, live.learns, live.quirks = request_of, learns, quirks_of

return live
