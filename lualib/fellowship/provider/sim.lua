-- A stand-in for a model: deterministic, free, without a network; for tests, dry runs and load. Its text always begins
-- with "[sim]", so that nobody takes it for a model's; data that fits a schema has that in its texts. It judges in the
-- form that a prompt or a schema asks for.
--
-- So that scripts which measure judges can be tried without a key, it can be given a quality and a bias. A writer with
-- `quality` (0 to 1) writes how good its text is into it, "(quality 0.62)"; a text without has one that follows from its
-- bytes. A judge with `skill` (0 to 1) sees which response is better so often; else it goes by its `bias` ("first",
-- "second" or "longer"), or by nothing.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local content = require "fellowship.base.content"
local form = require "fellowship.base.form"
local schema_value = require "fellowship.base.schema_value"

local sim = { rates = true, answers = true, raw = true }

local words = {
  "answer", "reason", "example", "first", "second", "because", "clear", "short", "detail", "step",
  "prompt", "result", "number", "simple", "better", "careful", "measure", "compare", "question", "point",
}

--- Numbers that follow from a text alone: a function that gives the next one, from 1 to its argument (256 at most).
---@param seed string
---@return fun(limit: integer): integer
function sim.numbers(seed)
  local digest, at = seed, 32
  return function(limit)
    at = at + 1
    if at > 32 then digest, at = sys.sha256(digest), 1 end
    return digest:byte(at) % limit + 1
  end
end

