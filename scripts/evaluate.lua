-- Measures evaluators against human labels: Cohen's kappa and a report card for each.

local fellowship = require "fellowship"
local agreement = require "fellowship.measure.agreement"
local ballots = require "fellowship.measure.ballots"
local calibration = require "fellowship.measure.calibration"
local compare = require "fellowship.command.compare"
local errors = require "fellowship.base.errors"
local evidence = require "fellowship.judge.evidence"
local file = require "fellowship.base.file"
local frontier = require "fellowship.measure.frontier"
local juries = require "fellowship.measure.juries"
local list_price = require "fellowship.command.list_price"
local method = require "fellowship.command.evaluators"
local paired = require "fellowship.measure.paired"
local summary = require "fellowship.command.summary"
local verdict_counts = require "fellowship.command.verdict_counts"
local tables = require "fellowship.report.table"
local statistics = require "fellowship.measure.statistics"
local label_reader = require "fellowship.command.label_reader"
local lengths = require "fellowship.measure.lengths"
local style = require "fellowship.measure.style"
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
  local reader = label_reader.of(run, "data")
  for row, number in run:rows "data" do
    local well, _, facts = pcall(run.pair, run, row, number)
    reader:read(label_of(run, row, well and facts or {}))
  end
  local said = reader:describe()
  if reader.rows > 0 and reader:usable() == 0 then
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
    style = style.difference(pair.a, pair.b), key = lengths.key(pair.prompt or pair.conversation_a, number),
    names = facts.names }
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

-- ---- what is worth its cost ----

--- --best-under as an amount and its unit.
local function budget_of(run)
  local said = run.options["best-under"]
  if not said then return nil end
  local amount, unit = said:lower():match "^%s*%$?%s*([%d.]+)%s*(%a*)%s*$"
  unit = unit == "" and "usd" or unit
  for _, one in ipairs(frontier.UNITS) do
    if tonumber(amount) and (unit == one or unit .. "s" == one) then return tonumber(amount), one end
  end
  run:usage(('--best-under %s: say an amount, as in "0.50", "200000 tokens" or "800 calls"'):format(said))
end

--- What each evaluator took, in a unit; nil where it is not known.
local function costs_in(unit, spent, count)
  local list = {}
  for m = 1, count do
    local one = spent[m] or {} -- nothing of who failed on every row
    if unit == "usd" then list[m] = one.usd
    elseif unit == "calls" then list[m] = one.calls
    else list[m] = one.prompt and one.completion and one.prompt + one.completion end
  end
  return list
end

--- The first unit in which every evaluator's cost is known, and some of them cost something.
local function unit_of(spent, count)
  for _, unit in ipairs(frontier.UNITS) do
    local costs, known, sum = costs_in(unit, spent, count), true, 0
    for m = 1, count do known, sum = known and costs[m] ~= nil, sum + (costs[m] or 0) end
    if known and sum > 0 then return unit end
  end
end

local function show_frontier(run, unit, points, best)
  local rows = {}
  for i, one in ipairs(points) do
    rows[i] = { table.concat(one.models, " + "), one.cost, one.kappa,
      one.kappa_cross_validated ~= json.null and one.kappa_cross_validated }
  end
  run.tell("what nothing cheaper is as good as\n" .. tables.text({ "models", unit, "kappa", "cross-validated" }, rows,
    summary.width()))
  if best then
    local honest = best.cross_validated.kappa
    run.tell(("the best for %g %s: %s (kappa %.3f as chosen%s)"):format(best.most, unit,
      table.concat(best.models, " + "), best.kappa,
      honest ~= json.null and (", %.3f by cross-validation"):format(honest) or ""))
  end
end

