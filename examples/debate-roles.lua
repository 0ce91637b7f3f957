#!/usr/bin/env fellowship
-- A debate among referees of one's own: each has a name and something that it looks at.
--   fellowship examples/debate-roles.lua openai:gpt-4o-mini
local fellowship = require "fellowship"

local debate = fellowship.debate {
  model = arg[1] or "sim:referee",
  rounds = 1,
  roles = {
    { name = "Teacher", view = "You ask whether a beginner would understand it." },
    { name = "Editor", view = "You ask whether every sentence is needed." },
    { name = "Physicist", view = "You ask whether it is true." },
  },
}

local verdict = debate:compare {
  prompt = "Why is the sky blue?",
  a = "Air scatters short waves of light more than long ones, so blue comes from all over the sky.",
  b = "Because the sky reflects the sea, which is blue, and the sea is blue because of the sky.",
}

for _, turn in ipairs(verdict.evidence) do
  print(("[%s%s]\n%s\n"):format(turn.role, turn.final and ", final scores" or "", turn.text))
end
if verdict.winner == "unparsed" then return print "a referee's scores could not be read" end
print(("winner: %s (A %.1f, B %.1f)"):format(verdict.winner, verdict.scores.a, verdict.scores.b))
