-- LLM Debate: referees discuss two responses in turns, then each scores both; the debate's scores are the
-- means (arXiv 2408.08688, after ChatEval, arXiv 2308.07201).

local check = require "fellowship.base.check"
local conversation = require "fellowship.dataset.conversation"
local prompts = require "fellowship.judge.prompts"
local template = require "fellowship.base.template"
local flow = require "fellowship.flow"
local model = require "fellowship.call.model"
local asking = require "fellowship.judge.ask"
local evidence = require "fellowship.judge.evidence"
local pairs_of = require "fellowship.judge.pair"
local verdict = require "fellowship.judge.verdict"
local vote = require "fellowship.judge.vote"

local debate = {}

debate.roles = { "General Public", "Psychologist", "Critic" }

---@class fellowship.Debate
---@field models string[]
local Debate = {}
Debate.__index = Debate
Debate.__name = "fellowship.Debate"

local option_types = { model = "string|table?", models = "table?", roles = "table?", rounds = "integer?",
  scale = "integer?", stop_early = "boolean?", again = "string?" }

--- A referee: its name and what it looks at.
local function referee_of(role, default_texts)
  if type(role) == "string" then return { name = role, view = default_texts[role] or "" } end
  if type(role) == "table" and type(role.name) == "string" then return { name = role.name, view = role.view or "" } end
  error("a debate's role is a name, or { name =, view = what the referee looks at }", 3)
end

