#!/usr/bin/env fellowship
-- The readers of verdicts on texts that nobody means well by: whatever is written is read or not, never an error, and
-- time grows with the length alone.
package.path = arg[0]:gsub("[^/]*$", "") .. "../lib/?.lua;" .. package.path

local verdict = require "fellowship.judge.verdict"
local growth = require "growth"
local tap = require "tap"

local STRATEGIES = { "combined", "independent", "direct" }

-- Anything that readers look for, in any order.
local PARTS = { "#", "## ", "### ", "*", "**", "_", " ", "\n", "\n\n", "\t", ":", ": ", "score", "Score ", "SCORE", "assistant", "Assistant A", "assistant b", "Assistant 1",
  "Response C", "the first", "second", "overall", "Overall Score", "total", "answer", "Answer", "### Score Assistant A:\n", "### Answer:\n", "7/10", "8", "10", "0", "-3", "1e9", "½", "８", "⑧",
  "999999999999999999999", "1.5", "1..5", "8,5", "/", "out of", "of", "%", "{", "}", "[", "]", "[[", "]]", "(", ")", '{"score_a":', '"winner": "A"', '"', "'", "\\", "\\boxed{", "\\frac{8}{10}", ",", ";", ".",
  "a", "A", "B", "C", " is ", "better", "worse", "than", "tie", "not ", "or ", "and ", "if ", "would ", "says", "because", "<think>", "</think>", "<score_a>", "</score_a>", "<b>", "<td>", "&#83;", "&amp;", "`", "```",
  "\n```\n", ">", "> ", "<", "=", "=>", "-", "- ", "|", "| ", "|---|", "\n|", "~", "~~", "^", "+", "$", "é", "à", "助手", "评分", "を", "оценка", "б", "\u{200b}", "\u{301}", "\0", "\1", "\6", "\xff", "\xc3", "🅰️", "1. ", "x2", "I give " }

local texts, failed, strange = 0, nil, nil
for _ = 1, 3000 do
  local list = {}
  for i = 1, math.random(1, 40) do list[i] = PARTS[math.random(#PARTS)] end
  local text = table.concat(list)
  for _, strategy in ipairs(STRATEGIES) do
    local well, found = pcall(verdict.parse, text, { strategy = strategy, candidates = { text:sub(1, 60), list[1], table.concat(list, " ", 1, #list // 2) },
      second = math.random(2) == 1, cut = math.random(4) == 1 })
    texts = texts + 1
    if not well then failed = ("%s: %q: %s"):format(strategy, text, found) end
    if well and found then
      for _, score in pairs(found.scores) do
        if not (score >= 0 and score <= 10) then strange = ("%s: %q: %s"):format(strategy, text, score) end
      end
      if strategy ~= "independent" and found.winner ~= "a" and found.winner ~= "b" and found.winner ~= "tie" then strange = text end
    end
  end
end
tap.is(failed, nil, ("%d texts of what readers look for raise no error"):format(texts))
tap.is(strange, nil, "and what is read is within the scale")

local UNITS = { "#", "##\n", "#\n", "*", "**", "_", " ", "\n", "\t", "0", "8", "8 ", "8/", "8/10 ", "1.", "1. ", "8,", "½", "{", "}", "{\"", "{\"a\":", '{"a":{', "[", "[[", "]", "(", "<", "<a", "<a>", "</a>", "<think>", "</think>",
  "<think>\n", "&", "&#8", "~~", "~~a", "`", "```\n", "|", "| ", "|\n", "|-|\n", "-", "- ", ">", "> ", "\\", "\\boxed{", "\\frac{", "Score Assistant A: ", "Score Assistant A: 8/10\n", "### Score Assistant A:\n", "### Answer:\n", "Answer: A\n",
  "Assistant A ", "A", "A ", "A. ", "A is better. ", "Overall Score: 8. ", "a", "word ", "助手", "评", "б ", "é", "\u{200b}", "\xff", "\xe2", ",", ".", ". ", "; ", ":", ": ", "'", '"', '" ', "**Assistant A**: ", "| A | 8 |\n", '{"score_a": 8}',
  '{"winner": "A"} ', "<score_a>8</score_a>", "says: ", "of ", "not ", "### Overall Score:\n8/10\n\n", "\r\n" }

local slowest, which, steep = 0, nil, {}
for _, unit in ipairs(UNITS) do
  for _, strategy in ipairs(STRATEGIES) do
    local problem, took = growth.of_text(function(text) verdict.parse(text, { strategy = strategy, candidates = { "x" } }) end, unit, 100000, 1000000)
    if problem then steep[#steep + 1] = ("%q, %s: %s"):format(unit, strategy, problem) end
    if took > slowest then slowest, which = took, ("%q, %s"):format(unit, strategy) end
    if os.getenv "HOSTILE_TABLE" then print(("# %-28s %-12s %7.1f ms"):format(("%q"):format(unit), strategy, took * 1e3)) end
  end
end
tap.is(table.concat(steep, "\n"), "", ("no text makes it slow (1 MB: %.0f ms at most, %s)"):format(slowest * 1000, which))

tap.done()
