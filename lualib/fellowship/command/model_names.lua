-- What a model's name may go on with, for who types one: providers, their usual models, parameters behind them.

local known = require "fellowship.provider.known"
local provider = require "fellowship.provider"
local settings = require "fellowship.call.settings"

local model_names = {}

--- Parameters behind a name that has its "?" already; nil when it has none.
local function with_parameter(typed)
  local before, name = typed:match "^(.*[?&])([%w_]*)$"
  if not before then return nil end
  local alias = settings.models[before:match "^([^?]*)"]
  local who = (alias and alias.model or before):match "^([%w_-]+):"
  local list = {}
  for _, parameter in ipairs(who and known.names(who) or {}) do
    if parameter:sub(1, #name) == name then list[#list + 1] = before .. parameter .. "=" end
  end
  return list
end

--- Names that a model's name may become: providers with their colon, and once one is typed its models whose price is
--- known; behind a "?" its parameters; aliases of --models.
---@param typed string
---@return string[]
function model_names.candidates(typed)
  local parameters = with_parameter(typed)
  if parameters then return parameters end
  local list = {}
  for alias in pairs(settings.models) do list[#list + 1] = alias end
  local who = typed:match "^([%w_-]+):"
  local priced = who and require "fellowship.money.price_table"[who]
  for name in pairs(priced and priced.models or {}) do list[#list + 1] = who .. ":" .. name end
  for _, name in ipairs(who and {} or provider.names()) do list[#list + 1] = name .. ":" end
  return list
end

return model_names
