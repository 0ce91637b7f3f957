-- Cuts the calls that wait into batches and sends those.
--
-- Each step is in the store before the next one: which calls are in which batch, the uploaded file, that the request
-- which makes the batch is about to go, the batch's id. A process that is killed before that request has cost nothing;
-- one that is killed behind it is looked for by whoever comes next (fellowship.batch.search).

local http = require "fellowship.core.http"
local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local text = require "fellowship.base.text"
local failure = require "fellowship.provider.failure"
local retry_after = require "fellowship.provider.retry_after"
local protocols = require "fellowship.batch.protocol"
local bounds = require "fellowship.batch.budget"
local calls = require "fellowship.batch.calls"
local record = require "fellowship.call.record"
local endpoint = require "fellowship.call.endpoint"
local follow = require "fellowship.batch.follow"
local ledger = require "fellowship.batch.ledger"
local requests = require "fellowship.call.request"
local lock = require "fellowship.batch.lock"
local room = require "fellowship.batch.room"
local settings = require "fellowship.call.settings"
local wire = require "fellowship.batch.wire"

local cut = {
  without = {}, ---@type table<string, boolean> base URLs at which there is no batch API
}

-- So many calls are claimed at a time.
local GROUP = 500

-- ---- sending ----

--- The batch cannot be made: its calls are free again, and are told.
local function abandon(b, outcome)
  local flights = calls.of(b)
  bounds.close(b, "release")
  ledger.forget(b)
  outcome.message = "the batch was not taken: " .. outcome.message
  if outcome.verdict == "final" and not outcome.fatal and settings.batch.failed == "live" then
    outcome.verdict = "retry"
  end
  for _, flight in ipairs(flights) do calls.deliver_failure(flight, outcome) end
end

--- The same, where it may be that too much waits at the provider already.
local function refuse(b, outcome)
  if not outcome.full then return abandon(b, outcome) end
  local flights = calls.of(b)
  bounds.close(b, "release")
  ledger.forget(b)
  room.shrink(b, outcome.message, flights)
end

-- How a server answers that does not know the path.
local UNKNOWN_PATH = { [404] = true, [405] = true, [501] = true }

--- Whether the answer to the first request about a batch says that there is no batch API there; its calls go live then.
local function lacks_batches(b, outcome)
  if not (outcome and UNKNOWN_PATH[outcome.status]) then return false end
  local flights, model = calls.of(b), b.resolved
  bounds.close(b, "release")
  ledger.forget(b)
  cut.without[model.endpoint.url] = true
  settings.say("%s at %s has no batch API (%s): its calls are made live, at the full price", model.provider.name,
    model.endpoint.shown, outcome.message)
  for _, flight in ipairs(flights) do calls.deliver(flight, { live = true }) end
  return true
end

--- The seconds since 1970 by the server's clock, as an answer tells them: of ours nothing follows about times of its.
local function clock_of(header)
  return header and retry_after.date(header "date") or nil
end

--- Where an upload is to go that begins with a session; nil and an outcome when there is none.
local function place_of(model, request, bytes)
  local begin = request.session(bytes)
  begin.bare = true
  local begun, outcome, header = wire.ask(model, begin)
  if not begun then return nil, outcome end
  local place = request.place(header)
  if not place then return nil, failure.broken "the answer to the upload says not where the file goes" end
  if wire.is_at_home(model, place) then return place end
  return nil, { verdict = "final", kind = "batch",
    message = ("the file is to go to another place (%s), where the key is not sent")
      :format((place:gsub("[?#].*$", ""))) }
end

--- Brings the calls to the provider where they go first. False when that failed.
local function upload(b, request, protocol, bytes)
  local value, outcome, header
  if request.session then request.path, outcome = place_of(b.resolved, request, bytes) end
  if request.path then value, outcome, header = wire.ask(b.resolved, request) end
  local file = protocol.uploaded(value)
  if not file then
    if lacks_batches(b, outcome) then return false end
    refuse(b, outcome or failure.broken "the answer to the upload names no file")
    return false
  end
  b.file, b.state, b.asked = file, "uploaded", clock_of(header)
  ledger.note(b)
  return true
