-- What a judge decided, without what it thought on the way, blocks of thinking anywhere in its text, and without what
-- a server lets a model go on with behind the end of its turn.

local thinking = require "fellowship.provider.thinking"

-- Every tag of thinking holds one of these, and most texts none.
local TELLTALES = { "think", "THINK", "Think", "thought", "channel", "assistantfinal", "reasoning", "unused9",
  "analysis" }

local function may_hold_tags(text)
  if not text:find("<", 1, true) and not text:find("◁", 1, true) then -- what all of them begin with but these
    return text:find "^%s*[Aa][Nn][Aa][Ll]" ~= nil
      or text:find("[", 1, true) ~= nil and text:find "%[/?[Tt][Hh][Ii][Nn][Kk]%]" ~= nil
  end
  for _, word in ipairs(TELLTALES) do
    if text:find(word, 1, true) then return true end
  end
  return false
end

local function begins_with_tag(text)
  local head = text:match("^%s*(.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?.?)"):lower()
  if head:find("analysis", 1, true) == 1 then return true end
  for _, pair in ipairs(thinking.pairs) do
    local opener = pair[1]:lower()
    if head:sub(1, #opener) == opener:sub(1, #head) then return true end
  end
  return head:find "^<|start|>" ~= nil
end

--- Takes every block with its tags out of a text.
local function without_blocks(text, opener, closer)
  local parts, from = {}, 1
  while true do
    local start, inside = text:find(opener, from, true)
    local _, stop
    if start then _, stop = text:find(closer, inside + 1, true) end
    if not stop then break end
    parts[#parts + 1] = text:sub(from, start - 1)
    from = stop + 1
  end
  if from == 1 then return text end
  parts[#parts + 1] = text:sub(from)
  return table.concat(parts, "\n")
end

local function last_end(text, word)
  local found, from = nil, 1
  while true do
    local _, stop = text:find(word, from, true)
    if not stop then return found end
    found, from = stop, stop + 1
  end
end

-- Tokens that end a turn.
local ENDS = { "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|endoftext|>", "<|end_of_text|>", "<end_of_turn>",
  "<|end▁of▁sentence|>", "<｜end▁of▁sentence｜>", "<|END_OF_TURN_TOKEN|>" }

--- A text up to the end of its turn. A token that a shown text has may be a quotation.
local function first_turn(text, holds)
  if text:find("|>", 1, true) or text:find("_turn>", 1, true) or text:find("｜>", 1, true) then
    for _, token in ipairs(ENDS) do
      local start = text:find(token, 1, true)
      if start and text:find "%S" < start and not holds(token) then text = text:sub(1, start - 1) end
    end
  end
  local start = text:find("</s>%s*$", -10)
  return start and text:sub(1, start - 1) or text
end

--- A text without its thinking: blocks go with what is in them, a closing tag alone takes all before it, an opening one
--- alone at a line's beginning all behind it. A tag that a text shown to the judge has may be a quotation: it counts at
--- the very beginning alone. Linear in the text.
---@param text string
---@param holds fun(tag: string): boolean whether a text that was shown to the judge has the tag
---@return string
---@return integer behind how many bytes were taken off the text's end
return function(text, holds)
  local length = #text
  text = first_turn(text, holds)
  local behind = length - #text
  if not may_hold_tags(text) then return text, behind end
  local rest = begins_with_tag(text) and thinking.whole(text, "tags", true) or text
  for _, pair in ipairs(thinking.pairs) do
    local opener, closer = pair[1], pair[2]
    if (rest:find(opener, 1, true) or rest:find(closer, 1, true)) and not holds(opener) and not holds(closer) then
      rest = without_blocks(rest, opener, closer)
      if closer ~= "<|end|>" then
        rest = rest:sub((last_end(rest, closer) or 0) + 1)
        local cut = rest:sub(1, #opener) == opener and 1 or rest:find("\n" .. opener, 1, true)
        if cut then rest, behind = rest:sub(1, cut - 1), behind + #rest - cut + 1 end
      end
    end
  end
  local _, final = rest:find("<|channel|>final", 1, true)
  if final and not holds "<|channel|>final" then
    local _, stop = rest:find("<|message|>", final, true)
    rest = rest:sub((stop or final) + 1)
    local last = rest:find "<|%a+|>%s*$"
    if last then rest, behind = rest:sub(1, last - 1), behind + #rest - last + 1 end
  end
  return rest, behind
end