local function sentence(draw)
  local list = {}
  for i = 1, 5 + draw(8) do list[i] = words[draw(#words)] end
  return table.concat(list, " ") .. "."
end

local function chance(draw)
  return (draw(256) - 1) / 256
end

-- ---- quality ----

local QUALITY = "%(quality ([%d.]+)%)"

-- How far a text may be from its writer's quality.
local SPREAD = 0.15

local function quality_of(text)
  return tonumber(text:match(QUALITY)) or sys.sha256(text):byte() / 255
end

local function marked_quality(params, draw)
  local given = tonumber(params.quality)
  if not given then return nil end
  local q = given + SPREAD * (2 * chance(draw) - 1)
  return ("(quality %.2f)"):format(math.min(1, math.max(0, q)))
end

--- The responses that a judge's prompt shows, in the order of the form; nil where it is another prompt.
local function shown_in(prompt, f)
  local list, starts = {}, {}
  for i, heading in ipairs(f.shown) do
    local _, stop = prompt:find("\n" .. heading .. "\n\n", 1, true)
    if not stop then return nil end
    starts[i] = stop + 1
  end
  for i, start in ipairs(starts) do
    list[i] = prompt:sub(start, (prompt:find("\n\n### ", start, true) or #prompt + 1) - 1)
  end
  return list
end

-- ---- judging ----

local BIASES = {
  first = function() return "a" end,
  second = function() return "b" end,
  longer = function(shown) return #shown[1] > #shown[2] and "a" or #shown[1] < #shown[2] and "b" or "tie" end,
}

-- Responses whose qualities are nearer than this are equally good.
local NEAR = 0.05

local function winner_of(shown, params, draw)
  if chance(draw) < (tonumber(params.skill) or 0) then
    local ahead = quality_of(shown[1]) - quality_of(shown[2])
    return ahead > NEAR and "a" or ahead < -NEAR and "b" or "tie"
  end
  if params.bias ~= nil then
    local bias = BIASES[params.bias] or error(("sim's bias is first, second or longer, not %s"):format(params.bias), 0)
    return bias(shown)
  end
  return ({ "a", "b", "tie" })[draw(3)]
end

local function score_of(quality, scale)
  return 1 + math.floor(quality * (scale - 1) + 0.5)
end

--- Scores of both responses that make one the winner, near their qualities.
local function scores_of(winner, shown, scale)
  local a, b = score_of(quality_of(shown[1]), scale), score_of(quality_of(shown[2]), scale)
  if winner == "tie" then return { a, a } end
  local most, least = math.max(a, b), math.min(a, b)
  if most == least and most < scale then most = most + 1 elseif most == least then least = least - 1 end
  return winner == "a" and { most, least } or { least, most }
end

--- The values of a form as a judge of some skill or bias has them; nil where it has neither, or sees no responses.
local function opinion(f, scale, prompt, params, draw)
  if params.skill == nil and params.bias == nil then return nil end
  local shown = shown_in(prompt, f)
  if not shown then return nil end
  if f.kinds then
    local quality = quality_of(shown[1])
    for i, kind in ipairs(f.kinds) do
      shown[i] = kind == "score" and score_of(quality, scale) or (quality > 0.5 and "Yes" or "No")
    end
    return shown
  end
  if #shown == 1 then
    local seen = chance(draw) < (tonumber(params.skill) or 0)
    return { seen and score_of(quality_of(shown[1]), scale) or draw(scale) }
  end
  local winner = winner_of(shown, params, draw)
  return f.scored and scores_of(winner, shown, scale) or { form.LETTERS[winner] }
end

local function drawn(f, scale, draw)
  local values = {}
  for i, kind in ipairs(f.kinds or {}) do
    values[i] = kind == "score" and draw(scale) or (draw(2) == 1 and "Yes" or "No")
  end
  for i = #values + 1, #f.headings do values[i] = f.scored and draw(scale) or ("ABC"):sub(draw(3)):sub(1, 1) end
  return values
end

--- A judgement in the form that the prompt asks for; "" when it asks for none.
---@param prompt string
---@param draw fun(limit: integer): integer
---@param params? table<string, any> with skill and bias
---@return string
function sim.judgement(prompt, draw, params)
  local f, scale = form.asked(prompt)
  if not f then return "" end
  return "\n\n" .. form.lines(f, params and opinion(f, scale, prompt, params, draw) or drawn(f, scale, draw), scale)
end

--- A value that fits the schema, as JSON; a verdict's is what the judge thinks.
local function fitting(schema, prompt, params, draw)
  local value = schema_value(schema, draw, function(most)
    local text = "[sim] " .. sentence(draw)
    return most and text:sub(1, most) or text
  end)
  local f, scale = form.of_schema(schema)
  local values = f and opinion(f, scale, prompt, params, draw)
  for i, field in ipairs(values and f.fields or {}) do value[field] = values[i] end
  return json.encode(value)
end

-- ---- log-probabilities ----

--- The alternatives of a number: itself, and its neighbours.
local function neighbours(digits)
  local n, list = tonumber(digits), { { token = digits, logprob = math.log(0.6) } }
  if n > 1 then list[2] = { token = tostring(math.tointeger(n - 1)), logprob = math.log(0.2) } end
  list[#list + 1] = { token = tostring(math.tointeger(n + 1)), logprob = math.log(0.2) }
  return list
end

--- A text in tokens with their log-probabilities: numbers are tokens of their own.
---@param text string
---@param unsure? boolean each number might have been one of its neighbours
---@return { token: string, length: integer, logprob: number, top: { token: string, logprob: number }[] }[]
function sim.tokens(text, unsure)
  local tokens = {}
  local function add(piece, top)
    if piece == "" then return end
    tokens[#tokens + 1] = { token = piece, length = #piece, logprob = top[1].logprob, top = top }
  end
  for others, digits in text:gmatch "(%D*)(%d*)" do
    add(others, { { token = others, logprob = 0.0 } })
    if digits ~= "" then
      add(digits, unsure and #digits < 4 and neighbours(digits) or { { token = digits, logprob = 0.0 } })
    end
  end
  return tokens
end

--- The completion: follows from the request alone.
--- params.latency: seconds to wait first; params.length: sentences (default 2); params.quality, skill and bias: see above.
---@param name string
---@param messages { role: string, content: string }[]
---@param params table<string, any>
---@param sample integer
---@param schema? table the JSON schema that the answer shall fit
---@return table completion
function sim.generate(name, messages, params, sample, schema)
  local asked = json.canonical { name = name, messages = messages, params = params, sample = sample }
  local draw = sim.numbers(asked)
  local text
  local last = content.text(messages[#messages].content)
  if messages[#messages].role == "assistant" then -- it is to be rated
    text = json.encode { score = quality_of(last) }
  elseif schema then
    text = fitting(schema, last, params, draw)
  else
    local list = { "[sim]", marked_quality(params, draw) }
    for _ = 1, tonumber(params.length) or 2 do list[#list + 1] = sentence(draw) end
    text = table.concat(list, " ") .. sim.judgement(last, draw, params)
  end
  return { text = text, finish_reason = "stop", model = "sim", logprobs = params.logprobs and sim.tokens(text, true)
    or nil,
    usage = { prompt_tokens = #asked // 4, completion_tokens = #text // 4 } }
end

return sim
