-- Answers to prompts: every model, every sample.

local fellowship = require "fellowship"
local errors = require "fellowship.base.errors"
local response_counts = require "fellowship.command.response_counts"
local json = fellowship.json

local KEYS = { "id", "prompt", "model", "sample", "response", "cut", "reasoning" }

--- The models that the command line names, each of which takes part once.
local function models_of(run)
  local list, seen = {}, {}
  for i, name in ipairs(run.options.model) do
    if seen[name] then run:usage(("--model %s is given twice; --samples N asks a model N times"):format(name)) end
    seen[name] = true
    local model = fellowship.model(name)
    list[i] = run.options.system and model:with_system(run.options.system) or model
    if run.options.samples > 1 and model.params.temperature == 0 then
      run.tell(("%s at temperature 0 gives nearly the same answer each time; name it with ?temperature=0.7, say")
        :format(name))
    end
  end
  return list
end

--- Names of files for models, one each: what stands behind the last / or :, without what a file's name had better not
--- hold.
local function file_names(models)
  local names, taken = {}, {}
  for i, model in ipairs(models) do
    local name = model.name:match "[^/]*$":gsub("[^%w_.-]", "_")
    if name == "" or taken[name] then name = ("%s-%d"):format(name, i) end
    names[i], taken[name] = name, true
  end
  return names
end

--- Every answer to a prompt; a failure of one leaves the others in place.
local function answers(models, samples, prompt)
  local asks = {}
  for m, model in ipairs(models) do
    for sample = 1, samples do
      asks[#asks + 1] = function()
        local well, value = pcall(model.ask, model, prompt, { sample = sample })
        if well then return { model = m, sample = sample, completion = value } end
        local problem = errors.from(value)
        if problem.fatal or #models * samples == 1 then error(problem, 0) end
        return { model = m, sample = sample, problem = problem }
      end
    end
  end
  return fellowship.all(asks)
end

--- A row for each model with what winrate joins: id, prompt, response, and all samples where there are several.
local function write_by_model(run, row, id, prompt, files, list, samples)
  for m, out in ipairs(files) do
    local texts = json.array()
    for _, answer in ipairs(list) do
      if answer.model == m and answer.completion then texts[#texts + 1] = answer.completion.text end
    end
    if texts[1] then
      out:write(run:output(row, { id = id, prompt = prompt, response = texts[1],
        responses = samples > 1 and texts or nil }, { "id", "prompt", "response", "responses" }))
    end
  end
end

--- A row for each answer; those that failed are reported.
local function write_answers(run, row, number, prompt, out, list, models)
  local id, texts, cut = run:id(row, number), {}, {}
  for _, answer in ipairs(list) do
    local completion = answer.completion
    if completion then
      texts[#texts + 1] = completion.text
      cut[#texts] = completion.finish_reason == "length" or nil
      out:write(run:output(row, { id = id, prompt = prompt, model = models[answer.model].named, sample = answer.sample,
        response = completion.text, cut = cut[#texts], reasoning = completion.reasoning }, KEYS))
    else
      run:fail(row, number, answer.problem)
    end
  end
  response_counts.add(run.outcome, id, texts, cut)
end

--- A file for each model, where there are several.
local function files_for(run, models)
  local files = setmetatable({}, { __close = function(files, problem)
    for _, file in ipairs(files) do getmetatable(file).__close(file, problem) end
  end })
  for i, name in ipairs(#models > 1 and file_names(models) or {}) do
    files[i] = run:writer(("by-model/%s.jsonl"):format(name))
  end
  return files
end

return {
  summary = "answers to prompts, by each model",
  example = [[
echo '{"prompt":"Name a river."}' > prompts.jsonl
fellowship run generate --data prompts.jsonl --model sim:one --model sim:two \
    --out answers]],
  options = {
    { "data", type = "data", required = true, metavar = "PROMPTS",
      help = "rows with prompt, a text or a conversation" },
    { "model", type = "model", required = true, many = true, metavar = "M", help = "a model that answers" },
    { "samples", type = "integer", default = 1, least = 1, metavar = "N", help = "answers of each model" },
    { "system", type = "text", metavar = "FILE|TEXT", help = "a system prompt, unless the row has one" },
  },
  columns = { "prompt", "id" },

  run = function(run)
    local models, samples = models_of(run), run.options.samples
    run.outcome:count("responses", 0)
    run.outcome:need("response", function() return run.outcome:of "responses" end)
    local out <close> = run:writer "responses.jsonl"
    local files <close> = files_for(run, models)
    for row, prompt, list, number in run:map(run:rows "data", function(row, number)
      local prompt = run:prompt(row, number)
      return prompt, answers(models, samples, prompt), number
    end) do
      write_answers(run, row, number, prompt, out, list, models)
      write_by_model(run, row, run:id(row, number), prompt, files, list, samples)
    end
  end,
}
