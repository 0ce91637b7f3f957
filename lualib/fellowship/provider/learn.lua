-- What a refused request teaches of a model: what it does not take, for the rest of the run. Pure.

local effort = require "fellowship.provider.effort"
local names = require "fellowship.provider.names"

-- Parameters without which an answer is still one that was asked for; the first that is named goes. top_p stands
-- before temperature: where the two exclude each other, temperature is what scripts set.
local DISPENSABLE = { "top_p", "top_k", "temperature", "stop", "seed", "presence_penalty", "frequency_penalty" }

-- By what names they are refused where the API calls them otherwise.
local ALSO = { stop = { "stop_sequences" }, seed = { "random_seed" }, presence_penalty = { "penalty" },
  frequency_penalty = { "penalty" } }

local REFUSING = { "not support", "unsupported", "n't support", "deprecated", "not permitted", "not allowed",
  "unrecognized", "unknown", "cannot both", "may only be set", "not enabled", "not available",
  "input should be", "is allowed for this model",
  "unset" }

local SCHEMA_WORDS = { "response_format", "response format", "json_schema", "json schema", "output_config",
  "output_format", "structured output", "structured_output", "responsejsonschema", "response_json_schema",
  "responsemimetype", "json mode", "tool_choice", "grammar", "guided", "specified schema", "schema is too complex" }
local SCHEMA_REFUSING = { "unavailable", "enabled only", "conversion failed", "failed to parse", "must be",
  "unknown variant", "too many states", "too complex" }

local ROLE_REFUSING = { "not support", "unsupported", "n't support", "only user", "unexpected", "invalid role",
  "must be", "not one of", "input should be", "not allowed" }

-- That roles shall take turns, in the words of templates and providers.
local TURNS = { "alternat", "successive", "consecutive", "interleave" }

local STREAM_REFUSING = { "not support", "unsupported", "n't support", "must be verified", "not allowed",
  "not available" }
local STREAM_WANTED = { "only support stream", "only supports stream", "support stream mode", "non-streaming calls",
  "requires streaming", "streaming is required", "stream must be", "must be streamed" }

local function any(text, words)
  for _, word in ipairs(words) do
    if text:find(word, 1, true) then return true end
  end
  return false
end

--- Whether a refusal is about a parameter, which some servers name as their own code does: presencePenalty.
local function is_about(outcome, said, name)
  local joined = name:gsub("_", "")
  if outcome.param then return outcome.param == name or outcome.param:lower() == joined end
  return said:find("%f[%w_]" .. name .. "%f[^%w_]") ~= nil or said:find("%f[%w_]" .. joined .. "%f[^%w_]") ~= nil
end

local function has_system(messages)
  for _, message in ipairs(messages) do
    if message.role == "system" then return true end
  end
  return false
end

--- The next way to ask for a schema.
local function next_way(q, said, asked)
  if q.schema ~= "native" then return "instruct" end
  return asked.tool_schema and "tool" or said:find("json_object", 1, true) and "grammar" or "instruct"
end

local WAYS = { tool = "by a tool", grammar = "through JSON mode", instruct = "in words" }

local lessons = {}

function lessons.system(q, outcome, said, asked)
  if q.system == "fold" or not has_system(asked.messages) or any(said, { "tool_call" }) then return end
  local of_turns = any(said, TURNS)
  local about = any(said, { "system role", "role: system", "'system'", '"system"', "developer instruction",
    "system instruction", "system message" }) and any(said, REFUSING)
    or (said:find "%f[%a]roles?%f[%A]" or (outcome.param or ""):find "role") and any(said, ROLE_REFUSING)
  if about and not of_turns or q.merge and of_turns then
    q.system = "fold"
    return "the system message goes into the user's"
  end
end

function lessons.alternate(q, _, said)
  if not q.merge and any(said, TURNS) then
    q.merge = true
    return "neighbouring messages of one role become one"
  end
end

function lessons.schema(q, outcome, said, asked)
  if not asked.schema or q.schema == "instruct" or said:find("invalid schema", 1, true) then return end
  if any(outcome.param or "", SCHEMA_WORDS)
    or any(said, SCHEMA_WORDS) and (any(said, REFUSING) or any(said, SCHEMA_REFUSING)) then
    q.schema = next_way(q, said, asked)
    return "the JSON schema is asked for " .. WAYS[q.schema]
  end
