-- Answers that are read while they come.

local http = require "fellowship.core.http"
local task = require "fellowship.core.task"
local streams = require "fellowship.provider.stream"
local endpoint = require "fellowship.call.endpoint"
local requests = require "fellowship.call.request"

-- A connection whose answer has ended is good for another one when the server ends it within so many seconds.
local LINGER = 0.25

--- What is read next, as of stream:read. Once the answer has ended, no more than a moment is waited for the end of the
--- exchange: some servers keep it open.
local function next_bytes(stream, ended)
  if not ended then return stream:read() end
  local timer = task.aside(function()
    task.sleep(LINGER, true)
    stream:close()
  end)
  local well, bytes = pcall(stream.read, stream)
  timer:cancel()
  if well then return bytes end
end

--- Tells the flight what is new. The key may come in pieces: what may be its beginning is told with what follows.
local function tell(flight, state, new, anew)
  if anew or not state.redaction then state.redaction = state.target:redaction() end
  flight:tell(state.redaction:add(new), anew)
end

--- Reads to the end, the answer's or the exchange's. Gives a broken exchange's problem, if there is one.
local function read_all(flight, stream, state)
  local reader, is_sse = state.reader, flight.model.adapter.events == "sse"
  while true do
    local bytes, problem = next_bytes(stream, reader.ended)
    if problem then -- where the answer was there, the server kept the exchange open, or did not end it well
      local unharmed = reader:is_whole(problem.kind ~= "timeout")
      return not unharmed and problem or nil
    end
    flight.stage = "stream"
    if not state.head then
      state.status, state.head = stream:head()
      state.status = requests.status(state.status, bytes)
    end
    -- An error, or a server that does not stream, answers as it would have without.
    local kind = (http.header(state.head, "content-type") or ""):lower()
    if state.status ~= 200 or (is_sse and kind:find("application/json", 1, true)) then
      state.plain[#state.plain + 1] = bytes
    elseif not reader.ended then
      tell(flight, state, reader:take(bytes or "", bytes == nil))
    end
    if reader.wrong or not bytes then return nil end
  end
end

local function outcome_of(model, state, how)
  local adapter, header = model.adapter, endpoint.header(state.head)
  if #state.plain > 0 or state.status ~= 200 then
    return requests.meaning(model, adapter.classify, state.status, header, table.concat(state.plain), how)
  end
  return state.reader:outcome(function(whole)
    return requests.meaning(model, adapter.meaning, 200, header, whole, how)
  end)
end

--- Sends a request and reads its answer to its end, telling the flight what has come so far. The answer is put together
--- as a plain call would have given it, and read as one.
---@param flight fellowship.Flight
---@param request fellowship.Request
---@return table? outcome in the form of fellowship.provider
---@return table? problem where the exchange broke
return function(flight, request)
  local begun = task.now()
  local stream <close>, problem = request.target:stream(request.wire, flight.model.times)
  if not stream then return nil, problem end
  local reader = streams.reader(flight.model.adapter, request.how)
  local state = { target = request.target, plain = {}, reader = reader }
  problem = read_all(flight, stream, state)
  if problem then return nil, problem end
  local outcome = outcome_of(flight.model, state, request.how)
  outcome.status, outcome.elapsed, outcome.head = state.status, task.now() - begun, state.head
  return outcome
end
