--- What the JSON codec must write, written down a second time: slowly, by the letter, and without the codec.
--
-- A node is `{kind = "text", text =, canonical =}` for whatever never changes, `{kind = "float", value =}`,
-- `{kind = "object", shape = {names}, members = {name = node}, spelt = {name = {value =, text =}}}` or
-- `{kind = "array", items = {nodes}, spelt = {index = ...}, plain =}`, which is plain when a script made it: when such a
-- table is empty, nothing says that it is an array.
local slow_json = {}

local SHORT = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\t"] = "\\t", ["\n"] = "\\n", ["\f"] = "\\f", ["\r"] = "\\r" }

--- A string with its quotes. Control characters and carried surrogates are escaped, nothing else.
---@param text string UTF-8, or surrogates in their three bytes
---@return string
function slow_json.quote(text)
  local parts = {}
  for _, code in utf8.codes(text, true) do
    local character = utf8.char(code)
    if SHORT[character] then parts[#parts + 1] = SHORT[character]
    elseif code < 32 or code >= 0xD800 and code < 0xE000 then parts[#parts + 1] = ("\\u%04x"):format(code)
    else parts[#parts + 1] = character end
  end
  return '"' .. table.concat(parts) .. '"'
end

--- The significant digits of a decimal text, and the exponent of the first: 1.50e3 -> "15", 3.
local function significant(text)
  local whole, fraction, exponent = text:match "^-?(%d+)%.?(%d*)[eE]?([+-]?%d*)$"
  local digits, power = whole .. fraction, #whole - 1 + (tonumber(exponent) or 0)
  local zeros = #digits:match "^0*"
  digits, power = digits:sub(zeros + 1), power - zeros
  digits = digits:gsub("0+$", "")
  if digits == "" then return "0", 0 end
  return digits, power
end

--- The shortest digits that read back as the double.
local function shortest(value)
  for precision = 0, 16 do
    local text = ("%." .. precision .. "e"):format(value)
    if tonumber(text) == value then return text end
  end
end

--- Digits without an exponent: "15", 3 -> 1500; "15", -2 -> 0.015.
local function plain(digits, power)
  if power < 0 then return "0." .. ("0"):rep(-power - 1) .. digits end
  digits = digits .. ("0"):rep(power + 1 - #digits)
  local fraction = digits:sub(power + 2)
  return digits:sub(1, power + 1) .. (fraction ~= "" and "." .. fraction or "")
end

local function scientific(digits, exponent)
  return digits:sub(1, 1) .. (#digits > 1 and "." .. digits:sub(2) or "") .. "e" .. exponent
end

--- As Python's repr writes it.
---@param value number
---@return string
function slow_json.float(value)
  local text = shortest(value)
  local digits, power = significant(text)
  local sign = text:sub(1, 1) == "-" and "-" or ""
  if power < -4 or power >= 16 then return sign .. scientific(digits, ("%+03d"):format(power)) end
  local written = plain(digits, power)
  return sign .. written .. (written:find(".", 1, true) and "" or ".0")
end

--- A decimal text in the layout of RFC 8785, with all of its digits.
---@param text string
---@return string
function slow_json.canonical(text)
  local digits, power = significant(text)
  local sign = text:sub(1, 1) == "-" and digits ~= "0" and "-" or ""
  if power < -6 or power >= 21 then return sign .. scientific(digits, ("%+d"):format(power)) end
  return sign .. plain(digits, power)
end

local function utf16(text)
  local units = {}
  for _, code in utf8.codes(text, true) do
    if code >= 0x10000 then
      units[#units + 1] = string.pack(">I2I2", 0xD800 + ((code - 0x10000) >> 10), 0xDC00 + (code & 0x3FF))
    else
      units[#units + 1] = string.pack(">I2", code)
    end
  end
  return table.concat(units)
end

--- Bytes in their order, whatever the locale says of `<`.
local function bytes_before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

--- The names of an object's members in the order in which they are written.
---@param node table
---@param mode string "" | "pretty" | "canonical"
---@return string[]
function slow_json.names(node, mode)
  local names, placed, added = {}, {}, {}
  if mode ~= "canonical" then
    for _, name in ipairs(node.shape) do
      placed[name] = true
      if node.members[name] then names[#names + 1] = name end
    end
  end
  for name in pairs(node.members) do if not placed[name] then added[#added + 1] = name end end
  local key = mode == "canonical" and utf16 or function(name) return name end
  table.sort(added, function(a, b) return bytes_before(key(a), key(b)) end)
  return table.move(added, 1, #added, #names + 1, names)
end

local encode

local function float(node, spelt, mode)
  if mode == "canonical" then
    return math.tointeger(node.value) and tostring(math.tointeger(node.value)) or slow_json.canonical(shortest(node.value))
  end
  if spelt and string.pack("d", spelt.value) == string.pack("d", node.value) then return spelt.text end
  return slow_json.float(node.value)
end

local function lines(parts, brackets, mode, depth)
  if #parts == 0 then return brackets end
  if mode ~= "pretty" then return brackets:sub(1, 1) .. table.concat(parts, ",") .. brackets:sub(2) end
  local indent = "\n" .. ("  "):rep(depth)
  return brackets:sub(1, 1) .. indent .. "  " .. table.concat(parts, "," .. indent .. "  ") .. indent .. brackets:sub(2)
end

function encode(node, spelt, mode, depth)
  if node.kind == "text" then return mode == "canonical" and node.canonical or node.text end
  if node.kind == "float" then return float(node, spelt, mode) end
  local parts = {}
  if node.kind == "array" then
    for i, item in ipairs(node.items) do parts[i] = encode(item, node.spelt[i], mode, depth + 1) end
    return lines(parts, node.plain and #parts == 0 and "{}" or "[]", mode, depth)
  end
  for i, name in ipairs(slow_json.names(node, mode)) do
    parts[i] = slow_json.quote(name) .. (mode == "pretty" and ": " or ":")
      .. encode(node.members[name], node.spelt[name], mode, depth + 1)
  end
  return lines(parts, "{}", mode, depth)
end

--- The text of a node.
---@param node table
---@param mode string "" | "pretty" | "canonical"
---@return string
function slow_json.encode(node, mode) return encode(node, nil, mode, 0) end

return slow_json
