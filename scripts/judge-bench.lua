-- Benchmarks of judges over files that the user has, scored by the benchmarks' own rules.

local fellowship = require "fellowship"
local compare = require "fellowship.command.compare"
local errors = require "fellowship.base.errors"
local protocols = require "fellowship.measure.protocols"
local resampling = require "fellowship.measure.resampling"
local summary = require "fellowship.command.summary"
local tables = require "fellowship.report.table"
local json = fellowship.json

local function refuse(problem, ...)
  errors.raise { kind = "data", message = problem:format(...) }
end

--- Of a pair: each judge's games, scored.
local function judge_pair(run, judges, row)
  local protocol = run.options.protocol
  local pair, problem = protocols.pair(protocol, row)
  if not pair then refuse("%s; is it a file of %s?", problem, protocol) end
  return pair.group, fellowship.gather(judges, function(judge)
    local games = protocols.games(judge:compare { prompt = pair.prompt, a = pair.a, b = pair.b })
    local score, agree = protocols[protocol](games, pair.label)
    return { score = score, agree = agree, games = json.array(games) }
  end)
end

--- Of a row of PPE: each judge's games on its pairs; none where people saw a tie.
local function judge_pairs(_, judges, row)
  local found, problem = protocols.ppe_pairs(row)
  if not found then refuse("%s; is it a file of ppe?", problem) end
  if #found.pairs == 0 then return found.groups, {} end
  return found.groups, fellowship.gather(judges, function(judge)
    local games = fellowship.gather(found.pairs, function(pair)
      return json.array(protocols.games(judge:compare { prompt = found.prompt, a = pair.a, b = pair.b }))
    end)
    local sums = protocols.ppe(games, found.pairs)
    sums.games = json.array(games)
    return sums
  end)
end

