#!/usr/bin/env fellowship
-- A jury of three: how each votes, and what the jury says.
--   fellowship examples/jury.lua openai:gpt-4o-mini together:google/gemma-2-9b-it openai:gpt-4o
local fellowship = require "fellowship"

local names = { arg[1] or "sim:first", arg[2] or "sim:second", arg[3] or "sim:third" }
local jury = fellowship.jury { names[1], names[2], names[3], strategy = "combined", scale = 10 }

local verdict = jury:compare {
  prompt = "How do I keep bread fresh?",
  a = "In a bread box or a paper bag, cut side down; for more than three days, sliced in the freezer.",
  b = "Bread is best kept in a place where bread is kept.",
}

for i, vote in ipairs(verdict.votes) do
  print(("%-40s %-8s A %s, B %s"):format(names[i], vote.winner, vote.scores.a or "-", vote.scores.b or "-"))
end
print(("the jury: %s (%d of %d votes could be read)"):format(verdict.winner, verdict.parsed, #names))
