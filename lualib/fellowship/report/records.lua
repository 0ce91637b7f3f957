-- The rows of a run's folder as people read them: a prompt, its candidates, what was said of them, and which pairs came of
-- it. Whatever kind of run it was, its files are read side by side as streams, since all of them keep the dataset's order.

local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local content = require "fellowship.base.content"
local join = require "fellowship.dataset.join"
local rows = require "fellowship.dataset.rows"

local records = {}

---@class fellowship.report.Candidate
---@field name string
---@field text string|fellowship.Message[]|nil nil where the dataset could not be read again
---@field thoughts? string
---@field cut? boolean
---@field by? string the model that wrote it
---@field score? number what a ranking by scores says of it

---@class fellowship.report.Judgement
---@field by string who judged
---@field a integer number of the candidate that was shown as A
---@field b integer
---@field winner "a"|"b"|"tie"|"unparsed"
---@field scores { a: number?, b: number? }
---@field flip? string how both orders disagree
---@field problem? string
---@field orders? table[]
---@field votes? table[]
---@field said table[] the evidence of the verdict
---@field run? integer of several runs, whose it is

---@class fellowship.report.Rating what is said of one candidate alone
---@field by string who scored it
---@field candidate integer its number
---@field score number? nil where there is none
---@field problem? string why
---@field criteria { [1]: string, [2]: number, [3]: any }[] of a rubric: text, weight, value
---@field said table[]

---@class fellowship.report.Record
---@field id any
---@field prompt string|fellowship.Message[]|nil
---@field candidates fellowship.report.Candidate[]
---@field judgements fellowship.report.Judgement[]
---@field ratings? fellowship.report.Rating[] in the place of judgements
---@field pairs { chosen: integer, rejected: integer, margin: number?, scores: table? }[]
---@field human? string
---@field feedback? string[][] for each round, what each reviewer said
---@field more { [1]: string, [2]: string }[] other columns, as texts

---@alias fellowship.report.Texts fun(id: any, a: string?, b: string?): { prompt: any, a: any, b: any, human: string?, names: table? }?

-- ---- files as streams ----

---@class fellowship.report.Cursor
local Cursor = {}
Cursor.__index = Cursor

--- The rows of a file one after the other; of none where there is no such file.
local function cursor(path)
  local self = setmetatable({}, Cursor)
  if sys.kind(path) == "file" then self.source = rows.open(path, { invalid_utf8 = "replace", nan = "text" }) end
  return self
end

--- The row that comes next, without taking it.
function Cursor:peek()
  while self.source and not self.row do
    local row, number = self.source:pull()
    if not row and number == nil then
      self.source:close()
      self.source = nil
    end
    self.row = row
  end
  return self.row
end

function Cursor:next()
  local row = self:peek()
  self.row = nil
  return row
end

