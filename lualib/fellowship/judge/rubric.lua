-- Rubrics: one response alone, checked against criteria with weights, all of them in one call. Criteria come from a file,
-- from the row (which judges use best: arXiv 2603.01562), or are a checklist that the judge writes itself (TICK, arXiv
-- 2410.03608); UltraFeedback's aspects (arXiv 2310.01377) come with it, in our own words.

local check = require "fellowship.base.check"
local conversation = require "fellowship.dataset.conversation"
local errors = require "fellowship.base.errors"
local flow = require "fellowship.flow"
local form = require "fellowship.base.form"
local json = require "fellowship.core.json"
local model = require "fellowship.call.model"
local prompts = require "fellowship.judge.prompts"
local template = require "fellowship.base.template"
local text = require "fellowship.base.text"
local asking = require "fellowship.judge.ask"
local evidence = require "fellowship.judge.evidence"

local rubric = {}

---@class fellowship.Criterion
---@field name string
---@field weight number
---@field kind "score"|"yes/no"

---@class fellowship.Rubric
local Rubric = {}
Rubric.__index = Rubric
Rubric.__name = "fellowship.Rubric"

-- What samples are asked at, as a judge's are.
local SAMPLING = 0.7

local function score(name)
  return { name = name, weight = 1, kind = "score" }
end

--- Rubrics by name.
rubric.known = {
  ultrafeedback = {
    score "Instruction following: does the response do what the prompt asks, in the form and the limits that it sets?",
    score "Truthfulness: is what the response says correct, and does it contradict neither the prompt nor itself?",
    score "Honesty: is the response as sure as it can be, and open about what it does not know or cannot do?",
    score "Helpfulness: is the response informative, complete and clear for who asked, without what does not help?",
  },
}

-- The name of the checklist that the judge writes itself.
rubric.SELF = "checklist"

-- ---- criteria, as files and rows have them ----

local NAMES = { "criterion", "description", "text", "question", "name", "title", "requirement" }

local function fail(where, problem, ...)
  errors.raise { kind = "data", message = ("%s: "):format(where) .. problem:format(...) }
end

