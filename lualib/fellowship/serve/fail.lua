-- Failures as OpenAI's clients know them: { "error": { message, type, param, code } }, with our kind as the code
-- (https://platform.openai.com/docs/guides/error-codes).

local json = require "fellowship.core.json"
local errors = require "fellowship.base.errors"
local say = require "fellowship.base.say"

local fail = {}

-- What a failure is to whoever asked, where no provider has said a status of its own.
local STATUS = { auth = 401, not_found = 404, quota = 429, rate_limit = 429, overloaded = 503, server = 502,
  timeout = 504, refused = 503, connect = 503, tls = 502, broken = 502, redirect = 502, too_large = 502, garbage = 502,
  empty = 502, request = 400, content_filter = 400, refusal = 400, context_length = 400, unsupported = 400,
  schema = 502, offline = 404, batch = 502, budget = 429, data = 400, usage = 400, store = 503, file = 503,
  forbidden = 403,
  method = 405 }

local TYPE = { [400] = "invalid_request_error", [401] = "authentication_error", [403] = "permission_error",
  [404] = "not_found_error", [405] = "invalid_request_error", [413] = "invalid_request_error",
  [429] = "rate_limit_error" }

-- Codes that clients branch on, in place of our kind's name.
local CODE = { not_found = "model_not_found", context_length = "context_length_exceeded",
  rate_limit = "rate_limit_exceeded", quota = "insufficient_quota", auth = "invalid_api_key" }

-- Of these the message may name files of this machine: it goes to the log, and not to the client.
local OURS = { store = "the store of completions cannot be used", file = "a file of the server cannot be used",
  script = "the workflow failed", syntax = "the workflow cannot be loaded" }

--- An error of the client's own.
---@param message string
function fail.raise(message)
  errors.raise { kind = "request", message = message }
end

--- What a raised value is to the client.
---@param value any
---@return integer status
---@return table body
---@return table<string, string> headers
function fail.meaning(value)
  local e = errors.from(value)
  local message = e.message
  if OURS[e.kind] then
    say.err("fellowship: ", message, "\n")
    message = OURS[e.kind] .. "; the server's log has more"
  end
  local status = e.status and e.status >= 400 and e.status <= 599 and e.status or STATUS[e.kind] or 500
  local body = json.object({ error = json.object({ message = message,
    type = TYPE[status] or "server_error", param = json.null, code = CODE[e.kind] or e.kind },
    { "message", "type", "param", "code" }) })
  -- What could be tried again was: their clients need not.
  return status, body, { ["x-should-retry"] = "false", ["x-fellowship-kind"] = e.kind }
end

return fail
