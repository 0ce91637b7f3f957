-- New prompts: out of seed prompts by Evol-Instruct's moves, or out of a model's chat template in Magpie's way; each once,
-- and with --judge filtered.

local fellowship = require "fellowship"
local json = fellowship.json
local evolve = require "fellowship.generate.evolve"
local magpie = require "fellowship.generate.magpie"

local SEED_KEYS = { "id", "prompt", "seed", "chain", "round", "move" }

-- ---- out of seeds ----

--- The moves of a row's chains, drawn by the row's own random numbers.
local function chains_of(o)
  local chains = {}
  for chain = 1, o.chains or 1 do
    chains[chain] = {}
    for round = 1, o.rounds or 1 do
      local move = o.move and o.move[math.random(#o.move)] or evolve.moves[math.random(#evolve.moves)]
      chains[chain][round] = move
    end
  end
  return chains
end

local function grow(run, evolver, row, number)
  local prompt = run:prompt(row, number)
  if type(prompt) ~= "string" then
    fellowship.errors.raise { kind = "data", message = run:origin(row, number)
      .. ": seeds are texts; this prompt is a conversation" }
  end
  return { seed = prompt, list = evolver:grow(prompt, { chains = chains_of(run.options) }) }, number
end

local function from_seeds(run, keep)
  local o = run.options
  local evolver = evolve.new { model = o.model, judge = o.judge }
  for row, grown, number in run:map(run:rows "data", function(row, number)
    return grow(run, evolver, row, number)
  end) do
    local id = run:id(row, number)
    keep.seen:see(grown.seed)
    for _, made in ipairs(grown.list) do
      keep:take(made, made.move, function()
        return run:output(row, { id = ("%s-%d-%d"):format(tostring(id), made.chain, made.round),
          prompt = made.prompt, seed = id, chain = made.chain, round = made.round, move = made.move }, SEED_KEYS)
      end)
    end
  end
end

-- ---- out of a chat template ----

--- Numbered rows, as many as --count, --limit and --shard say; they are made when they are read.
local function numbered(o)
  local part, parts = table.unpack(o.shard or { 1, 1 })
  local total = math.min(o.count or 100, o.limit or math.maxinteger)
  local count = (total - part) // parts + 1
  return setmetatable({}, { __len = function() return count end, __index = function(_, i)
    if math.type(i) ~= "integer" or i > count then return nil end
    return json.object({ id = (i - 1) * parts + part - 1 }, { "id" })
  end })
end

local function from_template(run, keep)
  local o = run.options
  local well, maker = pcall(magpie.new, { model = o.model, judge = o.judge, opening = o.opening, system = o.system })
  if not well then
    if type(maker) == "table" then error(maker, 0) end
    run:usage("--opening: " .. tostring(maker):gsub("^.-: ", ""))
  end
  for row, made in run:map(numbered(o), function(row) return maker:prompt(row.id + 1) end) do
    keep:take(made, "prompts", function()
      return json.object({ id = row.id, prompt = made.prompt }, { "id", "prompt" })
    end)
  end
end

-- ---- what is kept ----

local Keep = {}
Keep.__index = Keep

--- Writes a new prompt, or counts why not.
function Keep:take(made, kind, row_of)
  local dropped = made.dropped or self.seen:see(made.prompt) and "duplicate"
  if dropped or self.parted then self.outcome:part("prompts", dropped and "left out: " .. dropped or kind) end
  if dropped then
    self.dropped[dropped] = (self.dropped[dropped] or 0) + 1
    return
  end
  self.outcome:count "prompts"
  self.made[kind] = (self.made[kind] or 0) + 1
  self.prompts = self.prompts + 1
  self.out:write(row_of())
end

--- A usage error where options of one way stand beside the other.
local function check_options(run)
  local o = run.options
  if (o.data == nil) == (o.opening == nil) then
    run:usage("--data SEEDS makes prompts of prompts, --opening NAME makes them of a chat template: give one of the "
      .. "two")
  end
  local others = o.opening and { "rounds", "chains", "move" } or { "count", "system" }
  for _, name in ipairs(others) do
    if o[name] then run:usage(("--%s goes with --%s"):format(name, o.opening and "data SEEDS" or "opening NAME")) end
  end
end

return {
  summary = "new prompts from seeds or nothing",
  example = [[
echo '{"prompt":"Name a river."}' > seeds.jsonl
fellowship run prompts --data seeds.jsonl --model sim:writer --rounds 2 \
    --out prompts]],
  options = {
    { "data", type = "data", metavar = "SEEDS", help = "rows with prompt, a text" },
    { "model", type = "model", required = true, metavar = "M",
      help = "the model that rewrites; with --opening one that completes raw text (raw:NAME)" },
    { "judge", type = "model", metavar = "M", help = "a model that says whether what comes out is a prompt" },
    { "rounds", group = "moves", type = "integer", least = 1, metavar = "N",
      help = "moves one after the other (default 1)" },
    { "chains", group = "moves", type = "integer", least = 1, metavar = "N",
      help = "chains of moves from each seed (default 1)" },
    { "near-duplicates", group = "leave out", type = "number", least = 0.5, most = 1, metavar = "J",
      help = "leave out, too, what shares this part of its runs of three words with an earlier prompt (0.8, say)" },
    { "move", group = "moves", type = "choice", many = true, choices = evolve.moves, metavar = "MOVE",
      help = "only such moves: harder by a constraint, deeper, concrete or with reasoning, or another one in breadth" },
    { "opening", group = "opening", type = "text", metavar = "NAME|FILE|TEXT",
      help = "no seeds: what a chat template has before a user's words (Magpie): chatml, llama-3, gemma, mistral, "
        .. "phi-3, or as a text" },
    { "count", group = "opening", type = "integer", least = 1, metavar = "N",
      help = "how often the opening is asked (default 100)" },
    { "system", group = "opening", type = "text", metavar = "FILE|TEXT",
      help = "a system prompt in the opening, to steer what is asked" },
  },
  columns = { "prompt", "id" },

  run = function(run)
    local o = run.options
    check_options(run)
    run.outcome:count("prompts", 0)
    run.outcome:need("prompt", function() return run.outcome:of "prompts" end)
    local out <close> = run:writer "prompts.jsonl"
    local keep = setmetatable({ seen = evolve.texts(o["near-duplicates"]), outcome = run.outcome, out = out,
      prompts = 0, made = {}, dropped = {}, parted = o.data ~= nil }, Keep);
    (o.data and from_seeds or from_template)(run, keep)
    run:save("results.json", json.object({ prompts = keep.prompts, asked = run.done, failed = run.failures.count,
      made = o.data and json.object(keep.made) or nil, left_out = json.object(keep.dropped), opening = o.opening },
      { "prompts", "asked", "failed", "made", "left_out", "opening" }))
  end,
}
