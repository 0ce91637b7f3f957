#!/usr/bin/env fellowship
-- Report cards: counted from patterns as row by row, by prompts, in both orders, of juries, and far from the rows' order.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local fellowship = require "fellowship"
local agreement = require "fellowship.measure.agreement"
local ballots = require "fellowship.measure.ballots"
local coefficients = require "fellowship.measure.coefficients"
local vote = require "fellowship.judge.vote"
local tap = require "tap"
local json = fellowship.json

local function near(got, wanted, name, distance)
  tap.ok(got ~= json.null and got and math.abs(got - wanted) <= (distance or 1e-12) or false, name,
    ("got %s, wanted %s"):format(got, wanted))
end

math.randomseed(11)
local WINNERS = { "a", "tie", "b", "unparsed" }

local function verdict()
  local first, second = WINNERS[math.random(4)], WINNERS[math.random(4)]
  local found = vote.of_both_orders({ winner = first, problem_kind = first == "unparsed" and "none" or nil }, { winner = second })
  return found
end

local rows, judged = {}, { {}, {}, {} }
for i = 1, 400 do
  rows[i] = { human = ({ "a", "tie", "b" })[math.random(5)], longer = ({ "a", "b" })[math.random(3)], key = "p" .. i % 150 }
  for m = 1, 3 do judged[m][i] = math.random() < 0.03 and false or verdict() end
end

--- The same counts, row by row.
local function plain(verdicts)
  local c = { n = 0, unparsed = 0, ties = 0, failed = 0, unlabelled = 0, flipped = 0, first = 0, decided = 0, equal = 0 }
  for i, row in ipairs(rows) do
    local v = verdicts[i]
    if not row.human then c.unlabelled = c.unlabelled + 1 end
    if not v then
      c.failed = c.failed + 1
    else
      if v.winner == "unparsed" then c.unparsed = c.unparsed + 1
      elseif row.human then
        c.n, c.equal = c.n + 1, c.equal + (row.human == v.winner and 1 or 0)
      end
      if v.winner == "tie" then c.ties = c.ties + 1 end
      if v.flipped then c.flipped = c.flipped + 1 end
      for _, order in ipairs(v.orders or {}) do
        if order.winner == "a" or order.winner == "b" then
          c.decided = c.decided + 1
          if (order.shown == "ab") == (order.winner == "a") then c.first = c.first + 1 end
        end
      end
    end
  end
  return c
end

local b = ballots.new(3)
for i, row in ipairs(rows) do
  b:add { key = row.key, human = row.human, longer = row.longer, verdicts = { judged[1][i], judged[2][i], judged[3][i] } }
end
for m = 1, 3 do
  local card, wanted = agreement.of(b, { m }, { "m" }, { seed = 1 }), plain(judged[m])
  for _, name in ipairs { "n", "unparsed", "ties", "failed", "unlabelled" } do
    tap.is(card[name], wanted[name], ("judge %d: %s, as row by row"):format(m, name))
  end
  near(card.agreement, wanted.equal / wanted.n, ("judge %d: agreement"):format(m))
  tap.is(card.flips.side + card.flips.tie, wanted.flipped, ("judge %d: flips"):format(m))
  near(card.position.first_wins, wanted.first / wanted.decided, ("judge %d: how often what was first wins"):format(m))
  local alone = fellowship.measure.card({ "m" }, rows, judged[m], { seed = 1 })
  tap.is(json.canonical(alone), json.canonical(card), ("judge %d: the same card from lists"):format(m))
end

-- A jury's verdicts are the mode of its members'.
local mode = {}
for i = 1, #rows do
  mode[i] = judged[1][i] and judged[2][i] and judged[3][i] and vote.mode { judged[1][i], judged[2][i], judged[3][i] } or false
end
local card, wanted = agreement.of(b, { 1, 2, 3 }, { "m", "n", "o" }, {}), plain((function()
  local list = {}
  for i, winner in ipairs(mode) do list[i] = winner and { winner = winner } end
  return list
end)())
for _, name in ipairs { "n", "unparsed", "ties", "failed" } do tap.is(card[name], wanted[name], "a jury: " .. name) end
near(card.agreement, wanted.equal / wanted.n, "a jury: agreement")

