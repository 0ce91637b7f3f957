-- People's labels of games between files: which there are, and which there should be next.

local json = require "fellowship.core.json"
local file = require "fellowship.base.file"
local join = require "fellowship.dataset.join"
local label_reader = require "fellowship.command.label_reader"

local human_labels = {}

local OTHER = { a = "b", b = "a", tie = "tie" }

local function game_key(id, a, b) return table.concat({ join.key(id), a, b }, "\0") end

--- The human labels, from --human: of a game by its id and, where rows have them, by who was shown as A and B. Nil
--- without it.
---@param run fellowship.Run
---@return (fun(id: any, a: string, b: string): string?)?
function human_labels.read(run)
  if not run.options.human then return nil end
  local reader, by_game, several = label_reader.of(run, "human"), {}, #run.options.data > 1 or #run.options.against > 1
  for row, number in run:rows "human" do
    local id, label = run:id(row, number), reader:read(run:field(row, "human"))
    if type(row.a) == "string" and type(row.b) == "string" then
      by_game[game_key(id, row.a, row.b)], by_game[game_key(id, row.b, row.a)] = label, label and OTHER[label]
    elseif several then
      run:usage(("%s: --human says who is better in several comparisons: each row names the two files in the fields "
        .. "a and b"):format(run:origin(row, number)))
    else
      by_game[join.key(id)] = label
    end
  end
  if reader:describe() then run.tell(reader:describe()) end
  if reader:usable() == 0 then
    run:usage(("%s: no row has a label; labels are a, b or tie in the field \"human\", a where the response of "
      .. "--data is the better one"):format(tostring(run.options.human)))
  end
  return function(id, a, b) return by_game[game_key(id, a, b)] or by_game[join.key(id)] end
end

-- ---- which rows to label ----

-- How many rows are labelled at first, before anything is known of the judge's errors.
local FIRST = 50

--- How many more labels there should be, and why, in words.
local function more_labels(corrected, left)
  if not corrected then return FIRST, "what the judge's errors are is not known yet" end
  local needed = corrected.labels_needed
  if not needed then return left, "no fewer make it so exact" end
  return math.max(0, needed - corrected.labels), ("%d labels in all make it so exact"):format(needed)
end

--- Writes DIR/to-label.jsonl: the rows that people should label next, with `human` to fill in, for --human.
---@param run fellowship.Run
---@param corrected table? the rate as it is corrected by the labels so far
---@param unlabelled fellowship.Labelling
---@param joined fellowship.Join
---@param prompt_of fun(run: fellowship.Run, row: table, number: integer, other: table, name: string): any of two joined rows
function human_labels.plan(run, corrected, unlabelled, joined, prompt_of)
  local o = run.options
  local count, why = more_labels(corrected, #unlabelled.rows)
  local wanted, ids = {}, unlabelled:pick(count, o.seed or 0)
  for _, id in ipairs(ids) do wanted[join.key(id)] = true end
  local out <close> = run:writer "to-label.jsonl"
  for row, number in run:rows("data", 1, true) do
    local id = run:id(row, number)
    local other = wanted[join.key(id)] and joined:find(id)
    if other then
      out:write(json.object({ id = id, prompt = prompt_of(run, row, number, other, o.against[1]),
        response_a = run:response(row, number), response_b = other.response, a = o.data[1], b = o.against[1],
        human = json.null }, { "id", "prompt", "response_a", "response_b", "a", "b", "human" }))
    end
  end
  run.tell(("for +- %g points: %s; the next %d to label are in to-label.jsonl, drawn at random"):format(100 * o.plan,
    why, #ids))
end

--- A usage error where --plan asks for what cannot be.
---@param run fellowship.Run
function human_labels.check_plan(run)
  local o = run.options
  if not o.plan then return end
  if not (o.plan > 0 and o.plan < 0.5) then run:usage "--plan: say how exact, as a share: 0.02 is +- 2 points" end
  if #o.data > 1 or #o.against > 1 then run:usage "--plan is for one comparison: one --data, one --against" end
  if not file.is_ordinary(o.data[1]) then run:usage "--plan reads --data twice: name a file" end
end

return human_labels
