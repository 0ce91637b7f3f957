-- Texts for people: cut by characters, and always valid UTF-8.

local sys = require "fellowship.core.sys"

local text = {}

--- The same text with U+FFFD for what is no UTF-8.
---@param s string
---@return string
function text.valid(s) return sys.valid(s) end

--- The first n characters.
---@param s string
---@param n integer
---@return string
function text.cut(s, n)
  s = text.valid(s)
  local stop = utf8.offset(s, n + 1)
  return stop and s:sub(1, stop - 1) or s
end

-- Code points that take two columns, as first and last of each range (Unicode 15, East Asian Width W and F).
local WIDE = { 0x1100, 0x115f, 0x2e80, 0x303e, 0x3041, 0xa4cf, 0xac00, 0xd7a3, 0xf900, 0xfaff, 0xfe30, 0xfe6f, 0xff00,
  0xff60, 0xffe0, 0xffe6, 0x1f300, 0x1f64f, 0x1f680, 0x1f6ff, 0x1f900, 0x1f9ff, 0x20000, 0x3fffd }

local function columns_of(code)
  if code < 0x300 then return 1 end
  if code <= 0x36f or code == 0x200b or code == 0x200d or (code >= 0xfe00 and code <= 0xfe0f) then return 0 end
  for i = 1, #WIDE, 2 do
    if code >= WIDE[i] and code <= WIDE[i + 1] then return 2 end
  end
  return 1
end

--- Columns that a text takes on a terminal.
---@param s string
---@return integer
function text.columns(s)
  local n = 0
  for _, code in utf8.codes(text.valid(s)) do n = n + columns_of(code) end
  return n
end

--- As much of a text as n columns hold, with a mark where it was cut.
---@param s string
---@param n integer
---@return string
function text.fit(s, n)
  s = text.valid(s)
  if #s <= n or text.columns(s) <= n then return s end
  local used = 0
  for at, code in utf8.codes(s) do
    used = used + columns_of(code)
    if used > n - 1 then return s:sub(1, at - 1) .. "…" end
  end
  return s
end

--- Each character is looked at once, and once more where a word goes over to the next line.
local function wrap_line(line, n, lines)
  local from, at, used, space = 1, 1, 0, nil -- where the line begins, and its last space
  while at <= #line do
    local code = utf8.codepoint(line, at)
    used = used + columns_of(code)
    if code == 32 then space = at end
    if used <= n then
      at = utf8.offset(line, 2, at)
    else
      local stop = at > from and at or utf8.offset(line, 2, at)
      local cut = space and space > from and space - 1 or stop - 1
      lines[#lines + 1] = line:sub(from, cut)
      from = line:find("[^ ]", cut + 1) or #line + 1
      at, used, space = from, 0, nil
    end
  end
  lines[#lines + 1] = line:sub(from)
end

--- Lines of at most n columns, broken between words where there are any.
---@param s string
---@param n integer
---@return string[]
function text.wrap(s, n)
  local lines = {}
  for line in (text.valid(s) .. "\n"):gmatch "(.-)\n" do wrap_line(line, math.max(n, 2), lines) end
  return lines
end

--- A text without white space at its ends, in time linear in it.
---@param s string
---@return string
function text.trim(s)
  local first, last = s:find "%S", #s
  if not first then return "" end
  while s:find("^%s", last) do last = last - 1 end
  return s:sub(first, last)
end

--- A number and what is counted, in words.
---@param n integer
---@param one string
---@param more? string by default `one` with an s
---@return string
function text.count(n, one, more)
  return ("%d %s"):format(n, n == 1 and one or more or one .. "s")
end

--- The same text as a part of a URL: what is not unreserved (RFC 3986, 2.3) is escaped.
--- Example: `print(text.url_part "a=b") --> a%3Db`
---@param s string
---@return string
function text.url_part(s)
  return (s:gsub("[^%w%-._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

--- The same text as a terminal may show it: "?" for each control character, which could steer it. Line ends and tabs
--- stay.
---@param s string
---@return string
function text.printable(s) return sys.printable(s) end

return text