--- The next rows as long as they have this id.
function Cursor:of(id)
  local list, key = {}, join.key(id)
  while self:peek() and join.key(self.row.id) == key do list[#list + 1] = self:next() end
  return list
end

function Cursor:__close()
  if self.source then self.source:close() end
end

-- ---- parts of records ----

local function present(value) return content.present(value) end

local function list_of(value) return type(value) == "table" and value or {} end

--- A value of a column as a text.
local function as_text(value)
  return type(value) == "string" and value or json.encode(value)
end

--- The columns of a row that are not among those known.
local function more_of(row, known)
  local list = {}
  for _, key in ipairs(json.keys(row)) do
    if not known[key] and present(row[key]) ~= nil then list[#list + 1] = { key, as_text(row[key]) } end
  end
  return list
end

--- A prompt or an answer as a reader takes it: a text, or messages; anything else as JSON.
local function readable(value)
  value = present(value)
  if value == nil or type(value) == "string" then return value end
  if type(value) == "table" and type(value[1]) == "table" and value[1].role ~= nil then
    local messages = {}
    for i, message in ipairs(value) do
      messages[i] = { role = as_text(message.role or ""), content = as_text(present(message.content) or "") }
    end
    return messages
  end
  return as_text(value)
end

local function by_of(verdict)
  local models = {}
  for i, model in ipairs(list_of(verdict.models)) do models[i] = as_text(model) end
  local named = table.concat(models, " + ")
  local evaluator = present(verdict.evaluator) and as_text(verdict.evaluator)
  if named == "" then return evaluator or "evaluator" end
  return evaluator and ("%s %s"):format(evaluator, named) or named
end

local WINNERS = { a = true, b = true, tie = true, unparsed = true }

local function judgement_of(verdict, a, b)
  local scores, number = list_of(present(verdict.scores)), json.tonumber
  return { by = by_of(verdict), a = a, b = b, winner = WINNERS[verdict.winner] and verdict.winner or "unparsed",
    scores = { a = number(scores.a), b = number(scores.b) }, flip = verdict.flipped == true and (present(verdict.flip)
    or "side") or nil, swapped = present(verdict.flipped) ~= nil, problem = present(verdict.problem),
    identical = verdict.identical == true or nil, orders = present(verdict.orders), votes = present(verdict.votes),
    said = list_of(present(verdict.evidence)) }
end

-- ---- records of judgements ----

local VERDICT = { id = true, evaluator = true, models = true, a = true, b = true, winner = true, scores = true,
  votes = true, orders = true, flipped = true, flip = true, identical = true, problem = true, evidence = true }

local function same_names(x, y) return x.a == y.a and x.b == y.b end

--- Verdicts on one row of a dataset: of all evaluators, on the same two candidates.
local function of_verdicts(verdicts, texts)
  local first = verdicts:next()
  if not first then return nil end
  local list = { first }
  while verdicts:peek() and join.key(verdicts.row.id) == join.key(first.id) and same_names(verdicts.row, first) do
    list[#list + 1] = verdicts:next()
  end
  local named = { a = present(first.a) and as_text(first.a), b = present(first.b) and as_text(first.b) }
  local found = texts and texts(first.id, named.a, named.b) or {}
  local record = { id = first.id, prompt = readable(found.prompt), judgements = {}, pairs = {},
    human = present(first.human) and as_text(first.human) or found.human, more = more_of(first, VERDICT),
    candidates = { { name = named.a or "A", text = readable(found.a) },
      { name = named.b or "B", text = readable(found.b) } } }
  for i, verdict in ipairs(list) do record.judgements[i] = judgement_of(verdict, 1, 2) end
  return record
end

-- ---- records of responses ----

local ANSWER = { id = true, prompt = true, model = true, sample = true, response = true, cut = true, reasoning = true,
  responses = true, feedback = true, models = true }

--- Answers of models to one prompt, a line each.
local function of_answers(responses)
  local first = responses:peek()
  local record = { id = first.id, prompt = readable(first.prompt), candidates = {}, judgements = {}, pairs = {},
    more = more_of(first, ANSWER) }
  for i, row in ipairs(responses:of(first.id)) do
    local model, sample = present(row.model), present(row.sample)
    local name = model and as_text(model) or ("response %d"):format(i)
    if sample and sample ~= 1 then name = ("%s, sample %s"):format(name, as_text(sample)) end
    record.candidates[i] = { name = name, by = model and as_text(model), text = readable(row.response),
      thoughts = present(row.reasoning) and as_text(row.reasoning), cut = row.cut == true or nil }
  end
  return record
end

--- The candidates that branches off the loop add, by the names that verdicts call them.
local function add_branches(record, numbers, branches)
  local function add(name, text)
    record.candidates[#record.candidates + 1] = { name = name, text = readable(text) }
    numbers[name] = #record.candidates
  end
  for _, branch in ipairs(branches) do
    for i, text in ipairs(list_of(branch.revisions)) do add(("round_%s.revision_%d"):format(branch.round, i), text) end
    for i, review in ipairs(list_of(branch.reviews)) do
      add(("round_%s.review_%d"):format(branch.round, i), list_of(review).revision)
    end
  end
end

--- A line of scores.jsonl.
local function rating_of(row, candidate)
  local criteria = {}
  for i, each in ipairs(list_of(present(row.criteria))) do
    criteria[i] = { as_text(list_of(each).name or "?"), json.tonumber(list_of(each).weight) or 1,
      present(list_of(each).value) }
  end
  return { by = by_of(row), candidate = candidate, score = json.tonumber(present(row.score)),
    problem = present(row.problem), criteria = criteria, said = list_of(present(row.evidence)) }
end

--- Takes in what a ranking by scores says of the candidates.
local function add_ratings(record, numbers, scores)
  for _, row in ipairs(scores) do
    local number = numbers[row.response]
    if number then
      record.ratings = record.ratings or {}
      record.ratings[#record.ratings + 1] = rating_of(row, number)
      record.candidates[number].score = record.ratings[#record.ratings].score
    end
  end
end

--- The candidates of one line of responses.jsonl, and their numbers by the names that other files call them.
local function candidates_of(row)
  local list, numbers, cut, models = {}, {}, {}, list_of(present(row.models))
  for _, number in ipairs(list_of(present(row.cut))) do cut[number] = true end
  for i, text in ipairs(list_of(row.responses)) do
    local by = present(models[i]) and as_text(models[i]) or nil
    list[i] = { name = ("response %d%s"):format(i, by and ", " .. by or ""), by = by, text = readable(text),
      cut = cut[i] }
    numbers["response_" .. i] = i
  end
  return list, numbers
end

--- The answers to one prompt, in one line, and what other files have of them.
local function of_loop(files)
  local row = files.responses:next()
  local candidates, numbers = candidates_of(row)
  local record = { id = row.id, prompt = readable(row.prompt), candidates = candidates, judgements = {}, pairs = {},
    feedback = present(row.feedback), more = more_of(row, ANSWER) }
  add_branches(record, numbers, files.branches:of(row.id))
  add_ratings(record, numbers, files.scores:of(row.id))
  for _, verdict in ipairs(files.verdicts:of(row.id)) do
    local a, b = numbers[verdict.a], numbers[verdict.b]
    if a and b then record.judgements[#record.judgements + 1] = judgement_of(verdict, a, b) end
  end
  for _, pair in ipairs(files.pairs:of(row.id)) do
    local of_single = pair.set == nil or pair.set == "single"
    if of_single and record.candidates[pair.chosen] and record.candidates[pair.rejected] then
      record.pairs[#record.pairs + 1] = { chosen = pair.chosen, rejected = pair.rejected,
        margin = json.tonumber(present(pair.margin)), scores = present(pair.scores) }
    end
  end
  return record
end

-- ---- records of prompts ----

local PROMPT = { id = true, prompt = true }

--- A prompt that was made.
local function of_prompts(prompts)
  local row = prompts:next()
  return row and { id = row.id, prompt = readable(row.prompt), candidates = {}, judgements = {}, pairs = {},
    more = more_of(row, PROMPT) }
end

-- ---- a folder ----

--- Which kind of rows a folder holds; nil when there are none that a report shows.
---@param folder string
---@return "loop"|"answers"|"verdicts"|"prompts"|nil
function records.kind(folder)
  local responses <close> = cursor(folder .. "/responses.jsonl")
  local first = responses:peek()
  if first then return type(first.responses) == "table" and present(first.response) == nil and "loop" or "answers" end
  local verdicts <close> = cursor(folder .. "/verdicts.jsonl")
  if verdicts:peek() then return "verdicts" end
  local prompts <close> = cursor(folder .. "/prompts.jsonl")
  return prompts:peek() and "prompts" or nil
end

--- The records of a folder, one after the other. Use it with <close>.
---@param folder string
---@param texts? fellowship.report.Texts finds what was judged, where verdicts alone are in the folder
---@return { next: fun(): fellowship.report.Record? }
function records.open(folder, texts)
  local files = {}
  for _, name in ipairs { "responses", "verdicts", "scores", "pairs", "branches", "prompts" } do
    files[name] = cursor(("%s/%s.jsonl"):format(folder, name))
  end
  local kind = records.kind(folder)
  local function next_record()
    if kind == "loop" then return files.responses:peek() and of_loop(files) or nil end
    if kind == "answers" then return files.responses:peek() and of_answers(files.responses) or nil end
    if kind == "prompts" then return of_prompts(files.prompts) end
    return kind and of_verdicts(files.verdicts, texts) or nil
  end
  return setmetatable({ next = next_record }, { __close = function()
    for _, file in pairs(files) do Cursor.__close(file) end
  end })
end

return records
