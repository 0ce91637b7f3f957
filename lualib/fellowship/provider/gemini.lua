-- Google's Gemini API, generateContent. Pure: builds a request, reads an answer.
-- Format: https://ai.google.dev/api/generate-content, and the converters of Google's SDK for Python (3.4.0).

local json = require "fellowship.core.json"
local answer = require "fellowship.provider.answer"
local failure = require "fellowship.provider.failure"
local parts = require "fellowship.provider.parts"
local quirks = require "fellowship.provider.quirks"
local reading = require "fellowship.provider.reading"
local thinking = require "fellowship.provider.thinking"
local tools = require "fellowship.provider.tools"

local gemini = { events = "sse" }

-- Parameters by their names elsewhere; others go into generationConfig as they are named.
local RENAMED = { top_p = "topP", top_k = "topK", max_tokens = "maxOutputTokens", stop = "stopSequences",
  max_completion_tokens = "maxOutputTokens", presence_penalty = "presencePenalty",
  frequency_penalty = "frequencyPenalty", top_logprobs = "logprobs" }

-- Those that stand beside generationConfig.
local OUTSIDE = { safetySettings = true, tools = true, toolConfig = true, cachedContent = true }

local ROLES = { user = "user", assistant = "model" }

--- A part of a message in Gemini's form: of OpenAI's, texts and images by address or within.
local function part_of(part)
  if type(part) == "string" then return { text = part } end
  if part.type == "text" then return { text = part.text } end
  local url = part.type == "image_url" and answer.part(part, "image_url").url
  if type(url) ~= "string" then return part end
  local kind, data = url:match "^data:([^;,]+);base64,(.*)$"
  return kind and { inlineData = { mimeType = kind, data = data } } or { fileData = { fileUri = url } }
end

local function parts_in(content)
  local list = json.array {}
  for i, part in ipairs(type(content) == "table" and content or { content }) do list[i] = part_of(part) end
  return list
end

