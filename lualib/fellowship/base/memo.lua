-- What was made of texts of late, so that it need not be made again.

local memo = {}

--- A function that gives for a text what `make` gives, and remembers it: up to twice `most` texts of at most `longest`
--- bytes, of which those that were wanted of late stay. What it gives must not be changed.
--- Example: `local length = memo.of(function(text) return utf8.len(text) end, 100, 10000)`
---@generic T
---@param make fun(text: string): T not nil
---@param most integer
---@param longest integer
---@return fun(text: string): T
function memo.of(make, most, longest)
  local recent, older, count = {}, {}, 0
  return function(text)
    local known = recent[text]
    if known ~= nil then return known end
    known = older[text]
    if known == nil then known = make(text) end
    if #text > longest then return known end
    if count == most then recent, older, count = {}, recent, 0 end
    recent[text], count = known, count + 1
    return known
  end
end

return memo