--- One criterion: a text, or an object with a text, a weight and a kind.
local function criterion_of(value, i, kind, where)
  if type(value) == "string" then value = { criterion = value } end
  if type(value) ~= "table" then fail(where, "criterion %d is neither a text nor an object", i) end
  local parts = {}
  if type(value.title) == "string" and type(value.description) == "string" then parts[1] = value.title end
  for _, name in ipairs(NAMES) do
    if type(value[name]) == "string" and value[name]:find "%S" and #parts < 2 and value[name] ~= parts[1] then
      parts[#parts + 1] = text.trim(value[name])
      if #parts == 1 or parts[1] == value.title then break end
    end
  end
  local name = table.concat(parts, ": ")
  if name == "" then fail(where, "criterion %d has no text (one of %s)", i, table.concat(NAMES, ", ")) end
  local weight = value.weight
  if weight == nil or weight == json.null then weight = value.points end
  if weight == nil or weight == json.null then weight = 1 end
  local number = json.tonumber(weight) or type(weight) == "number" and weight
  if not number or number ~= number or number == math.huge or number < 0 then
    fail(where, "criterion %d has the weight %s; it must be a number from 0 (say what is good: more is better)", i,
      type(weight) == "table" and "that is no number" or tostring(weight))
  end
  local given = value.kind or value.type
  if given ~= nil and given ~= json.null and given ~= "score" and given ~= "yes/no" then
    fail(where, 'criterion %d has the kind %s; it is "score" or "yes/no"', i, tostring(given))
  end
  return { name = name, weight = number, kind = (given == "score" or given == "yes/no") and given or kind }
end

--- Lines of a text as a list: "- is short", "2. is true".
local function lines_of(said)
  local list = {}
  for line in said:gmatch "[^\n]+" do
    line = text.trim(line:gsub("^%s*[-*+]%s+", ""):gsub("^%s*%[[ x]?%]%s*", ""):gsub("^%s*%d+[.)]%s+", ""))
    if line ~= "" then list[#list + 1] = line end
  end
  return list
end

--- Criteria of a list, JSON, or lines of text. Raises an error of kind "data" where they cannot be used.
--- Example: `print(#fellowship.preference.rankings.criteria("- is true\n- is short", "yes/no", "here")) --> 2`
---@param value string|table
---@param kind "score"|"yes/no" of those that do not say
---@param where string for messages
---@return fellowship.Criterion[]
function rubric.read(value, kind, where)
  if type(value) == "string" then
    local decoded = json.decode(value)
    value = type(decoded) == "table" and decoded or lines_of(value)
  end
  if type(value) ~= "table" then fail(where, "the rubric is neither a list of criteria nor a text") end
  if #value == 0 and type(value.criteria or value.rubric) == "table" then value = value.criteria or value.rubric end
  local list, sum = {}, 0
  for i, each in ipairs(value) do
    list[i] = criterion_of(each, i, kind, where)
    sum = sum + list[i].weight
  end
  if #list == 0 then fail(where, "the rubric has no criterion") end
  if sum == 0 then fail(where, "the weights of the rubric sum to 0") end
  return list
end

-- ---- asking ----

local option_types = { model = "string|table", criteria = "table|string?", scale = "integer?", samples = "integer?",
  structured = "boolean?" }

--- A rubric. Temperature 0 unless the model's parameters say otherwise; several samples are asked at 0.7, and their means
--- count.
--- Example: `print(fellowship.rubric({ model = "sim:judge", criteria = "ultrafeedback" }).scale) --> 5`
---@param options { model: string|fellowship.Model, criteria: string|table|nil, scale: integer?, samples: integer?, structured: boolean? } criteria: a list, a name ("ultrafeedback", "checklist" for one that the model writes for each prompt), or nil where each score is given its own; scale: 5
---@return fellowship.Rubric
function rubric.new(options, ...)
  check.no_more("rubric", "one table of options", ...)
  check.options("rubric", options, option_types)
  local scale, samples, given = options.scale or 5, options.samples or 1, options.criteria
  if scale < 2 then error("rubric's scale must be 2 or more", 2) end
  if samples < 1 then error("rubric's samples must be 1 or more", 2) end
  local m = model.new(options.model):with_defaults { temperature = samples > 1 and SAMPLING or 0 }
  local self = setmetatable({ model = m, models = { m.named }, scale = scale, samples = samples,
    structured = options.structured, writes_own = given == rubric.SELF }, Rubric)
  if given and not self.writes_own then
    self.criteria = rubric.known[given] or rubric.read(given, "score", "the rubric")
  end
  return self
end

--- The checklist that the judge writes for a prompt; the same call for all responses to it.
local function checklist(self, shown)
  local said = self.model:ask(template.fill(prompts.get("judge").checklist, { prompt = shown })).text
  local lines, questions = lines_of(said), {}
  for _, line in ipairs(lines) do
    if line:find("?", 1, true) then questions[#questions + 1] = line end
  end
  if #questions == 0 then questions = lines end
  return rubric.read(questions, "yes/no", ("the checklist of %s"):format(self.model.named))
end

--- What a response is worth by its values: the weighted mean of the scores where all are scores, else the part of the
--- weights that it earns, from 0 to 1.
local function worth(list, values, scale)
  local sum, weights, all_scores = 0, 0, true
  for _, criterion in ipairs(list) do all_scores = all_scores and criterion.kind == "score" end
  for i, criterion in ipairs(list) do
    local value = values[i]
    if criterion.kind == "yes/no" then value = value == "Yes" and 1 or value == "No" and 0 or value
    elseif not all_scores then value = (value - 1) / (scale - 1) end
    sum, weights = sum + criterion.weight * value, weights + criterion.weight
  end
  return sum / weights
end

local function numbered(list)
  local lines = {}
  for i, criterion in ipairs(list) do lines[i] = ("%d. %s"):format(i, criterion.name) end
  return table.concat(lines, "\n")
end

--- Asks once: values or nil, evidence, problem and its kind.
local function ask(self, read, list, response, sample)
  local texts, kinds, scored = prompts.get "judge", {}, false
  for i, criterion in ipairs(list) do
    kinds[i] = criterion.kind
    scored = scored or criterion.kind == "score"
  end
  local f = form.rubric(kinds)
  local lines = form.lines(f, f.places, self.scale)
  local question = template.fill(texts.rubric, { prompt = read.prompt, response = response, criteria = numbered(list),
    scoring = scored and (": from 1 (not at all) to %d (wholly)"):format(self.scale) or "", lines = lines,
    reference = read.reference and template.fill(texts.reference, { reference = read.reference }) or "" })
  local again = template.fill(texts.again_rubric, { lines = lines })
  local found, said, problem, kind = asking.once(self.model, question, again, { strategy = "rubric", form = f,
    scale = self.scale, shown = { response }, images = read.images, structured = self.structured }, sample)
  return { values = found and found.values, evidence = said, problem = problem, problem_kind = kind }
end

--- The values of several samples as one: means, of Yes and No the part that said Yes.
local function together(list, samples)
  local readable, values = {}, {}
  for _, one in ipairs(samples) do
    if one.values then readable[#readable + 1] = one end
  end
  if #readable == 0 then return nil end
  if #readable == 1 then return readable[1].values, readable end
  for i, criterion in ipairs(list) do
    local sum = 0
    for _, one in ipairs(readable) do
      local value = one.values[i]
      sum = sum + (criterion.kind == "yes/no" and (value == "Yes" and 1 or 0) or value)
    end
    values[i] = sum / #readable
  end
  return values, readable
end

local scored = { prompt = "string|table", response = "string", criteria = "table|string?", reference = "string?",
  sample = "integer?" }

--- Scores one response. `criteria` of its own come before those of the rubric.
--- Example: `print(fellowship.rubric({ model = "sim:judge" }):score { prompt = "Why?", response = "So.", criteria = { "is true" } }.criteria[1].name)`
---@param given { prompt: string|table[], response: string, criteria: string|table|nil, reference: string?, sample: integer? }
---@return { score: number?, criteria: { name: string, weight: number, value: any }[], scores: number[], evidence: table[], models: string[], problem: string?, problem_kind: string? } the weighted mean: of scores out of the scale, with Yes and No among them the part of the weights that is earned
function Rubric:score(given)
  check.method(self, Rubric, "rubric:score")
  check.options("score", given, scored)
  local read = { prompt = conversation.text(given.prompt), images = conversation.images(given.prompt),
    reference = given.reference }
  local list = given.criteria and rubric.read(given.criteria, "score", "the rubric") or self.criteria
  if not list and self.writes_own then list = checklist(self, read.prompt) end
  if not list then
    errors.raise { kind = "data", message = "there is no rubric: neither has the row one, nor was one given" }
  end
  local asks, first = {}, ((given.sample or 1) - 1) * self.samples
  for s = 1, self.samples do
    asks[s] = function() return ask(self, read, list, given.response, first + s) end
  end
  local samples = flow.all(asks)
  local values, readable = together(list, samples)
  local found = { criteria = {}, scores = {}, evidence = evidence.join(samples), models = self.models }
  for i, criterion in ipairs(list) do
    found.criteria[i] = json.object({ name = criterion.name, weight = criterion.weight,
      value = values and values[i] or json.null }, { "name", "weight", "value" })
  end
  for i, one in ipairs(readable or {}) do found.scores[i] = worth(list, one.values, self.scale) end
  if values then found.score = worth(list, values, self.scale)
  else found.problem, found.problem_kind = samples[1].problem, samples[1].problem_kind end
  return found
end

return rubric
