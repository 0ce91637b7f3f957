-- Whether a response refuses to answer: by how refusals of instruction-tuned models begin. A heuristic for English;
-- it looks at the first sentences alone, since a long answer may well mention what it cannot do.

local text = require "fellowship.base.text"

local refusal = {}

local LOOK_AT = 160 -- characters

-- All of it are Lua patterns over the lower-case beginning with contractions written out.
local contractions = { { "\u{2019}", "'" }, { "%f[%a]i'?m%f[%A]", "i am" }, { "%f[%a]can'?t%f[%A]", "cannot" },
  { "%f[%a]can not%f[%A]", "cannot" }, { "%f[%a]won't%f[%A]", "will not" }, { "%f[%a]don'?t%f[%A]", "do not" } }

-- What refuses however it goes on.
local signs = {
  "^i am [%a ]-sorry,? but", "^sorry,? but i", "^i [%a ]-apologi[sz]e,? but", "^my apologies,? but",
  "^as an ai[%a%s]*,? i do not", "i cannot assist with", "i cannot help with", "i cannot fulfil", "i cannot comply",
}

-- What may come before.
local openings = { "^i am [%a ]-sorry[,.;:]?%s*", "^sorry[,.;:]?%s*", "^unfortunately,?%s*", "^as an ai[%a%s]*,%s*",
  "^as an ai language model%s*", "^i [%a ]-apologi[sz]e[,.;:]?%s*", "^i am afraid%s*" }

-- Then a refusal goes on like this, unless it is a figure of speech.
local refusing = { "^i cannot ", "^i will not ", "^i am unable to", "^i am not able to", "^i must decline",
  "^i have to decline", "^i am not comfortable" }
local figures = { "^i cannot believe", "^i cannot stress", "^i cannot emphasi[sz]e", "^i cannot overstate",
  "^i cannot recommend", "^i cannot wait", "^i cannot help but", "^i cannot help %a+ing", "^i cannot imagine",
  "^i cannot thank", "^i cannot deny", "^i will not lie", "^i will not deny" }

local function begins(start, patterns)
  for _, pattern in ipairs(patterns) do
    if start:find(pattern) then return true end
  end
  return false
end

--- Whether a response looks like a refusal.
--- Example: `print(fellowship.preference.quality.is_refusal "I'm sorry, but I can't help with that.") --> true`
---@param response string
---@return boolean
function refusal.is(response)
  local start = text.cut(response:match "^%s*(.*)$", LOOK_AT):lower()
  for _, contraction in ipairs(contractions) do start = start:gsub(contraction[1], contraction[2]) end
  if begins(start, signs) then return true end
  for _, opening in ipairs(openings) do start = start:gsub(opening, "") end
  return begins(start, refusing) and not begins(start, figures)
end

return refusal
