-- Whether a response refuses to answer: by how refusals of instruction-tuned models begin. A heuristic for English;
-- it looks at the first sentences alone, since a long answer may well mention what it cannot do.

local text = require "fellowship.base.text"

local refusal = {}

local LOOK_AT = 160 -- characters

-- Lua patterns over the lower-case beginning with straight apostrophes.
local signs = {
  "^i'?m sorry,? but", "^sorry,? but i", "^i apologi[sz]e,? but", "^i'?m afraid i can'?t", "^my apologies,? but",
  "^i can'?t ", "^i cannot ", "^i can not ", "^i won'?t ", "^i will not ", "^i'?m unable to", "^i am unable to",
  "^i'?m not able to", "^i am not able to", "^i must decline", "^i have to decline", "^unfortunately,? i can",
  "^unfortunately,? i am not able", "^as an ai[%a%s]*,? i can'?t", "^as an ai[%a%s]*,? i cannot",
  "^as an ai[%a%s]*,? i am unable", "^as an ai[%a%s]*,? i'?m unable", "^as an ai[%a%s]*,? i do not",
  "^as an ai[%a%s]*,? i don'?t", "i can'?t assist with", "i cannot assist with", "i can'?t help with",
  "i cannot help with", "i can'?t fulfil", "i cannot fulfil", "i can'?t comply", "i cannot comply",
}

--- Whether a response looks like a refusal.
--- Example: `print(fellowship.preference.is_refusal "I'm sorry, but I can't help with that.") --> true`
---@param response string
---@return boolean
function refusal.is(response)
  local start = text.cut(response:match "^%s*(.*)$", LOOK_AT):lower():gsub("\u{2019}", "'")
  for _, sign in ipairs(signs) do
    if start:find(sign) then return true end
  end
  return false
end

return refusal
