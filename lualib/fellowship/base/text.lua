-- Texts for people: cut by characters, and always valid UTF-8.

local text = {}

--- The same text with every byte that is no UTF-8 replaced by "?".
---@param s string
---@return string
function text.valid(s)
  local length, bad = utf8.len(s)
  while not length do
    s = s:sub(1, bad - 1) .. "?" .. s:sub(bad + 1)
    length, bad = utf8.len(s, bad)
  end
  return s
end

--- The first n characters.
---@param s string
---@param n integer
---@return string
function text.cut(s, n)
  s = text.valid(s)
  local stop = utf8.offset(s, n + 1)
  return stop and s:sub(1, stop - 1) or s
end

return text
