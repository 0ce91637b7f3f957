-- Models that stand in for one that fails.
--
-- Every answer is stored under the key of the model that gave it. That it stood in for another is a note of its own,
-- under the key of the request with its fallbacks: a rerun finds the note first, and so gets the same answer from the
-- same model without asking the first one again (--fresh asks anew). Where the first model answered there is no note.

local errors = require "fellowship.base.errors"
local tables = require "fellowship.base.table"
local chain = require "fellowship.call.chain"
local key = require "fellowship.call.key"
local listen = require "fellowship.call.listen"
local record = require "fellowship.call.record"
local settings = require "fellowship.call.settings"

local fallback = {}

-- These are about this run, not about the model: no other one would do better.
local NO_REASON = { store = true, offline = true, usage = true, budget = true, cancelled = true, script = true }

local function ask_one(model, prompt, params, sample, schema, on_delta, how)
  return chain.ask(model, prompt, tables.merged(model.params, params), sample, schema, on_delta, how)
end

--- The same on_delta, and what is known of it: whether it was given something, and whether an error came from it, which
--- is the script's and no model's.
local function watch(on_delta)
  local seen = { begun = false, failed = false }
  if not on_delta then return nil, seen end
  local function give(...)
    local well, result = pcall(on_delta, ...)
    seen.begun, seen.failed = true, not well
    if not well then error(result, 0) end
    return result
  end
  return listen.takes_text(on_delta) and give or function(piece) return give(piece) end, seen
end

--- Whom a note of the store names; nil without one, or when that model is not in the chain any more.
local function noted(models, digest)
  local note = record.note(digest)
  local by = note and note.answered_by
  for _, model in ipairs(by and models or {}) do
    if by.provider == model.provider.name and by.model == model.name and by.endpoint == model.endpoint.identity then
      return model
    end
  end
end

local told = {}

--- Says once of a model and a kind of error who is asked instead.
local function tell(problem, model, other)
  local id = model.named .. problem.kind
  if not told[id] then settings.say("%s; asking %s instead", problem.message, other.named) end
  told[id] = true
end

--- Asks models in their order until one answers; raises the first one's error when none does.
---@param models fellowship.Model[]
---@param prompt string|table[]
---@param params? table<string, any> of this call
---@param sample integer
---@param schema? table
---@param on_delta? function
---@param how? fellowship.Wants
---@return fellowship.Completion
function fallback.ask(models, prompt, params, sample, schema, on_delta, how)
  local digest, request = key.of_fallback(models, prompt, tables.merged(models[1].params, params), sample, schema)
  local before = noted(models, digest)
  if before then return ask_one(before, prompt, params, sample, schema, on_delta, how) end
  local problem
  local watched, seen = watch(on_delta)
  local steady = how and how.steady
  for i, model in ipairs(models) do
    local well, got = pcall(ask_one, model, prompt, params, sample, schema, watched, how)
    if well then
      if i > 1 and got.key then
        record.keep(digest, request, { answered_by = { provider = model.provider.name, model = model.name,
          endpoint = model.endpoint.identity, key = got.key }, instead_of = problem.kind })
      end
      return got
    end
    local e = errors.from(got)
    if NO_REASON[e.kind] or seen.failed or seen.begun and steady then error(got, 0) end
    problem = problem or e
    if models[i + 1] then tell(e, model, models[i + 1]) end
  end
  error(problem, 0)
end

return fallback
