-- The main job: prompts -> feedback loop -> judge -> preference dataset (arXiv 2408.08688).

local fellowship = require "fellowship"
local json = fellowship.json
local preference = fellowship.preference
local prices = require "fellowship.money.prices"
local stats = require "fellowship.money.count"
local response_counts = require "fellowship.command.response_counts"
local method = require "fellowship.command.evaluators"
local verdict_counts = require "fellowship.command.verdict_counts"

local RESPONSE_KEYS = { "id", "prompt", "responses", "cut", "feedback" }

-- ---- asking: one row ----

--- Responses, what the judge says of them, and with --improve members what branches off the loop.
local function work_on(prompt, loop, judge, o)
  local result = loop:respond(prompt)
  local made = { prompt = prompt, responses = result.responses, cut = result.cut, feedback = result.feedback }
  fellowship.all(
    function()
      made.comparisons = preference.climb(#result.responses, function(a, b)
        return judge:compare { prompt = prompt, a = result.responses[a], b = result.responses[b] }
      end)
    end,
    function()
      if o.improve ~= "members" then return end
      made.grown = preference.members.grow(loop, result, { revisions = o.revisions, feedbacks = o.feedbacks,
        temperature = o["branch-temperature"] })
      local asks = {}
      for n, round in ipairs(made.grown) do
        asks[n] = function() return preference.members.judge(judge, prompt, result.responses[n], round) end
      end
      made.judged = fellowship.all(asks)
    end)
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

