-- Verdicts in the outcome of a run: by winner, and how many could not be read or flipped with the order.

local counts = {}

local UNPARSED_ADVICE = "the judge's words are in verdicts.jsonl, and stored: --again unparsed asks those anew; "
  .. "--structured asks for JSON, another --strategy or model may be read better, and a small max_tokens cuts "
  .. "verdicts off"
local FLIPPED_ADVICE = "these verdicts went with the place of a response and not with the response, and count as ties; "
  .. "another model, or a jury of several, may be steadier"

--- The last words of a verdict, for an example.
local function words_of(verdict)
  local list = verdict.evidence or {}
  for i = #list, 1, -1 do
    if type(list[i]) == "table" and type(list[i].text) == "string" then return list[i].text end
  end
  return ""
end

local NOBODY = {}

-- What verdicts are called, by the list of who gave them: a run has few such lists.
local wholes = setmetatable({}, { __mode = "k" })

local function whole_of(name, models)
  local known = wholes[models]
  if not known then
    known = {}
    wholes[models] = known
  end
  known[name] = known[name] or ("%s of %s"):format(name, table.concat(models, "+"))
  return known[name]
end

--- Names the counts, so that they are shown from the start.
---@param outcome fellowship.Outcome
---@param name string what they are called: "verdicts"
function counts.begin(outcome, name)
  outcome:count(name, 0)
  for _, winner in ipairs { "a", "b", "tie", "unparsed" } do outcome:part(name, winner, 0) end
end

--- The same of a run that has nothing to show when none of them can be read.
---@param outcome fellowship.Outcome
---@param name string
function counts.expect(outcome, name)
  counts.begin(outcome, name)
  outcome:need("readable verdict", function() return outcome:of(name) - outcome:of(name, "unparsed") end,
    UNPARSED_ADVICE)
end

--- Counts a verdict.
---@param outcome fellowship.Outcome
---@param name string as begin's
---@param id any the row's
---@param verdict fellowship.Verdict
function counts.add(outcome, name, id, verdict)
  outcome:count(name)
  outcome:part(name, verdict.winner)
  local whole = whole_of(name, verdict.models or NOBODY)
  local is_unparsed = verdict.winner == "unparsed"
  outcome:share("unparsed", whole, is_unparsed,
    is_unparsed and ("row %s%s: %s"):format(tostring(id), verdict.problem_kind
      and " (" .. verdict.problem_kind .. ")" or "",
      words_of(verdict)), UNPARSED_ADVICE)
  if is_unparsed and verdict.problem_kind then outcome:count("unparsed_" .. verdict.problem_kind) end
  if verdict.identical then outcome:part(name, "identical") end
  if verdict.flipped == nil then return end
  outcome:part(name, "flipped", verdict.flipped and 1 or 0)
  outcome:share("flipped", whole, verdict.flipped, verdict.flipped and ("row %s"):format(tostring(id)) or nil,
    FLIPPED_ADVICE)
end

return counts
