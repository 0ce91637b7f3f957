-- Several generators side by side, each asked for several samples: all their responses to a prompt. It is a generator
-- itself, so that it goes wherever a model or a loop does.

local check = require "fellowship.base.check"
local errors = require "fellowship.base.errors"
local flow = require "fellowship.flow"
local feedback = require "fellowship.generate.feedback"
local model = require "fellowship.call.model"

local candidates = {}

---@class fellowship.Candidates
---@field generators table[] each with respond
---@field samples integer
---@field models string[] as they were named
local Candidates = {}
Candidates.__index = Candidates
Candidates.__name = "fellowship.Candidates"

local option_types = { generators = "table", samples = "integer?", temperature = "number?" }

--- A generator of the list: a model's name, a model, a loop, or whatever has respond.
local function generator_of(given, temperature, i)
  if type(given) == "string" or model.is(given) then
    local made = model.new(given)
    return temperature and made:with_defaults { temperature = temperature } or made
  end
  if type(given) == "table" and type(given.respond) == "function" then return given end
  error(("candidates' generator %d is neither a model nor has it the method respond"):format(i), 3)
end

--- How a generator is named in outputs.
local function name_of(generator)
  if model.is(generator) then return generator.named end
  if feedback.is(generator) then return generator.generator.named end
  return generator.models and generator.models[1] or "?"
end

--- Several generators as one: each answers a prompt `samples` times.
--- Example:
---     local all = fellowship.candidates { generators = { "sim:one", "sim:two" }, samples = 2 }
---     print(#all:respond("Name a river.").responses) --> 4
---@param options { generators: (string|fellowship.Model|table)[], samples: integer?, temperature: number? } models, loops, or whatever has the method respond; the temperature is that of models which were given none
---@return fellowship.Candidates
function candidates.new(options, ...)
  check.no_more("candidates", "one table of options", ...)
  check.options("candidates", options, option_types)
  local samples = options.samples or 1
  if samples < 1 then error("candidates' samples must be 1 or more", 2) end
  if #options.generators == 0 then error("candidates need at least one generator", 2) end
  local self = { generators = {}, models = {}, samples = samples }
  for i, given in ipairs(options.generators) do
    self.generators[i] = generator_of(given, options.temperature, i)
    self.models[i] = name_of(self.generators[i])
  end
  return setmetatable(self, Candidates)
end

--- What one generator gave, at the end of all.
local function take(all, got, named, sample)
  local first = #all.responses
  for n, text in ipairs(got.responses) do
    local at = first + n
    all.responses[at], all.cut[at], all.models[at], all.samples[at] = text, got.cut[n], named, sample
    all.feedback[at] = (got.feedback or {})[n] or false
    all.scores[at] = got.scores and got.scores[n] or false
  end
end

--- All responses to a prompt: by generator, then by sample, then as each gives them. Where one fails, `problems` says so and
--- the others stand; where all fail, the first error is raised, and so is one that ends the run.
--- Example: `print(fellowship.candidates({ generators = { "sim:one" } }):respond("Name a river.").models[1]) --> sim:one`
---@param prompt string|fellowship.Message[]
---@param options? { sample: integer? } which of several such answers
---@return { text: string, responses: string[], cut: table<integer, boolean>, models: string[], samples: integer[], feedback: (string[]|false)[], scores: ((number|false)[]|false)[], problems: { model: string, sample: integer, error: fellowship.Error }[] } of each response: who gave it, for which sample, and what reviewers said of it and scored
function Candidates:respond(prompt, options, ...)
  check.method(self, Candidates, "candidates:respond")
  check.no_more("respond", "a prompt and a table of options", ...)
  if options then check.options("respond", options, { sample = "integer?" }) end
  local asks, first = {}, ((options and options.sample or 1) - 1) * self.samples
  for i, generator in ipairs(self.generators) do
    for sample = 1, self.samples do
      asks[#asks + 1] = function()
        local well, got = pcall(generator.respond, generator, prompt, { sample = first + sample })
        local problem = not well and errors.from(got) or nil
        if problem and problem.fatal then error(problem, 0) end
        return { named = self.models[i], sample = sample, got = well and got, problem = problem }
      end
    end
  end
  local all = { responses = {}, cut = {}, models = {}, samples = {}, feedback = {}, scores = {}, problems = {} }
  for _, one in ipairs(flow.all(asks)) do
    if one.got then take(all, one.got, one.named, one.sample)
    else all.problems[#all.problems + 1] = { model = one.named, sample = one.sample, error = one.problem } end
  end
  if #all.responses == 0 then error(all.problems[1].error, 0) end
  all.text = all.responses[#all.responses]
  return all
end

return candidates
