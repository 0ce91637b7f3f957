#!/usr/bin/env fellowship
-- Objects in all orders and states: what the codec remembers of the rows before never shows in this one.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local json = require "fellowship.core.json"

local NAMES = { "id", "prompt", "label", "score", "a", "b", "c", "", "é", "x y", "\n", "1", ("long"):rep(20), ("long"):rep(20) .. "2" }
for i = 1, 80 do NAMES[#NAMES + 1] = "k" .. i end
local VALUES = { "1", '"text"', "null", "true", "[]", "{}", "1.50", "1E5", "[1,2.10,[3]]", '{"b":1,"a":[{"b":2}]}', "12345678901234567890" }

math.randomseed(11)

--- Some of the first `most` names, in any order, each once.
local function draw(most)
  local names = table.move(NAMES, 1, most, 1, {})
  for i = #names, 2, -1 do
    local j = math.random(i)
    names[i], names[j] = names[j], names[i]
  end
  return table.move(names, 1, math.random(0, most), 1, {})
end

--- The text of an object with these members.
local function write(names, values)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = json.encode(name) .. ":" .. values[i] end
  return "{" .. table.concat(parts, ",") .. "}"
end

--- What encode must give: keys as json.keys has them, each value by itself, spellings as they were given.
local function expected(row, spelt)
  local parts = {}
  for i, name in ipairs(json.keys(row)) do
    local value = spelt[name] and spelt[name].value == row[name] and spelt[name].text or json.encode(row[name])
    parts[i] = json.encode(name) .. ":" .. value
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

--- Takes keys away, puts them back, gives them other values, adds new ones.
local function change(row, names, most)
  for _ = 1, math.random(0, 4) do
    local name = math.random() < 0.7 and names[math.random(math.max(#names, 1))] or NAMES[math.random(most)]
    if name then
      local kept = row[name]
      row[name] = nil
      local what = math.random(4)
      if what == 1 then row[name] = kept
      elseif what == 2 then row[name] = "changed"
      elseif what == 3 then row[name] = json.decode(VALUES[math.random(#VALUES)]) end
    end
  end
end

for _, most in ipairs { 3, 8, 40, #NAMES } do
  local wrong, orders = 0, 0
  local kept = {}
  for round = 1, 3000 do
    -- Old sets of keys come again, so that what is remembered is used.
    local names = #kept > 0 and math.random() < 0.6 and kept[math.random(#kept)] or draw(most)
    kept[round % 5 + 1] = names
    local values, spelt = {}, {}
    for i = 1, #names do values[i] = VALUES[math.random(#VALUES)] end
    local text = write(names, values)
    local row = assert(json.decode(text))
    for i, name in ipairs(names) do spelt[name] = { value = row[name], text = values[i] } end
    if json.encode(row) ~= text then wrong = wrong + 1 end
    if table.concat(json.keys(row), "|") ~= table.concat(names, "|") then orders = orders + 1 end
    change(row, names, most)
    if json.encode(row) ~= expected(row, spelt) then wrong = wrong + 1 end
    if json.canonical(row) ~= json.canonical(json.decode(json.encode(row))) then wrong = wrong + 1 end
  end
  tap.is(wrong, 0, ("3,000 objects of up to %d keys are written as they are"):format(most))
  tap.is(orders, 0, "and read with their keys in order")
end

-- The same key twice, wherever the expected shape has it.
local names = { "a", "b", "c", "d" }
local values = { "1", "2", "3", "4" }
local missed = 0
for at = 1, 5 do
  for twice = 1, 4 do
    assert(json.decode(write(names, values)))
    local with = table.move(names, 1, 4, 1, {})
    table.insert(with, at, names[twice])
    local text = write(with, { "1", "2", "3", "4", "5" })
    local row, problem = json.decode(text)
    if row or not tostring(problem):find(('"%s" stands twice'):format(names[twice]), 1, true) then missed = missed + 1 end
    local last = json.decode(text, { duplicates = "last" })
    if #json.keys(last) ~= 4 or json.encode(last) ~= expected(last, {}) then missed = missed + 1 end
  end
end
tap.is(missed, 0, "a duplicate key is found behind every prefix of an expected shape")

-- Arrays that were not made in one go.
local list = json.array {}
for i = 5, 1, -1 do list[i] = i end
tap.is(json.encode(list), "[1,2,3,4,5]", "an array filled from its end")
list[3] = nil
tap.ok(not pcall(json.encode, list), "a hole is refused")
list[3], list.x = 3, 1
tap.ok(not pcall(json.encode, list), "a named field in an array is refused")
list.x = nil
tap.is(json.encode { deep = { list, json.array(), { list } } }, '{"deep":[[1,2,3,4,5],[],[[1,2,3,4,5]]]}', "and it goes on when it is gone")
tap.is(json.encode(list, { pretty = true }), "[\n  1,\n  2,\n  3,\n  4,\n  5\n]", "pretty text has its lines")

tap.done()
