#!/usr/bin/env fellowship
-- Calls in batches, as the store keeps them: claimed once, completed once, forgotten with their batch.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local tap = require "tap"
local core = require "fellowship.core.store"
local sys = require "fellowship.core.sys"
local json = require "fellowship.core.json"

local folder = os.tmpname()
os.remove(folder)
assert(sys.mkdir(folder))
local path = folder .. "/store.db"

local function key(n) return sys.sha256("key " .. n) end

local function call(n) return { key = key(n), request = "request " .. n, wire = '{"n":' .. n .. "}" } end

local function calls(...)
  local list = {}
  for i, n in ipairs { ... } do list[i] = call(n) end
  return list
end

local function result(n, text) return { key = key(n), completion = text or "completion " .. n } end

local function open(read_only) return assert(core.open { path = path, read_only = read_only }) end

local function shown(list, ...)
  for i = 1, #list do list[i] = tostring(list[i]) end
  return table.concat(list, " "), ...
end

do
  local store <close> = setmetatable({ it = open() }, { __close = function(self) self.it:close() end })
  local s = store.it
  tap.is(s:has_pending(), false, "a new store has no batches")
  tap.is(#s:batches(), 0, "and lists none")
  tap.is(s:holder(key(1)), nil, "nobody holds a call")
  s:put(key(9), "request 9", "{}", "completion 9", 1)
  tap.is(s:set_batch("one", '{"a":1}'), true, "a batch is noted")
  local holders, held = s:claim("one", calls(1, 2, 9))
  tap.is(shown(holders), "one one false", "calls are claimed but for the one that is answered")
  tap.is(held[3], "completion 9", "whose completion comes back")
  tap.is(shown((s:claim("two", calls(2, 3)))), "one two", "a call is claimed once")
  tap.is(s:holder(key(2)), "one", "which says who has it")
  s:set_batch("two", '{"b":2}')
  s:set_batch("one", '{"a":2}')
  local list = s:batches()
  tap.is(list[1].uid .. list[1].state .. list[1].pending, 'one{"a":2}2', "the list: in order, with the last state and what is pending")
  tap.is(list[2].uid .. list[2].pending, "two1", "of all batches")
  local ends, before = s:complete({ result(1), result(9), result(7) }, 5)
  tap.is(shown(ends), "committed found false", "completed: committed, there before, unknown")
  tap.is(before[2], "completion 9", "with what was there before")
  tap.is(s:get(key(1)), "completion 1", "the completion is there")
  tap.is(s:holder(key(1)), nil, "and its claim gone")
  ends, before = s:complete({ result(1, "another") }, 5)
  tap.is(shown(ends) .. before[1], "foundcompletion 1", "what the store holds is never replaced")
  tap.is(shown((s:claim("two", { call(1) }))), "false", "what was completed is not claimed again")
  s:put(key(2), "request 2", "{}", "live 2", 1)
  ends, before = s:complete({ result(2) }, 5)
  tap.is(shown(ends) .. before[1], "foundlive 2", "a call that was asked live meanwhile: the first completion stays")
  s:claim("one", calls(4, 5))
  s:set_batch("one", '{"a":3}', true)
  tap.is(s:holder(key(4)), nil, "a batch that has ended lets go of its calls")
  tap.is(#s:batches(), 2, "and is still listed")
  s:set_batch("one")
  tap.is(#s:batches(), 1, "until it is forgotten")
  s:claim("three", calls(6))
  s:set_batch("three")
  tap.is(s:holder(key(6)), nil, "a batch that is forgotten lets go of its calls")
end

do
  local found = {}
  core.each(path, function(r) found[#found + 1] = r.completion .. "/" .. r.request .. "/" .. r.wire end)
  table.sort(found)
  tap.is(found[1], 'completion 1/request 1/{"n":1}', "what was completed stands with its request and the body as sent")
  local s = open(true)
  tap.is(s:has_pending(), true, "opened to read: calls are pending")
  tap.is(#s:batches(), 1, "and the batches are listed")
  tap.is(s:holder(key(3)), "two", "with their calls")
  local well, problem = s:claim("two", calls(8))
  tap.is(well, nil, "nothing is claimed")
  tap.like(problem.message, "read-only", "which says why")
  s:close()
  local many, s2 = {}, open()
  for n = 1, 500 do many[n] = call(1000 + n) end
  tap.is(#s2:claim("many", many), 500, "hundreds at a time")
  for n = 1, 500 do many[n] = result(1000 + n, json.encode { n = n }) end
  tap.is(shown((s2:complete(many, 1))):gsub("committed ?", ""), "", "are all completed")
  tap.ok(not pcall(s2.claim, s2, "x", { { key = "short", request = "", wire = "" } }), "a key has 32 bytes")
  tap.ok(not pcall(s2.claim, s2, "x", { { key = key(1) } }), "and a claim its texts")
  s2:close()
end

for _, name in ipairs(sys.list(folder)) do os.remove(folder .. "/" .. name) end
os.remove(folder)
tap.done()
