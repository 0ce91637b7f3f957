-- How many batches a run would make. Calls of a dry run wait as those of fellowship.batch do: in the lane of their model
-- until no task can run, when each lane is cut within the bounds of its provider.

local json = require "fellowship.core.json"
local task = require "fellowship.core.task"
local calls = require "fellowship.batch.calls"
local protocols = require "fellowship.batch.protocol"
local requests = require "fellowship.call.request"
local settings = require "fellowship.call.settings"

local cuts = {}

---@class fellowship.Cuts what a model's batches are counted by
---@field files integer batches
---@field sure integer of these, those with a call that is made whatever models answer
---@field read integer of these, those with a call whose answer is read, and asked for again when it cannot be
---@field around integer? bytes of a line beside the request

local known, waiting, lanes = {}, {}, 0 ---@type table<table, fellowship.Cuts>, table<table, table[]>, integer

--- How much longer a call's line in a batch is than the request as it was asked: much the same for all of a model.
local function around(flight, protocol, dialect)
  local model = flight.model
  local _, body = model.adapter.build(model.name, flight.messages, flight.params,
    { quirks = requests.quirks(model), params = flight.params, schema = flight.schema })
  return #protocol.line(flight.id, json.encode(body), dialect) - #flight.request
end

--- Counts the batches of a lane: as many calls in each as the provider takes, in calls and in bytes.
local function cut(lane, list)
  local protocol, dialect = protocols.of(lane.model.provider)
  local counted = known[lane]
  counted.around = counted.around or around(list[1].flight, protocol, dialect)
  local count, bytes, sure, read = 0, 0, false, false
  local function finish()
    counted.files = counted.files + 1
    if sure then counted.sure = counted.sure + 1 end
    if read then counted.read = counted.read + 1 end
    count, bytes, sure, read = 0, 0, false, false
  end
  for _, call in ipairs(list) do
    local size = #call.flight.request + counted.around
    if count > 0 and (count >= protocol.most_calls or bytes + size > protocol.most_bytes) then finish() end
    count, bytes, sure, read = count + 1, bytes + size + 1, sure or call.sure, read or call.read
  end
  finish()
end

--- No task can run: the lanes are cut, and the calls in them are answered.
local function on_quiet()
  local now = waiting
  waiting = {}
  for lane, list in pairs(now) do
    cut(lane, list)
    for _, call in ipairs(list) do
      call.cut = true
      task.wake(call.task)
    end
  end
end

--- Whether a model's calls go in batches.
---@param model fellowship.Model
---@return boolean
function cuts.has(model)
  return settings.batch ~= nil and settings.batch ~= false and protocols.of(model.provider) ~= nil
end

--- Waits for the batch that a call would be in.
---@param flight fellowship.Flight
---@param sure boolean it is made whatever models answer
---@param read boolean its answer is read
function cuts.wait(flight, sure, read)
  local lane = calls.lane(flight.model)
  if not known[lane] then
    if lanes == 0 then task.on_quiet(on_quiet) end
    known[lane], lanes = { files = 0, sure = 0, read = 0 }, lanes + 1
  end
  waiting[lane] = waiting[lane] or {}
  local call = { flight = flight, task = task.self(), sure = sure, read = read }
  table.insert(waiting[lane], call)
  while not call.cut do task.park() end
end

-- An answer that cannot be read takes up to so many questions more, each in a batch behind the one that it came in.
local AGAIN = 2

--- The batches of a model, as low, likely and high; nil where it has none. The high end is that answers that cannot be
--- read are in every batch that may have some, and that what comes of one lane's batches reaches the next one apart.
---@param model fellowship.Model
---@param most integer calls at most
---@return fellowship.Range?
function cuts.of(model, most)
  if not cuts.has(model) then return nil end
  local counted = known[calls.lane(model)]
  if not counted then return { low = 0, likely = 0, high = 0 } end
  local high = (counted.files + AGAIN * counted.read) * lanes
  if settings.batch.after then high = most end
  return { low = counted.sure, likely = counted.files, high = math.max(counted.files, math.min(high, most)) }
end

return cuts
