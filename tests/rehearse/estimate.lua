#!/usr/bin/env fellowship
-- What a dry run is made of: values that fit a schema, spreads, stand-ins known again in prompts, a sample of a store.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local json = require "fellowship.core.json"
local store = require "fellowship.core.store"
local sys = require "fellowship.core.sys"
local schemas = require "fellowship.call.schema"
local schema_value = require "fellowship.base.schema_value"
local spread = require "fellowship.rehearse.spread"
local lengths = require "fellowship.rehearse.lengths"
local stand_in = require "fellowship.rehearse.stand_in"
local sim = require "fellowship.provider.sim"
local verdict = require "fellowship.judge.verdict"
local form = require "fellowship.base.form"
local tap = require "tap"

local ok, is = tap.ok, tap.is

-- ---- values that fit ----

local SCHEMAS = {
  form.schema("combined", 10), form.schema("direct", 10), form.schema("independent", 100),
  {}, { type = "string", minLength = 300 }, { type = "string", maxLength = 5 }, { type = "string", minLength = 5, maxLength = 5 },
  { type = "integer", minimum = -3, maximum = -3 }, { type = "integer", maximum = -10 }, { type = "integer", minimum = 1000 },
  { type = "number", minimum = 0.25, maximum = 0.5 }, { type = "number", maximum = 0.5 }, { type = "number", minimum = 7.5 },
  { type = { "null", "string" } }, { type = "boolean" }, { const = json.null }, { enum = { "a", 1, json.null } },
  { type = "array", minItems = 3, maxItems = 3, items = { type = "integer" } }, { type = "array", maxItems = 0 },
  { anyOf = { { type = "array", items = { anyOf = { { const = 1 }, { type = "object", required = { "x" } } } } }, { const = 2 } } },
  { type = "object", required = { "free", "typed" }, properties = { free = {} }, additionalProperties = { type = "number" } },
  { properties = { a = { properties = { b = { items = { type = "null" } } }, required = { "b" } } }, required = { "a" } },
}

for i, s in ipairs(SCHEMAS) do
  schemas.check(s)
  local problem
  for n = 1, 40 do
    local flight = { digest = sys.sha256(tostring(n)), schema = s, messages = {}, params = {} }
    local text = stand_in.write(flight, 1, n * 20)
    local value = json.decode(text)
    problem = problem or value == nil and "no JSON: " .. text or schemas.validate(s, value)
  end
  is(problem, nil, ("schema %d: 40 values fit"):format(i))
end
local endless = { type = "array", minItems = 1 }
endless.items = endless
is(type(schema_value(endless, function() return 1 end, function() return "" end)), "table", "a schema that holds itself ends")

-- ---- stand-ins ----

local function flight_of(prompt, seed)
  return { digest = sys.sha256(seed or "x"), messages = { { role = "user", content = prompt } }, params = {} }
end

