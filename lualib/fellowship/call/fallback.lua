-- Models that stand in for one that fails.
--
-- Every answer is stored under the key of the model that gave it. That it stood in for another is a note of its own,
-- under the key of the request with its fallbacks: a rerun finds the note first, and so gets the same answer from the
-- same model without asking the first one again (--fresh asks anew). Where the first model answered there is no note.

local errors = require "fellowship.base.errors"
local dispatch = require "fellowship.call.dispatch"
local key = require "fellowship.call.key"
local settings = require "fellowship.call.settings"

local fallback = {}

-- These are about this run, not about the model: no other one would do better.
local NO_REASON = { store = true, offline = true, usage = true, budget = true, cancelled = true, script = true }

local function ask_one(model, messages, params, sample, how)
  local all = {}
  for name, value in pairs(model.params) do all[name] = value end
  for name, value in pairs(params) do all[name] = value end
  return dispatch.ask(model, messages, all, sample, how)
end

--- The same how, and a function that says whether an error came from the script's on_delta: that is no model's.
local function watch(how)
  if not (how and how.on_delta) then return how, function() return false end end
  local failed = false
  return { schema = how.schema, on_delta = function(...)
    local well, result = pcall(how.on_delta, ...)
    if not well then
      failed = true
      error(result, 0)
    end
    return result
  end }, function() return failed end
end

--- Whom a note of the store names; nil without one, or when that model is not in the chain any more.
local function noted(chain, digest)
  local note = dispatch.note(digest)
  local by = note and note.answered_by
  for _, model in ipairs(by and chain or {}) do
    if by.provider == model.provider.name and by.model == model.name and by.endpoint == model.endpoint.identity then
      return model
    end
  end
end

--- Asks the models of a chain in their order until one answers; raises the first one's error when none does.
---@param chain fellowship.Model[]
---@param messages table[]
---@param params table<string, any> of this call
---@param sample integer
---@param how? table as of fellowship.call.dispatch
---@return fellowship.Completion
function fallback.ask(chain, messages, params, sample, how)
  local first = chain[1]
  local all = {}
  for name, value in pairs(first.params) do all[name] = value end
  for name, value in pairs(params) do all[name] = value end
  local digest, request = key.of_fallback(chain, messages, all, sample + settings.fresh * dispatch.FRESH,
    how and how.schema)
  local before = noted(chain, digest)
  if before then return ask_one(before, messages, params, sample, how) end
  local problem
  local watched, script_failed = watch(how)
  for i, model in ipairs(chain) do
    local well, got = pcall(ask_one, model, messages, params, sample, watched)
    if well then
      if i > 1 and got.key then
        dispatch.keep(digest, request, { answered_by = { provider = model.provider.name, model = model.name,
          endpoint = model.endpoint.identity, key = got.key }, instead_of = problem.kind })
      end
      return got
    end
    local e = errors.from(got)
    if NO_REASON[e.kind] or script_failed() then error(got, 0) end
    problem = problem or e
    if settings.warn and chain[i + 1] then
      fallback.told = fallback.told or {}
      local id = model.named .. e.kind
      if not fallback.told[id] then settings.warn(("%s; asking %s instead"):format(e.message, chain[i + 1].named)) end
      fallback.told[id] = true
    end
  end
  error(problem, 0)
end

return fallback
