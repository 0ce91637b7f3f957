#!/usr/bin/env fellowship
-- A verdict among sentences that hold numbers, letters and words of verdicts, and are none: before it, behind it, in the
-- same line. It is read as it would be alone; among a few of them, which might be taken for scores, or not at all.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local verdict = require "fellowship.judge.verdict"
local tap = require "tap"

local NUMBERS = {
  "A lists 5 reasons, B lists 3.", "It scores 9/10 on accuracy.", "In 2023, 40% of users agreed.",
  "Step 1: read the question.", "See point 3 above.", "The 2nd paragraph is wrong.", "8 of the 10 facts are right.",
  "7/10 dentists agree.", "B loses 2 points for style.", "A is 20% longer than B.",
  "Assistant A uses 3 sources; Assistant B uses 1.", "A perfect answer would score 10/10.",
  "The question has 2 parts.", "Both answers mention Apollo 11.", "Python 3.12 is required.",
  "GPT-4 would do better.", "The ratio is 3:2.", "At 10:30 it was done.", "Version 2.0 is out.", "Accuracy: 9/10.",
  "Assistant A answers with 42.", "The answer is 42.", "Score one for A!", "Out of 10 claims, 9 hold.",
  "Response A (120 words) is shorter than Response B (250 words).", "A: concise. B: verbose.",
  "Assistant A: concise, with 3 points.\nAssistant B: verbose, with 7 points.", "I considered a 9.",
  "Some would give it 9/10.", "An 8 would be too high.", "It is worth noting that 5 > 3.", "x = 8 is the solution.",
  "The score in the game was 8-6.", "He scored 8 points in the game.", "The movie has a rating of 8/10 on IMDb.",
  "Chapter 8 covers it.", "Question 8 asks for it.", "8 is a good number.", "The grade 8 pupils like it.",
  "Its rating system has 5 stars.", "The user rated it 4 stars.", "The final score of the match was 3 to 1.",
  "Total: 15 apples.", "In total there are 7 days.", "Overall, 9 of 10 points are covered.",
  "Overall it has 3 flaws.", "The final 2 sentences are weak.", "Its final answer, 8, is right.",
  "The overall length is 300 words.", "Evaluation criteria (1-5): accuracy, depth.",
  "Weights: accuracy 60%, depth 40%.", "Good: 3, bad: 2.", "A+ for style.", "B- for depth.",
  "A is better in 3 of 5 aspects.", "Thus 3 points stand out.", "So, 2 things matter.",
}

-- Next to one of these a verdict may be left unread.
local DOUBTFUL = {
  "A deserves credit for 3 examples.", "Clarity: A 9/10, B 5/10.", "1. Accuracy: both fine.", "- Depth: 4/5",
  "| Accuracy | 9 | 5 |", "f(8) = 6", "Mark 8:29 is quoted.",
}

local VERDICTS = {
  combined = { ["7 4"] = { "### Score Assistant A:\n7/10\n\n### Score Assistant B:\n4/10",
    "Score Assistant A: 7/10\nScore Assistant B: 4/10", "**Assistant A: 7/10**\n**Assistant B: 4/10**",
    "Final scores: Assistant A: 7, Assistant B: 4", '{"score_a": 7, "score_b": 4}', "Assistant A: 7/10\nAssistant B: 4/10" } },
  independent = { ["7"] = { "### Overall Score:\n7/10", "Overall Score: 7/10", "**Overall Score: 7**",
    "Final rating: 7/10", '{"score": 7}', "[[7]]", "Score: 7/10" } },
  direct = { a = { "### Answer:\nA", "Answer: A", "**Final verdict: A**", "[[A]]", "The better response is A.",
    '{"winner": "A"}', "Assistant A is better." } },
}

local function read(strategy, text)
  local found = verdict.parse(text, { strategy = strategy })
  if not found then return nil end
  if strategy == "direct" then return found.winner end
  local scores = found.scores
  return scores.score and ("%g"):format(scores.score) or ("%g %g"):format(scores.a, scores.b)
end

local function among(strategy, plain, want, sentences, doubtful)
  local failures, tried = {}, 0
  for _, other in ipairs(sentences) do
    for _, text in ipairs { other .. "\n\n" .. plain, other .. "\n" .. plain, other .. " " .. plain,
      plain .. "\n\n" .. other, plain .. "\n" .. other } do
      local got = read(strategy, text)
      tried = tried + 1
      if got ~= want and (got or not doubtful) then failures[#failures + 1] = ("%q: %s"):format(text, got) end
    end
  end
  tap.ok(#failures == 0, ("%s: %q among %d of %s"):format(strategy, plain, tried, doubtful and "doubt" or "numbers"),
    table.unpack(failures, 1, 6))
end

for strategy, wanted in pairs(VERDICTS) do
  for want, list in pairs(wanted) do
    for _, plain in ipairs(list) do
      among(strategy, plain, want, NUMBERS, false)
      among(strategy, plain, want, DOUBTFUL, true)
    end
  end
end

tap.done()