end

--- What is noted before a batch is made that nothing was uploaded for: the time at the provider. False when there are no
--- batches there.
local function look_around(b, protocol)
  local _, outcome, header = wire.once(b.resolved, { path = protocol.list() })
  b.asked = clock_of(header)
  return not lacks_batches(b, outcome)
end

--- Makes the batch. It is noted before that it may exist, and it may until the provider has said no.
local function create(b, request, protocol)
  local model = b.resolved
  request.isolated = true
  local since = task.now()
  for n = 1, math.huge do
    local value, outcome
    do
      -- A call's slot: Ctrl+C waits for the answer, which says whether there is a batch.
      local _ <close> = endpoint.gate(model):acquire()
      b.state, b.creating = "creating", sys.time()
      ledger.note(b)
      value, outcome = wire.once(model, request)
      local view = protocol.view(value, b, model)
      if view then
        b.state, b.id, b.status, b.total = "running", view.id, view.status, view.total
        ledger.note(b)
        settings.say("%s: %s sent", ledger.shown(b), text.count(b.calls, "call"))
        return follow.start(b)
      end
    end
    if not outcome or outcome.unknown then
      settings.say("%s: whether it was made is not known (%s); it is looked for", ledger.shown(b),
        outcome and outcome.message or "the answer is no batch")
      return follow.start(b)
    end
    if not protocol.uploads and lacks_batches(b, outcome) then return end
    if outcome.full or not wire.is_repeated(model, outcome, n, since) then return refuse(b, outcome) end
    wire.pause(model, n, outcome)
  end
end

--- Sends what a part of a lane became.
local function send(part, protocol, dialect)
  local b, request, model = part.b, part.request, part.b.resolved
  if part.count == 0 then return ledger.forget(b) end
  b.calls = part.count
  ledger.note(b)
  do
    local body <close> = part.body -- it may be a hundred megabytes
    body:add(request.tail)
    request.body = body
    if not protocol.uploads then
      if look_around(b, protocol) then create(b, request, protocol) end
      return
    end
    if not upload(b, request, protocol, part.size) then return end
  end
  create(b, protocol.create(b, dialect, model), protocol)
end

-- ---- cutting ----

--- The request of a call as it will stand in the batch; nil when there is none, which the call has been told.
local function prepare(flight)
  local well, request = pcall(requests.of, flight)
  if not well then
    calls.deliver(flight, { problem = errors.from(request) })
    return nil
  end
  flight.prepared = { how = request.how, version = request.version }
  return request.wire
end

--- Whether the budget has room for a call, and its reservation. nil when nobody can say what it costs, which the call
--- has been told.
local function reserve(flight)
  local well, fits, reservation = pcall(bounds.try, flight)
  if well then return fits, reservation end
  calls.deliver(flight, { problem = errors.from(fits) })
  return nil
end

--- A call that another batch has claimed waits for that one.
local function join(flight, uid)
  local b = ledger.batches[uid]
  if not b then
    ledger.refresh()
    b = ledger.batches[uid]
  end
  -- Collected just now: the call stays in its lane, and the next cut finds what became of it.
  if not b then return end
  b.resolved = b.resolved or flight.model
  b.seen = true
  calls.board(flight, b)
  follow.start(b)
end

--- Claims a group of calls for the batch, and adds the lines of those that it got.
local function claim(part, group)
  local b = part.b
  local holders, held = record.store():claim(b.uid, group)
  if not holders then errors.raise { kind = "store", fatal = true, message = held.message } end
  for i, one in ipairs(group) do
    local flight = one.flight
    if holders[i] == b.uid then
      part.body:add(part.count > 0 and part.request.between or "", one.line)
      part.count, part.size = part.count + 1, part.size + #one.line
      b.numbers[one.key] = part.count
      bounds.keep(b, one.key, one.reservation)
      -- One that was cancelled meanwhile is in the batch all the same: it is claimed.
      if flight.lane then calls.board(flight, b) end
    else
      if one.reservation then one.reservation:release() end
      if not holders[i] then
        calls.deliver(flight, { text = held[i], stored = true })
      elseif flight.lane then
        join(flight, holders[i])
      end
    end
  end
