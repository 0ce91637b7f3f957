-- With --offline, what the store does not have is an error that names the call.

local content = require "fellowship.base.content"
local errors = require "fellowship.base.errors"
local text = require "fellowship.base.text"
local record = require "fellowship.call.record"

local offline = { name = "offline" }

---@param flight fellowship.Flight
function offline.answer(flight)
  local last = content.text(flight.messages[#flight.messages].content)
  return nil, errors.new { kind = "offline", retryable = true, key = flight.id, request = flight.request,
    model = flight.model.named,
    message = ('%s %s (call %s), and --offline forbids to ask now: "%s"'):format(flight.model.named,
      record.whereabouts(flight.digest) or "was never asked this", flight.id:sub(1, 12),
      (text.cut(last, 60):gsub("%s+", " "))) }
end

return offline
