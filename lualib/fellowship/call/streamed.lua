-- Answers that are read while they come.

local http = require "fellowship.core.http"
local task = require "fellowship.core.task"
local answer = require "fellowship.provider.answer"
local events = require "fellowship.provider.events"
local failure = require "fellowship.provider.failure"
local thinking = require "fellowship.provider.thinking"
local endpoint = require "fellowship.call.endpoint"
local requests = require "fellowship.call.request"

-- A connection whose answer has ended is good for another one when the server ends it within so many seconds.
local LINGER = 0.25

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
      -- Some say "stop" in every chunk: such a one is no end.
      state.doubtful = state.doubtful or state.finished and #text > state.read
      state.finished = state.whole.complete
      local new, anew = state.thinking:read(text:sub(state.read + 1))
      state.read, state.said = #text, (anew and "" or state.said) .. new
      flight:tell(state.said)
    end
  end
end

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

--- Reads to the end, the answer's or the exchange's. Gives what is wrong, or a broken exchange's problem, if anything.
local function read_all(flight, stream, state)
  local adapter = flight.model.adapter
  local cut = events[adapter.events]()
  while true do
    local bytes, problem = next_bytes(stream, state.ended)
    if problem then
      local silent = problem.kind == "timeout" and state.whole.complete and not state.doubtful
      return nil, not silent and problem or nil -- the answer was there, and then the server kept the exchange open
    end
    flight.stage = "stream"
    if not state.head then state.status, state.head = stream:head() end
    -- An error, or a server that does not stream, answers as it would have without.
    local kind = (http.header(state.head, "content-type") or ""):lower()
    local wrong
    if state.status ~= 200 or (adapter.events == "sse" and kind:find("application/json", 1, true)) then
      state.plain[#state.plain + 1] = bytes
    elseif not state.ended then
      wrong = take(flight, cut(bytes or "", bytes == nil), state)
    end
    if wrong or not bytes then return wrong end
  end
end

local function outcome_of(model, state, wrong, how)
  local adapter, header = model.adapter, endpoint.header(state.head)
  if wrong then return failure.broken(wrong) end
  if #state.plain > 0 or state.status ~= 200 then
    return requests.meaning(model, adapter.classify, state.status, header, table.concat(state.plain), how)
  elseif not (state.whole.complete or state.whole.error) then
    return failure.broken "the stream ended before the answer did"
  end
  return requests.meaning(model, adapter.meaning, 200, header, state.whole, how)
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
  local state = { whole = {}, plain = {}, read = 0, said = "", thinking = thinking.reader(request.how.quirks.thinking) }
  local wrong
  wrong, problem = read_all(flight, stream, state)
  if problem then return nil, problem end
  local outcome = outcome_of(flight.model, state, wrong, request.how)
  outcome.status, outcome.elapsed, outcome.header = state.status, task.now() - begun, endpoint.header(state.head)
  return outcome
end