for _, bytes in ipairs { 0, 25, 26, 27, 100, 5000, 100000 } do
  local text = stand_in.write(flight_of "Tell me.", 12, bytes)
  ok(#text == math.max(bytes, 26), ("a text of %d bytes, or its mark at least"):format(bytes), #text)
  local found = {}
  local rest = stand_in.part("before " .. text .. " after " .. text, function(...) found[#found + 1] = { ... } end)
  is(rest, "before \0 after \0", "parted from what stands around it")
  is(json.encode(found), json.encode { { 12, #text, 1.0 }, { 12, #text, 1.0 } }, "by who wrote it, its bytes, the whole")
end
local cut
stand_in.part(stand_in.write(flight_of "a", 12, 500):sub(1, 60), function(...) cut = tap.list(...) end)
is(cut, "12 60 0.12", "of a text that a script has cut, what is left")
is(stand_in.part("[sim] the words of sim, [sim k, [sim k1 2]", error), "[sim] the words of sim, [sim k, [sim k1 2]",
  "what only looks like a mark is none")
ok(stand_in.write(flight_of("a", "1"), 1, 90) ~= stand_in.write(flight_of("a", "2"), 1, 90), "other requests, other texts")
is(stand_in.write(flight_of("a", "1"), 1, 90), stand_in.write(flight_of("a", "1"), 1, 90), "the same, the same")

for strategy, kind in pairs { combined = "### Score Assistant A:\nX/10\n\n### Score Assistant B:\nY/10",
  independent = "### Overall Score:\nX/10", direct = "### Answer:\nX" } do
  local flight = flight_of(kind)
  flight.params.logprobs = true
  local text, logprobs = stand_in.write(flight, 1, 200)
  local found = verdict.parse(text, { strategy = strategy, scale = 10 })
  ok(found ~= nil, strategy .. ": a judgement that can be read", text)
  local pieces = {}
  for i, token in ipairs(logprobs) do pieces[i] = token.token end
  is(table.concat(pieces), text, strategy .. ": log-probabilities of the whole text")
  is(stand_in.decides(flight.messages), strategy ~= "independent", strategy .. ": whether it says which is better")
end
is(stand_in.decides(flight_of "Hello".messages), false, "a plain prompt decides nothing")

-- ---- spreads ----

local function around(s) return s.low < s.likely and s.likely < s.high end

local hundred = spread.mean({ 90, 100, 110, 100, 100 }, 50, true, 0.05)
is(hundred.likely, 100.0, "the mean")
ok(around(hundred) and hundred.low > 50 and hundred.high < 150, "low and high around it", hundred.low, hundred.high)
local same = spread.mean({ 7, 7, 7, 7, 7, 7 }, 1000, true, 0.1)
ok(math.abs(same.low - 6.3) < 1e-9 and math.abs(same.high - 7.7) < 1e-9, "no nearer than the least part", same.low, same.high)
local sample = {}
for i = 1, 400 do sample[i] = 50 + i % 101 end
ok(spread.mean(sample, 10, true, 0).high > spread.mean(sample, 1000, true, 0).high, "more to come, nearer")
ok(spread.mean({ 50, 60, 100, 140, 150 }, 100, true, 0).high > spread.mean(sample, 100, true, 0).high, "more in the sample, nearer")
local one = spread.mean({ 10 }, 100, true, 0.1)
ok(one.low == 5 and one.high == 20, "of one value: half and twice")
local other = spread.mean(sample, 100, false, 0.1)
ok(other.low < 30 and other.high > 280, "of something else: far", other.low, other.high)

for _, case in ipairs { { 0, 10, 5 }, { 0, 1000, 1000 }, { 10, 10, 10 }, { 3, 50, 100 }, { 70, 50, 10 } } do
  local rate = spread.rate(table.unpack(case))
  ok(0 <= rate.low and rate.low <= rate.likely and rate.likely <= rate.high and rate.high <= 1,
    "rate " .. table.concat(case, " "), rate.low, rate.likely, rate.high)
end
ok(spread.rate(0, 1000, 1000).high < spread.rate(0, 10, 1000).high, "what never happened in a thousand is rarer than in ten")

-- ---- a sample of a store ----

local path = os.tmpname()
os.remove(path)
is(lengths.read(nil), nil, "no store: nothing to read")
is(lengths.sampled, 0, "and nothing sampled")
is((select(2, store.sample(path, 5, print))).kind, "store", "a store that is not there")
do
  local made = assert(store.open { path = path })
  local tasks = {}
  for i = 1, 100 do
    tasks[i] = require "fellowship.core.task".spawn(function()
      local request = json.canonical { provider = "openai", model = "m", params = { temperature = 0 }, endpoint = "e",
        messages = { { role = "user", content = ("Prompt %d"):format(i) } }, sample = 1, v = 1 }
      made:put(sys.sha256(request), request, "{}", json.encode(i % 10 == 0 and { error = { kind = "content_filter" } }
        or { text = ("x"):rep(40), finish_reason = "stop", usage = { prompt_tokens = 4, completion_tokens = 10 + i % 2 } }), i)
    end)
  end
  for _, t in ipairs(tasks) do t:await() end
  made:close()
end
for most, wanted in pairs { [1] = 1, [7] = 7, [99] = 50, [100] = 50, [101] = 100, [4000] = 100 } do
  local seen, n = {}, 0
  assert(store.sample(path, most, function(record)
    n = n + 1
    seen[record.key] = true
    assert(record.request:find "openai" and record.completion and record.created)
  end))
  local distinct = 0
  for _ in pairs(seen) do distinct = distinct + 1 end
  ok(n == distinct and n <= most and n >= math.min(wanted, most) - 1, ("at most %d of 100"):format(most), n)
end
tap.raises("enough", "an error of the function comes out", store.sample, path, 5, function() error "enough" end)
is(lengths.read(path), nil, "the store is read")
is(lengths.sampled, 90, "failures are no completions")
local shape = lengths.shape { { role = "user", content = "Prompt 1000" } }
local kind, own = lengths.kind("openai:m", lengths.params { temperature = 0.0 }, shape)
ok(own and kind.asked == 90 and kind.prompt_tokens == 360, "calls of the kind, whatever way a number is written", kind and kind.asked)
for name, request in pairs { ["other parameters"] = { "openai:m", { temperature = 1 } }, ["another model"] = { "openai:n", {} } } do
  kind, own = lengths.kind(request[1], lengths.params(request[2]), shape)
  ok(kind and not own, name .. ": measured by these, and known not to be its own")
end
kind, own = lengths.kind("openai:m", lengths.params { temperature = 0 }, lengths.shape({ { role = "user", content = "Prompt 1" } }, {}))
ok(kind and not own, "data in place of text: another kind")
for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(path .. ending) end
is(sim.judgement("No form.", error), "", "sim gives no judgement where none is asked for")

tap.done()
