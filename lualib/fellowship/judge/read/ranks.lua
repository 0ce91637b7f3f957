-- Ranks of both: "1st: B", "Rank 2: A", "A - rank 1", and a list of two names without a heading, all that a judge wrote.

local choice = require "fellowship.judge.read.choice"
local signs_of = require("fellowship.judge.read.signs").of
local tokens = require "fellowship.judge.read.tokens"

local ranks = {}

-- A line of a rank is no longer, and a name neither.
local LONG, NAME = 80, 40

-- A rank before a name, and one behind it, in small letters without marks.
local BEFORE = { "^rank%a* #?([12]) ?[:.)=-]+ *()[^ ]", "^([12])[snt][td] ?[:.)=-]+ *()[^ ]",
  "^([12])[snt][td] place ?[:.)=-]+ *()[^ ]", "^(first) place ?[:.)=-]+ *()[^ ]", "^(second) place ?[:.)=-]+ *()[^ ]" }
local BEHIND = { "^(.-) ?[:=(-]+ ?rank%a* ?:? ?#?([12])%)?%.?$", "^(.-) ?[:=(-]+ ?([12])[snt][td]%)?%.?$",
  "^(.-) ?[:=(-]+ ?([12])[snt][td] place%)?%.?$", "^(.-) ?[:=(-]+ ?#([12])%)?%.?$",
  "^(.-) ?[:=(-]+ ?(first) place%)?%.?$", "^(.-) ?[:=(-]+ ?(second) place%)?%.?$" }

local NUMBERS = { first = 1, second = 2, ["1"] = 1, ["2"] = 2 }

local function side_of(name)
  if #name > NAME then return nil end
  local side, bare = choice.of(signs_of(tokens.of(name)), true)
  return bare and side ~= "tie" and side or nil
end

--- Whose rank a line says, and which.
---@param text string folded, without a list's mark
---@return "a"|"b"|nil side
---@return integer? rank
function ranks.of(text)
  if #text > LONG or not (text:find("ank", 1, true) or text:find "[12][sn][td]" or text:find(" place", 1, true)
    or text:find "#[12]") then return nil end
  local plain = text:gsub("[*`\"'_]+", "")
  local small = plain:lower()
  for _, pattern in ipairs(BEFORE) do
    local rank, at = small:match(pattern)
    local side = rank and side_of(plain:sub(at))
    if side then return side, NUMBERS[rank] end
  end
  for _, pattern in ipairs(BEHIND) do
    local name, rank = small:match(pattern)
    local side = rank and side_of(plain:sub(1, #name))
    if side then return side, NUMBERS[rank] end
  end
end

--- The first of a list of two names, "1. B" above "2. A", where that is the whole text.
---@param text string cleaned
---@return "a"|"b"|nil
function ranks.first_of_list(text)
  if #text > 2 * LONG then return nil end
  local first, second = text:match "^%s*1[.)]%s+([^\n]*)\n%s*2[.)]%s+([^\n]*)%s*$"
  local x, y = first and side_of(first), second and side_of(second)
  return x and y and x ~= y and x or nil
end

return ranks
