-- Runs the LLM Feedback Loop over prompts.

local fellowship = require "fellowship"
local response_counts = require "fellowship.command.response_counts"
local json = fellowship.json

--- The generator, with --system.
local function generator_of(o)
  local generator = fellowship.model(o.generator)
  return o.system and generator:with_system(o.system) or generator
end

return {
  summary = "a generator answers, reviewers criticise, it revises",
  example = [[
echo '{"prompt":"Name a river."}' > prompts.jsonl
fellowship run feedback --data prompts.jsonl --generator sim:writer \
    --reviewer sim:critic --responses 3 --out loop]],
  options = {
    { "data", type = "data", required = true, metavar = "PROMPTS",
      help = "rows with prompt, a text or a conversation" },
    { "generator", type = "model", required = true, metavar = "M", help = "the model that answers and revises" },
    { "system", type = "text", metavar = "FILE|TEXT", help = "a system prompt for the generator" },
    { "reviewer", type = "model", required = true, many = true, metavar = "M", help = "a model that criticises" },
    { "responses", type = "integer", default = 3, least = 1, metavar = "N", help = "responses in all" },
  },
  columns = { "prompt", "id" },

  run = function(run)
    local loop = fellowship.feedback { generator = generator_of(run.options), reviewers = run.options.reviewer,
      responses = run.options.responses }

    run.outcome:count("responses", 0)
    local out <close> = run:writer "responses.jsonl"
    for row, result, number in run:map(run:rows "data", function(row, number)
      local prompt = run:prompt(row, number)
      local result = loop:respond(prompt)
      result.prompt = prompt
      return result, number
    end) do
      local id = run:id(row, number)
      response_counts.add(run.outcome, id, result.responses, result.cut)
      out:write(run:output(row, { id = id, prompt = result.prompt, responses = json.array(result.responses),
        cut = response_counts.cut_list(result.cut, #result.responses), feedback = json.array(result.feedback) },
        { "id", "prompt", "responses", "cut", "feedback" }))
    end
  end,
}
