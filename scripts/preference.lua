-- The main job: prompts -> candidates -> ranking -> preference dataset. By default a feedback loop and a judge, as in
-- arXiv 2408.08688.

local fellowship = require "fellowship"
local json = fellowship.json
local preference = fellowship.preference
local prices = require "fellowship.money.prices"
local stats = require "fellowship.money.count"
local candidates = require "fellowship.command.candidates"
local rankings = require "fellowship.command.rankings"
local response_counts = require "fellowship.command.response_counts"
local method = require "fellowship.command.evaluators"
local verdict_counts = require "fellowship.command.verdict_counts"

local RESPONSE_KEYS = { "id", "prompt", "responses", "cut", "feedback", "models", "scores" }

-- ---- asking: one row ----

--- What branches off the loop, and what the judge says of it.
local function grow(made, prompt, loop, judge, o)
  local result = made.result
  made.grown = preference.members.grow(loop, result, { revisions = o.revisions, feedbacks = o.feedbacks,
    temperature = o["branch-temperature"] })
  local asks = {}
  for n, round in ipairs(made.grown) do
    asks[n] = function() return preference.members.judge(judge, prompt, result.responses[n], round) end
  end
  made.judged = fellowship.all(asks)
end

--- Candidates, how they are ranked, and with --improve members what branches off the loop.
local function work_on(id, prompt, criteria, tools, o)
  local made = tools.source:of(id, prompt)
  made.prompt = prompt
  local function rank()
    made.ranked = tools.ranking:rank { prompt = prompt, responses = made.responses, criteria = criteria }
  end
  if o.improve == "members" then
    fellowship.all(rank, function() grow(made, prompt, tools.source.loop, tools.judge, o) end)
  else
    rank()
  end
  return made
end

-- ---- writing ----

local function write_verdict(files, id, a, b, v, counts)
  verdict_counts.add(files.outcome, "comparisons", id, v)
  files.verdicts:write(method.row(id, v, { a = a, b = b }))
  counts[v.winner] = counts[v.winner] + 1
  if v.flipped ~= nil then counts.n = counts.n + 1 end
  if v.flipped then counts.flipped = counts.flipped + 1 end
end

--- Lists of which elements are missing, as JSON has them.
local function with_nulls(list, count)
  if not list then return nil end
  local whole = json.array()
  for i = 1, count do whole[i] = list[i] or json.null end
  return whole
end

