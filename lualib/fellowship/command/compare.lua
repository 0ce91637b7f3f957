-- What the scripts judge, jury and debate have in common: rows with two responses in, verdicts out.

local tables = require "fellowship.base.table"
local flow = require "fellowship.flow"
local method = require "fellowship.command.evaluators"
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
  local only = { judge = judging, jury = tables.merged(judging, { vote = 1 }),
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

--- A script that writes DIR/verdicts.jsonl: a line for each row and evaluator.
---@param name "judge"|"jury"|"debate"
---@param summary string
---@return table script
function compare.script(name, summary)
  local options = { { "data", type = "data", required = true, metavar = "ROWS",
    help = "rows with prompt, response_a, response_b; or a preference set, with chosen and rejected" } }
  table.move(compare.options(name), 1, #compare.options(name), 2, options)

  local function main(run)
    local evaluators = compare.evaluators(run, name)
    verdict_counts.expect(run.outcome, "verdicts")
    local out <close> = run:writer "verdicts.jsonl"
    for row, verdicts, number in run:map(run:rows "data", function(row, number)
      local pair, facts = run:pair(row, number)
      local asks = {}
      for i, evaluator in ipairs(evaluators) do
        asks[i] = function() return evaluator:compare(pair) end
      end
      return { names = facts.names, flow.all(table.unpack(asks)) }, number
    end) do
      local id = run:id(row, number)
      for _, verdict in ipairs(verdicts) do
        out:write(run:output(row, method.row(id, verdict, verdicts.names)))
        verdict_counts.add(run.outcome, "verdicts", id, verdict)
      end
    end
  end

  return { summary = summary, example = EXAMPLES[name], options = options, columns = compare.columns, run = main }
end

return compare