end

function lessons.stream(q, outcome, said, asked)
  if q.stream or any(said, { "stream_options" }) then return end
  if asked.stream and (outcome.param == "stream" or said:find "%f[%w_]stream") and any(said, STREAM_REFUSING) then
    q.stream = "never"
    return "answers are asked for as a whole"
  elseif not asked.stream and any(said, STREAM_WANTED) then
    q.stream = "always"
    return "answers are streamed"
  end
end

function lessons.stream_usage(q, outcome, said, asked)
  if asked.stream and q.stream_usage ~= false and is_about(outcome, said, "stream_options") then
    q.stream_usage = false
    return "streams go without stream_options"
  end
end

function lessons.max_tokens(q, outcome, said, asked)
  if not asked.params.max_tokens then return end
  if not q.rename.max_tokens and (said:find("max_completion_tokens", 1, true) or
    is_about(outcome, said, "max_tokens") and any(said, REFUSING)) then
    q.rename.max_tokens = "max_completion_tokens"
    return "max_tokens goes as max_completion_tokens"
  end
  if q.rename.max_tokens and not q.renamed_back and is_about(outcome, said, "max_completion_tokens")
    and any(said, REFUSING) then
    q.rename.max_tokens, q.renamed_back = nil, true
    return "max_tokens goes as it is"
  end
end

function lessons.parameter(q, outcome, said, asked)
  if not any(said, REFUSING) then return end
  for _, name in ipairs(DISPENSABLE) do
    local named = is_about(outcome, said, name)
    for _, other in ipairs(ALSO[name] or {}) do named = named or is_about(outcome, said, other) end
    if named and asked.params[name] ~= nil and not q.drop[name] then
      q.drop[name] = true
      return name .. " is left out"
    end
  end
end

--- Whether a refusal is about how much the model shall think.
local function is_about_effort(outcome, said)
  local what = outcome.param or said
  return any(what, { "effort", "thinking", "reasoning", "think" })
end

function lessons.effort(q, outcome, said, asked)
  local level = asked.params.reasoning_effort
  if level == nil or q.drop.reasoning_effort or not is_about_effort(outcome, said) then return end
  if not q.thinks and q.effort == "anthropic" and said:find("adaptive", 1, true) then
    q.thinks = said:find("use .?thinking.type.adaptive") and "effort" or "budget"
    return "thinking is asked for by " .. q.thinks
  end
  local known = not q.efforts and effort.named(said)
  if known then known[level] = nil end
  if known and next(known) then
    q.efforts = known
    return ("reasoning_effort goes as %s"):format(effort.nearest(type(level) == "string" and level or "medium", known))
  end
  if any(said, REFUSING) then
    q.drop.reasoning_effort = true
    return "reasoning_effort is left out"
  end
end

function lessons.summary(q, outcome, said)
  if q.no_summary or not (outcome.param or said):find("summar", 1, true) and not said:find("reasoning.summary", 1, true)
    then return end
  q.no_summary = true
  return "no summaries of reasoning are asked for"
end

local ORDER = { "summary", "system", "alternate", "schema", "stream", "stream_usage", "max_tokens", "parameter",
  "effort" }

-- What servers say with status 500 though it is of the request: llama.cpp and SGLang of templates, LiteLLM of
-- parameters.
local OF_REQUEST = { "not support", "unsupported", "n't support", "must be one of", "must alternate", "not permitted" }

--- Learns from a request that was refused; changes q.
---@param q fellowship.Quirks
---@param outcome table of fellowship.provider.failure, of kind "request", or of a server that fails at it
---@param asked { messages: table[], params: table, schema: table?, stream: boolean?, tool_schema: boolean? }
---@return string? lesson what was learnt, for people; nil when nothing was
return function(q, outcome, asked)
  asked.params = names.canonical(asked.params)
  local said = (outcome.said or ""):lower()
  if outcome.kind ~= "request" and not any(said, OF_REQUEST) then return nil end
  for _, name in ipairs(ORDER) do
    local lesson = lessons[name](q, outcome, said, asked)
    if lesson then
      q.version = q.version + 1
      return lesson
    end
  end
end
