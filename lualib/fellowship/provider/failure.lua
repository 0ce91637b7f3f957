-- What an error answer means: which failures are final, which pass, and how long the server asks to be left alone.
-- Shared by the adapters, which bring the error in one form.

local sys = require "fellowship.core.sys"
local complaints = require "fellowship.provider.complaints"
local error_body = require "fellowship.provider.error_body"
local retry_after = require "fellowship.provider.retry_after"

local failure = {}

failure.of = error_body.of
failure.told = error_body.told

-- Statuses that mean the same for every server; 402 is out of credits (OpenRouter, DeepSeek, Anthropic).
local STATUSES = { [401] = "auth", [402] = "quota", [403] = "auth", [404] = "not_found", [405] = "not_found",
  [410] = "not_found" }

-- What is true of each kind: fatal ones fail every call of the run alike, stored ones belong to the request for good.
local FATAL = { quota = true, auth = true }
local STORED = { content_filter = true, context_length = true }

-- These mean the model or the key, unless the server has given good answers: then one request alone, whose row fails.
local DOUBTFUL = { [403] = true, [404] = true, [405] = true, [410] = true }

local KINDS = { [408] = "timeout", [429] = "rate_limit", [498] = "overloaded", [503] = "overloaded",
  [529] = "overloaded" }

-- 498 is Groq's for capacity that is used up, 499 a gateway's for an exchange that somebody between ended.
local ALSO_RETRIED = { [408] = true, [409] = true, [424] = true, [425] = true, [429] = true, [498] = true,
  [499] = true }

-- ---- how long to wait ----

-- A limit that is fresh again later than this is an allowance that is used up; up to the other wait, one that says
-- "quota" may be a minute's.
local FAR, SOON = 6 * 3600, 600

-- When limits are fresh again, and what is left of them: what is not used up is not waited for.
local RESETS = {
  { "x-ratelimit-reset-requests", "x-ratelimit-remaining-requests" },
  { "x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens" },
  { "x-ratelimit-reset-requests-day", "x-ratelimit-remaining-requests-day" },
  { "x-ratelimit-reset-tokens-minute", "x-ratelimit-remaining-tokens-minute" },
  { "ratelimitbysize-reset", "ratelimitbysize-remaining" }, -- Mistral's
  { "x-ratelimit-reset-after", "x-ratelimit-remaining" },
  { "x-ratelimit-reset", "x-ratelimit-remaining" }, { "x-rate-limit-reset", "x-rate-limit-remaining" },
  { "ratelimit-reset", "ratelimit-remaining" },
  { "anthropic-ratelimit-requests-reset", "anthropic-ratelimit-requests-remaining" },
  { "anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-remaining" },
  { "anthropic-ratelimit-input-tokens-reset", "anthropic-ratelimit-input-tokens-remaining" },
  { "anthropic-ratelimit-output-tokens-reset", "anthropic-ratelimit-output-tokens-remaining" },
}

--- What the single header of the IETF's draft tells, in both of its forms: "limit=9, remaining=0, reset=12", and
--- "default";r=0;t=12.
local function drafted(header)
  local told = header "ratelimit"
  if not told or #told > 200 then return nil end
  local reset = told:match "reset=(%d+)" or told:match "[;,%s]t=(%d+)"
  local left = tonumber(told:match "remaining=(%d+)" or told:match "[;,%s]r=(%d+)" or 0)
  return reset and left == 0 and reset or nil
end

--- The largest of the resets of what is used up.
local function reset_of(header, now)
  local hint = retry_after.parse(drafted(header), now)
  for _, names in ipairs(RESETS) do
    local reset = retry_after.parse(header(names[1]), now)
    local left = reset and tonumber(header(names[2]) or "")
    if reset and not (left and left > 0) then hint = math.max(hint or 0, reset) end
  end
  return hint
end

--- The headers that a gateway tells of within the body (OpenRouter).
local function inner_headers(e)
  local given = type(e.metadata) == "table" and type(e.metadata.headers) == "table" and e.metadata.headers
  if not given then return nil end
  local lower = {}
  for name, value in pairs(given) do
    if type(value) == "string" or type(value) == "number" then lower[tostring(name):lower()] = tostring(value) end
  end
  return function(name) return lower[name] end
end

-- Headers that tell a wait, best first: those of OpenAI, Azure, and of gateways; the first ones in milliseconds.
local WAITS_MS, WAITS = { "retry-after-ms", "x-ms-retry-after-ms" },
  { "retry-after", "x-retry-after", "x-ratelimit-retry-after" }

local function told_wait(header, now)
  for _, name in ipairs(WAITS_MS) do
    local ms = tonumber(header(name) or "")
    if ms and ms >= 0 then return retry_after.parse(tostring(ms / 1000), now) end
  end
  for _, name in ipairs(WAITS) do
    local hint = retry_after.parse(header(name), now)
    if hint then return hint end
  end
