-- Values as people read them: tables as trees, cut to the terminal, long texts wrapped.

local json = require "fellowship.core.json"
local text = require "fellowship.base.text"

local show = {}

local DEPTH, ENTRIES = 6, 40

local reserved = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true
  until while]]):gmatch "%a+" do reserved[word] = true end

local function quoted(s)
  return '"' .. text.printable((s:gsub('[\\"\n\r\t]', { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n", ["\r"] = "\\r",
    ["\t"] = "\\t" }))) .. '"'
end

local function key_text(key)
  if type(key) == "string" and key:match "^[%a_][%w_]*$" and not reserved[key] then return key end
  return "[" .. (type(key) == "string" and quoted(key) or tostring(key)) .. "]"
end

--- Keys behind the array part, rows' in their own order, others sorted.
local function keys_of(value, length)
  local keys = {}
  local well, own = pcall(json.keys, value)
  for _, key in ipairs(well and own or {}) do keys[#keys + 1] = key end
  local seen, rest = {}, {}
  for _, key in ipairs(keys) do seen[key] = true end
  for key in next, value do
    local in_array = math.type(key) == "integer" and key >= 1 and key <= length
    if not seen[key] and not in_array then rest[#rest + 1] = key end
  end
  table.sort(rest, function(x, y)
    if type(x) ~= type(y) then return type(x) < type(y) end
    if type(x) == "number" then return x < y end
    return tostring(x) < tostring(y)
  end)
  table.move(rest, 1, #rest, #keys + 1, keys)
  local outside = {}
  for _, key in ipairs(keys) do
    local in_array = math.type(key) == "integer" and key >= 1 and key <= length
    if not in_array then outside[#outside + 1] = key end
  end
  return outside
end

--- What is shown in place of a value's inside; nil for a table that is opened.
local function leaf(value)
  if value == json.null then return "null" end
  if type(value) == "string" then return quoted(value) end
  if type(value) == "userdata" then
    local well, status = pcall(function() return value:status() end)
    if well and type(status) == "string" then return ("task (%s)"):format(status) end
  end
  if type(value) ~= "table" then return tostring(value) end
  local metatable = getmetatable(value)
  if type(metatable) == "table" and metatable.__tostring then
    local name = (metatable.__name or "table"):match "[^.]+$":lower()
    return ("%s (%s)"):format(text.printable(tostring(value)), name)
  end
  return nil
end

local function class_of(value)
  local metatable = getmetatable(value)
  local name = type(metatable) == "table" and rawget(metatable, "__name")
  return name and name:match "[^.]+$" .. " " or ""
end

local function rawlength(value)
  local n = rawlen(value)
  while n > 0 and rawget(value, n) == nil do n = n - 1 end
  return n
end

--- All on one line, or nil when it is longer than room.
local function inline(value, room, depth, above)
  local plain = leaf(value)
  if plain then return #plain <= room and plain or nil end
  if above[value] then return "(above)" end
  if depth > 3 then return nil end
  above[value] = true
  local parts, used = {}, 4
  local function add(part)
    if part then used = used + #part + 2 end
    if not part or used > room then return false end
    parts[#parts + 1] = part
    return true
  end
  local length, well = rawlength(value), true
  for i = 1, length do well = well and add(inline(rawget(value, i), room - used, depth + 1, above)) end
  for _, key in ipairs(well and keys_of(value, length) or {}) do
    local inner = well and inline(rawget(value, key), room - used, depth + 1, above)
    well = well and inner and add(key_text(key) .. " = " .. inner)
  end
  above[value] = nil
  if not well then return nil end
  return class_of(value) .. (#parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }")
end

local function tree(value, lines, indent, prefix, width, depth, above)
  local pad = ("  "):rep(indent)
  local flat = inline(value, width - #pad - #prefix - 1, 0, above) or leaf(value)
  if flat or above[value] or depth >= DEPTH then
    lines[#lines + 1] = text.fit(pad .. prefix .. (flat or above[value] and "(above)" or "{ … }"), width)
    return
  end
  above[value] = true
  lines[#lines + 1] = text.fit(pad .. prefix .. class_of(value) .. "{", width)
  local length = rawlength(value)
  local keys, shown = keys_of(value, length), 0
  for i = 1, math.min(length, ENTRIES) do
    tree(rawget(value, i), lines, indent + 1, "", width, depth + 1, above)
    shown = shown + 1
  end
  for i = 1, math.min(#keys, ENTRIES - shown) do
    tree(rawget(value, keys[i]), lines, indent + 1, key_text(keys[i]) .. " = ", width, depth + 1, above)
    shown = shown + 1
  end
  local left = length + #keys - shown
  if left > 0 then lines[#lines + 1] = ("%s  … %d more"):format(pad, left) end
  lines[#lines + 1] = pad .. "}"
  above[value] = nil
end

--- A value as lines of at most `width` columns, `height` of them at most.
---@param value any
---@param width integer
---@param height integer
---@return string[]
function show.lines(value, width, height)
  local lines = {}
  if type(value) == "string" then
    local one = quoted(value)
    if not value:find "\n" and text.columns(one) <= width then return { one } end
    lines = text.wrap(text.printable(value), width)
  else
    tree(value, lines, 0, "", width, 0, {})
  end
  if #lines > height then
    local more = #lines - height + 1
    lines = table.move(lines, 1, height - 1, 1, {})
    lines[height] = ("… %d more lines (print it, or look at a part)"):format(more)
  end
  return lines
end

return show