--- A debate. Referees are General Public, Psychologist and Critic, in that order, unless told otherwise; all are
--- one model, or `models` has one for each. Temperature 0 unless a model's parameters say otherwise. `again = "unparsed"`
--- asks anew for a final statement that could not be read.
--- Example: `local d = fellowship.debate { model = "openai:gpt-4o", rounds = 2 }`
---@param options string|fellowship.Model|{ model: string?, models: string[]?, roles: table?, rounds: integer?, scale: integer?, stop_early: boolean?, again: "unparsed"|nil }
---@return fellowship.Debate
function debate.new(options, ...)
  check.no_more("debate", "a model, or one table with the model and the options", ...)
  if type(options) == "string" or model.is(options) then options = { model = options } end
  check.options("debate", options, option_types)
  check.choice("debate's again", options.again or "unparsed", { "unparsed" })
  local roles = options.roles or debate.roles
  if #roles < 1 then error("debate needs at least one role", 2) end
  if (options.model == nil) == (options.models == nil) then error("debate needs either model or models", 2) end
  if options.models and #options.models ~= #roles then
    error(("debate has %d roles and %d models; give each role one"):format(#roles, #options.models), 2)
  end
  local rounds = options.rounds or 2
  if rounds < 1 then error("debate's rounds must be 1 or more", 2) end
  local self = { referees = {}, models = {}, rounds = rounds, scale = options.scale or 10,
    stop_early = options.stop_early or false, again = options.again ~= nil }
  for i, role in ipairs(roles) do
    local referee = referee_of(role, prompts.get "referees")
    local given = model.new(options.models and options.models[i] or options.model)
    referee.model, referee.warm = given:with_defaults { temperature = 0 }, given:with_defaults { temperature = 0.7 }
    self.referees[i] = referee
    if options.models or i == 1 then self.models[#self.models + 1] = referee.model.named end
  end
  return setmetatable(self, Debate)
end

--- What has been said so far, each turn with its speaker's name.
local function discussion(turns)
  if #turns == 0 then return "Nothing has been said yet." end
  local parts = {}
  for i, turn in ipairs(turns) do parts[i] = ("[%s]\n%s"):format(turn.role, turn.text) end
  return table.concat(parts, "\n\n")
end

--- A referee's request; its name comes last.
local function request(self, name, referee, pair, turns)
  local names = {}
  for i, r in ipairs(self.referees) do names[i] = r.name end
  return template.fill(prompts.get("debate")[name], { prompt = pair.prompt, response_a = pair.a, response_b = pair.b,
    discussion = discussion(turns), referees = table.concat(names, ", "), view = referee.view, role = referee.name,
    scale = self.scale, leaning = self.stop_early and prompts.get("debate").leaning or "",
    reference = pair.reference
      and template.fill(prompts.get("judge").reference, { reference = pair.reference }) or "" })
end

--- Where the turns end in a request: later ones begin with the same.
local function ends_of(text, turns)
  local said = discussion(turns)
  local from = text:find(said, 1, true)
  if not from then return nil end
  local ends = { from - 1 }
  for i, turn in ipairs(turns) do
    ends[i + 1] = ends[i] + #("[%s]\n%s"):format(turn.role, turn.text) + (i > 1 and #"\n\n" or 0)
  end
  return ends
end

--- Whether all who spoke in the round that just ended lean to the same verdict.
local function all_agree(self, pair, turns)
  local first
  for i = #turns - #self.referees + 1, #turns do
    local found = verdict.parse(turns[i].text, { strategy = "direct", candidates = { pair.a, pair.b, pair.prompt,
      pair.reference } })
    if not found or (first and found.winner ~= first) then return false end
    first = found.winner
  end
  return true
end

local function hold(self, pair, sample)
  local turns = {}
  for round = 1, self.rounds do
    for _, referee in ipairs(self.referees) do
      local text = request(self, "turn", referee, pair, turns)
      local asked = pair.images and { { role = "user", content = conversation.with_images(text, pair.images) } } or text
      local completion = referee.model:ask(asked, { sample = sample, how = { cuts = ends_of(text, turns) } })
      local turn = evidence.of(referee.model, completion)
      turn.role, turn.round = referee.name, round
      turns[#turns + 1] = turn
    end
    if self.stop_early and all_agree(self, pair, turns) then break end
  end
  return turns
end

--- A referee's final statement, or two when the first could not be read: the last one counts.
local function final(self, referee, pair, turns, sample)
  local again = template.fill(prompts.get("debate").again, { scale = self.scale, role = referee.name })
  local found, said, problem, kind = asking.anew(referee.model, self.again and referee.warm or nil,
    request(self, "final", referee, pair, turns), again,
    { strategy = "combined", scale = self.scale, shown = { pair.a, pair.b, pair.prompt, pair.reference },
      images = pair.images }, sample)
  for i, statement in ipairs(said) do
    statement.role, statement.final, statement.winner = referee.name, true, "unparsed"
    if i == #said then
      statement.scores, statement.winner = found and found.scores, found and found.winner or "unparsed"
      statement.problem, statement.problem_kind = problem, kind
    end
  end
  return said
end

--- Compares two responses: the referees speak in their order for the rounds, each seeing all that was said, then
--- each scores. The winner has the higher mean; a final statement that cannot be read leaves it "unparsed".
--- Example:
---     local verdict = debate:compare(pair)
---     for _, turn in ipairs(verdict.evidence) do print(turn.role, turn.text) end
---@param pair table as fellowship.Judge.compare
---@return fellowship.Verdict
function Debate:compare(pair, ...)
  check.method(self, Debate, "debate:compare")
  check.no_more("compare", "one table, the pair", ...)
  local read = pairs_of.read(pair)
  local same = pairs_of.identical(read)
  if same then
    same.evaluator, same.models = "debate", self.models
    return same
  end
  local turns = hold(self, read, read.sample)
  local asks = {}
  for i, referee in ipairs(self.referees) do
    asks[i] = function() return final(self, referee, read, turns, read.sample) end
  end
  local finals = {}
  for i, statements in ipairs { flow.all(table.unpack(asks)) } do
    finals[i] = statements[#statements]
    table.move(statements, 1, #statements, #turns + 1, turns)
  end
  local readable = #vote.parsed(finals) == #finals
  local scores = readable and vote.mean_scores(finals) or nil
  local found = { evaluator = "debate", models = self.models, winner = vote.by_scores(scores), scores = scores or {},
    evidence = turns }
  if not readable then found.problem, found.problem_kind = vote.problem(finals) end
  return found
end

return debate
