#!/usr/bin/env fellowship
-- Orders from scores and from comparisons of everyone with everyone, on generated tournaments, and the pairs of them.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local fellowship = require "fellowship"
local tap = require "tap"
local preference = fellowship.preference

math.randomseed(18)

local function texts(n)
  local list = {}
  for i = 1, n do list[i] = "text " .. i end
  return list
end

-- ---- scores ----

local wrong = 0
for _ = 1, 300 do
  local n = math.random(2, 9)
  local scores = {}
  for i = 1, n do scores[i] = math.random(5) > 1 and math.random(0, 4) / 2 or nil end
  local order = preference.by_scores(n, scores)
  for i = 1, n do
    for j = 1, n do
      local want = scores[i] and scores[j] and scores[i] > scores[j] or nil
      if order.beats[i][j] ~= want then wrong = wrong + 1 end
    end
  end
  local best, worst
  for i = 1, n do
    if scores[i] and (not best or scores[i] > scores[best]) then best = i end
    if scores[i] and (not worst or scores[i] < scores[worst]) then worst = i end
  end
  local pair = preference.pairs(order, texts(n), "best-worst")[1]
  local decided = best and scores[best] > scores[worst]
  if decided ~= (pair ~= nil) and (decided or pair) then wrong = wrong + 1 end
  if pair and (pair.chosen ~= best or pair.rejected ~= worst) then wrong = wrong + 1 end
end
tap.is(wrong, 0, "by scores: the best against the worst, and every relation as the scores have it")

local order = preference.by_scores(8, { 9, 5, 5, 5, 5, 5, 5, 1 })
-- mean 5, population deviation 2: two of them below the mean is 1
tap.is(preference.pairs(order, texts(8), "sweet-spot")[1].rejected, 8, "the sweet spot, by hand: 1")
order = preference.by_scores(6, { 10, 8, 8, 8, 2, -20 })
-- mean 2.667, deviation 10.37: -18.1, nearest -20
tap.is(preference.pairs(order, texts(6), "sweet-spot")[1].rejected, 6, "the sweet spot: nearest to -18.1")
order = preference.by_scores(12, { 10, 9, 9, 9, 9, 9, 9, 9, 9, 9, 5, -30 })
-- mean 5.5, deviation 10.77: -16.0, nearest -30 (14.0 away) and 5 (21.0)
tap.is(preference.pairs(order, texts(12), "sweet-spot")[1].rejected, 12, "the sweet spot: -30 is nearer than 5")
order = preference.by_scores(10, { 10, 9, 8, 7, 6, 5, 4, 3, 2.3, -9 })
-- mean 4.53, deviation 5.12: -5.7; -9 is 3.3 away, 2.3 is 8.0
tap.is(preference.pairs(order, texts(10), "sweet-spot")[1].rejected, 10, "the sweet spot: by distance on both sides")
tap.is(preference.pairs(preference.by_scores(3, { 2, 2, 2 }), texts(3), "sweet-spot")[1], nil, "equal scores: no pair")
local _, why = preference.pairs(preference.by_scores(3, { 2 }), texts(3), "best-worst")
tap.is(why, "unparsed", "one score alone: no pair, and why")
local ok, problem = pcall(preference.pairs, preference.order(2, { { a = 1, b = 2, verdict = { winner = "a" } } }),
  texts(2), "sweet-spot")
tap.ok(not ok and tostring(problem):find "need scores", "a ladder has no sweet spot")
tap.is(preference.quality.scores(preference.by_scores(2, { 0.25, -1 }))({ chosen = 1, rejected = 2 }).margin, 1.25,
  "margins are in the ranking's own unit")

-- ---- everyone against everyone ----