end

--- A batch that grows until it is full.
local function begin(lane, flight, protocol, dialect)
  local b = ledger.new(lane.model, flight.digest)
  ledger.note(b)
  local part = { b = b, body = http.body(), count = 0, bytes = 0, size = 0, group = {} }
  b.numbers = {} -- of the lines, by the calls' digests: as long as this process knows of the batch
  part.request = protocol.uploads and protocol.upload(b, dialect, lane.model) or protocol.create(b, dialect, lane.model)
  part.body:add(part.request.head)
  return part
end

local function flush(part)
  if #part.group == 0 then return end
  local group = part.group
  part.group = {}
  claim(part, group)
end

local function put(part, flight, body, line, reservation)
  part.bytes = part.bytes + #line + 1
  part.group[#part.group + 1] = { key = flight.digest, request = flight.request, wire = body, line = line,
    flight = flight, reservation = reservation }
  if #part.group >= GROUP then flush(part) end
end

--- Cuts a lane. Gives the first call for which the budget has no room now, if there is one: it and those behind it
--- stay in their lane.
local function cut_lane(lane)
  local protocol, dialect = protocols.of(lane.model.provider)
  local most = math.min(lane.most or math.huge, protocol.most_calls)
  local part, starved
  local function finish()
    flush(part)
    local full = part
    part = nil
    send(full, protocol, dialect)
  end
  local function send_alone(flight, body, line, reservation)
    local single = begin(lane, flight, protocol, dialect)
    put(single, flight, body, line, reservation)
    flush(single)
    send(single, protocol, dialect)
  end
  for _, flight in ipairs(calls.take(lane)) do
    local body = flight.lane == lane and prepare(flight)
    local fits, reservation = true, nil
    if body then fits, reservation = reserve(flight) end
    if fits == false then
      starved = flight
      break
    end
    if body and fits then
      local line = protocol.line(flight.id, body, dialect)
      if part and (part.count + #part.group >= most or part.bytes + #line > protocol.most_bytes) then
        flush(part) -- some may be in other batches
        if part.count >= most or part.bytes + #line > protocol.most_bytes then finish() end
      end
      if flight.alone then
        send_alone(flight, body, line, reservation)
      else
        part = part or begin(lane, flight, protocol, dialect)
        put(part, flight, body, line, reservation)
      end
    end
  end
  if part then finish() end
  return starved
end

--- Batches that were planned by a process which is gone: nothing was sent that costs, and their calls are free.
local function clear()
  ledger.refresh()
  for _, b in ipairs { table.unpack(ledger.list) } do
    if b.state == "planned" or b.state == "uploaded" then ledger.forget(b) end
  end
end

--- Cuts lanes, all of their calls that the budget has room for. What fails is told to the calls.
---@param lanes table[]
---@return table? starved a call for which there was no room
function cut.run(lanes)
  local starved
  local well, problem = pcall(function()
    local _ <close> = lock.take()
    clear()
    for _, lane in ipairs(lanes) do starved = cut_lane(lane) or starved end
  end)
  if well then return starved end
  local e = errors.from(problem)
  for _, lane in ipairs(lanes) do
    for _, flight in ipairs(calls.take(lane)) do calls.deliver(flight, { problem = e }) end
  end
  for _, b in ipairs(ledger.list) do -- those whose making was begun and is not followed
    if not b.follower then
      for _, flight in ipairs(calls.of(b)) do calls.deliver(flight, { problem = e }) end
    end
  end
end

return cut
