-- Measures evaluators against human labels: Cohen's kappa and a report card for each.

local fellowship = require "fellowship"
local agreement = require "fellowship.measure.agreement"
local ballots = require "fellowship.measure.ballots"
local compare = require "fellowship.command.compare"
local errors = require "fellowship.base.errors"
local evidence = require "fellowship.judge.evidence"
local file = require "fellowship.base.file"
local method = require "fellowship.command.evaluators"
local summary = require "fellowship.command.summary"
local verdict_counts = require "fellowship.command.verdict_counts"
local tables = require "fellowship.report.table"
local statistics = require "fellowship.measure.statistics"
local labels = require "fellowship.measure.labels"
local lengths = require "fellowship.measure.lengths"
local json = fellowship.json

--- The human label of a row: its own field, or what a preference set says by its columns.
local function label_of(run, row, facts)
  local human = run:field(row, "human")
  if human == nil then return facts.label end
  return human
end

--- Reads the labels of the whole dataset before anything is paid for; nil where it can be read only once.
local function read_labels(run)
  if not file.is_ordinary(run.options.data) then return nil end
  local reader = labels.reader()
  for row, number in run:rows "data" do
    local well, _, facts = pcall(run.pair, run, row, number)
    reader:read(label_of(run, row, well and facts or {}))
  end
  local said = reader:describe()
  if reader.rows > 0 and reader.usable == 0 then
    run:nothing(("no row has a label to measure against%s; labels are a, b or tie in the field \"human\", and "
      .. "--human-column NAME says which other field holds them"):format(said and ": " .. said or ""))
  end
  if said then run.tell(said) end
  return reader
end

--- Every evaluator's verdict on a row; a failure of one leaves the others' in place.
local function judge_row(run, evaluators, row, number)
  local asks, times = {}, {}
  local pair, facts = run:pair(row, number)
  for i, evaluator in ipairs(evaluators) do
    -- The same model twice is two samples, by position, as in a jury.
    local name, own = table.concat(evaluator.models, "+"), {}
    times[name] = (times[name] or 0) + 1
    for key, value in pairs(pair) do own[key] = value end
    own.sample = times[name]
    asks[i] = function()
      local well, value = pcall(evaluator.compare, evaluator, own)
      if well then return value end
      local problem = errors.from(value)
      if problem.fatal then error(problem, 0) end
      return { problem = problem }
    end
  end
  local longer, length = lengths.of(pair.a, pair.b)
  return { verdicts = fellowship.all(asks), human = label_of(run, row, facts), longer = longer, length = length,
    key = lengths.key(pair.prompt or pair.conversation_a, number), names = facts.names }
end

