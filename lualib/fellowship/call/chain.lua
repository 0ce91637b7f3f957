-- The path of every model call: an ordered list of answerers, put together at the start of a run. Each one answers the
-- call, fails it, or passes it on. Identical calls are one while they are under way.
--
-- An answerer is { name =, answer(flight) -> completion | nil, error | chain.pass, at_once =, in_place =, wants = }. Those
-- `at_once`, at the head of the list, are asked in the task that asks, and see the flight's model, digest and schema
-- alone; the others in a task of the flight's own, which goes on when who asked is gone; behind one `in_place` in the
-- task that asks too, with a flight that nobody shares. One that `wants` something is asked only for models whose
-- adapter has it.

local sys = require "fellowship.core.sys"
local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"
local tables = require "fellowship.base.table"
local key = require "fellowship.call.key"
local listen = require "fellowship.call.listen"

local chain = {
  pass = setmetatable({}, { __name = "fellowship.pass" }), -- an answerer leaves the call to the next one
  ended = 0, -- calls that have ended, however
  before_attempt = nil, ---@type (fun(flight: fellowship.Flight): table)? gives what is to be closed when an attempt has ended, and told of it by `account(outcome)`; may wait, and raise to end the call
}

---@class fellowship.Completion
---@field text string the answer, without the model's thinking
---@field reasoning? string what the model thought before it, where the provider shows that
---@field tool_calls? fellowship.ToolCall[] the tools that the model calls, where the script gave `tools`
---@field finish_reason? string "stop", "tool_calls", "length" (cut off by a limit of tokens), or as the provider said it
---@field model? string the model that answered, by the provider's word
---@field usage { prompt_tokens: integer?, completion_tokens: integer?, cached_tokens: integer?, reasoning_tokens: integer? } cached ones are among those of the prompt, reasoning among those of the completion
---@field logprobs? { token: string, length: integer, logprob: number, top: { token: string, logprob: number }[] }[] where they were asked for
---@field value? any what the answer holds, where a schema was given
---@field answered_by string the model that answered, as it was named: another one after a fallback
---@field attempts integer HTTP exchanges it took
---@field elapsed number? seconds of the exchange that succeeded; nil when it came in a batch
---@field key string hexadecimal
---@field stored boolean whether the store had it

---@class fellowship.Wants how a call is asked, which is no part of its key
---@field empty? boolean an answer without a text is one: ""
---@field goes_on? boolean whether the conversation goes on behind the answer, where that is known: its beginning is then kept in caches
---@field unkept? boolean the answer comes from no store and is kept in none
---@field steady? boolean what was given to who reads along stays: an answer that comes anew and differs is an error of kind "broken"
---@field cuts? integer[] places in the text of the last message, in bytes, up to which later requests are the same

---@class fellowship.Flight a call on its way
---@field model fellowship.Model
---@field messages { role: string, content: string }[]
---@field params table<string, any>
---@field sample integer
---@field schema table?
---@field how fellowship.Wants?
---@field digest string its key
---@field request string canonical JSON that this is the digest of
---@field id string the key in hexadecimal
---@field streaming boolean? somebody reads it as it comes
---@field pieces string[]? what has come of it; other ones once it comes anew
---@field asker fellowship.task? who asked first
---@field others table<fellowship.task, true>? who asked the same meanwhile
---@field count integer how many of them wait still
---@field shared boolean?
---@field task fellowship.task where it is answered
---@field sent integer? attempts begun
---@field sent_at number? when the latest was
---@field retry_at number? when the next one will be, in stage "retry"
---@field stage string? what it waits for: "turn" on the wire, "wire", "stream", "retry", "store", or it is "held" back
---@field why string? for what it is held, in words
---@field patient boolean? it may be held for hours
---@field from_store boolean? the store had the answer
---@field seen integer? what other processes had committed when the store was looked into; see fellowship.call.lease
---@field landed boolean?
---@field completion fellowship.Completion?
---@field problem fellowship.Error?

-- ---- who answers ----

local answerers, quick, in_place = {}, 0, false

--- Sets who answers, in order.
---@param list { name: string, at_once: boolean?, in_place: boolean?, wants: string?, answer: fun(flight: fellowship.Flight): any, fellowship.Error? }[]
function chain.set(list)
  answerers, quick = list, 0
  while quick < #list and list[quick + 1].at_once do quick = quick + 1 end
  in_place = list[quick + 1] ~= nil and list[quick + 1].in_place or false
end

