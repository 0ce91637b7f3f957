-- JSON as careless servers and models write it: with a byte order mark, NaN and Infinity (Python's json), bare control
-- characters in texts, a comma behind the last member. Made into JSON where nothing of what it says is lost, since the answer is paid for. Pure, and linear.

local repair = {}

-- What is not JSON outside of texts, and what it means.
local WORDS = { NaN = "null", Infinity = "null", ["-Infinity"] = "null" }

local function escaped(c)
  return ("\\u%04x"):format(c:byte())
end

--- The place behind the text that begins at a quotation mark; nil when it does not end.
local function text_end(body, at)
  while true do
    at = body:find('["\\]', at + 1)
    if not at then return nil end
    if body:byte(at) == 34 then return at end
    at = at + 1
  end
end

--- JSON in place of what is nearly so; nil when there is nothing to mend.
---@param body string
---@return string?
function repair.json(body)
  local text = body:gsub("^\xef\xbb\xbf", "")
  if not text:find "^%s*[%[{]" then return nil end
  local list, from = {}, 1
  while true do
    local open = text:find('"', from, true)
    local outside = text:sub(from, (open or 0) - 1)
    list[#list + 1] = outside:gsub("%-?%a+", WORDS):gsub(",(%s*[}%]])", "%1")
    if not open then break end
    local close = text_end(text, open)
    if not close then return nil end
    list[#list + 1] = text:sub(open, close):gsub("[%z\1-\31]", escaped)
    from = close + 1
  end
  local made = table.concat(list)
  return made ~= body and made or nil
end

return repair
