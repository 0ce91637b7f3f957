#!/usr/bin/env fellowship
-- The verdict parser on every recorded text of a judge, against the recorded scores.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local sys = require "fellowship.core.sys"
local rows = require "fellowship.dataset.rows"
local verdict = require "fellowship.judge.verdict"
local tap = require "tap"

local shared = os.getenv "FELLOWSHIP_SHARED" or arg[0]:gsub("[^/]*$", "") .. "../../../shared"
if sys.kind(shared .. "/data/fair-eval") ~= "folder" then
  print "1..0 # SKIP the paper's recordings are not here; examples/guide/reproduce.md tells what can be had of them"
  return
end

local function files(folder)
  local list = {}
  for _, name in ipairs(sys.list(folder)) do list[#list + 1] = folder .. "/" .. name end
  return list
end

local count, differing

local function compare(text, a, b, where)
  local found, problem = verdict.parse(text, { strategy = "combined", scale = 10 })
  count = count + 1
  if not found or found.scores.a ~= a or found.scores.b ~= b then
    differing[#differing + 1] = ("%s: %s"):format(where, problem or "other scores")
  end
end

local function each(name, folder, fn)
  count, differing = 0, {}
  for _, path in ipairs(files(folder)) do
    for row in rows.open(path) do fn(row, path) end
  end
  tap.ok(count > 0 and #differing == 0, ("%s: all %d texts are read as recorded"):format(name, count),
    table.concat(differing, "\n"))
end

each("judges", shared .. "/data/fair-eval/recorded/judge", function(row, path)
  compare(row.text, row.score_a, row.score_b, path .. " " .. row.id)
end)

each("debates", shared .. "/data/fair-eval/recorded/debate", function(row, path)
  local a, b, n = 0, 0, 0
  for _, statement in ipairs(row.final) do
    local found = verdict.parse(statement.text, { strategy = "combined", scale = 10 })
    if found then a, b, n = a + found.scores.a, b + found.scores.b, n + 1 end
    count = count + 1
  end
  if n ~= 3 or math.abs(a / 3 - row.score_a) > 1e-9 or math.abs(b / 3 - row.score_b) > 1e-9 then
    differing[#differing + 1] = path .. " " .. row.id
  end
end)

each("picks", shared .. "/data/feedback/recorded/picks", function(row, path)
  for _, c in ipairs(row.comparisons) do compare(c.text, c.score_a, c.score_b, path .. " " .. row.id) end
end)

local winners = { agent = "a", gpt = "b", tie = "tie" }
each("comparisons", shared .. "/data/feedback/recorded/versus", function(row, path)
  if type(row.text) ~= "string" then return end
  local found = verdict.parse(row.text, { strategy = "combined", scale = 10 })
  count = count + 1
  if not found or found.winner ~= winners[row.winner] then differing[#differing + 1] = path .. " " .. row.id end
end)

tap.done()
