---@meta fellowship.core.json
-- luacheck: ignore 212

---JSON that loses nothing. Objects become plain tables that remember the order of their keys,
---numbers keep their value and spelling, `[]`, `{}` and null stay apart:
---
---    local json = require "fellowship.core.json"
---    local row = assert(json.decode '{"id":7,"prompt":"Hi","score":0.50}')
---    row.winner = "a"
---    print(json.encode(row)) --> {"id":7,"prompt":"Hi","score":0.50,"winner":"a"}
---
---A decoded object is read and changed like any table; `pairs` goes through it in the order of its
---keys, and keys that were added follow, sorted. Other tables are written as an array when they hold
---1 to n (n > 0), else as an object with its keys sorted; an empty one is `{}`. Metamethods are not
---called.
---
---Whole numbers that fit 64 bits are integers, other numbers floats. A float that was written
---otherwise than `encode` would (`0.50`, `1E5`) is written so again as long as its field or element
---has that value. A number that no float holds (`12345678901234567890`, `1e400`) is a `json.number`.
---
---Strings are UTF-8. A lone surrogate (`"\ud800"`) is valid JSON: it becomes three bytes, which are
---written as the escape again.
---@class fellowship.json
---@field null lightuserdata null, the same value as `cjson.null`
local json = {}

---Why a text could not be decoded; `tostring` gives both parts.
---@class fellowship.json.error
---@field message string
---@field byte integer where in the text, counted from 1

---A number that is known by its text. `tostring` gives the text and `==` compares exact values; in
---arithmetic, `<` and `<=` it is the nearest float.
---@class fellowship.json.number: userdata
---@operator add(number|fellowship.json.number): number
---@operator sub(number|fellowship.json.number): number
---@operator mul(number|fellowship.json.number): number
---@operator div(number|fellowship.json.number): number
---@operator mod(number|fellowship.json.number): number
---@operator idiv(number|fellowship.json.number): number
---@operator pow(number|fellowship.json.number): number
---@operator unm: number
---@operator concat(any): string

---@class fellowship.json.decode_options
---@field duplicates? "error"|"last" when a key stands twice in an object: an error (the default), or the last one wins

---@class fellowship.json.encode_options
---@field pretty? boolean one member a line, indented by two spaces

---Decodes one JSON text, of at most 512 levels.
---
---    local row = fellowship.json.decode '{"id":7,"score":0.50}'
---    print(row.id, fellowship.json.encode(row)) --> 7 {"id":7,"score":0.50}
---@param text string
---@param options? fellowship.json.decode_options
---@return any value nil only after an error
---@return fellowship.json.error? err
function json.decode(text, options) end

---Encodes a value. Raises an error that names the path for what has no JSON form, such as a function
---or NaN: `cannot encode a function at .rows[3].fn`.
---
---    print(fellowship.json.encode({ id = 7, tags = { "a", "b" } })) --> {"id":7,"tags":["a","b"]}
---@param value any
---@param options? fellowship.json.encode_options
---@return string
function json.encode(value, options) end

---Encodes a value so that equal values give equal texts: no white space, keys sorted by UTF-16 code
---units and numbers as RFC 8785 has them, but integers and `json.number` with all their digits. A
---float that is a whole number is written as that integer: `1` and `1.0` agree.
---
---    print(fellowship.json.canonical { b = 1.0, a = 2 }) --> {"a":2,"b":1}
---@param value any
---@param before? string stands before it in the text that is returned
---@param behind? string stands behind it
---@return string
function json.canonical(value, before, behind) end

---The SHA-256 of the text that `canonical` gives, which is not made.
---
---    print(#fellowship.json.digest { a = 2 }) --> 32
---@param value any
---@param before? string
---@param behind? string
---@return string digest 32 bytes
function json.digest(value, before, behind) end

---Marks a table as an array, so that it is written as `[]` even when it is empty.
---
---    print(fellowship.json.encode(fellowship.json.array())) --> []
---@generic T: table
---@param t? T by default a new table
---@return T t
function json.array(t) end

---Marks a table as an object whose keys are written in the order given; keys that are absent are left
---out, others follow, sorted. Without keys an object keeps the order that it has.
---
---    print(json.encode(json.object({ winner = "a", id = 7 }, { "id", "winner" }))) --> {"id":7,"winner":"a"}
---@generic T: table
---@param t? T by default a new table
---@param keys? string[]
---@return T t
function json.object(t, keys) end

---The keys of a table in the order in which they are written.
---
---    print(table.concat(fellowship.json.keys(fellowship.json.decode '{"b":1,"a":2}'), " ")) --> b a
---@param t table
---@return string[]
function json.keys(t) end

---Whether a value is written as an array: a decoded or marked one, or a plain sequence that is not empty.
---
---    print(fellowship.json.is_array { "a" }) --> true
---@param value any
---@return boolean
function json.is_array(value) end

---Whether a value is null. (nil is not.)
---
---    print(fellowship.json.is_null(fellowship.json.null)) --> true
---@param value any
---@return boolean
function json.is_null(value) end

---A number with just this text, which must be a JSON number: `json.number "1.50"`.
---
---    print(fellowship.json.encode { price = fellowship.json.number "1.50" }) --> {"price":1.50}
---@param text string
---@return fellowship.json.number
function json.number(text) end

---A Lua number for a number or a `json.number`: exact if it is an integer that fits 64 bits, else the
---nearest float. nil for any other value.
---
---    print(fellowship.json.tonumber(fellowship.json.number "1.50") + 1) --> 2.5
---@param value any
---@return number?
function json.tonumber(value) end

---@class fellowship.json.plan: userdata

---Which values `pluck` takes of a text: paths of keys and of places in arrays, from 1, with dots
---between them. A plan is made once and used for many texts.
---
---    local plan = fellowship.json.plan { "choices.1.message.content", "usage.total_tokens" }
---    print(fellowship.json.pluck('{"usage":{"total_tokens":5}}', plan)) --> true nil 5
---@param paths string[]
---@param others? string[] what may stand in the objects on these paths besides: with it, anything else in them but null
---makes `pluck` give false
---@return fellowship.json.plan
function json.plan(paths, others) end

---Takes a few values out of a JSON text without making tables of the rest. In place of an object or
---an array stands true, in place of null, and of what is not there, nil. false when the text is no
---JSON, has a key on the way twice, or something that the plan does not take.
---
---    local plan = fellowship.json.plan { "user.name", "scores.2" }
---    print(fellowship.json.pluck('{"scores":[7,9],"user":{"name":"Ada"}}', plan)) --> true Ada 9
---@param text string
---@param plan fellowship.json.plan
---@return boolean well
---@return string|number|boolean|nil ... in the order of the paths
function json.pluck(text, plan) end

return json
