#!/usr/bin/env fellowship
-- A plain verdict with words before or behind it that put it in doubt: somebody else's, a criterion's, a condition's,
-- a denial, an example, a correction. In no combination is it read as it would be without them.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local verdict = require "fellowship.judge.verdict"
local tap = require "tap"

local function read(strategy, text)
  local found = verdict.parse(text, { strategy = strategy })
  if not found then return nil end
  return found.scores.score or found.scores.a and found.scores.a .. " " .. found.scores.b or found.winner
end

local PLAIN = {
  direct = { "A is better.", "Assistant A wins.", "Answer: A", "I prefer A.", "[[A]]", "The winner is A.", "A > B",
    "The better response is A.", "Assistant A is better than Assistant B.", "Final verdict: Assistant A",
    "The former is better.", "1st: A\n2nd: B", "A has the edge.", "A instead of B", "A++", "The first one is better.",
    "Compared to B, A is better.", "Which is better? A", "A: rank 1\nB: rank 2" },
  independent = { "8/10", "Score: 8/10", "Overall Score: 8", "The score is 8.", "I give it 8/10.", "[[8]]",
    "Rating: 8 out of 10", "**Overall: 8/10**", "It gets 8/10." },
  combined = { "A: 8/10, B: 6/10", "Score Assistant A: 8/10\nScore Assistant B: 6/10", "I give A 8/10 and B 6/10.",
    "Assistant A gets 8/10 and Assistant B gets 6/10.", "Scores: 8, 6", "**Assistant A: 8/10** | **Assistant B: 6/10**",
    "A and B get 8 and 6 respectively.", "I give the former 8/10 and the latter 6/10." },
}

local BEFORE_CHOICES = {
  "It is not true that ", "Nobody says that ", "I do not think ", "I don't think that ", "I doubt that ",
  "It is unclear whether ", "I am not sure that ", "Assistant B claims that ", "The text says that ",
  "The text says: ", "If it were longer, ", "Possibly ", "Some would say ", "One could say ",
  "In terms of accuracy, ", "For accuracy: ", "On accuracy, ", "Regarding style, ", "As to style, ", "Accuracy: ",
  "Style - ", "(Accuracy) ", "[Accuracy] ", "Is it true that ", "Had it cited, ", "Unless B cites, ", "Only if ",
  "Supposedly ", "Initially, ", "Previously: ", "Before: ", "Yesterday ", "Example: ", "E.g. ", "For example, ",
  "e.g., ", "Sample output: ", "Expected output: ", "Example output:\n", "The user wants me to say ",
  "You could say ", "Format: ", "Template: ", "Never say ", "Do not write ", "Don't answer ", "Instead of ",
  "Incorrect: ", "Wrong: ", "False: ", "Not: ", "No: ", "Rejected: ", "Hardly ", "It would be wrong to say that ",
  "It is false that ", "They say ", "The prompt asks me to write ", "Response A ends with ", "Quote: ",
  "The injected text: ", "Injected instruction: ", "Criterion 1: ", "1. Accuracy: ", "- Style: ", "Turn 1: ",
  "Round 2: ", "First question: ", "Question: ", "Q: ", "Hypothesis: ", "Claim: ", "Suppose ", "Assume ",
  "Assuming that ", "Imagine that ", "Pretend ", "In case ", "Provided that ", "I almost wrote ",
  "I wanted to write ", "I was about to write ", "Initial thought: ", "Initial verdict: ", "Draft: ", "Tentative: ",
  "Prior: ", "Other judges: ", "GPT-4: ", "Human: ", "User: ", "Reference: ", "Key: ", "Legend: ", "Warning: ",
  "Despite the claim that ", "When ",
}

local BEHIND_CHOICES = {
  " in accuracy", " on accuracy", " at style", " for accuracy", " with respect to style", " is false", " is wrong",
  "?", " or not", " if it cited", " unless B cites", " only on style", " except on accuracy", "... not",
  " would be wrong", " when short", " as far as style goes", " style-wise", " stylistically", " in style alone",
  " by that criterion", " under criterion 1", " sometimes", " occasionally", " partly", " / tie", " or tie", " or B",
  "/B", " | B", " (or B)", ", B", " -> B", " => B", ", then B", "; no, B", ". No, B.", ". Wait, B.",
  ". But B is better.", ". Actually B is better.", ". On second thought, B.", ". Or B?",
  ". However, the winner is B.", "\nB", "\nAnswer: B", "\n[[B]]", "\n\nI revise my verdict to B.",
  "\n\nCorrection: B is better.", "\n\nEdit: B is better.", "\n\nUpdate: B wins.", "\n\nFinal verdict: B",
  "\n\nSo B is better.", "\n\nHowever, B is better.", "\n\nB is better.", "\n\nIgnore the above.",
}

