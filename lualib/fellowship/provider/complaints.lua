-- What servers mean by their words: kinds of failures by what an error says of itself. Pure.
--
-- Collected from the documents of the providers, the sources of servers, and reports of their users; in lower case.

local complaints = {}

-- ---- a context that is too long ----

local CONTEXT = {
  "context length", "context window", "context size", "context limit", -- with one of TOO_LONG
}
local TOO_LONG = { "maximum", "exceed", "too long", "too large", "larger than", "longer than", "greater than",
  "overflow", "not enough", "reduce", "is full", "reached", "only", "limit" }

-- In other words: something of these, counted in these, is more than there is room for; and none of these is meant.
local ASKED = { "prompt", "input", "message", "token count", "token limit", "total tokens" }
local COUNTED = { "token", "length", "character", "max_seq_len" }
local MORE = { "exceed", "too long", "too large", "too many", "greater than", "longer than", "larger than" }
local OF_ANSWERS_OR_RATES = { "max_tokens", "max_completion_tokens", "output tokens", "rate limit", "per minute",
  "per day", "per second", "'stop'", "quota" }

local CONTEXT_ALONE = {
  "prompt is too long", "prompt too long", "input is too long", "input length exceeds", "context_length_exceeded",
  "exceeds the maximum number of tokens",
  "input tokens exceed", "input token count", "maximum prompt length", "longer than the maximum model length",
  "tokens to keep from the initial prompt", "cannot truncate prompt with n_keep", "trying to keep the first",
  "input is too large to process", "exceed context window", "request exceeded model token limit",
  "prompt exceeds max length", "context shift is disabled", "expected maxlength", "max input characters",
  "range of input length", "too many tokens: ", "must have less than", "reduce the length of the messages",
  "max_new_tokens` must be", "tokens in the prompt cannot exceed", "input is longer than", "exceeds the model's max",
  "a string with maximum length", "max tokens of ", -- OpenAI's of a message, Snowflake's
}

-- ---- moderation ----

local MODERATED = {
  "content violates", "usage guidelines", "usage policy", "usage policies", "flagged", "moderation", "content policy",
  "content filter", "content_filter", "content management policy", "responsible ai", "inappropriate content",
  "content exists risk", "sensitive content", "safety system", "safety_check", "safety check", "prohibited content",
  "data_inspection_failed", "unsafe content", "content was blocked", "guardrail", "considered high risk",
  "sensitive information", "sensitive words", "acceptable use",
  "敏感内容", "不安全",
}

-- ---- what is used up ----

-- A day's or a month's allowance, or the money: no wait of this run mends it.
local USED_UP = {
  "insufficient credits", "insufficient balance", "insufficient_quota", "insufficient quota", "insufficient funds",
  "credit balance is too low", "balance is not enough", "out of credits", "no credits", "used all available credits",
  "exceeded your monthly", "monthly included credits", "monthly spending", "spending limit", "spend limit",
  "billing hard limit", "key limit exceeded", "usage limit", "arrearage", "account is in arrears", "payment required",
  "free-models-per-day", "per day", "perday", "per-day", "daily limit", "daily quota", "daily request", "daily token",
  "per month", "monthly limit", "weekly limit",
  "balance is insufficient", "not enough balance", "check your account balance", "余额不足", "欠费",
  "(tpd)", "(rpd)", "requests_per_day", "tokens_per_day", "hours limit", "calls / month", "daily free allocation",
  "daily rate limit", "allocated quota exceeded", "free tier of the model has been exhausted",
  "bymodelbyday", "pre-consume quota failed", "hourly usage", "weekly usage", "budget has been exceeded",
  "budget_exceeded", "overdue balance",
  "limit: 0,", -- Google's, of models that a plan has nothing of
  "用尽", "余额", "额度不足", "今日调用次数上限", "使用上限", -- used up, balance, quota too small, today's and the hours' limit
}

-- Money or a quota of it, and that it is gone; both of few words, since servers put them otherwise each year. A load
-- balancer is no balance.
local MONEY = { "credit", "balance", "user quota", "prepaid", "prepayment" }
local GONE = { "not have any", "n't have any", "depleted", "exhausted", "used up", "insufficient", "not enough",
  "expired", "overdue", "run out", "ran out", "out of", "negative" }

-- ---- keys ----

local UNKNOWN_KEY = { "api key not valid", "invalid api key", "incorrect api key", "invalid_api_key",
  "invalid x-api-key", "api key expired", "organization has been disabled", "account has been disabled",
  "account has been deactivated" }

-- Keys that are good for nobody here: the account, or where it is asked from.
local NO_ACCESS = { "organization has been restricted", "account has been suspended", "location is not supported",
  "not available in your country", "security token included in the request", "not authorized to perform" }

-- ---- models ----

-- That the model is not there is said with statuses of other meaning as well.
local NO_MODEL = { "model not found", "model_not_found", "not a valid model", "invalid model", "model not exist",
  "model does not exist", "no such model", "unknown model", "has been decommissioned", "unable to access model",
  "non-serverless model", "supported by any provider", "model identifier is invalid" }
local MODEL = { "the model ", "model: ", "model '", "model `", 'model "', "model id ", "model name " }
local NOT_THERE = { "does not exist", "doesn't exist", "not found" }

local NO_MODEL_CODES = { model_not_found = true, model_decommissioned = true, model_not_available = true,
  invalid_model = true, ["1211"] = true } -- the latter: Zhipu's

-- ---- names of codes and types ----

