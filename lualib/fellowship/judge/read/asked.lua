-- The shortest way: most judges end with just the lines that they were asked for. These are read at once, where the
-- whole reader could not see it differently: it takes the last complete statement of the form that was asked for,
-- unless headings above make it one of a criterion, or words in front of it somebody else's.

local form = require "fellowship.base.form"

local asked = {}

local function escaped(text)
  return (text:gsub("%W", "%%%0"))
end

-- By strategy, patterns of the lines at a text's end, of each form that is read so.
local ENDS = {}
for _, name in ipairs { "combined", "debate", "independent", "direct" } do
  local f, list, lines = form.of(name), {}, {}
  local value = f.scored and "(%d%d?%d?)/(%d+)" or "([ABC])"
  for i, heading in ipairs(f.headings) do
    lines[i] = heading .. "\n"
    list[i] = escaped(lines[i]) .. value
  end
  ENDS[f.strategy] = ENDS[f.strategy] or {}
  table.insert(ENDS[f.strategy], { form = f, lines = lines, start = f.headings[1], pattern = "^" .. table.concat(list,
    "\n\n") .. "%s*$" })
end

-- The lines take no more bytes than these.
local LONGEST = 120

--- The end of the last line before a place that holds anything, without white space behind it; nil when it is far.
local function line_before(text, at)
  local from = math.max(1, at - 300)
  local before = text:sub(from, at - 1):reverse()
  local start = before:find "%S"
  if not start then return from == 1 and "" or nil end
  return before:sub(start, (before:find("\n", start, true) or #before + 1) - 1):reverse()
end

--- The values of the form at a text's end, and where the last line of each begins; nil when it does not end so.
---@param text string
---@param strategy "combined"|"independent"|"direct"
---@param scale integer
---@return fellowship.Form?
---@return any[]? values
---@return integer[]? places
function asked.values(text, strategy, scale)
  if text:find("\r", 1, true) then return nil end
  for _, ending in ipairs(ENDS[strategy]) do
    local start, from = nil, math.max(1, #text - LONGEST)
    repeat
      local found = text:find(ending.start, from, true)
      start, from = found or start, found and found + 1
    until not found
    local first, over, second, over_too
    if start and (start == 1 or text:byte(start - 1) == 10) then first, over, second,
      over_too = text:match(ending.pattern, start) end
    if first then
      local before = line_before(text, start)
      if not before then return nil end
      -- Larger headings may name a criterion, as whatever stands above may where the form is there more than once; a
      -- colon may introduce a quotation.
      if text:find(ending.start, 1, true) < start or before:find ":[%*_`\"']*$" or text:find("\n# ", 1, true)
        or text:find("\n## ", 1, true) or text:find "^##? " or before:find "^>"
        or before:find "^```" then return nil end
      if ending.form.strategy == "direct" then return ending.form, { first }, {} end
      local values, places = { math.tointeger(tonumber(first)), math.tointeger(tonumber(second)) }, {}
      if tonumber(over) ~= scale or over_too and tonumber(over_too) ~= scale then return nil end
      for i, value in ipairs(values) do
        if value > scale then return nil end
        places[i] = select(2, text:find(ending.lines[i], start, true)) + 1
      end
      return ending.form, values, places
    end
  end
end

return asked
