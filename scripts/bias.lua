-- What judges lean to, from verdicts that exist: no model is asked.

local fellowship = require "fellowship"
local errors = require "fellowship.base.errors"
local join = require "fellowship.dataset.join"
local label_reader = require "fellowship.command.label_reader"
local lengths = require "fellowship.measure.lengths"
local panel = require "fellowship.measure.panel"
local panels = require "fellowship.command.panels"
local style = require "fellowship.measure.style"
local json = fellowship.json

--- --family NAME=FAMILY ... as a table.
local function families_of(run)
  local families = {}
  for _, said in ipairs(run.options.family or {}) do
    local name, family = said:match "^(.+)=([^=]+)$"
    if not name then run:usage(("--family %s: write NAME=FAMILY"):format(said)) end
    families[name] = family
  end
  return families
end

local function text_field(run, row, name)
  local value = run:field(row, name)
  return type(value) == "string" and value or nil
end

--- What is known of the judged rows, by id: label, lengths, prompt, category, who wrote the responses.
local function read_rows(run)
  if not run.options.rows then return {} end
  local reader, by_id = label_reader.of(run, "rows"), {}
  for row, number in run:rows "rows" do
    local well, pair, facts = pcall(run.pair, run, row, number)
    pair, facts = well and pair or {}, well and facts or {}
    local human = run:field(row, "human")
    if human == nil then human = facts.label end
    local longer, length = lengths.of(pair.a, pair.b)
    local a, b = text_field(run, row, "model_a"), text_field(run, row, "model_b")
    local category = run.options.by and row[run.options.by]
    by_id[join.key(run:id(row, number))] = { human = reader:read(human), longer = longer, length = length,
      style = style.difference(pair.a, pair.b),
      key = lengths.key(pair.prompt or pair.conversation_a, number),
      category = category ~= json.null and category ~= nil and tostring(category) or nil,
      names = a and b and { a = a, b = b } or facts.names }
  end
  if reader:describe() then run.tell(reader:describe()) end
  return by_id
end

--- The judge that a verdict is of, with what is held of it.
local function judge_of(run, judges, row)
  local models = type(row.models) == "table" and row.models or {}
  local name = table.concat(models, " + ")
  if name == "" then name = tostring(row.evaluator or "judge") end
  local found = judges[name]
  if not found then
    found = panel.new(#models > 0 and models or { name }, { name = name, scale = run.options.scale })
    judges[name], judges[#judges + 1] = found, found
  end
  return found
end

local WINNERS = { a = true, b = true, tie = true, unparsed = true }

--- The verdict in a row of verdicts.jsonl, as judges give it; scores and orders of JSON.
local function verdict_of(row, number)
  if not WINNERS[row.winner] then
    errors.raise { kind = "data", message = ("row %d has no winner (a, b, tie or unparsed); --data takes the "
      .. "verdicts.jsonl of a run"):format(number) }
  end
  local verdict = { winner = row.winner, identical = row.identical == true or nil,
    scores = type(row.scores) == "table" and row.scores or nil }
  for field, kind in pairs { orders = "table", votes = "table", flipped = "boolean", flip = "string" } do
    if type(row[field]) == kind then verdict[field] = row[field] end
  end
  if verdict.votes and #verdict.votes == 0 then verdict.votes = nil end
  if type(row.problem) == "string" then verdict.problem_kind = row.problem end
  return verdict
end

local function hold(run, judges, known, families)
  for row, verdict, number in run:map(run:rows "data", function(row, number)
    return verdict_of(row, number), number
  end) do
    local id = join.key(run:id(row, number))
    local about = known[id] or {}
    if known[id] then run.outcome:count "joined" end
    run.outcome:count "verdicts"
    if verdict.winner == "unparsed" then run.outcome:part("verdicts", "unparsed") end
    local names = type(row.a) == "string" and type(row.b) == "string" and { a = row.a, b = row.b } or about.names
    judge_of(run, judges, row):add({ id = id, key = about.key or number, verdict = verdict, human = about.human,
      longer = about.longer, length = about.length, style = about.style, category = about.category,
      names = names }, families)
  end
end

return {
  summary = "what judges lean to beside what is better",
  example = [[
echo '{"prompt":"2+2?","response_a":"4","response_b":"5","human":"a"}' \
    > rows.jsonl
fellowship run judge --data rows.jsonl --model sim:judge --swap --out judged
fellowship run bias --data judged/verdicts.jsonl --rows rows.jsonl --out bias]],
  options = {
    { "data", type = "data", required = true, metavar = "VERDICTS",
      help = "verdicts.jsonl of judge, jury, debate, evaluate, winrate" },
    { "rows", type = "data", metavar = "ROWS",
      help = "what was judged, joined by id: lengths, labels (human), authors (model_a, model_b)" },
    { "by", type = "text", metavar = "COLUMN", help = "a column of ROWS: agreement with people for each value of it" },
    { "scale", type = "integer", default = 10, least = 2, metavar = "N", help = "the highest score that judges gave" },
    { "family", type = "string", many = true, metavar = "NAME=FAMILY",
      help = "which family a model or file is of, where its name does not say" },
  },
  columns = { "id", "human", "prompt", "response_a", "response_b", "chosen", "rejected", "model_a", "model_b" },

  run = function(run)
    local judges, families = {}, families_of(run)
    run.outcome:count("verdicts", 0)
    run.outcome:need("readable verdict", function()
      return run.outcome:of "verdicts" - run.outcome:of("verdicts", "unparsed")
    end, "verdicts that could not be read lean to nothing")
    local known = read_rows(run)
    hold(run, judges, known, families)
    if run.options.rows and run.outcome:of "joined" == 0 then
      run:nothing "no verdict has the id of a row of --rows; --id-column NAME says which field holds it"
    end
    local list = json.array()
    for i, judge in ipairs(judges) do
      list[i] = judge:summary { seed = run.options.seed, categories = run.options.by ~= nil }
    end
    run:save("results.json", json.object({ judges = list }, { "judges" }))
    run.tell(panels.text(list))
  end,
}
