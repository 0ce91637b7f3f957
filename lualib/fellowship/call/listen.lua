-- Reading an answer as it comes.

local task = require "fellowship.core.task"
local errors = require "fellowship.base.errors"

local listen = {}

-- What somebody was shown: a text that grows, put together when it is asked for as a whole.
local Shown = {}
Shown.__index = Shown

local function shown_of(steady)
  return setmetatable({ parts = { "" }, length = 0, steady = steady }, Shown)
end

function Shown:text()
  local parts = self.parts
  if parts[2] then
    parts[1] = parts[3] and table.concat(parts) or parts[1] .. parts[2]
    for i = #parts, 2, -1 do parts[i] = nil end
  end
  return parts[1]
end

function Shown:add(piece)
  self.parts[#self.parts + 1], self.length = piece, self.length + #piece
end

--- Another text takes the place of what was shown.
function Shown:replace(text)
  if self.steady and self.length > 0 then
    errors.raise { kind = "broken", message = "the stream broke, and the model's new answer is another one" }
  end
  self.parts, self.length = { text }, #text
end

--- Shows what is new of a stream of which the first `at` bytes are known, and `bytes` come. Gives it.
local function show(shown, at, bytes, pieces)
  if at < shown.length then -- it comes again
    local known = shown:text():sub(at + 1, at + #bytes)
    if bytes:sub(1, #known) ~= known then -- and differs
      shown:replace(table.concat(pieces))
      return shown:text()
    end
    bytes = bytes:sub(#known + 1)
  end
  if bytes ~= "" then shown:add(bytes) end
  return bytes
end

--- Shows what is new of a call's end: of its completion, since there may be more than what was told of.
local function show_end(shown, completion)
  local before, text = shown:text(), completion and completion.text
  if not text or text == before then return "" end
  if text:sub(1, #before) == before then
    shown:add(text:sub(#before + 1))
    return text:sub(#before + 1)
  end
  shown:replace(text)
  return text
end

--- Whether a function that reads along takes the text so far, its second argument.
---@param fn any
---@return boolean
function listen.takes_text(fn)
  local about = type(fn) == "function" and debug.getinfo(fn, "u")
  return not about or about.isvararg or about.nparams > 1
end

--- Gives on_delta what is new of a call's text, until the call has ended. A stream that broke and comes again is
--- silent until it has come as far as before; where it differs, it comes from its beginning. Linear in the text, but
--- for the whole text so far, which is put together for who takes it.
---@param flight fellowship.Flight
---@param on_delta fun(piece: string, text: string): boolean?
---@param how? fellowship.Wants
---@return string? text what was read, when on_delta has had enough
function listen.to(flight, on_delta, how)
  local shown, whole = shown_of(how and how.steady), listen.takes_text(on_delta)
  local pieces, count, at = nil, 0, 0 -- of the stream that comes now: how many were read, and their bytes
  while true do
    local landed, new = flight.landed, ""
    if landed then
      new = show_end(shown, flight.completion)
    elseif flight.pieces then
      if flight.pieces ~= pieces then pieces, count, at = flight.pieces, 0, 0 end
      local bytes = table.concat(pieces, "", count + 1)
      new, count, at = show(shown, at, bytes, pieces), #pieces, at + #bytes
    end
    if new ~= "" and on_delta(new, whole and shown:text() or nil) == false and not landed then return shown:text() end
    if landed then return nil end
    if (not flight.pieces or flight.pieces == pieces and #pieces == count) and not flight.landed then task.park() end
  end
end

return listen
