-- Takes the results of a batch that has ended: every completion is committed, whether somebody waits for it or not,
-- since it is paid for.

local sys = require "fellowship.core.sys"
local answer = require "fellowship.provider.answer"
local failure = require "fellowship.provider.failure"
local protocols = require "fellowship.batch.protocol"
local bounds = require "fellowship.batch.budget"
local calls = require "fellowship.batch.calls"
local chain = require "fellowship.call.chain"
local endpoint = require "fellowship.call.endpoint"
local record = require "fellowship.call.record"
local requests = require "fellowship.call.request"
local stats = require "fellowship.money.count"
local wire = require "fellowship.batch.wire"

local results = {}

-- So many completions are committed at a time.
local GROUP = 200

local function no_header() end

--- What a line of the results means for its call, as it is where the model is served: it is about that call alone.
local function outcome_of(model, status, body, flight)
  if not status then return { verdict = "retry", kind = "batch", message = tostring(body) } end
  local how = { quirks = requests.quirks(model), params = flight and flight.params or {} }
  local outcome = requests.meaning(model, model.adapter.meaning, status, no_header, body, how)
  outcome.status = status ~= 200 and status or nil
  if outcome.verdict == "final" then failure.placed(outcome, endpoint.is_own(model), true) end
  local takes_empty = flight and flight.how and flight.how.empty and (flight.tries or 1) >= (outcome.tries or math.huge)
  return outcome.kind == "empty" and takes_empty and failure.as_answer(outcome) or outcome
end

--- The text that the store is to keep of an outcome; nil when it is none to keep.
local function text_of(model, id, outcome)
  if outcome.verdict == "done" then
    outcome.completion.attempts = outcome.completion.attempts or 1
    return record.completion(outcome.completion)
  elseif outcome.stored then
    return record.failure(record.problem({ model = model, id = id }, outcome, 1))
  end
end

--- A reading of a batch's results.
---@class fellowship.BatchReading
---@field outcomes table<string, table> by digest: those that are no completion
---@field answered integer results that the store keeps now
---@field seen table<string, true> digests of results: a line may stand there twice
---@field unknown integer results of calls that nobody has claimed
---@field malformed integer lines that make no sense
---@field told table<string, true> digests of calls that a line is about
local Reading = {}
Reading.__index = Reading

--- Hands a call what the store holds of it now.
local function hand_over(self, item, how, held)
  bounds.account(self.b, item.key, item.outcome)
  if not how then
    self.unknown = self.unknown + 1
    return
  end
  if self.seen[item.key] then return end
  self.seen[item.key] = true
  self.answered = self.answered + 1
  local model = self.model
  model.place.served[model.name] = true
  if how == "committed" and item.outcome.verdict == "done" then stats.completed(model, item.outcome.completion, "batch")
  elseif how == "committed" then stats.ended(model, item.outcome, true, "batch") end
  local flight = chain.flights[item.key]
  if not (flight and flight.batch) then return end
  if how == "committed" and item.outcome.verdict == "done" then
    calls.deliver(flight, { completion = item.outcome.completion })
  else
    calls.deliver(flight, { text = held or item.completion, stored = how == "found" })
  end
end

local function commit(self)
  local group = self.group
  if #group == 0 then return end
  self.group = {}
  local ends, held = record.store():complete(group, sys.time())
  if not ends then
    error({ kind = "store", fatal = true, message = held.message
      .. " (the completions just paid for could not be kept; the run stops)" }, 0)
  end
  for i, item in ipairs(group) do hand_over(self, item, ends[i], held[i]) end
end

--- The body of an answer, which some write as a text.
local function body_of(status, body)
  if not status or type(body) ~= "string" then return body end
  return answer.decode(body) or { error = { message = body } }
end

