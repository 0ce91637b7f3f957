-- Answers of text completions and of OpenAI's responses as they come. Pure: reads a provider's stream into the answer that
-- it would have given as a whole, of which its events are told on, and makes a stream of an answer that is there.
--
-- What ends an answer (response.completed, a finish_reason) is not told on: it is said when the answer is kept.
-- Formats: https://developers.openai.com/api/reference/responses (streaming events),
-- https://platform.openai.com/docs/api-reference/completions.

local json = require "fellowship.core.json"
local errors = require "fellowship.base.errors"
local failure = require "fellowship.provider.failure"

local pieces = {}

---@class fellowship.serve.Pieces a form of streams
---@field options table? what a request for a stream says besides
---@field last string? behind the last event
---@field take fun(whole: table, event: table): boolean? tells_on, boolean? ended takes an event into the answer
---@field show fun(send: fun(event: table), whole: table) tells all but the end of an answer
---@field finish fun(send: fun(event: table), whole: table) tells its end

-- An event among the texts that are told of a call: a mark, its number, a space, JSON, and a line's end. An answer as a
-- whole, which comes from the store, begins otherwise.
local EVENT = "\30(%d+) ([^\n]*)\n"

--- An adapter's join for a form: gives each event that is told on as a text.
---@param form fellowship.serve.Pieces
---@return fun(whole: table, event: table): string?, boolean?
function pieces.join(form)
  return function(whole, event)
    if event.data == "[DONE]" then
      whole.complete = whole.complete or whole.answer ~= nil
      return nil, true
    end
    whole.failed = failure.of(event.value)
    if whole.failed then
      whole.complete = true
      return nil, true
    end
    local tells_on, ended = form.take(whole, event.value)
    if not tells_on then return nil, ended end
    whole.number = (whole.number or 0) + 1
    return ("\30%d %s\n"):format(whole.number, json.encode(event.value)), ended
  end
end

--- A listener of a call that is asked by such an adapter.
---@param send fun(event: table)
---@return fun(piece: string) listener
---@return fun(): boolean has_come whether there were events
function pieces.listener(send)
  local last = 0
  return function(piece)
    for number, text in piece:gmatch(EVENT) do
      if math.tointeger(tonumber(number)) ~= last + 1 then
        errors.raise { kind = "broken", message = "the stream broke, and the model's new answer is another one" }
      end
      last = last + 1
      send(json.decode(text))
    end
  end, function() return last > 0 end
end

-- ---- responses ----

local responses = {}
pieces["/responses"] = responses

local ENDS = { ["response.completed"] = true, ["response.incomplete"] = true, ["response.failed"] = true }

function responses.take(whole, event)
  if not ENDS[event.type] then return event.type ~= "error" end
  whole.answer, whole.complete = event.response, true
  whole.failed = failure.of(event.response)
  return false, true
end

--- What comes of a part of an item: of a text, of a tool's arguments.
local function show_text(send, at, kind, name, text)
  local delta, done = { type = kind .. ".delta", delta = text }, { type = kind .. ".done", [name] = text }
  for key, value in pairs(at) do delta[key], done[key] = value, value end
  if kind == "response.output_text" then delta.logprobs, done.logprobs = json.array {}, json.array {} end
  if text ~= "" then send(delta) end
  send(done)
end

local PARTS = { output_text = { "response.output_text", "text" }, refusal = { "response.refusal", "refusal" } }

local function show_parts(send, item, index)
  for i, part in ipairs(type(item.content) == "table" and item.content or {}) do
    local at = { item_id = item.id, output_index = index, content_index = i - 1 }
    local kind = PARTS[part.type]
    local function tell(what, value)
      send { type = "response.content_part." .. what, item_id = item.id, output_index = index, content_index = i - 1,
        part = value }
    end
    if kind then
      local empty = {}
      for key, value in pairs(part) do empty[key] = value end
      empty[kind[2]] = ""
      tell("added", empty)
      show_text(send, at, kind[1], kind[2], part[kind[2]])
    else
      tell("added", part)
    end
    tell("done", part)
  end
