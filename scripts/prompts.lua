-- New prompts out of seed prompts: Evol-Instruct's moves, deduplicated, and with --judge filtered.

local fellowship = require "fellowship"
local evolve = require "fellowship.generate.evolve"

local KEYS = { "id", "prompt", "seed", "chain", "round", "move" }

--- The moves of a row's chains, drawn by the row's own random numbers.
local function chains_of(o)
  local chains = {}
  for chain = 1, o.chains do
    chains[chain] = {}
    for round = 1, o.rounds do
      local move = o.move and o.move[math.random(#o.move)] or evolve.moves[math.random(#evolve.moves)]
      chains[chain][round] = move
    end
  end
  return chains
end

return {
  summary = "new prompts out of seed prompts",
  example = [[
echo '{"prompt":"Name a river."}' > seeds.jsonl
fellowship run prompts --data seeds.jsonl --model sim:writer --rounds 2 \
    --out prompts]],
  options = {
    { "data", type = "data", required = true, metavar = "SEEDS", help = "rows with prompt, a text" },
    { "model", type = "model", required = true, metavar = "M", help = "the model that rewrites" },
    { "judge", type = "model", metavar = "M", help = "a model that says whether what comes out is a prompt" },
    { "rounds", type = "integer", default = 1, least = 1, metavar = "N", help = "moves one after the other" },
    { "chains", type = "integer", default = 1, least = 1, metavar = "N", help = "chains of moves from each seed" },
    { "near-duplicates", type = "number", least = 0.5, most = 1, metavar = "J",
      help = "leave out, too, what shares this part of its runs of three words with an earlier prompt (0.8, say)" },
    { "move", type = "choice", many = true, choices = evolve.moves, metavar = "MOVE",
      help = "only such moves: harder by a constraint, deeper, concrete or with reasoning, or another one in breadth" },
  },
  columns = { "prompt", "id" },

  run = function(run)
    local o = run.options
    local seen = evolve.texts(o["near-duplicates"])
    local evolver = evolve.new { model = o.model, judge = o.judge }
    run.outcome:count("prompts", 0)
    run.outcome:need("prompt", function() return run.outcome:of "prompts" end)
    local out <close> = run:writer "prompts.jsonl"
    for row, grown, number in run:map(run:rows "data", function(row, number)
      local prompt = run:prompt(row, number)
      if type(prompt) ~= "string" then
        fellowship.errors.raise { kind = "data", message = run:origin(row, number)
          .. ": seeds are texts; this prompt is a conversation" }
      end
      return { seed = prompt, list = evolver:grow(prompt, { chains = chains_of(o) }) }, number
    end) do
      local id = run:id(row, number)
      seen:see(grown.seed)
      for _, made in ipairs(grown.list) do
        local dropped = made.dropped or seen:see(made.prompt) and "duplicate"
        run.outcome:part("prompts", dropped and "left out: " .. dropped or made.move)
        if not dropped then
          run.outcome:count "prompts"
          out:write(run:output(row, { id = ("%s-%d-%d"):format(tostring(id), made.chain, made.round),
            prompt = made.prompt, seed = id, chain = made.chain, round = made.round, move = made.move }, KEYS))
        end
      end
    end
  end,
}
