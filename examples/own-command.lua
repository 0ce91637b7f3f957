-- A script that declares its options: it gets --help, a run folder, resume, errors.jsonl and all the rest.
--   fellowship examples/own-command.lua --data prompts.jsonl --model openai:gpt-4o-mini --out short
local fellowship = require "fellowship"
local json = fellowship.json

return {
  summary = "answer each prompt in one sentence",
  options = {
    { "data", type = "data", required = true, metavar = "ROWS", help = "rows with prompt" },
    { "model", type = "model", required = true, metavar = "M", help = "the model that answers" },
  },

  run = function(run)
    local model = fellowship.model(run.options.model)
    local out <close> = run:writer "answers.jsonl"
    for row, text, number in run:map(run:rows "data", function(row, number)
      local prompt = run:text(row, number, "prompt") .. "\n\nAnswer in one sentence."
      return model:ask(prompt).text, number
    end) do
      local answer = { id = run:id(row, number), prompt = row.prompt, answer = text }
      out:write(json.object(answer, { "id", "prompt", "answer" }))
    end
  end,
}
