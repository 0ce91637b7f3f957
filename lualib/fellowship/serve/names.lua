-- What a request's "model" may be: provider:model, an alias of --models, a function that the script gives, or one of the
-- bundled workflows loop:GENERATOR+REVIEWER, best:MODEL*8@JUDGE, jury:MODEL+MODEL.

local sys = require "fellowship.core.sys"
local lazy = require "fellowship.base.lazy"
local errors = require "fellowship.base.errors"
local model = require "fellowship.call.model"
local settings = require "fellowship.call.settings"
local workflows = lazy "fellowship.serve.workflows"

local names = {
  functions = {}, ---@type table<string, fun(request: fellowship.serve.Request): any> a script's, by name
}

---@class fellowship.serve.Request what a function of a script is given
---@field model string as the client named it
---@field messages { role: string, content: any }[]
---@field params table<string, any> what else the client sent
---@field sample integer which of several answers is wanted
---@field write fun(piece: string) shows a part of the answer, where the client reads it as it comes
---@field progress fun(text: string) tells how far the work is, as thoughts, where the client reads them

-- Models that clients have named; any text may be named, so that they are few.
local MOST = 1024
local made, count = {}, 0

local function forget()
  for _, value in pairs(made) do
    if model.is(value) then value.place.served = {} end
  end
  made, count = {}, 0
end

-- Of those that are no alias, so many are counted by their names, the first ones; the others together.
local MOST_COUNTED, TOGETHER = 100, "other"
local counted, names_counted = {}, 0

--- Says how calls of a model are counted.
local function label(named, value)
  if settings.models[named] or counted[named] then return end
  if names_counted < MOST_COUNTED then
    counted[named], names_counted = true, names_counted + 1
  else
    value.counted_as = TOGETHER
  end
end

local function remember(named, value)
  if count >= MOST then forget() end
  if model.is(value) then label(named, value) end
  made[named], count = value, count + 1
  return value
end

local function unknown(named, why)
  errors.raise { kind = "not_found", message = ('no model "%s": %s'):format(sys.printable(named), why) }
end

--- A model, or a function that answers in the place of one.
---@param named string
---@return fellowship.Model|function
function names.find(named)
  if type(named) ~= "string" or named == "" then errors.raise { kind = "request", message = '"model" is missing' } end
  if names.functions[named] then return names.functions[named] end
  if made[named] then return made[named] end
  local kind, rest = named:match "^(%l+):(.+)$"
  local well, value
  if kind and not settings.models[named] and workflows[kind] then
    well, value = pcall(workflows[kind], rest)
  else
    well, value = pcall(model.new, named)
  end
  if not well then unknown(named, errors.text(value)) end
  return remember(named, value)
end

--- The names that can be listed, sorted: a script's, and the aliases.
---@return string[]
function names.list()
  local list, seen = {}, {}
  for _, from in ipairs { names.functions, settings.models, made } do
    for named in pairs(from) do
      if not seen[named] then list[#list + 1], seen[named] = named, true end
    end
  end
  table.sort(list)
  return list
end

return names
