-- Reading an answer as it comes.

local task = require "fellowship.core.task"

--- Gives on_delta what is new of a call's text, until the call has ended. A stream that broke and comes again is
--- silent until it has come as far as before; where it differs, it comes from its beginning.
---@param flight fellowship.Flight
---@param on_delta fun(piece: string, text: string): boolean?
---@return string? text what was read, when on_delta has had enough
return function(flight, on_delta)
  local shown = ""
  while true do
    local landed = flight.landed
    local said = flight.completion and flight.completion.text or flight.text
    if said:find(shown, 1, true) ~= 1 and (landed or shown:find(said, 1, true) ~= 1) then shown = "" end
    if #said > #shown then
      local piece = said:sub(#shown + 1)
      shown = said
      if on_delta(piece, said) == false and not landed then return said end
    end
    if landed then return nil end
    if flight.text == said and not flight.landed then task.park() end
  end
end
