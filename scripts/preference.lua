-- The main job: prompts -> feedback loop -> judge -> preference dataset (arXiv 2408.08688).

local fellowship = require "fellowship"
local json = fellowship.json
local preference = fellowship.preference

local VERDICT_KEYS = { "id", "evaluator", "models", "a", "b", "winner", "scores", "evidence" }
local RESPONSE_KEYS = { "id", "prompt", "responses", "feedback" }
local SHARD = "data/%s-00000-of-00001.jsonl"

--- Responses, and what the judge says of them.
local function work_on(row_prompt, loop, judge)
  local result = loop:respond(row_prompt)
  local comparisons = preference.climb(#result.responses, function(a, b)
    return judge:compare { prompt = row_prompt, a = result.responses[a], b = result.responses[b] }
  end)
  return { prompt = row_prompt, responses = result.responses, feedback = result.feedback, comparisons = comparisons }
end

local function write_provenance(responses, verdicts, id, made)
  responses:write(json.object({ id = id, prompt = made.prompt, responses = json.array(made.responses),
    feedback = json.array(made.feedback) }, RESPONSE_KEYS))
  for _, c in ipairs(made.comparisons) do
    local v = c.verdict
    verdicts:write(json.object({ id = id, evaluator = v.evaluator, models = v.models, a = "response_" .. c.a,
      b = "response_" .. c.b, winner = v.winner, scores = json.object(v.scores), evidence = v.evidence },
      VERDICT_KEYS))
  end
end

--- Writes a row's pairs and labels; counts them.
local function write_pairs(files, rows, made, mode, counts)
  local order = preference.order(#made.responses, made.comparisons)
  local list, reason = preference.pairs(order, made.responses, mode)
  for _, pair in ipairs(list) do
    files.dpo:write(rows.dpo(made.prompt, made.responses[pair.chosen], made.responses[pair.rejected]))
  end
  for _, label in ipairs(preference.labels(list, #made.responses)) do
    files.kto:write(rows.kto(made.prompt, made.responses[label.response], label.label))
    local name = label.label and "desirable" or "undesirable"
    counts[name] = counts[name] + 1
  end
  counts.dpo = counts.dpo + #list
  if reason then counts.none[reason] = (counts.none[reason] or 0) + 1 end
end

local function count_verdicts(made, counts)
  for _, c in ipairs(made.comparisons) do
    local winner = c.verdict.winner
    counts.verdicts[winner] = counts.verdicts[winner] + 1
  end
end

local RESULT_KEYS = { "rows", "failed", "pairs", "chosen_mode", "kto", "without_pair", "comparisons" }

local function save_results(run, counts)
  local o = run.options
  run:save("results.json", json.object({
    rows = run.done, failed = run.failures.count, pairs = counts.dpo, chosen_mode = o.pairs,
    kto = json.object({ desirable = counts.desirable, undesirable = counts.undesirable }),
    without_pair = json.object(counts.none),
    comparisons = json.object(counts.verdicts, { "a", "b", "tie", "unparsed" }),
  }, RESULT_KEYS))
  run:save("README.md", preference.card {
    generator = o.generator, reviewers = o.reviewer, judge = o.judge, responses = o.responses, pairs = o.pairs,
    format = o.format, prompts = run.done, dpo = counts.dpo, desirable = counts.desirable,
    undesirable = counts.undesirable, none = counts.none, simulated = run:is_simulated(),
  })
end

return {
  summary = "prompts -> feedback loop -> judge -> preference dataset (DPO and KTO)",
  options = {
    { "data", type = "data", required = true, metavar = "PROMPTS", help = "rows with prompt" },
    { "generator", type = "model", required = true, metavar = "M", help = "the model that answers and revises" },
    { "reviewer", type = "model", required = true, many = true, metavar = "M", help = "a model that criticises" },
    { "judge", type = "model", required = true, metavar = "M", help = "the model that compares responses" },
    { "responses", type = "integer", default = 3, least = 2, metavar = "N", help = "responses to a prompt" },
    { "pairs", type = "choice", choices = preference.modes, default = "best-worst", help = "which pairs to take" },
    { "format", type = "choice", choices = preference.formats, default = "trl", help = "the trainer's format" },
    { "scale", type = "integer", default = 10, least = 2, metavar = "N", help = "the judge's scores go from 1 to N" },
    { "structured", type = "flag", help = "the judge's verdict through a JSON schema" },
    { "logprobs", type = "flag", help = "the judge's scores as expected ones, by log-probabilities" },
  },

  run = function(run)
    local o = run.options
    local loop = fellowship.feedback { generator = o.generator, reviewers = o.reviewer, responses = o.responses }
    if o.structured and o.logprobs then run:usage "--logprobs needs scores in lines, not --structured ones" end
    local judge = fellowship.judge { model = o.judge, scale = o.scale, structured = o.structured,
      logprobs = o.logprobs }
    local rows = preference.format(o.format)
    local counts = { dpo = 0, desirable = 0, undesirable = 0, none = {},
      verdicts = { a = 0, b = 0, tie = 0, unparsed = 0 } }

    local responses <close> = run:writer "responses.jsonl"
    local verdicts <close> = run:writer "verdicts.jsonl"
    local dpo <close> = run:writer(SHARD:format "dpo")
    local kto <close> = run:writer(SHARD:format "kto")
    for row, made, number in run:map(run:rows "data", function(row, number)
      return work_on(run:text(row, number, "prompt"), loop, judge), number
    end) do
      write_provenance(responses, verdicts, run:id(row, number), made)
      write_pairs({ dpo = dpo, kto = kto }, rows, made, o.pairs, counts)
      count_verdicts(made, counts)
    end
    save_results(run, counts)
  end,
}
