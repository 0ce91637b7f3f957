-- Responses in the outcome of a run, and how many of them a limit of tokens cut off.

local json = require "fellowship.core.json"

local counts = {}

local ADVICE = "raise max_tokens behind the model's name, or leave it out"

--- Counts the responses to a row.
---@param outcome fellowship.Outcome
---@param id any the row's
---@param texts string[]
---@param cut table<integer, boolean> which of them were cut off
function counts.add(outcome, id, texts, cut)
  outcome:count("responses", #texts)
  for n, said in ipairs(texts) do
    local is_cut = cut[n] or false
    if is_cut then outcome:part("responses", "cut off") end
    outcome:share("cut off by a limit of tokens", "responses", is_cut,
      is_cut and ("row %s: ... %s"):format(tostring(id), said:sub(-60)), ADVICE)
  end
end

--- Numbers of the texts that were cut off, as files have them; nil when there are none.
---@param cut table<integer, boolean>
---@param count integer of all texts
---@return integer[]?
function counts.cut_list(cut, count)
  local list = json.array()
  for n = 1, count do
    if cut[n] then list[#list + 1] = n end
  end
  return #list > 0 and list or nil
end

return counts
