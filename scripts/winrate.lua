-- Win rates of generators: responses against responses, joined by id, by any evaluator.

local fellowship = require "fellowship"
local arena = require "fellowship.measure.arena"
local compare = require "fellowship.command.compare"
local agreement = require "fellowship.measure.agreement"
local ballots = require "fellowship.measure.ballots"
local contest = require "fellowship.measure.contest"
local human_labels = require "fellowship.command.human_labels"
local judge_weights = require "fellowship.command.judge_weights"
local labelling = require "fellowship.measure.labelling"
local lengths = require "fellowship.measure.lengths"
local method = require "fellowship.command.evaluators"
local join = require "fellowship.dataset.join"
local style = require "fellowship.measure.style"
local summary = require "fellowship.command.summary"
local tables = require "fellowship.report.table"
local errors = require "fellowship.base.errors"
local verdict_counts = require "fellowship.command.verdict_counts"
local json = fellowship.json

--- A prompt, text or conversation, in a form that == compares; and itself. Nil where a row has none.
local function prompt_of(run, row, number)
  local well, prompt = pcall(run.prompt, run, row, number)
  if well then return json.canonical { prompt }, prompt end
end

--- The rows of a baseline by id; each must be there once.
local function load_baseline(run, which)
  local path = run.options.against[which]
  local joined = join.new(path)
  for row, number in run:rows("against", which, true) do
    local id, comparable, prompt = run:id(row, number), prompt_of(run, row, number)
    if not joined:add(id, { comparable = comparable, prompt = prompt, response = run:response(row, number) }) then
      run:usage(("%s: two rows have the id %s; rows are joined by id"):format(path, tostring(id)))
    end
  end
  return joined
end

--- The prompt that two rows share; one of them may lack it.
local function shared_prompt(run, row, number, other, name)
  local comparable, prompt = prompt_of(run, row, number)
  if not comparable then return other.prompt or run:prompt(row, number) end -- which says what is missing
  if other.comparable and other.comparable ~= comparable then
    errors.raise { kind = "data", message = ("the row with the id %s has another prompt in %s")
      :format(tostring(run:id(row, number)), name) }
  end
  return prompt
end

---@class Played what all comparisons add to
---@field games fellowship.Games
---@field arena fellowship.Arena
---@field human (fun(id: any, a: string, b: string): string?)?
---@field labelling fellowship.Labelling rows without a label

