-- JSON in what a model wrote: anywhere in the text, fenced or bare, and as models write it: single quotes, names without
-- quotes, comments, commas too many, line ends within texts, cut off. A brace within a text is no end of an object.
-- Linear: a byte that was read is not read again.

local objects = {}

local DEEPEST = 32

-- So many objects tell nothing any more; so many braces that begin none are no text of a judge.
local MOST, TRIES = 200, 2000

-- What may follow the brace of an object.
local BEGINS = "^{%s*[%a_\\\"'}/#\128-\255]"

---@class fellowship.ReadObject
---@field names string[] in order
---@field values any[] texts, numbers, booleans, objects, or lists ({ list = {...} })
---@field cut boolean? the text ended in it
---@field open string? and in the value of this name

local value

local function skip(text, at)
  while true do
    at = text:find("[^%s]", at) or #text + 1
    if text:find("^//", at) or text:find("^#", at) then at = text:find("\n", at, true) or #text + 1
    elseif text:find("^/%*", at) then
      local _, stop = text:find("*/", at, true)
      at = (stop or #text) + 1
    else
      return at
    end
  end
end

local ESCAPES = { n = "\n", t = "\t", r = "\r", b = "", f = "" }

local function unescape(raw)
  if not raw:find("\\", 1, true) then return raw end
  raw = raw:gsub("\\u(%x%x%x%x)", function(hex)
    local code = tonumber(hex, 16)
    return code >= 0xd800 and code < 0xe000 and "" or utf8.char(code)
  end)
  return (raw:gsub("\\(.)", function(char) return ESCAPES[char] or char end))
end

--- Whether what follows a quote makes it the end of a text; models forget to escape those within.
local function ends_text(text, at)
  at = text:find("%S", at)
  return at == nil or text:find("^[,:;}%]=]", at) ~= nil or text:find("^[\"'][%w_ ]+[\"']%s*:", at) ~= nil
end

--- A text in quotes: what it holds and the place behind it; nil and the place where it failed.
local function quoted(text, at)
  local quote = text:match("^\\?[\"']", at)
  local from = at + #quote
  local stop
  if #quote == 2 then -- an object within a text: its quotes are escaped
    stop = text:find(quote, from, true)
    return stop and text:sub(from, stop - 1), stop and stop + 2 or #text + 1
  end
  local find = quote == '"' and '["\\]' or "['\\]"
  stop = text:find(find, from)
  while stop and (text:sub(stop, stop) == "\\" or not ends_text(text, stop + 1)) do
    stop = text:find(find, stop + (text:sub(stop, stop) == "\\" and 2 or 1))
  end
  if not stop then return nil, #text + 1 end
  return unescape(text:sub(from, stop - 1)), stop + 1
end

local function name_at(text, at)
  if text:find("^\\?[\"']", at) then return quoted(text, at) end
  local name = text:match("^[%a_\128-\255][%w_\128-\255-]*", at)
  return name, at + (name and #name or 0)
end

--- An object or a list: its values, the place behind it, and whether the text ended in it. Nil and the place where it
--- failed when it is none.
local function object(text, at, depth)
  local found = { names = {}, values = {} }
  at = skip(text, at + 1)
  while true do
    if at > #text then
      found.cut = true
      return found, at
    end
    if text:find("^}", at) then return found, at + 1 end
    local name, behind = name_at(text, at)
    if not name then
      if behind > #text then
        found.cut = true
        return found, behind
      end
      return nil, behind
    end
    at = skip(text, behind)
    if not text:find("^[:=]", at) then
      if at > #text then
        found.cut = true
        return found, at
      end
      return nil, at
    end
    local held, stop, well = value(text, skip(text, at + 1), depth + 1)
    if not well then
      if stop > #text then
        found.cut = true
        return found, stop
      end
      return nil, stop
    end
    at = skip(text, stop)
    local inner_cut = type(held) == "table" and held.cut
    found.names[#found.names + 1], found.values[#found.values + 1] = name, held
    if at > #text and type(held) ~= "table" then found.open = name end -- it may have been going on
    found.cut = found.cut or inner_cut
    if text:find("^[,;]", at) then at = skip(text, at + 1) end
  end
end

local function list(text, at, depth)
  local found = { list = {} }
  at = skip(text, at + 1)
  while true do
    if at > #text then
      found.cut = true
      return found, at
    end
    if text:find("^%]", at) then return found, at + 1 end
    local held, stop, well = value(text, at, depth + 1)
    if not well then return nil, stop end
    found.list[#found.list + 1] = held
    at = skip(text, stop)
    if text:find("^,", at) then at = skip(text, at + 1) elseif at <= #text and not text:find("^%]",
      at) then return nil, at end
  end
end

local WORDS = { ["true"] = true, ["false"] = false, True = true, False = false }

--- A value, the place behind it, and whether there was one.
function value(text, at, depth)
  local byte = text:sub(at, at)
  if byte == "{" or byte == "[" then
    if depth > DEEPEST then return nil, at end
    local found, stop = (byte == "{" and object or list)(text, at, depth)
    return found, stop, found ~= nil
  end
  if text:find("^\\?[\"']", at) then
    local held, stop = quoted(text, at)
    return held, stop, held ~= nil
  end
  local word = text:match("^[^%s,;{}%[%]\"'][^,;{}%[%]\"'\n]*", at)
  if not word then return nil, at end
  local stop = at + #word
  if #word > 40 then return nil, at end
  word = word:match "^(.-)%s*$"
  if WORDS[word] ~= nil then return WORDS[word], stop, true end
  if word == "null" or word == "None" then return "", stop, true end
  return word, stop, true -- a number, or a word without quotes; its reader tells
end

-- What nobody sees, and other spaces, between the parts of an object.
local UNSEEN = { ["\u{200b}"] = "", ["\u{200c}"] = "", ["\u{200d}"] = "", ["\u{feff}"] = "", ["\u{2060}"] = "",
  ["\u{ad}"] = "", ["\u{a0}"] = " ", ["\u{202f}"] = " ", ["\u{3000}"] = " " }

local function without_unseen(text)
  for char, plain in pairs(UNSEEN) do
    if text:find(char, 1, true) then text = text:gsub(char, plain) end
  end
  return text
end

--- Parts a text at its objects: { text = } and { object = }, in order.
---@param text string
---@return { text: string?, object: fellowship.ReadObject?, at: integer }[]
---@return boolean too_many
function objects.parts(text)
  if text:find("{", 1, true) then text = without_unseen(text) end
  local parts, from, at, count, tries = {}, 1, 1, 0, 0
  while true do
    local start = text:find("{", at, true)
    if not start or count >= MOST or tries >= TRIES then break end
    local found, stop
    if text:find(BEGINS, start) then
      found, stop = object(text, start, 1)
      tries = tries + 1
    else
      stop = start + 1
    end
    if found and #found.names > 0 then
      count = count + 1
      parts[#parts + 1] = { text = text:sub(from, start - 1), at = from }
      parts[#parts + 1] = { object = found, at = start }
      from = stop
    end
    at = math.max(stop, start + 1)
  end
  parts[#parts + 1] = { text = text:sub(from), at = from }
  return parts, count >= MOST
end

return objects
