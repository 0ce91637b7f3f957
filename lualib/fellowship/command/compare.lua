-- What the scripts judge, jury and debate have in common: rows with two responses in, verdicts out.

local json = require "fellowship.core.json"
local tables = require "fellowship.base.table"
local flow = require "fellowship.flow"
local lengths = require "fellowship.measure.lengths"
local panel = require "fellowship.measure.panel"
local style = require "fellowship.measure.style"
local method = require "fellowship.command.evaluators"
local label_reader = require "fellowship.command.label_reader"
local panels = require "fellowship.command.panels"
local verdict_counts = require "fellowship.command.verdict_counts"

local compare = {}

--- What Run:pair and Run:id read of rows, for a script's `columns`.
compare.columns = { "prompt", "response_a", "response_b", "chosen", "rejected", "reference", "id" }

--- The options of the evaluators of one method, or of all when none is named.
---@param name? "judge"|"jury"|"debate"
---@return table[]
function compare.options(name)
  local judging = { model = 1, system = 1, strategy = 1, scale = 1, swap = 1, samples = 1, structured = 1,
    logprobs = 1, again = 1 }
  local only = { judge = judging, jury = tables.merged(judging, { vote = 1, weights = 1 }),
    debate = { model = 1, system = 1, scale = 1, swap = 1, rounds = 1, referees = 1, again = 1 } }
  local list = {}
  for _, option in ipairs(method.options()) do
    if not name or only[name][option[1]] then list[#list + 1] = option end
  end
  return list
end

--- The evaluators that a command line asks for; a usage error when it asks for what cannot be.
---@param run fellowship.Run
---@param name "judge"|"jury"|"debate"
---@return table[]
function compare.evaluators(run, name)
  local well, found = pcall(method.evaluators, name, method.read(run.options))
  if not well then run:usage((tostring(found):gsub("^[^:]+:%d+: ", ""))) end
  if #found == 0 then run:usage "--model is missing: who shall evaluate?" end
  for _, evaluator in ipairs(found) do
    if evaluator.warmed then
      run.tell(("%s is asked for %d samples at temperature %s, as it was given none"):format(evaluator.models[1],
        evaluator.samples, evaluator.warmed))
    end
  end
  return found
end

local ROWS = [[
echo '{"prompt":"2+2?","response_a":"4","response_b":"5"}' > rows.jsonl
]]

local EXAMPLES = {
  judge = ROWS .. "fellowship run judge --data rows.jsonl --model sim:judge --out verdicts",
  jury = ROWS .. "fellowship run jury --data rows.jsonl --model sim:one --model sim:two \\\n"
    .. "    --model sim:three --out verdicts",
  debate = ROWS .. "fellowship run debate --data rows.jsonl --model sim:referee --out verdicts",
}

--- What is known of a row beside its pair. The label goes on into the verdicts, as the row's other columns do.
local function about_of(run, row, number, pair, facts)
  local human = run:field(row, "human")
  if human == nil then human = facts.label end
  local longer, length = lengths.of(pair.a, pair.b)
  return { human = human, longer = longer, length = length, style = style.difference(pair.a, pair.b),
    names = facts.names, key = lengths.key(pair.prompt or pair.conversation_a, number) }
end

---@class Held the panels of a run's evaluators
local Held = {}
Held.__index = Held

local function panels_of(run)
  return setmetatable({ run = run, reader = label_reader.of(run, "data"), panels = {} }, Held)
end

--- Adds an evaluator's verdict on a row. The label is read once a row.
function Held:add(i, evaluator, about, verdict)
  if i == 1 then about.human = self.reader:read(about.human) end
  self.panels[i] = self.panels[i] or panel.new(evaluator.models, { scale = self.run.options.scale })
  self.panels[i]:add { key = about.key, verdict = verdict, human = about.human, longer = about.longer,
    length = about.length, style = about.style, names = about.names }
end

--- Writes DIR/results.json, and says what the panels say.
function Held:save()
  local list = json.array()
  for i, one in ipairs(self.panels) do list[i] = one:summary { seed = self.run.options.seed } end
  if self.reader:usable() > 0 and self.reader:describe() then self.run.tell(self.reader:describe()) end
  self.run:save("results.json", json.object({ judges = list }, { "judges" }))
  if #list > 0 then self.run.tell(panels.text(list)) end
end

--- A script that writes DIR/verdicts.jsonl: a line for each row and evaluator; and DIR/results.json: a panel of each.
---@param name "judge"|"jury"|"debate"
---@param summary string
---@return table script
function compare.script(name, summary)
  local options = { { "data", type = "data", required = true, metavar = "ROWS",
    help = "rows with prompt, response_a, response_b; or a preference set, with chosen and rejected" } }
  table.move(compare.options(name), 1, #compare.options(name), 2, options)

  local function main(run)
    local evaluators, held = compare.evaluators(run, name), panels_of(run)
    verdict_counts.expect(run.outcome, "verdicts")
    local out <close> = run:writer "verdicts.jsonl"
    for row, verdicts, number in run:map(run:rows "data", function(row, number)
      local pair, facts = run:pair(row, number)
      local asks = {}
      for i, evaluator in ipairs(evaluators) do
        asks[i] = function() return evaluator:compare(pair) end
      end
      return { about = about_of(run, row, number, pair, facts), flow.all(table.unpack(asks)) }, number
    end) do
      local id = run:id(row, number)
      for i, verdict in ipairs(verdicts) do
        out:write(run:output(row, method.row(id, verdict, verdicts.about.names)))
        verdict_counts.add(run.outcome, "verdicts", id, verdict)
        held:add(i, evaluators[i], verdicts.about, verdict)
      end
    end
    held:save()
  end

  return { summary = summary, example = EXAMPLES[name], options = options,
    columns = { "human", table.unpack(compare.columns) }, run = main }
end

return compare
