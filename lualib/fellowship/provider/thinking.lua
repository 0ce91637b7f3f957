-- Thinking that stands in the text itself, as <think>...</think> before the answer. Servers with a parser for it
-- give it in a field of its own; others leave the tags. Only tags at the very beginning count.

local thinking = {}

local OPEN, CLOSE = "<think>", "</think>"

--- The answer in a text of which more may come, and what was thought before it. While it cannot be told yet
--- what is which, the answer is "". What follows the tag's end is the answer, without the white space before it.
---@param text string
---@param mode "tags"|"open"|"none" with "open", the chat template itself opens the tag: the text begins inside
---@param ended boolean no more will come
---@return string answer
---@return string? thought
function thinking.split(text, mode, ended)
  if mode == "none" then return text end
  local head = text:byte(1)
  if head and head > 60 and mode == "tags" then return text end -- a letter, as most begin: behind "<" in ASCII
  local start = text:match "^%s*()"
  local begun = text:sub(start, start + #OPEN - 1)
  if begun ~= OPEN and mode == "tags" then
    local undecided = not ended and OPEN:sub(1, #begun) == begun
    return undecided and "" or text
  end
  local inside = begun == OPEN and start + #OPEN or 1
  local first, last = text:find(CLOSE, inside, true)
  if first then
    local thought = text:sub(inside, first - 1):match "^%s*(.-)%s*$"
    return text:match("^%s*(.*)$", last + 1), thought ~= "" and thought or nil
  end
  if begun == OPEN then return "", text:sub(inside):match "^%s*(.-)%s*$" end -- cut off while it thought
  return ended and text or ""
end

return thinking
