-- Where the candidates of `run preference` come from: one loop as in the paper, or any number of models and loops, each
-- with samples, and responses that a file has.

local held = require "fellowship.dataset.responses"
local errors = require "fellowship.base.errors"
local feedback = require "fellowship.generate.feedback"
local generators = require "fellowship.generate.candidates"
local model = require "fellowship.call.model"
local reading = require "fellowship.dataset.reading"

local candidates = {}

-- At temperature 0, which a loop has, several samples of it are as good as one.
local SAMPLING = 0.7

---@class fellowship.CandidateSource
---@field loop fellowship.Loop? where one loop gives all of them
---@field all fellowship.Candidates?
---@field file fellowship.ResponseFile?
---@field generators fellowship.Model[] as they are asked
---@field reviewers fellowship.Model[]
---@field models string[] the generators as they were named
local Source = {}
Source.__index = Source

--- The options that say where candidates come from, in the form of fellowship.command.options.
---@return table[]
function candidates.options()
  return {
    { "generator", type = "model", many = true, alone = true, metavar = "M",
      help = "a model that answers, and revises" },
    { "system", group = "sampling", type = "text", metavar = "FILE|TEXT", help = "a system prompt for the generators" },
    { "reviewer", type = "model", many = true, metavar = "M", help = "a model that criticises" },
    { "responses", type = "integer", default = 3, least = 2, metavar = "N|FILE", elsewhere = "response-file",
      help = "of a loop to a prompt; or a file of responses" },
    { "response-file", group = "sampling", type = "data", metavar = "FILE",
      help = "the same file, beside --responses N: a list in each row, several columns, or a row for each" },
    { "response-columns", group = "sampling", type = "string", metavar = "A,B,...",
      help = "the columns of that file that hold responses (default responses, completions, response_1, ...)" },
    { "samples", group = "sampling", type = "integer", least = 1, metavar = "N",
      help = "how often each generator, or its loop, answers (default 1)" },
    { "temperature", group = "sampling", type = "number", least = 0, metavar = "T",
      help = "of generators whose name says none" },
    { "until", group = "sampling", type = "number", least = 1, most = 10, metavar = "SCORE",
      help = "end a loop once its reviewers score a response so high, out of 10" },
  }
end

--- A usage error when the command line asks for candidates that cannot be.
---@param run fellowship.Run
function candidates.check(run)
  local o = run.options
  local named, file = o.generator or {}, o["response-file"]
  if #named == 0 and not file then
    run:usage("--generator M is missing: a model that answers and revises; or --responses FILE with what is there")
  end
  if #named == 0 and (o.reviewer or o.samples or o.temperature or o["until"]) then
    run:usage("--reviewer, --samples, --temperature and --until say how a --generator answers, and there is none")
  end
  if o["until"] and not o.reviewer then run:usage "--until needs a --reviewer who scores" end
  if o["response-columns"] and not file then run:usage "--response-columns are those of --responses FILE" end
  local seen = {}
  for _, name in ipairs(named) do
    if seen[name] then run:usage(("--generator %s is given twice; --samples N asks it N times"):format(name)) end
    seen[name] = true
  end
  if #named == 1 and not (o.reviewer or file or (o.samples or 1) > 1) and not o.also then
    run:usage("one response to a prompt makes no pair: give --reviewer M for a loop, --samples N, another --generator, "
      .. "or --responses FILE")
  end
end

--- The generators as models, with --system and --temperature.
local function models_of(run, o)
  local list, warm = {}, o.temperature
  if not warm and o.reviewer and (o.samples or 1) > 1 then
    warm = SAMPLING
    run.tell(("the loop's generators are asked at temperature %s, for samples that differ"):format(warm))
  end
  for i, name in ipairs(o.generator or {}) do
    local made = model.new(name)
    if warm then made = made:with_defaults { temperature = warm } end
    list[i] = o.system and made:with_system(o.system) or made
  end
  return list
