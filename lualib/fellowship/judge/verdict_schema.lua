-- Verdicts through a JSON schema: what is asked for, and what an answer that fits it says.

local json = require "fellowship.core.json"
local vote = require "fellowship.judge.vote"

local verdict_schema = {}

local STRING = { type = "string" }

local function object(properties, names)
  return json.object({ type = "object", properties = json.object(properties, names), required = names,
    additionalProperties = false }, { "type", "properties", "required", "additionalProperties" })
end

--- The schema of a strategy's verdicts. Scores are whole numbers from 1, listed one by one: not every provider
--- takes a minimum and a maximum.
---@param strategy "combined"|"independent"|"direct"
---@param scale integer
---@return table
function verdict_schema.of(strategy, scale)
  local scores = {}
  for i = 1, scale do scores[i] = i end
  local score = { type = "integer", enum = scores }
  if strategy == "combined" then
    return object({ evidence = STRING, score_a = score, score_b = score }, { "evidence", "score_a", "score_b" })
  elseif strategy == "independent" then
    return object({ evidence = STRING, score = score }, { "evidence", "score" })
  end
  return object({ evidence = STRING, winner = { type = "string", enum = { "A", "B", "C" } } }, { "evidence", "winner" })
end

local ANSWERS = { A = "a", B = "b", C = "tie" }

--- The verdict that a value of the schema says.
---@param strategy "combined"|"independent"|"direct"
---@param value table
---@return fellowship.Verdict
function verdict_schema.read(strategy, value)
  if strategy == "direct" then return { winner = ANSWERS[value.winner], scores = {} } end
  if strategy == "independent" then return { scores = { score = value.score } } end
  local scores = { a = value.score_a, b = value.score_b }
  return { winner = vote.by_scores(scores), scores = scores }
end

return verdict_schema
