-- `fellowship new NAME`: a commented script that runs as it stands, a few rows for it, and what an editor needs
-- to complete and check it.

local host = require "fellowship.core.host"
local json = require "fellowship.core.json"
local sys = require "fellowship.core.sys"
local errors = require "fellowship.base.errors"

local new = {}

local SCRIPT = [[
-- NAME: asks a model every prompt of a dataset, and a judge which of two answers is better.
--   fellowship NAME.lua --data prompts.jsonl --model sim:demo --out NAME-results
-- `sim:` is a stand-in that needs no key; for real answers name a model, such as openai:gpt-4o-mini, and set its
-- key (export OPENAI_API_KEY=...). Run it again: what was answered comes from the store, at no cost.
local fellowship = require "fellowship"
local json = fellowship.json

return {
  summary = "two answers to each prompt, and which is better",

  -- What the command line takes: name, type, help, and if you like default, required, many, choices.
  -- Every script also has --out, --limit, --concurrency, --offline and more: fellowship NAME.lua --help
  options = {
    { "data", type = "data", required = true, metavar = "ROWS", help = "rows with prompt" },
    { "model", type = "model", required = true, metavar = "M", help = "the model that answers and judges" },
    { "temperature", type = "integer", default = 1, least = 0, metavar = "N", help = "of the answers" },
  },

  run = function(run)
    local model = fellowship.model(run.options.model)
    local judge = fellowship.judge { model = model, strategy = "combined" }
    local out <close> = run:writer "answers.jsonl"
    local firsts = 0

    -- The function runs for many rows at a time; what it returns comes out here in the order of the rows.
    -- A row whose function fails goes to errors.jsonl, and the others go on.
    for row, answers, verdict, number in run:map(run:rows "data", function(row, number)
      local prompt = run:text(row, number, "prompt") -- a clear error when the row has no such text
      local function answer(sample)
        return model:ask(prompt, { temperature = run.options.temperature, sample = sample }).text
      end
      local a, b = fellowship.all(function() return answer(1) end, function() return answer(2) end)
      return { a, b }, judge:compare { prompt = prompt, a = a, b = b }, number
    end) do
      if verdict.winner == "a" then firsts = firsts + 1 end
      out:write(json.object({ id = run:id(row, number), prompt = row.prompt, answers = answers, winner = verdict.winner },
        { "id", "prompt", "answers", "winner" }))
    end

    run:save("results.json", { rows = run.done, first_answer_wins = firsts })
  end,
}
]]

local PROMPTS = {
  "Explain in two sentences why the sky is blue.",
  "Write a polite reply that declines an invitation to a meeting.",
  "What is the difference between a list and a set? Give an example of each.",
}

local function write(path, content)
  local file, problem = io.open(path, "w")
  if not file then errors.raise { kind = "file", message = ("cannot write %s"):format(problem) } end
  file:write(content)
  file:close()
  return path
end

--- Writes NAME.lua, and prompts.jsonl and .luarc.json beside it unless they are there.
---@param name string with or without .lua, in a folder if you like
---@return { script: string, files: string[], arguments: string }
function new.write(name)
  local folder, base = name:match "^(.*/)([^/]*)$"
  folder, base = folder or "", (base or name):gsub("%.lua$", "")
  if not base:match "^[%w_][%w_.-]*$" then
    errors.raise { kind = "usage", message = ('"%s" is no name for a script: letters, digits, - and _'):format(base) }
  end
  local script = folder .. base .. ".lua"
  if sys.kind(script) then
    errors.raise { kind = "usage", message = ("%s is there already; give another name"):format(script) }
  end
  if folder ~= "" then sys.mkdir(folder) end
  local files = { write(script, (SCRIPT:gsub("NAME", (base:gsub("%%", "%%%%"))))) }
  if not sys.kind(folder .. "prompts.jsonl") then
    local lines = {}
    for i, prompt in ipairs(PROMPTS) do
      lines[i] = json.encode(json.object({ id = i, prompt = prompt }, { "id", "prompt" })) .. "\n"
    end
    files[#files + 1] = write(folder .. "prompts.jsonl", table.concat(lines))
  end
  if not sys.kind(folder .. ".luarc.json") then
    files[#files + 1] = write(folder .. ".luarc.json", json.encode(json.object({
      ["runtime.version"] = "Lua 5.4", ["workspace.library"] = { host.home .. "/lualib" },
      ["workspace.checkThirdParty"] = false },
      { "runtime.version", "workspace.library", "workspace.checkThirdParty" }), { pretty = true }) .. "\n")
  end
  return { script = script, files = files,
    arguments = ("%s --data %sprompts.jsonl --model sim:demo --out %s%s-results")
      :format(script, folder, folder, base) }
end

return new
