-- Judges pairs of responses, each row on its own.

local fellowship = require "fellowship"
local json = fellowship.json

local KEYS = { "id", "evaluator", "models", "winner", "scores", "evidence" }

return {
  summary = "LLM-as-a-Judge: compare two responses a row",
  options = {
    { "data", type = "data", required = true, metavar = "ROWS", help = "rows with prompt, response_a, response_b" },
    { "model", type = "model", required = true, many = true, metavar = "M",
      help = "the judge; each one judges every row" },
    { "strategy", type = "choice", choices = { "combined" }, default = "combined", help = "how scores are asked for" },
    { "scale", type = "integer", default = 10, least = 2, metavar = "N", help = "scores go from 1 to N" },
  },

  run = function(run)
    local judges = {}
    for i, name in ipairs(run.options.model) do
      judges[i] = fellowship.judge { model = name, strategy = run.options.strategy, scale = run.options.scale }
    end

    local out <close> = run:writer "verdicts.jsonl"
    for row, verdicts, number in run:map(run:rows "data", function(row, number)
      local pair = { prompt = run:text(row, number, "prompt"), a = run:text(row, number, "response_a"),
        b = run:text(row, number, "response_b") }
      local asks = {}
      for i, judge in ipairs(judges) do
        asks[i] = function() return judge:compare(pair) end
      end
      return { fellowship.all(table.unpack(asks)) }, number
    end) do
      for _, verdict in ipairs(verdicts) do
        out:write(json.object({ id = run:id(row, number), evaluator = verdict.evaluator, models = verdict.models,
          winner = verdict.winner, scores = json.object(verdict.scores), evidence = verdict.evidence }, KEYS))
      end
    end
  end,
}
