-- How a model is named: provider:model?parameter=value&...

local provider = require "fellowship.provider"

local spec = {}

---@class fellowship.ModelSpec
---@field named string as it was written
---@field provider fellowship.Provider
---@field name string the model's name at its provider
---@field params table<string, any>

--- A parameter's value: a number, true, false, or text.
local function value_of(text)
  if text == "true" then return true end
  if text == "false" then return false end
  return math.tointeger(text) or tonumber(text) or text
end

local function unescape(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

--- Sets a parameter, which may be one within another: "thinking.type".
local function set(params, key, value)
  local outer, inner = key:match "^([%w_]+)%.(.+)$"
  if not outer then
    params[key] = value
    return
  end
  if type(params[outer]) ~= "table" then params[outer] = {} end
  set(params[outer], inner, value)
end

--- The parameters behind a name's "?": nil and a message when they are none. A parameter within another is named with a
--- dot.
--- Example: `spec.params("?temperature=0.7&thinking.type=enabled", "gpt")`
---@param query string with the "?", or empty
---@param named string the whole name, for messages
---@return table<string, any>? params
---@return string? problem
function spec.params(query, named)
  local params = {}
  for pair in query:gsub("^%?", ""):gmatch "[^&]+" do
    local key, value = pair:match "^([%w_][%w_.]*)=(.*)$"
    if not key then return nil, ('"%s" in "%s" is no parameter=value'):format(pair, named) end
    set(params, key, value_of(unescape(value)))
  end
  return params
end

--- Reads a model's name; nil and a message when it is not one.
--- Example: `spec.parse "openai:gpt-4o?temperature=0.7&max_tokens=512"`
---@param text string
---@return fellowship.ModelSpec?, string?
function spec.parse(text)
  local who, rest = text:match "^([%w_%-]+):(.+)$"
  if not who then
    return nil, ('"%s" names no model; it has the form provider:model, for example openai:gpt-4o (or an '
      .. "alias of --models)"):format(text)
  end
  local found, problem = provider.find(who)
  if not found then return nil, ('%s in "%s"'):format(problem, text) end
  local name, query = rest:match "^(.-)(%?.*)$"
  name = name or rest
  local params
  params, problem = spec.params(query or "", text)
  if not params then return nil, problem end
  if name == "" then return nil, ('"%s" names no model behind its provider'):format(text) end
  return { named = text, provider = found, name = name, params = params }
end

return spec
