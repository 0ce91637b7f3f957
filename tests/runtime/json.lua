#!/usr/bin/env fellowship
-- The JSON codec as Lua sees it: order of keys, null, [] and {}, numbers, errors, canonical form.
local json = require "fellowship.core.json"

local count, failed = 0, 0

local function ok(passed, name)
  count = count + 1
  if not passed then failed = failed + 1 end
  print(("%s %d - %s"):format(passed and "ok" or "not ok", count, (name:gsub("[\n#]", " "))))
  return passed
end

local function is(got, wanted, name)
  if not ok(got == wanted and math.type(got) == math.type(wanted), name or tostring(wanted)) then
    io.stderr:write(("#   got    %s\n#   wanted %s\n"):format(tostring(got), tostring(wanted)))
  end
end

-- The text that comes back after a round trip.
local function again(text)
  local value, err = json.decode(text)
  if value == nil then return "error: " .. tostring(err) end
  return json.encode(value)
end

local function same(text, name) is(again(text), text, name or text) end

-- The message of an error that a call raises.
local function raised(f, ...)
  local passed, message = pcall(f, ...)
  return not passed and tostring(message) or "nothing raised"
end

local function has(text, part, name)
  if not ok(text:find(part, 1, true) ~= nil, name or part) then
    io.stderr:write(("#   got     %s\n#   without %s\n"):format(text, part))
  end
end

local function keys(t) return table.concat(json.keys(t), " ") end

