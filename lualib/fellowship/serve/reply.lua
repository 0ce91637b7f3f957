-- Answers: JSON whole, or events as they come (https://html.spec.whatwg.org/multipage/server-sent-events.html).

local json = require "fellowship.core.json"
local fail = require "fellowship.serve.fail"

local reply = {}

--- Answers with JSON.
---@param request fellowship.server.request
---@param body table|string a value, or JSON
---@param headers? table<string, string>
---@param status? integer
function reply.json(request, body, headers, status)
  headers = headers or {}
  headers["Content-Type"] = "application/json"
  request:answer(status or 200, headers, type(body) == "string" and body or json.encode(body) .. "\n")
end

--- Answers with text.
function reply.text(request, text, kind)
  request:answer(200, { ["Content-Type"] = kind or "text/plain; charset=utf-8" }, text)
end

---@class fellowship.serve.Events
---@field request fellowship.server.request
---@field begun boolean
local Events = {}
Events.__index = Events

--- An answer of events, which begins with the first one, so that a failure before it is one with a status.
---@return fellowship.serve.Events
function reply.events(request)
  return setmetatable({ request = request, begun = false, headers = {} }, Events)
end

--- Sends one.
---@param value table|string JSON, or a text as it is
---@param name? string
function Events:send(value, name)
  if not self.begun then
    self.begun = true
    self.headers["Content-Type"] = "text/event-stream; charset=utf-8"
    self.headers["Cache-Control"] = "no-cache"
    self.request:begin(200, self.headers)
  end
  local text = type(value) == "string" and value or json.encode(value)
  self.request:write((name and "event: " .. name .. "\n" or "") .. "data: " .. text .. "\n\n")
end

function Events:finish(last)
  if last then self:send(last) end
  self.request:finish()
end

--- Ends an answer that failed: as an event where some were sent, else with a status.
---@param request fellowship.server.request
---@param events? fellowship.serve.Events
---@param value any what was raised
---@return integer status
function reply.failure(request, events, value)
  local status, body, headers = fail.meaning(value)
  if events and events.begun then
    events:send(body)
    events:finish()
  else
    reply.json(request, body, headers, status)
  end
  return status
end

return reply