end

--- How long the server asks to be left alone: Retry-After, else what it says, else when its limits are fresh again. Times
--- are compared with the server's own clock where it tells it.
local function hint_of(status, header, e)
  local now = retry_after.date(header "date") or sys.time() / 1000
  local hint = told_wait(header, now)
  local loading = type(e.estimated_time) == "number" and e.estimated_time -- of a model that is being loaded
  if hint or loading then return hint or math.min(math.max(loading, 0), SOON) end
  if e.retry_after then return retry_after.parse(tostring(e.retry_after), now) end
  if status ~= 429 then return nil end
  local inner = inner_headers(e)
  return retry_after.in_words(e.message or "", now) or inner and reset_of(inner, now) or reset_of(header, now)
end

local function is_retried(status, header)
  local told = header "x-should-retry" -- OpenAI's and Anthropic's servers know better; their SDKs obey it too
  if told == "true" or told == "false" then return told == "true" end
  return ALSO_RETRIED[status] or status >= 500
end

-- ---- outcomes ----

--- What the details of Google's errors say: the period of a quota that is used up ("day" or another one), the wait in
--- seconds, a bad key. Gateways and Google's form of OpenAI's API pass them on.
---@param e fellowship.ErrorBody
---@return string? period
---@return number? wait
---@return boolean? bad_key
local function details_of(e)
  local period, wait, bad_key
  for _, detail in ipairs(type(e.details) == "table" and e.details or {}) do
    if type(detail) ~= "table" then detail = {} end
    wait = wait or type(detail.retryDelay) == "string" and retry_after.parse(detail.retryDelay, 0) or nil
    bad_key = bad_key or detail.reason == "API_KEY_INVALID"
    for _, violation in ipairs(type(detail.violations) == "table" and detail.violations or {}) do
      local quota = type(violation) == "table" and type(violation.quotaId) == "string" and violation.quotaId or ""
      period = quota:find("PerDay", 1, true) and "day" or period or quota ~= "" and "shorter" or nil
    end
  end
  return period, wait, bad_key
end

-- What is waited for a quota of which only the period is told: a minute's.
local MINUTE = 60

--- The status, the code and the wait of an error with what its details say: of a quota, the message says of a minute's
--- what it says of a month's, and the wait that is told with a day's is a minute's.
local function with_details(status, e)
  local period, wait, bad_key = details_of(e)
  if bad_key then status = 401 end
  if period == "day" then return status, "insufficient_quota", nil end
  return status, nil, wait or status == 429 and period and MINUTE or nil
end

--- The status by which an error is judged: some servers say another one than they mean.
local function meant(status, e)
  local message = e.message or ""
  -- llama-cpp-python's server says 500 to what it does not take.
  if status == 500 and message:find("validation error", 1, true) then return 400 end
  local lower = message:sub(1, 2000):lower()
  if status == 400 or status == 403 then
    if lower:find("rate limit", 1, true) or lower:find("too many requests", 1, true) then return 429 end
  end
  if status == 400 and complaints.status(e) == 429 then return 429 end -- of gateways, and of AWS by its type
  if (status == 400 or status == 422) and complaints.is_no_model(e) then return 404 end
  -- Larger than all that the limit gives in a minute: no wait mends it.
  if status == 429 and lower:find("request too large", 1, true) then return 413 end
  return status
end

--- What is final, whatever is tried; nil when it may pass.
local function final(status, e, hint)
  local kind = complaints.kind(status, e) or STATUSES[status]
  if status == 429 and not kind then
    local quota = complaints.of_some_quota(e) and not (hint and hint <= SOON)
    kind = (quota or hint and hint >= FAR) and "quota" or nil
  end
  return kind
end

--- A redirect, with where it leads, without what may be secret of that.
local function redirected(said, location)
  local where = (location or ""):sub(1, 300):gsub("[?#].*$", ""):gsub("^(%a+://)[^/]*@", "%1")
  local leads = where ~= "" and ", and this one leads to " .. where or ""
  return { verdict = "final", kind = "redirect",
    message = ("%s (redirects are not followed%s; give the final base URL)"):format(said, leads) }
end

-- How often what a model was to write by a schema and did not is asked for (Groq looks at it itself).
local WRITTEN_TRIES = 3