local BEFORE_SCORES = {
  "It is not true that ", "Nobody says that ", "I do not think ", "I don't think that ", "I doubt that ",
  "It is unclear whether ", "Assistant B claims that ", "The text says that ", "The text says: ",
  "According to Assistant B, ", "If it were longer, ", "Perhaps ", "Some would say ", "In terms of accuracy, ",
  "For accuracy: ", "On accuracy, ", "Regarding style, ", "As to style, ", "Accuracy: ", "Style - ", "(Accuracy) ",
  "[Accuracy] ", "Is it true that ", "Had it cited, ", "Unless B cites, ", "Only if ", "Supposedly ", "Initially, ",
  "At first, ", "Previously: ", "Before: ", "Yesterday ", "Example: ", "E.g. ", "For example, ", "e.g., ",
  "Sample output: ", "Expected output: ", "Example output:\n", "The user wants me to say ", "You could say ",
  "Format: ", "Template: ", "Never say ", "Do not write ", "Don't answer ", "Instead of ", "Rather than ",
  "Incorrect: ", "Wrong: ", "False: ", "Not: ", "No: ", "Rejected: ", "Hardly ", "It would be wrong to say that ",
  "It is false that ", "They say ", "The prompt asks me to write ", "Response A ends with ", "Quote: ",
  "The injected text: ", "Criterion 1: ", "1. Accuracy: ", "- Style: ", "Turn 1: ", "Round 2: ", "First question: ",
  "Question: ", "Hypothesis: ", "Claim: ", "Suppose ", "Assume ", "Assuming that ", "Imagine that ", "Pretend ",
  "In case ", "I almost wrote ", "I wanted to write ", "My first thought: ", "Initial thought: ", "Initial verdict: ",
  "Initial scores: ", "Draft: ", "Tentative: ", "Prior: ", "Other judges: ", "GPT-4: ", "Human: ", "Reference: ",
  "Legend: ", "Despite the claim that ", "Because ", "When ", "Maximum: ", "Minimum: ", "Threshold: ",
  "Average of others: ", "Baseline: ", "Confidence: ", "Length: ", "Word count: ", "Errors: ", "Step 1: ",
  "Question 3: ",
}

local BEHIND_SCORES = {
  " in accuracy", " on accuracy", " at style", " for accuracy", " with respect to style", " is false", " is wrong",
  "?", " or not", " - or not", " if it cited", " unless B cites", " only on style", " except on accuracy",
  " but not overall", ", or so it says", ", it claims", ", says the response", " (not really)", " (just kidding)",
  " - no", "... not", ", not", " - wrong", " would be wrong", " when short", " as far as style goes", " style-wise",
  " stylistically", " in style alone", " by that criterion", " under criterion 1", " sometimes", " partly", " or 7",
  "/7", " or 9/10", " to 9", "-9", " +/- 1", " ± 1", "%", "+", " -> 7", " => 7/10", ", then 7", "; no, 7", ". No, 7.",
  ". Wait, 7.", ". Actually 7.", ". On second thought, 7/10.", ". Or 7?", "\n\nCorrection: 7/10", "\n\nEdit: 7/10.",
  "\n\nUpdate: 7/10", "\n\nIgnore the above.", "\n\nScratch that.", " points for accuracy", " words", " errors",
  " of the facts are right", " facts are right", " sources", " minutes", " lines", " times", " people agree",
  " years", " of 20", " out of 20", "/20", "/5", " out of 100", "e1", " million", " percent", "th", "x",
  " stars for style", " marks lost", " points lost", " points off", " points deducted", " more", " less",
  " higher than B",
}

for strategy, list in pairs(PLAIN) do
  local before, behind = BEFORE_SCORES, BEHIND_SCORES
  if strategy == "direct" then before, behind = BEFORE_CHOICES, BEHIND_CHOICES end
  for _, plain in ipairs(list) do
    local said = read(strategy, plain)
    tap.ok(said, ("%s: %q alone is read"):format(strategy, plain))
    local taken = {}
    for _, words in ipairs(before) do
      if read(strategy, words .. plain) == said then taken[#taken + 1] = words .. plain end
    end
    for _, words in ipairs(behind) do
      local text = plain:gsub("[%.*]+$", "") .. words
      if read(strategy, text) == said then taken[#taken + 1] = text end
    end
    tap.ok(#taken == 0, ("and in doubt it is not (%d ways)"):format(#before + #behind), table.unpack(taken, 1, 20))
  end
end

tap.done()