local games = preference.everyone(5, function(a, b) return { winner = a < b and "a" or "b" } end)
local shown = {}
for _, c in ipairs(games) do shown[c.a] = (shown[c.a] or 0) + 1 end
tap.is(#games, 10, "five players: ten games")
tap.is(shown[1] .. shown[2] .. shown[3] .. shown[4] .. shown[5], "22222", "each is shown as A as often as the others")

wrong = 0
local circles = 0
for _ = 1, 400 do
  local n = math.random(3, 7)
  local comparisons = preference.everyone(n, function()
    return { winner = ({ "a", "b", "a", "b", "tie", "unparsed" })[math.random(6)] }
  end)
  local before = preference.order(n, comparisons)
  local after = preference.unwind(before)
  if before.cycle then circles = circles + 1 end
  for i = 1, n do
    if after.beats[i][i] then wrong = wrong + 1 end
    for j = 1, n do
      if after.beats[i][j] and after.beats[j][i] then wrong = wrong + 1 end
      local same_circle = before.beats[i][j] and before.beats[j][i]
      if not same_circle and before.beats[i][j] and not after.beats[i][j] then wrong = wrong + 1 end
      if after.beats[i][j] and not before.beats[i][j] then wrong = wrong + 1 end -- nothing that no game shows
    end
  end
  local list = preference.pairs(after, texts(n), "all")
  if before.cycle and not pcall(preference.pairs, after, texts(n), "best-worst") then wrong = wrong + 1 end
  for _, pair in ipairs(list) do
    if not after.beats[pair.chosen][pair.rejected] then wrong = wrong + 1 end
  end
end
tap.ok(circles > 50, ("%d of 400 tournaments went in a circle"):format(circles))
tap.is(wrong, 0, "unwound: no circle, and what stood outside of circles stands")

local function win(a, b) return { a = a, b = b, verdict = { winner = "a" } } end
local circle = preference.unwind(preference.order(3, { win(1, 2), win(2, 3), win(3, 1) }))
_, why = preference.pairs(circle, texts(3), "best-worst")
tap.is(why, "cycle", "a circle of one win each: equal strengths, no pair, and why")
-- 1 beats 2 and 3, 2 beats 3 and 4, 3 beats 4, 4 beats 1: 2:1, 2:1, 1:2, 1:2 wins
local four = preference.unwind(preference.order(4, { win(1, 2), win(1, 3), win(2, 3), win(2, 4), win(3, 4), win(4, 1) }))
tap.ok(four.beats[1][3] and four.beats[1][4] and four.beats[2][3], "in a circle, who won more stands above")
tap.ok(not four.beats[3][1] and not four.beats[4][1], "and not below")

-- ---- generators ----

local one = fellowship.candidates { generators = { "sim:one", fellowship.feedback { generator = "sim:two",
  reviewers = { "sim:critic" }, responses = 2 } }, samples = 2 }
local all = one:respond "Name a river."
tap.is(#all.responses, 6, "a model and a loop of two, twice each")
tap.is(table.concat(all.models, " "), "sim:one sim:one sim:two sim:two sim:two sim:two", "by generator, then by sample")
tap.ok(all.responses[1] ~= all.responses[2] and all.responses[3] ~= all.responses[5], "samples differ")
local alone = fellowship.feedback { generator = "sim:two", reviewers = { "sim:critic" }, responses = 2 }
tap.is(all.responses[4], alone:respond("Name a river.").text, "the loop's first sample is the loop's own")
tap.is(all.responses[6], alone:respond("Name a river.", { sample = 2 }).text, "and so is its second")
local nested = fellowship.candidates { generators = { one } }
tap.is(#nested:respond("Name a river.").responses, 6, "candidates are a generator themselves")

local broken = { respond = function() error "no" end, models = { "mine" } }
local part = fellowship.candidates({ generators = { "sim:one", broken } }):respond "Name a river."
tap.is(#part.responses, 1, "one generator fails: the other's response stands")
tap.is(part.problems[1].model, "mine", "and the problem is named")
tap.ok(not pcall(function() fellowship.candidates({ generators = { broken } }):respond "Name a river." end),
  "all fail: an error")

-- ---- until ----

local rounds = {}
local loop = fellowship.feedback { generator = "sim:two", reviewers = { "sim:critic" }, responses = 5,
  ["until"] = function(state)
    rounds[#rounds + 1] = state.round
    return state.round == 2
  end }
local result = loop:respond "Name a river."
tap.is(#result.responses .. #result.feedback .. #result.rounds .. result.scores[2][1] ~= nil and #rounds, 2,
  "a function of one's own ends the loop")
tap.is(#result.responses, 2, "with what was written so far")
local most = fellowship.feedback { generator = "sim:two", reviewers = { "sim:critic" }, responses = 6 }:respond "Why?"
local stop
for n, scores in ipairs(most.scores) do stop = stop or scores[1] >= 7 and n or nil end
local ended = fellowship.feedback { generator = "sim:two", reviewers = { "sim:critic" }, responses = 6,
  ["until"] = 7 }:respond "Why?"
tap.is(#ended.responses, stop or 6, "until 7: ends with the first response that is worth it")
tap.ok(not pcall(fellowship.feedback, { generator = "sim:two", reviewers = { "sim:critic" }, ["until"] = 11 }),
  "until 11 is no score")

tap.done()