end

local function file_of(run, o)
  local columns
  if o["response-columns"] then
    columns = {}
    for name in o["response-columns"]:gmatch "[^,]+" do columns[#columns + 1] = name end
  end
  local name = type(o["response-file"]) == "table" and table.concat(o["response-file"], ", ") or o["response-file"]
  local given = reading.new { columns = { id = o["id-column"] }, options = { id = "id-column",
    response = "response-columns" }, tell = function(said) run.tell(("%s: %s"):format(name, said)) end }
  return held.read(run:rows("response-file", nil, true), { columns = columns, reading = given, name = name })
end

--- Opens the source that the command line asks for.
---@param run fellowship.Run
---@return fellowship.CandidateSource
function candidates.open(run)
  local o = run.options
  local self = setmetatable({ generators = models_of(run, o), reviewers = {} }, Source)
  local makers = self.generators
  if o.reviewer then
    makers = {}
    for i, generator in ipairs(self.generators) do
      makers[i] = feedback.new { generator = generator, reviewers = o.reviewer, responses = o.responses,
        ["until"] = o["until"] }
      self.generators[i] = makers[i].generator
    end
    for i, reviewer in ipairs(makers[1].reviewers) do self.reviewers[i] = reviewer.model end
  end
  self.models = o.generator or {}
  if o["response-file"] then self.file = file_of(run, o) end
  self.scored = o["until"] ~= nil
  if #makers == 1 and o.reviewer and not self.file and (o.samples or 1) == 1 then
    self.loop = makers[1]
  elseif #makers > 0 then
    self.all = generators.new { generators = makers, samples = o.samples }
  end
  return self
end

---@class fellowship.Made the candidates of a row
---@field responses string[]
---@field cut table<integer, boolean>
---@field feedback table? by response, where there are reviewers
---@field models (string|nil)[]? who wrote each, where there are several
---@field scores table? what reviewers said that each is worth
---@field problems { model: string, sample: integer, error: fellowship.Error }[]
---@field result fellowship.Responses? of the one loop

--- What the file has for a row.
local function given_for(self, id)
  local made = { responses = {}, cut = {}, feedback = {}, models = {}, scores = {}, problems = {} }
  for i, given in ipairs(self.file and self.file:find(id) or {}) do
    made.responses[i], made.models[i] = given.text, given.model or false
    made.feedback[i], made.scores[i] = false, false
  end
  if self.file and #made.responses == 0 and not self.all then
    errors.raise { kind = "data", message = ("%s has no response to the prompt with the id %s"):format(self.file.name,
      tostring(id)) }
  end
  return made
end

--- The candidates of a row. Raises an error that fails the row.
---@param id any the row's
---@param prompt string|fellowship.Message[]
---@return fellowship.Made
function Source:of(id, prompt)
  if self.loop then
    local result = self.loop:respond(prompt)
    return { responses = result.responses, cut = result.cut, feedback = result.feedback, problems = {},
      scores = self.scored and result.scores or nil, result = result }
  end
  local made = given_for(self, id)
  if not self.scored then made.scores = nil end
  if not self.reviewers[1] then made.feedback = nil end
  if not self.all then return made end
  local well, got = pcall(self.all.respond, self.all, prompt)
  if not well then
    if #made.responses == 0 then error(got, 0) end
    local problem = errors.from(got)
    if problem.fatal then error(problem, 0) end
    made.problems[1] = { model = problem.model or "?", sample = 1, error = problem }
    return made
  end
  local before = #made.responses
  for i, text in ipairs(got.responses) do
    local at = before + i
    made.responses[at], made.cut[at], made.models[at] = text, got.cut[i], got.models[i]
    if made.feedback then made.feedback[at] = got.feedback[i] end
    if made.scores then made.scores[at] = got.scores[i] end
  end
  made.problems = got.problems
  return made
end

return candidates
