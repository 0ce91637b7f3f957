-- Prompt templates: text with {name} places. What is filled in stays as it is, byte for byte, and
-- is not searched for places again.

local template = {}

-- Templates cut into text and places, by their text (they are few): {text, name, text, name, ..., text}; and the same
-- lists with values in the places of names, of the last time each was filled.
local cut, filled_last = {}, {}

local function pieces_of(text)
  local pieces, from = cut[text], 1
  if pieces then return pieces end
  pieces = {}
  for start, name, stop in text:gmatch "(){([%a_][%w_]*)}()" do
    pieces[#pieces + 1] = text:sub(from, start - 1)
    pieces[#pieces + 1] = name
    from = stop
  end
  pieces[#pieces + 1] = text:sub(from)
  cut[text] = pieces
  return pieces
end

--- Fills a template. A place that has no value stays as it is.
--- Example: `template.fill("Prompt: {prompt}", { prompt = "Why?" })`
---@param text string
---@param values table<string, string|number>
---@return string
function template.fill(text, values)
  local pieces = cut[text] or pieces_of(text)
  local filled = filled_last[text] or table.move(pieces, 1, #pieces, 1, {})
  filled_last[text] = nil -- a value's __tostring may fill the same template
  for i = 2, #pieces, 2 do
    local name = pieces[i]
    local value = values[name]
    filled[i] = value == nil and "{" .. name .. "}" or type(value) == "string" and value or tostring(value)
  end
  filled_last[text] = filled
  return table.concat(filled)
end

--- The names of a template's places, each once, in order.
---@param text string
---@return string[]
function template.places(text)
  local found, seen, pieces = {}, {}, pieces_of(text)
  for i = 2, #pieces, 2 do
    if not seen[pieces[i]] then found[#found + 1] = pieces[i] end
    seen[pieces[i]] = true
  end
  return found
end

return template
