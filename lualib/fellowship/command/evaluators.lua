-- Evaluators by the name of their method, as command lines give them, and their verdicts as rows.

local json = require "fellowship.core.json"
local check = require "fellowship.base.check"
local model = require "fellowship.call.model"
local both_orders = require "fellowship.judge.both_orders"
local debate = require "fellowship.judge.debate"
local judge = require "fellowship.judge.judge"
local jury = require "fellowship.judge.jury"
local jury_weights = require "fellowship.command.jury_weights"

local method = {}

method.names = { "judge", "jury", "debate" }

--- A model of the command line, with --system.
local function model_of(name, o)
  local made = model.new(name)
  return o.system and made:with_system(o.system) or made
end

local function judges(o)
  local list = {}
  for i, name in ipairs(o.models) do
    list[i] = judge.new { model = model_of(name, o), strategy = o.strategy, scale = o.scale, swap = o.swap,
      samples = o.samples, structured = o.structured, logprobs = o.logprobs, again = o.again }
  end
  return list
end

--- Whether a method's name is the path of a file that makes an evaluator.
---@param name string
---@return boolean
function method.is_file(name)
  return name:match "%.lua$" ~= nil
end

--- The evaluators that a user's file returns: one (a table with the method compare), a list, or a function of the
--- options that gives either.
local function from_file(path, o)
  local chunk, problem = loadfile(path, "t")
  if not chunk then error(problem, 0) end
  local made = chunk()
  if type(made) == "function" then made = made(o) end
  if type(made) == "table" and type(made.compare) == "function" then made = { made } end
  if type(made) ~= "table" or #made == 0 then
    error(path .. ": must return an evaluator (a table with the method compare) or a function that makes one", 0)
  end
  for i, evaluator in ipairs(made) do
    if type(evaluator) ~= "table" or type(evaluator.compare) ~= "function" then
      error(("%s: evaluator %d has no method compare"):format(path, i), 0)
    end
    evaluator.models = evaluator.models or { path }
  end
  return made
end

local function debates(o)
  if o.referees then
    local referees = {}
    for i, name in ipairs(o.referees) do referees[i] = model_of(name, o) end
    return { debate.new { models = referees, rounds = o.rounds, scale = o.scale, again = o.again } }
  end
  local list = {}
  for i, name in ipairs(o.models) do
    list[i] = debate.new { model = model_of(name, o), rounds = o.rounds, scale = o.scale, again = o.again }
  end
  return list
end

--- The same evaluators, each asked in both orders.
local function swapped(list)
  for i, evaluator in ipairs(list) do list[i] = both_orders(evaluator) end
  return list
end

--- The evaluators of a method: judges, one for each model; one jury of all models; debates, one for each model, or
--- one whose referees are the given models; or those of a user's file.
---@param name "judge"|"jury"|"debate"|string
---@param o { models: string[], strategy: string?, scale: integer?, swap: boolean?, samples: integer?, structured: boolean?, logprobs: boolean?, again: string?, vote: string?, weights: string?, rounds: integer?, referees: string[]? }
---@return table[] evaluators each with compare and models
function method.evaluators(name, o)
  if name == "judge" then return judges(o) end -- judges swap by themselves, sample by sample
  if name == "jury" then
    local members = judges(o)
    members.vote = o.vote
    if o.weights then
      if o.vote == "mean" then error("--weights: --vote mean takes scores, which have no weights", 0) end
      members.vote, members.weights = "weighted", jury_weights.read(o.weights, o.models)
    end
    return { jury.new(members) }
  end
  local list = method.is_file(name) and from_file(name, o) or name == "debate" and debates(o)
  check.choice("method", list and "debate" or name, method.names)
  return o.swap and swapped(list) or list
end

--- The options that scripts with evaluators declare, in the form of fellowship.command.options.
---@return table[]
function method.options()
  return {
    { "model", type = "model", many = true, metavar = "M", help = "a model that evaluates" },
    { "system", group = "judging", type = "text", metavar = "FILE|TEXT", help = "a system prompt for who evaluates" },
    { "strategy", group = "judging", type = "choice", choices = judge.strategies, default = "combined",
      help = "how a judge is asked" },
    { "scale", group = "judging", type = "integer", default = 10, least = 2, metavar = "N",
      help = "scores go from 1 to N" },
    { "swap", group = "judging", type = "flag", help = "judge in both orders; disagreeing verdicts are a tie" },
    { "samples", group = "judging", type = "integer", default = 1, least = 1, metavar = "N",
      help = "judgements of each judge, by mode" },
    { "vote", group = "judging", type = "choice", choices = { "mode", "mean" }, default = "mode",
      help = "how a jury's votes are counted" },
    { "weights", group = "judging", type = "text", metavar = "FILE|N,N,N",
      help = "what a jury's votes weigh: numbers, or the results.json of evaluate" },
    { "structured", group = "judging", type = "flag", help = "a judge's verdict through a JSON schema" },
    { "logprobs", group = "judging", type = "flag",
      help = "a judge's scores as expected ones, by the log-probabilities of its tokens" },
    { "again", group = "judging", type = "choice", choices = { "unparsed" }, result = false,
      help = "ask anew for what could not be read, for another sample" },
    { "rounds", group = "debate", type = "integer", default = 2, least = 1, metavar = "N",
      help = "rounds of a debate" },
    { "referees", group = "debate", type = "model", list = true, metavar = "M,M,M",
      help = "models of a debate's referees, one each" },
  }
end

--- What those options mean for method.evaluators.
---@param values table<string, any>
---@return table
function method.read(values)
  local referees
  if values.referees then
    referees = {}
    for name in values.referees:gmatch "[^,]+" do referees[#referees + 1] = name end
  end
  return { models = values.model or {}, strategy = values.strategy, scale = values.scale, swap = values.swap,
    samples = values.samples, vote = values.vote, weights = values.weights, rounds = values.rounds, referees = referees,
    structured = values.structured, logprobs = values.logprobs, again = values.again, system = values.system }
end

local VERDICT_KEYS = { "id", "evaluator", "models", "a", "b", "winner", "scores", "votes", "orders", "flipped", "flip",
  "identical", "problem", "evidence" }

--- A verdict as a row of verdicts.jsonl.
---@param id any
---@param verdict fellowship.Verdict
---@param names? { a: string, b: string } what was compared
---@return table
function method.row(id, verdict, names)
  return json.object({ id = id, evaluator = verdict.evaluator, models = json.array(verdict.models),
    a = names and names.a, b = names and names.b, winner = verdict.winner,
    scores = json.object(verdict.scores or {}), votes = verdict.votes, orders = verdict.orders,
      flipped = verdict.flipped,
    flip = verdict.flip, identical = verdict.identical, problem = verdict.problem_kind,
    evidence = json.array(verdict.evidence or {}) }, VERDICT_KEYS)
end

return method
