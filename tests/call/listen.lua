#!/usr/bin/env fellowship
-- What somebody who reads along is given, over random streams that break, come again and differ.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local listen = require "fellowship.call.listen"
local task = require "fellowship.core.task"
local flow = require "fellowship.flow"

local is, ok = tap.is, tap.ok

--- A call of which a test tells what it likes.
local function flight_of()
  local flight = { listeners = {} }
  function flight:wake()
    for listener in pairs(self.listeners) do task.wake(listener) end
  end
  function flight:tell(piece, anew)
    if anew then self.pieces = nil end
    if piece == "" then return end
    self.pieces = self.pieces or {}
    self.pieces[#self.pieces + 1] = piece
    self:wake()
  end
  return flight
end

--- Starts to listen. What is given is put together as a reader would: a piece that is the whole text begins it.
local function listener(flight, how)
  local seen = { text = "", given = 0, pieces = {}, wrong = nil }
  local function take(piece, text)
    seen.pieces[#seen.pieces + 1] = piece
    seen.given = seen.given + #piece
    if text then
      if text ~= piece and text ~= seen.text .. piece then seen.wrong = "text is not what was given" end
      seen.text = text
    end
    if how.slow then task.sleep(0.0005) end
    if how.enough and seen.given >= how.enough then return false end
  end
  local function run()
    flight.listeners[task.self()] = true
    seen.read = listen.to(flight, how.whole and take or function(piece) return take(piece) end)
    flight.listeners[task.self()] = nil
    seen.ended = true
  end
  seen.task = flow.spawn(run)
  return seen
end

local function random_text(length)
  local letters = {}
  for i = 1, length do letters[i] = string.char(math.random(97, 99)) end
  return table.concat(letters)
end

--- Tells a text, or its beginning, in random pieces.
local function tell_some(flight, text, upto, anew)
  local at = 1
  if anew then flight:tell("", true) end
  while at <= upto do
    local n = math.min(math.random(1, 6), upto - at + 1)
    flight:tell(text:sub(at, at + n - 1))
    at = at + n
    if math.random(3) == 1 then task.sleep(0) end
  end
end

do
  local wrong, twice, restarts = {}, 0, 0
  for round = 1, 300 do
    local flight = flight_of()
    local text = random_text(math.random(0, 40))
    local whole, plain = listener(flight, { whole = true, slow = round % 4 == 0 }), listener(flight, { whole = false })
    local same = true
    for _ = 1, math.random(0, 3) do
      tell_some(flight, text, math.random(0, #text), true)
      if math.random(3) == 1 then text, same = text:sub(1, math.random(0, #text)) .. random_text(5), false end
      restarts = restarts + 1
    end
    tell_some(flight, text, #text, true)
    flight.landed, flight.completion = true, { text = text }
    flight:wake()
    whole.task:await()
    plain.task:await()
    if whole.wrong or whole.text ~= text then wrong[#wrong + 1] = ("%q is not %q"):format(whole.text, text) end
    if same and (whole.given ~= #text or table.concat(plain.pieces) ~= text) then twice = twice + 1 end
  end
  is(table.concat(wrong, "; ", 1, math.min(#wrong, 3)), "", "what is read is the answer")
  is(twice, 0, "an answer that comes again as it was is given once")
  ok(restarts > 100, "many came again")
end

do
  local flight = flight_of()
  local seen = listener(flight, { whole = true, enough = 4 })
  tell_some(flight, "abcdefghij", 10)
  task.sleep(0.01)
  ok(seen.ended and seen.read == seen.text and #seen.read >= 4, "who has had enough gets what was read")
  is(("abcdefghij"):sub(1, #seen.read), seen.read, "the answer's beginning")
end

do -- what was given stays, for who wants it so
  local function told(first, second, landed)
    local flight, heard = flight_of(), {}
    local t = flow.spawn(function()
      flight.listeners[task.self()] = true
      listen.to(flight, function(piece) heard[#heard + 1] = piece end, { steady = true })
    end)
    task.sleep(0)
    tell_some(flight, first, #first)
    while table.concat(heard) ~= first do task.sleep(0) end
    if second then tell_some(flight, second, #second, true) end
    flight.landed, flight.completion = true, { text = landed }
    flight:wake()
    local well, problem = t:join()
    return table.concat(heard) .. " " .. (well and "read" or problem.kind)
  end
  is(told("One two", "One two three", "One two three"), "One two three read", "the same again, and more")
  is(told("One two", "One more", "One more"), "One two broken", "another answer")
  is(told("One two", nil, "Two"), "One two broken", "an end that differs")
end

do -- a failed call gives nothing again
  local flight = flight_of()
  local seen = listener(flight, { whole = true })
  tell_some(flight, "One two", 7)
  task.sleep(0.01)
  tell_some(flight, "One two", 4, true)
  flight.landed, flight.problem = true, {}
  flight:wake()
  seen.task:await()
  is(seen.text .. " " .. seen.given, "One two 7", "of an answer that broke twice")
end

do -- linear for who takes the pieces alone
  local function cost(n)
    local flight = flight_of()
    local seen = listener(flight, { whole = false })
    task.sleep(0)
    collectgarbage() collectgarbage "stop"
    local before = collectgarbage "count"
    for _ = 1, n do
      flight:tell "0123456789"
      task.sleep(0)
    end
    local made = collectgarbage "count" - before
    collectgarbage "restart"
    flight.landed, flight.completion = true, { text = ("0123456789"):rep(n) }
    flight:wake()
    seen.task:await()
    return made
  end
  cost(10)
  local few, many = cost(500), cost(4000)
  ok(many < 10 * few, ("8 times the text, %.1f times the memory"):format(many / few))
end

tap.done()