--- The request for a completion. See fellowship.provider.
---@param name string with or without "models/"
---@param messages { role: string, content: string }[]
---@param params table<string, any>
---@param how? fellowship.How
---@return string path
---@return table body
function gemini.build(name, messages, params, how)
  local q, schema = how and how.quirks or {}, how and how.schema
  if schema and q.schema == "instruct" then messages = quirks.instruct(messages, schema) end
  local body, config, system = { contents = json.array {} }, {}, {}
  for _, message in ipairs(messages) do
    if message.role == "system" or message.role == "developer" then
      for _, part in ipairs(parts_in(message.content)) do system[#system + 1] = part end
    else
      body.contents[#body.contents + 1] = { role = ROLES[message.role] or "user", parts = parts_in(message.content) }
    end
  end
  if #system > 0 then body.systemInstruction = { parts = system } end
  for key, value in pairs(params) do
    if key == "stop" and type(value) == "string" then value = { value } end
    -- OpenAI's logprobs is a switch, Gemini's the number of alternatives.
    local renamed = key == "logprobs" and type(value) == "boolean" and "responseLogprobs" or RENAMED[key] or key
    if OUTSIDE[key] then body[key] = value else config[renamed] = value end
  end
  config.logprobs = params.top_logprobs or config.logprobs
  if schema and q.schema ~= "instruct" then
    config.responseMimeType, config.responseJsonSchema = "application/json", schema
  end
  if next(config) then body.generationConfig = config end
  local verb = how and how.stream and ":streamGenerateContent?alt=sse" or ":generateContent"
  return "/models/" .. name:gsub("^models/", "") .. verb, body
end

local FILTERED = { SAFETY = true, RECITATION = true, BLOCKLIST = true, PROHIBITED_CONTENT = true, SPII = true,
  MODEL_ARMOR = true, ESCALATION = true, LANGUAGE = true, IMAGE_SAFETY = true, IMAGE_PROHIBITED_CONTENT = true }

local function usage_of(value)
  local u = answer.part(value, "usageMetadata")
  return answer.usage { prompt_tokens = answer.sum(u.promptTokenCount, u.toolUsePromptTokenCount),
    -- Thoughts are paid for as output and told apart from it.
    completion_tokens = answer.sum(u.candidatesTokenCount, u.thoughtsTokenCount),
    cached_tokens = answer.count(u.cachedContentTokenCount), reasoning_tokens = answer.count(u.thoughtsTokenCount) }
end

local function logprobs_of(candidate)
  local result = answer.part(candidate, "logprobsResult")
  if type(result.chosenCandidates) ~= "table" then return nil end
  local list = {}
  for i, chosen in ipairs(result.chosenCandidates) do
    local top = answer.part(answer.part(result, "topCandidates"), i)
    if type(chosen) ~= "table" then return nil end
    list[i] = { token = chosen.token, logProbability = chosen.logProbability, top = top.candidates }
  end
  return answer.logprobs(list, "token", "logProbability", "top")
end

--- Text and thoughts of a candidate, and the functions that it calls; nil when it has no parts.
local function parts_of(candidate)
  local list = answer.part(candidate, "content").parts
  local calls = {}
  if type(list) ~= "table" then return nil, nil, calls end
  local text, thought = parts.read(list)
  for _, part in ipairs(list) do
    local call = answer.part(part, "functionCall")
    calls[#calls + 1] = tools.call(call.id, call.name, call.args)
  end
  return text or "", thought ~= "" and thought or nil, calls
end

--- The completion of an answer, or what is wrong with it.
local function completion_of(value, how)
  local blocked = answer.text(answer.part(value, "promptFeedback").blockReason)
  if blocked then return failure.refused("content_filter", "the prompt was blocked: " .. blocked) end
  local candidate = type(value.candidates) == "table" and value.candidates[1]
  if type(candidate) ~= "table" then
    return (value.candidates == nil and value.usageMetadata == nil and failure.broken or failure.empty)
      "the answer has no candidates"
  end
  if FILTERED[candidate.finishReason] then
    return failure.refused("content_filter", "the answer was blocked: " .. candidate.finishReason)
  end
  local text, reasoning, calls = parts_of(candidate)
  local finish = answer.finish(candidate.finishReason)
  local thought
  if text then text, thought = thinking.whole(text, how and how.quirks.thinking, reasoning ~= nil) end
  reasoning = reasoning or thought
  local asked = tools.were_given(how)
  if not (text and text:find "%S") and finish ~= "length" and not (asked and calls[1]) then
    return failure.empty((calls[1] or reasoning) and tools.in_place_of_text(calls, reasoning)
      or ("the answer is empty (%s)"):format(tostring(candidate.finishReason)))
  end
  local completion = { text = text or "", reasoning = reasoning, finish_reason = finish,
    model = answer.text(value.modelVersion), usage = usage_of(value), logprobs = logprobs_of(candidate) }
  return { verdict = "done", completion = asked and tools.add(completion, calls) or completion }
end

--- What a decoded answer means: see fellowship.provider.
---@param status integer
---@param header fun(name: string): string?
---@param value any
---@param how? fellowship.How
---@param body? string
---@return table outcome
function gemini.meaning(status, header, value, how, body)
  if status ~= 200 then return failure.outcome(status, header, failure.told(value, body)) end
  local e = type(value) == "table" and value.failed or failure.of(value)
  if e then return failure.inside(e, header) end
  return failure.of_answer(value, body, completion_of, usage_of, how, header)
end

local function join_logprobs(whole, more)
  for _, name in ipairs { "chosenCandidates", "topCandidates" } do
    if type(more[name]) == "table" then
      whole[name] = whole[name] or {}
      table.move(more[name], 1, #more[name], #whole[name] + 1, whole[name])
    end
  end
end

--- Takes a streamed answer, which holds what is new, into the one that a plain call would have given.
---@param whole table
---@param event { data: string, value: any }
---@return string? text what is new
---@return boolean? ended
function gemini.join(whole, event)
  if event.data == "[DONE]" then -- of gateways
    whole.complete = whole.complete or whole.candidates ~= nil
    return nil, true
  end
  local more = event.value
  whole.failed = failure.of(more)
  if whole.failed then
    whole.complete = true
    return nil, true
  end
  for _, name in ipairs { "usageMetadata", "modelVersion", "promptFeedback" } do
    if more[name] ~= nil then whole[name] = more[name] end
  end
  if type(more.promptFeedback) == "table" and more.promptFeedback.blockReason ~= nil then whole.complete = true end
  local given = type(more.candidates) == "table" and more.candidates[1]
  if type(given) ~= "table" then return nil end
  whole.candidates = whole.candidates or { {} }
  local candidate, text = whole.candidates[1], nil
  local list = answer.part(given, "content").parts
  if type(list) == "table" then
    candidate.content = candidate.content or { parts = {} }
    table.move(list, 1, #list, #candidate.content.parts + 1, candidate.content.parts)
    local thought
    text, thought = parts.read(list)
    if thought and thought ~= "" then whole.thinks = true end
  end
  if type(given.logprobsResult) == "table" then
    candidate.logprobsResult = candidate.logprobsResult or {}
    join_logprobs(candidate.logprobsResult, given.logprobsResult)
  end
  local finish = answer.finish(given.finishReason)
  if finish then candidate.finishReason, whole.complete = given.finishReason, true end
  -- Older models tell an end with every piece.
  whole.may_go_on = finish and text and text ~= "" and not whole.flows
  whole.flows = whole.flows or not finish and text ~= nil
  return text
end

gemini.classify = reading.classifier(gemini)

return gemini