local function take_result(self, value)
  local id, status, body = self.protocol.result(value)
  if not id then
    self.malformed = self.malformed + 1
    return
  end
  local key = #id == 64 and sys.unhex(id)
  if not key then
    self.unknown = self.unknown + 1
    return
  end
  self.told[key] = true
  local flight = chain.flights[key]
  local outcome = outcome_of(self.model, status, body_of(status, body), flight)
  if outcome.completion and flight and flight.tries then outcome.completion.attempts = flight.tries end
  local kept = text_of(self.model, id, outcome)
  if kept then
    self.outcomes[key] = nil -- a line for a call that failed may stand beside one with its answer
    self.group[#self.group + 1] = { key = key, completion = kept, outcome = outcome }
    if #self.group >= GROUP then commit(self) end
  elseif not self.seen[key] then
    self.outcomes[key] = outcome
  end
end

--- A model that is not there, or a key that is none, is so for every call: of a batch in which nobody was answered, by a
--- model that never answered. That ends the run.
local function look_for_common(self)
  local model = self.model
  if model.place.served[model.name] then return end
  for _, outcome in pairs(self.outcomes) do
    if outcome.doubtful then outcome.fatal = true end
  end
end

--- Results that lie elsewhere are not fetched.
local function check_places(model, places)
  for _, place in ipairs(places) do
    if not wire.is_at_home(model, place) then
      return { verdict = "final", kind = "batch",
        message = ("the results lie at another place (%s), where the key is not sent")
        :format((place:gsub("[?#].*$", ""))) }
    end
  end
end

-- A list of results that makes no sense must not be read for ever.
local MOST_PAGES = 100000

--- Gives `take` the results at a place, some at a time, as decoded values, until it says that these are enough.
---@return boolean? well
---@return table? outcome
local function each(model, protocol, place, take)
  if not protocol.paged then
    return wire.lines(model, place, function(lines)
      local values = {}
      for _, line in ipairs(lines) do
        if line:find "%S" then values[#values + 1] = answer.decode(line) or false end
      end
      return take(values)
    end)
  end
  local after
  for _ = 1, MOST_PAGES do
    local value, outcome = wire.once(model, { path = protocol.results(place, after) })
    if not value then return nil, outcome end
    local values, next_page = protocol.results_page(value)
    if not values then return nil, failure.broken "the list of results is no list" end
    if take(values) or not next_page or next_page == after or #values == 0 then return true end
    after = next_page
  end
  return nil, failure.broken "the list of results has no end"
end

--- The id of the first call that the results name; "" when they name none.
---@param model fellowship.Model
---@param places string[]
---@return string? id
---@return table? outcome why they could not be read
function results.first_id(model, places)
  local protocol, first = protocols.of(model.provider), nil
  local wrong = check_places(model, places)
  if wrong then return nil, wrong end
  for _, place in ipairs(places) do
    local well, outcome = each(model, protocol, place, function(values)
      for _, value in ipairs(values) do first = first or protocol.result(value) end
      return first ~= nil
    end)
    if first then return first end
    if not well then return nil, outcome end
  end
  return ""
end

--- Why a reading cannot be all: it is of fewer calls than the provider says to have answered, as when something between
--- gives another page in place of a file. nil when it can.
local function short_of(self)
  local found, b = self.malformed, self.b
  for _ in pairs(self.told) do found = found + 1 end
  local nothing = next(self.told) == nil and (b.done or 0) > 0
  if found >= (b.done or 0) and not nothing then return nil end
  return { verdict = "retry", kind = "batch", nothing = nothing,
    message = ("the results are of %d calls, and the provider says that %d are done"):format(found, b.done) }
end

--- Reads all results of a batch. Completions are committed and handed over as they come; what else there was stays
--- in `outcomes`.
---@param model fellowship.Model
---@param places string[] paths or URLs
---@param b table of fellowship.batch.ledger
---@return fellowship.BatchReading? reading
---@return table? outcome why they could not be read, or why this cannot be all
function results.read(model, places, b)
  local protocol = protocols.of(model.provider)
  local self = setmetatable({ b = b, model = model, protocol = protocol, outcomes = {}, group = {}, seen = {},
    told = {}, answered = 0, unknown = 0, malformed = 0 }, Reading)
  local wrong = check_places(model, places)
  if wrong then return nil, wrong end
  for _, place in ipairs(places) do
    local well, outcome = each(model, protocol, place, function(values)
      for _, value in ipairs(values) do take_result(self, value) end
    end)
    if not well then
      commit(self)
      return nil, outcome
    end
  end
  commit(self)
  if self.answered == 0 then look_for_common(self) end
  return self, short_of(self)
end

return results
