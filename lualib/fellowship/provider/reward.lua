-- Models that rate a response and write none: reward models and guard models, on servers of one's own. Pure: builds a
-- request, reads an answer. `api` says which of a server's doors is used:
--
--   classify   vLLM's /classify with messages (sequence classifiers, most reward models); the default
--   pooling    vLLM's /pooling with messages (models whose head gives a reward)
--   score      vLLM's /score of two texts (cross-encoders)
--   rerank     /rerank of vLLM, llama.cpp and others: { query, documents } -> results[].relevance_score
--   tei        /rerank of Text Embeddings Inference: { query, texts } -> [{ index, score }]
--   predict    its /predict: { inputs } -> [{ label, score }, ...]
--
-- Formats: https://docs.vllm.ai/en/latest/models/pooling_models/, llama.cpp's tools/server/README.md, and
-- https://huggingface.github.io/text-embeddings-inference/. `class` is the class whose probability is the score: its
-- number, from 0, or in `predict` its label. Without, a model that tells several classes apart gives its label alone.

local json = require "fellowship.core.json"
local content = require "fellowship.base.content"
local answer = require "fellowship.provider.answer"
local failure = require "fellowship.provider.failure"
local reading = require "fellowship.provider.reading"

local reward = { rates = true }

-- Parameters that are ours; all others go into the body.
local OWN = { api = true, class = true }

