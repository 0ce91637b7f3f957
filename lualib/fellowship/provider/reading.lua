-- Reading a whole answer's bytes, for all adapters.

local json = require "fellowship.core.json"
local answer = require "fellowship.provider.answer"
local streams = require "fellowship.provider.stream"

local reading = {}

-- What a body begins with that is a stream, by its form.
local STREAMS = { sse = { "^%s*data:", "^%s*event:", "^%s*:" }, ndjson = { "^%s*{" } }

--- Whether a body is a stream though none was asked for: some gateways know nothing else.
local function is_stream(adapter, body)
  for _, pattern in ipairs(adapter.join and STREAMS[adapter.events] or {}) do
    if body:find(pattern) then return true end
  end
  return false
end

-- What whole answers hold, by their adapters; and what gateways put around them: { code = 0, data = ... },
-- { success = true, result = ... }.
local HELD, WRAPS = { "choices", "candidates", "content", "output", "message", "error" }, { "data", "result", "output" }

local function holds_answer(value)
  for _, name in ipairs(HELD) do
    if type(value[name]) == "table" and value[name] ~= json.null then return true end
  end
  return false
end

--- An answer without what a gateway put around it.
local function unwrapped(value)
  if type(value) ~= "table" then return value end
  for _, name in ipairs(WRAPS) do
    local inner = value[name]
    local is_it = type(inner) == "table" and inner[1] == nil and holds_answer(inner)
    if is_it and (name == "output" or not holds_answer(value)) then return inner end
  end
  return value
end

--- An adapter's classify, made of its meaning: the body is decoded, what is not JSON is nil.
---@param adapter { meaning: function, join: function?, events: string? }
---@return fun(status: integer, header: function, body: string, how: fellowship.How?): table
function reading.classifier(adapter)
  return function(status, header, body, how)
    local value = answer.decode(body)
    if type(value) == "string" then value = answer.decode(value) end -- of gateways that encode twice
    if status == 200 and adapter.join then value = unwrapped(streams.folded(adapter.join, value)) end
    if value == nil and status == 200 and is_stream(adapter, body) then
      local reader = streams.reader(adapter, how)
      reader:take(body)
      reader:take("", true)
      return reader:outcome(function(whole) return adapter.meaning(200, header, whole, how, body) end)
    end
    return adapter.meaning(status, header, value, how, body)
  end
end

return reading
