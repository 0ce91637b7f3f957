-- Reading a streamed answer: bytes as the network cuts them become events, these the answer that a plain call would have
-- given, and its text what a listener may see, without thoughts. Pure, and linear in what comes.

local answer = require "fellowship.provider.answer"
local events = require "fellowship.provider.events"
local failure = require "fellowship.provider.failure"
local thinking = require "fellowship.provider.thinking"

---@class fellowship.StreamReader
---@field ended boolean? what follows is nobody's
---@field wrong string? what is wrong with the events
---@field before string[]? what came before the first event
local Reader = {}
Reader.__index = Reader

--- Takes one event. Gives what is new of the text for a listener, and whether what was given before was none.
local function take_event(self, event)
  event.value = answer.decode(event.data)
  if type(event.value) ~= "table" and event.data ~= "[DONE]" then
    self.wrong = "an event of the stream is no JSON"
    return nil
  end
  local well, text, ended = pcall(self.join, self.whole, event)
  if well and text ~= nil and type(text) ~= "string" then well, text = false, "a text of it is none" end
  if not well then
    self.wrong = "the stream makes no sense: " .. tostring(text)
    return nil
  end
  self.ended = ended
  local new, anew = "", nil
  if self.whole.thinks then new = self.thinking:thoughts_elsewhere() end
  if text and text ~= "" then
    local read
    read, anew = self.thinking:read(text)
    new = anew and read or new .. read
  end
  return new, anew
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
  for _, event in ipairs(new_events) do
    if self.ended or self.wrong then break end
    local new, again = take_event(self, event)
    if again then pieces, anew = {}, true end
    pieces[#pieces + 1] = new
  end
  return table.concat(pieces), anew
end

--- Whether all of the answer has come.
---@return boolean
function Reader:is_whole()
  return self.whole.complete == true and not self.wrong
end

--- What the answer means, once the stream has ended.
---@param meaning fun(whole: table): table reads the answer that a plain call would have given
---@return table outcome in the form of fellowship.provider
function Reader:outcome(meaning)
  if self.wrong then return failure.broken(self.wrong) end
  -- An answer as a plain call has it, or an error, that says it were a stream.
  local plain = self.before and answer.decode(table.concat(self.before))
  if type(plain) == "table" then return meaning(plain) end
  if not self.whole.complete then return failure.broken "the stream ended before the answer did" end
  return meaning(self.whole)
end

local stream = {}

--- A reader for an adapter's streams.
---@param adapter table
---@param how? fellowship.How
---@return fellowship.StreamReader
function stream.reader(adapter, how)
  return setmetatable({ join = adapter.join, whole = {}, before = {}, cut = events[adapter.events](),
    thinking = thinking.reader(how and how.quirks.thinking) }, Reader)
end

return stream
