-- What answers_fuzz.c does with an input: an answer of a server, read by an adapter as a whole and as a stream.
-- The first byte chooses the adapter, the second the status, the third how long the pieces of the stream are.

local json = require "fellowship.core.json"
local failure = require "fellowship.provider.failure"
local quirks = require "fellowship.provider.quirks"
local streams = require "fellowship.provider.stream"

local NAMES = { "openai", "anthropic", "gemini", "ollama", "responses" }
local STATUSES = { 200, 200, 200, 400, 404, 429, 500, 529 }
local VERDICTS = { done = true, final = true, retry = true }
local ADAPTERS, HOWS = {}, {}
for i, name in ipairs(NAMES) do
  ADAPTERS[i] = require("fellowship.provider." .. name)
  HOWS[i] = { quirks = quirks.of(name, "m"), params = {} }
end

local function header(name)
  return name == "retry-after" and "1" or nil
end

--- As fellowship.call.request reads it: what an adapter cannot read is garbage.
local function read(fn, ...)
  local well, outcome = pcall(fn, ...)
  return well and outcome or failure.broken(tostring(outcome))
end

local function is_optional(value, kind)
  return value == nil or type(value) == kind
end

--- An outcome has the form that fellowship.provider gives, whatever came.
local function check(outcome)
  assert(type(outcome) == "table" and VERDICTS[outcome.verdict], "an outcome has a verdict")
  local completion = outcome.completion
  if outcome.verdict ~= "done" then
    assert(type(outcome.kind) == "string" and type(outcome.message) == "string", "a failure has a kind and a message")
    assert(is_optional(outcome.hint, "number") and not (outcome.hint and (outcome.hint < 0 or outcome.hint ~= outcome.hint)),
      "a hint is a time")
    return
  end
  assert(type(completion.text) == "string", "a completion has a text")
  assert(is_optional(completion.reasoning, "string") and is_optional(completion.finish_reason, "string")
    and is_optional(completion.model, "string"), "and other texts")
  for name, count in pairs(completion.usage or {}) do
    if type(count) == "number" then assert(count >= 0 and count < 1e15, "usage is a count: " .. name) end
  end
  assert(json.decode(json.encode(completion)), "the completion can be kept")
end

--- What a stream's listener hears and its end, in pieces of `step` bytes.
local function streamed(i, bytes, step)
  local reader, heard = streams.reader(ADAPTERS[i], HOWS[i]), {}
  for at = 1, math.max(#bytes, 1), step do
    local new, anew = reader:take(bytes:sub(at, at + step - 1), at + step > #bytes)
    if anew then heard = {} end
    heard[#heard + 1] = new
    if reader.ended or reader.wrong then break end
  end
  local outcome = reader:outcome(function(whole) return read(ADAPTERS[i].meaning, 200, header, whole, HOWS[i]) end)
  check(outcome)
  return table.concat(heard), outcome
end

return function(input)
  if #input < 3 then return end
  local i, status = input:byte(1) % #NAMES + 1, STATUSES[input:byte(2) % #STATUSES + 1]
  local step, bytes = input:byte(3) % 40 + 1, input:sub(4)
  check(read(ADAPTERS[i].classify, status, header, bytes, HOWS[i]))
  local heard, outcome = streamed(i, bytes, #bytes + 1)
  local again, other = streamed(i, bytes, step)
  assert(heard == again, "a listener hears the same, wherever the network cuts")
  assert(outcome.verdict == other.verdict and outcome.kind == other.kind, "and the end is the same")
  local text = outcome.completion and outcome.completion.text
  assert(text == (other.completion and other.completion.text), "and its text")
end
