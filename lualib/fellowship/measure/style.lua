-- How a response looks beside what it says: its length, and its headers, lists and bold text in Markdown.

local style = {}

--- The names of what is compared, in their order.
style.NAMES = { "length", "headers", "lists", "bold" }

local function bold_in(line)
  local count = 0
  if line:find("**", 1, true) then
    for _ in line:gmatch "%*%*[^*]+%*%*" do count = count + 1 end
  end
  if line:find("__", 1, true) then
    for _ in line:gmatch "__[^_]+__" do count = count + 1 end
  end
  return count
end

-- What may begin a header, an item or a fence; most lines begin with none of these.
local MARKS = {}
for mark in ("#-*+`0123456789"):gmatch "." do MARKS[mark:byte()] = true end

local function is_item(line, at)
  if line:find("^[-*+]%s", at) then return true end
  local _, last = line:find("^%d+%.", at)
  return last ~= nil and line:find("^%s", last + 1) ~= nil
end

--- Counts what begins a line with a mark at a place.
local function count_mark(found, line, at)
  local _, last = line:find "^#+"
  if last and last <= 6 and line:find("^%s", last + 1) then found.headers = found.headers + 1 end
  if is_item(line, at) then found.lists = found.lists + 1 end
end

--- What Markdown a text has, code between fences left out: Arena-Hard's style elements.
--- Example:
---     local found = fellowship.measure.style "# A list\n- **one**\n- two"
---     print(found.headers, found.lists, found.bold) --> 1 2 1
---@param response string
---@return { length: integer, headers: integer, lists: integer, bold: integer } length in characters
function style.of(response)
  local found = { length = utf8.len(response) or #response, headers = 0, lists = 0, bold = 0 }
  local fenced = false
  for line in response:gmatch "[^\n]+" do
    local at = line:byte() > 32 and 1 or line:find "%S"
    local marked = at and MARKS[line:byte(at)]
    if marked and line:find("^```", at) then
      fenced = not fenced
    elseif not fenced then
      if marked then count_mark(found, line .. "\n", at) end -- a text may end behind a marker
      found.bold = found.bold + bold_in(line)
    end
  end
  return found
end

--- How A and B differ in style, each from -1 to 1, above 0 where A has more: length as (a - b) / (a + b); headers, lists and
--- bold by their density d = count / (length + 1), as (d_a - d_b) / (d_a + d_b + 1) (style control of Chatbot Arena, Li and
--- others 2024; Arena-Hard 2). Nil of conversations.
---@param a string?
---@param b string?
---@return number[]? in the order of NAMES
function style.difference(a, b)
  if type(a) ~= "string" or type(b) ~= "string" then return nil end
  local x, y = style.of(a), style.of(b)
  local both = x.length + y.length
  local list = { both > 0 and (x.length - y.length) / both or 0 }
  for k = 2, #style.NAMES do
    local name = style.NAMES[k]
    local p, q = x[name] / (x.length + 1), y[name] / (y.length + 1)
    list[k] = (p - q) / (p + q + 1)
  end
  return list
end

return style
