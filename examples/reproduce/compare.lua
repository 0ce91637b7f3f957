-- Holds what came out against the published figures:
--   fellowship examples/reproduce/compare.lua FOLDER reproduced/results.json
local fellowship = require "fellowship"
local json = fellowship.json

local function read(path)
  local file <close> = assert(io.open(path))
  return json.decode(file:read "a")
end

local found = {}
for _, card in ipairs(read(arg[2]).results) do
  table.sort(card.models)
  found[table.concat(card.models, " + ")] = card.kappa
end

local wrong, count = 0, 0
for kind, prefix in pairs { ["llm-as-a-judge"] = "", ["llms-as-a-jury"] = "", ["llm-debate"] = "debate:" } do
  for _, published in ipairs(read(("%s/MA-PO/Kappa/Fair-Eval/%s.json"):format(arg[1], kind))) do
    local names, kappa = {}, nil
    for _, part in ipairs(published) do
      if type(part) == "number" then kappa = part else for i, name in ipairs(part) do names[i] = prefix .. name end end
    end
    table.sort(names)
    local name = table.concat(names, " + ")
    local ours = found[name]
    count = count + 1
    if not ours or math.abs(ours - kappa) > 1e-9 then
      wrong = wrong + 1
      print(("%s: published %.6f, found %s"):format(name, kappa, ours))
    end
  end
end
print(("kappas on FairEval: %d of %d are the published ones"):format(count - wrong, count))

-- The win rate of a configuration of the feedback loop: its rows whose verdict is A.
for opponent, percent in pairs { llama = 71.8, gemma = 73.8 } do
  local winners = {}
  for row in fellowship.rows(("%s/MA-PO/outputs/generators/argilla-capybara-prompts-subset/feedback/"
    .. "Meta-Llama-3.1-8B-Instruct-Turbo_gemma-2-9b-it_picks_%s.json"):format(arg[1], opponent)) do
    local verdict = fellowship.verdict.parse(row.response, { strategy = "combined", scale = 10 })
    winners[#winners + 1] = verdict and verdict.winner or "unparsed"
  end
  local rate = 100 * fellowship.contest.tally(winners).win_rate
  if math.abs(rate - percent) > 0.05 then wrong = wrong + 1 end
  print(("win rate of Llama with Gemma as reviewer against %s alone: published %.1f%%, found %.1f%%")
    :format(opponent, percent, rate))
end
if wrong > 0 then error(("%d figures are not the published ones"):format(wrong), 0) end