--- Every subset of two or more of the evaluators, by size.
local function subsets(count)
  local list = {}
  for bits = 1, (1 << count) - 1 do
    local members = {}
    for i = 1, count do
      if bits & (1 << (i - 1)) ~= 0 then members[#members + 1] = i end
    end
    if #members > 1 then list[#list + 1] = members end
  end
  table.sort(list, function(x, y)
    if #x ~= #y then return #x < #y end
    for i = 1, #x do
      if x[i] ~= y[i] then return x[i] < y[i] end
    end
    return false
  end)
  return list
end

--- How far the members of a jury agree with each other, over the rows that they could judge.
local function among_members(b)
  local members, counts, raters = {}, {}, {}
  for m = 1, b.raters do members[m], raters[m] = m, {} end
  for _, rows, _, _, _, _, list in b:patterns(b:view(members, { winners = true }), b.raters) do
    counts[#counts + 1] = rows
    for m = 1, b.raters do
      local facts = list[m]
      raters[m][#counts] = facts and facts.place < 4 and facts.winner or nil
    end
  end
  local fleiss, n = statistics.fleiss(raters, #counts, counts)
  return json.object({ fleiss_kappa = fleiss or json.null, fleiss_n = n,
    krippendorff_alpha = statistics.krippendorff(raters, #counts, { counts = counts }) or json.null },
    { "fleiss_kappa", "fleiss_n", "krippendorff_alpha" })
end

local function show(run, results)
  local sorted = table.move(results, 1, #results, 1, {})
  local function kappa(card) return card.kappa == json.null and -math.huge or card.kappa end
  table.sort(sorted, function(x, y)
    if kappa(x) ~= kappa(y) then return kappa(x) > kappa(y) end
    return table.concat(x.models, "+") < table.concat(y.models, "+")
  end)
  local rows = {}
  local function number(value) return value ~= json.null and value end
  for i, card in ipairs(sorted) do
    local ci = card.kappa_ci95 ~= json.null and ("%.3f to %.3f"):format(card.kappa_ci95[1], card.kappa_ci95[2])
    rows[i] = { table.concat(card.models, " + "), number(card.kappa), ci, number(card.agreement), card.n, card.unparsed,
      card.failed, number(card.tie_rate), number(card.flip_rate), number(card.longer_wins) }
  end
  local heads
  heads, rows = tables.telling({ "models", "kappa", "95% interval", "agreement", "n", "unparsed", "failed", "ties",
    "flips", "longer wins" }, rows, { models = true, kappa = true, n = true })
  run.tell("agreement with the human labels\n" .. tables.text(heads, rows, summary.width()))
end

--- A run without a label, or without a verdict that can be read, measures nothing.
local function expect_labels(run)
  run.outcome:count("labels", 0)
  verdict_counts.begin(run.outcome, "verdicts")
  local function readable() return run.outcome:of "verdicts" - run.outcome:of("verdicts", "unparsed") end
  run.outcome:need("label to measure against",
    function() return math.min(run.outcome:of "labels", readable()) end,
    'labels are a, b or tie in the field "human"; --human-column NAME says which other field holds them')
end

--- The kappas for the last line and run.json, by the models' names.
local function tell_kappas(run, results)
  local names, kappas = {}, {}
  for i, card in ipairs(results) do
    local name = table.concat(card.models, " + ")
    names[i] = kappas[name] ~= nil and ("%s (%d)"):format(name, i) or name -- the same model twice is two judges
    kappas[names[i]] = card.kappa
  end
  run.outcome:fact("kappa", json.object(kappas, names))
end

local options = {
  { "data", type = "data", required = true, metavar = "ROWS",
    help = "rows with prompt, response_a, response_b, human (a, b or tie); or a preference set: chosen, rejected" },
  { "method", type = "choice", choices = method.names, files = true, required = true,
    help = "what is measured; or a file that returns an evaluator" },
  { "unparsed-as-tie", type = "flag", help = "count what could not be read as a tie (the paper did)" },
}
table.move(compare.options(), 1, #compare.options(), #options + 1, options)

return {
  summary = "how far evaluators agree with human labels",
  example = [[
echo '{"prompt":"2+2?","response_a":"4","response_b":"5","human":"a"}' \
    > rows.jsonl
fellowship run evaluate --data rows.jsonl --method jury --model sim:one \
    --model sim:two --out agreement]],
  options = options,
  columns = { "human", table.unpack(compare.columns) },

  run = function(run)
    local o = run.options
    -- A jury's members are asked as judges: every subset is evaluated from one set of votes.
    local evaluators = compare.evaluators(run, o.method == "jury" and "judge" or o.method)
    local rows, seen, repeated, spent = 0, {}, 0, {}
    local held = ballots.new(#evaluators)
    local before = read_labels(run)
    local reader = labels.reader()
    reader.zero = before and before.zero
    expect_labels(run)
    local out <close> = run:writer "verdicts.jsonl"
    for row, judged, number in run:map(run:rows "data", function(row, number)
      return judge_row(run, evaluators, row, number), number
    end) do
      local id = run:id(row, number)
      if seen[id] then repeated = repeated + 1 end
      seen[id] = true
      local human = reader:read(judged.human)
      run.outcome:count(human and "labels" or "without_a_label")
      local kept = { human = human, longer = judged.longer, length = judged.length, key = judged.key, verdicts = {} }
      for i = 1, #evaluators do
        local v = judged.verdicts[i]
        if type(v.problem) == "table" then
          run:fail(row, number, v.problem)
          kept.verdicts[i] = false
        else
          out:write(run:output(row, method.row(id, v, judged.names)))
          verdict_counts.add(run.outcome, "verdicts", id, v)
          kept.verdicts[i] = v
          spent[i] = evidence.sum(v.evidence or {}, spent[i])
        end
      end
      held:add(kept)
      rows = rows + 1
    end

    local results = json.array()
    local settings = { seed = o.seed, unparsed_as_tie = o["unparsed-as-tie"], lengths = true }
    for m, evaluator in ipairs(evaluators) do
      settings.spent = spent[m]
      results[m] = agreement.of(held, { m }, evaluator.models, settings)
    end
    settings.spent, settings.lengths = nil, false -- a jury's votes are its members', already counted
    for _, members in ipairs(o.method == "jury" and subsets(#evaluators) or {}) do
      local names = {}
      for i, m in ipairs(members) do names[i] = evaluators[m].models[1] end
      results[#results + 1] = agreement.of(held, members, names, settings)
    end
    if repeated > 0 then run.tell(("%d rows have an id that an earlier row has too"):format(repeated)) end
    if not before and reader:describe() then run.tell(reader:describe()) end
    local unknown = reader:unknown()
    run:save("results.json", json.object({ method = o.method, n = rows, repeated_ids = repeated, results = results,
      labels_not_understood = unknown and json.object(unknown) or nil,
      members = o.method == "jury" and among_members(held) or nil },
      { "method", "n", "repeated_ids", "labels_not_understood", "members", "results" }))
    tell_kappas(run, results)
    show(run, results)
  end,
}