-- values ---------------------------------------------------------------------------------------
do
  local row = json.decode [[{"text": "a\n", "yes": true, "no": false, "none": null, "list": [1, "b", {}]}]]
  is(row.text, "a\n", "a field is plain access")
  is(row.yes, true, "true")
  is(row.no, false, "false")
  is(row.none, json.null, "null")
  is(#row.list, 3, "# of a list")
  is(row.list[2], "b", "an element")
  is(row.absent, nil, "an absent field")
  is(json.is_null(row.none), true, "is_null of null")
  is(json.is_null(false), false, "is_null of false")
  is(json.decode "false", false, "a whole text that is false")
  is(json.decode '"x"', "x", "a whole text that is a string")
  local here, cjson = pcall(require, "cjson")
  ok(not here or cjson.null == json.null, "null is cjson's null")
  ok(not here or cjson.encode { json.null } == "[null]", "cjson writes our null")
  ok(not here or json.encode(cjson.decode '{"a":[null]}') == '{"a":[null]}', "we write cjson's")
end

-- empty tables, arrays and objects ---------------------------------------------------------------
same '{"a":[],"b":{},"c":[[]],"d":[{}]}'
is(json.encode {}, "{}", "an empty table is an object")
is(json.encode(json.array()), "[]", "json.array()")
is(json.encode(json.array {}), "[]", "json.array {}")
is(json.encode(json.object()), "{}", "json.object()")
is(json.encode { 1, 2 }, "[1,2]", "a plain sequence")
is(json.encode { b = 1, a = 2 }, '{"a":2,"b":1}', "plain fields are sorted")
do
  local list = json.decode "[]"
  list[1] = "x"
  is(json.encode(list), '["x"]', "an array that grew")
  list[1] = nil
  is(json.encode(list), "[]", "and shrank")
  is(json.is_array(list), true, "is_array of a decoded array")
  is(json.is_array { 1 }, true, "is_array of a sequence")
  is(json.is_array {}, false, "is_array of an empty table")
  is(json.is_array(json.decode "{}"), false, "is_array of an object")
  is(json.is_array "x", false, "is_array of a string")
  local long = {}
  for i = 1, 1000 do long[i] = i end
  same(json.encode(long), "a long array")
  local backwards = {}
  for i = 100, 1, -1 do backwards[i] = i end
  is(#json.decode(json.encode(backwards)), 100, "an array that was filled backwards")
end

-- order of keys --------------------------------------------------------------------------------
same '{"z":1,"a":2,"m":{"y":1,"b":2},"0":3}'
do
  local row = json.decode '{"z":1,"a":2,"m":3}'
  is(keys(row), "z a m", "keys in order")
  row.b, row.A = 4, 5
  is(keys(row), "z a m A b", "added keys follow, sorted")
  row.a = nil
  is(json.encode(row), '{"z":1,"m":3,"A":5,"b":4}', "a removed key is gone")
  row.a = 6
  is(json.encode(row), '{"z":1,"a":6,"m":3,"A":5,"b":4}', "and comes back to its place")
  local seen = {}
  for key, value in pairs(row) do seen[#seen + 1] = key .. value end
  is(table.concat(seen, " "), "z1 a6 m3 A5 b4", "pairs goes in order")
  for key in pairs(row) do row[key] = nil end
  is(next(row), nil, "fields may be cleared during pairs")
  local one, two = json.decode '{"p":1,"q":2}', json.decode '{"p":3,"q":4}'
  is(getmetatable(one), getmetatable(two), "the same keys share a metatable")
  ok(getmetatable(one) ~= getmetatable(json.decode '{"q":1,"p":2}'), "another order does not")
  has(tostring(one), "json.object", "tostring names the kind")
  has(tostring(json.decode "[]"), "json.array", "of an array too")
  is(json.encode(json.object({ x = 1, y = 2, z = 3 }, { "z", "y" })), '{"z":3,"y":2,"x":1}', "json.object orders")
  is(json.encode(json.object(one, { "q", "p" })), '{"q":2,"p":1}', "json.object orders anew")
  is(json.encode(two), '{"p":3,"q":4}', "and touches no other row")
  is(keys(json.object({ a = 1 }, { "b", "a" })), "a", "keys has only those that are present")
  has(raised(json.object, {}, { "a", "a" }), "a key stands twice")
  has(raised(json.object, {}, { 1 }), "keys must be strings")
  has(raised(json.array, setmetatable({}, {})), "a metatable of its own")
  local wide = {}
  for i = 1, 200 do wide[i] = ('"k%d":%d'):format(i * 7919 % 1000, i) end
  same("{" .. table.concat(wide, ",") .. "}", "200 keys")
  row = json.decode("{" .. table.concat(wide, ",") .. "}")
  row.extra = true
  is(#json.keys(row), 201, "and one more")
  is(json.keys(row)[201], "extra", "which is the last")
end

-- shapes go when no row has them
do
  local function memory()
    collectgarbage()
    collectgarbage()
    return collectgarbage "count"
  end
  local function decode_many(from, to)
    for i = from, to do json.decode(('{"key%d":1,"other%d":2}'):format(i, i)) end
  end
  decode_many(1, 20000)
  local before = memory()
  decode_many(20001, 60000)
  ok(memory() - before < 200, "shapes are collected")
end

-- numbers --------------------------------------------------------------------------------------
is(math.type(json.decode "3"), "integer", "an integer is one")
is(math.type(json.decode "3.0"), "float", "a float is one")
is(json.decode "9007199254740993", 9007199254740993, "more than 2^53")
same "[9223372036854775807,-9223372036854775808,0,-1]"
same "[1.0,-0.0,0.1,0.30000000000000004,1e-05,1e+16,1.5e+300,5e-324]"
same '[1.10,0.50,1E5,1e5,-0,100e-2,1.0E+2,0.10000000000000001]'
same '{"a":1.10,"b":2,"c":{"d":1e2,"e":[3.000]}}'
same "[12345678901234567890,1e400,-1e400,0.12345678901234567890123]"
is(json.encode { 1, 1.0, 0.1 + 0.2, 1e15, 2 ^ 53 }, "[1,1.0,0.30000000000000004,1000000000000000.0,9007199254740992.0]")
do
  local row = json.decode '{"price":1.10,"n":2,"f":2.50}'
  is(row.price, 1.1, "a respelt number is a plain number")
  row.f = row.f + 1
  is(json.encode(row), '{"price":1.10,"n":2,"f":3.5}', "a changed one loses its spelling")
  row.f = 2.5
  is(json.encode(row), '{"price":1.10,"n":2,"f":2.50}', "the same value has it again")
  row.note = "x"
  is(keys(row), "price n f note", "keys of a row with respelt numbers")
  json.object(row, { "note" })
  is(json.encode(row), '{"note":"x","f":2.50,"n":2,"price":1.10}', "json.object keeps spellings")
  local list = json.decode "[1.10,2.20,3]"
  table.remove(list, 1)
  is(json.encode(list), "[2.2,3]", "elements that moved keep their values")
  local zero = json.decode "[-0]"
  zero[1] = 0.0
  is(json.encode(zero), "[0.0]", "-0 is not 0.0")
end
do
  local big = json.decode "12345678901234567890"
  is(tostring(big), "12345678901234567890", "a number beyond 64 bits keeps its text")
  is(big + 1, 12345678901234567890.0 + 1, "and computes as a double")
  is(2 * big, 2 * 12345678901234567890.0, "from the right")
  is(-big, -12345678901234567890.0, "negated")
  ok(big > 5 and 5 < big and big <= big and big >= 2 ^ 63, "and compares")
  is(big .. "!", "12345678901234567890!", "and concatenates")
  is(json.tonumber(big), 12345678901234567890.0, "tonumber")
  ok(big == json.number "1.234567890123456789e19", "equal by value")
  ok(big ~= json.number "12345678901234567891", "told apart by value")
  is(json.tonumber(json.number "42"), 42, "tonumber of an integer")
  is(json.tonumber(7), 7, "tonumber of a Lua number")
  is(json.tonumber "7", nil, "tonumber of a string")
  is(json.encode { json.number "1.500" }, "[1.500]", "json.number keeps its text")
  is(json.tonumber(json.decode "1e400"), math.huge, "too large is infinity")
  has(raised(json.number, "1."), "not a JSON number")
  has(raised(json.number, " 1"), "not a JSON number")
  has(raised(json.number, ""), "not a JSON number")
  has(raised(function() return big + {} end), "arithmetic")
end

-- strings --------------------------------------------------------------------------------------
same [["\"\\\b\f\n\r\t\u0001\u001f/é漢😀"]]
is(again [["\/\u00e9\uD83D\uDE00"]], '"/é😀"', "escapes that need none")
same([["\ud800"]], "a lone surrogate")
same([[{"\udc00a":"\udfff\ud800"}]], "lone surrogates in a key and in a row")
is(#json.decode [["\ud800"]], 3, "has three bytes")
is(json.encode "\127", '"\127"', "DEL is not escaped")
is(json.encode "a\0b", [["a\u0000b"]], "NUL is")

-- errors of decode -----------------------------------------------------------------------------
do
  local value, err = json.decode '{"a":1,}'
  is(value, nil, "nil")
  is(err.message, "expected a key in quotes, found '}'", "a message")
  is(err.byte, 8, "the byte, counted from 1")
  is(tostring(err), "expected a key in quotes, found '}' at byte 8", "as text")
  for text, part in pairs {
    ["[1,2"] = "the end of the text",
    ["[1] 2"] = "nothing after the value",
    ["[NaN]"] = "found NaN",
    ["\239\187\191[]"] = "byte order mark",
    ['"\237\160\128"'] = "surrogate",
    ['"\255"'] = "invalid UTF-8",
    [("["):rep(513)] = "nested deeper than 512",
  } do
    has(tostring(select(2, json.decode(text))), part)
  end
  ok(json.decode(("["):rep(512) .. ("]"):rep(512)), "512 levels")
  has(raised(json.decode, {}), "string expected")
  has(raised(json.decode), "string expected")
  has(raised(json.decode, "1", { duplicate = "last" }), "unknown option 'duplicate'")
  has(raised(json.decode, "1", { duplicates = "first" }), "duplicates must be")
end

-- duplicate keys -------------------------------------------------------------------------------
do
  local value, err = json.decode '{"a":1,"b":{"c":1,"d":2,"c":3}}'
  is(value, nil, "a duplicate key is an error")
  has(err.message, 'the key "c" stands twice')
  is(err.byte, 25, "and has a place")
  local last = { duplicates = "last" }
  local object = json.decode('{"a":1,"b":2,"a":3,"c":4,"b":5}', last)
  is(json.encode(object), '{"a":3,"b":5,"c":4}', "or the last one wins")
  is(json.encode(json.decode('{"a":1.10,"a":2}', last)), '{"a":2}', "with its own spelling")
  local many = {}
  for i = 1, 100 do many[i] = ('"k%d":%d'):format(i % 90, i) end
  local text = "{" .. table.concat(many, ",") .. "}"
  has(tostring(select(2, json.decode(text))), 'the key "k1" stands twice')
  object = json.decode(text, last)
  is(object.k1, 91, "the last of many")
  is(#json.keys(object), 90, "each once")
  is(json.decode('{"a":1}', { duplicates = "error" }).a, 1, 'duplicates = "error" is the default')
end

-- errors of encode -----------------------------------------------------------------------------
do
  is(raised(json.encode, print), "cannot encode a function", "at the top, no path")
  has(raised(json.encode, { rows = { 1, 2, { fn = print } } }), "a function at .rows[3].fn")
  has(raised(json.encode, { ["odd key"] = { 0 / 0 } }), 'NaN at ["odd key"][1]')
  has(raised(json.encode, { math.huge }), "infinity at [1]")
  has(raised(json.encode, { io.stdout }), "a userdata at [1]")
  has(raised(json.encode, { coroutine.create(print) }), "a thread at [1]")
  has(raised(json.encode, { a = { 1, x = 2 } }), "both elements and named fields at .a")
  has(raised(json.encode, { a = { 1, nil, 3 } }), "an array with holes")
  has(raised(json.encode, { [true] = 1 }), "keys other than strings")
  has(raised(json.encode, { [1.5] = 1 }), "keys other than strings")
  has(raised(json.encode, { [0] = 1 }), "keys other than strings")
  has(raised(json.encode, json.array { a = 1 }), "an array with named fields")
  has(raised(json.encode, json.object { 1 }), "an object with elements")
  has(raised(json.encode, { a = "ab\255" }), "a string with invalid UTF-8 at its byte 3 at .a")
  has(raised(json.encode, { a = { ["\255"] = 1 } }), "a key with invalid UTF-8 at its byte 1 at .a")
  local long = raised(json.encode, { [("é"):rep(1000)] = print })
  ok(#long < 512 and utf8.len(long), "a long path is cut between characters")
  local cycle = {}
  cycle.cycle = cycle
  has(raised(json.encode, cycle), "nested deeper than 512: is there a cycle?")
  has(raised(json.encode), "value expected")
  has(raised(json.encode, 1, { prety = true }), "unknown option 'prety'")
  is(json.encode { 1 }, "[1]", "and encodes on after errors")
end

-- pretty and canonical -------------------------------------------------------------------------
is(json.encode(json.decode '{"b":[1,{"c":[]}],"a":{}}', { pretty = true }), [[
{
  "b": [
    1,
    {
      "c": []
    }
  ],
  "a": {}
}]], "pretty")
do
  local function canonical(text) return json.canonical(json.decode(text)) end
  is(canonical '{ "b": 1, "a": [ ] }', '{"a":[],"b":1}')
  is(canonical "[1.0, 1, 1e0, 1.10, -0.0]", "[1,1,1,1.1,0]")
  is(canonical "[9007199254740993, 9223372036854775807]", "[9007199254740993,9223372036854775807]")
  is(canonical "[1E30, 4.50, 2e-3, 0.000000000000000000000000001]", "[1e+30,4.5,0.002,1e-27]")
  is(canonical "[12345678901234567890, 1.2345678901234567890e19]", "[12345678901234567890,12345678901234567890]")
  is(json.canonical { temperature = 1 }, json.canonical { temperature = 1.0 }, "temperature 1 and 1.0 agree")
  is(json.canonical { 2.0 ^ 60 }, json.canonical { 1 << 60 }, "large ones too")
  -- RFC 8785, section 3.2.3
  is(canonical [[{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}]],
    '{"\\r":2,"1":4,"\u{80}":6,"ö":7,"€":1,"😀":5,"\u{fb33}":3}', "keys by UTF-16 code units")
end

-- a few values of a text --------------------------------------------------------------------------
do
  local plan = json.plan { "a", "b.c", "b.d.2", "list.1.x", "gone.y" }
  local function plucked(text)
    local got = table.pack(json.pluck(text, plan))
    for i = 1, got.n do got[i] = tostring(got[i]) end
    return table.concat(got, " ")
  end
  is(plucked '{"z":[1,{"a":7}],"a":"\\u00e4\\n","b":{"d":[1,2.5,3],"c":true},"list":[{"y":0,"x":9}]}',
    "true ä\n true 2.5 9 nil", "from wherever they stand")
  is(plucked '{"a":null,"b":{"c":{"q":1},"d":{"2":1}},"list":[[1]]}', "true nil true nil nil nil",
    "null is nil, an object true; a key is no place in an array")
  is(plucked "{}", "true nil nil nil nil nil", "nothing there")
  is(plucked "[1]", "true nil nil nil nil nil", "an array where an object was expected")
  is(plucked "7", "true nil nil nil nil nil", "a bare value")
  for _, broken in ipairs { "", "{", '{"a":1', '{"a":1}x', '{"z":"\255"}', '{"a":01}', '{"b":{"c":1}', "nul", '{"a":1,"a":2}',
    '{"b":{"c":1,"c":2}}', '{"b":{},"b":{}}' } do
    is(plucked(broken), "false", "no plain JSON: " .. broken)
  end
  is(plucked '{"z":1,"z":2,"a":3}', "true 3 nil nil nil nil", "keys that nobody asks for may stand twice")
  has(raised(json.plan, { 1 }), "paths are texts")
  local many = {}
  for i = 1, 70 do many[i] = "k" .. i end
  has(raised(json.plan, many), "too many paths")
  local closed = json.plan({ "a.b", "list.1.c" }, { "d", "a.e" })
  local function takes(text) return (json.pluck(text, closed)) end
  for _, text in ipairs { "{}", '{"a":{"b":1,"e":{"x":1}},"d":[1]}', '{"a":null,"z":null,"list":[{"c":1},{"z":1}]}', '{"d":{"z":1}}',
    '{"a":{"z":null}}', '{"a":7,"list":[7]}', "[1]" } do is(takes(text), true, "no more than a plan takes: " .. text) end
  for _, text in ipairs { '{"z":1}', '{"a":{"z":""}}', '{"list":[{"z":[]}]}', '{"a":{"b":1},"z":false}', '{"list":{"1":5}}' } do
    is(takes(text), false, "more than that: " .. text)
  end
  has(raised(json.plan, {}, { 1 }), "paths are texts")
  has(raised(json.pluck, "{}", {}), "json.plan expected")
  ok(select("#", json.pluck("{}", json.plan {})) == 1, "no paths, no values")
end

-- the codec inside its own finalizers ------------------------------------------------------------
do
  local runs = 0
  local function finalizer() return json.encode(json.decode '{"x":[1.10,"\\n"]}') end
  local texts = {}
  for i = 1, 300 do
    setmetatable({}, { __gc = function() runs = runs + (finalizer() == '{"x":[1.10,"\\n"]}' and 1 or 0) end })
    texts[i] = ('{"k%d":{"a":"%s\\t","b":[%d,1.50]}}'):format(i, ("x"):rep(i), i)
  end
  local mode = collectgarbage "incremental"
  collectgarbage("incremental", 100, 1000)
  local all = true
  for _, text in ipairs(texts) do all = all and again(text) == text end
  collectgarbage(mode)
  collectgarbage()
  collectgarbage()
  ok(all and runs == 300, "finalizers may decode and encode while others do")
end

print("1.." .. count)
if failed > 0 then error(failed .. " tests failed", 0) end