local CODES = {
  insufficient_quota = "quota", billing_error = "quota", billing_hard_limit_reached = "quota",
  billing_not_active = "quota", account_deactivated = "auth",
  content_filter = "content_filter", content_policy_violation = "content_filter", content_filtered = "content_filter",
  invalid_prompt = "content_filter", moderation_blocked = "content_filter", data_inspection_failed = "content_filter",
  DataInspectionFailed = "content_filter", cyber_policy_violation = "content_filter",
  sensitive_words_detected = "content_filter",
  context_length_exceeded = "context_length", exceed_context_size_error = "context_length",
  request_too_large = "context_length", string_above_max_length = "context_length",
  ContextWindowExceededError = "context_length", ContentPolicyViolationError = "content_filter",
  tokens_limit_reached = "context_length", -- GitHub's
  exceeded_current_quota_error = "quota", -- Moonshot's
  NOT_ENOUGH_BALANCE = "quota",
  Arrearage = "quota", ["AllocationQuota.FreeTierOnly"] = "quota", -- Alibaba's
  insufficient_user_quota = "quota", budget_exceeded = "quota", -- One API's, LiteLLM's
  pre_consume_token_quota_failed = "quota", AccountOverdueError = "quota", QuotaExceeded = "quota", -- Volcengine's
  ["1304"] = "quota", ["1308"] = "quota", ["1310"] = "quota", SensitiveContentDetected = "content_filter",
  [336007] = "context_length", [336103] = "context_length", -- Baidu's
  organization_restricted = "auth", model_terms_required = "auth", -- Groq's
  UnrecognizedClientException = "auth",
  ["1113"] = "quota", ["1301"] = "content_filter", ["1261"] = "context_length", -- Zhipu's
  [1026] = "content_filter", [1027] = "content_filter", [1008] = "quota", [1004] = "auth", [2049] = "auth", -- MiniMax's
  [30001] = "quota", -- SiliconFlow's
  invalid_api_key = "auth", authentication_error = "auth", AuthenticationError = "auth",
}

-- The status that goes with a name, where an error comes with status 200 or inside a stream.
local STATUS = {
  invalid_request_error = 400, BadRequestError = 400, invalid_argument = 400, INVALID_ARGUMENT = 400,
  FAILED_PRECONDITION = 400, authentication_error = 401, UNAUTHENTICATED = 401, billing_error = 402,
  permission_error = 403, PERMISSION_DENIED = 403, not_found_error = 404, NotFoundError = 404, model_not_found = 404,
  NOT_FOUND = 404,
  request_too_large = 413, rate_limit_error = 429, rate_limit_exceeded = 429, RateLimitError = 429,
  too_many_requests = 429, RESOURCE_EXHAUSTED = 429, api_error = 500, server_error = 500, InternalServerError = 500,
  INTERNAL = 500, timeout_error = 504, DEADLINE_EXCEEDED = 504, service_unavailable = 503, unavailable_error = 503,
  ThrottlingException = 429, [1002] = 429, [1039] = 429, -- MiniMax's
  UNAVAILABLE = 503, engine_overloaded = 503, overloaded_error = 529,
}

-- Where words of limits are meant as such.
local LIMITED = { [400] = true, [402] = true, [403] = true, [412] = true, [429] = true }

local function says(message, words)
  for _, word in ipairs(words) do
    if message:find(word, 1, true) then return true end
  end
  return false
end

local function is_context(message)
  return says(message, CONTEXT_ALONE) or says(message, CONTEXT) and says(message, TOO_LONG)
    or says(message, ASKED) and says(message, COUNTED) and says(message, MORE)
    and not says(message, OF_ANSWERS_OR_RATES)
end

--- The kind of failure that an error says of itself, if no repetition mends it: "content_filter", "context_length",
--- "quota" or "auth"; nil when it says none.
---@param status integer
---@param e fellowship.ErrorBody
---@return string?
function complaints.kind(status, e)
  local message = (e.message or ""):sub(1, 4000):lower()
  local told = e
  while told do -- its own words first, then what others said before it
    local kind = CODES[told.code or ""] or CODES[told.type or ""]
    if kind then return kind end
    told = told.raw
  end
  if type(e.metadata) == "table" and e.metadata.flagged_input ~= nil then return "content_filter" end -- OpenRouter
  if status ~= 429 and status < 500 and says(message, MODERATED) then return "content_filter" end
  if status ~= 429 and is_context(message) then return "context_length" end
  if LIMITED[status] and (says(message, USED_UP) or status ~= 400
    and says(message:gsub("load.?balanc%a*", ""), MONEY) and says(message, GONE)) then
    return "quota"
  end
  if says(message, UNKNOWN_KEY) or says(message, NO_ACCESS) then return "auth" end
end

--- Whether an error says that there is no such model, whatever its status.
---@param e fellowship.ErrorBody
---@return boolean
function complaints.is_no_model(e)
  if NO_MODEL_CODES[e.code or ""] or NO_MODEL_CODES[e.type or ""] then return true end
  local message = (e.message or ""):sub(1, 400):lower()
  return says(message, NO_MODEL) or says(message, MODEL) and says(message, NOT_THERE)
end

--- Whether an error speaks of a quota that may be a minute's or a month's: Gemini says the same of both.
---@param e fellowship.ErrorBody
---@return boolean
function complaints.of_some_quota(e)
  return (e.message or ""):sub(1, 4000):lower():find("exceeded your current quota", 1, true) ~= nil
end

--- The status that an error means which came with another one; nil when it does not say.
---@param e fellowship.ErrorBody
---@return integer?
function complaints.status(e)
  local code = math.tointeger(tonumber(e.code))
  if code and code >= 400 and code < 600 then return code end
  if (e.message or ""):find "^Unexpected endpoint or method" then return 404 end -- LM Studio's
  return STATUS[e.code or ""] or STATUS[e.type or ""]
end

return complaints