--- Compares one file with one baseline; returns what the verdicts sum up to.
---@param played Played
local function play(run, evaluator, d, joined, names, out, played)
  local winners, held, human = {}, ballots.new(1, { style = true }), played.human
  for row, verdict, number, twice, about in run:map(run:rows("data", d), function(row, number)
    local id = run:id(row, number)
    local other, is_new = joined:find(id), joined:count(id)
    if not other or not is_new then return nil, number, not is_new end
    local prompt = shared_prompt(run, row, number, other, names.b)
    local response = run:response(row, number)
    local verdict = evaluator:compare { prompt = prompt, a = response, b = other.response }
    return verdict, number, false, { key = lengths.key(prompt, number),
      style = style.difference(response, other.response), lengths.of(response, other.response) }
  end) do
    local id = run:id(row, number)
    if twice then
      run:usage(("%s: two rows have the id %s; rows are joined by id"):format(names.a, tostring(id)))
    end
    if verdict then
      out:write(run:output(row, method.row(id, verdict, names)))
      winners[#winners + 1] = verdict.winner
      local label = human and human(id, names.a, names.b)
      if not label then played.labelling:add(id, verdict.winner) end
      held:add { key = about.key, longer = about[1], length = about[2], style = about.style, human = label,
        verdicts = { verdict } }
      played.games:add(join.key(id), names.a, names.b, verdict.winner)
      played.arena:add { key = join.key(id), a = names.a, b = names.b, winner = verdict.winner, human = label,
        style = about.style, votes = verdict.votes }
      verdict_counts.add(run.outcome, "games", id, verdict)
    else
      run.outcome:count "unmatched"
    end
  end
  run.tell(joined:problem(names.a) or joined:report(names.a, not (run.options.limit or run.options.shard)))
  local sums = contest.tally(winners)
  sums.data, sums.against, sums.unmatched = names.a, names.b, joined.unmatched
  local card = agreement.of(held, { 1 }, evaluator.models, { seed = run.options.seed, lengths = true,
    plan = run.options.plan })
  for _, name in ipairs { "flip_rate", "position", "longer_wins" } do sums[name] = card[name] end
  sums.rates, sums.agreement = card.win_rate, human and json.object({ kappa = card.kappa, kappa_ci95 = card.kappa_ci95,
    n = card.n }, { "kappa", "kappa_ci95", "n" }) or nil
  held:close()
  return sums
end

local KEYS = { "data", "against", "n", "wins", "losses", "ties", "unparsed", "unmatched", "win_rate", "win_rate_ci95",
  "rates", "flip_rate", "position", "longer_wins", "agreement" }

local function as_json(sums)
  sums.win_rate = sums.win_rate or json.null
  sums.win_rate_ci95 = sums.win_rate_ci95 and json.array(sums.win_rate_ci95) or json.null
  return json.object(sums, KEYS)
end

--- Bradley-Terry strengths of everyone who played, when they are three or more; and what they rest on.
local function strengths(run, games)
  if #games.names < 3 then return nil end
  local list, found = json.array(), games:strengths { seed = run.options.seed }
  for i, player in ipairs(found) do
    list[i] = json.object({ name = player.name, strength = player.strength or json.null,
      ci95 = player.ci95 and json.array(player.ci95) or json.null }, { "name", "strength", "ci95" })
  end
  if found.problem then run.tell(found.problem)
  elseif found.fitted < found.resamples then
    run.tell(("%d of %d resamples had no finite strengths; the intervals rest on the others")
      :format(found.resamples - found.fitted, found.resamples))
  end
  return list, json.object({ games = found.games, resamples = found.resamples, fitted = found.fitted,
    problem = found.problem }, { "games", "resamples", "fitted", "problem" })
end

local function interval_of(rate)
  return rate.ci95[1] and ("%.3f to %.3f"):format(rate.ci95[1], rate.ci95[2])
end

--- The figures of one comparison one below the other: which to take stands in the guide.
local function show_one(run, s, half)
  local rates, rows = s.rates, {}
  local function line(name, rate, n)
    if rate and rate ~= json.null then rows[#rows + 1] = { name, rate.rate, interval_of(rate), n or rate.n } end
  end
  line("ties as halves, unparsed left out", rates.halves)
  line("decided games alone", rates.decided)
  line("at equal lengths", rates.length_controlled)
  line("at equal style", rates.style_controlled)
  local corrected = rates.corrected
  if corrected then
    line("by people alone", corrected.human, corrected.labels)
    line("corrected by people's labels (PPI++)", corrected.ppi, corrected.labels + corrected.unlabelled)
    line("the judge's bias", corrected.bias, corrected.labels)
  end
  run.tell("other ways to say it\n" .. tables.text({ "how often A wins", "rate", "95% interval", "n" }, rows,
    summary.width()))
  if corrected and corrected.worth then
    run.tell(("%d labels are worth %.0f with this judge%s"):format(corrected.labels, corrected.worth,
      corrected.labels_needed and ("; for +- %g points it takes %d"):format(100 * half,
        corrected.labels_needed) or ""))
  end
end

local function show(run, all, weighted)
  local rows = {}
  for i, s in ipairs(all) do
    local ci = s.win_rate_ci95 ~= json.null and ("%.3f to %.3f"):format(s.win_rate_ci95[1], s.win_rate_ci95[2])
    rows[i] = { s.data, s.against, s.n, s.wins, s.losses, s.ties, s.unparsed,
      s.win_rate ~= json.null and s.win_rate, ci }
  end
  run.tell("win rates\n" .. tables.text({ "A", "against B", "n", "wins", "losses", "ties", "unparsed", "win rate",
    "95% interval" }, rows, summary.width()))
  if #all == 1 and all[1].n > 0 then show_one(run, all[1], run.options.plan or 0.02) end
  judge_weights.tell(run, weighted)
end

local options = {
  { "data", type = "data", required = true, many = true, metavar = "A.jsonl",
    help = "rows with id, prompt, response (or responses: the last one)" },
  { "against", type = "data", required = true, many = true, metavar = "B.jsonl",
    help = "the same of who is played against" },
  { "human", type = "data", metavar = "LABELS.jsonl",
    help = "rows with id and human (a, b or tie), and of several files a and b: what people say of some games" },
  { "plan", type = "number", metavar = "0.02",
    help = "for an interval of +- so much, write which rows to label next: to-label.jsonl" },
  { "evaluator", type = "choice", choices = method.names, files = true, required = true,
    help = "who decides; or a file that returns an evaluator" },
}
table.move(compare.options(), 1, #compare.options(), #options + 1, options)

return {
  summary = "responses against responses, joined by id",
  example = [[
echo '{"id":1,"prompt":"Name a river.","response":"The Rhine."}' > a.jsonl
echo '{"id":1,"prompt":"Name a river.","response":"Water."}' > b.jsonl
fellowship run winrate --data a.jsonl --against b.jsonl --evaluator judge \
    --model sim:judge --out wins]],
  options = options,
  columns = { "id", "prompt", "response", "human" },

  run = function(run)
    local o = run.options
    local evaluators = compare.evaluators(run, o.evaluator)
    if #evaluators > 1 then
      run:usage(("%d models are %d %ss, and one decides; a jury takes several models")
        :format(#evaluators, #evaluators, o.evaluator))
    end
    human_labels.check_plan(run)
    local all = json.array()
    local played = { games = contest.games(), arena = arena.new(), human = human_labels.read(run),
      labelling = labelling.new() }
    verdict_counts.begin(run.outcome, "games")
    local current -- what is joined now, and with which file
    run.outcome:need("game", function() return run.outcome:of "games" end, function()
      return (current[1]:problem(current[2]) or "no two rows met") .. "; --id-column NAME says which field holds the id"
    end)
    local out <close> = run:writer "verdicts.jsonl"
    for b, against in ipairs(o.against) do
      local joined = load_baseline(run, b)
      for d, data in ipairs(o.data) do
        joined:begin()
        current = { joined, data }
        all[#all + 1] = as_json(play(run, evaluators[1], d, joined, { a = data, b = against }, out, played))
        if o.plan then
          human_labels.plan(run, all[1].rates.corrected, played.labelling, joined, shared_prompt)
        end
      end
    end
    local results, weighted = all[1], nil
    if #all > 1 then
      local list, basis = strengths(run, played.games)
      local styled, corrected
      if list then styled, corrected, weighted = played.arena:results() end
      results = json.object({ matrix = all, strengths = list, bradley_terry = basis, style_controlled = styled,
        corrected = corrected, judge_weighted = weighted },
        { "matrix", "strengths", "bradley_terry", "style_controlled", "corrected", "judge_weighted" })
    end
    run:save("results.json", results)
    if #all == 1 then run.outcome:fact("win_rate", all[1].win_rate) end
    show(run, all, weighted)
  end,
}
