-- What servers tell of their limits on answers that go well: requests and tokens a minute, kept to from then on, so
-- that fewer calls are refused.

local sys = require "fellowship.core.sys"
local retry_after = require "fellowship.provider.retry_after"
local settings = require "fellowship.call.settings"

local pace = {}

-- Seconds that pass for a minute.
local SHORTEST, LONGEST = 45, 90

-- What is larger bounds nothing.
local MOST = 1e12

-- How different the use must be that tells of the same period.
local APART = 2.5

--- A header's value where it can be a limit or a part of one.
local function number(value)
  local n = value and tonumber(value)
  return n and n >= 0 and n <= MOST and n or nil
end

-- What is smaller is no limit that anybody has: a run would stand still for it.
local LEAST = 1

local function whole_limit(value)
  local n = number(value)
  return n and n >= LEAST and n or nil
end

--- A limit of x-ratelimit-*, if it is one of a minute. OpenAI's are (https://platform.openai.com/docs/guides/rate-limits);
--- Groq's of requests is a day's (https://console.groq.com/docs/rate-limits), and others mean a second. The headers do
--- not say, but how long the used part takes to come back does. Where the end of a fixed window is told instead, that
--- may look like a minute once, but not for different parts.
local function limit_of(header, what, seen)
  local limit = whole_limit(header("x-ratelimit-limit-" .. what))
  local left = limit and number(header("x-ratelimit-remaining-" .. what))
  local reset = left and retry_after.parse(header("x-ratelimit-reset-" .. what), sys.time() / 1000)
  if not reset or left >= limit or reset <= 0 then return nil end
  local used = limit - left
  local period = reset * limit / used
  if period < SHORTEST or period > LONGEST then
    seen[what] = nil
    return nil
  end
  local span = seen[what] or { least = used, most = used }
  seen[what] = span
  span.least, span.most = math.min(span.least, used), math.max(span.most, used)
  return span.most >= APART * span.least and limit or nil
end

--- Anthropic's are of a minute, tokens in and out apart (https://docs.anthropic.com/en/api/rate-limits).
local function anthropic(header)
  local requests = whole_limit(header "anthropic-ratelimit-requests-limit")
  local input = whole_limit(header "anthropic-ratelimit-input-tokens-limit")
  local output = whole_limit(header "anthropic-ratelimit-output-tokens-limit")
  return requests, input and output and input + output
end

local known = setmetatable({}, { __mode = "k" })

--- Looks at a good answer, and binds the endpoint to what it tells. What --models gives stays.
---@param gate fellowship.endpoint
---@param shown string the endpoint, for messages
---@param entry table the model's entry of --models
---@param header fun(name: string): string?
function pace.look(gate, shown, entry, header)
  local seen = known[gate] or {}
  known[gate] = seen
  local requests, tokens = anthropic(header)
  requests = not entry.requests_per_minute and (requests or limit_of(header, "requests", seen)) or 0
  tokens = not entry.tokens_per_minute and (tokens or limit_of(header, "tokens", seen)) or 0
  if requests <= 0 and tokens <= 0 or gate:bound(requests * settings.share, tokens * settings.share) or seen.told then
    return
  end
  seen.told = true
  settings.say("%s tells of limits that cannot be (%g requests and %g tokens a minute); they are ignored", shown,
    requests, tokens)
end

return pace