end

local function show_item(send, item, index)
  local begun = {}
  for key, value in pairs(item) do begun[key] = value end
  if begun.status then begun.status = "in_progress" end
  if item.type == "message" then begun.content = json.array {} end
  if item.type == "function_call" then begun.arguments = "" end
  send { type = "response.output_item.added", output_index = index, item = begun }
  if item.type == "message" then show_parts(send, item, index) end
  if item.type == "function_call" then
    show_text(send, { item_id = item.id, output_index = index }, "response.function_call_arguments", "arguments",
      item.arguments)
  end
  send { type = "response.output_item.done", output_index = index, item = item }
end

function responses.show(send, whole)
  local begun = {}
  for key, value in pairs(whole) do begun[key] = value end
  begun.status, begun.output, begun.usage = "in_progress", json.array {}, json.null
  send { type = "response.created", response = begun }
  send { type = "response.in_progress", response = begun }
  for i, item in ipairs(type(whole.output) == "table" and whole.output or {}) do show_item(send, item, i - 1) end
end

function responses.finish(send, whole)
  send { type = whole.status == "incomplete" and "response.incomplete" or "response.completed", response = whole }
end

-- ---- text completions ----

local completions = { options = { include_usage = true }, last = "[DONE]" }
pieces["/completions"] = completions

local LISTS = { "tokens", "token_logprobs", "top_logprobs", "text_offset" }

local MOST_CHOICES = 1024

local function add_logprobs(choice, given)
  if type(given) ~= "table" then return end
  if type(choice.logprobs) ~= "table" then choice.logprobs = {} end
  for _, name in ipairs(LISTS) do
    local all, new = choice.logprobs[name] or json.array {}, given[name]
    if type(new) == "table" then table.move(new, 1, #new, #all + 1, all) end
    choice.logprobs[name] = all
  end
end

local function has_all_ended(choices)
  for _, choice in ipairs(choices) do
    if json.is_null(choice.finish_reason) then return false end
  end
  return #choices > 0
end

function completions.take(whole, chunk)
  local answer = whole.answer or { id = chunk.id, object = "text_completion", created = chunk.created,
    model = chunk.model, choices = json.array {} }
  whole.answer = answer
  if type(chunk.usage) == "table" then answer.usage = chunk.usage end
  local has_text = false
  for _, given in ipairs(type(chunk.choices) == "table" and chunk.choices or {}) do
    local at = (math.tointeger(given.index) or 0) + 1
    if at < 1 or at > MOST_CHOICES then error("a choice of a number that cannot be", 0) end
    for i = #answer.choices + 1, at do
      answer.choices[i] = { index = i - 1, text = "", logprobs = json.null, finish_reason = json.null }
    end
    local choice = answer.choices[at]
    choice.text = choice.text .. (given.text or "")
    add_logprobs(choice, given.logprobs)
    if type(given.finish_reason) == "string" then choice.finish_reason = given.finish_reason end
    has_text = has_text or (given.text or "") ~= ""
    given.finish_reason = json.null
  end
  chunk.usage = nil
  whole.complete = has_all_ended(answer.choices)
  return has_text
end

local function chunk_of(whole, choices)
  return { id = whole.id, object = "text_completion", created = whole.created, model = whole.model,
    choices = json.array(choices) }
end

function completions.show(send, whole)
  for _, choice in ipairs(whole.choices) do
    send(chunk_of(whole, { { index = choice.index, text = choice.text, logprobs = choice.logprobs or json.null,
      finish_reason = json.null } }))
  end
end

function completions.finish(send, whole)
  for _, choice in ipairs(whole.choices) do
    send(chunk_of(whole, { { index = choice.index, text = "", logprobs = json.null,
      finish_reason = choice.finish_reason } }))
  end
  if type(whole.usage) == "table" then
    local last = chunk_of(whole, {})
    last.usage = whole.usage
    send(last)
  end
end

return pieces