local function write_provenance(run, row, files, id, made, counts)
  files.responses:write(run:output(row, { id = id, prompt = made.prompt, responses = json.array(made.responses),
    cut = response_counts.cut_list(made.cut, #made.responses), feedback = json.array(made.feedback) }, RESPONSE_KEYS))
  for _, c in ipairs(made.comparisons) do
    write_verdict(files, id, "response_" .. c.a, "response_" .. c.b, c.verdict, counts)
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
local RESULT_KEYS = { "rows", "failed", "format", "pairs", "chosen_mode", "kto", "without_pair", "dropped", "cut",
  "inverted", "duplicates", "comparisons", "swap", "generator", "reviewer" }

local function save_results(run, sets, counts, rows)
  local o, results = run.options, sums_of(sets.single)
  results.rows, results.failed, results.format, results.chosen_mode = run.done, run.failures.count, o.format, o.pairs
  results.duplicates = json.object({ exact = rows.exact or 0, near = rows.near or 0 }, { "exact", "near" })
  results.comparisons = json.object({ a = counts.a, b = counts.b, tie = counts.tie, unparsed = counts.unparsed },
    { "a", "b", "tie", "unparsed" })
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

--- The models as the loop and the judge ask them.
local function asked_models(loop, judge)
  local reviewers = {}
  for i, reviewer in ipairs(loop.reviewers) do reviewers[i] = reviewer.model end
  return { generator = loop.generator, reviewers = reviewers, judge = judge.model }
end

--- What the answers took, at the prices of the table's date.
local function given()
  local all = stats.given_in_all()
  all.prices = prices.date
  return all
end

local function save_card(run, sets, list, counts, rows, asked)
  local o, reviewers = run.options, {}
  for i, named in ipairs(o.reviewer) do reviewers[i] = shown(named) end
  local models, seen = {}, {}
  for _, named in ipairs { o.generator, table.unpack(sets.reviewer and o.reviewer or {}) } do
    if not seen[named] then models[#models + 1] = shown(named) end
    seen[named] = true
  end
  run:save("README.md", preference.card {
    version = fellowship.version, script = "fellowship run preference", notes = {}, models = models,
    asked = asked_models(asked.loop, asked.judge), given = given(),
    generator = shown(o.generator), reviewers = reviewers, judge = shown(o.judge), responses = o.responses,
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
local function remove_others(run, list)
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
  if not preference.formats.wants_info(run.options.format) then run:remove("", "^dataset_info%.json$") end
end

--- A run without a pair has nothing to show.
local function expect_pairs(outcome, list)
  outcome:count("pairs", 0)
  verdict_counts.begin(outcome, "comparisons")
  outcome:need("pair", function() return outcome:of "pairs" end,
    "ties, unreadable verdicts and equal texts make none: see comparisons, and verdicts.jsonl")
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

local function note_white_space(run, sets)
  if run.options.format ~= "axolotl" or sets.single.untrimmed == 0 then return end
  run.tell(("%d pairs have a text that begins or ends with white space, which Axolotl misreads with chat templates "
    .. "that trim; fellowship run check-dataset %s names them"):format(sets.single.untrimmed, run.out))
end

--- The generator, with --system.
local function generator_of(o)
  local generator = fellowship.model(o.generator)
  return o.system and generator:with_system(o.system) or generator
end

return {
  summary = "prompts -> loop -> judge -> preference pairs",
  example = [[
echo '{"prompt":"Name a river."}' > prompts.jsonl
fellowship run preference --data prompts.jsonl --generator sim:writer \
    --reviewer sim:critic --judge sim:judge --out preferences]],
  options = {
    { "data", type = "data", required = true, metavar = "PROMPTS",
      help = "rows with prompt, a text or a conversation" },
    { "generator", type = "model", required = true, metavar = "M", help = "the model that answers and revises" },
    { "system", type = "text", metavar = "FILE|TEXT", help = "a system prompt for the generator" },
    { "reviewer", type = "model", required = true, many = true, metavar = "M", help = "a model that criticises" },
    { "judge", type = "model", required = true, metavar = "M", help = "the model that compares responses" },
    { "responses", type = "integer", default = 3, least = 2, metavar = "N", help = "responses to a prompt" },
    { "pairs", type = "choice", choices = preference.modes, default = "best-worst", help = "which pairs to take" },
    { "format", type = "choice", choices = preference.formats.names, metavar = "FORMAT", default = "trl",
      help = "of which trainer" },
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
  },
  columns = { "prompt", "id" },

  run = function(run)
    local o = run.options
    local loop = fellowship.feedback { generator = generator_of(o), reviewers = o.reviewer, responses = o.responses }
    if o.structured and o.logprobs then run:usage "--logprobs needs scores in lines, not --structured ones" end
    local judge = fellowship.judge { model = o.judge, scale = o.scale, swap = o.swap, structured = o.structured,
      logprobs = o.logprobs }
    local counts = { a = 0, b = 0, tie = 0, unparsed = 0, n = 0, flipped = 0 }
    local with_members = o.improve == "members"

    local responses <close> = run:writer "responses.jsonl"
    local verdicts <close> = run:writer "verdicts.jsonl"
    local pairs_file <close> = run:writer "pairs.jsonl"
    local branches <close> = with_members and run:writer "branches.jsonl" or nil
    local files = { responses = responses, verdicts = verdicts, branches = branches, outcome = run.outcome }

    local function open(name, format)
      local ending = o.parquet and ".parquet" or ".jsonl"
      return preference.set { name = name, mode = o.pairs, format = format, ending = ending, provenance = pairs_file,
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

    expect_pairs(run.outcome, list)
    local rows = rows_of(run)
    for row, made, number in run:map(rows, function(row, number)
      local prompt = run:prompt(row, number)
      preference.formats.check_prompt(o.format, prompt, run:origin(row, number))
      return work_on(prompt, loop, judge, o), number
    end) do
      local id = run:id(row, number)
      response_counts.add(run.outcome, id, made.responses, made.cut)
      write_provenance(run, row, files, id, made, counts)
      single:add(id, made.prompt, made.responses, preference.order(#made.responses, made.comparisons),
        { cut = made.cut, output = function(values, keys) return run:output(row, values, keys) end })
      if with_members then write_branches(files, sets, id, made, counts) end
      count_pairs(run.outcome, list)
    end

    for _, set in ipairs(list) do set:close() end
    remove_others(run, list)
    save_results(run, sets, counts, rows)
    if preference.formats.wants_info(o.format) then
      run:save("dataset_info.json", (preference.formats.dataset_info(list)))
    end
    save_card(run, sets, list, counts, rows, { loop = loop, judge = judge })
    note_white_space(run, sets)
  end,
}