-- The quick figures of a bootstrap are the others.
for i = 1, 50 do
  local s, t = {}, {}
  for k = 1, 9 do s[k] = math.random(0, i % 3 == 0 and 1 or 30) end
  for r = 1, 3 do t[r] = { s[3 * r - 2], s[3 * r - 1], s[3 * r] } end
  local agreed, kappa, quadratic, ac1 = coefficients.of_three(s, 0)
  local want = { coefficients.agreement(t), coefficients.kappa(t), coefficients.kappa(t, "quadratic"), coefficients.ac1(t) }
  local off = 0
  for k, got in pairs { agreed or false, kappa or false, quadratic or false, ac1 or false } do
    off = math.max(off, got and want[k] and math.abs(got - want[k]) or (not got and not want[k]) and 0 or 9)
  end
  if off > 1e-12 then tap.ok(false, "a table of three", table.concat(s, " "), off) end
end

-- Rows of one prompt hang together: each row four times over is no more evidence when its key says so.
local function width(times, keyed)
  local list, verdicts = {}, {}
  for i = 1, 300 do
    for _ = 1, times do
      list[#list + 1] = { human = i % 3 == 0 and "b" or "a", key = keyed and i or nil }
      verdicts[#list] = i % 5 < 2 and "b" or "a"
    end
  end
  local ends = fellowship.measure.card({ "m" }, list, verdicts, { seed = 3 }).kappa_ci95
  return ends[2] - ends[1]
end
local once = width(1, true)
near(width(4, true) / once, 1, "four equal rows of one prompt weigh as one", 0.1)
near(width(4, false) / once, 0.5, "four prompts narrow the interval to a half", 0.06)

-- Lengths: a judge that takes the longer one, and people who do not.
local long, length_rows = {}, {}
for i = 1, 600 do
  local d = (i * 37 % 201 - 100) * 5 + 200 -- A is longer, on the whole
  local by_length = d > 0 and "a" or "b"
  length_rows[i] = { human = i % 2 == 0 and "a" or "b", longer = by_length, length = d }
  long[i] = i % 10 < 8 and by_length or (i % 4 < 2 and "a" or "b")
end
local lengthy = fellowship.measure.card({ "m" }, length_rows, long, { lengths = true, seed = 1 })
tap.ok(lengthy.win_rate.halves.rate > 0.6, "A wins by length alone")
near(lengthy.win_rate.length_controlled.rate, 0.5, "and at equal lengths it does not", 0.12)
tap.ok(lengthy.win_rate.length_controlled.length_coefficient > 1, "the coefficient says why")
near(lengthy.longer_wins_human, 0.5, "people have no such lean", 0.05)

-- Many rows and patterns: quick, and beside the loop.
local many = ballots.new(6)
local n = 20000
for i = 1, n do
  local verdicts = {}
  for m = 1, 6 do verdicts[m] = WINNERS[math.random(4)] end
  many:add { key = i, human = WINNERS[math.random(3)], longer = "a", length = i % 7, verdicts = verdicts }
end
local turns, going = 0, true
fellowship.spawn(function()
  while going do
    fellowship.sleep(0)
    turns = turns + 1
  end
end)
for m = 1, 6 do agreement.of(many, { m }, { "m" }, { lengths = true }) end
agreement.of(many, { 1, 2, 3, 4, 5, 6 }, { "m" }, {})
going = false
tap.ok(turns > 20, ("the loop turns while seven cards of %d rows are made: %d times"):format(n, turns))

-- A jury of every subset of ten models, and more, beside each other.
local crowd = ballots.new(1100)
for i = 1, 8 do
  local verdicts = {}
  for m = 1, 1100 do verdicts[m] = (i + m) % 3 == 0 and "b" or "a" end
  crowd:add { key = i, human = "a", verdicts = verdicts }
end
tap.is(agreement.of(crowd, { 1100 }, { "m" }, {}).n, 8, "more than a thousand evaluators of one row")

tap.done()
