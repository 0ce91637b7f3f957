-- The exchanges beside the calls: uploads, and what is asked of and about batches.

local limits = require "fellowship.core.limits"
local task = require "fellowship.core.task"
local tables = require "fellowship.base.table"
local answer = require "fellowship.provider.answer"
local failure = require "fellowship.provider.failure"
local protocols = require "fellowship.batch.protocol"
local endpoint = require "fellowship.call.endpoint"
local outage = require "fellowship.call.outage"
local settings = require "fellowship.call.settings"
local billing = require "fellowship.money.usage"

local wire = {}

-- Files are large, and a server may look through one before it answers.
local TIMES = { connect = 30, first = 0, idle = 300, total = 3600, max_body = 64 << 20 }

--- What a failed exchange means; `unknown` when the server may have done what it was asked.
local function outcome_of_problem(problem)
  return { verdict = (problem.kind == "tls" or problem.kind == "too_large") and "final" or "retry", kind = problem.kind,
    message = problem.message, unknown = not billing.UNSENT[problem.kind] }
end

local function outcome_of_status(status, header, value, said)
  local outcome = failure.outcome(status, header, failure.of(value))
  if status ~= 404 and status < 500 then outcome.full = protocols.is_full(said) or nil end
  outcome.status, outcome.stored = status, nil
  -- It speaks of the batch: that a call is too long for its model is said of the call alone.
  if outcome.kind == "context_length" then outcome.kind = "request" end
  if status == 501 then outcome.verdict = "final" end -- it will not learn it
  outcome.unknown = status >= 500 and status ~= 501 or status == 408
  return outcome
end

--- One exchange. Gives the decoded answer, or nil and an outcome.
---@param model fellowship.Model
---@param request { path: string, body: string?, headers: string[][]?, isolated: boolean?, bare: boolean? } `bare`: its answer needs no body
---@return any value
---@return table? outcome as of fellowship.provider; `unknown`: it may have been done all the same; `full`: too much waits already
---@return (fun(name: string): string?)? header of the answer, where one came
function wire.once(model, request)
  local target = endpoint.beside(model, request.path, request.headers, request.isolated)
  local got, problem = target:send(request.body, TIMES)
  if not got then return nil, outcome_of_problem(problem) end
  local value, header = answer.decode(got.body), endpoint.header(got.head)
  if got.status < 200 or got.status > 299 then
    return nil, outcome_of_status(got.status, header, value, got.body), header
  end
  if type(value) ~= "table" then
    if request.bare then return {}, nil, header end
    local outcome = failure.broken "the answer is not JSON"
    outcome.unknown = true
    return nil, outcome, header
  end
  return value, nil, header
end

local told = {}

--- Says once that an exchange is repeated.
---@param model fellowship.Model
---@param outcome table
function wire.tell(model, outcome)
  local id = model.endpoint.shown .. outcome.kind
  if told[id] or not settings.warn then return end
  told[id] = true
  settings.warn(("%s at %s: %s; trying again"):format(model.named, model.endpoint.shown, outcome.message))
end

--- Waits before the next attempt.
---@param model fellowship.Model
---@param n integer attempts so far
---@param outcome table
---@param background? boolean
function wire.pause(model, n, outcome, background)
  wire.tell(model, outcome)
  task.sleep(limits.backoff(math.min(n, 1000), outcome.hint), background)
end

--- Whether an exchange is worth another attempt: a server that is down is waited for as long as calls wait for it.
---@param model fellowship.Model
---@param outcome table of the last attempt
---@param n integer attempts so far
---@param since number when the first one began
---@param attempts? integer at most, of those that reached somebody
---@return boolean
function wire.is_repeated(model, outcome, n, since, attempts)
  if outcome.verdict ~= "retry" then return false end
  return n < (attempts or model.entry.attempts or settings.attempts)
    or outage.is_nobody(outcome) and task.now() - since < outage.patience(model)
end

--- Repeats an exchange until it is answered, or until it has failed `attempts` times.
---@param model fellowship.Model
---@param request table as of once
---@param attempts? integer
---@return any value
---@return table? outcome
---@return (fun(name: string): string?)? header
function wire.ask(model, request, attempts)
  local n, since = 1, task.now()
  while true do
    local value, outcome, header = wire.once(model, request)
    if value or not wire.is_repeated(model, outcome, n, since, attempts) then return value, outcome, header end
    wire.pause(model, n, outcome)
    n = n + 1
  end
end

-- What was just made, or has just ended, may be known at one of a provider's servers and not at another one yet: so long,
-- in seconds, "not found" is no answer.
local SPREADING = 600

--- A watch over answers of "not found": `pass(outcome)` says whether the outcome is to be taken as one that passes.
---@return fun(outcome: table?): boolean
function wire.spreading()
  local since
  return function(outcome)
    if not outcome or outcome.status ~= 404 then
      since = nil
      return false
    end
    since = since or task.now()
    return task.now() - since < limits.backoff(1, SPREADING)
  end
end

--- The scheme, host and port of a URL: to no other one the key is sent.
local function origin(url)
  return endpoint.normalise(url):match "^%a[%w+.-]*://[^/]*"
end

--- Whether results that an answer points to lie where the model is served.
---@param model fellowship.Model
---@param place string a path or a URL
---@return boolean
function wire.is_at_home(model, place)
  if not place:find "^%a[%w+.-]*://" then return place:sub(1, 1) == "/" end -- else it would go on from the host
  return origin(place) == origin(model.endpoint.url)
end

--- Reads a file of lines while it comes.
---@param model fellowship.Model
---@param place string a path, or a URL of the same origin
---@param take fun(lines: string[]): boolean? some whole lines; may wait; says whether these are enough
---@return boolean? well
---@return table? outcome
function wire.lines(model, place, take)
  local target = endpoint.beside(model, place, { { "Accept", "*/*" } })
  local times = tables.merged(TIMES, { max_body = math.maxinteger }) -- of the whole file, of which there is never more than a part here
  local stream <close>, problem = target:stream(nil, times)
  if not stream then return nil, outcome_of_problem(problem) end
  local rest, size, refused = {}, 0, nil
  repeat
    local bytes
    bytes, problem = stream:read()
    if problem then return nil, outcome_of_problem(problem) end
    local status = stream:head()
    if status ~= 200 then
      refused = status
      rest[#rest + 1] = bytes
    elseif bytes then
      local upto = bytes:match "^.*()\n"
      rest[#rest + 1] = upto and bytes:sub(1, upto) or bytes
      if upto then
        local lines = {}
        for line in table.concat(rest):gmatch "[^\n]+" do lines[#lines + 1] = line end
        rest, size = { bytes:sub(upto + 1) }, 0
        if take(lines) then return true end
      end
    end
    size = size + (bytes and #bytes or 0)
    if size > settings.max_answer then
      return nil, { verdict = "final", kind = "too_large",
        message = ("a line of the results is larger than %d bytes"):format(settings.max_answer) }
    end
  until not bytes
  local left = table.concat(rest)
  if refused then
    local _, head = stream:head()
    return nil, outcome_of_status(refused, endpoint.header(head), answer.decode(left), left)
  end
  if left:find "%S" then take { left } end
  return true
end

return wire
