-- Prompts out of prompts, by the moves of Evol-Instruct (WizardLM, arXiv 2304.12244): in depth a prompt becomes harder in
-- one of several ways, in breadth it gives rise to another one of its kind. Prompts are in our own words.

local likeness = require "fellowship.core.likeness"
local check = require "fellowship.base.check"
local lazy = require "fellowship.base.lazy"
local flow = require "fellowship.flow"
local estimate = lazy "fellowship.rehearse"
local model = require "fellowship.call.model"
local settings = require "fellowship.call.settings"
local rubric = require "fellowship.judge.rubric"
local template = require "fellowship.base.template"
local text = require "fellowship.base.text"

local evolve = {}

local DEPTH = [[
Below is a prompt that someone might give to an AI assistant. Rewrite it so that it asks for more: %s. It must stay a prompt that can be answered, that a person would ask, and that is about the same matter; make it longer by a sentence or two at most. Do not answer it.

### Prompt

{prompt}

### Form of your answer

The rewritten prompt alone, without a heading or a word about it.]]

local BREADTH = [[
Below is a prompt that someone might give to an AI assistant. Write another one of the same field and about as long and as hard, on a matter that is asked about less often. It must be a prompt that can be answered and that stands by itself. Do not answer either.

### Prompt

{prompt}

### Form of your answer

The new prompt alone, without a heading or a word about it.]]

---@type { name: string, text: string }[]
local MOVES = {
  { name = "constraint", text = DEPTH:format "add one requirement or limit that the answer has to keep to" },
  { name = "deepen", text = DEPTH:format "ask for more depth or breadth in what it inquires about" },
  { name = "concrete", text = DEPTH:format "put a concrete case in the place of something general" },
  { name = "reasoning", text = DEPTH:format "make the answer need several steps of reasoning, where one was enough" },
  { name = "breadth", text = BREADTH },
}

--- Names of the moves.
evolve.moves = {}
for i, move in ipairs(MOVES) do evolve.moves[i] = move.name end

local CRITERIA = { "Is the result a single prompt that stands by itself and can be answered?",
  "Does the result ask for something else, or for more, than the prompt that it was made from?",
  "Is the result free of an answer, of headings, and of words about the rewriting?" }
for i, question in ipairs(CRITERIA) do CRITERIA[i] = { criterion = question, kind = "yes/no" } end

---@class fellowship.Evolver
local Evolver = {}
Evolver.__index = Evolver
Evolver.__name = "fellowship.Evolver"

--- What makes prompts of prompts. Temperature 0.7 unless the model's parameters say otherwise.
--- Example: `print(fellowship.evolve({ model = "sim:writer" }):step("Name a river.", "breadth").move) --> breadth`
---@param options { model: string|fellowship.Model, judge: string|fellowship.Model|nil } the judge says whether a new prompt is one
---@return fellowship.Evolver
function evolve.new(options, ...)
  check.no_more("evolve", "one table of options", ...)
  check.options("evolve", options, { model = "string|table", judge = "string|table?" })
  local judge = options.judge and rubric.new { model = options.judge, criteria = CRITERIA } or nil
  return setmetatable({ model = model.new(options.model):with_defaults { temperature = 0.7 }, judge = judge }, Evolver)
end

--- Texts that are known again: `see(text)` gives "exact" or "near" where one like it was seen before, else nil.
---@param near? number the part of their runs of three words that near ones share
---@return { see: fun(self: table, text: string): string? }
function evolve.texts(near)
  return likeness.texts(near)
end

--- Whether two texts have the same words.
local function are_same(before, after)
  local texts = likeness.texts()
  texts:see(before)
  return texts:see(after) ~= nil
end

--- Why a new prompt is none; nil when it is one. A dry run goes on where it is not known what would be said.
local function problem_with(self, before, after, said, question)
  if settings.dry_run and not said.stored then estimate.doubt() end
  if said.finish_reason == "length" then return "cut" end
  if not after:find "%S" then return "empty" end
  if are_same(before, after) then return "unchanged" end
  if not self.judge then return nil end
  local found = self.judge:score { prompt = question, response = after }
  if settings.dry_run and estimate.is_in_doubt() then return nil end
  if not found.score then return "unparsed" end
  return found.score < 1 and "judged" or nil
end

--- One move.
--- Example: `print(fellowship.evolve({ model = "sim:writer" }):step("Name a river.", "deepen").prompt ~= nil) --> true`
---@param prompt string
---@param move string one of constraint, deepen, concrete, reasoning, breadth
---@param options? { sample: integer? }
---@return { prompt: string, move: string, dropped: string? } dropped: why it is no good prompt: "cut", "empty", "unchanged", "judged" or "unparsed"
function Evolver:step(prompt, move, options, ...)
  check.method(self, Evolver, "evolver:step")
  check.no_more("step", "a prompt, a move and a table of options", ...)
  check.type("the prompt", prompt, "string")
  check.choice("the move", move, evolve.moves)
  local question
  for _, known in ipairs(MOVES) do
    if known.name == move then question = template.fill(known.text, { prompt = prompt }) end
  end
  local said = self.model:ask(question, { sample = options and options.sample })
  local after = text.trim(said.text)
  return { prompt = after, move = move, dropped = problem_with(self, prompt, after, said, question) }
end

--- Several chains of moves from one prompt, side by side; each chain ends where a move gives no good prompt.
--- Example:
---     local list = fellowship.evolve({ model = "sim:writer" }):grow("Name a river.", { chains = { { "deepen", "breadth" } } })
---     print(#list, list[1].round) --> 2 1
---@param prompt string
---@param options { chains: string[][] } the moves of each chain
---@return { prompt: string, move: string, round: integer, chain: integer, dropped: string? }[]
function Evolver:grow(prompt, options, ...)
  check.method(self, Evolver, "evolver:grow")
  check.no_more("grow", "a prompt and a table of options", ...)
  check.options("grow", options, { chains = "table" })
  local grown = flow.gather(options.chains, function(moves, chain)
    local list, before = {}, prompt
    for round, move in ipairs(moves) do
      local made = self:step(before, move, { sample = chain })
      made.round, made.chain = round, chain
      list[round], before = made, made.prompt
      if made.dropped then break end
    end
    return list
  end)
  local all = {}
  for _, list in ipairs(grown) do table.move(list, 1, #list, #all + 1, all) end
  return all
end

return evolve
