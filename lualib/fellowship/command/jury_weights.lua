-- What a jury's votes weigh, as the command line says it: numbers, or the results.json of `evaluate`, which tells what each
-- member's vote is worth.

local json = require "fellowship.core.json"

local jury_weights = {}

local function of_numbers(said, models)
  local list = {}
  for one in said:gmatch "[^,%s]+" do
    local weight = tonumber(one)
    if not weight or weight ~= weight or weight < 0 or weight == math.huge then
      error(("--weights: %s is no weight; a weight is a number from 0 up"):format(one), 0)
    end
    list[#list + 1] = weight
  end
  if #list ~= #models then
    error(("--weights: %d weights for %d members"):format(#list, #models), 0)
  end
  return list
end

local function of_results(results, models)
  local jury = results.jury
  local members = type(jury) == "table" and jury.members
  if type(members) ~= "table" then
    error("--weights: the file has no jury.members; it is the results.json of an evaluate with several models", 0)
  end
  local list, known = {}, {}
  for _, member in ipairs(members) do
    if known[member.model] == nil then known[member.model] = json.tonumber(member.weight) or false end
  end
  for i, model in ipairs(models) do
    if not known[model] then
      error(("--weights: the file has no weight for %s; it has labels and a weight for each model that was measured")
        :format(model), 0)
    end
    list[i] = known[model]
  end
  return list
end

--- Reads weights for the models of a jury.
---@param said string the option's text, or the file's
---@param models string[] as named
---@return number[]
function jury_weights.read(said, models)
  local list
  if said:find("^%s*{") then
    local results, problem = json.decode(said)
    if type(results) ~= "table" then error("--weights: no JSON: " .. tostring(problem and problem.message), 0) end
    list = of_results(results, models)
  else
    list = of_numbers(said, models)
  end
  local sum = 0
  for _, weight in ipairs(list) do sum = sum + weight end
  if sum == 0 then error("--weights: every vote weighs 0", 0) end
  return list
end

return jury_weights
