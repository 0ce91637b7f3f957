-- What is known of a pair before anybody judges it: which response is longer, and which rows hang together.

local json = require "fellowship.core.json"

local lengths = {}

--- Which response has more characters, and how many more A has; nil of conversations, and no side of equal ones.
---@param a string?
---@param b string?
---@return "a"|"b"|nil longer
---@return integer? difference
function lengths.of(a, b)
  if type(a) ~= "string" or type(b) ~= "string" then return nil end
  local x, y = utf8.len(a) or #a, utf8.len(b) or #b
  return x > y and "a" or y > x and "b" or nil, x - y
end

--- What rows of one prompt have in common: they are resampled together.
---@param prompt string|table|nil
---@param number integer the row's, which stands alone where it has no prompt
---@return string|integer
function lengths.key(prompt, number)
  return type(prompt) == "string" and prompt or prompt and json.canonical { prompt } or number
end

return lengths
