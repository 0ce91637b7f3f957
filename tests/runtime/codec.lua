#!/usr/bin/env fellowship
-- encode(edit(decode(text))) over random rows and random edits, against a slow encoder of its own (lib/slow_json.lua)
-- that is told of the same edits. $FELLOWSHIP_CODEC_ROWS sets how many rows (a few thousand when not said),
-- $FELLOWSHIP_CODEC_SEED which ones.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local slow = require "slow_json"
local json = require "fellowship.core.json"

local ROWS = tonumber(os.getenv "FELLOWSHIP_CODEC_ROWS") or 4000
local SEED = tonumber(os.getenv "FELLOWSHIP_CODEC_SEED") or 1
math.randomseed(SEED)

local function one_of(list) return list[math.random(#list)] end

local function chance(percent) return math.random(100) <= percent end

-- Sets of names, taken at every depth: objects in one another often have the same keys in the same order.
local NAMES = { "id", "text", "replies", "score", "b", "a", "", "é", "e\u{301}", "x y", "\n", "1", "\u{10000}", "\u{FFFF}",
  "\xED\xA0\x80", "null", ("long"):rep(20), ("long"):rep(20) .. "2" }
local SETS = { {}, { "id" }, { "id", "text" }, { "text", "id" }, { "replies", "text", "id" }, { "id", "text", "replies" }, NAMES }

local function draw_names()
  if chance(70) then return one_of(SETS) end
  local names, used = {}, {}
  local most = chance(4) and 90 or 12
  for _ = 1, math.random(0, most) do
    local name = chance(50) and one_of(NAMES) or "k" .. math.random(100)
    if not used[name] then names[#names + 1], used[name] = name, true end
  end
  if #names > 0 and chance(50) then SETS[math.min(#SETS + 1, math.random(8, 30))] = names end
  return names
end

-- Leaves ---------------------------------------------------------------------------------------

local PIECES = { "a", "the ", '"', "\\", "/", "\n", "\t", "\0", "\u{1F}", "\u{7F}", "é", "東京", "🙂", "\u{2028}", "\xED\xB0\x80" }

local function random_text()
  local parts = {}
  for i = 1, math.random(0, 6) do parts[i] = one_of(PIECES) end
  return table.concat(parts)
end

local function node_of_text(text, canonical) return { kind = "text", text = text, canonical = canonical or text } end

local function random_digits(most)
  local digits = tostring(math.random(1, 9))
  for _ = 2, math.random(most) do digits = digits .. math.random(0, 9) end
  return digits
end

local function random_number()
  local sign, what = chance(20) and "-" or "", math.random(5)
  if what == 1 then return sign .. random_digits(18) end
  if what == 2 then return sign .. "0." .. ("0"):rep(math.random(0, 8)) .. random_digits(19) end
  if what == 3 then return sign .. random_digits(24) end
  if what == 4 then return sign .. random_digits(6) .. "." .. random_digits(6) .. ("0"):rep(math.random(0, 2)) end
  return one_of { "0", "-0", "0.0", "-0.0", "1E5", "1e5", "1e-7", "1.50", "1.5", "1e400", "-1e400", "1e-400", "1e21", "1e16", "1e15",
    "9223372036854775807", "-9223372036854775808", "9223372036854775808", "0.1", "0.10", "100.0", "1e2", "5e-324",
    sign .. random_digits(17) .. "e" .. math.random(-320, 320) }
end

--- The source of a leaf, and its node but for numbers, whose node follows from the place that they come to.
local function random_leaf()
  if chance(40) then return random_number() end
  if chance(40) then
    local text = slow.quote(random_text())
    return text, node_of_text(text)
  end
  local word = one_of { "null", "true", "false" }
  return word, node_of_text(word)
end

--- The node of a number as it was read; its container remembers how a double was spelt.
local function number_node(source, value, spelt, at)
  if math.type(value) == "integer" then return node_of_text(source) end
  if type(value) == "userdata" then return node_of_text(source, slow.canonical(source)) end
  if slow.float(value) ~= source then spelt[at] = { value = value, text = source } end
  return { kind = "float", value = value }
end

-- Rows -----------------------------------------------------------------------------------------

--- The source of a random value and a plan of its node, which `understand` completes.
local function random_value(depth)
  if depth == 0 or chance(45) then
    local source, node = random_leaf()
    return source, node or { kind = "number", source = source }
  end
  local parts = {}
  if chance(35) then
    local node = { kind = "array", items = {}, spelt = {} }
    for i = 1, chance(3) and math.random(30, 70) or math.random(0, 3) do parts[i], node.items[i] = random_value(depth - 1) end
    return "[" .. table.concat(parts, chance(5) and " , " or ",") .. "]", node
  end
  local names = draw_names()
  local node = { kind = "object", shape = table.move(names, 1, #names, 1, {}), members = {}, spelt = {} }
  for i, name in ipairs(names) do
    local source
    source, node.members[name] = random_value(#names > 6 and 0 or depth - 1)
    parts[i] = slow.quote(name) .. (chance(5) and " : " or ":") .. source
  end
  return "{" .. table.concat(parts, ",") .. "}", node
end

--- Completes the nodes of numbers below a container, by the values that were decoded.
local function understand(node, value)
  local list = node.items or node.members
  if not list then return node end
  for at, child in pairs(list) do
    list[at] = child.kind == "number" and number_node(child.source, value[at], node.spelt, at) or understand(child, value[at])
  end
  return node
end

--- A decoded value and its node.
local function random_row(depth)
  local source, node = random_value(depth)
  if node.kind == "number" or node.kind == "text" then source, node = "[]", { kind = "array", items = {}, spelt = {} } end
  local value = assert(json.decode(source))
  return value, understand(node, value), source
end

-- Edits ----------------------------------------------------------------------------------------

--- A value that a script makes: a scalar, or a plain table.
local function made_value()
  local what = math.random(7)
  if what == 1 then return json.null, node_of_text "null" end
  if what == 2 then return true, node_of_text "true" end
  if what == 3 then
    local n = math.random(-5, 1000)
    return n, node_of_text(tostring(n))
  elseif what == 4 then
    local x = one_of { 1.5, 0.1, 1.0, -0.0, 1e300, 1e5, 100.0 }
    return x, { kind = "float", value = x }
  elseif what == 5 then
    local list, node = { "x", 2 }, { kind = "array", plain = true, items = { node_of_text '"x"', node_of_text "2" }, spelt = {} }
    return list, node
  elseif what == 6 then
    local fields, node = {}, { kind = "object", shape = {}, members = {}, spelt = {} }
    for _ = 1, math.random(0, 12) do
      local name = one_of(NAMES)
      fields[name], node.members[name] = 1, node_of_text "1"
    end
    return fields, node
  end
  local text = random_text()
  return text, node_of_text(slow.quote(text))
end

--- Values of earlier rows, which later ones may hold too.
local pool = {}

local function new_value()
  if chance(25) and #pool > 0 then
    local old = one_of(pool)
    return old.value, old.node
  end
  if chance(40) then return random_row(2) end
  return made_value()
end

local function edit_object(value, node)
  local what = math.random(6)
  local name = #node.shape > 0 and chance(70) and one_of(node.shape) or one_of(NAMES)
  if what <= 2 then
    value[name], node.members[name] = nil, nil
  elseif what == 3 and chance(20) then
    for key in pairs(value) do value[key] = nil end
    node.members = {}
  elseif what == 4 and chance(40) then
    local names = one_of(SETS)
    json.object(value, names)
    node.shape = table.move(names, 1, #names, 1, {})
  elseif what == 5 and node.members[name] then -- a value comes to another place
    local to = one_of(NAMES)
    value[to], node.members[to] = value[name], node.members[name]
  else
    value[name], node.members[name] = new_value()
  end
end

local function edit_array(value, node)
  local what, count = math.random(4), #node.items
  if what == 1 and count > 0 then
    local at = math.random(count)
    table.remove(value, at)
    table.remove(node.items, at)
  elseif what == 2 and count > 0 then
    local at = math.random(count)
    value[at], node.items[at] = new_value()
  else
    local at = math.random(count + 1)
    local new, new_node = new_value()
    table.insert(value, at, new)
    table.insert(node.items, at, new_node)
  end
end

--- Edits a random place below; the values of earlier rows are left alone, since they may hold this one.
local function edit(value, node)
  local below = {}
  for at, child in pairs(node.items or node.members) do
    if (child.items or child.members) and not child.old then below[#below + 1] = at end
  end
  if #below > 0 and chance(65) then
    table.sort(below, function(a, b) return tostring(a) < tostring(b) end)
    local at = one_of(below)
    return edit(value[at], (node.items or node.members)[at])
  end
  if node.items then edit_array(value, node) else edit_object(value, node) end
end

local function mark_old(node)
  node.old = true
  for _, child in pairs(node.items or node.members or {}) do mark_old(child) end
end

-- The property -----------------------------------------------------------------------------------

local wrong, shown = {}, 0

local function check(what, got, wanted, source)
  if got == wanted then return end
  wrong[what] = (wrong[what] or 0) + 1
  shown = shown + 1
  if shown > 5 then return end
  io.stderr:write(("# %s\n#   source %s\n#   got    %s\n#   wanted %s\n"):format(what, source, got, wanted))
end

local function check_all(value, node, source)
  check("rows are written as the slow encoder writes them", json.encode(value), slow.encode(node, ""), source)
  check("pretty rows are", json.encode(value, { pretty = true }), slow.encode(node, "pretty"), source)
  check("canonical rows are", json.canonical(value), slow.encode(node, "canonical"), source)
  if not node.members then return end
  local names, met = slow.names(node, ""), {}
  check("keys come in their order", table.concat(json.keys(value), "|"), table.concat(names, "|"), source)
  for name in pairs(value) do met[#met + 1] = name end
  table.sort(met)
  table.sort(names)
  check("pairs meets each", table.concat(met, "|"), table.concat(names, "|"), source)
end

local size = 0

for row = 1, ROWS do
  local value, node, source = random_row(math.random(1, 5))
  if chance(20) then check("a row that nobody edits is", json.encode(value), slow.encode(node, ""), source) end
  for _ = 1, math.random(0, 6) do edit(value, node) end
  check_all(value, node, source)
  local text = json.encode(value)
  size = size + #text
  check("what was written reads back", json.encode(assert(json.decode(text))), text, source)
  if #text < 200 then
    mark_old(node)
    pool[row % 50 + 1] = { value = value, node = node }
    for i = 1, 50 do pool[i] = pool[i] or pool[row % 50 + 1] end
  end
  if row % 97 == 0 then collectgarbage() end
end

print(("# %d rows of %d KB, seed %d"):format(ROWS, size // 1024, SEED))
for _, what in ipairs { "rows are written as the slow encoder writes them", "pretty rows are", "canonical rows are",
  "a row that nobody edits is", "keys come in their order", "pairs meets each", "what was written reads back" } do
  tap.is(wrong[what] or 0, 0, what)
end
tap.done()