--- The names of those who answer, in order.
---@return string[]
function chain.names()
  local names = {}
  for i, answerer in ipairs(answerers) do names[i] = answerer.name end
  return names
end

local pass = chain.pass

--- The first answer of a part of the list; `pass` where there is none.
local function answer(flight, from, to)
  local adapter = flight.model.adapter
  for i = from, to do
    local answerer = answerers[i]
    local wanted = answerer.wants
    if not wanted or adapter[wanted] then
      local completion, problem = answerer.answer(flight)
      if completion ~= pass then return completion, problem end
    end
  end
  return pass
end

-- ---- who counts ----

local function no_count() end

--- Is told of what becomes of calls; see fellowship.money.count, which is usually here.
---@type table<string, function>
chain.counts = setmetatable({}, { __index = function() return no_count end })

-- ---- flights ----

local flights = {}

--- Calls under way, by digest.
---@type table<string, fellowship.Flight>
chain.flights = flights

local Flight = {}
Flight.__index = Flight

local function wake(flight)
  if flight.asker then task.wake(flight.asker) end
  if flight.others then
    for other in pairs(flight.others) do task.wake(other) end
  end
end

--- Tells those who listen what is new of the text.
---@param piece string
---@param anew boolean? what was told before is no part of it
function Flight:tell(piece, anew)
  if anew then self.pieces = nil end
  if piece == "" then return end
  self.pieces = self.pieces or {}
  self.pieces[#self.pieces + 1] = piece
  wake(self)
end

-- Digests that are looked up right now, and of these, those whose call has ended meanwhile: what was looked for may be
-- there though it was not found.
local looking, overtaken = {}, {}

local function land(flight, completion, problem)
  local digest = flight.digest
  flight.landed = true
  flight.completion, flight.problem = completion, problem
  flights[digest] = nil
  if looking[digest] then overtaken[digest] = true end
  wake(flight)
end

local function fly(flight)
  local completion, problem = answer(flight, quick + 1, #answerers)
  if completion == pass then
    errors.raise { kind = "usage", fatal = true, message = "nobody is there to answer " .. flight.model.named }
  end
  return completion, problem
end

local function run(flight)
  local ok, completion, problem = pcall(fly, flight)
  if ok then land(flight, completion, problem) else land(flight, nil, errors.from(completion)) end
end

--- Leaves a flight when a waiter has its end or is cancelled: a call that nobody waits for and that was not sent is
--- dropped; one that was sent is finished and stored, unless it was a stream that the script has read enough of.
local function leave(flight, enough)
  flight.count = flight.count - 1
  if flight.count > 0 or flight.landed or (flight.sent and not enough) then return end
  flights[flight.digest] = nil
  if flight.sent then chain.counts.stopped(flight.model) end
  flight.task:cancel()
end

-- Who asked first waits with the flight itself, the others with a place of their own.
Flight.__close = function(self)
  self.asker = nil
  leave(self, self.enough)
end

local Place = { __close = function(self)
  self.flight.others[self.task] = nil
  leave(self.flight, self.enough)
end }

local function join(flight)
  flight.shared = true
  flight.others = flight.others or {}
  local place = setmetatable({ flight = flight, task = task.self() }, Place)
  flight.others[place.task] = true
  flight.count = flight.count + 1
  return place
end

--- A flight of what was looked for in vain. The fields that every one comes to have stand here, so that it need not grow.
local function take_off(sought, messages, params, sample, request)
  local digest = sought.digest
  local flight = setmetatable({ model = sought.model, digest = digest, schema = sought.schema, how = sought.how,
    seen = sought.seen, messages = messages, params = params, sample = sample, request = request, id = sys.hex(digest),
    asker = task.self(), count = 1, task = nil, stage = nil, sent = nil, sent_at = nil, landed = nil,
    completion = nil }, Flight)
  return flight
end

--- Has a flight answered in a task of its own, for whoever asks.
local function launch(flight)
  flights[flight.digest] = flight
  flight.task = task.aside(run, flight)
end

--- Has it answered in the task that asks.
local function fly_in_place(flight)
  flight.task = task.self()
  local ok, completion, problem = pcall(fly, flight)
  if not ok then completion, problem = nil, errors.from(completion) end
  return completion, problem
end

--- Ends calls that wait to be sent.
---@param problem fun(flight: fellowship.Flight): fellowship.Error? nil where the call goes on
function chain.drop_unsent(problem)
  local unsent = {}
  for _, flight in pairs(flights) do
    local stage = flight.stage
    if stage == "turn" or stage == "retry" or stage == "held" then unsent[#unsent + 1] = flight end
  end
  for _, flight in ipairs(unsent) do
    flight.problem = problem(flight)
    if flight.problem then
      flights[flight.digest] = nil
      flight.landed = true
      wake(flight)
      flight.task:cancel()
    end
  end
end

-- ---- asking ----

--- The end of a call for one of its askers.
local function finish(flight, completion, problem)
  local model = flight.model
  chain.ended = chain.ended + 1
  if problem then
    if problem.kind ~= "budget" then chain.counts.gave_up() end
    error(problem, 0)
  end
  chain.counts.given(model, completion.usage, flight.from_store)
  if flight.shared then completion = tables.copy(completion) -- its own, where others have the same one
  else setmetatable(completion, nil) end -- which said how the store writes it
  completion.stored, completion.answered_by = flight.from_store or false, model.named
  return completion
end

---@class fellowship.Sought a call that is looked for among those who answer at once
---@field model fellowship.Model
---@field digest string
---@field schema table?
---@field how fellowship.Wants?
---@field from_store boolean? as of a flight, as is the next
---@field seen integer?

-- Those that are over, to be used again.
---@type fellowship.Sought[]
local spare = {}

--- Asks those who answer at once.
local function look(sought)
  local digest = sought.digest
  looking[digest] = (looking[digest] or 0) + 1
  local completion, problem = answer(sought, 1, quick)
  if completion == pass and overtaken[digest] and not flights[digest] then
    completion, problem = answer(sought, 1, quick)
  end
  looking[digest] = looking[digest] > 1 and looking[digest] - 1 or nil
  if not looking[digest] then overtaken[digest] = nil end
  return completion, problem
end

--- The messages of a prompt, which may be a text.
local function messages_of(prompt)
  return type(prompt) == "string" and { { role = "user", content = prompt } } or prompt
end

local NONE = {}

--- The parameters for the adapter: one of one's own may put some into the table.
local function params_for(model, params)
  if type(model.provider.adapter) == "string" then return params or NONE end
  return tables.copy(params or NONE)
end

--- Waits for a flight. Returns the text so far when it has read enough.
local function wait(flight, place, on_delta, how)
  local _ <close> = place
  if on_delta then
    place.enough = listen.to(flight, on_delta, how)
    return place.enough
  end
  while not flight.landed do task.park() end
end

local unkept = 0

--- A digest that no other call has: one that is kept nowhere must not be shared by one that is to be kept.
local function apart(digest)
  unkept = unkept + 1
  return sys.sha256(("%s unkept %d"):format(digest, unkept))
end

--- The end of a call that was answered in the task that asks, which gives it to who reads along in one piece.
local function given(flight, on_delta, completion, problem)
  completion = finish(flight, completion, problem)
  if on_delta and completion.text ~= "" then on_delta(completion.text, completion.text) end
  return completion
end

--- Asks for a completion. Raises an error table when the call fails for good.
---@param model fellowship.Model
---@param prompt string|{ role: string, content: string }[]
---@param params? table<string, any> nobody changes it any more
---@param sample integer
---@param schema? table
---@param on_delta? fun(piece: string, text: string): boolean?
---@param how? fellowship.Wants
---@return fellowship.Completion
function chain.ask(model, prompt, params, sample, schema, on_delta, how)
  chain.counts.asked(model, params)
  local digest = key.of(model, prompt, params, sample, schema)
  if how and how.unkept then digest = apart(digest) end
  local flight, place = flights[digest], nil
  if not flight then
    local sought = spare[#spare] or { model = nil, digest = nil, schema = nil, how = nil, from_store = nil, seen = nil }
    spare[#spare] = nil
    sought.model, sought.digest, sought.schema, sought.from_store, sought.how = model, digest, schema, nil, how
    local completion, problem = look(sought)
    spare[#spare + 1] = sought
    if completion ~= pass then return given(sought, on_delta, completion, problem) end
    flight = flights[digest]
    if not flight then
      flight = take_off(sought, messages_of(prompt), params_for(model, params), sample,
        key.request(model, prompt, params, sample, schema))
      flight.streaming = on_delta ~= nil or nil
      if in_place then return given(flight, on_delta, fly_in_place(flight)) end
      launch(flight)
      place = flight
    end
  end
  local read = wait(flight, place or join(flight), on_delta, how)
  if not read then return finish(flight, flight.completion, flight.problem) end
  return { text = read, finish_reason = "stopped", usage = {}, stored = false, answered_by = model.named }
end

return chain
