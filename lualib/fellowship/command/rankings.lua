-- Rankings by their name on the command line, and what they found as rows.

local json = require "fellowship.core.json"
local model = require "fellowship.call.model"
local errors = require "fellowship.base.errors"
local file = require "fellowship.base.file"
local judge = require "fellowship.judge.judge"
local ranking = require "fellowship.preference.ranking"
local rubric = require "fellowship.judge.rubric"

local rankings = {}

--- The criteria that --rubric names: a name that is known, or a file's. Their content is what tells runs apart.
local function criteria_of(run, given)
  if given == nil or rubric.known[given] or given == rubric.SELF then return given end
  local said, problem = file.read(given)
  if not said then
    run:usage(("--rubric %s is neither ultrafeedback nor checklist, and no file that can be read: %s"):format(given,
      tostring(problem)))
  end
  local well, found = pcall(rubric.read, said, "score", given)
  if not well then run:usage(tostring(found)) end
  return found
end

--- The rubric that a row has: its criteria, in the field `rubric`, or in `checklist` as questions of yes or no. Raises an
--- error that fails the row where they cannot be used.
---@param run fellowship.Run
---@param row table
---@param number integer
---@return fellowship.Criterion[]?
function rankings.criteria(run, row, number)
  if run.options.rank ~= "rubric" then return nil end
  for _, column in ipairs { { "rubric", "score" }, { "checklist", "yes/no" } } do
    local value = run:field(row, column[1])
    if value ~= nil then return rubric.read(value, column[2], run:origin(row, number)) end
  end
  if run.options.rubric then return nil end
  errors.raise { kind = "data", message = ("%s: the row has no rubric and no checklist, and --rubric gives none")
    :format(run:origin(row, number)) }
end

--- The options that say how candidates are ranked, in the form of fellowship.command.options.
---@return table[]
function rankings.options()
  return {
    { "judge", type = "model", metavar = "M", help = "the model that compares or scores responses" },
    { "rank", group = "judging", type = "choice", choices = ranking.names, metavar = "HOW",
      help = "how responses are put in order; ladder when not given" },
    { "rubric", group = "judging", type = "string", metavar = "NAME|FILE",
      help = "criteria of --rank rubric, for rows without a rubric or checklist: ultrafeedback, checklist (the judge "
        .. "writes one for each prompt), or a file of JSON or lines" },
    { "judge-samples", group = "judging", type = "integer", least = 1, metavar = "N",
      help = "judgements of each comparison or response (default 1)" },
  }
end

--- Whether a ranking gives each response a score of its own.
---@param name string
---@return boolean
function rankings.is_scored(name)
  return name ~= "ladder" and name ~= "round-robin"
end

local function check_options(run, o, name)
  if o.structured and o.logprobs then run:usage "--logprobs needs scores in lines, not --structured ones" end
  if o.rubric and name ~= "rubric" then run:usage "--rubric is that of --rank rubric" end
  if o.logprobs and rankings.is_scored(name) and name ~= "scores" then
    run:usage(("--logprobs are those of a judge's scores, not of --rank %s"):format(name))
  end
  if not o.judge then run:usage "--judge M is missing: the model that compares or scores responses" end
  if o.pairs == "sweet-spot" and not rankings.is_scored(name) then
    run:usage("--pairs sweet-spot needs a score of each response: --rank scores, say")
  end
  if o.swap and rankings.is_scored(name) then
    run:usage(("--swap asks in both orders, and --rank %s shows one response alone"):format(name))
  end
end

--- The ranking that the command line asks for; a usage error when it asks for what cannot be.
---@param run fellowship.Run
---@return table ranking with rank
---@return table? judge who was asked
function rankings.open(run)
  local o = run.options
  local name = o.rank or "ladder"
  check_options(run, o, name)
  if name == "reward" then
    local rated = model.new(o.judge)
    return ranking.reward(rated), { model = rated }
  end
  local made = judge.new { model = o.judge, scale = o.scale, swap = o.swap, structured = o.structured,
    logprobs = o.logprobs, samples = o["judge-samples"] }
  if name == "rubric" then
    local scorer = rubric.new { model = o.judge, criteria = criteria_of(run, o.rubric), samples = o["judge-samples"],
      scale = o.scale ~= 10 and o.scale or nil, structured = o.structured }
    return ranking.rubric(scorer), scorer
  end
  if name == "scores" then return ranking.scores(made), made end
  return name == "ladder" and ranking.ladder(made) or ranking.round_robin(made), made
end

local RATING_KEYS = { "id", "ranking", "models", "response", "by", "score", "scores", "label", "criteria", "problem",
  "evidence" }

--- What is said of one response, as a row of scores.jsonl.
---@param id any
---@param name string the ranking's
---@param n integer which response
---@param by string|false|nil who wrote it
---@param rating fellowship.Rating
---@return table
function rankings.row(id, name, n, by, rating)
  return json.object({ id = id, ranking = name, models = json.array(rating.models), response = "response_" .. n,
    by = by or nil, score = rating.score == nil and json.null or rating.score,
    scores = rating.scores and #rating.scores > 1 and json.array(rating.scores) or nil, label = rating.label,
    criteria = rating.criteria and json.array(rating.criteria) or nil, problem = rating.problem_kind,
    evidence = json.array(rating.evidence or {}) }, RATING_KEYS)
end

--- Counts what was said of one response.
---@param outcome fellowship.Outcome
---@param id any
---@param rating fellowship.Rating
function rankings.count(outcome, id, rating)
  local scored = rating.score ~= nil
  outcome:count "scores"
  if scored then return outcome:share("without a score", "scores", false) end
  outcome:part("scores", "without a score")
  outcome:part("scores", rating.problem_kind or "unparsed")
  outcome:share("without a score", "scores", true, ("row %s: %s"):format(tostring(id), tostring(rating.problem)),
    "what was said is in scores.jsonl, and failed calls in errors.jsonl")
end

return rankings