local function write_provenance(run, row, number, files, id, made, counts)
  local count, several = #made.responses, made.models ~= nil
  files.responses:write(run:output(row, { id = id, prompt = made.prompt, responses = json.array(made.responses),
    cut = response_counts.cut_list(made.cut, count),
    feedback = several and with_nulls(made.feedback, count) or not several and json.array(made.feedback) or nil,
    models = with_nulls(made.models, count), scores = with_nulls(made.scores, #(made.scores or {})) }, RESPONSE_KEYS))
  for _, failed in ipairs(made.problems) do run:fail(row, number, failed.error) end
  for _, c in ipairs(made.ranked.comparisons or {}) do
    write_verdict(files, id, "response_" .. c.a, "response_" .. c.b, c.verdict, counts)
  end
  for n, rating in ipairs(made.ranked.ratings or {}) do
    files.scores:write(rankings.row(id, files.ranking, n, made.models and made.models[n], rating))
    rankings.count(files.outcome, id, rating)
    counts.scored, counts.unscored = counts.scored + 1, counts.unscored + (rating.score == nil and 1 or 0)
    if rating.error then run:fail(row, number, rating.error) end
  end
end

local REVIEW_KEYS = { "reviewer", "sample", "feedback", "cut", "revision" }
local BRANCH_KEYS = { "id", "round", "revisions", "cut", "reviews" }

--- The branches of a row's rounds, what the judge said of them, and the pairs they give.
local function write_branches(files, sets, id, made, counts)
  for n, grown in ipairs(made.grown) do
    local reviews, judged = {}, made.judged[n]
    for i, review in ipairs(grown.reviews) do
      reviews[i] = json.object({ reviewer = review.reviewer, sample = review.sample, feedback = review.feedback,
        cut = review.cut, revision = review.revision }, REVIEW_KEYS)
    end
    files.branches:write(json.object({ id = id, round = n, revisions = json.array(grown.revisions),
      cut = response_counts.cut_list(grown.cut, #grown.revisions),
      reviews = json.array(reviews) }, BRANCH_KEYS))
    for _, c in ipairs(judged.revisions) do
      write_verdict(files, id, ("round_%d.revision_%d"):format(n, c.a),
        ("round_%d.revision_%d"):format(n, c.b), c.verdict, counts)
    end
    for i, verdict in ipairs(judged.reviews) do
      write_verdict(files, id, "response_" .. n, ("round_%d.review_%d"):format(n, i), verdict, counts)
    end
    local contest = preference.members.revisions(grown, judged.revisions)
    sets.generator:add(id, contest.prompt, contest.texts, contest.order, { round = n, cut = contest.cut })
    for _, asked in ipairs(preference.members.reviews(grown, judged.reviews)) do
      sets.reviewer:add(id, asked.prompt, asked.texts, asked.order,
        { round = n, cut = asked.cut, places = asked.places, reason = asked.reason })
    end
  end
end

-- ---- sums ----

local function sums_of(set)
  return { pairs = set.pairs, kto = json.object({ desirable = set.desirable, undesirable = set.undesirable },
    { "desirable", "undesirable" }), without_pair = json.object(set.none), dropped = json.object(set.dropped),
    cut = set.cut > 0 and set.cut or nil, inverted = set.inverted }
end

local SUM_KEYS = { "pairs", "kto", "without_pair", "dropped", "cut", "inverted" }
local RESULT_KEYS = { "rows", "failed", "format", "ranking", "pairs", "chosen_mode", "kto", "sft", "ranked",
  "without_pair", "dropped",
  "cut", "inverted", "duplicates", "comparisons", "scores", "cycles", "swap", "generator", "reviewer" }

local function save_results(run, sets, counts, rows)
  local o, results = run.options, sums_of(sets.single)
  results.rows, results.failed, results.format, results.chosen_mode = run.done, run.failures.count, o.format, o.pairs
  results.duplicates = json.object({ exact = rows.exact or 0, near = rows.near or 0 }, { "exact", "near" })
  results.ranking = o.rank
  if rankings.is_scored(o.rank or "ladder") then
    results.scores = json.object({ n = counts.scored, unscored = counts.unscored }, { "n", "unscored" })
  else
    results.comparisons = json.object({ a = counts.a, b = counts.b, tie = counts.tie, unparsed = counts.unparsed },
      { "a", "b", "tie", "unparsed" })
  end
  for kind, n in pairs(sets.single.more) do results[kind] = n end
  results.cycles = counts.cycles > 0 and counts.cycles or nil
  results.swap = o.swap and json.object({ flipped = counts.flipped, n = counts.n }, { "flipped", "n" }) or nil
  for _, name in ipairs { "generator", "reviewer" } do
    results[name] = sets[name] and json.object(sums_of(sets[name]), SUM_KEYS) or nil
  end
  run:save("results.json", json.object(results, RESULT_KEYS))
end

--- A model for the card: as it was named, and what stands behind an alias.
local function shown(named)
  local model = fellowship.model(named)
  local behind = ("%s:%s"):format(model.provider.name, model.name)
  return named:find(behind, 1, true) == 1 and named or ("%s (%s)"):format(named, behind)
end

--- What the answers took, at the prices of the table's date.
local function given()
  local all = stats.given_in_all()
  all.prices = prices.date
  return all
end

local function shown_all(list)
  local names = {}
  for i, named in ipairs(list or {}) do names[i] = shown(named) end
  return names
end

local function save_card(run, sets, list, counts, rows, tools)
  local o, models, seen = run.options, {}, {}
  for _, names in ipairs { o.generator or {}, sets.reviewer and o.reviewer or {} } do
    for _, named in ipairs(names) do
      if not seen[named] then models[#models + 1] = shown(named) end
      seen[named] = true
    end
  end
  local source, judge = tools.source, tools.judge
  run:save("README.md", preference.card {
    version = fellowship.version, script = "fellowship run preference", notes = {}, models = models,
    asked = { generators = source.generators, reviewers = source.reviewers, judge = judge and judge.model },
    given = given(), generators = shown_all(o.generator), reviewers = shown_all(o.reviewer),
    judge = o.judge and shown(o.judge), responses = source.loop and o.responses or nil, samples = o.samples,
    response_file = o["response-file"] and source.file.count, ranking = o.rank or "ladder",
    pairs = o.pairs, format = o.format, prompts = run.done, sets = list,
    duplicates = { exact = rows.exact or 0, near = rows.near or 0 },
    quality = { min_margin = o["min-margin"], max_length_ratio = o["max-length-ratio"] },
    branches = sets.reviewer and { revisions = o.revisions, feedbacks = o.feedbacks,
      temperature = o["branch-temperature"] },
    flips = o.swap and counts or nil, simulated = run:is_simulated(),
  })
end

--- The rows to work on: with --duplicates or --near-duplicates without those that repeat an earlier prompt.
local function rows_of(run)
  local o, rows = run.options, run:rows "data"
  if o.duplicates == "keep" and not o["near-duplicates"] then return rows end
  return preference.unique(rows, function(row, number) return run:prompt(row, number) end, o["near-duplicates"])
end

--- With --force a folder may hold what another run left; the sets that this one does not make would mix with its own.
local function remove_others(run, list, scored)
  local ours = {}
  for _, set in ipairs(list) do
    for _, names in pairs(set.files) do
      for _, name in ipairs(names) do ours["data/" .. name] = true end
    end
  end
  for _, ending in ipairs { "jsonl", "parquet" } do
    run:remove("data", "^[%w_]+%-%d%d%d%d%d%-of%-%d%d%d%d%d%." .. ending .. "$", ours)
  end
  if #list == 1 then run:remove("", "^branches%.jsonl$") end
  run:remove("", scored and "^verdicts%.jsonl$" or "^scores%.jsonl$")
  if not preference.formats.wants_info(run.options.format) then run:remove("", "^dataset_info%.json$") end
end

--- A run without a pair has nothing to show.
local function expect_pairs(outcome, list, scored)
  outcome:count("pairs", 0)
  if scored then outcome:count("scores", 0) else verdict_counts.begin(outcome, "comparisons") end
  outcome:need("pair", function() return outcome:of "pairs" end, scored
    and "equal scores and equal texts make none, nor what has no score: see scores.jsonl"
    or "ties, unreadable verdicts and equal texts make none: see comparisons, and verdicts.jsonl")
  for _, set in ipairs(list) do set.counted = { pairs = 0, none = {} } end
end

--- What a row added to the sets.
local function count_pairs(outcome, list)
  for _, set in ipairs(list) do
    local counted = set.counted
    outcome:count("pairs", set.pairs - counted.pairs)
    counted.pairs = set.pairs
    for reason, n in pairs(set.none) do
      local more = n - (counted.none[reason] or 0)
      if more > 0 then
        outcome:count("without_a_pair", more)
        outcome:part("without_a_pair", reason, more)
      end
      counted.none[reason] = n
    end
  end
end

--- The same value so many times.
local function all_of(value, count)
  local list = {}
  for i = 1, count do list[i] = value end
  return list
end

local function note_tools(run, sets)
  local left_out = sets.single.tools_left_out
  if left_out == 0 then return end
  run.tell(("the tools of %d prompts are not in the sets: %s"):format(left_out, run.options.format:find "^trl"
    and "the first prompt has none, and loaders want the same columns in every row; give it a tools column too"
    or run.options.format:find "^llama" and "the first prompt has none; give it a tools column too"
    or "Axolotl has no column for them"))
end

local function note_white_space(run, sets)
  if run.options.format ~= "axolotl" or sets.single.untrimmed == 0 then return end
  run.tell(("%d pairs have a text that begins or ends with white space, which Axolotl misreads with chat templates "
    .. "that trim; fellowship run check-dataset %s names them"):format(sets.single.untrimmed, run.out))
end

--- A usage error when the command line asks for sets that cannot be.
local function check_sets(run, scored)
  local o = run.options
  for _, kind in ipairs(o.also or {}) do
    if kind == "ranked" and not scored then
      run:usage "--also ranked needs a score of each response: --rank scores, rubric or reward"
    end
  end
  if o.columns and o.format == "axolotl" then
    run:usage "--columns: Axolotl takes no columns beside its own; pairs.jsonl has scores"
  end
end

local options = {
    { "data", type = "data", required = true, metavar = "PROMPTS",
      help = "rows with prompt, a text or a conversation" },
}
table.move(candidates.options(), 1, #candidates.options(), #options + 1, options)
table.move(rankings.options(), 1, #rankings.options(), #options + 1, options)
table.move({
    { "pairs", group = "sets", type = "choice", choices = preference.modes, default = "best-worst",
      help = "which pairs to take" },
    { "format", type = "choice", choices = preference.formats.names, metavar = "FORMAT", default = "trl",
      help = "of which trainer" },
    { "also", group = "sets", type = "choice", many = true, choices = { "sft", "ranked" },
      help = "files beside the pairs: the best response alone; all responses with rank and reward (NeMo-RL's)" },
    { "columns", group = "sets", type = "choice", many = true, choices = { "scores", "models" },
      help = "columns of DPO rows besides: score_chosen, score_rejected, margin; chosen_model, rejected_model" },
    { "scale", group = "judging", type = "integer", default = 10, least = 2, metavar = "N",
      help = "the judge's scores go from 1 to N" },
    { "swap", group = "judging", type = "flag", help = "judge in both orders: only verdicts that agree make pairs" },
    { "improve", group = "more", type = "choice", choices = { "model", "members" }, default = "model",
      help = "sets for training one model, or for the generator and the reviewers too" },
    { "revisions", group = "more", type = "integer", default = 2, least = 2, metavar = "N",
      help = "with --improve members: revisions after the same request" },
    { "feedbacks", group = "more", type = "integer", default = 2, least = 1, metavar = "N",
      help = "with --improve members: samples of each reviewer's feedback" },
    { "branch-temperature", group = "more", type = "number", default = 0.7, least = 0, metavar = "T",
      help = "with --improve members: temperature of all but the first of them" },
    { "min-margin", group = "leave out", type = "number", least = 0, metavar = "X",
      help = "leave out pairs decided by fewer scores" },
    { "max-length-ratio", group = "leave out", type = "number", least = 1, metavar = "X",
      help = "leave out pairs with one text more than X times as long as the other" },
    { "drop-refusals", group = "leave out", type = "flag",
      help = "leave out pairs whose chosen text refuses to answer" },
    { "drop-cut", group = "leave out", type = "flag", result = false,
      help = "leave out pairs whose chosen text was cut off by a limit of tokens: so it is without saying, too" },
    { "keep-cut", group = "leave out", type = "flag",
      help = "keep pairs whose chosen text was cut off by a limit of tokens" },
    { "drop-inverted", group = "leave out", type = "flag",
      help = "leave out pairs whose mean scores say the opposite" },
    { "duplicates", group = "leave out", type = "choice", choices = { "keep", "drop" }, default = "keep",
      help = "prompts that repeat an earlier one but for case, white space and punctuation" },
    { "near-duplicates", group = "leave out", type = "number", least = 0.5, most = 1, metavar = "J",
      help = "drop prompts too that share this part of their runs of three words with an earlier one (0.8, say)" },
    { "rows-per-file", group = "more", type = "integer", least = 1, metavar = "N",
      help = "begin another file of a set after N rows" },
    { "parquet", group = "more", type = "flag", help = "write the sets as Parquet, through DuckDB's program" },
    { "structured", group = "judging", type = "flag", help = "the judge's verdict through a JSON schema" },
    { "logprobs", group = "judging", type = "flag",
      help = "the judge's scores as expected ones, by log-probabilities" },
}, 1, 64, #options + 1, options)

return {
  summary = "prompts -> loop -> judge -> preference pairs",
  example = [[
echo '{"prompt":"Name a river."}' > prompts.jsonl
fellowship run preference --data prompts.jsonl --generator sim:writer \
    --reviewer sim:critic --judge sim:judge --out preferences]],
  options = options,
  columns = { "prompt", "id", "rubric", "checklist", "tools" },

  run = function(run)
    local o = run.options
    local with_members, scored = o.improve == "members", rankings.is_scored(o.rank or "ladder")
    candidates.check(run)
    local ranking, judge = rankings.open(run)
    local tools = { source = candidates.open(run), ranking = ranking, judge = judge }
    if with_members and not (tools.source.loop and not scored) then
      run:usage "--improve members needs one loop (a --generator, a --reviewer, no --samples) and a judge that compares"
    end
    check_sets(run, scored)
    local counts = { a = 0, b = 0, tie = 0, unparsed = 0, n = 0, flipped = 0, scored = 0, unscored = 0, cycles = 0 }

    local responses <close> = run:writer "responses.jsonl"
    local verdicts <close> = not scored and run:writer "verdicts.jsonl" or nil
    local scores <close> = scored and run:writer "scores.jsonl" or nil
    local pairs_file <close> = run:writer "pairs.jsonl"
    local branches <close> = with_members and run:writer "branches.jsonl" or nil
    local files = { responses = responses, verdicts = verdicts, scores = scores, branches = branches,
      outcome = run.outcome, ranking = o.rank }

    local function open(name, format)
      local ending = o.parquet and ".parquet" or ".jsonl"
      return preference.set { name = name, also = name == "single" and o.also or nil, columns = o.columns,
        mode = o.pairs, format = format, ending = ending, provenance = pairs_file,
        quality = { min_margin = o["min-margin"], max_length_ratio = o["max-length-ratio"],
          drop_refusals = o["drop-refusals"], drop_inverted = o["drop-inverted"], keep_cut = o["keep-cut"] },
        open = function(stem, columns)
          return run:writer(("data/%s%s"):format(stem, ending), { sharded = true, max_rows = o["rows-per-file"],
            columns = o.parquet and columns or nil })
        end }
    end
    local single <close> = open("single", o.format)
    local generator <close> = with_members and open("generator", preference.formats.conversational(o.format)) or nil
    local reviewer <close> = with_members and open("reviewer", preference.formats.conversational(o.format)) or nil
    local sets, list = { single = single, generator = generator, reviewer = reviewer }, { single, generator, reviewer }

    expect_pairs(run.outcome, list, scored)
    local rows = rows_of(run)
    for row, made, number in run:map(rows, function(row, number)
      local prompt = run:prompt(row, number)
      preference.formats.check_prompt(o.format, prompt, run:origin(row, number))
      preference.formats.check_tools(o.format, run:field(row, "tools"), run:origin(row, number))
      return work_on(run:id(row, number), prompt, rankings.criteria(run, row, number), tools, o), number
    end) do
      local id = run:id(row, number)
      response_counts.add(run.outcome, id, made.responses, made.cut)
      write_provenance(run, row, number, files, id, made, counts)
      single:add(id, made.prompt, made.responses, made.ranked.order,
        { cut = made.cut, models = made.models or made.result and all_of(tools.source.models[1], #made.responses),
          tools = run:field(row, "tools"), output = function(values, keys) return run:output(row, values, keys) end })
      if with_members then write_branches(files, sets, id, made, counts) end
      if made.ranked.order.unwound then counts.cycles = counts.cycles + 1 end
      count_pairs(run.outcome, list)
    end

    for _, set in ipairs(list) do set:close() end
    remove_others(run, list, scored)
    save_results(run, sets, counts, rows)
    if preference.formats.wants_info(o.format) then
      run:save("dataset_info.json", (preference.formats.dataset_info(list)))
    end
    save_card(run, sets, list, counts, rows, tools)
    note_white_space(run, sets)
    note_tools(run, sets)
  end,
}
