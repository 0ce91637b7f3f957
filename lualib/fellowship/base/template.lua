-- Prompt templates: text with {name} places. What is filled in stays as it is, byte for byte, and
-- is not searched for places again.

local template = {}

--- Fills a template.
--- Example: `template.fill("Prompt: {prompt}", { prompt = "Why?" })`
---@param text string
---@param values table<string, string|number>
---@return string
function template.fill(text, values)
  return (text:gsub("{([%a_][%w_]*)}", function(name)
    local value = values[name]
    return value ~= nil and tostring(value) or nil
  end))
end

--- The names of a template's places, each once, in order.
---@param text string
---@return string[]
function template.places(text)
  local found, seen = {}, {}
  for name in text:gmatch "{([%a_][%w_]*)}" do
    if not seen[name] then
      seen[name] = true
      found[#found + 1] = name
    end
  end
  return found
end

return template