--- The conversation before the response as one text, and the response.
local function texts_of(messages)
  local parts, response = {}, content.text(messages[#messages].content)
  if #messages == 2 then return content.text(messages[1].content), response end
  for i = 1, #messages - 1 do
    parts[i] = ("%s: %s"):format(messages[i].role, content.text(messages[i].content))
  end
  return table.concat(parts, "\n\n"), response
end

local bodies = {}

function bodies.classify(_, messages, params)
  return "/classify", { messages = messages, use_activation = params.class ~= nil }
end

function bodies.pooling(_, messages) return "/pooling", { messages = messages } end

function bodies.score(_, messages)
  local prompt, response = texts_of(messages)
  return "/score", { text_1 = prompt, text_2 = response }
end

function bodies.rerank(_, messages)
  local prompt, response = texts_of(messages)
  return "/rerank", { query = prompt, documents = { response } }
end

function bodies.tei(_, messages)
  local prompt, response = texts_of(messages)
  return "/rerank", { query = prompt, texts = { response }, raw_scores = true }
end

function bodies.predict(_, messages, params)
  local prompt, response = texts_of(messages)
  return "/predict", { inputs = { { prompt, response } }, raw_scores = params.class == nil }
end

-- Servers that are given the model's name; the others serve one.
local NAMED = { classify = true, pooling = true, score = true, rerank = true }

--- The request for a rating of the last message. See fellowship.provider.
---@param name string
---@param messages { role: string, content: string }[] the last one is the response
---@param params table<string, any>
---@return string path
---@return table body
function reward.build(name, messages, params)
  local api = params.api or "classify"
  local make = bodies[api]
  if not make then
    error(("reward models have the api classify, pooling, score, rerank, tei or predict, not %s"):format(api), 0)
  end
  local path, body = make(name, messages, params)
  if NAMED[api] then body.model = name end
  for key, value in pairs(params) do
    if not OWN[key] then body[key] = value end
  end
  return path, body
end

-- ---- reading ----

local function wrong(problem, ...)
  error(problem:format(...), 0)
end

local function finite(value)
  local number = json.tonumber(value) or type(value) == "number" and value
  if not number or number ~= number or math.abs(number) == math.huge then
    wrong("the score is no number: %s", value == nil and "missing" or type(value) == "string" and value
      or json.encode(value))
  end
  return number
end

--- The only element of a list: as many answers as there were questions.
local function only(list, what)
  if type(list) ~= "table" or not json.is_array(list) then wrong("the answer has no list of %s", what) end
  if #list ~= 1 then wrong("the server scored %d responses where it was given one", #list) end
  return list[1]
end

--- A class of several: by its number or label, with the probabilities of all.
local function class_of(found, class)
  local number = math.tointeger(tonumber(class))
  local at = number and number + 1
  for i, label in ipairs(found.labels or {}) do
    if label == class then at = i end
  end
  if not at or not found.probabilities[at] then
    wrong("there is no class %s among %d", tostring(class), #found.probabilities)
  end
  found.score = found.probabilities[at]
  return found
end

local readers = {}

function readers.classify(value, class)
  local one = only(value.data, "classifications")
  local probs, list = answer.part(one, "probs"), {}
  for i, p in ipairs(probs) do list[i] = finite(p) end
  if #list == 0 then wrong "the classification has no probs" end
  local found = { label = type(one.label) == "string" and one.label or nil, probabilities = list }
  if class ~= nil then return class_of(found, class) end
  if #list == 1 then return { score = list[1] } end
  return found
end

local TOO_MANY = "the pooled data has %d numbers where one reward was expected; another api may fit (?api=classify)"

--- Lists within lists with one number in the end: a reward; of a reward for each token or step the last one.
local function last_number(data, depth)
  if type(data) ~= "table" then return finite(data) end
  if #data == 0 or depth > 3 then wrong "the pooled data holds no number" end
  if depth > 0 and #data > 1 and type(data[#data]) ~= "table" then
    wrong(TOO_MANY, #data)
  end
  return last_number(data[#data], depth + 1)
end

function readers.pooling(value)
  local one = only(value.data, "pooled data")
  local data = type(one) == "table" and one.data
  if type(data) == "table" and #data > 1 and type(data[1]) ~= "table" then
    wrong(TOO_MANY, #data)
  end
  return { score = last_number(data, 0) }
end

function readers.score(value)
  local one = only(value.data, "scores")
  return { score = finite(type(one) == "table" and one.score or nil) }
end

function readers.rerank(value)
  local one = only(value.results or value.data, "results")
  if type(one) ~= "table" then wrong "the result is no object" end
  return { score = finite(one.relevance_score or one.score) }
end

function readers.tei(value)
  local one = only(value, "results")
  return { score = finite(type(one) == "table" and one.score or nil) }
end

function readers.predict(value, class)
  local list = value
  if type(list) == "table" and type(list[1]) == "table" and json.is_array(list[1]) then
    list = only(value, "predictions")
  end
  if type(list) ~= "table" or #list == 0 then wrong "the answer has no list of predictions" end
  local found, best = { labels = {}, probabilities = {} }, nil
  for i, each in ipairs(list) do
    found.labels[i], found.probabilities[i] = tostring(each.label), finite(each.score)
    if not best or found.probabilities[i] > found.probabilities[best] then best = i end
  end
  found.label = found.labels[best]
  if class ~= nil then return class_of(found, class) end
  if #list == 1 then found.score = found.probabilities[1] end
  return found
end

local KEYS = { "score", "label", "labels", "probabilities" }

--- What a decoded answer means: see fellowship.provider. The completion's text is the rating as JSON.
---@param status integer
---@param header fun(name: string): string?
---@param value any
---@param how? fellowship.How
---@param body? string
---@return table outcome
function reward.meaning(status, header, value, how, body)
  if status ~= 200 then return failure.outcome(status, header, failure.told(value, body)) end
  local e = failure.of(value)
  if e then return failure.inside(e, header) end
  local params = how and how.params or {}
  if type(value) ~= "table" then
    local no_number = body and body:match "%f[%w]NaN%f[%W]" or body and body:match "%f[%w]Infinity%f[%W]"
    if not no_number then return failure.no_json(body) end
    return { verdict = "final", kind = "score", message = "the score is no number: " .. no_number }
  end
  local well, found = pcall(readers[params.api or "classify"], value, params.class)
  if not well then return { verdict = "final", kind = "score", message = tostring(found) } end
  local usage = answer.part(value, "usage")
  return { verdict = "done", completion = { text = json.encode(json.object(found, KEYS)), finish_reason = "stop",
    model = answer.text(value.model), usage = { prompt_tokens = answer.count(usage.prompt_tokens or usage.total_tokens),
      completion_tokens = 0 } } }
end

reward.classify = reading.classifier(reward)

return reward
