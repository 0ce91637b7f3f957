-- Reading a streamed answer: bytes as the network cuts them become events, these the answer that a plain call would have
-- given, and its text what a listener may see, without thoughts. Pure, and linear in what comes.

local json = require "fellowship.core.json"
local answer = require "fellowship.provider.answer"
local events = require "fellowship.provider.events"
local failure = require "fellowship.provider.failure"
local parts = require "fellowship.provider.parts"
local thinking = require "fellowship.provider.thinking"

---@class fellowship.StreamReader
---@field ended boolean? what follows is nobody's
---@field wrong string? what is wrong with the events
---@field before string[]? what came before the first event
---@field events string their form
---@field join_text? fun(whole: table, text: string, ...: any): string? an adapter's
---@field half string the first half of a character, of which the second one has not come
local Reader = {}
Reader.__index = Reader

local stream = {}

--- The answer that a list holds, whole or in pieces, as some gateways give it (Google's without alt=sse too): put
--- together. What is no such list comes back as it is.
---@param join fun(whole: table, event: table): string?, boolean? an adapter's
---@param value any decoded
---@return any
function stream.folded(join, value)
  local first = type(value) == "table" and value[1]
  if type(first) ~= "table" or first.error ~= nil then return value end
  local whole = {}
  for i = 1, #value do
    if type(value[i]) ~= "table" or not pcall(join, whole, { data = "", value = value[i] }) then return value end
  end
  return next(whole) ~= nil and whole or value
end

--- An event with its value, where it has one: JSON, or the mark of the end in any of its spellings. What a proxy put
--- before it a second time is left out.
local function decoded(event)
  local data = event.data
  local at, again = 1, data:match "^%s*data:()"
  while again do at, again = again, data:match("^%s*data:()", again) end
  data = data:sub(at)
  local mark = #data < 20 and data:match '^%s*"?%[([%a]+)%]"?%s*$'
  if mark and mark:upper() == "DONE" then return { name = event.name, data = "[DONE]" } end
  return { name = event.name, data = data, value = answer.decode(data) }
end

--- The events of one that is none itself, since no empty line stands between them; nil when it is not so.
local function parted(event)
  if not event.data:find("\n", 1, true) then return nil end
  local list = {}
  for line in event.data:gmatch "[^\n]+" do
    local each = decoded { name = event.name, data = line }
    if type(each.value) ~= "table" and each.data ~= "[DONE]" then return nil end
    list[#list + 1] = each
  end
  return list
end

--- Takes what is new of the message. Gives what is new of the answer, and whether what was given before was none.
local function read_text(self, text)
  text, self.half = parts.halves(self.half .. text)
  return self.thinking:read(text)
end

--- Takes one event. Gives what is new of the text for a listener, and whether what was given before was none.
local function take_event(self, event)
  if event.name == "error" and type(event.value) == "table" then
    self.whole.failed, self.whole.complete, self.ended = failure.told(event.value), true, true
    return ""
  end
  local well, text, ended = pcall(self.join, self.whole, event)
  if well and text ~= nil and type(text) ~= "string" then well, text = false, "a text of it is none" end
  if not well then
    self.wrong = "the stream makes no sense: " .. tostring(text)
    return nil
  end
  self.ended = ended
  local before = self.whole.thinks and self.thinking:thoughts_elsewhere() or ""
  if not text or text == "" then return before end
  local new, anew = read_text(self, text)
  return anew and new or before .. new, anew
end

--- Gives the event that one is, or each of those that stand in it.
local function take_any(self, event, give)
  event = decoded(event)
  if type(event.value) == "table" or event.data == "[DONE]" then return give(event) end
  if event.value == json.null or not event.data:find "%S" then return end
  local several = parted(event)
  for _, each in ipairs(several or {}) do give(each) end
  if not (several or self.ended or self.wrong) then self.wrong = "an event of the stream is no JSON" end
end

--- Takes bytes as they come. Gives what is new of the answer's text, and true when what was given before turns out to be
--- no part of it.
---@param bytes string
---@param no_more boolean? the stream has ended
---@return string new
---@return boolean? anew
function Reader:take(bytes, no_more)
  local pieces, anew, new_events = {}, nil, self.cut(bytes, no_more)
  if new_events[1] then self.before = nil elseif self.before then self.before[#self.before + 1] = bytes end
  local function keep(new, again)
    if again then pieces, anew = {}, true end
    pieces[#pieces + 1] = new
  end
  local function give(event)
    if not (self.ended or self.wrong) then keep(take_event(self, event)) end
  end
  for _, event in ipairs(new_events) do
    local text = event.text
    if text and not (self.ended or self.wrong) and self.join_text(self.whole, text, event[2], event[3], event[4]) then
      keep(read_text(self, text))
    else
      take_any(self, event, give)
    end
  end
  return table.concat(pieces), anew
end

--- Whether all of the answer has come.
---@param certainly? boolean also where the server may tell an end that is none
---@return boolean
function Reader:is_whole(certainly)
  return self.whole.complete == true and not self.wrong and not (certainly and self.whole.may_go_on)
end

--- Another reader that has read the same as lines of JSON.
local function as_lines(self, bytes)
  local other = setmetatable({ join = self.join, whole = {}, half = "", events = "ndjson", cut = events.ndjson(),
    thinking = thinking.reader(self.thinking.mode) }, Reader)
  other:take(bytes)
  other:take("", true)
  return other
end

--- What the answer means, once the stream has ended.
---@param meaning fun(whole: table): table reads the answer that a plain call would have given
---@return table outcome in the form of fellowship.provider
function Reader:outcome(meaning)
  if self.wrong then return failure.broken(self.wrong) end
  -- An answer as a plain call has it, or an error, that says it were a stream.
  local before = self.before and table.concat(self.before)
  local plain = before and answer.decode(before)
  if type(plain) == "table" then return meaning(stream.folded(self.join, plain)) end
  -- The events as lines of JSON, with nothing that says so.
  if before and self.events == "sse" and before:find "^%s*{" then return as_lines(self, before):outcome(meaning) end
  if not self.whole.complete then return failure.broken "the stream ended before the answer did" end
  return meaning(self.whole)
end

--- A reader for an adapter's streams.
---@param adapter table
---@param how? fellowship.How
---@return fellowship.StreamReader
function stream.reader(adapter, how)
  return setmetatable({ join = adapter.join, join_text = adapter.join_text, whole = {}, before = {}, half = "",
    events = adapter.events, cut = events[adapter.events](adapter.text_plan),
    thinking = thinking.reader(how and how.quirks.thinking) }, Reader)
end

return stream