--- A prompt of RewardBench 2 with its responses, each scored alone; those of Ties are scored together in the end.
local function score_prompt(_, judges, row)
  local prompt, chosen, rejected = row.prompt, row.chosen, row.rejected
  if type(prompt) ~= "string" or type(chosen) ~= "table" or type(rejected) ~= "table" or #chosen == 0 then
    refuse "the row has no prompt, chosen and rejected (lists); is it a file of rewardbench2?"
  end
  local responses = table.move(rejected, 1, #rejected, #chosen + 1, table.move(chosen, 1, #chosen, 1, {}))
  local group = type(row.subset) == "string" and row.subset or nil
  return group, fellowship.gather(judges, function(judge)
    local scores = fellowship.gather(responses, function(response)
      return judge:score { prompt = prompt, response = response }.score or -math.huge
    end)
    if group == "Ties" then return { ties = { id = tostring(row.id), scores = scores, correct = #chosen } } end
    return { score = protocols.best_of(scores) }
  end)
end

local function count_games(_, _, row)
  local sum, count = protocols.arena_hard(row.games)
  if not sum then refuse "a game was not read, or the row is no judgement of arena-hard (games, each with a score)" end
  local group = type(row.category) == "string" and row.category or nil
  return group, { { sum = sum, count = count } }, tostring(row.model)
end

--- Sums by judge (or model) and groups.
local function keep(held, name, groups, found)
  local one = held[name]
  if not one then
    one = { name = name, sums = {}, counts = {}, groups = {}, order = {}, ties = {}, agree = 0, all = 0 }
    held[name], held[#held + 1] = one, one
  end
  if found.ties then
    one.ties[#one.ties + 1] = found.ties
    return
  end
  local i = #one.sums + 1
  one.sums[i], one.counts[i] = found.sum or found.score, found.count or 1
  one.all = one.all + one.counts[i]
  one.agree = one.agree + (math.tointeger(found.agree) or found.agree and 1 or 0)
  for _, group in ipairs(groups) do
    if not one.groups[group] then
      one.groups[group], one.order[#one.order + 1] = { sum = 0, count = 0, n = 0 }, group
    end
    local g = one.groups[group]
    g.sum, g.count, g.n = g.sum + one.sums[i], g.count + one.counts[i], g.n + 1
  end
end

local AGREEING = { llmbar = true, ppe = true } -- they say how often both orders agree

--- The result of a judge: its score, with an interval by bootstrap over rows, and by group; RewardBench 2's is the mean of
--- its groups', Ties among them.
local function result_of(run, one)
  local protocol, groups, mean = run.options.protocol, json.array(), 0
  local score, ends = resampling.ratio(one.sums, one.counts, { seed = run.options.seed })
  table.sort(one.order)
  for i, name in ipairs(one.order) do
    local g = one.groups[name]
    groups[i] = json.object({ group = name, score = g.sum / g.count, n = g.n }, { "group", "score", "n" })
  end
  local ties = protocols.ties(one.ties)
  if ties then
    groups[#groups + 1] = json.object({ group = "Ties", score = ties, n = #one.ties }, { "group", "score", "n" })
  end
  for _, g in ipairs(groups) do mean = mean + g.score / #groups end
  return json.object({ name = one.name, score = score or json.null, ci95 = ends and json.array(ends) or json.null,
    n = #one.sums + #one.ties, agree = AGREEING[protocol] and one.agree / one.all or nil, groups = groups,
    mean_of_groups = protocol == "rewardbench2" and #groups > 0 and mean or nil },
    { "name", "score", "ci95", "n", "agree", "mean_of_groups", "groups" })
end

local function show(run, results)
  local rows = {}
  for i, r in ipairs(results) do
    local ends = r.ci95 ~= json.null and ("%.3f to %.3f"):format(r.ci95[1], r.ci95[2])
    rows[#rows + 1] = { r.name, "all", r.score ~= json.null and r.score, ends, r.n, r.agree, r.mean_of_groups }
    for _, g in ipairs(results[i].groups) do rows[#rows + 1] = { r.name, g.group, g.score, nil, g.n } end
  end
  local heads
  heads, rows = tables.telling({ run.options.protocol, "group", "score", "95% interval", "n", "orders agree",
    "mean of groups" }, rows, { [run.options.protocol] = true, group = true, score = true, n = true })
  run.tell("scores by the benchmark's own rules\n" .. tables.text(heads, rows, summary.width()))
end

local ASK = { ["arena-hard"] = count_games, rewardbench2 = score_prompt, ppe = judge_pairs, judgebench = judge_pair,
  llmbar = judge_pair }

local options = {
  { "data", type = "data", required = true, metavar = "FILE",
    help = "the benchmark's file, or Arena-Hard's judgements" },
  { "protocol", type = "choice", choices = protocols.names, required = true, help = "whose rows and rules" },
}
for _, option in ipairs(compare.options "judge") do
  if option[1] ~= "swap" then options[#options + 1] = option end
end

return {
  summary = "score judges by benchmarks' rules",
  example = [[
echo '{"question":"2+2?","response_A":"4","response_B":"5","label":"A>B"}' \
    > rows.jsonl
fellowship run judge-bench --data rows.jsonl --protocol judgebench \
    --model sim:judge --out bench]],
  options = options,
  columns = { "id" },

  run = function(run)
    local o, judges = run.options, {}
    o.swap = o.protocol ~= "rewardbench2"
    if o.protocol ~= "arena-hard" then judges = compare.evaluators(run, "judge")
    elseif #(o.model or {}) > 0 then run:usage "arena-hard scores judgements that exist: leave --model out" end
    local ask = ASK[o.protocol]
    local held = {}
    run.outcome:count("scored", 0)
    run.outcome:need("row to score", function() return run.outcome:of "scored" end, "errors.jsonl says why")
    local out <close> = run:writer "scores.jsonl"
    for row, groups, found, name, number in run:map(run:rows "data", function(row, number)
      local groups, found, name = ask(run, judges, row)
      if type(groups) ~= "table" then groups = { groups } end
      return groups, found, name, number
    end) do
      run.outcome:count(#found > 0 and "scored" or "ties_of_people")
      for i, one in ipairs(found) do
        local who = name or judges[i].models[1]
        keep(held, who, groups, one)
        out:write(json.object({ id = run:id(row, number), name = who, group = groups[1] and table.concat(groups, ", "),
          score = one.score or one.sum, games = one.games }, { "id", "name", "group", "score", "games" }))
      end
    end
    local results = json.array()
    for i, one in ipairs(held) do results[i] = result_of(run, one) end
    run:save("results.json", json.object({ protocol = o.protocol, scores = results }, { "protocol", "scores" }))
    show(run, results)
  end,
}
