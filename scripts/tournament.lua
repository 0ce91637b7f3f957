-- A tournament of generators, which plays where the order is least certain, until it is decided.

local fellowship = require "fellowship"
local arena = require "fellowship.measure.arena"
local compare = require "fellowship.command.compare"
local contest = require "fellowship.measure.contest"
local judge_weights = require "fellowship.command.judge_weights"
local method = require "fellowship.command.evaluators"
local ranking = require "fellowship.measure.ranking"
local style = require "fellowship.measure.style"
local summary = require "fellowship.command.summary"
local tables = require "fellowship.report.table"
local verdict_counts = require "fellowship.command.verdict_counts"
local json = fellowship.json

--- A shuffle that follows from the seed and what is shuffled for.
local function shuffled(n, seed)
  local list, state = {}, seed
  for i = 1, n do list[i] = i end
  for i = n, 2, -1 do
    state = (state * 6364136223846793005 + 1442695040888963407)
    local j = (state >> 33) % i + 1
    list[i], list[j] = list[j], list[i]
  end
  return list, state
end

---@class Field the players, the prompts, and which games are played
local Field = {}
Field.__index = Field

local function new_field(run, names)
  local field = setmetatable({ names = names, prompts = {}, queues = {}, wins = {}, games = contest.games(),
    arena = arena.new(), played = 0, answers = {} }, Field)
  for row, number in run:rows "data" do
    field.prompts[#field.prompts + 1] = { id = run:id(row, number), prompt = run:prompt(row, number) }
  end
  for i = 1, #names do
    field.games:player(names[i])
    field.arena:player(names[i])
    field.wins[i], field.answers[i] = {}, {}
    for j = 1, #names do field.wins[i][j] = 0 end
  end
  return field
end

function Field:queue(run, i, j)
  local low, high = math.min(i, j), math.max(i, j)
  local key = low * 1000 + high
  if not self.queues[key] then
    local list, state = shuffled(#self.prompts, (run.options.seed or 0) * 1000003 + key)
    self.queues[key] = { list = list, state = state, at = 0 }
  end
  return self.queues[key]
end

function Field:left(run, i, j)
  return #self.prompts - self:queue(run, i, j).at
end

--- The next games of two players: each on a prompt that they have not met on, in a direction by lot.
function Field:take(run, i, j, count, into)
  local queue = self:queue(run, i, j)
  for _ = 1, math.min(count, self:left(run, i, j)) do
    queue.at = queue.at + 1
    queue.state = queue.state * 6364136223846793005 + 1442695040888963407
    local turned = queue.state >> 63 == 1
    local prompt = self.prompts[queue.list[queue.at]]
    into[#into + 1] = { id = prompt.id, prompt = prompt.prompt, at = queue.list[queue.at], a = turned and j or i,
      b = turned and i or j }
  end
end

--- A player's answer to a prompt, asked for once.
function Field:answer(generators, player, game)
  local kept = self.answers[player]
  if not kept[game.at] then kept[game.at] = generators[player]:ask(game.prompt).text end
  return kept[game.at]
end

local RESULT = { a = 1, tie = 0.5, b = 0 }

local function play(run, field, generators, judge, games, out)
  local function source()
    local at = 0
    return function()
      at = at + 1
      if games[at] then return games[at], field.played + at - 1 end
    end
  end
  for game, verdict, differences in run:map(source(), function(game)
    local a, b = fellowship.all(function() return field:answer(generators, game.a, game) end,
      function() return field:answer(generators, game.b, game) end)
    return judge:compare { prompt = game.prompt, a = a, b = b }, style.difference(a, b)
  end) do
    local a, b = field.names[game.a], field.names[game.b]
    field.games:add(game.at, a, b, verdict.winner)
    field.arena:add { key = game.at, a = a, b = b, winner = verdict.winner, style = differences,
      votes = verdict.votes }
    local won = RESULT[verdict.winner]
    if won then
      field.wins[game.a][game.b] = field.wins[game.a][game.b] + won
      field.wins[game.b][game.a] = field.wins[game.b][game.a] + 1 - won
    end
    out:write(method.row(game.id, verdict, { a = a, b = b }))
    verdict_counts.add(run.outcome, "games", game.id, verdict)
  end
  field.played = field.played + #games
end

--- The first round: every two players meet, so that all are connected.
local function first_round(run, field, games)
  local k, list = #field.names, {}
  local each = math.max(2, games // (k * (k - 1) // 2))
  for i = 1, k do
    for j = i + 1, k do field:take(run, i, j, each, list) end
  end
  return list
end

local function next_round(run, field, neighbours, games)
  local list = {}
  local function left(i, j) return field:left(run, i, j) end
  for _, share in ipairs(ranking.share(neighbours, games, left)) do
    field:take(run, share[1], share[2], share[3], list)
  end
  return list
end

--- Writes results.json; at the end with the strengths at equal style and by judges' weights, which take no more games.
local function save(run, field, order, neighbours, rounds, ended)
  local found, players, k = field.games:strengths { seed = run.options.seed }, json.array(), #field.names
  for place, i in ipairs(order) do
    local one, below = found[i], neighbours[place]
    players[place] = json.object({ name = field.names[i], strength = one.strength or json.null,
      ci95 = one.ci95 and json.array(one.ci95) or json.null, doubt = below and below.doubt or json.null },
      { "name", "strength", "ci95", "doubt" })
  end
  local all = #field.prompts * k * (k - 1) // 2
  local styled, _, weighted
  if ended then styled, _, weighted = field.arena:results() end
  run:save("results.json", json.object({ order = players, decided = ranking.decided(neighbours, 0.05), rounds = rounds,
    games = field.played, all_games = all, saved = 1 - field.played / all, problem = found.problem,
    style_controlled = styled, judge_weighted = weighted },
    { "order", "decided", "rounds", "games", "all_games", "saved", "problem", "style_controlled", "judge_weighted" }))
  return players, weighted
end

local function show(run, field, players, weighted, neighbours)
  local rows = {}
  for place, one in ipairs(players) do
    local ends = one.ci95 ~= json.null and ("%.3f to %.3f"):format(one.ci95[1], one.ci95[2])
    rows[place] = { place, one.name, one.strength ~= json.null and one.strength, ends,
      neighbours[place] and neighbours[place].doubt }
  end
  run.tell("the order of the generators\n" .. tables.text({ "place", "generator", "strength", "95% interval",
    "doubt about the next" }, rows, summary.width()))
  local k = #field.names
  local all = #field.prompts * k * (k - 1) // 2
  run.tell(("%s after %d of %d games (%.0f%% saved)"):format(ranking.decided(neighbours, 0.05) and "decided at 95%"
    or "not decided", field.played, all, 100 * (1 - field.played / all)))
  judge_weights.tell(run, weighted)
end

local options = {
  { "data", type = "data", required = true, metavar = "PROMPTS", help = "rows with prompt" },
  { "generator", type = "model", many = true, required = true, metavar = "M",
    help = "a model that plays; two or more" },
  { "judge", type = "model", many = true, required = true, metavar = "M", help = "who decides; several are a jury" },
  { "games", type = "integer", least = 1, metavar = "N", help = "play N games at most" },
  { "round", type = "integer", default = 32, least = 1, metavar = "N", help = "games of a round" },
}
for _, option in ipairs(compare.options "jury") do
  if option[1] ~= "model" then options[#options + 1] = option end
end

return {
  summary = "rank generators with few games",
  example = [[
seq 50 | sed 's/.*/{"prompt":"Question &"}/' > prompts.jsonl
fellowship run tournament --data prompts.jsonl --generator sim:one \
    --generator sim:two --generator sim:three --judge sim:judge --out cup]],
  options = options,
  columns = { "id", "prompt" },

  run = function(run)
    local o, names, generators = run.options, {}, {}
    for i, name in ipairs(o.generator) do names[i], generators[i] = name, fellowship.model(name) end
    if #names < 2 then run:usage "--generator: a tournament takes two or more" end
    for i = 1, #names do
      for j = 1, i - 1 do
        if names[i] == names[j] then run:usage(("--generator %s is named twice"):format(names[i])) end
      end
    end
    o.model = o.judge
    local judge = compare.evaluators(run, #o.judge > 1 and "jury" or "judge")[1]
    verdict_counts.expect(run.outcome, "games")
    local field, rounds, order, neighbours = new_field(run, names), 0, nil, nil
    if #field.prompts == 0 then run:nothing "the dataset is empty" end
    local out <close> = run:writer "verdicts.jsonl"
    local games = first_round(run, field, o.round)
    while #games > 0 do
      local room = (o.games or math.huge) - field.played
      for i = #games, math.floor(math.min(#games, room)) + 1, -1 do games[i] = nil end
      if #games == 0 then break end
      play(run, field, generators, judge, games, out)
      rounds = rounds + 1
      order, neighbours = ranking.of(field.wins)
      save(run, field, order, neighbours, rounds)
      games = ranking.decided(neighbours, 0.05) and {} or next_round(run, field, neighbours, o.round)
    end
    local players, weighted = save(run, field, order, neighbours, rounds, true)
    show(run, field, players, weighted, neighbours)
  end,
}