--- The outcome of an error answer, in the form of fellowship.provider. An outcome of kind "request" carries
--- what the server says of the parameter it refuses (`param`, `said`), for fellowship.provider.quirks.
---@param status integer 400 or more; or a redirect
---@param header fun(name: string): string?
---@param e? fellowship.ErrorBody
---@param hint? number seconds, where the body itself says how long to wait
---@return table outcome
function failure.outcome(status, header, e, hint)
  e = type(e) == "table" and e or {}
  if type(e.message) ~= "string" then e = { code = e.code, type = e.type, metadata = e.metadata } end
  local message = e.message or ""
  local said = ("HTTP %d%s"):format(status, message ~= "" and ": " .. message or "")
  e.type = e.type or (header "x-amzn-errortype" or ""):match "^%w+"
  local code, wait
  status, code, wait = with_details(meant(status, e), e)
  e.code = code or e.code
  hint = hint or wait or hint_of(status, header, e)
  if e.code == "json_validate_failed" then return failure.broken(said, WRITTEN_TRIES) end
  local kind = final(status, e, hint)
  if kind then
    if kind == "quota" and hint and hint > 0 then
      said = ("%s; it is fresh again in %s"):format(said, retry_after.until_words(hint, sys.time() / 1000))
    end
    local is_quota = kind == "quota"
    return { verdict = "final", kind = kind, message = said, fatal = FATAL[kind], stored = STORED[kind],
      doubtful = not (STORED[kind] or is_quota) and DOUBTFUL[status] or nil, reset = is_quota and hint or nil }
  end
  if is_retried(status, header) then
    local words = status == 500 and message or nil -- some say it of what they do not take
    return { verdict = "retry", kind = KINDS[status] or "server", message = said, hint = hint,
      pause = status == 429 or hint ~= nil, said = words, param = words and e.param }
  end
  if status >= 300 and status < 400 then return redirected(said, header "location") end
  return { verdict = "final", kind = "request", message = said, said = message, param = e.param }
end

--- What an answer without an error means, as its adapter reads it: an answer that is none, or that makes no sense, is
--- tried again, and what it was billed for is kept.
---@param value any the decoded body
---@param body? string
---@param completion_of fun(value: table, how?: fellowship.How, header?: function): table the outcome
---@param usage_of fun(value: table, how?: fellowship.How): table
---@param how? fellowship.How
---@param header? fun(name: string): string?
---@return table outcome
function failure.of_answer(value, body, completion_of, usage_of, how, header)
  if type(value) ~= "table" then return failure.no_json(body) end
  local well, outcome = pcall(completion_of, value, how, header)
  if not well then outcome = failure.broken("the answer makes no sense: " .. tostring(outcome)) end
  if not outcome.completion then outcome.usage = usage_of(value, how) end
  return outcome
end

--- The outcome of an error that came with status 200, or within a stream or an answer.
---@param e fellowship.ErrorBody
---@param header fun(name: string): string?
---@param hint? number
---@return table outcome
function failure.inside(e, header, hint)
  return failure.outcome(complaints.status(e) or 500, header, e, hint)
end

-- ---- where it was asked ----

--- An outcome as it is where the model is served. A server of one's own can be started with a larger context: the store
--- does not keep that it was too small. One that has given good answers may mean a single request by 403 or 404.
---@param outcome table is changed
---@param own boolean the server is the user's own, as far as one can tell
---@param has_answered? boolean it has given good answers in this run
---@return table outcome
function failure.placed(outcome, own, has_answered)
  if outcome.doubtful then outcome.fatal = not has_answered or nil end
  if outcome.kind == "context_length" then
    if own then outcome.stored = nil end
    outcome.message = outcome.message .. (own
      and " (give the server a larger context and run the same again: only what failed is asked)"
      or " (the store keeps this; --fresh 1 asks again)")
  end
  return outcome
end

-- ---- answers that are none ----

--- An answer that cannot be what the server meant: tried again.
---@param what string
---@param tries? integer how often it is asked for
---@return table outcome
function failure.broken(what, tries)
  return { verdict = "retry", kind = "garbage", message = what, tries = tries }
end

--- An answer of status 200 that is no JSON, such as a page of a server that is none: with what it says.
---@param body? string
---@return table outcome
function failure.no_json(body)
  local said = error_body.told(nil, body).message
  return failure.broken("the answer is not JSON" .. (said and ": " .. said or ""))
end

-- How often an answer without text is asked for: a model that says nothing twice says nothing.
local TRIES = 2

--- A whole answer that says nothing: asked for once more.
---@param what string what it has in place of a text
---@return table outcome
function failure.empty(what)
  return { verdict = "retry", kind = "empty", tries = TRIES, message = what }
end

--- An answer that says nothing, where that is one.
---@param outcome table of failure.empty
---@return table outcome
function failure.as_answer(outcome)
  return { verdict = "done", status = outcome.status, elapsed = outcome.elapsed,
    completion = { text = "", finish_reason = "stop", usage = outcome.usage or {} } }
end

--- A refusal, or an answer that a filter stopped: final for the request, and kept.
---@param kind "refusal"|"content_filter"
---@param message string
---@return table outcome
function failure.refused(kind, message)
  return { verdict = "final", kind = kind, stored = true, message = message }
end

return failure
