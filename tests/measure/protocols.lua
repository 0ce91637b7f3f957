#!/usr/bin/env fellowship
-- Benchmarks of judges: their rules. ties.json was written once in numpy, by the formulas of RewardBench 2's own scoring
-- (rewardbench/utils.py, process_single_model); the others are figured by hand from the benchmarks' rules.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local json = require "fellowship.core.json"
local protocols = require "fellowship.measure.protocols"
local resampling = require "fellowship.measure.resampling"
local tap = require "tap"

local function near(got, wanted, name)
  tap.ok(got and math.abs(got - wanted) < 1e-12 or false, name, ("got %s, wanted %s"):format(got, wanted))
end

local file <close> = assert(io.open(arg[0]:gsub("[^/]*$", "") .. "ties.json"))
for i, case in ipairs(json.decode(file:read "a")) do
  near(protocols.ties(case.prompts), case.score, ("RewardBench 2's ties, table %d"):format(i))
end
tap.is(protocols.ties {}, nil, "no ties, no score")

for _, c in ipairs { { { 9, 3, 2, 1 }, 1 }, { { 9, 9, 2, 1 }, 1 / 2 }, { { 7, 7, 7, 7 }, 1 / 4 }, { { 6, 7, 1, 1 }, 0 },
  { { -math.huge, -math.huge }, 0 } } do
  near(protocols.best_of(c[1]), c[2], "best of: " .. table.concat(c[1], ", "))
end

for _, c in ipairs { { "a", "a", 1, 1 }, { "a", "tie", 1, 1 / 2 }, { "a", "b", 0, 1 / 2 }, { "tie", "tie", 0, 0 },
  { "unparsed", "a", 1, 1 / 2 }, { "b", "b", 0, 0 }, { "b", "tie", 0, 0 } } do
  near(protocols.judgebench({ c[1], c[2] }, "a"), c[3], ("JudgeBench: %s and %s"):format(c[1], c[2]))
  local score, agree = protocols.llmbar({ c[1], c[2] }, "a")
  near(score, c[4], ("LLMBar: %s and %s"):format(c[1], c[2]))
  tap.is(agree, c[1] == c[2], "and whether they agree")
end

-- PPE: columns as its data sets on the hub have them (lmarena-ai/PPE-Human-Preference-V1, PPE-MATH-Best-of-K).
local function preference(winner)
  return { prompt = "p", response_1 = "x", response_2 = "y", winner = winner, hard_prompt = true, is_code = true,
    math_prompt = false, language = "English" }
end
local preferred = protocols.ppe_pairs(preference "model_b")
local only = preferred.pairs[1]
tap.is(only.a .. only.b .. only.label .. #preferred.pairs, "xyb1", "PPE: what people preferred")
tap.is(table.concat(preferred.groups, " "), "hard_prompt is_code", "and of what kind the prompt is")
for _, tie in ipairs { "tie", "tie (bothbad)" } do
  tap.is(#protocols.ppe_pairs(preference(tie)).pairs, 0, "PPE: no pair where people saw a " .. tie)
end
local checked = { prompt = "p", model_name = "m", scores = { true, false, false, true }, response_1 = "1",
  response_2 = "2", response_3 = "3", response_4 = "4", sampled_conflict_pairs = { { 0, 1 }, { 2, 3 }, { 1, 3.0 } } }
local said = {}
for i, one in ipairs(protocols.ppe_pairs(checked).pairs) do said[i] = one.a .. one.b .. one.label end
tap.is(table.concat(said, " "), "12a 34b 24b", "PPE: pairs of right and wrong responses, numbered from 0")
for wrong, problem in pairs { ["[0,3]"] = "[0,3] of sampled_conflict_pairs is no right and wrong", ["[0,4]"] = "[0,4]",
  ["[0]"] = "[0]", ["[-1,0]"] = "[-1,0]", ["[0.5,1]"] = "[0.5,1]" } do
  checked.sampled_conflict_pairs = { json.decode(wrong) }
  local found, why = protocols.ppe_pairs(checked)
  tap.is(found, nil, "PPE: the pair " .. wrong .. " is refused")
  tap.like(why, problem, "by its numbers")
end
tap.like(select(2, protocols.ppe_pairs(preference "model_c")), "the winner model_c is none of", "PPE: a winner it does not have")
tap.like(select(2, protocols.ppe_pairs { prompt = "p", winner = "tie" }), "response_1", "PPE: no responses")
local sums = protocols.ppe({ { "a", "a" }, { "a", "tie" }, { "b", "a" }, { "b", "b" } },
  { { label = "a" }, { label = "a" }, { label = "a" }, { label = "b" } })
tap.is(sums.sum, 3.0, "PPE: each order counts for itself, ties are not right")
tap.is(("%d %d %.2f"):format(sums.count, sums.agree, sums.score), "4 2 0.75", "of four pairs, two alike in both orders")

-- In Arena-Hard's first game the model is B, in the second one A.
for _, c in ipairs { { "A>B", "A>B", 1, 2 }, { "B>>A", "A>>B", 6, 6 }, { "A>>B", "B>A", 0, 4 }, { "A=B", "B=A", 1, 2 },
  { "A<<B", "A<B", 3, 4 } } do
  local sum, count = protocols.arena_hard { { score = c[1] }, { score = c[2] } }
  near(sum, c[3], ("Arena-Hard: %s and %s"):format(c[1], c[2]))
  tap.is(count, c[4], "and how often it counts")
end
tap.is(protocols.arena_hard { { score = "A>B" }, { score = json.null } }, nil, "a game that was not read leaves the row out")

local pair = protocols.pair("llmbar", { input = "q", output_1 = "x", output_2 = "y", label = 2.0 })
tap.is(pair.label, "b", "LLMBar's label 2 is the second response")
local _, problem = protocols.pair("judgebench", { question = "q", response_A = "x", response_B = "y", label = "C" })
tap.like(problem, "label C", "a label of none")
_, problem = protocols.pair("judgebench", { question = "q", response_A = "x" })
tap.like(problem, "response_B", "a row without a response")

local mean, ends = resampling.ratio({ 1, 0, 3, 0.5, 1, 1 }, { 1, 1, 3, 1, 1, 1 }, { seed = 2 })
near(mean, 6.5 / 8, "a mean of rows that count differently")
tap.ok(ends[1] < mean and mean < ends[2], "within its interval")
tap.is(resampling.ratio({}, {}), nil, "no rows, no mean")

tap.done()