--- The frontier of quality and cost, and the best within --best-under; nil where there is nothing to choose from.
local function quality_for_cost(run, held, names, spent, settings)
  local most, unit = budget_of(run)
  unit = unit or unit_of(spent, #names)
  if not unit or #names < 2 and not most then return nil end
  local costs = costs_in(unit, spent, #names)
  local list = frontier.candidates(held, costs, { juries = run.options.method == "jury",
    unparsed_as_tie = settings.unparsed_as_tie })
  if #list == 0 then
    run.tell(("--best-under: what the evaluators cost in %s is not known; say tokens or calls, or a price in --models, "
      .. "and run it again with --force"):format(unit))
    return nil
  end
  local points = frontier.of(list, names)
  local best = most and frontier.best_under(held, list, names, most, settings)
  if most and not best then
    run.tell(("--best-under: nothing can be had for %g %s; the cheapest one costs %s"):format(most, unit,
      points[1] and ("%g"):format(points[1].cost) or "more"))
  end
  if #points > 0 then show_frontier(run, unit, points, best) end
  return json.object({ unit = unit, frontier = points, best_under = best or nil }, { "unit", "frontier", "best_under" })
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

local function spend(spent, m, list, price)
  local before = spent[m]
  local usd = price:of(list)
  usd = usd and (not before and usd or before.usd and before.usd + usd)
  spent[m] = evidence.sum(list, before)
  spent[m].usd = usd or nil
end

--- The card of each evaluator, and of each jury of some of them.
local function cards_of(run, held, evaluators, spent)
  local results = json.array()
  local settings = { seed = run.options.seed, unparsed_as_tie = run.options["unparsed-as-tie"], lengths = true }
  for m, evaluator in ipairs(evaluators) do
    settings.spent, settings.calibration = spent[m], held.chances[m]:summary()
    results[m] = agreement.of(held, { m }, evaluator.models, settings)
  end
  settings.spent, settings.calibration, settings.lengths = nil, nil, false -- a jury's votes are its members', already counted
  if run.options.method ~= "jury" then return results, settings end
  local subsets, all = juries.subsets(#evaluators)
  if not all then
    run.tell(("of the juries, the %d smallest are looked at, and the whole one"):format(#subsets - 1))
  end
  for _, members in ipairs(subsets) do
    local names = {}
    for i, m in ipairs(members) do names[i] = evaluators[m].models[1] end
    results[#results + 1] = agreement.of(held, members, names, settings)
  end
  return results, settings
end

--- What people say of several evaluators together, and results.json.
local function save(run, facts, held, evaluators, results, spent, settings)
  local names, models, kappas = {}, {}, {}
  for m, evaluator in ipairs(evaluators) do
    names[m], models[m] = table.concat(evaluator.models, " + "), evaluator.models
    kappas[m] = results[m].kappa ~= json.null and results[m].kappa or nil
  end
  local several = #evaluators > 1
  run:save("results.json", json.object({ method = run.options.method, n = facts.n, repeated_ids = facts.repeated,
    results = results, labels_not_understood = facts.unknown and json.object(facts.unknown) or nil,
    members = run.options.method == "jury" and among_members(held) or nil,
    jury = several and juries.of(held, names, settings) or nil,
    differences = several and paired.of(held, models, kappas, settings) or nil,
    quality_for_cost = quality_for_cost(run, held, names, spent, settings) },
    { "method", "n", "repeated_ids", "labels_not_understood", "members", "results", "jury", "differences",
      "quality_for_cost" }))
end

local options = {
  { "data", type = "data", required = true, metavar = "ROWS",
    help = "rows with prompt, response_a, response_b, human (a, b or tie); or a preference set: chosen, rejected" },
  { "method", type = "choice", choices = method.names, files = true, required = true,
    help = "what is measured; or a file that returns an evaluator" },
  { "best-under", group = "measuring", type = "string", metavar = "USD|TOKENS|CALLS",
    help = 'the best evaluator or jury for so much, as in "0.50", "200000 tokens", "800 calls"' },
  { "unparsed-as-tie", group = "measuring", type = "flag",
    help = "count what could not be read as a tie (the paper did)" },
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
    budget_of(run)
    local rows, seen, repeated, spent, price = 0, {}, 0, {}, list_price.new()
    local held = ballots.new(#evaluators, { style = true })
    held.chances = {}
    for m = 1, #evaluators do held.chances[m] = calibration.new() end
    local before = read_labels(run)
    local reader = label_reader.of(run, "data")
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
      local kept = { human = human, longer = judged.longer, length = judged.length, style = judged.style,
        key = judged.key, verdicts = {} }
      for i = 1, #evaluators do
        local v = judged.verdicts[i]
        if type(v.problem) == "table" then
          run:fail(row, number, v.problem)
          kept.verdicts[i] = false
        else
          out:write(run:output(row, method.row(id, v, judged.names)))
          verdict_counts.add(run.outcome, "verdicts", id, v)
          kept.verdicts[i] = v
          held.chances[i]:add(judged.key, calibration.chance(v, o.scale), human)
          spend(spent, i, v.evidence or {}, price)
        end
      end
      held:add(kept)
      rows = rows + 1
    end

    local results, settings = cards_of(run, held, evaluators, spent)
    if repeated > 0 then run.tell(("%d rows have an id that an earlier row has too"):format(repeated)) end
    if not before and reader:describe() then run.tell(reader:describe()) end
    save(run, { n = rows, repeated = repeated, unknown = reader:unknown() }, held, evaluators, results, spent, settings)
    tell_kappas(run, results)
    show(run, results)
  end,
}
